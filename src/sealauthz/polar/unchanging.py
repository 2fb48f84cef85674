"""Small classes that nobody changes, of which a load makes hundreds of thousands."""

from __future__ import annotations

import dataclasses
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def unchanging(cls: type[T]) -> type[T]:
    """Make a dataclass with slots and a hash that type checkers take for a frozen one.

    Python's own frozen ones set each field by a call, and take three times as long to make.
    """
    return dataclasses.dataclass(slots=True, unsafe_hash="__hash__" not in cls.__dict__)(cls)


def is_unchanging(cls: type) -> bool:
    """Whether instances of a class are never changed: it is such a one, or a frozen dataclass."""
    parameters = getattr(cls, "__dataclass_params__", None)
    return parameters is not None and (parameters.frozen or (parameters.eq and cls.__hash__ is not None))
