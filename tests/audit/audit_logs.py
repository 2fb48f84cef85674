"""Logs for tests: records as answers would make them, and how they come into a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision.ids import new_id
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting, written


def made(number: int = 0, **more: Any) -> str:
    """A record as an answer would make it."""
    content = {
        "v": 1,
        "kind": "Authorize",
        "id": new_id(),
        "at": 1_000_000 + number,
        "caller": "shop",
        "effect": "ALLOW",
    }
    content |= {"subject": "User:ann", "resource": f"Document:d{number % 5}", "action": "read"}
    return written({**content, "tenant": "Team", "tenants": ["red"], **more})


def wait(store: Store, records: Sequence[str]) -> None:
    """Have records wait for their place, in one row."""
    with store.writing() as connection:
        driver = Driver(connection)
        driver.run(*waiting(driver.is_postgresql, now_us(), *records))


def grown(store: Store, sequencer: Sequencer, count: int) -> list[str]:
    """Let the log grow by so many records."""
    records = [made(number) for number in range(count)]
    wait(store, records)
    assert sequencer.drain() == count
    return records


def run(store: Store, *statements: str) -> list[Any]:
    """Run statements as somebody does who can write the database; return the rows of the last."""
    rows: list[Any] = []
    with store.writing() as connection:
        for statement in statements:
            found = connection.exec_driver_sql(statement)
            rows = list(found) if found.returns_rows else []
    return rows


def until(is_so: Callable[[], object]) -> None:
    """Wait for what a thread is about to do."""
    for _ in range(6_000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it does not happen")
