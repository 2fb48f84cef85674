"""Processes that share work: forks of this one, which have what it has loaded, or others that load it, too."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_THREADS = Path("/proc/self/task")


@contextmanager
def pool_of(
    count: int, begin: Callable[[T], None], loaded: T, load: Callable[..., T], *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of so many processes, each of which begins with what is loaded here.

    `load(*arguments)` loads the same in a process that is no fork: these can be pickled, `loaded` need not be.
    """
    if may_fork():
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("fork"), _forked, (begin, loaded))
    else:
        given = (begin, load, *arguments)
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _spawned, given)
    with pool:
        yield pool


def may_fork() -> bool:
    """Whether a fork of this process has all that it needs: Linux says how many threads run, and a fork has but one."""
    return _THREADS.exists() and len(list(_THREADS.iterdir())) == 1


def _forked(begin: Callable[[T], None], loaded: T) -> None:
    gc.freeze()  # what a collector touches is not shared any more
    begin(loaded)


def _spawned(begin: Callable[[T], None], load: Callable[..., T], *arguments: Any) -> None:
    begin(load(*arguments))
