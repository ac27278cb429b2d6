"""From a solver's arrays back to the model and its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.base.constraint import ConstraintData

from veridical.contracts.audit import audit
from veridical.models.expected_sales import written
from veridical.models.info import info_of
from veridical.solvers.certificate import certify
from veridical.solvers.sensitivity import Lagrangian
from veridical.solvers.solution import Duals, Seconds, Solution, SolverRecord
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["finished", "load"]

Array = NDArray[np.float64]


def load(model: Any, form: StandardForm, x: Array, prices: Array | None, reduced_costs: Array | None) -> Duals:
    """Load x into the model's variables, duals into its `dual` and `rc` suffixes where it has them; return the duals."""
    for variable, value in zip(form.variables, x.tolist(), strict=True):
        variable.set_value(value, skip_validation=True)
    if prices is None or reduced_costs is None:
        return Duals({})
    for name, components, values in (("dual", form.constraints, prices), ("rc", form.variables, reduced_costs)):
        suffix = model.component(name)
        if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
            suffix.update(zip(components, values.tolist(), strict=True))
    info = info_of(model)
    named = info.name_of or _named
    families: dict[str, tuple[list[int], list[Any]]] = {}
    for row, constraint in enumerate(form.constraints):
        family, key = named(constraint)
        rows, keys = families.setdefault(family, ([], []))
        rows.append(row)
        keys.append(key)
    return Duals(
        {
            family: partial(_series, keys, prices[rows], family, info.index_names.get(family))
            for family, (rows, keys) in families.items()
        }
    )


def finished(
    model: Any,
    form: StandardForm,
    x: Array,
    row_dual: Array | None,
    solver: tuple[str, str],
    options: Mapping[str, Any],
    seconds: Seconds,
    bound: float | None = None,
) -> Solution:
    """Load a point and its multipliers into the model and return them as a solution, certified; menu and audit with it.

    `row_dual` and `bound` are as `certify` takes them; `solver` is name and version.
    """
    began = perf_counter()
    certificate, proven = certify(form, x, row_dual, bound)
    info = info_of(model)
    prices = reduced_costs = derivatives = None
    if row_dual is not None:
        prices = form.sense * row_dual + 0.0  # no -0
        reduced_costs = form.sense * (form.gradient(x) - form.jacobian(x).T @ row_dual)
        if info.parameters:
            objective = next(model.component_data_objects(pyo.Objective, active=True))
            derivatives = Lagrangian(info.parameters, objective.expr, form, x, prices, reduced_costs).derivatives
    duals = load(model, form, x, prices, reduced_costs)
    contracts = None if info.contracts is None else info.contracts(model, duals)
    if info.zero_at_optimum is not None:
        left = abs(float(pyo.value(info.zero_at_optimum))) / max(1.0, abs(form.objective(x)))
        certificate = replace(certificate, complementarity=max(certificate.complementarity or 0.0, left))
    forms = sorted({sales.form for sales in written(model)})
    return Solution(
        objective=form.objective(x),
        bound=proven,
        certificate=certificate,
        solver=SolverRecord(
            name=solver[0],
            version=solver[1],
            options=options,
            form=", ".join(forms) or None,
            seconds=replace(seconds, certify=perf_counter() - began),
        ),
        duals=duals,
        mechanism=info.mechanism,
        case=None if info.mechanism is None else info.case.name,
        contracts=contracts,
        audit=None if contracts is None else audit(contracts),
        derivatives=derivatives,
    )


def _named(constraint: ConstraintData) -> tuple[str, Any]:
    return constraint.parent_component().name, constraint.index()


def _series(keys: Sequence[Any], prices: Array, family: str, levels: tuple[str, ...] | None) -> pd.Series:
    if isinstance(keys[0], tuple):
        index: pd.Index = pd.MultiIndex.from_tuples(keys, names=levels)
    else:
        index = pd.Index([family if key is None else key for key in keys], name=levels[0] if levels else None)
    series = pd.Series(prices, index=index, name="dual")
    try:
        return series.sort_index()  # pandas looks names up fast, and without a warning, in a sorted index alone
    except TypeError:
        return series  # a user's own index of things that have no order
