"""Truthful mechanisms for supply chains, as optimisation models in Pyomo.

    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers"), mechanism="icds", solver="highs")
    >>> round(solution.objective, 2)
    6965.0

Rooms: `veridical.data` (what the world is), `veridical.models` (what is to be decided), `veridical.solvers` (who decides it),
`veridical.studies` (figures and published tables); here stand the calls that tie them together, and the command line.
"""

from veridical import data, models, solvers, studies
from veridical.data import CertificateError, InputError, NotSolvedError, VeridicalError, example, examples, load
from veridical.mechanisms import MECHANISMS, Mechanism
from veridical.solving import audit, build, compare, one_sided, solve

__all__ = [
    "MECHANISMS",
    "CertificateError",
    "InputError",
    "Mechanism",
    "NotSolvedError",
    "VeridicalError",
    "audit",
    "build",
    "compare",
    "data",
    "example",
    "examples",
    "load",
    "models",
    "one_sided",
    "solve",
    "solvers",
    "studies",
]
