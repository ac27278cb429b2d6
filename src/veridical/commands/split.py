"""`veridical split`: a joint plan of separate firms, taken apart into folders."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from veridical.rounds.extras import needed
from veridical.terminal import AllowFiles, Case, Changes, read

__all__ = ["split"]


def split(
    case: Case,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="A new or empty folder.")],
    host: Annotated[str, typer.Option(help="The coordinator's name or address, as the firms reach it.")] = "localhost",
    port: Annotated[int, typer.Option(help="Where the coordinator listens.")] = 8443,
    changes: Changes = None,
    allow_files: AllowFiles = False,
) -> None:
    """Take a joint plan apart: a folder without records for its coordinator, and one for each firm with its own.

    Example: veridical split pilot --out firms
    """
    with needed("veridical split", "network"):
        from veridical.firms.splitting import COORDINATOR, SOLVER
        from veridical.firms.splitting import split as taken_apart

        request = read(case, changes, allow_files)
        request.parameters(())
        taken_apart(request.case, out, host, port)
    here, url = quote(str(Path(out) / COORDINATOR)), f"https://{_in_url(host)}:{port}"
    print(f"{Path(out) / COORDINATOR} holds no record of anybody, and the coordinator's key. It plans by")
    print(f"  veridical solve {here} --solver {here}/{SOLVER}")
    print("Each other folder goes to its owner, by a way that nobody else reads, and is deleted here. He answers by")
    for name in request.case.names:
        print(f"  veridical agent {quote(str(Path(out) / name))} --coordinator {url}")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
