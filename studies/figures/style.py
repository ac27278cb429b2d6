"""What all figures have in common: colours, letter sizes, axes without a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, ParamSpec

from veridical.data import InputError, files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "FORMATS", "GREY", "NUMBER", "axes_of", "beside", "headed", "save", "styled"]

P = ParamSpec("P")
COLOURS = ("#4c78a8", "#e45756", "#54a24b", "#f2a541", "#79706e", "#b279a2")
FORMATS = (".png", ".pdf", ".svg", ".eps", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")  # that need no other program
GREY = "#c9c9c9"  # of what is not in question
NUMBER = "{x:,.10g}"  # of ticks: with thousands separators, and the decimals that small amounts need
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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def headed(figure: Figure, title: str) -> None:
    """Give a figure its title, on as many lines as it takes at the figure's width."""
    figure.suptitle("\n".join(fill(line, int(11 * figure.get_figwidth())) for line in title.split("\n")))


def beside(name: str, lines: int = 4, width: int = 17) -> str:
    """Return a name as it stands beside a low panel, from the bottom to the top; what does not fit there ends with dots."""
    return fill(name, width, max_lines=lines, placeholder=" …")


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, whole or not at all, in the format of its ending; raises InputError for none of `FORMATS`."""
    path, content = Path(path), BytesIO()
    if path.suffix.lower() not in FORMATS:
        raise InputError.of("<file>", str(path), f"a file that can be written: its name ends in {', '.join(FORMATS)}")
    figure.savefig(content, format=path.suffix[1:].lower(), dpi=150)
    files.write({path: content.getvalue()})
