"""A role of the user's own, end to end: record, block, case file, central plan and consensus, audit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.joint_plan_cases import vendors_at
from veridical.data import InputError, JointPlanCase
from veridical.data.joint_plan import CAPACITY, COST, ROLES, Party, Values, column, register, scalar
from veridical.models.joint_plan import DECLARATIONS, numbers, paid
from veridical.models.joint_plan import register as register_declaration

TABLES = {
    "case.toml": """
kind = "joint_plan"
name = "packed"
weeks = 2
[mechanism]
pivot = "baseline"
[[parties]]
name = "retailer"
role = "retailer"
[[parties]]
name = "Packers"
role = "co-packer"
overtime = 1.0
""",
    "products.csv": "product,volume (m3 per unit)\nsoap,1\n",
    "sites.csv": "site\nLyon\n",
    "flows.csv": "supplier,receiver,site,product,price (currency per unit)\nPackers,retailer,Lyon,soap,5\n",
    "demand.csv": "party,region,product,week,demand (units)\nretailer,north,soap,1,0\nretailer,north,soap,2,20\n",
    "outbound.csv": "party,site,region,cost (currency per m3)\nretailer,Lyon,north,0\n",
    "inventory.csv": "party,site,product,holding (currency per unit and week),stock (units)\nretailer,Lyon,soap,1,0\n",
    "assortment.csv": "party,product,lost sale (currency per unit)\nretailer,soap,100\n",
    "inbound.csv": "party,site,week,capacity (m3)\nretailer,Lyon,1,100\nretailer,Lyon,2,100\n",
    "centres.csv": "party,site,overtime (currency per m3),congestion (currency per m3 squared)\nretailer,Lyon,0,0\n",
    "packing.csv": "party,product,packing (currency per unit)\nPackers,soap,2\n",
    "shifts.csv": "party,week,capacity (units)\nPackers,1,6\nPackers,2,6\n",
}


class CoPacker(Party):
    """Packs to order, in shifts; whatever is above their capacity is overtime, and costs its square."""

    role: ClassVar[str] = "co-packer"
    side: ClassVar[str] = "supplier"
    overtime: float = scalar("currency per unit squared", COST)
    packing: Values = column("packing.csv", ("product",), "packing (currency per unit)", COST)
    shifts: Values = column("shifts.csv", ("week",), "capacity (units)", CAPACITY)


def packs(block: Any, record: CoPacker, shared: Any, flows: Any) -> None:
    """Declare a co-packer's block."""
    data = numbers(block, record)
    block.plan = pyo.Var(flows, domain=pyo.NonNegativeReals)
    block.extra = pyo.Var(shared.weeks, domain=pyo.NonNegativeReals)

    @block.Constraint(shared.weeks)
    def shift(_: Any, week: int) -> Any:
        return sum(block.plan[flow] for flow in flows if flow.week == week) <= data.shifts[week] + block.extra[week]

    packing = sum(data.packing[flow.product] * block.plan[flow] for flow in flows)
    overtime = data.overtime / 2 * sum(units**2 for units in block.extra.values())
    block.cost = pyo.Expression(expr=packing + overtime - paid(block, shared, block.plan))


@pytest.fixture
def known() -> Iterator[None]:
    """Have the role known for the time of a test."""
    register(CoPacker)
    register_declaration("co-packer", packs, levels={"shift": ("week",)})
    yield
    del ROLES["co-packer"], DECLARATIONS["co-packer"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a case in which the role stands, written by hand."""
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text.lstrip(), encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("known")
def test_a_case_with_a_role_of_ones_own_is_solved_as_by_hand(folder: Path) -> None:
    """20 units are wanted in week 2, packed at 2 and sold at 5; 6 a shift, beyond that half the square; held at 1 a week.

    Just in time, 14 above the shift of week 2: 40 + 98 - 100 = 38 and the retailer's 100. Jointly one more unit of overtime in
    week 1 saves one in week 2 and is held a week: e1 + 1 = e2, e1 + e2 = 8: 3.5 and 4.5. Co-packer 40 + 16.25 - 100 = -43.75,
    retailer 100 + 9.5. Under the baseline pivot the co-packer gains all that is saved.
    """
    case = vd.load(folder)
    assert type(case.party("Packers")) is CoPacker
    solution: Any = vd.solve(case, misreports=2)
    table = solution.contracts.to_frame()
    assert table["role"].to_dict() == {"retailer": "retailer", "Packers": "co-packer"}
    assert table["baseline_cost"].to_dict() == pytest.approx({"retailer": 100.0, "Packers": 38.0}, abs=2e-2)  # a tie-break
    assert table["cost"].to_dict() == pytest.approx({"retailer": 109.5, "Packers": -43.75}, rel=1e-6)
    assert solution.objective == pytest.approx(65.75, rel=1e-9)
    assert table["net_gain"]["Packers"] == pytest.approx(solution.contracts.savings, rel=1e-9)
    assert solution.duals["shift"].loc["Packers"].to_dict() == pytest.approx({1: -3.5, 2: -4.5}, rel=1e-6)
    model = vd.models.joint_plan.joint.build(case)
    assert vd.solvers.solve(model).sensitivity["Packers.overtime"] == pytest.approx((3.5**2 + 4.5**2) / 2, rel=1e-6)
    assert solution.audit.searched == 2
    assert solution.audit.truthful
    untruthful: Any = vd.solve(case, "first_price", misreports=2)
    assert untruthful.audit.properties["dominant_strategy_ic"].worst > 1.0  # misreports of its fields are tried, and found


@pytest.mark.usefixtures("known")
def test_it_is_an_agent_of_a_consensus_and_a_case_that_is_saved(folder: Path, tmp_path: Path) -> None:
    case = vd.load(folder)
    agreed = vd.solve(case, solver="consensus", misreports=0)
    saved = 138.0 - 65.75
    assert agreed.bound <= 65.75 + 1e-6 <= agreed.objective + 2e-6
    assert agreed.objective <= 65.75 + 1e-3 * saved
    assert vd.load(case.save(tmp_path / "again")) == case
    dearer = case.reporting("Packers", case.party("Packers").scaled("overtime", 2.0))
    assert vd.solve(dearer, misreports=0).objective > 65.75


def test_what_is_registered_by_half_is_refused_with_what_is_missing(folder: Path) -> None:
    with pytest.raises(InputError, match=r"parties\[1\]\.role: got 'co-packer'; allowed: one of carrier"):
        vd.load(folder)
    register(CoPacker)
    try:
        case = vd.load(folder)
        with pytest.raises(InputError, match=r"role: got 'co-packer'; .* veridical\.models\.joint_plan\.register"):
            vd.solve(case, misreports=0)
    finally:
        del ROLES["co-packer"]
    with pytest.raises(InputError, match="role: got 5; allowed: the name of the role"):
        register_declaration(5, packs)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="co-packer, declare: got <a CoPacker"):
        register_declaration("co-packer", CoPacker(name="a", overtime=1.0, packing=Values(), shifts=Values()))


BROKEN = {
    "cost": lambda block, record, shared, flows: setattr(block, "plan", pyo.Var(flows, domain=pyo.NonNegativeReals)),
    "plan": lambda block, record, shared, flows: setattr(block, "cost", pyo.Expression(expr=0.0)),
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("lacks", BROKEN)
def test_a_block_without_plan_or_cost_is_refused(lacks: str) -> None:
    register_declaration("co-packer", BROKEN[lacks])
    base: JointPlanCase = vendors_at(A=2.0)
    packers = CoPacker(name="A", overtime=1.0, packing=Values({"soap": 2.0}), shifts=Values({1: 6.0, 2: 6.0}))
    case = base.changed(parties=(base.party("retailer"), packers))
    with pytest.raises(InputError, match=f"co-packer, {lacks}: got <nothing>; allowed: "):
        vd.models.joint_plan.joint.build(case)
