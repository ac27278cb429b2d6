"""Menus in whole numbers: orders and payments that are multiples of something, and truthful to the last digit all the same.

`grid_payments`: the least truthful payments for given orders. `orders`: how quantities become orders. `rounded_menu`: the menu
that loses little. Everything is in whole numbers, so that nothing is compared within a tolerance.
"""

from veridical.contracts.rounding.rounded_menu import RoundedMenu, rounded

__all__ = ["RoundedMenu", "rounded"]
