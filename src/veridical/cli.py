"""The command line: tables for people on standard output, or JSON alone; everything else on standard error.

Exit status: 0 solved and certified; 2 bad input; 3 infeasible, unbounded or a limit; 4 certificate failed.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from veridical import __doc__ as about
from veridical import allocation_tables, comparing, joint_plan_tables, solving, studies, tables
from veridical.contracts import Allotment, read_bids
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data import InputError, VeridicalError
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot
from veridical.data.joint_plan import write as write_case
from veridical.mechanisms import MECHANISMS, find, fitting
from veridical.solvers import Solution
from veridical.solvers.closed_form.auction import auction as auctioned
from veridical.studies.figures import allocation, settlement
from veridical.studies.figures import assembler as figures
from veridical.terminal import emit, parameters_of, read, tell, write

app = typer.Typer(
    name="veridical",
    help=(about or "").splitlines()[0],
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Case = Annotated[str, typer.Argument(metavar="CASE", help="A case file (TOML), or the name of a shipped case.")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write JSON; - prints it, and nothing else.")]
Solver = Annotated[str | None, typer.Option("--solver", metavar="NAME|FILE", help="A solver's name, or a TOML file.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a field of the case or a parameter.")
]


Count = Annotated[int | None, typer.Option(help="How many there are.")]
GENERATORS: Mapping[str, Callable[..., JointPlanCase]] = {"pilot": pilot, "marketplace": marketplace, "carriers": carriers}


@app.command()
def solve(
    case: Case,
    mechanism: Annotated[str | None, typer.Option(metavar="NAME", help=f"One of {', '.join(MECHANISMS)}.")] = None,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    menu: Annotated[str | None, typer.Option("--menu", metavar="FILE.csv", help="Write the menu, allocation or plan.")] = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE.png", help="Draw the menu, allocation or plan.")] = None,
) -> None:
    """Solve a case: contract menu, allocation or joint plan, shadow prices, audit and certificate."""
    world, parameters = read(case, changes or [], lambda world: find(world, mechanism).parameters)
    solution = solving.solve(world, mechanism, solver, tell, **parameters)
    if menu is not None and solution.contracts is not None:
        own = solution.contracts
        plan = isinstance(own, Settlement)  # of which people want the flows
        write(menu, "--menu", lambda: own.plan_frame().to_csv(menu) if plan else own.to_csv(menu))
    if plot is not None:
        write(plot, "--plot", lambda: figures.save(picture(solution), plot))
    if to_json is not None:
        emit(to_json, solution.to_dict())
    if to_json != "-":
        tables.show(*tables.result(solution))


@app.command()
def compare(
    case: Case,
    mechanism: Annotated[list[str] | None, typer.Option(metavar="NAME", help="May be given several times.")] = None,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
) -> None:
    """Compare mechanisms: profits, ratios, regret and rents side by side."""
    world, parameters = read(case, changes or [], lambda world: parameters_of(world, mechanism or fitting(world)))
    frame = comparing.compare(world, mechanism, solver, **parameters)
    if to_json is not None:
        emit(to_json, {"case": world.name, "mechanisms": frame.reset_index().to_dict(orient="records")})
    if to_json != "-":
        tables.show(*tables.comparison(world.name, frame))


@app.command()
def audit(
    case: Case,
    menu: Annotated[str, typer.Argument(metavar="MENU.csv", help="A contract menu, as --menu writes it.")],
    changes: Changes = None,
    to_json: Json = None,
) -> None:
    """Audit anybody's contract menu: who would lie, as what, and gain how much."""
    world, _ = read(case, changes or [], lambda world: ())
    checked = solving.audit(world, menu)
    if to_json is not None:
        emit(to_json, {"case": world.name, "menu": Path(menu).name, "audit": checked.to_dict()})
    if to_json != "-":
        tables.show(*tables.misreports(f"{Path(menu).name} for {world.name}", checked))


@app.command()
def auction(
    case: Case,
    bids: Annotated[str | None, typer.Option(metavar="BIDS.csv", help="Sealed bids: retailer, bid, received.")] = None,
    deadline: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601: bids received later are refused.")] = None,
    changes: Changes = None,
    to_json: Json = None,
) -> None:
    """Print what the auction of Theorem 7 posts, or clear sealed bids: units and payments."""
    world, parameters = read(case, changes or [], lambda world: ("points", "samples", "seed"))
    own = auctioned(world, **parameters)
    if bids is None and deadline is not None:
        raise InputError.of("--deadline", deadline, "a deadline beside --bids")
    found = None if bids is None else own.clear(read_bids(bids, own.names, deadline))
    if to_json is not None:
        emit(to_json, own.to_dict() if found is None else found.to_dict())
    if to_json != "-":
        tables.show(*(allocation_tables.posted(own) if found is None else allocation_tables.cleared(found)))


@app.command("choose-k")
def choose_k(
    case: Case,
    loss: Annotated[float, typer.Option(metavar="SHARE", help="Share of the ICDS profit that may be lost, 0 to 1.")] = 0.05,
    solver: Solver = "closed_form",
    changes: Changes = None,
    to_json: Json = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE.png", help="Draw profit against contracts.")] = None,
) -> None:
    """Choose how many suppliers should report: the hybrid for every k, its profit against the size of its menu."""
    world, parameters = read(case, changes or [], lambda world: parameters_of(world, {"hybrid"} & fitting(world).keys()))
    for name in parameters.keys() - {"balanced"}:
        raise InputError.of(f"--set {name}", parameters[name], "fields of the case, and balanced")
    if parameters:
        find(world, "hybrid").check(world, parameters)
    choice = studies.choose_k(world, loss, solver or "closed_form", **parameters)
    if plot is not None:
        write(plot, "--plot", lambda: figures.save(choice.figure(), plot))
    if to_json is not None:
        emit(to_json, choice.to_dict())
    if to_json != "-":
        tables.show(*tables.choice(choice))


@app.command()
def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help=f"Of {', '.join(studies.REPRODUCTIONS)}.")] = None,
    to_json: Json = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="DIR", help="Draw the figures into a folder.")] = None,
) -> None:
    """Recompute what the papers print: published, as published, exact. Without names all but those that take minutes."""
    found = []
    wanted = studies.reproduce(names or [])
    if plot is not None:
        write(plot, "--plot", partial(Path(plot).mkdir, parents=True, exist_ok=True))
    for each in wanted:
        found.append(each.to_dict())
        if plot is not None and each.draw is not None:
            write(plot, "--plot", partial(figures.save, each.draw(), Path(plot) / f"{each.name}.png"))
        if to_json != "-":
            tables.show(*tables.reproduction(each))
    if to_json is not None:
        emit(to_json, {"reproductions": found})


@app.command("pilot")
def roll(
    case: Case,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE.png", help="Draw the run.")] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Finished weeks are kept there, and not run again.")
    ] = None,
) -> None:
    """Run a joint plan week by week: just in time against the joint plan, transfers settled weekly."""
    world, parameters = read(case, changes or [], lambda world: ("pivot", "activity_fee", "participation_fee"))
    if not isinstance(world, JointPlanCase):
        raise InputError.of("CASE", f"<{type(world).__name__}>", "a case of kind joint_plan", world.name)
    planner = partial(solving.planner_of, solver)
    found = studies.pilot.run(world, planner=planner, folder=out, callback=told_weekly, **parameters)
    if plot is not None:
        write(plot, "--plot", lambda: figures.save(found.figure(), plot))
    if to_json is not None:
        emit(to_json, found.to_dict())
    if to_json != "-":
        tables.show(*joint_plan_tables.pilot(found))


def told_weekly(week: int, seconds: float, saved: float) -> None:
    """Say on standard error that a week is finished; no time was needed where it was read from a folder."""
    tell(f"week {week}: {'read from the folder' if seconds == 0 else f'{seconds:.1f} s'}, {saved:,.2f} saved so far")


@app.command()
def generate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(GENERATORS)}.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The folder to write the case to.")],
    seed: Annotated[int, typer.Option(help="Every number comes from it.")] = 0,
    vendors: Count = None,
    sellers: Count = None,
    shippers: Count = None,
    carriers: Count = None,
    sites: Count = None,
    regions: Count = None,
    products: Count = None,
    lanes: Count = None,
    weeks: Count = None,
    makers: Annotated[int | None, typer.Option(help="Suppliers able to make each product.")] = None,
) -> None:
    """Write a synthetic joint-plan case of any size, as a folder that every other command takes."""
    if kind not in GENERATORS:
        raise InputError.of("KIND", kind, f"one of {', '.join(GENERATORS)}")
    given = {
        **{"vendors": vendors, "sellers": sellers, "shippers": shippers, "carriers": carriers, "sites": sites},
        **{"regions": regions, "products": products, "lanes": lanes, "weeks": weeks, "makers": makers},
    }
    sizes = {name: count for name, count in given.items() if count is not None}
    known = inspect.signature(GENERATORS[kind]).parameters
    for name, count in sizes.items():
        if name not in known:
            allowed = ", ".join(f"--{each}" for each in given if each in known)
            raise InputError.of(f"--{name}", count, f"for {kind} {allowed}")
    case = GENERATORS[kind](seed=seed, name=Path(out).resolve().name, **sizes)
    write(out, "--out", lambda: write_case(case, out))
    print(f"{case.description} {len(case.shared.flows):,} flows.")


@app.command()
def solvers() -> None:
    """List the solvers that work on this machine, with versions and what each can do."""
    tables.show(*tables.solvers())


def picture(solution: Solution) -> Any:
    """Return the figure of what a solution promises."""
    if isinstance(solution.contracts, Allotment):
        return allocation.allocation(solution.contracts)
    if isinstance(solution.contracts, Settlement):
        return settlement.draw(solution.contracts)
    return figures.contract_menu(solution)


def main() -> None:
    """Run the command line; an error of ours is one message and an exit status, never a traceback, and a warning one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = lambda message, *_, **__: print(f"veridical: warning: {message}", file=sys.stderr)
            app(prog_name="veridical")
    except VeridicalError as error:
        sys.stderr.write(f"veridical: {error}\n")
        sys.exit(error.exit_status)
