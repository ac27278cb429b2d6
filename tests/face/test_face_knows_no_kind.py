"""What solves, compares, prints and reads commands knows no kind of case: what there is to know of one is in its family."""

import ast
from pathlib import Path

import pytest

import veridical as vd
from veridical import contracts, data
from veridical.data.joint_plan import JointPlanCase
from veridical.families import FAMILIES, MECHANISMS

FACE = Path(vd.__file__).parent
GENERAL = ("solving", "comparing", "tables", "cli", "terminal", "families/family", "families/registry", "families/routes")
KINDS = {name for place in (data, contracts) for name in place.__all__ if isinstance(getattr(place, name), type)}
PLAIN = {
    "InputError",
    "NotSolvedError",
    "CertificateError",
    "VeridicalError",
    "Problem",
    "Audit",
    "Finding",
    "Misreport",
    "Property",
}
ROUTES = {route.name for mechanism in MECHANISMS.values() for route in mechanism.routes}
SOLVERS = {route.solver for mechanism in MECHANISMS.values() for route in mechanism.routes if route.solver}
NAMES = set(MECHANISMS) | ROUTES | SOLVERS | {family.kind for family in FAMILIES.values()}


def knowledge(source: str) -> list[str]:
    """Return what a module knows of kinds: types that it names, and names that it compares with or looks up."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in KINDS - PLAIN:
            found.append(name)
        if isinstance(node, ast.ImportFrom):
            found += [alias.name for alias in node.names if alias.name in KINDS - PLAIN]
        compared: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            compared = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            compared = [node.slice]
        elif isinstance(node, ast.MatchValue):
            compared = [node.value]
        inner = [part for one in compared for part in ast.walk(one)]
        found += [str(one.value) for one in inner if isinstance(one, ast.Constant) and one.value in NAMES]
    return found


@pytest.mark.parametrize("module", GENERAL)
def test_general_modules_know_no_kind(module: str) -> None:
    assert knowledge((FACE / f"{module}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("isinstance(case, AllocationCase)", ["AllocationCase"]),
        ("from veridical.contracts import Menu", ["Menu"]),
        ("x = contracts.Settlement", ["Settlement"]),
        ("configuration.solver == 'consensus'", ["consensus"]),
        ("'first_best' in fitting(case)", ["first_best"]),
        ("MECHANISMS['agv']", ["agv"]),
        ("name in ('bic', 'icds')", ["bic", "icds"]),
        ("isinstance(offer, Mechanism)", []),
    ],
)
def test_the_test_sees_what_is_known(source: str, known: list[str]) -> None:
    assert knowledge(source) == known


def test_the_types_of_cases_and_outcomes_are_among_those_looked_for() -> None:
    assert JointPlanCase.__name__ in KINDS
    assert {family.case.__name__ for family in FAMILIES.values()} <= KINDS
    assert {"Menu", "Allotment", "Settlement", "AllocationAudit", "JointPlanAudit", "GameAudit"} <= KINDS
