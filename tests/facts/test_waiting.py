"""ReadPermits: so many read at a time, the others stand in line until their deadline, and who leaves makes room."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from sealauthz.facts.memory import permits as waiting_module
from sealauthz.facts.memory.consistency import NO_DEADLINE, Deadline
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.runtime.errors import ServiceBusy, TimeOver


def within(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds)


def wait_until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("threads", "max_calls", "most", "longest"), [(1, 1, 1, 1), (2, 9, 1, 4), (3, 6, 1, 3), (8, 256, 4, 128)]
)
def test_half_of_the_threads_read_and_half_of_the_calls_wait(
    threads: int, max_calls: int, most: int, longest: int
) -> None:
    waits = ReadPermits.for_threads(threads, max_calls)
    assert (waits.most, waits.longest) == (most, longest)
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(most):
                stack.enter_context(waits.turn(NO_DEADLINE))
            with pytest.raises(TimeOver):
                stack.enter_context(waits.turn(within(0.01)))


def test_a_turn_that_fails_makes_room_too() -> None:
    waits = ReadPermits(1)
    for _ in range(3):
        with pytest.raises(KeyError), waits.turn(within(1)):
            raise KeyError


def test_never_more_than_so_many_read_at_once_and_none_is_refused() -> None:
    waits = ReadPermits(3)
    counting, reading, most = threading.Lock(), 0, 0

    def read() -> None:
        nonlocal reading, most
        with waits.turn(within(20)):
            with counting:
                reading += 1
                most = max(most, reading)
            time.sleep(0.005)
            with counting:
                reading -= 1

    with ThreadPoolExecutor(24) as pool:
        for future in [pool.submit(read) for _ in range(48)]:
            future.result(20)
    assert most == 3
    assert waits.waiting == 0


def test_the_turns_come_in_the_order_of_the_line() -> None:
    waits, came = ReadPermits(1), []

    def read(number: int) -> None:
        with waits.turn(within(20)):
            came.append(number)

    with ThreadPoolExecutor(8) as pool, waits.turn(NO_DEADLINE):
        for number in range(8):
            pool.submit(read, number)
            wait_until(lambda number=number: waits.waiting == number + 1)  # type: ignore[misc]
    assert came == list(range(8))


def test_whoever_gives_up_leaves_the_line_to_the_others() -> None:
    waits = ReadPermits(1)
    with ThreadPoolExecutor(2) as pool:
        with waits.turn(NO_DEADLINE):
            late = pool.submit(lambda: waits.turn(within(0.05)).__enter__())
            patient = pool.submit(lambda: waits.turn(within(20)).__enter__())
            with pytest.raises(TimeOver):
                late.result(20)
            assert not patient.done()
        patient.result(20)


def test_a_turn_that_comes_too_late_is_not_taken() -> None:
    waits = ReadPermits(1)
    with pytest.raises(TimeOver):
        waits.turn(within(-1)).__enter__()
    with waits.turn(within(1)):
        pass


def test_without_a_deadline_the_wait_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "LONGEST_WAIT_S", 0.05)
    waits = ReadPermits(1)
    with waits.turn(NO_DEADLINE), pytest.raises(ServiceBusy):
        waits.turn(NO_DEADLINE).__enter__()


def test_no_more_than_so_many_wait() -> None:
    waits = ReadPermits(1, longest=2)
    with ThreadPoolExecutor(2) as pool, waits.turn(NO_DEADLINE):
        for _ in range(2):
            pool.submit(lambda: waits.turn(within(0.5)).__enter__())
        wait_until(lambda: waits.waiting == 2)
        with pytest.raises(ServiceBusy):
            waits.turn(within(20)).__enter__()


@pytest.mark.parametrize(("most", "of_lists"), [(1, 1), (2, 1), (4, 3)])
def test_lists_leave_one_of_several_turns(most: int, of_lists: int) -> None:
    waits = ReadPermits(most)
    with ExitStack() as stack:
        for _ in range(of_lists):
            stack.enter_context(waits.turn(NO_DEADLINE, is_list=True))
        with pytest.raises(TimeOver):
            stack.enter_context(waits.turn(within(0.01), is_list=True))
        if most > 1:
            stack.enter_context(waits.turn(within(0.01)))


def test_who_waits_steps_aside_and_who_does_not_wait_does_not() -> None:
    aside = []

    @contextmanager
    def step_aside() -> Iterator[None]:
        aside.append(threading.get_ident())
        yield

    waits = ReadPermits(1)
    waits.step_aside = step_aside
    with waits.turn(NO_DEADLINE):
        assert not aside
        with pytest.raises(TimeOver):
            waits.turn(within(0.01)).__enter__()
    assert aside == [threading.get_ident()]
