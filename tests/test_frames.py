"""`frames` asks for the frames of threads while no garbage is collected."""

import gc
import sys
import threading

import frames
import pytest


@pytest.mark.parametrize("is_enabled", [True, False])
def test_no_garbage_is_collected_meanwhile_and_as_before_afterwards(monkeypatch, is_enabled):
    seen = []
    real = frames._frames
    monkeypatch.setattr(frames, "_frames", lambda: seen.append(gc.isenabled()) or real())
    before = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        found = frames.without_collection()
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False]
    assert threading.get_ident() in found


def test_an_error_leaves_it_as_it_was(monkeypatch):
    def fail():
        raise MemoryError

    monkeypatch.setattr(frames, "_frames", fail)
    assert gc.isenabled()
    with pytest.raises(MemoryError):
        frames.without_collection()
    assert gc.isenabled()


def test_it_is_what_asks_where_threads_may_stop():
    is_mended = sys._current_frames is frames.without_collection
    assert is_mended is (sys.version_info < frames.FIXED_IN)
