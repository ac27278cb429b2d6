"""Settings of the site: `sphinx-build -W -b html docs OUT`, with the extra `docs` installed."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from generators import copies, links, write_all  # noqa: E402 - found by the line above

project = "veridical"
author = "The veridical developers"
copyright = f"2026, {author}. Licence: Apache-2.0"
release = version = version_of("veridical")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "generators", "requirements*"]

suppress_warnings = ["ref.python"]  # words of docstrings, such as shape, that several classes have as a name

# Pages
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
copybutton_prompt_text = r">>> |\.\.\. |\$ "  # what is copied runs: without prompts and outputs
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# Notebooks run when the site is built, and are kept by their content. VERIDICAL_NOTEBOOKS=off shows what is stored, which is
# enough where the tests run every cell and compare.
nb_execution_mode = os.environ.get("VERIDICAL_NOTEBOOKS", "cache")
nb_execution_cache_path = str(DOCS / "_build" / "notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

# Reference
default_role = "literal"  # single backticks in docstrings
autodoc_member_order = "bysource"
toc_object_entries = False  # the headings name the same objects
autodoc_typehints = "none"  # docstrings say what arguments are, in words
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Looks
html_theme = "pydata_sphinx_theme"
html_title = f"veridical {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_context = {"default_mode": "light"}
html_show_sourcelink = False


def setup(app):
    """Write the generated pages first, and look at all links last."""
    app.connect("builder-inited", lambda app: write_all(DOCS))
    app.connect("source-read", read)
    app.connect("build-finished", check_links)


def read(app, name: str, source: list[str]) -> None:
    """Make links to files of the root links to their pages here, and leave out pages that are not there."""
    if "/" not in name:
        source[0] = copies.linked(source[0])
    source[0] = copies.there(source[0], (DOCS / name).parent)


def check_links(app, error: Exception | None) -> None:
    """Warn of each link within the site that leads nowhere, and list those that lead outside in a file."""
    from sphinx.util import logging

    if error is None and app.builder.name == "html":
        for problem in links.broken(Path(app.outdir)):
            logging.getLogger(__name__).warning("broken link in %s", problem)
        addresses = "\n".join(links.outside(Path(app.outdir)))
        (Path(app.outdir) / "external-links.txt").write_text(f"{addresses}\n", encoding="utf-8")
