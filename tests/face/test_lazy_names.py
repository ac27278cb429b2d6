"""Names of the package come when they are used; old ones still come, and say what they are called now."""

import importlib

import pytest

import veridical as vd
from veridical.data.deprecated import MOVED


def test_every_name_is_there() -> None:
    assert dir(vd) == sorted(vd.__all__)
    for name in vd.__all__:
        assert getattr(vd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vd.nothing  # noqa: B018


OLD = [(module, name, *now) for module, names in MOVED.items() for name, now in names.items()]


@pytest.mark.parametrize(("module", "name", "place", "now"), OLD)
def test_old_names_warn_and_are_the_new_ones(module: str, name: str, place: str, now: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"{module}.{name} is now called {place}.{now}"):
        old = getattr(importlib.import_module(module), name)
    assert old is getattr(importlib.import_module(place), now)


@pytest.mark.parametrize("module", MOVED)
def test_what_never_was_there_is_no_old_name(module: str) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        importlib.import_module(module).nothing  # noqa: B018


def test_the_old_keyword_for_callbacks_still_works() -> None:
    case = vd.example("two-suppliers")
    with pytest.warns(DeprecationWarning, match="tell is now called callback"):
        vd.solve(case, "naive", "closed_form", tell=print)
    from veridical.solvers.consensus import Consensus

    with pytest.warns(DeprecationWarning, match="tell is now called callback"):
        assert Consensus(tell=print).callback is print
    with pytest.raises(TypeError, match="unexpected keyword argument 'told'"):
        Consensus(told=print)  # type: ignore[call-arg]
    with pytest.warns(DeprecationWarning, match="tell is now called callback"), pytest.raises(vd.InputError, match="vcg"):
        vd.studies.pilot.run(vd.example("pilot"), "vcg", tell=print, wrong=1)
