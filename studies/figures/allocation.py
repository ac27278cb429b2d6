"""Pictures of capacity allocation: one solved case, sweeps over the cost of capacity, and Tables 1 to 5 of the paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.data import AllocationCase, InputError
from veridical.data.fields import whole_number
from veridical.solvers.closed_form import allocation as closed
from veridical.solvers.closed_form.virtual_revenue import TINY, VirtualRevenue
from veridical.studies.figures.assembler import COLOURS, tidy
from veridical.studies.papers.allocation_tables import CONCENTRATED, case_of, printed
from veridical.studies.papers.reproduction import Reproduction, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from veridical.contracts import Allotment

__all__ = ["allocation", "capacity", "capacity_and_profit", "draw_table", "penalty_and_share", "sweep"]

Array = NDArray[np.float64]
AREA = 3000.0  # square points that the markers of all profiles cover together
LEAST, MOST = 3.0, 150.0  # and one of them alone
MANY = 2000  # profiles from which markers are faint
TICKS = 10  # types up to which each has its own
SPREAD = 0.24  # inches that groups of the same type stand apart, all together
ROWS = 6  # of a legend, in one column
LIKELY = 200  # profiles by which it is told whether information is full
COSTS = 25  # costs of capacity between the printed ones at which the exact lines of a table are computed
SHOWN = (0.1, 0.9, 1.8, 2.7, 3.6)  # costs of capacity of which the table speaks; the figure is finer
COST = "capacity cost, currency per unit"
SHARES = {  # columns of a frame that are shares, and how their axes are labelled
    "penalty": "decentralisation penalty, % of centralised profit",
    "supplier_share": "supplier's share, % of the chain's profit",
    "capacity_ratio": "capacity, % of the centralised",
}
PRINTED = {"penalty": "penalty_pct", "supplier_share": "supplier_share_pct", "capacity_ratio": "capacity_ratio_pct"}
TABLES: Mapping[int, tuple[str, str, str, Callable[[int], AllocationCase]]] = {  # title, column of the series, its label, case
    1: (
        "five retailers, types 4 to 8 concentrated on 6",
        "retailers",
        "{} retailers",
        lambda count: case_of(range(4, 9), count, CONCENTRATED, capacity_cost=1.0),
    ),
    2: (
        "by the number of retailers, types 4 to 8",
        "retailers",
        "{} retailers",
        lambda count: case_of(range(4, 9), count, capacity_cost=1.0),
    ),
    3: (
        "by the mean of five types, five retailers",
        "mean_type",
        "mean type {}",
        lambda mean: case_of(range(mean - 2, mean + 3), 5, capacity_cost=1.0),
    ),
    4: (
        "by the number of types around 6, five retailers",
        "type_states",
        "{} types",
        lambda count: case_of(range(6 - count // 2, 7 + count // 2), 5, capacity_cost=1.0),
    ),
}


def allocation(found: Allotment) -> Figure:
    """Return a figure of one solved case: what scarcity costs profile by profile, and what a type gets.

    Left, where there are shadow prices, a marker a type profile: lambda(theta) against the retailers' total demand, which is
    what they would get were capacity plentiful: the quantities at lambda = 0 of virtual revenue, or of revenue itself where
    those at lambda are nearer to what is allocated, as with full information. lambda is positive to the right of the capacity
    alone. Where demand is infinite at 0 (newsvendors whose demand has no upper end), it is that at a hundredth of the highest
    shadow price, and the axis says so. Of sampled profiles those are shown that were drawn.

    Right, by own type: units in expectation over the others' types, given one's own, and bars from least to most; a line a
    group. What never occurs is left out on both sides. Source: allocation paper, Theorem 2.
    Raises InputError where types are not finite.
    """
    from matplotlib.figure import Figure

    case = found.case
    if case.continuous:
        raise InputError.of("case", "<a continuous prior>", "finite types: the case that a solver returns", case.name)
    priced = (found.probability > 0) & ~np.isnan(found.shadow_price)
    panels = 2 if priced.any() else 1
    figure = Figure(figsize=(5.0 * panels, 4.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, panels))
    if panels > 1:
        _by_profile(axes[0], found, priced)
    _by_own_type(axes[-1], found)
    members = len(case.order)
    figure.suptitle(case.name or f"{found.capacity:,.6g} units for {members:,} retailer{'s' * (members > 1)}", fontsize=11)
    return figure


def _by_profile(axis: Any, found: Allotment, priced: NDArray[np.bool_]) -> None:
    """Draw shadow prices against total demand, a marker each of the profiles that are `priced`."""
    weight, shadow, count = found.probability[priced], found.shadow_price[priced], int(priced.sum())
    demand, measured = _demand(found.case, found.profiles.counts[priced], weight, found.by_type[priced], shadow, found.capacity)
    area, alpha = np.clip(AREA * weight, LEAST, MOST), 0.5 if count < MANY else 0.15
    axis.scatter(demand, shadow, s=area, color=COLOURS[0], alpha=alpha, linewidths=0, rasterized=True)
    axis.axvline(found.capacity, color=COLOURS[1], linewidth=1.2, label=f"capacity: {found.capacity:,.6g} units")
    mean = float(weight @ shadow)
    axis.axhline(mean, color=COLOURS[4], linestyle=":", linewidth=1.2, label=f"mean shadow price: {mean:,.4g}")
    plenty = f"at the shadow price {measured:.3g}" if measured else "were capacity plentiful"
    axis.set_xlabel(f"total demand {plenty}, units", fontsize=9)
    axis.set_ylabel("shadow price λ, currency per unit", fontsize=9)
    kind = "sampled type profiles" if found.sampled else "type profiles, the larger the likelier"
    axis.set_title(f"{count:,} {kind}", loc="left", fontsize=10)
    _from_zero(axis, float(shadow.max()), 2)


def _demand(
    case: AllocationCase, counts: NDArray[np.int64], weight: Array, by_type: Array, shadow: Array, capacity: float
) -> tuple[Array, float]:
    """Return total demand profile by profile, units, shape (rows,), and the shadow price at which it is measured."""
    likely = np.argsort(-weight, kind="stable")[:LIKELY]

    def gap(virtual: list[VirtualRevenue]) -> float:
        expected = np.concatenate([each.quantity(np.maximum(shadow[likely], 0.0)) for each in virtual], axis=1)
        return float(np.abs(np.minimum(expected, capacity) - by_type[likely])[counts[likely] > 0].sum())

    with_rent, without = ([VirtualRevenue.of(group, rent) for group in case.retailers] for rent in (True, False))
    virtual = with_rent if gap(with_rent) <= gap(without) else without

    def total(price: float) -> Array:
        wanted = np.concatenate([each.quantity([price])[0] for each in virtual])
        demand: Array = (counts * np.where(counts > 0, wanted, 0.0)).sum(axis=1)
        return demand

    demand = total(0.0)
    if np.isfinite(demand).all():
        return demand, 0.0
    measured = max(float(shadow.max()) / 100, TINY)
    return total(measured), measured


def _by_own_type(axis: Any, found: Allotment) -> None:
    """Draw units by own type, a line a group; groups stand a few points apart, so that bars do not hide each other."""
    from matplotlib.transforms import ScaledTranslation

    case, profiles = found.case, found.profiles
    width = min(4.0, 72 * SPREAD / len(case.names))
    for g, (name, group) in enumerate(zip(case.names, case.retailers, strict=True)):
        columns = profiles.columns(g)
        weight = found.probability[:, None] * profiles.counts[:, columns]
        occurs = weight.sum(axis=0) > 0
        theta, weight, units = group.theta[occurs], weight[:, occurs], found.by_type[:, columns][:, occurs]
        least = np.where(weight > 0, units, np.inf).min(axis=0)
        most = np.where(weight > 0, units, -np.inf).max(axis=0)
        mean = (weight * units).sum(axis=0) / weight.sum(axis=0)
        style = _style(g)
        aside = ScaledTranslation(((g + 0.5) / len(case.names) - 0.5) * SPREAD, 0, axis.figure.dpi_scale_trans)
        axis.vlines(theta, least, most, color=style["color"], alpha=0.35, linewidth=width, transform=axis.transData + aside)
        label = f"{name} ({group.count:,})"
        axis.plot(theta, mean, marker="o", markersize=4, label=label, transform=axis.transData + aside, **style)
        axis.update_datalim(np.column_stack([theta, most]))
    axis.autoscale_view()
    types = np.unique(np.concatenate([group.theta for group in case.retailers]))
    if len(types) <= TICKS and (np.diff(types) >= np.ptp(types) / TICKS / 2).all():
        axis.set_xticks(types)
    axis.set_xlabel("own type θ", fontsize=9)
    axis.set_ylabel("allocation to one retailer, units", fontsize=9)
    axis.set_title("mean over the others' types; bars: least to most", loc="left", fontsize=10)
    _from_zero(axis, float(axis.dataLim.y1), len(case.names))


def _from_zero(axis: Any, top: float, keys: int) -> None:
    """Let the vertical axis begin at 0 and leave room above `top` for a legend where there are more keys than one."""
    tidy(axis)
    top, columns = 1.08 * (top if top > 0 else 1.0), -(-keys // ROWS)
    if keys > 1:
        axis.legend(facecolor="white", edgecolor="none", framealpha=1.0, fontsize=8, loc="upper left", ncols=columns)
        top *= 1 + 0.075 * -(-keys // columns)
    axis.set_ylim(-0.04 * top, top)


def sweep(case: AllocationCase, costs: Iterable[float], **options: int) -> pd.DataFrame:
    """Return what capacity is worth having and who earns what, a row a cost of capacity, with a number as index.

    Columns: capacity_cost (currency per unit), capacity and centralized_capacity (units), supplier_profit, chain_profit and
    centralized_profit (currency; capacity paid for), penalty ((pi_C - pi_D) / pi_C) and supplier_share (of the chain's profit),
    both shares, NaN where there is no profit. Of the case a capacity or a cost of its own is left out; `options` are those of
    `capacity_choice`: points, samples, seed. Allocation paper, section 5.
    Raises InputError for no costs, and for one that is no finite number >= 0.
    """
    allowed = "one or more finite costs >= 0, currency per unit"
    if not isinstance(costs, Iterable) or isinstance(costs, str | bytes):
        raise InputError.of("costs", costs, allowed, case.name)
    rows = []
    for cost in costs:
        priced = case.changed(capacity=None, capacity_cost=cost)
        own, best = closed.capacity_choice(priced, **options), closed.centralized(priced, **options)
        rows.append(
            {
                "capacity_cost": cost,
                "capacity": own.capacity,
                "centralized_capacity": best.capacity,
                "supplier_profit": own.supplier_profit,
                "chain_profit": own.chain_profit,
                "centralized_profit": best.chain_profit,
                "penalty": closed.decentralization_penalty(own, best),
                "supplier_share": own.supplier_share,
            }
        )
    if not rows:
        raise InputError.of("costs", [], allowed, case.name)
    return pd.DataFrame(rows).astype(float)


def capacity(frame: pd.DataFrame) -> Figure:
    """Return a figure of a sweep as `sweep` returns it: capacity, units, and profits, currency, against the cost of capacity.

    Raises InputError where a column is missing or has other than numbers.
    """
    from matplotlib.figure import Figure

    capacities = {"capacity": "optimal mechanism", "centralized_capacity": "full information"}
    profits = {
        "centralized_profit": "chain, full information",
        "chain_profit": "chain, optimal mechanism",
        "supplier_profit": "supplier, optimal mechanism",
    }
    own, best = COLOURS[0], COLOURS[4]
    style = {
        "capacity": (own, "-"),
        "centralized_capacity": (best, "--"),
        "centralized_profit": (best, "--"),
        "chain_profit": (own, "-"),
        "supplier_profit": (COLOURS[3], "-"),
    }
    frame = _checked(frame, [*capacities, *profits])
    figure = Figure(figsize=(9.5, 3.9), layout="constrained")
    panels = (capacities, "capacity, units"), (profits, "expected profit, currency")
    for axis, (columns, label) in zip(figure.subplots(1, 2), panels, strict=True):
        for column, name in columns.items():
            colour, dashes = style[column]
            marker = "o" if len(frame) == 1 else None
            axis.plot(frame["capacity_cost"], frame[column], color=colour, linestyle=dashes, marker=marker, label=name)
        axis.set_ylabel(label, fontsize=9)
        axis.set_xlabel(COST, fontsize=9)
        tidy(axis)
        axis.set_ylim(bottom=min(0.0, float(frame[list(columns)].min().min())))
        axis.legend(frameon=False, fontsize=8)
    figure.suptitle("capacity worth having and profits, by the cost of capacity", fontsize=11)
    return figure


def capacity_and_profit() -> Reproduction:
    """Return capacity and profits by the cost of capacity for Table 1's retailers: Theorems 3 and 4. The paper prints none."""
    costs = np.union1d(printed(1)["capacity_cost"], SHOWN)
    frame = sweep(case_of(range(4, 9), 5, CONCENTRATED, capacity_cost=1.0), costs)
    shown = frame[frame["capacity_cost"].isin(SHOWN)]
    names = {
        "capacity": "capacity, units",
        "centralized_capacity": "capacity with full information, units",
        "supplier_profit": "supplier's profit",
        "chain_profit": "profit of the chain",
        "centralized_profit": "profit of the chain with full information",
    }
    rows = [
        Row(f"c={cost:g}: {words}", float(value))
        for column, words in names.items()
        for cost, value in zip(shown["capacity_cost"], shown[column], strict=True)
    ]
    title = "capacity worth having and profits by the cost of capacity, the retailers of Table 1"
    return Reproduction.of("allocation-capacity", title, rows, series=frame, draw=partial(capacity, frame))


def penalty_and_share(frame: pd.DataFrame, title: str = "decentralisation penalty and supplier's share") -> Figure:
    """Return a figure of the decentralisation penalty and the supplier's share against the cost of capacity.

    frame: the columns capacity_cost, penalty and supplier_share as `sweep` returns them; with `series`, a line for each of its
    values. Exact values are lines; what is printed in `published_penalty` and `published_supplier_share`, shares too and NaN
    where nothing is, hollow points; `as_published_penalty` and `as_published_supplier_share` dashed lines.
    Raises InputError where a column is missing or has other than numbers.
    """
    return _panels(frame, ["penalty", "supplier_share"], title)


def draw_table(number: int) -> Figure:
    """Return a figure of one of Tables 1 to 5 of the allocation paper.

    Tables 1 to 4: penalty, supplier's share and capacity against centralised, %, by the cost of capacity, as `penalty_and_share`
    draws them; Table 3 prints its penalty over pi_D, which is dashed. Table 5: what one of two retailers gets, units, by own and
    the other's type; and the bids, currency, as printed and as they are worth making.
    Raises InputError for another number.
    """
    whole_number(number, "number", 1, most=5, allowed="a whole number from 1 to 5: a table of the allocation paper")
    if number == 5:
        return _auction()
    title, column, label, case = TABLES[number]
    shown = printed(number)
    shown = shown if column in shown else shown.assign(**{column: 5})
    frames = []
    for value in shown[column].unique():
        rows = shown[shown[column] == value]
        of_paper = rows["capacity_cost"].to_numpy()
        frame = sweep(case(int(value)), np.union1d(np.linspace(of_paper.min(), of_paper.max(), COSTS), of_paper))
        frame["capacity_ratio"] = frame["capacity"] / frame["centralized_capacity"]
        by_cost = rows.set_index("capacity_cost")
        for name, in_print in PRINTED.items():
            frame[f"published_{name}"] = frame["capacity_cost"].map(by_cost[in_print]) / 100
        if number == 3:
            frame["as_published_penalty"] = frame["penalty"] / (1 - frame["penalty"])
        frames.append(frame.assign(series=label.format(value)))
    return _panels(pd.concat(frames), list(SHARES), f"Table {number}: {title}", "over the decentralised profit, as in print")


def _panels(frame: pd.DataFrame, columns: Sequence[str], title: str, as_published: str = "as published") -> Figure:
    """Return a figure of shares against the cost of capacity, a panel a column and a line a series."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = _checked(frame, columns, [f"{prefix}_{name}" for prefix in ("published", "as_published") for name in columns])
    series = [(name, rows[rows["series"] == name]) for name in frame["series"].unique()] if "series" in rows else [("", rows)]
    figure = Figure(figsize=(0.8 + 4.0 * len(columns), 4.3), layout="constrained")
    lines, marks = {}, {}
    for axis, column in zip(figure.subplots(1, len(columns)), columns, strict=True):
        for place, (name, own) in enumerate(series):
            cost, colour, label = own["capacity_cost"], _style(place)["color"], str(name) if len(series) > 1 else "exact"
            marker = "." if len(own) == 1 else None
            (lines[label],) = axis.plot(cost, 100 * own[column], label=label, marker=marker, **_style(place))
            if f"as_published_{column}" in own:
                axis.plot(cost, 100 * own[f"as_published_{column}"], color=colour, linestyle="--", linewidth=1)
                marks[as_published] = Line2D([], [], color=COLOURS[4], linestyle="--", linewidth=1)
            if f"published_{column}" in own:
                axis.plot(cost, 100 * own[f"published_{column}"], color=colour, marker="o", fillstyle="none", linestyle="none")
                marks["printed"] = Line2D([], [], color=COLOURS[4], marker="o", fillstyle="none", linestyle="none")
        axis.set_ylabel(SHARES[column], fontsize=9)
        axis.set_xlabel(COST, fontsize=9)
        tidy(axis)
    keys = lines | marks
    ncols = 2 * len(columns) + 1
    figure.legend(list(keys.values()), list(keys), loc="outside lower center", ncols=ncols, frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _auction() -> Figure:
    """Return the figure of Table 5."""
    from matplotlib.figure import Figure

    types = np.arange(4, 9)
    found = closed.allocation(case_of(types.tolist(), 2, capacity=2.63))
    units = np.empty((5, 5))  # by the other's type, own type
    for (low, high), (few, many) in zip(found.profiles.types(), found.quantity, strict=True):
        units[high, low], units[low, high] = few, many
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    mesh = left.pcolormesh(types, types, units, cmap="viridis_r", vmin=0, shading="nearest")
    for (other, own), amount in np.ndenumerate(units):
        ink = "white" if amount > units.max() / 2 else "black"
        left.text(types[own], types[other], f"{amount:.3f}", ha="center", va="center", color=ink, fontsize=9)
    bar = figure.colorbar(mesh, ax=left)
    bar.ax.tick_params(labelsize=8)
    left.set_xlabel("own type θ", fontsize=9)
    left.set_ylabel("the other's type θ", fontsize=9)
    left.set_title("allocation by own and the other's type, units", loc="left", fontsize=10)
    bids = printed(5)["bid_retailer_1"], found.payments[0]
    names = "printed: virtual revenue", "incentive compatible: the payment (3)"
    for side, values, name, colour in zip((-0.2, 0.2), bids, names, (COLOURS[4], COLOURS[0]), strict=True):
        bars = right.bar(types + side, values, width=0.4, color=colour, label=name)
        right.bar_label(bars, fmt="%.2f", fontsize=8, padding=2)
    right.set_xlabel("own type θ", fontsize=9)
    right.set_ylabel("bid, currency", fontsize=9)
    right.set_title("bids", loc="left", fontsize=10)
    right.legend(frameon=False, fontsize=8, loc="upper left")
    for axis in (left, right):
        axis.set_xticks(types)
        tidy(axis)
    left.set_yticks(types)
    figure.suptitle("Table 5: the auction of 2.63 units between two retailers, types 4 to 8 equally likely", fontsize=11)
    return figure


def _style(place: int) -> dict[str, Any]:
    """Return the colour of a line, and its dashes, so that no two of the first eighteen look alike."""
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": ("-", "-.", ":")[place // len(COLOURS) % 3]}


def _checked(frame: pd.DataFrame, needed: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """Return the frame by rising cost of capacity; raises InputError for columns that are missing or have other than numbers."""
    columns = ["capacity_cost", *needed]
    if not isinstance(frame, pd.DataFrame) or not len(frame) or not set(columns) <= set(frame):
        value = f"<{len(frame)} rows of {list(frame)}>" if isinstance(frame, pd.DataFrame) else frame
        raise InputError.of("frame", value, f"one or more rows with the columns {', '.join(columns)}")
    for column in (*columns, *(name for name in optional if name in frame)):
        values, needs_all = frame[column], column == "capacity_cost"
        if values.dtype.kind not in "iuf" or np.isinf(values).any() or (needs_all and values.isna().any()):
            allowed = "finite numbers" if needs_all else "finite numbers, NaN where there is none"
            raise InputError.of(f"frame[{column!r}]", values.tolist(), allowed)
    if "series" in frame and frame["series"].isna().any():
        raise InputError.of("frame['series']", frame["series"].tolist(), "a name in every row")
    return frame.sort_values("capacity_cost", kind="stable")
