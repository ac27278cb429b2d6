"""Cases that have every key of every kind of case file between them, and which keys these are."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from veridical.data import AllocationCase, AssemblerCase
from veridical.data.continuous_case import ContinuousCase
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot
from veridical.data.joint_plan.head import Head
from veridical.data.record import Record
from veridical.data.registry import Registry

UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}


def parts(annotation: Any) -> Iterator[type[Record]]:
    """Yield the records in a type; of one that a name chooses, all that there are."""
    if inspect.isclass(annotation) and issubclass(annotation, Record):
        registry = annotation.registry
        yield from registry.values() if isinstance(registry, Registry) and registry.base is annotation else (annotation,)
    for inner in get_args(annotation):
        yield from parts(inner)


def records(cls: type[Record], met: dict[str, type[Record]]) -> dict[str, type[Record]]:
    """Return the records that a case file is made of, by the name of the class."""
    if cls.__name__ not in met:
        met[cls.__name__] = cls
        for field in cls.model_fields.values():
            for part in parts(field.annotation):
                records(part, met)
    return met


RECORDS: dict[str, type[Record]] = {}
for kind in (AssemblerCase, ContinuousCase, AllocationCase, Head):
    records(kind, RECORDS)
RECORDS = {name: cls for name, cls in RECORDS.items() if cls.__module__.startswith("veridical.")}  # not of other tests

HEAD = {"name": "all keys", "description": 'of "each" part', "currency": "EUR", "unit": "pieces"}
TERMS = {"salvage": 1.5, "shortage_penalty": 2.0, "assembly_cost": 3.25}
FULL_SUPPLIER = {
    "name": "panel",
    "costs": [4.0, 9.0],
    "probabilities": [0.25, 0.75],
    "component": "glass",
    "units_per_product": 2.0,
    "reservation_profit": [10.0, 20.0],
    "capacity": 1200.0,
    "minimum_order": 100.0,
    "lot_size": 20.0,
    "setup_cost": 55.0,
    "yield": {"values": [0.8, 1.0], "weights": [0.25, 0.75]},
}
WITH_REPORTS = {"name": "battery", "costs": [3.0, 7.0], "reports": "past/quotes.csv", "reported": [2.5, 3.0, 6.5]}


def assembler(**fields: Any) -> AssemblerCase:
    """Return an assembler's case of two suppliers with all their keys."""
    usual = {**HEAD, "price": 60.0, "demand": UNIFORM, "suppliers": [FULL_SUPPLIER, WITH_REPORTS], **TERMS}
    return AssemblerCase(**{**usual, **fields})


def with_demand(**demand: Any) -> AssemblerCase:
    """Return an assembler's case with another demand."""
    return AssemblerCase(price=30.0, suppliers=[{"name": "panel", "costs": [4.0]}], demand=demand)


def allocation(revenue: dict[str, Any], **fields: Any) -> AllocationCase:
    """Return a supplier's case whose retailers have such a revenue, and all their keys."""
    group = {
        "name": "stores",
        "count": 2,
        "types": [4.0, 8.0],
        "probabilities": [0.25, 0.75],
        "revenue": revenue,
        "reservation_profit": [0.5, 0.25],
        "capacity": 3.0,
        "minimum_order": 0.5,
    }
    return AllocationCase(**{**HEAD, "capacity": 4.0, "retailers": [group], **fields})


def newsvendor(**demand: Any) -> dict[str, Any]:
    """Return the revenue of a newsvendor with such a demand."""
    return {"form": "newsvendor", "price": 9.0, "demand": demand, "salvage": 1.0, "shortage_penalty": 0.5}


def plan(case: JointPlanCase) -> JointPlanCase:
    """Return a joint plan with every key of its head, and committed orders."""
    changed = case.changed(
        **{"currency": "EUR", "unit": "cases", "truckload": True, "truck_volume": 33.0},
        **{"pivot": "baseline", "activity_fee": 1.5, "participation_fee": 2.5, "core_point": "bidder_optimal"},
        **{"redistribution": "cavallo", "receivers": "agents", "share": 0.25, "cost_factors": [0.5, 2.0]},
        **{"draws": 7, "seed": 3, "tie_break": 0.02},
    )
    return changed.changed(baseline={flow: float(k % 3) for k, flow in enumerate(changed.shared.flows)})


PRODUCT = {"price": 60.0, "demand": UNIFORM, **TERMS}
SOURCES: list[dict[str, Any]] = [
    {"name": "panel", "costs": [4.0, 9.0], "probabilities": [0.5, 0.5]},
    {"name": "battery", "costs": [3.0]},
]
PRODUCTS = [{"name": "phone", "units": {"panel": 1, "battery": 2}, **PRODUCT}, {"name": "pad", "units": {"panel": 2}, **PRODUCT}]
PRIOR = {"distribution": "expon", "loc": 4.0, "scale": 2.0, "low": 4.5, "high": 9.0}
FULL: dict[str, Any] = {
    "assembler": assembler(),
    "rounded": assembler(round_money=0.05, round_units=1.0, suppliers=[SOURCES[0], WITH_REPORTS]),
    "ambiguous": assembler(ambiguity={"radius": 0.5, "distance": "wasserstein"}, suppliers=SOURCES),
    "joint prior": assembler(
        suppliers=[{key: value for key, value in SOURCES[0].items() if key != "probabilities"}, SOURCES[1]],
        prior={"joint": [[0.25], [0.75]]},
    ),
    "copula": assembler(suppliers=SOURCES, prior={"correlation": [[1.0, 0.5], [0.5, 1.0]]}),
    "products": AssemblerCase(**HEAD, suppliers=SOURCES, products=PRODUCTS),
    "continuous": ContinuousCase(
        **HEAD,
        **TERMS,
        price=60.0,
        demand=UNIFORM,
        suppliers=[
            {"name": "panel", "cost": {"distribution": "uniform", "low": 3, "high": 13}},
            {"name": "battery", "cost": {"distribution": "norm", "loc": 5, "scale": 1.5, "low": 2, "high": 9}},
        ],
        prior={"correlation": [[1.0, -0.5], [-0.5, 1.0]]},
    ),
    **{
        str(demand["distribution"]): with_demand(**demand)
        for demand in (
            {"distribution": "normal", "mean": 500, "sd": 90},
            {"distribution": "lognormal", "mean": 500, "sd": 90},
            {"distribution": "gamma", "mean": 500, "sd": 90},
            {"distribution": "weibull", "shape": 1.5, "scale": 300},
            {"distribution": "exponential", "mean": 500},
            {"distribution": "empirical", "values": [200, 300], "weights": [0.25, 0.75]},
            {"distribution": "sample", "file": "sales.csv", "values": [200.0, 300.0]},
        )
    },
    "linear demand": allocation({"form": "linear_demand"}, prior={"correlation": [[1.0, 0.25], [0.25, 1.0]]}),
    "power demand": allocation(
        {"form": "power_demand", "scale": 0.5, "exponent": 2.0},
        capacity=None,
        capacity_cost=1.25,
        fixed_price={"wholesale_price": 2.5, "rule": "generalized_linear", "exponent": 0.5},
    ),
    "normal newsvendor": allocation(newsvendor(distribution="normal", sd=2.0)),
    "uniform newsvendor": allocation(newsvendor(distribution="uniform")),
    "gamma newsvendor": allocation(newsvendor(distribution="gamma", shape=1.5)),
    "exponential newsvendor": allocation(newsvendor(distribution="exponential")),
    "types in a range": AllocationCase(
        capacity=4.0, retailers=[{"count": 3, "prior": PRIOR, "revenue": {"form": "linear_demand"}}]
    ),
    "joint types": AllocationCase(
        capacity=4.0,
        retailers=[{"count": 2, "types": [4.0, 8.0], "revenue": {"form": "linear_demand"}}],
        prior={"joint": [[0.5, 0.125], [0.125, 0.25]]},
    ),
    "vendors": plan(pilot(vendors=2, sites=2, regions=2, products=2, weeks=3)),
    "sellers": marketplace(sellers=2, products=2, weeks=2).since(2),
    "carriers": carriers(lanes=2, weeks=2),
}


def everything(value: Any) -> Iterator[Record]:
    """Yield the records that a case is made of, itself the first."""
    if isinstance(value, Record):
        yield value
        for name in type(value).model_fields:
            yield from everything(getattr(value, name))
    elif isinstance(value, tuple):
        for part in value:
            yield from everything(part)


def unset(cls: type[Record]) -> set[str]:
    """Return the keys of a record that none of the cases has with another value than the default."""
    files = (case._as_files()[0] for case in FULL.values())
    given = [record for file in files for record in everything(file) if type(record) is cls]
    names = {name for name in cls.model_fields if name not in cls.unwritten}
    fields = cls.model_fields
    return {
        name
        for name in names
        if not any(fields[name].is_required() or getattr(record, name) != fields[name].default for record in given)
    } - {"kind", "form", "distribution"}
