"""A table of results that says what it is: in a line where it is printed, as a card in a notebook; `print` shows its rows."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import pandas as pd

from veridical.data.cards import Card
from veridical.data.errors import visible

__all__ = ["ShownFrame"]

WIDTH = 100  # of printed rows; what is wider goes on below, so that no column is left out


class ShownFrame(pd.DataFrame):
    """A DataFrame with a line and a card of its own, as long as it has the columns `WHOLE`; else it is shown as pandas does."""

    WHOLE: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({visible(self._line())})" if self._whole() else super().__repr__()

    def __str__(self) -> str:
        if not self._whole():
            return super().__repr__()
        return str(self.to_string(max_rows=pd.get_option("display.max_rows"), line_width=WIDTH))

    def _repr_html_(self) -> str | None:
        if not self._whole():
            return cast(Any, super())._repr_html_()  # type: ignore[no-any-return]
        return self._card().html()

    def _whole(self) -> bool:
        return set(self.WHOLE) <= set(self.columns)

    def _line(self) -> str:
        raise NotImplementedError

    def _card(self) -> Card:
        raise NotImplementedError
