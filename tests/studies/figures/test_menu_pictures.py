"""Pictures of menus whose suppliers have long names, several sources and rules: no word is cut off, none lies on another."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import veridical as vd
from support.pictures import rendered
from veridical.data import AssemblerCase
from veridical.studies.figures import assembler as pictures
from veridical.studies.figures.style import save

NAMES = ("Arvo Halbleiter und Sensorik GmbH & Co. KG", "Brisk Semiconductor (Second Source) Ltd.", "Cobalt Power", "Dovetail")


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    """Return a small case with long names, two sources of one component, and what a supplier earns elsewhere."""
    suppliers: list[dict[str, Any]] = [
        {"name": name, "costs": [4.0 + i, 6.0 + i], "probabilities": [0.5, 0.5]} for i, name in enumerate(NAMES)
    ]
    for supplier in suppliers[:2]:
        supplier |= {"component": "microcontroller", "capacity": 300}
    suppliers[2] |= {"reservation_profit": 100, "minimum_order": 150, "capacity": 500}
    demand: Any = {"distribution": "empirical", "values": [200, 400, 600], "weights": [0.3, 0.4, 0.3]}
    name = "controllers for pumps and fans, all suppliers of the second quarter, as of the first of March"
    return AssemblerCase(name=name, price=50.0, demand=demand, suppliers=suppliers)


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Return the names beside panels of one column that lie on one another."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    boxes = [(axis.get_ylabel(), axis.yaxis.label.get_window_extent()) for axis in figure.axes]
    pairs = ((first, second) for k, first in enumerate(boxes) for second in boxes[k + 1 :])
    return [(first, second) for (first, one), (second, other) in pairs if one.overlaps(other)]


def test_a_menu_of_suppliers_with_long_names(case: AssemblerCase) -> None:
    figure = rendered(pictures.contract_menu(vd.solve(case)))
    assert overlapping(figure) == []
    labels = [" ".join(axis.get_ylabel().split()) for axis in figure.axes]
    assert labels[0] == labels[len(labels) // 2] == f"{NAMES[0]} (microcontroller)"
    assert labels[2].startswith(NAMES[2])
    assert case.name in " ".join(figure.get_suptitle().split())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["rent and what he earns elsewhere", "production cost"]


def test_a_menu_under_an_ambiguous_prior_says_so(correlated: AssemblerCase) -> None:
    case = correlated.changed(ambiguity={"radius": 0.1})
    title = rendered(pictures.contract_menu(vd.solve(case))).get_suptitle()
    assert title.endswith("under the worst prior within 0.1 (l1)")


def test_who_should_report_of_suppliers_with_long_names(case: AssemblerCase) -> None:
    chosen = vd.choose_k(case, loss=0.05)
    left, _ = rendered(chosen.figure()).axes
    curve = left.lines[0].get_window_extent()
    assert left.get_title(loc="left").startswith(f"k = {chosen.k}: the smallest")
    FigureCanvasAgg(left.figure).draw()  # type: ignore[no-untyped-call, arg-type]
    titles = [text.get_window_extent() for text in left.get_children() if getattr(text, "get_text", str)().startswith("k = ")]
    assert len(titles) == 1
    assert not titles[0].overlaps(curve)


def test_payments_below_cost_and_below_nothing_are_seen() -> None:
    """Bets of Bayesian menus: what a supplier is paid, or pays, stands in front of what his units cost him."""
    solution = vd.solve(vd.example("two-suppliers-correlated").changed(prior={"joint": [[0.3, 0.2], [0.2, 0.3]]}), "bic")
    payment = solution.contracts.payment
    assert payment.min() < 0
    figure = rendered(pictures.contract_menu(solution))
    said = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "payment, also where it is a loss" in said
    for axis, paid in zip(figure.axes[-2:], payment, strict=True):
        low, high = axis.get_ylim()
        assert low <= paid.min()
        assert paid.max() <= high
    plain = rendered(pictures.contract_menu(vd.solve(vd.example("two-suppliers-correlated"))))
    assert [text.get_text() for text in plain.legends[0].get_texts()] == ["information rent", "production cost"]


def test_letters_in_files_for_journals_are_truetype(tmp_path: Path) -> None:
    """Journals refuse Type 3 fonts, which matplotlib writes by default; however the picture is written."""
    figure = vd.compare(vd.example("two-suppliers"), ["icds", "naive"], "closed_form").figure()
    save(figure, tmp_path / "command.pdf")
    figure.savefig(tmp_path / "notebook.pdf")
    for name in ("command.pdf", "notebook.pdf"):
        content = (tmp_path / name).read_bytes()
        assert b"/CIDFontType2" in content  # TrueType
        assert b"/Type3" not in content
    figure.savefig(tmp_path / "notebook.eps")
    written = (tmp_path / "notebook.eps").read_text(encoding="latin-1")
    assert "/FontType 42 def" in written
    assert "/FontType 3 def" not in written
