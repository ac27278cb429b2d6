"""What of a Pyomo model can be translated: the component types and domains that are understood; all else is refused by name.

What is not on the list may change what the model means (a Disjunction, an Arc), so that none is left out in silence.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.base.block import BlockData
from pyomo.core.base.connector import Connector
from pyomo.core.base.piecewise import PiecewiseData
from pyomo.core.base.set import RangeSet, SetOf
from pyomo.core.base.var import VarData
from pyomo.dae import ContinuousSet
from pyomo.network import Port

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.errors import Problem

__all__ = ["domain_is_whole", "limits", "refuse_fixed", "refuse_no_model", "refuse_unknown", "sos_violation"]

UNDERSTOOD = {  # what stands in expressions, or only prepares them
    *(pyo.Var, pyo.Param, pyo.Expression, pyo.Objective, pyo.Constraint, pyo.Block, pyo.ExternalFunction, pyo.Suffix),
    *(pyo.Set, RangeSet, SetOf, pyo.BuildAction, pyo.BuildCheck),
    # These mean something only to other components, which are refused where they are active.
    *(pyo.BooleanVar, Port, Connector),
}
ADVICE = {  # by the name of a component type: the transformation of Pyomo that turns it into what is understood
    **dict.fromkeys(("Disjunction", "Disjunct"), "gdp.bigm or gdp.hull"),
    **dict.fromkeys(("ContinuousSet", "DerivativeVar", "Integral"), "dae.finite_difference or dae.collocation"),
    "LogicalConstraint": "core.logical_to_linear",
    "Complementarity": "mpec.simple_nonlinear, or mpec.simple_disjunction and then gdp.bigm",
    "Arc": "network.expand_arcs",
    "PiecewiseLinearFunction": "contrib.piecewise.incremental",
}
DOMAINS = "real numbers between bounds, whole numbers without gaps, or binary; choose among other values by binary variables"
HALFWAY = "_complementarity", "_complementarity_type"  # where mpec.nl and mpec.standard_form note what AMPL's solvers alone read
DOMAIN = attrgetter("_domain")
ROUNDING = 1e-7, 1e-9  # by which solvers pass a bound, absolute and relative: a variable may be fixed where one of them left it


def refuse_no_model(model: Any) -> None:
    """Raise InputError for what is no active, constructed ConcreteModel or Block of `pyomo.environ`."""
    allowed = "a ConcreteModel, or a Block of one"
    if not isinstance(model, BlockData):
        kernel = type(model).__module__.startswith("pyomo.core.kernel")
        value = f"<a model of pyomo.kernel: {type(model).__name__}>" if kernel else model
        raise InputError.of("model", value, f"{allowed}, of pyomo.environ")
    if not model.is_constructed():
        raise InputError.of("model", "<an AbstractModel without data>", f"{allowed}: see `create_instance`", model.name)
    if not model.active:
        raise InputError.of("model", "<a model that is deactivated>", "a model that is active", model.name)


def refuse_unknown(model: Any, sos: bool = False) -> None:
    """Raise InputError that names every active component which is not understood; `sos` allows SOSConstraints."""
    refuse_no_model(model)
    problems = list(_unknown(model, UNDERSTOOD | {pyo.SOSConstraint} if sos else UNDERSTOOD))
    if problems:
        raise InputError(*problems[:10], file=model.name)


def _unknown(model: Any, understood: set[Any]) -> Iterator[Problem]:
    for block in model.block_data_objects(active=True):
        for component in block.component_objects(descend_into=False):
            kind = component.ctype
            if kind is pyo.Constraint and any(hasattr(component, name) for name in HALFWAY):
                yield _problem(component, "Complementarity")
            elif kind not in understood and _counts(component):
                yield _problem(component, "Piecewise" if isinstance(block, PiecewiseData) else kind.__name__)


def _counts(component: Any) -> bool:
    """Whether a component says anything: it is active, in itself or in a member."""
    if component.ctype is ContinuousSet:
        return not component.get_discretization_info()
    if not component.is_indexed():
        return bool(component.active)
    return bool(component.active) and any(getattr(data, "active", True) for data in component.values())


def _problem(component: Any, kind: str) -> Problem:
    advice = "a model without it"
    if kind in ADVICE:
        advice += f": apply {ADVICE[kind]} first, pyo.TransformationFactory(name).apply_to(model)"
    elif kind == "Piecewise":
        advice += ": give the Piecewise another pw_repn, such as 'INC', or a solver that takes SOSConstraint (scip, gurobi)"
    elif kind == "SOSConstraint":
        advice += ": a model of it in binary variables, or a solver that takes it (scip, gurobi)"
    return Problem(component.name, f"<an active {component.ctype.__name__}, which this solver would leave out>", advice)


def domain_is_whole(variables: Iterable[VarData]) -> list[bool]:
    """Return for each variable whether it takes whole numbers only; raise InputError for a domain that is no interval."""
    variables = list(variables)
    domains = list(map(DOMAIN, variables))
    kinds = {key: _is_whole(domain) for key, domain in dict(zip(map(id, domains), domains, strict=True)).items()}
    if None in kinds.values():
        variable = next(variable for variable, domain in zip(variables, domains, strict=True) if kinds[id(domain)] is None)
        raise InputError.of(variable.name, f"<the domain {_text(variable.domain)}>", DOMAINS, variable.model().name)
    return [kinds[key] is True for key in map(id, domains)] if any(kinds.values()) else [False] * len(domains)


def limits(variables: list[VarData]) -> Array:
    """Return the lower and the upper bounds of variables; those with the same domain and numbers are worked out once."""
    known: dict[tuple[int, float | None, float | None], int] = {}
    found: list[tuple[float, float]] = []
    places = array("q")
    for variable in variables:
        low, high = variable._lb, variable._ub
        plain = (low is None or low.__class__ is float) and (high is None or high.__class__ is float)
        key = id(variable._domain), low, high
        place = known.get(key) if plain else None
        if place is None:
            place = len(found)
            found.append(_bounds(variable))
            if plain:
                known[key] = place
        places.append(place)
    result: Array = np.array(found, dtype=float).reshape(-1, 2).T[:, np.array(places)]
    return result


def _bounds(variable: VarData) -> tuple[float, float]:
    try:
        low, high = variable.bounds
    except (ValueError, ArithmeticError, TypeError) as error:  # Pyomo's own word for a bound that is NaN or has no value
        raise InputError.of(variable.name, f"<{error}>", "bounds that are numbers") from None
    return -np.inf if low is None else low, np.inf if high is None else high


def _is_whole(domain: Any) -> bool | None:
    """Return whether a domain is the whole numbers of an interval, or False for all of its numbers; None if it is neither."""
    low, high, step = domain.get_interval()
    if step == 0:
        return False
    ends = [end for end in (low, high) if end is not None]
    return True if step == 1 and all(float(end).is_integer() for end in ends) else None


def _text(domain: Any) -> str:
    return " and ".join(map(str, domain.ranges())) or "that is empty"


def refuse_fixed(variables: Iterable[VarData]) -> None:
    """Raise InputError for a variable that is fixed outside its bounds or its domain."""
    for variable in variables:
        value = float(variable.value)
        low, high = variable.bounds
        absolute, relative = ROUNDING
        below = low is not None and value < low - absolute - relative * abs(low)
        above = high is not None and value > high + absolute + relative * abs(high)
        if below or above:
            bounds = f"between {-np.inf if low is None else low:g} and {np.inf if high is None else high:g}, its bounds"
            raise InputError.of(variable.name, f"<fixed at {value:g}>", bounds, variable.model().name)
        whole = _is_whole(variable.domain)
        inside = value.is_integer() if whole else variable.value in variable.domain
        if not inside and whole is not False:
            allowed = f"a value of its domain, {_text(variable.domain)}"
            raise InputError.of(variable.name, f"<fixed at {value!r}>", allowed, variable.model().name)


def sos_violation(constraint: Any) -> float:
    """Return how far an SOSConstraint is from being met: its largest value that must be 0, relative to the largest of all."""
    weighted = sorted(constraint.get_items(), key=lambda pair: pair[1])
    sizes: Array = np.abs(np.array([variable.value or 0.0 for variable, _ in weighted], dtype=float))
    level = constraint.level
    allowed = max(float(sizes[start : start + level].sum()) for start in range(max(1, len(sizes) - level + 1)))
    return (float(sizes.sum()) - allowed) / max(float(sizes.max(initial=0.0)), np.finfo(float).tiny)
