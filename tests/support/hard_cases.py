"""Cases that are hard to show: long names, tiny and huge numbers, many suppliers, retailers and parties."""

from pathlib import Path
from typing import Any

from veridical.data import AllocationCase, AssemblerCase, JointPlanCase
from veridical.data.joint_plan import pilot

LONG = (
    "Wolfram-Mühlenbeck Präzisionsteile und Halbleiterfertigung GmbH & Co. KG, Werk Süd",
    "WWWWWWWWMMMMMMMMWWWWWWWWMMMMMMMMWWWWWWWWMMMMMMMM",
    "Société Anonyme des Anciens Établissements Chaumont et Fils",
    "A & B <Components> (Second Source) Ltd.",
)
TITLE = "controllers for pumps and fans of the second quarter, all suppliers, as of the first of March, second revision"
SCALES = {"tiny": 1e-6, "usual": 1.0, "huge": 1e9}


def assembler(count: int = 4, scale: float = 1.0, units: float = 1.0, costs: int = 2) -> AssemblerCase:
    """Return an assembler of `count` suppliers with long names, of whom the first ten have `costs` costs, the others one."""
    suppliers: list[dict[str, Any]] = []
    for i in range(count):
        own = costs if i < 10 else 1
        given = [scale * (1.0 + 0.1 * i + 0.7 * k) for k in range(own)]
        suppliers.append({"name": f"{LONG[i % 4]} {i}" if i > 3 else LONG[i], "costs": given, "probabilities": [1 / own] * own})
    price = scale * 3.0 * (count + 2)
    demand: Any = {"distribution": "uniform", "low": 100.0 * units, "high": 900.0 * units}
    return AssemblerCase(name=TITLE, price=price, demand=demand, suppliers=suppliers)


def allocation(scale: float = 1.0, groups: int = 3) -> AllocationCase:
    """Return retailers with long names, in so many groups of one, whose types are of that size."""
    retailers = [
        {
            "name": f"{LONG[g % 4]} {g}",
            "count": 1,
            "types": [scale * (4 + g / 3), scale * (6 + g / 3)],
            "probabilities": [0.5, 0.5],
        }
        | {"revenue": {"form": "linear_demand"}}
        for g in range(groups)
    ]
    return AllocationCase(name=TITLE, capacity=scale * groups, retailers=retailers)


def joint_plan(folder: Path, vendors: int = 3, weeks: int = 2) -> JointPlanCase:
    """Return a joint plan whose parties have long names; it is in the folder as `plan`, too."""
    case = pilot(vendors=vendors, sites=1, regions=1, products=max(1, vendors // 3), weeks=weeks, name="small")
    names = {name: f"{LONG[k % 4]} {k}" for k, name in enumerate(case.names)}
    pairs = ((route, names[route.supplier], names[route.receiver]) for route in case.shared.routes)
    routes = tuple(route._replace(supplier=supplier, receiver=receiver) for route, supplier, receiver in pairs)
    parties = tuple(party.changed(name=names[party.name]) for party in case.parties)
    case = case.changed(parties=parties, routes=routes, description=TITLE, activity_fee=0.0)
    case.save(folder / "plan")
    return case
