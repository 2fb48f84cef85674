"""Processes that share work: forks have what is loaded here, and where a fork would lack a thread, others load it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forking import HAS_FORKS

from sealauthz.runtime.process_pool import may_fork, pool_of

LOADED: list[tuple[object, int]] = []
"""What a process begins with, and by which process it was loaded."""


class Loaded:
    """Something that a process loads from a name and that cannot be pickled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.by = os.getpid()
        self.kept = threading.Lock()


def begin(loaded: Loaded) -> None:
    LOADED[:] = [(loaded.name, loaded.by)]


def work(number: int) -> tuple[str, int, bool, int]:
    ((name, by),) = LOADED
    assert isinstance(name, str)
    return name, number, by == os.getpid(), os.getppid()


def results() -> list[tuple[str, int, bool, int]]:
    with pool_of(2, begin, Loaded("policies"), Loaded, "policies") as pool:
        return list(pool.map(work, range(6)))


@contextmanager
def another_thread() -> Iterator[None]:
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_forks_have_what_is_loaded_here() -> None:
    """In a process of its own: tests may have left threads behind in this one."""
    code = "import json, os, test_process_pool as of; print(json.dumps([os.getpid(), of.results()]))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parent, found = json.loads(done.stdout)
    assert found == [["policies", number, not HAS_FORKS, parent] for number in range(6)]


def test_beside_another_thread_each_process_loads_it() -> None:
    with another_thread():
        assert not may_fork()
        found = results()
    assert found == [("policies", number, True, os.getpid()) for number in range(6)]
