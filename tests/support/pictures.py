"""What a picture shows: words, markers, lines."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from veridical.studies import Reproduction

Array = NDArray[np.float64]


def rendered(figure: Figure) -> Figure:
    """Return the figure, which draws without a warning and keeps all its words inside."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    width, height = canvas.get_width_height()
    ticks = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()}
    for text in set(figure.findobj(Text)) - ticks:  # of ticks those beyond the ends are not drawn
        assert isinstance(text, Text)
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert -1 <= box.x0 <= box.x1 <= width + 1, text
            assert -1 <= box.y0 <= box.y1 <= height + 1, text
    return figure


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
