"""`solver = "consensus"`: a planner who asks parties' agents about plans and prices."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.deprecated import renamed
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.solvers.certificate import Certificate, ratio
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.carriers import AgentSpec, Network, Workers
from veridical.solvers.consensus.coordinator import Progress, Run, Savings
from veridical.solvers.consensus.exchange import Exchange, PublicCase, Round, SilentError
from veridical.solvers.consensus.journal import Journal
from veridical.solvers.consensus.messages import AgentTraits, Log
from veridical.solvers.consensus.options import TRANSPORT, options
from veridical.solvers.consensus.parties import Parties
from veridical.solvers.consensus.turns import Drawn, in_turn
from veridical.solvers.planners.core_gains import core_gains
from veridical.solvers.solution import Seconds, Solution, SolverRecord

__all__ = ["Consensus", "Progress"]

ItemT = TypeVar("ItemT")

# What a certificate rests on. Of other firms' answers nobody knows more than that they do not contradict one another.
HERE = "what the agents prove of their own costs"
AT_HOME = f"{HERE}, at their word: no answer that was used contradicts another of its party"


class Consensus:
    """A planner by consensus; a context manager, since its agents stay until it is closed.

    It hands each party's part to that party's agent, and what is public to the coordinator. Where records are on one machine, as
    in a study, whoever runs it has them all; with `workers = "network"` parties keep theirs at home, and their agents come in
    from there. Then no firm hands over its tables; answers reveal costs at the plans asked about, and enough of them reveal the
    model: of the shipped pilot all lanes within ten rounds (`veridical.studies.disclosure`). What lessens that stands in
    `Options`.

    With the option `state` answers are kept in a file while a run lasts: left by an exception, the run can be gone on with from
    there (`resume`), and agents of other firms wait until it is; left without one, the file is deleted, and they are told that
    this was all.

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
        self.agents, self.callback = dict(agents or {}), callback
        self.parties = Parties(self.configuration, self.options, self.agents, client)
        self.workers: Workers | None = None
        self.journal: Journal | None = None
        self.cut_short = False
        self.at_work: Exchange | None = None  # that asked last
        self._drawn: Drawn | None = None
        self.savings: dict[bytes, Savings] = {}  # of all parties together, by baseline: what counterfactuals are measured by
        self.lost: set[str] = set()  # who stays at a baseline since then, and is not asked what it costs
        self.held: set[str] = set()  # of these, who is asked nothing at all any more, at a cost that nobody knows
        self.before: dict[tuple[bytes, str], tuple[AgentSpec, float]] = {}  # what a baseline cost whom, as he said last
        self.traits: dict[str, AgentTraits] = {}  # of all agents, once they have been asked something

    def __enter__(self) -> Consensus:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.cut_short = kind is not None
        self.close()

    def close(self) -> None:
        """End the agents; the run is over, and there is nothing to go on with, if it was not cut short by an exception."""
        workers, self.workers, self.at_work = self.workers, None, None
        goes_on = self.cut_short and self.journal is not None and self.journal.holds_answers
        if isinstance(workers, Network):
            workers.close(parting=not goes_on)
        elif workers is not None:
            workers.close()
        if self.journal is not None and not goes_on:
            self.journal.finish()
        self.journal, self.cut_short = None, False

    @property
    def address(self) -> str | None:
        """Where agents of other firms come in, once somebody is asked."""
        return self.workers.door.address if isinstance(self.workers, Network) else None

    @property
    def hides(self) -> bool:
        """Whether it is hidden from agents which plan they are asked for (the option `shuffle`)."""
        return self.options.hides

    @property
    def fixed(self) -> Collection[str]:
        """Who answers by something else than the record in a case: agents of their own, and those of whom options say how."""
        at_home = self.workers.specs if self.workers is not None else {}
        remote = {name for name, spec in at_home.items() if spec.remote}
        return {*self.agents, *remote, *self.options.interfaces, *self.options.strong_convexity, *self.options.smoothness}

    def offering(self, case: JointPlanCase) -> Collection[str]:
        """Return whose agents answer by misreports of their own when they are asked to, so that an audit can try them."""
        self._exchange(case, self.lost)
        return {name for name, traits in self.traits.items() if traits.misreports and name not in self.lost}

    def hold(self, case: JointPlanCase, names: Collection[str]) -> bool:
        """Leave suppliers alone from now on, who are lost for good; return whether that can be.

        It cannot for receivers, nor with the option `when_lost = "stop"`. Who is held stays at the baseline in every plan, and is
        asked nothing, so that what that costs him is not known: NaN among a plan's costs, none of which is in its objective.
        """
        can = self.options.when_lost == "hold" and set(names) <= set(case.suppliers)
        if can:
            self.held |= set(names)
            self.lost |= set(names)
        return can

    def execute(self, case: JointPlanCase, plan: Array) -> dict[str, tuple[float, float | None, float | None]]:
        """Have parties at home do their first week at a plan; return what that costs each, and units served and to be served.

        The units are None where a party keeps them to itself. What the week leaves stays with the agents, in the world that each
        stands by. Raises SilentError for who does not answer, as nobody else knows what the week costs it. Who is held is left
        out. A week may be executed again, after somebody was lost on the way: an agent keeps what the last time has left.
        """
        exchange, units = self._exchange(case, self.held), case.shared.vector(plan)
        there = [name for name in case.at_home if name not in self.held]
        costs = exchange.every("execute", there, units)
        served, needed = (exchange.offered(method, there, units) for method in ("served", "needed"))
        told = {name: (served[name].value, needed[name].value) for name in served.keys() & needed.keys()}
        return {name: (answer.value, *told.get(name, (None, None))) for name, answer in costs.items()}

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan: each one's best with the tie-break, which is a step around nothing at no price."""
        plan = np.zeros(len(case.shared.flows))
        weight = np.full(len(plan), case.mechanism.tie_break)
        exchange = self._exchange(case.changed(truckload=False), case.suppliers)  # who are asked nothing, and told nothing
        exchange.fix(case.receivers, np.full(len(plan), np.nan))
        for name, answer in exchange.every("respond", case.receivers, plan, plan, weight).items():
            assert answer.plan is not None
            plan[case.shared.share(name)] = np.maximum(answer.plan, 0.0)
        return plan

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least, as its agent says."""
        wanted = [name for name in case.names if names is None or name in names]
        asked = [name for name in wanted if name not in self.held]
        units = np.maximum(case.shared.vector(plan), 0.0)
        exchange = self._exchange(case, [name for name in case.names if name not in asked])
        told = exchange.every("cost", asked, units)
        return {name: told[name].value if name in told else math.nan for name in wanted}

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the plan at which the parties agree, and the proof of how good it is.

        Who does not take part is not asked for plans, only for his cost. Where everybody takes part the gap is relative to the
        savings; else to the savings with everybody, where those are known and larger. A plan without a certificate raises
        NotSolvedError; one that ends because a party was lost is returned, and `progress` says so.
        """
        return next(self.plans([(case, tuple(non_participants))], baseline, activity_fee))

    def plan_each(
        self, case: JointPlanCase, baseline: Array, absences: Sequence[tuple[str, ...]], activity_fee: float = 0.0
    ) -> Generator[Plan, None, None]:
        """Yield the plans without some parties, and without others, in that order, whichever they are made in."""
        yield from self.plans([(case, absent) for absent in absences], baseline, activity_fee)

    def plans(
        self, asked: Sequence[tuple[JointPlanCase, tuple[str, ...]]], baseline: Array, activity_fee: float = 0.0
    ) -> Generator[Plan, None, None]:
        """Yield the plan of each case without some of its parties, in that order.

        They are made in turn, where the options hide which is which; else one after the other, that of everybody before others.
        """
        partial_plans = [bool(set(absent) - self.held) for _, absent in asked]
        order = sorted(range(len(asked)), key=partial_plans.__getitem__)
        if len(asked) > 1 and self.hides:
            runs = {k: self._begin(*asked[k], baseline, activity_fee) for k in order}
            in_turn(list(runs.values()), self.drawn)
            yield from (self._planned(runs[k]) for k in range(len(asked)))
            return
        plans: dict[int, Plan] = {}
        for k in range(len(asked)):
            for first in order if k == 0 else ():
                if not partial_plans[first]:
                    plans[first] = self._planned(self._begin(*asked[first], baseline, activity_fee))
            yield plans[k] if k in plans else self._planned(self._begin(*asked[k], baseline, activity_fee))

    def _begin(self, case: JointPlanCase, non_participants: tuple[str, ...], baseline: Array, fee: float) -> Run:
        """Return a plan that is yet to be made: nobody has been asked for it."""
        for name in non_participants:
            case.party(name)
        began = perf_counter()
        held = [name for name in case.suppliers if name in self.held]
        start, absent = case.shared.vector(baseline), tuple(dict.fromkeys((*non_participants, *held)))
        key = start.tobytes()
        specs = {name: self.parties.spec(case, name) for name in case.names}

        def last() -> dict[str, float]:
            return {name: cost for (at, name), (spec, cost) in self.before.items() if at == key and spec == specs.get(name)}

        def keep(costs: Mapping[str, float]) -> None:
            self.before |= {(key, name): (specs[name], cost) for name, cost in costs.items()}

        said = last()
        known = {name: said[name] for name in absent if name in self.lost and name in said} | dict.fromkeys(held, math.nan)
        exchange = self._asking(case, known)
        if leads := set(absent) == set(held):
            self.savings[key] = [0.0]
        savings, limit = self.savings.setdefault(key, [0.0]), self.configuration.time_limit or math.inf

        def turn(lost: tuple[str, ...]) -> None:
            self._turn(case, {*known, *lost}, exchange)

        run = Run(exchange, start, absent, fee, savings, limit, known, last, keep, turn)
        run.built, run.leads = perf_counter() - began, leads
        return run

    def _planned(self, run: Run) -> Plan:
        """Return the plan of a run, which is made now unless it was."""
        outcome, exchange, absent = run.result or run.go(), run.exchange, run.non_participants
        self.lost |= set(outcome.progress.lost)
        objective = sum(cost for name, cost in outcome.costs.items() if name not in absent) + outcome.fee
        gap = ratio(abs(objective - outcome.bound), abs(objective))
        basis = AT_HOME if any(map(exchange.workers.is_stranger, exchange.case.names)) else HERE
        certificate = Certificate(0.0, None, None, gap, "global", basis)
        settings = {**self.options.model_dump(), "rho": outcome.rho}
        seconds = Seconds(build=run.built, solve=run.seconds)
        solver = SolverRecord("consensus", version("veridical"), settings, None, seconds)
        shared = exchange.case.shared
        return Plan(
            shared=shared,
            units=outcome.plan,
            costs=outcome.costs,
            fee=outcome.fee,
            bound=outcome.bound,
            prices=pd.Series(outcome.prices, index=shared.index, name="price"),
            non_participants=absent,
            solution=Solution(objective, outcome.bound, certificate, solver),
            progress=outcome.progress,
            log=exchange.log,
            lost=outcome.progress.lost,
            stopped=outcome.stopped,
        )

    @property
    def drawn(self) -> Drawn:
        """The orders in which things are asked for where that is hidden; those of an interrupted run where it is gone on with."""
        if self._drawn is None:
            self._drawn = Drawn(secrets.token_bytes(32) if self.journal is None else self.journal.seed)
        return self._drawn

    def shuffled(self, items: Iterable[ItemT]) -> list[ItemT]:
        """Return what is to be asked for in an order that nobody can know, where the options hide that; else as it is."""
        return self.drawn.of(items) if self.hides else list(items)

    def _exchange(self, case: JointPlanCase, absent: Collection[str] = ()) -> Exchange:
        """Return who answers for the parties, by the records of a case; the `absent` are left alone."""
        exchange = self._asking(case, absent)
        self._turn(case, absent, exchange)
        return exchange

    def _asking(self, case: JointPlanCase, absent: Collection[str] = ()) -> Exchange:
        """Return who is to answer for the parties, without a word to anybody."""
        specs = {name: self.parties.spec(case, name) for name in case.names}
        if self.workers is not None and self.workers.specs.keys() != specs.keys():
            self.workers.close()
            self.workers = None
        if self.journal is None and self.options.state is not None:
            settings = {name: value for name, value in self.options.model_dump().items() if name not in TRANSPORT}
            self.journal = Journal(self.configuration.place(self.options.state), settings, self.options.resume)
        if self.journal is not None:
            if any(spec.world != (0, 0) for spec in specs.values()):
                allowed = "none where worlds are drawn (a rolling run): a run that went on would draw others"
                raise self.configuration.error_for("options.state", self.options.state, allowed)
            self.journal.about(case)
        there = [name for name in specs if name not in absent]
        if self.workers is None:
            self.workers = self.parties.open(case, {name: spec.standing() for name, spec in specs.items()})
            there = [name for name in specs if name not in self.held]  # a run begins with everybody else
        if isinstance(self.workers, Network):
            self.workers.wait(there)
        self.traits = {name: self.parties.traits(name, spec, self.workers) for name, spec in specs.items()}
        return Exchange(PublicCase.of(case), self.workers, self.traits, self.options, Log(), self.callback, self.journal)

    def _turn(self, case: JointPlanCase, absent: Collection[str], exchange: Exchange) -> None:
        """Have parties answer by the records of a case from now on, if others were asked for by another exchange before.

        Agents go on who know the same as before, and the `absent` are left alone.
        """
        if exchange is self.at_work:
            return
        if self.at_work is not None and self.at_work.workers is exchange.workers:
            self.at_work.settle(absent)
        self.at_work, workers = exchange, exchange.workers
        meant = {}  # of whom another record at home is meant than the one by which he answers
        for name in [name for name in case.names if name not in absent]:
            spec, now = self.parties.spec(case, name), workers.specs[name]
            if now.standing(spec.world, spec.lie) != spec or name in workers.dead:
                workers.replace(name, spec.standing())
            if spec != workers.specs[name]:
                meant[name] = spec
        for name, spec in meant.items():
            for asked, able, what in (
                (spec.world[1], self.traits[name].weeks, "keeps its weeks to itself, as a rolling run needs it: world, execute"),
                (spec.lie, self.traits[name].misreports, "answers by misreports of its own: misreport, and misreports = True"),
            ):
                if asked and not able:
                    raise InputError.of(f"agents.{name}", "<an agent>", f"one that {what}", "consensus")
        try:
            exchange.stand(meant)
        except SilentError:  # who did answer is to be told the rest, when somebody goes on without the others
            self.at_work = None
            raise
