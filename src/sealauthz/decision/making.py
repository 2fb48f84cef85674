"""What makes the parts of answers, a few for each decision, in a third of the time that their own classes take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def maker(cls: type[T]) -> Callable[..., T]:
    """Return what makes instances of a frozen dataclass with slots, from all its values in the order of its fields.

    A frozen class sets each field by a call. Here they are set in a class that is not frozen and has the same slots,
    and the instance becomes one of the frozen class before anybody sees it.
    """
    names = [each.name for each in dataclasses.fields(cls)]  # type: ignore[arg-type]
    draft: Any = dataclasses.make_dataclass(cls.__name__, names, slots=True, eq=False, repr=False)

    def made(*values: object) -> T:
        instance = draft(*values)
        instance.__class__ = cls
        return instance  # type: ignore[no-any-return]

    return made
