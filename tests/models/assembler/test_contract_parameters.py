"""Parameters of mechanisms: what is refused, and which mechanism is given which."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import near, newsvendor_profit
from veridical.data import AssemblerCase, InputError

BAD_PARAMETERS = [  # id; mechanism; solver; parameters; field, value, allowed
    ("k below 0", "hybrid", "highs", {"k": -1}, "k", "-1", "a whole number from 0 to the number of suppliers, 2"),
    ("k above n", "hybrid", "highs", {"k": 3}, "k", "3", "a whole number from 0 to the number of suppliers, 2"),
    ("k a fraction", "hybrid", "highs", {"k": 1.5}, "k", "1.5", "a whole number"),
    ("k whole but no int", "hybrid", "highs", {"k": 1.0}, "k", "1.0", "a whole number"),
    ("k true", "hybrid", "highs", {"k": True}, "k", "True", "a whole number"),
    ("k a word", "hybrid", "highs", {"k": "two"}, "k", "'two'", "a whole number"),
    ("k below 0, closed form", "hybrid", "closed_form", {"k": -1}, "k", "-1", "a whole number from 0"),
    ("k true, closed form", "hybrid", "closed_form", {"k": True}, "k", "True", "a whole number"),
    ("balanced a number", "hybrid", "highs", {"balanced": 1}, "balanced", "1", "true or false"),
    ("balanced a word", "hybrid", "highs", {"balanced": "yes"}, "balanced", "'yes'", "true or false"),
    ("balanced nothing", "hybrid", "highs", {"balanced": None}, "balanced", "None", "true or false"),
    (
        "participation misspelt",
        "bic",
        "highs",
        {"participation": "expost"},
        "participation",
        "'expost'",
        "'interim' or 'ex_post'",
    ),
    ("participation true", "bic", "highs", {"participation": True}, "participation", "True", "'interim' or 'ex_post'"),
    ("participation nothing", "bic", "highs", {"participation": None}, "participation", "None", "'interim' or 'ex_post'"),
    ("unknown", "hybrid", "highs", {"kk": 1}, "kk", "1", "for hybrid k, balanced, feasibility"),
    ("unknown to bic", "bic", "highs", {"feasibility": True}, "feasibility", "True", "for bic participation"),
    ("unknown to frw", "frw", "highs", {"k": 1}, "k", "1", "for frw feasibility"),
    ("unknown to naive", "naive", "highs", {"k": 1}, "k", "1", "for naive no parameters"),
    (
        "feasibility by formula",
        "hybrid",
        "closed_form",
        {"feasibility": False},
        "feasibility",
        "False",
        "closed_form k, balanced",
    ),
    ("coalitions by formula", "icds", "closed_form", {"coalitions": True}, "coalitions", "True", "closed_form no parameters"),
    ("coalitions of the hybrid", "hybrid", "closed_form", {"coalitions": True}, "coalitions", "True", "closed_form k, balanced"),
    ("coalitions a number", "icds", "highs", {"coalitions": 1}, "coalitions", "1", "true or false"),
    ("coalitions of frw", "frw", "highs", {"coalitions": True}, "coalitions", "True", "for frw feasibility"),
    ("feasibility of frw", "frw", "closed_form", {"feasibility": False}, "feasibility", "False", "closed_form no parameters"),
    ("bic by formula", "bic", "closed_form", {}, "solver", "'closed_form'", "bic has no closed form"),
]


@pytest.mark.parametrize(
    ("mechanism", "solver", "parameters", "field", "value", "allowed"),
    [row[1:] for row in BAD_PARAMETERS],
    ids=[row[0] for row in BAD_PARAMETERS],
)
def test_bad_parameters_are_refused(
    regular: AssemblerCase, mechanism: str, solver: str, parameters: dict[str, Any], field: str, value: str, allowed: str
) -> None:
    calls: list[Callable[[], Any]] = [lambda: vd.solve(regular, mechanism, solver, **parameters)]
    calls += [lambda: vd.build(regular, mechanism, **parameters)] if solver == "highs" else []
    for call in calls:
        with pytest.raises(InputError) as refusal:
            call()
        assert f"{field}: got {value}; allowed: " in str(refusal.value)
        assert allowed in str(refusal.value).partition("allowed: ")[2]


def test_comparisons_refuse_parameters_that_no_mechanism_has(regular: AssemblerCase) -> None:
    with pytest.raises(
        InputError,
        match=r"kk: got 1; allowed: for .* feasibility, k, balanced, coalitions, participation, max_payment; or a field",
    ):
        vd.compare(regular, kk=1)
    with pytest.raises(InputError, match=r"k: got 1; allowed: for naive, bic participation, max_payment; or a field"):
        vd.compare(regular, ["naive", "bic"], k=1)


def test_a_comparison_passes_parameters_to_the_mechanisms_that_have_them(correlated: AssemblerCase) -> None:
    frame = vd.compare(correlated, ["naive", "hybrid", "bic"], k=2, participation="ex_post")
    profits = frame["profit"]
    assert profits["hybrid"] == near(0.45 * newsvendor_profit(7) + 0.45 * newsvendor_profit(16 + 0.8 / 0.45))
    assert profits["naive"] == near(newsvendor_profit(16))
    assert profits["bic"] < vd.solve(correlated, "bic").objective * (1 - 1e-3)
    assert frame["parameters"].to_dict() == {"naive": "", "hybrid": "k=2", "bic": "participation=ex_post"}
    assert frame["truthful"].to_dict() == {"naive": "always", "hybrid": "always", "bic": "in expectation"}


def test_numbers_of_numpy_are_numbers(regular: AssemblerCase) -> None:
    found = vd.solve(regular, "hybrid", k=np.int64(1))
    assert found.objective == vd.solve(regular, "hybrid", k=1).objective
    assert type(found.parameters["k"]) is int
