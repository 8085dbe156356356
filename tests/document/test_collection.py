"""The garbage collector is as it was after a file was read, whatever the file was."""

from __future__ import annotations

import gc

import pytest

import naftiko
from naftiko.document.load import collection_paused

SOUND = "naftiko: 1.0.0-alpha2\nexposes: [{type: mcp, port: 1, tools: [{name: t, outputParameters: [{value: x}]}]}]\n"


@pytest.fixture(params=[True, False], ids=["on", "off"])
def collecting(request):
    """Whether it ran before; it runs again after the test."""
    (gc.enable if request.param else gc.disable)()
    yield request.param
    gc.enable()


@pytest.mark.parametrize("text", [SOUND, "a: [", "naftiko: 1.0.0-alpha2\n", ""])
def test_loading_leaves_it_as_it_was(collecting, text):
    try:
        naftiko.loads(text)
    except naftiko.CapabilityError:
        assert text != SOUND
    assert gc.isenabled() is collecting


def test_a_pause_within_a_pause_is_over_with_the_outer_one(collecting):
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is collecting
    with pytest.raises(KeyError), collection_paused():
        raise KeyError
    assert gc.isenabled() is collecting
