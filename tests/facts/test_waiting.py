"""Waits: so many threads at a time, one more is refused at once, and whoever leaves makes room."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from sealauthz.errors import ServiceBusy
from sealauthz.facts.waiting import Waits


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 1), (3, 1), (8, 4), (9, 4)])
def test_half_of_the_threads_may_wait_and_one_always_may(threads: int, most: int) -> None:
    waits = Waits.for_threads(threads)
    assert waits.most == most
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(waits.one())
        for _ in range(3):
            with pytest.raises(ServiceBusy):
                stack.enter_context(waits.one())
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(waits.one())


def test_a_wait_that_fails_makes_room_too() -> None:
    waits = Waits(1)
    for _ in range(3):
        with pytest.raises(KeyError), waits.one():
            raise KeyError


def test_never_more_than_so_many_wait_at_once() -> None:
    waits = Waits(3)
    counting, waiting, most = threading.Lock(), 0, 0
    full = threading.Barrier(4)  # the three, and the test

    def wait() -> bool:
        nonlocal waiting, most
        try:
            with waits.one():
                with counting:
                    waiting += 1
                    most = max(most, waiting)
                full.wait(20)
                with counting:
                    waiting -= 1
        except ServiceBusy:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        futures = [pool.submit(wait) for _ in range(12)]
        # Nine are refused while three still wait.
        while sum(future.done() for future in futures) < 9:
            time.sleep(0.001)
        full.wait(20)
        outcomes = [future.result(20) for future in futures]
    assert (outcomes.count(True), most) == (3, 3)
