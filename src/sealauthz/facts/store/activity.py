"""Activity: what each revision tells those who monitor, kept in its transaction and read in its order.

Whose right decides who sees a piece of it is asked by who reads (`operations.monitoring`): here it is only kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy import tuple_ as pair

from sealauthz.facts.store.batch import WriteReceipt
from sealauthz.facts.store.performed import Statement
from sealauthz.facts.store.statements import insert_row
from sealauthz.facts.store.system_tables import FACT_ACTIVITY
from sealauthz.facts.store.values import as_json
from sealauthz.schema import Change, Changes, Model, Rows, Shown, Sighting
from sealauthz.schema.activity import Path
from sealauthz.schema.effect import Value

WHOLE = 2**31
"""The number behind all activity of a revision."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One piece of activity: of which revision and at which place in it, when, and what it tells.

    `judged` is the action, and the type and id of the record, that decide who sees it. `topic_id` and `subject_id` are
    empty where it is about none.
    """

    revision: int
    ordinal: int
    at: int
    tenant_id: str
    topic_id: str
    subject_id: str
    code: str
    about: tuple[str, str]
    judged: tuple[str, str, str]
    values: Mapping[str, Value]

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands."""
        return self.revision, self.ordinal


class Found(NamedTuple):
    """A piece of activity that a transaction makes, as it is kept."""

    tenant_id: str
    topic_id: str
    subject_id: str
    body: str


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activity to read: of these tenants; of these topics and subjects, where there are some; since an instant
    and before another one, where they are not 0.
    """

    tenants: frozenset[str]
    topics: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    since: int = 0
    until: int = 0

    def fits(self, activity: Activity) -> bool:
        """Tell whether a piece of activity is meant, whenever it was."""
        return (
            activity.tenant_id in self.tenants
            and (not self.topics or activity.topic_id in self.topics)
            and (not self.subjects or activity.subject_id in self.subjects)
        )


def activity_of(model: Model, changes: Changes, rows: Rows) -> list[Found]:
    """Return what changes tell those who monitor. `rows` has what the changed records lead to."""
    if model.monitored is None:
        return []
    told: list[tuple[Shown, Any, Sighting]] = []
    for change in changes:
        for shown in model.monitored.by_type.get(change.record_type, ()):
            sighting = shown.tells(change.before, change.after)
            if sighting is not None:
                told.append((shown, change.before if change.after is None else change.after, sighting))
    return list(_found(_Ends(model, rows), told)) if told else []


def standing_of(model: Model, record: Any, at: int, rows: Rows) -> list[Activity]:
    """Return what a record that stands tells those who monitor, as if it had come just now; at no place."""
    change = Change(type(record).__name__, record.id, None, record)
    return [
        _read((0, 0, at, each.tenant_id, each.topic_id, each.subject_id), each.body)
        for each in activity_of(model, Changes([change]), rows)
    ]


def _found(ends: _Ends, told: list[tuple[Shown, Any, Sighting]]) -> Iterator[Found]:
    ends.look_up((record, path) for shown, record, _ in told for path in (*shown.tenants, shown.topic, shown.subject))
    for shown, record, sighting in told:
        judged_type, judged_id = ends.of(record, shown.judged)
        if judged_id is None:
            continue  # nobody could be asked about it
        body = {
            "code": sighting.code,
            "about": [shown.record_type, record.id],
            "judged": [shown.action, judged_type, judged_id],
            "values": dict(sighting.values),
        }
        text = as_json(body)
        topic, subject = ends.of(record, shown.topic)[1], ends.of(record, shown.subject)[1]
        tenants = dict.fromkeys(ends.of(record, path)[1] for path in shown.tenants)
        yield from (Found(tenant, topic or "", subject or "", text) for tenant in tenants if tenant is not None)


class _Ends:
    """The ends of paths of keys, looked up for many records at a time."""

    def __init__(self, model: Model, rows: Rows) -> None:
        self._model = model
        self._rows = rows
        self._known: dict[tuple[str, str], Any] = {}

    def look_up(self, wanted: Iterator[tuple[Any, Path]]) -> None:
        """Read the records that paths lead through, those that lie as far along in one go."""
        ways = [(record, path) for record, path in wanted if len(path) > 1]
        while ways:
            ids: dict[str, set[str]] = {}
            for record, path in ways:
                record_type, key = self._step(record, path[0])
                if key is not None and (record_type, key) not in self._known:
                    ids.setdefault(record_type, set()).add(key)
            for record_type, some in ids.items():
                found = self._rows.get(record_type, some)
                self._known.update(((record_type, each), found.get(each)) for each in some)
            further = ((self._next(record, path[0]), path[1:]) for record, path in ways if len(path) > 2)
            ways = [(record, path) for record, path in further if record is not None]

    def of(self, record: Any, path: Path) -> tuple[str, str | None]:
        """Return the type and the id at the end of a path; no id where the path is empty or breaks off."""
        if not path:
            return "", None
        for name in path[:-1]:
            record = self._next(record, name)
            if record is None:
                return "", None
        return self._step(record, path[-1])

    def _next(self, record: Any, name: str) -> Any:
        record_type, key = self._step(record, name)
        if key is not None and (record_type, key) not in self._known:
            self._known[record_type, key] = self._rows.get(record_type, [key]).get(key)
        return None if key is None else self._known[record_type, key]

    def _step(self, record: Any, name: str) -> tuple[str, str | None]:
        cls: type = type(record)
        if name == "id":
            return cls.__name__, record.id
        return self._model.shapes[cls.__name__].column(name).ref or "", getattr(record, name)


def activity_kept(is_postgresql: bool, receipt: WriteReceipt, found: Collection[Found]) -> list[Statement]:
    """Return what keeps the activity of a revision, in the transaction that makes it."""
    statement = insert_row(FACT_ACTIVITY, tuple(FACT_ACTIVITY.c.keys()), is_postgresql)
    return [
        (statement, {"revision": receipt.revision, "ordinal": ordinal, "at": receipt.at, **each._asdict()})
        for ordinal, each in enumerate(found)
    ]


def read_activity(
    connection: Connection,
    wanted: ActivityFilter,
    after: tuple[int, int],
    before: tuple[int, int],
    limit: int,
    *,
    is_newest_first: bool = False,
) -> list[Activity]:
    """Return activity between two places, in its order or the newest first."""
    row = FACT_ACTIVITY.c
    place = pair(row.revision, row.ordinal)
    statement = select(FACT_ACTIVITY).where(row.tenant_id.in_(sorted(wanted.tenants)), place > after, place < before)
    for column, some in ((row.topic_id, wanted.topics), (row.subject_id, wanted.subjects)):
        if some:
            statement = statement.where(column.in_(sorted(some)))
    if wanted.since:
        statement = statement.where(row.at >= wanted.since)
    if wanted.until:
        statement = statement.where(row.at < wanted.until)
    order = (row.revision.desc(), row.ordinal.desc()) if is_newest_first else (row.revision, row.ordinal)
    return [_activity(each) for each in connection.execute(statement.order_by(*order).limit(limit))]


def _activity(row: Any) -> Activity:
    ids = (row.tenant_id, row.topic_id, row.subject_id)
    return _read((row.revision, row.ordinal, row.at, *ids), row.body)


def _read(where: tuple[int, int, int, str, str, str], text: str) -> Activity:
    body = json.loads(text)
    return Activity(*where, body["code"], tuple(body["about"]), tuple(body["judged"]), body["values"])
