"""Pictures of capacity allocation: one solved case, sweeps over the cost of capacity, and Tables 1 to 5 of the paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.data import AllocationCase, InputError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.fields import whole_number
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.solvers.closed_form import allocation as closed
from veridical.solvers.closed_form.inverse import TINY
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue
from veridical.studies.figures.style import COLOURS, axes_of, called, headed, line_style, numbered, styled
from veridical.studies.papers.allocation_tables import CONCENTRATED, TABLES, auction, case_of, printed
from veridical.studies.papers.reproduction import Reproduction, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from veridical.contracts import Allotment

__all__ = ["allocation", "capacity", "capacity_and_profit", "draw_table", "penalty_and_share", "sweep"]

AREA = 3000.0  # square points that the markers of all profiles cover together
LEAST, MOST = 3.0, 150.0  # and one of them alone
MANY = 2000  # profiles from which markers are faint
TICKS = 10  # types up to which each has its own
SPREAD = 0.24  # inches that groups of the same type stand apart, all together
KEY, BELOW = 1.6, 3.6  # inches of a name in a legend within a panel, and below it
ROWS = 6  # of a legend, in one column
LIKELY = 200  # profiles by which it is told whether information is full
COSTS = 25  # costs of capacity between the printed ones at which the exact lines of a table are computed
SHOWN = (0.1, 0.9, 1.8, 2.7, 3.6)  # costs of capacity of which the table speaks; the figure is finer
COST = "capacity cost, currency per unit"
AMOUNTS = {  # columns of a sweep: words in a table, words in a legend, colour and dashes
    "capacity": ("capacity, units", "optimal mechanism", COLOURS[0], "-"),
    "centralized_capacity": ("capacity with full information, units", "full information", COLOURS[4], "--"),
    "supplier_profit": ("supplier's profit", "supplier, optimal mechanism", COLOURS[3], "-"),
    "chain_profit": ("profit of the chain", "chain, optimal mechanism", COLOURS[0], "-"),
    "centralized_profit": ("profit of the chain with full information", "chain, full information", COLOURS[4], "--"),
}
PANELS = {  # their figure: axes, and the columns in the order in which they are drawn
    "capacity, units": ["capacity", "centralized_capacity"],
    "expected profit, currency": ["centralized_profit", "chain_profit", "supplier_profit"],
}
SHARES = {  # columns of a frame that are shares, and how their axes are labelled
    "penalty": "decentralisation penalty, % of centralised profit",
    "supplier_share": "supplier's share, % of the chain's profit",
    "capacity_ratio": "capacity, % of the centralised",
}


@styled
def allocation(allotment: Allotment) -> Figure:
    """Return a figure of one solved case: what scarcity costs profile by profile, and what a type gets.

    Left, where there are shadow prices, a marker a type profile: lambda(theta) against the retailers' total demand, which is
    what they would get if capacity were unlimited: the quantities at lambda = 0 of virtual revenue, or of revenue itself where
    those at lambda are nearer to what is allocated, as with full information. lambda is positive to the right of the capacity
    alone. Where demand is infinite at 0 (newsvendors whose demand has no upper end), it is that at a hundredth of the highest
    shadow price, and the axis says so. Of sampled profiles those are shown that were drawn.

    Right, by own type: units in expectation over the others' types, given one's own, and bars from least to most; a line a
    group. What never occurs is left out on both sides. Source: allocation paper, Theorem 2.
    Raises InputError where types are not finite.
    """
    case = allotment.case
    if case.continuous:
        raise InputError.of("case", "<a continuous prior>", "finite types: the case that a solver returns", case.name)
    priced = (allotment.probability > 0) & ~np.isnan(allotment.shadow_price)
    panels = 2 if priced.any() else 1
    figure, grid = axes_of(5.0 * panels, 4.2, 1, panels)
    axes = np.atleast_1d(grid)
    if panels > 1:
        _by_profile(axes[0], allotment, priced)
    _by_own_type(axes[-1], allotment)
    members = len(case.order)
    shared = f"{allotment.capacity:,.6g} {Measures.of(case).of_units} for {members:,} retailer{'s' * (members > 1)}"
    headed(figure, f"{case.name}: {shared}" if case.name else shared)
    return figure


def _by_profile(axis: Any, allotment: Allotment, priced: Booleans) -> None:
    """Draw shadow prices against total demand, a marker each of the profiles that are `priced`."""
    weight, shadow, count = allotment.probability[priced], allotment.shadow_price[priced], int(priced.sum())
    demand, measured = _demand(
        allotment.case, allotment.profiles.counts[priced], weight, allotment.by_type[priced], shadow, allotment.capacity
    )
    words = Measures.of(allotment.case)
    area, alpha = np.clip(AREA * weight, LEAST, MOST), 0.5 if count < MANY else 0.15
    axis.scatter(demand, shadow, s=area, color=COLOURS[0], alpha=alpha, linewidths=0, rasterized=True)
    axis.axvline(
        allotment.capacity, color=COLOURS[1], linewidth=1.2, label=f"capacity: {allotment.capacity:,.6g} {words.of_units}"
    )
    mean = float(weight @ shadow)
    axis.axhline(mean, color=COLOURS[4], linestyle=":", linewidth=1.2, label=f"mean shadow price: {mean:,.4g}")
    plenty = f"at the shadow price {measured:.3g}" if measured else "if capacity were unlimited"
    kind = "sampled type profiles" if allotment.sampled else "type profiles, the larger the likelier"
    axis.set(title=f"{count:,} {kind}", xlabel=f"total demand {plenty}, {words.of_units}")
    axis.set_ylabel(f"shadow price λ, {words.per_unit}")
    _from_zero(axis, float(shadow.max()), 2)
    numbered(axis.xaxis, 6)


def _demand(
    case: AllocationCase, counts: Integers, weight: Array, by_type: Array, shadow: Array, capacity: float
) -> tuple[Array, float]:
    """Return total demand profile by profile, units, shape (rows,), and the shadow price at which it is measured."""
    likely = np.argsort(-weight, kind="stable")[:LIKELY]

    def gap(virtual: list[VirtualRevenue]) -> float:
        expected = np.concatenate([revenue.quantity(np.maximum(shadow[likely], 0.0)) for revenue in virtual], axis=1)
        return float(np.abs(np.minimum(expected, capacity) - by_type[likely])[counts[likely] > 0].sum())

    with_rent, without = ([VirtualRevenue.of(group, rent) for group in case.retailers] for rent in (True, False))
    virtual = with_rent if gap(with_rent) <= gap(without) else without

    def total(price: float) -> Array:
        wanted = np.concatenate([revenue.quantity([price])[0] for revenue in virtual])
        demand: Array = (counts * np.where(counts > 0, wanted, 0.0)).sum(axis=1)
        return demand

    demand = total(0.0)
    if np.isfinite(demand).all():
        return demand, 0.0
    measured = max(float(shadow.max()) / 100, TINY)
    return total(measured), measured


def _by_own_type(axis: Any, allotment: Allotment) -> None:
    """Draw units by own type, a line a group; groups stand a few points apart, so that bars do not hide each other."""
    from matplotlib.transforms import ScaledTranslation

    case, profiles = allotment.case, allotment.profiles
    width = min(4.0, 72 * SPREAD / len(case.names))
    labels = [f"{name} ({group.count:,})" for name, group in zip(case.names, case.retailers, strict=True)]
    below = len(labels) > 1 and any("\n" in called(label, KEY, 8) for label in labels)  # names are too long to stand in the panel
    for g, group in enumerate(case.retailers):
        columns = profiles.columns(g)
        weight = allotment.probability[:, None] * profiles.counts[:, columns]
        occurs = weight.sum(axis=0) > 0
        theta, weight, units = group.theta[occurs], weight[:, occurs], allotment.by_type[:, columns][:, occurs]
        least = np.where(weight > 0, units, np.inf).min(axis=0)
        most = np.where(weight > 0, units, -np.inf).max(axis=0)
        mean = (weight * units).sum(axis=0) / weight.sum(axis=0)
        style = line_style(g)
        aside = ScaledTranslation(((g + 0.5) / len(case.names) - 0.5) * SPREAD, 0, axis.figure.dpi_scale_trans)
        axis.vlines(theta, least, most, color=style["color"], alpha=0.35, linewidth=width, transform=axis.transData + aside)
        label = called(labels[g], BELOW if below else KEY, 8)
        axis.plot(theta, mean, marker="o", markersize=4, label=label, transform=axis.transData + aside, **style)
        axis.update_datalim(np.column_stack([theta, most]))
    axis.autoscale_view()
    types = np.unique(np.concatenate([group.theta for group in case.retailers]))
    if len(types) <= TICKS and (np.diff(types) >= np.ptp(types) / TICKS / 2).all():
        axis.set_xticks(types)
    axis.set(xlabel="own type θ", ylabel=f"allocation to one retailer, {Measures.of(case).of_units}")
    axis.set_title("what each type gets: mean, range over others' types")
    _from_zero(axis, float(axis.dataLim.y1), 0 if below else len(case.names))
    if below:
        legend = axis.legend(loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=4.5)
        lines = sum(1 + text.get_text().count("\n") for text in legend.get_texts())
        axis.figure.set_figheight(axis.figure.get_figheight() + 0.17 * lines)


def _from_zero(axis: Any, top: float, keys: int) -> None:
    """Let the vertical axis begin at 0 and leave room above `top` for a legend where there are more keys than one."""
    top, columns = 1.08 * (top if top > 0 else 1.0), -(-keys // ROWS)
    if keys > 1:
        axis.legend(frameon=True, facecolor="white", edgecolor="none", framealpha=1.0, loc="upper left", ncols=columns)
        top *= 1 + 0.075 * -(-keys // columns)
    axis.set_ylim(-0.04 * top, top)
    numbered(axis.yaxis)


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
        chosen, best = closed.capacity_choice(priced, **options), closed.centralized(priced, **options)
        profits = chosen.supplier_profit, chosen.chain_profit, best.chain_profit
        penalty = closed.decentralization_penalty(chosen, best)
        rows.append((cost, chosen.capacity, best.capacity, *profits, penalty, chosen.supplier_share))
    if not rows:
        raise InputError.of("costs", [], allowed, case.name)
    return pd.DataFrame(rows, columns=["capacity_cost", *AMOUNTS, "penalty", "supplier_share"], dtype=float)


@styled
def capacity(frame: pd.DataFrame) -> Figure:
    """Return a figure of a sweep as `sweep` returns it: capacity, units, and profits, currency, against the cost of capacity.

    Raises InputError where a column is missing or has other than numbers.
    """
    frame = _checked(frame, list(AMOUNTS))
    figure, axes = axes_of(9.5, 3.9, 1, 2)
    for axis, (unit, columns) in zip(axes, PANELS.items(), strict=True):
        for column in columns:
            _, name, colour, dashes = AMOUNTS[column]
            marker = "o" if len(frame) == 1 else None
            axis.plot(frame["capacity_cost"], frame[column], color=colour, linestyle=dashes, marker=marker, label=name)
        axis.set(ylabel=unit, xlabel=COST)
        axis.set_ylim(bottom=min(0.0, float(frame[columns].min().min())))
        axis.legend()
    headed(figure, "capacity worth having and profits, by the cost of capacity")
    return figure


def capacity_and_profit() -> Reproduction:
    """Return capacity and profits by the cost of capacity for Table 1's retailers: Theorems 3 and 4. The paper prints none."""
    costs = np.union1d(printed(1)["capacity_cost"], SHOWN)
    frame = sweep(case_of(range(4, 9), 5, CONCENTRATED, capacity_cost=1.0), costs)
    shown = frame[frame["capacity_cost"].isin(SHOWN)]
    rows = [
        Row(f"c={cost:g}: {words}", float(value))
        for column, (words, *_) in AMOUNTS.items()
        for cost, value in zip(shown["capacity_cost"], shown[column], strict=True)
    ]
    title = "capacity worth having and profits by the cost of capacity, the retailers of Table 1"
    return Reproduction.of("allocation-capacity", title, rows, series=frame, draw=partial(capacity, frame))


@styled
def penalty_and_share(frame: pd.DataFrame, title: str = "decentralisation penalty and supplier's share") -> Figure:
    """Return a figure of the decentralisation penalty and the supplier's share against the cost of capacity.

    frame: the columns capacity_cost, penalty and supplier_share as `sweep` returns them; with `series`, a line for each of its
    values. Exact values are lines; what is printed in `published_penalty` and `published_supplier_share`, shares too and NaN
    where nothing is, hollow points; `as_published_penalty` and `as_published_supplier_share` dashed lines.
    Raises InputError where a column is missing or has other than numbers.
    """
    return _panels(frame, ["penalty", "supplier_share"], title)


@styled
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
    table, shown = TABLES[number], printed(number)
    frames = []
    groups: Any = shown.groupby(table.varied) if table.varied in shown else [(5, shown)]
    for value, rows in groups:
        of_paper = rows["capacity_cost"].to_numpy()
        costs = np.union1d(np.linspace(of_paper.min(), of_paper.max(), COSTS), of_paper)
        frame = sweep(table.case(int(value), 1.0), costs)
        frame["capacity_ratio"] = frame["capacity"] / frame["centralized_capacity"]
        by_cost = rows.set_index("capacity_cost")
        for name in SHARES:
            frame[f"published_{name}"] = frame["capacity_cost"].map(by_cost[f"{name}_pct"]) / 100
        if number == 3:
            frame["as_published_penalty"] = frame["penalty"] / (1 - frame["penalty"])
        frames.append(frame.assign(series=table.series.format(value)))
    title = f"Table {number}: {table.figure}"
    return _panels(pd.concat(frames), list(SHARES), title, "over the decentralised profit, as in print")


def _panels(frame: pd.DataFrame, columns: Sequence[str], title: str, as_published: str = "as published") -> Figure:
    """Return a figure of shares against the cost of capacity, a panel a column and a line a series."""
    from matplotlib.lines import Line2D

    rows = _checked(frame, columns, [f"{prefix}_{name}" for prefix in ("published", "as_published") for name in columns])
    series = [(name, rows[rows["series"] == name]) for name in frame["series"].unique()] if "series" in rows else [("", rows)]
    figure, axes = axes_of(0.8 + 4.0 * len(columns), 4.3, 1, len(columns))
    dashed: dict[str, Any] = {"linestyle": "--", "linewidth": 1}
    hollow: dict[str, Any] = {"marker": "o", "fillstyle": "none", "linestyle": "none"}
    lines, marks = {}, {}
    for axis, column in zip(axes, columns, strict=True):
        for place, (name, points) in enumerate(series):
            cost, style, label = points["capacity_cost"], line_style(place), str(name) if len(series) > 1 else "exact"
            marker = "." if len(points) == 1 else None
            (lines[label],) = axis.plot(cost, 100 * points[column], label=label, marker=marker, **style)
            for reading, key, look in (("as_published", as_published, dashed), ("published", "printed", hollow)):
                if f"{reading}_{column}" in points:
                    axis.plot(cost, 100 * points[f"{reading}_{column}"], color=style["color"], **look)
                    marks[key] = Line2D([], [], color=COLOURS[4], **look)
        axis.set(ylabel=SHARES[column], xlabel=COST)
    keys = lines | marks
    figure.legend(list(keys.values()), list(keys), loc="outside lower center", ncols=2 * len(columns) + 1)
    headed(figure, title)
    return figure


def _auction() -> Figure:
    """Return the figure of Table 5."""
    types, optimum, allocated = auction()
    units = allocated.T  # by the other's type, own type
    figure, (left, right) = axes_of(10.0, 4.2, 1, 2)
    mesh = left.pcolormesh(types, types, units, cmap="viridis_r", vmin=0, shading="nearest")
    for (other, reported), amount in np.ndenumerate(units):
        ink = "white" if amount > units.max() / 2 else "black"
        left.text(types[reported], types[other], f"{amount:.3f}", ha="center", va="center", color=ink, fontsize=9)
    figure.colorbar(mesh, ax=left)
    left.set(xlabel="own type θ", ylabel="the other's type θ", title="allocation by own and the other's type, units")
    bids = printed(5)["bid_retailer_1"], optimum.payments[0]
    names = "printed: virtual revenue", "incentive compatible: the payment (3)"
    for side, values, name, colour in zip((-0.2, 0.2), bids, names, (COLOURS[4], COLOURS[0]), strict=True):
        bars = right.bar(types + side, values, width=0.4, color=colour, label=name)
        right.bar_label(bars, fmt="%.2f", fontsize=8, padding=2)
    right.set(xlabel="own type θ", ylabel="bid, currency", title="bids", xticks=types)
    right.legend(loc="upper left")
    left.set(xticks=types, yticks=types)
    headed(figure, "Table 5: the auction of 2.63 units between two retailers, types 4 to 8 equally likely")
    return figure


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
