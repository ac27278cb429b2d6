"""The picture of a joint plan's settlement: how it moves what is shipped, and whom the saving goes to."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.studies.figures.style import COLOURS, GREY, axes_of, beside, called, headed, numbered, rows_of, said, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GAIN", "JIT", "JOINT", "below", "draw", "gains", "height_of", "weekly_ticks"]

JIT, JOINT, GAIN = COLOURS[4], COLOURS[0], COLOURS[2]
WIDTH = 150  # letters in a line below the picture
NAMES = 1.9  # inches of a party's name


@styled
def draw(settlement: Settlement) -> Figure:
    """Return the figure: volume shipped week by week, just in time and by the plan, on the left; gains by party on the right."""
    frame = settlement.to_frame()
    figure, (left, right) = axes_of(11.0, 3.6 + height_of(frame), 1, 2, width_ratios=(1.2, 1.0))
    case, shared = settlement.case, settlement.case.shared
    for name, units, colour in (("just in time", settlement.start, JIT), ("joint plan", settlement.units, JOINT)):
        weekly = pd.Series(units * shared.volume, index=shared.index).groupby("week").sum()
        left.plot(weekly.index, weekly, color=colour, marker="o", markersize=4, label=name)
    left.set_ylim(bottom=0)
    left.set(xlabel="week", title="volume shipped by all suppliers, m3")
    left.xaxis.set_major_locator(weekly_ticks())
    numbered(left.yaxis)
    left.legend()
    gains(right, frame, settlement.budget, settlement.residual)
    baseline, saved = settlement.baseline_cost, settlement.savings
    share = f" ({100 * saved / baseline:.1f} %)" if baseline > 0 else ""
    headed(figure, f"{case.name}: planning jointly saves {said(saved)}{share}")
    below(figure, case, settlement.mechanism, settlement.parameters)
    return figure


WHO_GAINS = "who gains: net gains and budget add up to the savings"


def below(figure: Figure, case: JointPlanCase, mechanism: str, parameters: Mapping[str, Any], loss: str = "") -> None:
    """Say below a figure which transfers it shows, who was lost, and what the case is."""
    settings = "".join(f", {name.replace('_', ' ')} {value}" for name, value in parameters.items() if value)
    currency = Measures.of(case).currency
    lines = [
        *([f"{loss[0].upper()}{loss[1:]}."] if loss else []),
        f"Transfers: {mechanism}{settings}.{f' Money in {currency}.' if currency else ''}",
        case.description,
    ]
    text = "\n".join(line for part in lines for line in textwrap.wrap(part, WIDTH))
    figure.supxlabel(text, fontsize=8, color=COLOURS[4], x=0.01, ha="left")


def weekly_ticks() -> Any:
    """Return what places ticks at weeks: whole numbers, and no more of them than can be read."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True, nbins=12, steps=[1, 2, 5, 10])


def height_of(frame: Any) -> float:
    """Return how many inches the rows of parties take, beyond what a few of them have anyway."""
    return max(1.4, _rows(frame)[1])


def _rows(frame: Any) -> tuple[list[str], float, Array]:
    """Return the names of parties and the budget as they stand beside their rows, the inches that they take, and the places."""
    names = [*(called(str(name), NAMES, 8) for name in frame.index), "budget"]
    places, inches = rows_of(names, 0.34)
    return names, inches, places


def gains(axis: Any, frame: pd.DataFrame, budget: float, residual: float, title: str = WHO_GAINS) -> None:
    """Draw, a party a row, what its own cost fell by and what it gains with its transfer; last what the budget is.

    To the right of the panel stands the net gain of each, and the budget as a number. frame: columns baseline_cost, cost and
    net_gain, currency, indexed by party. residual: what is left to the receivers.
    """
    names, _, places = _rows(frame)
    axis.barh(places[:-1] - 0.2, frame["baseline_cost"] - frame["cost"], height=0.38, color=GREY, label="own cost saved")
    axis.barh(
        places[:-1] + 0.2, frame["net_gain"], height=0.38, color=GAIN, label="net gain, transfer included (figures at the right)"
    )
    label = "budget: what transfers leave to the operator"
    axis.barh(places[-1:], [budget], height=0.38, color=COLOURS[1], hatch="///", edgecolor="white", linewidth=0, label=label)
    axis.tick_params(axis="y", length=0)
    axis.axvline(0, color="#333333", linewidth=0.8)
    axis.set_yticks(places, names)
    axis.set_ylim(places[-1] + 0.7, -0.7)
    numbers = axis.secondary_yaxis("right")
    numbers.set_yticks(places, beside([*frame["net_gain"], budget], float(frame["baseline_cost"].max())))
    numbers.tick_params(length=0, labelsize=8)
    numbers.spines["right"].set_visible(False)
    numbered(axis.xaxis, 4)
    axis.set_title(f"{title}\nleft to the receivers, budget included: {said(residual)}")
    axis.legend(loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=2.8)
