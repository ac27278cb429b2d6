"""Links of the finished site: those within it must lead somewhere; those that lead outside are listed, and not followed."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["broken", "outside"]


class Page(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the link or the place of a tag."""
        for name, value in attrs:
            if value and (name, tag) in {("href", "a"), ("href", "link"), ("src", "img"), ("src", "script")}:
                self.links.append(value)
            elif value and name in {"id", "name"}:
                self.places.add(value)


def pages(site: Path) -> dict[Path, Page]:
    """Return all pages of a built site."""
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}


def broken(site: Path) -> Iterator[str]:
    """Yield, in words, the links within the site that lead nowhere."""
    site = site.resolve()
    known = pages(site)
    for path, page in known.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{path.relative_to(site)}: no file {link}"
            elif parts.fragment and target in known and unquote(parts.fragment) not in known[target].places:
                yield f"{path.relative_to(site)}: no place {link}"


def outside(site: Path) -> list[str]:
    """Return the addresses outside the site that its pages link to."""
    return sorted({link for page in pages(site).values() for link in page.links if urlsplit(link).scheme in {"http", "https"}})
