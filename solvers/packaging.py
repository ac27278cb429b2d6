"""From a solver's arrays back to the model and its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from time import perf_counter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.audit import audit
from veridical.data.arrays import Array, Integers
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures
from veridical.models.expected_sales import written
from veridical.models.info import ModelInfo, info_of
from veridical.models.linear_families import members_of
from veridical.solvers.certificate import CANCELLED, TRACE, Certificate, certify, ratio
from veridical.solvers.certificate import Point as PointOfForm
from veridical.solvers.dual_range import OptimalDuals
from veridical.solvers.sensitivity import Lagrangian
from veridical.solvers.solution import Duals, Largest, Seconds, Solution, SolutionStatus, SolverRecord
from veridical.solvers.tangents import at_the_curve, curves_of
from veridical.solvers.translate.standard_form import StandardForm, compile_model
from veridical.solvers.units import natural_units

__all__ = ["Names", "Point", "by_family", "certified", "load", "package_solution"]

Families = dict[str, tuple[Integers, Callable[[Array], "pd.Series"]]]

NO_DUALS = "a model with integers has no shadow prices: fix the integers at their values and solve again for those of the rest"
STATUSES = {"global": SolutionStatus.OPTIMAL, "local": SolutionStatus.LOCALLY_OPTIMAL, "feasible": SolutionStatus.FEASIBLE}


@dataclass(frozen=True, eq=False)
class Point:
    """A solver's point with what it proves.

    Parameters
    ----------
    x
        One value a variable.
    row_dual
        d(minimised objective)/d(right-hand side), one value a row; None where there are none (integers).
    certificate, bound
        As `certify` makes them.
    """

    x: Array
    row_dual: Array | None
    certificate: Certificate
    bound: float


def certified(
    model: Any,
    form: StandardForm,
    x: Array,
    row_dual: Array | None,
    bound: float | None = None,
    before: Array | None = None,
    like: PointOfForm | None = None,
) -> Point:
    """Load a point into the model and return it with its certificate; `bound`: the solver's own, where there are no duals.

    `before`: the point that the model holds, where that is known; `like` as in `certify`.
    """
    load(form, x, before)
    certificate, proven = certify(form, x, row_dual, bound, like=like)
    info = info_of(model)
    zero = info.zero_at_optimum
    if zero is not None:
        units = natural_units(form)
        # Where nothing is worth making, all is measured by what it would be in usual quantities.
        size = max(abs(form.objective(x)), CANCELLED * float(np.abs(form.gradient(x)) @ units))
        violation = ratio(abs(float(pyo.value(zero))), size)
        proven_by_duals = certificate.proves == "global" and certificate.holds
        certificate = replace(certificate, complementarity=max(certificate.complementarity or 0.0, violation))
        program = None if info.program is None or proven_by_duals else info.program(model)
        reason = None if program is None else compile_model(program, nonlinear=True).convexity
        if reason is not None:
            basis = f"the optimality conditions of a convex program ({reason})"
            # The conditions are rows here: how far they are from holding is the primal residual.
            figures = {"dual_residual": certificate.primal_residual, "complementarity": violation, "gap": violation}
            if abs(form.objective(x)) < size:
                x = np.where((np.abs(x) <= TRACE * units) & (form.low == 0), 0.0, x)
                load(form, x)
            certificate, proven = replace(certificate, **figures, proves="global", basis=basis), form.objective(x)
    return Point(x, row_dual, certificate, proven)


def load(form: StandardForm, x: Array, before: Array | None = None) -> None:
    """Give the variables of a form the values of a point; `before`: the point that they hold, where that is known."""
    if before is None:
        for variable, value in zip(form.variables, x.tolist(), strict=True):
            variable.set_value(value, skip_validation=True)
        return
    for column in np.flatnonzero(x != before).tolist():
        form.variables[column].set_value(float(x[column]), skip_validation=True)


def package_solution(
    model: Any,
    form: StandardForm,
    point: Point,
    solver: tuple[str, str],
    options: Mapping[str, Any],
    seconds: Seconds,
    names: Names | None = None,
) -> Solution:
    """Return the solution that a point is: duals by name, contracts and their audit, sensitivities.

    `solver` is name and version; `names` those of the first of the form's constraints, where they are known. The model holds the
    point; its `dual` and `rc` suffixes are filled where it has them.
    """
    began = perf_counter()
    info, x = info_of(model), point.x
    why_none = NO_DUALS if form.integer.any() else "this solver returns no shadow prices"
    optimal: Callable[[], OptimalDuals | str] | str = why_none
    duals, derivatives = Duals({}, why_none), None
    for name in ("dual", "rc"):  # nothing of another solve stays behind
        suffix = model.component(name)
        if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
            suffix.clear()
    if point.row_dual is not None:
        prices = form.sense * point.row_dual + 0.0  # no -0
        reduced_costs = form.sense * (form.gradient(x) - form.jacobian(x).T @ point.row_dual)
        for name, components, values in (("dual", form.constraints, prices), ("rc", form.variables, reduced_costs)):
            suffix = model.component(name)
            if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
                suffix.update(zip(components, values.tolist(), strict=True))
        families = families_of(info, form, names)
        duals = priced(families, prices)
        curves = curves_of(model, form)

        @cache
        def optimal() -> OptimalDuals | str:
            assert point.row_dual is not None
            at_curves = at_the_curve(curves, x, point.row_dual)
            return OptimalDuals.of(form, x, point.row_dual, point.certificate.gap, families, at_curves)

        if parameters := info.standing(model):
            objective = next(model.component_data_objects(pyo.Objective, active=True))
            derivatives = Lagrangian(parameters, objective.expr, form, x, prices, reduced_costs).derivatives
    contracts = None if info.contracts is None else info.contracts(model, duals)
    found = None if contracts is None else audit(contracts)
    objective_value = form.objective(x) + 0.0  # no -0.0
    measures = UNSAID
    if info.case is not None:
        measures = Measures.of(info.case).fitted(money=max(abs(objective_value), 0.0 if found is None else found.largest_payment))
        found = None if found is None else replace(found, measures=measures)
    sales = ", ".join(sorted({expected.form for expected in written(model)}))
    return Solution(
        objective=objective_value,
        bound=point.bound + 0.0,
        certificate=point.certificate,
        solver=SolverRecord(*solver, options, sales or None, replace(seconds, certify=perf_counter() - began)),
        status=STATUSES[point.certificate.proves],
        duals=duals,
        mechanism=info.mechanism,
        case=None if info.mechanism is None else info.case.name,
        contracts=contracts,
        audit=found,
        derivatives=derivatives,
        measures=measures,
        warnings=() if found is None else found.warnings,
        optimal=optimal,
    )


def by_family(info: ModelInfo, form: StandardForm, prices: Array) -> Duals:
    """Return the duals of a form's constraints by family, each a Series that is made when first looked at."""
    return priced(families_of(info, form), prices)


def priced(families: Families, prices: Array) -> Duals:
    """Return the duals of families, each a Series that is made when first looked at."""
    return Duals({name: Priced(series, prices[rows]) for name, (rows, series) in families.items()})


@dataclass(frozen=True)
class Priced:
    """The duals of a family: called, a Series of them. `series` is a partial of `_series`."""

    series: Callable[[Array], pd.Series]
    prices: Array

    def __call__(self) -> pd.Series:
        """Return the Series."""
        return self.series(self.prices)

    def largest(self, count: int, least: float) -> list[Largest] | None:
        """Return the largest in size, without pandas, which takes longer to import than a small model to solve.

        None where only pandas knows in which order they stand.
        """
        keys, family, levels, renamed = self.series.args  # type: ignore[attr-defined]
        large = np.flatnonzero(np.abs(self.prices) > least).tolist()
        named = {k: renamed(levels, keys[k]) if renamed is not None and levels else keys[k] for k in large}
        arities = {len(key) if isinstance(key, tuple) else 0 for key in keys}
        if len(arities) > 1 or not large:
            return [] if not large else None
        (arity,) = arities
        if not arity:
            named = {k: family if key is None else key for k, key in named.items()}
            levels = levels[:1] if levels else None
        try:
            order = sorted(large, key=named.__getitem__)
        except TypeError:
            return None
        order.sort(key=lambda k: -abs(self.prices[k]))  # of equal ones the first, as the sort is stable
        names = levels or (None,) * (arity or 1)
        return [(names, named[k], float(self.prices[k])) for k in order[:count]]


class Names:
    """The constraints of a form by family: the rows of each, and the keys of these as they were declared."""

    def __init__(self, info: ModelInfo, constraints: Sequence[Any], before: Names | None = None) -> None:
        known: int = 0 if before is None else before.count
        found: dict[str, tuple[list[int], list[Any]]] = {}
        of: dict[int, tuple[list[int], list[Any]]] = {}  # by component: Pyomo puts a name together anew whenever it is asked
        indices: dict[int, Any] = {}  # of members, by id: Pyomo looks each up again whenever it is asked
        row = known
        while row < len(constraints):
            constraint = constraints[row]
            if info.name_of is not None:
                family, key = info.name_of(constraint)
                rows, keys = found.setdefault(family, ([], []))
            else:
                component = constraint.parent_component()
                if id(component) not in of:
                    of[id(component)] = rows, keys = found.setdefault(component.name, ([], []))
                    members = members_of(component)
                    if members and constraints[row : row + len(members)] == members:  # most families stand as they were declared
                        rows += range(row, row + len(members))
                        keys += component._data
                        row += len(members)
                        continue
                    indices.update((id(member), index) for index, member in component.items())
                rows, keys = of[id(component)]
                key = indices[id(constraint)] if id(constraint) in indices else constraint.index()
            rows.append(row)
            keys.append(key)
            row += 1
        self.count: int = len(constraints)
        self.families: dict[str, tuple[Integers, tuple[Any, ...]]] = {} if before is None else dict(before.families)
        for family, (rows, keys) in found.items():
            first, of_first = self.families.get(family, (np.zeros(0, dtype=int), ()))
            self.families[family] = np.append(first, rows), (*of_first, *keys)


def families_of(info: ModelInfo, form: StandardForm, names: Names | None = None) -> Families:
    """Return the rows of each family, and what makes a Series of one value a row, indexed by names."""
    if names is None or names.count < len(form.constraints):
        names = Names(info, form.constraints, names)
    parts, renamed = info.index_names.get, info.renamed
    return {name: (rows, partial(_series, keys, name, parts(name), renamed)) for name, (rows, keys) in names.families.items()}


def _series(
    keys: Sequence[Any],
    family: str,
    levels: tuple[str, ...] | None,
    renamed: Callable[[tuple[str, ...], Any], Any] | None,
    prices: Array,
) -> pd.Series:
    if renamed is not None and levels:
        keys = [renamed(levels, key) for key in keys]
    arities = {len(key) if isinstance(key, tuple) else 0 for key in keys}
    if len(arities) > 1:  # an index of mixed arity
        return pd.Series(prices, index=pd.Index(list(keys), dtype=object, tupleize_cols=False), name="dual")
    if arities != {0}:
        index: pd.Index = pd.MultiIndex.from_tuples(keys, names=levels)
    else:
        index = pd.Index([family if key is None else key for key in keys], name=levels[0] if levels else None)
    series = pd.Series(prices, index=index, name="dual")
    try:
        return series.sort_index()  # pandas looks names up fast, and without a warning, in a sorted index alone
    except TypeError:
        return series  # a user's own index of things that have no order
