"""Published tables recomputed, sweeps, the rolling pilot, and figures.

Modules: `papers` (published tables and figures, recomputed), `choice` (how many suppliers to let report), `fees` (which
pivot and fee to fix before reports), `pilot` (a joint plan
week by week), `disclosure` (what a consensus reveals), `sweep` (one table of many solves), `figures`.

Each is imported when it is first used.
"""

from typing import TYPE_CHECKING

from veridical.data.lazy import found_when_used

if TYPE_CHECKING:
    from veridical.studies import disclosure, fees, figures, pilot, sweep
    from veridical.studies.choice import Choice, choose_k
    from veridical.studies.fees import FeeChoice, choose_fees
    from veridical.studies.figures import allocation as allocation_figures  # noqa: F401 - notebooks know it by this name
    from veridical.studies.papers.catalogue import LONG, REPRODUCTIONS, reproduce
    from veridical.studies.papers.reproduction import Reproduction

__all__ = ["LONG", "REPRODUCTIONS", "Choice", "FeeChoice", "Reproduction"]
__all__ += ["choose_fees", "choose_k", "disclosure", "fees", "figures", "pilot", "reproduce", "sweep"]

__getattr__ = found_when_used(
    __name__,
    {
        "choice": ("Choice", "choose_k"),
        "fees": ("FeeChoice", "choose_fees"),
        "papers.catalogue": ("LONG", "REPRODUCTIONS", "allocation_figures", "reproduce"),
        "papers.reproduction": ("Reproduction",),
    },
    ("choice", "disclosure", "fees", "figures", "papers", "pilot", "sweep"),
)
