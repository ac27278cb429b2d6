"""What to cite: the papers of what was used, in text and BibTeX."""

import re
from typing import Any, Literal

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.data.sources import SOURCES, Source
from veridical.families import FAMILIES, MECHANISMS, unregister


def keys(what: Any) -> list[str]:
    """Return the keys of what is cited, without this package, which is always the first."""
    first, *others = (source.key for source in vd.cite(what))
    assert first == "veridical"
    return others


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_names_its_sources(name: str) -> None:
    assert keys(name)
    assert keys(MECHANISMS[name]) == keys(name)


def test_what_was_used_is_cited() -> None:
    case = vd.example("two-suppliers")
    assert keys(vd.solve(case, "frw", "closed_form")) == ["fang2014", "icds"]
    assert keys(vd.solve(case, "icds", "highs")) == ["icds", "pyomo2011", "highs2018"]
    assert keys(vd.solve(case, "icds", "ipopt")) == ["icds", "pyomo2011", "ipopt2006"]
    ambiguous = case.changed(ambiguity={"radius": 0.5, "distance": "wasserstein"})
    assert "esfahani2018" in keys(vd.solve(ambiguous, "icds"))
    assert keys(vd.solve(vd.example("two-retailers"), "fixed_price")) == ["cachon1999", "deshpande2005"]


def test_a_joint_plan_cites_its_payments() -> None:
    plan = vd.data.joint_plan.pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)
    assert keys(plan)[:3] == ["vickrey1961", "clarke1971", "groves1973"]
    assert {"daspremont1979", "flopro"} <= set(keys("agv"))
    assert {"day2007", "day2012"} <= set(keys("core"))
    committed = plan.changed(baseline=dict.fromkeys(plan.shared.flows, 1.0), receivers="agents", redistribution="cavallo")
    assert "cavallo2006" in keys(vd.solve(committed, "vcg", misreports=0))


def test_consensus_is_cited_where_it_planned() -> None:
    plan = vd.data.joint_plan.pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)
    assert "eckstein1992" in keys(vd.solve(plan, solver="consensus", misreports=0))


def test_text_and_bibtex_have_every_work() -> None:
    found = vd.cite(vd.example("two-suppliers"))
    assert str(found) == found.text
    assert found.text.splitlines()[0].startswith("The veridical developers (2026). veridical: truthful mechanisms")
    assert vd.__version__ in found.text
    assert "  year = {2026},\n" in found[0].bibtex
    assert len(re.findall(r"^@\w+\{(\w+),$", found.bibtex, flags=re.MULTILINE)) == len(found)
    assert "author = {{The veridical developers}}," in found.bibtex  # one name, and not a first and a last one


@pytest.mark.parametrize("key", SOURCES)
def test_entries_are_whole(key: str) -> None:
    source = SOURCES[key]
    assert source.key == key
    assert source.bibtex.count("{") == source.bibtex.count("}")
    assert source.title in source.text
    assert source.used_for
    assert source.authors or source.fields["note"]  # which says that the work names none
    assert not source.year or source.year in source.bibtex


def test_initials_keep_their_hyphens() -> None:
    assert SOURCES["daspremont1979"].text.startswith("d'Aspremont, C. and Gérard-Varet, L.-A. (1979). Incentives")


def test_a_mechanism_of_ones_own_has_sources_of_its_own() -> None:
    class Selling(vd.data.CaseRecord):
        kind: Literal["selling_to_cite"] = "selling_to_cite"
        values: vd.data.Numbers

    def fixed(case: Selling) -> pyo.ConcreteModel:
        """One price."""
        m = pyo.ConcreteModel()
        m.price = pyo.Var(bounds=(0, max(case.values)))
        m.revenue = pyo.Objective(expr=m.price, sense=pyo.maximize)
        return m

    own = Source("mine", "misc", "My own way", "2026", ("Doe, Jane",), used_for="one price")
    vd.add_kind(Selling, {"one_price_to_cite": fixed}, sources=[own])
    try:
        case = Selling(values=[1.0, 2.0])
        assert keys(case) == ["mine"]
        assert keys(vd.solve(case)) == ["mine", "pyomo2011", "highs2018"]
    finally:
        unregister(FAMILIES[Selling])


def test_nothing_else_can_be_cited() -> None:
    with pytest.raises(
        vd.InputError,
        match="cite: got 'alchemy'; allowed: a solution, the table of a study, a case, a mechanism, or one of naive",
    ):
        vd.cite("alchemy")
    with pytest.raises(vd.InputError, match="cite: got <int>; allowed: a solution, the table of a study, a case, a mechanism"):
        vd.cite(3)


def test_a_study_cites_its_mechanisms_and_solvers() -> None:
    spec = {"case": "two-suppliers", "mechanisms": ["frw", "icds"], "solver": ["closed_form", "highs"]}
    table = vd.study(spec)
    assert keys(table) == ["fang2014", "icds", "pyomo2011", "highs2018"]
    assert keys(table[table.solver == "closed_form"]) == ["fang2014", "icds"]


def test_citations_show_themselves() -> None:
    cited = vd.cite("frw")
    assert repr(cited) == "Citations(veridical, fang2014, icds)"
    assert all(source.title.split("'")[0] in cited._repr_html_() for source in cited)
