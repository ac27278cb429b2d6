"""VCG of any model: what is refused and why, and that the user's model is as it was."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.party_models import auction, parties, suppliers

COSTS, CAPACITIES = {"a": 3.0, "b": 4.5, "c": 7.0}, {"a": 5.0, "b": 6.0, "c": 30.0}
Edit = Callable[[Any], Any]


def three() -> Any:
    """Return a model of three suppliers."""
    return suppliers(COSTS, CAPACITIES, 9.0)


def replaced(m: Any, expr: Any, sense: int = pyo.minimize) -> None:
    """Put another objective in the place of the model's."""
    m.del_component("total")
    m.total = pyo.Objective(expr=expr, sense=sense)


def without_cost(m: Any) -> None:
    m.party["b"].del_component("cost")


def number_for_cost(m: Any) -> None:
    m.party["b"].del_component("cost")
    m.party["b"].cost = 3.0


def second_objective(m: Any) -> None:
    m.second = pyo.Objective(expr=m.party["a"].units)


def weighted(m: Any) -> None:
    replaced(m, m.party["a"].cost + 2 * m.party["b"].cost + m.party["c"].cost)


def left_out(m: Any) -> None:
    replaced(m, m.party["a"].cost + m.party["b"].cost)


def maximised(m: Any) -> None:
    replaced(m, sum(block.cost for block in m.party.values()), pyo.maximize)


def squared(m: Any) -> None:
    replaced(m, sum(block.cost for block in m.party.values()) + m.party["c"].cost ** 2)


def cares_for_another(m: Any) -> None:
    m.party["b"].cost.set_value(m.party["b"].cost.expr + m.party["a"].units)


def knows_another(m: Any) -> None:
    m.party["b"].cost.set_value(m.party["a"].unit_cost * m.party["b"].units)


def operator_knows(m: Any) -> None:
    replaced(m, sum(block.cost for block in m.party.values()) + m.party["a"].unit_cost * m.party["b"].units)


def shared(m: Any) -> None:
    m.party["b"].of_a = pyo.Reference(m.party["a"].units)


def switched_off(m: Any) -> None:
    m.party["b"].deactivate()


def objective_inside(m: Any) -> None:
    m.total.deactivate()
    m.party["a"].total = pyo.Objective(expr=sum(block.cost for block in m.party.values()))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without_cost, r"party\[b\].cost: got <nothing>"),
        (number_for_cost, r"party\[b\].cost: got <float>"),
        (second_objective, "2 active objectives: total, second"),
        (weighted, "total: got <2 times `cost` of b>; allowed: .1"),
        (left_out, "total: got <0 times `cost` of c>"),
        (maximised, "1 times `cost` of a>; allowed: -1"),
        (squared, "nan times `cost` of c"),
        (cares_for_another, r"party\[b\].cost of b: got <party\[a\].units, of a>; allowed: .*private values"),
        (knows_another, r"party\[b\].cost of b: got <party\[a\].unit_cost, of a>"),
        (operator_knows, r"total: got <party\[a\].unit_cost, of a>"),
        (shared, r"party\[a\].units: got <a variable of a and of b>"),
        (switched_off, "parties.b: got <a block that is deactivated>"),
        (objective_inside, r"party\[a\].total: got <an objective in the block of a>"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_model_that_is_none_of_parties_is_refused_by_name(edit: Edit, message: str) -> None:
    m = three()
    edit(m)
    with pytest.raises(vd.InputError, match=message):
        vd.vcg(m, m.party)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda m: {"a": m.party["a"], "z": "party[z]"}, r"parties.z: got <not there>; allowed: .*party\[c\]"),
        (lambda m: {}, "parties: got <nobody>"),
        (lambda m: m.party["a"], r"parties: got <party\[a\]>"),
        (lambda m: "party", "parties: got <party>"),
        (lambda m: 3, "parties: got <3>"),
        (lambda m: [m.party["a"], m], "parties"),
        (lambda m: {"x": m.party["a"], "y": m.party["a"]}, r"parties.x: got <party\[a\]>"),
        (lambda m: three().party, r"parties.a: got <party\[a\]>"),
    ],
)
def test_parties_that_are_not_there_are_refused_by_name(given: Edit, message: str) -> None:
    m = three()
    with pytest.raises(vd.InputError, match=message):
        vd.vcg(m, given(m))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pivot": "groves"}, "pivot: got 'groves'; allowed: clarke, none, or amounts"),
        ({"pivot": 3.0}, "pivot: got 3.0"),
        ({"pivot": {"a": 1.0, "b": 2.0}}, "pivot.c: got None"),
        (
            {"pivot": {"a": 1.0, "b": 2.0, "c": 3.0, "z": 4.0}},
            "pivot.z: got 4.0; allowed: amounts of parties that are there: a, b, c",
        ),
        ({"pivot": lambda name: float("nan")}, "pivot.a: got nan"),
        ({"pivot": "none", "absent": lambda m, name: None}, "absent"),
        ({"absent": 3}, "absent: got 3"),
        (
            {"absent": lambda m, name: m.party[name].deactivate()},
            r"absent: got <a world in which party\[a\].units can be chosen>",
        ),
        ({"solver": "no_such_solver"}, "no_such_solver"),
    ],
)
def test_pivots_absences_and_solvers_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    m = three()
    with pytest.raises(vd.InputError, match=message):
        vd.vcg(m, m.party, **options)


def test_a_block_of_another_model_is_no_model() -> None:
    outer = pyo.ConcreteModel()
    outer.inner = auction({"a": 1.0, "b": 2.0})
    with pytest.raises(vd.InputError, match="inner"):
        vd.vcg(outer.inner, outer.inner.party)


def test_a_local_optimum_makes_no_transfers() -> None:
    def bent(block: Any) -> Any:
        block.units = pyo.Var(bounds=(0, 4), initialize=1.0)
        return pyo.sin(3 * block.units) + block.units

    m = parties({"a": bent, "b": bent})
    m.need = pyo.Constraint(expr=m.party["a"].units + m.party["b"].units >= 3)
    with pytest.raises(vd.NotSolvedError, match="ipopt came to a result that is locally optimal only"):
        vd.vcg(m, m.party, solver="ipopt")


def state(m: Any) -> list[Any]:
    """Return what of a model may have been altered."""
    variables = [(v.name, v.fixed, v.lb, v.ub, v.domain) for v in m.component_data_objects(pyo.Var)]
    active = [(c.name, c.active) for c in m.component_data_objects((pyo.Block, pyo.Constraint, pyo.Objective))]
    return [variables, active, str(m.total.expr)]


def at_two(m: Any, name: str) -> None:
    """Hold a party at two units, and forget the limit of another."""
    m.party[name].units.fix(2.0)
    m.party["c"].limit.deactivate()


@pytest.mark.parametrize("absent", [None, at_two])
def test_the_model_holds_the_plan_and_is_otherwise_as_it_was(absent: Any) -> None:
    m = three()
    m.party["c"].units.setub(29.0)
    before = state(m)
    outcome = vd.vcg(m, m.party, absent=absent)
    assert state(m) == before
    assert {name: pyo.value(block.cost) for name, block in m.party.items()} == outcome.costs.to_dict()
    assert pyo.value(m.total) == pytest.approx(outcome.objective)
    if absent is not None:
        assert outcome.absence_costs.to_dict() == pytest.approx({"a": 6.0, "b": 9.0, "c": 14.0})
        # without a: 2 of its own and 6 of b and 1 of c; without b: 5 of a and 2 of c; without c: 5 of a and 2 of b
        assert outcome.counterfactuals.to_dict() == pytest.approx({"a": 27.0 + 7.0, "b": 15.0 + 14.0, "c": 15.0 + 9.0})
        assert outcome.net_gains.to_dict() == pytest.approx({"a": 40.0 - 33.0, "b": 38.0 - 33.0, "c": 38.0 - 33.0})


def failing(m: Any, name: str) -> None:
    m.party[name].units.fix(2.0)
    raise ValueError("mine")


def test_errors_leave_the_model_as_it_was() -> None:
    m = three()
    before = state(m)
    with pytest.raises(ValueError, match="mine"):
        vd.vcg(m, m.party, absent=failing)
    with pytest.raises(vd.NotSolvedError, match=r"without a: .*no place for what `absent` leaves it"):
        vd.vcg(m, m.party, absent=lambda m, name: m.party[name].units.fix(8.0))
    assert state(m) == before
    with pytest.raises(vd.InputError, match="absent: got <a function that alters the model itself>"):
        vd.vcg(m, m.party, absent=lambda _, name: m.party[name].units.fix(0.0))
    assert state(m) == before
    assert m.party["a"].units.value == pytest.approx(5.0)


def test_a_variable_in_no_block_that_only_one_party_knows_has_to_be_explained() -> None:
    """Units stand outside of the blocks: with a block gone nothing says that they are gone too, and they would be for free."""
    m = pyo.ConcreteModel()
    m.units = pyo.Var(list(COSTS), bounds=(0, 10))
    m.party = pyo.Block(
        list(COSTS), rule=lambda block, name: setattr(block, "cost", pyo.Expression(expr=COSTS[name] * m.units[name]))
    )
    m.demand = pyo.Constraint(expr=sum(m.units.values()) >= 9)
    m.total = pyo.Objective(expr=sum(block.cost for block in m.party.values()))
    with pytest.raises(vd.InputError, match=r"absent: got None; allowed: .*units\[a\] is there without a"):
        vd.vcg(m, m.party)
    outcome = vd.vcg(m, m.party, absent=lambda m, name: m.units[name].fix(0.0))
    assert outcome.transfers.to_dict() == pytest.approx({"a": 40.5, "b": 0.0, "c": 0.0})
    m.demand.deactivate()  # nothing is wanted: with or without them there is nothing to say
    assert vd.vcg(m, m.party).transfers.to_dict() == pytest.approx(dict.fromkeys(COSTS, 0.0))
