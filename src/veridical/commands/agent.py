"""`veridical agent`: what a firm runs at home, and which answers its coordinator from its own record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import veridical as vd
from veridical.rounds.extras import needed
from veridical.terminal import tell, to_be_written

__all__ = ["agent"]


def agent(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The firm's folder, as `veridical split` writes it.")],
    coordinator: Annotated[str, typer.Option(metavar="URL", help="As https://plans.example.org:8443.")],
    ca: Annotated[
        str | None, typer.Option(metavar="FILE.pem", help="The certificate to know it by; without it the folder's own.")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="FILE.jsonl", help="Every question and answer, a line each.", callback=to_be_written()),
    ] = None,
    allow_misreports: Annotated[
        bool, typer.Option("--allow-misreports", help="Let an audit try misreports that are made up here.")
    ] = False,
    tell_service: Annotated[
        bool, typer.Option("--tell-service", help="Let the units be told that a rolling run serves, and was to serve.")
    ] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Wait for the next run when one is over.")] = False,
    noise: Annotated[
        float, typer.Option(help="A supplier's: how far, at most and relative, what is answered is off (see docs/agents.md).")
    ] = 0.0,
) -> None:
    """Answer a coordinator from a firm's own record, until it says that the run is over.

    Example: veridical agent firms/Alder --coordinator https://localhost:8443
    """
    with needed("veridical agent", "network"):
        from veridical.firms.homes import Home
        from veridical.solvers.consensus.network import serve_party

        home = Home.read(folder)
        known_by = home.certificate if ca is None else Path(ca)
        with vd.data.files.locked(home.folder, "DIR"):
            answering = home.agent(allow_misreports, tell_service, noise, tell)
            tell(home.about)
            plain = coordinator.lower().startswith("http:")
            by = "on this machine, without TLS" if plain else f"known by {known_by or 'the certificates that this system trusts'}"
            tell(f"connects to {coordinator}, {by}")
            while True:
                answers = serve_party(
                    answering, party=home.name, token=home.token, coordinator=coordinator, ca=known_by, log=log, say=tell
                )
                tell(f"{home.name}: {answers:,} answers")
                if not stay:
                    break
