"""Joint misreports: by hand, against loops, and what a sample of them says."""

import json
import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.allocation_cases import case as allocation_case
from support.allocation_cases import group
from support.assembler_cases import build
from support.coalitions import worst_together
from veridical.contracts import Allotment, Menu, coalitions
from veridical.contracts.allotment import listed
from veridical.contracts.coalitions import COALITIONS, CoalitionResult, check_coalitions
from veridical.contracts.retailer_coalitions import check_retailers_together
from veridical.data import AllocationCase, AssemblerCase

SHAPES = [(2, 2), (3, 2), (2, 2, 2), (3, 1, 2), (2, 2, 1, 2)]


def menu_of(shape: tuple[int, ...], seed: int) -> Menu:
    """Return a menu of small whole numbers, in which gains of nothing are frequent."""
    rng = np.random.default_rng(seed)
    case = build([np.cumsum(rng.integers(1, 4, m)).tolist() for m in shape], [[1 / m] * m for m in shape])
    full = (len(shape), *shape)
    return Menu(case, rng.integers(0, 3, full).astype(float), rng.integers(0, 6, full).astype(float))


def by_loops(menu: Menu) -> dict[str, tuple[bool, float]]:
    """Return what loops over the definitions say of a menu."""
    case = menu.case

    def worth(i: int, k: int, t: tuple[int, ...]) -> float:
        return float(menu.payment[(i, *t)] - case.suppliers[i].costs[k] * menu.quantity[(i, *t)])

    def amount(i: int, k: int, t: tuple[int, ...]) -> float:
        return float(max(abs(menu.payment[(i, *t)]), case.suppliers[i].costs[k] * menu.quantity[(i, *t)]))

    return worst_together(case.shape, worth, amount)


def results(menu: Menu) -> dict[str, CoalitionResult]:
    """Return what the audit says."""
    return {name: vd.audit(menu.case, menu).properties[name] for name in COALITIONS}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_menus_against_loops(shape: tuple[int, ...]) -> None:
    verdicts = set()
    for seed in range(12):
        menu = menu_of(shape, seed)
        if seed % 3 == 0:  # a menu that answers to one's own report alone, and truthful by rents: nobody gains
            menu = vd.solve(menu.case, "naive", "closed_form").contracts
        for name, (violates, worst) in by_loops(menu).items():
            found = results(menu)[name]
            verdicts.add((name, violates))
            assert found.holds is not violates
            assert found.worst == pytest.approx(worst, abs=1e-9)
            assert found.tried == found.possible != 0
            assert sum(min(gain, 0.0) if name == "coalition_ic" and not violates else gain for gain in found.gains) == (
                pytest.approx(worst, abs=1e-9)
            )
    assert {(name, True) for name in COALITIONS} <= verdicts
    assert {(name, False) for name in COALITIONS} <= verdicts


def test_the_witness_is_a_joint_misreport_that_gains_what_it_says() -> None:
    for seed in range(20):
        menu = menu_of((2, 3, 2), seed)
        for found in results(menu).values():
            places = [menu.case.names.index(name) for name in found.members]
            others = dict(part.split("=") for part in (found.others or "").split(", ") if part)
            true, told = [0] * 3, [0] * 3
            for i, name in enumerate(menu.case.names):
                costs = menu.case.suppliers[i].costs
                pair = (found.types, found.reports) if i in places else None
                for place, mine in ((true, 0), (told, 1)):
                    cost = pair[mine][places.index(i)] if pair else float(others[name])
                    place[i] = costs.index(cost)
            assert true != told
            for i, gain in zip(places, found.gains, strict=True):
                cost = menu.case.suppliers[i].costs[true[i]]
                kept = [menu.payment[(i, *t)] - cost * menu.quantity[(i, *t)] for t in (told, true)]
                assert gain == pytest.approx(kept[0] - kept[1], abs=1e-12)


def test_neither_form_follows_from_truth_alone_nor_the_other_way_round() -> None:
    case = build([[4.0, 9.0], [3.0, 7.0]], [[0.5, 0.5]] * 2)
    # Both high are paid 5, one alone nothing: alone nobody can bring it about, two can.
    together = [[[0.0, 0.0], [0.0, 5.0]]] * 2
    found = vd.audit(case, Menu(case, np.zeros((2, 2, 2)), np.array(together))).properties
    assert not found["coalition_ic"].holds
    # a gains 5 by a report of 9, and it costs b as much: no pair agrees on it, whoever pays whom.
    alone = np.array([[[0.0, 0.0], [5.0, 5.0]], [[5.0, 5.0], [0.0, 0.0]]])
    found = vd.audit(case, Menu(case, np.zeros((2, 2, 2)), alone)).properties
    assert not found["dominant_strategy_ic"].holds
    assert found["coalition_ic"].holds
    assert found["coalition_ic_with_side_payments"].holds
    # ... until it costs b but 4, which a can pay him
    alone[1, 0] = 4.0
    found = vd.audit(case, Menu(case, np.zeros((2, 2, 2)), alone)).properties
    assert found["coalition_ic"].holds
    paid = found["coalition_ic_with_side_payments"]
    assert (paid.holds, paid.worst) == (False, 1)
    assert str(paid) == "coalition_ic_with_side_payments fails: worst 1 (a 4 -> 9, b 3)"


def test_three_together_where_no_pair_gains() -> None:
    # By how many say 2: who does gets -1, 0, 2, who does not 0, 2, 3. From 0 each to 2 each is a gain for three; on the way a
    # pair gets nothing more, and who joins two others, or leaves them, loses or makes his partner lose.
    case = build([[1.0, 2.0]] * 3, [[0.5, 0.5]] * 3)
    payment = np.zeros((3, 2, 2, 2))
    for t in np.ndindex(2, 2, 2):
        for i in range(3):
            payment[(i, *t)] = ((0, 2, 3), (None, -1, 0, 2))[t[i]][sum(t)]
    found = results(Menu(case, np.zeros((3, 2, 2, 2)), payment))["coalition_ic"]
    assert (found.holds, found.worst, found.gains) == (False, 6, (2, 2, 2))
    assert found.where == "a 1 -> 2, b 1 -> 2, c 1 -> 2"


def test_the_money_and_the_names_make_no_difference() -> None:
    for seed in range(6):
        menu = menu_of((2, 2, 3), seed)
        found = results(menu)
        case = menu.case
        dear = case.changed(suppliers=[s.changed(costs=[1e6 * cost for cost in s.costs]) for s in case.suppliers])
        order = (2, 0, 1)
        turned = case.changed(suppliers=[case.suppliers[i] for i in order])
        axes = tuple(1 + i for i in order)
        moved = [np.transpose(each[list(order)], (0, *axes)) for each in (menu.quantity, menu.payment)]
        for name in COALITIONS:
            scaled = results(Menu(dear, menu.quantity, 1e6 * menu.payment))[name]
            assert scaled.holds == found[name].holds
            assert scaled.worst == pytest.approx(1e6 * found[name].worst)
            permuted = results(Menu(turned, *moved))[name]
            assert permuted.holds == found[name].holds
            assert permuted.worst == pytest.approx(found[name].worst)


def test_beside_a_large_supplier_a_small_one_still_gains() -> None:
    """An engine at 3,000,000 allows 3 of rounding; a panel's gain of 1 on 4 is none, also where side payments are possible."""
    case = build([[4.0, 9.0], [3e6, 4e6]], [[0.5, 0.5]] * 2)
    payment = np.array([[[4.0, 4.0], [4.0, 5.0]], [[3e6, 3e6], [3e6, 3e6]]])
    for found in results(Menu(case, np.zeros((2, 2, 2)), payment)).values():
        assert not found.holds
        assert found.worst == pytest.approx(1)


def test_one_supplier_and_nothing_to_misreport_hold_with_nothing_tried() -> None:
    for costs in ([[4.0, 9.0]], [[4.0], [3.0]]):
        case = build(costs, [[1 / len(own)] * len(own) for own in costs])
        shape = (len(costs), *case.shape)
        for found in results(Menu(case, np.zeros(shape), np.arange(math.prod(shape)).reshape(shape).astype(float))).values():
            assert (found.holds, found.worst, found.tried, found.possible, found.where) == (True, 0, 0, 0, "")


# --- samples ---


def test_a_sample_finds_violations_and_never_says_that_none_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalitions, "MOST", 2_000)
    sizes = (3,) * 5
    calm = check_coalitions(list("abcde"), [range(3)] * 5, lambda i, k: (np.zeros(sizes), np.ones(sizes)))
    for found in calm.values():
        assert (found.holds, bool(found), found.searched, found.verdict) == (None, False, True, "searched in part")
        assert found.possible is not None
        assert 0 < found.tried < found.possible == 10 * 9 * 8 * 27 + 243 * 242
        assert f"none of the {found.tried:,} tried of {found.possible:,} joint misreports" in str(found)
    paid = np.zeros(sizes)
    paid[2] = 1.0  # if a reports his last type, everybody gains
    for found in check_coalitions(list("abcde"), [range(3)] * 5, lambda i, k: (paid, np.ones(sizes))).values():
        assert found.holds is False
        assert (found.worst, found.gains) == (5.0, (1.0,) * 5)
    again = check_coalitions(list("abcde"), [range(3)] * 5, lambda i, k: (np.zeros(sizes), np.ones(sizes)))
    assert again == calm


def test_half_a_search_is_no_broken_promise(correlated: AssemblerCase) -> None:
    solution = vd.solve(correlated, "naive")
    assert solution.audit is not None
    partly = replace(solution.audit.properties["coalition_ic"], holds=None)
    audit = replace(solution.audit, properties={**solution.audit.properties, "coalition_ic": partly})
    assert replace(solution, audit=audit).checked(("coalition_ic",)) is not None


# --- retailers ---


def allotment_of(groups: list[tuple[int, int]], seed: int) -> Allotment:
    """Return an allotment of whole numbers to groups of so many retailers with so many types."""
    rng = np.random.default_rng(seed)
    raw = [
        {
            "name": name,
            "count": n,
            "types": list(range(4, 4 + m)),
            "probabilities": [1 / m] * m,
            "revenue": {"form": "linear_demand"},
        }
        for name, (n, m) in zip("xyz", groups, strict=False)
    ]
    case = AllocationCase.model_validate({"capacity": 9.0, "retailers": raw})
    profiles = case.profiles()
    units, paid = (rng.integers(0, 3, profiles.counts.shape).astype(float) for _ in range(2))
    unknown = np.full(len(units), np.nan)
    return Allotment(
        case=case, profiles=profiles, by_type=units, shadow_price=unknown, capacity=9.0, price=listed(profiles, paid)
    )


def retailers_by_loops(allotment: Allotment) -> dict[str, tuple[bool, float]]:
    """Return what loops over all retailers say, whose units and payments are looked up in the allotment's own tables."""
    case, profiles = allotment.case, allotment.profiles
    width = profiles.counts.shape[1]
    rows = {tuple(counts): row for row, counts in enumerate(profiles.counts.tolist())}
    starts = [profiles.columns(g).start for g in case.order]
    payments: dict[tuple[int, int], float] = {}
    for row, (types, paid) in enumerate(zip(profiles.types(), allotment.dominant_payments, strict=True)):
        payments |= {(row, start + k): float(p) for start, k, p in zip(starts, types, paid, strict=True)}

    def own(i: int, k: int, t: tuple[int, ...]) -> tuple[float, float]:
        columns = [start + place for start, place in zip(starts, t, strict=True)]
        row = rows[tuple(np.bincount(columns, minlength=width).tolist())]
        units = float(allotment.by_type[row, columns[i]])
        return units * (float(case.retailers[case.order[i]].theta[k]) - units), payments[row, columns[i]]

    def worth(i: int, k: int, t: tuple[int, ...]) -> float:
        earned, paid = own(i, k, t)
        return earned - paid

    return worst_together(
        [profiles.sizes[g] for g in case.order], worth, lambda i, k, t: max(abs(amount) for amount in own(i, k, t))
    )


@pytest.mark.parametrize("groups", [[(2, 3)], [(3, 2)], [(1, 2), (1, 3)], [(2, 2), (1, 3)], [(4, 2)]], ids=str)
def test_allotments_against_loops(groups: list[tuple[int, int]]) -> None:
    for seed in range(5):
        allotment = allotment_of(groups, seed)
        wanted = retailers_by_loops(allotment)
        for name, found in check_retailers_together(allotment).items():
            violates, worst = wanted[name]
            assert found.holds is not violates, (seed, name)
            assert found.worst == pytest.approx(worst, abs=1e-9), (seed, name)
            assert found.tried == found.possible


def test_retailers_whose_profiles_are_drawn_are_not_searched() -> None:
    case = allocation_case(group([4, 5, 6, 7, 8], count=60), capacity=30.0)
    assert case.profiles(samples=10).sampled
    solution = vd.solve(case, "allocation", "closed_form", samples=50)
    assert solution.audit is not None
    for name in COALITIONS:
        found = solution.audit.properties[name]
        assert (found.holds, found.searched, str(found)) == (None, False, f"{name} was not searched")
        assert math.isnan(found.worst)


def test_many_retailers_are_searched_in_pairs_and_nothing_is_said_of_all() -> None:
    case = allocation_case(group([4, 5], count=400), capacity=10_000.0)  # enough for all, so that nobody minds the others
    found = vd.solve(case, "allocation", "closed_form").audit
    assert found is not None
    result: Any = found.properties["coalition_ic"]
    assert (result.holds, result.tried, result.possible) == (None, 3 * 3 * 399, None)
    assert "of more than 1e18 joint misreports" in str(result)
    json.dumps(found.to_dict())


def test_joint_misreports_are_looked_for_when_they_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[str, ...]] = []

    def counted(names: Any, *others: Any) -> Any:
        searched.append(tuple(names))
        return check_coalitions(names, *others)

    monkeypatch.setattr("veridical.contracts.menu_audit.check_coalitions", counted)
    found = vd.contracts.audit(menu_of((2, 2), 3)).properties
    assert not found["dominant_strategy_ic"].holds
    assert set(COALITIONS) < set(found)
    assert len(found) == len(list(found))
    assert all(name in found for name in COALITIONS)
    assert "no_such" not in found
    assert searched == []
    assert found["coalition_ic"].tried == found["coalition_ic_with_side_payments"].tried > 0
    assert len(searched) == 1
    sent = pickle.loads(pickle.dumps(vd.contracts.audit(menu_of((2, 2), 3)).properties))
    assert sent == found
    with pytest.raises(KeyError):
        found["no_such"]
