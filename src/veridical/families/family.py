"""What a kind of case is made of: its mechanisms, the routes by which they are computed, and what is shown of the results."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np

from veridical.contracts import Audit
from veridical.data import InputError
from veridical.data.limits import DRAWS
from veridical.data.load import Reader
from veridical.data.measures import ROUNDING, Measures
from veridical.data.sources import SOURCES, Source
from veridical.solvers import Configuration, Solution
from veridical.solvers.kept import Keeper

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import RenderableType

__all__ = ["Family", "Mechanism", "Memo", "Number", "Parameter", "Promises", "Route", "Task", "always"]

Promises = Callable[..., tuple[str, ...]]
GIVEN = ("case", "form", "capacity", "mechanism")  # what a model or a closed form is handed in other ways


def always(*names: str) -> Promises:
    """Return promises that do not depend on parameters.

    Examples
    --------
    >>> promises = always("dominant_strategy_ic", "ex_post_ir")
    >>> promises(case=None)
    ('dominant_strategy_ic', 'ex_post_ir')
    """
    return lambda **parameters: names


@dataclass(frozen=True)
class Parameter:
    """What a parameter of a mechanism may be: of one of the types, or one of the values, in `allowed`; from `least` to `most`.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.MECHANISMS["hybrid"].parameters["balanced"].allowed
    (<class 'bool'>,)
    """

    allowed: tuple[Any, ...] = (object,)
    least: int | None = None
    most: int = DRAWS

    def check(self, name: str, value: Any) -> None:
        """Raise InputError for a value that is not allowed."""
        value = value.item() if isinstance(value, np.generic) else value
        fits = any(one is object or type(value) is one if isinstance(one, type) else bool(value == one) for one in self.allowed)
        if not fits or (self.least is not None and not self.least <= value <= self.most):
            words = {bool: "true or false", int: "a whole number", type(None): None}
            choices = [words.get(one, repr(one)) for one in self.allowed]
            above = "" if self.least is None else f" from {self.least} to {self.most:,}"
            raise InputError.of(name, value, " or ".join(filter(None, choices)) + above)


@dataclass(frozen=True)
class Route:
    """A way to compute a mechanism.

    `name`: model, closed_form, game, planner, consensus, or a word of your own. `solve`: returns the solution of a task, checked
    by `task.finish`. `way`: the model's `build`, which takes `case` and `form`, or the closed form; other arguments are
    parameters of the mechanism. `solver`: the one name of a solver that asks for this route; where it is None, every name of no
    other route.

    Examples
    --------
    >>> import veridical as vd
    >>> [(route.name, route.solver) for route in vd.MECHANISMS["icds"].routes]
    [('model', None), ('closed_form', 'closed_form')]
    """

    name: str
    solve: Callable[[Task], Solution]
    way: Callable[..., Any] | None = None
    solver: str | None = None

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """What the arguments of the way may be, by name."""
        if self.way is None:
            return {}
        hints = get_type_hints(self.way)
        names = (name for name, one in inspect.signature(self.way).parameters.items() if one.kind is not one.VAR_KEYWORD)
        return {name: Parameter(get_args(hints[name]) or (hints[name],)) for name in names if name not in GIVEN}

    @cached_property
    def takes_all(self) -> bool:
        """Whether every parameter of the mechanism is one of this route."""
        kinds = () if self.way is None else (one.kind for one in inspect.signature(self.way).parameters.values())
        return self.way is None or inspect.Parameter.VAR_KEYWORD in kinds

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise InputError for a parameter that plays no part in this route."""
        for name, value in parameters.items():
            if name not in self.parameters and not self.takes_all:
                way = "a model" if self.solver is None else f"solver {self.solver}"
                raise InputError.of(name, value, f"with {way} {', '.join(self.parameters) or 'no parameters'}")


@dataclass(frozen=True)
class Mechanism:
    """One mechanism, and the routes by which it is computed.

    `kind` is the type of its cases, and of those it takes the ones that `fits` takes; `refuse` raises InputError, with the
    reason, for one of these that its model does not take. `promises` says, for the case and the
    mechanism's parameters, which properties its contracts have; every result is held against them. `solver` names who solves a
    case where nobody is asked for; None leaves that to the first route. `otherwise`: who does so where that one comes to no
    proven optimum. `complete` adds to the parameters those that follow from the case. `declared`: the parameters, where the ways
    of its routes do not say them. `modelless`: what it is, if it is no model. `sources`: the works that it is from, as keys of
    `veridical.data.sources` or works of your own.

    Examples
    --------
    >>> import veridical as vd
    >>> icds = vd.MECHANISMS["icds"]
    >>> icds.name, sorted(icds.parameters), icds.build is vd.models.icds.build
    ('icds', ['coalitions', 'feasibility'], True)
    """

    name: str
    kind: type[Any]
    summary: str
    routes: tuple[Route, ...]
    promises: Promises
    fits: Callable[[Any], bool] = lambda case: True
    refuse: Callable[[Any], None] = lambda case: None
    solver: Callable[[Any], str | Mapping[str, Any] | None] = lambda case: "highs"
    otherwise: str | None = None
    complete: Callable[[Any, dict[str, Any]], dict[str, Any]] = lambda case, parameters: parameters
    declared: Mapping[str, Parameter] | None = None
    modelless: str = "has no optimisation model"
    sources: tuple[str | Source, ...] = ()

    def __repr__(self) -> str:
        return f"Mechanism({self.name!r}: {self.summary})"

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """What the mechanism's parameters may be, by name."""
        if self.declared is not None:
            return self.declared
        parameters: dict[str, Parameter] = {}
        for route in self.routes:
            parameters |= {name: one for name, one in route.parameters.items() if name not in parameters}
        return parameters

    @property
    def cited(self) -> tuple[Source, ...]:
        """The works that it is from."""
        return tuple(one if isinstance(one, Source) else SOURCES[one] for one in self.sources)

    @property
    def build(self) -> Callable[..., Any] | None:
        """What returns the Pyomo model of a case; None where there is no model."""
        return next((route.way for route in self.routes if route.solver is None), None)

    @property
    def closed_form(self) -> Callable[..., Any] | None:
        """What computes the result without a model; None where there is no such thing."""
        return next((route.way for route in self.routes if route.solver is not None), None)

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise InputError for a parameter that the mechanism does not have, or a value that it does not allow."""
        for name, value in parameters.items():
            if name not in self.parameters:
                raise InputError.of(name, value, f"for {self.name} {', '.join(self.parameters) or 'no parameters'}")
            self.parameters[name].check(name, value)

    def route(self, solver: str | None, reserved: Collection[str] = (), case: str | None = None) -> Route:
        """Return the route that the name of a solver asks for, the first where it is None.

        `reserved`: names that ask for a route of some mechanism or other. Raises InputError where this one has no such route.
        """
        for route in self.routes:
            if solver in (None, route.solver) or (route.solver is None and solver not in reserved):
                return route
        others = [route.solver for route in self.routes if route.solver]
        if solver in reserved:
            models = ["a solver for models"] if self.build else []
            allowed = f"{' or '.join([*models, *others])}: {self.name} has no {str(solver).replace('_', ' ')}"
            raise InputError.of("solver", solver, allowed, case)
        raise InputError.of("solver", solver, f"{' or '.join(others)}: {self.name} {self.modelless}", case)


@dataclass(frozen=True)
class Task:
    """What a route is given: a case, a mechanism with its parameters, and who is to solve it (None: nobody in particular).

    `kept`: models of earlier tasks, which may be used again.

    Examples
    --------
    >>> import veridical as vd
    >>> icds = vd.MECHANISMS["icds"]
    >>> case = vd.example("two-suppliers")
    >>> task = Task(case, icds, icds.routes[0], vd.solvers.configure("highs"), {})
    >>> round(icds.routes[0].solve(task).objective, 2)
    6965.0
    """

    case: Any
    mechanism: Mechanism
    route: Route
    configuration: Configuration | None
    parameters: Mapping[str, Any]
    callback: Callable[[Any], None] | None = None
    kept: Keeper | None = None

    def finish(self, solution: Solution, gap: float | None = None, **fields: Any) -> Solution:
        """Return a solution with the parameters, held against its certificate and what the mechanism promises.

        `fields`: others that the route knows. `gap`: the relative gap that is accepted, the configuration's tolerance where none
        is given. Raises CertificateError.
        """
        promises = self.mechanism.promises(case=self.case, **self.parameters)
        audit = fields.pop("audit", solution.audit)
        if getattr(self.case, ROUNDING[0], None) is not None and fields.get("rounding") is None:
            allowed = f"none for mechanism {self.mechanism.name}, which does not round its contracts"
            raise InputError.of(ROUNDING[0], getattr(self.case, ROUNDING[0]), allowed, self.case.name)
        largest = 0.0 if audit is None else audit.largest_payment
        measures = Measures.of(self.case).fitted(money=max(abs(solution.objective), largest))
        audit = None if audit is None else replace(audit.held_to(promises), measures=measures)
        fields = {"parameters": self.parameters, "measures": measures, **fields, "audit": audit}
        tolerance = 0.0 if self.configuration is None else self.configuration.tolerance
        return replace(solution, **fields).checked(promises, tolerance if gap is None else gap)


@dataclass(frozen=True)
class Number:
    """A number of a case that derivatives can be taken in: its value, and the fields of a case that has another one.

    Examples
    --------
    >>> import veridical as vd
    >>> number = Number.field(vd.example("two-suppliers"), "price")
    >>> number.value, dict(number.changes(31.0))
    (30.0, {'price': 31.0})
    """

    value: float
    changes: Callable[[float], Mapping[str, Any]]

    @classmethod
    def field(cls, case: Any, name: str) -> Number:
        """Return the number that a field of the case is."""
        return cls(getattr(case, name), lambda value: {name: value})


@dataclass(frozen=True)
class Memo:
    """What is to be said of a solution, in order: what to do, in a sentence; what it comes to; the contracts; what binds and what
    that is worth; and whether truth is best. For reports alone: `overview`, what to reckon with of each party, before the
    contracts, and their `detail`, after them.
    """

    advice: str
    decision: list[RenderableType]
    contracts: list[RenderableType]
    binding: list[RenderableType]
    truth: list[RenderableType]
    overview: list[RenderableType] = field(default_factory=list)
    detail: list[RenderableType] = field(default_factory=list)

    @property
    def parts(self) -> list[RenderableType]:
        """All that a terminal shows: advice, overview and detail are left out."""
        return [*self.decision, *self.contracts, *self.binding, *self.truth]


def _no_offer(case: Any, offer: Any) -> Audit:
    raise InputError.of(
        "menu", f"<{type(offer).__name__}>", f"no offer: offers for cases of kind {case.kind} cannot be audited", case.name
    )


@dataclass(frozen=True)
class Family:
    """A kind of case: whatever else is to be known of it is here, and in nothing else.

    kind, case: the word in case files, and the type. mechanisms; defaults: the ones to take where none is named, of which the
    first that fits counts. columns: of a comparison, beside parameters, profit, truthful and seconds, from a solution and what
    `benchmark`, a mechanism, earns (NaN without); drawn: those that its picture shows, with what their axes are called. summary,
    offered, compared: tables for people: of a solution; of the audit of an offer, by its name; of a comparison, by the case's
    name. memo: a solution in the parts of a report; None where there are no others than the summary. picture: the figure of a
    solution. write: writes contracts to a file, as its ending says. send: writes what each supplier is sent into a folder, in
    the formats asked for. audit: of an offer, contracts or the path of a file. fields: of a case, that may be changed. numbers:
    what derivatives can be taken in. commands: of the command line. read: how a case file of the kind is read, where
    `veridical.data` does not know it.

    Examples
    --------
    >>> import veridical as vd
    >>> family = vd.families.family_of(vd.example("two-suppliers"))
    >>> family.kind, family.benchmark, family.defaults[0]
    ('assembler', 'first_best', 'icds')
    """

    kind: str
    case: type[Any]
    mechanisms: tuple[Mechanism, ...]
    defaults: tuple[str, ...]
    fields: tuple[str, ...]
    summary: Callable[[Solution], list[RenderableType]]
    compared: Callable[[str, pd.DataFrame], list[RenderableType]]
    columns: Callable[[Solution, float], dict[str, Any]] = lambda solution, best: {}
    benchmark: str | None = None
    drawn: Mapping[str, str] = field(default_factory=lambda: {"profit": "profit"})
    audit: Callable[[Any, Any], Audit] = _no_offer
    offered: Callable[[str, Any], list[RenderableType]] = lambda name, audit: []
    picture: Callable[[Solution], Figure] | None = None
    write: Callable[[Any, str], None] | None = None
    send: Callable[..., Any] | None = None
    memo: Callable[[Solution], Memo] | None = None
    numbers: Callable[[Any], Mapping[str, Number]] = lambda case: {}
    commands: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    read: Reader | None = None
