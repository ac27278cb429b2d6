"""What parameters of an assembler's case are worth at the margin, by closed forms: derivatives of the optimal profit.

By the envelope theorem the profit moves as it would with quantities held, so a closed form needs to say only how the payments of
its menu answer to the costs. Where profiles are pooled the profit has a kink, and what comes out is between the one-sided
derivatives; `veridical.one_sided` gives those.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase
from veridical.data.lazy import pd

__all__ = ["CostDerivative", "at_cost", "at_highest_cost", "by_rents", "sensitivity"]

CostDerivative = Callable[[Menu], list[list[float]]]


def sensitivity(menu: Menu, cost_derivative: CostDerivative, deliverable_worth: float = 0.0) -> pd.Series:
    """Return the derivatives of the optimal profit Z in the numbers of the case, currency per unit of each.

    Parameters
    ----------
    menu : Menu
        The optimal menu.
    cost_derivative : callable
        What gives dZ/dcost for the menu, a list for each supplier with one entry a cost: `ClosedForm.cost_derivative`.
    deliverable_worth : float
        What one more product is worth that suppliers can deliver for; that of the capacity which is the tightest.

    Returns
    -------
    pandas.Series
        By name: `price`, `cost panel=4`, `probability panel=4, battery=3`, and as far as the case has them `salvage`,
        `shortage_penalty`, `assembly_cost`, `units_per_product panel`, `yield panel=0.9`, `capacity panel`, `reservation_profit
        panel`. Of several products by `products.phone.price` and the like, and `products.phone.units.panel`.
        Probabilities are free weights here: for ones that sum to 1 only differences between profiles mean something.

    Examples
    --------
    >>> from veridical.data import example
    >>> from veridical.solvers.closed_form.assembler import first_best
    >>> closed = first_best(example("two-suppliers"))
    >>> sensitivity(closed.menu, closed.cost_derivative)["cost panel=3"]
    np.float64(-417.6)
    """
    case = menu.case
    assembled = menu.assembled
    worth = case.revenue(assembled) - menu.payment.sum(axis=0)  # (2): the weight of beta(t)
    derivatives: dict[str, float] = {}
    pairs = [("", case, assembled)] if case.products is None else zip(_prefixes(case), case.products, assembled, strict=True)
    for prefix, sold, units in pairs:
        sales, made = (float((case.probability * some).sum()) for some in (sold.demand.expected_sales(units), units))
        by_key = {"price": sales, "salvage": made - sales, "assembly_cost": -sales}
        by_key["shortage_penalty"] = sales - sold.demand.expectation
        derivatives |= {f"{prefix}{name}": by_key[name] for name in ("price", *sold.terms)}
    by_costs = cost_derivative(menu)
    for i, by_cost in enumerate(by_costs):
        derivatives |= {f"cost {token}": value for token, value in zip(case.tokens(i), by_cost, strict=True)}
    several = zip(_prefixes(case), case.products, assembled, strict=True) if case.products is not None else ()
    for prefix, product, units in several:
        of_each = cost_derivative(Menu(case, units, menu.payment))  # of one unit of every component in each product
        for supplier, by_cost in zip(case.suppliers, of_each, strict=True):
            if supplier.delivers in product.units:
                dearer = math.fsum(cost * value for cost, value in zip(supplier.costs, by_cost, strict=True))
                derivatives[f"{prefix}units.{supplier.delivers}"] = dearer
    profiles = (", ".join(case.tokens(i)[k] for i, k in enumerate(place)) for place in np.ndindex(*case.shape))
    derivatives |= {f"probability {name}": value for name, value in zip(profiles, worth.ravel().tolist(), strict=True)}
    for i, supplier in enumerate(case.suppliers):
        tightest = supplier.capacity is not None and supplier.suffices_for(supplier.capacity) == case.deliverable < math.inf
        # a share more to order for each product is as if all costs of the part rose, and fewer could be delivered
        dearer = sum(cost * value for cost, value in zip(supplier.costs, by_costs[i], strict=True))
        dearer -= deliverable_worth * case.deliverable if tightest else 0.0
        if case.has_bill and supplier.units_per_product:
            derivatives[f"units_per_product {supplier.name}"] = dearer / supplier.units_per_product
        derivatives |= {f"yield {token}": -dearer / supplier.usable.expectation for token in case.yield_tokens(i)}
        if supplier.capacity is not None:
            derivatives[f"capacity {supplier.name}"] = deliverable_worth / supplier.needed if tightest else 0.0
        if any(supplier.reservations):
            for token, probability in zip(case.reservation_tokens(i), case.marginals[i].tolist(), strict=True):
                name = f"reservation_profit {token}"
                derivatives[name] = derivatives.get(name, 0.0) - probability
    return pd.Series(derivatives, name="sensitivity")


def _prefixes(case: AssemblerCase) -> list[str]:
    """Return what stands before the names of the numbers of each of several products."""
    return [f"products.{product.name}." for product in case.products or ()]


def at_cost(menu: Menu) -> list[list[float]]:
    """Return dZ/dcost where everybody is paid his cost."""
    paid = -menu.case.probability * menu.quantity
    return [np.moveaxis(paid[i], i, 0).reshape(m, -1).sum(axis=1).tolist() for i, m in enumerate(menu.case.shape)]


def at_highest_cost(menu: Menu) -> list[list[float]]:
    """Return dZ/dcost where everybody is paid his highest cost for one quantity."""
    return [[0.0] * (m - 1) + [-float(menu.quantity[i].flat[0])] for i, m in enumerate(menu.case.shape)]


def by_rents(menu: Menu) -> list[list[float]]:
    """Return dZ/dcost at the least rents, (11): minus what a unit of a cost adds to payments.

    A cost is paid to its own type and to all cheaper ones for the units that its type delivers; it shortens the step
    above it, which the cheaper types and its own earn on the next type's units.
    """
    derivatives = []
    for i in range(len(menu.case.shape)):
        weight = np.moveaxis(menu.case.probability, i, 0)
        quantity = np.moveaxis(menu.quantity[i], i, 0)
        at_most = np.cumsum(weight, axis=0)
        rest = tuple(range(1, weight.ndim))
        paid = (at_most * quantity).sum(axis=rest)
        saved = np.append((at_most[:-1] * quantity[1:]).sum(axis=rest), 0.0)
        derivatives.append((saved - paid).tolist())
    return derivatives
