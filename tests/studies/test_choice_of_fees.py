"""Which pivot and fee to fix before reports: every figure again by settling each draw, and what is chosen of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import veridical as vd
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data import NotSolvedError
from veridical.data.joint_plan import CAPACITY, COST, NEED, JointPlanCase, pilot
from veridical.data.measures import Measures
from veridical.solvers.planners import Central, settle
from veridical.studies import FeeChoice, choose_fees, fees
from veridical.studies.fee_rules import label, rules_of

RULES: list[Any] = [
    ("vcg", {"pivot": "baseline", "activity_fee": 0.0}),
    ("vcg", {"pivot": "clarke", "activity_fee": 0.0}),
    ("vcg", {"pivot": "clarke", "activity_fee": 8.0}),
    ("vcg", {"pivot": "clarke", "activity_fee": 0.0, "participation_fee": 40.0}),
    ("core", {"activity_fee": 0.0}),
]


@pytest.fixture(scope="module")
def pair() -> JointPlanCase:
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, seed=3)


@pytest.fixture(scope="module")
def found(pair: JointPlanCase) -> FeeChoice:
    return choose_fees(pair, draws=3, seed=5, spread=0.1, rules=RULES)


def test_every_figure_is_that_of_the_draws(pair: JointPlanCase, found: FeeChoice) -> None:
    streams = np.random.SeedSequence(5).spawn(3)
    worlds = [fees.drawn(pair, 0.1, np.random.default_rng(stream)) for stream in streams]
    assert found.draws == 3
    planners = [CachingPlanner(Central()) for _ in worlds]
    free = [settle(world, "vcg", one, pivot="clarke", activity_fee=0.0) for world, one in zip(worlds, planners, strict=True)]
    for (name, row), (mechanism, parameters) in zip(found.table.iterrows(), RULES, strict=True):
        settled = [settle(world, mechanism, one, **parameters) for world, one in zip(worlds, planners, strict=True)]
        size = max(one.savings for one in free)
        figures = {
            "deficit": [max(sum(one.transfers.values()), 0.0) for one in settled],
            "receivers": [one.savings - sum(one.net_gains[name] for name in pair.suppliers) for one in settled],
            "supplier": [min(one.net_gains[name] for name in pair.suppliers) for one in settled],
            "lost": [1 - one.savings / without.savings for one, without in zip(settled, free, strict=True)],
        }
        for column, values in figures.items():
            unit = 1.0 if column == "lost" else size
            assert row[column] == pytest.approx(sum(values) / 3, abs=1e-6 * unit), (name, column)
            variance = sum((value - sum(values) / 3) ** 2 for value in values) / 2
            assert row[f"{column}_se"] == pytest.approx((variance / 3) ** 0.5, abs=1e-6 * unit), (name, column)
        assert row["receivers_least"] == pytest.approx(min(figures["receivers"]), abs=1e-6 * size)
        assert row["supplier_least"] == pytest.approx(min(figures["supplier"]), abs=1e-6 * size)
        assert row["truthful"] == (mechanism == "vcg")
    assert found.table["receivers_lose"].iloc[0] == 1  # both pivots leave the receivers a loss where vendors need each other
    assert found.table.loc["core", "receivers_lose"] == 0
    assert found.table.loc["core", "lost"] == pytest.approx(0, abs=1e-6)


def test_draws_follow_from_the_seed(pair: JointPlanCase, found: FeeChoice) -> None:
    again = choose_fees(pair, draws=2, seed=5, spread=0.1, rules=RULES[:2])
    first = found.by_draw[(found.by_draw["draw"] <= 2) & found.by_draw["rule"].isin(again.table.index)]
    pd.testing.assert_frame_equal(again.by_draw, first.reset_index(drop=True))
    other = choose_fees(pair, draws=2, seed=6, spread=0.1, rules=RULES[:2])
    assert not np.allclose(other.by_draw["savings"], again.by_draw["savings"], rtol=1e-3)


def test_without_spread_every_draw_is_the_case(pair: JointPlanCase) -> None:
    found = choose_fees(pair, draws=2, spread=0.0, rules=RULES[1:2])
    own = settle(pair, "vcg", Central(), pivot="clarke", activity_fee=0.0)
    assert found.table["receivers"].iloc[0] == pytest.approx(own.residual, abs=1e-6 * own.savings)
    assert found.table["receivers_se"].iloc[0] == pytest.approx(0, abs=1e-9)
    one = choose_fees(pair, draws=1, spread=0.0, rules=RULES[1:2])
    assert one.table["receivers_se"].isna().all()


def test_a_world_is_the_case_with_a_factor_a_party_and_kind(pair: JointPlanCase) -> None:
    world = fees.drawn(pair, 0.2, np.random.default_rng(1))
    factors = set()
    for own, told in zip(pair.parties, world.parties, strict=True):
        for kind in (COST, CAPACITY, NEED):
            names = [name for name, column in own.columns().items() if column.kind == kind and getattr(own, name)]
            ratios = []
            for name in names:
                before, after = getattr(own, name), getattr(told, name)
                pairs = [(before[key], after[key]) for key in before] if hasattr(before, "items") else [(before, after)]
                ratios += [b / a for a, b in pairs if a]
            if ratios:
                assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-9)
                factors.add(round(ratios[0], 9))
    assert len(factors) == 3 + 2 * 2  # costs, capacities and needs of the retailer, costs and capacities of either vendor
    assert world.shared == pair.shared


def test_worlds_of_another_prior_and_money_scaled(pair: JointPlanCase) -> None:
    worlds = [pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, seed=seed) for seed in (1,)]
    rules: list[Any] = [("vcg", {"pivot": "clarke", "activity_fee": 2.0}), ("core", {"activity_fee": 0.0})]
    found = choose_fees(pair, cases=worlds, rules=rules)
    assert (found.draws, found.seed, found.spread) == (1, None, None)

    def dear(case: JointPlanCase) -> JointPlanCase:
        routes = tuple(route._replace(price=route.price * 100) for route in case.shared.routes)
        parties = tuple(party.scaled(COST, 100) for party in case.parties)
        return case.changed(routes=routes, parties=parties, tie_break=100 * case.mechanism.tie_break)

    hundred: list[Any] = [("vcg", {"pivot": "clarke", "activity_fee": 200.0}), ("core", {"activity_fee": 0.0})]
    scaled = choose_fees(pair, cases=map(dear, worlds), rules=hundred)
    for column in ("deficit", "receivers", "supplier", "receivers_least", "supplier_least"):
        size = float(found.by_draw["savings"].max())
        assert (scaled.table[column] / 100).tolist() == pytest.approx(found.table[column].tolist(), abs=1e-5 * size)
    assert scaled.table["lost"].tolist() == pytest.approx(found.table["lost"].tolist(), abs=1e-6)


def table(**columns: list[Any]) -> pd.DataFrame:
    rows = len(columns["receivers"])
    usual = {"truthful": True, "receivers_se": 0.0, "receivers_lose": 0.0, "supplier_loses": 0.0, "lost": 0.0}
    return pd.DataFrame({**{key: [value] * rows for key, value in usual.items()}, **columns}, index=list("abcd")[:rows])


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"receivers": [1.0, 3.0, 2.0]}, "b"),
        ({"receivers": [1.0, 3.0, 2.0], "truthful": [True, False, True]}, "c"),
        ({"receivers": [1.0, 3.0, 2.0], "lost": [0.0, 0.3, 0.2]}, "c"),
        ({"receivers": [1.0, 3.0, 2.0], "receivers_lose": [0.0, 0.2, 0.1]}, "c"),
        ({"receivers": [1.0, 3.0, 2.0], "receivers_se": [0.1, 1.6, 1.1]}, "a"),
        ({"receivers": [1.0, 3.0], "supplier_loses": [0.0, 0.1]}, "a"),
        ({"receivers": [1.0, 3.0], "receivers_se": [np.nan, np.nan]}, "b"),
        ({"receivers": [0.0, -1.0]}, None),
    ],
)
def test_what_is_chosen(columns: dict[str, list[Any]], chosen: str | None) -> None:
    assert fees._chosen(table(**columns), loss=0.2, risk=0.1) == chosen


def test_the_rules_that_are_looked_at(pair: JointPlanCase) -> None:
    rules = rules_of(pair.changed(activity_fee=1.23))
    names = [label(rule) for rule in rules]
    assert {"baseline", "clarke", "clarke, activity 1.23", "core", "core, activity 1.23"} <= set(names)
    assert len(set(names)) == len(names) >= 12
    free = settle(pair, "vcg", Central(), pivot="baseline", activity_fee=0.0)
    moved = float(pair.shared.volume @ abs(free.units - free.start))
    assert ("vcg", {"pivot": "clarke", "activity_fee": 1.23, "participation_fee": 0.0, "redistribution": "cavallo"}) in (
        rules_of(pair.changed(activity_fee=1.23, redistribution="cavallo"))
    )  # what the case itself says; all else is compared without
    active = sorted(row["activity_fee"] for name, row in rules if name == "vcg")
    assert active[-1] == pytest.approx(free.savings / moved, rel=0.05)


def test_a_draw_that_cannot_be_solved_is_left_out_of_all_rules(pair: JointPlanCase, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def sometimes(case: JointPlanCase, mechanism: str, planner: Any, **parameters: Any) -> Any:
        calls.append(mechanism)
        if len(calls) == 3:  # the second rule in the first draw
            raise NotSolvedError("no plan", "infeasible")
        return settle(case, mechanism, planner, **parameters)

    monkeypatch.setattr(fees, "settle", sometimes)
    found = choose_fees(pair, draws=2, rules=RULES[:2])
    assert (found.draws, found.failed) == (1, ("draw 1: no plan",))
    assert found.by_draw["draw"].tolist() == [2, 2]
    calls.clear()
    with pytest.raises(NotSolvedError, match="no plan"):
        choose_fees(pair, draws=1, rules=RULES[:2])


def test_it_is_written(found: FeeChoice, tmp_path: Path) -> None:
    found.to_csv(tmp_path / "rules.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "rules.csv", index_col="rule", keep_default_na=False), found.table)
    said = json.loads(json.dumps(found.to_dict()))
    assert [row["rule"] for row in said["rules"]] == found.table.index.tolist()
    assert (said["draws"], said["seed"], said["spread"]) == (3, 5, 0.1)


def test_its_picture_says_what_colours_mean_and_what_money_is_in(found: FeeChoice) -> None:
    figure = replace(found, measures=Measures(currency="EUR")).figure()
    assert [axis.get_xlabel() for axis in figure.axes[:2]] == ["left to the receivers, EUR", "smallest gain of a supplier, EUR"]
    kinds = {"truth is best for every supplier": found.table["truthful"], "truth is not best": ~found.table["truthful"]}
    wanted = [words for words, rules in kinds.items() if (rules & (found.table.index != found.chosen)).any()]
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    named = [*["chosen"] * (found.chosen is not None), *wanted, "least of all draws", "amounts"]
    assert named == [words.partition(":")[0] for words in said]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"draws": 0}, "draws: got 0; allowed: a whole number from 1"),
        ({"seed": -1}, "seed: got -1"),
        ({"spread": 1.5}, "spread: got 1.5; allowed: the standard deviation of a logarithm, from 0 to 1"),
        ({"loss": True}, "loss: got True; allowed: a share of the savings"),
        ({"risk": float("nan")}, "risk: got nan"),
        ({"rules": [("vgc", {})]}, "rules: got 'vgc'; allowed: mechanisms: jit, vcg, core"),
        ({"rules": [("core", {"pivot": "clarke"})]}, "rules, pivot: got 'clarke'; allowed: for core core_point, activity_fee"),
        ({"rules": [("vcg", {"activity_fee": -1})]}, "activity_fee: got -1"),
        ({"rules": []}, "allowed: one or more rules, each once"),
        ({"cases": []}, "cases: got <none>"),
        ({"solver": "consensus"}, "solver: got 'consensus'; allowed: a solver of central models"),
    ],
)
def test_what_it_refuses(pair: JointPlanCase, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(vd.InputError, match=words):
        choose_fees(pair, **arguments)
    with pytest.raises(vd.InputError, match="a case of kind joint_plan"):
        choose_fees(vd.example("two-suppliers"))  # type: ignore[arg-type]
