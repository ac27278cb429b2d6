"""Every claim of both papers beside what our code says of it: true, false or not checked, with the figure that shows it.

Modules: `claim` (what a claim and a verdict are); `assembler_theory`, `assembler_extensions`, `allocation_theory` (what the
papers prove); `assembler_study`, `allocation_study` (what they say of tables and figures); `assembler_cases` (random cases).

No verdict is written down: each is computed from the figures of its witness, on seeded samples whose sizes the witness gives.
"True" means that what was tried, and the witness says what, does not contradict the claim; the proofs are the papers'. Claims
that a paper cites from others are left out, and so are repetitions.
"""

from __future__ import annotations

from veridical.data.lazy import pd
from veridical.studies.papers.claims import (
    allocation_study,
    allocation_theory,
    assembler_extensions,
    assembler_study,
    assembler_theory,
)
from veridical.studies.papers.claims.claim import Claim, Verdict
from veridical.studies.papers.reproduction import Reproduction

__all__ = ["CLAIMS", "Claim", "Verdict", "claims"]

CLAIMS: tuple[Claim, ...] = tuple(
    claim
    for module in (assembler_theory, assembler_extensions, assembler_study, allocation_theory, allocation_study)
    for claim in module.CLAIMS.listed
)


def claims() -> Reproduction:
    """Return the table of claims: a row a claim with paper, where, claimed, holds (None: not checked), witness and figure."""
    rows = []
    for claim in CLAIMS:
        verdict = claim.check()
        holds = None if verdict.holds is None else bool(verdict.holds)
        rows.append((claim.claim, claim.paper, claim.where, claim.claimed, holds, verdict.witness, float(verdict.figure)))
    columns = ["claim", "paper", "where", "claimed", "holds", "witness", "figure"]
    table = pd.DataFrame(rows, columns=columns).astype({"holds": object}).set_index("claim")
    return Reproduction("claims", "what the papers claim, and whether it is true", table)
