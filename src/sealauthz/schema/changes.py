"""What a transaction changes, as invariants look at it, and the records that they may look up beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from sealauthz.runtime.errors import InvariantBroken


class Rows(Protocol):
    """Records by type, from wherever they are kept."""

    def get(self, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
        """Return those of the records that exist, by id."""

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record before and after the transaction; None where it does not exist."""

    record_type: str
    id: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"`{self.record_type}:{self.id}`"


class Changes:
    """What a transaction changes, by record type."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._by_type: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            self._by_type[change.record_type].append(change)

    def __iter__(self) -> Iterator[Change]:
        for changes in self._by_type.values():
            yield from changes

    def __bool__(self) -> bool:
        return bool(self._by_type)

    def of(self, record_type: str) -> Sequence[Change]:
        """Return the changes of one type."""
        return self._by_type.get(record_type, ())

    def written(self, record_type: str) -> list[Any]:
        """Return the records of one type that were inserted or updated, as they are now."""
        return [change.after for change in self.of(record_type) if change.after is not None]

    def filled(self, record_type: str, column: str) -> list[Any]:
        """Return the records of one type in which a column got its first value, as they are now."""
        return [
            change.after
            for change in self.of(record_type)
            if change.after is not None
            and getattr(change.after, column) is not None
            and (change.before is None or getattr(change.before, column) is None)
        ]


@dataclass(frozen=True, slots=True)
class Invariant:
    """What several records decide together: `check` raises InvariantBroken.

    `standing`: it is true of the facts at any time, however they came about, and needs all records of these types.
    The others look at how facts change, and cannot be caught up on.
    """

    check: Callable[[Changes, Rows], None]
    standing: tuple[str, ...] = ()


def all_of(rows: Rows, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
    """Return the records of these ids, which the foreign keys say exist."""
    return rows.get(record_type, ids) if ids else {}


def name_of(record: Any) -> str:
    """Return how a message names a record: `Seal:s1`, in backticks."""
    cls: type = type(record)
    return f"`{cls.__name__}:{record.id}`"


def in_backticks(columns: Iterable[str]) -> str:
    """Return how a message names columns, in backticks."""
    return ", ".join(f"`{column}`" for column in columns)


def broken(invariant: str, message: str) -> NoReturn:
    """Raises InvariantBroken, whose message ends in the rule's id."""
    raise InvariantBroken(invariant, f"{message} ({invariant})")
