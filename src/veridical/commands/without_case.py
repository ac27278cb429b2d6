"""Commands that take no case: published tables, synthetic joint plans, and which solvers work here."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import Count, Json, draw, emit

__all__ = ["generate", "reproduce", "solvers"]

GENERATORS = ("pilot", "marketplace", "carriers")  # functions of `veridical.data.joint_plan`


def generate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(GENERATORS)}.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="A new or empty folder, or that of the same case.")],
    seed: Annotated[int, typer.Option(metavar="N", help="Every number comes from it.")] = 0,
    vendors: Count = None,
    sellers: Count = None,
    shippers: Count = None,
    carriers: Count = None,
    sites: Count = None,
    regions: Count = None,
    products: Count = None,
    lanes: Count = None,
    weeks: Count = None,
    makers: Annotated[int | None, typer.Option(metavar="N", help="Suppliers able to make each product; else 2.")] = None,
) -> None:
    """Write a synthetic joint-plan case of any size, as a folder that every other command takes.

    Example: veridical generate pilot --out mine --vendors 3 --weeks 4
    """
    if kind not in GENERATORS:
        raise vd.InputError.of("KIND", kind, f"one of {', '.join(GENERATORS)}")
    given = {
        **{"vendors": vendors, "sellers": sellers, "shippers": shippers, "carriers": carriers, "sites": sites},
        **{"regions": regions, "products": products, "lanes": lanes, "weeks": weeks, "makers": makers},
    }
    sizes = {name: count for name, count in given.items() if count is not None}
    generator = getattr(vd.data.joint_plan, kind)
    known = inspect.signature(generator).parameters
    for name, count in sizes.items():
        if name not in known:
            allowed = ", ".join(f"--{size}" for size in given if size in known)
            raise vd.InputError.of(f"--{name}", count, f"for {kind} {allowed}")
    case = generator(seed=seed, name=Path(out).resolve().name, **sizes)
    vd.data.joint_plan.write(case, vd.data.files.make_folder(out, "--out"), alone=True)
    print(f"{case.description} {len(case.shared.flows):,} flows.")


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Of {reproductions}.")] = None,
    to_json: Json = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="DIR", help="Draw the figures into a folder.")] = None,
) -> None:
    """Recompute what the papers print: published, as published, exact. Without names all but assembler-models and claims.

    Example: veridical reproduce allocation-table-5
    """
    records = []
    wanted = vd.reproduce(names or [])
    if plot is not None:
        vd.data.files.make_folder(plot, "--plot")
    for reproduction in wanted:
        records.append(reproduction.to_dict())
        if plot is not None and reproduction.draw is not None:
            draw(str(Path(plot) / f"{reproduction.name}.png"), reproduction.draw)
        if to_json != "-":
            vd.tables.show(*vd.tables.reproduction(reproduction))
    if to_json is not None:
        emit(to_json, {"reproductions": records})


def solvers() -> None:
    """List the solvers that work on this machine, with versions and what each can do.

    Example: veridical solvers
    """
    vd.tables.show(*vd.tables.solvers())
