"""Pages of the site that are not written by hand: made from types, docstrings, notebooks and records each time it is built."""

from pathlib import Path

__all__ = ["GENERATED", "ROOT", "put", "write_all"]

ROOT = Path(__file__).parents[2]
GENERATED = ("tutorials", "cases", "reference", "gallery", "project", "published.md")  # in docs/, and in no commit


def put(path: Path, content: str | bytes) -> None:
    """Write a file, if it would change: what has not changed is not read again by Sphinx."""
    data = content.encode() if isinstance(content, str) else content
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_all(docs: Path) -> None:
    """Write all generated pages into the folder of the site's sources."""
    from generators import case_pages, copies, gallery, published, reference

    copies.write(docs)
    case_pages.write(docs / "cases")
    reference.write(docs / "reference")
    published.write(docs / "published.md")
    gallery.write(docs / "gallery")
