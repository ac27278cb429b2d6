"""Figures of solved cases: all words stand inside the picture, and ticks tell apart what they stand at."""

import pytest

import veridical as vd
from support.pictures import rendered
from veridical.studies.figures import assembler, settlement


@pytest.mark.parametrize("name", ["two-suppliers", "unbalanced-smallest"])
def test_ticks_of_a_menu_have_different_labels(name: str) -> None:
    figure = rendered(assembler.contract_menu(vd.solve(vd.example(name))))
    for axis in figure.axes:
        labels = [tick.get_text() for tick in axis.get_yticklabels()]
        assert len(set(labels)) == len(labels)


def test_words_of_a_settlement_stand_inside_the_picture() -> None:
    settled = vd.solve(vd.example("marketplace"), "vcg", misreports=0).contracts
    rendered(settlement.draw(settled))
