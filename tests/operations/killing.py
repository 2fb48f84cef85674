"""Performs acts in processes that are killed at one point each, and tells what each left. Started by `test_killed`.

    python killing.py DATABASE_URL ACTION

A point is before or after one statement, `BEGIN` and `COMMIT` included. Each process is a fork of this one, which holds
no connection and no thread. One line of JSON per point, and a last one once an act ran to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import psycopg
from tiny.model import TINY, Document, facts

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.operations import Operations, Performance

OPTIONS = RequestOptions(caller="shop")
MOST_POINTS = 120


def performance(action: str, number: int) -> Performance:
    """The act of one point: each on a document or title of its own."""
    subject = Entity("User", "ann")
    if action == "add":
        titles = {"titles": [f"first {number}", f"second {number}"]}
        return Performance(Question(subject, "add", Entity("Folder", "plans")), f"r{number}", titles)
    context = {"approver": "red-bob"} if action == "publish" else {}
    return Performance(Question(subject, action, Entity("Document", f"k{number}"), context), f"r{number}")


def open_operations(url: str, bundle: Bundle) -> tuple[Store, Operations]:
    store = Store.open(url, TINY)
    return store, Operations(store, PolicyDecisionPoint(FactCache(store), bundle))


def die_at(point: int) -> Callable[[], None]:
    """Return what counts the points, and kills this process at one of them."""
    count = 0

    def passed() -> None:
        nonlocal count
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    return passed


def watch(passed: Callable[[], None]) -> None:
    """Call it before and after every statement of PostgreSQL's driver."""
    for name in ("execute", "executemany"):
        wrap(name, passed)


def wrap(name: str, passed: Callable[[], None]) -> None:
    plain = getattr(psycopg.Cursor, name)

    def watched(*arguments: Any, **keywords: Any) -> Any:
        passed()
        result = plain(*arguments, **keywords)
        passed()
        return result

    setattr(psycopg.Cursor, name, watched)


class WatchedConnection(sqlite3.Connection):
    """Calls `passed` before and after every statement."""

    passed: Callable[[], None] = staticmethod(lambda: None)

    def execute(self, *arguments: Any) -> Any:
        WatchedConnection.passed()
        result = super().execute(*arguments)
        WatchedConnection.passed()
        return result

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(WatchedCursor)


class WatchedCursor(sqlite3.Cursor):
    """A cursor of it."""

    def execute(self, *arguments: Any) -> Any:
        WatchedConnection.passed()
        result = super().execute(*arguments)
        WatchedConnection.passed()
        return result

    def executemany(self, *arguments: Any) -> Any:
        WatchedConnection.passed()
        result = super().executemany(*arguments)
        WatchedConnection.passed()
        return result


def perform_and_die(url: str, bundle: Bundle, action: str, point: int) -> None:
    """Perform the act of a point, in this process, which dies at it; ends with 0 where the act was over before."""
    if url.startswith("sqlite"):
        connect = sqlite3.connect
        sqlite3.connect = lambda *a, **k: connect(*a, **{**k, "factory": WatchedConnection})
        sqlite3.dbapi2.connect = sqlite3.connect
    _, operations = open_operations(url, bundle)
    # From the decision on: opening the store writes nothing.
    if url.startswith("sqlite"):
        WatchedConnection.passed = staticmethod(die_at(point))
    else:
        watch(die_at(point))
    operations.perform(performance(action, point), OPTIONS)
    os._exit(0)


def left(store: Store, action: str, number: int) -> dict[str, bool]:
    """What a process left: facts, history, events, operation."""
    if action == "add":
        both = [store.read("Document", {"title": f"{which} {number}"}).records for which in ("first", "second")]
        is_done, is_half = all(both), bool(both[0]) != bool(both[1])
    else:
        found = store.read("Document", {"id": f"k{number}"}).records
        is_done = not found if action == "archive" else found[0].record.state == "PUBLISHED"
        is_half = False
    operation = store.operation("shop", f"r{number}")
    with store.read_transaction() as transaction:
        rows = transaction.connection.exec_driver_sql
        history = rows(f"SELECT count(*) FROM fact_change WHERE request_id = 'r{number}'").scalar()
        request = rows(f"SELECT count(*) FROM fact_request WHERE request_id = 'r{number}'").scalar()
        kept = rows("SELECT count(*) FROM fact_operation").scalar()
        recorded = rows("SELECT count(*) FROM audit_pending").scalar()
    told = any(event.event.about[1] == f"k{number}" for event in store.events_after((0, 0), 10_000))
    return {
        "facts": is_done,
        "half": is_half or recorded != kept,
        "operation": operation is not None,
        "history": history == 1,
        "request": request == 1,
        "event": told if action == "publish" else is_done,
    }


def main(url: str, action: str) -> None:
    bundle = Bundle.load(TINY)
    store = Store.open(url, TINY)
    drafts = [Document(f"k{number}", "plans", "bob", f"K{number}", words=5) for number in range(MOST_POINTS)]
    store.write(Batch("test", "facts", tuple(map(Put, [*facts(), *drafts]))))
    store.close()
    for point in range(MOST_POINTS):
        child = os.fork()
        if child == 0:
            perform_and_die(url, bundle, action, point)
        _, status = os.waitpid(child, 0)
        store, operations = open_operations(url, bundle)
        found = left(store, action, point)
        again = operations.perform(performance(action, point), OPTIONS)
        after = left(store, action, point)
        store.close()
        ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
        line = {"point": point, "ended": ended, "left": found, "again": bool(again), "after": after}
        sys.stdout.write(json.dumps({**line, "is_replay": again.is_replay}) + "\n")
        if ended == "exit 0":
            return
    raise SystemExit("the act has more points than were looked at")


if __name__ == "__main__":
    main(*sys.argv[1:])
