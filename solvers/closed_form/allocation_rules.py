"""The rules that ration orders, under the name of the module where they were: see `rationing`."""

from __future__ import annotations

from veridical.data.deprecated import renamed_names

RATIONING = "veridical.solvers.closed_form.rationing"

__getattr__ = renamed_names(
    __name__, {name: f"{RATIONING}.{name}" for name in ("generalized_linear", "linear", "proportional", "uniform")}
)
