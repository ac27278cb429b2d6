"""What a round is made of, by kind of case: who takes part, what each is shown, what a report is, and what reports bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veridical.data.errors import InputError
from veridical.rounds.terms.auction_terms import AuctionTerms
from veridical.rounds.terms.menu_terms import MenuTerms
from veridical.rounds.terms.protocol import Terms

__all__ = ["KINDS", "Terms", "freeze", "thaw"]

KINDS: dict[str, type[MenuTerms] | type[AuctionTerms]] = {one.kind: one for one in (MenuTerms, AuctionTerms)}


def freeze(
    case: Any,
    mechanism: str | None = None,
    solver: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    silent: str = "",
    show: str = "",
) -> Terms:
    """Return the terms of a round: what the mechanism promises for the case, solved, certified, audited, and fixed from here on.

    silent: what a supplier's silence counts as, `void` or `highest`. show: what his contracts are posted by, `profiles` or
    `lists`. Raises InputError for cases and mechanisms without rounds.
    """
    for kind in KINDS.values():
        if isinstance(case, kind.case_type):
            made: MenuTerms | AuctionTerms = kind.freeze(case, mechanism, solver, dict(parameters or {}), silent)
            if show and not isinstance(made, MenuTerms):
                raise InputError.of("--show", show, f"nothing for a case of kind {case.kind}: bids are posted by type", case.name)
            return made.shown_by(show) if show and isinstance(made, MenuTerms) else made
    given = getattr(case, "kind", type(case).__name__)
    named = f"{given} with continuous costs" if given == "assembler" else given
    allowed = "a case of kind assembler, with costs that are listed, or of kind allocation"
    raise InputError.of(
        "CASE", f"<{named}>", f"{allowed}: others have no reports that are made once", getattr(case, "name", None)
    )


def thaw(record: Mapping[str, Any]) -> Terms:
    """Return the terms in a record that `to_dict` made."""
    return KINDS[record["kind"]].thaw(record)
