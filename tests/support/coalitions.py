"""Joint misreports one by one, in loops, from the definitions."""

from collections.abc import Callable, Sequence
from itertools import combinations, product

from support.linear_oracles import Program

Reports = tuple[int, ...]
Amount = Callable[[int, int, Reports], float]  # of an agent, his true type and what all report


def groups(n: int) -> list[tuple[int, ...]]:
    """Return every pair of n agents, and all together."""
    return [*combinations(range(n), 2), *([tuple(range(n))] if n > 2 else [])]


def misreports(sizes: Sequence[int], members: tuple[int, ...]) -> list[tuple[Reports, Reports]]:
    """Return the members' true types with what the others report, and the same with another joint report."""
    pairs = product(product(*map(range, sizes)), repeat=2)
    return [(t, u) for t, u in pairs if t != u and all(t[i] == u[i] for i in range(len(sizes)) if i not in members)]


def worst_together(sizes: Sequence[int], worth: Amount, amount: Amount) -> dict[str, tuple[bool, float]]:
    """Return for each form whether a joint misreport violates it, and the worst figure, in the words of `coalitions`."""
    profiles = list(product(*map(range, sizes)))
    stakes = [[max(amount(i, k, t) for t in profiles) for k in range(size)] for i, size in enumerate(sizes)]
    alone, paid = [(False, -float("inf"))], [(False, -float("inf"))]
    for members in groups(len(sizes)):
        for t, u in misreports(sizes, members):
            gains = [worth(i, t[i], u) - worth(i, t[i], t) for i in members]
            limits = [1e-6 * max(amount(i, t[i], u), amount(i, t[i], t)) + 1e-9 * stakes[i][t[i]] for i in members]
            nobody_loses = all(gain >= -limit for gain, limit in zip(gains, limits, strict=True))
            somebody_gains = any(gain > limit for gain, limit in zip(gains, limits, strict=True))
            violates = nobody_loses and somebody_gains and sum(gains) > 0
            alone.append((violates, sum(gains) if nobody_loses else sum(min(gain, 0.0) for gain in gains)))
            paid.append((violates or sum(gains) > sum(limits), sum(gains)))
    found = {"coalition_ic": max(alone), "coalition_ic_with_side_payments": max(paid)}
    return {name: (violates, 0.0 if worst == -float("inf") else worst) for name, (violates, worst) in found.items()}


def withstand(program: Program, costs: Sequence[Sequence[float]]) -> Program:
    """Add to an assembler's program that no coalition gains in sum."""
    sizes = [len(own) for own in costs]
    for members in groups(len(sizes)):
        for t, u in misreports(sizes, members):
            gains: list[tuple[float, tuple[str, int, Reports]]] = []
            for i in members:
                cost = costs[i][t[i]]
                gains += [(1.0, ("P", i, u)), (-cost, ("q", i, u)), (-1.0, ("P", i, t)), (cost, ("q", i, t))]
            program.at_most(0.0, *gains)
    return program
