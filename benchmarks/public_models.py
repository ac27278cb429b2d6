"""Pyomo's own solver test models, with the results that Pyomo expects of them, through our engines.

    python benchmarks/public_models.py [FOLDER]     of the expected results: pyomo/solvers/tests/models in a checkout of Pyomo

A model is passed where the objective is the one expected (with FOLDER: variables, constraints and duals too), or where
it has no optimum and the error says so. It is refused where an error names what the solver does not take, and failed
where it should be solved and is not. Wrong and crashed must not happen. Wheels of Pyomo come without the expected results; the
objectives are copied from there.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
import pyomo.solvers.tests.models  # noqa: F401  # registers them
from figures import figure
from pyomo.solvers.tests.models.base import all_models

from veridical import solvers
from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.solvers.engines import engine

OBJECTIVES = {
    **{"LP_block": 8, "LP_compiled": -4, "LP_constant_objective1": 0, "LP_constant_objective2": 0, "LP_duals_maximize": 4},
    **{"LP_duals_minimize": -4, "LP_inactive_index": -3, "LP_piecewise": 0.5, "LP_simple": 7, "LP_trivial_constraints": -5},
    **{"LP_unused_vars": 4, "MILP_discrete_var_bounds": -2, "MILP_simple": 6, "MILP_unused_vars": 4, "MIQCP_simple": 0},
    **{"MIQP_simple": 12, "QCP_simple": 2.491562226247, "QP_constant_objective": 0, "QP_simple": 13, "SOS1_simple": 4},
    "SOS2_simple": 0,
}
ENDS = {"infeasible": ("infeasible", "infeasible_or_unbounded"), "unbounded": ("unbounded", "infeasible_or_unbounded")}


def tried(test: Any, solver: str, folder: Path | None) -> tuple[str, str]:
    """Return what became of a test model, and why."""
    test.generate_model(import_suffixes=["dual"])
    test.warmstart_model()
    model = test.model
    end = next((ends for kind, ends in ENDS.items() if kind in test.description), None)
    try:
        solution = solvers.solve(model, solver)
    except InputError as error:
        return "refused", str(error)
    except NotSolvedError as error:
        return (
            "passed" if end and error.status in end else "wrong" if error.status in sum(ENDS.values(), ()) else "failed"
        ), str(error)
    except CertificateError as error:
        return "failed", str(error)
    except Exception as error:
        return "crashed", f"{type(error).__name__}: {error}"
    if end is not None:
        return "wrong", f"objective {solution.objective} of a model that has none"
    different = list(differences(test, solution, folder))
    return ("wrong" if different else "passed"), "; ".join(different)


def differences(test: Any, solution: solvers.Solution, folder: Path | None) -> Iterator[str]:
    """Yield in words where the model, as it is solved, is not as expected."""
    model, tolerance = test.model, test.diff_tol
    optimum = OBJECTIVES[Path(test.results_file).stem]
    if abs(solution.objective - optimum) > tolerance:
        yield f"objective {solution.objective}, expected {optimum}"
    if folder is None:
        return
    expected = json.loads((folder / Path(test.results_file).name).read_text(encoding="utf-8"))
    for component in model.component_data_objects((pyo.Var, pyo.Constraint, pyo.Objective)):
        wanted, got = expected[component.name]["value"], component(exception=False)
        if wanted is not None and (got is None or abs(wanted - got) > tolerance):
            yield f"{component.name} is {got}, expected {wanted}"
    for constraint in model.component_data_objects(pyo.Constraint, active=True) if test.test_suffixes and solution.duals else ():
        wanted = expected[constraint.name].get("dual")
        if wanted is not None and abs(wanted - model.dual[constraint]) > tolerance:
            yield f"dual of {constraint.name} is {model.dual[constraint]}, expected {wanted}"


def main(folder: Path | None) -> None:
    """Print the table."""
    logging.getLogger("pyomo").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    chosen = [name for name in ("highs", "ipopt", "scip", "pounce") if engine(name).available()]
    tests = {name: kind for name, kind in all_models().items() if not name.endswith("_kernel")}
    counts: dict[str, Counter[str]] = {solver: Counter() for solver in (*chosen, "any")}
    reasons: list[str] = []
    print(f"{'model':28s}", *(f"{solver:8s}" for solver in chosen))
    for name, kind in tests.items():
        ends = {solver: tried(kind(), solver, folder) for solver in chosen}
        print(f"{name:28s}", *(f"{ends[solver][0]:8s}" for solver in chosen), flush=True)
        for solver, (end, why) in ends.items():
            counts[solver][end] += 1
            if end != "passed":
                reasons.append(f"{name}, {solver}, {end}: {' '.join(why.split())[:220]}")
        counts["any"]["passed" if any(end == "passed" for end, _ in ends.values()) else "not passed"] += 1
    for solver, count in counts.items():
        print(f"{solver}: {', '.join(f'{number} {end}' for end, number in count.most_common())} of {len(tests)}")
    print("\n".join(reasons))
    for solver in chosen:
        amiss = sum(counts[solver][end] for end in ("wrong", "crashed"))
        figure(f"Pyomo's {len(tests)} test models by {solver}: wrong or crashed", amiss, "models", at_most=0)
    figure(f"Pyomo's {len(tests)} test models: passed by at least one solver", counts["any"]["passed"], "models")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
