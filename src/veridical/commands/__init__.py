"""Commands of the command line that are for one kind of case, a module each with its tables, or that take no case."""

from collections.abc import Callable
from typing import NamedTuple

from veridical.commands import rounds
from veridical.commands.agent import agent
from veridical.commands.auction import auction
from veridical.commands.choose_fees import choose_fees
from veridical.commands.choose_k import choose_k
from veridical.commands.import_case import import_case
from veridical.commands.pilot import pilot
from veridical.commands.serve import serve
from veridical.commands.shelf import examples, schema, show
from veridical.commands.split import split
from veridical.commands.study import study
from veridical.commands.without_case import generate, reproduce, solvers


class Group(NamedTuple):
    """Commands under one word: what it is about, and the commands in the order of the help."""

    about: str | None
    commands: tuple[Callable[..., None], ...]


__all__ = ["COMMANDS", "GROUPS"]

COMMANDS: tuple[Callable[..., None], ...] = (
    examples,
    show,
    schema,
    auction,
    choose_k,
    choose_fees,
    study,
    reproduce,
    pilot,
    split,
    agent,
    serve,
    generate,
    import_case,
    solvers,
)  # in the order of the help
GROUPS: dict[str, Group] = {"round": Group(rounds.__doc__, rounds.COMMANDS)}  # commands of two words
