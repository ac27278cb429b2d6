"""Synthetic cases of any number of suppliers, products and lanes."""

from itertools import product
from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Run
from veridical.data.joint_plan import carriers, marketplace, pilot


@pytest.mark.parametrize(("suppliers", "products"), [*product((1, 2, 8, 13), (1, 6, 9))])
def test_every_supplier_has_a_product_and_every_product_its_makers(suppliers: int, products: int) -> None:
    for case in (
        pilot(vendors=suppliers, products=products, sites=2, weeks=1),
        marketplace(sellers=suppliers, products=products, sites=1, regions=1, weeks=2, seed=7),
    ):
        makers = {p: {route.supplier for route in case.shared.routes if route.product == p} for p in case.shared.products}
        assert len(case.suppliers) == suppliers
        assert len(case.shared.products) == products
        assert set().union(*makers.values()) == set(case.suppliers)
        assert min(map(len, makers.values())) >= min(2, suppliers)
        if suppliers <= products:  # none had to be given one beyond his turn
            assert {len(names) for names in makers.values()} == {min(2, suppliers)}
        for name in case.suppliers:
            assert all(capacity > 0 for capacity in case.party(name).handling_capacity.values())


@pytest.mark.parametrize(("shippers", "fleets", "lanes"), [(1, 1, 1), (3, 8, 31), (4, 7, 2)])
def test_carriers_on_any_number_of_lanes(shippers: int, fleets: int, lanes: int) -> None:
    case = carriers(shippers=shippers, carriers=fleets, lanes=lanes, weeks=1)
    assert len(case.shared.flows) == shippers * fleets * lanes


@pytest.mark.parametrize("vendors", ["1", "8"])
def test_generate_writes_them(run: Run, vendors: str) -> None:
    assert run("generate", "pilot", "--vendors", vendors, "--products", "3", "--out", "made")[0] == 0
    assert len(vd.load(Path("made")).suppliers) == int(vendors)
