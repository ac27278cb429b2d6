"""Where agents run, and what carries questions and answers there: four carriers of one protocol (`codec`).

In this process (`inline`), in a process each (`processes`), on a Dask cluster (`dask`), or each at home with its own firm, which
reaches out to here (`network`, whose `door` is where they come in). All answer the same call, `Workers.ask`.
"""

from veridical.solvers.consensus.carriers.dask import Dask
from veridical.solvers.consensus.carriers.inline import InProcessWorkers
from veridical.solvers.consensus.carriers.network import Network
from veridical.solvers.consensus.carriers.processes import Processes
from veridical.solvers.consensus.carriers.spec import AgentSpec
from veridical.solvers.consensus.carriers.workers import Workers

__all__ = ["AgentSpec", "Dask", "InProcessWorkers", "Network", "Processes", "Workers"]
