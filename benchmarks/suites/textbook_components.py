"""Small models with Pyomo's components beyond variables, objectives and constraints: to be solved right, or refused by name."""

from typing import Any

import pyomo.environ as pyo
from problems import Suite
from pyomo.gdp import Disjunction
from pyomo.mpec import Complementarity, complements
from pyomo.network import Arc, Port

__all__ = ["SUITE"]

SUITE = Suite("components", "written for this table")
model = SUITE.model
HAND = "by hand"


@model(3, by=HAND)
def one_of_three(m: Any) -> None:
    m.x = pyo.Var([1, 2, 3], bounds=(0, 1))
    m.only = pyo.SOSConstraint(var=m.x, sos=1)
    m.worth = pyo.Objective(expr=m.x[1] + 2 * m.x[2] + 3 * m.x[3], sense=pyo.maximize)


@model(5, by=HAND)
def neighbours(m: Any) -> None:
    m.x = pyo.Var([1, 2, 3], bounds=(0, 1))
    m.only = pyo.SOSConstraint(var=m.x, sos=2)
    m.worth = pyo.Objective(expr=3 * m.x[1] + 2 * m.x[2] + 3 * m.x[3], sense=pyo.maximize)


@model(6, by=HAND)
def either_or(m: Any) -> None:
    m.x = pyo.Var(bounds=(0, 10))
    m.either = Disjunction(expr=[[m.x <= 2], [m.x >= 5, m.x <= 6]])
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)


@model(1, by=HAND)
def one_is_zero(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    m.either = Complementarity(expr=complements(m.x >= 0, m.y >= 0))
    m.worth = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)


@model(1, by=HAND)
def exactly_one(m: Any) -> None:
    m.true, m.chosen = pyo.BooleanVar([1, 2]), pyo.Var([1, 2], domain=pyo.Binary)
    for k in (1, 2):
        m.true[k].associate_binary_var(m.chosen[k])
    m.logic = pyo.LogicalConstraint(expr=pyo.exactly(1, m.true[1], m.true[2]))
    m.worth = pyo.Objective(expr=m.chosen[1] + m.chosen[2], sense=pyo.maximize)


@model(5, by=HAND)
def listed_domain(m: Any) -> None:
    m.x = pyo.Var(domain=pyo.Set(initialize=[1, 5, 9]))
    m.most = pyo.Constraint(expr=m.x <= 7.5)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)


@model(6, by=HAND)
def stepped_domain(m: Any) -> None:
    m.x = pyo.Var(domain=pyo.RangeSet(0, 10, 2))
    m.most = pyo.Constraint(expr=m.x <= 7.5)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)


@model(17, by=HAND)
def discount(m: Any) -> None:
    m.x, m.cost = pyo.Var(bounds=(0, 10)), pyo.Var()
    m.steps = pyo.Piecewise(m.cost, m.x, pw_pts=[0, 5, 10], f_rule=[0, 15, 25], pw_constr_type="EQ", pw_repn="SOS2")
    m.demand = pyo.Constraint(expr=m.x >= 6)
    m.total = pyo.Objective(expr=m.cost)


@model(3, by=HAND)
def joined(m: Any) -> None:
    m.left, m.right = pyo.Block(), pyo.Block()
    for part, least in ((m.left, 1), (m.right, 3)):
        part.flow = pyo.Var(bounds=(least, 10))
        part.port = Port(initialize={"flow": part.flow})
    m.pipe = Arc(source=m.left.port, destination=m.right.port)
    m.cost = pyo.Objective(expr=m.left.flow)
