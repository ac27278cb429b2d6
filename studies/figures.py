"""Pictures of results, as matplotlib figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from veridical.solvers import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["contract_menu", "save"]


def contract_menu(solution: Solution) -> Figure:
    """Return a figure of a contract menu: quantities, once where they are balanced, and payments split into cost and rent."""
    from matplotlib.figure import Figure

    menu = solution.contracts
    assert menu is not None
    case = menu.case
    weight = case.probability.ravel()
    order = np.argsort(case.total_cost.ravel(), kind="stable")
    order = order[weight[order] > 0]
    edges = np.concatenate([[0.0], np.cumsum(weight[order])])
    panels = [("quantity of each", menu.quantity[0])] if menu.is_balanced else list(zip(case.names, menu.quantity, strict=True))
    rows = len(panels) + len(case.names)
    figure = Figure(figsize=(8.0, 1.4 + 1.25 * rows), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True)
    for axis, (name, quantity) in zip(axes, panels, strict=False):
        axis.stairs(quantity.ravel()[order], edges, fill=True, color="#4c78a8")
        axis.set_ylabel(name, fontsize=9)
    for i, axis in enumerate(axes[len(panels) :]):
        payment = menu.payment[i].ravel()[order]
        axis.stairs(payment, edges, fill=True, color="#f2a541", label="information rent")
        axis.stairs(payment - menu.rent(i).ravel()[order], edges, fill=True, color="#9a9a9a", label="production cost")
        axis.set_ylabel(case.names[i], fontsize=9)
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.margins(x=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.yaxis.set_major_formatter("{x:,.0f}")
    axes[0].set_title("quantity, units", loc="left", fontsize=10)
    axes[len(panels)].set_title("payment, currency", loc="left", fontsize=10)
    axes[-1].set_xlabel("profiles of costs, cheapest first; a bar is as wide as its profile is likely", fontsize=9)
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    figure.suptitle(f"{solution.mechanism} menu for {solution.case}: expected profit {solution.objective:,.2f}", fontsize=11)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, in the format of its ending."""
    figure.savefig(path, dpi=150)
