"""What rounds are made of: they post and clear what the mechanism promised, and are the same when they are read back."""

import json
import re
from itertools import product

import numpy as np
import pytest

import veridical as vd
from support.rounds import TERMS
from veridical.contracts.auction import AS_TYPE
from veridical.data import CertificateError, InputError
from veridical.rounds import terms
from veridical.rounds.chain import canonical
from veridical.rounds.terms.menu_terms import MenuTerms


@pytest.mark.parametrize("name", TERMS)
def test_terms_are_the_same_when_they_are_read_back(name: str) -> None:
    again = terms.thaw(json.loads(canonical(TERMS[name].to_dict())))
    assert again.participants == TERMS[name].participants
    for participant in again.participants:
        assert again.posted(participant) == TERMS[name].posted(participant)
    assert canonical(again.to_dict()) == canonical(TERMS[name].to_dict())


@pytest.mark.parametrize("mechanism", ["icds", "hybrid", "frw", "icds_balanced", "naive", "bic"])
def test_suppliers_get_what_the_menu_of_the_mechanism_says(mechanism: str) -> None:
    case = vd.example("two-suppliers-correlated")
    frozen = terms.freeze(case, mechanism)
    menu = vd.solve(case, mechanism).menu
    assert menu is not None
    for costs in menu.index:
        outcome = frozen.clear(dict(zip(case.names, costs, strict=True)))
        for name in case.names:
            assert outcome[name]["quantity"] == pytest.approx(menu.loc[costs, ("quantity", name)], rel=1e-6, abs=1e-6)
            assert outcome[name]["payment"] == pytest.approx(menu.loc[costs, ("payment", name)], rel=1e-6, abs=1e-6)


def test_a_supplier_is_shown_what_his_report_brings_by_the_others_and_on_average() -> None:
    case, frozen = vd.example("two-suppliers"), TERMS["two-suppliers"]
    for name, other in (case.names, case.names[::-1]):
        for choice in frozen.posted(name)["reports"]:
            units, paid = [], []
            for contract in choice["contracts"]:
                (others,) = contract["others"].values()
                part = frozen.clear({name: choice["report"], other: others})[name]
                assert (contract["quantity"], contract["payment"]) == (part["quantity"], part["payment"])
                units.append(part["quantity"])
                paid.append(part["payment"])
            assert choice["average"]["quantity"] == pytest.approx(np.dot([0.6, 0.4], units))  # the other's own probabilities
            assert choice["average"]["payment"] == pytest.approx(np.dot([0.6, 0.4], paid))


def test_averages_are_over_what_the_others_cost_if_the_report_is_true() -> None:
    case = vd.example("two-suppliers-correlated")
    frozen = terms.freeze(case, "icds")
    conditional = case.probability / case.probability.sum(axis=1, keepdims=True)
    for k, choice in enumerate(frozen.posted(case.names[0])["reports"]):
        by_hand = np.dot(conditional[k], [contract["payment"] for contract in choice["contracts"]])
        assert choice["average"]["payment"] == pytest.approx(by_hand)


def test_nobody_earns_more_by_another_report_than_by_his_cost() -> None:
    case, frozen = vd.example("two-suppliers"), TERMS["two-suppliers"]
    for i, name in enumerate(case.names):
        choices = frozen.posted(name)["reports"]
        for k, cost in enumerate(case.suppliers[i].costs):
            earned = [[one["payment"] - cost * one["quantity"] for one in choice["contracts"]] for choice in choices]
            for j in range(len(choices)):
                assert np.all(np.array(earned[k]) >= np.array(earned[j]) - 1e-6 * np.abs(earned).max())
            assert min(earned[k]) >= -1e-9


def test_who_costs_something_between_is_told_what_to_report_and_does_not_lose_by_it() -> None:
    frozen = terms.freeze(vd.example("two-suppliers"), "icds", "closed_form")
    posted = frozen.posted("panel")
    assert any("lies between two" in words and "report the higher one" in words for words in posted["words"])
    lower, higher = (choice["report"] for choice in posted["reports"])
    between = (lower + higher) / 2
    for contract in posted["reports"][1]["contracts"]:
        assert contract["payment"] - between * contract["quantity"] >= 0
    in_expectation = terms.freeze(vd.example("two-suppliers-correlated"), "bic")
    assert not any("lies between two" in words for words in in_expectation.posted("panel")["words"])


def test_by_lists_a_supplier_is_shown_nothing_of_who_the_others_are() -> None:
    case = vd.example("motor-controllers").changed(round_money=0.01, round_units=1)
    frozen = terms.thaw(json.loads(json.dumps(terms.freeze(case, "hybrid", parameters={"k": 3}, show="lists").to_dict())))
    assert isinstance(frozen, MenuTerms)
    for supplier in case.suppliers:
        posted = frozen.posted(supplier.name)
        text = json.dumps(posted)
        assert not any(json.dumps(other.name)[1:-1] in text for other in case.suppliers if other is not supplier)
        costs = {float(cost) for other in case.suppliers if other is not supplier for cost in other.costs} - {*supplier.costs}
        numbers = {float(number) for number in re.findall(r"[\d.]*\d", text)}
        assert not costs & numbers
        assert "average" not in text
        assert [one["report"] for one in posted["reports"]] == list(supplier.costs)
        assert len(posted["lists"]) == len({json.dumps(one) for one in posted["lists"]})


def test_by_lists_every_outcome_is_in_one_of_them() -> None:
    frozen = terms.freeze(vd.example("two-suppliers-correlated"), "icds", show="lists")
    costs = {supplier.name: supplier.costs for supplier in vd.example("two-suppliers-correlated").suppliers}
    for reports in (dict(zip(costs, one, strict=True)) for one in product(*costs.values())):
        for name, part in frozen.clear(reports).items():
            lists = frozen.posted(name)["lists"]
            rows = [(row["quantity"], row["payment"]) for one in lists for row in one if row["report"] == reports[name]]
            assert (part["quantity"], part["payment"]) in [pytest.approx(row, rel=1e-11, abs=1e-9) for row in rows]


@pytest.mark.parametrize(
    ("case", "mechanism", "show", "says"),
    [
        ("two-suppliers", "bic", "lists", "--show: got 'lists'; allowed: profiles: under bic"),
        ("two-suppliers", "naive", "all", "--show: got 'all'; allowed: one of profiles, lists"),
        ("two-retailers", None, "lists", "--show: got 'lists'; allowed: nothing for a case of kind allocation"),
    ],
)
def test_lists_are_refused_where_they_do_not_say_enough(case: str, mechanism: str | None, show: str, says: str) -> None:
    with pytest.raises(vd.InputError, match=re.escape(says)):
        terms.freeze(vd.example(case), mechanism, show=show)


def test_where_a_supplier_is_silent_there_is_no_contract() -> None:
    outcome = TERMS["two-suppliers"].clear({"panel": 3.0})
    assert outcome["panel"] == {
        "report": 3.0,
        "quantity": 0,
        "payment": 0,
        "status": "no contract: not every supplier has reported",
    }
    assert outcome["battery"]["report"] is None
    assert outcome["battery"]["payment"] == 0


def test_silence_may_count_as_the_highest_cost_and_says_so() -> None:
    frozen = terms.freeze(vd.example("two-suppliers"), None, "closed_form", silent="highest")
    silent, said = frozen.clear({"panel": 3.0}), frozen.clear({"panel": 3.0, "battery": 4.0})
    assert silent["panel"] == said["panel"]
    assert silent["battery"]["payment"] == said["battery"]["payment"] > 0
    assert (silent["battery"]["report"], silent["battery"]["status"]) == (None, "no report: counts as the highest cost")
    assert any(
        "has not reported by the deadline has the contract of his highest cost" in word
        for word in frozen.posted("panel")["words"]
    )


@pytest.mark.parametrize("bids", [{}, {"retailer 1": 5.0}, {"retailer 1": 5.0, "retailer 2": 0.3}, {"retailer 2": 100.0}])
def test_retailers_get_what_the_auction_says(bids: dict[str, float]) -> None:
    outcome, result = TERMS["two-retailers"].clear(bids), vd.auction(vd.example("two-retailers")).clear(bids)
    for i, name in enumerate(("retailer 1", "retailer 2")):
        assert (outcome[name]["units"], outcome[name]["payment"]) == (result.units[i], result.payment[i])
        assert outcome[name]["counts_as"] == result.counts_as[i]


def test_a_bid_that_was_posted_counts_as_its_own_type() -> None:
    frozen = TERMS["two-retailers"]
    rows = frozen.posted("retailer 1")["bids"]
    bringing = [row for row in rows if row["most_units"] > 0]
    assert len(bringing) >= 3
    for row in bringing:
        part = frozen.clear({"retailer 1": row["bid"]})["retailer 1"]
        assert (part["counts_as"], part["status"]) == (row["type"], AS_TYPE)


def test_a_retailer_is_shown_the_units_of_table_5() -> None:
    frozen = TERMS["two-retailers"]
    for row in frozen.posted("retailer 1")["bids"]:
        for other in row["by_other"]:
            bids = {one["type"]: one["bid"] for one in frozen.posted("retailer 2")["bids"]}
            part = frozen.clear({"retailer 1": row["bid"], "retailer 2": bids[other["type"]]})["retailer 1"]
            assert part["units"] == pytest.approx(other["units"], abs=1e-12)


def test_groups_are_shown_their_own_bids_alone() -> None:
    groups = [
        {"name": "large", "count": 1, "types": [6, 9], "probabilities": [0.5, 0.5], "revenue": {"form": "linear_demand"}},
        {"name": "small", "count": 2, "types": [4, 5], "probabilities": [0.5, 0.5], "revenue": {"form": "linear_demand"}},
    ]
    frozen = terms.freeze(vd.example("two-retailers").changed(retailers=groups))
    assert [row["type"] for row in frozen.posted("large")["bids"]] == [6, 9]
    assert [row["type"] for row in frozen.posted("small 2")["bids"]] == [4, 5]
    assert "9.0" not in json.dumps(frozen.posted("small 1"))


def test_a_version_that_would_post_other_bids_clears_nothing() -> None:
    record = TERMS["two-retailers"].to_dict()
    record["table_bids"] = [[bid * 1.001 for bid in group] for group in record["table_bids"]]
    with pytest.raises(CertificateError, match="would post other bids than were posted"):
        terms.thaw(record).clear({})


@pytest.mark.parametrize(
    ("case", "options", "says"),
    [
        (
            "pilot",
            {},
            "CASE: got <joint_plan>; allowed: a case of kind assembler, with costs that are listed, or of kind allocation",
        ),
        ("continuous-pair", {}, "CASE: got <assembler with continuous costs>"),
        (
            "two-suppliers",
            {"mechanism": "first_best"},
            "--mechanism: got 'first_best'; allowed: one that promises that the truth is best",
        ),
        ("two-suppliers", {"mechanism": "allocation"}, "mechanism"),
        ("two-suppliers", {"silent": "lowest"}, "--silent: got 'lowest'; allowed: one of void, highest"),
        ("two-suppliers", {"parameters": {"nothing": 31}}, "nothing: got 31"),
        ("two-retailers", {"mechanism": "fixed_price"}, "--mechanism: got 'fixed_price'; allowed: auction"),
        ("two-retailers", {"solver": "highs"}, "--solver: got 'highs'; allowed: nothing"),
        ("two-retailers", {"silent": "void"}, "--silent: got 'void'; allowed: nothing"),
        ("two-retailers", {"parameters": {"k": 3}}, "--set k: got 3; allowed: for auction points, samples, seed"),
    ],
)
def test_what_has_no_round_is_refused_by_name(case: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        terms.freeze(vd.example(case), **options)  # type: ignore[arg-type]


def test_a_menu_that_is_too_large_to_be_shown_is_refused_before_it_is_solved() -> None:
    supplier = {"costs": [1.0, 2.0], "probabilities": [0.5, 0.5]}
    case = vd.example("two-suppliers").changed(suppliers=[{"name": f"s{i}", **supplier} for i in range(17)])
    with pytest.raises(InputError, match="menus of at most 65,536 profiles"):
        terms.freeze(case)
