"""A figure that a notebook shows."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib import figure, rc_context

__all__ = ["Figure"]

EMBEDDED: Any = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
}  # TrueType: journals refuse matplotlib's Type 3


class Figure(figure.Figure):
    """A figure of matplotlib that a notebook shows as it is, also where nobody has told it to (`%matplotlib inline`)."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png", dpi=100)
        return content.getvalue()

    def savefig(self, *arguments: Any, **settings: Any) -> None:
        """Write it as matplotlib does; letters of PDF and PostScript are TrueType, which journals take."""
        with rc_context(EMBEDDED):
            super().savefig(*arguments, **settings)
