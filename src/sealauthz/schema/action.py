"""What an action is: its resource type, what a client may give with a question, and what the server finds for it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from sealauthz.schema.extension import STRING, TYPES
from sealauthz.schema.record import Instant

_GIVEN = re.compile(r"(\w+) \| None")


class Snapshot(Protocol):
    """The facts at one revision, as a resolver reads them (`facts.FactSnapshot`)."""

    def find(self, record_type: str, record_id: str) -> Any:
        """Return the record in its home unit, wired; None if there is none of that type and id."""

    def matching(self, record_type: str, **values: str) -> list[str]:
        """Return the ids of all records of a type that hold these values, in their order."""


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ResolverInput(NamedTuple):
    """Where a question stands: who asks about what, when, and the facts at that revision.

    `given` are the values that the client named, by their key in the context: records, texts, None for what they did
    not name. `action` is the name of what is asked for, where several share a context.
    """

    subject: Any
    resource: Any
    now: Instant
    parameters: Any
    snapshot: Snapshot
    given: Mapping[str, Any] = _NOTHING
    action: str = ""


@dataclass(frozen=True, slots=True)
class Resolver:
    """What the server adds to a context: facts that subject and resource lead to, but that are kept elsewhere.

    It finds, counts and reads the clock of a place; it never judges. `along` are the keys of the records that keys lead
    to from the resource, with the names of these. Whatever else there is, `find` returns; `paths` tell on which path
    from the resource, as names of keys and collections, a record that it returns lies, or each of several. Lists rest
    on them: a record found elsewhere would be missed. `find_again` returns those of the keys that depend on what the
    client gave.
    `is_about_subject`: what is found depends on who asks.
    """

    along: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    find: Callable[[ResolverInput], Mapping[str, Any]] | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_about_subject: bool = False
    find_again: Callable[[ResolverInput], Mapping[str, Any]] | None = None

    @property
    def all_paths(self) -> Mapping[str, tuple[str, ...]]:
        """The path from the resource to every record that is found on one, by its key in the context."""
        return {**self.along, **self.paths}


NO_RESOLVER = Resolver()


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one resource type: the class of its context, and the keys of it that a client may give.

    A key whose type is `str` is plain text; any other is given by the id of a record of that type. What the resolver
    always finds is a keyword-only field without a default: policies need not ask whether it is there, and where it is
    missing all the same, nothing is decided.
    """

    name: str
    resource: str
    context: type
    gives: tuple[str, ...] = ()
    resolver: Resolver = NO_RESOLVER
    arguments: type | None = None
    """What a client says when it performs the act, beside the context (`schema.arguments`)."""
    effect: Callable[[Any], Any] | None = None
    """What it changes when it is performed (`schema.effect`); None where nobody has said so, and it is only decided."""
    further: tuple[tuple[str, str], ...] = ()
    """Keys that an extension added, each with its type (`schema.extension.TYPES`) or the record that it names."""
    records: Mapping[str, str] = field(init=False)
    """The keys that name records, with their types."""
    texts: tuple[str, ...] = field(init=False)
    """The keys that are plain text."""
    plain: tuple[str, ...] = field(init=False)
    """The keys that name no record: those that are text, and what else an extension has added."""
    keys: Mapping[str, type] = field(init=False)
    """The keys that a client may give, with the type of their values: records first."""
    always_found: tuple[str, ...] = field(init=False)
    """The keys that the resolver always finds."""

    def __post_init__(self) -> None:
        types = {each.name: _GIVEN.fullmatch(str(each.type)) for each in dataclasses.fields(self.context)}
        given: dict[str, str] = {}
        for key in self.gives:
            written = types.get(key)
            if written is None:
                raise TypeError(f"`{key}` of `{self.name}` on {self.resource} is no optional field of its context")
            given[key] = written[1]
        further = dict(self.further)
        records = {key: type_ for key, type_ in given.items() if type_ != "str"}
        records |= {key: type_ for key, type_ in further.items() if type_ not in TYPES}
        object.__setattr__(self, "records", records)
        plain = tuple(key for key in (*given, *further) if key not in records)
        object.__setattr__(self, "plain", plain)
        object.__setattr__(self, "texts", tuple(key for key in plain if further.get(key, STRING) == STRING))
        keys: dict[str, type] = dict.fromkeys((*records, *plain), str)
        keys |= {key: TYPES[type_] for key, type_ in further.items() if type_ in TYPES}
        object.__setattr__(self, "keys", keys)
        needed = (each.name for each in dataclasses.fields(self.context) if each.kw_only and not _has_default(each))
        object.__setattr__(self, "always_found", tuple(needed))


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def actions(
    resource: str,
    context: type,
    *names: str,
    gives: Sequence[str] = (),
    resolver: Resolver = NO_RESOLVER,
    arguments: type | None = None,
    effect: Callable[[Any], Any] | None = None,
) -> tuple[Action, ...]:
    """Declare several actions on one resource type that have the same context, arguments and effect."""
    return tuple(Action(name, resource, context, tuple(gives), resolver, arguments, effect) for name in names)
