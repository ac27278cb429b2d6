"""Truthful mechanisms for supply chains, as optimisation models in Pyomo.

    >>> import veridical as vd
    >>> solution = vd.solve(vd.example("two-suppliers"), mechanism="icds", solver="highs")
    >>> round(solution.objective, 2)
    6965.0

Packages: `veridical.data` (what the world is), `veridical.contracts` (what is promised and whether it holds),
`veridical.models` (what is to be decided), `veridical.solvers` (who decides it), `veridical.studies` (published tables, figures,
rolling runs); here stand the registry of mechanisms, the calls that tie all together, the command line, and tables for people.
"""

from veridical import contracts, data, models, solvers, studies
from veridical.comparing import compare
from veridical.contracts import IMPLIES, PROPERTIES, read_bids
from veridical.data import (
    CertificateError,
    InputError,
    NotSolvedError,
    VeridicalError,
    correlation,
    example,
    examples,
    load,
    monotonicity,
    virtual_cost,
)
from veridical.mechanisms import MECHANISMS, Mechanism
from veridical.solvers.closed_form.auction import auction
from veridical.solving import audit, build, one_sided, solve
from veridical.studies import choose_k, reproduce

__all__ = [
    "IMPLIES",
    "MECHANISMS",
    "PROPERTIES",
    "CertificateError",
    "InputError",
    "Mechanism",
    "NotSolvedError",
    "VeridicalError",
    "auction",
    "audit",
    "build",
    "choose_k",
    "compare",
    "contracts",
    "correlation",
    "data",
    "example",
    "examples",
    "load",
    "models",
    "monotonicity",
    "one_sided",
    "read_bids",
    "reproduce",
    "solve",
    "solvers",
    "studies",
    "virtual_cost",
]
