"""The command line: tables for people on standard output, or JSON alone; all else, also what solvers print, on standard error.

Exit status: 0 solved and certified; 2 bad input; 3 infeasible, unbounded or a limit; 4 certificate failed.
"""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import veridical as vd
from veridical.commands import COMMANDS, GROUPS
from veridical.logs import LEVELS, logged, raise_to
from veridical.streams import separate
from veridical.terminal import (
    AllowFiles,
    Case,
    Changes,
    Command,
    Contracts,
    ContractsFile,
    Json,
    Plot,
    Report,
    Solver,
    draw,
    given_command,
    read,
    refuse_unasked,
    report,
    table_to_be_written,
    tell,
)

OFFERED = "veridical.mechanisms"  # the group of entry points that `veridical.data.installed` loads: that module takes its time


def solve(
    case: Case,
    mechanism: Annotated[str | None, typer.Option(metavar="NAME", help="One of {mechanisms}.")] = None,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    menu: ContractsFile = None,
    contracts: Contracts = None,
    contracts_as: Annotated[
        list[str] | None,
        typer.Option(
            "--contracts-as", metavar="FORMAT", help="html, csv or xlsx; may be given several times; without it html and csv."
        ),
    ] = None,
    round_units: Annotated[float | None, typer.Option(metavar="STEP", help="Orders in whole multiples of so many units.")] = None,
    round_money: Annotated[float | None, typer.Option(metavar="STEP", help="Payments in multiples of so much currency.")] = None,
    plot: Plot = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a consensus that was interrupted.")] = False,
    report_to: Report = None,
    allow_files: AllowFiles = False,
) -> None:
    """Solve a case: contract menu, allocation or joint plan, shadow prices, audit and certificate.

    Example: veridical solve two-suppliers --set price=31 --menu menu.csv
    """
    steps = {"round_units": round_units, "round_money": round_money}
    changes = [*(changes or ()), *(f"{name}={step}" for name, step in steps.items() if step is not None)]
    request = read(case, changes, allow_files)
    for name, step in steps.items():
        if name in request.others:
            allowed = "no rounding here: only contract menus of an assembler whose suppliers' costs are listed are rounded"
            raise vd.InputError.of(f"--{name.replace('_', '-')}", step, allowed)
    family, chosen = vd.families.family_of(request.case), vd.families.find(request.case, mechanism)
    files = (("--menu", menu, family.write), ("--contracts", contracts, family.send), ("--plot", plot, family.picture))
    for option, target, action in files:
        if target is not None and action is None:
            raise vd.InputError.of(option, target, f"no file: there is none for a case of kind {family.kind}")
    if contracts_as and contracts is None:
        raise vd.InputError.of("--contracts-as", ", ".join(contracts_as), "a format beside --contracts DIR")
    if contracts is not None:
        if contracts_as:
            vd.contracts.supplier_contract.checked_formats(contracts_as, "--contracts-as")
        vd.data.files.make_folder(contracts, "--contracts")
    configuration = None if solver is None else vd.solvers.configure(solver)
    if resume:
        if configuration is None or "state" not in configuration.options:
            allowed = "with --solver FILE.toml of a consensus, whose options name the file of its `state`"
            raise vd.InputError.of("--resume", resume, allowed)
        configuration = configuration.with_options(resume=True)
    solution = vd.solving.answer(request.case, chosen, configuration, tell, request.parameters(chosen.parameters))
    found, to_file, send, picture = solution.contracts, family.write, family.send, family.picture
    if contracts is not None and send is not None and found is not None:
        send(found, contracts, *([tuple(contracts_as)] if contracts_as else ()))
    if menu is not None and to_file is not None and found is not None:
        to_file(found, menu)
    if picture is not None:
        draw(plot, lambda: picture(solution))
    if report_to is not None:
        how = given_command("solve", request.case, case, mechanism=chosen.name, solver=solver, set=changes)
        vd.reporting.write(report_to, vd.reporting.solution(solution, family, how, chosen.summary))
    report(to_json, solution.to_dict, lambda: vd.tables.result(solution, family.summary(solution)), request.case)
    refuse_unasked(request.case.name, solution.status, configuration)


def compare(
    case: Case,
    mechanism: Annotated[list[str] | None, typer.Option(metavar="NAME", help="May be given several times.")] = None,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the comparison: FILE.csv, FILE.xlsx or FILE.parquet.", callback=table_to_be_written
        ),
    ] = None,
    plot: Plot = None,
    report_to: Report = None,
    allow_files: AllowFiles = False,
) -> None:
    """Compare mechanisms: profits, ratios, regret and rents side by side.

    Example: veridical compare two-suppliers-correlated
    """
    request = read(case, changes, allow_files)
    world, family = request.case, vd.families.family_of(request.case)
    chosen = [vd.families.find(world, name) for name in mechanism] if mechanism else list(vd.families.candidates(world).values())
    parameters = request.parameters(name for one in chosen for name in one.parameters)
    frame = vd.compare(world, mechanism, solver, **parameters)
    record = {"case": world.name, "mechanisms": frame.reset_index().to_dict(orient="records")}
    record["left_out"] = [{"mechanism": name, "reason": reason} for name, reason in frame.attrs["left_out"].items()]
    record |= {"under": frame.attrs["under"]} if frame.attrs["under"] else {}
    record |= vd.data.measures.Measures.of(world).to_dict()
    if table is not None:
        vd.comparing.book(world, frame).write(table)
    draw(plot, frame.figure)
    if report_to is not None:
        how = given_command("compare", world, case, mechanism=mechanism, solver=solver, set=changes)
        vd.reporting.write(report_to, vd.reporting.comparison(frame, family, how))
    report(to_json, lambda: record, lambda: family.compared(world.name, frame), world)


def audit(
    case: Case,
    menu: Annotated[str, typer.Argument(metavar="MENU", help="A contract menu, as --menu writes it: .csv, .xlsx or .parquet.")],
    changes: Changes = None,
    to_json: Json = None,
    allow_files: AllowFiles = False,
) -> None:
    """Audit anybody's contract menu: who would lie, as what, and gain how much.

    Example: veridical audit two-suppliers menu.csv
    """
    request = read(case, changes, allow_files)
    request.parameters(())
    world, name = request.case, Path(menu).name
    checked = vd.audit(world, menu)
    record = {"case": world.name, "menu": name, "audit": checked.to_dict(), **checked.measures.to_dict()}
    report(to_json, lambda: record, lambda: vd.families.family_of(world).offered(f"{name} for {world.name}", checked), world)


def say_version(asked: bool) -> None:
    """Print the version, and end."""
    if asked:
        print(f"veridical {importlib.metadata.version('veridical')}")
        raise typer.Exit


def options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=say_version, help="Show the version.")] = False,
    log: Annotated[
        str | None, typer.Option("--log", metavar="LEVEL", help="Log what is done on standard error: info, debug.")
    ] = None,
) -> None:
    """Options before any command."""
    if log is not None:
        if log not in LEVELS:
            raise vd.InputError.of("--log", log, f"one of {', '.join(LEVELS)}")
        raise_to(log)


def application() -> typer.Typer:
    """Return the command line, with the commands of every kind of case that there is."""
    about = (vd.__doc__ or "").splitlines()[0]
    app = typer.Typer(
        name="veridical",
        cls=Program,
        help=about,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback(help=about)(options)
    commands: tuple[Callable[..., None], ...] = (solve, compare, audit, *COMMANDS)
    for command in commands:
        app.command(cls=Command)(command)  # called as the function is, with hyphens
    for name, group in GROUPS.items():
        under = typer.Typer(name=name, help=(group.about or "").splitlines()[0], no_args_is_help=True)
        for command in group.commands:
            under.command(cls=Command)(command)
        app.add_typer(under)
    return app


class Program(TyperGroup):
    """The commands that are shipped, and those of kinds of cases: an installed package's are looked up when they are needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *self._of_kinds()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None for a name that none has."""
        return super().get_command(ctx, cmd_name) or self._of_kinds().get(cmd_name)

    def _of_kinds(self) -> dict[str, Any]:
        """Return the commands of kinds of cases; the kinds that are shipped have none beside the program's own."""
        if "veridical.families" not in sys.modules and not importlib.metadata.entry_points(group=OFFERED):
            return {}  # nobody has added a kind, and nobody offers one
        vd.families.load_installed()
        own = typer.Typer(callback=lambda: None)  # with it, one command is a group too
        for family in vd.families.FAMILIES.values():
            for name, command in family.commands.items():
                own.command(name, cls=Command)(command)
        return dict(typer.main.get_group(own).commands)


def main() -> None:
    """Run the command line; an error of ours is one message and an exit status, never a traceback, and a warning one line."""
    separate()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = lambda message, *_, **__: tell(f"veridical: warning: {message}")
            try:
                with logged(tell):
                    application()(prog_name="veridical")
            finally:
                sys.stdout.flush()  # what is lost is lost here, and not at the end of Python, which would not say so
    except Exception as error:
        if not isinstance(error, vd.VeridicalError):
            raise
        sys.stderr.write(f"veridical: {error}\n")
        sys.exit(error.exit_status)
