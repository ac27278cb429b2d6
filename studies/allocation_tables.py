"""Tables 1 to 5 of the capacity allocation paper, recomputed in closed form: the optimal mechanism against full information.

Retailers face linear demand, and the supplier chooses the capacity. Of Table 1 these are the columns of the optimal mechanism;
its fixed-price columns come from another game.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.data import AllocationCase
from veridical.solvers.closed_form import allocation as closed
from veridical.studies.reproduction import Reproduction, Row

__all__ = ["table_1", "table_2", "table_3", "table_4", "table_5"]

Array = NDArray[np.float64]
CONCENTRATED = (0.05, 0.25, 0.4, 0.25, 0.05)  # Table 1's prior over its five types
SEARCH = "what remains is the authors' loose search for the capacity"
DENOMINATOR = "printed is (pi_C - pi_D) / pi_D; the other tables divide by pi_C"
FIGURES = {
    "penalty_pct": "penalty %",
    "supplier_share_pct": "supplier's share %",
    "capacity_ratio_pct": "capacity against centralized %",
}


def case_of(types: Sequence[int], count: int, probabilities: Sequence[float] | None = None, **capacity: float) -> AllocationCase:
    """Return retailers with linear demand and types that are equally likely unless their probabilities are given."""
    shares = list(probabilities or [1 / len(types)] * len(types))
    group = {"count": count, "types": list(types), "probabilities": shares, "revenue": {"form": "linear_demand"}}
    return AllocationCase.model_validate({"retailers": [group], **capacity})


def printed(number: int) -> pd.DataFrame:
    """Return a table as it is printed."""
    return pd.read_csv(str(files("veridical.data") / "published" / f"allocation_table{number}.csv"))


def rows_of(row: Any, label: str, case: AllocationCase, mended: bool = False) -> list[Row]:
    """Return the figures of one row of a table: penalty, supplier's share, and capacity, both mechanisms at their best."""
    own, best = closed.capacity_choice(case), closed.centralized(case)
    penalty = closed.decentralization_penalty(own, best)
    exact = {
        "penalty_pct": 100 * penalty,
        "supplier_share_pct": 100 * own.supplier_share,
        "capacity_ratio_pct": 100 * own.capacity / best.capacity,
    }
    as_published = exact | ({"penalty_pct": 100 * penalty / (1 - penalty)} if mended else {})
    found = []
    for column, words in FIGURES.items():
        note = DENOMINATOR if mended and column == "penalty_pct" else SEARCH
        same = round(exact[column], 2) == row[column]
        found.append(Row(f"{label}: {words}", exact[column], as_published[column], "" if same else note, float(row[column])))
    return found


def table(number: int, title: str, label: str, case: Callable[[Any], AllocationCase], mended: bool = False) -> Reproduction:
    """Return a table with the rows in print; `label` is formatted with the columns of a row."""
    found = [{str(column): value for column, value in row.items()} for row in printed(number).to_dict("records")]
    rows = [each for row in found for each in rows_of(row, label.format(**row), case(row), mended)]
    return Reproduction.of(f"allocation-table-{number}", title, [row.where(f"Table {number}") for row in rows])


def table_1() -> Reproduction:
    """Return Table 1: five retailers whose types 4 to 8 are concentrated on the middle one, by the cost of capacity."""
    title = "the optimal mechanism by the cost of capacity, five retailers"
    return table(
        1, title, "c={capacity_cost:g}", lambda row: case_of(range(4, 9), 5, CONCENTRATED, capacity_cost=row["capacity_cost"])
    )


def table_2() -> Reproduction:
    """Return Table 2: by the number of retailers."""
    title = "the optimal mechanism by the number of retailers"
    label = "c={capacity_cost:g}, N={retailers:g}"
    return table(2, title, label, lambda row: case_of(range(4, 9), int(row["retailers"]), capacity_cost=row["capacity_cost"]))


def table_3() -> Reproduction:
    """Return Table 3: by the mean type of five retailers."""

    def case(row: Any) -> AllocationCase:
        mean = int(row["mean_type"])
        return case_of(range(mean - 2, mean + 3), 5, capacity_cost=row["capacity_cost"])

    title = "the optimal mechanism by the mean of the types, five retailers"
    return table(3, title, "c={capacity_cost:g}, mean {mean_type:g}", case, mended=True)


def table_4() -> Reproduction:
    """Return Table 4: by the number of types around the same mean."""

    def case(row: Any) -> AllocationCase:
        half = int(row["type_states"]) // 2
        return case_of(range(6 - half, 7 + half), 5, capacity_cost=row["capacity_cost"])

    title = "the optimal mechanism by the number of types around 6, five retailers"
    return table(4, title, "c={capacity_cost:g}, {type_states:g} types", case)


def worth_of(allocated: Array, types: Array) -> Array:
    """Return the expected revenue of each type under each report, (report, type), from units by report and the other's type."""
    worth: Array = (allocated[:, None, :] * (types[None, :, None] - allocated[:, None, :])).mean(axis=2)
    return worth


def table_5() -> Reproduction:
    """Return Table 5: the auction for two retailers with capacity 2.63; its allocation, its bids, and the regret they leave."""
    shown = printed(5)
    bids = shown["bid_retailer_1"].to_numpy()
    figures = shown.drop(columns="bid_retailer_1").to_numpy()
    types = np.arange(4.0, 9.0)
    found = closed.allocation(case_of(types.tolist(), 2, capacity=2.63))
    allocated = np.empty((5, 5))
    for (low, high), (few, many) in zip(found.profiles.types(), found.quantity, strict=True):
        allocated[low, high], allocated[high, low] = few, many
    rows = [
        Row(f"type {types[i]:g} against type {types[j]:g}: units", allocated[i, j], allocated[i, j], "", figures[i, j])
        for i in range(5)
        for j in range(5)
    ]
    virtual = np.diag(worth_of(allocated, types)) - (8 - types) * allocated.mean(axis=1)
    note = "printed is the virtual revenue E[R] - (8 - theta) E[Q]; exact is the payment (3), the bid that is worth making"
    rows += [
        Row(f"type {theta:g}: bid", float(paid), float(worth), note if theta > 4 else "", float(bid))
        for theta, paid, worth, bid in zip(types, found.payments[0], virtual, bids, strict=True)
    ]
    profit = worth_of(figures, types) - bids[:, None]
    regret = float((profit.max(axis=0) - np.diag(profit)).max())
    rows.append(Row("largest gain from bidding as another type", found.audit.max_regret, regret, "a type 8 who bids as a type 6"))
    return Reproduction.of("allocation-table-5", "the auction for two retailers", [row.where("Table 5") for row in rows])
