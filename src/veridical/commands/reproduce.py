"""`veridical reproduce`: the published tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from veridical import studies, tables
from veridical.terminal import Json, draw, emit, write

__all__ = ["reproduce"]


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help=f"Of {', '.join(studies.REPRODUCTIONS)}.")] = None,
    to_json: Json = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="DIR", help="Draw the figures into a folder.")] = None,
) -> None:
    """Recompute what the papers print: published, as published, exact. Without names all but those that take minutes."""
    records = []
    wanted = studies.reproduce(names or [])
    if plot is not None:
        write(plot, "--plot", partial(Path(plot).mkdir, parents=True, exist_ok=True))
    for reproduction in wanted:
        records.append(reproduction.to_dict())
        if plot is not None and reproduction.draw is not None:
            draw(str(Path(plot) / f"{reproduction.name}.png"), reproduction.draw)
        if to_json != "-":
            tables.show(*tables.reproduction(reproduction))
    if to_json is not None:
        emit(to_json, {"reproductions": records})
