"""Facts of a test: records by type and id, how they are written down, and how they change."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.policytools.testing.yaml_text import Document, Path
from sealauthz.runtime.errors import Fault, did_you_mean
from sealauthz.schema import FOREVER, NEVER, UNLIMITED, Column, Model, values_of
from sealauthz.schema.parameters import UNITS_OF_TIME

Key = tuple[str, str]
"""A record: its type and its id."""

Columns = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Records as they are written down: columns by type and id."""

_SHIFT = re.compile(r"([+-]) ([0-9]{1,6}) (second|minute|hour|day)s?", re.ASCII)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def time_of(text: str, now: int | None) -> int:
    """Read a time, `now` being the time that the word means. Raises ValueError where there is none or it is no time."""
    if text == "never":
        return NEVER
    if text == "forever":
        return FOREVER
    if text.startswith("now"):
        if now is None:
            raise ValueError("`now` means nothing here: the fixture has no `now`")
        return now + sum(
            int(f"{sign}{count}") * UNITS_OF_TIME[unit]
            for sign, count, unit in _SHIFT.findall(text.removeprefix("now"))
        )
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"`{text}` is no time") from error
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def length_of(text: str) -> int:
    """Read a length of time, such as `90 seconds`."""
    count, unit = text.split()
    return int(count) * UNITS_OF_TIME[unit.removesuffix("s")]


@dataclass(frozen=True, slots=True)
class Written:
    """One write of a test: the facts before it. `is_edit`: time has passed, and it changes what was true before.

    Otherwise it says how facts differ from those of a fixture, and nothing of it was ever different.
    """

    before: FactSet
    is_edit: bool


class FactSet:
    """Facts of a model at one moment. Never changed: a change makes another one, which holds what it changes only.

    There are thousands of them while tests run, most of them a record away from another.
    """

    __slots__ = ("_base", "_fact_cache", "_own", "is_whole", "model", "refusal", "written")

    def __init__(self, model: Model, own: Mapping[Key, Any] | None = None, base: FactSet | None = None) -> None:
        self.model = model
        self._own: Mapping[Key, Any] = own or {}
        """Records by key; None for one of the base that is taken away."""
        self._base = base
        self._fact_cache: FactCache | None = None
        self.written: Written | None = None
        """How these facts came from those before, if they are what one write left."""
        self.is_whole = base is None
        """Whether a question may be asked of them: a fixture, or what is given of a test or a step is complete."""
        self.refusal: str | None = None
        """Why no store would hold these facts; empty if one would, None where nobody has looked."""

    def __contains__(self, key: Key) -> bool:
        return self._find(key) is not None

    def __len__(self) -> int:
        return len(self._records())

    @property
    def records(self) -> list[Any]:
        """All records."""
        return list(self._records().values())

    def items(self) -> Iterable[tuple[Key, Any]]:
        """Return all records with their keys."""
        return self._records().items()

    @property
    def fact_cache(self) -> FactCache:
        """The facts as policies read them; kept until they are released."""
        if self._fact_cache is None:
            self._fact_cache = FactCache.of_records(self.model, self._records().values())
        return self._fact_cache

    def release(self) -> None:
        """Let go of what policies read; it is made again when it is asked for."""
        self._fact_cache = None

    def of(self, record_type: str) -> list[str]:
        """Return the ids of the records of a type, in the order of the facts."""
        return [record_id for type_, record_id in self._records() if type_ == record_type]

    def get(self, key: Key) -> Any:
        """Return a record. Raises KeyError."""
        found = self._find(key)
        if found is None:
            raise KeyError(key)
        return found

    def since(self, earlier: FactSet) -> Iterator[tuple[Key, Any, Any]]:
        """Return what differs from facts that these were made from: each record's key, and it before and after."""
        keys: dict[Key, None] = {}
        at: FactSet | None = self
        while at is not None and at is not earlier:
            keys.update(dict.fromkeys(at._own))
            at = at._base
        for key in keys:
            before, after = earlier._find(key), self._find(key)
            if before != after:
                yield key, before, after

    def writes_since(self, earlier: FactSet) -> list[tuple[FactSet, FactSet]]:
        """Return the writes that led from facts to these, in order: the facts before and after each."""
        found: list[tuple[FactSet, FactSet]] = []
        at: FactSet | None = self
        while at is not None and at is not earlier:
            if at.written is not None:
                found.append((at.written.before, at))
                at = at.written.before
            else:
                at = at._base
        return found[::-1]

    @property
    def last_whole(self) -> FactSet | None:
        """The nearest facts that these were made from and of which a question may be asked; None for no facts."""
        at = self._base
        while at is not None and not at.is_whole:
            at = at._base
        return at

    def _find(self, key: Key) -> Any:
        if key in self._own or self._base is None:
            return self._own.get(key)
        return self._base._find(key)

    @property
    def by_key(self) -> dict[Key, Any]:
        """All records by key."""
        return self._records()

    def _records(self) -> dict[Key, Any]:
        steps: list[Mapping[Key, Any]] = []
        at: FactSet | None = self
        while at is not None:
            steps.append(at._own)
            at = at._base
        found: dict[Key, Any] = {}
        for own in reversed(steps):
            found.update(own)
        return {key: record for key, record in found.items() if record is not None}

    @property
    def subjects(self) -> dict[str, Key]:
        """Who may ask, by id: the first of that id, should subjects of two types share one."""
        found: dict[str, Key] = {}
        for record_type in self.model.subjects:
            for record_id in self.of(record_type):
                found.setdefault(record_id, (record_type, record_id))
        return found

    def subject(self, subject_id: str) -> Key:
        """Return the key of a subject; one of the first type if there is none."""
        for record_type in self.model.subjects:
            if (record_type, subject_id) in self:
                return record_type, subject_id
        return self.model.subjects[0], subject_id

    def with_records(self, records: Iterable[Any], without: Iterable[Key] = ()) -> FactSet:
        """Return the facts with some records added or replaced, and some taken away."""
        own = {(type(record).__name__, record.id): record for record in records}
        return FactSet(self.model, {**own, **dict.fromkeys(without)}, self)

    def nearest(self, key: Key) -> str:
        """Say which record somebody may have meant: ` (did you mean …?)`, or nothing."""
        return did_you_mean(key[1], self.of(key[0]))


class FactReader:
    """Reads written records and changes of one document; what is wrong is collected in `faults`."""

    def __init__(self, document: Document) -> None:
        self.faults: list[Fault] = []
        self._document = document

    def put(
        self,
        facts: FactSet,
        written: Columns,
        path: Path,
        now: int | None,
        defaults: Mapping[str, Mapping[str, Any]],
    ) -> FactSet:
        """Add records, whose ids must be new."""
        made: list[Any] = []
        for record_type, record_id, columns, place in _each(written, path):
            if (record_type, record_id) in facts:
                self._report(place, f"`{record_type}:{record_id}` is there already: `change` it")
                continue
            values = {**defaults.get(record_type, {}), **columns}
            record = self._record(facts.model, record_type, record_id, values, place, now)
            if record is not None:
                made.append(record)
        return facts.with_records(made)

    def change(self, facts: FactSet, written: Columns, path: Path, now: int | None) -> FactSet:
        """Change columns of records that are there."""
        made: list[Any] = []
        for record_type, record_id, columns, place in _each(written, path):
            key = (record_type, record_id)
            if key not in facts:
                self._report(place, f"there is no `{record_type}:{record_id}` to change{facts.nearest(key)}")
                continue
            if not columns:
                self._report(place, "changes nothing")
            shape = facts.model.shapes[record_type]
            old = dict(zip((c.name for c in shape.columns), values_of(facts.get(key)), strict=True))
            new = {name: self._value(shape.column(name), value, (*place, name), now) for name, value in columns.items()}
            if columns and all(old[name] == value for name, value in new.items()):
                self._report(place, f"`{record_type}:{record_id}` holds that already: this changes nothing")
            made.append(facts.model.records[record_type](**{**old, **new}))
        return facts.with_records(made)

    def drop(self, facts: FactSet, references: Iterable[str], path: Path) -> FactSet:
        """Take records away."""
        keys: list[Key] = []
        for index, reference in enumerate(references):
            record_type, _, record_id = reference.partition(":")
            key = (record_type, record_id)
            if key in facts:
                keys.append(key)
            else:
                self._report((*path, index), f"there is no `{reference}` to drop{facts.nearest(key)}")
        return facts.with_records((), keys)

    def check_references(self, facts: FactSet, path: Path) -> None:
        """Say which keys of records name nothing. What the facts were made from has been checked, if it is whole."""
        there = facts.by_key
        before = facts.last_whole
        checked: Iterable[Any] = there.values()
        if before is not None:
            changed = list(facts.since(before))
            if all(new is not None for _, _, new in changed):
                checked = [new for _, _, new in changed]
        for record in checked:
            for column in facts.model.shapes[type(record).__name__].columns:
                if column.ref is None:
                    continue
                target = getattr(record, column.name)
                if target is not None and (column.ref, target) not in there:
                    name, near = f"{type(record).__name__}:{record.id}", facts.nearest((column.ref, target))
                    self._report(
                        path, f"`{name}` names `{column.ref}:{target}` in `{column.name}`, which is not there{near}"
                    )

    def _record(
        self, model: Model, record_type: str, record_id: str, columns: Mapping[str, Any], place: Path, now: int | None
    ) -> Any:
        shape = model.shapes[record_type]
        missing = [c.name for c in shape.columns if not c.has_default and c.name not in columns and c.name != "id"]
        if missing:
            self._report(place, f"`{record_type}:{record_id}` lacks {', '.join(f'`{name}`' for name in missing)}")
            return None
        values = {name: self._value(shape.column(name), value, (*place, name), now) for name, value in columns.items()}
        return model.records[record_type](id=record_id, **values)

    def _value(self, column: Column, value: Any, path: Path, now: int | None) -> Any:
        if value is None:
            return None
        if column.is_instant:
            try:
                return time_of(value, now)
            except ValueError as error:
                self._report(path, str(error))
                return NEVER
        if value == "unlimited" and column.type is int:
            return UNLIMITED
        return column.words(value) if column.words is not None else value

    def _report(self, path: Path, message: str) -> None:
        self.faults.append(self._document.fault(path, message))


def _each(written: Columns, path: Path) -> Iterator[tuple[str, str, Mapping[str, Any], Path]]:
    for record_type, records in written.items():
        for record_id, columns in records.items():
            yield record_type, record_id, columns, (*path, record_type, record_id)
