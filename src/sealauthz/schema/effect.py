"""What an act changes: what a client says beside its context, and the changes that follow from the case.

An effect is a pure function. It reads the case that was decided and the arguments, and returns changes and events; it
never writes, never asks for the time and never judges: who may do what, and on which evidence, is a matter of the
policies. What it cannot carry out it refuses by InvalidRequest, naming the argument.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sealauthz.runtime.errors import EvaluationFailed
from sealauthz.schema.action import Snapshot
from sealauthz.schema.record import Instant

Value = str | int | bool
"""What an event, an obligation or the answer to an act names. Instants are microseconds."""


@dataclass(frozen=True, slots=True)
class Put:
    """Insert the record, or replace the one with its id.

    `left_out` names fields that nobody gave a value, so that they hold their default: in a stored record they must do
    so already.
    """

    record: Any
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Update:
    """Give these fields of a record that exists these values; every other field keeps its own."""

    record_type: str
    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; one that does not exist stays so. Permanent records are refused."""

    record_type: str
    id: str


RecordChange = Put | Update | Delete


@dataclass(frozen=True, slots=True)
class Event:
    """What people must be told: a code, whom, about which record of which tenant, and what the text names.

    `recipients` are ids of subjects; none means that the delivering platform knows whom (the registered contact).
    INVARIANT: `values` hold ids, counts and instants, never personal text, tokens or secrets.
    """

    code: str
    tenant_id: str
    about: tuple[str, str]
    recipients: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)


class Named(NamedTuple):
    """What the text of an event says of the record whose id its value `key` is; of its tenant where `key` is empty.

    It is said while every recipient may know of the record, in the context of this action on it: names are read when an
    event is told, and are kept in none. `reads` is the type and the column behind each name: who may not read it is
    not told it here either, nor is a name that is not there.
    """

    key: str
    record_type: str
    action: str
    says: Callable[[Any], Mapping[str, str]]
    reads: Mapping[str, tuple[str, str]]


class Act(NamedTuple):
    """One allowed act, as its effect sees it: the case that was decided, wired and at one revision.

    `arguments` is an instance of the class that the action declares, None where it declares none. `obligations` holds
    what each obligation of the allow names, by its code.
    """

    subject: Any
    action: str
    resource: Any
    context: Any
    arguments: Any
    obligations: Mapping[str, Mapping[str, Value]]
    snapshot: Snapshot
    operation_id: str

    @property
    def now(self) -> Instant:
        """The time of the decision."""
        now: Instant = self.context.now
        return now

    def new_id(self, purpose: str = "") -> str:
        """Return the id of a record that this act makes: always the same one for a purpose, so that a retry makes it
        once.
        """
        digest = hashlib.sha256(f"{self.operation_id}\n{purpose}".encode()).hexdigest()
        return f"{type(self.resource).__name__[:2].lower()}-{digest[:32]}"

    def set(self, record: Any, **values: Any) -> Update:
        """Return the change of some fields of a record."""
        return Update(type(record).__name__, record.id, values)


@dataclass(frozen=True, slots=True)
class ReceiptTerms:
    """What a signed receipt of an act says for the one who is to act on it (`operations.receipts`).

    `permits` holds values of JSON: what exactly the audience may do, once and before `ends_at`. `on_behalf_of` is whom
    the subject acted for, empty where it was themself.
    """

    audience: str
    ends_at: Instant
    permits: Mapping[str, Any]
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from an act. `values` is what its answer names: the ids of what was made, under plain names.

    `receipt` is what is signed for somebody outside who carries the act out; None for most.
    """

    changes: tuple[RecordChange, ...] = ()
    events: tuple[Event, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    receipt: ReceiptTerms | None = None


Effect = Callable[[Act], Outcome]


class Sweep(NamedTuple):
    """What time alone ends: the records of a type whose columns hold one of these values each, when the instant in the
    column `due` lies `delay` or longer in the past. `delay` is a length, or the name of the parameter of the policies
    that holds it. Where more decides, `is_over` tells from the record, the parameters and the time.

    `write` says what then is written and who is told; it must leave the record so that it is due no more. No rule rests
    on when that is done.
    """

    record_type: str
    due: str
    where: Mapping[str, tuple[str | int, ...]]
    write: Callable[[Snapshot, Any, Instant], Outcome]
    delay: int | str = 0
    is_over: Callable[[Any, Any, Instant], bool] | None = None

    @property
    def asks_policies(self) -> bool:
        """Whether it depends on the parameters of the policies when a record is due."""
        return isinstance(self.delay, str) or self.is_over is not None

    def delay_by(self, parameters: Any) -> int:
        """Return how long after the instant in its column a record can be due."""
        return getattr(parameters, self.delay) if isinstance(self.delay, str) else self.delay

    def is_due(self, record: Any, parameters: Any, now: Instant) -> bool:
        """Tell whether a record, as it is now, is due. `parameters` is None where it does not ask for them."""
        if not all(getattr(record, column) in values for column, values in self.where.items()):
            return False
        if getattr(record, self.due) + self.delay_by(parameters) > now:
            return False
        return self.is_over is None or self.is_over(record, parameters, now)


def looks(_act: Act) -> Outcome:
    """The effect of an act that only looks: it changes nothing, and what was looked at is not told by us."""
    return Outcome()


class MetBy(StrEnum):
    """Who meets an obligation of an act that is performed."""

    TRANSACTION = "TRANSACTION"
    """The transaction that performs the act: `meet` returns what it changes."""
    EFFECT = "EFFECT"
    """The effect of each action that the obligation is of: what it asks for is what the act is."""
    EVENT = "EVENT"
    """An event in the same transaction: `tell` returns it."""
    ALERT = "ALERT"
    """Both: the transaction keeps a record of what must be seen, and an event tells of it."""
    PERSON = "PERSON"
    """The person who acts, by a signed assertion of this very act, which the transaction uses up (`assertions`)."""
    CALLER = "CALLER"
    """The caller: the answer names it, and it concerns what the caller shows or records."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Where an obligation is met: every obligation of a bundle has one, or the bundle does not load."""

    code: str
    by: MetBy
    meet: Callable[[Act, Mapping[str, Value]], Iterable[RecordChange]] | None = None
    tell: Callable[[Act, Mapping[str, Value]], Iterable[Event]] | None = None

    def __post_init__(self) -> None:
        meets, tells = self.by in (MetBy.TRANSACTION, MetBy.ALERT), self.by in (MetBy.EVENT, MetBy.ALERT)
        if (self.meet is not None) != meets or (self.tell is not None) != tells:
            raise TypeError(f"the duty `{self.code}` must say how it is met, and only by whom it says")


def merged(changes: Iterable[RecordChange]) -> tuple[RecordChange, ...]:
    """Put together what effect and duties change in one record. Raises EvaluationFailed where they contradict."""
    found: dict[tuple[str, str], RecordChange] = {}
    for change in changes:
        if isinstance(change, Put):
            key = (type(change.record).__name__, change.record.id)
        else:
            key = (change.record_type, change.id)
        earlier = found.get(key)
        if earlier is None or earlier == change:
            found[key] = change
        elif isinstance(earlier, Update) and isinstance(change, Update):
            both = {**earlier.values, **change.values}
            if any(both[name] != value for name, value in earlier.values.items()):
                raise EvaluationFailed(f"`{key[0]}:{key[1]}` would be changed in two ways")
            found[key] = Update(*key, both)
        elif isinstance(earlier, Put) and isinstance(change, Update):
            found[key] = dataclasses.replace(earlier, record=dataclasses.replace(earlier.record, **change.values))
        else:
            raise EvaluationFailed(f"`{key[0]}:{key[1]}` would be changed in two ways")
    return tuple(found.values())
