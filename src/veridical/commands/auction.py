"""`veridical auction`: sealed bids posted and cleared."""

from __future__ import annotations

from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import AllowFiles, Case, Changes, Json, read, report

__all__ = ["auction"]


def auction(
    case: Case,
    bids: Annotated[str | None, typer.Option(metavar="BIDS.csv", help="Sealed bids: retailer, bid, received.")] = None,
    deadline: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601: bids received later are refused.")] = None,
    changes: Changes = None,
    to_json: Json = None,
    allow_files: AllowFiles = False,
) -> None:
    """Print what the auction of Theorem 7 posts, or clear sealed bids: units and payments.

    Example: veridical auction two-retailers
    """
    from veridical.commands.auction_tables import cleared, posted

    request = read(case, changes, allow_files)
    posting = vd.auction(request.case, **request.parameters(("points", "samples", "seed")))
    if bids is None and deadline is not None:
        raise vd.InputError.of("--deadline", deadline, "a deadline beside --bids")
    if bids is None:
        report(to_json, posting.to_dict, lambda: posted(posting), request.case)
    else:
        result = posting.clear(vd.read_bids(bids, posting.names, deadline))
        report(to_json, result.to_dict, lambda: cleared(result), request.case)
