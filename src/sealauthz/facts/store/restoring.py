"""Restoring: a restored store takes writes of facts and answers nothing, until an operator completes it.

The state is part of the identity (`identity.py`), which every transaction reads in its own snapshot.
"""

from __future__ import annotations

import time
import uuid

from sqlalchemy import Connection, func, select, update

from sealauthz.facts.store.database import Database, look
from sealauthz.facts.store.identity import UNTRUSTED, Restored, origin_statement
from sealauthz.facts.store.importing import INVARIANT, check_tenants, open_imports
from sealauthz.facts.store.locking import lock_revisions
from sealauthz.facts.store.statements import Driver, driver
from sealauthz.facts.store.system_tables import FACT_CHANGE, STORE_IDENTITY
from sealauthz.facts.store.waiting import waiting, written
from sealauthz.runtime.errors import HistoryLost, InvariantBroken

RESTORED, COMPLETED = "StoreRestored", "StoreCompleted"
"""The kinds of their records in the log of decisions."""


def announce(database: Database, log_size: int, key: bytes) -> Restored:
    """Begin a new history, incomplete, as `Store.announce_restore` says."""
    timeline = str(uuid.uuid4())
    with database.write() as connection:
        lock_revisions(connection)
        revision = connection.execute(select(func.max(FACT_CHANGE.c.revision))).scalar() or 0
        restored = Restored(revision, log_size)
        connection.execute(update(STORE_IDENTITY).values(timeline_id=timeline))
        driver(connection).execute(origin_statement(database.is_postgresql, restored))
        _log(database, connection, key, RESTORED, revision=revision, timeline=timeline)
    return restored


def complete(database: Database, by: str, note: str, key: bytes) -> Restored | None:
    """End the state, as `Store.complete_restore` says."""
    with database.read(may_be_incomplete=True) as transaction:
        if transaction.restored is None:
            return None
        # Before the lock of revisions, because it may take long. What is written meanwhile is checked by its write.
        root = database.tables.of(database.model.tenant)
        check_tenants(
            transaction.connection, database.tables, transaction.connection.execute(select(root.c.id)).scalars()
        )
    with database.write() as connection:
        lock_revisions(connection)
        seen = look(connection, database.identity)()
        if seen.restored is None:
            return None
        imports = ", ".join(f"`{item.import_id}` of `{item.caller}`" for item in open_imports(connection))
        if imports:
            raise InvariantBroken(INVARIANT, f"imports are open: finish or abandon {imports}")
        driver(connection).execute(origin_statement(database.is_postgresql))
        _log(
            database,
            connection,
            key,
            COMPLETED,
            caller=by,
            note=note,
            restored_revision=seen.restored.revision,
            revision=seen.revision,
            timeline=seen.timeline,
        )
    return seen.restored


def distrust(database: Database) -> None:
    """Write down that the store went back, as `Store.distrust` says, unless somebody has announced it meanwhile."""
    with database.write() as connection:
        lock_revisions(connection)
        try:
            look(connection, database.identity)()
        except HistoryLost as error:
            if error.is_known_here_only:
                connection.execute(update(STORE_IDENTITY).values(origin=UNTRUSTED))


def _log(database: Database, connection: Connection, key: bytes, kind: str, **more: object) -> None:
    at = time.time_ns() // 1000
    record = written({"v": 1, "kind": kind, "id": str(uuid.uuid4()), "at": at, **more})
    Driver(connection).run(*waiting(database.is_postgresql, at, record, key=key))
