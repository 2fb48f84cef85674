"""Threads beside the calls: whatever a step raises is told and counted, and the next step follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from sealauthz.runtime import background as background_module
from sealauthz.runtime.background import Background


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(background_module, "LONGEST_PAUSE_S", 0.002)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("kind", [ValueError, MemoryError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_thread_outlives_whatever_its_steps_raise(kind: type[BaseException]) -> None:
    """And fails only while it lasts. Told once for each error, it could fill no log."""
    told: list[tuple[type[BaseException], int]] = []
    is_broken, steps = threading.Event(), []

    def step() -> None:
        steps.append(0)
        if is_broken.is_set():
            raise kind
        time.sleep(0.001)

    thread = Background("test", step, lambda thread, error: told.append((type(error), thread.failures)))
    assert not thread.is_failing
    thread.start()
    until(lambda: len(steps) > 3)
    assert not thread.is_failing
    is_broken.set()
    until(lambda: thread.failures > 3)
    assert thread.is_failing
    is_broken.clear()
    until(lambda: not thread.is_failing)
    assert told == [(kind, 1)]
    thread.stop()
    assert thread.join(10)
    assert not thread.is_failing


def test_another_error_is_told_again_and_so_is_the_same_one_later() -> None:
    told: list[str] = []
    raised: list[BaseException | None] = [ValueError(), ValueError(), KeyError(), None, KeyError(), None]
    done = threading.Event()

    def step() -> None:
        if not raised:
            done.set()
            time.sleep(0.001)
        elif error := raised.pop(0):
            raise error

    thread = Background("test", step, lambda _, error: told.append(type(error).__name__))
    thread.start()
    assert done.wait(30)
    assert (told, thread.failures) == (["ValueError", "KeyError", "KeyError"], 4)
    thread.stop()


def test_one_who_is_told_and_fails_does_not_end_the_thread() -> None:
    def step() -> None:
        raise ValueError

    def told(_thread: Background, _error: BaseException) -> None:
        raise SystemExit

    thread = Background("test", step, told)
    thread.start()
    until(lambda: thread.failures > 3)
    thread.stop()
    assert thread.join(10)


def test_a_thread_that_pauses_after_a_failure_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_module, "FIRST_PAUSE_S", 600)
    monkeypatch.setattr(background_module, "LONGEST_PAUSE_S", 600)
    failed = threading.Event()

    def step() -> None:
        raise ValueError

    thread = Background("test", step, lambda *_: failed.set())
    thread.start()
    assert failed.wait(30)
    thread.stop()
    assert thread.join(10)
