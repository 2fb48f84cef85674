"""What people say when they act, made from what an act declares: arguments and context, right and wrong.

Nothing here names an act or an argument: one that is added is driven like all others. Values come from the facts (ids,
digests, words that stand in them) and from the edges of each form.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from act_laws import ENGINE, PLATFORM, Deed, Key, Records
from policy_suite import suite

from sealauthz.model import MODEL
from sealauthz.policytools.testing.suite import Ask
from sealauthz.schema import FOREVER, NEVER, UNLIMITED, Column
from sealauthz.schema.arguments import Argument, arguments_of

SECOND = 1_000_000
DAY = 86_400 * SECOND
WRONG = 0.04
"""How often a value is of another form, an unknown id or the like."""


@cache
def said_in_tests() -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    """The texts that the policy tests give in the context of each act, by resource type, action and key."""
    found: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for test in suite():
        for ask in test.asks:
            if isinstance(ask, Ask):
                for key, value in ask.question.context.items():
                    found[ask.question.resource.type, ask.question.action, key][str(value)] = None
    return {key: tuple(values) for key, values in found.items()}


class Speaker:
    """Makes up what somebody says, by chance, about some facts at a time."""

    def __init__(self, by: random.Random, records: Records, now: int) -> None:
        self._by = by
        self._now = now
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._texts: dict[str, dict[str, None]] = defaultdict(dict)
        self.hints: Sequence[Any] = ()
        """Records that are wanted: what they hold is said first."""
        for (record_type, record_id), record in records.items():
            self._ids[record_type].append(record_id)
            for column in MODEL.shapes[record_type].columns:
                value = getattr(record, column.name)
                if column.type is str and column.ref is None and column.words is None and column.name != "id" and value:
                    self._texts[column.name][value] = None

    def ids(self, record_type: str) -> list[str]:
        return self._ids[record_type]

    def arguments(self, resource: str, action: str, wrong: float = WRONG) -> dict[str, Any]:
        """Return arguments of an act: often few, sometimes wrong ones."""
        declared = arguments_of(MODEL.action(action, resource).arguments)
        given = self._record(declared, wrong, self._by.choice((0.0, 0.3, 0.6)))
        if self._by.random() < wrong / 2:
            given["no_such_argument"] = "x"
        return given

    def context(self, resource: str, action: str, wrong: float = WRONG) -> dict[str, str]:
        """Return a context of an act, of any of its keys."""
        declared = MODEL.action(action, resource)
        given: dict[str, str] = {}
        for key in declared.keys:
            if self._by.random() < 0.15:
                continue
            known = said_in_tests().get((resource, action, key), ())
            if key in declared.records:
                there = self.ids(declared.records[key])
                pool: Sequence[str] = [value for value in known if value in there] or there
                if self._by.random() < 0.5:
                    pool = there
            else:
                pool = [*known, *self._texts.get(key, ())]
            if self._by.random() < wrong or not pool:
                pool = ("no-such-thing", *self.ids("Person"))
            given[key] = self._by.choice(pool)
        return given

    def said_again(self, deed: Deed, path: str) -> Deed:
        """Return an act with another value where its refusal says that one does not fit, or without one."""
        place, _, rest = path.partition("[")
        name = rest.partition("]")[0]
        resource, action = deed.resource[0], deed.action
        if place == "context":
            context = {**deed.context}
            context.pop(name, None)
            new = self.context(resource, action, 0.0)
            return replace(deed, context={**context, **({name: new[name]} if name in new else {})})
        declared = arguments_of(MODEL.action(action, resource).arguments)
        if place != "arguments" or name not in declared:
            return replace(deed, arguments=self.arguments(resource, action, 0.0))
        arguments = {**deed.arguments}
        arguments.pop(name, None)
        if declared[name].is_required or self._by.random() < 0.7:
            arguments |= self._record({name: declared[name]}, 0.0, 1.0)
        return replace(deed, arguments=arguments)

    def deed(self, resource: Key, action: str, subject: str, wrong: float = WRONG) -> Deed:
        """Return an act that somebody may try."""
        caller = self._by.choice((PLATFORM, ENGINE, *self._texts.get("audience", ())))
        return Deed(
            subject,
            action,
            resource,
            self.context(resource[0], action, wrong),
            self.arguments(resource[0], action, wrong),
            caller,
        )

    def _record(self, declared: Mapping[str, Argument], wrong: float, more: float) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, argument in declared.items():
            is_hinted = argument.column is not None and bool(self._hinted(name, argument.column))
            is_said = argument.is_required or self._by.random() < (0.8 if is_hinted else more)
            if not is_said or (argument.is_required and self._by.random() < wrong / 4):
                continue
            if argument.is_many:
                count = self._by.choice((1, 1, 1, 2, 0))
                given[name] = [self._item(argument, wrong, more) for _ in range(count)]
            else:
                given[name] = self._item(argument, wrong, more)
        return given

    def _item(self, argument: Argument, wrong: float, more: float) -> Any:
        if argument.column is None:
            return self._record(arguments_of(argument.parts), wrong, more)
        if self._by.random() < wrong:
            return self._by.choice(("no-such-thing", "", -1, True, [], {}, *self.ids("Person")[:1]))
        return self._value(argument.name, argument.column)

    def _hinted(self, name: str, column: Column) -> list[Any]:
        """Return what the wanted records hold under a name or of a type, as far as it is there."""
        found: list[Any] = []
        for record in () if column.is_instant else self.hints:
            for each in MODEL.shapes[type(record).__name__].columns:
                value = getattr(record, each.name)
                is_named = each.name in (name, f"{name}_id") and each.ref == column.ref and each.words == column.words
                is_itself = each.name == "id" and column.ref == type(record).__name__
                is_of_type = column.ref is not None and (each.ref == column.ref or is_itself)
                is_of_type = is_of_type and value in self._ids.get(column.ref or "", ())
                is_digest = each.name == "digest" and name in ("digest", "documents", "digests")
                if value is not None and (is_named or is_of_type or is_digest):
                    found.append(value)
        return found

    def _value(self, name: str, column: Column) -> Any:
        if name == "token_hash" and self.hints:  # an invitation has a token of its own
            return f"token-{self._by.getrandbits(32)}"
        hinted = self._hinted(name, column)
        if hinted and self._by.random() < 0.8:
            return str(self._by.choice(hinted)) if column.type is str else self._by.choice(hinted)
        if column.words is not None:
            return self._by.choice([str(word) for word in column.words])
        if column.ref is not None:
            return self._by.choice(self.ids(column.ref) or ["no-such-thing"])
        if column.is_instant:
            return self._now + DAY if self.hints and self._by.random() < 0.7 else self._by.choice(_instants(self._now))
        if column.type is bool:
            return self._by.random() < 0.5
        if column.type is int:
            return self._by.choice((0, 1, 2, 3, 5, 540, 1080, 1440, 100_00, UNLIMITED, self._now // DAY))
        return self._by.choice([*self._texts.get(name, ()), *_TEXTS])


_TEXTS = ("x", "SALES", "CNY", "Asia/Shanghai", ENGINE, "digest-1", "sha256:" + "0" * 64)


def _instants(now: int) -> tuple[int, ...]:
    return (
        now + DAY,
        now + 20 * DAY,
        now,
        now + SECOND,
        now - 1,
        now - DAY,
        now + 1,
        now + 400 * DAY,
        now + 1_096 * DAY + 1,
        FOREVER,
        NEVER,
    )
