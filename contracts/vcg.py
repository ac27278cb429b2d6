"""What the parties of any plan are paid under VCG, what each gains, and the audit of that by misreports.

Costs are c_j(x), what is nobody's o(x), and the plan x has the least total C = sum c_j + o. Each party is paid

    transfer_i = h_i - [C(x) - c_i(x)],

so that what it gets, transfer_i - c_i(x) = h_i - C(x), is largest where C is least by its true cost: truth is best, whatever the
others report, as long as h_i does not depend on its report (Groves, Econometrica 41, 1973). Clarke's h_i is the least total of
the others in the world without i. At a plan that is above the least total nobody gains more than by how much, and than by what
h_i may be off: `epsilon`. Where values are maximised, a cost is minus the value, and o minus what the objective holds besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from veridical.contracts.audit import Audit, audit
from veridical.contracts.comparison import Compared, allowed, gainful
from veridical.contracts.joint_plan.audit import PartyResult
from veridical.contracts.joint_plan.search import PartyMisreport, Tried
from veridical.contracts.properties import PropertyResult, applies_to, worst_case
from veridical.data import InputError
from veridical.data.cards import Card, Shown, number, table_of
from veridical.data.lazy import pd
from veridical.data.sheets.book import Book, Column, Sheet, Tabular

__all__ = ["MISREPORTS", "VCGAudit", "VCGOutcome", "compared", "groves"]

MISREPORTS = 4  # of each party, where no number is asked for
AMOUNTS = {  # what a transfer is made from, in words
    "clarke": "what its presence saves the others: their total in the world without it, less their total at the plan",
    "none": "minus the others' total at the plan (Groves, without a pivot)",
    "given": "the amount given for it, less the others' total at the plan",
}
AGAINST = {  # what a net gain is relative to, in words
    "clarke": "being absent",
    "none": "a party that the plan costs nothing and that is paid nothing",
    "given": "a party that the plan costs nothing and that is paid nothing",
}

OUTSIDE = "if nothing outside of its block depends on what it reports"
PROVIDED = {"clarke": OUTSIDE, "none": OUTSIDE, "given": f"{OUTSIDE}, nor the amount given for it"}


def groves(amounts: Mapping[Hashable, float], total: float, costs: Mapping[Hashable, float]) -> dict[Hashable, float]:
    """Return what each party is paid: its amount h_i, less what the plan costs everybody else and nobody.

    Parameters
    ----------
    amounts
        h_i by party, currency; it must not depend on the party's own report.
    total
        Cost of the plan, of all parties and of nobody.
    costs
        What the plan costs each party.

    Returns
    -------
    dict
        Currency paid to each party.

    Examples
    --------
    >>> groves({"a": -5.0, "b": -9.0}, -9.0, {"a": -9.0, "b": 0.0})  # an item worth 9 to a, 5 to b
    {'a': -5.0, 'b': 0.0}
    """
    return {name: amounts[name] - (total - cost) for name, cost in costs.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class VCGOutcome(Shown, Tabular):
    """The plan of a model of parties, what each is paid for it, and what each gains; currency, Series by party.

    Parameters
    ----------
    costs
        What the plan costs each party, as reported.
    transfers
        Paid TO the party; negative where it pays. Where several plans are best they are of the one that was chosen; net gains
        are the same for all.
    absence_costs
        What being absent costs each: 0, or, where `absent` leaves its block at work, the least that it then pays for itself.
    counterfactuals
        Objective of the world without each, its own cost left out, in the model's own sense; empty for other pivots than clarke.
    pivot
        `clarke`, `none` or `given`.
    objective
        Of the plan, in the model's own sense.
    of_nobody
        What of the plan's cost is nobody's (an operator's own): it stays in every world, and is no part of the budget.
    epsilon
        What nobody gains more of by a misreport, as proven: gap of the plan, and the largest gap of a world without a party.
    mixed_integer
        Whether the model has integers, so that the gap is what its solver was asked for and not rounding.
    solution
        Of the model; its duals are the shadow prices.
    sense
        `minimize` or `maximize`.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> costs = {"north": 4.0, "south": 5.0}
    >>> m = pyo.ConcreteModel()
    >>> def works(block, name):
    ...     block.units = pyo.Var(bounds=(0, 60))
    ...     block.cost = pyo.Expression(expr=costs[name] * block.units)
    >>> m.party = pyo.Block(list(costs), rule=works)
    >>> m.need = pyo.Constraint(expr=m.party["north"].units + m.party["south"].units >= 50)
    >>> m.total = pyo.Objective(expr=m.party["north"].cost + m.party["south"].cost)
    >>> outcome = vd.vcg(m, m.party)
    >>> outcome.transfers.round(6).tolist()                            # north makes all 50, at what south would have cost
    [250.0, 0.0]
    """

    costs: pd.Series
    transfers: pd.Series
    absence_costs: pd.Series
    counterfactuals: pd.Series
    pivot: str
    objective: float
    of_nobody: float
    epsilon: float
    mixed_integer: bool
    solution: Any
    sense: str
    _search: Callable[..., Tried] = field(repr=False)

    @property
    def names(self) -> list[Hashable]:
        """The parties."""
        return list(self.transfers.index)

    @property
    def net_gains(self) -> pd.Series:
        """What a truthful party gains: transfer - cost at the plan + cost of being absent.

        Under clarke its marginal contribution: how much less all pay together with it than without it. Under other pivots
        nobody is absent, and the gain is against a cost of 0.
        """
        return (self.transfers - self.costs + self.absence_costs + 0.0).rename("net_gain")

    @property
    def budget(self) -> float:
        """What the transfers leave to the operator; negative where it pays in."""
        return 0.0 - math.fsum(self.transfers)

    @property
    def total(self) -> float:
        """Cost of the plan: of all parties and of nobody."""
        return math.fsum(self.costs) + self.of_nobody

    def audit(
        self, misreports: int = MISREPORTS, seed: int = 0, misreport: Callable[[Any, Any, int], object] | None = None
    ) -> VCGAudit:
        """Return the audit by misreports of one party at a time, the model being taken for the truth.

        For every misreport the plan and the party's transfer are made anew, and the plan is priced by its true cost: the least
        that its true block allows, its share of the plan being fixed. Where that plan is infeasible for the true block, it cannot
        keep what it promised, and the misreport is not counted (`failed`).

        Parameters
        ----------
        misreports
            How many are tried of each party.
        seed
            Draws the misreports: all of the cost times a factor; its terms or the mutable Params of the block, each times one
            of its own.
        misreport
            `misreport(model, name, k)` alters the party's block on a copy of the model, as the caller sees fit; k counts from 0.

        Raises
        ------
        InputError
            For a number of misreports below 0, and a `misreport` that leaves no model of parties.
        """
        if isinstance(misreports, bool) or not isinstance(misreports, int) or misreports < 0:
            raise InputError.of("misreports", misreports, "a whole number, 0 or more, of each party")
        tried = self._search(self, misreports, seed, misreport)
        incentives = worst_case(PartyResult, "dominant_strategy_ic", tried.compared)
        if not tried.compared:
            incentives = replace(incentives, holds=None, worst=math.nan, searched=False)
        losses = [compared(self, name, "", -gain) for name, gain in self.net_gains.items()]
        sizes = max(self.transfers.abs().max(), self.costs.abs().max())
        properties = {
            "dominant_strategy_ic": incentives,
            "ex_post_ir": worst_case(PartyResult, "ex_post_ir", losses, truthful=True),
            "budget": PartyResult("budget", -self.budget <= allowed(sizes, abs(self.total)), 0.0 - self.budget),
        }
        return VCGAudit(
            properties=properties,
            lies={"dominant_strategy_ic": gainful(tried.compared)},
            expected_profit=self.budget - self.of_nobody,
            largest_payment=float(self.transfers.abs().max()),
            objective=self.objective,
            epsilon=self.epsilon,
            searched=len(tried.compared),
            failed=tried.failed,
            tried=dict(tried.kinds),
        )

    def explain(self) -> str:
        """Return in words who is paid what for, what the operator is left with, and what is promised of the truth."""
        gains = self.net_gains
        losers = [f"{name} ({gain:,.6g})" for name, gain in gains.items() if compared(self, name, "", -gain).violates]
        lines = [f"Each party is paid {AMOUNTS[self.pivot]}."]
        lines += [
            f"- {name}: cost {self.costs[name]:,.6g}, is paid {self.transfers[name]:,.6g}, gains {gains[name]:,.6g}"
            for name in gains.index
        ]
        lines.append(f"What it gains is against {AGAINST[self.pivot]}.")
        if losers:
            lines.append(f"Taking part is not worth it for {', '.join(losers)}: the plan has to force them.")
        kept = f"is left with {self.budget:,.6g}" if self.budget >= 0 else f"pays in {-self.budget:,.6g}"
        lines.append(f"The operator {kept} by the transfers.")
        if self.of_nobody:
            kept = "it stays in every world, and is no part of that"
            lines.append(f"Of the plan's cost {self.of_nobody:,.6g} is nobody's: {kept}.")
        why = "the gap of its integers, and rounding" if self.mixed_integer else "what certificates leave open, and rounding"
        most = f"By a misreport nobody gains more than {self.epsilon:,.3g} ({why}), whatever the others report"
        lines.append(f"{most}, {PROVIDED[self.pivot]}.")
        lines.append("That is the theory; no misreport was tried for this answer: `audit()` does.")
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a party: cost, transfer, net gain, and under clarke the objective without it."""
        columns = {"cost": self.costs, "transfer": self.transfers, "net_gain": self.net_gains}
        if self.pivot == "clarke":
            columns["objective_without"] = self.counterfactuals
        return pd.DataFrame(columns)

    def book(self) -> Book:
        """Return the table of a file, as `to_frame` has it."""
        columns = {
            "cost": Column("what the plan costs the party, as reported", "money"),
            "transfer": Column("what it is paid; negative where it pays", "money"),
            "net_gain": Column("what taking part brings it", "money"),
            "objective_without": Column("the objective of the world without it, its own cost left out", "money"),
        }
        return Book("what parties are paid", Sheet("parties", self.to_frame(), columns, Column("the party")))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the solution as plain values."""
        figures = ("pivot", "sense", "objective", "of_nobody", "budget", "epsilon")
        rows = self.to_frame().to_dict(orient="index")
        return {key: getattr(self, key) for key in figures} | {"parties": [{"name": name, **row} for name, row in rows.items()]}

    def _line(self) -> str:
        return f"pivot {self.pivot}, {len(self.names)} parties: objective {self.objective:,.6g}, budget {self.budget:,.6g}"

    def _card(self) -> Card:
        figures = [
            (name.replace("_", " "), number(getattr(self, name))) for name in ("objective", "budget", "of_nobody", "epsilon")
        ]
        return Card(str(self), figures, [table_of("transfers are paid to the party", self.to_frame(), None)])

    def __str__(self) -> str:
        return f"VCG ({self.pivot}) of {len(self.names)} parties: objective {self.objective:,.6g}, budget {self.budget:,.6g}"


@dataclass(frozen=True)
class VCGAudit(Audit):
    """What an outcome of `vcg` is worth by misreports that were tried; money in currency.

    `properties`: dominant_strategy_ic (the largest gain by the misreports tried, the others' reports as they are), ex_post_ir
    (the smallest net gain of a party), budget (holds where the operator pays nothing in). `searched`: how many misreports were
    tried; `tried`: how many of which kind; `failed`: for how many there was no plan, or none that the party could keep.
    `expected_profit`: what is left to the operator, of the transfers less what is nobody's. A gain counts from a millionth of
    the party's own amounts, a billionth of the totals of which its transfer is a difference, and `epsilon`.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> costs = {"north": 4.0, "south": 5.0}
    >>> m = pyo.ConcreteModel()
    >>> def works(block, name):
    ...     block.units = pyo.Var(bounds=(0, 60))
    ...     block.cost = pyo.Expression(expr=costs[name] * block.units)
    >>> m.party = pyo.Block(list(costs), rule=works)
    >>> m.need = pyo.Constraint(expr=m.party["north"].units + m.party["south"].units >= 50)
    >>> m.total = pyo.Objective(expr=m.party["north"].cost + m.party["south"].cost)
    >>> outcome = vd.vcg(m, m.party)
    >>> audit = outcome.audit(misreports=4)
    >>> audit.truthful, audit.searched, round(audit.min_net_gain, 6)
    (True, 8, 0.0)
    """

    objective: float = math.nan  # that of the plan
    epsilon: float = 0.0
    searched: int = 0
    failed: int = 0
    tried: Mapping[str, int] = field(default_factory=dict)

    FIRST: ClassVar = ("max_regret", "min_net_gain")
    LAST: ClassVar = ("epsilon", "searched", "failed", "tried", "expected_profit", "largest_payment")

    @property
    def min_net_gain(self) -> float:
        """Smallest net gain of a truthful party; negative where somebody would lose."""
        return self.min_rent


def compared(outcome: VCGOutcome, name: Any, report: str, gain: float, *amounts: float) -> Compared:
    """Return a gain of a party with what is allowed of it; `amounts`: what it has by the misreport, beside those by the truth."""
    own = max(map(abs, (outcome.costs[name], outcome.transfers[name], outcome.absence_costs[name], *amounts)))
    rounding = allowed(own, max(abs(outcome.total), abs(outcome.total - outcome.costs[name])))
    return Compared(PartyMisreport(str(name), report, gain), rounding + outcome.epsilon, rounding)


@audit.register
def _(outcome: VCGOutcome, **options: Any) -> VCGAudit:
    return outcome.audit(**options)


def _check(outcome: VCGOutcome, name: str, _: Any) -> PropertyResult:
    found: PropertyResult = outcome.audit(MISREPORTS if name == "dominant_strategy_ic" else 0).properties[name]
    return found


applies_to(VCGOutcome, "dominant_strategy_ic", "ex_post_ir", "budget", check=_check)
