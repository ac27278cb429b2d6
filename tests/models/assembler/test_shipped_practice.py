"""The shipped motor controllers, against a program written apart with its rules of orders, and by enumeration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

import veridical as vd
from support import linear_oracles
from support.assembler_cases import SOLVED, near
from support.linear_oracles import Practice, Program
from veridical.data import AssemblerCase
from veridical.data.demand import Sample


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    case = vd.example("motor-controllers")
    assert isinstance(case, AssemblerCase)
    return case


def demand_of(case: AssemblerCase) -> Sequence[float]:
    """Return past demand."""
    assert isinstance(case.demand, Sample)
    return case.demand.values


def with_rules(p: Program, case: AssemblerCase) -> Any:
    """Return what scipy says of an oracle's program to which the case's rules of orders are added."""
    whole = set()
    for key in [key for key in p.bounds if key[0] == "q"]:
        supplier, likely = case.suppliers[key[1]], float(case.probability[key[2]]) if key[2] else 1.0
        if supplier.minimum_order or supplier.setup_cost:
            ordered = p.variable(("ordered", *key), -likely * supplier.setup_cost, high=1.0)
            p.at_most(0.0, (1.0, key), (-(supplier.capacity or 0.0), ordered))
            p.at_most(0.0, (-1.0, key), (supplier.minimum_order or 0.0, ordered))
            whole.add(ordered)
        if supplier.lot_size:
            lots = p.variable(("lots", *key))
            p.at_most(0.0, (1.0, key), (-supplier.lot_size, lots))
            p.at_most(0.0, (-1.0, key), (supplier.lot_size, lots))
            whole.add(lots)
    place = {key: k for k, key in enumerate(p.worth)}
    entries = [(r, place[key], factor) for r, (row, _) in enumerate(p.rows) for key, factor in row.items()]
    at, column, factor = zip(*entries, strict=True)
    matrix = sp.csr_array((factor, (at, column)), shape=(len(p.rows), len(place)))
    low, high = (
        np.array([other if b[k] is None else b[k] for b in p.bounds.values()]) for k, other in ((0, -np.inf), (1, np.inf))
    )
    return milp(
        -np.array(list(p.worth.values())),
        integrality=np.array([key in whole for key in place]),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(matrix, ub=np.array([right for _, right in p.rows])),
        options={"mip_rel_gap": 1e-9},
    )


@pytest.mark.parametrize("mechanism", ["naive", "icds"])
def test_the_shipped_case_earns_what_a_program_written_apart_does(mechanism: str, case: AssemblerCase) -> None:
    components = list(case.sources)
    practice = Practice(
        *(case.salvage, case.shortage_penalty, case.assembly_cost),
        each=[supplier.units_per_product for supplier in case.suppliers],
        reserved=[supplier.reservations for supplier in case.suppliers],
        capacity=[supplier.capacity for supplier in case.suppliers],
        source=[components.index(supplier.delivers) for supplier in case.suppliers],
    )
    sold = demand_of(case)
    masses, costs = [1 / len(sold)] * len(sold), [supplier.costs for supplier in case.suppliers]
    found = with_rules(linear_oracles.assembler(mechanism, case.price, sold, masses, costs, case.probability, practice), case)
    assert found.status == 0
    solution = vd.solve(case, mechanism)
    of_all_demand = case.shortage_penalty * float(np.mean(sold))
    assert solution.objective == pytest.approx(-found.fun - of_all_demand, rel=SOLVED)
    assert (solution.mechanism, str(solution.status)) == (mechanism, "optimal")
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.audit.individually_rational
    assert solution.audit.expected_profit == near(solution.objective)


def test_one_price_for_all_by_enumeration(case: AssemblerCase) -> None:
    """Everybody at his highest cost: drives in whole panels of circuit boards, microcontrollers from the cheaper source first."""
    sold = np.array(demand_of(case))
    best = -np.inf
    for drives in np.arange(400.0, 561.0):
        boards = 20 * np.ceil(drives / 20)
        for brisk in (0.0, *np.arange(200.0, 561.0)):
            arvo = max(drives - brisk, 0.0)
            if boards < 300 or arvo > 450:
                continue
            sales = np.minimum(sold, drives).mean()
            earned = (112 - 18.5) * sales + 12 * (drives - sales) - 8 * (sold.mean() - sales)
            paid = 9.9 * arvo + 11 * brisk + 30 * drives + 400 + 13.2 * boards + 900 + 2 * 5.4 * drives + 5.8 * drives
            best = max(best, earned - paid)
    assert vd.solve(case, "naive").objective == pytest.approx(best, rel=SOLVED)


def test_ranges_of_costs_that_are_equal_as_written_go_to_the_earlier_supplier(case: AssemblerCase) -> None:
    """Brisk: 11 - 9.4, Elmwood: 2 (5.4 - 4.6), of which rounding makes a little more."""
    assert case.names[1] == "Brisk"
    assert [case.names[i] for i in set(case.widest(4)) - set(case.widest(3))] == ["Brisk"]
