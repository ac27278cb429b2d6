"""Figures of results. Rooms: `figures`."""

from veridical.studies import figures

__all__ = ["figures"]
