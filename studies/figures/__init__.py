"""Pictures of results, as matplotlib figures: contract menus, allocations, settlements, rolling runs."""

from veridical.data.lazy import found_when_used

__getattr__ = found_when_used(__name__, {}, ("allocation", "assembler", "pilot", "settlement", "study", "style"))
