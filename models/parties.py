"""A user's own model read as parties: a block each, with its `cost`, and an objective that is their sum and what is nobody's.

Nothing is known of such a model but what stands in it. So it is read: whose a variable is (whose block it stands in), where it
occurs, and how often each cost counts in the objective. What would make transfers wrong is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo
from pyomo.core.base.block import BlockData
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.var import VarData
from pyomo.core.expr.numeric_expr import DivisionExpression, NegationExpression, ProductExpression, SumExpression
from pyomo.core.expr.numvalue import native_numeric_types
from pyomo.core.expr.visitor import identify_mutable_parameters, identify_variables, replace_expressions

from veridical.data import InputError
from veridical.data.errors import Problem
from veridical.models.expected_sales import written

__all__ = ["Parties", "held", "terms", "untouched"]

Name = Any  # of a party: whatever indexes its block
BLOCKS = "an indexed Block, or a mapping or list of Blocks of the model (or of their names), one a party"


@dataclass(eq=False)
class Parties:
    """The parties of a model, its one objective, and where variables occur.

    Parameters
    ----------
    model
        The model.
    blocks
        By party.
    objective
        The one that is active.
    sign
        1 where costs are minimised in sum, -1 where their negative is maximised.
    of_nobody
        What the objective is besides the costs, in its own sense.
    occurs
        By id of a variable: itself, and the parties in whose block or cost it occurs; None stands for all else.
    """

    model: Any
    blocks: dict[Name, Any]
    objective: Any
    sign: int
    of_nobody: Any
    occurs: dict[int, tuple[VarData, set[Name | None]]] = field(default_factory=dict)
    owner: dict[int, Name] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Any, parties: Any, absent: Name | None = None) -> Parties:
        """Return the parties; `absent`: one whose cost need not count, as it is not there.

        Raises InputError, with the name of the block, variable or objective, for what is no such model: a block without a `cost`,
        costs that do not count once each, several objectives, and costs in which something of another party occurs.
        """
        blocks = _blocks(model, parties, absent)
        objectives = list(model.component_data_objects(pyo.Objective, active=True))
        if len(objectives) != 1:
            names = ", ".join(one.name for one in objectives) or "none"
            raise InputError.of("objective", f"<{len(objectives)} active objectives: {names}>", "one that is active", model.name)
        (objective,) = objectives
        for name, block in blocks.items():
            if any(one is objective for one in block.component_data_objects(pyo.Objective)):
                allowed = "an objective of the model: with a party's block gone there would be none"
                raise InputError.of(objective.name, f"<an objective in the block of {name}>", allowed, model.name)
        sign = 1 if objective.sense == pyo.minimize else -1
        costs = {id(block.cost): name for name, block in blocks.items()}
        counts = _counts(objective.expr, costs)
        wrong = [name for name in blocks if counts.get(name, 0.0) != sign and (name != absent or counts.get(name, 0.0))]
        if wrong:
            word = "minimised" if sign > 0 else "maximised"
            allowed = f"{sign:+d}: {word} is {'' if sign > 0 else 'minus '}the sum of the parties' `cost`, and what is nobody's"
            problems = [Problem(objective.name, f"<{counts.get(n, 0.0):g} times `cost` of {n}>", allowed) for n in wrong[:10]]
            raise InputError(*problems, file=model.name)
        of_nobody = 0.0 + replace_expressions(objective.expr, dict.fromkeys(costs, 0.0))
        found = cls(model, blocks, objective, sign, of_nobody)
        found._read(absent)
        return found

    @property
    def names(self) -> list[Name]:
        """The parties, in the order in which they were given."""
        return list(self.blocks)

    def cost(self, name: Name) -> Any:
        """Return what a party says that the plan costs it, a Pyomo expression."""
        return self.blocks[name].cost

    def costs(self) -> dict[Name, float]:
        """Return what each party's cost comes to, at the values that the model holds."""
        return {name: float(pyo.value(self.cost(name))) for name in self.blocks}

    def total(self, reported: Mapping[Name, Any] | None = None, without: Name | None = None) -> Any:
        """Return the objective with other costs in place of some parties', or `without` one party's."""
        costs = {name: self.cost(name) for name in self.blocks if name != without} | dict(reported or {})
        return self.of_nobody + self.sign * pyo.quicksum(costs.values())

    def links(self, name: Name) -> list[VarData]:
        """Return the variables of a party that occur outside of its block and cost: its share of the plan."""
        return [v for v, where in self.occurs.values() if self.owner.get(id(v)) == name and where - {name}]

    def others(self, name: Name) -> list[VarData]:
        """Return the variables that are not a party's and occur in its block or cost."""
        return [v for v, where in self.occurs.values() if name in where and self.owner.get(id(v)) != name]

    def unclaimed(self, name: Name) -> list[VarData]:
        """Return the variables outside of all blocks that may be meant to be a party's: no other party knows them."""
        return [v for v in self.others(name) if id(v) not in self.owner and not v.fixed and self._known_to(v) == {name}]

    def _known_to(self, variable: VarData) -> set[Name | None]:
        return self.occurs[id(variable)][1] - {None}

    def on(self, copy: Any, absent: Name | None = None) -> Parties:
        """Return the same parties of a copy of the model, as that stands now."""
        blocks = {name: pyo.ComponentUID(block).find_component_on(copy) for name, block in self.blocks.items()}
        return Parties.of(copy, blocks, absent)

    @contextmanager
    def gone(self, name: Name) -> Iterator[None]:
        """Have a party gone for a while: its block deactivated, its variables that occur elsewhere 0, whatever their bounds."""
        block = self.blocks[name]
        block.deactivate()
        try:
            with held(self.links(name), 0.0):
                yield
        finally:
            block.activate()

    def _read(self, absent: Name | None) -> None:
        """Note whose each variable is and where it occurs; refuse what is two parties', and costs that know another party."""
        homes: dict[int, Name] = {}
        for name, block in self.blocks.items():
            for v in block.component_data_objects(pyo.Var):  # those that a Reference shows there too
                if self.owner.setdefault(id(v), name) != name:
                    allowed = "in the block of one party, or in none: what two decide on is the model's"
                    raise InputError.of(v.name, f"<a variable of {self.owner[id(v)]} and of {name}>", allowed, self.model.name)
            for constraint in block.component_data_objects((pyo.Constraint, pyo.SOSConstraint), active=True):
                homes[id(constraint)] = name
        for constraint in self.model.component_data_objects(pyo.Constraint, active=True):
            self._note(identify_variables(constraint.body), homes.get(id(constraint)))
        for constraint in self.model.component_data_objects(pyo.SOSConstraint, active=True):
            self._note(constraint.get_variables(), homes.get(id(constraint)))
        self._note(identify_variables(self.of_nobody), None)
        params = ((p, name) for name, block in self.blocks.items() for p in block.component_data_objects(pyo.Param))
        whose = {id(p): name for p, name in params if not p.is_constant()}
        for name in self.blocks:
            if name == absent:
                continue
            cost = self.cost(name)
            self._private(name, cost, self.owner, identify_variables(cost))
            self._private(name, cost, whose, identify_mutable_parameters(cost) if whose else ())
            self._note(identify_variables(cost), name)
        for parameter in identify_mutable_parameters(self.of_nobody) if whose else ():
            if id(parameter) in whose:
                allowed = "nobody's terms without any party's Params: the operator's own cost must not depend on a report"
                found = f"<{parameter.name}, of {whose[id(parameter)]}>"
                raise InputError.of(self.objective.name, found, allowed, self.model.name)

    def _private(self, name: Name, cost: Any, whose: Mapping[int, Name], components: Iterable[Any]) -> None:
        for component in components:
            if whose.get(id(component), name) != name:
                found = f"<{component.name}, of {whose[id(component)]}>"
                allowed = "what is its own or the model's (private values): what two parties care for stands outside of both"
                raise InputError.of(f"{cost.name} of {name}", found, allowed, self.model.name)

    def _note(self, variables: Iterable[VarData], where: Name | None) -> None:
        for v in variables:
            self.occurs.setdefault(id(v), (v, set()))[1].add(where)


def terms(expression: Any, whole: Mapping[int, Any] | None = None) -> Iterator[tuple[Any, float]]:
    """Yield the terms that an expression is the sum of, each with its constant factor; what has its id in `whole` is one term."""
    stack = [(expression, 1.0)]
    while stack:
        node, factor = stack.pop()
        if (whole and id(node) in whole) or not _is_expression(node):
            yield node, factor
        elif isinstance(node, NamedExpressionData):
            stack.append((node.expr if node.expr is not None else 0.0, factor))
        elif isinstance(node, SumExpression):
            stack.extend((term, factor) for term in node.args)
        elif isinstance(node, NegationExpression):
            stack.append((node.args[0], -factor))
        elif isinstance(node, ProductExpression) and not _varies(node.args[0]):
            stack.append((node.args[1], factor * pyo.value(node.args[0])))
        elif isinstance(node, (ProductExpression, DivisionExpression)) and not _varies(node.args[1]):
            number = pyo.value(node.args[1])
            stack.append((node.args[0], factor * number if isinstance(node, ProductExpression) else factor / number))
        else:
            yield node, factor


def _is_expression(node: Any) -> bool:
    return hasattr(node, "is_expression_type") and bool(node.is_expression_type())


def _varies(node: Any) -> bool:
    return node.__class__ not in native_numeric_types and bool(node.is_potentially_variable())


def _counts(expression: Any, costs: Mapping[int, Name]) -> dict[Name, float]:
    """Return how often each party's cost counts in an expression; NaN where it stands in something that is no sum."""
    counts: dict[Name, float] = {}
    for term, factor in terms(expression, costs):
        if id(term) in costs:
            name = costs[id(term)]
            counts[name] = counts.get(name, 0.0) + factor
        else:
            counts |= dict.fromkeys(_inside(term, costs), float("nan"))
    return counts


def _inside(node: Any, costs: Mapping[int, Name]) -> Iterator[Name]:
    stack = [node]
    while stack:
        node = stack.pop()
        if id(node) in costs:
            yield costs[id(node)]
        elif _is_expression(node):
            stack.extend(node.args)


def _blocks(model: Any, parties: Any, absent: Name | None) -> dict[Name, Any]:
    """Return the blocks by party; each is a Block of the model, active, with a `cost`, and of no other party."""
    if isinstance(parties, (BlockData, str)) or not hasattr(parties, "__iter__"):
        raise InputError.of("parties", f"<{parties}>", BLOCKS, model.name)
    several = parties.items() if hasattr(parties, "items") else ((getattr(one, "name", one), one) for one in parties)
    blocks = {name: model.find_component(one) if isinstance(one, str) else one for name, one in several}
    if not blocks:
        raise InputError.of("parties", "<nobody>", BLOCKS, model.name)
    for name, block in blocks.items():
        if not isinstance(block, BlockData) or block.model() is not model or block is model:
            inside = [one.name for one in model.component_data_objects(pyo.Block) if one is not model]
            allowed = f"a Block of the model: {', '.join(inside[:20]) or 'it has none'}"
            raise InputError.of(f"parties.{name}", "<not there>" if block is None else f"<{block}>", allowed, model.name)
        if not block.active and name != absent:
            raise InputError.of(f"parties.{name}", "<a block that is deactivated>", "parties that are there", model.name)
        cost = getattr(block, "cost", None)
        if not isinstance(cost, (NamedExpressionData, VarData)):
            found = "<nothing>" if cost is None else f"<{type(cost).__name__}>"
            allowed = "a scalar Expression or Var in each party's block: what the plan costs it; of a value, minus that"
            raise InputError.of(f"{block.name}.cost", found, allowed, model.name)
    ids = {id(block) for block in blocks.values()}
    for name, block in blocks.items():
        if len(ids) < len(blocks) or any(id(above) in ids for above in _above(block)):
            allowed = "a block of its own, not another party's or in one"
            raise InputError.of(f"parties.{name}", f"<{block.name}>", allowed, model.name)
    return blocks


def _above(block: Any) -> Iterator[Any]:
    while (block := block.parent_block()) is not None:
        yield block


@contextmanager
def held(variables: Iterable[VarData], at: float | None = None) -> Iterator[None]:
    """Have variables fixed for a while, where they are or all `at` one number, whatever their bounds and domains.

    Those that expected sales are of are held by bounds: tangents need columns of them.
    """
    before = [(v, v.value, v.fixed, v.lower, v.upper, v.domain) for v in variables]
    models = {id(v.model()): v.model() for v, *_ in before}.values()
    sold = {id(v) for model in models for sales in written(model) for v in sales.units.values()}
    for v, value, *_ in before:
        v.domain = pyo.Reals
        number = value if at is None else at
        side = number if id(v) in sold else None
        v.setlb(side)
        v.setub(side)
        if id(v) in sold:
            v.unfix()
        else:
            v.fix(number)
    try:
        yield
    finally:
        for v, value, fixed, low, high, domain in before:
            v.domain, v.fixed = domain, fixed
            v.setlb(low)
            v.setub(high)
            v.set_value(value, skip_validation=True)


@contextmanager
def untouched(model: Any, what: str) -> Iterator[None]:
    """Have a caller's function alter copies of a model and not the model itself: that is undone, and an InputError.

    Fixed flags, values, bounds and active flags are compared. `what`: the argument by which the function was handed over.
    """
    variables = [(v, (v.value, v.fixed, v.lb, v.ub), v.lower, v.upper) for v in model.component_data_objects(pyo.Var)]
    switches = [(c, c.active) for c in model.component_data_objects((pyo.Block, pyo.Constraint, pyo.Objective))]
    altered = False
    try:
        yield
    finally:
        for v, before, low, high in variables:
            if (v.value, v.fixed, v.lb, v.ub) != before:
                altered = True
                v.set_value(before[0], skip_validation=True)
                v.fixed = before[1]
                v.setlb(low)
                v.setub(high)
        for component, active in switches:
            if component.active != active:
                altered = True
                (component.activate if active else component.deactivate)()
    if altered:
        found, allowed = "<a function that alters the model itself>", "one that alters the model that it is given, a copy"
        raise InputError.of(what, found, allowed, model.name)
