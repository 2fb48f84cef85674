"""The arguments of an act: a plain dataclass, whose fields say what a client may give and of which form.

A field is annotated like the column of a record: `str`, `int`, `bool`, a StrEnum, `Instant`, or
`Annotated[str, Ref("Membership")]`, each perhaps `| None`; or `tuple[..., ...]` of one of these, or of another such
dataclass. A field with a default may be left out.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from sealauthz.schema.record import Column, annotation_of, column_of


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: the column that says its form, or the class of its parts; `is_many` where it is a list."""

    name: str
    column: Column | None
    parts: type | None
    is_many: bool
    is_required: bool


@cache
def arguments_of(cls: type | None) -> Mapping[str, Argument]:
    """Return the arguments that a class declares, by name and in order; none for None. Raises TypeError."""
    if cls is None:
        return MappingProxyType({})
    found = (_argument_of(field, annotation_of(cls, field)) for field in dataclasses.fields(cls))
    return MappingProxyType({argument.name: argument for argument in found})


def _argument_of(field: dataclasses.Field[Any], hint: Any) -> Argument:
    is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    is_many = typing.get_origin(hint) is tuple
    if is_many:
        hint, rest = typing.get_args(hint)
        if rest is not Ellipsis:
            raise TypeError(f"`{field.name}`: a list of arguments is a `tuple[..., ...]` of one type")
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return Argument(field.name, None, hint, is_many, is_required)
    return Argument(field.name, column_of(field, hint), None, is_many, is_required)
