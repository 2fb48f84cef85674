"""The contexts that some facts offer for a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from sealauthz.decision import Bundle, Entity
from sealauthz.polar import RuleNode
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.syntax import Attribute, Call, Literal
from sealauthz.polar.terms import nodes_of
from sealauthz.policytools.diff.changes import ContextEntries
from sealauthz.policytools.diff.facts import FactIndex
from sealauthz.policytools.diff.freshness import FRESH_TEXT
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Action, Instant
from sealauthz.schema.evidence import RecordKey, SampleQuery, Samples

FREE_TEXT = "some other text"
"""Stands for all texts that no policy compares with."""

Values = tuple[str | None, ...]
"""What a client gives for the keys of an action, in their order; None for what is left out."""

_FRESH_TIMES = 4


class PolicyWords:
    """The words that some policies compare with; found once for all that is asked of them."""

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._bundles = bundles
        self._of_action: dict[tuple[str, str], frozenset[str]] = {}
        self._of_key: dict[str, list[str]] = {}
        self._read: dict[tuple[str, str], frozenset[str]] = {}

    @cached_property
    def _readers(self) -> list[tuple[Bundle, Mapping[str, Iterable[RuleNode]]]]:
        """Each bundle with the rules that read an attribute, by its name."""
        return [(bundle, _rules_by_attribute(bundle)) for bundle in self._bundles]

    def near(self, action: Action) -> frozenset[str]:
        """The words that the rules of an action compare with, in either bundle."""
        key = (action.name, action.resource)
        if key not in self._of_action:
            words: set[str] = set()
            for bundle in self._bundles:
                needs = ((requirement, *key) for requirement in bundle.rulebook.requirements.get(key, ()))
                rules = [rule for need in needs for rule in bundle.rulebook.meets.get(need, ())]
                words |= _literals_below(rules, bundle)
            self._of_action[key] = frozenset(words)
        return self._of_action[key]

    def read_by(self, action: Action) -> frozenset[str]:
        """The text keys of an action that its rules read, in either bundle; the others only the resolver reads."""
        key = (action.name, action.resource)
        if key not in self._read:
            self._read[key] = frozenset(
                text for text in action.texts if any(_reads(bundle, action, text) for bundle in self._bundles)
            )
        return self._read[key]

    def of_key(self, key: str) -> list[str]:
        """The texts that a bundle may compare a key of the context with, and one that it does not."""
        if key not in self._of_key:
            found: set[str] = {""}
            for bundle, readers in self._readers:
                found |= _literals_below(readers.get(key, ()), bundle)
            free = FREE_TEXT
            while free in found:
                free += "."
            self._of_key[key] = [*sorted(found), free]
        return self._of_key[key]


class Contexts:
    """The contexts that the facts offer for a question.

    Records: those that the model's samples choose. Texts: those that a policy compares with, what the record of the
    context has under the same name (the code of a request), the empty one, and one that stands for all others. Each may
    be left out, too. A text that no rule of the action reads is left out: what the server makes of it is supposed to be
    right among fresh facts. Among fresh facts there are also the records that the model supposes.
    """

    def __init__(self, facts: FactIndex, words: PolicyWords, now: Instant, limit: int, *, is_fresh: bool) -> None:
        self._facts = facts
        self._words = words
        self._is_fresh = is_fresh
        # There are more of them where records are supposed beside those that there are, and few questions to ask.
        self._limit = limit * _FRESH_TIMES if is_fresh else limit
        declared = facts.model.evidence.samples
        self._samples = {name: declared.get(name, Samples)(name, facts, now) for name in facts.model.records}
        self._shared: dict[str, tuple[list[Values], bool]] = {}

    def of(self, subject: Entity, action: Action, resource: RecordKey) -> tuple[list[Values], bool]:
        """Return the values of the keys of an action, and whether some were cut."""
        key = (subject.type, subject.id)
        if any(
            self._samples[record_type].depends_on_subject and self._facts.of_subject(key, record_type)
            for record_type in action.records.values()
        ):
            return self._drawn(key, action, resource)
        # The many who have nothing of their own to bring are offered the same.
        found = self._shared.get(action.name)
        if found is None:
            found = self._shared[action.name] = self._drawn(None, action, resource)
        return found

    def forget(self) -> None:
        """Forget what was kept for one resource."""
        self._shared.clear()

    def samples_of(self, record_type: str) -> Samples:
        """Return the samples of a type."""
        return self._samples[record_type]

    def _drawn(self, subject: RecordKey | None, action: Action, resource: RecordKey) -> tuple[list[Values], bool]:
        # The rank of a context says how telling it is: what is cut is cut from the end.
        drawn: list[tuple[int, Values]] = [(0, ())]
        for record_type in action.records.values():
            samples = self._samples[record_type]
            more: list[tuple[int, Values]] = []
            for rank, values in drawn:
                query = SampleQuery(subject, action, resource, values)
                fresh = samples.fresh(query, self._words.near(action)) if self._is_fresh else ()
                choices = ((0, None), *fresh, *samples.choose(query))
                more += [(rank + extra, (*values, choice)) for extra, choice in choices]
            drawn = more
        for key in action.texts:
            if key not in self._words.read_by(action):
                drawn = [(rank, (*values, None)) for rank, values in drawn]
                continue
            words = self._words.of_key(key)
            drawn = [
                (rank, (*values, word))
                for rank, values in drawn
                for word in (None, *dict.fromkeys((*self._own_texts(action, values, key), *words)))
            ]
        drawn.sort(key=lambda ranked: ranked[0])
        return [values for _, values in drawn[: self._limit]], len(drawn) > self._limit

    def _own_texts(self, action: Action, values: Values, key: str) -> list[str]:
        """What the records of a context hold under the name of a text; among fresh facts one that was not given."""
        found = []
        for record_type, record_id in zip(action.records.values(), values, strict=False):
            record = self._facts.of(record_type).get(record_id or "")
            text = getattr(record, key, None)
            if text:
                found.append(str(text))
            elif text == "" and self._is_fresh:
                found.append(FRESH_TEXT)
        return found


def entries(action: Action, values: Values) -> ContextEntries:
    """Return what is given, by key."""
    return tuple((key, value) for key, value in zip(action.keys, values, strict=True) if value is not None)


def least(contexts: list[Values]) -> list[Values]:
    """Return the contexts of which no other says a part, those that say least first."""
    ordered = sorted(contexts, key=lambda values: sum(value is not None for value in values))
    found: list[Values] = []
    for values in ordered:
        is_more = any(
            all(mine is None or mine == theirs for mine, theirs in zip(other, values, strict=True)) for other in found
        )
        if not is_more:
            found.append(values)
    return found


def _reads(bundle: Bundle, action: Action, key: str) -> bool:
    """Tell whether a rule that decides an action may read a key of its context."""
    engine, model = bundle.engine, bundle.model
    if not isinstance(engine, CompiledEngine):
        return True
    try:
        return any(
            key
            in engine.mentioned(
                "allow", model.records[subject], action.name, model.records[action.resource], action.context
            )
            for subject in model.subjects
        )
    except BundleRefused:
        return True


def _rules_by_attribute(bundle: Bundle) -> Mapping[str, Iterable[RuleNode]]:
    """Return for each attribute the rules that read one of that name."""
    found: dict[str, list[RuleNode]] = {}
    for rules in bundle.rulebook.rules.values():
        for rule in rules:
            for name in {node.name for node in nodes_of(rule) if isinstance(node, Attribute)}:
                found.setdefault(name, []).append(rule)
    return found


def _literals_below(rules: Iterable[RuleNode], bundle: Bundle) -> set[str]:
    """The strings in rules, and in all rules that those call."""
    by_name = bundle.rulebook.rules
    waiting = list(rules)
    seen: set[int] = set()
    found: set[str] = set()
    while waiting:
        rule = waiting.pop()
        if id(rule) in seen:
            continue
        seen.add(id(rule))
        for node in nodes_of(rule):
            if isinstance(node, Literal) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, Call):
                waiting += by_name.get(node.name, ())
    return found
