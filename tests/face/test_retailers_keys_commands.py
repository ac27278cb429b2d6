"""Keys of retailers' contracts from end to end: files, the command line, tables, pictures, auctions, models that are kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.allocation_cases import LINEAR, case, group
from support.allocation_judges import holds
from support.command_line import Json, Run
from veridical.data import AllocationCase, InputError

KEYS = """
kind = "allocation"
capacity = 2.4
[[retailers]]
name = "stores"
count = 2
types = [4, 6]
reservation_profit = [0.2, 0.1]
capacity = 1.4
revenue = { form = "linear_demand" }
[[retailers]]
name = "online"
count = 1
types = [8, 12]
revenue = { form = "newsvendor", price = 5.0, demand = { distribution = "uniform" }, salvage = 1.0, shortage_penalty = 0.5 }
[prior]
joint = [[[0.2, 0.1], [0.05, 0.1]], [[0.05, 0.1], [0.1, 0.3]]]
"""


def write(folder: Path, text: str = KEYS) -> Path:
    """Return the file of a case with all keys but the least order."""
    path = folder / "shops.toml"
    path.write_text(text)
    return path


def test_a_file_with_every_key_comes_back_as_it_was(tmp_path: Path) -> None:
    own = vd.load(write(tmp_path))
    assert vd.load(own.save(tmp_path / "again.toml")) == own
    assert "probabilities" not in (tmp_path / "again.toml").read_text()
    assert own.retailers[0].probability == pytest.approx([0.45, 0.55])
    assert own.changed(capacity=2.4) == own
    plain = case(group((4, 6), count=2), capacity=2.0)
    assert "reservation" not in plain.save(tmp_path / "plain.toml").read_text()


def test_the_command_line_takes_every_key(tmp_path: Path, run: Run, record: Json) -> None:
    newsvendor = KEYS[KEYS.rindex("revenue = ") : KEYS.index("[prior]")]
    path = str(write(tmp_path, KEYS.replace(newsvendor, 'revenue = { form = "linear_demand" }\n')))
    first = record("solve", path)
    assert first["mechanism"] == "allocation"
    assert {"capacity stores", "reservation_profit stores=4"} <= set(first["sensitivity"])
    status, out, err = run("solve", path, "--menu", "menu.csv", "--plot", "plot.png")
    assert status == 0, err
    assert "smallest expected profit of a retailer" in " ".join(out.split())
    assert (tmp_path / "plot.png").stat().st_size > 0
    less = record("solve", path, "--set", "retailers.stores.capacity=1.0", "--set", "retailers.stores.reservation_profit=0")
    assert less["objective"] != first["objective"]
    direct = record("solve", path, "--mechanism", "allocation_direct", "--set", "participation=ex_post")
    assert direct["objective"] >= first["objective"] - 1e-7
    assert run("audit", path, "menu.csv")[0] == 0
    status, _, err = run("solve", path, "--solver", "closed_form")
    assert status == 2
    assert "prior: got <types that depend on one another>" in " ".join(err.split())


def test_newsvendors_of_the_file_are_solved_as_well(tmp_path: Path) -> None:
    own = vd.load(write(tmp_path))
    found = vd.solve(own, "allocation")
    assert holds(found, "dominant_strategy_ic")
    assert found.objective < vd.solve(own, "centralized").objective


def test_an_allotment_beyond_a_retailers_terms_is_told() -> None:
    own = case({**group((4.0, 8.0), count=2), "capacity": 1.0}, capacity=2.4)
    loose = own.changed(**{"retailers.0.capacity": None})
    allotment = vd.solve(loose, "allocation").contracts
    checked = vd.audit(own, replace(allotment, case=own))
    assert not checked.properties["capacity"].holds
    assert checked.properties["capacity"].worst > 0.1
    leaving = loose.changed(**{"retailers.0.reservation_profit": 5.0})
    checked = vd.audit(leaving, replace(allotment, case=leaving, price=lambda r: 0 * r.quantity))
    assert not checked.properties["interim_ir"].holds
    least = loose.changed(**{"retailers.0.minimum_order": 1.3})
    checked = vd.audit(least, replace(allotment, case=least))
    assert not checked.properties["capacity"].holds


def test_an_auction_takes_capacities_and_refuses_to_pay_bidders() -> None:
    own = case({**group((4.0, 6.0, 8.0), (0.3, 0.4, 0.3), count=2), "capacity": 0.9}, capacity=2.6)
    posted = vd.auction(own)
    assert posted.table.to_numpy().max() <= 0.9 + 1e-12
    assert posted.expected_payments == pytest.approx(vd.solve(own, "allocation").objective, rel=1e-7)
    paid = own.changed(**{"retailers.0.reservation_profit": 2.0})
    with pytest.raises(InputError, match=r"retailers\[0\].reservation_profit: got 2.0; allowed: for an auction less"):
        vd.auction(paid)


def test_models_that_are_kept_take_other_numbers() -> None:
    own = case({**group((4.0, 6.0, 8.0), (0.3, 0.4, 0.3), count=2), "capacity": 1.2, "reservation_profit": 0.3}, capacity=2.2)
    repeated = vd.Repeated()
    cases = [own, own.changed(capacity=2.0), own.changed(**{"retailers.0.capacity": 0.8}),
             own.changed(**{"retailers.0.reservation_profit": 0.1}),
             own.changed(prior={"correlation": [[1, 0.4], [0.4, 1]]})]  # fmt: skip
    for each in cases:
        assert repeated.solve(each, "allocation").objective == pytest.approx(vd.solve(each, "allocation").objective, rel=1e-8)


def test_who_is_paid_to_take_part_is_said() -> None:
    own = case({**group((4.0, 8.0), (0.5, 0.5)), "reservation_profit": 1.0, "name": "near"}, capacity=2.0)
    warning, *_ = vd.solve(own, "allocation", "closed_form").warnings
    assert warning.startswith("near of type 4 is paid to take part")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"retailers.0.capacity": -1.0}, r"retailers\[0\].capacity: got -1.0; allowed: a finite number > 0"),
        (
            {"retailers.0.reservation_profit": [1.0]},
            r"reservation_profit: got <1 reservation profits>; allowed: one number, or as many",
        ),
        (
            {"retailers.0.reservation_profit": -2},
            r"reservation_profit: got -2; allowed: a finite number >= 0, currency, or one such",
        ),
        (
            {"retailers.0.minimum_order": 2.0, "retailers.0.capacity": 1.0},
            r"minimum_order: got 2.0; allowed: at most his capacity, 1",
        ),
        (
            {"prior": {"correlation": [[1, 0.2, 0], [0.2, 1, 0], [0, 0, 1]]}},
            r"prior.correlation: got <3 rows>; allowed: one row a retailer",
        ),
        ({"prior": {"joint": [[0.5, 0.5]]}}, r"probabilities: got .* allowed: no probabilities beside prior.joint"),
    ],
)
def test_bad_values_are_named(fields: dict[str, Any], message: str) -> None:
    own = case(group((4.0, 8.0), count=2), capacity=2.0)
    with pytest.raises(InputError, match=message):
        own.changed(**fields)


def test_identical_retailers_have_a_table_that_says_so() -> None:
    raw = {"count": 2, "types": [4.0, 8.0], "revenue": LINEAR}
    with pytest.raises(InputError, match=r"prior.joint: got <another table when retailer 1 and retailer 2 are exchanged>"):
        case(raw, capacity=2.0, prior={"joint": [[0.4, 0.2], [0.1, 0.3]]})
    with pytest.raises(InputError, match=r"prior.joint: got <a table of shape \(2, 3\)>; allowed: the shape \(2, 2\)"):
        case(raw, capacity=2.0, prior={"joint": [[0.2, 0.2, 0.2], [0.1, 0.2, 0.1]]})
    apart = case({**raw, "count": 1}, {**raw, "count": 1}, capacity=2.0, prior={"joint": [[0.4, 0.2], [0.1, 0.3]]})
    assert isinstance(apart, AllocationCase)
    assert apart.profiles().probability == pytest.approx([0.4, 0.2, 0.1, 0.3])
    assert np.allclose(apart.retailers[1].probability, [0.5, 0.5])
