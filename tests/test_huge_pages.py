"""What a process uses is moved into huge pages, and nothing else is."""

from __future__ import annotations

import ctypes
import errno
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealauthz.background import ignored
from sealauthz.process import huge_pages
from sealauthz.process.huge_pages import PIECE, HugePages, Run, runs

PIECES = 20


@pytest.fixture
def memory() -> Iterator[mmap.mmap]:
    """Memory in which nothing was written yet."""
    with mmap.mmap(-1, PIECES * PIECE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        yield memory


def place_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def fill(memory: mmap.mmap, start: int, end: int) -> None:
    """Write into each page of a part."""
    for at in range(start, end, 4_096):
        memory[at] = at // 4_096 % 251 + 1


def huge_kb(address: int) -> int:
    """How much of the mapping that an address is in lies in huge pages, in KiB."""
    is_there = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if found:
            is_there = int(found[1], 16) <= address < int(found[2], 16)
        elif is_there and line.startswith("AnonHugePages:"):
            return int(line.split()[1])
    return 0


def within(memory: mmap.mmap) -> list[Run]:
    start = place_of(memory)
    return [run for run in runs() if start <= run.start < start + len(memory)]


def test_only_what_is_used_is_found_and_in_runs_that_are_short(memory: mmap.mmap) -> None:
    assert within(memory) == []
    start = -place_of(memory) % PIECE
    fill(memory, start, start + 12 * PIECE)
    fill(memory, start + 14 * PIECE, start + 14 * PIECE + PIECE // 2)  # half of one, as of a stack
    found = within(memory)
    assert sum(run.pieces for run in found) == 12
    assert all(run.start % PIECE == 0 and 0 < run.pieces <= 8 for run in found)
    assert [run.start for run in found] == sorted(run.start for run in found)


def test_what_was_moved_is_in_huge_pages_and_says_the_same(memory: mmap.mmap, monkeypatch: pytest.MonkeyPatch) -> None:
    # The other memory of a process that runs tests is large, and most of it is its parent's, too.
    monkeypatch.setattr(huge_pages, "runs", lambda: iter(within(memory)))
    half = len(memory) // 2
    fill(memory, 0, half)
    before, start = memory[:half], place_of(memory)
    pages = HugePages(ignored)
    pages.collapse()
    # None where this system has none to give just now.
    assert len(pages._done) <= PIECES // 2
    assert huge_kb(start + half // 2) >= len(pages._done) * PIECE // 1_024
    assert memory[:half] == before
    assert memory[half:] == bytes(half)


class Kernel:
    """Answers each request for huge pages by an error, or 0; asked further, by none."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, start: ctypes.c_void_p, length: ctypes.c_size_t, advice: int) -> int:
        self.asked.append((start.value or 0, length.value, advice))
        error = self._answers.pop(0) if self._answers else 0
        ctypes.set_errno(error)
        return -1 if error else 0


def three_runs() -> Iterator[Run]:
    yield from (Run(PIECE * 10, 8), Run(PIECE * 20, 8), Run(PIECE * 30, 2))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> HugePages:
    """Those of a process whose memory is three runs."""
    monkeypatch.setattr(huge_pages, "runs", three_runs)
    monkeypatch.setattr(huge_pages, "_PAUSE_S", 0.0)
    return HugePages(ignored)


def test_each_run_is_asked_for_once(pages: HugePages) -> None:
    kernel = pages._madvise = Kernel()
    assert pages.collapse()
    assert pages.collapse()
    assert kernel.asked == [(run.start, run.pieces * PIECE, 25) for run in three_runs()]


@pytest.mark.parametrize("error", [errno.ENOMEM, errno.EBUSY])
def test_where_none_is_left_no_more_are_asked_for_until_the_next_round(pages: HugePages, error: int) -> None:
    kernel = pages._madvise = Kernel(0, error)
    assert pages.collapse()
    assert [start for start, _, _ in kernel.asked] == [PIECE * 10, PIECE * 20]
    assert pages.collapse()
    assert [start for start, _, _ in kernel.asked[2:]] == [PIECE * 20, PIECE * 30]


@pytest.mark.parametrize("error", [errno.EAGAIN, errno.EINVAL])
def test_what_cannot_be_moved_is_passed_over(pages: HugePages, error: int) -> None:
    kernel = pages._madvise = Kernel(0, error)
    assert pages.collapse()
    assert [start for start, _, _ in kernel.asked] == [PIECE * 10, PIECE * 20, PIECE * 30]


def test_a_kernel_that_does_not_know_the_request_is_asked_once(pages: HugePages) -> None:
    kernel = pages._madvise = Kernel(errno.EINVAL)
    assert not pages.collapse()
    assert len(kernel.asked) == 1


def test_nothing_is_done_where_it_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = tmp_path / "enabled"
    monkeypatch.setattr(huge_pages, "_SETTING", setting)
    assert not huge_pages.is_wanted()
    setting.write_text("always madvise [never]\n")
    assert not huge_pages.is_wanted()
    pages = HugePages(ignored)
    pages.start()
    assert pages.thread.join()
    setting.write_text("always [madvise] never\n")
    assert huge_pages.is_wanted()


def old_kernel() -> Iterator[Run]:
    yield Run(PIECE, 1)  # nothing is there, so that no kernel moves it


def sandbox() -> Iterator[Run]:
    raise PermissionError("/proc/self/pagemap")


@pytest.mark.parametrize("found", [old_kernel, sandbox])
def test_a_system_that_cannot_ends_the_thread(found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = HugePages(ignored)
    monkeypatch.setattr(huge_pages, "AFTER_S", 0.0)
    monkeypatch.setattr(huge_pages, "runs", found)
    monkeypatch.setattr(huge_pages.ctypes, "get_errno", lambda: errno.EINVAL)
    monkeypatch.setattr(huge_pages, "is_wanted", lambda: True)
    pages.start()
    assert pages.thread.join(5.0)
    assert not pages.thread.is_failing
    pages.stop()
