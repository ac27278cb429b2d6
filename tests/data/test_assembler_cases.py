"""Cases of the assembler: what they hold, files and samples, and that they do not change."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import veridical as vd
from support.assembler_cases import build
from support.demands import UNIFORM
from support.places import ROOT
from veridical.data import AllocationCase, AssemblerCase, Discrete, InputError, Sample, Supplier

SHIPPED = ROOT / "data" / "cases"
FILES = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def test_cases_do_not_change() -> None:
    case: Any = vd.example("two-suppliers-correlated")
    for thing, field in ((case, "price"), (case.demand, "low"), (case.suppliers[0], "costs"), (case.prior, "joint")):
        with pytest.raises(InputError, match="frozen"):
            setattr(thing, field, 1.0)
    with pytest.raises(TypeError):
        case.suppliers[0].costs[0] = 5.0
    with pytest.raises(TypeError):
        case.prior.joint[0][0] = 5.0
    assert (case.price, case.suppliers[0].costs) == (30.0, (4.0, 9.0))


def test_shipped_cases_load_and_are_described() -> None:
    folders = {path.parent.name for path in SHIPPED.glob("*/case.toml")}  # joint plans: test_joint_plan_cases
    assert set(vd.examples()) - folders == set(FILES) >= {"two-suppliers", "electronics"}
    for name in FILES:
        case = vd.example(name)
        assert case.name == name
        assert len(case.description) > 20
        if isinstance(case, AllocationCase):
            assert case.profiles().probability.sum() == pytest.approx(1, abs=1e-14)
            continue
        case = case if isinstance(case, AssemblerCase) else case.grid(3)
        assert case.probability.shape == case.shape
        assert case.probability.sum() == pytest.approx(1, abs=1e-14)
        assert case.profiles == math.prod(case.shape)


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_case_is_its_file(name: str) -> None:
    assert vd.load(SHIPPED / f"{name}.toml") == vd.example(name)
    assert vd.load(str(SHIPPED / f"{name}.toml")) == vd.example(name)
    field = next(field for field in ("price", "capacity", "capacity_cost") if getattr(vd.example(name), field, None))
    assert vd.example(name) != vd.example(name, lambda raw: {**raw, field: raw[field] + 1})


def test_an_unknown_example_names_the_ones_there_are() -> None:
    with pytest.raises(InputError, match=r"'three-suppliers'.*two-suppliers") as refused:
        vd.example("three-suppliers")
    assert refused.value.exit_status == 2


def test_the_sample_of_the_electronics_case_is_its_csv_column() -> None:
    demand = vd.example("electronics").demand
    assert isinstance(demand, Sample)
    column = pd.read_csv(SHIPPED / "electronics_demand.csv")["units"]
    assert demand.values == tuple(column)
    assert demand.expectation == pytest.approx(column.mean())


@pytest.mark.parametrize("content", [b"300\n0\n512.5\n", b"units sold\r\n300\r\n0\r\n512.5", b"\xef\xbb\xbf 300\n\n0 \n512.5\n"])
def test_a_sample_is_read_with_or_without_a_header(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "past.csv").write_bytes(content)
    demand = 'distribution = "sample"\nfile = "past.csv"'
    supplier = '[[suppliers]]\nname = "panel"\ncosts = [4.0]'
    (tmp_path / "case.toml").write_text(f'kind = "assembler"\nprice = 30\n[demand]\n{demand}\n{supplier}\n', encoding="utf-8")
    found = vd.load(tmp_path / "case.toml").demand
    assert isinstance(found, Sample)
    assert found.values == (300.0, 0.0, 512.5)


def test_a_supplier_with_one_cost_needs_no_probability() -> None:
    case = AssemblerCase(price=30.0, demand=UNIFORM, suppliers=(Supplier(name="panel", costs=(4.0,)),))
    assert case.probability.tolist() == [1.0]
    assert case.total_cost.tolist() == [4.0]


def test_total_cost_is_the_sum_of_the_suppliers_costs() -> None:
    case = build([[1, 2, 4], [10, 20]], [[0.2, 0.5, 0.3], [0.6, 0.4]])
    assert case.total_cost.tolist() == [[11, 21], [12, 22], [14, 24]]
    assert case.costs(0).shape == (3, 1)
    assert case.costs(1).shape == (1, 2)
    assert case.tokens(0) == ("a=1", "a=2", "a=4")


def test_what_a_case_computes_cannot_be_written_to() -> None:
    case = vd.example("electronics")
    demand = case.demand
    assert isinstance(demand, Discrete)
    for array in (case.probability, case.total_cost, *case.marginals, demand.points, demand.masses):
        with pytest.raises(ValueError, match="read-only"):
            array[(0,) * array.ndim] = 9


def test_cases_are_equal_by_what_they_say() -> None:
    one, other = vd.example("two-suppliers"), vd.example("two-suppliers")
    assert one.probability.sum() == pytest.approx(1)  # kept in one of the two
    assert one == other
    assert hash(one) == hash(other)
    assert one != one.model_copy(update={"price": 31.0})


def test_a_case_that_was_written_out_comes_back() -> None:
    for name in FILES:
        case = vd.example(name)
        assert type(case).model_validate(case.model_dump()) == case
