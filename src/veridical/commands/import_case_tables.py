"""What `veridical import-case` shows: what was made of the tables, and how they were read."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.data import AllocationCase
from veridical.data.assembler import label
from veridical.data.importing.cases import Imported
from veridical.data.measures import Measures
from veridical.families.estimation import few, uneven

__all__ = ["imported"]


def imported(made: Imported, out: str) -> list[RenderableType]:
    """Return the suppliers or retailers of a case that was made of tables, and what is to be said of these."""
    case = made.case
    lines: list[RenderableType] = [Text(f"{out}: a case of kind {case.kind}", style="bold")]
    if isinstance(case, AllocationCase):
        table = tables.table(
            "retailers", "retailers", "how many", "types", "probabilities", left=("retailers", "types", "probabilities")
        )
        for name, group in zip(case.names, case.retailers, strict=True):
            table.add_row(name, f"{group.count:,}", listed(group.theta.tolist()), listed(group.probability.tolist(), 3))
        lines.append(table)
    else:
        headings = ("supplier", "component", "quotes", "costs that stand for them", "how likely")
        table = tables.table("suppliers", *headings, left=("supplier", "component", *headings[3:]))
        for supplier in case.suppliers:
            quotes = f"{len(supplier.reported):,}" if supplier.reports else "-"
            table.add_row(supplier.name, supplier.delivers, quotes, listed(supplier.costs), listed(supplier.likely or (1.0,), 3))
        lines.append(table)
        lines += [Text(f"demand: {demand_of(case)}")] if case.products is None else []
    lines += tables.measured(Measures.of(case))
    lines += [Text(f"{file}: {', '.join(said for name, said in made.notes if name == file)}") for file in dict(made.notes)]
    if not isinstance(case, AllocationCase):
        known = [supplier.name for supplier in case.suppliers if len(supplier.costs) == 1]
        lines += [Text(f"warning: {words}") for words in (*few(case), *uneven(case))]
        lines += [Text(f"one cost alone, which is taken for known: {', '.join(known)}")] if known else []
    return lines


def listed(numbers: tuple[float, ...] | list[float], digits: int | None = None) -> str:
    """Return numbers in words, rounded where that is asked for."""
    return ", ".join(label(number if digits is None else round(number, digits)) for number in numbers)


def demand_of(case: object) -> str:
    """Return the demand of an assembler's case in words."""
    demand = getattr(case, "demand", None)
    values = getattr(demand, "values", ())
    mean = f"mean {getattr(demand, 'expectation', 0.0):,.2f}"
    return f"{len(values):,} observations, {mean}" if values else f"{getattr(demand, 'distribution', '')}, {mean}"
