"""A figure that a notebook shows."""

from __future__ import annotations

from io import BytesIO

from matplotlib import figure

__all__ = ["Figure"]


class Figure(figure.Figure):
    """A figure of matplotlib that a notebook shows as it is, also where nobody has told it to (`%matplotlib inline`)."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png", dpi=100)
        return content.getvalue()
