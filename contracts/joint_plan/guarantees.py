"""Which guarantee of the truth holds for whom, in words; what a search finds is another thing (`audit`)."""

from __future__ import annotations

from veridical.contracts.joint_plan.settlement import COMPUTED, Settlement, agents
from veridical.contracts.joint_plan.transfers import MECHANISMS

__all__ = ["guarantees", "receivers_are_held"]

SUPPLIERS = {
    "dominant_strategy_ic": "truth is best for each of them, {others}",
    "bayesian_ic": "truth is best for each of them in expectation, if the others tell the truth and the declared prior is right",
    None: "none: misreports are rewarded",
}
HELD = "truth is best for each of them, {others}, as the baseline is committed and the budget an operator's"
# Under a consensus the others' answers may follow what has been said before: truth is no best reply to every way of answering.
RECORDS = "whatever the others report"
ANSWERS = "while each of the others answers by one cost model, whichever it is (ex post: not dominant, as answers may adapt)"
ASSUMED = "none, their truth is assumed: what is left is theirs, and the less they seem to save, the less they pay out"
CORE = "truth is not best, but {others} no misreport of one gains more than Clarke's pivot would pay him beyond this: {most}"
TOGETHER = "none: what one of them reports can raise what another is paid"
TWICE = "none: a supplier that takes part under two names is paid twice"


def receivers_are_held(settlement: Settlement) -> bool:
    """Whether truth is a receiver's best too: he is an agent of the mechanism, and the baseline does not depend on his report."""
    return agents(settlement.parameters) and settlement.baseline_source != COMPUTED


def guarantees(settlement: Settlement) -> dict[str, str]:
    """Return what is guaranteed of the suppliers, of the receivers, of suppliers who misreport together, and of two names."""
    whose = ("suppliers", "receivers", "suppliers together", "a supplier under two names")
    if settlement.unpaid:
        return dict.fromkeys(whose, "none: a party was lost, and nobody is paid")
    if settlement.mechanism == "jit":
        return dict.fromkeys(whose, "truth is best: nobody is paid for a report, and the baseline is the receivers' own plan")
    receivers = HELD if receivers_are_held(settlement) else ASSUMED
    if settlement.baseline_source == COMPUTED:
        receivers += "; and the baseline follows from their reports"
    suppliers, others = SUPPLIERS[MECHANISMS[settlement.mechanism].truth], RECORDS if settlement.rounds is None else ANSWERS
    words = [words.format(others=others) for words in (suppliers, receivers, TOGETHER, TWICE)]
    if settlement.core is not None:
        words[0] = CORE.format(others=others, most=", ".join(f"{k} {v:,.2f}" for k, v in settlement.core.lie_bounds.items()))
    return dict(zip(whose, words, strict=True))
