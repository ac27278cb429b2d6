"""Programs of joint plans as arrays: a party's block is compiled once a record, and plans are put together from blocks.

A report moves the numbers of one block; who stays at the baseline takes his block away and leaves given flows behind. Nothing
else of a counterfactual plan is new, so that nothing else is built or translated anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from pyomo.common.gc_manager import PauseGC

from veridical.data import InputError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.joint_plan import LEVELS, Flow, Part, Shared
from veridical.data.lazy import pd
from veridical.models.info import info_of
from veridical.models.joint_plan.information import PlanInfo
from veridical.models.joint_plan.party import block_model
from veridical.solvers.translate.checks import refuse_empty
from veridical.solvers.translate.convexity.proof import QUADRATIC
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["Between", "PartyProgram", "Program", "joined"]


@dataclass(frozen=True)
class Between:
    """A row or a column of the joint plan that is no party's: of a family, of a flow. It holds no value."""

    family: str
    flow: Flow

    @property
    def name(self) -> str:
        """As the component of a model is called."""
        return f"{self.family}[{','.join(map(str, self.flow))}]"


@dataclass(frozen=True, eq=False)
class PartyProgram:
    """A party's block as arrays; `plan`: the columns of its flows, in their order.

    `model`: what rows and columns have their names from, as long as it is kept. `costs`: what shares of plans cost it, as far as
    that was worked out.
    """

    form: StandardForm
    plan: Integers
    model: Any
    costs: dict[bytes, float] = field(default_factory=dict)

    @classmethod
    def of(cls, part: Part) -> PartyProgram:
        """Return the program of a party; raises InputError where it has whole numbers, or flows that are fixed."""
        with PauseGC():
            model = block_model(part)
            form = compile_model(model)
        name = part.record.name
        plan = list(model.parties[name].plan.values())
        unused = [variable for variable in plan if not form.holds(variable)]
        if form.integer.any() or any(variable.fixed for variable in unused):
            raise InputError.of(name, "<whole numbers or fixed flows>", "a party whose plan is free, and its cost convex in it")
        place = {id(variable): column for column, variable in enumerate([*form.variables, *unused])}
        columns = np.array([place[id(variable)] for variable in plan], dtype=np.int64)
        return cls(_widened(form, unused), columns, model)

    @property
    def info(self) -> PlanInfo:
        """What its constraints are called."""
        info = info_of(self.model)
        assert isinstance(info, PlanInfo)
        return info

    @cached_property
    def places(self) -> dict[int, tuple[str, str, Any]]:
        """Whose each constraint is, by its id; its family on the block, and its index."""
        return {id(constraint): self.info.place_of(constraint) for constraint in self.form.constraints}  # type: ignore[misc]

    @cached_property
    def hessian(self) -> sp.csc_array:
        """The Hessian of the cost, with no entries where that is linear."""
        n = len(self.form.cost)
        return sp.csc_array((n, n)) if self.form.hessian is None else self.form.hessian

    def at(self, share: Array) -> Program:
        """Return the program of the party's own decisions at a share of the plan."""
        fixed = np.full(len(self.form.cost), np.nan)
        fixed[self.plan] = share
        return Program.of(self.form, fixed)


@dataclass(frozen=True, eq=False)
class Program:
    """Arrays without the columns that are given, and where these stand: `fixed` has their values, NaN for the others."""

    form: StandardForm
    fixed: Array

    @classmethod
    def of(cls, whole: StandardForm, fixed: Array) -> Program:
        """Return the program of the columns that are not fixed; raises NotSolvedError where a row then cannot hold."""
        free = np.isnan(fixed)
        given, kept = np.where(free, 0.0, fixed), np.flatnonzero(free)
        shift, offset, cost, hessian = whole.matrix @ given, whole.minimised(given), whole.cost, whole.hessian
        if hessian is not None:
            cost = cost + hessian @ given
            hessian = sp.csc_array(hessian[kept][:, kept])
        arrays: dict[str, Any] = {"cost": cost[kept], "offset": offset, "hessian": hessian if _used(hessian) else None}
        arrays |= {"low": whole.low[kept], "high": whole.high[kept], "integer": whole.integer[kept]}
        arrays |= {"row_low": whole.row_low - shift, "row_high": whole.row_high - shift}
        matrix, variables = sp.csr_array(whole.matrix[:, kept]), [whole.variables[column] for column in kept.tolist()]
        shown = whole._convexity if arrays["hessian"] is not None else None  # of what is convex, columns alone are
        form = replace(whole, matrix=matrix, variables=variables, _column={}, _convexity=shown, **arrays)
        refuse_empty(form, "joint")
        return cls(form, fixed)

    def values(self, x: Array) -> Array:
        """Return a point with the columns that are given."""
        values = self.fixed.copy()
        values[np.isnan(values)] = x
        return values

    def columns(self, of_whole: Integers) -> Integers:
        """Return where columns of the whole stand here: those that are not given."""
        free = np.isnan(self.fixed)
        places: Integers = (np.cumsum(free) - 1)[of_whole[free[of_whole]]]
        return places


@dataclass(frozen=True, eq=False)
class Joined:
    """Parties' programs side by side, and what is between them; `places`: of each party, its columns. `agreed`: the flows that
    both ends decide; their columns at the receivers are `of_receivers`.
    """

    program: Program
    parties: Mapping[str, PartyProgram]
    places: Mapping[str, slice]
    agreed: Booleans
    of_receivers: Integers
    info: PlanInfo

    def costs(self, x: Array) -> dict[str, float]:
        """Return what a point of the program costs each party, currency."""
        values = self.program.values(x)
        return {name: party.form.minimised(values[self.places[name]]) for name, party in self.parties.items()}

    def plan(self, x: Array, shared: Shared, otherwise: Array | None) -> Array:
        """Return the plan, units >= 0, one a flow: the mean of what the two ends say; of what nobody decides, `otherwise`."""
        values, flows = self.program.values(x), len(shared.flows)
        total, count = np.zeros(flows), np.zeros(flows)
        for name, party in self.parties.items():
            share = shared.share(name)
            total[share] += values[self.places[name]][party.plan]
            count[share] += 1
        nobody = count == 0
        units = np.where(nobody, 0.0 if otherwise is None else otherwise, total / np.where(nobody, 1.0, count))
        return np.maximum(units, 0.0)

    def prices(self, row_dual: Array | None, shared: Shared) -> pd.Series:
        """Return the dual of `agreement` of each flow that both ends decide, by flow, as the duals of the plan have it."""
        count = int(self.agreed.sum())
        if row_dual is None or not count:
            return pd.Series(dtype=float, name="dual")
        index = shared.index[self.agreed].remove_unused_levels()
        return pd.Series(row_dual[:count] + 0.0, index=index, name="dual").sort_index()  # no -0


def joined(
    parties: Mapping[str, PartyProgram], shared: Shared, baseline: Array | None = None, fee: float = 0.0, tie_break: float = 0.0
) -> Joined:
    """Return the program of parties that agree on their flows, at least cost of all of them.

    Flows of whose ends only one is here stay at the `baseline`, from which activity is counted, at `fee` currency per m3; without
    a baseline they are that party's to decide. `tie_break`: the weight of half the sum of squares of the receivers' flows.
    """
    forms = [party.form for party in parties.values()]
    ends = np.cumsum([0, *(len(form.cost) for form in forms)]).tolist()
    places = {name: slice(*pair) for name, pair in zip(parties, pairwise(ends), strict=True)}
    supplied, received = _columns(parties, places, shared)
    agreed, n = (supplied >= 0) & (received >= 0), ends[-1]
    flows = [shared.flows[place] for place in np.flatnonzero(agreed).tolist()]
    pairs = supplied[agreed], received[agreed]
    count = len(flows)
    own = np.arange(count)
    rows = [*_entries(own, pairs[0], 1.0), *_entries(own, pairs[1], -1.0)]
    sides, variables, constraints = np.zeros(count), [], [Between("agreement", flow) for flow in flows]
    cost, more = [form.cost for form in forms], 2 * count if fee else 0
    if fee:  # what is received = the baseline + more - less
        assert baseline is not None
        variables = [Between(name, flow) for name in ("more", "less") for flow in flows]
        constraints += [Between("activity", flow) for flow in flows]
        rows += [*_entries(count + own, pairs[1], 1.0), *_entries(count + own, n + own, -1.0)]
        rows += _entries(count + own, n + count + own, 1.0)
        sides = np.append(sides, baseline[agreed])
        cost.append(np.tile(fee * shared.volume[agreed], 2))
    data, row, column = (np.concatenate([np.zeros(0), *rows[part::3]]) for part in range(3))
    between = sp.csr_array(sp.coo_array((data, (row.astype(int), column.astype(int))), shape=(len(sides), n + more)))
    hessian = _side_by_side([*(party.hessian for party in parties.values()), sp.csc_array((more, more))])
    if tie_break:
        squares = np.zeros(n + more)
        squares[received[received >= 0]] = tie_break
        hessian = sp.csc_array(hessian + sp.diags_array(squares))
    matrix = _side_by_side([*(form.matrix for form in forms), sp.csr_array((0, more))])
    bounds = (
        np.concatenate([sides, *(form.row_low for form in forms)]),
        np.concatenate([sides, *(form.row_high for form in forms)]),
        np.concatenate([*(form.low for form in forms), np.zeros(more)]),
        np.concatenate([*(form.high for form in forms), np.full(more, np.inf)]),
    )
    whole = StandardForm(
        1,
        np.concatenate([np.zeros(0), *cost]),
        sum(form.offset for form in forms),
        hessian,
        None,
        sp.csr_array(sp.vstack([between, matrix])),
        *bounds,
        np.zeros(n + more, dtype=bool),
        [*(variable for form in forms for variable in form.variables), *variables],
        [*constraints, *(constraint for form in forms for constraint in form.constraints)],
        _convexity=QUADRATIC if all(form.convexity for form in forms) else None,  # shown of each party once, and not in each plan
    )
    fixed = np.full(n + more, np.nan)
    if baseline is not None:
        for columns in (supplied, received):
            given = (columns >= 0) & ~agreed
            fixed[columns[given]] = baseline[given]
    program = Program.of(whole, fixed)
    info = _described(parties, shared, ["agreement", *(["activity"] if fee else [])] if baseline is not None or count else [])
    return Joined(program, parties, places, agreed, program.columns(pairs[1]), info)


def _described(parties: Mapping[str, PartyProgram], shared: Shared, between: Sequence[str]) -> PlanInfo:
    """Return what the constraints of parties together are called, as a model of all of them would call them."""
    info = PlanInfo(shared=shared)
    info.families = {name: party.info.families[name] for name, party in parties.items()}
    info.close(dict.fromkeys(between, LEVELS))

    places = {key: place for party in parties.values() for key, place in party.places.items()}

    def key(constraint: Any) -> tuple[str, Hashable]:
        own = places.get(id(constraint))
        return (constraint.family, constraint.flow) if own is None else info.key_of(*own)

    info.name_of = key
    return info


def _columns(parties: Mapping[str, PartyProgram], places: Mapping[str, slice], shared: Shared) -> tuple[Integers, Integers]:
    """Return of each flow the column at its supplier, and at its receiver; -1 where that one is not here."""
    supplied, received = np.full((2, len(shared.flows)), -1)
    for name, party in parties.items():
        share = shared.share(name)
        at_supplier = np.array([shared.flows[place].supplier == name for place in share.tolist()], dtype=bool)
        columns = places[name].start + party.plan
        supplied[share[at_supplier]], received[share[~at_supplier]] = columns[at_supplier], columns[~at_supplier]
    return supplied, received


def _entries(rows: Integers, columns: Integers, value: float) -> list[Array]:
    return [np.full(len(rows), value), rows, columns]


def _widened(form: StandardForm, unused: Sequence[Any]) -> StandardForm:
    """Return a form with columns for variables that stand in none of its rows and not in its cost."""
    more = len(unused)
    if not more:
        return form
    n, zeros = len(form.cost) + more, np.zeros(more)
    low, high = np.array([variable.bounds for variable in unused], dtype=float).T  # None becomes NaN
    matrix = sp.csr_array((form.matrix.data, form.matrix.indices, form.matrix.indptr), shape=(form.matrix.shape[0], n))
    hessian = None if form.hessian is None else _side_by_side([form.hessian, sp.csc_array((more, more))])
    arrays: dict[str, Any] = {"cost": np.append(form.cost, zeros), "hessian": hessian, "matrix": matrix}
    arrays |= {
        "low": np.append(form.low, np.nan_to_num(low, nan=-np.inf)),
        "high": np.append(form.high, np.nan_to_num(high, nan=np.inf)),
    }
    integer = np.append(form.integer, np.zeros(more, dtype=bool))
    return replace(form, variables=[*form.variables, *unused], integer=integer, **arrays)


def _side_by_side(blocks: Iterable[Any]) -> Any:
    """Return a block diagonal matrix in the format of its blocks: scipy's own takes a way by single entries."""
    parts = list(blocks)
    shapes = np.array([block.shape for block in parts])
    across = 1 if parts[0].format == "csr" else 0
    starts = np.cumsum([0, *shapes[:, across]])[:-1]
    counts = np.cumsum([0, *(block.nnz for block in parts)])[:-1]
    indices = np.concatenate([start + block.indices for start, block in zip(starts, parts, strict=True)])
    indptr = np.concatenate([[0], *(count + block.indptr[1:] for count, block in zip(counts, parts, strict=True))])
    data = np.concatenate([block.data for block in parts])
    return type(parts[0])((data, indices, indptr), shape=tuple(shapes.sum(axis=0)))


def _used(matrix: Any) -> bool:
    return matrix is not None and matrix.nnz > 0
