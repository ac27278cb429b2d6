"""Newton steps on the active constraints of a solver's point: they make an almost optimal point exact.

Solvers stop at tolerances of their own, in their own scaling: what counts little in the objective (a profile that is hardly
ever met) they may leave anywhere. Here each variable and each row is measured by its own terms. Nothing rests on the result:
it is certified like any other.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans
from veridical.data.lazy import sparse_linalg
from veridical.solvers.certificate import ACCEPTED, TRACE, Point, product, ratio, relative, signed
from veridical.solvers.linear_systems import symmetric
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["LARGE", "State", "polished", "polished_state"]

ROUNDS, IDLE = 12, 2  # steps at most, and steps in a row that bring nothing
REPAIRS = 20  # rounds, in which further variables come to ask
ENOUGH = 1e-13  # optimality conditions hold to this, each relative to its own terms: the rest is rounding
NEARLY = 1e-9  # what is little beside what is accepted
TRACES = (1e-9, 1e-7, 1e-5, np.inf)  # of the size of a variable: what a barrier leaves of nothing
NEAR = 1e-7  # of the size of a variable: what a barrier keeps it from its bound
LARGE = 60_000  # variables and rows: a factorisation would take longer than it is worth


def polished(form: StandardForm, x: Array, row_dual: Array, units: Array | None = None) -> tuple[Array, Array]:
    """Return a point and multipliers at which the optimality conditions hold at least as well.

    `row_dual` as in `certify`; `units`: how large each variable is by the data, where that is known. What is no number comes back
    as it is.
    """
    state = polished_state(form, x, row_dual, units)
    return (x, row_dual) if state is None else (state.x, state.row_dual)


@np.errstate(all="ignore")  # a step that leads to what is no number is not taken
def polished_state(form: StandardForm, x: Array, row_dual: Array, units: Array | None = None) -> State | None:
    """Return a state at which the optimality conditions hold at least as well; None where there are no numbers."""
    if not (len(x) and form.has_objective and np.isfinite(x).all() and np.isfinite(row_dual).all()):
        return None
    best = State(form, x, row_dual)
    if best.rank <= (False, False, ENOUGH):
        return best
    if form.hessian is not None and form.nonlinear is None and len(x) + len(row_dual) <= LARGE:
        exact = best.exact()
        if exact is not None:
            return exact
    clean = best.at(without_traces(best.point), row_dual)
    if clean.rank <= (False, False, ENOUGH) and clean.no_worse_than(best):
        return clean
    linear = form.hessian is None and form.nonlinear is None
    if linear:
        best = best.repaired()
    best = clean if clean.no_worse_than(best) else best
    for simpler in (State.snapped, State.without_slight_multipliers):
        state = simpler(best)
        best = state if state.no_worse_than(best) else best
    nothing = [(x, np.zeros_like(row_dual))]  # multipliers where the gradient vanishes, and what a barrier leaves of variables
    if units is not None:
        zero = np.clip(0.0, form.low, form.high)
        nothing += [(np.where(np.abs(x) <= share * units, zero, x), row_dual) for share in TRACES]
    for candidate, multipliers in nothing if best.missed or best.unproven else ():
        state = State(form, candidate, multipliers, best.point).without_slight_multipliers()
        best = state if not state.missed and state.better_than(best) else best
    if linear and best.rank < (False, True, 0.0):  # simplex is as exact as can be
        return best
    state = best
    if len(x) + len(row_dual) > LARGE and best.rank < (False, True, 0.0):
        return best
    idle = 0
    for _ in range(ROUNDS):
        if idle == IDLE or best.rank <= (False, False, ENOUGH):
            break
        try:
            state = state.step()
        except (RuntimeError, ArithmeticError):  # SuperLU's words for a singular system
            break
        if not np.isfinite(state.worst):
            break
        idle += 1
        if state.better_than(best):
            best, idle = state, 0
    return best.repaired()


def without_traces(point: Point) -> Array:
    """Return the point with 0 for what is as small as the errors of the others.

    A profile in which nothing is made has rows of nothing but such traces, which would be the most violated of all.
    """
    trace = (np.abs(point.x) <= TRACE * point.spread(point.reach, point.entries)) & (point.form.low <= 0) & (point.form.high >= 0)
    return np.where(trace, 0.0, point.x)


def without_slight(point: Point, row_dual: Array) -> Array:
    """Return multipliers with 0 for those that are as small as the errors of those that they share variables with."""
    sizes = point.spread(np.abs(row_dual), point.entries.transposed, point.gradient_size)
    return np.where(np.abs(row_dual) <= TRACE * sizes, 0.0, row_dual)


@dataclass(eq=False)
class State:
    """A point, its multipliers, and how far each optimality condition is from holding."""

    form: StandardForm
    x: Array
    row_dual: Array
    like: InitVar[Point | None] = None  # another point of the form

    def __post_init__(self, like: Point | None) -> None:
        form, x = self.form, np.clip(self.x, self.form.low, self.form.high)
        dual = signed(form, self.row_dual)
        self.x, self.row_dual = x, dual
        self.point = point = like if like is not None and np.array_equal(x, like.x) else Point(form, x, like)
        self.jacobian, entries = sp.csr_array(point.jacobian), point.entries
        self.reduced = point.gradient - entries.transposed_times(dual)
        self.terms = point.gradient_size + entries.transposed_sizes_times(np.abs(dual))
        # How much each condition is used, and how much room it leaves, both relative: one of the two is 0 at the optimum.
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.nan_to_num(1.0 / self.terms, posinf=0.0)
        worth_of_row = entries.largest_by_row(share)
        self.row_worth = dual * worth_of_row
        self.worth = self.reduced * share
        size, range_of = point.row_size, np.maximum(point.range, np.finfo(float).tiny)
        self.row_room = _room(point.rows, form.row_low, form.row_high, self.row_worth, size)
        self.room = _room(x, form.low, form.high, self.worth, range_of)
        parts = [np.minimum(np.abs(self.row_worth), self.row_room), np.minimum(np.abs(self.worth), self.room)]
        self.asking = np.isinf(self.room) & (point.bent == 0) & (np.abs(self.worth) > point.rounding)
        self.violation = point.violation()
        conditions = np.concatenate([[self.violation], *parts])
        self.worst = float(conditions.max())  # NaN where anything is
        self.value = form.minimised(x)
        self.scale = point.scale(self.value, dual)
        unused, step = np.abs(point.unused(dual)), np.abs(np.where(self.reduced > 0, x - form.low, x - form.high))
        exact, endless = np.abs(self.reduced) <= point.rounding * self.terms, np.isinf(step)
        losses = product(np.where(exact | endless, 0.0, np.abs(self.reduced)), np.where(endless, 0.0, step))
        self.gap = ratio(float(unused.sum() + losses.sum()), self.scale)
        # What each condition counts for in the objective: a step to the bound, or of the variable's own size.
        worth = np.concatenate([[np.inf], unused, np.abs(self.reduced) * np.minimum(step, point.reach)])
        counted = np.minimum(conditions, relative(worth, np.full(len(worth), self.scale)))
        self.missed = int((~(counted <= ACCEPTED)).sum()) + (not self.gap <= ACCEPTED)

    def at(self, x: Array, row_dual: Array) -> State:
        """Return the state at another point; itself where that is the same."""
        same = np.array_equal(x, self.x) and np.array_equal(row_dual, self.row_dual)
        return self if same else State(self.form, x, row_dual, self.point)

    @property
    def rows(self) -> Booleans:
        """Whether a row binds."""
        binding: Booleans = (self.row_worth != 0) & (np.abs(self.row_worth) > self.row_room)
        binding |= self.form.row_low == self.form.row_high
        return binding

    @property
    def fixed(self) -> Booleans:
        """Whether a variable is at a bound."""
        at_bound: Booleans = (self.worth != 0) & (np.abs(self.worth) > self.room)
        at_bound |= self.form.low == self.form.high
        return at_bound

    @property
    def unproven(self) -> bool:
        """Whether a variable asks for a bound on a side that is open."""
        return bool(self.asking.any())

    def repaired(self) -> State:
        """Return the state with multipliers that ask for no bound on an open side, each changed by a small part of itself.

        Tangents that hardly differ make Newton's system all but singular; what there is to mend is within a solver's tolerance.
        """
        state, columns = self, np.isinf(self.form.low) & np.isinf(self.form.high) & (self.point.bent == 0)
        for _ in range(REPAIRS):
            if not state.unproven or np.abs(state.worth[state.asking]).max() > ACCEPTED:
                break
            columns |= state.asking
            rows = np.flatnonzero(state.row_dual)
            weights = np.abs(state.row_dual[rows])
            part = self.jacobian[rows][:, columns].T.multiply(weights) / state.terms[columns][:, None]
            exact = {"atol": 0, "btol": 0, "conlim": 0, "iter_lim": 4 * part.shape[0]}
            change = sparse_linalg.lsqr(sp.csr_array(part), state.worth[columns], **exact)[0]
            row_dual = state.row_dual.copy()
            row_dual[rows] += weights * change
            moved = State(self.form, self.x, row_dual, self.point)
            if not moved.worst <= max(state.worst, ACCEPTED):
                break
            state = moved
        return state if not state.unproven else self

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """What states are compared by, smaller is better: whether a condition is missed, a bound is asked for, and the worst."""
        return self.missed > 0, self.unproven, max(self.worst, self.gap)

    def no_worse_than(self, other: State) -> bool:
        """Whether as many conditions hold as in another state, and as well; where more do, nearly as well is enough."""
        figures = (self.violation, other.violation), (self.worst, other.worst), (self.gap, other.gap)
        least = ENOUGH if self.missed == other.missed else NEARLY
        return self.missed <= other.missed and all(own <= max(others, least) for own, others in figures)

    def better_than(self, other: State) -> bool:
        """Whether the conditions hold, or closer; where there are other stationary points, not at one that is worth less."""
        kept = other.missed > 0 or self.form.convexity is not None or self.value <= other.value + ACCEPTED * other.scale
        return kept and self.rank < other.rank

    def snapped(self) -> State:
        """Return the state with variables that are all but at their bounds put there."""
        near = self.fixed & (self.room <= NEAR)
        return self.at(np.where(near, np.where(self.worth > 0, self.form.low, self.form.high), self.x), self.row_dual)

    def without_slight_multipliers(self) -> State:
        """Return the state with 0 for multipliers that are as small as the errors of those that they share variables with.

        What counts for nothing in the objective (a profile that is never met) has rows of nothing but such traces.
        """
        return self.at(self.x, without_slight(self.point, self.row_dual))

    def clean(self) -> State:
        """Return the state with 0 for what is no more than an error: of variables, and of multipliers where these then stand."""
        point = Point(self.form, without_traces(self.point), self.point)
        return State(self.form, point.x, without_slight(point, self.row_dual), point)

    def exact(self) -> State | None:
        """Return where one Newton step leads from the state without errors; None where that is not exact, and better.

        The errors of the step are taken out as well. What a barrier leaves of nothing has rows and gradients of nothing else, and
        what binds there cannot be told; without it, all counterfactuals of a joint plan were exact after one step.
        """
        with suppress(RuntimeError, ArithmeticError):  # SuperLU's words for a singular system
            state = self.clean().step().clean()
            if state.rank <= (False, False, ENOUGH) and state.better_than(self):
                return state
        return None

    def step(self) -> State:
        """Return the state after one Newton step with the conditions that bind as equations."""
        form, x, dual = self.form, self.x.copy(), self.row_dual.copy()
        binding, fixed = self.rows, self.fixed
        # A row that is broken binds as well, whatever its multiplier is.
        below, above = self.point.rows < form.row_low, self.point.rows > form.row_high
        binding |= below | above
        move = np.zeros(len(x))
        move[fixed] = (np.where(self.reduced > 0, form.low, form.high) - x)[fixed]
        move = np.where(np.isfinite(move), move, 0.0)
        side = np.where((dual > 0) & ~above | below, form.row_low, form.row_high)
        side = np.where(np.isfinite(side), side, np.where(np.isfinite(form.row_low), form.row_low, form.row_high))
        free, active = np.flatnonzero(~fixed), np.flatnonzero(binding)
        hessian = form.lagrangian_hessian(x, dual)
        matrix = self.jacobian[active]
        released = dual.copy()
        released[active] = 0.0  # multipliers of rows that do not bind are dropped
        gradient = self.point.gradient - self.point.entries.transposed_times(dual - released) + hessian @ move
        part, rows = hessian[free][:, free], matrix[:, free]
        blocks: Any = [[part, -rows.T], [-rows, None]]
        system = sp.csc_array(sp.block_array(blocks))
        right = np.concatenate([-gradient[free], -(side[active] - self.point.rows[active] - matrix @ move)])
        solution = symmetric(system, right, len(free))
        move[free] = solution[: len(free)]
        after = np.zeros(len(dual))
        after[active] = dual[active] + solution[len(free) :]
        moved = State(form, x + move, after, self.point)
        clean = moved.at(without_traces(moved.point), after)
        return clean if clean.no_worse_than(moved) else moved


def _room(values: Array, low: Array, high: Array, worth: Array, size: Array) -> Array:
    """Return the relative distance to the side that a multiplier of this sign belongs to; infinite where it is open."""
    distance = np.where(worth > 0, values - low, high - values)
    return np.where(np.isfinite(distance), relative(np.abs(np.where(np.isfinite(distance), distance, 0.0)), size), np.inf)
