"""The shipped motor controllers are what the head of their file says: quotes and demand from a seed, costs from the quotes."""

import math
import re
from typing import Any

import numpy as np

from support.places import ROOT
from veridical import example, load

FOLDER = ROOT / "data" / "cases" / "motor-controllers"


def test_quotes_and_demand_come_from_the_formula_in_the_file() -> None:
    case: Any = example("motor-controllers")
    text = (FOLDER / "case.toml").read_text(encoding="utf-8")
    random = np.random.default_rng(18)
    drawn = {}
    for file, middle, spread, count in re.findall(r'reports = "(.+)" +# middle (.+), spread (.+), (\d+) quotes', text):
        drawn[file] = np.round(float(middle) * (1 + float(spread) * random.uniform(-1, 1, int(count))), 2).tolist()
    assert {s.reports: list(s.reported) for s in case.suppliers if s.reports} == drawn
    season = np.tile([1.1, 0.95, 0.85, 1.1], 6)
    assert list(case.demand.values) == np.round(620 * season * (1 + 0.3 * random.uniform(-1, 1, 24))).tolist()


def test_costs_are_quantiles_of_the_quotes_rounded_up() -> None:
    for supplier in example("motor-controllers").suppliers:
        if supplier.reports is not None:
            shares = np.arange(1, len(supplier.costs) + 1) / len(supplier.costs)
            quantiles = np.quantile(supplier.reported, shares, method="higher")
            assert list(supplier.costs) == [math.ceil(round(10 * quantile, 6)) / 10 for quantile in quantiles]


def test_a_case_that_is_a_folder_has_its_name() -> None:
    assert example("motor-controllers").name == load(FOLDER).name == load(FOLDER / "case.toml").name == "motor-controllers"
