"""The registry: what each mechanism is called, how it is built, its closed form, and what it promises."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import numpy as np

from veridical import models
from veridical.contracts.joint_plan.transfers import MECHANISMS as SETTLED
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase, InputError
from veridical.data.fields import whole_number
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.closed_form import allocation
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.continuous_rule import continuous
from veridical.solvers.closed_form.fixed_price import fixed_price
from veridical.solvers.closed_form.frw import frw

__all__ = ["DEFAULTS", "MECHANISMS", "Mechanism", "find", "fitting"]


GIVEN = ("case", "form", "capacity", "mechanism")  # what a model or a closed form is handed in other ways


def parameters_of(way: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters of a model or a closed form that a user sets."""
    return [name for name in inspect.signature(way).parameters if name not in GIVEN]


@dataclass(frozen=True)
class Mechanism:
    """One mechanism; the ways to compute it are `build` (a Pyomo model) and `closed_form`, each where there is one.

    `kind` is the type of its cases, and of those it takes the ones that `fits` takes. `promises` says, for the mechanism's
    parameters, which properties its menus have; every result is held against them. `solver` says who solves a case where
    nobody is asked for.
    """

    name: str
    kind: type[Any]
    summary: str
    build: Callable[..., Any] | None
    closed_form: Callable[..., Any] | None
    promises: Callable[..., tuple[str, ...]]
    fits: Callable[[Any], bool] = lambda case: True
    solver: Callable[[Any], str] = lambda case: "highs"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the model or the closed form takes beside the case and the form of expected sales."""
        return tuple(self._types())

    def _types(self) -> dict[str, Any]:
        """Return the type of every parameter, and of a parameter of both the model's."""
        found: dict[str, Any] = {}
        for way in (self.build, self.closed_form):
            if way is not None:
                hints = get_type_hints(way)
                found |= {name: hints[name] for name in parameters_of(way) if name not in found}
        return found

    def check(self, case: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters, with `k` where it follows from the case.

        Raises InputError for one that the mechanism does not have, or a value that is not of its type.
        """
        types = self._types()
        for name, value in parameters.items():
            if name not in types:
                raise InputError.of(name, value, f"for {self.name} {', '.join(self.parameters) or 'no parameters'}")
            value = value.item() if isinstance(value, np.generic) else value
            allowed = get_args(types[name]) or (types[name],)
            if not any(type(value) is each if isinstance(each, type) else value == each for each in allowed):
                words = {bool: "true or false", int: "a whole number", type(None): None}
                choices = [words.get(each, repr(each)) for each in allowed]
                raise InputError.of(name, value, " or ".join(filter(None, choices)))
        if "k" in self.parameters:
            return {**parameters, "k": len(case.widest(parameters.get("k")))}
        return dict(parameters)


@dataclass(frozen=True)
class Planning(Mechanism):
    """A mechanism for joint plans. Its parameters stand in for the case's own, which check them, and say how to audit."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the mechanism's parameters; `misreports` that the audit tries are drawn by `seed`."""
        return (*(name for name in SETTLED[self.name][1] if name != "seed"), "misreports", "seed")

    def check(self, case: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters; raises InputError for one that the mechanism does not have, and for counts that are none."""
        for name, value in parameters.items():
            if name not in self.parameters:
                raise InputError.of(name, value, f"for {self.name} {', '.join(self.parameters)}")
            if name in ("misreports", "seed"):
                whole_number(value, name)
        return dict(parameters)


def always(*names: str) -> Callable[..., tuple[str, ...]]:
    """Return promises that do not depend on parameters."""
    return lambda **parameters: names


TRUTHFUL = always("dominant_strategy_ic", "ex_post_ir")
BALANCED = always("dominant_strategy_ic", "ex_post_ir", "balanced")
EITHER_WAY = always("bayesian_ic", "interim_ir", "dominant_strategy_ic", "ex_post_ir", "monotone", "capacity")


def hybrid(balanced: bool = False, **parameters: Any) -> tuple[str, ...]:
    """Return what the hybrid promises."""
    return BALANCED() if balanced else TRUTHFUL()


def bic(participation: str = "interim", **parameters: Any) -> tuple[str, ...]:
    """Return what a Bayesian menu promises."""
    return "bayesian_ic", f"{participation}_ir"


def given(case: AllocationCase) -> bool:
    """Whether the capacity is fixed."""
    return case.capacity is not None


def chosen(case: AllocationCase) -> bool:
    """Whether the capacity is to be chosen."""
    return case.capacity_cost is not None


def by_form(case: AllocationCase) -> str:
    """Return the solver for the programs of a case: HiGHS where they are quadratic."""
    return "highs" if "quadratic" in models.allocation.forms(case) else "ipopt"


MECHANISMS = {
    name: Mechanism(name, AssemblerCase, summary, build, closed_form, promises)
    for name, summary, build, closed_form, promises in (
        (
            "naive",
            "one quantity, everybody paid his highest cost",
            models.naive.build,
            closed.naive,
            always(*BALANCED(), "budget"),
        ),
        ("frw", "contracts that answer to a supplier's own cost alone", models.frw.build, frw, TRUTHFUL),
        (
            "hybrid",
            "quantities answer to the k suppliers with the widest range of costs",
            models.hybrid.build,
            closed.hybrid,
            hybrid,
        ),
        (
            "icds_balanced",
            "as icds, the same quantity of every component",
            models.icds_balanced.build,
            closed.icds_balanced,
            BALANCED,
        ),
        ("icds", "truthful in dominant strategies", models.icds.build, closed.icds, TRUTHFUL),
        ("bic", "truthful in expectation, if the others tell the truth", models.bic.build, None, bic),
        (
            "first_best",
            "costs known to the assembler: a benchmark that nobody can run",
            models.first_best.build,
            closed.first_best,
            always("ex_post_ir"),
        ),
    )
}
ALLOCATIONS: tuple[tuple[str, str, Any, Any, Any, Any, Any], ...] = (
    (
        "capacity_choice",
        "the supplier's optimum, with the capacity worth having",
        models.capacity_choice.build,
        allocation.capacity_choice,
        EITHER_WAY,
        chosen,
        by_form,
    ),
    (
        "allocation",
        "the supplier's optimum at a fixed capacity",
        models.allocation.build,
        allocation.allocation,
        EITHER_WAY,
        given,
        by_form,
    ),
    (
        "allocation_kkt",
        "the same as a system of conditions with complementarity",
        models.allocation_kkt.build,
        None,
        EITHER_WAY,
        lambda case: True,
        lambda case: "ipopt",
    ),
    (
        "allocation_direct",
        "units and payments with truth as a constraint: no virtual values",
        models.allocation_direct.build,
        None,
        always("bayesian_ic", "interim_ir", "capacity"),
        lambda case: True,
        by_form,
    ),
    (
        "centralized",
        "types known to the supplier: a benchmark that nobody can run",
        models.centralized.build,
        allocation.centralized,
        always("ex_post_ir", "capacity"),
        lambda case: True,
        by_form,
    ),
    (
        "fixed_price",
        "orders at a wholesale price and their equilibrium: the game that the others replace",
        None,
        fixed_price,
        always("equilibrium", "interim_ir", "capacity"),
        lambda case: case.fixed_price is not None,
        lambda case: "closed_form",
    ),
)
MECHANISMS |= {each[0]: Mechanism(each[0], AllocationCase, *each[1:]) for each in ALLOCATIONS}
PLANS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("jit", "receivers plan for themselves alone: the baseline", ()),
    ("vcg", "least cost of all, and transfers with which truth is best", ("dominant_strategy_ic", "ex_post_ir", "savings")),
    ("agv", "transfers that sum to 0, and truth best in expectation", ("bayesian_ic", "budget", "savings")),
    ("split_savings", "reported savings are shared: invites misreports", ("ex_post_ir", "budget", "savings")),
    ("first_price", "reported costs are paid: invites misreports", ("ex_post_ir", "budget", "savings")),
)
for name, summary, kept in PLANS:
    build = (models.joint_plan.jit if name == "jit" else models.joint_plan.joint).build
    MECHANISMS[name] = Planning(name, JointPlanCase, summary, build, None, always(*kept))
MECHANISMS["continuous"] = Mechanism(
    "continuous",
    ContinuousCase,
    "truthful in dominant strategies, costs anywhere in a range",
    models.continuous.build,
    continuous,
    BALANCED,
)
# what a kind of case is solved by where no mechanism is named: the first that fits
DEFAULTS: Mapping[type[Any], tuple[str, ...]] = {
    AssemblerCase: ("icds",),
    ContinuousCase: ("continuous",),
    AllocationCase: ("capacity_choice", "allocation"),
    JointPlanCase: ("vcg",),
}


def fitting(case: Any) -> dict[str, Mechanism]:
    """Return the mechanisms that fit the case."""
    return {name: each for name, each in MECHANISMS.items() if each.kind is type(case) and each.fits(case)}


def find(case: Any, name: str | None) -> Mechanism:
    """Return a mechanism that fits the case; the kind's own where no name is given."""
    if type(case) not in DEFAULTS:
        kinds = " or ".join(sorted(kind.__name__ for kind in DEFAULTS))
        raise InputError.of("case", f"<{type(case).__name__}>", f"a case that mechanisms are here for: {kinds}")
    fit = fitting(case)
    name = next(default for default in DEFAULTS[type(case)] if default in fit) if name is None else name
    if name not in fit:
        raise InputError.of("mechanism", name, f"for this case of kind {case.kind} one of {', '.join(fit)}")
    return MECHANISMS[name]
