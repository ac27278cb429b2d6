"""The picture of a joint plan's settlement: how it moves what is shipped, and whom the saving goes to."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.studies.figures.style import COLOURS, GREY, NUMBER, axes_of, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GAIN", "JIT", "JOINT", "below", "draw", "gains"]

JIT, JOINT, GAIN = COLOURS[4], COLOURS[0], COLOURS[2]
WIDTH = 150  # letters in a line below the picture


@styled
def draw(settlement: Settlement) -> Figure:
    """Return the figure: volume shipped week by week, just in time and by the plan, on the left; gains by party on the right."""
    figure, (left, right) = axes_of(10.5, 4.8, 1, 2, width_ratios=(1.35, 1.0))
    case, shared = settlement.case, settlement.case.shared
    for name, units, colour in (("just in time", settlement.start, JIT), ("joint plan", settlement.units, JOINT)):
        weekly = pd.Series(units * shared.volume, index=shared.index).groupby("week").sum()
        left.plot(weekly.index, weekly, color=colour, marker="o", markersize=4, label=name)
    left.set_ylim(bottom=0)
    left.set(xticks=shared.weeks, xlabel="week", title="volume shipped by all suppliers, m3")
    left.yaxis.set_major_formatter(NUMBER)
    left.legend()
    gains(right, settlement.to_frame(), settlement.budget, settlement.residual)
    baseline, saved = settlement.baseline_cost, settlement.savings
    share = f" ({100 * saved / baseline:.1f} %)" if baseline > 0 else ""
    figure.suptitle(f"{case.name}: planning jointly saves {saved:,.0f}{share}", fontsize=12)
    below(figure, case, settlement.mechanism, settlement.parameters)
    return figure


def below(figure: Figure, case: JointPlanCase, mechanism: str, parameters: Mapping[str, Any]) -> None:
    """Say below a figure which transfers it shows, and what the case is."""
    settings = "".join(f", {name.replace('_', ' ')} {value}" for name, value in parameters.items() if value)
    lines = [f"Transfers: {mechanism}{settings}. Money in {Measures.of(case).of_money}.", *textwrap.wrap(case.description, WIDTH)]
    figure.supxlabel("\n".join(lines), fontsize=8, color=COLOURS[4], x=0.01, ha="left")


def gains(axis: Any, frame: pd.DataFrame, budget: float, residual: float) -> None:
    """Draw, a party a row, what its own cost fell by and what it gains with its transfer; last what the budget is.

    frame: columns baseline_cost, cost and net_gain, currency, indexed by party. residual: what is left to the receivers.
    """
    names = [*frame.index, "budget"]
    places = np.arange(len(names))
    axis.barh(places[:-1] - 0.2, frame["baseline_cost"] - frame["cost"], height=0.38, color=GREY, label="own cost saved")
    gained = axis.barh(places[:-1] + 0.2, frame["net_gain"], height=0.38, color=GAIN, label="net gain, with the transfer")
    kept = axis.barh(places[-1:], [budget], height=0.38, color=COLOURS[1], label="budget: what transfers leave to the operator")
    for bars in (gained, kept):
        axis.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=3)
    axis.margins(x=0.32)
    axis.spines["left"].set_visible(False)  # names stand beside it, and figures would run into it
    axis.tick_params(axis="y", length=0)
    axis.axvline(0, color="#333333", linewidth=0.8)
    axis.set_yticks(places, names)
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(NUMBER)
    axis.set_title(f"who gains: net gains + budget = saved\nleft to the receivers, with the budget: {residual:,.0f}")
    axis.locator_params(axis="x", nbins=5)
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.07))
