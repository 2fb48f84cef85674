"""What a batch demands of the rows as they are: its preconditions, that rows exist, that no value is wiped or lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from sealauthz.facts.store.batch import Precondition, PreconditionKind, Wanted
from sealauthz.facts.store.erasing import erased_with
from sealauthz.facts.store.rows import DatabaseRows
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Changes, Model, Rows
from sealauthz.schema.changes import broken, in_backticks
from sealauthz.schema.rules import Rising


def by_type(keys: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return the ids of records, by type."""
    ids: dict[str, set[str]] = defaultdict(set)
    for record_type, record_id in keys:
        ids[record_type].add(record_id)
    return ids


def check_preconditions(wanted: Wanted, rows: DatabaseRows) -> None:
    """Check what must hold before the batch is applied. Raises FactConflict and InvariantBroken."""
    ids = by_type(precondition.key for precondition in wanted.batch.preconditions)
    found = {record_type: rows.stored(record_type, some) for record_type, some in ids.items()}
    for precondition in wanted.batch.preconditions:
        stored = found[precondition.record_type].get(precondition.id)
        _check_precondition(precondition, None if stored is None else stored.revision)


def _check_precondition(precondition: Precondition, revision: int | None) -> None:
    """Check one precondition against the revision of its record; None if there is no such record."""
    name = f"`{precondition.record_type}:{precondition.id}`"
    if precondition.kind is PreconditionKind.ABSENT:
        if revision is not None:
            raise FactConflict("PRECONDITION", f"{name} exists")
    elif revision is None:
        raise InvariantBroken("PRECONDITION", f"{name} does not exist")
    elif precondition.kind is PreconditionKind.AT_REVISION and revision != precondition.revision:
        said = f"{name} is at revision {revision}, not at {precondition.revision}"
        raise InvariantBroken("PRECONDITION", said)


def check_deletes_present(wanted: Wanted, rows: Rows) -> None:
    """Check that what is to be deleted exists. Raises InvariantBroken."""
    for record_type, ids in by_type(wanted.deletes).items():
        for record_id in ids - rows.get(record_type, ids).keys():
            raise InvariantBroken("PRECONDITION", f"`{record_type}:{record_id}` is gone and cannot be deleted")


def check_updates_present(wanted: Wanted, stored: Collection[tuple[str, str]]) -> None:
    """Check that what is to be updated is among the records to be stored. Raises InvariantBroken."""
    for key in wanted.updates:
        if key not in stored:
            said = f"`{key[0]}:{key[1]}` does not exist and cannot be updated: a new record is put as a whole"
            raise InvariantBroken("PRECONDITION", said)


def check_left_out(model: Model, wanted: Wanted, changes: Changes) -> None:
    """Check that a put wipes nothing that it does not name. Raises InvariantBroken."""
    for change in changes:
        left_out = wanted.left_out.get((change.record_type, change.id))
        if left_out and change.before is not None:
            left_out -= erased_with(model, change).keys()
            shape = model.shapes[change.record_type]
            wiped = [
                column.name
                for column in shape.columns
                if column.name in left_out and getattr(change.before, column.name) != column.default
            ]
            if wiped:
                said = "that the put leaves out: name it with its value, or change single fields with `update`"
                broken("LEFT_OUT", f"{change} holds a value in {in_backticks(wiped)} {said}")


def check_counters(model: Model, wanted: Wanted, changes: Changes) -> None:
    """Check that a change of a counter names the revision that it was read at, so that no count is lost.

    Raises InvariantBroken.
    """
    read = {p.key for p in wanted.batch.preconditions if p.kind is PreconditionKind.AT_REVISION}
    for change in changes:
        if change.before is None or change.after is None or (change.record_type, change.id) in read:
            continue
        shape = model.shapes[change.record_type]
        for counter in shape.rules_of(Rising):
            if shape.column(counter.column).is_instant:
                continue
            if getattr(change.after, counter.column) != getattr(change.before, counter.column):
                said = "needs the precondition `at_revision` with the revision that it was read at"
                why = "or a count of another writer would be lost"
                broken("PRECONDITION", f"{change} changes the counter `{counter.column}`, which {said}, {why}")
