"""Contracts are of use where no solver and no Pyomo is installed."""

import subprocess
import sys

import pytest

BLOCKED = ("pyomo", "highspy", "cyipopt", "piqp", "matplotlib")


def run(code: str, blocked: tuple[str, ...] = BLOCKED) -> str:
    """Return what a program prints in a process in which some modules cannot be imported."""
    head = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
    ended = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("package", ["veridical.contracts", "veridical.contracts.joint_plan.transfers", "veridical.data"])
def test_contracts_and_data_need_no_pyomo(package: str) -> None:
    run(f"import {package}")


def test_a_menu_is_audited_without_pyomo() -> None:
    code = """
import numpy as np
import veridical as vd
case = vd.example("two-suppliers")
units = np.full((2, 2, 2), 100.0)
pay = np.stack([units[0] * 9, units[1] * 4])
print(vd.contracts.audit(vd.contracts.Menu(case, units[0], pay)).truthful, vd.PROPERTIES["ex_post_ir"] is not None)
"""
    assert run(code).split() == ["True", "True"]


@pytest.mark.parametrize("blocked", [BLOCKED, ()])
def test_the_package_alone_imports_nothing_that_is_heavy(blocked: tuple[str, ...]) -> None:
    heavy = ("numpy", "pandas", "pyomo.environ", "scipy", "matplotlib", "rich", "typer")
    code = f"import veridical; print(sorted(set({heavy!r}) & {{name for name, m in sys.modules.items() if m}}))"
    assert run(code, blocked).strip() == "[]"
