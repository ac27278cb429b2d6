"""How sure a menu's profit is where the prior is estimated from past reports: resampled, and on reports that were held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from veridical.contracts import Menu
from veridical.data import AssemblerCase
from veridical.data.arrays import Array, Integers
from veridical.data.assembler import label
from veridical.data.copula import gaussian_copula
from veridical.data.prior import independent

__all__ = ["APART", "DRAWS", "FEW", "HELD_OUT", "LEVEL", "estimated", "few", "uneven"]

DRAWS, LEVEL = 999, 0.9  # of the bootstrap
OF_COPULA = 99  # draws where each of them is an integration
HELD_OUT = 0.25  # share of every supplier's reports
FEW = 30  # reports below which that is said
APART = 5  # times the lowest report, beyond which that is said
SEED = 0


def few(case: AssemblerCase) -> tuple[str, ...]:
    """Return in words whose prior rests on few reports."""
    counts = {s.name: len(s.reported) for s in case.suppliers if s.reports is not None and len(s.reported) < FEW}
    words = {name: f"{count} report{'s' if count > 1 else ''}" for name, count in counts.items()}
    return tuple(f"the prior of {name} rests on {said}, fewer than {FEW}" for name, said in words.items())


def uneven(case: AssemblerCase) -> tuple[str, ...]:
    """Return in words whose reports are so far apart that some may be of another unit, as of a hundred pieces."""
    far = {
        s.name: (min(s.reported), max(s.reported))
        for s in case.suppliers
        if s.reports is not None and s.reported and max(s.reported) > APART * min(s.reported)
    }
    return tuple(
        f"the reports of {name} go from {label(low)} to {label(high)}: are all of them of one unit and one currency?"
        for name, (low, high) in far.items()
    )


def estimated(menu: Menu, solve: Callable[[AssemblerCase], Menu]) -> dict[str, Any]:
    """Return the numbers of reports, a bootstrap interval of what the menu earns, and what a menu earns out of sample.

    The bootstrap draws every supplier's reports anew, as many as there are, and takes the expectation of what this menu earns:
    the middle 90 % of 999 draws (99 where costs are correlated by a copula, whose prior is integrated in each). Out of sample: a
    quarter of every supplier's reports is held out, `solve` makes the menu for the others, and `promised` and `earned` are its
    expectations under these and under those; None where somebody has fewer than four reports. Source: percentile bootstrap, Efron
    and Tibshirani (1993), chapter 13.
    """
    case, random = menu.case, np.random.default_rng(SEED)
    counts = [np.array(supplier.counts) if supplier.reports is not None else None for supplier in case.suppliers]
    draws = DRAWS if case.prior is None else OF_COPULA
    profits = [
        _expected(
            menu,
            [p if n is None else random.multinomial(n.sum(), p) / n.sum() for n, p in zip(counts, case.marginals, strict=True)],
        )
        for _ in range(draws)
    ]
    low, high = np.quantile(profits, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return {
        "reports": {s.name: int(n.sum()) for s, n in zip(case.suppliers, counts, strict=True) if n is not None},
        "interval": [low, high],
        "level": LEVEL,
        "draws": draws,
        "held_out": _held_out(case, counts, solve, random),
    }


def _held_out(
    case: AssemblerCase, counts: Sequence[Integers | None], solve: Callable[[AssemblerCase], Menu], random: np.random.Generator
) -> dict[str, float] | None:
    if any(n is not None and n.sum() * HELD_OUT < 1 for n in counts):
        return None
    fields: dict[str, Any] = {}
    kept, others = list(case.marginals), list(case.marginals)
    for i, n in enumerate(counts):
        if n is not None:
            out = random.multivariate_hypergeometric(n, round(n.sum() * HELD_OUT))
            kept[i], others[i] = (n - out) / (n - out).sum(), out / out.sum()
            fields[f"suppliers.{i}.probabilities"] = kept[i].tolist()
    menu = solve(case.changed(**fields))
    return {"share": HELD_OUT, "promised": _expected(menu, kept), "earned": _expected(menu, others)}


def _expected(menu: Menu, marginals: list[Array]) -> float:
    """Return what a menu earns where suppliers' own probabilities are these, and depend on one another as in its case."""
    prior = menu.case.prior
    if prior is None:
        return float((independent(marginals) * menu.profit).sum())
    return float((gaussian_copula(marginals, np.array(prior.correlation)).probability * menu.profit).sum())
