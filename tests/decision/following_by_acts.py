"""Following the next steps of a deny: what they say is done, by whom they name, until the question is allowed.

A policy test that denies has its twin that allows, one fact, one word or one moment away. The twin says what may become
true; who makes it true is what the step says: facts that acts own become so by acts only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from act_laws import PLATFORM, Deed
from acting_by_chance import SHOWING, Chance
from acting_world import Ground
from following_ways import ANYBODY, ENDED_BY, SELF, WAYS, Way
from policy_suite import suite
from scene import BUNDLE

from sealauthz.decision import Decision
from sealauthz.facts import Delete, Put, Update
from sealauthz.model import MODEL
from sealauthz.policytools.testing.suite import Ask
from sealauthz_client.answers import NOTHING_TO_DO, NextStep, Reason

ROUNDS, ACTS = 6, 10
"""How many denies one after the other are followed, and how many acts for one step."""


SHOWN = frozenset(code for code, entry in BUNDLE.rulebook.reasons.items() if SHOWING.keys() & set(entry.next_steps))
"""The reasons that a face check ends, which is a step of its own."""


@dataclass(frozen=True)
class Denied:
    """A question that is denied, and one near it that is allowed, of the same test; None where it has none."""

    ask: Ask
    twin: Ask | None
    test: str


@cache
def denied() -> tuple[Denied, ...]:
    """Every denied question of the policy tests on facts that a store holds, those with a twin first."""
    found = []
    for test in suite():
        asks = () if test.allow_impossible else [ask for ask in test.asks if isinstance(ask, Ask)]
        allowed = [ask for ask in asks if ask.expected.effect == "ALLOW"]
        denials = [ask for ask in asks if ask.expected.effect != "ALLOW"]
        found += [Denied(ask, allowed[0] if allowed else None, test.name) for ask in denials]
    return tuple(sorted(found, key=lambda each: each.twin is None))


class Follower:
    """Who follows the steps of one deny in a world of its own."""

    def __init__(self, ground: Ground, start: Denied) -> None:
        self._ground = ground
        self._start = start
        self._begin({(type(record).__name__, record.id): record for record in start.ask.facts.records}, start.ask.now)
        question = start.ask.question
        resource = (question.resource.type, question.resource.id)
        self.deed = Deed(question.subject.id, question.action, resource, question.context, {}, PLATFORM)
        if resource[0] == "SealUse":
            self.deed = replace(self.deed, caller=self._chance.caller_of(resource))
        self.followed: list[str] = []

    def _begin(self, records: Mapping[Any, Any], now: int) -> None:
        question = self._start.ask.question
        self.world = self._ground.begin(records.values(), now)
        self._chance = Chance(self.world, 0)
        named = [(kind, question.context[key]) for key, kind in self._keys().items() if key in question.context]
        near = [records.get((question.resource.type, question.resource.id)), *(records.get(each) for each in named)]
        for _ in range(2):  # of a task the party, and of that the contract
            near += [records.get(key) for record in near if record is not None for key in _names(record)]
        wanted = [record for _, record in self._differing()]
        self._chance.hints = [record for record in (*wanted, *near) if record is not None]

    def _keys(self) -> Mapping[str, str]:
        asked = self._start.ask.question
        known = MODEL.actions.get((asked.action, asked.resource.type))
        return {} if known is None else known.records

    def _differing(self) -> list[tuple[Any, Any]]:
        """What the twin holds and these facts do not: each record by its key; None where it holds none."""
        twin = self._start.twin
        if twin is None:
            return []
        wanted = {(type(record).__name__, record.id): record for record in twin.facts.records}
        start = {(type(record).__name__, record.id): record for record in self._start.ask.facts.records}
        return [(key, wanted.get(key)) for key in {**start, **wanted} if start.get(key) != wanted.get(key)]

    def follow(self) -> Decision:
        """Follow steps until the question is allowed, or none of them leads anywhere; return the last answer."""
        decision = self.world.decide(self.deed)
        for _ in range(ROUNDS):
            if decision or not any(self._is_over(reason) for reason in decision.reasons):
                break
            decision = self.world.decide(self.deed)
        return decision

    def _is_over(self, reason: Reason) -> bool:
        """Do what the steps of a reason say, one after the other; tell whether one of them ends it."""
        for step in reason.next_steps:
            if step.code == NOTHING_TO_DO:
                continue
            for do in (self._show, self._wait, self._say, self._ask_another, self._write, self._act):
                records, now, deed = self.world.records, self.world.now, self.deed
                for _ in do(step, WAYS[step.code], self.world.decide(self.deed)):
                    for variant in self._variants(records):
                        decision = self.world.decide(variant)
                        codes = {each.code for each in decision.reasons}
                        is_on = reason.code not in codes if variant is self.deed else codes <= SHOWN
                        if is_on:
                            self.deed = variant
                            self.followed.append(f"{step.code} {do.__name__[1:]}")
                            return True
                self.deed = deed
                if self.world.records != records or self.world.now != now:
                    self._begin(records, now)
        return False

    def _variants(self, before: Mapping[Any, Any]) -> Iterator[Deed]:
        """The question as it is, and of what was made since: its resource, or what its context names."""
        yield self.deed
        made = [key for key in self.world.records if key not in before]
        keys = MODEL.action(self.deed.action, self.deed.resource[0]).records
        for record_type, record_id in made:
            if record_type == self.deed.resource[0]:
                yield replace(self.deed, resource=(record_type, record_id))
            for name, kind in keys.items():
                if kind == record_type:
                    digest = getattr(self.world.records[record_type, record_id], "digest", None)
                    context = {**self.deed.context, name: record_id}
                    yield replace(self.deed, context=context)
                    if digest is not None and "digest" in self.deed.context:
                        yield replace(self.deed, context={**context, "digest": digest})

    def _show(self, step: NextStep, _way: Way, decision: Decision) -> Iterator[None]:
        shown = self._chance.show_face(self.deed, decision, step.code) if step.code in SHOWING else None
        if shown is not None:
            self.deed = shown
            yield

    def _wait(self, step: NextStep, way: Way, _decision: Decision) -> Iterator[None]:
        times = [int(value) for name, value in step.parameters.items() if name.endswith(("_until", "_at"))]
        for time in times if way.waits else ():
            if time > self.world.now:
                self.world.now = time
                yield

    def _say(self, _step: NextStep, way: Way, _decision: Decision) -> Iterator[None]:
        """Ask the same with other words: those of the twin, or any that there are."""
        if not way.says:
            return
        asked = self.deed
        for context in self._contexts():
            deed = replace(asked, context=context)
            if self._is_near(deed):
                self.deed = deed
                yield
                return
        for resource in self.world.records:
            if resource[0] == asked.resource[0] and resource != asked.resource:
                deed = replace(asked, resource=resource)
                if self._is_near(deed):
                    self.deed = deed
                    yield
                    return

    def _is_near(self, deed: Deed) -> bool:
        """Tell whether a question is allowed, but for a face that is to be shown."""
        return _codes(self.world.decide(deed)) <= SHOWN

    def _contexts(self) -> Iterator[Mapping[str, Any]]:
        twin = self._start.twin
        if twin is not None and twin.question.action == self.deed.action:
            yield twin.question.context
            yield {**self.deed.context, **twin.question.context}
        action = MODEL.action(self.deed.action, self.deed.resource[0])
        speaker = self._chance.speaker
        for key in action.records:
            for record_id in speaker.ids(action.records[key]):
                yield {**self.deed.context, key: record_id}
        for _ in range(20):
            yield {**self.deed.context, **speaker.context(self.deed.resource[0], self.deed.action, 0.0)}

    def _ask_another(self, _step: NextStep, way: Way, _decision: Decision) -> Iterator[None]:
        """Have somebody else do it, who shows their own face for it."""
        if not way.other:
            return
        asked = self.deed
        for person in self._chance.speaker.ids("Person"):
            deed = replace(asked, subject=person)
            if person != asked.subject and self._is_near(deed):
                self.deed = deed
                yield
                return

    def _write(self, _step: NextStep, way: Way, _decision: Decision) -> Iterator[None]:
        """Have the owners of the outside world write what the twin holds; what acts own stays as it is."""
        twin = self._start.twin
        if not way.facts or twin is None:
            return
        start = {(type(record).__name__, record.id): record for record in self._start.ask.facts.records}
        for key, new in self._differing():
            old = start.get(key)
            if (self.world.records.get(key) is None) != (old is None):
                continue
            shape = MODEL.shapes[key[0]]
            if new is None:
                change: Any = Delete(*key)
                is_owned = bool(shape.owned_by_acts)
            elif old is None:
                change, is_owned = Put(new), bool(shape.owned_by_acts)
            else:
                values = {
                    column.name: getattr(new, column.name)
                    for column in shape.columns
                    if getattr(new, column.name) != getattr(old, column.name)
                }
                change, is_owned = Update(*key, values), bool(values.keys() & shape.owned_by_acts)
            if is_owned:
                continue
            if self.world.outside(change) or (new is not None and self._write_another(old, new)):
                yield

    def _write_another(self, old: Any, new: Any) -> bool:
        """Have another record written, which is the present one from now on, where one cannot be changed so."""
        once = {name: f"{getattr(new, name)}-2" for name in ("provider_ref", "serial") if hasattr(new, name)}
        another = replace(new, id=f"{new.id}-2", **once)
        if not hasattr(new, "is_current") or old is None:
            return self.world.outside(Put(another))
        return self.world.outside(Update(type(old).__name__, old.id, {"is_current": False}), Put(another))

    def _act(self, step: NextStep, way: Way, decision: Decision) -> Iterator[None]:
        """Have those act whom the step names: what ends the first reason, or else whatever the step may mean."""
        names = [name for reason in decision.reasons for name in ENDED_BY.get((reason.code, step.code), ())]
        done: Counter[Any] = Counter()
        near = set(map(str, step.parameters.values())) | {self.deed.resource[1], *map(str, self.deed.context.values())}
        near |= {str(value) for _, record in self._differing() if record is not None for _, value in _names(record)}
        for _ in range(ACTS):
            deed = self._next_deed(names or way.acts, ANYBODY if names else way.who, near, done)
            if deed is None:
                return
            done[deed.action, deed.resource] += 1
            if self._chance.persist(deed, 15, lightly=True).is_done:
                yield
            else:
                done[deed.action, deed.resource, deed.subject] += 1

    def _next_deed(self, names: Sequence[str], who: str, near: set[str], done: Counter[Any]) -> Deed | None:
        me = self._start.ask.question.subject.id
        found = []
        for name in names:
            actor, _, act = name.rpartition(" ")
            resource, _, action = act.partition("/")
            by = actor or who
            found.append(((resource, action), lambda person, by=by: by == ANYBODY or (person == me) == (by == SELF)))
        return self._chance.legal_for(found, near, done)


def _names(record: Any) -> list[tuple[str, str]]:
    columns = MODEL.shapes[type(record).__name__].columns
    return [(column.ref, getattr(record, column.name)) for column in columns if column.ref is not None]


def _codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}
