"""Continuous costs: Proposition 4 of the ICDS paper against the model on ever finer grids of costs."""

from __future__ import annotations

from functools import partial

import numpy as np

from veridical import models, solvers
from veridical.data import ContinuousCase, example
from veridical.data.lazy import pd
from veridical.solvers.closed_form.continuous_rule import continuous
from veridical.studies.figures import assembler as figures
from veridical.studies.papers.reproduction import Reproduction, Row

__all__ = ["convergence", "proposition_4"]

POINTS = (2, 4, 8, 16, 32, 64)  # costs a supplier


def convergence(case: ContinuousCase) -> pd.DataFrame:
    """Return the profit of the model on each grid, and how far below the closed form's it is, relative to that."""
    exact = continuous(case).profit
    form = solvers.preferred_form(case.demand.forms, solvers.configure("highs"))
    rows = []
    for points in POINTS:
        profit = solvers.solve(models.continuous.build(case, form, points), "highs").objective
        rows.append({"points": points, "profit": profit, "below": 1 - profit / exact})
    return pd.DataFrame(rows)


def proposition_4() -> Reproduction:
    """Return what Proposition 4 comes to for the shipped pair: by virtual costs, by payments, and as the limit of grids."""
    case = example("continuous-pair")
    optimum, table = continuous(case), convergence(case)
    below = table["below"].to_numpy()
    rows = [
        Row("profit by virtual costs, (37)", optimum.profit),
        Row("profit by payments, (36)", optimum.profit_by_payments),
        *(Row(f"profit on a grid of {row['points']} costs a supplier", row["profit"]) for row in table.to_dict("records")),
        Row("order of convergence between the last two grids", float(np.log2(below[-2] / below[-1]))),
    ]
    title = "Continuous costs: the model on a grid tends to Proposition 4 (case continuous-pair)"
    return Reproduction.of("assembler-proposition-4", title, rows, series=table, draw=partial(figures.convergence, title, table))
