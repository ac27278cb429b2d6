"""The picture of a study: lines over one number that is varied, panels or maps over a second one, bars where there is none.

Fields that are varied together, point by point, are one thing: the first number is along the axis, the others stand above it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from veridical.data.errors import InputError
from veridical.studies.figures.style import GREY, MARKERS, axes_of, bar_style, called, headed, line_style, numbered, styled
from veridical.studies.sweep.columns import worded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "layout"]

FEW = 6  # values that panels stand for
MARKED = 30  # points of a line up to which each is marked
TICKS = 8  # points along the axis of a single panel at which is said what is varied beside; of several half as many
WIDE = 8  # letters of a label from which on there is room for half as many
PANEL = (3.6, 2.9)  # inches
WRAPPED = {3: 3, 4: 2, 5: 3, 6: 3}  # panels of one field side by side, by how many there are: a page is not wider
ACROSS, UP, BELOW, NAMES = 3.0, 2.6, 0.95, 2.0  # inches of titles, of labels at the side and below bars, of a legend


@dataclass(frozen=True)
class Layout:
    """Which column of a table goes where: along the axis, up a map, into panels, and above the axis beside what is along it."""

    x: str | None
    y: str | None  # of a map
    panels: tuple[str, ...]
    beside: tuple[str, ...] = ()


def layout(frame: pd.DataFrame, varied: list[str], design: str = "cross") -> Layout:
    """Return where the columns of a study go; raises InputError where more is varied than a picture shows."""
    leader = _leader(frame, varied) if design == "zip" else None
    beside = () if leader is None else tuple(name for name in varied if name != leader and frame[name].nunique() > 1)
    several = [name for name in ("case", "solver", *varied) if frame[name].nunique() > 1 and name not in beside]
    sizes = {name: frame[name].nunique() for name in several}
    numbers = [name for name in several if _numeric(frame, name)]
    if leader is not None:
        numbers = [name for name in numbers if name == leader]
    numbers.sort(key=lambda name: -sizes[name])  # a stable order: the first named of two alike
    x = numbers[0] if numbers else None
    rest = [name for name in several if name != x]
    tall = numbers[1] if len(numbers) > 1 and sizes[numbers[1]] > FEW else None
    panels = tuple(sorted((name for name in rest if name != tall), key=lambda name: sizes[name]))
    if leader is not None and x is None:
        x, panels = leader, tuple(name for name in panels if name != leader)
    if x is None and panels:  # no number: the one with most values stands along the axis, as bars
        x, panels = panels[-1], panels[:-1]
    for name in panels:
        if sizes[name] > FEW:
            others = ", ".join(other for other in several if other != name)
            allowed = f"at most two numbers, and beside them fields with at most {FEW} values; or a part of the table"
            raise InputError.of("plot", f"<{name}, {sizes[name]} values, beside {others}>", allowed)
    if len(panels) + (tall is not None) > 2:
        raise InputError.of("plot", f"<{', '.join(several)}>", "at most three columns that vary; or a part of the table")
    return Layout(x, tall, panels, beside)


def _leader(frame: pd.DataFrame, varied: list[str]) -> str | None:
    """Return the first of the fields varied together that tells all points apart, in every row: a number if there is one.

    Parameters of one mechanism are empty in the rows of others.
    """
    points = len(frame[varied].dropna().drop_duplicates())
    telling = [name for name in varied if frame[name].notna().all() and frame[name].nunique() == points > 1]
    return next((name for name in telling if _numeric(frame, name)), telling[0] if telling else None)


@styled
def draw(frame: Any, column: str | None = None) -> Figure:
    """Return the figure of a column of a study's table, by default the first that was asked for, or the objective."""
    names = [name for name in frame.attrs.get("outputs", []) if name in frame and frame[name].dtype.kind in "fiu"]
    column = column or next(iter(names), "objective")
    if column not in frame.columns or frame[column].dtype.kind not in "fiu":
        numeric = [str(name) for name in frame.columns if frame[name].dtype.kind in "fiu"]
        raise InputError.of("plot", column, f"a column of numbers: {', '.join(numeric)}")
    varied = [name for name in frame.attrs.get("varied", []) if name in frame]
    plan = layout(frame, varied, frame.attrs.get("design", "cross"))
    figure = _maps(frame, column, plan) if plan.y is not None else _panels(frame, column, plan)
    failed = int(frame[column].isna().sum())
    words = f", {failed} of {len(frame)} points without a result" if failed else ""
    mechanisms = frame["mechanism"].unique()
    who = f", {mechanisms[0]}" if len(mechanisms) == 1 else ""
    case = f" for {frame['case'].iloc[0]}" if frame["case"].nunique() == 1 else ""
    headed(figure, f"{frame.attrs.get('name', 'study')}: {said(frame, column).partition(',')[0]}{case}{who}{words}")
    return figure


def said(frame: Any, column: str) -> str:
    """Return what the figures of a column are called, with their unit where that is known."""
    return str(frame.attrs.get("called", {}).get(column, worded(column)))


def _split(frame: Any, names: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    """Return the values that columns and rows of panels stand for; None where there is one."""
    values: list[list[Any]] = [list(frame[name].dropna().unique()) for name in names]
    across, down = ([*values, [None], [None]])[:2] if len(values) != 1 else (values[0], [None])
    return across, down


def _part(frame: Any, plan: Layout, across: Any, down: Any) -> tuple[Any, str]:
    """Return the rows of a panel, also those that have no such value, and its title."""
    titles = []
    for name, value in zip(plan.panels, (across, down), strict=False):
        frame = frame[(frame[name] == value) | frame[name].isna()]
        titles.append(called(f"{worded(name)} {_text(value)}", ACROSS))
    return frame, "\n".join(titles)


def _panels(frame: Any, column: str, plan: Layout) -> Figure:
    """Return lines, or bars where no number is varied, in panels."""
    across, down = _split(frame, plan.panels)
    cells = [(i, j, each, row) for i, row in enumerate(down) for j, each in enumerate(across)]
    columns, rows = len(across), len(down)
    if rows == 1 and columns in WRAPPED:
        columns = WRAPPED[columns]
        rows = -(-len(cells) // columns)
        cells = [(k // columns, k % columns, each, row) for k, (_, _, each, row) in enumerate(cells)]
    single = len(cells) == 1
    width, height = (_wide(frame, plan), 4.2) if single else (PANEL[0] * columns + 1.2, PANEL[1] * rows + 0.6)
    figure, axes = axes_of(width, height, rows, columns, squeeze=False, sharex=True, sharey=True)
    places = {name: place for place, name in enumerate(frame["mechanism"].unique())}
    is_number = plan.x is not None and _numeric(frame, plan.x)
    for i, j, each, row in cells:
        axis = axes[i][j]
        part, title = _part(frame, plan, each, row)
        if is_number and plan.x is not None:
            _lines(axis, part, column, plan.x, places)
        else:
            _bars(axis, part, column, plan.x, places)
        axis.set_title(title, fontsize=9)
        numbered(axis.yaxis)
        if plan.beside and plan.x is not None:
            _beside(axis, frame, part, plan, TICKS if single else TICKS // 2, i == 0)
        if (i + 1, j) not in {place[:2] for place in cells} and plan.x is not None:  # the lowest of its column
            axis.set_xlabel(called(said(frame, plan.x), ACROSS))
            axis.tick_params(labelbottom=True)
        if j == 0:
            axis.set_ylabel(called(said(frame, column), UP))
    for axis in axes.ravel()[len(cells) :]:
        axis.set_visible(False)
    if len(places) > 1 and (is_number or plan.x is not None):
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, [called(label, NAMES) for label in labels], loc="outside right center")
    return figure


def _wide(frame: Any, plan: Layout) -> float:
    """Return how many inches a single panel is wide: enough for the names below its bars."""
    bars = frame["mechanism"].nunique() if plan.x is None else 0 if _numeric(frame, plan.x) else frame[plan.x].nunique()
    return max(6.4, 1.1 * bars + 2.4)


def _numeric(frame: Any, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool


def _lines(axis: Any, part: Any, column: str, x: str, places: dict[Hashable, int]) -> None:
    """Draw a line a mechanism; a level one for those in which the number plays no part."""
    for name, place in places.items():
        rows, style = part[part["mechanism"] == name], line_style(place)
        if rows.empty:
            continue
        if rows[x].isna().all():
            axis.axhline(rows[column].iloc[0], color=style["color"], linestyle="--", linewidth=1.2, label=str(name))
            continue
        rows = rows.sort_values(x)
        marker = MARKERS[place % len(MARKERS)] if len(rows) <= MARKED else ""
        axis.plot(rows[x], rows[column], marker=marker, markersize=3.5, linewidth=1.4, label=str(name), **style)
    numbered(axis.xaxis, 5 if part[x].abs().max() < 0.01 or part[x].abs().max() > 1e6 else None)  # labels of many digits
    if pd.api.types.is_integer_dtype(part[x].dropna().convert_dtypes()):
        from matplotlib.ticker import MaxNLocator

        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, steps=[1, 2, 5, 10]))


def _beside(axis: Any, frame: Any, part: Any, plan: Layout, most: int, named: bool) -> None:
    """Show above the axis what the other fields are at points along it: at so many of them that are apart from one another."""
    is_number = _numeric(frame, str(plan.x))
    own = part.groupby(plan.x, sort=is_number, as_index=False)[list(plan.beside)].first()  # that is not empty
    places = own[plan.x].to_numpy(dtype=float) if is_number else np.arange(len(own), dtype=float)
    words = [[_text(value) if value == value and value is not None else "-" for value in own[name]] for name in plan.beside]
    if max((len(word) for line in words for word in line), default=0) > WIDE:
        most //= 2
    shown = [0] if len(places) else []
    for k in range(1, len(places)):
        if places[k] - places[shown[-1]] >= (1 - 1e-9) * (places[-1] - places[0]) / most:
            shown.append(k)
    above = axis.secondary_xaxis("top")
    above.set_xticks(places[shown], [called("\n".join(line[k] for line in words), BELOW) for k in shown])
    above.tick_params(labelsize=8)
    if named:
        above.set_xlabel(called("\n".join(said(frame, name) for name in plan.beside), ACROSS))


def _bars(axis: Any, part: Any, column: str, x: str | None, places: dict[Hashable, int]) -> None:
    """Draw a bar a mechanism, in groups by what is no number."""
    if x is None:
        for name, place in places.items():
            axis.bar(place, part.loc[part["mechanism"] == name, column].mean(), width=0.7, **bar_style(place))
        axis.set_xticks(range(len(places)), [called(str(name), BELOW) for name in places])
        return
    groups = list(part[x].dropna().unique())
    width = 0.8 / len(places)
    for name, place in places.items():
        rows = part[part["mechanism"] == name]
        for g, group in enumerate(groups):
            chosen = rows[(rows[x] == group) | rows[x].isna()][column]
            label = str(name) if g == 0 else None
            axis.bar(g + (place - (len(places) - 1) / 2) * width, chosen.mean(), width, label=label, **bar_style(place))
    axis.set_xticks(range(len(groups)), [called(_text(group), BELOW) for group in groups])


def _maps(frame: Any, column: str, plan: Layout) -> Figure:
    """Return a map a mechanism over both numbers, and a row of them for each value of another field; points where it has gaps."""
    mechanisms = list(frame["mechanism"].unique())
    down: list[Any] = list(frame[plan.panels[0]].dropna().unique()) if plan.panels else [None]
    if len(plan.panels) > 1:
        raise InputError.of("plot", f"<{', '.join(plan.panels)}>", "at most one field beside two numbers; or a part of the table")
    width, height = PANEL[0] * len(mechanisms) + 1.4, PANEL[1] * len(down) + 0.8
    figure, axes = axes_of(width, height, len(down), len(mechanisms), squeeze=False, sharex=True, sharey=True)
    limits: dict[str, Any] = {"vmin": frame[column].min(), "vmax": frame[column].max(), "cmap": "viridis"}
    shown: Any = None
    for i, value in enumerate(down):
        for j, name in enumerate(mechanisms):
            axis, rows = axes[i][j], frame[frame["mechanism"] == name]
            rows = rows if value is None else rows[rows[plan.panels[0]] == value]
            grid = rows.pivot_table(index=plan.y, columns=plan.x, values=column, dropna=False)
            if grid.size <= 1.5 * len(rows):
                axis.set_facecolor(GREY)  # of points without a result
                shown = axis.pcolormesh(
                    grid.columns, grid.index, np.ma.masked_invalid(grid.to_numpy()), shading="nearest", **limits
                )
            else:
                shown = axis.scatter(rows[plan.x], rows[plan.y], c=rows[column], s=14, **limits)
            beside = "" if value is None else f"{worded(plan.panels[0])} {_text(value)}"
            axis.set_title(called(", ".join(filter(None, [str(name) if len(mechanisms) > 1 else "", beside])), ACROSS))
            numbered(axis.xaxis)
            numbered(axis.yaxis)
            if i == len(down) - 1:
                axis.set_xlabel(called(said(frame, str(plan.x)), ACROSS))
            if j == 0:
                axis.set_ylabel(called(said(frame, str(plan.y)), UP))
    bar = figure.colorbar(shown, ax=axes, label=called(said(frame, column), UP))
    numbered(bar.ax.yaxis)
    bar.ax.tick_params(labelsize=8)
    return figure


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
