"""Pictures of cases that are hard to show: no word is outside of the picture, and none lies on another."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support import hard_cases
from support.hard_cases import SCALES
from support.pictures import rendered
from veridical.data.joint_plan import pilot
from veridical.families import family_of
from veridical.studies.figures.style import COLOURS


def picture(case: Any, mechanism: str | None = None, solver: Any = None, **parameters: Any) -> Any:
    """Return the picture of a case's solution."""
    draw = family_of(case).picture
    assert draw is not None
    return draw(vd.solve(case, mechanism, solver, **parameters))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("units", SCALES)
def test_menus_of_any_size(scale: str, units: str) -> None:
    case = hard_cases.assembler(scale=SCALES[scale], units=SCALES[units])
    rendered(picture(case, "icds", "closed_form"))


def test_a_menu_of_forty_suppliers() -> None:
    figure = rendered(picture(hard_cases.assembler(40), "naive", "closed_form"))
    names = [" ".join(axis.get_ylabel().split()) for axis in figure.axes[1:]]
    assert len(names) == 40
    assert names[4] == f"{hard_cases.LONG[0]} 4"


def test_maps_of_two_suppliers() -> None:
    for scale in SCALES.values():
        rendered(picture(hard_cases.assembler(2, scale, costs=9), "icds", "closed_form"))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("groups", [1, 7])
def test_allocations_of_any_size(scale: str, groups: int) -> None:
    rendered(picture(hard_cases.allocation(SCALES[scale], groups), "allocation", "closed_form"))


@pytest.mark.parametrize("vendors", [3, 40])
def test_joint_plans_of_parties_with_long_names(vendors: int, tmp_path: Path) -> None:
    case = hard_cases.joint_plan(tmp_path, vendors)
    figure = rendered(picture(case, "first_price", misreports=0))
    shown = ["".join(text.get_text().split()) for text in figure.axes[1].get_yticklabels()]
    assert shown == ["".join(name.split()) for name in (*case.names, "budget")]


def test_runs_of_parties_with_long_names(tmp_path: Path) -> None:
    rendered(vd.studies.pilot.run(hard_cases.joint_plan(tmp_path, weeks=3)).figure())


@pytest.mark.parametrize("scale", SCALES)
def test_comparisons_of_any_size(scale: str, tmp_path: Path) -> None:
    size = SCALES[scale]
    frame = vd.compare(hard_cases.assembler(scale=size), ["icds", "naive", "first_best", "bic"])
    figure = rendered(frame.figure())
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["icds", "naive", "first_best", "bic"]
    rendered(vd.compare(hard_cases.allocation(size), ["allocation", "centralized"], "closed_form").figure())


def test_a_comparison_of_joint_plans(tmp_path: Path) -> None:
    frame = vd.compare(hard_cases.joint_plan(tmp_path), ["jit", "vcg", "first_price"], misreports=0)
    rendered(frame.figure())


@pytest.mark.parametrize("scale", SCALES)
def test_who_should_report_of_many(scale: str) -> None:
    case = hard_cases.assembler(40, SCALES[scale])
    rendered(vd.choose_k(case, loss=0.2).figure())


def test_fees_for_parties_with_long_names(tmp_path: Path) -> None:
    rendered(vd.choose_fees(hard_cases.joint_plan(tmp_path), draws=2).figure())


def test_amounts_of_fees_can_be_read_off_a_scale_that_says_that_it_is_logarithmic() -> None:
    """Ticks of 0 and 1,000 alone had 7,414 look like 1,500: the outermost tick is to be near the outermost amount."""
    choice = vd.choose_fees(pilot(vendors=2, sites=1, regions=1, products=2, weeks=2), draws=2)
    figure = rendered(choice.figure())
    for axis, column in zip(figure.axes, ("receivers", "supplier"), strict=False):
        ticks = axis.get_xticks()
        assert ticks.max() * 2.5 >= choice.table[column].max()
        assert ticks.min() * 2.5 <= choice.table[column].min() or choice.table[column].min() >= 0
    assert any("logarithmic away from 0" in text.get_text() for text in figure.legends[0].get_texts())


VARIED: dict[str, dict[str, Any]] = {
    "no number": {},
    "a line": {"price": {"from": 18, "to": 30, "points": 4}},
    "panels": {"price": {"from": 18, "to": 30, "points": 3}, "demand.low": {"values": [50, 100, 200]}},
    "maps": {"price": {"from": 18, "to": 30, "points": 7}, "demand.low": {"from": 10, "to": 90, "points": 7}},
}


@pytest.mark.parametrize("vary", VARIED)
def test_studies_of_cases_with_long_names(vary: str) -> None:
    several = [hard_cases.assembler(), hard_cases.assembler().changed(name=hard_cases.LONG[1]), vd.example("two-suppliers")]
    case = several if vary == "no number" else several[0]
    mechanisms = ["icds", "naive", "first_best", "frw", "hybrid", "icds_balanced"][: 2 if vary == "maps" else 6]
    spec = {"case": case, "mechanisms": mechanisms, "solver": "closed_form", "vary": VARIED[vary]}
    rendered(vd.study({**spec, "name": hard_cases.TITLE}).figure())


@pytest.mark.parametrize("scale", ["tiny", "huge"])
def test_studies_over_numbers_of_any_size(scale: str) -> None:
    size = SCALES[scale]
    vary = {"price": {"from": 18 * size, "to": 30 * size, "points": 5}}
    spec = {"case": hard_cases.assembler(scale=size), "mechanisms": ["icds", "naive"], "solver": "closed_form", "vary": vary}
    rendered(vd.study(spec).figure())


# How people see who lack a kind of cone (Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color
# vision deficiency, IEEE TVCG 2009, severity 1): linear RGB to linear RGB.
SEEN = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour: str, seen: Any) -> Any:
    """Return a colour, as it is seen, in CIE L*a*b* (D65), in which distances are about as large as they look."""
    srgb = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(seen) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.where(xyz / WHITE > 0.008856, np.cbrt(xyz / WHITE), 7.787 * xyz / WHITE + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


WHITE = np.array([0.9505, 1.0, 1.089])
TOLD_APART = 10.0  # a distance of 2.3 is just noticed side by side


@pytest.mark.parametrize("kind", SEEN)
def test_colours_are_told_apart_by_people_who_do_not_see_all_of_them(kind: str) -> None:
    distances = {
        (first, second): float(np.linalg.norm(lab(first, SEEN[kind]) - lab(second, SEEN[kind])))
        for first, second in combinations(COLOURS, 2)
    }
    assert min(distances.values()) > TOLD_APART, min(distances.items(), key=lambda pair: pair[1])


def test_the_test_of_colours_sees_red_and_green_that_are_alike() -> None:
    assert np.linalg.norm(lab("#b06000", SEEN["deuteranopia"]) - lab("#808000", SEEN["deuteranopia"])) < TOLD_APART


def test_the_test_of_words_sees_what_is_cut_off_and_what_lies_on_another() -> None:
    from matplotlib.figure import Figure

    outside, crossing = Figure(figsize=(3, 3)), Figure(figsize=(3, 3))
    outside.text(0.9, 0.5, "much too long for its place")
    crossing.text(0.1, 0.5, "one word")
    crossing.text(0.12, 0.5, "another")
    for figure in (outside, crossing):
        with pytest.raises(AssertionError):
            rendered(figure)
