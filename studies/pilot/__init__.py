"""A joint plan rolled week by week: demand is revealed, plans are made, the first week happens, transfers are settled."""

from veridical.studies.pilot.result import PilotRun, Tried, Week
from veridical.studies.pilot.run import run

__all__ = ["PilotRun", "Tried", "Week", "run"]
