"""Allotments: their audit against brute force, CSV files there and back, payments, many retailers and drawn profiles."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import veridical as vd
from support.allocation_cases import LINEAR, UNIFORM, case, group
from support.command_line import Run
from support.strategies import examples
from veridical.contracts import AllocationAudit, Allotment
from veridical.contracts.allotment import Price, listed
from veridical.contracts.coalitions import COALITIONS
from veridical.data import AllocationCase, InputError
from veridical.data.fields import check
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized

Array = NDArray[np.float64]


def audited(own: Allotment) -> AllocationAudit:
    found = vd.audit(own.case, own)
    assert isinstance(found, AllocationAudit)
    return found


def posted(*paid: Array) -> Price:
    """Return payments that answer to the own type alone, group by group."""
    return lambda reports: np.broadcast_to(paid[reports.g], reports.quantity.shape)


@pytest.fixture(scope="module")
def mixed() -> AllocationCase:
    """Return two stores and one online shop, unlike in types and revenue."""
    stores, online = (
        group([3, 5, 6], [0.5, 0.2, 0.3], LINEAR, 2, name="stores"),
        group([2, 4], [0.3, 0.7], UNIFORM, name="online"),
    )
    return case(stores, online, capacity=4.0)


# --- the audit, by brute force over retailers in every order ---


def outcomes(own: Allotment) -> dict[tuple[float, ...], tuple[list[float], list[float]]]:
    """Return units and payments at every ordered profile of types, read off the table of an allotment."""
    frame, names = own.to_frame(), own.case.retailer_names
    starts = np.cumsum([0, *own.case.members])
    found = {}
    for ordered in itertools.product(*(own.case.retailers[g].theta.tolist() for g in own.case.order)):
        parts = [sorted(range(low, high), key=lambda i: ordered[i]) for low, high in itertools.pairwise(starts)]
        order = [i for part in parts for i in part]
        row = frame.loc[tuple(ordered[i] for i in order)]
        units, paid = [0.0] * len(order), [0.0] * len(order)
        for place, i in enumerate(order):
            units[i], paid[i] = float(row["quantity", names[place]]), float(row["payment", names[place]])
        found[ordered] = units, paid
    return found


def brute(own: Allotment) -> dict[str, float]:
    """Return the worst of every property, by trying all misreports of all retailers at all ordered profiles."""
    table, groups = outcomes(own), [own.case.retailers[g] for g in own.case.order]
    worst = dict.fromkeys(("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "monotone", "capacity"), -np.inf)

    def note(key: str, value: float) -> None:
        worst[key] = max(worst[key], value)

    for units, _ in table.values():
        note("capacity", sum(units) - own.capacity)
    for i, mine in enumerate(groups):
        others_of = [zip(each.theta.tolist(), each.probability, strict=True) for j, each in enumerate(groups) if j != i]
        beliefs = [zip(*pairs, strict=True) for pairs in itertools.product(*others_of)]
        known = [(others, float(np.prod(chances))) for others, chances in beliefs]
        for k, theta in enumerate(types := mine.theta.tolist()):
            expected = dict.fromkeys(types, 0.0)
            for others, chance in known:
                got = {report: table[(*others[:i], report, *others[i:])] for report in types}
                profit = {t: float(mine.revenue.value(units[i], theta)) - paid[i] for t, (units, paid) in got.items()}
                expected = {t: expected[t] + chance * profit[t] for t in types}
                note("ex_post_ir", -profit[theta])
                for report in types:
                    if report != theta:
                        note("dominant_strategy_ic", profit[report] - profit[theta])
                if k:
                    note("monotone", got[types[k - 1]][0][i] - got[theta][0][i])
            note("interim_ir", -expected[theta])
            for report in types:
                if report != theta:
                    note("bayesian_ic", expected[report] - expected[theta])
    return worst


@examples(25)
@given(st.integers(0, 10**6))
def test_the_audit_is_that_of_brute_force(mixed: AllocationCase, seed: int) -> None:
    """Of any units and payments whatever: optimal ones with noise, so that something is wrong everywhere."""
    rng, own = np.random.default_rng(seed), allocation(mixed)
    by_type = np.where(own.profiles.counts > 0, own.by_type * rng.uniform(0.5, 1.5, own.by_type.shape), 0.0)
    paid = rng.uniform(0.0, 4.0, own.by_type.shape)
    wrong = Allotment(
        case=mixed,
        profiles=own.profiles,
        by_type=by_type,
        shadow_price=own.shadow_price,
        capacity=own.capacity,
        price=listed(own.profiles, paid),
    )
    checked, worst = audited(wrong), brute(wrong)
    alone = {key: finding.worst for key, finding in checked.properties.items() if key not in COALITIONS}  # those: test_coalitions
    assert alone == pytest.approx(worst, abs=1e-12)
    assert checked.max_regret == pytest.approx(max(0.0, worst["bayesian_ic"]), abs=1e-12)
    assert checked.min_profit == pytest.approx(-worst["interim_ir"], abs=1e-12)
    for key, value in worst.items():
        assert checked.properties[key].holds is (value <= 1e-6)
    if checked.misreports:  # the first is the worst, and what it says can be looked up
        lie = checked.misreports[0]
        assert lie.gain == pytest.approx(worst["bayesian_ic"], abs=1e-12)
        assert [each.gain for each in checked.misreports] == sorted((each.gain for each in checked.misreports), reverse=True)


@pytest.mark.parametrize("solver", ["closed_form", "ipopt"])
def test_optimal_payments_pass_brute_force(mixed: AllocationCase, solver: str) -> None:
    found = vd.solve(mixed, "allocation", solver).contracts
    assert isinstance(found, Allotment)
    worst = brute(found)
    assert max(worst.values()) <= 1e-6
    assert [float(paid[0]) for paid in found.payments] == pytest.approx(
        [each.revenue[0, 0] for each in found.reports], abs=1e-9
    )  # the lowest type keeps nothing
    interim = sum(part.count * part.probability @ paid for part, paid in zip(mixed.retailers, found.payments, strict=True))
    assert found.probability @ found.dominant_payments.sum(axis=1) == pytest.approx(interim, rel=1e-12)
    assert found.supplier_profit == pytest.approx(interim, rel=1e-9)


def test_interim_payments_are_truthful_too(mixed: AllocationCase) -> None:
    """(3): P(theta) answers to the own type alone; the truth is then best in expectation, and not whatever the others are."""
    own = allocation(mixed)
    fixed = replace(own, price=posted(*own.payments))
    assert fixed.payments[0] == pytest.approx(own.payments[0], rel=1e-12)
    checked, worst = audited(fixed), brute(fixed)
    assert checked.truthful
    assert checked.individually_rational
    assert max(worst["bayesian_ic"], worst["interim_ir"]) <= 1e-9
    assert worst["dominant_strategy_ic"] > 0.01
    assert not checked.properties["dominant_strategy_ic"].holds
    for each in own.by_own_type().groupby("retailers")["profit"]:
        assert each[1].iloc[0] == pytest.approx(0, abs=1e-9)
        assert (np.diff(each[1]) >= -1e-9).all()


def test_no_larger_payment_is_truthful() -> None:
    """Payments are the largest: a cent more for any type makes it lie or lose."""
    own = allocation(case(group([4, 5, 7], [0.5, 0.3, 0.2], LINEAR, 2), capacity=3.0))
    for k in range(3):
        checked = audited(replace(own, price=posted(own.payments[0] + 0.01 * (np.arange(3) == k))))
        assert max(checked.max_regret, -checked.min_profit) == pytest.approx(0.01, abs=1e-9)


def test_rounding_is_no_lie() -> None:
    none = allocation(case(group([4, 5], None, LINEAR, 2), capacity=1.0), 0.0)
    rng = np.random.default_rng(0)
    traces = replace(none, by_type=1e-11 * rng.uniform(size=none.by_type.shape) * (none.profiles.counts > 0), allocate=None)
    checked = audited(traces)
    assert checked.truthful
    assert not checked.misreports
    assert all(finding.holds for finding in checked.properties.values())
    assert not audited(replace(traces, by_type=1e4 * traces.by_type)).properties["monotone"].holds


# --- files ---


def test_a_menu_goes_to_a_file_and_back(mixed: AllocationCase, tmp_path: Path) -> None:
    own = allocation(mixed)
    own.to_csv(tmp_path / "menu.csv")
    back = Allotment.read_csv(mixed, tmp_path / "menu.csv")
    assert back.by_type.tolist() == own.by_type.tolist()
    assert back.dominant_payments.tolist() == own.dominant_payments.tolist()
    assert back.capacity == 4.0
    for one, other in zip(back.payments, own.payments, strict=True):
        assert one == pytest.approx(other, rel=1e-12)
    assert {key: each.worst for key, each in audited(back).properties.items()} == pytest.approx(
        {key: each.worst for key, each in audited(own).properties.items()}, abs=1e-12
    )
    header = (tmp_path / "menu.csv").read_text().splitlines()[0]
    assert header == (
        "type stores 1,type stores 2,type online,probability,quantity stores 1,quantity stores 2,quantity online,"
        "payment stores 1,payment stores 2,payment online,shadow_price"
    )
    chosen = mixed.changed(capacity=None, capacity_cost=1.0)
    assert Allotment.read_csv(chosen, tmp_path / "menu.csv").capacity == pytest.approx(own.quantity.sum(axis=1).max())


def test_rows_and_retailers_of_a_group_may_stand_in_any_order(mixed: AllocationCase, tmp_path: Path) -> None:
    own = allocation(mixed)
    own.to_csv(tmp_path / "menu.csv")
    table = pd.read_csv(tmp_path / "menu.csv").sample(frac=1.0, random_state=1)
    swapped = {f"{what} stores {i}": f"{what} stores {3 - i}" for what in ("type", "quantity", "payment") for i in (1, 2)}
    table.rename(columns=swapped).drop(columns=["probability", "shadow_price"]).to_csv(tmp_path / "other.csv", index=False)
    back = Allotment.read_csv(mixed, tmp_path / "other.csv")
    assert back.by_type.tolist() == own.by_type.tolist()
    assert audited(back).truthful


def test_a_menu_that_promises_more_than_there_is_is_caught(mixed: AllocationCase, tmp_path: Path) -> None:
    own = allocation(mixed)
    replace(own, by_type=1.5 * own.by_type).to_csv(tmp_path / "menu.csv")
    missing = vd.audit(mixed, tmp_path / "menu.csv").properties["capacity"]
    assert not missing.holds
    assert missing.worst == pytest.approx(0.5 * own.quantity.sum(axis=1).max(), rel=1e-12)


PAPER = [0, 0.70, 3.05, 7.08, 12.29]  # the bids that Table 5 prints


def test_a_wrong_menu_is_caught_with_who_would_lie(run: Run) -> None:
    own = vd.example("two-retailers")
    assert isinstance(own, AllocationCase)
    right = allocation(own)
    printed = replace(right, price=posted(np.array(PAPER)))
    printed.to_csv("printed.csv")
    status, out, _ = run("audit", "two-retailers", "printed.csv", "--json", "-")
    found = json.loads(out)["audit"]
    # a type 8 who bids as a type 6, by hand from E[q (8 - q)] - bid at exact units: 5.01 (5.03 by the printed, rounded ones)
    q = right.reports[0].quantity
    gain = float(np.mean(q[:, 2] * (8 - q[:, 2])) - 3.05 - np.mean(q[:, 4] * (8 - q[:, 4])) + 12.29)
    assert gain == pytest.approx(5.01, abs=0.005)
    assert found["max_regret"] == pytest.approx(gain, rel=1e-9)
    lie = found["misreports"][0]
    assert (lie["type"], lie["report"]) == (8, 6)
    assert not found["truthful"]
    # most of all against a type 4: 2 units at 3.05 instead of 2.63 at 12.29
    worst = found["properties"]["dominant_strategy_ic"]
    assert worst["worst"] == pytest.approx(2 * (8 - 2) - 3.05 - (2.63 * (8 - 2.63) - 12.29), abs=1e-9)
    assert (worst["type"], worst["report"], worst["others"]) == (8, 6, "4")
    assert status == 0
    _, out, _ = run("audit", "two-retailers", "printed.csv")
    assert "│ retailers 1 │ 8 │ 6 │ as they are expected │ 5.014 │" in " ".join(out.split())


HEADER = "type retailer 1,type retailer 2,quantity retailer 1,quantity retailer 2,payment retailer 1,payment retailer 2"
SECOND = "column {} retailer 2".format
BAD = [
    ("", "<file>: got <an empty file>; allowed: a header and a row for every profile of types"),
    (HEADER.rsplit(",", 1)[0], "header: got <a header without payment retailer 2>", "exactly one column 'payment retailer 2'"),
    (f"{HEADER},colour", "header: got 'colour'; allowed: the columns type retailer 1, type retailer 2"),
    (f"{HEADER}\n4,4,0,0,0", "row 2: got ['4', '4', '0', '0', '0']; allowed: 6 values, as in the header"),
    (f"{HEADER}\n4,9,0,0,0,0", f"row 2, {SECOND('type')}: got 9.0; allowed: one of his types: 4, 5"),
    (f"{HEADER}\n4,four,0,0,0,0", f"row 2, {SECOND('type')}: got 'four'; allowed: a finite number"),
    (f"{HEADER}\n4,5,0,-1,0,0", f"row 2, {SECOND('quantity')}: got '-1'; allowed: a finite number >= 0"),
    (f"{HEADER}\n4,5,0,nan,0,0", f"row 2, {SECOND('quantity')}: got 'nan'; allowed: a finite number >= 0"),
    (f"{HEADER}\n4,5,0,1,0,inf", f"row 2, {SECOND('payment')}: got 'inf'; allowed: a finite number"),
    (f"{HEADER}\n4,4,1,2,0,0", f"row 2, {SECOND('quantity')}: got 2.0; allowed: 1.0, as another of the same type"),
    (f"{HEADER}\n4,4,1,1,0,3", f"row 2, {SECOND('payment')}: got 3.0; allowed: 0.0, as another of the same type"),
    (f"{HEADER}\n4,5,0,1,0,0\n5,4,1,0,0,0", "row 3: got [", "one row a profile of types; this one stands above already"),
    (f"{HEADER}\n4,4,0,0,0,0\n4,5,0,1,0,1", "rows: got <no row for 5, 5>; allowed: a row for each of the 3 profiles"),
]


@pytest.mark.parametrize("bad", BAD, ids=[each[-1] for each in BAD])
def test_bad_files_are_refused_by_row_and_column(bad: tuple[str, ...], tmp_path: Path) -> None:
    own, (text, *parts) = case(group([4, 5], None, LINEAR, 2), capacity=1.0), bad
    (tmp_path / "menu.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        vd.audit(own, tmp_path / "menu.csv")
    assert str(error.value).startswith(f"menu.csv: {parts[0]}")
    assert parts[-1] in str(error.value)


def test_files_of_cases_that_cannot_be_listed_are_refused(tmp_path: Path) -> None:
    many = case(group(range(4, 10), None, LINEAR, 40), capacity=60.0)
    with pytest.raises(InputError, match="retailers: got <1221759 type profiles>; allowed: a case whose type profiles can all"):
        Allotment.read_csv(many, tmp_path / "menu.csv")
    smooth = {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": LINEAR}
    with pytest.raises(InputError, match=r"retailers\[0\]\.prior: got 'uniform'; allowed: finite types here"):
        vd.audit(check(AllocationCase, {"retailers": [smooth], "capacity": 3.0}), tmp_path / "menu.csv")
    with pytest.raises(InputError, match="menu: got <a DataFrame>; allowed: an Allotment, or a file as"):
        vd.audit(many, pd.DataFrame())
    with pytest.raises(InputError, match=r"<file>: got .*; allowed: a readable CSV file"):
        vd.audit(case(group([4, 5]), capacity=1.0), tmp_path / "none.csv")


# --- many retailers, and profiles that are drawn ---


def test_thirty_retailers_with_five_types_exactly() -> None:
    own = case(group(range(4, 9), [0.05, 0.25, 0.4, 0.25, 0.05], LINEAR, 30), capacity=57.0)
    assert own.profile_count == 46_376
    found = allocation(own)
    assert (found.sampled, found.error) == (False, 0.0)
    assert found.probability.sum() == pytest.approx(1, abs=1e-12)
    checked = audited(found)
    assert checked.truthful
    assert checked.min_profit == pytest.approx(0, abs=1e-9)
    assert checked.properties["dominant_strategy_ic"].worst < 1e-9
    # by hand where nothing is scarce: everybody gets half his virtual value, 30 E[virtual^2] / 4
    f, theta = own.retailers[0].probability, own.retailers[0].theta
    virtual = np.maximum(theta - np.append(np.cumsum(f[::-1])[::-1][1:], 0) / f, 0)
    plenty = allocation(own, 200.0)
    assert plenty.earned == pytest.approx(30 * (f @ virtual**2) / 4, rel=1e-12)
    assert plenty.probability @ plenty.quantity.sum(axis=1) == pytest.approx(30 * (f @ virtual) / 2, rel=1e-12)
    assert found.earned < plenty.earned
    assert found.chain_profit <= centralized(own).chain_profit


def test_profiles_that_are_drawn_have_a_standard_error() -> None:
    own = case(group([4, 5, 7], [0.5, 0.3, 0.2], LINEAR, 640), capacity=800.0)  # 205,761 profiles: above what is visited
    first, again, other = (allocation(own, samples=4000, seed=seed) for seed in (1, 1, 2))
    assert first.sampled
    assert first.earned == again.earned
    assert first.earned != other.earned
    assert 0 < first.error < 1e-3 * first.earned
    assert first.earned == pytest.approx(other.earned, abs=4 * np.hypot(first.error, other.error))
    more = allocation(own, samples=16_000, seed=3)
    assert more.error == pytest.approx(first.error / 2, rel=0.1)
    paid = first.probability @ first.dominant_payments.sum(axis=1)
    assert paid == pytest.approx(first.earned, abs=8 * first.error)


def test_the_audit_of_drawn_profiles_finds_no_lie_and_every_lie() -> None:
    own = case(group(range(4, 10), None, LINEAR, 60), capacity=90.0)
    found = allocation(own, samples=500, seed=2)
    checked = audited(found)
    assert checked.truthful
    assert checked.properties["dominant_strategy_ic"].worst < 1e-9
    assert checked.min_profit == pytest.approx(0, abs=1e-9)
    dear = audited(replace(found, price=lambda reports: reports.quantity * 3.0))  # a wholesale price: not truthful
    assert not dear.properties["dominant_strategy_ic"].holds
    assert dear.max_regret > 0.01
    solution = vd.solve(own, "allocation", "closed_form", samples=500, seed=2)
    assert solution.to_dict()["sampled"] is True
    assert solution.parameters == {"samples": 500, "seed": 2}


def test_capacity_is_chosen_by_drawn_profiles() -> None:
    own = case(group([4, 5, 7], [0.5, 0.3, 0.2], LINEAR, 640), capacity_cost=1.0)
    found = capacity_choice(own, samples=2000, seed=4)
    assert found.expected_shadow_price == pytest.approx(1.0, rel=1e-9)
    alone = allocation(case(group([4, 5, 7], [0.5, 0.3, 0.2], LINEAR), capacity=10.0))
    at_mean = 640 * float(alone.probability @ np.maximum(alone.quantity[:, 0] - 0.5, 0))  # lambda = 1 at every profile
    assert found.capacity == pytest.approx(at_mean, rel=0.02)  # demand varies by a few percent about its mean
