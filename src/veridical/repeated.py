"""Solving again and again: cases that only have other numbers share one model, which is built and translated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from veridical import solvers
from veridical.families import Mechanism, find, resolve
from veridical.solvers import CaseSolution, Configuration, Solution
from veridical.solvers.engines import REPEATING
from veridical.solvers.kept import KeptModels
from veridical.solving import Solver, answer

__all__ = ["Repeated"]


class Repeated:
    """Solves cases as `vd.solve` does, and keeps the models of the last structures for cases that only have other numbers.

    Numbers that may change at little cost are an assembler's price, his suppliers' costs and the prior, and a supplier's capacity
    or what it costs. By HiGHS and by Ipopt such a case is neither built nor translated anew: the coefficients that moved are
    worked out, and the search starts from the first case of that structure: the simplex from its basis, Ipopt from its optimum;
    tangents of expected sales from where the newsvendor's quantities at virtual cost are. Everything else (other suppliers,
    another demand, `bic` under another prior; other kinds of case, closed forms and other solvers) is solved whole, and so is
    whatever does not end in a proven optimum here: errors are those of `vd.solve`. Certificate, audit, duals and sensitivities
    come, as ever, from the case's own coefficients.

    Objectives agree with `vd.solve` within the tolerance of the solver. Where an optimum, or the duals that prove it, are not
    unique (`solution.dual_range` says so), contracts and duals may be others than those of `vd.solve`. They follow from the first
    case of the structure and from the case alone, not from what was solved in between: who needs the same rows from several
    processes gives each of them a `Repeated` of its own and the same first case. The models of the last eight structures are
    kept, fewer where these are large. Not for several threads at a time.

    Examples
    --------
    >>> import veridical as vd
    >>> repeated, case = vd.Repeated(), vd.example("two-suppliers")
    >>> [round(repeated.solve(case, price=price).objective, 2) for price in (30, 31)]
    [6965.0, 7388.71]
    """

    def __init__(self) -> None:
        self._kept = KeptModels(REPEATING)

    def solve(
        self, case: Any, mechanism: str | Mechanism | None = None, solver: Solver = None, **parameters: Any
    ) -> CaseSolution:
        """Solve a case under a mechanism (the kind's own where none is named) and return a certified solution.

        Parameters
        ----------
        case, mechanism, solver, parameters
            As in `vd.solve`; money in currency, quantities in units.

        Returns
        -------
        The Solution. `solver.seconds.build` is the time in which a kept model was given the case's numbers.

        Raises
        ------
        InputError, NotSolvedError, CertificateError
            As `vd.solve` does.

        Examples
        --------
        >>> import veridical as vd
        >>> repeated, case = vd.Repeated(), vd.example("two-suppliers-correlated")
        >>> dearer = {"suppliers.panel.costs": [4.0, 9.5]}
        >>> [round(repeated.solve(case, "hybrid", k=1, **costs).objective, 2) for costs in ({}, dearer)]
        [4346.67, 4183.33]
        """
        return self.solve_from(None, case, mechanism, solver, **parameters)

    def solve_from(
        self, first: Any, case: Any, mechanism: str | Mechanism | None = None, solver: Solver = None, **parameters: Any
    ) -> CaseSolution:
        """Solve a case from the basis of another one, whatever was solved before.

        Parameters
        ----------
        first
            The case whose model is kept, with the same parameters of the mechanism. A case of another structure is solved whole.
        case, mechanism, solver, parameters
            As in `solve`.

        Returns
        -------
        The Solution, which depends on these arguments alone.

        Raises
        ------
        InputError, NotSolvedError, CertificateError
            As `vd.solve` does.

        Examples
        --------
        >>> import veridical as vd
        >>> repeated, case = vd.Repeated(), vd.example("two-suppliers")
        >>> round(repeated.solve_from(case, case, "icds", "highs", price=31).objective, 2)
        7388.71
        """
        case, parameters = resolve(case, None if mechanism is None else [mechanism], parameters)
        configuration = None if solver is None else solvers.configure(solver)
        kept = self._kept if first is None else _From(self._kept, first)
        return answer(case, find(case, mechanism), configuration, None, parameters, kept)


@dataclass(frozen=True)
class _From:
    """Kept models, each of which begins with one case."""

    kept: KeptModels
    first: Any

    def solve(
        self, build: Callable[..., Any], case: Any, form: str, configuration: Configuration, parameters: Mapping[str, Any], /
    ) -> Solution | None:
        """Solve as `KeptModels` does."""
        return self.kept.solve(build, case, form, configuration, parameters, self.first)
