"""Cases whose records are kept at home: read, written, refused where a record is needed, taken apart."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from veridical.contracts.joint_plan.misreports import lies, numbered
from veridical.data import InputError
from veridical.data.joint_plan import COST, AtHome, JointPlanCase, coordinated, part_at_home, pilot, told_to
from veridical.solvers.planners import Central, settle


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=3)


@pytest.fixture(scope="module")
def public(case: JointPlanCase) -> JointPlanCase:
    return coordinated(case)


def test_a_case_without_records_is_read_as_it_was_written(public: JointPlanCase, tmp_path: Path) -> None:
    public.save(tmp_path / "public")
    read = vd.load(tmp_path / "public")
    assert read == public
    assert (read.at_home, read.suppliers, read.receivers) == (read.names, ("Alder", "Birch"), ("retailer",))
    assert {path.name for path in (tmp_path / "public").iterdir()} == {"case.toml", "flows.csv", "products.csv", "sites.csv"}


def test_some_records_may_be_here_and_others_at_home(case: JointPlanCase, tmp_path: Path) -> None:
    mixed = case.changed(parties=tuple(AtHome(name=p.name, role=p.role) if p.name == "Birch" else p for p in case.parties))
    mixed.save(tmp_path / "mixed")
    assert vd.load(tmp_path / "mixed") == mixed
    assert mixed.at_home == ("Birch",)
    assert mixed.part("Alder") == case.part("Alder")


def test_a_committed_baseline_is_public(case: JointPlanCase, tmp_path: Path) -> None:
    committed = case.changed(baseline=case.shared.series([1.5] * len(case.shared.flows)))
    coordinated(committed).save(tmp_path / "public")
    assert vd.load(tmp_path / "public").baseline == committed.baseline
    assert told_to(committed, "Alder").baseline is None


WRONG: list[tuple[str, str, str]] = [
    (
        'record = "home"',
        'record = "elsewhere"',
        r"parties\[1\]\.record: got 'elsewhere'; allowed: home, for a party whose record",
    ),
    ('record = "home"', "record = true", r"parties\[1\]\.record: got True; allowed: home"),
    (
        'record = "home"',
        'record = "home"\nsmoothing = 1.0',
        r"smoothing: got 1\.0; allowed: beside record = home only the keys name, role",
    ),
    ('role = "vendor"', 'role = "baker"', r"role: got 'baker'; allowed: one of carrier"),
]


@pytest.mark.parametrize(("there", "instead", "message"), WRONG)
def test_what_case_files_say_of_records_is_checked(
    public: JointPlanCase, tmp_path: Path, there: str, instead: str, message: str
) -> None:
    head = public.save(tmp_path / "public")
    before, _, after = head.read_text(encoding="utf-8").partition('name = "Alder"')
    head.write_text(f'{before}name = "Alder"{after.replace(there, instead, 1)}', encoding="utf-8")
    with pytest.raises(InputError, match=message):
        vd.load(head)


def test_a_table_of_nobody_who_is_here_is_refused(case: JointPlanCase, public: JointPlanCase, tmp_path: Path) -> None:
    public.save(tmp_path / "public")
    (tmp_path / "public" / "lanes.csv").write_text("party,site\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"lanes\.csv: <file>: got 'lanes.csv'; allowed: the tables products\.csv, sites\.csv, flows"
    ):
        vd.load(tmp_path / "public")
    mixed = told_to(case, "Alder")
    mixed.save(tmp_path / "mixed")
    lanes = tmp_path / "mixed" / "lanes.csv"
    lanes.write_text(lanes.read_text(encoding="utf-8").replace("Alder", "retailer", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"lanes\.csv: row 2, column party: got 'retailer'; allowed: one of Alder"):
        vd.load(tmp_path / "mixed")


def test_what_stands_for_a_record_is_a_record(public: JointPlanCase) -> None:
    told = public.party("Alder").changed(state=7, week=2, lie=3)
    assert pickle.loads(pickle.dumps(told)) == told != public.party("Alder")
    assert told.revealed(3).week == 3
    assert hash(public.reporting("Alder", told)) != hash(public)
    with pytest.raises(InputError, match=r"lie: got -1"):
        told.changed(lie=-1)
    with pytest.raises(InputError, match=r"role: got 'baker'; allowed: one of carrier"):
        AtHome(name="Alder", role="baker")


def test_a_misreport_is_no_record_to_be_saved(public: JointPlanCase, tmp_path: Path) -> None:
    lied = public.reporting("Alder", public.party("Alder").changed(lie=1))
    with pytest.raises(InputError, match=r"Alder\.record: got 'home'; allowed: to save a case, the true record"):
        lied.save(tmp_path / "lied")
    assert not (tmp_path / "lied").exists()


NEEDING: dict[str, Callable[[JointPlanCase], Any]] = {
    "plan": lambda case: vd.solve(case),
    "baseline": lambda case: Central().baseline(case),
    "costs": lambda case: Central().costs(case, case.shared.vector([0.0] * len(case.shared.flows))),
    "joint plan": lambda case: Central().plan(case, case.shared.vector([0.0] * len(case.shared.flows))),
    "model": lambda case: vd.build(case),
    "part": lambda case: case.part("retailer"),
    "consensus without agents": lambda case: vd.solve(case, solver="consensus"),
    "pilot": lambda case: vd.studies.pilot.run(case),
}


@pytest.mark.parametrize("needing", NEEDING)
def test_what_needs_a_record_says_whose_and_what_else_there_is(public: JointPlanCase, needing: str) -> None:
    with pytest.raises(InputError, match=r'(retailer|Alder)\.record: got .home.; allowed: a record .*"consensus"'):
        NEEDING[needing](public)


def test_what_is_made_from_committed_records_says_so(public: JointPlanCase) -> None:
    with pytest.raises(
        InputError, match=r"mechanism: got 'agv'; allowed: another mechanism: .* the record of retailer is at home"
    ):
        settle(public, "agv")
    with pytest.raises(InputError, match=r"redistribution: got 'cavallo'; allowed: none: .* the record of retailer is at home"):
        settle(public, "vcg", redistribution="cavallo", receivers="agents")
    with pytest.raises(
        InputError, match=r"Alder\.record: got 'home'; allowed: a record in the case, whose figures can be changed"
    ):
        public.party("Alder").scaled(COST, 1.1)
    with pytest.raises(InputError, match=r"record: got 'home'; allowed: a record in the case"):
        vd.choose_fees(public)


# --- taken apart ---


def test_a_partys_case_has_its_own_record_and_routes(case: JointPlanCase, tmp_path: Path) -> None:
    for name in case.names:
        apart = told_to(case, name)
        assert set(apart.at_home) == set(apart.names) - {name}
        assert all(name in route[:2] for route in apart.shared.routes)
        apart.save(tmp_path / name)
        assert part_at_home(vd.load(tmp_path / name)) == case.part(name)


def test_a_folder_of_no_one_party_is_refused(case: JointPlanCase, public: JointPlanCase) -> None:
    with pytest.raises(InputError, match=r"parties: got <records of retailer, Alder, Birch>; allowed: the record of one party"):
        part_at_home(case)
    with pytest.raises(InputError, match=r"parties: got <no record>; allowed: the record of one party"):
        part_at_home(public)
    with pytest.raises(InputError, match=r"Alder\.record: got 'home'"):
        told_to(public, "Alder")


def test_descriptions_stay_where_they_are(case: JointPlanCase) -> None:
    """A synthetic case says in its description from which seed every record can be made again."""
    assert "seed 3" in case.description
    assert coordinated(case).description == told_to(case, "Alder").description == ""


# --- misreports of their own ---


def test_misreports_of_a_party_at_home_are_numbers(public: JointPlanCase) -> None:
    drawn = list(lies(public, 4, seed=0))
    assert [(lie.party, getattr(lie.record, "lie", None), lie.kind) for lie in drawn] == [
        ("Alder", 1, "of its own"),
        ("Alder", 2, "of its own"),
        ("Birch", 1, "of its own"),
        ("Birch", 2, "of its own"),
    ]


def test_a_number_is_always_the_same_misreport(case: JointPlanCase) -> None:
    part = case.part("Alder")
    records = [numbered(part, number).record for number in range(1, 7)]
    assert records == [numbered(part, number).record for number in range(1, 7)]
    assert part.record not in records
    assert len(set(records)) == 6
