"""Names that are told apart by a number behind them, also to a program that ignores upper and lower case."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["each_once"]


def each_once(names: Iterable[str], longest: int, sign: str = "-", taken: Iterable[str] = ()) -> list[str]:
    """Return the names, each of at most so many letters, with `sign` and a number from 2 on behind those that were there before.

    `taken`: names that none may have.

    >>> each_once(["menu", "Menu", "plan", "menu"], 31), each_once(["quotes", "sales"], 5, " ", taken=["Quote"])
    (['menu', 'Menu-2', 'plan', 'menu-3'], ['quo 2', 'sales'])
    """
    found: list[str] = []
    before = {name.casefold() for name in taken}
    for name in names:
        unique, number = name[:longest], 1
        while unique.casefold() in before:
            number += 1
            behind = f"{sign}{number}"
            unique = name[: longest - len(behind)] + behind
        before.add(unique.casefold())
        found.append(unique)
    return found
