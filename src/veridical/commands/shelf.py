"""`veridical show`, `examples`, `schema`: what there is to begin from, and what case files may hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import veridical as vd
from veridical.terminal import AllowFiles, Case, Json, report

__all__ = ["examples", "schema", "show"]


def show(
    case: Case,
    every: Annotated[bool, typer.Option("--all", help="Keys that the case does without as well, as comments.")] = False,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE.toml|DIR", help="Write the case there, with the files that it reads.")
    ] = None,
    allow_files: AllowFiles = False,
) -> None:
    """Print a case as a file that says what every field is: to begin from, or to read somebody else's.

    Example: veridical show two-suppliers > mine.toml
    """
    from veridical.data.commented import commented
    from veridical.terminal import read

    world = read(case, None, allow_files).case
    text, beside = commented(world, every)
    whole = "\n".join([*_head(world.kind, case), text])
    if out is None:
        sys.stdout.write("\n".join([whole, *_tables(beside)]))
        return
    path = Path(out)
    if path.suffix != ".toml":
        vd.data.files.make_folder(path, "--out")
    path = world.save(path)
    vd.data.files.write({path: whole})
    print(", ".join(map(str, [path, *(path.parent / name for name in beside)])))


def _head(kind: str, case: str) -> Iterator[str]:
    """Yield the line by which editors find the schema, and what a file says of itself in its first comment."""
    from veridical.data.case_schema import directive

    yield f"{directive(kind)}"
    yield f"# `veridical schema {kind} --out .` writes that schema, by which editors check and complete"
    yield ""
    lines = vd.data.files.read(_file(case), "case file", "TOML").splitlines()
    said = [vd.data.errors.visible(line) for line in lines if not line.startswith("#:")]
    about = said[: next((number for number, line in enumerate(said) if not line.startswith("#")), len(said))]
    yield from [*about, ""] if about else ()


def _file(case: str) -> Path:
    """Return the TOML file of a case that was read: of a path, or a shipped one by its name."""
    from veridical.data.case_record import HEAD
    from veridical.data.load import place_of

    path = Path(case) if Path(case).exists() else place_of(case)
    return path / HEAD if path.is_dir() else path


def _tables(beside: dict[str, str]) -> Iterator[str]:
    """Yield what files are read beside the case: their columns, and how many rows they have."""
    if beside:
        yield "# Files beside this one, which --out writes as well: columns; rows"
    for name, text in beside.items():
        header, *rows = text.splitlines()
        yield vd.data.errors.visible(f"# {name}: {header.replace(',', ', ')}; {len(rows):,}")
    yield ""


def examples(to_json: Json = None) -> None:
    """List the shipped cases: kind, size, and what each of them shows.

    Example: veridical examples
    """
    cases = {name: vd.example(name) for name in vd.examples()}
    about = [
        {"name": name, "kind": case.kind, "size": case.in_short, "shows": case.description, "case_hash": _hash(case)}
        for name, case in cases.items()
    ]
    report(to_json, lambda: {"examples": about}, lambda: [_listed(about)])


def _hash(case: Any) -> str:
    return vd.data.case_record.hashed(case)


def _listed(about: list[dict[str, str]]) -> Any:
    """Return the table of cases."""
    columns = ("name", "kind", "size", "shows")
    table = vd.tables.table("shipped cases: `veridical show NAME` prints one", *columns, left=columns)
    for one in about:
        table.add_row(*(one[column] for column in columns))
    return table


def schema(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="A kind of case, such as assembler; or solver, study, or results, of JSON.")
    ],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE|DIR", help="Write it there, in a folder as KIND.schema.json.")
    ] = None,
) -> None:
    """Write the JSON schema of a kind's case files, of solver files or studies, for editors; or that of results.

    Example: veridical schema assembler --out .
    """
    from veridical.data import case_schema

    text = _text(kind)
    if out is None:
        sys.stdout.write(text)
        return
    path = Path(out) / f"{kind}.schema.json" if Path(out).is_dir() else Path(out)
    vd.data.files.write({path: text})
    if kind == case_schema.RESULTS:
        print(path)
    else:
        what = f"{kind} files" if kind in case_schema.OTHERS else "case files"
        print(f"{path}: {what} beside it begin with the line {case_schema.directive(kind, path.name)}")


def _text(kind: str) -> str:
    """Return the schema of that name; raises InputError for one that there is not."""
    from veridical.data import case_schema

    if kind == case_schema.RESULTS:
        return case_schema.results()
    if kind == "solver":
        return case_schema.text_of(vd.solvers.Configuration, kind, without=["allow_files"])
    if kind == "study":
        from veridical.studies.sweep.spec import StudySpec

        return case_schema.text_of(StudySpec, kind)
    return case_schema.text(kind)
