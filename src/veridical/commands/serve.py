"""`veridical serve`: the pages and the API of rounds of sealed reports."""

from __future__ import annotations

from typing import Annotated

import typer

from veridical.rounds.extras import needed
from veridical.terminal import Database, tell

__all__ = ["serve"]


def serve(
    database: Database,
    host: Annotated[str, typer.Option(metavar="HOST", help="Other hosts than this one need a certificate.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="0 takes any that is free.")] = 8000,
    certificate: Annotated[str | None, typer.Option(metavar="FILE.pem", help="Of the host, with those it rests on.")] = None,
    key: Annotated[str | None, typer.Option(metavar="FILE.pem", help="Of the certificate.")] = None,
) -> None:
    """Serve rounds of sealed reports: a page for each participant, and a JSON API.

    Example: veridical serve --db rounds.sqlite
    """
    with needed("veridical serve"):
        from veridical.rounds import serving

        serving.serve(database, host, port, certificate, key, tell)
