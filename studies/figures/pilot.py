"""The picture of a rolling run: what it costs to serve, whom the saving goes to, what is paid each week, how well is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.studies.figures.settlement import GAIN, JIT, JOINT, WHO_GAINS, below, gains, height_of, weekly_ticks
from veridical.studies.figures.style import COLOURS, called, headed, numbered, said, styled
from veridical.studies.pilot.result import PilotRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

PAID = (COLOURS[3], COLOURS[5], "#56b4e9", "#f0e442", "#8c6d31", "#bfbfbf")  # suppliers, in colours that mean nothing else


@styled
def draw(run: PilotRun) -> Figure:
    """Return the figure: cost to serve and service on the left, gains by party on the right, weekly transfers below."""
    from veridical.studies.figures.picture import Figure

    total, weeks = run.total, len(run.weeks)
    upper = 2.6 + height_of(run.totals)
    figure = Figure(figsize=(11.0, upper + 4.2), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=(0.75 * upper, 0.25 * upper, 2.9), width_ratios=(1.2, 1.0))
    cost, service, gain = (figure.add_subplot(place) for place in (grid[0, 0], grid[1, 0], grid[0:2, 1]))
    _cost(cost, run)
    _service(service, run)
    known = run.totals.dropna(subset=["net_gain"])  # who was lost is no bar: what he gained in all nobody knows
    title = "who gains, of those whose costs are known" if run.lost else WHO_GAINS
    gains(gain, known, total["budget"], total["residual"], title)
    _transfers(figure.add_subplot(grid[2, :]), run)
    share = total["savings"] / total["baseline_cost"] if total["baseline_cost"] > 0 else float("nan")
    percent = "" if np.isnan(share) else f" ({100 * share:.1f} %)"
    headed(figure, f"{run.case.name}: planning jointly saves {said(total['savings'])}{percent} in {weeks} weeks")
    below(figure, run.case, run.mechanism, run.parameters, run.loss)
    return figure


def _cost(axis: Any, run: PilotRun) -> None:
    """Draw the cost of all parties so far in both worlds, and between them what is saved."""
    frame = run.weeks
    before, after = frame["baseline_cost"].cumsum(), frame["plan_cost"].cumsum()
    for where, colour in ((before >= after, GAIN), (before <= after, COLOURS[1])):
        axis.fill_between(frame.index, before, after, where=where, interpolate=True, color=colour, alpha=0.2, linewidth=0)
    axis.plot(frame.index, before, color=JIT, marker="o", markersize=4, label="just in time")
    axis.plot(frame.index, after, color=JOINT, marker="o", markersize=4, label="joint plan")
    saved = run.total["savings"]
    words, colour = (f"saved {said(saved)}", GAIN) if saved >= 0 else (f"lost {said(-saved)}", COLOURS[1])
    end = (frame.index[-1], (before.iloc[-1] + after.iloc[-1]) / 2)
    beside: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
    axis.annotate(words, end, fontsize=9, color=colour, **beside)
    axis.set_title("cost to serve so far, all parties together")
    axis.xaxis.set_major_locator(weekly_ticks())
    axis.tick_params(axis="x", labelbottom=False)
    numbered(axis.yaxis)
    axis.legend(loc="upper left")


def _service(axis: Any, run: PilotRun) -> None:
    """Draw the share of the units wanted that was served, in both worlds."""
    frame, levels = run.weeks, run.total["service_level"]
    served = []
    for world, name, colour, width, size in (("jit", "just in time", JIT, 6.0, 0), ("joint", "joint", JOINT, 1.5, 4)):
        level = frame[f"service_{world}"].astype(float) * 100
        axis.plot(frame.index, level, color=colour, linewidth=width, marker="o", markersize=size)
        if levels[world] is not None:
            served.append(f"{name} {100 * levels[world]:.1f} %")
    lowest = 100 * np.nanmin([*frame["service_jit"].astype(float), *frame["service_joint"].astype(float), 1.0])
    nothing = "not told" if run.case.at_home else "nobody is served"
    title = f"units served, of those wanted\n{', '.join(served) or nothing}"
    axis.set(title=title, ylim=(min(90.0, lowest - 5.0), 102.0), xlabel="week")
    axis.xaxis.set_major_locator(weekly_ticks())
    axis.yaxis.set_major_formatter("{x:.0f} %")


def _transfers(axis: Any, run: PilotRun) -> None:
    """Draw what is transferred to suppliers each week, stacked, what the week saved, and the budget so far."""
    suppliers = list(run.case.suppliers)
    paid = run.table["transfer"].unstack("party").reindex(run.weeks.index)
    shown = {name: paid[name] for name in suppliers}
    if len(suppliers) > len(PAID):
        shown = {f"{len(suppliers)} suppliers": paid[suppliers].sum(axis=1)}
    up, down = np.zeros(len(paid)), np.zeros(len(paid))
    for colour, (name, amount) in zip(PAID, shown.items(), strict=False):
        height = amount.to_numpy()
        axis.bar(
            paid.index,
            height,
            bottom=np.where(height >= 0, up, down),
            width=0.6,
            color=colour,
            edgecolor="white",
            linewidth=0.5,
            label=called(f"to {name}", 2.0, 8),
        )
        up, down = up + np.maximum(height, 0), down + np.minimum(height, 0)
    saved, budget = run.weeks["savings"], run.weeks["budget"].cumsum()
    axis.plot(paid.index, budget, color=COLOURS[1], marker="D", markersize=5, linewidth=1.2, linestyle=":", label="budget so far")
    axis.plot(paid.index, saved, color="#222222", marker="o", markersize=5, linewidth=1.2, label="saved in the week")
    axis.axhline(0, color="#333333", linewidth=0.8)
    title = "transfers to suppliers week by week: paid to them above 0, by them below"
    axis.set(title=title, xlabel="week")
    axis.xaxis.set_major_locator(weekly_ticks())
    numbered(axis.yaxis)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
