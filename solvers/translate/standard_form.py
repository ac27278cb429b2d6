"""A Pyomo model as arrays: minimise c'x + f(x) + c0 subject to row_low <= A x + g(x) <= row_high, low <= x <= high.

f and g are what is not linear (`NonlinearTerms`); f may be a quadratic form x'Qx / 2. Why not Pyomo's own compiler: on the full
ICDS model with ten suppliers its translation took longer than the solve. Linear parts are collected here in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.var import VarData

from veridical.data import InputError
from veridical.data.arrays import Array, Booleans, Integers, inner
from veridical.data.progress import step
from veridical.solvers.translate.checks import refuse_empty, refuse_undefined
from veridical.solvers.translate.components import domain_is_whole, limits, refuse_fixed, refuse_unknown
from veridical.solvers.translate.convexity import shown
from veridical.solvers.translate.nonlinear import NonlinearTerms
from veridical.solvers.translate.rows import Rows
from veridical.solvers.translate.sums import Sum
from veridical.solvers.translate.terms import Splitter
from veridical.solvers.translate.traced import Tape

__all__ = ["Repeatable", "StandardForm", "compile_model"]


@dataclass
class StandardForm:
    """The arrays, and the components of the model that their rows and columns stand for.

    `sense` is 1 to minimise and -1 to maximise; objective parts are those of the minimisation. `hessian` is the Q of a
    quadratic objective where the form was compiled for LP and QP solvers; `nonlinear` all nonlinear terms otherwise.
    Without an objective (`has_objective`) it is 0: any point that is feasible will do. `sos` are SOSConstraints, which are
    in no array.
    """

    sense: int
    cost: Array
    offset: float
    hessian: sp.csc_array | None
    nonlinear: NonlinearTerms | None
    matrix: sp.csr_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Booleans
    variables: list[VarData]
    constraints: list[ConstraintData]
    has_objective: bool = True
    sos: list[Any] = field(default_factory=list)
    _column: dict[int, int] = field(repr=False, default_factory=dict)
    _convexity: str | None = field(repr=False, default=None)  # "" where it is not shown, None where nobody has asked

    def column(self, variable: VarData) -> int:
        """Return a variable's column."""
        return self._column[id(variable)]

    @property
    def columns(self) -> Mapping[int, int]:
        """The column of each variable, by its id; the same object for forms of one structure."""
        return self._column

    def holds(self, variable: VarData) -> bool:
        """Whether a variable has a column: it stands in the model and is not fixed."""
        return id(variable) in self._column

    def constant_rows(self) -> Booleans:
        """Return which rows have no variable in them."""
        row = np.repeat(np.arange(len(self.row_low)), np.diff(self.matrix.indptr))
        entries = np.bincount(row[self.matrix.data != 0], minlength=len(self.row_low))
        if self.nonlinear is not None:
            entries[[row for row, _, _ in self.nonlinear.parts if row >= 0]] += 1
        empty: Booleans = entries == 0
        return empty

    def linear_rows(self) -> Booleans:
        """Return which rows have no nonlinear term."""
        linear = np.ones(len(self.row_low), dtype=bool)
        if self.nonlinear is not None:
            linear[self.nonlinear.jacobian_rows[self.nonlinear.jacobian_rows >= 0]] = False
        return linear

    def append(self, constraints: list[ConstraintData], rows: sp.csr_array, high: Array) -> None:
        """Add further constraints on the same variables, `rows @ x <= high`."""
        matrix, count = self.matrix, len(self.row_low)
        starts = np.concatenate([matrix.indptr, matrix.indptr[-1] + rows.indptr[1:]])
        entries = np.concatenate([matrix.data, rows.data]), np.concatenate([matrix.indices, rows.indices]), starts
        self.matrix = sp.csr_array(entries, shape=(count + len(high), matrix.shape[1]))
        self.row_low = np.concatenate([self.row_low, np.full(len(high), -np.inf)])
        self.row_high = np.concatenate([self.row_high, high])
        self.constraints += constraints

    def minimised(self, x: Array) -> float:
        """Return the minimised objective at x."""
        value = inner(self.cost, x) + self.offset
        if self.hessian is not None:
            value += inner(x, self.hessian @ x) / 2
        return value if self.nonlinear is None else value + self.nonlinear.values(x)[0]

    def objective(self, x: Array) -> float:
        """Return the model's objective, in its own sense, at x."""
        return self.sense * self.minimised(x)

    def gradient(self, x: Array) -> Array:
        """Return the gradient of the minimised objective at x."""
        gradient: Array = self.cost if self.hessian is None else self.cost + self.hessian @ x
        if self.nonlinear is None:
            return gradient
        of_objective = self.nonlinear.jacobian_rows < 0
        columns, entries = self.nonlinear.jacobian_columns[of_objective], self.nonlinear.first(x)[of_objective]
        return gradient + np.bincount(columns, entries, len(x))

    @property
    def is_constant(self) -> bool:
        """Whether there is an objective, and it is the same everywhere."""
        nonlinear = self.nonlinear is not None and bool((self.nonlinear.jacobian_rows < 0).any())
        return self.has_objective and self.hessian is None and not nonlinear and not self.cost.any()

    @property
    def is_quadratic(self) -> bool:
        """Whether the objective's Hessian is the same everywhere."""
        return self.nonlinear is None or self.nonlinear.degree(objective=True) <= 2

    def objective_hessian(self, x: Array) -> sp.csr_array:
        """Return the Hessian of the minimised objective at x."""
        return self.lagrangian_hessian(x, np.zeros(len(self.constraints)))

    def lagrangian_hessian(self, x: Array, row_dual: Array) -> sp.csr_array:
        """Return the Hessian of the minimised objective less row_dual times the constraints' bodies, at x."""
        if self.nonlinear is None:
            shape = (len(self.variables),) * 2
            return sp.csr_array(shape) if self.hessian is None else sp.csr_array(self.hessian)
        terms = self.nonlinear
        place = terms.hessian_rows, terms.hessian_columns
        lower = sp.coo_array((terms.second(x, -row_dual, 1.0), place), shape=(len(x),) * 2)
        return sp.csr_array(lower + sp.tril(lower, -1).T)

    @property
    def convexity(self) -> str | None:
        """Why the minimisation is convex, in words; None where that is not shown.

        It goes along with `dataclasses.replace`: other rows, bounds, costs and a larger diagonal of the Hessian change nothing.
        """
        if self._convexity is None:
            self._convexity = shown(self) or ""
        return self._convexity or None

    def rows(self, x: Array) -> Array:
        """Return the values of the constraints' bodies at x."""
        linear: Array = self.matrix @ x
        return linear + self.nonlinear.values(x)[1] if self.nonlinear is not None and self.nonlinear.in_rows else linear

    def jacobian(self, x: Array) -> sp.csr_array:
        """Return the Jacobian of the constraints' bodies at x."""
        if self.nonlinear is None or not self.nonlinear.in_rows:
            return self.matrix
        of_rows = self.nonlinear.jacobian_rows >= 0
        place = self.nonlinear.jacobian_rows[of_rows], self.nonlinear.jacobian_columns[of_rows]
        return sp.csr_array(self.matrix + sp.coo_array((self.nonlinear.first(x)[of_rows], place), shape=self.matrix.shape))


@contextmanager
def _collector_paused() -> Iterator[None]:
    with PauseGC():  # the garbage collector walks all that is new again and again, and nothing of it is garbage
        yield


@_collector_paused()
def compile_model(model: Any, nonlinear: bool = False, sos: bool = False) -> StandardForm:
    """Translate the active part of a model.

    `nonlinear` allows smooth expressions everywhere; without it constraints must be linear and the objective at most
    quadratic. `sos` allows SOSConstraints, for a solver that is given the model itself. Fixed variables count as their
    values, mutable parameters as theirs; variables that stand in no active constraint and not in the objective have no column.
    Raises InputError, with the name of the component, for what is not understood, NaN, infinite or forbidden parts, and for
    more than one objective; NotSolvedError for constants and bounds that cannot hold.
    """
    with step(f"compile {model.name}"):
        layout, numbers = _translated(model, nonlinear, sos)
        return layout.form(numbers)


class Repeatable:
    """A model that is translated once, and whose arrays are worked out anew whenever its mutable Params have other values.

    Nothing else of the model may be changed, except by rows that are appended to a form: they are gone from the next one. Raises
    NotTracedError for a model whose Params stand where that cannot be done, else what `compile_model` raises.
    """

    @_collector_paused()
    def __init__(self, model: Any, nonlinear: bool = False) -> None:
        self._tape = Tape(model)
        with step(f"compile {model.name}"):
            self._layout, self._numbers = _translated(model, nonlinear, False, self._tape)
        self._tape.close()

    @property
    def constraints(self) -> list[ConstraintData]:
        """The constraints, one a row."""
        return self._layout.constraints

    def form(self) -> StandardForm | None:
        """Return the form, as `compile_model` would, at the values that the Params have now; None where it has another structure.

        Raises what `compile_model` raises for numbers that are none, and for bounds and constants that cannot hold.
        """
        played = self._tape.played(self._numbers)
        return None if played is None else self._layout.form(played)


Numbers = dict[str, Array]  # coefficients, sides and the like, by name


@dataclass(frozen=True, eq=False)
class _Layout:
    """What of a translation does not depend on mutable parameters: which coefficient stands where."""

    name: str
    sense: int
    indices: NDArray[np.int32]
    starts: Integers
    costs: Integers  # the columns of the objective's linear terms
    nonlinear: NonlinearTerms
    quadratic: bool  # whether the nonlinear terms are to become a quadratic objective
    integer: Booleans
    variables: list[VarData]
    constraints: list[ConstraintData]
    objective: Any
    sos: list[Any]
    column: dict[int, int]

    def form(self, numbers: Numbers) -> StandardForm:
        """Return the form with these numbers, which no other form shares; refuse those that cannot be."""
        n = len(self.variables)
        # Copies: what sorts a matrix sorts entries and indices in place, and the next entries would stand in the wrong columns.
        places = numbers["entries"].copy(), self.indices.copy(), self.starts.copy()
        matrix = sp.csr_array(places, shape=(len(self.starts) - 1, n))
        cost = np.zeros(n)
        cost[self.costs] = numbers["cost"]
        offset, hessian = float(numbers["offset"][0]), None
        terms = self.nonlinear.with_factors(numbers["factors"]) if self.nonlinear.parts else None
        if terms is not None and self.quadratic:
            hessian, cost, offset = _quadratic(terms, cost, offset)
            hessian = hessian if hessian.nnz else None  # all weights of squares are 0: a linear program
            terms = None
        sides = numbers["row_low"].copy(), numbers["row_high"].copy(), numbers["low"].copy(), numbers["high"].copy()
        form = StandardForm(
            self.sense,
            cost,
            offset,
            hessian,
            terms,
            matrix,
            *sides,
            integer=self.integer,
            variables=self.variables,
            constraints=list(self.constraints),
            has_objective=self.objective is not None,
            sos=self.sos,
            _column=self.column,
        )
        refuse_undefined(form, self.name)
        refuse_empty(form, self.name)
        return form


def _translated(model: Any, nonlinear: bool, sos: bool, tape: Tape | None = None) -> tuple[_Layout, Numbers]:
    """Return what `compile_model` makes a form of; `tape`, of the model, takes down how the numbers follow from its Params."""
    refuse_unknown(model, sos)
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) > 1:
        names = ", ".join(objective.name for objective in objectives)
        raise InputError.of("objective", f"<{len(objectives)} active objectives: {names}>", "one that is active", model.name)
    rows = Rows(splitter := Splitter(None if tape is None else tape.known))
    for component in model.component_objects(pyo.Constraint, active=True):
        rows.add_all(component, nonlinear)
    objective = objectives[0] if objectives else None
    sense = -1 if objective is not None and objective.sense == pyo.maximize else 1
    terms = Sum() if objective is None else rows.terms([(objective.expr, float(sense))], -1, objective)
    traced = {
        "entries": rows.values,
        "row_low": rows.low,
        "row_high": rows.high,
        "cost": list(terms.coefficients.values()),
        "offset": [terms.constant],
        "factors": rows.nonlinear.factors(),
    }
    numbers = {name: np.array(some if tape is None else tape.settled(name, some), dtype=float) for name, some in traced.items()}
    variables = splitter.variables
    if tape is not None:
        tape.refuse_bounds(variables)
    if rows.nonlinear.parts:
        rows.nonlinear.close(len(rows.constraints), len(variables), numbers["factors"])
        if not nonlinear and rows.nonlinear.degree(objective=True) > 2:
            assert objective is not None
            allowed = "a linear or convex quadratic objective (this solver takes no others)"
            raise InputError.of(objective.name, "<an objective that is not quadratic>", allowed, model.name)
    numbers["low"], numbers["high"] = limits(variables)
    refuse_fixed(splitter.fixed.values())
    layout = _Layout(
        name=model.name,
        sense=sense,
        indices=np.array(rows.indices, dtype=np.int32),
        starts=np.array(rows.starts),
        costs=np.array(list(terms.coefficients), dtype=np.int64),
        nonlinear=rows.nonlinear,
        quadratic=not nonlinear,
        integer=np.array(domain_is_whole(variables), dtype=bool),
        variables=variables,
        constraints=rows.constraints,
        objective=objective,
        sos=list(model.component_data_objects(pyo.SOSConstraint, active=True)) if sos else [],
        column=splitter.columns,
    )
    return layout, numbers


def _quadratic(terms: NonlinearTerms, cost: Array, offset: float) -> tuple[sp.csc_array, Array, float]:
    """Return Q, cost and offset of an objective whose nonlinear terms are quadratic."""
    zero = np.zeros(terms.columns)
    values = terms.second(zero, np.zeros(terms.count), 1.0)
    lower = sp.coo_array((values, (terms.hessian_rows, terms.hessian_columns)), shape=(terms.columns,) * 2)
    full = sp.csc_array(lower + sp.tril(lower, -1).T)
    full.eliminate_zeros()
    cost = cost + np.bincount(terms.jacobian_columns, terms.first(zero), terms.columns)
    return full, cost, offset + terms.values(zero)[0]
