"""Rounds of an auction's retailers (Theorem 7): each sees the bids of his types, bids, and learns his units and his payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

import veridical as vd
from veridical.contracts.auction import AS_TYPE, Auction
from veridical.contracts.bids import checked_bid
from veridical.data import AllocationCase, CertificateError, InputError
from veridical.data.measures import Measures
from veridical.rounds.terms.protocol import Outcome, frozen_case, thawed_case

__all__ = ["AuctionTerms"]

SAME = 1e-9  # of a bid: how far an auction that is computed again may be from what was posted
MECHANISM = "auction"
PARAMETERS = ("points", "samples", "seed")
WORDS = (
    "If the others bid as the table says, no bid earns you more in expectation than the table's bid for your type.",
    "A bid between two bids of the table counts as the lower one, a bid above all as the highest. You pay the bid that counts.",
    "A bid below the lowest one in the table, or no bid, gets you nothing and costs you nothing.",
)


@dataclass(frozen=True, eq=False)
class AuctionTerms:
    """The auction of a case, frozen: the case, the parameters it was computed with, and what it posted."""

    kind: ClassVar[str] = "allocation"
    case_type: ClassVar[type[Any]] = AllocationCase
    noun: ClassVar[str] = "retailer"
    columns: ClassVar[tuple[str, ...]] = ("report", "counts_as", "units", "payment", "status")

    case: AllocationCase
    parameters: Mapping[str, int]
    capacity: float
    table_bids: tuple[tuple[float, ...], ...]
    groups: tuple[Mapping[str, Any], ...]
    words: tuple[str, ...]

    @classmethod
    def freeze(
        cls, case: AllocationCase, mechanism: str | None, solver: str | None, parameters: dict[str, Any], silent: str
    ) -> Self:
        """Return the terms of the auction that implements the optimal allocation; raises InputError."""
        if mechanism not in (None, MECHANISM):
            allowed = f"{MECHANISM} (Theorem 7): the one that retailers report to"
            raise InputError.of("--mechanism", mechanism, allowed, case.name)
        for option, value in (("--solver", solver), ("--silent", silent)):
            if value:
                reason = "its auction is a closed form" if option == "--solver" else "who does not bid gets nothing"
                raise InputError.of(option, value, f"nothing, for a case of kind allocation: {reason}", case.name)
        for name, value in parameters.items():
            if name not in PARAMETERS:
                raise InputError.of(f"--set {name}", value, f"for {MECHANISM} {', '.join(PARAMETERS)}", case.name)
        auction = vd.auction(case, **parameters)
        drawn = ("Numbers of units are estimates, from types that were drawn.",) if auction.optimum.profiles.sampled else ()
        bids = tuple(tuple(group.tolist()) for group in auction.bids)
        return cls(case, parameters, auction.capacity, bids, tuple(_posted(auction)), (*WORDS, *drawn))

    @classmethod
    def thaw(cls, record: Mapping[str, Any]) -> Self:
        """Return the terms in a record."""
        bids = tuple(tuple(group) for group in record["table_bids"])
        words, groups = tuple(record["words"]), tuple(record["groups"])
        return cls(thawed_case(record["case"]), record["parameters"], record["capacity"], bids, groups, words)

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as plain values."""
        numbers = {"capacity": self.capacity, "table_bids": [list(group) for group in self.table_bids]}
        fixed = {"mechanism": MECHANISM, "parameters": dict(self.parameters), "words": list(self.words)}
        return {"kind": self.kind, "case": frozen_case(self.case), **fixed, **numbers, "groups": list(self.groups)}

    @property
    def participants(self) -> tuple[str, ...]:
        """The retailers, in the case's order."""
        return self.case.retailer_names

    @cached_property
    def auction(self) -> Auction:
        """The auction, computed again; raises CertificateError where it would post other bids than were posted."""
        auction = vd.auction(self.case, **self.parameters)
        same = len(auction.bids) == len(self.table_bids) and all(
            len(mine) == len(theirs) and np.allclose(mine, theirs, rtol=SAME, atol=0)
            for mine, theirs in zip(auction.bids, self.table_bids, strict=True)
        )
        if not same or not np.isclose(auction.capacity, self.capacity, rtol=SAME, atol=0):
            reason = "this version of veridical would post other bids than were posted; clear it with the version in its terms"
            raise CertificateError(f"{self.case.name}: {reason}")
        return auction

    @property
    def measures(self) -> Measures:
        """How the case says money and quantities."""
        return Measures.of(self.case)

    def posted(self, name: str) -> dict[str, Any]:
        """Return a retailer's table: for each of his types the bid, rounded up, and the units that it brings."""
        group = self.groups[self.case.order[self.participants.index(name)]]
        shared = {"mechanism": MECHANISM, "words": list(self.words), "capacity": self.capacity}
        return {**shared, "participants": len(self.participants), "bids": group["bids"], **self.measures.to_dict()}

    def checked(self, name: str, report: object) -> float:
        """Return a bid; raises InputError for what is no finite number >= 0."""
        return checked_bid(report, "report")

    def clear(self, reports: Mapping[str, float]) -> Outcome:
        """Return each retailer's units and payment."""
        result = self.auction.clear(dict(reports))
        outcome: Outcome = {}
        for i, name in enumerate(self.participants):
            bid, theta, status = reports.get(name), result.counts_as[i], result.status[i]
            if any(row["bid"] == bid and row["type"] == theta for row in self.groups[self.case.order[i]]["bids"]):
                status = AS_TYPE  # what was posted is rounded up
            numbers = {"counts_as": theta, "units": float(result.units[i]), "payment": float(result.payment[i])}
            outcome[name] = {"report": bid, **numbers, "status": status}
        return outcome


def _posted(auction: Auction) -> list[dict[str, Any]]:
    """Return what each group is shown: a row a type, with units by the other's type where there are two identical retailers."""
    frame, groups = auction.by_own_type(), []
    pair = auction.table if auction.case.members == (2,) else None
    for g, (name, bids) in enumerate(zip(auction.case.names, auction.posted(), strict=True)):
        rows: list[dict[Any, Any]] = frame.loc[[name]].to_dict(orient="records")
        for k, row in enumerate(rows):
            row |= {"type": float(auction.optimum.case.retailers[g].theta[k]), "bid": float(bids[k])}
            if pair is not None:
                others = zip(pair.columns.tolist(), pair.iloc[k].tolist(), strict=True)
                row["by_other"] = [{"type": theta, "units": units} for theta, units in others]
        groups.append({"name": name, "bids": rows})
    return groups
