"""Published tables recomputed, sweeps, the rolling pilot, and figures.

Modules: `papers` (published tables and figures, recomputed), `choice` (how many suppliers to let report), `pilot` (a joint plan
week by week), `disclosure` (what a consensus reveals), `sweep` (one table of many solves), `figures`.

Each is imported when it is first used.
"""

from typing import TYPE_CHECKING

from veridical.data.lazy import found_when_used

if TYPE_CHECKING:
    from veridical.studies import disclosure, figures, pilot, sweep
    from veridical.studies.choice import Choice, choose_k
    from veridical.studies.figures import allocation as allocation_figures  # noqa: F401 - notebooks know it by this name
    from veridical.studies.papers.catalogue import LONG, REPRODUCTIONS, reproduce
    from veridical.studies.papers.reproduction import Reproduction

__all__ = ["LONG", "REPRODUCTIONS", "Choice", "Reproduction", "choose_k", "disclosure", "figures", "pilot", "reproduce", "sweep"]

__getattr__ = found_when_used(
    __name__,
    {
        "choice": ("Choice", "choose_k"),
        "papers.catalogue": ("LONG", "REPRODUCTIONS", "allocation_figures", "reproduce"),
        "papers.reproduction": ("Reproduction",),
    },
    ("choice", "disclosure", "figures", "papers", "pilot", "sweep"),
)
