"""The assembler's mechanisms, one module each: `build(case)` returns the Pyomo model, `menu(model)` the menu of a solved one.

`vocabulary` holds the sets and the constraints that they share.
"""

from veridical.models.assembler import bic, continuous, first_best, frw, hybrid, icds, icds_balanced, naive

__all__ = ["bic", "continuous", "first_best", "frw", "hybrid", "icds", "icds_balanced", "naive"]
