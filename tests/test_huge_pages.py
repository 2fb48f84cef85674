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


def test_what_is_used_is_in_huge_pages_afterwards_and_says_the_same(memory: mmap.mmap) -> None:
    if not huge_pages.is_wanted() or not HugePages(ignored).collapse():
        pytest.skip("this system cannot")
    fill(memory, 0, len(memory) // 2)
    before, start = bytes(memory), place_of(memory)
    pages = HugePages(ignored)
    assert pages.collapse()
    assert huge_kb(start + len(memory) // 4) >= (PIECES // 2 - 2) * PIECE // 1_024
    assert bytes(memory) == before


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
