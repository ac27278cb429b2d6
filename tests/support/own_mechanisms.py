"""Mechanisms of the literature as a user would write them: types, variables, truth by declaration, an objective."""

from collections.abc import Sequence
from typing import Any

import pyomo.environ as pyo

import veridical as vd
from veridical.data.type_space import TypeSpace


def auction(types: TypeSpace, incentive: str = "dominant", participation: str = "ex_post", **declared: Any) -> Any:
    """Return the model of a seller of one good who wants revenue; bidders pay `price`. Myerson (1981)."""
    m = pyo.ConcreteModel()
    m.won = pyo.Var(types.agents, types.profiles, bounds=(0, 1))
    m.price = pyo.Var(types.agents, types.profiles)
    m.one_good = pyo.Constraint(types.profiles, rule=lambda m, *t: sum(m.won[i, t] for i in types.agents) <= 1)
    vd.truthful(m, types, lambda m, i, value, t: value * m.won[i, t] - m.price[i, t], incentive, participation, **declared)
    revenue = types.expectation(lambda t: sum(m.price[i, t] for i in types.agents))
    m.revenue = pyo.Objective(expr=revenue, sense=pyo.maximize)
    return m


def bidders(values: Any, number: int, prior: Any = None) -> TypeSpace:
    """Return bidders with the same types, and the same probabilities if any are given."""
    names = [f"bidder {i}" for i in range(1, number + 1)]
    return TypeSpace(dict.fromkeys(names, values), prior and dict.fromkeys(names, prior))


def trade(types: TypeSpace, efficient: bool = False) -> Any:
    """Return the model of a seller and a buyer who trade without money from outside. Myerson and Satterthwaite (1983)."""
    m = pyo.ConcreteModel()
    m.trade = pyo.Var(types.profiles, bounds=(0, 1))
    m.payment = pyo.Var(types.agents, types.profiles)
    sign = {"seller": -1, "buyer": 1}
    vd.truthful(m, types, lambda m, i, v, t: sign[i] * v * m.trade[t] + m.payment[i, t], "bayesian", "interim")
    vd.budget(m, types, m.payment)
    if efficient:
        for cost, value in types.profiles:
            if cost != value:  # else nothing is gained or lost
                m.trade[cost, value].fix(float(value > cost))
    m.gains = pyo.Objective(expr=types.expectation(lambda t: (t[1] - t[0]) * m.trade[t]), sense=pyo.maximize)
    return m


def goods(types: TypeSpace, number: int = 2, deterministic: bool = False) -> Any:
    """Return the model of a seller of some goods to one buyer, who values them by a vector. Manelli and Vincent (2006)."""
    m = pyo.ConcreteModel()
    m.sold = pyo.Var(range(number), types.profiles, domain=pyo.Binary if deterministic else pyo.UnitInterval)
    m.price = pyo.Var(types.profiles)
    vd.truthful(m, types, lambda m, i, v, t: sum(v[g] * m.sold[g, t] for g in range(number)) - m.price[t])
    m.revenue = pyo.Objective(expr=types.expectation(lambda t: m.price[t]), sense=pyo.maximize)
    return m


def project(types: TypeSpace, decide: Any, pay: Any, incentive: str, budget: str = "ex_post") -> Any:
    """Return the model of a public project that is built and paid for by a rule; payments are to the agents.

    It has one solution, the rule, where the rule is what is declared of it; participation is of no concern.
    """
    m = pyo.ConcreteModel()
    m.built = pyo.Var(types.profiles)
    m.payment = pyo.Var(types.agents, types.profiles)
    m.decision = pyo.Constraint(types.profiles, rule=lambda m, *t: m.built[t] == decide(t))
    m.rule = pyo.Constraint(types.agents, types.profiles, rule=lambda m, i, *t: m.payment[i, t] == pay(i, t))
    vd.truthful(m, types, lambda m, i, v, t: v * m.built[t] + m.payment[i, t], incentive, "none")
    vd.budget(m, types, m.payment, budget)
    m.surplus = pyo.Objective(expr=types.expectation(lambda t: sum(m.payment[i, t] for i in types.agents)))
    return m


def regulation(types: TypeSpace, cost_of_funds: float) -> Any:
    """Return the model of a regulator who buys one project from a firm of intrinsic cost theta. Laffont and Tirole (1986).

    The firm's cost is theta - effort, and is paid for; effort costs it effort^2 / 2, which a transfer covers and `rent` more. A
    firm that claims another's theta must show the same cost, so its effort differs by the lie, which is known: utility is linear
    in what is decided.
    """
    (firm,) = types.agents
    m = pyo.ConcreteModel()
    m.effort = pyo.Var(types.profiles, bounds=(0, None))
    m.rent = pyo.Var(types.profiles)

    def utility(m: Any, i: Any, theta: float, t: Any) -> Any:
        lie = theta - types.value(i, t[0])
        return m.rent[t] - lie * m.effort[t] - lie**2 / 2

    vd.truthful(m, types, utility)

    def burden(t: Any) -> Any:
        paid = types.value(firm, t[0]) - m.effort[t] + m.effort[t] ** 2 / 2
        return (1 + cost_of_funds) * paid + cost_of_funds * m.rent[t]

    m.burden = pyo.Objective(expr=types.expectation(burden))
    return m


def quality(types: TypeSpace, worth: float) -> Any:
    """Return the model of a buyer of quality from one supplier, at theta * quality + quality^2 / 2 to him. Che (1993)."""
    m = pyo.ConcreteModel()
    m.quality = pyo.Var(types.profiles, bounds=(0, worth), initialize=worth / 2)
    m.price = pyo.Var(types.profiles, initialize=worth)
    vd.truthful(m, types, lambda m, i, theta, t: m.price[t] - theta * m.quality[t] - m.quality[t] ** 2 / 2)
    m.profit = pyo.Objective(expr=types.expectation(lambda t: worth * m.quality[t] - m.price[t]), sense=pyo.maximize)
    return m


def solved(m: Any, solver: Any = "highs") -> Any:
    """Return a solution, with the audit that solutions of mechanisms have."""
    return vd.solvers.solve(m, solver)


def table(m_var: Any, keys: Sequence[Any]) -> list[float]:
    """Return the values of a variable."""
    return [float(pyo.value(m_var[key])) for key in keys]
