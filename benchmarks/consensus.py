"""Consensus on synthetic pilots of growing size: rounds and seconds, against the same plan made centrally.

    python benchmarks/consensus.py [FLOWS ...]           of 1008 2160 10080 49680 100800 200880; without any: the first four
    python benchmarks/consensus.py pilots                rounds of twelve pilots of random shape
    python benchmarks/consensus.py fee                   rounds with the activity fee of the shipped pilot, and without a vendor
    python benchmarks/consensus.py pilot                 the shipped pilot: plan and VCG transfers, agreed and central

Agents run in this process, one after the other, as they must on a machine with two cores.
"""

from __future__ import annotations

import sys
from time import perf_counter, process_time
from typing import Any

import numpy as np
from figures import figure
from instances import peak_memory

import veridical as vd
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Consensus, PartyAgent, Round
from veridical.solvers.planners import Central, settle

SIZES: dict[int, dict[str, int]] = {
    1008: {"products": 14, "sites": 4, "regions": 4},
    2160: {"products": 20, "sites": 6, "regions": 6},
    10080: {"products": 56, "sites": 10, "regions": 10},
    49680: {"products": 138, "sites": 20, "regions": 20},
    100800: {"products": 200, "sites": 28, "regions": 28},
    200880: {"products": 310, "sites": 36, "regions": 36},
}
LARGE = 49680  # flows from which the baseline is a step of the receivers' agents, to 1e-6 of their cost
CENTRAL = 49680  # flows up to which there is a central plan to compare with
SHAPES = ((2, 7), (6, 22), (3, 7), (3, 8), (4, 10))  # of random pilots: vendors, products, sites, regions, weeks
COST = 1e-3  # of the cost: what "not more than 60 rounds" is about


def tell(told: Round) -> None:
    print(f"\r  {told}", end="", file=sys.stderr, flush=True)


def large(case: JointPlanCase) -> tuple[Any, float, float]:
    """Return a large case's baseline, and cost and seconds of the central plan, from the Pyomo model by HiGHS; NaN beyond."""
    start = np.zeros(len(case.shared.flows))
    for name in case.receivers:
        agent = PartyAgent(case.part(name))
        own = np.zeros(len(agent.columns))
        answer = agent.respond(own, own + 1e-9, own + case.mechanism.tie_break)  # at no price at all it would be made exact
        start[case.shared.share(name)] = np.where(answer.plan > 1e-6 * answer.plan.max(), answer.plan, 0.0)
    if len(start) > CENTRAL:
        return start, np.nan, np.nan
    began = process_time()
    objective = vd.solvers.solve(vd.models.joint_plan.joint.build(case), "highs").objective
    return start, objective, process_time() - began


def central(case: JointPlanCase) -> tuple[Any, Any, float]:
    planner = Central()
    start = planner.baseline(case)
    began = process_time()
    return start, planner.plan(case, start), process_time() - began


def size(flows: int, before: tuple[int, float] | None) -> tuple[int, float]:
    case = pilot(vendors=5, **SIZES[flows])
    if flows < LARGE:
        start, plan, seconds = central(case)
        objective = plan.objective
    else:
        start, objective, seconds = large(case)
    began = process_time()
    with Consensus(callback=tell) as planner:
        agreed = planner.plan(case, start)
    took = process_time() - began
    rounds = agreed.progress.rounds
    first = next((each.round for each in rounds if each.of_cost <= COST), "more")
    if np.isfinite(objective):
        assert agreed.bound <= objective * (1 + 1e-7) <= agreed.objective * (1 + 2e-7)
    print(f"\n{len(case.shared.flows):,} flows: {first} rounds to {COST:g} of the cost, ", end="")
    print(f"{len(rounds)} to {agreed.progress.gap:.1e} of the savings; {took:.1f} s of CPU, ", end="")
    print(f"{took / len(rounds):.2f} s a round; centrally {seconds:.1f} s, {took / seconds:.1f} times as long; ", end="")
    print(f"{peak_memory():,.0f} MB", flush=True)
    figure(f"{flows:,} flows: rounds to {agreed.progress.gap:.1e} of the savings", len(rounds), "rounds", at_most=40)
    if np.isfinite(seconds):
        figure(f"{flows:,} flows: consensus with its certificate / central plan, processor time", took / seconds, at_most=5)
    if before is not None:
        print(f"  {flows / before[0]:.1f} times the flows, {took / len(rounds) / before[1]:.1f} times as long a round")
    return flows, took / len(rounds)


def pilots() -> None:
    """Print the rounds of pilots of random shape, from 100 to 1,700 flows."""
    random, rounds = np.random.default_rng(7), []
    for seed in range(100, 112):
        vendors, products, sites, regions, weeks = (int(random.integers(*ends)) for ends in SHAPES)
        makers = int(random.integers(1, min(3, vendors) + 1))
        case = pilot(vendors=vendors, products=products, sites=sites, regions=regions, weeks=weeks, seed=seed, makers=makers)
        with Consensus() as planner:
            rounds.append(len(planner.plan(case, planner.baseline(case)).progress.rounds))
    print(f"rounds of twelve pilots: {rounds}, {np.mean(rounds):.1f} on average")


def with_fee() -> None:
    """Print rounds with the fee of the shipped pilot: of its plan, of those without a vendor, and of a pilot of 1,008 flows."""
    from veridical.data import example

    case = example("pilot")
    fee = case.mechanism.activity_fee
    for what, absences in ((case, [(), *((name,) for name in case.suppliers)]), (pilot(vendors=5, **SIZES[1008]), [()])):
        start = Central().baseline(what)
        with Consensus(callback=tell) as planner:
            for absent in absences:
                agreed = planner.plan(what, start, absent, activity_fee=fee)
                without = f" without {absent[0]}" if absent else ""
                rounds = len(agreed.progress.rounds)
                print(
                    f"\n{len(start):,} flows{without}, fee {fee:g}: {rounds} rounds to {agreed.progress.gap:.1e} of the savings"
                )


def shipped() -> None:
    from veridical.data import example

    case = example("pilot")
    start, plan, seconds = central(case)
    saved = sum(Central().costs(case, start).values()) - plan.objective
    began = perf_counter()
    with Consensus(callback=tell) as planner:
        agreed = planner.plan(case, start)
        print(
            f"\n{len(case.shared.flows):,} flows: {len(agreed.progress.rounds)} rounds, "
            f"gap {agreed.progress.gap:.1e} of the savings"
        )
        for pivot in ("baseline", "clarke"):
            ours = settle(case.changed(pivot=pivot, activity_fee=0.0), "vcg", planner, baseline=start)
            other = settle(case.changed(pivot=pivot, activity_fee=0.0), "vcg", Central(), baseline=start)
            apart = max(abs(ours.transfers[name] - other.transfers[name]) for name in case.suppliers)
            print(f"{pivot} pivot: transfers differ by at most {apart / saved:.2%} of the savings")
    print(f"{perf_counter() - began:.1f} s, with the central plans; one central plan {seconds:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:] == ["pilot"]:
        shipped()
    elif sys.argv[1:] == ["fee"]:
        with_fee()
    elif sys.argv[1:] == ["pilots"]:
        pilots()
    else:
        last = None
        for flows in map(int, sys.argv[1:] or ["1008", "2160", "10080", "49680"]):
            last = size(flows, last)
