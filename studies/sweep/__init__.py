"""Studies: mechanisms on cases at many points, in one table that grows as they are solved.

Modules: `spec` (what a study is), `axis` (what a number is varied over), `design` (which values are taken together), `outputs`
(columns that are asked for), `columns` (all that a table has), `rows` (a point solved), `lanes` (where: this process, others, a
Dask cluster), `folder` (what is finished, so that a study can be interrupted), `run`, `frame` (the table), `latex`.
"""

from veridical.studies.sweep.design import points_of
from veridical.studies.sweep.frame import StudyFrame
from veridical.studies.sweep.lanes import Here, ProcessLane, dask_lanes
from veridical.studies.sweep.rows import Bench, Group, Task
from veridical.studies.sweep.run import Plan, run
from veridical.studies.sweep.spec import StudySpec

__all__ = ["Bench", "Group", "Here", "Plan", "ProcessLane", "StudyFrame", "StudySpec", "Task", "dask_lanes", "points_of", "run"]
