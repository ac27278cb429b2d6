"""A case apart: as its coordinator has it, without any record, and as each party has it, with its own record alone."""

from __future__ import annotations

from veridical.data.errors import InputError
from veridical.data.joint_plan.at_home import HOME, AtHome
from veridical.data.joint_plan.case import JointPlanCase, Part

__all__ = ["coordinated", "part_at_home", "told_to"]


def coordinated(case: JointPlanCase) -> JointPlanCase:
    """Return a case as its coordinator has it: what is shared, the mechanism, a committed baseline, and of parties name and role.

    The description is left out: it is anybody's words, and of a synthetic case the seed that every record comes from.

    Parameters
    ----------
    case
        A joint plan.

    Returns
    -------
    JointPlanCase
        With every party at home.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> coordinated(pilot(vendors=2, weeks=1)).at_home
    ('retailer', 'Alder', 'Birch')
    """
    parties = tuple(AtHome(name=party.name, role=party.role) for party in case.parties)
    return case.changed(parties=parties, description="")


def told_to(case: JointPlanCase, name: str) -> JointPlanCase:
    """Return a case as one of its parties has it: its record, its own routes with the parties at their other ends, all at home.

    Parameters
    ----------
    case
        A joint plan, with the party's record.
    name
        The party.

    Returns
    -------
    JointPlanCase
        Whose part for the party is that of the whole case.

    Raises
    ------
    InputError
        For another name, for a party that is at home already, and for one without a route.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=2, weeks=1)
    >>> told_to(case, "Alder").names, told_to(case, "Alder").part("Alder") == case.part("Alder")
    (('retailer', 'Alder'), True)
    """
    part = case.part(name)
    if not part.shared.routes:
        raise InputError.of(f"{name}, flows", "<nothing>", "one route or more: who delivers and receives nothing plans nothing")
    ends = {end for route in part.shared.routes for end in (route.supplier, route.receiver)}
    others = (AtHome(name=party.name, role=party.role) for party in case.parties if party.name in ends - {name})
    kept = {party.name: party for party in (*others, part.record)}
    parties = tuple(kept[party] for party in case.names if party in kept)
    return case.changed(shared=part.shared, parties=parties, baseline=None, description="")


def part_at_home(case: JointPlanCase) -> Part:
    """Return the part of the one party whose record a case has.

    Parameters
    ----------
    case
        As `told_to` returns it.

    Returns
    -------
    Part
        The record, and what is shared of its routes.

    Raises
    ------
    InputError
        For a case with more records, or none.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> part_at_home(told_to(pilot(vendors=2, weeks=1), "Birch")).record.name
    'Birch'
    """
    here = [name for name in case.names if name not in case.at_home]
    if len(here) != 1:
        got = f"<records of {', '.join(here)}>" if here else "<no record>"
        allowed = f"the record of one party, all others with record = {HOME}, as `veridical split` writes a party's folder"
        raise InputError.of("parties", got, allowed, case.name or None)
    return case.part(here[0])
