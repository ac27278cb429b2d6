"""Bad cases of capacity allocation: field, value and what is allowed."""

import math
from typing import Any

import pytest

from support.allocation_cases import LINEAR, NORMAL, POWER, newsvendor, raw_case, raw_group
from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.data.fields import Record, check
from veridical.data.private_type import PrivateType

PRIOR = {"distribution": "uniform", "low": 4, "high": 8}
CASES = [
    ("capacity zero", {"capacity": 0}, "capacity", "0", "a finite number > 0"),
    ("capacity text", {"capacity": "3"}, "capacity", "'3'", "a finite number > 0"),
    ("no capacity", {"capacity": None}, "capacity", "<neither", "exactly one of capacity"),
    ("both", {"capacity_cost": 1.0}, "capacity", "<capacity and capacity_cost>", "exactly one of capacity"),
    ("cost negative", {"capacity": None, "capacity_cost": -1}, "capacity_cost", "-1", "a finite number >= 0"),
    ("no retailers", {"retailers": []}, "retailers", "[]", "one or more [[retailers]] tables"),
    ("retailers a table", {"retailers": raw_group()}, "retailers", "{", "one or more [[retailers]] tables"),
    ("unknown key", {"price": 3}, "price", "3", "only the keys kind, name"),
    ("rule", {"fixed_price": {"wholesale_price": 4, "rule": "fair"}}, "fixed_price.rule", "'fair'", "one of linear, prop"),
    ("wholesale", {"fixed_price": {"wholesale_price": 0, "rule": "linear"}}, "fixed_price.wholesale_price", "0", "number > 0"),
    ("no rule", {"fixed_price": {"wholesale_price": 1}}, "fixed_price.rule", "<nothing>", "missing required key: one of linear"),
    ("twice", {"retailers": [raw_group(name="a"), raw_group(name="a")]}, "retailers[1].name", "'a'", "no other group"),
    (
        "taken",
        {"retailers": [raw_group(name="retailers 2"), raw_group()]},
        "retailers[1].name",
        "'retailers 2'",
        "no other group",
    ),
    (
        "free and unbounded",
        {"capacity": None, "capacity_cost": 0, "retailers": [raw_group(), raw_group(revenue=NORMAL)]},
        "capacity_cost",
        "0.0",
        "not free where more units always earn more, as with the revenue of retailers[1]",
    ),
]
GROUPS = [
    ("count zero", {"count": 0}, "count", "0", "a whole number from 1 to 100,000"),
    ("count true", {"count": True}, "count", "True", "a whole number from 1 to 100,000"),
    ("count fraction", {"count": 2.5}, "count", "2.5", "a whole number from 1 to 100,000"),
    ("no count", {"count": None}, "count", "<nothing>", "missing required key: a whole number >= 1"),
    ("types fall", {"types": [4, 6, 5]}, "types", "[4, 6, 5]", "strictly ascending"),
    ("types equal", {"types": [4, 4, 5]}, "types", "[4, 4, 5]", "strictly ascending"),
    ("types negative", {"types": [-1, 4, 5]}, "types", "[-1, 4, 5]", "types >= 0"),
    ("types NaN", {"types": [1, 4, float("nan")]}, "types", "nan", "finite types"),
    ("no types", {"types": None, "probabilities": None}, "types", "<neither", "exactly one of types"),
    ("types and prior", {"prior": PRIOR}, "types", "<types and prior>", "exactly one of types"),
    ("probabilities and prior", {"types": None, "prior": PRIOR}, "probabilities", "(0.2, 0.3, 0.5)", "no probabilities"),
    ("no probabilities", {"probabilities": None}, "probabilities", "<nothing>", "one probability a type"),
    ("sum", {"probabilities": [0.2, 0.3, 0.4]}, "probabilities", "0.9", "sum to 1 within 1e-09"),
    ("negative", {"probabilities": [-0.2, 0.7, 0.5]}, "probabilities", "-0.2", "probabilities >= 0"),
    ("too few", {"probabilities": [0.5, 0.5]}, "probabilities", "<2 probabilities>", "as many as there are types: 3"),
    ("no revenue", {"revenue": None}, "revenue", "<nothing>", "missing required key: a table with the key form"),
    ("revenue text", {"revenue": "linear"}, "revenue", "'linear'", "a table with the key form"),
    ("unknown form", {"revenue": {"form": "cubic"}}, "revenue.form", "'cubic'", "one of linear_demand, power_demand, news"),
    ("no form", {"revenue": {}}, "revenue.form", "<nothing>", "one of linear_demand"),
    ("extra key", {"revenue": {**LINEAR, "slope": 2}}, "revenue.slope", "2", "only the keys form"),
    ("scale", {"revenue": {**POWER, "scale": 0}}, "revenue.scale", "0", "a finite number > 0"),
    ("exponent", {"revenue": {"form": "power_demand", "scale": 1}}, "revenue.exponent", "<nothing>", "missing required key"),
    ("price", {"revenue": {**NORMAL, "price": -2}}, "revenue.price", "-2", "a finite number > 0"),
    ("demand", {"revenue": {"form": "newsvendor", "price": 2}}, "revenue.demand", "<nothing>", "missing required key"),
    ("market", {"revenue": newsvendor("weibull")}, "revenue.demand.distribution", "'weibull'", "one of normal, uniform, expon"),
    ("sd", {"revenue": newsvendor("normal", sd=0)}, "revenue.demand.sd", "0", "a finite number > 0"),
    ("mean", {"revenue": newsvendor("normal", sd=1, mean=4)}, "revenue.demand.mean", "4", "only the keys distribution, sd"),
    ("name", {"name": " a"}, "name", "' a'", "non-empty text"),
]
TYPES = [
    ("no table", 5, "<file>", "5", "a table such as"),
    ("no distribution", {"low": 3, "high": 4}, "distribution", "<nothing>", "uniform, or the name of a continuous"),
    ("discrete", {"distribution": "poisson", "mu": 3}, "distribution", "'poisson'", "a continuous distribution"),
    ("unknown parameter", {"distribution": "expon", "mean": 3}, "mean", "3", "only the keys distribution, loc, scale, low, high"),
    ("parameter of uniform", {**PRIOR, "loc": 3}, "loc", "3", "only the keys distribution, low, high"),
    ("uniform without high", {"distribution": "uniform", "low": 3}, "high", "<nothing>", "missing required key"),
    ("shape missing", {"distribution": "pareto"}, "b", "<nothing>", "pareto has the shape parameters b"),
    ("scale", {"distribution": "expon", "scale": 0}, "scale", "0", "a finite number > 0"),
    ("no lower end", {"distribution": "norm", "high": 9}, "low", "<nothing>", "needs low: norm has no lower end"),
    ("negative types", {"distribution": "expon", "loc": -1}, "low", "from -1.0 on", "low = 0 truncates"),
    ("negative low", {**PRIOR, "low": -1}, "low", "-1", "a finite number >= 0: no type is negative"),
    ("high infinite", {**PRIOR, "high": math.inf}, "high", "inf", "a finite number"),
    ("high below low", {**PRIOR, "high": 3}, "high", "3", "a finite number above low = 4.0"),
    ("beyond the support", {"distribution": "beta", "a": 2, "b": 3, "low": 2}, "low", "low = 2.0", "a probability between them"),
    ("no probability", {"distribution": "norm", "low": 90, "high": 91}, "low, high", "low = 90.0", "a probability between them"),
]


def refused(cls: type[Record], raw: Any, field: str, value: str, allowed: str) -> None:
    with pytest.raises(InputError) as error:
        check(cls, raw)
    (problem,) = error.value.problems
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


@pytest.mark.parametrize("row", CASES, ids=[str(row[0]) for row in CASES])
def test_bad_cases_say_what_is_wrong(row: tuple[str, dict[str, Any], str, str, str]) -> None:
    raw = {"capacity": 3.0, "retailers": [raw_group()], **row[1]}
    refused(AllocationCase, {key: value for key, value in raw.items() if value is not None}, *row[2:])


@pytest.mark.parametrize("row", GROUPS, ids=[str(row[0]) for row in GROUPS])
def test_bad_groups_say_what_is_wrong(row: tuple[str, dict[str, Any], str, str, str]) -> None:
    _, changes, field, value, allowed = row
    refused(AllocationCase, {"capacity": 3.0, "retailers": [raw_group(**changes)]}, f"retailers[0].{field}", value, allowed)


@pytest.mark.parametrize("row", TYPES, ids=[str(row[0]) for row in TYPES])
def test_bad_priors_say_what_is_wrong(row: tuple[str, Any, str, str, str]) -> None:
    refused(PrivateType, *row[1:])


def test_bad_arguments_say_what_is_wrong() -> None:
    own = raw_case(raw_group(types=None, probabilities=None, prior=PRIOR))
    with pytest.raises(InputError, match=r"retailers\[0\]\.prior: got 'uniform'; allowed: finite types here: case\.grid"):
        own.profiles()
    with pytest.raises(InputError, match=r"points: got 0; allowed: a whole number from 1 to 1,000,000"):
        own.grid(0)
    narrow = raw_case(raw_group(types=None, probabilities=None, prior={"distribution": "uniform", "low": 4, "high": 4 + 1e-14}))
    with pytest.raises(InputError, match=r"points: got 1000; allowed: fewer: the prior of retailers 1"):
        narrow.grid(1000)
    with pytest.raises(InputError, match=r"samples: got 0; allowed: a whole number from 1 to 10,000,000"):
        raw_case().profiles(samples=0)
