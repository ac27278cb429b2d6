"""A model of blocks as a consensus sees it: parties, and the linear equalities that tie them together.

Party i has the variables, the constraints and the `cost` of its block. What stands outside of the blocks are links, rows
sum_i A_i x_i = b, and an objective that is the sum of the costs. y_i = A_i x_i is what a party contributes to its links: one
number a link, all that the others have to know of x_i. Whatever does not fit into this picture is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.core.base.block import BlockData

from veridical.data import InputError
from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.components import refuse_no_model
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["Links", "read"]

ROUNDING = 1e-9  # of an objective's own coefficients: what is left when the costs are taken away is rounding


@dataclass(frozen=True)
class Links:
    """Parties and links; rows of arrays are links, in the order of `constraints`.

    blocks: by name. matrix: A, over all variables of the model. right: b. shares: the links to which each party contributes.
    form: the whole model, in which a result is checked. offset: what the objective is above the sum of the costs, a constant.
    """

    blocks: dict[str, Any]
    constraints: list[Any]
    matrix: sp.csr_array
    right: Array
    shares: dict[str, Integers]
    columns: dict[str, Integers]
    form: StandardForm
    offset: float

    def terms(self, name: str) -> list[list[tuple[float, Any]]]:
        """Return a party's part of each of its links: coefficients and variables."""
        part = sp.csr_array(self.matrix[self.shares[name]][:, self.columns[name]])
        variables = [self.form.variables[column] for column in self.columns[name]]
        bounds = zip(part.indptr[:-1], part.indptr[1:], strict=True)
        return [[(float(part.data[k]), variables[part.indices[k]]) for k in range(first, last)] for first, last in bounds]


def read(m: Any, parties: Any) -> Links:
    """Return the parties and links of a model; raise InputError for what is none of either."""
    refuse_no_model(m)
    blocks = _blocks(parties)
    form = compile_model(m, nonlinear=True)
    owners = {id(block): name for name, block in blocks.items()}
    for inner, block in blocks.items():
        if (outer := _owner(block, owners)) is not None:
            raise InputError.of(f"parties, {inner}", f"<a block within that of {outer}>", "blocks side by side")
    of_column = [_owner(variable, owners) for variable in form.variables]
    of_row = [_owner(constraint, owners) for constraint in form.constraints]
    jacobian = sp.csr_array(form.jacobian(np.zeros(len(of_column))) if form.nonlinear is None else _pattern(form))
    for row, name in enumerate(of_row):
        entries = jacobian.indices[jacobian.indptr[row] : jacobian.indptr[row + 1]]
        _refuse_strangers(form, row, name, {of_column[k]: form.variables[k] for k in entries})
    for variable, whole in zip(form.variables, form.integer.tolist(), strict=True):
        if whole:
            raise InputError.of(variable.name, "<an integer variable>", "continuous ones: whole numbers have no prices", m.name)
    offset = _above_costs(m, form, blocks, owners)
    rows = np.array([row for row, name in enumerate(of_row) if name is None], dtype=np.int64)
    matrix = sp.csr_array(form.matrix[rows])
    matrix.eliminate_zeros()
    columns = {n: np.array([k for k, name in enumerate(of_column) if name == n], dtype=np.int64) for n in blocks}
    shares = {n: np.unique(matrix[:, columns[n]].nonzero()[0]).astype(np.int64) for n in blocks}
    constraints = [form.constraints[row] for row in rows]
    return Links(blocks, constraints, matrix, form.row_low[rows], shares, columns, form, offset)


def _blocks(parties: Any) -> dict[str, Any]:
    """Return the parties' blocks by name: of an indexed Block, a mapping or a list of blocks."""
    allowed = "an indexed Block, a mapping of names to blocks, or a list of blocks: two parties or more, each with a `cost`"
    if isinstance(parties, Mapping) or (hasattr(parties, "ctype") and parties.ctype is pyo.Block and parties.is_indexed()):
        pairs = [(str(name), block) for name, block in parties.items()]
    elif isinstance(parties, Iterable) and not isinstance(parties, str | BlockData):
        pairs = [(str(getattr(block, "name", "")), block) for block in parties]
    else:
        raise InputError.of("parties", f"<a {type(parties).__name__}>", allowed)
    blocks = dict(pairs)
    if len(blocks) < len(pairs) or len(blocks) < 2:
        raise InputError.of("parties", f"<{', '.join(name for name, _ in pairs)}>", allowed)
    for name, block in blocks.items():
        if not isinstance(block, BlockData):
            raise InputError.of(f"parties, {name}", f"<a {type(block).__name__}>", allowed)
        if not block.active:
            raise InputError.of(f"parties, {name}", "<a block that is deactivated>", "parties that take part")
        if not hasattr(block, "cost"):
            raise InputError.of(f"{block.name}.cost", "<nothing>", "an Expression: what the party's own decisions cost it")
    return blocks


def _owner(component: Any, owners: Mapping[int, str]) -> str | None:
    """Return the party in whose block a component stands; None where it is nobody's."""
    block = component.parent_block()
    while block is not None and id(block) not in owners:
        block = block.parent_block()
    return None if block is None else owners[id(block)]


def _pattern(form: StandardForm) -> sp.csr_array:
    """Return in which rows variables stand, linear or not."""
    terms = form.nonlinear
    assert terms is not None
    inside = terms.jacobian_rows >= 0
    place = terms.jacobian_rows[inside], terms.jacobian_columns[inside]
    return sp.csr_array(abs(form.matrix) + sp.coo_array((np.ones(inside.sum()), place), shape=form.matrix.shape))


def _refuse_strangers(form: StandardForm, row: int, name: str | None, found: Mapping[str | None, Any]) -> None:
    """Raise InputError for a party's constraint with variables that are not its own, and for a link that cannot be one."""
    constraint = form.constraints[row]
    strangers = [variable.name for owner, variable in found.items() if owner != name and (name is not None or owner is None)]
    if name is not None and strangers:
        allowed = f"variables of its own: what ties {name} to others stands outside of the blocks, as a linear equality"
        raise InputError.of(constraint.name, f"<a constraint of {name} with {strangers[0]}>", allowed)
    if name is not None:
        return
    if None in found:
        allowed = "variables of parties: what is shared has a copy in the block of each party, and equalities that tie the copies"
        raise InputError.of(constraint.name, f"<a link with {found[None].name}, a variable of nobody>", allowed)
    allowed = "linear equalities between parties; a limit on what they share belongs to one of them, or to a party of its own"
    if not form.linear_rows()[row]:
        raise InputError.of(constraint.name, "<a link that is not linear>", allowed)
    if form.row_low[row] != form.row_high[row]:
        raise InputError.of(constraint.name, "<a link that is an inequality>", allowed)


def _above_costs(m: Any, form: StandardForm, blocks: Mapping[str, Any], owners: Mapping[int, str]) -> float:
    """Return what the objective is above the sum of the costs: a constant; raise InputError where it is none."""
    allowed = "the sum of the parties' costs, to minimise; whatever else is paid for belongs to the cost of one of them"
    objective = next(m.component_data_objects(pyo.Objective, active=True), None)
    if objective is None or form.sense < 0:
        got = "<no objective>" if objective is None else "<an objective to maximise>"
        raise InputError.of("objective" if objective is None else objective.name, got, allowed)
    rest = pyo.ConcreteModel(name=m.name)
    rest.rest = pyo.Objective(expr=objective.expr - pyo.quicksum(block.cost for block in blocks.values()))
    try:
        left = compile_model(rest)
    except InputError:
        raise InputError.of(objective.name, "<an objective that is not the sum of the costs>", allowed) from None
    for name, block in blocks.items():
        alone = pyo.ConcreteModel(name=m.name)
        alone.cost = pyo.Objective(expr=block.cost)
        for variable in compile_model(alone, nonlinear=True).variables:
            if (owner := _owner(variable, owners)) != name:
                whose = "nobody" if owner is None else owner
                got = f"<a cost of {name} with {variable.name}, of {whose}>"
                raise InputError.of(f"{block.name}.cost", got, f"a cost in variables of {name} alone")
    with np.errstate(all="ignore"):  # where a term is not defined others say how large coefficients are
        slopes = np.concatenate([form.gradient(np.ones(len(form.variables))), form.cost, [np.finfo(float).tiny]])
    typical = float(np.abs(slopes[np.isfinite(slopes)]).max())
    size = np.abs(left.cost) if left.hessian is None else np.maximum(np.abs(left.cost), abs(left.hessian).max(axis=1).toarray())
    if len(size) and float(size.max()) > ROUNDING * typical:
        variable = left.variables[int(np.argmax(size))]
        raise InputError.of(objective.name, f"<a term with {variable.name} that is in no party's cost>", allowed)
    return left.offset
