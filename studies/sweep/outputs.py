"""Columns that a study is asked for: figures of a comparison, of the audit, of the contracts; duals; sensitivities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import getattr_static
from numbers import Real
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator

from veridical.data.deprecated import Renamed
from veridical.data.record import Record, wrong
from veridical.solvers import Solution

__all__ = ["OF_PARTS", "SHORT", "SUMMARIES", "Outputs", "figure", "is_known", "known"]

SHORT = {"rents": "expected_rents", "regret": "max_regret", "profit": "objective"}
PARTS = ("audit", "contracts", "certificate")  # of a solution, whose numbers are columns: `certificate:gap`
SUMMARIES: Mapping[str, Callable[[pd.Series], Any]] = {
    "max": pd.Series.max,
    "min": pd.Series.min,
    "mean": pd.Series.mean,
    "sum": pd.Series.sum,
}
OF_PARTS = "dual:FAMILY:max (or min, mean, sum), sensitivity:NAME, or audit:NAME, contracts:NAME, certificate:NAME"
ALLOWED = f"a figure of `compare` (rents, regret, capacity, savings, ...), {OF_PARTS}"


def _columns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise wrong(value, "a list of columns")
    for k, name in enumerate(value):
        parts = name.split(":") if isinstance(name, str) else []
        if parts[:1] == ["dual"] and len(parts) == 3 and parts[1] and parts[2] not in SUMMARIES:
            raise wrong(name, f"dual:{parts[1]}: and one of {', '.join(SUMMARIES)}", f"[{k}]")
        is_dual = parts[:1] == ["dual"] and len(parts) == 3 and bool(parts[1])
        is_part = len(parts) >= 2 and parts[0] in (*PARTS, "sensitivity") and all(parts)
        if not is_dual and not is_part and (len(parts) != 1 or not parts[0].isidentifier()):
            raise wrong(name, ALLOWED, f"[{k}]")
        if name in value[:k]:
            raise wrong(name, "every column once", f"[{k}]")
    return tuple(value)


class Outputs(Record):
    """Which columns are asked for; those that every study has may be named, too."""

    columns: Annotated[tuple[str, ...], BeforeValidator(_columns)] = ()


def figure(name: str, solution: Solution, compared: Mapping[str, Any]) -> float | None:
    """Return the number of a column, None where the solution has none; `compared` are its figures in a comparison."""
    head, *rest = name.split(":", 1)
    if not rest:
        return _number({"objective": solution.objective, **compared}.get(SHORT.get(name, name)))
    if head == "dual":
        family, summary = rest[0].rsplit(":", 1)
        duals = solution.duals.get(family)
        return None if duals is None or duals.empty else _number(SUMMARIES[summary](duals))
    if head == "sensitivity":
        return _number(solution.sensitivity.get(rest[0]))
    return _number(getattr(getattr(solution, head), rest[0], None))


def is_known(name: str, solution: Solution, compared: Mapping[str, Any]) -> bool:
    """Whether such a solution has a column of that name, though it may be empty."""
    if ":" not in name:
        return SHORT.get(name, name) in ("objective", *compared)
    return figure(name, solution, compared) is not None or name in known(name, solution, compared)


def known(name: str, solution: Solution, compared: Mapping[str, Any]) -> list[str]:
    """Return what could stand in the place of a column's name for such a solution."""
    head, *rest = name.split(":", 1)
    if not rest:
        short = [word for word, meant in SHORT.items() if meant in compared or meant == "objective"]
        return [*short, *compared]
    if head == "dual":
        return [f"dual:{family}:{rest[0].rsplit(':', 1)[1]}" for family in solution.duals]
    if head == "sensitivity":
        return [f"sensitivity:{key}" for key in solution.sensitivity.index]
    part = getattr(solution, head)
    names = (key for key in dir(part) if not key.startswith("_") and not isinstance(getattr_static(part, key), Renamed))
    return [f"{head}:{key}" for key in names if _number(getattr(part, key, None)) is not None]


def _number(value: Any) -> float | None:
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, Real):  # booleans are: 1 and 0
        return None
    return None if math.isnan(float(value)) else float(value)
