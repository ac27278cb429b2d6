"""A solver that returns a wrong result and calls it optimal is caught, whichever solver it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyomo.contrib.pynumero.interfaces import cyipopt_interface

import veridical as vd
from veridical.solvers import factory

Array = NDArray[np.float64]


def moved(x: Array, info: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Return another point than the optimum."""
    x = x.copy()
    x[0] += 1.0
    return x, info


def swapped(x: Array, info: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Return multipliers of the wrong sign."""
    return x, info | {"mult_g": -np.asarray(info["mult_g"])}


def shrunk(x: Array, info: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Return a feasible point that is not optimal: every constraint of the model is homogeneous or loosens."""
    return 0.9 * x, info


def undefined(x: Array, info: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Return no numbers."""
    return np.full_like(x, np.nan), info


@pytest.mark.parametrize("wrong", [moved, swapped, shrunk, undefined])
@pytest.mark.parametrize("form", ["quadratic", "smooth"])
def test_a_wrong_result_of_ipopt_is_caught(
    wrong: Callable[..., tuple[Array, dict[str, Any]]], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = vd.example("two-suppliers")
    right = cyipopt_interface.CyIpoptNLP.solve
    monkeypatch.setattr(cyipopt_interface.CyIpoptNLP, "solve", lambda self, *args, **kwargs: wrong(*right(self, *args, **kwargs)))
    with np.errstate(all="ignore"), pytest.raises(vd.CertificateError):
        vd.solve(case, "icds", {"solver": "ipopt", "form": form})


@pytest.mark.parametrize("wrong", ["sign", "point"])
def test_a_wrong_result_of_a_foreign_solver_is_caught(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = factory._run

    def run(*args: Any) -> tuple[Array, Array | None, float | None]:
        x, row_dual, bound = right(*args)
        assert row_dual is not None
        return (x, -row_dual, bound) if wrong == "sign" else (0.9 * x, row_dual, bound)

    monkeypatch.setattr(factory, "_run", run)
    with pytest.raises(vd.CertificateError):
        vd.solve(vd.example("electronics"), "icds", "pounce")


def test_ipopt_that_is_not_installed_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vd.solvers.ipopt, "available", lambda: False)
    with pytest.raises(vd.InputError, match="pip install cyipopt-wheels"):
        vd.solve(vd.example("two-suppliers"), "icds", "ipopt")
