"""Files that stand at the root, since people look for them there, and belong to the site as well."""

import re
from pathlib import Path

from generators import ROOT, put

PAGES = {  # page of the site: file of the repository; those that are not there are left out
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "benchmark-decisions": "benchmarks/README.md",
}


def write(docs: Path) -> None:
    """Write the notebooks as tutorials, and the other pages, with their links to one another."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        put(docs / "tutorials" / notebook.name, notebook.read_bytes())
    names = "\n".join(page for page, file in PAGES.items() if (ROOT / file).exists())
    listed = f"# The project\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    put(docs / "project" / "index.md", listed)
    for page, file in PAGES.items():
        if (ROOT / file).exists():
            put(docs / "project" / f"{page}.md", moved((ROOT / file).read_text(encoding="utf-8")))


def moved(text: str) -> str:
    """Return the text of a file of the root with its links as they are in the folder `project` of the site."""
    for page, file in PAGES.items():
        text = text.replace(f"]({file})", f"]({page}.md)").replace(f"](../{file})", f"]({page}.md)")
    return text.replace("](docs/", "](../").replace("](README.md)", "](../index.md)")


def linked(text: str) -> str:
    """Return a page of `docs` with links to files of the root as links to the pages that they have here."""
    for page, file in PAGES.items():
        text = text.replace(f"](../{file})", f"](project/{page}.md)")
    return text.replace("](../README.md)", "](index.md)")


def there(text: str, folder: Path) -> str:
    """Return a page without those lines of its lists of pages, `agents*`, that no page matches."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if any(folder.glob(f"{found[1]}*.md")) else ""

    return re.sub(r"^((?:\.\./)?[\w-]+)\*\n", kept, text, flags=re.MULTILINE)
