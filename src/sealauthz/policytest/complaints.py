"""What is said about a file of policy tests that is not of its form: one fault per mistake, with a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from sealauthz.errors import Fault
from sealauthz.model import MODEL
from sealauthz.policytest import form
from sealauthz.policytest.fixtures import did_you_mean
from sealauthz.policytest.yaml_text import Document, Path

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
    form.TYPE_PATTERN: "is no type: types are written like `SigningTask`",
}


def faults_of(document: Document, error: ValidationError) -> list[Fault]:
    """Say what a validation found, each mistake at its place in the file."""
    found: dict[tuple[int, int, str], Fault] = {}
    for each in error.errors(include_url=False):
        path = _path_of(document.value, each["loc"])
        fault = document.fault(path, _said(document, path, each))
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


def _said(document: Document, path: Path, error: Mapping[str, Any]) -> str:
    kind, given = str(error["type"]), error["input"]
    last = path[-1] if path else ""
    if kind == "extra_forbidden":
        return f"`{last}` is not known here{did_you_mean(str(last), _known_beside(document, path))}"
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


def _known_beside(document: Document, path: Path) -> Iterator[str]:
    """The names that somebody may have meant by an unknown key."""
    for record_type in reversed(path[:-1]):
        if record_type in MODEL.records:
            yield from (column.name for column in MODEL.shapes[str(record_type)].columns)
            return
    if len(path) > 1 and path[-2] in {"facts", "put", "change", "defaults"}:
        yield from MODEL.records
        return
    for model in vars(form).values():
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items() if name not in MODEL.records)
