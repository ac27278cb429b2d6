"""Pages that work without JavaScript, and the JSON API for participants' programs, on FastAPI."""

__all__: list[str] = []
