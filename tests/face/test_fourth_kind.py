"""A fourth kind of case: one file and one call, and everything takes it. A seller of one thing who does not know its worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyomo.environ as pyo
import pytest
from rich.text import Text

import veridical as vd
from veridical import solvers, tables
from veridical.contracts import Audit
from veridical.contracts.menu_audit import SupplierResult
from veridical.data.fields import Numbers, Positive, Record, check
from veridical.families import Family, Mechanism, Route, Task, always, register, unregister
from veridical.solvers import Certificate, Solution, SolverRecord
from veridical.solvers.solution import Seconds

Run = Callable[..., tuple[int, str, str]]
Json = Callable[..., dict[str, Any]]


class Sale(Record):
    """A thing that costs the seller `cost`; the buyer's value is each of `values` with the same probability."""

    kind: Literal["sale"] = "sale"
    name: str = ""
    cost: Positive
    values: Numbers


@dataclass(frozen=True)
class Price:
    """What is offered: the thing at a price."""

    case: Sale
    price: float

    @property
    def profit(self) -> float:
        """Expected profit of the seller."""
        sold = sum(value >= self.price for value in self.case.values)
        return (self.price - self.case.cost) * sold / len(self.case.values)

    def frame(self) -> pd.DataFrame:
        """Return who buys."""
        return pd.DataFrame({"value": self.case.values, "buys": [value >= self.price for value in self.case.values]})

    def to_dict(self) -> dict[str, Any]:
        """Return the price."""
        return {"price": self.price}


def audit(case: Sale, offer: Price | str) -> Audit:
    """Return the audit: nobody gains by saying anything but whether he buys; a price below cost loses."""
    price = offer if isinstance(offer, Price) else Price(case, float(Path(offer).read_text(encoding="utf-8")))
    findings = {name: SupplierResult(name, True, 0.0) for name in ("dominant_strategy_ic", "ex_post_ir", "balanced")}
    return Audit(findings, {"dominant_strategy_ic": ()}, price.profit, price.price)


def best(case: Sale, ceiling: float = float("inf")) -> Price:
    """Return the best price: one of the values, up to a ceiling."""
    return max((Price(case, value) for value in case.values if value <= ceiling), key=lambda offer: offer.profit)


def by_formula(task: Task) -> Solution:
    """Solve in closed form."""
    offer = best(task.case, **task.parameters)
    record = SolverRecord("closed_form", "1", {}, None, Seconds())
    found = Solution(offer.profit, offer.profit, Certificate(0.0, 0.0, None, 0.0), record, case=task.case.name)
    return task.finish(found, mechanism=task.mechanism.name, contracts=offer, audit=audit(task.case, offer))


def build(case: Sale, form: str = "auto", ceiling: float = float("inf")) -> pyo.ConcreteModel:
    """Return the model: which price to take."""
    m = pyo.ConcreteModel(name="posted_price")
    offers = {value: Price(case, value) for value in case.values if value <= ceiling}
    m.take = pyo.Var(list(offers), domain=pyo.Binary)
    m.one = pyo.Constraint(expr=sum(m.take.values()) == 1)
    m.profit = pyo.Objective(expr=sum(offers[value].profit * m.take[value] for value in offers), sense=pyo.maximize)
    return m


def by_model(task: Task) -> Solution:
    """Solve the model."""
    assert task.configuration is not None
    model = build(task.case, **task.parameters)
    found = solvers.solve(model, task.configuration, check=False)
    offer = Price(task.case, next(value for value in model.take if model.take[value].value > 0.5))
    named: Mapping[str, Any] = {"case": task.case.name, "mechanism": task.mechanism.name}
    return task.finish(found, **named, contracts=offer, audit=audit(task.case, offer))


ROUTES = (Route("model", by_model, build), Route("closed_form", by_formula, best, "closed_form"))
SALE = Family(
    kind="sale",
    case=Sale,
    mechanisms=(
        Mechanism("posted_price", Sale, "take it or leave it", ROUTES, always("dominant_strategy_ic", "ex_post_ir")),
        Mechanism("liar", Sale, "promises what it does not keep", ROUTES, always("budget_of_dreams")),
    ),
    defaults=("posted_price",),
    fields=tuple(Sale.model_fields),
    summary=lambda solution: [Text(f"price {solution.contracts.price:g}, profit {tables.money(solution.objective)}")],
    columns=lambda solution, best: {"price": solution.contracts.price},
    compared=lambda case, frame: tables.side_by_side(case, frame, [("price", lambda row: f"{row['price']:g}")]),
    audit=audit,
    offered=lambda name, checked: [Text(f"{name}: {tables.money(checked.expected_profit)}"), tables.properties(checked)],
    commands={"haggle": lambda: print("no")},
    read=lambda raw, file, folder: check(Sale, {"name": Path(file).stem, **raw}, file),
)


@pytest.fixture(autouse=True)
def sale(tmp_path: Path) -> Iterator[str]:
    """Register the kind, write a case file of it, and forget it afterwards."""
    register(SALE)
    file = tmp_path / "chair.toml"
    file.write_text('kind = "sale"\ncost = 1.0\nvalues = [2.0, 5.0, 9.0]\n', encoding="utf-8")
    yield str(file)
    unregister(SALE)


def test_python_takes_the_kind(sale: str) -> None:
    case = vd.load(sale)
    assert (type(case), case.name) == (Sale, "chair")
    for solver in (None, "highs", "closed_form"):  # of (2 - 1), (5 - 1) 2/3, (9 - 1) / 3 the last two are the best
        found = vd.solve(case, solver=solver)
        assert found.objective == pytest.approx(8 / 3)
        assert found.audit is not None
        assert found.audit.truthful
    assert vd.solve(case, cost=4.0, solver="closed_form").contracts.price == 9.0
    assert vd.solve(case, ceiling=2.0).objective == pytest.approx(1)
    assert vd.build(case, ceiling=2.0, form="auto").nvariables() == 1
    assert list(vd.compare(case, ["posted_price"], cost=4.0)["price"]) == [9.0]
    assert vd.audit(case, Price(case, 9.0)).expected_profit == pytest.approx(8 / 3)
    with pytest.raises(KeyError):
        vd.solve(case, "liar")  # a promise that no audit knows
    with pytest.raises(vd.InputError, match="ceiling"):
        vd.solve(case, ceiling=2)
    with pytest.raises(vd.InputError, match="one of posted_price, liar"):
        vd.solve(case, "icds")
    with pytest.raises(vd.InputError, match=r"one of $"):
        vd.one_sided_derivatives(case, "price")


def test_the_command_line_takes_the_kind(sale: str, run: Run, record: Json) -> None:
    found = record("solve", sale, "--set", "cost=4")
    assert (found["case"], found["mechanism"], found["status"], found["price"]) == ("chair", "posted_price", "optimal", 9.0)
    (row,) = record("compare", sale, "--mechanism", "posted_price", "--set", "ceiling=2.0", "--solver", "closed_form")[
        "mechanisms"
    ]
    assert (row["mechanism"], row["profit"], row["truthful"]) == ("posted_price", 1.0, "always")
    Path("offer.csv").write_text("5", encoding="utf-8")
    assert record("audit", sale, "offer.csv")["audit"]["expected_profit"] == pytest.approx(8 / 3)
    status, out, err = run("solve", sale, "--solver", "closed_form")
    assert (status, err) == (0, "")
    assert out.startswith("posted_price for chair\nprice ")
    assert "certificate: " in out
    assert "mechanisms for chair" in run("compare", sale, "--mechanism", "posted_price")[1]
    assert "offer.csv for chair: 2.67" in run("audit", sale, "offer.csv")[1]
    assert run("haggle")[:2] == (0, "no\n")
    status, _, err = run("solve", sale, "--plot", "chair.png")
    assert status == 2
    assert "--plot: got 'chair.png'" in err
    status, _, err = run("solve", sale, "--set", "k=3")
    assert status == 2
    assert "--set k: got 3; allowed: one of kind, name, cost, values, ceiling" in err


def test_what_is_forgotten_is_unknown(sale: str) -> None:
    case = vd.load(sale)
    unregister(SALE)
    try:
        with pytest.raises(vd.InputError, match="got 'sale'"):
            vd.load(sale)
        with pytest.raises(vd.InputError, match="<Sale>"):
            vd.solve(case)
    finally:
        register(SALE)
    with pytest.raises(vd.InputError, match="a name that no other mechanism has"):
        register(SALE)
