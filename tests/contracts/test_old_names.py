"""Old names of contracts still work for one release, and say what to write instead."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import veridical as vd
from veridical import contracts
from veridical.contracts import menu_audit
from veridical.data import AllocationCase


@pytest.fixture(scope="module")
def solution() -> Any:
    """Return a solution with a menu and an audit."""
    return vd.solve(vd.example("two-suppliers"), "first_best", "closed_form")


def test_old_names_of_classes_are_the_new_classes() -> None:
    for module, old, new in ((contracts, "Finding", menu_audit.SupplierResult),):
        with pytest.warns(DeprecationWarning, match=f"{module.__name__}.{old} is now called {new.__module__}.{new.__name__};"):
            assert getattr(module, old) is new
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            module.nothing  # noqa: B018


def test_old_names_of_methods_do_what_the_new_ones_do(solution: Any, tmp_path: Path) -> None:
    menu, audit = solution.contracts, solution.audit
    for outcome in (menu, audit, solution):
        with pytest.warns(DeprecationWarning, match=f"{type(outcome).__name__}.record is now called to_dict;"):
            assert outcome.record() == outcome.to_dict()
    with pytest.warns(DeprecationWarning, match=r"Menu.frame is now called to_frame;"):
        pd.testing.assert_frame_equal(menu.frame(), menu.to_frame())
    with pytest.warns(DeprecationWarning, match=r"Menu.write_csv is now called to_csv;"):
        menu.write_csv(tmp_path / "menu.csv")
    assert contracts.Menu.read_csv(menu.case, tmp_path / "menu.csv").payment == pytest.approx(menu.payment)
    with pytest.warns(DeprecationWarning, match="Audit.findings is now called properties;"):
        assert audit.findings is audit.properties
    with pytest.warns(DeprecationWarning, match="Audit.truth is now called incentive_concept;"):
        assert audit.truth == "dominant_strategy_ic"
    assert audit.to_dict()["truth"] == "dominant_strategy_ic"


def test_an_auctions_table_is_a_method_now() -> None:
    case = vd.example("two-retailers")
    assert isinstance(case, AllocationCase)
    posted = vd.auction(case)
    with pytest.warns(DeprecationWarning, match="Auction.frame is now called to_frame;"):
        pd.testing.assert_frame_equal(posted.frame, posted.to_frame())


def test_new_names_warn_of_nothing(solution: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert solution.to_dict()["audit"]["properties"]
        assert contracts.Menu.record is contracts.Menu.record  # looked at on the class, as tools do
