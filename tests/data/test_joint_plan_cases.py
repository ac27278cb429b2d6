"""Joint plans as data: folders, messages with file, row and column, private records kept apart, seeded generators."""

import pickle
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import veridical as vd
from veridical.data import InputError, JointPlanCase
from veridical.data.joint_plan import (
    CAPACITY,
    COST,
    LEVELS,
    ROLES,
    Party,
    Values,
    carriers,
    column,
    marketplace,
    pilot,
    register,
    write,
)

SHIPPED = ("pilot", "marketplace", "carriers")
MADE: dict[str, Callable[[], JointPlanCase]] = {
    "pilot": lambda: pilot().changed(activity_fee=5.0),
    "marketplace": lambda: marketplace(sellers=3, sites=3, products=4).changed(activity_fee=3.0),
    "carriers": lambda: carriers(seed=3).changed(activity_fee=3.0),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the pilot's folder, to be spoilt."""
    copy = tmp_path / "mine"
    shutil.copytree(str(files("veridical.data") / "cases" / "pilot"), copy)
    return copy


def spoil(path: Path, change: Callable[[str], str]) -> None:
    """Change the text of a file; the change must change something."""
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cases_are_what_their_seeds_make(name: str, tmp_path: Path) -> None:
    case = vd.example(name)
    assert isinstance(case, JointPlanCase)
    assert "ynthetic" in case.description
    assert "seed" in case.description
    assert case == MADE[name]()
    path = write(case, tmp_path / "written")
    assert vd.load(path) == vd.load(path.parent) == case


def test_a_case_is_named_after_its_folder(folder: Path) -> None:
    spoil(folder / "case.toml", lambda text: text.replace('name = "pilot"\n', "", 1))
    assert vd.load(folder).name == "mine"


def test_another_seed_is_another_case_and_the_same_seed_the_same() -> None:
    assert pilot(seed=5) == pilot(seed=5)
    assert pilot(seed=5) != pilot(seed=6)


@pytest.mark.parametrize(
    ("flows", "sizes"),
    [
        (576, {"vendors": 4, "sites": 4, "products": 8}),
        (2_160, {"vendors": 5, "sites": 6, "regions": 6, "products": 20}),
        (12_960, {"vendors": 6, "sites": 12, "regions": 8, "products": 60}),
    ],
)
def test_sizes_are_what_the_generator_says(flows: int, sizes: dict[str, Any]) -> None:
    case = pilot(**sizes)
    assert len(case.shared.flows) == flows
    for name in case.names:
        own = [case.shared.flows[k] for k in case.shared.share(name)]
        assert tuple(own) == case.part(name).shared.flows
        assert all(name in flow[:2] for flow in own)
    # every flow is one supplier's and one receiver's
    count = sum(np.bincount(case.shared.share(name), minlength=flows) for name in case.names)
    assert (np.asarray(count) == 2).all()


def test_generated_parameters_look_as_documented() -> None:
    case = pilot(vendors=5, sites=4, products=10, makers=3, seed=2)
    makers: dict[str, set[str]] = {}
    for route in case.shared.routes:
        makers.setdefault(route.product, set()).add(route.supplier)
    assert {len(names) for names in makers.values()} == {3}
    demand: dict[str, float] = {}
    for (_, p, _), units in case.party("retailer").demand.items():
        demand[p] = demand.get(p, 0.0) + units / 9
    for name in case.suppliers:
        vendor = case.party(name)
        for site, cost in vendor.contract_cost.items():
            assert vendor.spot_cost[site] == pytest.approx(1.5 * cost, abs=0.02)
        need = sum(case.shared.products[p] * demand[p] / 3 for p in vendor.production_cost)
        for limit in (vendor.production_capacity[1], vendor.handling_capacity[1]):
            assert 1.09 * need < limit < 1.26 * need


TABLES = [
    ("lanes.csv", lambda t: t.replace(",Graz,", ",Grz,", 1), "row 3, column site", "'Grz'", "one of Breda, Graz, Leipzig"),
    ("demand.csv", lambda t: t.replace(",1,", ",x,", 1), "row 2, column week", "'x'", "one of 1, 2"),
    ("demand.csv", lambda t: t.replace(",1,", ",12,", 1), "row 2, column week", "12", "one of 1, 2"),
    ("plant.csv", lambda t: t.replace("Alder,3,", "Alder,3,-", 1), "row 4, column production (m3)", "'-", "a finite number >= 0"),
    ("products.csv", lambda t: t + "soap,nan\n", "row 8", "soap", "each combination once"),
    ("products.csv", lambda t: t + "salt,nan\n", "row 8, column volume (m3 per unit)", "'nan'", "a finite number >= 0"),
    ("production.csv", lambda t: t.replace("Alder,", "retailer,", 1), "row 2, column party", "'retailer'", "one of Alder, Birch"),
    (
        "flows.csv",
        lambda t: t.replace("Alder,retailer", "retailer,Alder", 1),
        "row 2, column supplier",
        "'retailer'",
        "one of Ald",
    ),
    ("flows.csv", lambda t: t.splitlines()[0] + "\n", "<file>", "<no rows>", "one row or more"),
    ("sites.csv", lambda t: t.replace("site", "place", 1), "header", "<a header without site>", "exactly one column 'site'"),
    ("inbound.csv", lambda t: t.replace("capacity (m3)", "capacity (m3),wind", 1), "header", "'wind'", "the columns party, site"),
    ("centres.csv", lambda t: t.rsplit("\n", 2)[0] + "\n", "retailer.inbound_overtime", "<nothing>", "site Leipzig"),
    (
        "lanes.csv",
        lambda t: t.replace(",", ";"),
        "header",
        "<a header between semicolons>",
        "values between commas and numbers with",
    ),
    ("plant.csv", lambda t: t.replace(",", "\t"), "header", "<a header between tabs>", "values between commas and numbers with"),
    ("outbound.csv", lambda t: "", "<file>", "<an empty file>", "one row a combination"),
]


@pytest.mark.parametrize(("file", "change", "field", "value", "allowed"), TABLES)
def test_a_bad_table_is_told_by_file_row_and_column(
    folder: Path, file: str, change: Callable[[str], str], field: str, value: str, allowed: str
) -> None:
    spoil(folder / file, change)
    with pytest.raises(InputError) as caught:
        vd.load(folder)
    (problem,) = caught.value.problems
    assert caught.value.file == file
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


HEADS = [
    ("weeks = 9", "weeks = 0", "weeks", "a whole number from 1 to 10,000"),
    ("weeks = 9", "weeks = [1, 3]", "weeks", "consecutive weeks"),
    ("truckload = false", "truckload = 1", "truckload", "true or false"),
    ('pivot = "clarke"', 'pivot = "groves"', "mechanism.pivot", "one of baseline, clarke"),
    ("activity_fee = 5.0", "activity_fee = -1", "mechanism.activity_fee", "a finite number >= 0"),
    ('role = "vendor"', 'role = "witch"', "parties[1].role", "one of carrier, marketplace"),
    (
        "smoothing = ",
        "smothing = ",
        "parties[1].smothing",
        "for a vendor only the keys name, role, production_overtime, handling_overtime, smoothing, previous_production",
    ),
    ("smoothing = 0.1452", "# ", "parties[1].smoothing", "missing required key: a finite number >= 0"),
    ("smoothing = 0.1452", "smoothing = nan", "parties[1].smoothing", "a finite number >= 0"),
]


@pytest.mark.parametrize(("old", "new", "field", "allowed"), HEADS)
def test_a_bad_head_is_told_by_field(folder: Path, old: str, new: str, field: str, allowed: str) -> None:
    spoil(folder / "case.toml", lambda text: text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        vd.load(folder)
    assert caught.value.file == "case.toml"
    assert any(problem.field == field and allowed in problem.allowed for problem in caught.value.problems)


def test_a_table_too_many_or_too_few_is_told(folder: Path) -> None:
    (folder / "lane.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"lane\.csv.*the tables"):
        vd.load(folder)
    (folder / "lane.csv").unlink()
    (folder / "lanes.csv").unlink()
    with pytest.raises(InputError, match=r"lanes\.csv.*readable CSV file"):
        vd.load(folder)


def test_what_a_party_is_given_holds_nothing_of_the_others() -> None:
    case = pilot()
    part = pickle.loads(pickle.dumps(case.part("Birch")))
    assert part == case.part("Birch")
    sent = pickle.dumps(part).decode("latin-1")
    assert "Birch" in sent
    for other in ("Alder", "Cedar", "Dogwood"):
        assert other not in sent
    assert {route.supplier for route in part.shared.routes} == {"Birch"}
    # nor any number of the retailer's: his demand is nowhere in it
    assert not hasattr(part.record, "demand")
    assert len(sent) < 10_000


def test_records_cannot_be_changed_and_misreports_are_other_records() -> None:
    case = pilot()
    truth = case.party("Alder")
    with pytest.raises(AttributeError):
        truth.smoothing = 0.0
    with pytest.raises(TypeError):
        truth.spot_cost["Graz"] = 0.0
    lie = truth.scaled(COST, 1.3, site="Graz").scaled(CAPACITY, 0.5)
    assert lie.spot_cost["Graz"] == pytest.approx(1.3 * truth.spot_cost["Graz"])
    assert lie.spot_cost["Breda"] == truth.spot_cost["Breda"]
    assert lie.production_cost == truth.production_cost
    assert lie.contract["Breda"] == pytest.approx(0.5 * truth.contract["Breda"])
    assert truth == case.party("Alder")
    told = case.reporting("Alder", lie)
    assert told.party("Alder") == lie
    assert told != case
    assert told.reporting("Alder", truth) == case
    assert [told.party(name) for name in case.names if name != "Alder"] == [case.party(n) for n in case.names if n != "Alder"]
    with pytest.raises(InputError, match="a record of Birch"):
        case.reporting("Birch", lie)
    with pytest.raises(InputError, match="fields or kinds of a vendor"):
        truth.scaled("demand", 2.0)
    with pytest.raises(InputError, match=r"Alder\.spot_cost\['Graz'\]"):
        truth.replace(spot_cost=Values({**truth.spot_cost, "Graz": float("nan")}))


def test_plans_are_read_by_name_or_by_place() -> None:
    shared = pilot().shared
    units = np.arange(len(shared.flows), dtype=float)
    series = shared.series(units)
    assert tuple(series.index.names) == LEVELS
    shuffled = series.sample(frac=1.0, random_state=1)
    assert (shared.vector(shuffled) == units).all()
    assert (shared.vector(dict(zip(shared.flows, units.tolist(), strict=True))) == units).all()
    for wrong in (units[1:], np.full_like(units, np.inf), series[:-1]):
        with pytest.raises(InputError, match="plan"):
            shared.vector(wrong)


def test_the_rest_of_the_horizon_is_a_case_that_can_be_written(tmp_path: Path) -> None:
    case = pilot().since(7)
    assert case.shared.weeks == (7, 8, 9)
    assert {week for _, _, week in case.party("retailer").demand} == {7, 8, 9}
    assert vd.load(write(case, tmp_path)) == case
    with pytest.raises(InputError, match="a week up to 9"):
        case.since(10)


def test_revealed_demand_takes_the_place_of_the_expected() -> None:
    record = pilot().party("retailer")
    known = record.revealed(2)
    for key, units in known.demand.items():
        assert units == (record.actual if key[-1] <= 2 else record.demand)[key]
    assert known.demand != record.demand


def test_flows_are_between_a_supplier_and_a_receiver() -> None:
    case = pilot()
    first, *rest = case.shared.routes
    with pytest.raises(InputError, match=r"flows, supplier.*the name of a supplier"):
        case.changed(routes=(first._replace(supplier="retailer"), *rest))
    with pytest.raises(InputError, match="one row a combination"):
        case.changed(routes=(first, first, *rest))
    with pytest.raises(InputError, match="no two parties"):
        case.changed(parties=(*case.parties, case.parties[1]))


def test_parameters_and_flags_are_changed_by_name() -> None:
    case = pilot().changed(pivot="clarke", activity_fee=0.1, truckload=True)
    assert (case.mechanism.pivot, case.mechanism.activity_fee, case.shared.truckload) == ("clarke", 0.1, True)
    with pytest.raises(InputError, match="a field of the case"):
        case.changed(wind=1)


def test_a_role_of_ones_own_is_read_from_files(tmp_path: Path) -> None:
    class Customer(Party):
        role: ClassVar[str] = "customer"
        side: ClassVar[str] = "receiver"
        worth: Values = column("worth.csv", ("site", "product", "week"), "worth (currency per unit)", COST)

    case = pilot(vendors=2, sites=2, products=2)
    keys = [(f, p, t) for f in case.shared.sites for p in case.shared.products for t in case.shared.weeks]
    own = case.changed(parties=(Customer(name="retailer", worth=Values(dict.fromkeys(keys, 3.0))), *case.parties[1:]))
    register(Customer)
    path = write(own, tmp_path)
    del ROLES["customer"]
    with pytest.raises(InputError, match=r"parties\[0\]\.role"):
        vd.load(path)
    register(Customer)
    try:
        assert vd.load(path) == own
    finally:
        del ROLES["customer"]


@pytest.mark.parametrize("wrong", [{"vendors": 0}, {"weeks": 1.5}, {"makers": 9}])
def test_generators_refuse_counts_that_make_no_case(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        pilot(**wrong)


def test_values_are_columns() -> None:
    values = Values({("a", 1): 2, ("b", 1): 3})
    assert values == Values({("b", 1): 3.0, ("a", 1): 2.0})
    assert hash(values) == hash(Values({("b", 1): 3.0, ("a", 1): 2.0}))
    assert pd.Series(values)[("b", 1)] == 3.0
    with pytest.raises(ValueError, match="read-only"):
        values.array[0] = 1.0
