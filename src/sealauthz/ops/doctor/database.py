"""Checks of the database: whether it can be read, its schema, its history, the clocks, and the disk of SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

from rich.filesize import decimal
from sqlalchemy import text

from sealauthz.facts.store.condition import Condition, condition_of
from sealauthz.facts.store.database import Database
from sealauthz.facts.store.engine import MAX_CONNECTIONS, cause_shown, parse, shown
from sealauthz.ops.doctor.findings import Found, Level
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Model

CLOCK_WARNING_S, CLOCK_PROBLEM_S = 2.0, 30.0
"""How far the clocks of this machine and the database may be apart: decisions take the time from here, and who waits
for whom is told by the database.
"""

FREE_WARNING, FREE_PROBLEM = 1 << 30, 100 << 20
WAL_WARNING = 1 << 30

_RESTORED = "docs/operating.md, Restoring a backup: `sealauthz db restored`, if this is the database to serve"


def look_at_database(url: str, model: Model, workers: int = 1) -> Found:
    """Look at the schema and the history. Raises nothing for a database that cannot be reached: that is found."""
    try:
        condition = condition_of(url, model)
    except FactsUnavailable as error:
        yield Level.PROBLEM, f"it cannot be read: {error}: {cause_shown(error, url)}", _how_to_reach(url)
        return
    yield Level.OK, f"{_version(url, model)}, {shown(url)}", ""
    yield from _schema(condition)
    if not condition.problems:
        yield from _connections(url, model, workers)


def look_at_clock(url: str, model: Model) -> Found:
    """Compare the clock of this machine with that of the database, and with the newest revision."""
    condition = condition_of(url, model)
    ahead_s = condition.revision_at / 1_000_000 - time.time()
    if ahead_s > CLOCK_WARNING_S:
        said = f"the newest revision was written {ahead_s:,.0f} seconds in the future"
        yield Level.PROBLEM, said, "a clock went back, here or where it was written: set the clocks by NTP"
    if parse(url).get_backend_name() != "postgresql":
        yield Level.OK, "SQLite has the clock of this machine", ""
        return
    before = time.time()
    theirs = float(_asked(url, model, "SELECT extract(epoch FROM clock_timestamp())"))
    after = time.time()
    # Somewhere within the round trip the database looked at its clock: what that explains is no difference.
    apart_s = max(before - theirs, theirs - after, 0.0)
    said = f"this machine and the database are {apart_s:.1f} seconds apart"
    if apart_s > CLOCK_WARNING_S:
        level = Level.PROBLEM if apart_s > CLOCK_PROBLEM_S else Level.WARNING
        yield level, said, "set the clocks by NTP: what ends at an instant ends at the instant of this machine"
    else:
        yield Level.OK, said, ""


def look_at_disk(url: str) -> Found:
    """Look at the disk that a SQLite file lies on; of PostgreSQL it cannot be seen from here."""
    parsed = parse(url)
    if parsed.get_backend_name() == "postgresql":
        yield Level.OK, "the disk of PostgreSQL cannot be seen from here", ""
        return
    file = Path(parsed.database or "").absolute()
    free = shutil.disk_usage(file.parent).free
    level = Level.PROBLEM if free < FREE_PROBLEM else Level.WARNING if free < FREE_WARNING else Level.OK
    todo = "make room: a full disk refuses every write" if level is not Level.OK else ""
    yield level, f"{decimal(file.stat().st_size)} of facts, {decimal(free)} free", todo
    if not os.access(file.parent, os.W_OK) or not os.access(file, os.W_OK):
        yield Level.PROBLEM, f"this user may not write to `{file.parent}`", "SQLite keeps its log beside the file"
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and (size := log.stat().st_size) > WAL_WARNING:
        yield Level.WARNING, f"the log of SQLite has {decimal(size)}", "a process reads for very long: end it"


def _schema(condition: Condition) -> Found:
    pending = ", ".join(condition.pending)
    for problem in condition.problems:
        yield Level.PROBLEM, problem, "`sealauthz db upgrade`" if condition.pending else _RESTORED
    if condition.problems:
        return
    if condition.pending:
        yield Level.WARNING, f"schema {condition.schema}, pending: {pending}", "`sealauthz db upgrade`"
    else:
        yield Level.OK, f"schema {condition.schema}, the newest; facts at revision {condition.revision}", ""


def _connections(url: str, model: Model, workers: int) -> Found:
    if parse(url).get_backend_name() != "postgresql":
        return
    most = int(_asked(url, model, "SELECT current_setting('max_connections')"))
    wanted = workers * MAX_CONNECTIONS
    if wanted > most:
        said = f"{workers} workers may want {wanted} connections, and PostgreSQL allows {most}"
        yield Level.WARNING, said, "raise `max_connections`, or serve with fewer `server.workers`"


def _version(url: str, model: Model) -> str:
    if parse(url).get_backend_name() != "postgresql":
        return f"SQLite {sqlite3.sqlite_version}"
    version = str(_asked(url, model, "SELECT current_setting('server_version')"))
    return f"PostgreSQL {version.split(maxsplit=1)[0]}"


def _asked(url: str, model: Model, statement: str) -> float | int | str:
    """Ask the database one thing, on a connection of its own. Raises FactsUnavailable."""
    database = Database(url, model)
    try:
        with database.plain() as connection:
            connection.execute(text("SELECT 1"))  # connecting is no part of a round trip
            found: float | int | str = connection.execute(text(statement)).scalar_one()
            return found
    finally:
        database.close()


def _how_to_reach(url: str) -> str:
    if parse(url).get_backend_name() == "postgresql":
        return "is PostgreSQL there, may this user connect, and is `database.url` right (`sealauthz config show`)?"
    return "is `database.url` right (`sealauthz config show`)? A new database: `sealauthz db upgrade`"
