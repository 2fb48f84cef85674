"""Lets `sys._current_frames` be asked among threads: in CPython before 3.11.9 all of them may stop for good.

It takes a lock of the interpreter and makes frames; if garbage is collected then, another thread may get its turn, and
stops with the GIL in hand as soon as it wants that lock (https://github.com/python/cpython/issues/106883). It is asked
again and again where coverage is measured, and where the stacks of a test are printed that takes too long.
"""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType

FIXED_IN = (3, 11, 9)

_frames = sys._current_frames
_one_at_a_time = threading.RLock()


def mend() -> None:
    """Have no garbage collected while somebody asks for the frames, where that may stop all threads."""
    if sys.version_info < FIXED_IN:
        sys._current_frames = without_collection


def without_collection() -> dict[int, FrameType]:
    """Return the frame of each thread, by its number."""
    with _one_at_a_time:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return _frames()
        finally:
            if was_enabled:
                gc.enable()
