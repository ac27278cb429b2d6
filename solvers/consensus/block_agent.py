"""The agent of a party that is a Pyomo block: all that it ever says are contributions to links, and what they cost at least.

y = A x is what the party contributes to its links, one number a link. Three questions are put to it:

- `step(plan, price, rho)`: which y it takes where y costs `price` each and leaving `plan` costs rho / 2 (y - plan)^2;
- `best(price)`: how little cost(x) + price'y can be, proven; -inf where there is no least value, or none is proven;
- `cost(plan)`: its least cost where y = plan; inf where it has no such y.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.modeling import unique_component_name

from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.certificate import Point
from veridical.solvers.consensus.links import Links
from veridical.solvers.consensus.messages import Answer
from veridical.solvers.consensus.quadratic import Quadratic
from veridical.solvers.solution import Solution, Termination
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["QuadraticBlock", "SmoothBlock", "agent_of"]

CLOSE = 1e-8  # relative: who misses contributions by more cannot make them
Terms = list[list[tuple[float, Any]]]  # of each link: a party's coefficients and variables


@dataclass
class QuadraticBlock:
    """A party whose constraints are linear, and whose cost is a convex quadratic: arrays, solved again and again.

    `columns`: where the contributions stand in `form`, behind the variables of the block. `largest`: the size that no
    contribution exceeds in any plan that is worth while, where that is known.
    """

    form: StandardForm
    columns: Integers
    largest: float | None = None

    def __post_init__(self) -> None:
        self._problems: dict[str, Quadratic] = {}

    def __getstate__(self) -> dict[str, Any]:
        form = replace(self.form, variables=[], constraints=[], _column={})  # neither does the model, of which it is a part
        return {**self.__dict__, "form": form, "_problems": {}}  # solvers do not travel

    def step(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the contributions of the proximal step."""
        x = self._problem("step").solve(self._full(price - rho * plan), self._full(rho), self._full(0.0 * plan))[0]
        return Answer(-np.inf, x[self.columns])

    def best(self, price: Array) -> Answer:
        """Return the least of cost and price together, as far as it is proven."""
        zero = np.zeros(len(self.form.cost))
        try:
            return Answer(self._problem("best").solve(self._full(price), zero, zero)[2])
        except NotSolvedError:
            return Answer(-np.inf)

    def cost(self, plan: Array) -> Answer:
        """Return the least cost of contributions; inf where the party cannot make them."""
        try:
            x = self._at(plan)
        except NotSolvedError:
            return Answer(np.inf)
        return Answer(self.form.minimised(x) if Point(self.form, x).violation() <= CLOSE else np.inf)

    def decide(self, plan: Array) -> None:
        """Give the variables of the block the values that cost least at contributions: they stay with the party."""
        for variable, value in zip(self.form.variables, self._at(plan, exact=True).tolist(), strict=True):
            variable.set_value(value, skip_validation=True)

    def close(self) -> None:
        """Nothing of it stands in the block."""

    def _at(self, plan: Array, exact: bool = False) -> Array:
        zero = np.zeros(len(self.form.cost))
        return self._problem("at").solve(zero, zero, self._full(plan), exact)[0]

    def _full(self, units: Array) -> Array:
        full = np.zeros(len(self.form.cost))
        full[self.columns] = units
        return full

    def _problem(self, name: str) -> Quadratic:
        """Return a problem with a solver of its own: what that has seen may change."""
        if name not in self._problems:
            free: Booleans = np.ones(len(self.form.cost), dtype=bool)
            free[self.columns] = name != "at"
            form = self.form
            if name == "best" and self.largest is not None:
                low, high = form.low.copy(), form.high.copy()
                low[self.columns], high[self.columns] = -self.largest, self.largest
                form = replace(form, low=low, high=high)
            self._problems[name] = Quadratic(form, free, any_given=name == "at")
        return self._problems[name]


class SmoothBlock:
    """A party whose cost is convex and smooth, or whose constraints are: its block, solved by Ipopt where it stands."""

    def __init__(self, block: Any, terms: Terms, largest: float | None) -> None:
        self.block, self.links, self.bounded = block, range(len(terms)), largest is not None
        inner = self._inner = pyo.Block()
        block.add_component(unique_component_name(block, "consensus"), inner)
        for name in ("price", "centre", "weight"):
            inner.add_component(name, pyo.Param(self.links, initialize=0.0, mutable=True, within=pyo.Reals))
        most = largest or 0.0
        inner.contribution = pyo.Expression(self.links, rule=lambda _, k: pyo.quicksum(c * x for c, x in terms[k]))
        inner.given = pyo.Constraint(self.links, rule=lambda inner, k: inner.contribution[k] == inner.centre[k])
        inner.box = pyo.Constraint(self.links, rule=lambda inner, k: (-most, inner.contribution[k], most))
        charges = (inner.price[k] * y + inner.weight[k] / 2 * (y - inner.centre[k]) ** 2 for k, y in inner.contribution.items())
        inner.objective = pyo.Objective(expr=block.cost + pyo.quicksum(charges))
        inner.deactivate()

    def step(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the contributions of the proximal step."""
        self._solve(plan, price, rho, check=False)  # whatever it answers, only bounds and costs have to be proven
        return Answer(-np.inf, np.array([float(pyo.value(y)) for y in self._inner.contribution.values()]))

    def best(self, price: Array) -> Answer:
        """Return the least of cost and price together, as far as it is proven."""
        zero = np.zeros(len(price))
        try:
            solution = self._solve(zero, price, zero, box=self.bounded)
        except (NotSolvedError, CertificateError):
            return Answer(-np.inf)
        return Answer(solution.bound if solution.certificate.proves == "global" else -np.inf)

    def cost(self, plan: Array) -> Answer:
        """Return the least cost of contributions; inf where the party cannot make them."""
        try:
            self.decide(plan)
        except (NotSolvedError, CertificateError):
            return Answer(np.inf)
        return Answer(float(pyo.value(self.block.cost)))

    def decide(self, plan: Array) -> None:
        """Leave in the block the values that cost least at contributions: they stay with the party."""
        zero = np.zeros(len(plan))
        self._solve(plan, zero, zero, given=True)

    def close(self) -> None:
        """Leave the block as it was, but for the values of its variables."""
        self.block.del_component(self._inner)

    @contextmanager
    def asked(self, given: bool = False, box: bool = False) -> Iterator[None]:
        """Have the question in the block for a while."""
        self._inner.activate()
        for constraint, wanted in ((self._inner.given, given), (self._inner.box, box)):
            if not wanted:
                constraint.deactivate()
        try:
            yield
        finally:
            self._inner.given.activate()
            self._inner.box.activate()
            self._inner.deactivate()

    def _solve(
        self, centre: Array, price: Array, weight: Array, given: bool = False, box: bool = False, check: bool = True
    ) -> Solution:
        from veridical.solvers import solve  # that package imports this one

        for name, values in (("centre", centre), ("price", price), ("weight", weight)):
            self._inner.component(name).store_values(dict(zip(self.links, values.tolist(), strict=True)))
        with self.asked(given, box):
            try:
                return solve(self.block, "ipopt", check=check)
            except NotSolvedError as error:
                if error.status != Termination.FAILED:
                    raise
            for variable in self.block.component_data_objects(pyo.Var):  # Ipopt may fail from where it ended before
                if not variable.fixed:
                    variable.set_value(None)
            return solve(self.block, "ipopt", check=check)


def agent_of(links: Links, name: str, largest: float | None = None) -> QuadraticBlock | SmoothBlock:
    """Return the agent of a party; raise InputError that names its cost where that is not shown to be convex."""
    block = links.blocks[name]
    allowed = "a cost that is convex, over constraints that are: linear, convex quadratic, or shown by rules of composition"
    try:
        with _contributions(block, links.terms(name)) as variables:
            form = compile_model(block)
            columns = np.array([form.column(variable) for variable in variables], dtype=np.int64)
    except InputError:  # something in it is neither linear nor quadratic
        agent = SmoothBlock(block, links.terms(name), largest)
        with agent.asked():
            convex = compile_model(block, nonlinear=True).convexity
        if convex is None:
            agent.close()
            raise InputError.of(f"{block.name}.cost", "<a cost that is not convex, or not shown to be>", allowed) from None
        return agent
    if form.convexity is None:
        raise InputError.of(f"{block.name}.cost", "<a cost that is not convex>", allowed)
    return QuadraticBlock(form, columns, largest)


@contextmanager
def _contributions(block: Any, terms: Terms) -> Iterator[list[Any]]:
    """Have a party's contributions as variables, and its cost as the objective, in its block for a while."""
    inner = pyo.Block()
    block.add_component(unique_component_name(block, "consensus"), inner)
    try:
        inner.contribution = pyo.Var(range(len(terms)))
        inner.defined = pyo.Constraint(
            range(len(terms)), rule=lambda inner, k: inner.contribution[k] == pyo.quicksum(c * x for c, x in terms[k])
        )
        inner.objective = pyo.Objective(expr=block.cost)
        yield list(inner.contribution.values())
    finally:
        block.del_component(inner)
