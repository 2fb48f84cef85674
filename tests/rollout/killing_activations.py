"""Activates policies in processes that are killed at one point each, and tells what is left. `test_killed` starts it.

    python killing_activations.py DATABASE_URL

A point is before or after one statement. Each process is a fork of this one, which holds no connection and no thread.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys

from killing import MOST_POINTS, WatchedConnection, die_at, watch
from tiny.model import TINY

from sealauthz.facts import FactCache, Store
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.store.policies import PolicyStore, Proposal


def activate_and_die(url: str, version: str, expected: str, point: int) -> None:
    """Activate, in this process, which dies at a point; ends with 0 where that was over before."""
    if url.startswith("sqlite"):
        connect = sqlite3.connect
        sqlite3.connect = lambda *a, **k: connect(*a, **{**k, "factory": WatchedConnection})
        sqlite3.dbapi2.connect = sqlite3.connect
    kept = PolicyStore(Store.open(url, TINY))
    if url.startswith("sqlite"):
        WatchedConnection.passed = staticmethod(die_at(point))
    else:
        watch(die_at(point))
    kept.activate(version, f"d{version}", expected, "bob")
    os._exit(0)


def main(url: str) -> None:
    store = Store.open(url, TINY)
    for version in "ab":
        PolicyStore(store).propose(Proposal(version, f"d{version}", "ann", "", 1, version))
    store.close()
    for point in range(MOST_POINTS):
        store = Store.open(url, TINY)
        before, revision = PolicyStore(store).activated(), store.revision()
        store.close()
        active = before[-1].version if before else ""
        version = "b" if active == "a" else "a"
        child = os.fork()
        if child == 0:
            activate_and_die(url, version, active, point)
        _, status = os.waitpid(child, 0)
        store = Store.open(url, TINY)
        cache = FactCache(store)
        cache.refresh(uptime_s())
        kept = PolicyStore(store)
        after = kept.activated()
        with store.read_transaction() as transaction:
            rows = transaction.connection.exec_driver_sql
            units = rows("SELECT revision FROM fact_change_unit WHERE kind = 'POLICIES'").scalars().all()
        ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
        line = {
            "ended": ended,
            "added": [each.version == version for each in after[len(before) :]],
            "revisions": store.revision() - revision,
            "is_whole": sorted(units) == [each.revision for each in after] and cache.timeline.activated == after,
        }
        store.close()
        sys.stdout.write(json.dumps(line) + "\n")
        if ended == "exit 0":
            return
    raise SystemExit("an activation has more points than were looked at")


if __name__ == "__main__":
    main(sys.argv[1])
