"""Commands of the command line that are for one kind of case, a module each with its tables, or that take no case."""

from collections.abc import Callable

from veridical.commands.auction import auction
from veridical.commands.choose_fees import choose_fees
from veridical.commands.choose_k import choose_k
from veridical.commands.pilot import pilot
from veridical.commands.study import study
from veridical.commands.without_case import generate, reproduce, solvers

__all__ = ["COMMANDS"]

COMMANDS: tuple[Callable[..., None], ...] = (
    auction,
    choose_k,
    choose_fees,
    study,
    reproduce,
    pilot,
    generate,
    solvers,
)  # in the order of the help
