"""Builders that the tests share: cases by hand, cases at random."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from veridical.cli import main
from veridical.data import AssemblerCase

UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}

Assembler = Callable[..., AssemblerCase]
Run = Callable[..., tuple[int, str, str]]
Json = Callable[..., dict[str, Any]]
Cases = Callable[..., st.SearchStrategy[AssemblerCase]]


def letters(i: int) -> str:
    """Return the name of supplier number i."""
    return chr(ord("a") + i % 26) + (str(i // 26 + 1) if i >= 26 else "")


def build(
    costs: Sequence[Sequence[float]],
    probabilities: Sequence[Sequence[float]] | None = None,
    joint: ArrayLike | None = None,
    price: float = 30.0,
    demand: Mapping[str, Any] = UNIFORM,
) -> AssemblerCase:
    """Return a case; its suppliers are a, b, ..., z, a2, ... and their costs independent unless there is a joint prior."""
    suppliers: list[dict[str, Any]] = [{"name": letters(i), "costs": list(each)} for i, each in enumerate(costs)]
    for supplier, own in zip(suppliers, probabilities or [], strict=bool(probabilities)):
        supplier["probabilities"] = list(own)
    raw: dict[str, Any] = {"name": "by hand", "price": price, "demand": dict(demand), "suppliers": suppliers}
    if joint is not None:
        raw["prior"] = {"joint": np.asarray(joint, dtype=float).tolist()}
    return AssemblerCase.model_validate(raw)


def shares(count: int, least: int) -> st.SearchStrategy[list[float]]:
    """Return probabilities in proportion to whole numbers from `least` to 9, of which one at least is positive."""
    weights = st.lists(st.integers(least, 9), min_size=count, max_size=count).filter(any)
    return weights.map(lambda found: (np.array(found) / sum(found)).tolist())


def demands(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return demands of a kind, hundreds of units large."""
    if kind == "uniform":
        ends = st.tuples(st.integers(0, 300), st.integers(200, 800))
        return ends.map(lambda found: {"distribution": "uniform", "low": found[0], "high": sum(found)})
    if kind == "exponential":
        return st.integers(300, 1500).map(lambda mean: {"distribution": "exponential", "mean": mean})
    values = st.lists(st.integers(0, 800), min_size=1, max_size=5)
    weighted = values.flatmap(lambda found: st.tuples(st.just(found), shares(len(found), least=0)))
    return weighted.map(lambda found: {"distribution": "empirical", "values": found[0], "weights": found[1]})


@st.composite
def random_cases(
    draw: st.DrawFn, kind: str = "uniform", joint: bool = False, suppliers: int = 3, most_costs: int = 3, least: int = 1
) -> AssemblerCase:
    """Return cases with up to that many suppliers and costs; `least=0` lets probabilities be 0.

    The price lies anywhere from below what every profile costs to far above.
    """
    counts = draw(st.lists(st.integers(1, most_costs), min_size=1, max_size=suppliers))
    steps = [draw(st.lists(st.integers(2, 40), min_size=count, max_size=count)) for count in counts]
    costs = [(np.cumsum(own) / 4).tolist() for own in steps]
    price = sum(own[-1] for own in costs) * draw(st.integers(3, 60)) / 16
    demand = draw(demands(kind))
    if joint:
        table = np.reshape(draw(shares(int(np.prod(counts)), least)), counts)
        return build(costs, joint=table, price=price, demand=demand)
    return build(costs, [draw(shares(count, least)) for count in counts], price=price, demand=demand)


@pytest.fixture(scope="session")
def assembler() -> Assembler:
    """Return the builder of cases by hand."""
    return build


@pytest.fixture(scope="session")
def cases() -> Cases:
    """Return the strategy of random cases."""
    return random_cases


@pytest.fixture(scope="session")
def irregular() -> AssemblerCase:
    """Return independent suppliers, three costs each, neither of whose own virtual costs is monotone: (18) fails."""
    # a: 2, 3 + 1 * .6 / .05 = 15, 7 + 4 * .65 / .35 = 14.4...; b: 1, 4 + 3 * .5 / .1 = 19, 5 + 1 * .6 / .4 = 6.5
    return build([[2, 3, 7], [1, 4, 5]], [[0.6, 0.05, 0.35], [0.5, 0.1, 0.4]], price=40.0)


@pytest.fixture(scope="session")
def regular() -> AssemblerCase:
    """Return two independent suppliers with monotone virtual cost, 7 to 24.8, below the price throughout."""
    return build([[4, 9], [3, 7]], [[0.55, 0.45], [0.4, 0.6]])


@pytest.fixture(scope="session")
def correlated() -> AssemblerCase:
    """Return two suppliers whose costs move together, so that unbalanced menus earn more than balanced ones."""
    return build([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]])


@pytest.fixture(scope="session")
def discrete() -> AssemblerCase:
    """Return two correlated suppliers and demand at four points: every model of it is an LP."""
    demand = {"distribution": "empirical", "values": [120, 310, 560, 870], "weights": [0.15, 0.35, 0.3, 0.2]}
    return build([[4, 9, 11], [3, 7]], joint=[[0.31, 0.06], [0.11, 0.17], [0.08, 0.27]], demand=demand, price=37.0)


@pytest.fixture(scope="session")
def pooled(discrete: AssemblerCase) -> AssemblerCase:
    """Return the correlated pair with demand at four points: an LP whose virtual cost is not monotone."""
    return build([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]], demand=discrete.demand.model_dump())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process in an empty folder: exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["veridical", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return end.value.code, *capsys.readouterr()

    return command


@pytest.fixture
def record(run: Run) -> Json:
    """Return what a command prints with `--json -`: it must succeed, and print nothing but JSON."""

    def command(*arguments: str) -> dict[str, Any]:
        status, out, err = run(*arguments, "--json", "-")
        assert (status, err) == (0, "")
        found = json.loads(out, parse_constant=pytest.fail)
        assert isinstance(found, dict)
        return found

    return command
