"""Outlets: a sender never waits, and a caller gets what was queued, in order, and then the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sealauthz.errors import FactsUnavailable, ServiceBusy
from sealauthz.service.streams import Outlet


class Context:
    """A call that ends when told to."""

    def __init__(self, *, is_active: bool = True) -> None:
        self.is_active = is_active
        self.end: Callable[[], None] = lambda: None

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.end = callback
        return self.is_active


def test_everything_offered_comes_out_in_order_and_then_the_end() -> None:
    outlet: Outlet[int] = Outlet(1_000)

    def fill() -> None:
        for number in range(1_000):
            assert outlet.offer(number)
        outlet.close()

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        assert list(outlet) == list(range(1_000))
        filling.result()
    assert not outlet.offer(1)


def test_who_lags_behind_is_ended_and_stays_so() -> None:
    outlet: Outlet[int] = Outlet(3)
    assert [outlet.offer(number) for number in range(5)] == [True, True, True, False, False]
    with pytest.raises(ServiceBusy, match="lags behind"):
        list(outlet)


def test_an_error_comes_behind_what_was_queued_and_the_first_end_counts() -> None:
    outlet: Outlet[int] = Outlet(3)
    outlet.offer(1)
    outlet.close(FactsUnavailable("gone"))
    outlet.close()
    items = iter(outlet)
    assert next(items) == 1
    with pytest.raises(FactsUnavailable, match="gone"):
        next(items)


def test_a_caller_that_leaves_wakes_whoever_waits_for_it() -> None:
    context = Context()
    outlet: Outlet[int] = Outlet(3, context)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(list, outlet)
        threading.Timer(0.05, context.end).start()
        assert waiting.result(10) == []


def test_a_caller_that_has_left_already_gets_nothing() -> None:
    outlet: Outlet[int] = Outlet(3, Context(is_active=False))
    assert not outlet.offer(1)
    assert list(outlet) == []
