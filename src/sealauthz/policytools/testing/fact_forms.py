"""The forms of single values in policy test files, such as times and references, and of records by type and id.

What may stand under facts and defaults depends on the model: its forms of records are the context of a validation.
"""

from __future__ import annotations

from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model
from pydantic_core.core_schema import ValidationInfo

from sealauthz.schema import UNLIMITED, Column, Model

_LENGTH = r"[0-9]{1,6} (second|minute|hour|day)s?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"
LENGTH_PATTERN = rf"^{_LENGTH}$"
TIME_PATTERN = rf"^(now( [+-] {_LENGTH})*|never|forever|{_DATE})$"
REFERENCE_PATTERN = r"^[A-Z][A-Za-z]*:[^\s]+$"
ACTION_PATTERN = r"^[a-z][a-z_]*$"
CODE_PATTERN = r"^[A-Z][A-Z0-9_]*$"
RULE_PATTERN = r"^[A-Z]-[0-9]{2}[a-z]?$"
TYPE_PATTERN = r"^[A-Z][A-Za-z]*$"

Time = Annotated[
    str,
    Field(
        pattern=TIME_PATTERN,
        description="A time: `now`, `now - 5 minutes`, `now + 1 day - 1 second`, `never`, `forever`, "
        "or like `2026-01-05T09:00:00Z`.",
    ),
]
Length = Annotated[str, Field(pattern=LENGTH_PATTERN, description="A length of time: `90 seconds`, `1 day`.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=128)]
Reference = Annotated[str, Field(pattern=REFERENCE_PATTERN, max_length=200, description="A record: `Seal:seal-1`.")]
Subject = Annotated[Id, Field(description="Who asks: the id of a person.")]
Action = Annotated[str, Field(pattern=ACTION_PATTERN, description="What is asked for, as the policies name it.")]
Code = Annotated[str, Field(pattern=CODE_PATTERN)]
RuleId = Annotated[str, Field(pattern=RULE_PATTERN, description="A rule by its tag in the policies.")]
TypeName = Annotated[str, Field(pattern=TYPE_PATTERN)]
Context = Annotated[
    dict[str, str | int | bool],
    Field(
        description="What the client gives: only keys that the action knows. Ids and texts are text, times are written "
        "as times."
    ),
]


class _MadeForm(BaseModel):
    """A form made from a table: it has no source text whose docstrings could be read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _column_type(column: Column) -> Any:
    kind: Any
    if column.words is not None:
        kind = Literal[tuple(str(word) for word in column.words)]
    elif column.is_instant:
        kind = Time
    elif column.type is int and column.default == UNLIMITED:
        kind = Annotated[int | Literal["unlimited"], Field(description="A count, or `unlimited`.")]
    elif column.ref is not None:
        kind = Annotated[str, Field(min_length=1, max_length=128, description=f"The id of a {column.ref}.")]
    else:
        kind = column.type
    return kind | None if column.is_optional else kind


def _record_form(model: Model, name: str) -> type[BaseModel]:
    columns = [column for column in model.shapes[name].columns if column.name != "id"]
    # Every column may be left out here: a fixture's defaults may give it. Whether it is missing is found out later.
    fields: dict[str, Any] = {column.name: (_column_type(column), Field(default=None)) for column in columns}
    return create_model(name, __base__=_MadeForm, **fields)


class RecordForms(NamedTuple):
    """The forms that depend on a model."""

    facts: type[BaseModel]
    defaults: type[BaseModel]


@cache
def record_forms(model: Model) -> RecordForms:
    """Return the forms of a model's facts and defaults."""
    forms = {name: _record_form(model, name) for name in model.records}
    by_id: dict[str, Any] = {
        name: (GenericAlias(dict, (Id, form)), Field(default_factory=dict)) for name, form in forms.items()
    }
    columns: dict[str, Any] = {name: (form, Field(default=None)) for name, form in forms.items()}
    said = "Columns that a record takes where it does not give them, by type."
    return RecordForms(
        create_model("Facts", __base__=_MadeForm, __doc__="Records by type and id.", **by_id),
        create_model("Defaults", __base__=_MadeForm, __doc__=said, **columns),
    )


def _facts(value: Any, info: ValidationInfo) -> BaseModel:
    forms: Any = info.context
    return forms.facts.model_validate(value)  # type: ignore[no-any-return]


def _defaults(value: Any, info: ValidationInfo) -> BaseModel:
    forms: Any = info.context
    return forms.defaults.model_validate(value)  # type: ignore[no-any-return]


OF_MODEL = "of-model"
"""The key of a schema that stands for one of the model's forms, until `json_schema` puts that in its place."""

Facts = Annotated[Any, PlainValidator(_facts), WithJsonSchema({OF_MODEL: "Facts"})]
Defaults = Annotated[Any, PlainValidator(_defaults), WithJsonSchema({OF_MODEL: "Defaults"})]
