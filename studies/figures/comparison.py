"""The picture of a comparison: a row a mechanism, a panel a column of money, and by colour and pattern whether truth is best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.studies.figures.style import COLOURS, ROUNDING, axes_of, beside, called, headed, numbered, rows_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from veridical.studies.comparison import Comparison

__all__ = ["draw"]

TRUTH = {  # by what a comparison says of truth: the words of the legend, colour, and a pattern where there is no colour
    "always": ("truth is best, whatever the others report", COLOURS[0], ""),
    "in expectation": ("truth is best in expectation", COLOURS[3], "///"),
    "no": ("somebody gains by a misreport", COLOURS[1], "xxx"),
    "not searched": ("whether truth is best was not searched", COLOURS[4], "..."),
}


@styled
def draw(frame: Comparison) -> Figure:
    """Return the figure: bars from 0, with the number beside each; amounts in the currency of the case.

    Columns without a number, as rents of menus that are not listed, have no panel.
    """
    drawn: dict[str, str] = frame.attrs.get("drawn") or {"profit": "profit"}
    columns = {name: words for name, words in drawn.items() if name in frame and np.isfinite(frame[name].astype(float)).any()}
    names, count = [called(str(name), size=8) for name in frame.index], max(len(columns), 1)
    rows, inches = rows_of(names, 0.36)
    largest = float(frame["profit"].abs().max())
    figure, axes = axes_of(1.9 + 2.7 * count, 1.7 + inches, 1, count, sharey=True, squeeze=False)
    for axis, (name, words) in zip(axes[0], columns.items(), strict=True):
        values = frame[name].astype(float).to_numpy()
        values = np.where(np.abs(values) < ROUNDING * largest, 0.0, values)  # what rounding leaves is no bar
        _bars(axis, rows, values, frame["truthful"].tolist())
        numbers = axis.secondary_yaxis("right")
        numbers.set_yticks(rows, beside(values.tolist(), largest))
        numbers.tick_params(length=0, labelsize=8)
        numbers.spines["right"].set_visible(False)
        axis.set_title(words)
    axes[0][0].set_yticks(rows, names)
    axes[0][0].set_ylim(rows[-1] + 0.7, -0.7)
    shown = [kind for kind in TRUTH if kind in set(frame["truthful"])]
    figure.legend(handles=[_key(*TRUTH[kind]) for kind in shown], loc="outside lower left", ncols=1 if count < 2 else 2)
    under = f"\nexpected profits are under {frame.attrs['under']}" if frame.attrs.get("under") else ""
    money = f", {frame.measures.currency}" if frame.measures.currency else ""
    headed(figure, f"{frame.attrs.get('case', 'a case')}: what each mechanism yields, and who would lie{money}{under}")
    return figure


def _bars(axis: Any, rows: Any, values: Any, truthful: list[str]) -> None:
    """Draw a bar a mechanism."""
    for row, value, truth in zip(rows, values, truthful, strict=True):
        _, colour, pattern = TRUTH[truth]
        axis.barh(
            row, value if np.isfinite(value) else 0.0, height=0.68, color=colour, hatch=pattern, edgecolor="white", linewidth=0
        )
    axis.axvline(0, color="#333333", linewidth=0.8)
    axis.tick_params(axis="y", length=0)
    numbered(axis.xaxis, 4)


def _key(words: str, colour: str, pattern: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, hatch=pattern, edgecolor="white", linewidth=0, label=words)
