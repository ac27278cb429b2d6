"""The assembler's mechanisms, one file each: `build(case)` gives the Pyomo model, `menu(model)` what a solved one says.

`vocabulary` holds the sets and the constraints that they share.
"""

from veridical.models.assembler import bic, continuous, first_best, frw, hybrid, icds, icds_balanced, naive

__all__ = ["bic", "continuous", "first_best", "frw", "hybrid", "icds", "icds_balanced", "naive"]
