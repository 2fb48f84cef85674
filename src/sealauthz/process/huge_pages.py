"""Has the memory of a process in huge pages, where Linux can: facts and compiled policies lie scattered over all of it.

What a decision reads, it mostly reads for the first time since long, and with pages of 4 KiB the processor has to look
up most of the addresses as well. Only memory is moved together that is in use: what is reserved, as the stacks of
threads are, stays as it is.
"""

from __future__ import annotations

import ctypes
import errno
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sealauthz.background import Background, Failed

PIECE = 2 * 1024 * 1024
"""The size of a huge page."""

AFTER_S = 10.0
"""A process that ends sooner has nothing of it."""

EVERY_S = 60.0
"""How often what came to be used meanwhile is moved together."""

_MOST_PIECES = 8
"""So many at once."""

_PAUSE_S = 0.02
"""After some that were tried: it takes turns with what answers."""

_NONE_LEFT = frozenset({errno.ENOMEM, errno.EBUSY})
"""The system, or its limit for this process, has no huge page just now: to make one for each piece would take long."""

_FORGET_AFTER = 5
"""After so many rounds all is looked at again: what was together may have come apart."""

_LEAST_USED = 0.75
_PAGE = 4_096
_COLLAPSE = 25  # MADV_COLLAPSE, since Linux 6.1
_SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ 00:00 0\s*(\[heap\]|\[anon:.*\])?\n?")
_NOT_PRESENT = bytes(range(0x80))


class Run(NamedTuple):
    """Some pieces of memory next to each other."""

    start: int
    pieces: int


class HugePages:
    """Moves what the process uses into huge pages, from start to stop."""

    def __init__(self, failed: Failed) -> None:
        self.thread = Background("huge-pages", self._step, failed)
        self._rounds = 0
        self._done: set[int] = set()
        self._madvise = ctypes.CDLL(None, use_errno=True).madvise

    def start(self) -> None:
        """Begin; where the system has no huge pages, or the operator wants none, do nothing."""
        if is_wanted():
            self.thread.start()

    def stop(self) -> None:
        """Stop; nobody waits for it."""
        self.thread.stop()

    def collapse(self) -> bool:
        """Move together what is used; False where this system cannot."""
        for run in runs():
            if self.thread.is_stopping:
                break
            if self._done.issuperset(_pieces_of(run)):
                continue
            if not self._madvise(ctypes.c_void_p(run.start), ctypes.c_size_t(run.pieces * PIECE), _COLLAPSE):
                self._done.update(_pieces_of(run))
            elif ctypes.get_errno() in _NONE_LEFT:
                break
            elif not self._done and ctypes.get_errno() == errno.EINVAL:
                return False  # an older kernel
            self.thread.rest(_PAUSE_S)
        return True

    def _step(self) -> None:
        self.thread.rest(EVERY_S if self._rounds else AFTER_S)
        if self.thread.is_stopping:
            return
        if self._rounds % _FORGET_AFTER == 0:
            self._done.clear()
        self._rounds += 1
        try:
            is_possible = self.collapse()
        except OSError:  # a sandbox without its own memory in /proc
            is_possible = False
        if not is_possible:
            self.thread.stop()


def is_wanted() -> bool:
    """Tell whether there are huge pages, and they are not switched off."""
    try:
        return sys.platform == "linux" and "[never]" not in _SETTING.read_text(encoding="ascii")
    except OSError:
        return False


def runs() -> Iterator[Run]:
    """Yield the memory of this process that is nearly all in use, in runs of few huge pages."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    with Path("/proc/self/pagemap").open("rb") as pagemap:
        for line in lines:
            found = _RANGE.fullmatch(line)
            if found is None:
                continue
            start, end = -(-int(found[1], 16) // PIECE) * PIECE, int(found[2], 16) // PIECE * PIECE
            begun: int | None = None
            for at in range(start, end + PIECE, PIECE):
                is_used = at < end and _is_used(pagemap, at)
                if begun is not None and (not is_used or at - begun == _MOST_PIECES * PIECE):
                    yield Run(begun, (at - begun) // PIECE)
                    begun = None
                if is_used and begun is None:
                    begun = at


def _is_used(pagemap: BinaryIO, at: int) -> bool:
    """Tell whether most pages of a piece are there: the others would take memory."""
    pagemap.seek(at // _PAGE * 8)
    entries = pagemap.read(PIECE // _PAGE * 8)
    # The highest bit of the eight bytes of each page, in the order of the processor's.
    present = entries[7::8].translate(None, _NOT_PRESENT)
    return len(present) >= _LEAST_USED * PIECE // _PAGE


def _pieces_of(run: Run) -> range:
    return range(run.start, run.start + run.pieces * PIECE, PIECE)
