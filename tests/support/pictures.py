"""What a picture shows: words, markers, lines."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axes._base import _AxesBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from veridical.studies import Reproduction

Array = NDArray[np.float64]


def rendered(figure: Figure) -> Figure:
    """Return the figure, which draws without a warning, keeps all its words inside, and lays none of them on another."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    width, height = canvas.get_width_height()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for words, box in boxes:
        assert "…" not in words
        assert -1 <= box.x0 <= box.x1 <= width + 1, (words, box, width)
        assert -1 <= box.y0 <= box.y1 <= height + 1, (words, box, height)
    assert overlaps(boxes) == []
    return figure


def texts(figure: Figure) -> list[Text]:
    """Return the words that are drawn; of ticks those that stand within their axis."""
    drawn = {text for text in figure.findobj(Text) if isinstance(text, Text)}
    for axes in figure.findobj(_AxesBase):
        assert isinstance(axes, _AxesBase)
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            for ticks, places in (
                (axis.get_major_ticks(), axis.get_majorticklocs()),
                (axis.get_minor_ticks(), axis.get_minorticklocs()),
            ):
                drawn -= {label for tick in ticks[len(places) :] for label in (tick.label1, tick.label2)}
                for tick, place in zip(ticks, places, strict=False):
                    if not low - slack <= place <= high + slack:
                        drawn -= {tick.label1, tick.label2}
            if not (axes.get_visible() and axes.axison and axis.get_visible()):
                drawn -= set(axis.findobj(Text))
    return [text for text in drawn if text.get_text().strip() and text.get_visible()]


def overlaps(boxes: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return the pairs of words of which one lies on the other, by more than the space around letters."""
    found = []
    for k, (first, one) in enumerate(boxes):
        for second, other in boxes[k + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            along = min(one.y1, other.y1) - max(one.y0, other.y0)
            if across > 1 and along > 1:
                found.append((first, second))
    return found


def words(axis: Axes) -> list[str]:
    """Return the words of a legend."""
    legend = axis.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def markers(figure: Figure) -> tuple[Array, Array]:
    """Return where the profiles' markers stand, ascending, shape (rows, 2), and their areas."""
    (dots,) = figure.axes[0].collections
    at = np.ma.getdata(dots.get_offsets())
    order = np.lexsort(at.round(9).T[::-1])
    return at[order], dots.get_sizes()[order]  # type: ignore[attr-defined]


def ranges(axis: Axes) -> list[Any]:
    """Return the bars' ends, (type, least) and (type, most), a list a group."""
    return [[np.round(bar, 9).tolist() for bar in bars.get_segments()] for bars in axis.collections]  # type: ignore[attr-defined]


def points(axis: Axes, place: int = 0) -> Array:
    """Return the points that a line goes through."""
    return np.asarray(axis.lines[place].get_xydata(), dtype=float)


def drawing(each: Reproduction) -> Figure:
    """Return the picture of a reproduction."""
    assert each.draw is not None
    found = each.draw()
    assert isinstance(found, Figure)
    return found
