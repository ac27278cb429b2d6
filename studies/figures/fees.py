"""The picture of a choice of fees: what is left to the receivers against what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veridical.data.lazy import pd
from veridical.studies.figures.style import COLOURS, GREY, NUMBER, axes_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]


@styled
def draw(title: str, table: pd.DataFrame, chosen: str | None) -> Figure:
    """Return the figure: a point a rule, with its standard error; on the right the least gains over all draws."""
    figure, (left, right) = axes_of(11.0, 0.28 * len(table) + 2.2, 1, 2)
    for name, row in table.iterrows():
        colour = COLOURS[1] if name == chosen else COLOURS[0] if row["truthful"] else COLOURS[4]
        error = {} if row["receivers_se"] != row["receivers_se"] else {"yerr": row["receivers_se"], "xerr": 100 * row["lost_se"]}
        left.errorbar(100 * row["lost"], row["receivers"], **error, color=colour, marker="o", markersize=4, elinewidth=0.8)
        left.annotate(
            str(name), (100 * row["lost"], row["receivers"]), (4, 3), textcoords="offset points", fontsize=6, color=colour
        )
    left.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    left.set(xlabel="lost of the savings, %", ylabel="left to the receivers, currency, mean and standard error")
    places = range(len(table))
    right.barh([place - 0.2 for place in places], table["receivers_least"], 0.4, color=COLOURS[0], label="receivers")
    right.barh([place + 0.2 for place in places], table["supplier_least"], 0.4, color=COLOURS[3], label="a supplier")
    right.set_yticks(list(places), [str(name) for name in table.index])
    right.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
    right.invert_yaxis()
    right.set_xlabel("least gain over all draws, currency")
    right.legend()
    for axis in (left.yaxis, right.xaxis):
        axis.set_major_formatter(NUMBER)
    figure.suptitle(title)
    return figure
