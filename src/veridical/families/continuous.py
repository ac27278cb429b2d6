"""The assembler, whose suppliers' costs lie anywhere in a range: Proposition 4, and the model on a grid of costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from veridical.contracts import Audit
from veridical.data import ContinuousCase, InputError
from veridical.data.continuous_case import refuse_continuous
from veridical.data.truncated import POINTS
from veridical.families import assembler
from veridical.families.family import Mechanism, Task
from veridical.families.routes import approximated, by_model, routes_of
from veridical.solvers import Solution, preferred_form
from veridical.solvers.closed_form import continuous_rule

__all__ = ["FAMILY"]

SUMMARY = "truthful in dominant strategies, costs anywhere in a range"
VISITED = 2**14  # cost profiles of an integral that the grid is measured against: 1e-8 of the profit for a pair of suppliers


def rule(case: ContinuousCase, points: int = POINTS, seed: int = 0) -> continuous_rule.Continuous:
    """Return the optimum of Proposition 4, which a solution shows at `points` costs a supplier."""
    case.grid(points)  # refuses what is no number of points
    return replace(continuous_rule.continuous(case, seed=seed), shown=points)


def optimum(case: ContinuousCase) -> float | None:
    """Return the optimal profit for all costs in the range, where Proposition 4 applies."""
    try:
        return continuous_rule.continuous(case, VISITED).profit
    except InputError:  # virtual cost is not monotone: what the proposition pays would not be truthful
        return None


def model(task: Task) -> Solution:
    """Solve the model on a grid of costs, and say how far it is from the optimum for all costs."""
    task = replace(task, parameters={"points": POINTS, **task.parameters})
    assert task.configuration is not None
    form = preferred_form(task.case.forms, task.configuration)
    return by_model(task, form, lambda solution: approximated(solution, task.parameters["points"], optimum(task.case)))


def audit(case: ContinuousCase, offer: Any) -> Audit:
    """Refuse: menus are audited on a grid of costs."""
    refuse_continuous(case)
    raise AssertionError


FAMILY = replace(
    assembler.FAMILY,
    case=ContinuousCase,
    mechanisms=(
        Mechanism(
            "continuous",
            ContinuousCase,
            SUMMARY,
            routes_of("continuous", model, rule),
            assembler.BALANCED,
            sources=(assembler.PAPER,),
        ),
    ),
    defaults=("continuous",),
    fields=tuple(ContinuousCase.model_fields),
    benchmark=None,
    audit=audit,
    numbers=assembler.price,
)
