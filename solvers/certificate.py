"""The certificate of a result: what a point and its multipliers prove, computed from the model's coefficients.

Nothing is taken from a solver's word, except the bound of a model with integers. Every figure is free of units: money, units
and probabilities may be counted in anything, and neither verdict nor digits change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from veridical.data.arrays import Array, Booleans, inner
from veridical.data.cards import Card, Shown
from veridical.solvers.entries import Entries
from veridical.solvers.implied_bounds import implied_bounds
from veridical.solvers.translate.standard_form import StandardForm
from veridical.solvers.units import natural_units

__all__ = ["ACCEPTED", "Certificate", "Point", "certify", "product", "ratio", "relative", "signed"]

ACCEPTED = 1e-6  # every figure of a certificate is relative, and must not be above this
CANCELLED = 1e-6  # an objective whose terms cancel to less than this part of their size is measured by that part
ROUNDING = 1e-12  # of a reduced cost of few terms, relative to their size: data and factorisations are no more exact
EXACT = 1e-15  # of a row of few terms, relative to its size: sums are no more exact
TRACE = 1e-9  # of the typical size of a variable: solvers are no more exact than that
COMPARABLE = 1e-3  # of a row's largest coefficient: variables that count in like units
REACH = 10  # rows in a chain by which the size of a variable is known from that of others
PROOFS = {  # what a certificate proves, with what the proof rests on
    "global": "proven: no feasible point is better by more than the gap ({})",
    "local": "a local optimum: convexity is not shown, so a better point may exist ({})",
    "feasible": "the constraints hold; how far the best point is from this one is not known ({})",
}
CUTOFF = 1e-3  # relative: points that are worse than the certified one by more need not be bounded


@dataclass(frozen=True)
class Certificate(Shown):
    """What is proven of a result; all figures are 0 at an exact optimum, and relative.

    Attributes
    ----------
    primal_residual
        Worst violated constraint or bound, relative to the size of its own terms.
    dual_residual
        Worst reduced cost or multiplier of the wrong sign, relative to the terms that it is the sum of; for a closed form, the
        worst violated optimality condition. None where there are no duals (integers).
    complementarity
        Sum of dual times slack, relative to the objective. None where there are no duals.
    gap
        Between objective and bound, relative to the objective; where the objective's terms cancel, to a millionth of their size,
        and what rounding leaves of the sums is no gap. NaN where nothing is proven of all points.
    proves
        `global`, no feasible point is better by more than the gap; `local`, the point is stationary; `feasible`, the constraints
        hold.
    basis
        In words, what the bound rests on.

    Examples
    --------
    >>> import veridical as vd
    >>> certificate = vd.solve(vd.example("two-suppliers")).certificate
    >>> certificate.holds, certificate.proves, certificate.gap < 1e-6
    (True, 'global', True)
    """

    primal_residual: float
    dual_residual: float | None
    complementarity: float | None
    gap: float
    proves: str = "global"
    basis: str = "a closed form"

    @property
    def figures(self) -> dict[str, str]:
        """The figures in words, those that are known."""
        given = {name: getattr(self, name) for name in ("primal_residual", "dual_residual", "complementarity", "gap")}
        return {name.replace("_", " "): f"{one:.1e}" for name, one in given.items() if one is not None and one == one}

    @property
    def words(self) -> str:
        """The figures in a line: `primal residual 0.0e+00, gap 1.2e-09`."""
        known = [f"{name} {value}" for name, value in self.figures.items()]
        return ", ".join(known if self.gap == self.gap else [*known, "no gap is known"])

    @property
    def proof(self) -> str:
        """What the certificate proves, with what the proof rests on, in a sentence."""
        return PROOFS[self.proves].format(self.basis)

    def _line(self) -> str:
        return f"{self.words}; {self.proof}"

    def _card(self) -> Card:
        limit = f"every figure is relative, and holds up to {ACCEPTED:g}"
        return Card("certificate", [*self.figures.items(), ("proves", self.proof)], notes=[limit])

    @property
    def holds(self) -> bool:
        """Whether every figure is at most ACCEPTED (a NaN is not)."""
        return self.within(ACCEPTED)

    def within(self, gap: float) -> bool:
        """Whether gap and complementarity are at most `gap`, and the residuals at most ACCEPTED (a NaN is not)."""
        residuals = (self.primal_residual, self.dual_residual)
        gaps = (self.complementarity, None if self.proves == "local" else self.gap)
        pairs = [(figure, ACCEPTED) for figure in residuals] + [(figure, max(gap, ACCEPTED)) for figure in gaps]
        return all(figure is None or figure <= limit for figure, limit in pairs)

    def within_all(self, limit: float) -> bool:
        """Whether every figure is at most `limit`, which may be less than ACCEPTED (a NaN is not)."""
        figures = (self.primal_residual, self.dual_residual, self.complementarity, self.gap)
        return all(figure is None or figure <= limit for figure in figures)


def ratio(difference: float, size: float) -> float:
    """Return a difference relative to a size; 0 where there is no difference, infinite where there is one and no size."""
    if difference == 0:
        return 0.0
    return difference / size if size else np.inf


@np.errstate(invalid="ignore")  # what is no number fails its certificate, without a warning
def certify(
    form: StandardForm,
    x: Array,
    row_dual: Array | None,
    bound: float | None = None,
    feasible: bool = True,
    like: Point | None = None,
) -> tuple[Certificate, float]:
    """Return the certificate of point x (one value a variable) and multipliers `row_dual`, and the bound that they prove.

    `row_dual` is d(minimised objective)/d(right-hand side), one value a row; None for a model with integers, for which
    the solver's own `bound` (of the minimised objective) is used. The bound returned is in the model's own sense; NaN where
    none is proven.

    A convex Lagrangian lies above its tangent at x, and the tangent is least at a corner of the box of the variables. That is a
    bound for any multipliers of the right sign, exact or not (Neumaier and Shcherbina, Mathematical Programming 99, 2004). A
    side of the box that is open is replaced by one that follows from the rows and from being no worse than x; where none
    does, the objective's own curvature may end it; else the reduced cost must be 0 to rounding, or there is no bound.

    `feasible`: whether x is, but for rounding, so that an optimum is no worse than x. A bound needs no feasible x: it is one as
    well where nothing follows from being no worse. `like`: this point or another one of the form, where there is one already.
    """
    point = like if like is not None and like.form is form and like.x is x else Point(form, x, like)
    primal, value = point.violation(), form.minimised(x)
    if not form.has_objective:
        return Certificate(primal, None, None, 0.0, "feasible", "no objective"), np.nan
    if form.is_constant:
        return Certificate(primal, 0.0, 0.0, 0.0, "global", "a constant objective"), form.sense * value
    if row_dual is None:
        if bound is None:
            return Certificate(primal, None, None, np.nan, "feasible", "no bound"), np.nan
        # Where nothing is worth making, a bound is measured by what making it in usual quantities would come to.
        scale = point.scale(value) or CANCELLED * inner(point.gradient_size, natural_units(form))
        gap = ratio(abs(value - bound), scale)
        return Certificate(primal, None, None, gap, "global", "the solver's own bound"), form.sense * bound

    usable = signed(form, row_dual)
    reduced = point.gradient - point.entries.transposed_times(usable)
    terms = point.gradient_size + point.entries.transposed_sizes_times(np.abs(row_dual))
    wrong = [relative(point.entries.transposed_sizes_times(np.abs(row_dual - usable)), terms)]
    unused = point.unused(usable)
    scale = point.scale(value, usable)
    if form.convexity is None:
        # What a step to the bound, or of the variable's own size, would bring at this slope; 0 where it is at the bound.
        room = np.where(reduced > 0, x - form.low, form.high - x)
        near = relative(np.minimum(np.abs(room), point.range), point.range)
        worth = relative(np.abs(reduced) * np.minimum(np.abs(room), point.reach), np.full(len(x), scale))
        steep = np.minimum(np.minimum(relative(np.abs(reduced), terms), near), worth)
        complementarity = ratio(float(np.abs(unused).sum()), scale)
        return Certificate(primal, _largest([*wrong, steep]), complementarity, np.nan, "local", "the point is stationary"), np.nan

    falls = np.where(reduced > 0, x - form.low, x - form.high)  # to the corner at which the tangent is least
    endless = np.isinf(falls) & (reduced != 0)
    curved = endless & (point.bent > 0)
    falls = np.where(curved, reduced / (2 * np.where(curved, point.bent, 1.0)), falls)
    exact = (np.abs(reduced) <= point.rounding * terms) & (point.rounding * terms * point.reach <= ACCEPTED * point.worth)
    wanted = endless & ~curved & ~exact
    if wanted.any():
        low, high = point.box(scale if feasible else np.inf, wanted & (reduced > 0), wanted & (reduced < 0))
        falls = np.where(wanted, np.where(reduced > 0, x - low, x - high), falls)
    endless = np.isinf(falls) & (reduced != 0)
    wrong.append(np.where(endless & ~exact, relative(np.abs(reduced), terms), 0.0))
    losses = product(np.where(exact, 0.0, reduced), np.where(endless, 0.0, falls))  # what rounding leaves costs nothing
    proven = -np.inf if (endless & ~exact).any() else value - float(unused.sum()) - float(losses.sum())
    complementarity = ratio(float(np.abs(unused).sum() + np.abs(losses).sum()), scale)
    gap = ratio(abs(value - proven), scale)
    return Certificate(primal, _largest(wrong), complementarity, gap, "global", form.convexity), form.sense * proven


def signed(form: StandardForm, row_dual: Array) -> Array:
    """Return multipliers without those of the wrong sign: on the open side of a row there is nothing to pay for."""
    least, most = np.where(np.isinf(form.row_high), 0.0, -np.inf), np.where(np.isinf(form.row_low), 0.0, np.inf)
    return np.clip(row_dual, least, most)


class _Coefficients:
    """What figures of a point are made of: of a program without nonlinear terms the same at every point."""

    def __init__(self, form: StandardForm, x: Array) -> None:
        self.jacobian = form.jacobian(x)
        self.entries = Entries.of(self.jacobian)
        self.hessian: Entries | None = None
        self.diagonal, self.bent = np.zeros(len(x)), np.zeros(len(x))
        if form.hessian is not None or form.nonlinear is not None:
            # A power may bend without end at 0, where it counts for nothing.
            hessian = Entries.of(form.hessian if form.nonlinear is None else form.objective_hessian(x)).finite()
            own = hessian.rows == hessian.columns
            self.diagonal[hessian.rows[own]] = hessian.values[own]
            linked = np.bincount(hessian.columns[~own], minlength=len(x)) > 0
            self.bent = np.where(linked | (not form.is_quadratic), 0.0, self.diagonal)
            self.hessian = hessian
        self.limits = np.maximum(_finite(form.low), _finite(form.high))
        self.sides = np.maximum(_finite(form.row_low), _finite(form.row_high))
        # Of reduced costs, relative to their terms; of rows, to their size.
        self.rounding = ROUNDING * (8 + np.bincount(self.entries.columns, minlength=len(x)))
        self.row_rounding = EXACT * (8 + np.bincount(self.entries.rows, minlength=len(self.sides)))

    @cached_property
    def comparable(self) -> Entries:
        """The entries of variables that count in like units."""
        return self.entries.comparable(COMPARABLE)


class Point:
    """A point of a form, and the sizes of the terms there. `like`: another point of it, where there is one already."""

    def __init__(self, form: StandardForm, x: Array, like: Point | None = None) -> None:
        self.form, self.x = form, x
        if like is not None and like.form is form and form.nonlinear is None:
            coefficients: _Coefficients = like.coefficients
        else:
            coefficients = _Coefficients(form, x)
        self.coefficients: _Coefficients = coefficients
        self.jacobian, self.entries, self.bent = coefficients.jacobian, coefficients.entries, coefficients.bent
        self.rounding, self.row_rounding = coefficients.rounding, coefficients.row_rounding
        self.rows, self.gradient = form.rows(x), form.gradient(x)
        # Of a quadratic objective, the curvature in a variable that no product links to others: no step is endless along it.
        self.curvature = np.zeros(len(x))
        reach = np.maximum(np.abs(x), coefficients.limits)
        if coefficients.hessian is not None:
            self.curvature = coefficients.hessian.sizes_times(np.abs(x))
            if form.is_quadratic:  # where a Newton step from here would lead: the size that a revenue has where nothing is sold
                newton = relative(np.abs(self.gradient), np.abs(coefficients.diagonal), without=0.0)
                reach = np.maximum(reach, newton)
        self.gradient_size = np.maximum(np.abs(form.cost), np.abs(self.gradient)) + self.curvature
        size = np.maximum(self.entries.sizes_times(np.abs(x)), np.abs(self.rows))
        size = np.maximum(size, coefficients.sides)
        # What a variable would have to be to count in the largest of its rows: rounding errors are small beside that.
        self.reach = self.entries.widened(reach, size)
        # What its distance from a bound is measured by.
        self.range = np.where(np.isfinite(form.low) & np.isfinite(form.high), reach, self.reach)
        self.row_size = size
        # What the objective's terms come to where every variable is as large as it counts. Multipliers of rows that depend on
        # each other may be any size and cancel: where their rounding comes to more than this allows, it tells nothing.
        self.worth = inner(self.reach, self.gradient_size) + abs(form.offset)

    def unused(self, row_dual: Array) -> Array:
        """Return what multipliers of the right sign pay for the room that rows leave; what is rounding is no room."""
        rows, form, rounding = self.rows, self.form, self.row_rounding * self.row_size
        room = np.where(row_dual > 0, rows - form.row_low, rows - form.row_high)
        return product(row_dual, np.where(np.abs(room) <= rounding, 0.0, room))

    def violation(self) -> float:
        """Return the worst violation of a row, a bound or a whole number; rows and bounds relative to their own size."""
        return self._violation

    @cached_property
    def _violation(self) -> float:
        form, x = self.form, self.x
        outside = np.maximum(np.maximum(form.row_low - self.rows, self.rows - form.row_high), 0.0)
        size = self.row_size
        if (outside > ACCEPTED * size).any():  # a row of nothing but traces is measured by what its variables are elsewhere
            near = self.coefficients.comparable
            size = np.maximum(size, TRACE / ACCEPTED * near.largest_by_row(self.spread(np.abs(x), near)))
        beyond = np.maximum(np.maximum(form.low - x, x - form.high), 0.0)
        limits = np.maximum(np.abs(x), self.coefficients.limits)
        return _largest([relative(outside, size), relative(beyond, limits), np.abs(x - np.round(x))[form.integer]])

    def spread(self, size: Array, entries: Entries, least: float | Array = 0.0) -> Array:
        """Return how large each variable would be to count: by its own rows, and by those of others that it shares rows with.

        `least`: what rows are at least. Of multipliers, with the entries transposed and the gradient in place of `least`.
        """
        for _ in range(REACH):
            wider = entries.widened(size, np.maximum(entries.largest_by_row(size), least))
            if np.array_equal(wider, size):
                break
            size = wider
        return size

    def scale(self, value: float, row_dual: Array | None = None) -> float:
        """Return what a gap is measured by: the objective, or a small part of its terms where these cancel."""
        terms = inner(np.abs(self.x), np.abs(self.gradient) + self.curvature / 2) + abs(self.form.offset)
        if row_dual is not None:
            paid = inner(np.abs(row_dual), self.coefficients.sides)
            terms += min(paid, self.worth)
        return max(abs(value), CANCELLED * terms)

    def box(self, scale: float, wanted_low: Booleans, wanted_high: Booleans) -> tuple[Array, Array]:
        """Return bounds on all feasible points that are hardly worse than this one, by `scale`, the wanted sides at least.

        In a convex model every tangent is on the safe side: that of a row's body, and that of the objective.
        """
        form, shift = self.form, self.entries.times(self.x) - self.rows
        most = inner(self.gradient, self.x) + CUTOFF * scale
        row_low, row_high = np.append(form.row_low + shift, -np.inf), np.append(form.row_high + shift, most)
        tangents = self.entries.and_row(self.gradient)
        return implied_bounds(tangents, row_low, row_high, form.low, form.high, wanted_low, wanted_high)


def _finite(sides: Array) -> Array:
    """Return the sizes of sides, 0 for those that are open."""
    return np.where(np.isfinite(sides), np.abs(sides), 0.0)


def product(factors: Array, slacks: Array) -> Array:
    """Return factors * slacks, 0 where the factor is 0 and the slack endless."""
    return np.where(factors == 0, 0.0, factors * np.where(factors == 0, 0.0, slacks))


def relative(differences: Array, sizes: Array, without: float = np.inf) -> Array:
    """Return differences relative to sizes, as `ratio` does; `without`: where there is a difference and no size."""
    some = differences != 0
    safe = np.where(some & (sizes > 0), sizes, 1.0)
    return np.where(some, np.where(sizes > 0, differences / safe, np.where(np.isnan(differences + sizes), np.nan, without)), 0.0)


def _largest(parts: list[Array]) -> float:
    """Return the largest entry; NaN if there is one."""
    return float(np.concatenate([np.zeros(1), *parts]).max())
