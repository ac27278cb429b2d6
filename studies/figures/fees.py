"""The picture of a choice of fees: what each rule leaves to whom, and what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veridical.data.lazy import pd
from veridical.studies.figures.style import COLOURS, GREY, NUMBER, axes_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

PANELS = {
    "receivers": "left to the receivers, {money}",
    "supplier": "smallest gain of a supplier, {money}",
    "lost": "lost of the savings, %",
}
KINDS = {  # of rules: their colour
    "chosen": COLOURS[1],
    "truth is best for every supplier": COLOURS[0],
    "truth is not best: what would come of it all the same": COLOURS[4],
}


@styled
def draw(title: str, table: pd.DataFrame, chosen: str | None, money: str = "currency") -> Figure:
    """Return the figure: a row a rule, means with their standard errors, and the least of all draws as rings; kinds by colour.

    Amounts are on a scale that is logarithmic away from 0, as losses under the baseline pivot are many times what is gained.
    """
    figure, axes = axes_of(11.0, 0.3 * len(table) + 1.9, 1, 3, sharey=True, width_ratios=(2, 2, 1))
    rows, (picked, truthful, others) = list(range(len(table))), KINDS
    kinds = [picked if name == chosen else truthful if table["truthful"][name] else others for name in table.index]
    colours = [KINDS[kind] for kind in kinds]
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
        axis.xaxis.set_major_formatter(NUMBER)
        axis.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
        axis.set_xlabel(words.format(money=money))
    axes[0].set_yticks(rows, [str(name) for name in table.index])
    axes[0].invert_yaxis()
    marks = [axes[0].scatter([], [], c=colour, s=16, label=kind) for kind, colour in KINDS.items() if kind in kinds]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))
    figure.suptitle(f"{title}: means, standard errors, least of all draws (rings)")
    return figure
