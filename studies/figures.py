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
    """Return a figure of a contract menu: each supplier's quantity, and his payment split into cost and rent.

    Profiles stand in the order of total cost; the width of a bar is the probability of its profile.
    """
    from matplotlib.figure import Figure

    menu = solution.contracts
    assert menu is not None
    case = menu.case
    weight = case.probability.ravel()
    order = np.argsort(case.total_cost.ravel(), kind="stable")
    order = order[weight[order] > 0]
    edges = np.concatenate([[0.0], np.cumsum(weight[order])])
    n = len(case.names)
    figure = Figure(figsize=(9.0, 1.6 + 1.7 * n), layout="constrained")
    axes = figure.subplots(n, 2, sharex=True, squeeze=False)
    for i, name in enumerate(case.names):
        quantity = menu.quantity[i].ravel()[order]
        payment = menu.payment[i].ravel()[order]
        cost = payment - menu.rent(i).ravel()[order]
        left, right = axes[i]
        left.stairs(quantity, edges, fill=True, color="#4c78a8")
        left.set_ylabel(name)
        right.stairs(payment, edges, fill=True, color="#f2a541", label="information rent")
        right.stairs(cost, edges, fill=True, color="#9a9a9a", label="production cost")
        for axis in (left, right):
            axis.set_ylim(bottom=0)
            axis.margins(x=0)
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_title("quantity, units", loc="left", fontsize=10)
    axes[0, 1].set_title("payment, currency", loc="left", fontsize=10)
    handles, labels = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("cumulative probability, cheapest cost profiles first", fontsize=9)
    figure.suptitle(f"{solution.mechanism} menu for {solution.case}: expected profit {solution.objective:,.2f}", fontsize=11)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, in the format of its ending."""
    figure.savefig(path, dpi=150)
