"""What to cite for a result: this package, the papers of the mechanism, and those of what was used to compute it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from veridical.data import InputError
from veridical.data.cards import Card, Shown
from veridical.data.sources import SOURCES, Source
from veridical.data.stamp import RELEASED, version
from veridical.families import MECHANISMS, Mechanism, family_of, find
from veridical.solvers import Solution

__all__ = ["Citations", "cite"]

ALLOWED = "a solution, the table of a study, a case, a mechanism"
SOLVERS = {"highs": "highs2018", "ipopt": "ipopt2006", "consensus": "eckstein1992"}  # how the name of a solver begins
PARAMETERS = {("redistribution", "cavallo"): "cavallo2006"}  # of a mechanism: what a value of them rests on


@dataclass(frozen=True)
class Citations(Shown, Sequence[Source]):
    """Works to cite, in order: `str()` and `text` are a list of references, `bibtex` the entries of a BibTeX file."""

    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, place: Any) -> Any:
        return self.sources[place]

    def __str__(self) -> str:
        return self.text

    def _line(self) -> str:
        return ", ".join(one.key for one in self.sources)

    def _card(self) -> Card:
        return Card("to be cited", notes=[*self.text.splitlines(), "`.bibtex` has the same for a BibTeX file"])

    @property
    def text(self) -> str:
        """A line a work, each with what it is used for."""
        return "\n".join(f"{one.text}{f' [{one.used_for}]' if one.used_for else ''}" for one in self.sources)

    @property
    def bibtex(self) -> str:
        """An entry a work."""
        return "\n\n".join(one.bibtex for one in self.sources)


def cite(what: Any) -> Citations:
    """Return what to cite for a solution, a study, a case or a mechanism.

    Parameters
    ----------
    what
        A `Solution`: this package, the papers of its mechanism, and those of what it was computed with. A case: those of the
        mechanism that is its kind's own. The table of a study: those of its mechanisms, and of what solved its points. A
        mechanism, or the name of one.

    Returns
    -------
    Citations
        `print(vd.cite(solution))` shows them, `vd.cite(solution).bibtex` is for a BibTeX file.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> import veridical as vd
    >>> [source.key for source in vd.cite(vd.solve(vd.example("two-suppliers"), "frw"))]
    ['veridical', 'fang2014', 'icds', 'pyomo2011', 'highs2018']
    >>> print(vd.cite("fixed_price")[1].text)  # doctest: +ELLIPSIS
    Cachon, G. P. and Lariviere, M. A. (1999). Capacity choice and allocation: ...
    """
    found: dict[str, Source] = {}
    for one in (_package(), *_of(what)):
        found.setdefault(one.key, one)
    return Citations(tuple(found.values()))


def _of(what: Any) -> Iterator[Source]:
    """Yield the works behind something, in the order in which they matter."""
    if isinstance(what, Solution):
        mechanism = MECHANISMS.get(what.mechanism or "")
        yield from () if mechanism is None else mechanism.cited
        yield from map(SOURCES.__getitem__, _computed(what))
    elif isinstance(what, Mechanism):
        yield from what.cited
    elif isinstance(what, str):
        yield from _named(what).cited
    elif {"mechanism", "engine"} <= set(getattr(what, "columns", ())):  # the table of a study, whole or in part
        for name in what["mechanism"].unique():
            yield from _named(name).cited
        yield from map(SOURCES.__getitem__, _engines(what["engine"].dropna().unique()))
    else:
        try:
            family_of(what)
        except InputError:
            raise InputError.of("cite", f"<{type(what).__name__}>", ALLOWED) from None
        yield from find(what, None).cited


def _computed(solution: Solution) -> Iterator[str]:
    """Yield the keys of what a solution was computed with."""
    for name, value in solution.parameters.items():
        if isinstance(value, str) and (name, value) in PARAMETERS:
            yield PARAMETERS[name, value]
    if solution.ambiguity is not None and solution.ambiguity["distance"] == "wasserstein":
        yield "esfahani2018"
    if solution.prior is not None and str(solution.prior.get("method", "")).startswith("Plackett"):
        yield "plackett1954"
    if solution.estimate is not None:
        yield "efron1993"
    yield from _engines([solution.solver.name])


def _engines(names: Iterable[str]) -> Iterator[str]:
    """Yield the keys of solvers, by how their names begin, and before them of what models are written in, where there are any."""
    solvers = [name for name in names if not name.startswith("closed_form")]
    if solvers:
        yield "pyomo2011"
    yield from (key for start, key in SOLVERS.items() if any(name.startswith(start) for name in solvers))


def _named(name: str) -> Mechanism:
    from veridical.families import load_installed

    if name not in MECHANISMS:
        load_installed()
    if name not in MECHANISMS:
        raise InputError.of("cite", name, f"{ALLOWED}, or one of {', '.join(MECHANISMS)}")
    return MECHANISMS[name]


def _package() -> Source:
    """Return this package as a work."""
    return Source(
        "veridical",
        "misc",
        "veridical: truthful mechanisms for supply chains, as optimisation models in Pyomo",
        RELEASED,
        authors=("The veridical developers",),
        fields={"version": version()},
        used_for="this package",
    )
