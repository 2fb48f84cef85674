"""Diagnostics of a file of policy tests that is not of its form: one per mistake, with a suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from sealauthz.errors import Fault
from sealauthz.policytest import form
from sealauthz.policytest.fixtures import did_you_mean
from sealauthz.policytest.yaml_text import Document, Path
from sealauthz.schema import Model

_TYPES = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be `true` or `false`",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}

_PATTERNS = {
    form.TIME_PATTERN: "is no time: write `now - 5 minutes`, `now + 1 day`, `never`, `forever` or "
    "`2026-01-05T09:00:00Z`",
    form.LENGTH_PATTERN: "is no length of time: write `90 seconds`, `10 minutes`, `1 day`",
    form.REFERENCE_PATTERN: "is no record: write its type and its id, like `Seal:seal-1`",
    form.ACTION_PATTERN: "is no action: actions are written like `request_use`",
    form.CODE_PATTERN: "is no code: codes are written like `SEAL_FROZEN`",
    form.RULE_PATTERN: "is no rule: rules are written like `U-01`",
    form.TYPE_PATTERN: "is no type: a type has letters only, the first of them a capital",
}

_PLACES: tuple[tuple[type[BaseModel], str], ...] = (
    (form.File, "the top of the file"),
    (form.Fixture, "a fixture"),
    (form.Changes, "changes of facts"),
    (form.AnyTest, "a test"),
    (form.Pair, "a test of one question"),
    (form.Matrix, "a test of a matrix"),
    (form.Grid, "`matrix`"),
    (form.Listing, "a test of a list"),
    (form.Story, "a test of steps"),
    (form.Step, "a step"),
    (form.Ask, "`ask`"),
    (form.Outcome, "`expect`"),
    (form.Item, "a next step or an obligation"),
    (form.But, "`but`"),
)
"""Where the keys of each form are written."""

_RECORDS = ("facts", "put", "change", "defaults")
"""The keys under which records stand."""


def diagnostics_of(model: Model, document: Document, error: ValidationError) -> list[Fault]:
    """Say what a validation found, each mistake at its place in the file."""
    found: dict[tuple[int, int, str], Fault] = {}
    for each in error.errors(include_url=False):
        path = _path_of(document.value, each["loc"])
        fault = document.fault(path, _message(model, document, path, each))
        found.setdefault((fault.line, fault.column, fault.message), fault)
    return [found[key] for key in sorted(found)]


def _path_of(value: Any, location: tuple[str | int, ...]) -> Path:
    """Leave out of a location what pydantic adds for the members of a union."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        is_last = index == len(location) - 1
        if isinstance(value, dict) and (step in value or is_last):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _message(model: Model, document: Document, path: Path, error: Mapping[str, Any]) -> str:
    kind, given = str(error["type"]), error["input"]
    last = path[-1] if path else ""
    if kind == "extra_forbidden":
        return f"`{last}` is not known here{_suggestion(model, path)}"
    if kind == "missing":
        return f"`{error['loc'][-1]}` is missing"
    if kind == "literal_error":
        words = [word.strip("'") for word in str(error["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
        near = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"`{last}` is `{given}`, which is none of {', '.join(f'`{word}`' for word in words)}{near}"
    if kind == "string_pattern_mismatch":
        return f"`{given}` {_PATTERNS[error['ctx']['pattern']]}"
    if kind == "string_too_long":
        return f"`{last}` is longer than {error['ctx']['max_length']} characters"
    if kind in _TYPES:
        return f"`{last}` {_TYPES[kind]}" if isinstance(last, str) and last else _TYPES[kind]
    return f"`{last}` {str(error['msg']).lower()}"


def _suggestion(model: Model, path: Path) -> str:
    """Say where an unknown key belongs, or which one its author may have meant."""
    name = str(path[-1])
    for record_type in reversed(path[:-1]):
        if record_type in model.records:
            return did_you_mean(name, (column.name for column in model.shapes[str(record_type)].columns))
    if len(path) > 1 and path[-2] in _RECORDS:
        return did_you_mean(name, model.records)
    if name in model.records:
        return f": records stand under {_or(f'`{key}`' for key in _RECORDS)}"
    places = [place for each, place in _PLACES if name in _keys(each)]
    if places:
        return f": it belongs in {_or(places)}"
    return did_you_mean(name, (key for each, _ in _PLACES for key in _keys(each)))


def _keys(of: type[BaseModel]) -> list[str]:
    """The keys of a form, but for those that tests of every kind have."""
    common = form.AnyTest.model_fields if of is not form.AnyTest and issubclass(of, form.AnyTest) else {}
    return [field.alias or name for name, field in of.model_fields.items() if name not in common]


def _or(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
