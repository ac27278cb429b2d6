"""The picture of a choice of fees: what each rule leaves to whom, and what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.data.lazy import pd
from veridical.studies.figures.style import COLOURS, GREY, axes_of, called, headed, numbered, rows_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

PANELS = {
    "receivers": "left to the receivers, {money}",
    "supplier": "smallest gain of a supplier, {money}",
    "lost": "lost of the savings, %",
}
KINDS = {  # of rules: colour, marker, and words
    "chosen": (COLOURS[1], "D", "chosen: mean and standard error"),
    "truthful": (COLOURS[0], "o", "truth is best for every supplier"),
    "not truthful": (COLOURS[4], "X", "truth is not best: what would come of it all the same"),
}
LABELS = 8  # of an axis that is about four inches long: so many have room on it
SHARED: Any = {"sharey": True, "width_ratios": (2, 2, 1)}


@styled
def draw(title: str, table: pd.DataFrame, chosen: str | None, money: str = "currency") -> Figure:
    """Return the figure: a row a rule, means with their standard errors, and the least of all draws as rings; kinds by colour.

    Amounts are on a scale that is logarithmic away from 0, as losses under the baseline pivot are many times what is gained.
    """
    names = [called(str(name), size=8) for name in table.index]
    rows, inches = rows_of(names)
    figure, axes = axes_of(11.0, 2.0 + inches, 1, 3, **SHARED)
    kinds = ["chosen" if name == chosen else "truthful" if table["truthful"][name] else "not truthful" for name in table.index]
    for axis, (column, words) in zip(axes, PANELS.items(), strict=True):
        unit = 100 if column == "lost" else 1
        means, errors = unit * table[column], unit * table[f"{column}_se"].fillna(0.0)
        for row, kind, mean, error, name in zip(rows, kinds, means, errors, table.index, strict=True):
            colour, marker, _ = KINDS[kind]
            axis.hlines(row, mean - error, mean + error, colors=colour, linewidth=1)
            axis.plot(mean, row, color=colour, marker=marker, markersize=5)
            if column != "lost":
                axis.plot(table[f"{column}_least"][name], row, color=colour, marker="o", markersize=7, fillstyle="none")
        if column == "lost":
            axis.set_xlim(left=-1)
            numbered(axis.xaxis, 4)
        else:
            _far_from_zero(axis, means, [*(means - errors), *(means + errors), *table[f"{column}_least"]])
        axis.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
        axis.set_xlabel(words.format(money=money))
    figure.legend(handles=_keys(kinds), loc="outside lower left", ncols=3)
    axes[0].set_yticks(rows, names)
    axes[0].set_ylim(rows[-1] + 0.7, -0.7)
    headed(figure, f"{title}: means, standard errors, least of all draws (rings)")
    return figure


def _far_from_zero(axis: Any, means: Any, values: Any) -> None:
    """Make an axis logarithmic away from 0, with ticks out to where the values are."""
    from matplotlib.ticker import FixedLocator, NullLocator

    values = np.array(values, dtype=float)
    linear = max(float(np.nanmax(np.abs(means))), 1e-9) / 30
    low, high = (max(float(np.nanmax(side)), 0.0) for side in (-values, values))
    axis.set_xscale("symlog", linthresh=linear)
    apart = (_place(low, linear) + _place(high, linear)) / LABELS
    axis.xaxis.set_major_locator(
        FixedLocator([*(-tick for tick in _ticks(low, linear, apart)), 0.0, *_ticks(high, linear, apart)])
    )
    axis.xaxis.set_minor_locator(NullLocator())
    numbered(axis.xaxis)


def _place(size: float, linear: float) -> float:
    """Return how far from 0 an amount stands on the axis, in decades: up to `linear` the axis is as long as one and a ninth."""
    return 10 / 9 * size / linear if size <= linear else 10 / 9 + float(np.log10(size / linear))


def _ticks(reach: float, linear: float, apart: float) -> list[float]:
    """Return round numbers up to `reach`, the outermost first, each so far from the next and from 0 that its label has room."""
    if reach <= 0:
        return []
    power = int(np.floor(np.log10(reach)))
    rounds = [digit * 10.0**exponent for exponent in range(power, power - 4, -1) for digit in (5, 2, 1)]
    ticks: list[float] = []
    for tick in rounds:
        place = _place(tick, linear)
        if tick <= reach and place >= apart and (not ticks or _place(ticks[-1], linear) - place >= apart):
            ticks.append(tick)
    return ticks


def _keys(kinds: list[str]) -> list[Any]:
    """Return the keys of the legend, of what there is."""
    from matplotlib.lines import Line2D

    shown = [KINDS[kind] for kind in KINDS if kind in kinds]
    keys = [Line2D([], [], color=colour, marker=marker, markersize=5, label=words) for colour, marker, words in shown]
    ring: Any = {"color": COLOURS[4], "marker": "o", "markersize": 7, "fillstyle": "none", "linestyle": "none"}
    scale = Line2D([], [], linestyle="none", label="amounts: a scale that is logarithmic away from 0")
    return [*keys, Line2D([], [], label="least of all draws", **ring), scale]
