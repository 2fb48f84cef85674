"""Performs acts in processes that are killed at one point each, and tells what each left. Started by `test_killed`.

    python killing.py DATABASE_URL ACTION

ACTION is one of the tiny model, or `together`, which is two acts in one transaction; or `sweep`, which is no act: what
has run out is written down, or `alarm`: what the service itself performs, for what the log of decisions has and for
what time alone has made a cause. A point is before or after one statement, `BEGIN` and `COMMIT` included. Each process
is a fork of this one, which holds no connection and no thread. One line of JSON per point, and a last one once it ran
to its end.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from tiny.model import TINY, DocState, Document, Rank, TeamMember, User, facts

from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Put, Store, Update
from sealauthz.facts.store.following import request_of
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.waiting import waiting, written
from sealauthz.operations import Operations, Performance
from sealauthz.operations.alarms import Alarms
from sealauthz.operations.expiries import Expiries
from sealauthz.schema import Event, Outcome, Part, Sweep
from sealauthz.schema.alarms import Alarm, Attempt, Attempts

OPTIONS = RequestOptions(caller="shop")
MOST_POINTS = 120
SWEEPING = "sweep"
TOGETHER = "together"
BOTH = ("publish", "add")


def _run_out(_snapshot: Any, member: Any, _now: int) -> Outcome:
    """Who was an editor for a time is one no more, and is told."""
    about = ("TeamMember", member.id)
    told = Event("READS_ONLY", member.team_id, about, (member.user_id,), {})
    return Outcome((Update(*about, {"rank": Rank.READER}),), (told,))


_EDITORS = Sweep("TeamMember", "since", {"rank": (Rank.EDITOR,)}, _run_out)
SWEPT = dataclasses.replace(
    TINY, parts=(*TINY.parts, Part(sweeps=(_EDITORS,), events={"READS_ONLY": "An editor became a reader."}))
)
"""The tiny model in which an editor is one until a time."""


def _attempted(_snapshot: Any, attempt: Attempt) -> Document:
    return Document(attempt.id, "plans", attempt.subject_id, f"Attempt {attempt.id}", words=5)


ALARMING = "alarm"
_PUBLISHED = Alarm("Document", "read", ("author_id",), "published_at", {"state": (DocState.PUBLISHED,)})
_OF_ATTEMPT = Alarm("Document", "read", ("author_id",), "published_at", {})
ALARMED = dataclasses.replace(
    TINY,
    parts=(
        *TINY.parts,
        Part(alarms=(_PUBLISHED,), attempts=Attempts("Document", _attempted, _OF_ATTEMPT)),
    ),
)
"""The tiny model in which the author of what was published, and who was denied to publish, are shown it once."""


def performance(action: str, number: int) -> Performance:
    """The act of one point: each on a document or title of its own."""
    subject = Entity("User", "ann")
    if action == "add":  # in another team than the other acts
        titles = {"titles": [f"first {number}", f"second {number}"]}
        return Performance(Question(Entity("User", "cy"), "add", Entity("Folder", "notes")), f"add{number}", titles)
    context = {"approver": "red-bob"} if action == "publish" else {}
    return Performance(Question(subject, action, Entity("Document", f"k{number}"), context), f"r{number}")


def open_operations(url: str, bundle: Bundle) -> tuple[Store, Operations]:
    store = Store.open(url, TINY)
    return store, Operations(store, PolicyDecisionPoint(FactCache(store), bundle))


def die_at(point: int) -> Callable[[], None]:
    """Return what counts the points, and kills this process at one of them."""
    count = 0
    lock = threading.Lock()

    def passed() -> None:
        nonlocal count
        with lock:
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
    store, operations = open_operations(url, bundle)
    if action == TOGETHER:
        acts = [performance(each, point) for each in BOTH]
        perform_together(store, operations, acts, lambda: watch(die_at(point)))
        os._exit(0)
    # From the decision on: opening the store writes nothing.
    if url.startswith("sqlite"):
        WatchedConnection.passed = staticmethod(die_at(point))
    else:
        watch(die_at(point))
    operations.perform(performance(action, point), OPTIONS)
    os._exit(0)


def perform_together(store: Store, operations: Operations, acts: list[Performance], begin: Callable[[], None]) -> None:
    """Perform acts that wait until all are there, as if another one were being written meanwhile; then `begin`.

    What they read until then they read each for itself, as an act alone does, of which every point is looked at.
    """
    group = store._attempts._group
    assert group is not None
    group._is_led = True
    running = [threading.Thread(target=operations.perform, args=(act, OPTIONS)) for act in acts]
    for thread in running:
        thread.start()
    while len(group._waiting) < len(acts):
        time.sleep(0.001)
    begin()
    group._hand_over((), ())
    for thread in running:
        thread.join()


def sweep(store: Store) -> int:
    """Write what has run out, like a process that has just started; return how many records changed."""
    return Expiries(store, FactCache(store), Policies(None), lambda *_: None).sweep()


def sweep_and_die(url: str, point: int) -> None:
    """Sweep in this process, which dies at a point; ends with 0 where it was over before."""
    watch(die_at(point))
    sweep(Store.open(url, SWEPT))
    os._exit(0)


def left_by_sweep(store: Store, number: int) -> dict[str, bool]:
    """What was written of the editor of one point: the fact, its history and the event. Each sweep had one."""
    (found,) = store.read("TeamMember", {"id": f"m{number}"}).records
    told = [each for each in store.events_after((0, 0), 10_000) if each.event.about == ("TeamMember", f"m{number}")]
    with store.read_transaction() as transaction:
        rows = transaction.connection.exec_driver_sql
        swept = rows("SELECT count(*) FROM fact_change WHERE caller = 'sealauthz'").scalar() - number
    return {
        "facts": found.record.rank == Rank.READER,
        "half": swept not in (0, 1) or len(told) not in (0, 1),
        "history": swept == 1,
        "event": len(told) == 1,
    }


def sweep_at_each_point(url: str) -> None:
    """At each point somebody's time has run out; a sweep dies there, and another one comes."""
    for point in range(MOST_POINTS):
        store = Store.open(url, SWEPT)
        editor = TeamMember(f"m{point}", "red", f"u{point}", Rank.EDITOR, since=1)
        store.write(Batch("test", f"due-{point}", (Put(User(f"u{point}")), Put(editor))))
        store.close()
        child = os.fork()
        if child == 0:
            sweep_and_die(url, point)
        _, status = os.waitpid(child, 0)
        store = Store.open(url, SWEPT)
        found = left_by_sweep(store, point)
        changed = sweep(store)
        after = left_by_sweep(store, point)
        store.close()
        report(point, status, found, after, again=True, is_replay=changed == 0)
        if not os.WIFSIGNALED(status):
            return
    raise SystemExit("the sweep has more points than were looked at")


def raise_alarms(store: Store, bundle: Bundle) -> int:
    """Raise what there is to be raised, like a process that has just started; return how many alarms that were."""
    cache = FactCache(store)
    acts = Operations(store, PolicyDecisionPoint(cache, bundle))
    alarms = Alarms(store, cache, acts, lambda *_: None)
    return alarms.follow() + alarms.look()


def alarm_and_die(url: str, bundle: Bundle, point: int) -> None:
    """Raise alarms in this process, which dies before one of its statements; ends with 0 where it was over before."""
    passed, plain = die_at(point), psycopg.Cursor.execute

    def watched(cursor: Any, query: Any, *arguments: Any, **keywords: Any) -> Any:
        if not str(query).lstrip().startswith("SELECT"):  # who dies there leaves what lay before it
            passed()
        return plain(cursor, query, *arguments, **keywords)

    psycopg.Cursor.execute = watched  # type: ignore[assignment]
    raise_alarms(Store.open(url, ALARMED), bundle)
    os._exit(0)


def left_by_alarms(store: Store, number: int) -> dict[str, bool]:
    """What there is of both alarms of one point: of each, once, or nothing."""
    of_time, of_attempt = request_of(_PUBLISHED, f"p{number}"), request_of(_OF_ATTEMPT, f"x{number}")
    with store.read_transaction() as transaction:
        rows = transaction.connection.exec_driver_sql
        texts = [row[0] for row in rows("SELECT records FROM audit_pending UNION ALL SELECT record FROM audit_log")]
        done = [row[0] for row in rows("SELECT request_id FROM fact_operation")]
    records = [json.loads(line) for text in texts for line in text.split("\n")]
    read = [each["resource"] for each in records if each["kind"] == "Perform" and each["action"] == "read"]
    counts = [(done.count(of_time), read.count(f"Document:p{number}"))]
    counts += [(done.count(of_attempt), read.count(f"Document:x{number}"))]
    (put,) = [store.read("Document", {"id": f"x{number}"}).records]
    return {
        "attempt": bool(put),
        "half": any(operation != record or operation > 1 for operation, record in counts),
        "of attempt": counts[1] == (1, 1),
        "of time": counts[0] == (1, 1),
    }


def alarm_at_each_point(url: str, bundle: Bundle) -> None:
    """At each point somebody is denied, and something was published; who raises alarms dies there, and others come."""
    for point in range(MOST_POINTS):
        store = Store.open(url, ALARMED)
        published = Document(f"p{point}", "plans", "ann", f"P{point}", DocState.PUBLISHED, words=5, published_at=1)
        store.write(Batch("test", f"due-{point}", (Put(published),)))
        denied = {"v": 2, "kind": "Perform", "id": f"x{point}", "at": 1, "caller": "shop", "effect": "DENY"}
        denied |= {"subject": "User:ann", "action": "publish", "resource": "Document:d1"}
        with store.writing() as connection:
            driver = Driver(connection)
            driver.run(*waiting(driver.is_postgresql, 1, written(denied)))
        Sequencer(store, "log").drain()
        store.close()
        child = os.fork()
        if child == 0:
            alarm_and_die(url, bundle, point)
        _, status = os.waitpid(child, 0)
        store = Store.open(url, ALARMED)
        found = left_by_alarms(store, point)
        raised = raise_alarms(store, bundle)
        after = left_by_alarms(store, point)
        again = raise_alarms(store, bundle) == 0
        store.close()
        report(point, status, found, after, again=again, is_replay=raised == 0)
        if not os.WIFSIGNALED(status):
            return
    raise SystemExit("raising alarms has more points than were looked at")


def report(point: int, status: int, found: Any, after: Any, *, again: bool, is_replay: bool) -> None:
    """Print what became of one point."""
    ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
    line = {"point": point, "ended": ended, "left": found, "again": again, "after": after, "is_replay": is_replay}
    sys.stdout.write(json.dumps(line) + "\n")


def left(store: Store, action: str, number: int) -> dict[str, bool]:
    """What a process left: facts, history, events, operation."""
    if action == TOGETHER:
        one, other = (left(store, each, number) for each in BOTH)
        return {**one, "half": one["half"] or other["half"] or one != other}
    request_id = performance(action, number).request_id
    if action == "add":
        both = [store.read("Document", {"title": f"{which} {number}"}).records for which in ("first", "second")]
        is_done, is_half = all(both), bool(both[0]) != bool(both[1])
    else:
        found = store.read("Document", {"id": f"k{number}"}).records
        is_done = not found if action == "archive" else found[0].record.state == "PUBLISHED"
        is_half = False
    operation = store.operation("shop", request_id)
    with store.read_transaction() as transaction:
        rows = transaction.connection.exec_driver_sql
        history = rows(f"SELECT count(*) FROM fact_change WHERE request_id = '{request_id}'").scalar()
        request = rows(f"SELECT count(*) FROM fact_request WHERE request_id = '{request_id}'").scalar()
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
    if action == SWEEPING:
        store = Store.open(url, SWEPT)
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
        store.close()
        sweep_at_each_point(url)
        return
    bundle = Bundle.load(TINY)
    if action == ALARMING:
        store = Store.open(url, TINY)
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
        store.close()
        alarm_at_each_point(url, bundle)
        return
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
        acts = BOTH if action == TOGETHER else (action,)
        again, *others = (operations.perform(performance(each, point), OPTIONS) for each in acts)
        assert all(each.is_replay == again.is_replay for each in others)
        after = left(store, action, point)
        store.close()
        report(point, status, found, after, again=bool(again), is_replay=again.is_replay)
        if not os.WIFSIGNALED(status):
            return
    raise SystemExit("the act has more points than were looked at")


if __name__ == "__main__":
    main(*sys.argv[1:])
