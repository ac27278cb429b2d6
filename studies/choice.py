"""How many suppliers to let report: the profit of the hybrid for every k. Section 2.5 of the ICDS paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veridical import models, solvers
from veridical.data import AssemblerCase, InputError
from veridical.data.cards import Card, Shown, table_of
from veridical.data.continuous_case import refuse_continuous
from veridical.data.deprecated import Renamed
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures
from veridical.data.progress import counted
from veridical.solvers import Configuration, closed_form
from veridical.studies.figures import assembler as figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Choice", "choose_k"]

CONTRACTS = 2**16  # menus with more are not looked at


@dataclass(frozen=True)
class Choice(Shown):
    """The hybrid by k, and the smallest k that loses no more than is accepted.

    `table` is indexed by k, the number of suppliers who report: `supplier` who comes to report at that k; `contracts`, the
    number of quantities and payments that the menu lists for a supplier; `profit` in currency; `added` by that supplier; `loss`,
    the share of the profit of ICDS (k = n) that is given up. Where k = n is out of reach it is the most that can be given up, if
    costs are independent, else NaN. `k` is None where no k reached is known to be enough. Menus are compared before any rounding.

    Examples
    --------
    >>> import veridical as vd
    >>> choice = vd.choose_k(vd.example("two-suppliers"), loss=0.05)
    >>> choice.k, choice.table.profit.round(2).tolist()
    (1, [6290.0, 6830.0, 6965.0])
    """

    case: str
    accepted: float
    k: int | None
    table: pd.DataFrame
    measures: Measures = UNSAID

    def figure(self) -> Figure:
        """Return the picture of it: profit against contracts, and what each further supplier adds."""
        title = f"how many suppliers should report? hybrid menus for {self.case}"
        return figures.choice(title, self.table, self.k, self.accepted, self.measures.of_money)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        rows = self.table.reset_index().to_dict(orient="records")
        return {"case": self.case, "loss": self.accepted, "k": self.k, "hybrids": rows, **self.measures.to_dict()}

    record = Renamed("to_dict")

    def _line(self) -> str:
        return f"{self.case!r}: {self._found()}"

    def _card(self) -> Card:
        title = f"how many suppliers should report? hybrid menus for {self.case}"
        said = {"profit": self.measures.money, "added": self.measures.money, "loss": "{:.2%}".format}
        return Card(title, [("k", self._found())], [table_of("", self.table, None, said=said)])

    def _found(self) -> str:
        lost = f"at most {self.accepted:.2%} of what k = n earns"
        return f"no k is known to lose {lost}" if self.k is None else f"k = {self.k} is the smallest that loses {lost}"


def choose_k(
    case: AssemblerCase,
    loss: float = 0.05,
    solver: str | Path | Mapping[str, Any] | Configuration | None = None,
    balanced: bool = False,
) -> Choice:
    """Return the profit of the hybrid for k = 0, 1, ... against the size of its menu, and the smallest k within a loss of ICDS.

    Section 2.5 of the ICDS paper. k goes up to all suppliers, or as far as the menu has at most 65,536 contracts; the prior of a
    copula takes minutes from 12 suppliers on.

    Parameters
    ----------
    case
        A case of an assembler whose suppliers' costs can be listed.
    loss
        The share of the profit of ICDS that may be lost, from 0 to 1.
    solver
        As in `solve`; where none is named the closed form, and full models (solver highs) for each k of which it does not know
        that balanced orders are optimal, as virtual cost is not monotone, and for cases that no closed form takes.
    balanced
        Whether balanced menus are compared, with a balanced ICDS.

    Returns
    -------
    The Choice, with a table by k.

    Raises
    ------
    InputError
        For a loss that is no share, or where the solver refuses the case.

    Examples
    --------
    >>> import veridical as vd
    >>> vd.choose_k(vd.example("two-suppliers"), loss=1.0).k
    0
    """
    if isinstance(loss, bool | np.bool_) or not isinstance(loss, Real | np.number) or not 0 <= loss <= 1:
        raise InputError.of("loss", loss, "a share of the profit, from 0 to 1")
    refuse_continuous(case)
    ways = [solvers.configure(way) for way in (default_solvers(case) if solver is None else [solver])]
    n = len(case.names)
    rows: list[dict[str, Any]] = []
    for k in counted("menu", range(n + 1)):
        reporting = case.widest(k)
        contracts = math.prod(case.shape[i] for i in reporting)
        if contracts > CONTRACTS:
            break
        known = rows and contracts == rows[-1]["contracts"]  # his cost is known: there is nothing to report
        profit = rows[-1]["profit"] if known else first_of(ways, case, k, balanced) + 0.0  # -0 is 0
        newest = next((case.names[i] for i in reporting if i not in case.widest(k - 1)), "") if k else ""
        before = rows[-1]["profit"] if rows else float("nan")
        rows.append({"supplier": newest, "contracts": contracts, "profit": profit, "added": profit - before})
    table = pd.DataFrame(rows).rename_axis("k")
    if len(table) == n + 1:
        best = float(table["profit"].iloc[-1])
    else:
        best = closed_form.assembler.icds_limit(case) if case.independent else float("nan")
    table["loss"] = (1 - table["profit"] / best).clip(lower=0.0) if best > 0 else np.where(np.isnan(best), best, 0.0)
    enough = table.index[table["loss"] <= loss + 1e-9]
    return Choice(case.name, float(loss), int(enough[0]) if len(enough) else None, table, Measures.of(case))


def default_solvers(case: AssemblerCase) -> list[str]:
    """Return who solves a case where nobody is named: the closed form first, where it takes all that the case says."""
    try:
        case.refuse_in_closed_form()
        case.reserved("closed forms")
    except InputError:
        return ["highs"]
    return ["closed_form", "highs"]


def first_of(ways: Sequence[Configuration], case: AssemblerCase, k: int, balanced: bool) -> float:
    """Return the certified profit of the hybrid by the first solver that takes it."""
    for way in ways[:-1]:
        with suppress(InputError):  # no closed form is known of this k: the last says what is wrong, if anything is
            return hybrid(case, k, balanced, way)
    return hybrid(case, k, balanced, ways[-1])


def hybrid(case: AssemblerCase, k: int, balanced: bool, configuration: Configuration) -> float:
    """Return the certified profit of the hybrid."""
    if configuration.solver == "closed_form":
        closed = closed_form.assembler.hybrid
        return closed_form.solve(case, "hybrid", closed, configuration, k=k, balanced=balanced).checked().objective
    form = solvers.preferred_form(case.forms, configuration)
    return solvers.solve(models.hybrid.build(case, form, k=k, balanced=balanced), configuration).objective
