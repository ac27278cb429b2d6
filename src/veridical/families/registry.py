"""The registry of families and mechanisms: which there are, and which fit a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from veridical.data import InputError, installed
from veridical.data.load import KINDS, register_kind
from veridical.families.family import Family, Mechanism

FAMILIES: dict[type[Any], Family] = {}  # by type of case
MECHANISMS: dict[str, Mechanism] = {}  # by name; those of installed packages from the first look-up that needs them
RESERVED: set[str] = set()  # names of solvers that ask for a route of their own, of whatever mechanism


def register(family: Family) -> None:
    """Make a kind of case known: to `load`, `solve`, `compare`, `audit` and the command line.

    Raises InputError where a mechanism has the name of another.

    Examples
    --------
    >>> import veridical as vd
    >>> class Lottery:
    ...     kind = "lottery"
    >>> none = lambda *_: []
    >>> family = vd.families.Family("lottery", Lottery, mechanisms=(), defaults=(), fields=(), summary=none, compared=none)
    >>> register(family)
    >>> family_of(Lottery()).kind
    'lottery'
    >>> unregister(family)
    """
    for mechanism in family.mechanisms:
        if mechanism.name in MECHANISMS:
            raise InputError.of("mechanism", mechanism.name, "a name that no other mechanism has")
    FAMILIES[family.case] = family
    for mechanism in family.mechanisms:
        _take(mechanism)
    if family.read is not None:
        register_kind(family.kind, family.read, family.fields, (family.case,))


def _take(mechanism: Mechanism) -> None:
    MECHANISMS[mechanism.name] = mechanism
    RESERVED.update(route.solver for route in mechanism.routes if route.solver)


def unregister(family: Family) -> None:
    """Forget a kind of case.

    Examples
    --------
    >>> import veridical as vd
    >>> class Raffle:
    ...     kind = "raffle"
    >>> none = lambda *_: []
    >>> family = vd.families.Family("raffle", Raffle, mechanisms=(), defaults=(), fields=(), summary=none, compared=none)
    >>> register(family)
    >>> unregister(family)
    >>> Raffle in FAMILIES
    False
    """
    del FAMILIES[family.case]
    for mechanism in family.mechanisms:
        del MECHANISMS[mechanism.name]
    if family.read is not None:
        del KINDS[family.kind]


load_installed = installed.load  # adds what installed packages offer; warns of what cannot be used, and leaves it out


def take_offered(offered: Any) -> None:
    """Add what an entry point of an installed package is; raises an error in words for what cannot be used."""
    if isinstance(offered, ModuleType):
        return  # it has added its kinds when it was imported
    for one in [offered] if isinstance(offered, Mechanism | Family) else list(offered):
        if isinstance(one, Family):
            _add_family(one)
        else:
            _add(one)


installed.takers.append(take_offered)


def _add_family(family: Family) -> None:
    if FAMILIES.get(family.case) is family:
        return  # `add_kind` has added it
    if family.read is None:
        raise TypeError(f"the family {family.kind} does not say how its case files are read")
    if family.kind in KINDS or family.case in FAMILIES:
        raise ValueError(f"a kind called {family.kind} is there already")
    register(family)


def _add(mechanism: Any) -> None:
    if not isinstance(mechanism, Mechanism):
        raise TypeError(f"{type(mechanism).__name__} is no veridical.Mechanism, and no Family")
    if mechanism.kind not in FAMILIES:
        raise TypeError(f"{mechanism.name} is for {mechanism.kind.__name__}, a kind of case that is not known")
    if mechanism.name in MECHANISMS:
        raise ValueError(f"a mechanism called {mechanism.name} is there already")
    _take(mechanism)


def family_of(case: Any) -> Family:
    """Return the family of a case; raises InputError for what is no case.

    Examples
    --------
    >>> import veridical as vd
    >>> family_of(vd.example("pilot")).kind
    'joint_plan'
    """
    if type(case) not in FAMILIES:
        load_installed()
    if type(case) not in FAMILIES:
        kinds = " or ".join(sorted(kind.__name__ for kind in FAMILIES))
        raise InputError.of("case", f"<{type(case).__name__}>", f"a case that mechanisms are here for: {kinds}")
    return FAMILIES[type(case)]


def candidates(case: Any) -> dict[str, Mechanism]:
    """Return the mechanisms for cases like this one, those among them that refuse it for something that it has.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.example("motor-controllers")
    >>> set(candidates(case)) - set(fitting(case))              # some of its components come from two suppliers
    {'icds_balanced'}
    """
    load_installed()
    return {name: one for name, one in MECHANISMS.items() if one.kind is type(case) and one.fits(case)}


def fitting(case: Any) -> dict[str, Mechanism]:
    """Return the mechanisms that take the case.

    Examples
    --------
    >>> import veridical as vd
    >>> list(fitting(vd.example("continuous-pair")))
    ['continuous']
    """
    return {name: one for name, one in candidates(case).items() if _takes(one, case)}


def _takes(mechanism: Mechanism, case: Any) -> bool:
    try:
        mechanism.refuse(case)
    except InputError:
        return False
    return True


def find(case: Any, name: str | Mechanism | None) -> Mechanism:
    """Return a mechanism that fits the case; the kind's own where no name is given. Raises InputError where there is none.

    Examples
    --------
    >>> import veridical as vd
    >>> find(vd.example("two-suppliers"), None).name, find(vd.example("two-suppliers"), "bic").name
    ('icds', 'bic')
    """
    family = family_of(case)
    if isinstance(name, Mechanism):
        named = [name]
    elif name is None:
        named = [MECHANISMS[default] for default in family.defaults]
    else:
        if name not in MECHANISMS:
            load_installed()
        named = [MECHANISMS[name]] if name in MECHANISMS else []
    for mechanism in named:
        if mechanism.kind is type(case) and mechanism.fits(case):
            return mechanism
    raise InputError.of("mechanism", name, f"for this case of kind {case.kind} one of {', '.join(fitting(case))}")


def resolve(case: Any, names: Iterable[str | Mechanism] | None, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the case with those values that are fields of it, and the others, which are parameters of the mechanisms.

    `names`: of mechanisms, whose parameters have precedence; the kind's own where none are given.
    Raises InputError for a value that is neither.

    Examples
    --------
    >>> import veridical as vd
    >>> case, parameters = resolve(vd.example("two-suppliers"), ["hybrid"], {"price": 31, "k": 1})
    >>> case.price, dict(parameters)
    (31.0, {'k': 1})
    """
    family = family_of(case)
    if not values:
        return case, {}
    if names is None:
        mechanisms = [MECHANISMS[name] for name in family.defaults]
    else:
        load_installed()
        registered = (one if isinstance(one, Mechanism) else MECHANISMS.get(one) for one in names)
        mechanisms = [mechanism for mechanism in registered if mechanism is not None]
    known = {parameter: None for mechanism in mechanisms for parameter in mechanism.parameters}
    fields = {name: value for name, value in values.items() if name not in known and name.split(".")[0] in family.fields}
    for name, value in values.items():
        if name not in known and name not in fields:
            who = ", ".join(mechanism.name for mechanism in mechanisms)
            allowed = f"for {who} {', '.join(known) or 'no parameters'}; or a field of the case: {', '.join(family.fields)}"
            raise InputError.of(name, value, allowed)
    return case.changed(**fields), {name: value for name, value in values.items() if name not in fields}
