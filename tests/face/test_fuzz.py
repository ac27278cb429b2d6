"""Mutated input of every kind: a result, or one of the errors that the program has, and nothing else.

`python tests/support/fuzzer.py 5000` does more of the same.
"""

import pytest

from support.fuzzer import fuzz

CHUNK = 25


@pytest.mark.parametrize("start", range(0, 300, CHUNK))
def test_no_input_leads_out_of_the_contract(start: int) -> None:
    runs = map(fuzz, range(start, start + CHUNK))
    assert [(run.seed, run.arguments, run.wrong) for run in runs if run.wrong] == []
