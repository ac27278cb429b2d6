"""Engines behind one protocol: HiGHS and Ipopt, which are handed arrays, and any other solver that Pyomo's factories know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from veridical.solvers.configuration import Configuration
from veridical.solvers.engines import highs, ipopt
from veridical.solvers.engines.pyomo_factory import KNOWN, PyomoEngine
from veridical.solvers.solution import Solution

__all__ = ["ENGINES", "REPEATING", "Engine", "engine", "installed", "refuse_missing"]


class Engine(Protocol):
    """A solver of models as the rest of the package sees it: a module or an object.

    Examples
    --------
    >>> from veridical.solvers import engine
    >>> highs = engine("highs")
    >>> highs.available(), "MIP" in highs.ABILITIES
    (True, True)
    """

    @property
    def ABILITIES(self) -> tuple[str, ...]:
        """What it solves and returns: LP, QP, NLP, MIP, duals; `starts` where it can search from several points."""

    @property
    def FORMS(self) -> tuple[str, ...]:
        """The forms of expected sales that it takes, best first."""

    def available(self) -> bool:
        """Whether it works on this machine."""

    def version(self) -> str:
        """Return its version, where it is available."""

    def solve(self, model: Any, configuration: Configuration) -> Solution:
        """Solve a Pyomo model, load the values into it, and return the solution with its certificate, not yet judged.

        Raises
        ------
        InputError
            For what the engine does not take.
        NotSolvedError
            Where there is no optimum to return.
        """


ENGINES: Mapping[str, Engine] = {"highs": highs, "ipopt": ipopt}
REPEATING = {
    "highs": (highs.solve, False),
    "ipopt": (ipopt.solve, True),
}  # those that solve kept models, and whether nonlinear ones


def engine(name: str) -> Engine:
    """Return the engine of a name.

    Parameters
    ----------
    name
        `highs`, `ipopt`, or the name of a solver that Pyomo knows, which need not be installed.

    Returns
    -------
    Engine
        A module of ours, or Pyomo's solver of that name.

    Examples
    --------
    >>> engine("highs").ABILITIES
    ('LP', 'QP', 'MIP', 'duals')
    """
    return ENGINES.get(name) or PyomoEngine(name)


def refuse_missing(configuration: Configuration) -> None:
    """Raise InputError where the solver of a configuration does not work here: before there is a model for it."""
    if configuration.solver not in ENGINES:
        PyomoEngine(configuration.solver).refuse_missing(configuration)


def installed() -> dict[str, Engine]:
    """Return the engines that can be used here, by name.

    Returns
    -------
    dict[str, Engine]
        Our engines, which need not be installed, and of the others that are widely used those that work on this machine.

    Examples
    --------
    >>> sorted(installed())[:2]  # doctest: +SKIP
    ['highs', 'ipopt']
    """
    others = {name: PyomoEngine(name) for name in KNOWN}
    return {**ENGINES, **{name: other for name, other in others.items() if other.available()}}
