"""Mechanisms side by side: the table of a comparison, which also draws itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from veridical.data.cards import Card, table_of
from veridical.data.measures import Measures
from veridical.studies.shown_frame import ShownFrame

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison"]


class Comparison(ShownFrame):
    """A row a mechanism. Everything that a DataFrame does, it does.

    `attrs`: `case`, its name; `drawn`, by column that the picture shows what its axis is called; `left_out`, mechanisms with the
    reason; `under`, of which prior profits are expectations where it is not the case's own; `currency` and `unit`, where the case
    says these.
    """

    WHOLE = ("profit", "truthful", "status", "seconds")

    @property
    def _constructor(self) -> type[Comparison]:
        return Comparison

    @classmethod
    def of(
        cls, rows: Mapping[str, Mapping[str, Any]], case: Any, drawn: Mapping[str, str], left_out: Mapping[str, str], under: str
    ) -> Comparison:
        """Return the table of rows by mechanism."""
        frame = cls(pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("mechanism"))
        frame.attrs |= {"case": case.name, "drawn": dict(drawn), "left_out": dict(left_out), "under": under}
        frame.attrs.update(Measures.of(case).to_dict())
        return frame

    @property
    def measures(self) -> Measures:
        """In what money and quantities are said."""
        return Measures(**{name: self.attrs[name] for name in ("currency", "unit") if name in self.attrs})

    def figure(self) -> Figure:
        """Return the picture: what each mechanism comes to, a panel a column of money, and whether truth is best under it."""
        from veridical.studies.figures import comparison

        return comparison.draw(self)

    @property
    def best(self) -> tuple[str, str, str]:
        """What is most of the first amount that is drawn: what that is called, the mechanism, and the amount, in words."""
        column, words = next(iter((self.attrs.get("drawn") or {"profit": "profit"}).items()))
        amounts = self[column]
        return words, str(amounts.idxmax()), self.measures.fitted(money=float(amounts.abs().max())).amount(float(amounts.max()))

    def _line(self) -> str:
        name, mechanism, most = self.best
        listed = ", ".join(map(str, self.index))
        return f"{len(self)} mechanisms for {self.attrs.get('case', 'a case')!r}: {listed}; most {name} {most} by {mechanism}"

    def _card(self) -> Card:
        notes = [f"{name} is left out: {reason}" for name, reason in self.attrs.get("left_out", {}).items()]
        notes += [f"expected profits are under {self.attrs['under']}"] if self.attrs.get("under") else []
        notes += self.attrs.get("remarks", [])
        notes += [self.measures.sentence] if self.measures.sentence else []
        said = self._said()
        return Card(
            f"mechanisms for {self.attrs.get('case', 'a case')}", tables=[table_of("", self, None, said=said)], notes=notes
        )

    def _said(self) -> dict[str, Callable[[Any], str]]:
        """Return how numbers are said, by column: shares of one in percent, units, and money."""
        words = self.measures.fitted(money=float(self["profit"].abs().max()))
        ways: dict[str, Callable[[Any], str]] = {}
        for name in (str(name) for name in self if self[name].dtype.kind == "f" and name != "seconds"):
            share = "share" in name or name == "penalty"
            ways[name] = "{:.2%}".format if share else words.quantity if name == "capacity" else words.money
        return ways
