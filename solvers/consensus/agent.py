"""A party's own agent: it knows its record and its routes, compiles its model once, and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pyomo.common.gc_manager import PauseGC

from veridical.data import InputError
from veridical.data.arrays import Array, Booleans
from veridical.data.joint_plan import Part
from veridical.models.joint_plan import party_model
from veridical.solvers.certificate import certify, signed
from veridical.solvers.consensus.messages import Answer
from veridical.solvers.consensus.quadratic import Quadratic
from veridical.solvers.translate.standard_form import compile_model

__all__ = ["PartyAgent"]

ABOVE = 1e-3  # of the largest flow
MOST, FEWEST = 1_000_000, 3  # columns of all problems that are kept; problems that are kept however large they are


class PartyAgent:
    """The agent of a party whose cost is one of our models, or one that is registered. See `Agent` for what it answers.

    `noise` is for suppliers, see `Options`: where x are its flows to site f it answers s[f] x, a factor of its own, drawn by
    `seed`, which nobody else is to know. Its marginal costs are those at x, so that what it proves of its cost is so.

    Raises InputError for whole trucks: their cost is not convex, and has no prices.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> part = case.part("Alder")
    >>> agent = PartyAgent(part)
    >>> import numpy as np
    >>> agent.cost(np.array([10.0, 20.0])).value < agent.cost(np.array([10.0, 2000.0])).value      # overtime
    True
    """

    def __init__(
        self,
        part: Part,
        interface: str = "proximal",
        strong_convexity: float | None = None,
        smoothness: float | None = None,
        noise: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self.interface, self.strong_convexity, self.smoothness = interface, strong_convexity, smoothness
        if part.shared.truckload:
            raise InputError.of("truckload", True, "false: whole trucks have no prices, and no consensus", part.record.name)
        with PauseGC():
            model = party_model(part)
            form = compile_model(model)
        self.columns = np.array([form.column(variable) for variable in model.plan.values()], dtype=np.int64)
        self.form = replace(form, variables=[], constraints=[], _column={})  # arrays are all that is needed from here on
        self._given = np.full(len(self.columns), np.nan)
        sites, place = np.unique([flow.site for flow in part.shared.flows], return_inverse=True)
        blurred = noise if part.record.side == "supplier" else 0.0
        self._factors = (1.0 + blurred * np.random.default_rng(seed).uniform(-1.0, 1.0, len(sites)))[place]
        self._problems: dict[tuple[str, bytes], Quadratic] = {}

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the proximal step and its support."""
        own = not (plan.any() or price.any())  # a receiver's own plan is the baseline, on which all figures rest
        blur = self._blur()
        plan, rho = plan / blur, rho * blur  # around which x is that is answered as s x
        linear, weight, given = self._full(price - rho * plan), self._full(rho), self._full(self._given)
        x, duals, _ = self._free("step").solve(linear, weight, given, exact=own, rough=not own)
        duals, units = signed(self.form, duals), x[self.columns]
        # What the solver left of marginal costs goes into the units: as flows have no upper bounds, it would prove nothing else.
        slope = rho * (plan - units) - price
        excess = (self.form.gradient(x) - self.form.matrix.T @ duals)[self.columns] - slope
        units = np.where(np.isnan(self._given), units + np.maximum(-excess, 0.0) / rho, units)
        return Answer(self._support(x, duals, rho * (plan - units) - price), units * blur)

    def step(self, plan: Array, price: Array, rho: Array) -> Answer:
        """Return the proximal step alone."""
        return Answer(-np.inf, self.respond(plan, price, rho).plan)

    def best(self, price: Array) -> Answer:
        """Return what the best plan at a price comes to; the plan itself, which can show needs to the digit, where it must."""
        given = self._full(self._given)
        if self.interface != "dual":
            proven = self._free("step").bound(self._full(price), given)
            if proven is not None:
                return Answer(proven)
        zero = np.zeros(len(self.form.cost))
        likely = self._free("step").sifting  # what counts in a step counts at about the same price
        self._free("best").sifting.values, self._free("best").sifting.slopes = likely.values, likely.slopes
        x, _, value = self._free("best").solve(self._full(price), zero, self._full(self._given), rough=True)
        return Answer(value, x[self.columns] if self.interface == "dual" else None)

    def marginal(self, plan: Array) -> Answer:
        """Return marginal cost and cost of a plan, by a tangent just above it: multipliers at 0 units are no marginal cost."""
        above = np.maximum(plan, ABOVE * (float(plan.max(initial=0.0)) or 1.0)) / self._blur()
        x, duals = self._at(above)
        slope = (self.form.gradient(x) - self.form.matrix.T @ duals)[self.columns]
        return Answer(self.form.minimised(x) + float(slope @ (plan - above)), slope=slope)

    def cost(self, plan: Array) -> Answer:
        """Return the least cost of a plan."""
        return Answer(self.form.minimised(self._at(plan)[0]))

    def fix(self, units: Array) -> Answer:
        """Take flows as given."""
        self._given = units
        return Answer(0.0)

    def _blur(self) -> Array:
        """Return the factors of what is answered; flows that are given are known."""
        return np.where(np.isnan(self._given), self._factors, 1.0)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_problems": {}}  # solvers do not travel

    def _full(self, units: Array) -> Array:
        """Return values of the party's flows as a vector over the columns, 0 elsewhere."""
        full = np.zeros(len(self.form.cost))
        full[self.columns] = units
        return full

    def _problem(self, name: str, given: Booleans) -> Quadratic:
        """Return the problem of a name, with flows that are given: one a set of these, as plans may be made in turn."""
        key = name, given.tobytes()
        problem = self._problems.pop(key, None)
        if problem is None:
            free = np.ones(len(self.form.cost), dtype=bool)
            free[self.columns[given]] = False
            problem = Quadratic(self.form, free)
        self._problems[key] = problem  # the latest at the end
        if len(self._problems) > max(FEWEST, MOST // len(self.form.cost)):
            del self._problems[next(iter(self._problems))]
        return problem

    def _free(self, name: str) -> Quadratic:
        return self._problem(name, ~np.isnan(self._given))

    def _at(self, plan: Array) -> tuple[Array, Array]:
        """Return the party's own decisions at a plan, and the duals of its rows."""
        zero = np.zeros(len(self.form.cost))
        problem = self._problem("at", np.ones(len(self.columns), dtype=bool))
        return problem.solve(zero, zero, self._full(plan))[:2]

    def _support(self, x: Array, duals: Array, slope: Array) -> float:
        """Return what the duals prove f - slope'x to be at least, over all x >= 0 with the given flows as they are."""
        low, high = self.form.low.copy(), self.form.high.copy()
        given = self.columns[~np.isnan(self._given)]
        low[given] = high[given] = x[given]
        form = replace(self.form, cost=self.form.cost - self._full(slope), low=low, high=high)
        return certify(form, x, duals)[1]
