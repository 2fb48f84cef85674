"""A copy of the facts on which a sync is rehearsed, and what it would change in who may do what."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, insert, select

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.policies import Policies
from sealauthz.facts import FactCache, Store, Unit, upgrade
from sealauthz.facts.store.commits import Commit
from sealauthz.facts.store.system_tables import FACT_CHANGE
from sealauthz.runtime.errors import SealAuthzError

_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What one subject could do to one resource, and can do then: `denied`, `in principle` or `allowed`."""

    subject: str
    action: str
    resource: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class AccessReport:
    """What changes, over how many questions, and whether some were left out because there were too many."""

    changes: tuple[AccessChange, ...]
    questions: int
    is_cut: bool


class Touched:
    """The units that a store's writes touch."""

    def __init__(self, store: Store) -> None:
        self.units: set[Unit] = set()
        store.on_commit(self.note)

    def note(self, commit: Commit) -> None:
        """Take the units of a revision."""
        self.units |= commit.units


@contextmanager
def rehearsed(store: Store) -> Iterator[Store]:
    """Copy all facts, as of one revision, into a database of its own, which goes with the block.

    Raises FactsUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="sealauthz-sync-") as folder:
        url = f"sqlite:///{Path(folder) / 'facts.db'}"
        upgrade(url, store.model)
        copy = Store.open(url, store.model)
        try:
            with store.read_transaction(may_be_incomplete=True) as snapshot, copy.writing() as connection:
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                newest = 0
                for record_type in sorted(store.model.records, key=copy.tables.dependency_order.__getitem__):
                    table, here = copy.tables.of(record_type), snapshot.tables.of(record_type)
                    newest = max(newest, snapshot.connection.execute(select(func.max(here.c.revision))).scalar() or 0)
                    rows = snapshot.connection.execute(select(here)).mappings()
                    while some := rows.fetchmany(_ROWS):
                        connection.execute(insert(table), [dict(row) for row in some])
                row = {"revision": max(newest, 1), "at": 1, "caller": "copy", "request_id": "copy", "changes": "[]"}
                connection.execute(insert(FACT_CHANGE), [row])
            yield copy
        finally:
            copy.close()


def access_changes(
    before: PolicyDecisionPoint,
    after: PolicyDecisionPoint,
    questions: Iterable[Question],
    most: int,
    told: Callable[[int], None],
) -> AccessReport:
    """Ask both sides the same questions, without context, and tell where their answers differ."""
    changes: list[AccessChange] = []
    asked = 0
    for question in questions:
        if asked == most:
            return AccessReport(tuple(changes), asked, is_cut=True)
        asked += 1
        told(asked)
        answers = [_answer(point, question) for point in (before, after)]
        if answers[0] != answers[1]:
            changes.append(AccessChange(str(question.subject), question.action, str(question.resource), *answers))
    return AccessReport(tuple(changes), asked, is_cut=False)


def questions_about(store: Store, touched: Iterable[Unit]) -> Iterator[Question]:
    """Yield the questions of the subjects that are touched about the roots and records of the units that are."""
    model, units = store.model, store.model.units
    touched = sorted(touched)
    subjects = [unit for unit in touched if units.is_of_subject(unit.kind)]
    homes: dict[str, set[str]] = {}
    for unit in touched:
        homes.setdefault(unit.kind, set()).add(unit.id)
    about: list[Entity] = []
    types = sorted({of for _, of in model.actions})
    with store.read_transaction(may_be_incomplete=True) as snapshot:
        for record_type in types:
            kind = units.home_kind(record_type)
            table = snapshot.tables.of(record_type)
            path = units.home_path(record_type)
            if len(path) > 1 or kind not in homes:
                continue
            column = table.c[path[0].column] if path else table.c.id
            ids = snapshot.connection.execute(select(table.c.id, column).order_by(table.c.id))
            about += [Entity(record_type, record_id) for record_id, home in ids if home in homes[kind]]
    for subject in subjects:
        entity = Entity(units.root_of[subject.kind], subject.id)
        for resource in about:
            for action in sorted(name for name, of in model.actions if of == resource.type):
                yield Question(entity, action, resource)


def _answer(point: PolicyDecisionPoint, question: Question) -> str:
    try:
        if point.decide(question):
            return "allowed"
        return "in principle" if point.in_principle(question) else "denied"
    except SealAuthzError:
        return "denied"


def point_of(store: Store, bundle: Bundle, now: int) -> PolicyDecisionPoint:
    """Return what decides on a store at one time."""
    return PolicyDecisionPoint(FactCache(store), Policies(bundle, obeys=False), lambda: now)
