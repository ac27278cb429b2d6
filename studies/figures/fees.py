"""The picture of a choice of fees: what each rule leaves to whom, and what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veridical.data.lazy import pd
from veridical.studies.figures.style import COLOURS, GREY, axes_of, called, headed, numbered, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

PANELS = {
    "receivers": "left to the receivers, currency",
    "supplier": "smallest gain of a supplier, currency",
    "lost": "lost of the savings, %",
}


@styled
def draw(title: str, table: pd.DataFrame, chosen: str | None) -> Figure:
    """Return the figure: a row a rule, means with their standard errors, and the least of all draws as rings.

    Amounts are on a scale that is logarithmic away from 0, as losses under the baseline pivot are many times what is gained.
    """
    figure, axes = axes_of(11.0, 0.3 * len(table) + 1.6, 1, 3, sharey=True, width_ratios=(2, 2, 1))
    rows = list(range(len(table)))
    colours = [COLOURS[1] if name == chosen else COLOURS[0] if table["truthful"][name] else COLOURS[4] for name in table.index]
    for axis, (column, words) in zip(axes, PANELS.items(), strict=True):
        unit = 100 if column == "lost" else 1
        means, errors = unit * table[column], unit * table[f"{column}_se"].fillna(0.0)
        axis.hlines(rows, means - errors, means + errors, colors=colours, linewidth=1)
        axis.scatter(means, rows, c=colours, s=16)
        if column == "lost":
            axis.set_xlim(left=-1)
        else:
            axis.scatter(table[f"{column}_least"], rows, s=22, facecolors="none", edgecolors=colours)
            largest = max(float(means.abs().max()), 1e-9)
            axis.set_xscale("symlog", linthresh=largest / 30)
        numbered(axis.xaxis, 5 if column == "lost" else None)
        axis.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
        axis.set_xlabel(words)
    axes[0].set_yticks(rows, [called(str(name)) for name in table.index])
    axes[0].invert_yaxis()
    headed(figure, f"{title}: means, standard errors, least of all draws (rings)")
    return figure
