"""Public model suites: an engine is right, or says what it does not prove, or refuses by name; it is never wrong."""

import re
from functools import cache

import pyomo.environ as pyo
import pytest
from problems import Problem
from run import Verdict, judge, problems

PROBLEMS = problems()
ENGINES = ("highs", "ipopt")


@cache
def verdict(name: str, engine: str) -> Verdict:
    """Return what an engine makes of a problem; each takes hundredths of a second, an endless one the limit."""
    return judge(next(problem for problem in PROBLEMS if problem.name == name), engine, seconds=10.0)


def names(problem: Problem) -> list[str]:
    """Return the names of the components of a problem's model."""
    components = list(problem.build().component_objects())
    return [component.name for component in components if not isinstance(component, pyo.Set)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_no_engine_is_wrong_or_crashes_and_each_refusal_has_a_name(problem: Problem, engine: str) -> None:
    outcome, said = verdict(problem.name, engine)
    assert outcome not in ("wrong", "crashed"), said
    if outcome == "refused":
        assert any(re.search(rf"\b{re.escape(name)}\b", said) for name in names(problem)), said


def test_ipopt_comes_to_the_best_value_of_nine_published_problems_in_ten() -> None:
    published = [problem.name for problem in PROBLEMS if problem.suite == "Hock-Schittkowski"]
    outcomes = [verdict(name, "ipopt").outcome for name in published]
    assert len(published) >= 100
    assert outcomes.count("proven") + outcomes.count("local") >= 0.9 * len(published)


@pytest.mark.parametrize(
    "problem", [problem for problem in PROBLEMS if problem.suite == "textbook, linear"], ids=lambda p: p.name
)
def test_highs_solves_linear_and_integer_models(problem: Problem) -> None:
    outcome, said = verdict(problem.name, "highs")
    assert outcome == "proven", said
