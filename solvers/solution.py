"""The result of a solve: every number comes with its status, its bound and its certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from veridical.contracts.audit import Audit
from veridical.data import CertificateError, InputError
from veridical.data.assembler import label
from veridical.data.cards import Card, Shown, Table, number
from veridical.data.deprecated import Renamed
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures
from veridical.solvers.certificate import ACCEPTED, CANCELLED, Certificate, ratio

if TYPE_CHECKING:
    from veridical.solvers.dual_range import OptimalDuals

__all__ = [
    "ACCEPTS",
    "CaseSolution",
    "Duals",
    "Seconds",
    "Solution",
    "SolutionStatus",
    "SolverRecord",
    "Termination",
    "between",
    "words",
]

NOTHING = 1e-9  # of a dual: what is less is nothing to speak of
NO_MODEL = "it is not the optimum of one model that was solved here (a closed form, a game, a consensus)"


class Termination(StrEnum):
    """Why the solver stopped.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.solve(vd.example("two-suppliers")).termination is Termination.CONVERGED
    True
    """

    CONVERGED = "converged"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible_or_unbounded"  # and the solver does not say which
    TIME_LIMIT = "time_limit"
    ITERATION_LIMIT = "iteration_limit"
    FAILED = "failed"


class SolutionStatus(StrEnum):
    """What the point of a solution is. Results without a point are raised as errors.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.solve(vd.example("two-suppliers")).status is SolutionStatus.OPTIMAL
    True
    """

    OPTIMAL = "optimal"  # proven: no feasible point is better by more than the gap
    LOCALLY_OPTIMAL = "locally_optimal"  # stationary, and the model is not shown to be convex
    FEASIBLE = "feasible"  # its distance from the optimum is not known
    EQUILIBRIUM = "equilibrium"  # of a game, in which nobody optimises for all
    INCOMPLETE = "incomplete"  # a party was lost: what there is of the others'


ACCEPTS = {  # results that end with status 3, with their values, but for who accepts them: by what a configuration says then
    SolutionStatus.LOCALLY_OPTIMAL: "local",
    SolutionStatus.INCOMPLETE: "incomplete",
}


Largest = tuple[tuple[Hashable | None, ...], Any, float]  # names of an index, a key of it, and the dual there


class Duals(Mapping[str, "pd.Series"]):
    """Shadow prices by constraint family, each a pandas Series indexed by names; made when first looked at.

    A dual is d(objective)/d(right-hand side) of the constraint as Pyomo holds it, for minimisation and maximisation alike.

    Examples
    --------
    >>> import veridical as vd
    >>> duals = vd.solve(vd.example("two-suppliers-correlated")).duals
    >>> duals["individual_rationality"].round(4).loc["panel", 9.0]
    others
    battery=3    0.26
    battery=7    0.50
    Name: dual, dtype: float64
    """

    def __init__(self, families: Mapping[str, Callable[[], pd.Series]], reason: str = "") -> None:
        self._families, self._reason = families, reason  # why there are none
        self._made: dict[str, pd.Series] = {}

    def __getitem__(self, family: str) -> pd.Series:
        if family not in self._families:
            raise KeyError(f"{family}: {self._reason or f'no family of this model; there are {self._listed}'}")
        if family not in self._made:
            self._made[family] = self._families[family]()
        return self._made[family]

    def largest(self, family: str, count: int, least: float) -> list[Largest]:
        """Return the largest duals of a family in size, of those above `least`: names of the index, key and dual of each."""
        quick = getattr(self._families.get(family), "largest", None)
        known = quick(count, least) if quick is not None and family not in self._made else None
        return largest_of(self[family], count, least) if known is None else known

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)

    @property
    def _listed(self) -> str:
        return ", ".join(self._families)

    def __repr__(self) -> str:
        return f"Duals({self._listed})"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._families)


def largest_of(
    prices: pd.Series, count: int, least: float, sign: Callable[[pd.Series], pd.Series] | None = None
) -> list[Largest]:
    """Return the largest of a Series, in size as `Duals.largest` does; with `sign` the largest of what that makes of it."""
    size = prices.abs() if sign is None else sign(prices)
    chosen = size[size > least].nlargest(count, keep="first")
    return [(tuple(prices.index.names), key, float((prices if sign is None else size)[key])) for key in chosen.index]


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time of the steps of a solve."""

    build: float = 0.0
    translate: float = 0.0
    solve: float = 0.0
    certify: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the steps."""
        return self.build + self.translate + self.solve + self.certify


@dataclass(frozen=True)
class SolverRecord:
    """Who solved it: name, version, the options in effect, and the form in which expected sales were written.

    `options["substituted_rows"]`: of how many rows a linear program was solved by substitution, so that nothing was left to ask.

    Examples
    --------
    >>> import veridical as vd
    >>> solver = vd.solve(vd.example("two-suppliers")).solver
    >>> solver.name, solver.seconds.total > 0
    ('highs', True)
    """

    name: str
    version: str
    options: Mapping[str, Any]
    form: str | None
    seconds: Seconds

    def __repr__(self) -> str:
        form = f", {self.form} form" if self.form else ""
        form += ", solved by substitution before it was asked" if "substituted_rows" in self.options else ""
        return f"SolverRecord({self.name} {self.version}{form}, {self.seconds.total:.2f} s, {len(self.options)} options)"


@dataclass(frozen=True)
class Solution(Shown):
    """A certified optimum. `objective` and `bound` are in the model's own sense and units.

    Examples
    --------
    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers-correlated"))
    >>> round(solution.objective, 2), str(solution.status), solution.audit.truthful, solution.certificate.holds
    (5655.3, 'optimal', True, True)
    >>> round(float(solution.sensitivity["price"]), 2)                 # expected profit per unit of price
    376.99
    """

    objective: float
    bound: float
    certificate: Certificate
    solver: SolverRecord
    status: SolutionStatus = SolutionStatus.OPTIMAL
    termination: Termination = Termination.CONVERGED
    duals: Mapping[str, pd.Series] = field(default_factory=dict)
    case: str | None = None
    mechanism: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    contracts: Any = None  # a Menu, an Allotment, a Settlement; None for a model that is no mechanism of ours
    audit: Audit | None = None
    benchmark: Mapping[str, float] | None = None  # of an allocation: capacity and profit of the centralized chain
    derivatives: Callable[[], pd.Series] | None = None  # works out `sensitivity` when it is first asked for
    # Where points stand for a continuous range: how many, the optimum over the range (`exact`) or over more points (`finer`)
    # where it is known, the relative `error` against it, and the gap of what was solved.
    approximation: Mapping[str, Any] | None = None
    # By family, of those duals that are not unique: the least and the largest value, in the columns `low` and `high`.
    dual_ranges: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    prior: Mapping[str, Any] | None = None  # of a copula: by which method its table was integrated, error of a cell, seconds
    without_max_payment: Mapping[str, float] | None = None  # profit without the bound on payments, and what the bound costs
    # Of an ambiguous prior: `radius`, `distance`, the `worst_prior` by profile, and the `profit_at_prior` of the same menu.
    ambiguity: Mapping[str, Any] | None = None
    # Of a prior that is estimated from past reports: how many, an `interval` of the profit, what a menu earns out of sample.
    estimate: Mapping[str, Any] | None = None
    # Of a menu in whole steps of `money` and `units`: what that loses of the `profit_before`, and the gap of what was solved.
    rounding: Mapping[str, Any] | None = None
    measures: Measures = UNSAID  # in what money and quantities are said
    warnings: tuple[str, ...] = ()  # what the reader of a result should know before he uses it, in sentences
    optimal: Callable[[], OptimalDuals | str] | OptimalDuals | str = field(default=NO_MODEL, repr=False)  # gives `optimal_duals`
    rule: Any = None  # for continuous costs by closed form: what is bought and paid at any costs, and how it was integrated

    @property
    def menu(self) -> pd.DataFrame | None:
        """What is promised, as a table: a row a profile of costs or types; probability, quantity, payment, rent or lambda."""
        return self._table

    @cached_property
    def _table(self) -> pd.DataFrame | None:
        return None if self.contracts is None else self.contracts.to_frame()

    @cached_property
    def sensitivity(self) -> pd.Series:
        """Derivatives of the optimum by the numbers of the case, by name; empty for a model that is no mechanism of ours."""
        return pd.Series(dtype=float, name="sensitivity") if self.derivatives is None else self.derivatives()

    @cached_property
    def optimal_duals(self) -> OptimalDuals | str:
        """All duals that prove the optimum; in words, why they are not known."""
        return self.optimal() if callable(self.optimal) else self.optimal

    def standing(self, amount: Callable[[float], str] | None = None) -> str:
        """Return what is known of the objective, its status and its bound; `amount` says money, as the case does by default."""
        amount = amount or self.measures.amount
        return f"{self.status} ({'no bound is known' if math.isnan(self.bound) else f'bound {amount(self.bound)}'})"

    def _line(self) -> str:
        what = " for ".join(filter(None, (self.mechanism, self.case and repr(self.case)))) or "a model"
        by = f"solved by {self.solver.name} in {self.solver.seconds.total:.2f} s"
        return f"{what}: objective {self.measures.amount(self.objective)}, {self.status}, {by}"

    def _card(self) -> Card:
        record = self.solver
        settings = [f"{name} {number(value)}" for name, value in self.parameters.items()]
        form = f", {record.form} form" if record.form else ""
        figures = [("objective", f"{self.measures.amount(self.objective)}, {self.standing()}")]
        figures += [("parameters", ", ".join(settings))] if settings else []
        inner = self.contracts._card() if isinstance(self.contracts, Shown) else Card("")
        figures += inner.figures
        figures += [] if self.audit is None else [("truth", self.audit.verdict)]
        figures += [
            ("certificate", f"{self.certificate.words} (all relative)"),
            ("proves", self.certificate.proof),
            ("solved by", f"{record.name} {record.version}{form} in {record.seconds.total:.2f} s"),
        ]
        prices = [(family, words(names, key), number(price)) for family, names, key, price in self._dearest()]
        table = Table("shadow prices: the largest of each kind", ["constraint", "where", "price"], prices, frozenset({0, 1}))
        title = " for ".join(filter(None, (self.mechanism, self.case))) or "a model of its user's own"
        return Card(title, figures, [*inner.tables, *([table] if prices else [])], [*inner.notes, *self.warnings])

    def _dearest(self, most: int = 3) -> Iterator[tuple[str, tuple[Hashable | None, ...], Any, float]]:
        """Yield the largest duals of each family, which constraints that only write expected sales are no part of."""
        for family in (name for name in self.duals if not name.startswith("expected_sales")):
            duals = self.duals
            found = duals.largest(family, most, NOTHING) if isinstance(duals, Duals) else largest_of(duals[family], most, NOTHING)
            for names, key, price in found:
                yield family, names, key, price

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to another process: sensitivities and duals, and not the model that they come from."""
        return {**self.__dict__, "sensitivity": self.sensitivity, "derivatives": None, "optimal": self.optimal_duals}

    def dual_range(self, family: str) -> pd.DataFrame:
        """Return the least and the largest dual of each constraint of a family, over all duals that prove the optimum.

        They are the one-sided derivatives of the optimum in the constraint's right-hand side: where it is minimised, `low` is the
        left one and `high` the right one; where it is maximised, `high` is the left one. A linear program or two a constraint is
        solved when a family is first asked for, unless its prices are shown to be unique by less. A later edit of the model
        changes nothing. `explain` and `to_dict` then tell of those that are not unique, and of no others: `dual_ranges` has none
        but the shadow prices of an allocation, which are worked out by a way of their own for closed forms as well.

        Parameters
        ----------
        family
            As in `duals`; not expected sales that were written by tangents, of which there are as many as were needed.

        Returns
        -------
        pandas.DataFrame
            The index of `duals[family]`; `low` and `high` in the units of that, both the dual itself where it is unique, infinite
            where the right-hand side cannot move that way, NaN where the optimum is not exact enough to tell.

        Raises
        ------
        InputError
            For a family without duals, and where not all duals are known: a model with integers, or one that is not shown to be
            convex; a closed form, a game, a consensus; an optimum to less than the tolerance of a certificate.

        Examples
        --------
        >>> import pyomo.environ as pyo
        >>> import veridical as vd
        >>> model = pyo.ConcreteModel()
        >>> model.x = pyo.Var(bounds=(0, None))
        >>> model.limit = pyo.Constraint(["here", "there"], rule=lambda m, place: 2 * m.x <= 6)
        >>> model.value = pyo.Objective(expr=3 * model.x, sense=pyo.maximize)
        >>> vd.solvers.solve(model).dual_range("limit")  # one of the two alone takes value, and adds none
               low  high
        here   0.0   1.5
        there  0.0   1.5
        """
        if isinstance(self.optimal_duals, str):
            raise InputError.of("dual_range", family, f"no family of this solution: {self.optimal_duals}")
        if not (isinstance(family, str) and family in self.optimal_duals.families):
            raise InputError.of("dual_range", family, f"one of {', '.join(self.optimal_duals.families)}")
        return self.optimal_duals.frame(family)

    def _ranges(self) -> dict[str, pd.DataFrame]:
        """Return the ranges of those duals that are not unique, as far as they are known by now."""
        asked = {} if isinstance(self.optimal_duals, str) else self.optimal_duals.several()
        return {**self.dual_ranges, **asked}

    def _uniqueness(self) -> list[str]:
        """Return in words which prices are unique, and of which that was not looked at."""
        names = [family for family in self.duals if not family.startswith("expected_sales")]
        if isinstance(self.optimal_duals, str):
            return [f"Whether prices are unique was not looked at: {self.optimal_duals}."] if names else []
        unique, unknown = [], []
        for family in names:
            shown = self.optimal_duals.unique_in(family)
            if shown.any():
                unique.append(family if shown.all() else f"{family} ({shown.sum()} of {len(shown)})")
            if not (shown.all() or family in self.optimal_duals.asked or family in self.dual_ranges):
                unknown.append(f"the others of {family}" if shown.any() else family)
        lines = [f"Shown to be unique: the prices of {', '.join(unique)}."] if unique else []
        if unknown:
            lines.append(f"Not looked at: {', '.join(unknown)}; `solution.dual_range(family)` gives their ranges.")
        return lines

    def explain(self, most: int = 5) -> str:
        """Return in words which constraints bind, and what relaxing each by one unit is worth: the largest, in currency.

        What defines a quantity or keeps a balance in a joint plan is left out: its price says what other prices say already.
        Then which prices are unique: those of which that follows from the constraints that bind without solving anything, and
        those whose range has been asked for (`dual_range`).
        """
        prices = [
            (family, words(series.index.names, key), float(value))
            for family, series in self.duals.items()
            if not family.startswith("expected_sales") and family not in getattr(self.contracts, "identities", ())
            for key, value in series[series.abs() > 1e-9].items()
        ]
        several = [
            f"The price of {family} ({words(ranges.index.names, key)}) {verb} unique: {between(low, high)}."
            for family, ranges in self._ranges().items()
            for key, low, high in ranges.head(most).itertuples()
            for verb in ("may not be" if math.isnan(low) or math.isnan(high) else "is not",)
        ]
        several += self._uniqueness()
        together = None if self.audit is None else self.audit.properties.get("coalition_ic")
        several += [f"Misreports together: {together}."] if together is not None and together.verdict == "fails" else []
        if not prices:
            nothing = "No constraint binds that is worth relaxing, or none has a price here (a closed form, integers)."
            return "\n".join([nothing, *several])
        prices.sort(key=lambda price: -abs(price[2]))
        lines = [f"{len(prices)} constraints bind with a price. The {min(most, len(prices))} that matter most:"]
        for family, where, value in prices[:most]:
            lines.append(f"- {family} ({where}): one unit of slack is worth {abs(value):,.4g} in {self.measures.of_money}")
        lines += several
        if "feasibility" in self.duals and "incentive_compatibility" in self.duals:
            lines.append("feasibility follows from incentive_compatibility: how a price splits between them is not unique.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        seconds = {**asdict(self.solver.seconds), "total": self.solver.seconds.total}
        record: dict[str, Any] = {
            "case": self.case,
            "mechanism": self.mechanism,
            "parameters": dict(self.parameters),
            "status": str(self.status),
            "termination": str(self.termination),
            "objective": self.objective,
            "bound": self.bound,
            "solver": {**vars(self.solver), "options": dict(self.solver.options), "seconds": seconds},
            "certificate": asdict(self.certificate),
            "audit": None if self.audit is None else self.audit.to_dict(),
            "duals": {family: _entries(series) for family, series in self.duals.items()},
            "dual_ranges": {family: _records(frame) for family, frame in self._ranges().items()},
            "sensitivity": self.sensitivity.to_dict(),
            "warnings": list(self.warnings),
        }
        record |= {} if self.contracts is None else self.contracts.to_dict()
        for key, figures in (
            ("centralized", self.benchmark),
            ("approximation", self.approximation),
            ("prior", self.prior),
            ("without_max_payment", self.without_max_payment),
            ("ambiguity", self.ambiguity),
            ("estimate", self.estimate),
            ("rounding", self.rounding),
        ):
            if figures is not None:
                record[key] = dict(figures)
        if self.rule is not None:
            record["integration"] = asdict(self.rule.integration)
        return record | self.measures.to_dict()

    record = Renamed("to_dict")

    def failures(self, promised: tuple[str, ...] | None = None, gap: float = ACCEPTED) -> list[str]:
        """Return in words what `checked` would raise for."""
        failures, certificate = [], self.certificate
        for figures in (self.approximation, self.rounding):  # how far it is from those is reported; what was solved is certified
            certificate = certificate if figures is None else replace(certificate, gap=figures["model_gap"])
        if not certificate.within(gap):
            failures.append(f"the optimality conditions are violated by more than {max(gap, ACCEPTED):g}: {certificate}")
        if self.audit is not None and promised is not None:
            difference = abs(self.audit.objective - self.objective)
            # Where payments eat up what is earned, as where an objective's terms cancel: by a millionth of their size.
            size = max(abs(self.objective), CANCELLED * self.audit.largest_payment)
            if not ratio(difference, size) <= ACCEPTED:
                failures.append(f"the menu earns {self.audit.objective!r} where the solver reports {self.objective!r}")
            failures += [str(self.audit.properties[name]) for name in promised if self._fails(name)]
        return failures

    def _fails(self, name: str) -> bool:
        """Whether the contracts are found not to have a property; that it was not searched, or in part, is no such finding."""
        assert self.audit is not None
        result = self.audit.properties[name]
        return result.holds is not None and not result.holds

    def checked(self, promised: tuple[str, ...] | None = None, gap: float = ACCEPTED) -> Solution:
        """Return this solution if its certificate holds; else raise CertificateError.

        `promised` names properties that the contracts of a mechanism must have as well; they must then also earn the
        objective. A model that its user has changed promises nothing. `gap` is the relative gap that the caller allows, where it
        is wider than that of a certificate.
        """
        failures = self.failures(promised, gap)
        if failures:
            who = f"{self.solver.name} {self.solver.version}, form {self.solver.form}"
            raise CertificateError(f"the result of {who} fails its certificate: {'; '.join(failures)}", self)
        return self


class CaseSolution(Solution):
    """The certified solution of a case under a mechanism: its contracts are there, as a table too.

    Examples
    --------
    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers"), "icds", "closed_form")
    >>> type(solution).__name__, solution.menu.shape
    ('CaseSolution', (4, 7))
    """

    @classmethod
    def of(cls, solution: Solution) -> CaseSolution:
        """Return a solution as that of a case."""
        given = {item.name: getattr(solution, item.name) for item in fields(Solution)}
        return solution if isinstance(solution, cls) else cls(**given)

    @property
    def menu(self) -> pd.DataFrame:
        """What is promised, as a table: a row a profile of costs or types; probability, quantity, payment, rent or lambda.

        Raises InputError for a model of a kind of the user's own on which no mechanism is declared.
        """
        table = self._table
        if table is None:
            raise InputError.of(
                "menu", "<nothing>", f"a model on which `truthful` is declared: {self.mechanism} has no contracts"
            )
        return table


def between(low: float, high: float) -> str:
    """Return the range of a price in words."""
    if math.isnan(low) or math.isnan(high):
        return "its range was not worked out"
    if math.isinf(low):
        return "without an end on either side" if math.isinf(high) else f"up to {high:,.4g}, without an end below"
    return f"from {low:,.4g}" + (" on, without an end" if math.isinf(high) else f" to {high:,.4g}")


def words(names: Sequence[Hashable | None], key: object) -> str:
    """Return the index of a dual in words: `supplier panel, cost 4, report 9, others battery=3`, without parts that it lacks."""
    values = [None if value != value else value for value in (key if isinstance(key, tuple) else (key,))]
    names = names if len(names) == len(values) else [None] * len(values)  # an index of mixed arity
    texts = ["" if value is None else label(value) if isinstance(value, float) else str(value) for value in values]
    named = zip(names, texts, strict=True)
    return ", ".join(f"{str(name).replace('_', ' ')} {text}" if name else text for name, text in named if text)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return ranges of duals as records: index by level name, and both ends."""
    ends = [[entry["value"] for entry in _entries(frame[side])] for side in ("low", "high")]
    indices = (entry["index"] for entry in _entries(frame["low"]))
    return [{"index": index, "low": low, "high": high} for index, low, high in zip(indices, *ends, strict=True)]


def _entries(series: pd.Series) -> list[dict[str, Any]]:
    """Return a Series of duals as records: index by level name, None for a part that a key lacks, and value."""
    names = [name if name is not None else f"level_{k}" for k, name in enumerate(series.index.names)]
    rows = series.index.to_frame().to_numpy(dtype=object).tolist()
    keys = [[None if part != part else part for part in row] for row in rows]
    pairs = zip(keys, series.tolist(), strict=True)
    return [{"index": dict(zip(names, key, strict=True)), "value": value} for key, value in pairs]
