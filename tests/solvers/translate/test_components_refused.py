"""What a solver would leave out of a model is refused by name; after the transformation that the error names, it is solved."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pyomo.kernel as pmo
import pytest
from pyomo.contrib.cp import IntervalVar
from pyomo.contrib.piecewise import PiecewiseLinearFunction
from pyomo.core.base.component import ModelComponentFactory
from pyomo.dae import ContinuousSet, DerivativeVar, Integral
from pyomo.gdp import Disjunct, Disjunction
from pyomo.mpec import Complementarity, complements
from pyomo.network import Arc, Port

import veridical as vd
from veridical.solvers.translate.standard_form import compile_model

Model = Any


def either() -> Model:
    # x in [0, 2] or [9, 10], x >= 3: the least x - 5 is 4.
    m = pyo.ConcreteModel("either")
    m.x = pyo.Var(bounds=(0, 10))
    m.low = Disjunct()
    m.low.row = pyo.Constraint(expr=m.x <= 2)
    m.high = Disjunct()
    m.high.row = pyo.Constraint(expr=m.x >= 9)
    m.choice = Disjunction(expr=[m.low, m.high])
    m.least = pyo.Constraint(expr=m.x >= 3)
    m.cost = pyo.Objective(expr=m.x - 5)
    return m


def logical() -> Model:
    m = pyo.ConcreteModel("logical")
    m.chosen = pyo.BooleanVar([1, 2])
    m.y = pyo.Var([1, 2], domain=pyo.Binary)
    for k in (1, 2):
        m.chosen[k].associate_binary_var(m.y[k])
    m.one = pyo.LogicalConstraint(expr=pyo.exactly(1, m.chosen[1], m.chosen[2]))
    m.worth = pyo.Objective(expr=2 * m.y[1] + 3 * m.y[2], sense=pyo.maximize)  # 3
    return m


def complementary() -> Model:
    m = pyo.ConcreteModel("complementary")
    m.x, m.y = pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    m.pair = Complementarity(expr=complements(m.x >= 0, m.y >= 0))
    m.worth = pyo.Objective(expr=m.x + 2 * m.y, sense=pyo.maximize)  # 2: x = 0, y = 1
    return m


def network() -> Model:
    m = pyo.ConcreteModel("network")
    m.x, m.y = pyo.Var(bounds=(0, 9)), pyo.Var(bounds=(0, 5))
    m.out, m.into = Port(initialize={"flow": m.x}), Port(initialize={"flow": m.y})
    m.pipe = Arc(source=m.out, dest=m.into)
    m.worth = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)  # x = y = 5
    return m


def decay() -> Model:
    m = pyo.ConcreteModel("decay")
    m.time = ContinuousSet(bounds=(0, 1))
    m.z = pyo.Var(m.time)
    m.slope = DerivativeVar(m.z, wrt=m.time)
    m.law = pyo.Constraint(m.time, rule=lambda m, t: m.slope[t] == -m.z[t])
    m.z[0].fix(1)
    m.end = pyo.Objective(expr=m.z[1])  # by four backward steps: z / 1.25 each, 0.4096
    return m


def tariff() -> Model:
    m = pyo.ConcreteModel("tariff")
    m.x = pyo.Var(bounds=(2, 3))
    m.square = PiecewiseLinearFunction(points=[0, 1, 3], function=lambda x: x**2)
    m.cost = pyo.Objective(expr=m.square(m.x))  # at 2, between (1, 1) and (3, 9): 5
    return m


@pytest.mark.parametrize(
    ("build", "named", "transformations", "optimum"),
    [
        (either, "choice: got <an active Disjunction", ["gdp.bigm"], 4),
        (either, "low: got <an active Disjunct,", ["gdp.hull"], 4),
        (logical, "one: got <an active LogicalConstraint", ["core.logical_to_linear"], 3),
        (complementary, "pair: got <an active Complementarity", ["mpec.simple_disjunction", "gdp.bigm"], 2),
        (network, "pipe: got <an active Arc", ["network.expand_arcs"], 10),
        (decay, "slope: got <an active DerivativeVar", ["dae.finite_difference"], 0.4096),
        (tariff, "square: got <an active PiecewiseLinearFunction", ["contrib.piecewise.incremental"], 5),
    ],
)
def test_what_has_a_transformation_is_refused_with_its_name_and_solved_after_it(
    build: Callable[[], Model], named: str, transformations: list[str], optimum: float
) -> None:
    model = build()
    for solver in ("highs", "ipopt", "scip"):
        with pytest.raises(vd.InputError) as refusal:
            vd.solvers.solve(model, solver)
        assert named in str(refusal.value)
        assert all(name in str(refusal.value) for name in transformations)
    for name in transformations:
        settings = {"nfe": 4, "scheme": "BACKWARD"} if name.startswith("dae") else {}
        pyo.TransformationFactory(name).apply_to(model, **settings)
    assert vd.solvers.solve(model, "highs").objective == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("halfway", ["mpec.standard_form", "mpec.nl"])
def test_a_complementarity_that_is_left_to_other_solvers_is_refused(halfway: str) -> None:
    model = complementary()
    pyo.TransformationFactory(halfway).apply_to(model)
    with pytest.raises(vd.InputError, match=r"pair.*mpec\.simple_nonlinear"):
        vd.solvers.solve(model, "highs")


def test_a_complementarity_as_products_is_solved_by_ipopt() -> None:
    model = complementary()
    model.worth.deactivate()
    model.aim = pyo.Objective(expr=(model.x - 1) ** 2 + (model.y + 1) ** 2)  # 1, at x = 1, y = 0
    model.x.value, model.y.value = 0.9, 0.1
    pyo.TransformationFactory("mpec.simple_nonlinear").apply_to(model, mpec_bound=1e-9)
    vd.solvers.solve(model, "ipopt", check=False)
    assert (model.x.value, model.y.value) == pytest.approx((1, 0), abs=1e-4)


def test_an_integral_and_an_undivided_continuous_set_are_refused() -> None:
    m = pyo.ConcreteModel("integral")
    m.time = ContinuousSet(bounds=(0, 1))
    m.z = pyo.Var(m.time, bounds=(0, 2))
    m.area = Integral(m.time, wrt=m.time, rule=lambda m, t: m.z[t])
    m.worth = pyo.Objective(expr=m.area, sense=pyo.maximize)
    with pytest.raises(vd.InputError, match=r"time: got <an active ContinuousSet[\s\S]*area: got <an active Integral"):
        vd.solvers.solve(m)
    pyo.TransformationFactory("dae.collocation").apply_to(m, nfe=2, ncp=2)
    assert vd.solvers.solve(m).objective == pytest.approx(2)


def test_a_piecewise_of_binaries_is_solved_and_one_of_special_ordered_sets_refused_where_they_are_not_taken() -> None:
    def build(form: str) -> Model:
        m = pyo.ConcreteModel("tariff")
        m.x, m.y = pyo.Var(bounds=(0, 3)), pyo.Var()
        m.curve = pyo.Piecewise(m.y, m.x, pw_pts=[0, 1, 3], f_rule=[0, 4, 6], pw_constr_type="EQ", pw_repn=form)
        m.worth = pyo.Objective(expr=m.y - 2 * m.x, sense=pyo.maximize)  # at x = 1: 2
        return m

    for form in ("INC", "BIGM_BIN", "CC", "LOG"):
        assert vd.solvers.solve(build(form)).objective == pytest.approx(2)
    with pytest.raises(vd.InputError, match=r"curve\.SOS2_sosconstraint: .*pw_repn, such as 'INC'"):
        vd.solvers.solve(build("SOS2"))
    assert vd.solvers.solve(build("SOS2"), "scip").objective == pytest.approx(2)


def test_every_type_of_component_that_pyomo_registers_is_understood_or_refused() -> None:
    understood = {"BuildAction", "BuildCheck", "Block", "Constraint", "ConstraintList", "Expression", "ExternalFunction"}
    understood |= {"Objective", "ObjectiveList", "Param", "RangeSet", "Set", "Suffix", "Var", "VarList", "Piecewise"}
    understood |= {"BooleanVar", "BooleanVarList", "Port", "Connector"}  # mean something only to others that are refused
    models = {"Model", "ConcreteModel", "AbstractModel"}
    refused = set(ModelComponentFactory) - understood - models
    assert {"SOSConstraint", "Disjunction", "LogicalConstraint", "Complementarity", "Arc", "SequenceVar"} <= refused
    m = pyo.ConcreteModel("schedule")
    m.task = IntervalVar(start=(0, 4), end=(2, 6), length=2)
    with pytest.raises(vd.InputError, match="task: got <an active IntervalVar"):
        vd.solvers.solve(m)


def test_a_component_of_a_type_that_nobody_knows_is_refused() -> None:
    class Rumour(pyo.Constraint):  # type: ignore[misc]  # Pyomo has no types
        pass  # as a package of its own would have, and reads in its own solvers

    m = pyo.ConcreteModel("unknown")
    m.x = pyo.Var(bounds=(0, 1))
    m.inner = pyo.Block()
    m.inner.rumour = pyo.Constraint(expr=m.x >= 1)
    m.inner.reclassify_component_type("rumour", Rumour)
    m.cost = pyo.Objective(expr=m.x)
    with pytest.raises(vd.InputError, match=r"unknown: inner\.rumour: got <an active Rumour"):
        vd.solvers.solve(m)
    m.inner.rumour.deactivate()
    assert vd.solvers.solve(m).objective == pytest.approx(0)


def test_what_says_nothing_by_itself_passes() -> None:
    m = pyo.ConcreteModel("beside")
    m.x = pyo.Var([1, 2], bounds=(0, 4))
    m.first, m.pairs, m.listed = pyo.Set(initialize=[1, 2]), pyo.RangeSet(2), pyo.SetOf([1, 2])
    m.product, m.both = m.first * m.pairs, m.first | m.pairs
    m.shadow = pyo.Reference(m.x[:])
    m.told = pyo.BooleanVar()
    m.port = Port(initialize={"flow": m.x[1]})
    m.rate = pyo.Param([1, 2], initialize=2.0, mutable=True)
    m.total = pyo.Expression(expr=sum(m.rate[k] * m.x[k] for k in m.first))
    m.done, m.sure = pyo.BuildAction(rule=lambda m: None), pyo.BuildCheck(rule=lambda m: True)
    m.note, m.dual = pyo.Suffix(), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    m.rows = pyo.ConstraintList()
    m.rows.add(m.shadow[1] + m.shadow[2] <= 5)
    m.none = pyo.Constraint()
    m.switched = pyo.SOSConstraint([1, 2], var=m.x, sos=1, index={1: [1, 2], 2: [2]})
    m.switched[1].deactivate()
    m.switched[2].deactivate()
    m.worth = pyo.Objective(expr=m.total, sense=pyo.maximize)
    assert vd.solvers.solve(m).objective == pytest.approx(10)


def test_mechanisms_and_what_is_added_to_them() -> None:
    case = vd.example("two-suppliers-correlated")
    best = vd.solvers.solve(vd.build(case, "icds")).objective
    m = vd.build(case, "icds")
    m.lot = Disjunction(list(m.quantity), rule=lambda m, *key: [m.quantity[key] == 0, m.quantity[key] >= 500])
    with pytest.raises(vd.InputError, match=r"lot: got <an active Disjunction.*gdp\.bigm"):
        vd.solvers.solve(m)
    pyo.TransformationFactory("gdp.bigm").apply_to(m, bigM=2000)
    assert vd.solvers.solve(m).objective <= best + 1e-6 * abs(best)
    assert all(units <= 1e-6 or units >= 500 - 1e-6 for units in (v.value for v in m.quantity.values()))


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("model.py", "got 'model.py'"),
        (None, "got None"),
        (pmo.block(), "a model of pyomo.kernel: block"),
        (pyo.AbstractModel("later"), "later: model: got <an AbstractModel without data>; .*create_instance"),
        (pyo.Block([1, 2]), "a ConcreteModel, or a Block of one"),
    ],
)
@pytest.mark.parametrize("solver", ["highs", "ipopt", "scip"])
def test_what_is_no_model_is_refused_as_such(model: Model, what: str, solver: str) -> None:
    with pytest.raises(vd.InputError, match=what):
        vd.solvers.solve(model, solver)


def test_a_model_that_is_deactivated_is_refused() -> None:
    m = either()
    m.deactivate()
    with pytest.raises(vd.InputError, match="deactivated"):
        vd.solvers.solve(m)


def test_a_block_is_solved_alone_with_variables_from_outside() -> None:
    m = pyo.ConcreteModel("outer")
    m.x = pyo.Var(bounds=(1, 2))
    m.part = pyo.Block()
    m.part.y = pyo.Var(bounds=(0, 9))
    m.part.row = pyo.Constraint(expr=m.part.y >= 3 * m.x)
    m.part.cost = pyo.Objective(expr=m.part.y)
    m.outside = pyo.Constraint(expr=m.x >= 1.5)
    assert vd.solvers.solve(m.part).objective == pytest.approx(3)
    assert vd.solvers.solve(m).objective == pytest.approx(4.5)


def test_a_refused_model_is_left_as_it_was() -> None:
    m = either()
    m.x.value = 7
    with pytest.raises(vd.InputError):
        compile_model(m)
    assert m.x.value == 7
