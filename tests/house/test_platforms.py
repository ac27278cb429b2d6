"""Ipopt is asked for where there is a wheel of it, and nowhere else: an installation would fail as a whole."""

import tomllib
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from support.places import ROOT

# Wheels of cyipopt-wheels 1.7.0.dev0 in the package index: cp310 to cp313; manylinux x86_64 and aarch64, macosx arm64, win_amd64.
PLATFORMS = {
    "Linux x86_64": True,
    "Linux aarch64": True,
    "Linux ppc64le": False,
    "Linux armv7l": False,
    "Darwin arm64": True,
    "Darwin x86_64": False,
    "Windows AMD64": True,
    "Windows ARM64": False,
}


def asked_for(platform: str, version: str = "3.12", implementation: str = "CPython") -> list[str]:
    """Return the requirements of Ipopt that count on a platform."""
    system, _, machine = platform.partition(" ")
    environment: dict[str, Any] = {**default_environment(), "platform_system": system, "platform_machine": machine}
    environment |= {"python_version": version, "platform_python_implementation": implementation}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [one for one in map(Requirement, project["dependencies"]) if one.name == "cyipopt-wheels"]
    return [str(one.specifier) for one in found if one.marker is None or one.marker.evaluate(environment)]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ipopt_is_installed_where_there_is_a_wheel(platform: str) -> None:
    wheels = ["==1.7.0.dev0"] if PLATFORMS[platform] else []
    assert [asked_for(platform, version) for version in ("3.11", "3.12", "3.13")] == [wheels] * 3
    assert asked_for(platform, "3.14") == []
    assert asked_for(platform, implementation="PyPy") == []
