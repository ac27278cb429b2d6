"""Expected sales E[min(D, y)] written into a model, in the forms that solvers understand.

- linear (finitely many demand points d_k): 0 <= z_k <= d_k - d_(k-1), sum_k z_k <= y, sales = sum_k P(D >= d_k) z_k. Exact,
  an LP: units between two points of demand sell with the same probability, and the first ones are worth most.
- quadratic (uniform): e >= y - low, e >= 0, y <= high, sales = y - e^2 / (2 (high - low)). Exact, a convex QP.
- smooth (every density): a function node with exact derivatives S' = 1 - F, S'' = -f, for NLP solvers that take it.
- tangent (every distribution): sales <= E[min(D, a)] + (1 - F(a)) (y - a) at tangent points a. An LP and an outer
  approximation: solvers add points until the gap is below their tolerance (`ExpectedSales.refine`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import cycle
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import ArrayLike
from pyomo.core.expr import LinearExpression

from veridical.data import Continuous, Demand, Discrete, InputError, Uniform
from veridical.data.arrays import Array
from veridical.models.curvature import Curvature
from veridical.models.decisions import Variables, linear_body
from veridical.models.info import ATTRIBUTE, info_of
from veridical.models.linear_families import Each, declare

__all__ = ["FORMS", "ExpectedSales", "expected_sales", "written"]

FIRST_TANGENTS = np.linspace(0.0, 0.9375, 16)  # cdf levels of the points that a tangent form starts with
BESIDE = np.array([1.0 - 1e-6, 1.0, 1.0 + 1e-6])  # where about likely units tangents stand: the program is flat along one alone


class ExpectedSales:
    """The block `block`, whose `sales[t]` is E[min(demand, units[t])] for t in a set of names, plain or several a key; its form.

    `form` is one of FORMS that the distribution has, or `auto`: its best. A solver may rewrite the block in another form.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> import veridical as vd
    >>> model = pyo.ConcreteModel()
    >>> model.units = pyo.Var(["week"], bounds=(0, None))
    >>> model.sold = pyo.Block()
    >>> sales = ExpectedSales(model.sold, model.units, vd.data.Uniform(low=100, high=900))
    >>> model.profit = pyo.Objective(expr=10 * model.sold.sales["week"] - 5 * model.units["week"], sense=pyo.maximize)
    >>> round(vd.solvers.solve(model).objective, 4), round(model.units["week"].value, 4)   # 10 * 400 - 5 * 500
    (1500.0, 500.0)
    """

    def __init__(self, block: Any, units: Any, demand: Demand, form: str = "auto") -> None:
        self.block, self.units, self.demand = block, units, demand
        block.sales = pyo.Expression(units.index_set())
        self.at: list[int] = []  # of each tangent: the profile that it belongs to, by number
        self.slopes: list[float] = []  # its slope
        self.intercepts: list[float] = []  # and what it is at 0 units
        self.first = 0  # tangents that are written first, by no solver
        self.places: Any = None  # where solvers have found them in their arrays
        self.form = ""
        self.write(form)

    def write(self, form: str) -> None:
        """Write, or rewrite, the block in a form."""
        form = chosen(self.demand, form)
        if form == self.form:
            return
        if self.form:
            self.block.del_component("written")
        self.form = form
        self.block.written = pyo.Block()
        FORMS[form](self)

    @property
    def profiles(self) -> list[Hashable]:
        """What `units` is indexed by, in order."""
        return list(self.units)

    def refine(self, at: Iterable[int], points: ArrayLike) -> list[Any]:
        """Add tangents of the curve of profile number `at[k]` at `points[k]` units, and return the new constraints."""
        slopes, intercepts = self._lines(np.asarray(points, dtype=float))
        written, profiles = self.block.written, self.profiles
        new = []
        for number, slope, intercept in zip(at, slopes.tolist(), intercepts.tolist(), strict=True):
            t = profiles[number]
            key = _key(t, len(self.at))
            pair = [written.curve[t], self.units[t]]
            written.tangent[key] = (None, LinearExpression(linear_coefs=[1.0, -slope], linear_vars=pair), intercept)
            new.append(written.tangent[key])
            self.at.append(number)
            self.slopes.append(slope)
            self.intercepts.append(intercept)
        return new

    def _lines(self, points: Array) -> tuple[Array, Array]:
        """Return slopes of the curve's tangents at some points, and what these are at 0 units."""
        slopes = 1.0 - self.demand.cdf(points)
        return slopes, self.demand.expected_sales(points) - slopes * points

    def aim(self, units: Array) -> None:
        """Put tangents where the units of each profile are likely to be at an optimum, or move them there.

        Their numbers are mutable Params. Wherever they are, they bound sales from above as all tangents do. What solvers have
        added has to be forgotten first.
        """
        written, profiles = self.block.written, self.profiles
        slopes, intercepts = (line.tolist() for line in self._lines(np.outer(units, BESIDE).ravel()))
        if written.component("likely") is None:
            written.likely = pyo.RangeSet(0, len(slopes) - 1)
            written.slope = pyo.Param(written.likely, initialize=dict(enumerate(slopes)), mutable=True)
            written.intercept = pyo.Param(written.likely, initialize=dict(enumerate(intercepts)), mutable=True)
            for k, number in enumerate(np.repeat(np.arange(len(profiles)), len(BESIDE)).tolist()):
                t = profiles[number]
                written.tangent[_key(t, len(self.at))] = (
                    written.curve[t] - written.slope[k] * self.units[t] <= written.intercept[k]
                )
                self.at.append(number)
            self.first = len(self.at)
        else:
            for line, values in ((written.slope, slopes), (written.intercept, intercepts)):
                for param, value in zip(line.values(), values, strict=True):
                    param.set_value(value)
        start = self.first - len(slopes)
        self.slopes[start:], self.intercepts[start:] = slopes, intercepts

    def forget(self) -> None:
        """Take out the tangents that solvers have added."""
        profiles = self.profiles
        for number in range(self.first, len(self.at)):
            del self.block.written.tangent[_key(profiles[self.at[number]], number)]
        del self.at[self.first :], self.slopes[self.first :], self.intercepts[self.first :]


def _key(t: Any, number: int) -> tuple[Any, ...]:
    """Return the index of a tangent of profile t."""
    return (*t, number) if isinstance(t, tuple) else (t, number)


def expected_sales(units: Any, demand: Demand, form: str, block: Any = None) -> Any:
    """Return a block to put on a model, or one that stands there: `block.sales[t]` is E[min(demand, units[t])]. See `written`."""
    block = pyo.Block(concrete=True) if block is None else block
    object.__setattr__(block, ATTRIBUTE, ExpectedSales(block, units, demand, form))
    return block


def written(model: Any) -> list[ExpectedSales]:
    """Return the expected sales that stand in the active blocks of a model."""
    known = info_of(model).expected_sales
    if known is not None:
        return known
    records = (getattr(block, ATTRIBUTE, None) for block in model.component_data_objects(pyo.Block, active=True))
    return [record for record in records if isinstance(record, ExpectedSales)]


def chosen(demand: Demand, form: str) -> str:
    """Return the form asked for, if the distribution has it; `auto` is its best."""
    if form == "auto":
        return demand.forms[0]
    if form not in demand.forms:
        raise InputError.of("form", form, f"for {demand.distribution} demand one of auto, {', '.join(demand.forms)}")
    return form


def _linear(sales: ExpectedSales) -> None:
    """Write 0 <= z_k <= d_k - d_(k-1), sum_k z_k <= y, sales = sum_k P(D >= d_k) z_k.

    With the sales at each point of demand as variables (s_k <= d_k, s_k <= y) there was a row for each of them, and full ICDS
    took a fifth longer. What their duals said: the dual of `cover` is what one more unit is worth in a profile, the sum of those
    of the rows s_k <= y. The reduced cost of `segment[t, d]` (Suffix `rc`), where above 0, is what a unit more between d and the
    point before would be worth beyond that; it is 0 where units end between the two, and below 0 where they end before.
    """
    demand, written, y = sales.demand, sales.block.written, sales.units
    assert isinstance(demand, Discrete)
    points = demand.points.tolist()
    lengths = np.diff(demand.points, prepend=0.0).tolist()
    written.POINTS = pyo.Set(initialize=points)
    written.segment = pyo.Var(y.index_set(), written.POINTS, domain=pyo.NonNegativeReals)
    each, count = Each(written.segment), len(points)
    first, units, z = count * np.arange(len(y)), np.arange(len(y)), each.members
    for variable, length in zip(z, cycle(lengths)):
        variable._ub = length  # as `setub` does, less the checks: these are floats
    covered = sum((each[first + k] for k in range(1, count)), each[first])
    declare(written, "cover", y.index_set(), covered - Each(y)[units] <= 0.0)
    sold = demand.masses[::-1].cumsum()[::-1].tolist()
    numbered = Variables(z)
    for start, t in zip(first.tolist(), sales.profiles, strict=True):
        sales.block.sales[t] = linear_body(numbered, dict(zip(range(start, start + count), sold, strict=True)))


def _quadratic(sales: ExpectedSales) -> None:
    """Write e >= y - low, e >= 0, y <= high, sales = y - e^2 / (2 (high - low))."""
    demand, written, y = sales.demand, sales.block.written, sales.units
    assert isinstance(demand, Uniform)
    written.excess = pyo.Var(y.index_set(), domain=pyo.NonNegativeReals)
    e = written.excess
    written.excess_covers = pyo.Constraint(y.index_set(), rule=lambda _, *t: e[t] >= y[t] - demand.low)
    written.support = pyo.Constraint(y.index_set(), rule=lambda _, *t: y[t] <= demand.high)
    for t in sales.profiles:
        sales.block.sales[t] = y[t] - e[t] ** 2 / (2 * (demand.high - demand.low))


def _smooth(sales: ExpectedSales) -> None:
    """Write one function node a profile; the function also takes all of them at once (`batch`)."""
    demand = sales.demand
    assert isinstance(demand, Continuous)
    sales.block.written.curve = curve = pyo.ExternalFunction(
        function=lambda q: float(demand.expected_sales(q)),
        gradient=lambda args, fixed: [float(1.0 - demand.cdf(args[0]))],
        hessian=lambda args, fixed: [float(-demand.density(args[0]))],
    )
    curve.batch = lambda q: (demand.expected_sales(q), [1.0 - demand.cdf(q)], [-demand.density(q)])
    curve.curvature = Curvature(sign=-1, monotone=1)
    for t in sales.profiles:
        sales.block.sales[t] = curve(sales.units[t])


def _tangent(sales: ExpectedSales) -> None:
    """Write the curve under its tangents at the first points; a solver adds the others."""
    demand, written, y = sales.demand, sales.block.written, sales.units
    written.curve = pyo.Var(y.index_set(), bounds=(0, demand.expectation))
    written.tangent = pyo.Constraint(pyo.Any)
    sales.at, sales.slopes, sales.intercepts = [], [], []
    points = np.unique(np.concatenate([[0.0], demand.inverse_cdf(FIRST_TANGENTS)]))
    for t in sales.profiles:
        sales.block.sales[t] = written.curve[t]
    for number in range(len(y)):
        sales.refine([number] * len(points), points)
    sales.first = len(sales.at)


FORMS = {"linear": _linear, "quadratic": _quadratic, "smooth": _smooth, "tangent": _tangent}
