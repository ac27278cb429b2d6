"""VCG of any Pyomo model whose parties are blocks: the plan, what each party is paid, and the worlds without each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyomo.environ as pyo
from pyomo.common.modeling import unique_component_name

from veridical.contracts.comparison import TOLERANCE
from veridical.contracts.vcg import VCGOutcome, groves
from veridical.data import InputError, NotSolvedError, VeridicalError
from veridical.data.lazy import pd
from veridical.data.progress import counted
from veridical.models.parties import Parties, held, untouched
from veridical.solvers import solve
from veridical.solvers.certificate import ACCEPTED, Point
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.solution import Solution, SolutionStatus, Termination
from veridical.solvers.translate.components import refuse_no_model, sos_violation
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["Game", "Without", "objective", "optimum", "vcg"]

Name = Any  # of a party: whatever indexes its block
CONSENSUS = "consensus"
PIVOTS = "clarke, none, or amounts that do not depend on a party's own report: a mapping by party, or a function of its name"


def vcg(
    m: Any,
    parties: Any,
    pivot: str | Mapping[Any, float] | Callable[[Any], float] = "clarke",
    absent: Callable[[Any, Any], object] | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration = "highs",
) -> VCGOutcome:
    """Return the plan at the least total cost of a model of parties, and transfers with which truth is best for each of them.

    Each party is paid h_i - [C - c_i]: C what the plan costs all of them and nobody, c_i what it costs the party itself. With
    Clarke's pivot h_i is the least total in the world without i. See `veridical.contracts.vcg`.

    Parameters
    ----------
    m
        A Pyomo model; it holds the plan afterwards, and is otherwise as it was. Its one active objective minimises the sum of the
        parties' costs, each once, and of whatever is nobody's (an operator's own cost), which stays in every world. To maximise
        values, let `cost` be minus the value, and maximise minus the sum.
    parties
        An indexed Block, or a mapping or list of Blocks of the model (or of their names). Each has variables and constraints,
        and a scalar Expression or Var `cost`, currency, in which no other party's variables or Params stand.
    pivot
        `clarke`; `none`, h_i = 0; or h_i by party, a mapping or a function of the name, which must not depend on its report.
    absent
        `absent(model, name)` alters a copy of the model so that it is the world without the party, for example with the party's
        share of the plan fixed at a baseline. Its own cost does not count there. By default its block is deactivated, and its
        variables that occur elsewhere are 0.
    solver
        As `veridical.solvers.solve` takes it; or `consensus`, for models that `veridical.solvers.consensus.blocks` takes: no
        party hands over its block then (`audit` looks at all of them nevertheless). It has to prove its optima, within a gap.

    Returns
    -------
    VCGOutcome
        `transfers`, `net_gains`, `costs`, `counterfactuals` (Series by party), `budget`, `epsilon`, `solution`; `explain()`, and
        `audit()`, which tries misreports.

    Raises
    ------
    InputError
        For what is no such model (see `Parties.of`), an unknown pivot, and an `absent` that cannot be used; where a variable
        outside of all blocks decides what the world without a party is, since nobody else knows it.
    NotSolvedError
        Where there is no optimum, or only a local one: transfers of that are not VCG's. Where there is none without a party,
        which nobody can replace then, the error names it.
    CertificateError
        As `veridical.solvers.solve`.

    Notes
    -----
    Groves, Incentives in teams, Econometrica 41, 1973; Clarke, Multipart pricing of public goods, Public Choice 11, 1971.

    Examples
    --------
    >>> values = {"Ada": 9.0, "Ben": 5.0, "Cleo": 2.0}
    >>> m = pyo.ConcreteModel()
    >>> def bidder(block, name):
    ...     block.gets = pyo.Var(domain=pyo.Binary)
    ...     block.cost = pyo.Expression(expr=-values[name] * block.gets)
    >>> m.party = pyo.Block(list(values), rule=bidder)
    >>> m.one_item = pyo.Constraint(expr=sum(block.gets for block in m.party.values()) <= 1)
    >>> m.total = pyo.Objective(expr=sum(block.cost for block in m.party.values()))
    >>> outcome = vcg(m, m.party)
    >>> outcome.transfers.to_dict(), outcome.budget  # the second price
    ({'Ada': -5.0, 'Ben': 0.0, 'Cleo': 0.0}, 5.0)
    >>> outcome.audit(misreports=2).truthful
    True
    """
    refuse_no_model(m)
    if m.model() is not m:
        raise InputError.of("m", f"<the Block {m.name} of another model>", "a model, which is copied as a whole", m.model().name)
    configuration, read = configure(solver), Parties.of(m, parties)
    amounts = _amounts(pivot, read)
    if absent is not None and (not callable(absent) or amounts is not None):
        allowed = "a function of a model and a party's name, with pivot = clarke, which alone looks at the world without a party"
        raise InputError.of("absent", absent, allowed, m.name)
    solution = optimum(read, configuration)
    costs, total = read.costs(), read.sign * solution.objective
    game = Game(m, read.on(m.clone()), configuration, absent, amounts is None, amounts or {})
    if game.clarke:
        game.amounts = {name: game.without(game.parties, name) for name in counted("counterfactual plan", read.names)}
    transfers = groves({name: world.total for name, world in game.amounts.items()}, total, costs)
    index = pd.Index(read.names, name="party", tupleize_cols=False)

    def series(figures: list[float], what: str) -> pd.Series:
        return pd.Series(figures, index=index[: len(figures)], dtype=float, name=what)

    worlds = list(game.amounts.values())
    return VCGOutcome(
        costs=series(list(costs.values()), "cost"),
        transfers=series([transfer + 0.0 for transfer in transfers.values()], "transfer"),
        absence_costs=series([world.absence_cost for world in worlds], "absence_cost"),
        counterfactuals=series([read.sign * world.total + 0.0 for world in worlds] if game.clarke else [], "objective"),
        pivot=pivot if isinstance(pivot, str) else "given",
        objective=solution.objective,
        of_nobody=read.sign * float(pyo.value(read.of_nobody)) + 0.0,
        epsilon=gap_of(solution) + max(world.gap for world in worlds),
        mixed_integer=any(not v.fixed and not v.is_continuous() for v, _ in read.occurs.values()),
        solution=solution,
        sense="minimize" if read.sign > 0 else "maximize",
        _search=partial(_searched, game),
    )


class Without(NamedTuple):
    """The world without a party: the others' least total, by what it may be off, and what being absent costs; currency."""

    total: float
    gap: float = 0.0
    absence_cost: float = 0.0


@dataclass(eq=False)
class Game:
    """A model of parties, a copy of it that may be altered, who solves it, and what is looked at without a party.

    `amounts`: the worlds without each by the truth; of other pivots than clarke, given amounts that stand in their place.
    """

    original: Any
    parties: Parties
    configuration: Configuration
    absent: Callable[[Any, Any], object] | None
    clarke: bool
    amounts: dict[Name, Without] = field(default_factory=dict)

    @property
    def alone(self) -> Configuration:
        """Who plans for one who holds all blocks: what a consensus is audited by, and a party's own plan is priced with."""
        if self.configuration.solver != CONSENSUS:
            return self.configuration
        smooth = compile_model(self.parties.model, nonlinear=True).nonlinear is not None
        return configure("ipopt" if smooth else "highs")

    def without(self, parties: Parties, name: Name) -> Without:
        """Return the world without a party, by what the parties of a copy report; raise NotSolvedError that names the party."""
        if not self.clarke:
            return self.amounts[name]
        try:
            return self._gone(parties, name) if self.absent is None else self._altered(parties, name, self.absent)
        except NotSolvedError as error:
            hint = ""
            if error.status == Termination.INFEASIBLE:
                hint = "; nobody can take its place: say by `absent` how the world without it looks, or choose another pivot"
            raise NotSolvedError(f"without {name}: {error}{hint}", error.status) from error

    def _gone(self, parties: Parties, name: Name) -> Without:
        with parties.gone(name), objective(parties, parties.total(without=name)):
            solution = optimum(parties, self.configuration)
            self._refuse_unclaimed(parties, name, solution)
        return Without(parties.sign * solution.objective, gap_of(solution))

    def _altered(self, parties: Parties, name: Name, absent: Callable[[Any, Any], object]) -> Without:
        """Return the world without a party as `absent` makes it: with its share fixed, its block has no part in the others' plan.

        So what it reports does not enter their total. Where its block stays at work, it prices the share that is left to it.
        """
        copy = parties.model.clone()
        with untouched(self.original, "absent"):
            absent(copy, name)
        there = parties.on(copy, name)
        block = there.blocks[name]
        free = [v.name for v in there.links(name) if not v.fixed]
        if free:
            allowed = f"a function that fixes whatever of {name} occurs outside of its block: it chooses nothing there"
            raise InputError.of("absent", f"<a world in which {', '.join(free[:5])} can be chosen>", allowed, self.original.name)
        at_work = block.active
        block.deactivate()
        there.objective.set_value(there.total(without=name))
        solution = optimum(there, self.configuration)
        if not at_work:
            return Without(there.sign * solution.objective, gap_of(solution))
        block.activate()
        own = self.least_cost(there, name)
        if own is None:
            raise NotSolvedError("its own block has no place for what `absent` leaves it", Termination.INFEASIBLE)
        return Without(there.sign * solution.objective, gap_of(solution), own)

    def _refuse_unclaimed(self, parties: Parties, name: Name, solution: Solution) -> None:
        """Raise InputError where variables that only the party knows, and that stand in no block, matter without it."""
        loose = [v for v in parties.unclaimed(name) if v.value]
        if not loose:
            return
        for v in loose:
            v.fix(0.0)
        try:
            again = optimum(parties, self.configuration).objective
        except VeridicalError:  # InputError too: 0 may not be within the bounds
            again = math.inf
        for v in loose:
            v.unfix()
        size = math.fsum(abs(cost) for other, cost in parties.costs().items() if other != name)
        if abs(again - solution.objective) > TOLERANCE * max(size, abs(solution.objective)):
            allowed = (
                f"a function that says whether {loose[0].name} is there without {name}: it stands in no block, and no other "
                f"party knows it. Or let it stand in the block"
            )
            raise InputError.of("absent", None, allowed, self.original.name)

    def kept(self) -> bool:
        """Whether the plan that the model holds is one that the truth allows."""
        try:
            return _feasible(compile_model(self.parties.model, nonlinear=True, sos=True))
        except NotSolvedError:  # constants that do not hold
            return False

    def least_cost(self, parties: Parties, name: Name) -> float | None:
        """Return the least that a plan costs a party by its own block, its share of the plan as the model holds it.

        None where the block has no place for that share.
        """
        block = parties.blocks[name]
        label = unique_component_name(block, "least_cost")
        block.add_component(label, pyo.Objective(expr=parties.cost(name)))
        share = {id(v): v for v in (*parties.links(name), *parties.others(name)) if v.value is not None}
        found: list[float] = []
        try:
            form = compile_model(block, nonlinear=True, sos=True)
            if _feasible(form):
                found.append(float(pyo.value(parties.cost(name))))
            if any(id(v) not in share for v in form.variables):  # decisions of its own, that nobody else sees
                with held(share.values()):
                    found.append(proven(solve(block, self.alone), block.name).objective)
        except VeridicalError:  # InputError too: a share may be beyond what the truth allows
            pass
        finally:
            block.del_component(label)
        return min(found, default=None)


def _feasible(form: StandardForm) -> bool:
    """Whether the values that a model holds meet its constraints, within what a certificate accepts."""
    x = np.array([v.value for v in form.variables], dtype=float)
    violations = [Point(form, x).violation(), *(sos_violation(one) for one in form.sos)]
    return all(violation <= ACCEPTED for violation in violations)


def optimum(parties: Parties, configuration: Configuration) -> Solution:
    """Return a proven optimum of all parties that are there; raise NotSolvedError for what is a local one, or none."""
    if configuration.solver == CONSENSUS:
        from veridical.solvers.consensus import blocks  # agents and their processes, which nobody else needs

        there = {name: block for name, block in parties.blocks.items() if block.active}
        solution = blocks.solve(parties.model, there, configuration)
    else:
        solution = solve(parties.model, configuration)
    return proven(solution, parties.model.name)


def proven(solution: Solution, name: str) -> Solution:
    """Return a solution that is a proven optimum; raise NotSolvedError for any other."""
    if solution.status is SolutionStatus.OPTIMAL and math.isfinite(solution.bound):
        return solution
    status = str(solution.status).replace("_", " ")
    why = "VCG transfers are differences of proven optima, and by others truth need not be best"
    raise NotSolvedError(f"{name}: {solution.solver.name} came to a result that is {status} only; {why}", solution.status)


def gap_of(solution: Solution) -> float:
    """Return by how much an objective may be off, currency."""
    return abs(solution.objective - solution.bound)


@contextmanager
def objective(parties: Parties, expression: Any) -> Iterator[None]:
    """Have another expression for the objective for a while."""
    before = parties.objective.expr
    parties.objective.set_value(expression)
    try:
        yield
    finally:
        parties.objective.set_value(before)


def _amounts(pivot: Any, parties: Parties) -> dict[Name, Without] | None:
    """Return what stands in place of the worlds without each party; None for clarke, which looks at them."""
    if isinstance(pivot, str):
        if pivot not in ("clarke", "none"):
            raise InputError.of("pivot", pivot, PIVOTS, parties.model.name)
        return None if pivot == "clarke" else dict.fromkeys(parties.names, Without(0.0))
    if not (callable(pivot) or isinstance(pivot, (Mapping, pd.Series))):
        raise InputError.of("pivot", pivot, PIVOTS, parties.model.name)
    by_party = {name: pivot(name) for name in parties.names} if callable(pivot) else dict(pivot.items())
    for name in [*by_party, *parties.names]:
        amount = by_party.get(name)
        if name not in parties.blocks:
            there = ", ".join(map(str, parties.names))
            raise InputError.of(f"pivot.{name}", amount, f"amounts of parties that are there: {there}", parties.model.name)
        if isinstance(amount, (bool, str)) or amount is None or not math.isfinite(amount):
            raise InputError.of(f"pivot.{name}", amount, "a finite number for every party", parties.model.name)
    return {name: Without(float(by_party[name])) for name in parties.names}


def _searched(game: Game, *arguments: Any) -> Any:
    from veridical.solvers.vcg_misreports import searched  # which imports this module

    return searched(game, *arguments)
