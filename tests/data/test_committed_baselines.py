"""Orders that receivers have committed to: baseline.csv in the folder of a joint plan."""

from pathlib import Path

import pytest

import veridical as vd
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot


@pytest.fixture
def case() -> JointPlanCase:
    """Return a small case whose orders are 1, 2, 3, ... units."""
    bare = pilot(vendors=2, sites=1, regions=1, products=2, weeks=2)
    return bare.changed(baseline={flow: float(k) for k, flow in enumerate(bare.shared.flows, start=1)})


def test_orders_are_saved_and_read_back(case: JointPlanCase, tmp_path: Path) -> None:
    assert vd.load(case.save(tmp_path)) == case
    lines = (tmp_path / "baseline.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "supplier,receiver,site,product,week,ordered (units)"
    assert len(lines) == 1 + len(case.shared.flows)
    (tmp_path / "baseline.csv").unlink()
    bare = vd.load(tmp_path)
    assert isinstance(bare, JointPlanCase)
    assert bare.baseline is None


def test_orders_come_as_a_series_too(case: JointPlanCase) -> None:
    units = [case.baseline[flow] for flow in case.shared.flows] if case.baseline else []
    assert case.changed(baseline=case.shared.series(units)) == case


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ("Alder,retailer,", "Elm,retailer,", "one of Alder, Birch"),
        (",1,1", ",1,-1", "a finite number >= 0"),
        (",1,1", ",1,nan", "a finite number >= 0"),
        (",1,1\n", ",9,1\n", "one of 1, 2"),
    ],
)
def test_bad_orders_are_named(case: JointPlanCase, tmp_path: Path, old: str, new: str, allowed: str) -> None:
    case.save(tmp_path)
    table = tmp_path / "baseline.csv"
    text = table.read_text(encoding="utf-8").replace(".0\n", "\n")
    assert old in text
    table.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"baseline\.csv") as caught:
        vd.load(tmp_path)
    assert allowed in str(caught.value)


def test_a_flow_without_an_order_is_named(case: JointPlanCase, tmp_path: Path) -> None:
    case.save(tmp_path)
    table = tmp_path / "baseline.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([*lines[:2], *lines[3:]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"baseline.csv: baseline: got <nothing>; allowed: a row for Alder, .*, 2, 0 units too"):
        vd.load(tmp_path)


def test_the_rest_of_the_horizon_has_the_rest_of_the_orders(case: JointPlanCase) -> None:
    rest = case.since(2)
    assert rest.baseline is not None
    assert case.baseline is not None
    assert dict(rest.baseline) == {flow: units for flow, units in case.baseline.items() if flow[-1] == 2}
