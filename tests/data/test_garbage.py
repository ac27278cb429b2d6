"""No garbage is collected while it is said so, and it is again afterwards, whatever happened."""

import gc

import pytest

from veridical.data.garbage import without_collections


def test_the_collector_pauses_and_goes_on() -> None:
    assert gc.isenabled()
    with without_collections():
        assert not gc.isenabled()
        with without_collections():
            pass
        assert not gc.isenabled()  # whoever began first ends it
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), without_collections():
        raise ZeroDivisionError
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()  # it was not collecting before
    finally:
        gc.enable()
