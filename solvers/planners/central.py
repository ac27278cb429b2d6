"""The plans that somebody with all reports can compute: the baseline, the joint plan, counterfactuals; costs of any plan."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical import models
from veridical.contracts.joint_plan.planner import Plan, activity_cost
from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, Part
from veridical.data.lazy import pd
from veridical.models.info import info_of
from veridical.solvers.configuration import configure
from veridical.solvers.planners.compiled import CompiledPlans
from veridical.solvers.planners.core_gains import core_gains
from veridical.solvers.planners.solving import Solver, solved
from veridical.solvers.solution import Solution

__all__ = ["Central", "cost_at", "costs_at", "joint", "just_in_time", "party_at"]

# Of the largest flow: less is rounding, and what must balance it could not be told from it, so that no way of HiGHS's came to a
# certificate of what it costs (2,160 flows: traces of up to 1e-11, and seconds for nothing). As in a certificate.
TRACE = 1e-9


def just_in_time(case: JointPlanCase, solver: Solver | None = None, priced: bool = True) -> Plan:
    """Return the baseline, just in time: the receivers' own plan, which is unique (see `Parameters.tie_break`).

    Parameters
    ----------
    case
        The reports.
    solver
        As `veridical.solvers.solve` takes it; None: HiGHS, and Ipopt where it does not come to a certificate.
    priced
        Whether the plan is to say what it costs each party.

    Returns
    -------
    Plan
        Units by flow, and costs where they are asked for.

    Raises
    ------
    NotSolvedError, CertificateError
        As `veridical.solvers.solve`.

    Examples
    --------
    >>> from veridical.data import example
    >>> len(just_in_time(example("carriers"), priced=False).units)
    270
    """
    central = Central(solver)
    units, solution = central.just_in_time(case)
    return Plan(case.shared, units, central.costs(case, units) if priced else {}, solution=solution)


def joint(
    case: JointPlanCase,
    solver: Solver | None = None,
    baseline: Any = None,
    non_participants: Collection[str] = (),
    activity_fee: float = 0.0,
) -> Plan:
    """Return the plan at the least cost of all parties that take part, with what it costs each of them.

    Parameters
    ----------
    case
        The reports.
    solver
        As `veridical.solvers.solve` takes it; None: HiGHS, and Ipopt where it does not come to a certificate.
    baseline
        The plan at which `non_participants` stay, and from which activity is counted.
    non_participants
        Who stays at the baseline. With every receiver or every supplier among them nothing is left to decide, and the others are
        priced there.
    activity_fee
        Currency per m3 of difference from the baseline, paid in the objective and told apart as `fee`.

    Returns
    -------
    Plan
        Units, costs, bound, and the duals of the joint model.

    Raises
    ------
    NotSolvedError, CertificateError
        As `veridical.solvers.solve`.

    Examples
    --------
    >>> from veridical.data import example
    >>> round(joint(example("carriers")).objective, -2)
    193200.0
    """
    return Central(solver).joint(case, baseline, non_participants, activity_fee)


def _joint(
    case: JointPlanCase,
    solver: Solver | None,
    baseline: Any,
    non_participants: Collection[str],
    activity_fee: float,
    begin: Any = None,
) -> tuple[Plan, Any]:
    """Return the plan and the solved model.

    `begin`: a solved joint model of the same parties, whose values are begun with by solvers that do. Ipopt then took a tenth to
    a third of the time for a plan without one supplier or with another report (324 flows); HiGHS's interior point takes no start.
    """
    absent = tuple(dict.fromkeys(non_participants))
    began = perf_counter()
    m = models.joint_plan.joint.build(case, baseline, absent, activity_fee)
    built = perf_counter() - began
    if begin is not None:
        _begin(m, begin)
    solution = solved(m, solver, [m.parties[flow[1]].plan[flow] for flow in m.agreement])
    solution = replace(solution, solver=replace(solution.solver, seconds=replace(solution.solver.seconds, build=built)))
    units = models.joint_plan.joint.plan_of(m)
    plan = Plan(
        shared=case.shared,
        units=units,
        costs={name: float(pyo.value(party.cost)) for name, party in m.parties.items()},
        fee=activity_cost(case.shared, units, case.shared.vector(baseline), activity_fee) if activity_fee else 0.0,
        bound=solution.bound,
        prices=solution.duals.get("agreement", pd.Series(dtype=float, name="dual")),
        duals=solution.duals,
        non_participants=absent,
        identities=info_of(m).identities,
        solution=solution,
    )
    return plan, m


# Relative gap of the joint model at which its blocks say what the plan costs each party: none is above its least cost by more
# than the gap. To ask the parties' own models took longer than the plan (0.3 s against 0.1 s, 324 flows).
PROVEN = 1e-9
# Parties' arrays are not the way to a plan, or there is none: the model of all parties has the words for it.
ANOTHER_WAY = (InputError, NotSolvedError, CertificateError)


def _begin(model: Any, solved: Any) -> None:
    """Give the variables of each party's block the values that they have in a solved model, where that has them."""
    for name in set(model.parties) & set(solved.parties):
        for component in model.parties[name].component_objects(pyo.Var):
            values = solved.parties[name].component(component.local_name) or {}
            for key, variable in component.items():
                if key in values and not variable.fixed:
                    variable.set_value(values[key].value, skip_validation=True)


def _of_plan(absent: Collection[str], error: Exception) -> str:
    return f"the plan without {' and '.join(absent)}: {error}" if absent else str(error)


def party_at(
    case: JointPlanCase | Part, name: str | None, plan: Any, solver: Solver | None = None, even: bool = False
) -> tuple[Any, Solution]:
    """Return a party's own model, solved with the shared plan fixed, and the certified solution.

    `plan` is over the flows of the case (or part). `even`: of equally good solutions the one with the least sum of squares of
    what the party decides.
    """
    m = models.joint_plan.party_model(case, name)
    share = case.shared.vector(plan)
    if isinstance(case, JointPlanCase):
        share = share[case.shared.share(str(name))]
    share = without_traces(share)
    for variable, units in zip(m.plan.values(), share.tolist(), strict=True):
        variable.fix(units)
    own = [v for v in m.component_data_objects(pyo.Var) if not v.fixed] if even else ()
    return m, solved(m, solver, own, given=True)


def without_traces(share: Array) -> Array:
    """Return a share of a plan with 0 for what is no more than rounding."""
    return np.where(share <= TRACE * share.max(initial=0.0), 0.0, share)


def cost_at(case: JointPlanCase | Part, name: str | None, plan: Any, solver: Solver | None = None) -> float:
    """Return a party's least cost, currency, when the shared plan is fixed.

    Parameters
    ----------
    case
        A case, or one party's part of it.
    name
        The party; None for a part, which has only one.
    plan
        Units, one a flow of the case (or part), or whatever else `Shared.vector` takes.
    solver
        As in `joint`.

    Returns
    -------
    float
        The cost; negative where the party earns by the plan.

    Raises
    ------
    NotSolvedError, CertificateError
        As `veridical.solvers.solve`.

    Examples
    --------
    >>> from veridical.data import example
    >>> case = example("carriers")
    >>> round(cost_at(case, "Alder", just_in_time(case, priced=False).units))
    -28337
    """
    return party_at(case, name, plan, solver)[1].objective


def costs_at(case: JointPlanCase, plan: Any, solver: Solver | None = None) -> pd.Series:
    """Return every party's least cost when the shared plan is fixed.

    Parameters
    ----------
    case
        The reports.
    plan
        Units, one a flow of the case, or whatever else `Shared.vector` takes.
    solver
        As in `joint`.

    Returns
    -------
    pandas.Series
        Currency, by party.

    Raises
    ------
    NotSolvedError, CertificateError
        As `veridical.solvers.solve`.

    Examples
    --------
    >>> from veridical.data import example
    >>> case = example("carriers")
    >>> costs_at(case, just_in_time(case, priced=False).units).round()["Alder"]
    np.float64(-28337.0)
    """
    return pd.Series(Central(solver).costs(case, plan), name="cost").rename_axis("party")


class Central:
    """A planner that is handed everybody's record: one joint model, solved by any solver that is configured.

    `solver` as `veridical.solvers.solve` takes it; None: the quickest way to a certificate, by PIQP, HiGHS or Ipopt. Raises what
    that raises: a plan without a certificate is none. `fixed`: nobody, as all records are in its hands. Parties' programs are
    kept as arrays (`CompiledPlans`); whole trucks, and what other solvers are to solve, are models of all parties.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> planner = Central()
    >>> baseline = planner.baseline(case)
    >>> plan = planner.plan(case, baseline)
    >>> plan.objective <= sum(planner.costs(case, baseline).values())
    True
    """

    fixed: Collection[str] = ()
    core_gains = staticmethod(core_gains)

    def __init__(self, solver: Solver | None = None) -> None:
        self.solver = None if solver is None else configure(solver)
        takes = self.solver is None or self.solver.solver == "highs"
        self._compiled = CompiledPlans(self.solver) if takes else None
        self._last: Any = None  # the latest joint model, where the solver begins with values

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        return self.just_in_time(case)[0]

    def just_in_time(self, case: JointPlanCase) -> tuple[Array, Solution]:
        """Return the receivers' own plan, and the solution that it comes from."""
        if self._compiled is not None:
            with suppress(*ANOTHER_WAY):
                return self._compiled.baseline(case)
        m = models.joint_plan.jit.build(case)
        solution = solved(m, self.solver)
        return models.joint_plan.jit.plan_of(m), solution

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return each party's least cost with its share of the plan fixed: a model a party, nothing of the others in it."""
        asked = [name for name in case.names if names is None or name in names]
        units = case.shared.vector(plan)
        return {name: self._cost(case, name, units) for name in asked}

    def _cost(self, case: JointPlanCase, name: str, units: Array) -> float:
        if self._compiled is not None and not case.shared.truckload:
            with suppress(*ANOTHER_WAY):
                return self._compiled.cost(case, name, without_traces(units[case.shared.share(name)]))
        return cost_at(case, name, units, self.solver)

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the joint plan; each party's cost is its block's where the gap is at most `PROVEN`, else its own model's."""
        return self._priced(case, self.joint(case, baseline, non_participants, activity_fee))

    def plan_each(
        self, case: JointPlanCase, baseline: Array, absences: Sequence[tuple[str, ...]], activity_fee: float = 0.0
    ) -> Generator[Plan, None, None]:
        """Yield such plans, one for each tuple of parties that do not take part: large ones are solved at the same time.

        The plans are the same as `plan` makes, whatever the number of cores; `threads` of the solver is the most of them. What a
        plan raises says which it is.
        """
        absences = [tuple(case.party(name).name for name in dict.fromkeys(absent)) for absent in absences]
        several = None
        if self._compiled is not None and not case.shared.truckload:
            with suppress(*ANOTHER_WAY):
                several = self._compiled.plan_each(case, case.shared.vector(baseline), absences, activity_fee)
        with closing(several if several is not None else (None for _ in absences)) as plans:
            for absent, plan in zip(absences, plans, strict=True):
                try:
                    yield self.plan(case, baseline, absent, activity_fee) if plan is None else self._priced(case, plan)
                except NotSolvedError as error:
                    raise NotSolvedError(_of_plan(absent, error), error.status) from error
                except CertificateError as error:
                    raise CertificateError(_of_plan(absent, error), error.solution) from error

    def _priced(self, case: JointPlanCase, plan: Plan) -> Plan:
        costs = plan.costs if plan.solution.certificate.gap <= PROVEN else {}
        others = [name for name in case.names if name not in costs]
        return replace(plan, costs={**costs, **self.costs(case, plan.units, others)})

    def joint(
        self, case: JointPlanCase, baseline: Any = None, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the joint plan, with what it costs each party that takes part, as the function `joint` does."""
        absent = tuple(case.party(name).name for name in dict.fromkeys(non_participants))
        units = None if baseline is None else case.shared.vector(baseline)
        if self._compiled is not None and not case.shared.truckload and (units is not None or not (absent or activity_fee)):
            with suppress(*ANOTHER_WAY):
                return self._compiled.plan(case, units, absent, activity_fee)
        plan, model = _joint(case, self.solver, units, absent, activity_fee, self._last)
        if self.solver is not None and self.solver.solver == "ipopt":
            self._last = model
        return plan
