"""A report as one page of HTML that needs nothing else, to read on a screen or on paper: its sections and its style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from veridical.data.cards import reflow, text

__all__ = ["Section", "page", "paragraphs", "picture", "preformatted"]

STYLE = """\
:root{color-scheme:light dark;--ink:#1b2430;--soft:#4d5a6a;--line:#cdd5df;--paper:#fff;--tint:#f2f5f9;\
--accent:#1c6b3a;--warn:#8a4b00}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#a9b4c2;--line:#3d4856;--paper:#12171e;\
--tint:#1c232d;--accent:#6cc08b;--warn:#f0b060}}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:var(--paper);font:16px/1.5 system-ui,"Segoe UI","Helvetica Neue",Arial,sans-serif}
main{max-width:60rem;margin:0 auto;padding:0 1rem 3rem}
h1{font-size:1.6rem;line-height:1.25;margin:1.4rem 0 .2rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
.about{color:var(--soft);margin:0 0 1rem}
.decision{background:var(--tint);border-left:4px solid var(--accent);padding:.8rem 1rem;margin:1rem 0}
.decision p:first-child{font-size:1.1rem;font-weight:600}
.warning{color:var(--warn)}
.wide{overflow-x:auto;margin:.6rem 0;container-type:inline-size}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding:.2rem 0 .4rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
td{white-space:nowrap}
thead th{vertical-align:bottom;color:var(--soft);font-weight:600}
th.name,td.name{text-align:left;white-space:normal;min-width:4em}
td.long{min-width:12em}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.2rem 1.2rem;margin:.6rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
figure{margin:.8rem 0;background:#fff;border:1px solid var(--line);border-radius:4px;padding:.4rem}
figure svg{display:block;width:100%;height:auto}
pre{background:var(--tint);padding:.8rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dt{margin-top:.5rem}th,td{padding:.3rem .4rem}}
@page{size:A4;margin:16mm 15mm}
@media print{
:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--tint:#f4f4f4;--accent:#1c6b3a;--warn:#6b3a00}
body{font-size:10pt}
main{max-width:none;padding:0}
h1{font-size:17pt;margin-top:0}
h2{font-size:12.5pt;break-after:avoid}
table{font-size:8.5pt;max-width:100%}
table.many{font-size:6.8pt}
table.many th,table.many td{padding:.1rem .22rem;min-width:0}
figure svg{max-height:235mm}
th,td{padding:.15rem .4rem}
thead{display:table-header-group}
thead tr{break-after:avoid}
tbody tr:first-child{break-before:avoid}
tr,figure,.decision,dl{break-inside:avoid}
caption{break-after:avoid}
figure{border:0;padding:0}
.wide{overflow:visible}
pre{font-size:8pt}
}
"""


@dataclass(frozen=True)
class Section:
    """A part of a report: its title, and HTML."""

    title: str
    body: str


def page(title: str, about: str, decision: str, sections: Sequence[Section]) -> str:
    """Return a page: what has been decided first, then the sections that there is something to say in.

    `title` and `about` are text, `decision` and the bodies of sections HTML.
    """
    shown = [f"<section><h2>{text(one.title)}</h2>\n{one.body}\n</section>" for one in sections if one.body]
    head = '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    head += f"<title>{text(title)}</title>"
    opening = f'<h1>{text(title)}</h1>\n<p class="about">{text(about)}</p>\n<div class="decision">{decision}</div>'
    body = "\n".join([opening, *shown]).replace("<table", '<div class="wide"><table').replace("</table>", "</table></div>")
    style = f"{STYLE}@media screen{{\n{reflow(body)}}}\n"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def paragraphs(lines: Sequence[str]) -> str:
    """Return sentences as HTML, a paragraph each."""
    return "\n".join(f"<p>{text(line)}</p>" for line in lines)


def preformatted(lines: str) -> str:
    """Return text as it stands, line by line, as HTML."""
    return f"<pre>{chr(10).join(map(text, lines.splitlines()))}</pre>" if lines else ""


def picture(svg: str, words: str) -> str:
    """Return a drawing as HTML; `words` say what it is to who does not see it."""
    return f'<figure role="img" aria-label="{text(words)}">{svg}</figure>' if svg else ""
