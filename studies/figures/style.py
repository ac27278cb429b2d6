"""What all figures have in common: colours, letter sizes, axes without a frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from veridical.data import InputError, files
from veridical.data.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "FORMATS",
    "GREY",
    "MARKERS",
    "ROUNDING",
    "axes_of",
    "bar_style",
    "beside",
    "called",
    "headed",
    "line_style",
]
__all__ += ["numbered", "rows_of", "said", "save", "styled", "svg"]

P = ParamSpec("P")
ROUNDING = 1e-9  # of the largest amount: what is less is nothing to speak of
LINE = 0.155  # inches of a line of small letters
# Blue, vermilion, green, orange, grey, purple: told apart by people who do not see all colours (Okabe and Ito, Color Universal
# Design, 2008); beside them lines have dashes or markers of their own, and bars patterns or names.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#6b6b6b", "#cc79a7")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "-.", ":")
PATTERNS = ("", "///", "...", "xxx")
FORMATS = (".png", ".pdf", ".svg", ".eps", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")  # that need no other program
GREY = "#c9c9c9"  # of what is not in question
SETTINGS: Any = {
    **{"axes.spines.top": False, "axes.spines.right": False, "axes.labelsize": 9, "axes.titlesize": 10},
    **{"axes.titlelocation": "left", "figure.titlesize": 11, "legend.fontsize": 8, "legend.frameon": False},
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return the function with its figure drawn in the common style, whatever the user's own settings of matplotlib are."""

    @wraps(draw)
    def in_style(*arguments: P.args, **options: P.kwargs) -> Figure:
        from matplotlib import rc_context

        with rc_context(SETTINGS):
            figure = draw(*arguments, **options)
        for axis in figure.axes:
            axis.tick_params(labelsize=8)  # ticks are made when a figure is written: settings would have been forgotten by then
        return figure

    return in_style


def axes_of(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure of so many inches, and its axes as `Figure.subplots` returns them."""
    from veridical.studies.figures.picture import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def numbered(axis: Any, most: int | None = None) -> None:
    """Give the ticks of an `xaxis` or `yaxis` labels that are short whatever the numbers are; at most so many of them.

    From two millions on they are said in millions, very large and very small ones by their powers of ten.
    """
    from matplotlib.ticker import FuncFormatter

    def label(value: float, _: Any = None) -> str:
        largest = max(map(abs, axis.get_view_interval()))
        if abs(value) < 1e-9 * largest:
            return "0"
        if largest >= 2e9 or largest < 1e-3:
            return f"{value:.4g}"
        return f"{value / 1e6:,.10g} M" if largest >= 2e6 else f"{value:,.10g}"

    axis.set_major_formatter(FuncFormatter(label))
    if most is not None:
        from matplotlib.ticker import MaxNLocator

        axis.set_major_locator(MaxNLocator(nbins=most))


def said(value: float) -> str:
    """Return an amount as it stands beside what is drawn of it: with cents, small and large ones by four digits.

    >>> said(1234.5), said(0.0001234), said(2.5e15), said(float("nan"))
    ('1,234.50', '0.0001234', '2.5e+15', '-')
    """
    if value != value:
        return "-"
    if value == 0:
        return "0"
    return f"{value:,.2f}" if 1 <= abs(value) < 1e12 else f"{value:.4g}"


def beside(values: Sequence[float], largest: float = 0.0) -> list[str]:
    """Return amounts as they stand beside their bars; what rounding leaves of the `largest` amount, or of these, is 0."""
    numbers = np.asarray(values, dtype=float)
    size = max(largest, float(np.nanmax(np.abs(numbers), initial=0.0)))
    return [said(0.0 if abs(number) < ROUNDING * size else number) for number in numbers.tolist()]


def called(name: str, inches: float = 2.1, size: float = 9.0) -> str:
    """Return a name as it stands in a picture: whole, on as many lines as it takes in letters of that size, points.

    Lines end between words, or within one that is wider than the place.
    """
    lines = [""]
    for part in name.replace("$", r"\$").split("\n"):
        for word in part.split():
            if lines[-1] and _points(f"{lines[-1]} {word}", size) <= 72 * inches:
                lines[-1] += f" {word}"
                continue
            lines += [""] if lines[-1] else []
            for letter in word:
                if lines[-1] and _points(lines[-1] + letter, size) > 72 * inches:
                    lines.append("")
                lines[-1] += letter
        lines.append("")
    return "\n".join(lines).strip()


def rows_of(labels: Sequence[str], least: float = 0.28) -> tuple[Array, float]:
    """Return where rows stand whose labels have as many lines as they take, one after the other, and how many inches they take.

    A row of few lines is 1 high, which is `least` inches.
    """
    heights = np.array([max(1.0, LINE * (1 + label.count("\n")) / least + 0.15) for label in labels])
    return np.cumsum(heights) - heights / 2 - 0.5, float(heights.sum()) * least


def _points(text: str, size: float) -> float:
    """Return how wide text is."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


def line_style(place: int) -> dict[str, Any]:
    """Return the colour of a line, and its dashes, so that no two of the first eighteen look alike."""
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place // len(COLOURS) % len(DASHES)]}


def bar_style(place: int) -> dict[str, Any]:
    """Return the colour of a bar, and its pattern, so that no two of the first 24 look alike."""
    pattern = PATTERNS[place // len(COLOURS) % len(PATTERNS)]
    return {"color": COLOURS[place % len(COLOURS)], "hatch": pattern, "edgecolor": "white", "linewidth": 0}


def headed(figure: Figure, title: str) -> None:
    """Give a figure its title, on as many lines as it takes at the figure's width."""
    figure.suptitle(called(title, 0.95 * figure.get_figwidth(), SETTINGS["figure.titlesize"]))


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, whole or not at all, in the format of its ending; raises InputError for none of `FORMATS`."""
    path, content = Path(path), BytesIO()
    if path.suffix.lower() not in FORMATS:
        raise InputError.of("<file>", str(path), f"a file that can be written: its name ends in {', '.join(FORMATS)}")
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=150)
    files.write({path: content.getvalue()})


def svg(figure: Figure) -> str:
    """Return a figure as an `svg` element to stand in a page; letters are outlines, so that they look alike everywhere."""
    from matplotlib import rc_context

    content = BytesIO()
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "veridical"}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    drawing = content.getvalue().decode()
    return re.sub(r"\s*<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL).strip()
