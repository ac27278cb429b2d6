"""Consensus: a joint plan that parties agree on by answering questions about plans and prices.

No firm hands over its tables; answers reveal costs at the plans asked about, and enough of them reveal the model:
`veridical.studies.disclosure` measures it, and the options `values` and `noise` lessen it. Under VCG truth is best for
a supplier while each of the others answers by one cost model, as true ones do. Agents who answer adaptively, by what others said
before, make truth an ex-post equilibrium, not a dominant strategy.

Modules: `messages` (what goes to and fro, the log, what an agent has to answer), `codec` (messages as bytes), `carriers`
(where agents run: in this process, in others, on a cluster, at home with their firms), `claims` (answers held against one
another), `agent` (a party's own, from its model), `quadratic` (its problem, solved again and again), `sifting` (a large one
over the columns that count), `exchange` (asking them), `admm` (the rounds and the proof), `anderson` (fewer rounds),
`penalties` (weights of steps), `ending` (no proof, and why), `coordinator` (a run to its end, whoever is lost), `turns` (several
at once, so that nobody can tell which is which), `journal`
(going on where that was cut short), `options`, `parties` and `opening` (what they ask for), `planner` (`Consensus`, the
planner that transfers and audits speak to). At a firm's: `home` (its agent), `network` (which reaches out), `answers_log`. Of
any Pyomo model of blocks: `blocks` (`blocks.solve`), `links` (which models that are), `block_agent` (a party's own),
`sharing` (the rounds and the proof).
"""

from veridical.solvers.consensus import blocks
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.exchange import Round
from veridical.solvers.consensus.messages import Agent, Answer, Log, Message, NoAnswer, Question
from veridical.solvers.consensus.options import Options
from veridical.solvers.consensus.planner import Consensus, Progress

__all__ = ["Agent", "Answer", "Consensus", "Log", "Message", "NoAnswer", "Options", "PartyAgent", "Progress", "Question", "Round"]
__all__ += ["blocks"]
