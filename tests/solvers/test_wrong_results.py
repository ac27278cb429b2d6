"""A solver that returns a wrong result and calls it optimal is caught, whichever solver it is."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyomo.contrib.pynumero.interfaces import cyipopt_interface

import veridical as vd
from veridical.solvers.engines import ipopt
from veridical.solvers.engines import pyomo_factory as factory

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
    configuration = {"solver": "ipopt", "form": form}
    with np.errstate(all="ignore"), contextlib.suppress(vd.CertificateError):  # what is near enough is mended by polishing
        assert vd.solve(case, "icds", configuration).objective == pytest.approx(6965, rel=1e-9)
    monkeypatch.setattr(ipopt, "polished", lambda form, x, row_dual, *_: (x, row_dual))
    with np.errstate(all="ignore"), pytest.raises(vd.CertificateError):
        vd.solve(case, "icds", configuration)


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
    monkeypatch.setattr(vd.solvers.engines.ipopt, "available", lambda: False)
    with pytest.raises(vd.InputError, match="pip install cyipopt-wheels"):
        vd.solve(vd.example("two-suppliers"), "icds", "ipopt")


def test_pooling_too_much_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # One pool of everything is monotone and has the right mean: only the proof of the bound tells that it is wrong.
    def pooled(weight: Array, weighted: Array) -> Array:
        return np.full(weight.shape, weighted.sum() / weight.sum())

    correlated = vd.example("two-suppliers-correlated")
    raw = vd.example("two-suppliers").model_dump()
    own = {"name": "panel", "costs": [1.0, 2.0, 3.0], "probabilities": [0.6, 0.01, 0.39]}
    raw["suppliers"] = [own, raw["suppliers"][1]]
    irregular = vd.data.AssemblerCase.model_validate(raw)
    assert vd.solve(correlated, "icds_balanced", "closed_form").objective == pytest.approx(4896.969697, rel=1e-9)
    assert vd.solve(irregular, "icds", "closed_form").certificate.holds
    monkeypatch.setattr(vd.solvers.closed_form.assembler, "isotonic", pooled)
    monkeypatch.setattr(vd.solvers.closed_form.assembler, "chain", pooled)
    for case, mechanism in ((correlated, "icds_balanced"), (irregular, "icds")):
        with pytest.raises(vd.CertificateError):
            vd.solve(case, mechanism, "closed_form")
