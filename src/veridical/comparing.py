"""Mechanisms side by side: a case solved under several, a row each."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from veridical import solvers
from veridical.data import CertificateError, InputError, NotSolvedError, VeridicalError
from veridical.data.lazy import lazy
from veridical.data.measures import Measures
from veridical.data.sheets.book import Book, Column, Sheet
from veridical.families import MECHANISMS, RESERVED, Mechanism, candidates, family_of, find, resolve
from veridical.solvers import Solution
from veridical.solving import Solver, answer

if TYPE_CHECKING:
    import pandas as pd

    from veridical.studies import comparison
    from veridical.studies.comparison import Comparison
else:
    comparison = lazy("veridical.studies.comparison")

__all__ = ["book", "compare", "truthful"]

TRUTHFUL = {"always": "dominant_strategy_ic", "in expectation": "bayesian_ic"}


def compare(
    case: Any, mechanisms: Iterable[str | Mechanism] | None = None, solver: Solver = None, **parameters: Any
) -> Comparison:
    """Solve a case under several mechanisms and return a row for each of them.

    Where no mechanism is named, one that does not take the case, has no optimum or equilibrium, or fails its certificate is left
    out with a warning that says why.

    Parameters
    ----------
    case
        A case of any kind, as `load` and `example` return it.
    mechanisms
        Names of `MECHANISMS`, or mechanisms of your own; all that fit case and solver where none are named.
    solver
        As in `solve`.
    parameters
        Go to the mechanisms that have them (`k=3` to `hybrid`); others change the case, as in `solve`.

    Returns
    -------
    A DataFrame (a Comparison, whose method `figure` draws it) indexed by mechanism with the columns parameters, profit, truthful
    (`always`, `in expectation`, `no`), status (an optimum that is not proven is `locally_optimal`), seconds. For an assembler
    also share_of_first_best, expected_rents (all suppliers together), max_regret and min_rent (in expectation for `bic`),
    balanced. For a supplier capacity, chain_profit,
    penalty (share of the chain's profit that is lost against full information), supplier_share, max_regret and min_profit of
    retailers. For a joint plan, whose profit is its cost, savings, savings_share (of the baseline's cost), budget, residual (what
    is left to the receivers, who operate the mechanism), max_regret and min_net_gain of suppliers. `attrs["left_out"]` says why
    mechanisms are left out, by name, and `attrs["under"]` of which prior profits are expectations where it is not the case's own;
    `attrs` has the case's `currency` and `unit` too, where it says these, and in `remarks` what else there is to say.

    Raises
    ------
    InputError
        For input that cannot be used, by a mechanism that is named or by any.
    NotSolvedError, CertificateError
        Where a mechanism that is named has no optimum, or fails its certificate; or all do.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.compare(vd.example("two-suppliers"), ["icds", "naive"], "closed_form")["truthful"].tolist()
    ['always', 'always']
    """
    family = family_of(case)
    named = None if mechanisms is None else list(mechanisms) or None
    case, given = resolve(case, named or candidates(case), parameters)
    configuration = None if solver is None else solvers.configure(solver)
    chosen = [find(case, name) for name in named] if named else list(_able(case, configuration))
    solutions: dict[str, Solution] = {}
    failures: dict[str, VeridicalError] = {}
    for mechanism in chosen:
        values = {name: value for name, value in given.items() if name in mechanism.parameters}
        try:
            solutions[mechanism.name] = answer(case, mechanism, configuration, None, values)
        except (CertificateError, InputError, NotSolvedError) as error:
            if named or _of_parameters(error, values):
                raise
            failures[mechanism.name] = error
    if not solutions and failures:
        raise next(iter(failures.values()))
    left_out = {name: str(error) for name, error in failures.items()}
    for name, reason in left_out.items():
        warnings.warn(f"{name} is left out: {reason}", stacklevel=2)
    best = float("nan")
    if family.benchmark is not None and family.benchmark not in left_out:
        benchmark = solutions.get(family.benchmark)
        if benchmark is None or benchmark.parameters:
            benchmark = answer(case, MECHANISMS[family.benchmark], configuration)
        best = benchmark.objective
    rows = {}
    for name, solution in solutions.items():
        rows[name] = {
            "parameters": ", ".join(f"{key}={value}" for key, value in solution.parameters.items()),
            "profit": solution.objective,
            **family.columns(solution, best),
            "truthful": truthful(solution),
            "status": str(solution.status),
            "seconds": solution.solver.seconds.total,
        }
    unders = [solution.audit.under for solution in solutions.values() if solution.audit is not None]
    frame = comparison.Comparison.of(rows, case, family.drawn, left_out, next(filter(None, unders), ""))
    frame.attrs["remarks"] = [remark for name, solution in solutions.items() for remark in _remarks(name, solution)]
    return frame


def _remarks(name: str, solution: Solution) -> Iterable[str]:
    """Yield what the figures of a mechanism do not say: that who gains in expectation may lose once all reports are known."""
    audit = solution.audit
    if audit is None or audit.participation != "interim_ir":
        return
    result = audit.properties.get("ex_post_ir")
    if result is not None and result.holds is False:
        loss = solution.measures.fitted(money=result.worst).amount(result.worst)
        yield f"{name}: nobody loses in expectation; at some reports of this menu who tells the truth loses {loss}"


MONEY = ("profit", "expected_rents", "max_regret", "min_rent", "chain_profit", "min_profit", "savings", "budget", "residual")
MEANINGS = {  # of columns whose names do not say it
    "profit": "expected profit of who runs the mechanism; of a joint plan its cost",
    "truthful": "when truth is best",
    "max_regret": "the most that anybody gains by a misreport",
    "penalty": "the share of the chain's profit that is lost against full information",
    "seconds": "how long it took",
}


def book(case: Any, frame: pd.DataFrame) -> Book:
    """Return a comparison, as `compare` returns it, as the table of a file."""
    shares = [name for name in frame if "share" in str(name) or name == "penalty"]
    money = [*MONEY, "rounding_loss", "min_net_gain"]
    columns = {str(name): Column(MEANINGS.get(str(name), str(name).replace("_", " "))) for name in frame}
    for names, counted in ((shares, "share"), (money, "money"), (["capacity"], "units")):
        columns |= {name: columns[name]._replace(counted=counted) for name in map(str, names) if name in columns}
    sheet = Sheet("comparison", frame, columns, Column("the mechanism"))
    return Book(f"mechanisms for {case.name}", sheet, Measures.of(case))


def truthful(solution: Solution) -> str:
    """Return when truth is best: `always`, `in expectation`, `no`; or `not searched`, `searched in part`."""
    properties = {} if solution.audit is None else solution.audit.properties
    concepts = {word: properties[concept] for word, concept in TRUTHFUL.items() if concept in properties}
    failing = not concepts or any(result.holds is False for result in concepts.values())
    otherwise = "no" if failing else max(result.verdict for result in concepts.values())  # in part, where anything was tried
    return next((word for word, result in concepts.items() if result.holds), otherwise)


def _of_parameters(error: VeridicalError, values: Mapping[str, Any]) -> bool:
    """Return whether an error is about a parameter that was given, and not about the case."""
    return isinstance(error, InputError) and any(problem.field in values for problem in error.problems)


def _able(case: Any, configuration: solvers.Configuration | None) -> Iterable[Mechanism]:
    """Yield the mechanisms for cases like this one that have a route for the solver."""
    for mechanism in candidates(case).values():
        try:
            mechanism.route(None if configuration is None else configuration.solver, RESERVED)
        except InputError:
            continue
        yield mechanism
