"""What of the papers can be recomputed, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from veridical.data import InputError
from veridical.data.progress import step
from veridical.studies.figures import allocation as allocation_figures
from veridical.studies.papers import allocation_tables, assembler_study, balanced_ordering, continuous_costs, full_models
from veridical.studies.papers.claims import claims
from veridical.studies.papers.reproduction import Reproduction

__all__ = ["LONG", "REPRODUCTIONS", "reproduce"]


def allocation_table(number: int) -> Reproduction:
    """Return one of Tables 1 to 5 of the allocation paper, with its picture."""
    table = allocation_tables.table_5() if number == 5 else allocation_tables.table(number)
    return replace(table, draw=partial(allocation_figures.draw_table, number))


REPRODUCTIONS: Mapping[str, Callable[[], Reproduction]] = {
    "assembler-3.1": assembler_study.section_3_1,
    "assembler-3.2": assembler_study.section_3_2,
    "assembler-3.2.1": assembler_study.section_3_2_1,
    "assembler-figure-1": assembler_study.figure_1,
    "assembler-figure-2": assembler_study.figure_2,
    "assembler-figure-3": assembler_study.figure_3,
    "assembler-proposition-2": balanced_ordering.proposition_2,
    "assembler-proposition-4": continuous_costs.proposition_4,
    **{f"allocation-table-{number}": partial(allocation_table, number) for number in range(1, 6)},
    "allocation-table-1-fixed-price": allocation_tables.table_1_fixed_price,
    "allocation-capacity": allocation_figures.capacity_and_profit,
    "assembler-models": full_models.agreement,
    "claims": claims,
}
LONG = ("assembler-models", "claims")  # run only where they are named: minutes, and a table of another kind


def reproduce(names: Iterable[str] = ()) -> Iterable[Reproduction]:
    """Recompute what the papers print, one table or figure after the other.

    Parameters
    ----------
    names
        Of `REPRODUCTIONS`; all but those of `LONG` where none are given.

    Returns
    -------
    An iterator over Reproduction, each computed when it is reached.

    Raises
    ------
    InputError
        For an unknown name.

    Examples
    --------
    >>> import veridical as vd
    >>> (table,) = vd.reproduce(["allocation-table-5"])
    >>> list(table.table.columns)
    ['published', 'as_published', 'exact', 'where', 'note']
    """
    chosen = list(names) or [name for name in REPRODUCTIONS if name not in LONG]
    for name in chosen:
        if name not in REPRODUCTIONS:
            raise InputError.of("NAME", name, f"one of {', '.join(REPRODUCTIONS)}")
    return map(_recomputed, chosen)


def _recomputed(name: str) -> Reproduction:
    with step(f"recompute {name}"):
        return REPRODUCTIONS[name]()
