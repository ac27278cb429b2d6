"""Pictures of contract menus, and of the studies of the ICDS paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from veridical.contracts import Menu
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.solvers import Solution
from veridical.studies.figures.style import COLOURS, GREY, axes_of, called, headed, numbered, rows_of, said, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["choice", "contract_menu", "convergence", "readings", "unbalanced"]

PANEL, LOW = 1.25, 0.62  # inches that a panel is high, at least: of few, and of more than FEW
FEW = 9
LINE = 0.17  # inches that a line of a name takes
BESIDE = 1.8  # inches of a name beside its panel
MAPPED = 8  # costs of both of two suppliers from which a menu is drawn as maps


@styled
def contract_menu(solution: Solution) -> Figure:
    """Return a figure of a contract menu: quantities, once where they are balanced, and payments split into cost and rent.

    A bar a profile; maps where two suppliers have many costs each.
    """
    menu = solution.contracts
    assert menu is not None
    shape = menu.case.shape
    words = Measures.of(menu.case)
    figure = maps(menu) if len(shape) == 2 and min(shape) >= MAPPED else bars(menu)
    under = "" if menu.case.ambiguity is None else f"\nunder {menu.case.ambiguity.words}"
    earned = f"expected profit {said(solution.objective)}{f' {words.currency}' if words.currency else ''}"
    headed(figure, f"{solution.mechanism} menu for {solution.case}: {earned}{under}")
    return figure


def bars(menu: Menu) -> Figure:
    """Return quantities and payments, a bar a profile."""
    case = menu.case
    weight = case.probability.ravel()
    order = np.argsort(dearness(menu).ravel(), kind="stable")
    order = order[weight[order] > 0]
    edges = np.concatenate([[0.0], np.cumsum(weight[order])])
    names = [f"{s.name} ({s.component})" if case.several_sources and s.component else s.name for s in case.suppliers]
    panels = [("quantity of each", menu.quantity[0])] if menu.same_quantities else list(zip(names, menu.quantity, strict=True))
    panels += assembled(menu)
    rent = "rent and what he earns elsewhere" if any(any(s.reservations) for s in case.suppliers) else "information rent"
    loses = any((menu.rent(i) < -1e-9 * np.abs(menu.payment[i]).max()).any() for i in range(len(case.names)))
    labels = [called(name, BESIDE) for name in (*(name for name, _ in panels), *names)]
    least = PANEL if len(labels) <= FEW else LOW
    heights = [max(least, LINE * (2 + label.count("\n"))) for label in labels]
    figure, axes = axes_of(9.0, 1.4 + sum(heights), len(labels), sharex=True, height_ratios=heights)
    for axis, label in zip(axes, labels, strict=True):
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    for axis, (_, quantity) in zip(axes, panels, strict=False):
        axis.stairs(quantity.ravel()[order], edges, fill=True, color=COLOURS[0])
    for i, axis in enumerate(axes[len(panels) :]):
        payment = menu.payment[i].ravel()[order]
        axis.stairs(payment, edges, fill=True, color=COLOURS[3], label=rent)
        axis.stairs(payment - menu.rent(i).ravel()[order], edges, fill=True, color="#9a9a9a", label="production cost")
        if loses:  # what he is paid is then hidden behind what it costs him
            axis.stairs(payment, edges, baseline=None, color=COLOURS[1], linewidth=1.2, label="payment, also where it is a loss")
    for axis in axes:
        axis.set_ylim(bottom=None if loses and axis in axes[len(panels) :] else 0)
        axis.margins(x=0)
        numbered(axis.yaxis, 5 if least == PANEL else 2)
    words = Measures.of(case)
    axes[0].set_title(f"{'order' if case.has_yields else 'quantity'}, {words.of_units}")
    axes[len(panels)].set_title(f"payment, {words.of_money}")
    explained = "probability; a bar for each profile of costs, the cheapest first, as wide as the profile is likely"
    axes[-1].set_xlabel(called(explained, 4.2))
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower right", ncols=2, fontsize=9)
    return figure


def assembled(menu: Menu) -> list[tuple[str, Array]]:
    """Return what is assembled of each of several products, by what a panel is called."""
    products = menu.case.products
    return [] if products is None else [(f"{p.name} assembled", menu.assembled[k]) for k, p in enumerate(products)]


def dearness(menu: Menu) -> Array:
    """Return what profiles are ordered by: the cost of a product, of several that of one of each."""
    case = menu.case
    if case.products is None:
        return case.total_cost
    each = case.bill.sum(axis=1)
    return np.asarray(sum((case.costs(i) * each[i] for i in range(len(case.names))), np.zeros(case.shape)))


def maps(menu: Menu) -> Figure:
    """Return maps of quantities and rents over the costs of two suppliers."""
    case = menu.case
    first, second = (np.array(supplier.costs) for supplier in case.suppliers)
    words = Measures.of(case)
    panels = [(f"quantity of each, {words.of_units}", menu.quantity[0])]
    if not menu.same_quantities:
        panels = [(f"quantity of {name}, {words.of_units}", menu.quantity[i]) for i, name in enumerate(case.names)]
    panels += [(f"{name}, {words.of_units}", units) for name, units in assembled(menu)]
    panels += [(f"rent of {name}, {words.of_money}", menu.rent(i)) for i, name in enumerate(case.names)]
    figure, axes = axes_of(4.2 * len(panels), 3.9, 1, len(panels), sharey=True)
    for axis, (name, values) in zip(axes, panels, strict=True):
        lowest = min(0.0, float(values.min()))  # a rent may be a loss
        mesh = axis.pcolormesh(first, second, values.T, cmap="viridis_r", vmin=lowest, shading="nearest")
        numbered(figure.colorbar(mesh, ax=axis).ax.yaxis)
        axis.set(title=called(name, 3.0, 10), xlabel=called(f"cost of {case.names[0]}, {words.per_unit}", 3.0))
        numbered(axis.xaxis, 5)
    numbered(axes[0].yaxis)
    axes[0].set_ylabel(called(f"cost of {case.names[1]}, {words.per_unit}", 2.7))
    return figure


@styled
def readings(title: str, panels: Mapping[str, pd.DataFrame], unit: str, scale: str = "linear") -> Figure:
    """Return a figure of a study: a panel a parameter, a line a series: exact solid, as published dashed where there is any."""
    rows = (len(panels) + 1) // 2
    figure, grid = axes_of(9.5, 0.9 + 3.1 * rows, rows, 2, sharey=True)
    axes = np.atleast_1d(grid).ravel()
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis, (name, points) in zip(axes, panels.items(), strict=False):
        names = list(dict.fromkeys(points["series"]))
        several = len(names) > 1
        hybrids = [series for series in names if series.startswith("hybrid")]
        for place, series in enumerate(names):
            line = points[points["series"] == series]
            colour = COLOURS[place // 2 if hybrids else place % len(COLOURS)]
            marker, dashes = ("s", ":") if series in hybrids else ("o", "--")
            axis.plot(line["x"], line["exact"], color=colour, marker=marker, markersize=4, label=series if several else "exact")
            if line["as published"].notna().any():
                axis.plot(line["x"], line["as published"], color=colour, linestyle=dashes, linewidth=1.2, alpha=0.8)
        axis.set(xlabel=name, yscale=scale, xticks=sorted(set(points["x"])))
        axis.yaxis.set_major_formatter("{x:g}")
        if scale == "linear" and several:
            axis.legend()
    for axis in axes[::2]:
        axis.set_ylabel(unit)
    published = any(points["as published"].notna().any() for points in panels.values())
    if published and not any(axis.get_legend() for axis in axes):
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    dotted = any(points["series"].str.startswith("hybrid").any() for points in panels.values())
    lines = f"exact: solid; as published: dashed{' (hybrid: dotted)' if dotted else ''}"
    figure.suptitle(f"{title}\n{lines}" if published else title)
    return figure


@styled
def unbalanced(title: str, table: pd.DataFrame) -> Figure:
    """Return a figure of what balanced ordering costs: the gain of unbalanced ordering by correlation and cost gap."""
    grid = table.pivot(index="gap", columns="correlation", values="gain")
    figure, axis = axes_of(8.0, 4.8)
    x, y, gain = grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()
    mesh = axis.pcolormesh(x, y, np.where(gain > 1e-4, gain, np.nan), cmap="viridis_r", vmin=0, shading="nearest")
    axis.set_facecolor("#ededed")
    axis.axvline(1 / 3, color="#333333", linestyle=":", linewidth=1)
    axis.text(1 / 3 - 0.01, y.max(), "(18) holds: balanced is optimal", rotation=90, ha="right", va="top", fontsize=8)
    figure.colorbar(mesh, ax=axis, label="gain over the best balanced menu, %")
    axis.set(xlabel="correlation of the two suppliers' costs", ylabel="cost gap of each, currency per unit")
    axis.set_title(f"{title}\ncosts 4 or 4 + gap, equally likely; price 30; demand uniform on 100 to 900; grey: no gain")
    return figure


@styled
def convergence(title: str, table: pd.DataFrame) -> Figure:
    """Return a figure of how far the profit on a grid of costs is below that for continuous costs."""
    figure, axis = axes_of(7.0, 4.0)
    axis.loglog(table["points"], table["below"], color=COLOURS[0], marker="o", markersize=5, label="model on a grid")
    last = table.iloc[-1]
    slope = last["below"] * (table["points"] / last["points"]) ** -2.0
    axis.loglog(table["points"], slope, color=COLOURS[4], linestyle=":", label="points to the power -2")
    axis.set_xticks(table["points"], [str(points) for points in table["points"]])
    axis.minorticks_off()
    axis.set(title=title, xlabel="costs a supplier on the grid", ylabel="profit lost against continuous costs, share")
    axis.legend()
    return figure


@styled
def choice(title: str, table: pd.DataFrame, k: int | None, accepted: float, currency: str = "currency") -> Figure:
    """Return a figure of the hybrid by k: profit against the number of contracts, and what each further supplier adds."""
    added = table.iloc[1:]
    names = [called(f"{place}. {name}", size=8) for place, name in added["supplier"].items()]
    rows, inches = rows_of(names)
    figure, (left, right) = axes_of(9.5, max(3.9, 1.2 + inches), 1, 2)
    left.plot(table["contracts"], table["profit"], color=COLOURS[0], marker="o", markersize=4)
    left.set_xscale("log", base=2)
    left.set(xlabel="contracts in the menu", ylabel=f"expected profit, {currency}")
    if k is not None:
        point = table.loc[k, "contracts"], table.loc[k, "profit"]
        left.plot(*point, color=COLOURS[1], marker="o", markersize=9, fillstyle="none")
        loss = 100 * float(table["loss"][k])
        note = f"k = {k}: the smallest that loses at most {100 * accepted:.3g} %\n"
        note += f"of what k = {len(table) - 1} earns; it loses {loss:.2g} %"
        left.set_title(note, fontsize=8, color=COLOURS[1])
    right.barh(rows, added["added"], color=[COLOURS[0] if k is None or place <= k else GREY for place in added.index])
    right.set_yticks(rows, names)
    right.set_ylim((rows[-1] if len(rows) else 0.0) + 0.7, -0.7)
    right.set_xlabel(f"profit added by his reporting too, {currency}")
    numbered(left.xaxis)
    numbered(left.yaxis)
    numbered(right.xaxis, 5)
    headed(figure, title)
    return figure
