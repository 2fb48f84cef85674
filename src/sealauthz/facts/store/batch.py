"""What a caller asks to write, and the answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sealauthz.facts.store.values import checked, checked_values, text_problem
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import Model, values_of
from sealauthz.schema.effect import Delete, Put, RecordChange, Update


class PreconditionKind(StrEnum):
    """What must hold before the batch is applied."""

    EXISTS = "EXISTS"
    ABSENT = "ABSENT"
    AT_REVISION = "AT_REVISION"


@dataclass(frozen=True, slots=True)
class Precondition:
    """A condition on one record. `revision` counts for AT_REVISION: the one at which the record last changed."""

    record_type: str
    id: str
    kind: PreconditionKind
    revision: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """The type and the id of the record."""
        return self.record_type, self.id


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that happen together or not at all, in no particular order, at most one per record.

    The same caller and `request_id` with the same content is answered with the first receipt.
    """

    caller: str
    request_id: str
    changes: tuple[RecordChange, ...]
    preconditions: tuple[Precondition, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """The revision that the batch made (the newest one if it changed nothing), and when, in microseconds.

    `timeline` is the history that the revision belongs to.
    """

    revision: int
    at: int
    is_replay: bool = False
    timeline: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch whose every value has been checked: what to store, change and remove, by record type and id."""

    batch: Batch
    puts: dict[tuple[str, str], Any]
    updates: dict[tuple[str, str], dict[str, Any]]
    deletes: frozenset[tuple[str, str]]
    digest: str
    left_out: dict[tuple[str, str], frozenset[str]]

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The records that the batch is about."""
        return [*self.puts, *self.updates, *sorted(self.deletes)]


def check(batch: Batch, model: Model, digest: str = "") -> Wanted:
    """Check every value of a batch. Raises InvalidRequest with the path of the first bad change.

    `digest` stands for what the request says; empty for that of the batch.
    """
    for name, value in (("caller", batch.caller), ("request_id", batch.request_id)):
        problem = text_problem(value, is_indexed=True) if value else "must not be empty"
        if problem is not None:
            raise InvalidRequest.at(name, problem)
    puts: dict[tuple[str, str], Any] = {}
    left_out: dict[tuple[str, str], frozenset[str]] = {}
    updates: dict[tuple[str, str], dict[str, Any]] = {}
    deletes: set[tuple[str, str]] = set()
    for number, change in enumerate(batch.changes):
        path = f"changes[{number}]"
        if isinstance(change, Put):
            record = checked(model, change.record, path)
            key = (type(record).__name__, record.id)
        else:
            key = (change.record_type, change.id)
            _check_key(model, *key, path)
        if key in puts or key in updates or key in deletes:
            raise InvalidRequest.at(path, "changes a record that the batch changes already")
        match change:
            case Put():
                puts[key] = record
                # Who does not know what was added to a record leaves it out.
                unknown = frozenset() if type(change.record) is type(record) else model.added_columns(key[0])
                if change.left_out or unknown:
                    left_out[key] = change.left_out | unknown
            case Update():
                updates[key] = checked_values(model, change.record_type, change.values, path)
            case Delete():
                deletes.add(key)
    for number, precondition in enumerate(batch.preconditions):
        _check_key(model, *precondition.key, f"preconditions[{number}]")
    digest = digest or _digest(batch, puts, updates, deletes)
    return Wanted(batch, puts, updates, frozenset(deletes), digest, left_out)


def _check_key(model: Model, record_type: str, record_id: str, path: str) -> None:
    """Check that a record could be found by this type and id."""
    if record_type not in model.records:
        raise InvalidRequest.at(f"{path}.record_type", "is not a record type")
    problem = text_problem(record_id, is_indexed=True) if record_id else "must not be empty"
    if problem is not None:
        raise InvalidRequest.at(f"{path}.id", problem)


def _digest(
    batch: Batch,
    puts: dict[tuple[str, str], Any],
    updates: dict[tuple[str, str], dict[str, Any]],
    deletes: set[tuple[str, str]],
) -> str:
    """Digest what the batch says; the order of changes and preconditions says nothing."""
    content: dict[str, Any] = {
        "puts": sorted([*key, values_of(record)] for key, record in puts.items()),
        "deletes": sorted(deletes),
        "preconditions": sorted([p.record_type, p.id, str(p.kind), p.revision] for p in batch.preconditions),
    }
    if updates:  # a batch without any has the digest that it always had
        content["updates"] = sorted([*key, sorted(values.items())] for key, values in updates.items())
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
