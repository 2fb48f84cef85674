"""A world in which anybody may try any act, and the laws that every try must keep.

The world is a store with some facts. A second store on the same database follows it, as another process would. Each try
is judged by means of its own: a decision on all rows as they are read from the tables, every row of every table before
and after, and every rule that is true of facts at any time.
"""

from __future__ import annotations

import dataclasses
import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from act_laws import (
    ACTING,
    NAMES,
    Deed,
    Key,
    Records,
    assert_cared_for,
    assert_counts,
    assert_ends_are_final,
    assert_used_up,
    changes_between,
)
from event_laws import assert_told
from facts_scene import described
from joserfc.jwk import OKPKey
from own_word import TRUSTED, signed
from scene import NOW, POLICIES, person

from sealauthz.decision import Bundle, Decision, PolicyDecisionPoint, RequestOptions
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.store.invariants import check_references, check_same_tenant, check_valid, check_whole
from sealauthz.facts.store.rows import RecordRows
from sealauthz.facts.store.tables import tables_of
from sealauthz.facts.store.values import MAX_INTEGER
from sealauthz.model import MODEL
from sealauthz.operations import Issuer, Operations, Performance, Performed
from sealauthz.operations.expiries import Expiries
from sealauthz.operations.keys import SigningKeys
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import Change, Changes, Event, Unit, values_of

_TABLES = tables_of(MODEL)
_READING = {table.name: f"SELECT * FROM {table.name}" for table in _TABLES.metadata.sorted_tables}
_OF_PAST_ACTS = {"fact_activity", "fact_event", "fact_operation", "fact_request"}
_TYPE_OF_TABLE = {_TABLES.of(name).name: name for name in MODEL.records}
_BOOLS = {name: [column.name for column in MODEL.shapes[name].columns if column.type is bool] for name in MODEL.records}
_KEYS = SigningKeys([OKPKey.generate_key("Ed25519")])


@dataclass(frozen=True)
class Tried:
    """What came of it: the answer, or the error that refused it."""

    performed: Performed | None = None
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.performed)


class Ground:
    """A database for one world at a time, and two processes on it: one that acts, and one that follows. `close` it.

    A world begins by writing its rows past the stores, which takes a tenth of the time of a new database.
    """

    def __init__(self, url: str) -> None:
        self.now = NOW
        self._url = url
        self.store = Store.open(url, MODEL, lambda: self.now)
        self.follower = Store.open(url, MODEL, lambda: self.now)
        self._is_postgresql = url.startswith("postgresql")
        self._watching = self._connect(autocommit=True)
        self.store.write(Batch("test", "begin", (Put(person("somebody")),)))

    def close(self) -> None:
        self._watching.close()
        self.store.close()
        self.follower.close()

    def written(self) -> Any:
        """Return what is another value once anybody has written anything into any table."""
        said = "SELECT pg_current_wal_insert_lsn()" if self._is_postgresql else "PRAGMA data_version"
        return self._watching.execute(said).fetchone()

    def begin(self, records: Iterable[Any], now: int, reference: Bundle | None = None) -> ActingWorld:
        """Begin a world of some facts; there is no other one from now on."""
        self.now = now
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for record in records:
            rows[type(record).__name__].append(tuple(map(_plain, values_of(record))))
        mark = "%s" if self._is_postgresql else "?"
        with closing(self._connect()) as connection, connection:
            cursor = connection.cursor()
            for table in _TABLES.metadata.sorted_tables[::-1]:
                if table.name in _TYPE_OF_TABLE or table.name in _OF_PAST_ACTS:
                    cursor.execute(f"DELETE FROM {table.name}")
            cursor.execute("DELETE FROM fact_change WHERE revision < (SELECT max(revision) FROM fact_change)")
            cursor.execute("DELETE FROM fact_change_unit WHERE revision < (SELECT max(revision) FROM fact_change)")
            for record_type, each in rows.items():
                names = ", ".join(f'"{name}"' for name in NAMES[record_type])
                marks = ", ".join([mark] * len(NAMES[record_type]))
                table = _TABLES.of(record_type).name
                cursor.executemany(f"INSERT INTO {table} ({names}, revision) VALUES ({marks}, 1)", each)
        return ActingWorld(self, reference)

    def _connect(self, *, autocommit: bool = False) -> Any:
        if not self._is_postgresql:
            return sqlite3.connect(self._url.removeprefix("sqlite:///"), isolation_level=None if autocommit else "")
        # Who replicates may write rows in any order.
        return psycopg.connect(self._url, autocommit=autocommit, options="-c session_replication_role=replica")


class ActingWorld:
    """Facts, those who act on them, and what was read of all tables last."""

    def __init__(self, ground: Ground, reference: Bundle | None = None) -> None:
        self._ground = ground
        self._numbers = itertools.count()
        self.store = ground.store
        cache = FactCache(self.store)
        self._caches = (cache, FactCache(ground.follower))
        self.pdp = PolicyDecisionPoint(cache, POLICIES, lambda: self.now)
        self._reference = reference
        self._checks_used: set[str] = set()
        self.judges_events = False
        self._columns: dict[str, tuple[str, ...]] = {}
        self._read()
        self._assert_whole()

    @property
    def now(self) -> int:
        return self._ground.now

    @now.setter
    def now(self, now: int) -> None:
        self._ground.now = now

    # --- moves --------------------------------------------------------------------------------------------------------

    def write(self, *changes: Any) -> None:
        """Write facts, as the services do that own the outside world."""
        self.store.write(Batch("facts", f"write-{next(self._numbers)}", changes))

    def outside(self, *changes: Any) -> bool:
        """Write facts of the outside world, if they may be; all is looked at then."""
        try:
            self.write(*changes)
        except (InvariantBroken, FactConflict, InvalidRequest):
            self._assert_nothing_changed("a refused write")
            return False
        self._read()
        self._assert_whole()
        return True

    def sweep(self) -> None:
        """Have what time has ended written down, as the service does every minute; all is looked at then."""
        expiries = Expiries(self.store, self._caches[0], POLICIES, ignored, now=lambda: self.now)
        swept = expiries.sweep()
        assert not expiries._refused, "something is due and cannot be swept"
        if not swept:
            self._assert_nothing_changed("a sweep that found nothing")
            return
        self._read()
        self._assert_whole()
        self._assert_all_see_the_same()

    def decide(self, deed: Deed, policies: Bundle | Policies = POLICIES) -> Decision:
        """Decide on all rows as they were read from the tables last, by way of no cache of a store."""
        pdp = PolicyDecisionPoint(self.memory, policies, lambda: self.now)
        return pdp.decide(deed.question, RequestOptions(caller=deed.caller))

    def do(self, deed: Deed) -> Tried:
        """Try an act, and only read what there is then."""
        performance = signed(Performance(deed.question, f"request-{next(self._numbers)}", deed.arguments), self.now)
        operations = Operations(self.store, self.pdp, Issuer("authz", _KEYS), TRUSTED)
        try:
            tried = Tried(operations.perform(performance, RequestOptions(caller=deed.caller)))
        except (InvalidRequest, InvariantBroken, FactConflict, CallerNotPermitted) as error:
            return Tried(error=error)
        if tried.is_done:
            self._read()
        return tried

    def attempt(self, deed: Deed, meanwhile: Callable[[], object] | None = None) -> Tried:
        """Try an act, and hold what comes of it against the laws.

        `meanwhile` is done once between its decision and its end.
        """
        performance = signed(Performance(deed.question, f"request-{next(self._numbers)}", deed.arguments), self.now)
        options = RequestOptions(caller=deed.caller)
        expected = [self.decide(deed)]
        pdp = self.pdp
        if meanwhile is not None:

            def intervene() -> None:
                meanwhile()
                expected.append(self.decide(deed))

            pdp = _Intervening(pdp, intervene)  # type: ignore[assignment]
        operations = Operations(self.store, pdp, Issuer("authz", _KEYS), TRUSTED)
        try:
            tried = Tried(operations.perform(performance, options))
        except (InvalidRequest, InvariantBroken, FactConflict, CallerNotPermitted) as error:
            tried = Tried(error=error)
        if tried.performed is None:
            self._assert_nothing_changed(f"{deed} was refused: {tried.error}")
        elif not tried.performed:
            said = [[reason.code for reason in each.reasons] for each in (*expected, tried.performed.decision)]
            assert said[-1] in said[:-1], f"{deed} is denied for {said[-1]}, and on fresh facts: {said[:-1]}"
            assert said[-1], f"{deed} is denied for no reason"
            self._assert_nothing_changed(f"{deed} was denied")
        else:
            assert expected[-1], f"{deed} was performed, and {[r.code for r in expected[-1].reasons]} denies it"
            if self._reference is not None:
                assert self.decide(deed, self._reference), f"{deed} was performed, and the reference denies it"
            before, revision = self.records, self.revision
            assert tried.performed.decision.revision <= revision
            self._read()
            self._judge(deed, tried.performed, expected[-1], before, revision)
            self._assert_once(operations, performance, options, tried.performed)
        return tried

    # --- what is there ------------------------------------------------------------------------------------------------

    @property
    def memory(self) -> FactCache:
        """All rows as they were read from the tables last, wired."""
        if self._memory is None:
            self._memory = FactCache.of_records(MODEL, self.records.values())
        return self._memory

    def _fetch(self) -> tuple[int, dict[str, list[Any]]]:
        with self.store.read_transaction() as transaction:
            found: dict[str, list[Any]] = {}
            for name, statement in _READING.items():
                rows = transaction.connection.exec_driver_sql(statement)
                self._columns.setdefault(name, tuple(rows.keys()))
                found[name] = sorted(map(tuple, rows), key=repr)
            return transaction.revision, found

    def _read(self) -> None:
        """Read every row of every table."""
        self._written = self._ground.written()
        self.revision, rows = self._fetch()
        records: dict[Key, Any] = {}
        for table, record_type in _TYPE_OF_TABLE.items():
            cls, names, bools = MODEL.records[record_type], NAMES[record_type], _BOOLS[record_type]
            for row in rows[table]:
                values = dict(zip(self._columns[table], row, strict=True))
                values |= {name: bool(values[name]) for name in bools}
                records[record_type, values["id"]] = cls(**{name: values[name] for name in names})
        self._rows, self.records = rows, records
        self._memory: FactCache | None = None

    def _assert_nothing_changed(self, what: str) -> None:
        written = self._ground.written()
        if written == self._written:
            return
        revision, rows = self._fetch()
        differing = [name for name, each in rows.items() if each != self._rows[name]]
        assert not differing, f"{what}, and {differing} changed"
        assert revision == self.revision, f"{what}, and there is a new revision"
        self._written = written

    # --- laws ---------------------------------------------------------------------------------------------------------

    def _judge(self, deed: Deed, done: Performed, decision: Decision, before: Records, revision: int) -> None:
        """What holds of facts behind each act."""
        assert done.operation is not None
        changed = changes_between(before, self.records)
        assert done.operation.revision == self.revision
        assert self.revision <= revision + 1
        assert not changed or self.revision == revision + 1
        if (deed.resource[0], deed.action) not in ACTING:
            assert not changed, f"{deed} only looks, and changed {list(changed)}"
        assert_ends_are_final(deed, changed)
        assert_counts(deed, changed)
        assert_used_up(deed, decision, before, self.records, self._checks_used)
        assert_cared_for(deed, before, self.records, self.now)
        if self.judges_events:
            assert_told(deed, self._events_after(revision), before, self.records, self.now)
        self._assert_whole()
        self._assert_all_see_the_same()

    def _events_after(self, revision: int) -> list[Event]:
        """What was told after a revision."""
        return [each.event for each in self.store.events_after((revision, MAX_INTEGER), 1_000)]

    def _assert_whole(self) -> None:
        """Everything that is true of facts at any time holds of all that is stored."""
        records = list(self.records.values())
        rows = RecordRows(records)
        check_references(records, rows)
        changes = Changes(Change(*key, record, record) for key, record in self.records.items())
        check_same_tenant(MODEL, changes, rows)
        for change in changes:
            check_valid(change, MODEL.shapes[change.record_type])
        check_whole(MODEL, records, rows)

    def _assert_all_see_the_same(self) -> None:
        """This process, the one that follows it, and all that is stored show the same units."""
        units = [
            Unit(MODEL.units.roots[kind], record_id) for kind, record_id in self.records if kind in MODEL.units.roots
        ]

        def look(snapshot: Any) -> dict[Unit, Any]:
            return {unit: described(snapshot.unit(unit)) for unit in units}

        expected = self.memory.answer(look, FULL)
        for cache in self._caches:
            assert cache.answer(look, FULL) == expected

    def _assert_once(
        self, operations: Operations, performance: Performance, options: RequestOptions, done: Performed
    ) -> None:
        """The same request again is the same answer and changes nothing; another content is refused."""
        try:
            again = operations.perform(performance, options)
        except FactConflict as error:
            raise AssertionError(f"{performance} was refused when it was sent again") from error
        is_same = again.operation == done.operation and again.decision.decision_id == done.decision.decision_id
        assert again.is_replay and is_same, f"{performance} has another answer when it is sent again"  # noqa: PT018
        try:
            operations.perform(dataclasses.replace(performance, arguments={"another": "content"}), options)
        except FactConflict:
            pass
        else:
            raise AssertionError(f"{performance} was performed again with another content")
        self._assert_nothing_changed(f"{performance} was sent again")


class _Intervening:
    """A decision point behind whose first decision something is done."""

    def __init__(self, pdp: PolicyDecisionPoint, do: Callable[[], object]) -> None:
        self._pdp = pdp
        self._do: Callable[[], object] | None = do

    def decide_to_act(self, *arguments: Any) -> Any:
        decided = self._pdp.decide_to_act(*arguments)
        if self._do is not None:
            do, self._do = self._do, None
            do()
        return decided

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pdp, name)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
