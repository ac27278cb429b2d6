"""What results rest on, to be cited: papers, and the software that solves.

What is said of a work is what the work itself, or whoever cites it here, says: the manuscript on assemblers that was used names
no authors, and the article on joint plans neither author nor date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True)
class Source:
    """A work that is cited.

    Parameters
    ----------
    key : str
        By which BibTeX knows it.
    kind : str
        The type of the BibTeX entry: `article`, `inproceedings`, `unpublished`, `misc`, `software`.
    title : str
        Of the work.
    year : str
        Of the work; empty where it says none.
    authors : tuple of str
        As `Last, First`; none where it names none.
    fields : mapping of str to str
        Further fields of the entry: journal, volume, note.
    used_for : str
        What of it is used here.

    Examples
    --------
    >>> SOURCES["groves1973"].text
    'Groves, T. (1973). Incentives in teams. Econometrica, 41.'
    >>> print(SOURCES["groves1973"].bibtex)
    @article{groves1973,
      author = {Groves, Theodore},
      title = {{Incentives in teams}},
      journal = {Econometrica},
      volume = {41},
      year = {1973},
    }
    """

    key: str
    kind: str
    title: str
    year: str = ""
    authors: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    used_for: str = ""

    @property
    def bibtex(self) -> str:
        """The entry of a BibTeX file."""
        names = (author if ", " in author else f"{{{author}}}" for author in self.authors)  # a body's name is one word
        author = {"author": " and ".join(names)} if self.authors else {}
        year = {"year": self.year} if self.year else {}
        entries = {**author, "title": f"{{{self.title}}}", **self.fields, **year}
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in entries.items())
        return f"@{self.kind}{{{self.key},\n{lines}}}"

    @property
    def text(self) -> str:
        """The work in one line, as a list of references has it."""
        names = [_short(author) for author in self.authors]
        who = ", ".join([*names[:-2], " and ".join(names[-2:])]) if names else ""
        place = self.fields.get("journal") or self.fields.get("booktitle") or self.fields.get("howpublished") or ""
        number = self.fields.get("volume", "")
        where = f"{place}, {number}" if place and number else place
        first = f"{who} ({self.year})" if who and self.year else who or self.year
        version = f"Version {self.fields['version']}" if "version" in self.fields else ""
        parts = [first, self.title, where, self.fields.get("publisher", ""), self.fields.get("note", ""), version]
        return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _short(author: str) -> str:
    """Return an author with initials: `Groves, T.`; a name without a comma is a body's, and stays."""
    last, comma, first = author.partition(", ")
    initials = ("-".join(f"{part[0]}." for part in name.split("-")) for name in first.split())
    return f"{last}, {' '.join(initials)}" if comma else last


_ALL = (
    Source(
        "icds",
        "unpublished",
        "Incentive-Compatible in Dominant Strategies Mechanism Design for an Assembler under Asymmetric Information",
        fields={"note": "Manuscript; the copy used names no authors and no date"},
        used_for="menus of an assembler: ICDS, hybrid, naive, continuous costs, the balanced form",
    ),
    Source(
        "fang2014",
        "article",
        "Optimal procurement design of an assembly supply chain with information asymmetry",
        "2014",
        ("Fang, Xin", "Ru, Jun", "Wang, Yunzeng"),
        {"journal": "Production and Operations Management", "volume": "23"},
        "FRW: contracts that answer to a supplier's own cost alone",
    ),
    Source(
        "cremer1988",
        "article",
        "Full extraction of the surplus in Bayesian and dominant strategy auctions",
        "1988",
        ("Crémer, Jacques", "McLean, Richard P."),
        {"journal": "Econometrica", "volume": "56"},
        "bets on what the others report, where types are correlated",
    ),
    Source(
        "deshpande2005",
        "unpublished",
        "Optimal Capacity Choice and Allocation in Decentralized Supply Chains",
        "2005",
        ("Deshpande, Vinayak", "Schwarz, Leroy B."),
        {"note": "Krannert School of Management, Purdue University; September 2002, revised July 2005"},
        "optimal allocation, capacity and the auction of a supplier",
    ),
    Source(
        "cachon1999",
        "article",
        "Capacity choice and allocation: strategic behavior and supply chain performance",
        "1999",
        ("Cachon, Gérard P.", "Lariviere, Martin A."),
        {"journal": "Management Science", "volume": "45"},
        "rationing at a wholesale price, and its equilibria",
    ),
    Source(
        "flopro",
        "misc",
        "How mechanism design theory helps optimize Amazon-vendor collaboration",
        fields={"note": "Article on Flo Pro and the consensus planning protocol; the copy used names no author and no date"},
        used_for="joint plans of a retailer and its vendors by VCG and consensus",
    ),
    Source(
        "vickrey1961",
        "article",
        "Counterspeculation, auctions, and competitive sealed tenders",
        "1961",
        ("Vickrey, William",),
        {"journal": "The Journal of Finance", "volume": "16"},
        "VCG",
    ),
    Source(
        "clarke1971",
        "article",
        "Multipart pricing of public goods",
        "1971",
        ("Clarke, Edward H.",),
        {"journal": "Public Choice", "volume": "11"},
        "VCG: Clarke's pivot",
    ),
    Source(
        "groves1973",
        "article",
        "Incentives in teams",
        "1973",
        ("Groves, Theodore",),
        {"journal": "Econometrica", "volume": "41"},
        "VCG: transfers with which truth is best",
    ),
    Source(
        "cavallo2006",
        "inproceedings",
        "Optimal decision-making with minimal waste: strategyproof redistribution of VCG payments",
        "2006",
        ("Cavallo, Ruggiero",),
        {"booktitle": "AAMAS 2006"},
        "redistribution of what VCG leaves to an operator",
    ),
    Source(
        "day2007",
        "article",
        "Fair payments for efficient allocations in public sector combinatorial auctions",
        "2007",
        ("Day, Robert W.", "Raghavan, S."),
        {"journal": "Management Science", "volume": "53"},
        "core-selecting payments by constraint generation",
    ),
    Source(
        "day2012",
        "article",
        "Quadratic core-selecting payment rules for combinatorial auctions",
        "2012",
        ("Day, Robert W.", "Cramton, Peter"),
        {"journal": "Operations Research", "volume": "60"},
        "the core payments nearest to Clarke's",
    ),
    Source(
        "daspremont1979",
        "article",
        "Incentives and incomplete information",
        "1979",
        ("d'Aspremont, Claude", "Gérard-Varet, Louis-André"),
        {"journal": "Journal of Public Economics", "volume": "11"},
        "expected externalities: transfers that balance",
    ),
    Source(
        "esfahani2018",
        "article",
        "Data-driven distributionally robust optimization using the Wasserstein metric: "
        "performance guarantees and tractable reformulations",
        "2018",
        ("Mohajerin Esfahani, Peyman", "Kuhn, Daniel"),
        {"journal": "Mathematical Programming", "volume": "171"},
        "the worst prior within a Wasserstein distance",
    ),
    Source(
        "plackett1954",
        "article",
        "A reduction formula for normal multivariate integrals",
        "1954",
        ("Plackett, R. L.",),
        {"journal": "Biometrika", "volume": "41"},
        "joint priors of a Gaussian copula",
    ),
    Source(
        "efron1993",
        "book",
        "An Introduction to the Bootstrap",
        "1993",
        ("Efron, Bradley", "Tibshirani, Robert J."),
        {"publisher": "Chapman and Hall"},
        "intervals of the profit where a prior is estimated from reports",
    ),
    Source(
        "pyomo2011",
        "article",
        "Pyomo: modeling and solving mathematical programs in Python",
        "2011",
        ("Hart, William E.", "Watson, Jean-Paul", "Woodruff, David L."),
        {"journal": "Mathematical Programming Computation", "volume": "3"},
        "models",
    ),
    Source(
        "highs2018",
        "article",
        "Parallelizing the dual revised simplex method",
        "2018",
        ("Huangfu, Q.", "Hall, J. A. J."),
        {"journal": "Mathematical Programming Computation", "volume": "10"},
        "the solver HiGHS",
    ),
    Source(
        "ipopt2006",
        "article",
        "On the implementation of an interior-point filter line-search algorithm for large-scale nonlinear programming",
        "2006",
        ("Wächter, Andreas", "Biegler, Lorenz T."),
        {"journal": "Mathematical Programming", "volume": "106"},
        "the solver Ipopt",
    ),
    Source(
        "eckstein1992",
        "article",
        "On the Douglas-Rachford splitting method and the proximal point algorithm for maximal monotone operators",
        "1992",
        ("Eckstein, Jonathan", "Bertsekas, Dimitri P."),
        {"journal": "Mathematical Programming", "volume": "55"},
        "consensus: over-relaxed ADMM",
    ),
)
SOURCES: Mapping[str, Source] = {source.key: source for source in _ALL}
