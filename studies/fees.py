"""Which pivot, fee or payment rule to fix before anybody reports: what each leaves to whom, by a simulated prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.contracts.comparison import TOLERANCE
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.joint_plan.transfers import MECHANISMS, settle
from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.data.cards import Card, Shown, table_of
from veridical.data.fields import whole_number
from veridical.data.joint_plan import CAPACITY, COST, NEED, JointPlanCase
from veridical.data.lazy import pd
from veridical.data.limits import DRAWS
from veridical.data.measures import UNSAID, Measures
from veridical.data.progress import counted
from veridical.data.sheets.book import Book, Column, Sheet, Tabular
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.planners import Central
from veridical.studies.fee_rules import FREE, Rule, checked, label, rules_of
from veridical.studies.figures import fees as figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FeeChoice", "choose_fees", "drawn"]

OF_DRAWS = "the mean over draws; by draw, what it is there: "
COLUMNS = {
    "mechanism": Column("who is paid what"),
    "pivot": Column("what transfers are counted from"),
    "activity_fee": Column("money per m3 by which the plan differs from the baseline"),
    "participation_fee": Column("of every supplier who takes part", "money"),
    "truthful": Column("whether truth is best for every supplier"),
    "savings": Column("what the plan saves against the baseline", "money"),
    "deficit": Column(f"{OF_DRAWS}what the operator pays in", "money"),
    "receivers": Column(f"{OF_DRAWS}what is left to the receivers", "money"),
    "supplier": Column(f"{OF_DRAWS}the smallest gain of a supplier", "money"),
    "lost": Column(f"{OF_DRAWS}the share that is not saved, of what is without fees", "share"),
    "receivers_least": Column("the least that is left to the receivers in a draw", "money"),
    "supplier_least": Column("the smallest gain of a supplier in a draw", "money"),
    "receivers_lose": Column("the share of draws in which receivers lose", "share"),
    "supplier_loses": Column("the share of draws in which a supplier does", "share"),
    "rounding": Column("what no loss is below", "money"),
    **{f"{name}_se": Column(f"standard error of {name}", "money") for name in ("deficit", "receivers", "supplier")},
    "lost_se": Column("standard error of lost", "share"),
}


@dataclass(frozen=True)
class FeeChoice(Shown, Tabular):
    """What each rule leaves to whom over draws of a prior, and the one that an operator would fix; currency, shares of savings.

    `table` has a row a rule, by its name: `mechanism`, `pivot`, `activity_fee` (per m3), `participation_fee` (lump sum a
    supplier); `truthful`, whether truth is best for every supplier; the means over draws, each with its standard error in `*_se`:
    `deficit` (what the operator pays in), `receivers` (what is left to them), `supplier` (the smallest gain of a supplier),
    `lost` (the share that is not saved, of what is without fees); `receivers_least` and `supplier_least`, of all draws;
    `receivers_lose` and `supplier_loses`, the shares of draws in which they do. `by_draw` has a row a draw and rule. `failed`:
    why draws were left out, of all rules.

    `chosen`: of the truthful rules that lose at most `loss` those that all would sign: no supplier lost in any draw, the
    receivers in at most the share `risk` of them, and their mean gain is above 0 by more than two standard errors; of these the
    one that leaves the receivers most. None where there is none.

    Figures are of truthful reports: of a rule that is not truthful they are what would come of the truth.

    Examples
    --------
    >>> import veridical as vd
    >>> rules = [("vcg", {"pivot": "baseline"}), ("core", {})]
    >>> choice = vd.choose_fees(vd.example("marketplace"), draws=1, rules=rules)
    >>> choice.draws, list(choice.table.mechanism)
    (1, ['vcg', 'core'])
    """

    case: str
    draws: int
    seed: int | None
    spread: float | None
    loss: float
    risk: float
    chosen: str | None
    table: pd.DataFrame
    by_draw: pd.DataFrame
    failed: tuple[str, ...] = ()
    measures: Measures = UNSAID

    def _line(self) -> str:
        return f"{self.case!r}: {self.chosen or 'none'} of {len(self.table)} rules, {self.draws} draws"

    def _card(self) -> Card:
        figures = [("chosen", self.chosen or "none"), ("draws", f"{self.draws:,}"), ("accepted loss", f"{self.loss:.2%}")]
        failed = [f"left out: {reason}" for reason in self.failed]
        return Card(f"pivots and fees for {self.case}", figures, [table_of("", self.table, None)], failed)

    def figure(self) -> Figure:
        """Return the picture of it: a row a rule, what it leaves to whom, and what is lost."""
        title = f"pivots and fees for {self.case}, {self.draws} draw{'' if self.draws == 1 else 's'}"
        return figures.draw(title, self.table, self.chosen, self.measures.of_money)

    def book(self) -> Book:
        """Return the tables of a file: a row a rule, and in a workbook also a row a draw and rule."""
        sheet = Sheet("rules", self.table, COLUMNS, Column("the rule"))
        by_draw = Sheet("by draw", self.by_draw.set_index(["draw", "rule"]), COLUMNS, Column("the draw, and the rule"))
        return Book(f"pivots and fees for {self.case}", sheet, further=lambda: (by_draw,))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        totals = ("case", "draws", "seed", "spread", "loss", "risk", "chosen")
        rows = self.table.reset_index().to_dict(orient="records")
        said = {name: getattr(self, name) for name in totals} | {"failed": list(self.failed), "rules": rows}
        return said | self.measures.to_dict()


def choose_fees(
    case: JointPlanCase,
    draws: int = 10,
    seed: int = 0,
    spread: float = 0.05,
    loss: float = 0.2,
    risk: float = 0.05,
    rules: Sequence[Rule] | None = None,
    cases: Iterable[JointPlanCase] | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration | None = None,
) -> FeeChoice:
    """Return what pivots, fees and payment rules leave to whom, by a simulated prior: what can be chosen before anybody reports.

    Fees that answer to reports would be one more way to gain by them; fixed by a prior they keep truth best.

    Parameters
    ----------
    case
        What the operator expects of everybody, of kind joint_plan. A committed baseline stays as it is in all draws.
    draws
        How many worlds are drawn, 1 or more; one has no standard error.
    seed
        Every draw follows from it.
    spread
        In each world the costs of every party, its capacities and its needs are those of the case, each times a lognormal factor
        of its own with mean 1 and this standard deviation of its logarithm; 0 to 1.
    loss
        The share of the savings that may be lost in the mean by the rule that is chosen, 0 to 1.
    risk
        The share of the draws in which the rule that is chosen may leave the receivers a loss, 0 to 1.
    rules
        What is compared: names of mechanisms with parameters; by default those of `rules_of`.
    cases
        Worlds of another prior, in place of draws of this one, with parties that may differ.
    solver
        Of the central models, as `solve` takes it.

    Returns
    -------
    FeeChoice
        A table by rule, what was chosen, and every draw.

    Raises
    ------
    InputError
        For numbers out of range, no cases, a rule that there is not, or a solver that needs parties' answers (consensus).
    NotSolvedError, CertificateError
        Where no draw could be solved.

    Examples
    --------
    >>> import veridical as vd
    >>> found = vd.choose_fees(vd.example("marketplace"), draws=2, rules=[("vcg", {"pivot": "baseline"}), ("core", {})])
    >>> bool((found.table.receivers_least < 0).iloc[0]), found.chosen is None
    (True, True)
    """
    if not isinstance(case, JointPlanCase):
        raise InputError.of("case", f"<{type(case).__name__}>", "a case of kind joint_plan", getattr(case, "name", None))
    whole_number(draws, "draws", 1, most=DRAWS)
    whole_number(seed, "seed")
    _share(spread, "spread", "the standard deviation of a logarithm")
    _share(loss, "loss", "a share of the savings")
    _share(risk, "risk", "a share of the draws")
    configuration = None if solver is None else configure(solver)
    if configuration is not None and configuration.solver == "consensus":
        raise InputError.of("solver", "consensus", "a solver of central models: draws are simulated, nobody is asked", case.name)

    def planner() -> CachingPlanner:
        return CachingPlanner(Central(configuration))

    if not case.suppliers:
        raise InputError.of("case", "<no suppliers>", "a case with suppliers, who are paid", case.name)
    compared = rules_of(case, planner()) if rules is None else checked(case, rules)
    worlds = list(cases) if cases is not None else [*_worlds(case, draws, seed, float(spread))]
    if not worlds:
        raise InputError.of("cases", "<none>", "one or more cases", case.name)
    rows, failed = _simulated(worlds, compared, planner)
    by_draw = pd.DataFrame(rows)
    table = _table(compared, by_draw)
    own = cases is None
    return FeeChoice(
        case=case.name,
        draws=len(worlds) - len(failed),
        seed=seed if own else None,
        spread=float(spread) if own else None,
        loss=float(loss),
        risk=float(risk),
        chosen=_chosen(table, loss, risk),
        table=table,
        by_draw=by_draw,
        failed=tuple(failed),
        measures=Measures.of(case),
    )


def drawn(case: JointPlanCase, spread: float, rng: np.random.Generator) -> JointPlanCase:
    """Return a world of the prior: every party's costs, capacities and needs times factors of their own."""
    parties = []
    for party in case.parties:
        there = {column.kind for name, column in party.columns().items() if getattr(party, name)}
        for kind in (COST, CAPACITY, NEED):
            factor = math.exp(float(rng.normal(-(spread**2) / 2, spread)))
            if kind in there:
                party = party.scaled(kind, factor)
        parties.append(party)
    return case.changed(parties=tuple(parties))


def _worlds(case: JointPlanCase, draws: int, seed: int, spread: float) -> Iterator[JointPlanCase]:
    for stream in np.random.SeedSequence(seed).spawn(draws):  # the first are the same, however many are drawn
        yield drawn(case, spread, np.random.default_rng(stream))


def _simulated(
    worlds: Sequence[JointPlanCase], rules: Sequence[Rule], planner: Callable[[], CachingPlanner]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row a draw and rule, and why draws were left out; raise what the last one raised where all were."""
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    last: Exception | None = None
    for k, world in enumerate(counted("draw", worlds), 1):
        one = planner()
        try:
            free = settle(world, "vcg", one, pivot="baseline", redistribution="none", receivers="claimants", **FREE)
            rows += [_row(k, label(rule), free, settle(world, rule[0], one, **rule[1])) for rule in rules]
        except (NotSolvedError, CertificateError) as error:
            rows = [row for row in rows if row["draw"] != k]
            failed.append(f"draw {k}: {error}")
            last = error
    if last is not None and not rows:
        raise last
    return rows, failed


def _row(draw: int, rule: str, free: Settlement, found: Settlement) -> dict[str, Any]:
    suppliers = found.case.suppliers
    return {
        "draw": draw,
        "rule": rule,
        "savings": found.savings,
        "deficit": found.deficit,
        "receivers": found.residual,
        "supplier": min(found.net_gains[name] for name in suppliers),
        "lost": 1 - found.savings / free.savings if free.savings > 0 else 0.0,
        "rounding": TOLERANCE * max(abs(free.savings), 1e-3 * sum(map(abs, free.baseline_costs.values()))),
    }


def _table(rules: Sequence[Rule], by_draw: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for rule in rules:
        name, (mechanism, parameters) = label(rule), rule
        draws = by_draw[by_draw["rule"] == name]
        row: dict[str, Any] = {"rule": name, "mechanism": mechanism, "pivot": parameters.get("pivot", "")}
        row |= {fee: float(parameters.get(fee, 0.0)) for fee in FREE}
        row["truthful"] = MECHANISMS[mechanism].truth == "dominant_strategy_ic"
        for column in ("deficit", "receivers", "supplier", "lost"):
            row[column] = float(draws[column].mean())
            row[f"{column}_se"] = float(draws[column].std(ddof=1)) / math.sqrt(len(draws)) if len(draws) > 1 else math.nan
        for column in ("receivers", "supplier"):
            row[f"{column}_least"] = float(draws[column].min())
        row["receivers_lose"] = float((draws["receivers"] < -draws["rounding"]).mean())
        row["supplier_loses"] = float((draws["supplier"] < -draws["rounding"]).mean())
        rows.append(row)
    return pd.DataFrame(rows).set_index("rule")


def _chosen(table: pd.DataFrame, loss: float, risk: float) -> str | None:
    """Return the rule that leaves the receivers most, of those that all would sign; one draw has no standard error."""
    sure = table["receivers"] - 2 * table["receivers_se"].fillna(0.0)
    signed = table["truthful"] & (table["receivers_lose"] <= risk) & (table["supplier_loses"] == 0) & (sure > 0)
    signed &= table["lost"] <= loss + TOLERANCE
    return str(table.loc[signed, "receivers"].idxmax()) if signed.any() else None


def _share(value: Any, field: str, what: str) -> None:
    number = isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_)
    if not number or not 0 <= value <= 1:
        raise InputError.of(field, value, f"{what}, from 0 to 1")
