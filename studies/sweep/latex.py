r"""Tables for LaTeX with the rules of booktabs; needs \usepackage{booktabs} and nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from veridical.studies.sweep.columns import worded

__all__ = ["escaped", "table"]

ROUNDING = 1e-9  # what is smaller is 0: regrets, gaps and residuals are not exactly so
SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": "$<$", ">": "$>$"},
}


def escaped(text: str) -> str:
    """Return text as LaTeX sets it letter by letter."""
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))


def table(frame: pd.DataFrame, digits: int, caption: str | None = None, label: str | None = None) -> str:
    """Return a table without its index: numbers to the right, with the decimals that `digits` leave to the largest of a column.

    A cell that is empty has a dash. With a caption or a label the table is a float.
    """
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool for name in frame}
    cells = [_column(frame[name], digits) if numeric[name] else _words(frame[name]) for name in frame]
    heading = " & ".join(escaped(worded(str(name))) for name in frame)
    rows = [" & ".join(row) + r" \\" for row in zip(*cells, strict=True)]
    columns = "".join("r" if numeric[name] else "l" for name in frame)
    body = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        heading + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if caption is not None or label is not None:
        said = [] if caption is None else [rf"\caption{{{escaped(caption)}}}"]
        said += [] if label is None else [rf"\label{{{label}}}"]
        body = [r"\begin{table}", r"\centering", *said, *body, r"\end{table}"]
    return "\n".join(body) + "\n"


def _words(column: pd.Series) -> list[str]:
    return ["--" if _is_empty(value) else escaped(str(value)) for value in column]


def _column(column: pd.Series, digits: int) -> list[str]:
    values = column.to_numpy(dtype=float)
    values = np.where(np.abs(values) < ROUNDING, 0.0, values)
    finite = values[np.isfinite(values)]
    size = float(np.abs(finite).max(initial=0.0))
    most = max(digits - 1 - (math.floor(math.log10(size)) if size > 0 else 0), 0)
    decimals = next((k for k in range(most) if np.allclose(np.round(finite, k), finite, rtol=0, atol=10.0 ** -(most + 1))), most)
    if size > 0 and (size >= 10.0 ** (digits + 3) or size < 10.0**-4):
        return [_power(value, digits) for value in values]
    return [_number(value, decimals) for value in values]


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return "--" if math.isnan(value) else rf"${'-' if value < 0 else ''}\infty$"
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    text = text.replace(",", "{,}")
    return f"${text}$" if text.startswith("-") else text


def _power(value: float, digits: int) -> str:
    if not math.isfinite(value) or value == 0:
        return _number(value, 0)
    figure, _, power = f"{value:.{digits - 1}e}".partition("e")
    figure = figure.rstrip("0").rstrip(".")
    return rf"${figure} \times 10^{{{int(power)}}}$"


def _is_empty(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
