"""Pictures of results, as matplotlib figures: contract menus, allocations, settlements, rolling runs."""
