"""What the world is: typed, validated, immutable cases; demand; priors; contract menus.

Rooms: `load` (files and shipped examples), `assembler` (the assembler's case), `demand` and `prior` (its parts), `menu` (a
contract menu), `virtual_cost` (eq. (13)), `fields` (field types with their messages), `errors`.
"""

from veridical.data.assembler import AssemblerCase, Supplier
from veridical.data.demand import (
    Continuous,
    Demand,
    Discrete,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Normal,
    Sample,
    Uniform,
    Weibull,
)
from veridical.data.errors import CertificateError, InputError, NotSolvedError, Problem, VeridicalError
from veridical.data.load import example, examples, load
from veridical.data.menu import Menu
from veridical.data.prior import Prior
from veridical.data.virtual_cost import Monotonicity, correlation, monotonicity, virtual_cost, weighted_virtual_cost

__all__ = [
    "AssemblerCase",
    "CertificateError",
    "Continuous",
    "Demand",
    "Discrete",
    "Empirical",
    "Exponential",
    "Gamma",
    "InputError",
    "Lognormal",
    "Menu",
    "Monotonicity",
    "Normal",
    "NotSolvedError",
    "Prior",
    "Problem",
    "Sample",
    "Supplier",
    "Uniform",
    "VeridicalError",
    "Weibull",
    "correlation",
    "example",
    "examples",
    "load",
    "monotonicity",
    "virtual_cost",
    "weighted_virtual_cost",
]
