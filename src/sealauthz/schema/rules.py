"""The law of one record, beside its columns: what every write keeps, and in which units the record is held.

`says` is the rule in words: a refused write shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LIFE = "LIFE"
"""The invariant of a life that names no other."""

Steps = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Unique:
    """No two records (of those where `where` holds) agree in these columns."""

    invariant: str
    columns: tuple[str, ...]
    where: str = ""
    says: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on one record, in the SQL that SQLite and PostgreSQL share."""

    invariant: str
    condition: str
    says: str = field(kw_only=True)


Constraint = Unique | Check


@dataclass(frozen=True, slots=True)
class Valid:
    """The values of a column are valid: `problem` says what is wrong with one, or None."""

    invariant: str
    column: str
    problem: Callable[[str], str | None]
    says: str = field(kw_only=True)


class Fixed:
    """These columns never change, or not once `once` holds for the record as it was."""

    __slots__ = ("columns", "invariant", "once", "says")

    def __init__(self, invariant: str, *columns: str, says: str, once: Callable[[Any], bool] | None = None) -> None:
        self.invariant = invariant
        self.columns = columns
        self.says = says
        self.once = once


class SetOnce:
    """Columns that say that something has happened: once they hold a value they keep it."""

    __slots__ = ("columns", "invariant", "says")

    def __init__(self, invariant: str, *columns: str, says: str) -> None:
        self.invariant = invariant
        self.columns = columns
        self.says = says


@dataclass(frozen=True, slots=True)
class Rising:
    """A counter, or an instant, that is never lowered.

    `is_given_back`: an invariant of the model says when it may be (`changes.Invariant`), and what is written otherwise.
    """

    invariant: str
    column: str
    says: str = "a counter never goes back"
    is_given_back: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """The states in one column of a record, and which may follow which. INVARIANT: `forward` has no cycle.

    A write may take several steps forward at once, because a service writes what it has seen last. A step back is
    taken alone. Nothing leaves a final state, and in the final state of its `state` a record keeps all but `late`, the
    columns in which the end is still made up for, and personal text, which can be blanked. A record begins in a state
    to which no step forward leads; a new one may be written in any state further on, as a sync or an import sees it.
    """

    forward: Steps
    back: Steps = field(default_factory=dict)
    invariant: str = LIFE
    column: str = "state"
    late: tuple[str, ...] = ()
    says: str = "a state goes forward, or one of the few steps back alone, and nothing leaves a final one"

    def reachable(self, state: str) -> frozenset[str]:
        """Return what a record in this state may become in one write; nothing if the state is final."""
        return frozenset(self._later(state)) | frozenset(self.back.get(state, ()))

    @property
    def initial(self) -> frozenset[str]:
        """The states in which a record begins."""
        return frozenset(self.forward) - {later for some in self.forward.values() for later in some}

    def is_before(self, state: str, other: str) -> bool:
        """Tell whether steps forward lead from `state` to `other`."""
        return other in self._later(state)

    def _later(self, state: str) -> Iterator[str]:
        for later in self.forward.get(state, ()):
            yield later
            yield from self._later(later)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a right, settled once `column` no longer holds `open_value`: they may shrink and never grow."""

    invariant: str
    column: str
    open_value: str
    rises: tuple[str, ...] = ()
    """The columns of which a larger value gives more."""
    falls: tuple[str, ...] = ()
    """The columns of which a smaller value gives more."""
    narrow: Mapping[str, str] = field(default_factory=dict)
    """The values that limit: a column that holds its own keeps it."""
    limits_once_set: tuple[str, ...] = ()
    """The columns that limit once they hold a value, which they keep."""
    keeps: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """The record types whose rows, by naming it, give more."""
    limits: tuple[str, ...] = ()
    """Those of the record types of which having no row at all gives everything."""
    says: str = "settled terms may shrink and never grow: more takes a new one"

    def are_settled(self, record: Any) -> bool:
        """Tell whether somebody has agreed to the terms of this record."""
        return bool(getattr(record, self.column) != self.open_value)


@dataclass(frozen=True, slots=True)
class Urgent:
    """A new record with one of these words in a column only takes away, and at once: it is written even where an import
    keeps everybody else from writing.
    """

    column: str
    words: tuple[str, ...]

    def covers(self, record: Any) -> bool:
        """Tell whether a record is one of these."""
        return getattr(record, self.column) in self.words


class OwnedByActs:
    """Acts make the record and change it; where columns are named, they change these, and services write the rest. With
    `but`, they make it and change all but these columns, which a service writes.

    A caller writes what acts own with the right to import only: else it would get by a write what it is denied as an
    act. A new record may hold the defaults there.
    """

    __slots__ = ("but", "columns")

    def __init__(self, *columns: str, but: tuple[str, ...] = ()) -> None:
        self.columns, self.but = columns, but

    def owns(self, column: str) -> bool:
        """Whether acts own the column."""
        return column in self.columns if self.columns else column not in self.but


class RelatedTo:
    """The record is also held in the units around these other roots: the paths lead from it to their ids.

    A path says how: `seal_id/enterprise_id` follows our key up, and then the next one; `~Membership.person_id` goes
    down to the memberships whose key names us.
    """

    __slots__ = ("paths", "root")

    def __init__(self, root: str, *paths: str) -> None:
        self.root = root
        self.paths = paths


class ActsFor:
    """Whose a record is, where its root does not say that: of the tenants at the end of the first path that leads to
    any. So is all that is at home under it, unless it declares its own. Their right is needed to write it, and, of a
    record of a shared root, to act on it.
    """

    __slots__ = ("paths",)

    def __init__(self, *paths: str) -> None:
        self.paths = paths


class RootOwned:
    """Columns of a record that `ActsFor` gives to a tenant, which the owner of the shared root writes all the same; and
    it is the owner who makes the record.
    """

    __slots__ = ("columns",)

    def __init__(self, *columns: str) -> None:
        self.columns = columns


@dataclass(frozen=True, slots=True)
class Tenant:
    """A root of units: the tenant, whose rights, imports and lists everything else is cut by. A model has one."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A root of units that concern several tenants: those at the ends of these paths, written as in `RelatedTo`.

    `owner` is the column that names the tenant who writes the root, and what is at home under it without `ActsFor`.
    """

    concerns: tuple[str, ...]
    owner: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A root of units that belong to no tenant: who asks. `shown` are its personal columns that next steps may show,
    masked, by the name they go under.
    """

    shown: Mapping[str, str] = field(default_factory=dict)


Root = Tenant | Shared | Subject
Rule = (
    Unique
    | Check
    | Valid
    | Fixed
    | SetOnce
    | Rising
    | Life
    | Terms
    | Urgent
    | OwnedByActs
    | RelatedTo
    | ActsFor
    | RootOwned
)
