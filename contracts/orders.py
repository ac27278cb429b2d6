"""What orders at a wholesale price bring, equilibrium or not: the outcome of the fixed-price game."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from veridical.contracts.allotment import Allotment, own_type_frame
from veridical.data.arrays import Array
from veridical.data.lazy import pd

__all__ = ["Equilibrium", "Ordering"]


@dataclass(frozen=True, kw_only=True)
class Ordering(Allotment):
    """What orders bring when they are rationed; units and currency. An allotment, at the wholesale price and no shadow prices.

    Group by group, one a type: orders; truthful_orders, with R_q = w, which a retailer places who need not fear for his units;
    expected_units, E[Q]; retailer_profits, E[R(Q, theta) - w Q]; best_orders, of all in [0, K] if the others order as they do;
    gains, what they bring more than `orders`, in expectation. Where profiles are drawn, expectations are over those that are.
    """

    wholesale_price: float
    rule: str
    orders: tuple[Array, ...]
    truthful_orders: tuple[Array, ...]
    expected_units: tuple[Array, ...]
    retailer_profits: tuple[Array, ...]
    best_orders: tuple[Array, ...]
    gains: tuple[Array, ...]

    @property
    def regret(self) -> float:
        """Most that any type gains, in expectation, by any other order in [0, K]."""
        return max(float(gain.max()) for gain in self.gains)

    @cached_property
    def payments(self) -> tuple[Array, ...]:
        """w E[Q], currency, group by group, one a type."""
        return tuple(self.wholesale_price * units for units in self.expected_units)

    @property
    def supplier_profit(self) -> float:
        """w E[sum Q] less what capacity costs, where it does."""
        return self.wholesale_price * float(self.probability @ self.allotted) - self.capacity_paid

    @property
    def error(self) -> float:
        """Standard error of the supplier's profit, currency; 0 where all profiles are visited."""
        drawn = len(self.allotted)
        return self.wholesale_price * float(self.allotted.std(ddof=1)) / drawn**0.5 if self.sampled and drawn > 1 else 0.0

    def by_own_type(self) -> pd.DataFrame:
        """Return what a retailer orders and expects, indexed by group and own type: what he would order by the truth, too."""
        columns = {
            "probability": [group.probability for group in self.case.retailers],
            "truthful_order": self.truthful_orders,
            "order": self.orders,
            "quantity": self.expected_units,
            "payment": self.payments,
            "profit": self.retailer_profits,
        }
        return own_type_frame(self.case, columns)

    def to_dict(self) -> dict[str, object]:
        """Return what the command line's JSON says of orders."""
        figures = super().to_dict()
        groups: Any = figures["retailers"]
        for group, orders, truth in zip(groups, self.orders, self.truthful_orders, strict=True):
            group |= {"orders": orders.tolist(), "truthful_orders": truth.tolist()}
        figures |= {"wholesale_price": self.wholesale_price, "rule": self.rule, "regret": self.regret}
        return figures | ({"standard_error": self.error} if self.sampled else {})


@dataclass(frozen=True, kw_only=True)
class Equilibrium(Ordering):
    """Orders of which no type has a better one, within `regret`.

    found: all equilibria that starts led to, this one first. truth: what truthful orders bring, and who gains by others. scale:
    most that any type earns from any number of units, currency.
    """

    found: tuple[Ordering, ...]
    truth: Ordering
    scale: float

    def to_dict(self) -> dict[str, object]:
        """Return what the command line's JSON says of an equilibrium, and of the others that were found."""
        equilibria = [{"supplier_profit": orders.supplier_profit, "chain_profit": orders.chain_profit} for orders in self.found]
        return super().to_dict() | {"equilibria": equilibria}
