"""Agents that answer by prices, by plans or by both, in any mix that can agree."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from support.consensus import consensus
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus

Array = NDArray[np.float64]


@dataclass
class Parabola:
    """An agent of a user's own: curve (x - best)^2 / 2 in every flow; nothing of Pyomo in it."""

    interface: str
    curve: float
    target: Array

    @property
    def strong_convexity(self) -> float:
        return self.curve

    smoothness = strong_convexity

    def f(self, x: Array) -> float:
        return self.curve * float((x - self.target) @ (x - self.target)) / 2

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        x = np.maximum((self.curve * self.target - price + rho * plan) / (self.curve + rho), 0.0)
        return Answer(self.f(x) - float((rho * (plan - x) - price) @ x), x)

    def best(self, price: Array) -> Answer:
        x = np.maximum(self.target - price / self.curve, 0.0)
        return Answer(self.f(x) + float(price @ x), x)

    def marginal(self, plan: Array) -> Answer:
        return Answer(self.f(plan), slope=self.curve * (plan - self.target))

    def cost(self, plan: Array) -> Answer:
        return Answer(self.f(plan))


KINDS = ("proximal", "dual", "primal")


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, repeat=2)), ids="-".join)
@pytest.mark.parametrize("second", KINDS)
def test_three_interfaces_in_any_mix(kinds: tuple[str, str], second: str) -> None:
    case = pilot(vendors=2, sites=1, regions=1, products=1, weeks=4)
    wanted, curves, targets = np.array([9.0, 30.0, 14.0, 2.0] * 2), (0.5, 1.2, 0.7), (0.0, -8.0)
    agents = {"retailer": Parabola(kinds[0], curves[0], wanted)}
    expected, total = np.zeros(8), 0.0
    for name, kind, curve, target in zip(case.suppliers, (kinds[1], second), curves[1:], targets, strict=True):
        share = case.shared.share(name)
        agents[name] = Parabola(kind, curve, np.full(4, target))
        expected[share] = np.maximum((curves[0] * wanted[share] + curve * target) / (curves[0] + curve), 0.0)
        total += agents[name].f(expected[share])
    total += agents["retailer"].f(expected)
    planner = Consensus({"solver": "consensus", "options": {"gap": 1e-7, "largest": 100.0}}, agents=agents)
    found = planner.plan(case, np.full(8, 20.0))
    np.testing.assert_allclose(found.units, expected, atol=5e-3)  # sqrt(2 * gap * savings / curve)
    assert found.bound - 1e-9 * total <= total <= found.objective + 1e-9 * total


def test_mixes_that_cannot_agree_are_refused(network: JointPlanCase, baseline: Array) -> None:
    name = network.suppliers[1]
    with pytest.raises(InputError, match=rf"options.strong_convexity.{name}: got None; allowed: a number > 0"):
        consensus(interfaces={name: "dual"}).plan(network, baseline)
    with pytest.raises(InputError, match="dual agents whose costs are linear do not agree"):
        consensus(interfaces={name: "dual"}, strong_convexity={name: 0.5}).plan(network, baseline)
    with pytest.raises(InputError, match=rf"options.smoothness.{name}: got None.*kinked costs have none"):
        consensus(interfaces={name: "primal"}).plan(network, baseline)
    with pytest.raises(InputError, match="primal agents whose costs are kinked stall"):
        consensus(interfaces={name: "primal"}, smoothness={name: 0.01}).plan(network, baseline)
    both = dict.fromkeys(network.names, "primal")
    with pytest.raises(InputError, match=r"options\.largest: got None"):
        consensus(interfaces=both, smoothness=dict.fromkeys(network.names, 0.1)).plan(network, baseline)
