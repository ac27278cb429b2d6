"""What the ICDS paper says of its numerical study, section 3, held against the study recomputed, exact.

All problems of section 3.1 and of section 3.2 with ten suppliers; with fewer those of Figure 2. Where every k is compared, the
price is one of five: the witness says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np

from veridical.data import AssemblerCase, virtual_cost
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw
from veridical.studies.papers.assembler_study import SETS, SIZES, Instance, many_suppliers, two_suppliers
from veridical.studies.papers.claims.assembler_cases import EXACT, SUPPLEMENT
from veridical.studies.papers.claims.claim import Claims, Verdict, listed, not_checked, printed_digits, trend

__all__ = ["CLAIMS"]

CLAIMS = Claims("ICDS paper")
LOW, HIGH = SETS
PRICE = 290  # of five: at which every k is compared
UP, DOWN = "rises", "falls"


MECHANISMS: Mapping[str, Callable[[AssemblerCase], closed.ClosedForm]] = {
    "naive": closed.naive,
    "frw": frw,
    "icds": closed.icds,
    **{f"hybrid {k}": partial(closed.hybrid, k=k) for k in range(11)},
}


@cache
def instances(n: int, fixed: str) -> list[Instance]:
    """Return the problems of section 3.1 (n = 2), or of a set of section 3.2, with their parameters."""
    return list(two_suppliers() if n == 2 else many_suppliers(n, fixed))


@cache
def profit(n: int, fixed: str, mechanism: str) -> Array:
    """Return what a mechanism earns, problem by problem; the hybrid's name has its k."""
    return np.array([MECHANISMS[mechanism](case).bound for _, case in instances(n, fixed)])


def gain(n: int, fixed: str, better: str, than: str) -> Array:
    """Return by how many per cent one mechanism earns more than another, problem by problem."""
    return 100 * (profit(n, fixed, better) / profit(n, fixed, than) - 1)


def gains(n: int, fixed: str, better: str, than: str) -> pd.DataFrame:
    """Return the parameters of each problem, and the gain of one mechanism over another."""
    table = pd.DataFrame([parameters for parameters, _ in instances(n, fixed)]).drop(columns="gap", errors="ignore")
    return table.assign(gain=gain(n, fixed, better, than))


@cache
def by_k() -> pd.DataFrame:
    """Return the loss of the hybrid against ICDS in %, ten suppliers, fixed high cost, one price: a row an instance and k."""
    some = [(parameters, case) for parameters, case in instances(10, HIGH) if parameters["r"] == PRICE]
    rows = []
    for parameters, case in some:
        best = closed.icds(case).bound
        own = {name: parameters[name] for name in ("alpha", "p(h)", "gap")}
        rows += [own | {"k": k, "gain": 100 * (1 - MECHANISMS[f"hybrid {k}"](case).bound / best)} for k in range(11)]
    return pd.DataFrame(rows)


@CLAIMS.add("section 1.2", "ICDS always outperforms FRW", "always")
def icds_over_frw() -> Verdict:
    values = np.concatenate([gain(n, fixed, "icds", "frw") for n, fixed in ((2, ""), *((n, HIGH) for n in SIZES), (10, LOW))])
    return Verdict(
        bool(values.min() >= -100 * EXACT), f"smallest gain {values.min():.2g} % of {len(values):,} problems", values.min()
    )


@CLAIMS.add("section 2.1", "c(h) < r ensures a positive amount of the product", "always")
def positive_amount() -> Verdict:
    nothing = {}
    for fixed in SETS:
        dearest = {tuple(row[name] for name in ("cost", "p(h)", "r")): case for row, case in instances(10, fixed)}
        nothing[fixed] = (sum(float(virtual_cost(case).max()) >= case.price for case in dearest.values()), len(dearest))
    words = ", ".join(f"in {count} of {total} sets of parameters with {fixed}" for fixed, (count, total) in nothing.items())
    zero = sum(count for count, _ in nothing.values())
    return Verdict(zero == 0, f"ICDS buys nothing at some profile {words}, n=10: v(t) >= r there", float(zero))


@CLAIMS.add("section 3.1", "mean gain of ICDS over FRW, two suppliers", "10.38 %")
def mean_gain() -> Verdict:
    values = gain(2, "", "icds", "frw")
    holds = printed_digits([values.mean()], [10.38], 2, "").holds
    return Verdict(holds, f"{values.mean():.4f} %, mean of {len(values):,} problems", values.mean())


@CLAIMS.add("section 3.1", "standard deviation of that gain", "13.78 %")
def deviation() -> Verdict:
    values = gain(2, "", "icds", "frw")
    spread = float(values.std(ddof=1))
    return Verdict(printed_digits([spread], [13.78], 2, "").holds, f"{spread:.4f} %, of {len(values):,} problems", spread)


def of_figure_1(parameter: str, rises: bool) -> Verdict:
    """Return how the gain of ICDS over FRW changes with a parameter of section 3.1."""
    return trend(gains(2, "", "icds", "frw"), parameter, rises)


CLAIMS.extend(
    "section 3.1, Figure 1",
    [
        (f"the gain of ICDS over FRW {grows} with {words}", grows, partial(of_figure_1, parameter, grows == UP))
        for words, parameter, grows in (
            ("Delta_1", "c1(h)", UP),
            ("Delta_2", "c2(h)", UP),
            ("alpha", "alpha", UP),
            ("p1(h)", "p1(h)", DOWN),
        )
    ],
)


def printed_mean(fixed: str, better: str, than: str, printed: float, digits: int) -> Verdict:
    """Return a mean of section 3.2 beside the printed one."""
    mean = float(gain(10, fixed, better, than).mean())
    return Verdict(printed_digits([mean], [printed], digits, "").holds, f"{mean:.3f} %, mean of 400 problems", mean)


WORDS = {"icds": "ICDS", "frw": "FRW", "hybrid 3": "the hybrid (k = 3)"}
CLAIMS.extend(
    "section 3.2",
    [
        (
            f"{fixed}, n=10: mean gain of {WORDS[better]} over {WORDS[than]}",
            f"{mean:g} %",
            partial(printed_mean, fixed, better, than, mean, 0 if than == "hybrid 3" else 1),
        )
        for fixed, means in ((LOW, (67.3, 29.5, 21)), (HIGH, (90.6, 38.8, 14)))
        for (better, than), mean in zip((("icds", "frw"), ("hybrid 3", "frw"), ("icds", "hybrid 3")), means, strict=True)
    ],
)


def of_tables_3_and_4(fixed: str, parameter: str, rises: bool) -> Verdict:
    """Return how the gains of ICDS and of the hybrid over FRW change with a parameter, ten suppliers."""
    verdicts = [trend(gains(10, fixed, better, "frw"), parameter, rises) for better in ("icds", "hybrid 3")]
    witness = "; ".join(f"{name}: {each.witness}" for name, each in zip(("ICDS", "hybrid"), verdicts, strict=True))
    return Verdict(all(each.holds for each in verdicts), witness, min(each.figure for each in verdicts))


CLAIMS.extend(
    "section 3.2",
    [
        (
            f"{fixed}, n=10: the gains of ICDS and hybrid over FRW rise with {words}",
            UP,
            partial(of_tables_3_and_4, fixed, parameter, rises),
        )
        for fixed in SETS
        for words, parameter, rises in (
            ("alpha", "alpha", True),
            ("p(l): they fall with p(h)", "p(h)", False),
            ("a smaller r: they fall with r", "r", False),
            ("uncertainty of costs: they fall with c(l)", "cost", False)
            if fixed == LOW
            else ("uncertainty of costs: they rise with c(h)", "cost", True),
        )
    ],
)


@CLAIMS.add(
    "section 3.2", "ICDS rather than the hybrid matters more with fixed low cost than with fixed high cost", "21 % > 14 %"
)
def which_set() -> Verdict:
    low, high = (float(gain(10, fixed, "icds", "hybrid 3").mean()) for fixed in SETS)
    return Verdict(low > high, f"{low:.2f} % with fixed low cost, {high:.2f} % with fixed high cost", low - high)


def over_hybrid(fixed: str, parameter: str, rises: bool) -> Verdict:
    """Return how the gain of ICDS over the hybrid with k = 3 changes with a parameter."""
    return trend(gains(10, fixed, "icds", "hybrid 3"), parameter, rises)


CLAIMS.extend(
    "section 3.2",
    [
        (
            f"{fixed}, n=10: the gain of ICDS over the hybrid (k = 3) {grows} with {words}",
            grows,
            partial(over_hybrid, fixed, parameter, rises),
        )
        for fixed in SETS
        for words, parameter, grows, rises in (
            ("alpha", "alpha", UP, True),
            ("r", "r", DOWN, False),
            ("p(h)", "p(h)", DOWN, False),
            ("Delta", "cost", UP, fixed == HIGH),
        )
    ],
)


def average_gap(fixed: str, cost: float | None, printed: float) -> Verdict:
    """Return the average cost gap of a set, or of its problems with one fixed cost."""
    gap = float(np.mean([each["gap"] for each, _ in instances(10, fixed) if cost in (None, each["cost"])]))
    return Verdict(printed_digits([gap], [printed], 1, "").holds, f"{gap:g}", gap)


CLAIMS.extend(
    "section 3.2",
    [
        ("fixed low cost, n=10: average Delta_i", "16.5", partial(average_gap, LOW, None, 16.5)),
        ("fixed high cost, n=10: average Delta_i", "13", partial(average_gap, HIGH, None, 13)),
    ],
)
CLAIMS.extend("footnote 2", [("c(h) = 26, n=10: average Delta_i", "22.5", partial(average_gap, HIGH, 26, 22.5))])


@CLAIMS.add("section 3.2.1", "the gains of ICDS and hybrid (k = n/2) over FRW grow with the number of suppliers", UP)
def by_size() -> Verdict:
    icds, half = ([float(gain(n, HIGH, name or f"hybrid {n // 2}", "frw").mean()) for n in SIZES] for name in ("icds", ""))
    holds = bool((np.diff([icds, half], axis=1) > 0).all())
    witness = f"fixed high cost, n = 4, 6, 8, 10: means {listed(icds)} (ICDS), {listed(half)} (hybrid), of 400 problems each"
    return Verdict(holds, witness, icds[-1])


@CLAIMS.add("section 3.2.1", "in all experiments with n = 10 FRW reduces to naive", "800 of 800")
def reduces_to_naive() -> Verdict:
    beats = [
        parameters
        for fixed in SETS
        for (parameters, _), more in zip(instances(10, fixed), gain(10, fixed, "frw", "naive"), strict=True)
        if more > 100 * EXACT
    ]
    costs, shares = (", ".join(f"{value:g}" for value in sorted({each[name] for each in beats})) for name in ("cost", "p(h)"))
    witness = f"FRW earns more than naive in {len(beats)} of 800 problems, all with c = {costs} and p(h) = {shares}"
    return Verdict(not beats, witness, len(beats))


@CLAIMS.add("footnote 2", "gains over FRW where alpha = 1000 or c(h) = 26, n=10, fixed high cost", "193 % to 331 %")
def extremes() -> Verdict:
    tables = [gains(10, HIGH, better, "frw") for better in ("icds", "hybrid 5")]
    means = [
        float(table["gain"][table[name] == value].mean()) for table in tables for name, value in (("alpha", 1000), ("cost", 26))
    ]
    holds = printed_digits([min(means), max(means)], [193, 331], 0, "").holds
    return Verdict(holds, f"{min(means):.1f} % to {max(means):.1f} %", max(means))


def of_figure_3(parameter: str, rises: bool) -> Verdict:
    """Return how the loss of the hybrid changes with k, with alpha or with the average gap, where it has any."""
    table = by_k()
    if parameter != "k":
        table = table[table["k"] < 10]
    verdict = trend(table, parameter, rises)
    return Verdict(verdict.holds, f"{verdict.witness}; 80 of 400 problems, r = {PRICE}", verdict.figure)


CLAIMS.extend(
    "Figure 3",
    [
        (
            f"n=10, fixed high cost: the loss of the hybrid against ICDS {grows} with {words}",
            grows,
            partial(of_figure_3, parameter, grows == UP),
        )
        for words, parameter, grows in (("k", "k", DOWN), ("alpha", "alpha", UP), ("the average Delta_i", "gap", UP))
    ],
)
CLAIMS.extend("Appendix C", [("Tables 3 and 4: gains, n=10, cell by cell", "-", not_checked(SUPPLEMENT))])
CLAIMS.extend("Appendix D", [("Table 5: further experimental results", "-", not_checked(SUPPLEMENT))])
