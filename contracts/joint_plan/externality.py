"""Expected externalities: transfers that balance exactly, and with which truth is best in expectation.

After d'Aspremont and Gerard-Varet (1979). Write s_j for party j's saving at the plan of a profile of records, S for their sum,
E for the mean over the prior, N for the number of parties. A supplier's report brings the others E[S - s_i | report], of which
E[S - s_i] was expected; the surprise a_i is the difference. Receivers report nothing, and have none.

    transfer_i = E[S] / N - E[s_i] + a_i - sum_{j != i} a_j / (N - 1)

It sums to 0 at every profile. The first two terms depend on no report; with them everybody expects to gain E[S] / N. They are
a choice: any others that sum to 0 are as truthful. None of them promises that nobody loses, whatever the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from veridical.contracts.joint_plan.planner import Planner
from veridical.data.arrays import Array
from veridical.data.joint_plan import COST, JointPlanCase, Party

__all__ = ["PROFILES", "interim", "transfers"]

Profile = dict[str, Party]
PROFILES = 100  # of all suppliers' costs, up to which all are visited


def transfers(case: JointPlanCase, committed: JointPlanCase, planner: Planner, start: Array) -> dict[str, float]:
    """Return every party's transfer; `committed` holds the records that the prior is made from, `case` those reported."""
    expected = _mean(case, _profiles(case, committed), planner, start)
    total, n = sum(expected.values()), len(case.names)
    surprise = dict.fromkeys(case.names, 0.0)
    for name in case.suppliers:  # his report stands in the case
        mean = _mean(case, _profiles(case, committed, name), planner, start)
        surprise[name] = sum(mean.values()) - mean[name] - (total - expected[name])
    everybody = sum(surprise.values())
    return {name: total / n - expected[name] + mine - (everybody - mine) / (n - 1) for name, mine in surprise.items()}


def interim(case: JointPlanCase, committed: JointPlanCase, planner: Planner, start: Array, name: str, report: Party) -> float:
    """Return what a supplier expects to gain by a report, less what no report of his changes; his record is in `case`.

    His own saving and what his report brings the others are together the whole saving, at the plan that he causes.
    """
    savings = []
    for profile in _profiles(case, committed, name):
        truth = _reporting(case, profile)
        plan = planner.plan(truth.reporting(name, report), start).units
        savings.append(sum(planner.costs(truth, start).values()) - sum(planner.costs(truth, plan).values()))
    return float(np.mean(savings))


def _mean(case: JointPlanCase, profiles: Iterable[Profile], planner: Planner, start: Array) -> dict[str, float]:
    """Return what every party saves by the plan, in the mean of some profiles, all as likely."""
    rows = []
    for profile in profiles:
        reported = _reporting(case, profile)
        before, costs = planner.costs(reported, start), planner.plan(reported, start).costs
        rows.append([before[name] - costs[name] for name in case.names])
    return dict(zip(case.names, np.mean(rows, axis=0).tolist(), strict=True))


def _profiles(case: JointPlanCase, committed: JointPlanCase, without: str | None = None) -> Iterator[Profile]:
    """Yield records of all suppliers, or of all but one, as likely as each other."""
    fixed, suppliers = case.mechanism, case.suppliers
    factors = range(len(fixed.cost_factors))
    if len(factors) ** len(suppliers) <= PROFILES:
        others = [name for name in suppliers if name != without]
        combinations = product(factors, repeat=len(others))
        profiles = (dict(zip(others, places, strict=True)) for places in combinations)
    else:
        drawn = np.random.default_rng(fixed.seed).integers(len(factors), size=(fixed.draws, len(suppliers)))
        profiles = ({name: k for name, k in zip(suppliers, row, strict=True) if name != without} for row in drawn.tolist())
    for places in profiles:
        yield {name: committed.party(name).scaled(COST, fixed.cost_factors[k]) for name, k in places.items()}


def _reporting(case: JointPlanCase, profile: Profile) -> JointPlanCase:
    for name, record in profile.items():
        case = case.reporting(name, record)
    return case
