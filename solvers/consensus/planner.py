"""`solver = "consensus"`: a planner to whom nobody hands over a cost model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.contracts.joint_plan.planner import Planned
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.data.moved import renamed
from veridical.solvers.certificate import Certificate
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.coordinator import run
from veridical.solvers.consensus.exchange import Exchange, Kind, Public, Round
from veridical.solvers.consensus.messages import Log
from veridical.solvers.consensus.options import options
from veridical.solvers.consensus.workers import Dask, Here, Processes, Start, Workers
from veridical.solvers.solution import Seconds, SolverRecord

__all__ = ["Consensus", "Progress"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """How a consensus went. `gap`: relative to the savings. `lost`: who did not come back, and stays at the baseline."""

    rounds: tuple[Round, ...]
    gap: float
    converged: bool
    lost: tuple[str, ...]
    warnings: tuple[str, ...]


class Consensus:
    """A planner by consensus; a context manager, since its agents stay until it is closed.

    It hands each party's part to that party's agent, and what is public to the coordinator. Where records are on one machine, as
    in a study, that is all the privacy there is; parties who keep theirs at home give it `agents` that ask there.

    `solver`: "consensus", a table or a TOML file with the options of `Options`. `agents`: agents of your own by party (see
    `Agent`), in place of those that our models make. `callback` is called after every round with a `Round`. `client`: a
    client of `distributed`, where workers = "dask" and no scheduler's address is given.

    Raises InputError for options that are not known, and for a mix of agents that cannot agree.
    """

    def __init__(
        self,
        solver: str | Path | Mapping[str, Any] | Configuration = "consensus",
        agents: Mapping[str, Any] | None = None,
        callback: Callable[[Round], None] | None = None,
        client: Any = None,
        **old: Callable[[Round], None] | None,
    ) -> None:
        callback = renamed(old, "tell", "callback", callback)
        for name in old:
            raise TypeError(f"Consensus() got an unexpected keyword argument {name!r}")
        self.configuration, self.options = options(solver)
        self.agents, self.callback, self.client = dict(agents or {}), callback, client
        self.workers: Workers | None = None
        self.savings: dict[bytes, float] = {}  # of all parties together, by baseline: what counterfactuals are measured by

    def __enter__(self) -> Consensus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the agents."""
        if self.workers is not None:
            self.workers.close()
        self.workers = None

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
        asked = [name for name in case.names if names is None or name in names]
        units = np.maximum(case.shared.vector(plan), 0.0)
        return {name: answer.value for name, answer in self._exchange(case).every("cost", asked, units).items()}

    def plan(self, case: JointPlanCase, baseline: Array, held: Collection[str] = (), activity_fee: float = 0.0) -> Planned:
        """Return the plan at which the parties agree, and the proof of how good it is.

        Held parties are not asked for plans, only for their cost. Without anybody held the gap is relative to the savings; with
        some held to the savings with nobody held, where those are known and larger. A plan without a certificate raises
        NotSolvedError; one that ends because a party was lost is returned, and `progress` says so.
        """
        for name in held:
            case.party(name)
        began, clock = perf_counter(), monotonic()
        exchange = self._exchange(case)
        built = perf_counter() - began
        start = case.shared.vector(baseline)
        key = start.tobytes()
        limit = self.configuration.time_limit
        deadline = float("inf") if limit is None else clock + limit
        floor = self.savings.get(key, 0.0) if held else 0.0
        found = run(exchange, start, tuple(dict.fromkeys(held)), activity_fee, floor, deadline)
        objective = sum(cost for name, cost in found.costs.items() if name not in held) + found.fee
        if not held and not found.lost:
            self.savings[key] = found.savings
        size = max(1.0, abs(objective))
        return Planned(
            plan=found.plan,
            costs=found.costs,
            fee=found.fee,
            bound=found.bound,
            prices=pd.Series(found.prices, index=case.shared.index, name="price"),
            duals={},
            certificate=Certificate(0.0, None, None, abs(objective - found.bound) / size),
            solver=SolverRecord(
                "consensus",
                version("veridical"),
                {**self.options.model_dump(), "rho": found.rho},
                None,
                Seconds(build=built, solve=perf_counter() - began - built),
            ),
            held=tuple(held),
            progress=Progress(found.rounds, found.gap, found.converged, found.lost, found.warnings),
            log=exchange.log,
        )

    def _exchange(self, case: JointPlanCase) -> Exchange:
        """Return who answers for the case's parties; agents go on who know the same as before."""
        starts = {name: self._start(case, name) for name in case.names}
        if self.workers is not None and self.workers.starts.keys() != starts.keys():
            self.close()
        if self.workers is None:
            self.workers = self._open(starts)
        else:
            for name, start in starts.items():
                if start != self.workers.starts[name] or name in self.workers.dead:
                    self.workers.replace(name, start)
        kinds = {name: self._kind(name, start) for name, start in starts.items()}
        return Exchange(Public.of(case), self.workers, kinds, self.options, Log(), self.callback)

    def _start(self, case: JointPlanCase, name: str) -> Start:
        if name in self.agents:
            return Start(agent=self.agents[name])
        asked = self.options
        if case.shared.truckload:
            raise InputError.of("truckload", True, "false: whole trucks have no prices, and no consensus", case.name)
        interface = asked.interfaces.get(name, "proximal")
        return Start(case.part(name), interface, asked.strong_convexity.get(name), asked.smoothness.get(name))

    def _kind(self, name: str, start: Start) -> Kind:
        """Return what a party's agent is; refuse what cannot converge."""
        who = start.agent if start.agent is not None else start
        convexity, smoothness = (getattr(who, each, None) for each in ("strong_convexity", "smoothness"))
        if who.interface == "dual" and not convexity:
            allowed = "a number > 0: without it no step is safe, and with linear costs dual agents do not agree"
            raise self.configuration.refuse(f"options.strong_convexity.{name}", convexity, allowed)
        if who.interface == "primal" and not smoothness:
            allowed = "a number > 0, the Lipschitz constant of the marginal cost: kinked costs have none, and stall"
            raise self.configuration.refuse(f"options.smoothness.{name}", smoothness, allowed)
        able = who.interface != "primal" and (start.part is not None or hasattr(start.agent, "best"))
        return Kind(who.interface, convexity, smoothness, able)

    def _open(self, starts: dict[str, Start]) -> Workers:
        asked = self.options
        for field in ("interfaces", "strong_convexity", "smoothness"):
            for name, value in getattr(asked, field).items():
                if name not in starts:
                    raise self.configuration.refuse(f"options.{field}.{name}", value, f"parties: {', '.join(starts)}")
        for name in self.agents:
            if name not in starts:
                raise InputError.of("agents", name, f"parties: {', '.join(starts)}", "consensus")
        if asked.workers == "inline":
            return Here(starts, asked.timeout, asked.restarts)
        if asked.workers == "processes":
            return Processes(starts, asked.timeout, asked.restarts)
        return Dask(starts, self._client(), asked.timeout, asked.restarts)

    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        if self.options.scheduler is None:
            raise self.configuration.refuse("options.scheduler", None, "the address of a Dask scheduler, or a client")
        try:
            from distributed import Client  # an extra
        except ImportError:
            allowed = "inline or processes, or dask after: pip install veridical[distributed]"
            raise self.configuration.refuse("options.workers", "dask", allowed) from None
        self.client = Client(self.options.scheduler)  # type: ignore[no-untyped-call]
        return self.client
