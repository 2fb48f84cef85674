"""Prepares the questions of a diff, and fills in their contexts for both bundles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from sealauthz.decision import Bundle, Entity, Question
from sealauthz.decision.assembly import Missing, assemble, everything
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.policytools.diff.contexts import Contexts, Values
from sealauthz.policytools.diff.freshness import FreshText, with_text
from sealauthz.policytools.diff.side import Prepared
from sealauthz.schema import Action, Instant, ResolverInput
from sealauthz.schema.evidence import Fresh, FreshQuery, RecordKey


class QuestionBuilder:
    """Puts questions together as the decision point would, for both bundles at once."""

    def __init__(
        self,
        bundles: tuple[Bundle, Bundle],
        snapshot: FactSnapshot,
        contexts: Contexts,
        now: Instant,
        *,
        is_fresh: bool,
    ) -> None:
        self._old, self._new = bundles
        self._snapshot = snapshot
        self._contexts = contexts
        self._now = now
        self._is_fresh = is_fresh
        self._found: dict[RecordKey, Any] = {}
        self._resolved: dict[object, Mapping[str, Any]] = {}
        """What the server found by what a client gives, where it does not depend on who asks; for one resource."""

    def prepared(self, subject: Entity, action: Action, resource: RecordKey) -> Prepared | None:
        """Return a question without what a client gives; None where subject or resource do not exist."""
        question = Question(subject, action.name, Entity(*resource))
        model, parameters = self._new.model, self._old.parameters
        case = assemble(model, question, self._snapshot, everything, self._now, "", parameters)
        if isinstance(case, Missing):
            return None
        context = model.evidence.fresh_context(case.context, case.resource) if self._is_fresh else case.context
        # One context for both sides, unless they read other parameters.
        is_one = self._new.parameters == parameters
        other = context if is_one else dataclasses.replace(context, parameters=self._new.parameters)
        return Prepared(self.find(subject.type, subject.id), action, case.resource, context, other)

    def find(self, record_type: str, record_id: str) -> Any:
        """Return a record as the snapshot has it."""
        key = (record_type, record_id)
        record = self._found.get(key)
        if record is None:
            record = self._found[key] = self._snapshot.find(record_type, record_id)
        return record

    def forget(self) -> None:
        """Forget what was kept for one resource."""
        self._resolved.clear()

    def fill(self, question: Prepared, values: Values) -> None:
        """Put what a client gives into the contexts of both sides."""
        old, new = question.old_context, question.new_context
        contexts = (new,) if old is new else (old, new)
        records, is_supposed = question.action.records, False
        for (key, record_type), value in zip(records.items(), values, strict=False):
            record = None
            if isinstance(value, Fresh):
                is_supposed = True
            elif value is not None:
                record = self.find(record_type, value)
            for context in contexts:
                setattr(context, key, record)
        for key, value in zip(question.action.texts, values[len(records) :], strict=True):
            for context in contexts:
                setattr(context, key, None if value is None else str(value))
                if isinstance(value, FreshText):
                    _give_text(question.action, context, key)
        self._resolve_again(question, values)
        if not is_supposed:
            return
        for (key, record_type), value in zip(records.items(), values, strict=False):
            if isinstance(value, Fresh):
                samples = self._contexts.samples_of(record_type)
                for context in contexts:
                    query = FreshQuery(question.subject, question.action, question.resource, values, key, context)
                    setattr(context, key, samples.make(value, query))

    def _resolve_again(self, question: Prepared, values: Values) -> None:
        """Put into the contexts of both sides what the server finds by what a client gives."""
        find_again = question.action.resolver.find_again
        if find_again is None:
            return
        for key, found in self._found_again(question, values, find_again).items():
            setattr(question.old_context, key, found)
            setattr(question.new_context, key, found)

    def _found_again(
        self, question: Prepared, values: Values, find_again: Callable[[ResolverInput], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        is_kept = not question.action.resolver.is_about_subject
        # Among values, a text that is supposed equals the same one that is given.
        key = (question.action.name, type(question.resource), question.resource.id, values, tuple(map(type, values)))
        if is_kept and key in self._resolved:
            return self._resolved[key]
        given = {name: getattr(question.new_context, name) for name in question.action.keys}
        parameters = self._new.parameters
        query = ResolverInput(
            question.subject, question.resource, self._now, parameters, self._snapshot, given, question.action.name
        )
        found = find_again(query)
        if is_kept:
            self._resolved[key] = found
        return found


def _give_text(action: Action, context: Any, key: str) -> None:
    """Suppose that the records of a context have the text that the client gives."""
    for name in action.records:
        record = getattr(context, name)
        if getattr(record, key, None) == "":
            setattr(context, name, with_text(record, key))
