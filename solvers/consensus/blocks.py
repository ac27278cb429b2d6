"""Consensus of any Pyomo model whose parties are blocks: who is tied to whom is all that a coordinator is told of it.

That, and answers: contributions in every round, two costs at checks. They reveal what they reveal, as in joint plans: enough
of them tell a cost model. Where the blocks stand in one process, as here, whoever runs it has them all; with workers =
processes each party's arrays are in a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import NotSolvedError
from veridical.models.info import info_of
from veridical.solvers.certificate import ACCEPTED, Certificate, Point, ratio
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.block_agent import QuadraticBlock, SmoothBlock, agent_of
from veridical.solvers.consensus.carriers import AgentSpec, InProcessWorkers, Processes
from veridical.solvers.consensus.exchange import Round
from veridical.solvers.consensus.links import Links, read
from veridical.solvers.consensus.messages import Log
from veridical.solvers.consensus.options import Options, options
from veridical.solvers.consensus.sharing import Agreement, Sharing
from veridical.solvers.packaging import by_family
from veridical.solvers.solution import Duals, Seconds, Solution, SolutionStatus, SolverRecord

__all__ = ["solve"]

GAP = 1e-6  # of the cost, unless options say otherwise
ELSEWHERE = (  # of joint plans alone
    *("interfaces", "strong_convexity", "smoothness", "noise", "values", "when_lost", "scheduler"),
    *("listen", "certificate", "key", "tokens", "absence", "state", "resume"),
)
PRIVATE = "prices of a party's own limits stay with the party: links alone have a price that all agree on"
BASIS = "the least that each party says its cost can be at the prices agreed on"


def solve(
    m: Any,
    parties: Any,
    solver: str | Path | Mapping[str, Any] | Configuration = "consensus",
    *,
    log: Log | None = None,
    callback: Callable[[Round], None] | None = None,
) -> Solution:
    """Solve a model of blocks by consensus: each party optimises its own block, and all agree on a price for each link.

    The objective is the sum of the parties' costs, each convex in the party's own variables over its own constraints; what ties
    parties together are linear equalities outside of the blocks, sum_i A_i x_i = b. In a round a party answers to a plan and to
    prices with A_i x_i and nothing else; every few rounds it says besides how little it could pay at the prices, and what
    the plan costs it, from which the bound and the cost are made up. See `Sharing` for the algebra.

    Parameters
    ----------
    m
        The model; it holds the solution afterwards.
    parties
        Its blocks: an indexed Block, a mapping of names to blocks, or a list of them; each has an Expression `cost`, currency.
    solver
        "consensus", a table or a TOML file with options as `Options` has them: gap (relative to the cost here; 1e-6), rounds, rho
        (found by itself where it is left out), relaxation, balance, check, patience, timeout, restarts, workers (inline or
        processes), largest (the size above which no contribution is worth while, for costs that have no least value otherwise).
    log
        Takes every message that leaves a party.
    callback
        Called after every round.

    Returns
    -------
    Solution
        `optimal` where the gap is proven. `bound`: what any plan costs at least, from the prices. `duals`: of the links alone,
        the prices agreed on, in Pyomo's orientation as elsewhere.

    Raises
    ------
    InputError
        For options that are not known or do not fit, and for a model that is none of blocks and links: a link that is an
        inequality or not linear, variables of nobody in a link, integers, a cost that is not convex, an objective that is not
        the sum of the costs; each by its name.
    NotSolvedError
        Where rounds or time ran out; with `accept = "feasible"` the best plan is returned where there is one.
    CertificateError
        For a plan that does not pass its certificate.

    Examples
    --------
    >>> m = pyo.ConcreteModel()
    >>> m.party = pyo.Block(["mill", "bakery"])
    >>> m.party["mill"].sold = pyo.Var(bounds=(0, 10))
    >>> m.party["mill"].cost = pyo.Expression(expr=m.party["mill"].sold ** 2)
    >>> m.party["bakery"].bought = pyo.Var(bounds=(0, 10))
    >>> m.party["bakery"].cost = pyo.Expression(expr=-8 * m.party["bakery"].bought)
    >>> m.flour = pyo.Constraint(expr=m.party["bakery"].bought == m.party["mill"].sold)
    >>> m.total = pyo.Objective(expr=m.party["mill"].cost + m.party["bakery"].cost)
    >>> solution = solve(m, m.party)
    >>> round(solution.objective, 3), round(m.party["mill"].sold.value, 1), round(float(solution.duals["flour"].iloc[0]), 1)
    (-16.0, 4.0, -8.0)
    """
    from veridical import solvers  # that package imports this one

    began = perf_counter()
    configuration, settings = options(solver)
    deadline = monotonic() + (configuration.time_limit or math.inf)
    _refuse_options(configuration, settings)
    settings = settings if "gap" in settings.model_fields_set else settings.changed(gap=GAP)
    links = read(m, parties)
    agents: dict[str, QuadraticBlock | SmoothBlock] = {}
    try:
        for name in links.blocks:
            agents[name] = agent_of(links, name, settings.largest)
            if settings.workers == "processes" and isinstance(agents[name], SmoothBlock):
                allowed = f"inline: the cost of {name} is not quadratic, and its agent is the block itself"
                raise configuration.error_for("options.workers", "processes", allowed)
        built = perf_counter()
        try:
            agreement = _agree(m.name, links, agents, settings, deadline, Log() if log is None else log, callback)
        except NotSolvedError:
            for name, block in links.blocks.items():  # of a party that can do nothing, say what stands against it
                solvers.solve(block, "ipopt" if isinstance(agents[name], SmoothBlock) else "highs")
            raise
        if not agreement.converged and (configuration.accept != "feasible" or not math.isfinite(agreement.cost)):
            raise NotSolvedError(_sentence(m.name, agreement), agreement.termination)
        for name, agent in agents.items():
            agent.decide(agreement.plan[name])
    finally:
        for agent in agents.values():
            agent.close()
    seconds = Seconds(build=built - began, solve=perf_counter() - built)
    return _packaged(m, links, agreement, settings, seconds)


def _refuse_options(configuration: Configuration, settings: Options) -> None:
    """Raise InputError for options that mean nothing here."""
    for name in ELSEWHERE:
        if name in settings.model_fields_set:
            allowed = "not here: parties of a model of blocks answer as proximal agents, and without one of them there is no plan"
            raise configuration.error_for(f"options.{name}", getattr(settings, name), allowed)
    if settings.workers not in ("inline", "processes"):
        raise configuration.error_for("options.workers", settings.workers, "inline or processes for a model of blocks")


def _agree(
    name: str,
    links: Links,
    agents: Mapping[str, Any],
    settings: Options,
    deadline: float,
    log: Log,
    callback: Callable[[Round], None] | None,
) -> Agreement:
    kind = InProcessWorkers if settings.workers == "inline" else Processes
    workers = kind({name: AgentSpec(agent=agent) for name, agent in agents.items()}, settings.timeout, settings.restarts)
    try:
        return Sharing(name, links.shares, links.right, workers, settings, log, callback).go(deadline)
    finally:
        workers.close()


def _sentence(name: str, agreement: Agreement) -> str:
    over = "time" if agreement.termination == "time_limit" else "rounds"
    return f"{name}: consensus ran out of {over} after {agreement.rounds} rounds: {agreement.why}"


def _packaged(m: Any, links: Links, agreement: Agreement, settings: Options, seconds: Seconds) -> Solution:
    """Return the solution that the model holds now, certified by the whole model."""
    form, optimal = links.form, agreement.converged
    x = np.array([variable.value for variable in form.variables], dtype=float)
    point = Point(form, x)
    objective, bound = form.minimised(x), agreement.bound + links.offset
    gap = ratio(abs(objective - bound), point.scale(objective)) if math.isfinite(bound) else math.nan
    certificate = Certificate(point.violation(), None, None, gap, "global" if optimal else "feasible", BASIS)
    prices = -agreement.price + 0.0  # no -0: what one more unit of the right-hand side costs all
    suffix = m.component("dual")
    if isinstance(suffix, pyo.Suffix) and suffix.import_enabled():
        suffix.clear()
        suffix.update(zip(links.constraints, prices.tolist(), strict=True))
    duals = by_family(info_of(m), replace(form, constraints=links.constraints), prices)
    rho = float(np.median(agreement.rho)) if len(agreement.rho) else settings.rho
    record = {**settings.model_dump(), "rho": rho, "rounds_taken": agreement.rounds}
    solution = Solution(
        objective=objective,
        bound=bound if math.isfinite(bound) else math.nan,
        certificate=certificate,
        solver=SolverRecord("consensus", version("veridical"), record, None, seconds),
        status=SolutionStatus.OPTIMAL if optimal else SolutionStatus.FEASIBLE,
        termination=agreement.termination,
        duals=Duals({family: partial(duals.__getitem__, family) for family in duals}, PRIVATE),
    )
    feasible = not optimal and certificate.primal_residual <= ACCEPTED
    return solution if feasible else solution.checked(gap=settings.gap)
