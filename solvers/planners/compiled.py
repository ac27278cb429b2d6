"""Plans by arrays: each party's program is kept by its record, put together with those of others, solved and certified."""

from __future__ import annotations

from collections.abc import Collection, Generator, Hashable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from veridical import models
from veridical.contracts.joint_plan.planner import Plan, activity_cost
from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.data.garbage import without_collections
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import pd
from veridical.data.progress import step
from veridical.models.info import MechanismModel, describe, info_of
from veridical.solvers.certificate import ACCEPTED
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.packaging import Point, package_solution
from veridical.solvers.planners.alongside import alongside, cores
from veridical.solvers.planners.optimum import QUICK, Found, optimum
from veridical.solvers.planners.programs import Between, Joined, PartyProgram, joined
from veridical.solvers.sensitivity import Lagrangian
from veridical.solvers.solution import Seconds, Solution
from veridical.solvers.ties import EXACT, evened
from veridical.solvers.translate.standard_form import compile_model

__all__ = ["CompiledPlans"]

FLOWS = 300_000  # of all programs that are kept
PRICES = 16  # of a party, at the latest shares of plans
FEWEST = 2  # records of a party, however large: the true one, and what it reports


class Solved(NamedTuple):
    """Parties' programs put together and solved, and when that began: the first, and the second."""

    whole: Joined
    found: Found
    began: tuple[float, float]


@dataclass(eq=False)
class CompiledPlans:
    """Plans and costs of convex parties, by HiGHS as it is configured; None: by PIQP first, where that is quick.

    Raises InputError and NotSolvedError for parties, and plans, that this is not the way to: `solving` then has another, or the
    reason in the words of a whole model.
    """

    solver: Configuration | None
    _kept: dict[Hashable, PartyProgram] = field(default_factory=dict, repr=False)

    def party(self, case: JointPlanCase, name: str) -> PartyProgram:
        """Return a party's program."""
        key = case.party(name), case.shared
        program = self._kept.pop(key, None) or PartyProgram.of(case.part(name))
        self._kept[key] = program  # the latest at the end
        if len(self._kept) > len(case.parties) * max(FEWEST, FLOWS // (len(case.parties) * len(case.shared.flows))):
            del self._kept[next(iter(self._kept))]
        return program

    def cost(self, case: JointPlanCase, name: str, share: Array) -> float:
        """Return a party's least cost at its share of a plan."""
        party, key = self.party(case, name), share.tobytes()
        if key not in party.costs:  # who stays at the baseline is priced there with every plan
            program = party.at(share)
            party.costs[key] = program.form.minimised(optimum(name, program.form, self.solver, ACCEPTED).point.x)
            if len(party.costs) > PRICES:
                del party.costs[next(iter(party.costs))]
        return party.costs[key]

    def baseline(self, case: JointPlanCase) -> tuple[Array, Solution]:
        """Return the receivers' own plan, just in time, and its solution."""
        began = perf_counter()
        if case.shared.truckload:  # whole trucks are the suppliers' matter
            case = case.changed(truckload=False)
        parties = {name: self.party(case, name) for name in case.receivers}
        whole = joined(parties, case.shared, tie_break=case.mechanism.tie_break)
        translated = perf_counter()
        found = optimum("jit", whole.program.form, self.solver)
        return whole.plan(found.point.x, case.shared, None), _solution("jit", whole, found, (began, translated))

    def plan(self, case: JointPlanCase, baseline: Array | None, absent: tuple[str, ...], activity_fee: float) -> Plan:
        """Return the plan at the least cost of all but those absent, with what it costs each of the others."""
        with without_collections():
            began = perf_counter()
            with step("compile joint"):
                parties = {name: self.party(case, name) for name in case.names if name not in absent}
                whole = joined(parties, case.shared, baseline, activity_fee)
            translated = perf_counter()
            with step("solve joint"):
                found = self._solved(whole, absent)
            return self._plan(case, baseline, absent, activity_fee, Solved(whole, found, (began, translated)))

    def plan_each(
        self, case: JointPlanCase, baseline: Array | None, absences: Sequence[tuple[str, ...]], activity_fee: float
    ) -> Generator[Plan | None, None, None] | None:
        """Return an iterator of such plans, which are solved at the same time, in the order of `absences`.

        None in place of a plan that this is not the way to, and of the iterator where nothing would be won by it.
        """
        workers = min(len(absences), cores() if self.solver is None else self.solver.threads or cores())
        if workers < 2:
            return None
        parties = {name: self.party(case, name) for name in case.names}
        if not _large(parties):
            return None
        return self._alongside(case, baseline, absences, activity_fee, parties, workers)

    def _alongside(
        self,
        case: JointPlanCase,
        baseline: Array | None,
        absences: Sequence[tuple[str, ...]],
        activity_fee: float,
        parties: Mapping[str, PartyProgram],
        workers: int,
    ) -> Generator[Plan | None, None, None]:
        one_at_a_time = Lock()  # what is cached of parties is theirs alone

        def work(absent: tuple[str, ...]) -> Solved | None:
            began = perf_counter()
            there = {name: party for name, party in parties.items() if name not in absent}
            with suppress(InputError, NotSolvedError):
                with one_at_a_time:
                    whole = joined(there, case.shared, baseline, activity_fee)
                translated = perf_counter()
                return Solved(whole, self._solved(whole, absent), (began, translated))
            return None

        with closing(alongside(work, absences, workers)) as results:
            for absent in absences:
                with step("solve joint"):
                    solved = next(results)
                plan = None
                if solved is not None:
                    with suppress(CertificateError):
                        plan = self._plan(case, baseline, absent, activity_fee, solved)
                yield plan

    def _solved(self, whole: Joined, absent: tuple[str, ...]) -> Found:
        """Return the optimum, of several the evenest.

        A large plan without somebody is solved beside others, or might be: by HiGHS, as PIQP lets no other thread go on.
        """
        form = whole.program.form
        beside = self.solver is None and absent and _large(whole.parties)
        found = optimum("joint", form, configure("highs") if beside else self.solver)
        if found.point.certificate.gap <= EXACT and found.point.row_dual is not None:
            x, certificate, bound = evened("joint", form, found.point.x, found.point.row_dual, whole.of_receivers)
            found = found._replace(point=Point(x, found.point.row_dual, certificate, bound))
        return found

    def _plan(
        self, case: JointPlanCase, baseline: Array | None, absent: tuple[str, ...], activity_fee: float, solved: Solved
    ) -> Plan:
        """Return the plan that an optimum is, certified."""
        whole, found, began = solved
        solution = _solution("joint", whole, found, began)
        units = whole.plan(found.point.x, case.shared, baseline)
        derivatives = partial(_derivatives, case, baseline, absent, activity_fee, whole, found.point)
        return Plan(
            shared=case.shared,
            units=units,
            costs=whole.costs(found.point.x),
            fee=activity_cost(case.shared, units, baseline, activity_fee) if baseline is not None else 0.0,
            bound=solution.bound,
            prices=whole.prices(found.point.row_dual, case.shared),
            duals=solution.duals,
            non_participants=absent,
            identities=whole.info.identities,
            solution=replace(solution, derivatives=derivatives),
        )


def _large(parties: Mapping[str, PartyProgram]) -> bool:
    """Whether plans of parties are so large that time is won by solving several at once."""
    return sum(len(party.form.cost) for party in parties.values()) > QUICK


def _solution(name: str, whole: Joined, found: Found, began: tuple[float, float]) -> Solution:
    """Return the certified solution of parties' programs that are put together."""
    empty = MechanismModel(name=name)
    describe(empty, whole.info)
    seconds = Seconds(0.0, began[1] - began[0], perf_counter() - began[1])
    return package_solution(empty, whole.program.form, found.point, found.solver, found.options, seconds).checked()


def _derivatives(
    case: JointPlanCase, baseline: Array | None, absent: Collection[str], activity_fee: float, joint: Joined, point: Point
) -> pd.Series:
    """Return the optimum's derivatives by the numbers of all records: of the model of all parties, which is built for that."""
    model = models.joint_plan.joint.build(case, baseline, absent, activity_fee)
    whole, form = compile_model(model), joint.program.form
    columns, rows = ({_named(each): k for k, each in enumerate(part)} for part in (form.variables, form.constraints))
    x = point.x[[columns[_named(variable)] for variable in whole.variables]]
    assert point.row_dual is not None
    duals = point.row_dual[[rows[_named(constraint)] for constraint in whole.constraints]]
    reduced = whole.gradient(x) - whole.matrix.T @ duals
    return Lagrangian(info_of(model).standing(model), model.total_cost.expr, whole, x, duals, reduced).derivatives()


def _named(component: Any) -> Hashable:
    """Return what a row or column is known by in every model of the parties."""
    if isinstance(component, Between):
        return component.family, component.flow
    of_model = component.parent_block().parent_block() is None
    return (component.parent_component().local_name, component.index()) if of_model else component.name
