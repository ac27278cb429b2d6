"""`solver = "consensus"`: a planner who asks parties' agents about plans and prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.deprecated import renamed
from veridical.data.fields import check
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.solvers.certificate import Certificate, ratio
from veridical.solvers.cluster import CONNECTING, connected
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.coordinator import Progress, run
from veridical.solvers.consensus.exchange import Exchange, PublicCase, Round
from veridical.solvers.consensus.messages import AgentTraits, Log
from veridical.solvers.consensus.options import options
from veridical.solvers.consensus.workers import AgentSpec, Dask, InProcessWorkers, Processes, Workers
from veridical.solvers.planners.core_gains import core_gains
from veridical.solvers.solution import Seconds, Solution, SolverRecord

__all__ = ["Consensus", "Progress"]


class Consensus:
    """A planner by consensus; a context manager, since its agents stay until it is closed.

    It hands each party's part to that party's agent, and what is public to the coordinator. Where records are on one machine, as
    in a study, whoever runs it has them all; parties who keep theirs at home give it `agents` that ask there. Then no firm hands
    over its tables; answers reveal costs at the plans asked about, and enough of them reveal the model: of the shipped pilot's
    lanes nearly all within ten rounds (`veridical.studies.disclosure`). What lessens that stands in `Options`.

    Agents who answer adaptively make truth, of suppliers under VCG, an ex-post equilibrium, not a dominant strategy.

    Parameters
    ----------
    solver
        "consensus", a table or a TOML file with the options of `Options`.
    agents
        Agents of your own by party (see `Agent`), in place of those that our models make.
    callback
        Called after every round with a `Round`.
    client
        A client of `distributed`, where workers = "dask" and no scheduler's address is given.
    tell
        The old name of `callback`.

    Raises
    ------
    InputError
        For options that are not known, and for a mix of agents that cannot agree.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> with Consensus() as planner:
    ...     plan = planner.plan(case, planner.baseline(case))
    >>> plan.progress.converged, plan.bound <= plan.objective
    (True, True)
    """

    core_gains = staticmethod(core_gains)

    def __init__(
        self,
        solver: str | Path | Mapping[str, Any] | Configuration = "consensus",
        agents: Mapping[str, Any] | None = None,
        callback: Callable[[Round], None] | None = None,
        client: Any = None,
        tell: Callable[[Round], None] | None = None,
    ) -> None:
        callback = callback if tell is None else renamed({"tell": tell}, "tell", "callback")
        self.configuration, self.options = options(solver)
        self.agents, self.callback, self.client = dict(agents or {}), callback, client
        self.workers: Workers | None = None
        self.savings: dict[bytes, float] = {}  # of all parties together, by baseline: what counterfactuals are measured by
        self.lost: set[str] = set()  # who stays at a baseline since then, and is not asked what it costs
        self.before: dict[tuple[bytes, str], tuple[AgentSpec, float]] = {}  # what a baseline cost whom, as he said last

    def __enter__(self) -> Consensus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the agents."""
        if self.workers is not None:
            self.workers.close()
        self.workers = None

    @property
    def fixed(self) -> Collection[str]:
        """Who answers by something else than the record in a case: agents of their own, and those of whom options say how."""
        return {*self.agents, *self.options.interfaces, *self.options.strong_convexity, *self.options.smoothness}

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan: each one's best with the tie-break, which is a step around nothing at no price."""
        plan = np.zeros(len(case.shared.flows))
        weight = np.full(len(plan), case.mechanism.tie_break)
        exchange = self._exchange(case.changed(truckload=False))
        exchange.fix(case.receivers, np.full(len(plan), np.nan))
        for name, answer in exchange.every("respond", case.receivers, plan, plan, weight).items():
            assert answer.plan is not None
            plan[case.shared.share(name)] = np.maximum(answer.plan, 0.0)
        return plan

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least, as its agent says."""
        wanted = [name for name in case.names if names is None or name in names]
        units = np.maximum(case.shared.vector(plan), 0.0)
        exchange = self._exchange(case, [name for name in case.names if name not in wanted])
        return {name: answer.value for name, answer in exchange.every("cost", wanted, units).items()}

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the plan at which the parties agree, and the proof of how good it is.

        Who does not take part is not asked for plans, only for his cost. Where everybody takes part the gap is relative to the
        savings; else to the savings with everybody, where those are known and larger. A plan without a certificate raises
        NotSolvedError; one that ends because a party was lost is returned, and `progress` says so.
        """
        for name in non_participants:
            case.party(name)
        began, deadline = perf_counter(), monotonic() + (self.configuration.time_limit or math.inf)
        start, absent = case.shared.vector(baseline), tuple(dict.fromkeys(non_participants))
        key = start.tobytes()
        specs = {name: self._spec(case, name) for name in case.names}
        last = {name: cost for (at, name), (spec, cost) in self.before.items() if at == key and spec == specs.get(name)}
        known = {name: last[name] for name in absent if name in self.lost and name in last}
        exchange = self._exchange(case, known)
        built = perf_counter() - began
        outcome = run(exchange, start, absent, activity_fee, self.savings.get(key, 0.0) if absent else 0.0, deadline, known, last)
        if not absent and not outcome.progress.lost:
            self.savings[key] = outcome.savings
        self.lost |= set(outcome.progress.lost)
        self.before |= {(key, name): (specs[name], cost) for name, cost in outcome.before.items()}
        objective = sum(cost for name, cost in outcome.costs.items() if name not in absent) + outcome.fee
        gap = ratio(abs(objective - outcome.bound), abs(objective))
        certificate = Certificate(0.0, None, None, gap, "global", "what the agents prove of their own costs")
        settings = {**self.options.model_dump(), "rho": outcome.rho}
        seconds = Seconds(build=built, solve=perf_counter() - began - built)
        solver = SolverRecord("consensus", version("veridical"), settings, None, seconds)
        return Plan(
            shared=case.shared,
            units=outcome.plan,
            costs=outcome.costs,
            fee=outcome.fee,
            bound=outcome.bound,
            prices=pd.Series(outcome.prices, index=case.shared.index, name="price"),
            non_participants=absent,
            solution=Solution(objective, outcome.bound, certificate, solver),
            progress=outcome.progress,
            log=exchange.log,
            lost=outcome.progress.lost,
            stopped=outcome.stopped,
        )

    def _exchange(self, case: JointPlanCase, absent: Collection[str] = ()) -> Exchange:
        """Return who answers for the parties; agents go on who know the same as before, and the `absent` are left alone."""
        specs = {name: self._spec(case, name) for name in case.names}
        if self.workers is not None and self.workers.specs.keys() != specs.keys():
            self.close()
        if self.workers is None:
            self.workers = self._open(specs)
        else:
            for name, spec in specs.items():
                if name not in absent and (spec != self.workers.specs[name] or name in self.workers.dead):
                    self.workers.replace(name, spec)
        traits = {name: self._traits(name, spec) for name, spec in specs.items()}
        return Exchange(PublicCase.of(case), self.workers, traits, self.options, Log(), self.callback)

    def _spec(self, case: JointPlanCase, name: str) -> AgentSpec:
        if name in self.agents:
            return AgentSpec(agent=self.agents[name])
        settings = self.options
        if case.shared.truckload:
            raise InputError.of("truckload", True, "false: whole trucks have no prices, and no consensus", case.name)
        interface = settings.interfaces.get(name, "proximal")
        noise = settings.noise if name in case.suppliers else 0.0
        if noise and interface != "proximal":
            raise self.configuration.error_for("options.noise", noise, f"0, or proximal suppliers; {name} is {interface}")
        convexity, smoothness = settings.strong_convexity.get(name), settings.smoothness.get(name)
        return AgentSpec(case.part(name), interface, convexity, smoothness, noise=noise)

    def _traits(self, name: str, spec: AgentSpec) -> AgentTraits:
        """Return what a party's agent is; refuse what cannot converge."""
        who = spec if spec.agent is None else spec.agent
        try:
            declared = {
                trait: getattr(who, trait) for trait in ("interface", "strong_convexity", "smoothness") if hasattr(who, trait)
            }
            declared["priced"] = spec.part is not None or hasattr(who, "best")
            declared["steps"] = spec.part is not None or hasattr(who, "step")
        except (Exception, SystemExit) as error:
            allowed = f"an agent that says how it answers ({type(error).__name__} when it was asked)"
            raise InputError.of(f"agents.{name}", "<an agent>", allowed, "consensus") from None
        try:
            traits = check(AgentTraits, {"interface": None} | declared, "consensus")
        except InputError as error:
            raise error.within(f"agents.{name}") from None
        if traits.interface == "dual" and not traits.strong_convexity:
            allowed = "a number > 0: without it no step is safe, and with linear costs dual agents do not agree"
            raise self.configuration.error_for(f"options.strong_convexity.{name}", traits.strong_convexity, allowed)
        if traits.interface == "primal" and not traits.smoothness:
            allowed = "a number > 0, the Lipschitz constant of the marginal cost: kinked costs have none, and stall"
            raise self.configuration.error_for(f"options.smoothness.{name}", traits.smoothness, allowed)
        return traits.changed(priced=traits.priced and traits.interface != "primal")

    def _open(self, specs: dict[str, AgentSpec]) -> Workers:
        settings = self.options
        for field in ("interfaces", "strong_convexity", "smoothness"):
            for name, value in getattr(settings, field).items():
                if name not in specs:
                    raise self.configuration.error_for(f"options.{field}.{name}", value, f"parties: {', '.join(specs)}")
        for name in self.agents:
            if name not in specs:
                raise InputError.of("agents", name, f"parties: {', '.join(specs)}", "consensus")
        if settings.workers == "dask":
            return Dask(specs, settings.timeout, settings.restarts, client=self._client())
        kind = InProcessWorkers if settings.workers == "inline" else Processes
        return kind(specs, settings.timeout, settings.restarts)

    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        if self.options.scheduler is None:
            raise self.configuration.error_for("options.scheduler", None, "the address of a Dask scheduler, or a client")
        timeout = min(self.options.timeout, CONNECTING)
        self.client = connected(self.options.scheduler, timeout, partial(self.configuration.error_for, "options.scheduler"))
        return self.client
