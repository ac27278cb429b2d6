"""What a model would take of memory: what does not fit is refused before anything of it is built."""

from __future__ import annotations

from collections.abc import Collection

from veridical.data import AssemblerCase, InputError
from veridical.data.assembler import shortened
from veridical.data.limits import MEMORY, gigabytes
from veridical.models.assembler.coalitions import count as coalition_constraints
from veridical.models.expected_sales import chosen

__all__ = ["fits", "fits_together"]

SHARED_BYTES = 3_000  # at the peak of a solve, a constraint of a coalition and member
BYTES = 1_400  # resident memory a constraint with its share of the variables, measured: benchmarks/full_icds.py


def fits(case: AssemblerCase, name: str, form: str, contracts: bool) -> None:
    """Refuse a model that would not fit into memory, before anything of it is built."""
    n, profiles = len(case.shape), min(case.profiles, 10**18)
    sales = 0
    for sold in case.products or (case,):
        sales += {"linear": len(getattr(sold.demand, "points", ())), "tangent": 16}.get(chosen(sold.demand, form), 2)
    pairs = sum(m - 1 for m in case.shape) / n  # misreports a supplier and profile, on average
    rows = profiles * (case.yields.count * (sales + n) + (n * (1 + 1.5 * pairs) if contracts else 0))
    if rows * BYTES > MEMORY:
        large = f"<{n} suppliers with {shortened(case.profiles)} cost profiles"
        large += f", each with {case.yields.count:,} joint yields" if case.random_yields else ""
        large += f": {gigabytes(rows * BYTES)}>"
        allowed = f"models of `{name}` below {MEMORY / 1e9:.0f} GB; for larger cases the closed form (solver closed_form)"
        allowed = f"{allowed} where it applies, or fewer costs or suppliers with private costs"
        raise InputError.of("suppliers", large, allowed)


def fits_together(case: AssemblerCase, name: str, reporting: Collection[int]) -> None:
    """Refuse truth of coalitions where its constraints would not fit: of all suppliers together a square of the profiles."""
    needed = sum(rows * members * SHARED_BYTES for rows, members in coalition_constraints(case.shape, reporting))
    if needed > MEMORY:
        value = f"<true: {len(case.shape)} suppliers with {shortened(case.profiles)} cost profiles, {gigabytes(needed)}>"
        allowed = f"models of `{name}` below {MEMORY / 1e9:.0f} GB; without it the audit still looks for joint misreports"
        raise InputError.of("coalitions", value, allowed, case.name)
