"""Continuous costs in closed form: Proposition 4 of the ICDS paper, with ironing; the rule that it gives, and what it earns.

Beyond the paper: virtual cost that is not monotone is ironed where costs are independent; where they are correlated the
proposition is used only if total virtual cost does not fall when any cost rises, since otherwise it is not incentive compatible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.contracts.audit import Audit
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful, worst_place
from veridical.contracts.menu import Menu
from veridical.contracts.menu_audit import Misreport, SupplierResult
from veridical.contracts.properties import PropertyResult, applies_to, worst_case
from veridical.data.arrays import Array
from veridical.data.assembler import label
from veridical.data.continuous_case import ContinuousCase
from veridical.data.fields import whole_number
from veridical.data.limits import DRAWS
from veridical.data.truncated import POINTS
from veridical.solvers.closed_form.continuous_integration import Integration, quadrature, quasi_monte_carlo, rent
from veridical.solvers.closed_form.continuous_virtual_cost import refuse_not_monotone, total_virtual_cost, virtual_cost

__all__ = ["Continuous", "Integration", "Rule", "continuous", "total_virtual_cost", "virtual_cost"]

PROFILES = 20_000  # of a sampled menu
BY_QUADRATURE = 3  # suppliers; above, quasi-Monte Carlo
SAMPLES = 2_000  # misreports of every supplier in an audit
ENDS = 0.1  # share of an audit's costs and reports that are an end of the range


@dataclass(frozen=True)
class Rule:
    """What Proposition 4 buys and pays at reported costs x of shape (..., n), currency/unit, within their ranges."""

    case: ContinuousCase

    def quantity(self, x: ArrayLike) -> Array:
        """Q(x) of every component, units, shape (...): F(Q) = ((r - v(x)) / r)^+, (35); v ironed."""
        return self.case.best_units(total_virtual_cost(self.case, x))

    def rent(self, i: int, x: ArrayLike) -> Array:
        """What supplier i earns by the truth, currency, shape (...): the integral of Q(s, x_-i) over s from x_i to high_i."""
        x = np.asarray(x, dtype=float)
        return rent(self.case, i, x.reshape(-1, x.shape[-1])).reshape(x.shape[:-1])

    def payment(self, i: int, x: ArrayLike) -> Array:
        """P_i(x), currency, shape (...): x_i Q(x) and the rent, (36)."""
        x = np.asarray(x, dtype=float)
        return self._incurred(x[..., i], x) + self.rent(i, x)

    def _incurred(self, cost: Array, x: Array) -> Array:
        """What Q(x) costs; nothing at cost 0, where demand without an upper end may ask for infinitely many units."""
        return np.where(cost > 0, cost, 1.0) * np.where(cost > 0, self.quantity(x), 0.0)

    def menu(self, points: int) -> Menu | None:
        """Return the rule at the costs of `case.grid(points)`; None where these have more than 20,000 profiles.

        A sample to look at and plot: among these profiles alone it is truthful, but pays more than it would have to.
        """
        grid = self.case.grid(points)
        if grid.profiles > PROFILES:
            return None
        costs = [np.array(supplier.costs) for supplier in grid.suppliers]
        x = np.stack(np.meshgrid(*costs, indexing="ij"), axis=-1)
        payments = np.stack([self.payment(i, x) for i in range(len(costs))])
        return Menu(grid, self.quantity(x), payments)

    def check_properties(
        self, samples: int = SAMPLES, seed: int = 0
    ) -> tuple[dict[str, PropertyResult], tuple[Misreport, ...], float]:
        """Return the results, the best misreport of each supplier, and the largest payment, among random misreports.

        Parameters
        ----------
        samples : int
            Misreports of every supplier.
        seed : int
            Draws them.
        """
        gains, losses, largest = [], [], 0.0
        for i, (gain, truth, x, report) in enumerate(self.misreports(samples, seed)):
            lie = x.copy()
            lie[:, i] = report
            paid, reported = truth + self._incurred(x[:, i], x), gain + truth + self._incurred(x[:, i], lie)
            stake = max(float(np.abs(paid).max()), float(np.abs(reported).max()))
            by_truth = np.maximum(np.abs(paid), self._incurred(x[:, i], x))
            most = allowed(by_truth, stake)
            (poorest,) = worst_place(-truth, most)
            losses.append(Compared(self._misreport(i, x[poorest], x[poorest, i], -truth[poorest]), most[poorest]))
            most = allowed(np.maximum(by_truth, np.maximum(np.abs(reported), self._incurred(x[:, i], lie))), stake)
            (k,) = worst_place(gain, most)
            gains.append(Compared(self._misreport(i, x[k], report[k], gain[k]), most[k], NOISE * stake))
            largest = max(largest, float(paid.max()))
        results: dict[str, PropertyResult] = {
            "dominant_strategy_ic": worst_case(SupplierResult, "dominant_strategy_ic", gains),
            "ex_post_ir": worst_case(SupplierResult, "ex_post_ir", losses),
            "balanced": SupplierResult("balanced", True, 0.0),
        }
        return results, gainful(gains), largest

    def misreports(self, samples: int, seed: int) -> Iterator[tuple[Array, Array, Array, Array]]:
        """Yield for every supplier his gains from misreports, his rents by the truth, the true profiles x and the reports.

        Costs, reports and the others' reports are uniform on their ranges, one in ten at an end.
        """
        rng = np.random.default_rng(seed)
        ends = np.array([[supplier.cost.low, supplier.cost.high] for supplier in self.case.suppliers]).T
        for i in range(len(self.case.suppliers)):
            places = rng.uniform(size=(2, samples, ends.shape[1]))
            places = np.where(rng.uniform(size=places.shape) < ENDS, np.round(places), places)
            x, reported = ends[0] + places * (ends[1] - ends[0])
            lie = x.copy()
            lie[:, i] = reported[:, i]
            truth = self.rent(i, x)
            gain = self.payment(i, lie) - self._incurred(x[:, i], lie) - truth
            yield gain, truth, x, lie[:, i]

    def _misreport(self, i: int, x: Array, report: Any, gain: Any) -> Misreport:
        pairs = enumerate(zip(self.case.names, x, strict=True))
        others = ", ".join(f"{name}={label(cost)}" for j, (name, cost) in pairs if j != i)
        return Misreport(self.case.names[i], float(x[i]), float(report), others, float(gain))


PROPERTIES = ("dominant_strategy_ic", "ex_post_ir", "balanced")
applies_to(Rule, *PROPERTIES, check=lambda rule, name, planner: rule.check_properties()[0][name])


@dataclass(frozen=True)
class Continuous(Rule):
    """The optimum for continuous costs: the rule, and what it earns; money in currency.

    profit: E[S(Q) - v Q], (37); profit_by_payments: E[S(Q) - sum_i P_i], an independent check. Both have their error in
    `integration`. expected_sales: E[E[min(D, Q(x))]], units: by the envelope theorem also dZ/dprice. expected_units: E[Q(x)].
    """

    profit: float
    profit_by_payments: float
    expected_sales: float
    expected_units: float
    integration: Integration
    shown: int = POINTS  # costs a supplier at which a solution shows the rule

    def audit(self, samples: int = SAMPLES, seed: int = 0) -> Audit:
        """Return who would lie, about what, and gain how much, among `samples` random misreports of every supplier."""
        results, misreports, largest = self.check_properties(samples, seed)
        return Audit(results, {"dominant_strategy_ic": misreports}, self.profit_by_payments, largest)


def continuous(case: ContinuousCase, points: int = 2**18, seed: int = 0) -> Continuous:
    """Return the optimal mechanism for continuous costs, Proposition 4, visiting about `points` cost profiles at most.

    Up to three suppliers profits are found by quadrature to 1e-8, as far as the points allow; above by quasi-Monte Carlo with
    its standard error (`seed` draws the scramblings). A density with a corner, such as the triangular one's, costs
    accuracy: then the difference of the two profits says more than the error.
    Raises InputError for `points` that are no whole number >= 1, and where correlated costs have a total virtual cost that
    is not monotone.
    """
    points = whole_number(points, "points", 1, case.name, "cost profiles that an integral may visit", DRAWS)
    refuse_not_monotone(case, seed)
    few = len(case.suppliers) <= BY_QUADRATURE
    integral = quadrature(case, points) if few else quasi_monte_carlo(case, points, seed)
    return Continuous(case, integral.profit, integral.profit_by_payments, integral.sales, integral.units, integral.integration)
