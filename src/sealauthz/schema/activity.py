"""What those who monitor are shown: what each change of a record tells, and which question decides who sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sealauthz.schema.action import Snapshot
from sealauthz.schema.effect import Value
from sealauthz.schema.record import Instant

Path = tuple[str, ...]
"""The names of keys, one after the other, that lead from a record to the id of another one; `("id",)` is its own id."""


class Sighting(NamedTuple):
    """What a change tells: a code, and what goes with it. INVARIANT: ids, codes, counts and instants only."""

    code: str
    values: Mapping[str, Value] = {}


class Shown(NamedTuple):
    """What a change of the records of a type tells those who monitor.

    `tells` is given the record before and after, None where there is none, and returns None for what is not shown. It
    is activity of the tenants at the ends of `tenants`, of the topic and the subject at the ends of these paths (empty:
    of none). Who may do `action` on the record at the end of `judged` sees it.
    """

    record_type: str
    tells: Callable[[Any, Any], Sighting | None]
    tenants: tuple[Path, ...]
    action: str
    judged: Path
    topic: Path = ()
    subject: Path = ()


@dataclass(frozen=True, slots=True)
class Monitored:
    """What can be monitored in a model, and who opens a view of it.

    A view of a whole tenant is for those who may do `tenant_action` on it, one of single topics, records of
    `topic_type`, for those who may do `topic_action` on each. `branches` returns, as `Type:id`, the parts of a tenant
    that a subject belongs to. `codes` says of each code what it tells.
    """

    tenant_action: str
    topic_type: str
    topic_action: str
    shown: tuple[Shown, ...]
    codes: Mapping[str, str]
    branch_types: tuple[str, ...] = ()
    standing: Callable[[Snapshot, str], Iterable[tuple[Any, Instant]]] | None = None
    """Returns the records of a tenant that still have to be seen, each with the instant since when."""
    branches: Callable[[Snapshot, str, str], Iterable[str]] | None = None
    by_type: Mapping[str, tuple[Shown, ...]] = field(init=False)
    """What is shown of each type of records."""

    def __post_init__(self) -> None:
        found: dict[str, tuple[Shown, ...]] = {}
        for each in self.shown:
            found[each.record_type] = (*found.get(each.record_type, ()), each)
        object.__setattr__(self, "by_type", found)
