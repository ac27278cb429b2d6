"""A kind of the user's own, from a record and functions that return models: everything takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.families import FAMILIES, MECHANISMS, unregister

Run = Callable[..., tuple[int, str, str]]
Json = Callable[..., dict[str, Any]]
FILE = """kind = "sharing"
value = 12.0
need = 30.0
[[hospitals]]
name = "north"
stock = 20.0
costs = [2.0, 5.0, 9.0]
[[hospitals]]
name = "south"
stock = 25.0
costs = [3.0, 6.0]
"""


class Hospital(vd.data.Record):
    """What a hospital could give, and what a unit may cost it."""

    name: vd.data.Name
    stock: vd.data.Positive
    costs: vd.data.Numbers


class Sharing(vd.data.CaseRecord):
    """Hospitals that give an agency stock, which is worth `value` a unit up to `need`."""

    kind: Literal["sharing"] = "sharing"
    value: vd.data.Positive
    need: vd.data.Positive
    hospitals: tuple[Hospital, ...]


def optimal_sharing(case: Sharing, incentive: str = "dominant") -> pyo.ConcreteModel:
    """What leaves the agency the most."""
    stock = {hospital.name: hospital.stock for hospital in case.hospitals}
    types = vd.TypeSpace({hospital.name: hospital.costs for hospital in case.hospitals})
    m = pyo.ConcreteModel()
    m.given = pyo.Var(types.agents, types.profiles, bounds=lambda m, name, *reports: (0, stock[name]))
    m.paid = pyo.Var(types.agents, types.profiles)
    m.need = pyo.Constraint(types.profiles, rule=lambda m, *reports: sum(m.given[name, reports] for name in stock) <= case.need)
    vd.truthful(m, types, lambda m, name, cost, reports: m.paid[name, reports] - cost * m.given[name, reports], incentive)
    left = types.expectation(lambda reports: sum(case.value * m.given[name, reports] - m.paid[name, reports] for name in stock))
    m.surplus = pyo.Objective(expr=left, sense=pyo.maximize)
    return m


def known_costs(case: Sharing) -> pyo.ConcreteModel:
    """Costs that the agency knows."""
    return optimal_sharing(case, incentive="none")


MODELS = {"optimal_sharing": optimal_sharing, "known_costs": known_costs}


@pytest.fixture(autouse=True)
def relief(tmp_path: Path) -> Iterator[str]:
    """Add the kind, write a case file of it, and forget it afterwards."""
    vd.add_kind(Sharing, MODELS, benchmark="known_costs")
    file = tmp_path / "relief.toml"
    file.write_text(FILE, encoding="utf-8")
    yield str(file)
    unregister(FAMILIES[Sharing])


def expected(case: Sharing, private: bool) -> float:
    """Return the agency's surplus: it buys from the least (virtual) cost on. Costs rise, and virtual costs with them."""
    costs = [np.array(hospital.costs) for hospital in case.hospitals]
    rent = [np.arange(len(c)) * np.diff(c, prepend=c[0]) if private else np.zeros(len(c)) for c in costs]
    total, count = 0.0, 0
    for profile in np.ndindex(*map(len, costs)):
        offers = sorted((float(costs[i][k] + rent[i][k]), case.hospitals[i].stock) for i, k in enumerate(profile))
        need = case.need
        for cost, stock in offers:
            units = min(stock, need) if cost < case.value else 0.0
            total, need = total + units * (case.value - cost), need - units
        count += 1
    return total / count


@pytest.mark.parametrize("need", [7.0, 30.0, 60.0])
def test_python_takes_the_kind(relief: str, need: float) -> None:
    case = vd.load(relief).changed(need=need)
    for name, private in (("optimal_sharing", True), ("known_costs", False)):
        found = vd.solve(case, name)
        assert found.objective == pytest.approx(expected(case, private), rel=1e-9)
        assert (found.case, found.mechanism) == ("relief", name)
        assert found.audit is not None
        assert found.audit.properties["dominant_strategy_ic"].holds is private
        assert found.audit.individually_rational
    frame = vd.compare(case)
    assert list(frame.index) == list(MODELS)
    assert list(frame["truthful"]) == ["always", "no"]
    assert frame["share_of_benchmark"].iloc[0] == pytest.approx(expected(case, True) / expected(case, False))


def test_fields_parameters_and_bad_input_are_told_apart(relief: str) -> None:
    case = vd.load(relief)
    assert vd.solve(case).objective == pytest.approx(vd.solve(case, incentive="bayesian").objective)  # independent costs
    assert vd.solve(case, need=7.0).objective == pytest.approx(expected(case.changed(need=7.0), True))
    assert vd.build(case, incentive="none").name == optimal_sharing(case).name
    for values, place in (({"incentive": "all"}, "incentive"), ({"incentive": 3}, "incentive"), ({"needs": 1}, "needs")):
        with pytest.raises(vd.InputError, match=place):
            vd.solve(case, **values)
    with pytest.raises(vd.InputError, match=r"hospitals\[1\].stock: got 0"):
        case.changed(**{"hospitals.south.stock": 0})


def test_a_table_is_judged_by_the_utility_of_the_kind(relief: str, tmp_path: Path) -> None:
    case = vd.load(relief)
    found = vd.solve(case)
    assert found.menu is not None
    assert vd.audit(case, found.contracts).truthful
    found.contracts.to_csv(tmp_path / "menu.csv")
    assert vd.audit(case, tmp_path / "menu.csv").truthful
    paid_as_reported = found.menu.copy()
    for place, name in enumerate(("north", "south")):
        costs = paid_as_reported.index.get_level_values(place).astype(float)
        paid_as_reported["paid", name] = costs * paid_as_reported["given", name]
    checked = vd.audit(case, paid_as_reported)
    lie = checked.misreports[0]
    # Whoever costs 3 and is paid 6 for as many units gains 3 on each of 25.
    assert (checked.truthful, lie.agent, lie.type, lie.report, lie.gain) == (False, "south", 3.0, 6.0, pytest.approx(75))


def test_the_command_line_takes_the_kind(relief: str, run: Run, record: Json, tmp_path: Path) -> None:
    found = record("solve", relief, "--set", "need=7", "--set", "incentive=bayesian")
    assert (found["case"], found["parameters"]) == ("relief", {"incentive": "bayesian"})
    assert found["objective"] == pytest.approx(expected(vd.load(relief).changed(need=7.0), True))
    status, out, err = run("solve", relief, "--menu", str(tmp_path / "menu.csv"))
    assert (status, err) == (0, "")
    assert "objective 195.83, optimal (bound 195.83)" in out
    assert "no misreport gains" in out
    assert record("audit", relief, str(tmp_path / "menu.csv"))["audit"]["truthful"] is True
    assert "no misreport gains" in run("audit", relief, str(tmp_path / "menu.csv"))[1]
    status, out, err = run("compare", relief)
    assert (status, err) == (0, "")
    assert "83.04%" in out
    assert run("solve", relief, "--set", "value=-1")[0] == 2


def test_a_kind_may_be_added_again_and_takes_no_name_of_others() -> None:
    again = vd.add_kind(Sharing, {"optimal_sharing": optimal_sharing}, benchmark="optimal_sharing")
    assert "known_costs" not in MECHANISMS
    with pytest.raises(vd.InputError, match="a name that no other mechanism has"):
        vd.add_kind(Sharing, {"icds": optimal_sharing})
    assert MECHANISMS["optimal_sharing"] in again.mechanisms  # what failed has changed nothing
    with pytest.raises(vd.InputError, match="benchmark: got 'best'; allowed: one of optimal_sharing"):
        vd.add_kind(Sharing, {"optimal_sharing": optimal_sharing}, benchmark="best")
    vd.add_kind(Sharing, MODELS)

    class Assembling(vd.data.CaseRecord):
        kind: Literal["assembler"] = "assembler"

    with pytest.raises(vd.InputError, match="a word that no other kind of case has"):
        vd.add_kind(Assembling, {"mine": optimal_sharing})


def test_what_is_declared_and_does_not_hold_is_a_warning(relief: str) -> None:
    def careless(case: Sharing) -> pyo.ConcreteModel:
        m = optimal_sharing(case)
        m.incentive_compatibility.deactivate()
        return m

    vd.add_kind(Sharing, MODELS | {"careless": careless})
    found = vd.solve(vd.load(relief), "careless")
    assert any("dominant_strategy_ic" in warning for warning in found.warnings)
    assert vd.compare(vd.load(relief), ["careless"])["truthful"].tolist() == ["no"]
