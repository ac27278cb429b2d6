"""Demands, roles and kinds of cases of one's own, registered by hand or by entry points of installed packages."""

import importlib
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import veridical as vd
from veridical.data import (
    AssemblerCase,
    Demand,
    Empirical,
    InputError,
    LinearDemand,
    Newsvendor,
    register_demand,
    register_kind,
    register_revenue,
)
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import ROLES
from veridical.data.load import KINDS
from veridical.data.record import check
from veridical.data.revenue import REVENUES
from veridical.data.typed_demand import TypedDemand

CASE: dict[str, Any] = {"price": 30.0, "suppliers": [{"name": "panel", "costs": [4.0]}]}


class Constant(Demand):
    """Demand that is known."""

    distribution: Literal["constant"] = "constant"
    units: float

    @property
    def expectation(self) -> float:
        return self.units

    def cdf(self, q: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(np.asarray(q) >= self.units, dtype=float)

    def inverse_cdf(self, u: ArrayLike) -> NDArray[np.float64]:
        return np.full(np.shape(u), self.units)

    def expected_sales(self, q: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(np.minimum(q, self.units), dtype=float)


def test_a_demand_of_ones_own_is_known_once_it_is_registered(tmp_path: Path) -> None:
    raw = {**CASE, "demand": {"distribution": "constant", "units": 100.0}}
    with pytest.raises(InputError, match=r"demand\.distribution: got 'constant'; allowed: one of uniform, normal"):
        check(AssemblerCase, raw)
    assert register_demand(Constant) is Constant
    try:
        case = check(AssemblerCase, raw)
        assert case.demand == Constant(units=100.0)
        assert vd.load(case.save(tmp_path / "case.toml")) == case
        assert case.changed(**{"demand.units": 50.0}).demand.expectation == 50
        assert vd.solve(case, "naive", "closed_form").objective == pytest.approx(2600.0)
        with pytest.raises(InputError, match=r"demand\.units: missing required key"):
            check(AssemblerCase, {**CASE, "demand": {"distribution": "constant"}})
    finally:
        del DEMANDS["constant"]


class Ramp(Demand):
    """F(q) = (q / most)^2 up to `most`, or what a test puts in the place of one of its functions."""

    distribution: Literal["ramp_of_a_test"] = "ramp_of_a_test"
    most: float = 900.0

    @property
    def expectation(self) -> float:
        return 2 * self.most / 3

    def cdf(self, q: ArrayLike) -> NDArray[np.float64]:
        return np.asarray((np.clip(q, 0, self.most) / self.most) ** 2)

    def inverse_cdf(self, u: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(self.most * np.sqrt(u))

    def expected_sales(self, q: ArrayLike) -> NDArray[np.float64]:
        q = np.clip(q, 0, self.most)
        return np.asarray(q - q**3 / (3 * self.most**2))


class Hurdle(Ramp):
    """Nothing in three of ten weeks, else 100 or 200: the distribution function jumps, also at 0."""

    distribution: Literal["hurdle_of_a_test"] = "hurdle_of_a_test"  # type: ignore[assignment]

    @property
    def expectation(self) -> float:
        return 0.4 * 100 + 0.3 * 200

    def cdf(self, q: ArrayLike) -> NDArray[np.float64]:
        q = np.asarray(q)
        return np.asarray(0.3 * (q >= 0) + 0.4 * (q >= 100) + 0.3 * (q >= 200))

    def inverse_cdf(self, u: ArrayLike) -> NDArray[np.float64]:
        return np.select([np.asarray(u) <= 0.3, np.asarray(u) <= 0.7], [0.0, 100.0], 200.0)

    def expected_sales(self, q: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(0.4 * np.minimum(q, 100) + 0.3 * np.minimum(q, 200))


WRONG: dict[str, Any] = {
    "expected_sales": lambda self, q: np.asarray(q) - np.asarray(q) ** 3 / (4 * self.most**2),  # a slip in a coefficient
    "cdf": lambda self, q: np.clip(q, 0, self.most) / self.most,
    "inverse_cdf": lambda self, u: self.most * np.asarray(u),
    "expectation": property(lambda self: self.most),
}


@pytest.mark.parametrize("function", WRONG)
def test_a_demand_whose_functions_do_not_fit_together_is_refused(function: str) -> None:
    """Closed forms believe the inverse, models the distribution function: they would come to different optima, both certified."""
    cls = type("Slip", (Ramp,), {function: WRONG[function], "__module__": __name__})
    with pytest.raises(InputError, match=rf"demand: got <.*Slip\.{function}"):
        check(AssemblerCase, {**CASE, "demand": cls()})


@pytest.mark.parametrize("demand", [Ramp(), Hurdle(), Constant(units=7.0)], ids=["density", "jumps", "known"])
def test_a_demand_whose_functions_fit_together_is_taken(demand: Demand) -> None:
    case = check(AssemblerCase, {**CASE, "demand": demand})
    closed, model = vd.solve(case, "naive", "closed_form"), vd.solve(case, "naive", "highs")
    assert model.objective == pytest.approx(closed.objective, rel=1e-6)


def test_a_demand_that_takes_no_arrays_is_refused_in_words() -> None:
    cls = type("Single", (Ramp,), {"cdf": lambda self, q: float(q) / self.most, "__module__": __name__})
    with pytest.raises(InputError, match=r"<Single: TypeError: .*; allowed: .* that take arrays"):
        check(AssemblerCase, {**CASE, "demand": cls()})


@pytest.mark.parametrize("wrong", [LinearDemand, Demand, 5, type("Half", (Demand,), {"__module__": __name__})])
def test_only_whole_classes_on_the_base_are_registered(wrong: Any) -> None:
    before = dict(DEMANDS)
    with pytest.raises(InputError):
        register_demand(wrong)
    assert dict(DEMANDS) == before


def test_revenues_are_registered_likewise() -> None:
    class Doubled(LinearDemand):
        form: Literal["doubled"] = "doubled"  # type: ignore[assignment]

    register_revenue(Doubled)
    try:
        group = {"count": 1, "types": [4.0], "revenue": {"form": "doubled"}}
        assert type(check(vd.data.RetailerGroup, group).revenue) is Doubled
    finally:
        del REVENUES["doubled"]


SLIPS: dict[str, Any] = {
    "value": lambda self, q, theta: np.asarray(q) * (np.asarray(theta) - 0.8 * np.asarray(q)),
    "marginal": lambda self, q, theta: np.asarray(theta) - np.asarray(q) * 1.0,
    "quantity": lambda self, marginal, theta: np.maximum(np.asarray(theta) - marginal, 0.0) / 3,
    "by_type": lambda self, q, theta: 0.9 * np.asarray(q) + 0 * np.asarray(theta),
}


@pytest.mark.parametrize("private", [{"types": [4.0, 6.0]}, {"prior": {"distribution": "uniform", "low": 4, "high": 6}}])
@pytest.mark.parametrize("function", SLIPS)
def test_a_revenue_whose_functions_do_not_fit_together_is_refused(function: str, private: dict[str, Any]) -> None:
    """With the first of these slips model and closed form agreed on a profit that nobody earns, both certified."""
    cls = type("Slip", (LinearDemand,), {function: SLIPS[function], "__module__": __name__})
    said = "value" if function == "marginal" else function
    with pytest.raises(InputError, match=rf"revenue: got <Slip\.{said}\("):
        check(vd.data.RetailerGroup, {"count": 1, **private, "revenue": cls()})


def test_a_revenue_that_takes_no_arrays_is_refused_in_words() -> None:
    cls = type("Single", (LinearDemand,), {"value": lambda self, q, theta: float(q) * (theta - q), "__module__": __name__})
    with pytest.raises(InputError, match=r"<Single: TypeError: .*; allowed: .* take and return arrays"):
        check(vd.data.RetailerGroup, {"count": 1, "types": [4.0, 6.0], "revenue": cls()})


class TwoCrowds(TypedDemand):
    """Half of the type, or all of it, with the same probability: survival jumps."""

    distribution: Literal["two_crowds_of_a_test"] = "two_crowds_of_a_test"

    def survival(self, q: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        q, theta = np.asarray(q), np.asarray(theta)
        return np.asarray(0.5 * (q < theta / 2) + 0.5 * (q < theta))

    def sales(self, q: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        q, theta = np.asarray(q), np.asarray(theta)
        return np.asarray(0.5 * np.minimum(q, theta / 2) + 0.5 * np.minimum(q, theta))

    def survival_by_type(self, q: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        return np.zeros(np.broadcast_shapes(np.shape(q), np.shape(theta)))

    def sales_by_type(self, q: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        q, theta = np.asarray(q), np.asarray(theta)
        return np.asarray(0.25 * (q > theta / 2) + 0.5 * (q > theta))

    def density(self, q: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        return self.survival_by_type(q, theta)

    def quantile(self, survival: ArrayLike, theta: ArrayLike) -> NDArray[np.float64]:
        survival, theta = np.asarray(survival), np.asarray(theta)
        return np.asarray(np.where(survival <= 0.5, theta, np.where(survival <= 1.0, theta / 2, 0.0)))


def test_a_typed_demand_of_ones_own_is_held_to_its_revenue() -> None:
    shop = {"count": 1, "types": [4.0, 6.0], "revenue": Newsvendor(price=3.0, demand=TwoCrowds())}
    assert check(vd.data.RetailerGroup, shop).revenue == shop["revenue"]
    doubled = type(
        "Doubled", (TwoCrowds,), {"sales": lambda self, q, theta: 2 * TwoCrowds().sales(q, theta), "__module__": __name__}
    )
    with pytest.raises(InputError, match=r"revenue: got <Newsvendor of Doubled\.value\("):
        check(vd.data.RetailerGroup, {**shop, "revenue": Newsvendor(price=3.0, demand=doubled())})


PACKAGE = """
from typing import ClassVar, Literal

import numpy as np

from veridical.data import Empirical
from veridical.data.joint_plan import COST, Party, Values, column


class Known(Empirical):
    distribution: Literal["known_from_outside"] = "known_from_outside"


class Depot(Party):
    role: ClassVar[str] = "depot_from_outside"
    side: ClassVar[str] = "receiver"
    worth: Values = column("depot.csv", ("site",), "worth (currency per unit)", COST)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package with entry points into a folder on the path."""
    (tmp_path / "outside_package.py").write_text(PACKAGE, encoding="utf-8")
    info = tmp_path / "outside_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-package\nVersion: 1.0\n", encoding="utf-8")
    points = [
        "[veridical.demands]\nknown_from_outside = outside_package:Known",
        "misnamed = outside_package:Known\nbroken = outside_package:Nothing",
        "[veridical.roles]\ndepot_from_outside = outside_package:Depot",
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


def test_entry_points_are_loaded_when_a_name_is_first_asked_for(installed: Path) -> None:
    demand = {"distribution": "uniform", "low": 1, "high": 2}
    check(AssemblerCase, {**CASE, "demand": demand})
    assert "outside_package" not in sys.modules
    try:
        own = check(AssemblerCase, {**CASE, "demand": {"distribution": "known_from_outside", "values": [1.0, 3.0]}})
        assert "outside_package" in sys.modules
        assert isinstance(own.demand, Empirical)
        assert own.demand.expectation == 2
        assert vd.load(own.save(installed / "case.toml")) == own
        role = ROLES.find("depot_from_outside")
        assert role is sys.modules["outside_package"].Depot
        with pytest.raises(InputError, match=r"'nobody'; allowed: one of .*known_from_outside"):
            check(AssemblerCase, {**CASE, "demand": {"distribution": "nobody"}})
        with pytest.raises(InputError, match=r"'broken'; allowed: an entry point that can be loaded: outside_package:Nothing"):
            check(AssemblerCase, {**CASE, "demand": {"distribution": "broken"}})
        with pytest.raises(InputError, match=r"'misnamed'; allowed: the name of outside_package:Known"):
            check(AssemblerCase, {**CASE, "demand": {"distribution": "misnamed"}})
    finally:
        DEMANDS.pop("known_from_outside", None)
        ROLES.pop("depot_from_outside", None)
        sys.modules.pop("outside_package", None)


def test_a_fourth_kind_of_case_needs_one_call(tmp_path: Path) -> None:
    def read(raw: Mapping[str, Any], file: str, folder: Path) -> tuple[Any, str, Path]:
        return raw["wind"], file, folder

    (tmp_path / "toy.toml").write_text('kind = "toy"\nwind = 3\n', encoding="utf-8")
    with pytest.raises(InputError, match="kind: got 'toy'; allowed: one of assembler, allocation, joint_plan"):
        vd.load(tmp_path / "toy.toml")
    register_kind("toy", read, ("wind",))
    try:
        assert vd.load(tmp_path / "toy.toml") == (3, "toy.toml", tmp_path)
    finally:
        del KINDS["toy"]
    (tmp_path / "none.toml").write_text("wind = 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^none.toml: kind: missing required key: one of assembler"):
        vd.load(tmp_path / "none.toml")


@pytest.mark.parametrize("text", [f"a = {'1' * 5000}", f"a = {'[' * 3000}{']' * 3000}"])
def test_files_that_the_reader_of_toml_gives_up_on_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises((ValueError, RecursionError)):
        tomllib.loads(text)
    (tmp_path / "case.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="text in the TOML format"):
        vd.load(tmp_path / "case.toml")


def test_a_role_without_a_name_is_refused() -> None:
    from veridical.data.joint_plan import Party, register

    class Nameless(Party):
        side: ClassVar[str] = "receiver"

    with pytest.raises(InputError, match=r"Nameless\.role: got <no name>"):
        register(Nameless)
