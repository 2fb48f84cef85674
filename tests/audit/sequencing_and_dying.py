"""Sequences a log in processes that are killed at one point each, and tells what each left. Started by a test.

    python sequencing_and_dying.py DATABASE_URL step|place

A point is before or after one statement of a step, its COMMIT included. Each process is a fork of this one. With
`place` it gives places to records of its own too, which wait nowhere: they are gone with it, or have theirs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from audit_logs import made, run, wait
from killing import die_at, watch
from tiny.model import TINY

from sealauthz.audit.note import Signer
from sealauthz.audit.sequencer import _LOCK, Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store
from sealauthz.facts.store import database, statements

MOST_POINTS = 80


class Watched:
    """A connection of SQLite's driver that calls `passed` before and after every statement."""

    def __init__(self, connection: Any, passed: Callable[[], None]) -> None:
        self._connection = connection
        self._passed = passed

    def execute(self, *arguments: Any) -> Any:
        self._passed()
        result = self._connection.execute(*arguments)
        self._passed()
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def sequence_and_die(url: str, signer: Signer, point: int, own: list[str]) -> None:
    passed = die_at(point)
    plain = statements.driver
    if url.startswith("sqlite"):
        for module in (statements, database):
            module.driver = lambda connection: Watched(plain(connection), passed)
    else:
        watch(passed)
    with closing(Store.open(url, TINY)) as store:
        sequencer = Sequencer(store, "log", signer)
        if own:
            sequencer.place(own)
        else:
            sequencer.step()
    os._exit(0)


def wait_for_its_backend(url: str, store: Store) -> None:
    """Wait until the server has ended what a process that was killed had begun: until then it holds the lock."""
    if url.startswith("sqlite"):
        return
    held = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {_LOCK}"
    for _ in range(600):
        if run(store, held)[0][0] == 0:
            return
        time.sleep(0.05)
    raise SystemExit("the server goes on with what a process that was killed had begun")


def main(url: str, how: str) -> None:
    signer, records = Signer.fresh("log"), []
    for point in range(MOST_POINTS):
        with closing(Store.open(url, TINY)) as store:
            some = [made(number) for number in range(300 if point == 0 else 5)]
            own = some[3:] if how == "place" else []
            records += some[:3] if own else some
            wait(store, some[:2])
            wait(store, some[2:3] if own else some[2:])
        child = os.fork()
        if child == 0:
            sequence_and_die(url, signer, point, own)
        _, status = os.waitpid(child, 0)
        with closing(Store.open(url, TINY)) as store:
            wait_for_its_backend(url, store)
            kept = [record for (record,) in run(store, "SELECT record FROM audit_log ORDER BY number")]
            waits = "\n".join(row for (row,) in run(store, "SELECT records FROM audit_pending ORDER BY id"))
            with store.plain_connection() as connection:
                report = verify_database(connection, store.tables, [signer.verifier])
            if own and own[0] in kept:
                records += own
            whole = sorted(kept + waits.splitlines()) == sorted(records)
        ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
        said = {"ended": ended, "whole": whole, "in order": bool(report), "placed": len(kept) == len(records)}
        sys.stdout.write(json.dumps(said) + "\n")
        if ended == "exit 0":
            return
    raise SystemExit("a step has more points than were looked at")


if __name__ == "__main__":
    main(*sys.argv[1:])
