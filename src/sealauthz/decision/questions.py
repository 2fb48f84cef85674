"""What the decision point asks the engine, kind by kind: what is compiled before a bundle serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sealauthz.polar import Rulebook
from sealauthz.polar.runtime import FREE
from sealauthz.schema import Model

NO_PERMISSION = "NO_PERMISSION"
"""The reason of the service itself where the table of permissions does not allow an act."""


def named_by_obligations(book: Rulebook) -> dict[tuple[str, str], dict[str, set[str]]]:
    """By action and resource type: what obligations name, by their codes."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for rule in book.rules.get("obligation_parameter", ()):
        code, name, _value, _subject, action, resource, _context = rule.parameters
        of_action = found.setdefault((action.literal or "", resource.type or ""), {})
        of_action.setdefault(code.literal or "", set()).add(name.literal or "")
    return found


def questions_of(model: Model, book: Rulebook) -> Iterator[tuple[Any, ...]]:
    """Every rule that the decision point asks, with the types of its arguments."""
    naming = named_by_obligations(book)
    for (action, type_), requirements in book.requirements.items():
        resource, context = model.records[type_], model.action(action, type_).context
        for subject_type in model.subjects:
            subject = model.records[subject_type]
            yield "allow", subject, action, resource, context
            yield "visible", subject, resource, context
            yield "has_standing", subject, resource, context
            yield "has_permission", subject, action, resource
            yield "unmet", subject, FREE, action, resource, context
            for requirement in requirements:
                if requirement in book.because:
                    yield "because", requirement, FREE, subject, resource, context
            if "lapses" in book.rules:
                yield "lapses", subject, action, resource, context, FREE
            if (action, type_) in book.obligations:
                yield "obligation", subject, action, resource, context, FREE
            if (action, type_) in naming:
                yield "obligation_parameter", FREE, FREE, FREE, subject, action, resource, context
            steps = book.steps_of(requirements, type_, NO_PERMISSION)
            for name, step in sorted(book.carried):
                if step in steps:
                    yield name, step, FREE, FREE, subject, resource, context
            for step in sorted(book.withheld & steps):
                yield "leads_nowhere", step, subject, resource, context
