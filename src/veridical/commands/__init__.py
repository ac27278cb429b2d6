"""Commands of the command line that are for one kind of case or for none: a module each, with its tables."""

from collections.abc import Callable, Mapping

from veridical.commands.auction import auction
from veridical.commands.choose_k import choose_k
from veridical.commands.generate import generate
from veridical.commands.pilot import pilot
from veridical.commands.reproduce import reproduce
from veridical.commands.solvers import solvers

__all__ = ["COMMANDS"]

COMMANDS: Mapping[str, Callable[..., None]] = {  # in the order of the help
    "auction": auction,
    "choose-k": choose_k,
    "reproduce": reproduce,
    "pilot": pilot,
    "generate": generate,
    "solvers": solvers,
}
