"""The private record that a model of ours carries: results read nothing else off a model by the name of a component."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec

import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC
from pyomo.core.base.param import ScalarParam

from veridical.data.deprecated import OldCase

__all__ = ["Carried", "MechanismModel", "ModelInfo", "builder", "carries", "describe", "info_of"]

ATTRIBUTE = "_veridical"
Parameters = ParamSpec("Parameters")


@dataclass
class ModelInfo:
    """What results of a model are made with; every field may be left out.

    Parameters
    ----------
    case
        The case as it is modelled, with finite types or costs where those of the user's case are continuous.
    mechanism
        The mechanism's name, as results carry it; None for a model that promises nothing.
    index_names
        What the parts of a constraint's index are called, by family.
    identities
        Families that define a quantity or keep a balance: their duals say what the prices of other families say already.
    contracts
        Reads what is promised off the solved model and its duals: a menu, an allotment; None where there is nothing to read.
    parameters
        The mutable Params that results give sensitivities for, by the name that results carry.
    zero_at_optimum
        An expression that must come out as 0, as the products of a complementarity system; relative to the objective.
    program
        Returns the program whose optimality conditions the model is, with the numbers that stand in it now: where that is convex,
        a point that meets them is its optimum. None where conditions or objective have been edited.
    name_of
        Returns the family and the key of a constraint; by default its component's name and its index.
    renamed
        Returns the key of a constraint as the case has it whose numbers stand in the model, from what the parts of the index are
        called and the key as it was declared; None where those are the same.
    likely_to_follow
        Returns the constraints of the model that are likely to follow from the others: a solver of linear programs may leave
        them out until they are violated.
    presolved
        Whether a presolve takes apart what is left then; that pays for large models alone.
    likely_units
        Returns for a case what is likely to be optimal of the units whose sales are expected, one number each (ndarray): where
        the curve of expected sales may be looked at first. Nothing is proven by it.
    refresh
        Gives the model the numbers that follow from those in its Params, as bounds that no optimum exceeds: called whenever it is
        to be solved, as somebody may have given a Param another value.
    expected_sales
        The expected sales that stand in a model that nobody edits any more; None where they have to be looked for.
    """

    case: Any = None
    mechanism: str | None = None
    index_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    identities: frozenset[str] = frozenset()
    contracts: Callable[[Any, Mapping[str, Any]], Any] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    zero_at_optimum: Any = None
    program: Callable[[Any], Any] | None = None
    name_of: Callable[[Any], tuple[str, Hashable]] | None = None
    likely_to_follow: Callable[[Any], Iterable[Any]] | None = None
    presolved: bool = False
    renamed: Callable[[tuple[str, ...], Any], Any] | None = None
    likely_units: Callable[[Any], Any] | None = None
    refresh: Callable[[Any], None] | None = None
    expected_sales: list[Any] | None = None

    def standing(self, model: Any) -> dict[str, Any]:
        """Return the parameters that stand on the model now: one that was deleted has no derivative, unless it was replaced."""
        found = {}
        for name, param in self.parameters.items():
            stands = param.parent_component() is not None and param.parent_block() is not None
            now = param if stands else model.component(param.local_name) if isinstance(param, ScalarParam) else None
            if now is not None and now.is_parameter_type() and not now.is_constant():
                found[name] = now
        return found


@dataclass(frozen=True)
class Carried:
    """How a model that was built for one case becomes that of another one, which only has other numbers.

    `structure` returns, for a case and the mechanism's parameters, everything that `build` takes from them other than numbers
    that go into mutable Params; None for a model that is not to be used again. `renumber` gives a model the numbers of a case of
    the same structure: it is then, in everything but the keys of its components, what `build` returns for that case.
    `build` is the function that is meant, and no other: one of the user's own that wraps it takes over its attributes, and may
    put further numbers of a case into the model.
    """

    structure: Callable[..., Hashable | None]
    renumber: Callable[[Any, Any], None]
    build: Callable[..., Any] | None = None

    @staticmethod
    def by(build: Callable[..., Any]) -> Carried | None:
        """Return how models that a function builds are given other numbers; None where it does not say."""
        carried = getattr(build, "carried", None)
        return carried if isinstance(carried, Carried) and carried.build is build else None


def carries(carried: Carried) -> Callable[[Callable[Parameters, pyo.ConcreteModel]], Callable[Parameters, pyo.ConcreteModel]]:
    """Note on a function that builds models that they can be given the numbers of other cases."""

    def noted(build: Callable[Parameters, pyo.ConcreteModel]) -> Callable[Parameters, pyo.ConcreteModel]:
        build.carried = replace(carried, build=build)  # type: ignore[attr-defined]
        return build

    return noted


class MechanismModel(pyo.ConcreteModel):  # type: ignore[misc]  # Pyomo has no types
    """A Pyomo model of a mechanism, which answers to `case` for one release and otherwise is a ConcreteModel."""

    def __getattr__(self, name: str) -> Any:
        return OldCase(info_of(self)) if name == "case" else super().__getattr__(name)


def describe(model: Any, info: ModelInfo) -> None:
    """Put the record on a model; a plain attribute, which takes no component's name."""
    object.__setattr__(model, ATTRIBUTE, info)


def info_of(model: Any) -> ModelInfo:
    """Return the record of a model; an empty one for a model that is not ours, whatever its components are called."""
    info = getattr(model, ATTRIBUTE, None)
    return info if isinstance(info, ModelInfo) else ModelInfo()


def builder(build: Callable[Parameters, pyo.ConcreteModel]) -> Callable[Parameters, pyo.ConcreteModel]:
    """Return a function that builds a model without garbage collection: a model is one large web of objects, all of them in use.

    To walk it again and again took a third of the time.
    """

    @wraps(build)
    def paused(*args: Parameters.args, **kwargs: Parameters.kwargs) -> pyo.ConcreteModel:
        with PauseGC():
            return build(*args, **kwargs)

    return paused
