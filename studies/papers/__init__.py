"""The tables and figures of the papers, recomputed: published, as published, exact; and their claims, each true or false."""

from veridical.data.lazy import found_when_used

_MODULES = (
    "allocation_tables",
    "assembler_study",
    "balanced_ordering",
    "claims",
    "continuous_costs",
    "full_models",
    "reproduction",
)

__getattr__ = found_when_used(__name__, {}, _MODULES)
