"""The numerical study of the ICDS paper, sections 3.1 and 3.2, recomputed through the closed forms.

Instances are the paper's; every profit is recomputed in two ways. `exact` is the optimum of the model. `as published` takes the
quantity as the inverse cdf run on below demand's support, Q = max(0, low + 2 alpha (r - v) / r), and its revenue as
r (Q - (Q - low)^2 / (4 alpha)) even where Q < low and revenue is r Q: that is how the printed averages come out to the digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.data import AssemblerCase, Uniform
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw
from veridical.studies.figures import assembler as figures
from veridical.studies.papers.reproduction import Reproduction, Row

__all__ = ["AsPublished", "many_suppliers", "profits", "two_suppliers"]

Formula = Callable[[AssemblerCase], closed.ClosedForm]
Instance = tuple[dict[str, Any], AssemblerCase]
READINGS = ("exact", "as published")
SIZES = (4, 6, 8, 10)
FIGURE_3 = (10, "fixed high cost")
SETS = ("fixed low cost", "fixed high cost")
BEATS = "the text says none; with c(l) = 1 and p(h) = 0.2 another FRW menu earns more, and the printed means need it"
BELOW = "the printed figure takes quantities and revenue below demand's support by the formula that holds inside it"


class AsPublished(Uniform):
    """Uniform demand with the formulas of its support run on below it, as the paper's study evidently took them."""

    def newsvendor_quantity(self, price: float, unit_cost: ArrayLike) -> Array:
        """Q = max(0, low + (high - low) (price - unit_cost) / price), also where unit_cost > price."""
        return np.maximum(0.0, self.low + (self.high - self.low) * (1.0 - np.asarray(unit_cost, dtype=float) / price))

    def expected_sales(self, q: ArrayLike) -> Array:
        """Q - (Q - low)^2 / (2 (high - low)), also where Q < low."""
        q = np.asarray(q, dtype=float)
        return q - (q - self.low) ** 2 / (2 * (self.high - self.low))


def instance(
    price: float, middle: float, alpha: float, costs: Sequence[tuple[float, float]], high: Sequence[float]
) -> AssemblerCase:
    """Return a case: demand uniform on [middle - alpha, middle + alpha], supplier i's high cost with probability high[i]."""
    suppliers = [
        {"name": f"supplier {i}", "costs": list(pair), "probabilities": [1 - p, p]}
        for i, (pair, p) in enumerate(zip(costs, high, strict=True), start=1)
    ]
    demand = {"distribution": "uniform", "low": middle - alpha, "high": middle + alpha}
    return AssemblerCase.model_validate({"price": price, "demand": demand, "suppliers": suppliers})


def two_suppliers() -> Iterator[Instance]:
    """Yield the 2,400 problems of section 3.1 with their parameters."""
    levels = (0.2, 0.4, 0.6, 0.8)
    grid = product((5, 7, 9, 11, 13), (2, 3, 4, 5, 6, 7), levels, levels, (100, 200, 300, 400, 500))
    for first, second, p, q, alpha in grid:
        parameters = {"c1(h)": first, "c2(h)": second, "p1(h)": p, "p2(h)": q, "alpha": alpha}
        yield parameters, instance(30, 500, alpha, [(3, first), (1, second)], [p, q])


def many_suppliers(n: int, fixed: str) -> Iterator[Instance]:
    """Yield the 400 problems of section 3.2 with n suppliers and the low or the high cost fixed across them."""
    low = fixed == "fixed low cost"
    grid = product((1, 6, 11, 16) if low else (11, 16, 21, 26), (0.2, 0.4, 0.6, 0.8), range(200, 1001, 200), range(270, 311, 10))
    for cost, p, alpha, price in grid:
        costs = [(cost, 30 - i) if low else (i, cost) for i in range(1, n + 1)]
        gap = float(np.mean([dear - cheap for cheap, dear in costs]))
        parameters = {"cost": cost, "p(h)": p, "alpha": alpha, "r": price, "gap": gap}
        yield parameters, instance(price, 1000, alpha, costs, [p] * n)


def profits(instances: Iterator[Instance], mechanisms: Mapping[str, Formula]) -> pd.DataFrame:
    """Return expected profits, a row an instance: its parameters, and for both readings a column a mechanism.

    Naive, FRW and the first best are taken at their optimum in both readings: the printed means for ten suppliers need that.
    """
    rows = []
    for parameters, case in instances:
        readings = {"exact": case, "as published": case.changed(demand=AsPublished(**case.demand.model_dump()))}
        row: dict[tuple[str, str], float] = {("", name): value for name, value in parameters.items()}
        for name, mechanism in mechanisms.items():
            for reading, read in readings.items():
                plain = name in ("naive", "frw", "first_best")
                row[reading, name] = row["exact", name] if plain and reading != "exact" else mechanism(read).bound
        rows.append(row)
    return pd.DataFrame(rows).rename_axis("instance")


@cache
def study(n: int, fixed: str = "") -> pd.DataFrame:
    """Return the profits of section 3.1 (n = 2) or of a set of section 3.2; hybrid with k = 3 and n/2, every k for Figure 3."""
    sizes = range(n + 1) if (n, fixed) == FIGURE_3 else sorted({3, n // 2})
    hybrids = {f"hybrid {k}": partial(closed.hybrid, k=k) for k in sizes if k <= n}
    mechanisms: dict[str, Formula] = {"naive": closed.naive, "frw": frw, **hybrids}
    mechanisms |= {"icds": closed.icds, "first_best": closed.first_best}
    return profits(two_suppliers() if n == 2 else many_suppliers(n, fixed), mechanisms)


def gain(table: pd.DataFrame, reading: str, better: str, than: str) -> pd.Series:
    """Return by how many per cent one mechanism earns more than another, instance by instance."""
    return 100 * (table[reading, better] / table[reading, than] - 1)


def rows_of(table: pd.DataFrame, label: str, better: str, than: str, note: str = "") -> Row:
    """Return the mean gain of one mechanism over another in both readings."""
    exact, as_published = (round(float(gain(table, reading, better, than).mean()), 9) for reading in READINGS)
    named = {name: f"hybrid (k={name.split()[1]})" if name.startswith("hybrid") else name for name in (better, than)}
    return Row(f"{label}{named[better]} over {named[than]}, mean gain %", exact, as_published, note)


def section_3_1() -> Reproduction:
    """Return section 3.1: what ICDS gains over FRW with two suppliers."""
    gains = gain(study(2), "exact", "icds", "frw")
    note = "the printed figure cannot come from an optimal FRW menu, and no reading of the text that gives it was found"
    rows = [
        Row("icds over frw, mean gain %", float(gains.mean()), note=note),
        Row("icds over frw, standard deviation of the gain", float(gains.std()), note=note),
    ]
    return Reproduction.of("assembler-3.1", "ICDS against FRW, two suppliers, 2,400 problems", rows)


def section_3_2() -> Reproduction:
    """Return section 3.2: ICDS, the hybrid with k = 3 and FRW, ten suppliers."""
    rows = []
    for fixed in SETS:
        table, label = study(10, fixed), f"{fixed}, n=10: "
        rows += [rows_of(table, label, *pair, BELOW) for pair in (("icds", "frw"), ("hybrid 3", "frw"), ("icds", "hybrid 3"))]
        rows += [rows_of(table, label, *pair) for pair in (("frw", "naive"), ("first_best", "icds"))]
        beats = float((gain(table, "exact", "frw", "naive") > 1e-7).sum())
        rows.append(Row(f"{label}instances of 400 where frw beats naive", beats, beats, BEATS if beats else ""))
        gap = float(table["", "gap"].mean())
        wrong = "the mean of 30 - i - c(l) over suppliers and sets is 16.0" if fixed == "fixed low cost" else ""
        rows.append(Row(f"{label}average cost gap", gap, note=wrong))
    return Reproduction.of("assembler-3.2", "ICDS, hybrid and FRW, ten suppliers, 2 x 400 problems", rows)


def section_3_2_1() -> Reproduction:
    """Return section 3.2.1: the same by the number of suppliers, with k = n/2; in print it is Figure 2."""
    rows = []
    for fixed, n in product(SETS, SIZES):
        table, label = study(n, fixed), f"{fixed}, n={n}: "
        hybrid = f"hybrid {n // 2}"
        pairs = ("icds", "frw"), (hybrid, "frw"), ("icds", hybrid), ("frw", "naive"), ("first_best", "icds")
        rows += [rows_of(table, label, *pair) for pair in pairs]
        beats = float((gain(table, "exact", "frw", "naive") > 1e-7).sum())
        rows.append(Row(f"{label}instances of 400 where frw beats naive", beats, beats))
    return Reproduction.of("assembler-3.2.1", "ICDS, hybrid and FRW by number of suppliers, 4 x 800 problems", rows)


def figure_1() -> Reproduction:
    """Return Figure 1: the gain of ICDS over FRW with two suppliers, by each parameter; exact, as in section 3.1."""
    table = study(2)
    parameters = {
        "cost gap of supplier 1": table["", "c1(h)"] - 3,
        "cost gap of supplier 2": table["", "c2(h)"] - 1,
        "demand uncertainty alpha": table["", "alpha"],
        "probability of a high cost p1(h)": table["", "p1(h)"],
    }
    exact = {name: curves(table, values, {"icds": ("icds", "frw")}) for name, values in parameters.items()}
    panels = {name: points.assign(**{"as published": float("nan")}) for name, points in exact.items()}
    note = "the text has the gain fall as p1(h) rises; it rises first"
    rows = [
        Row(f"p1(h)={p['x']:g}: icds over frw, mean gain %", p["exact"], note=note if p["x"] < 0.5 else "")
        for p in panels["probability of a high cost p1(h)"].to_dict("records")
    ]
    return drawn("assembler-figure-1", "Gain of ICDS over FRW, two suppliers", panels, "mean gain, %", rows)


def figure_2() -> Reproduction:
    """Return Figure 2: the gain of ICDS and of the hybrid with k = n/2 over FRW, fixed high cost, by n.

    Like the printed one it leaves alpha = 1000 out of its first panel and c(h) = 26 out of its second, where gains are largest.
    """
    panels: dict[str, pd.DataFrame] = {}
    extremes: dict[str, list[float]] = {reading: [] for reading in READINGS}
    for name, parameter, left_out in (("demand uncertainty alpha", "alpha", 1000), ("average cost gap", "cost", 26)):
        parts = []
        for n in SIZES:
            table = study(n, "fixed high cost")
            pairs = {f"icds, n={n}": ("icds", "frw"), f"hybrid k={n // 2}, n={n}": (f"hybrid {n // 2}", "frw")}
            kept = table[table["", parameter] != left_out]
            parts.append(curves(kept, kept["", "gap" if parameter == "cost" else parameter], pairs))
            if n == 10:
                rest = table[table["", parameter] == left_out]
                for reading in READINGS:
                    extremes[reading] += [float(gain(rest, reading, *pair).mean()) for pair in pairs.values()]
        panels[name] = pd.concat(parts)
    gap = study(10, "fixed high cost")
    printed = float(gap[gap["", "cost"] == 26]["", "gap"].mean())
    label = "alpha=1000 or c(h)=26, n=10: "
    lowest, highest = ((pick(extremes["exact"]), pick(extremes["as published"])) for pick in (min, max))
    rows = [
        Row(f"{label}smallest gain over frw %", *lowest, "hybrid at alpha = 1000; both readings agree"),
        Row(f"{label}largest gain over frw %", *highest, f"ICDS at c(h) = 26; {BELOW}"),
        Row("c(h)=26, n=10: average cost gap", printed, note="the mean of 26 - i over ten suppliers is 20.5"),
    ]
    title = "Gain of ICDS and hybrid (k = n/2) over FRW, fixed high cost"
    return drawn("assembler-figure-2", title, panels, "mean gain, % (logarithmic)", rows, "log")


def figure_3() -> Reproduction:
    """Return Figure 3: the loss of the hybrid against ICDS by k, ten suppliers, fixed high cost."""
    table = study(*FIGURE_3)
    panels = {}
    for name, parameter, word in (("by demand uncertainty", "alpha", "alpha"), ("by average cost gap", "gap", "gap")):
        parts = []
        for value, instances in table.groupby(("", parameter)):
            for k in range(11):
                loss = {reading: -gain(instances, reading, f"hybrid {k}", "icds").mean() for reading in READINGS}
                parts.append({"x": k, "series": f"{word} = {value:g}", **loss})
        panels[f"number k of suppliers who report, {name}"] = pd.DataFrame(parts)
    rows = [
        Row(f"{point['series']}, k={point['x']}: loss of the hybrid, mean %", point["exact"], point["as published"])
        for points in panels.values()
        for point in points.to_dict("records")
        if point["x"] in (0, 3, 5)
    ]
    title = "Loss of the hybrid against ICDS, ten suppliers, fixed high cost"
    return drawn("assembler-figure-3", title, panels, "mean loss, %", rows)


def curves(table: pd.DataFrame, x: pd.Series, pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return mean gains by the values of x: a row a point with x, series, and both readings."""
    parts = []
    for series, pair in pairs.items():
        means = pd.DataFrame({reading: gain(table, reading, *pair) for reading in READINGS}).groupby(x).mean()
        parts += [{"x": at, "series": series, **row} for at, row in zip(means.index, means.to_dict("records"), strict=True)]
    return pd.DataFrame(parts)


def drawn(
    name: str, title: str, panels: Mapping[str, pd.DataFrame], unit: str, rows: Sequence[Row] = (), scale: str = "linear"
) -> Reproduction:
    """Return the reproduction of a figure: its points, and the figure."""
    series = pd.concat([panel.assign(panel=label) for label, panel in panels.items()], ignore_index=True)
    return Reproduction.of(name, title, rows, series=series, draw=partial(figures.readings, title, panels, unit, scale))
