"""Columns and relations: the annotations of a record's fields, and what they say once read."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a column that holds the id of another record: `Annotated[str, Ref("Seal")]`.

    `crosses`: it may name a record of another tenant. A writer then locks the home of what it names.
    """

    record: str
    crosses: bool = False


def mask_all(text: str) -> str:
    """Hide every character."""
    return "*" * len(text)


@dataclass(frozen=True, slots=True)
class PersonalText:
    """Marks text about a person: masked on every way out, absent from change images, blank once erased.

    `mask` is what readers are shown. `has_stars`: a true value may contain stars, so that only a text of nothing else
    counts as masked.
    """

    mask: Callable[[str], str] = mask_all
    has_stars: bool = True

    def is_masked(self, text: str) -> bool:
        """Tell whether the text is what a reader was shown instead of the value, by us or by others."""
        if self.has_stars:
            return text != "" and text == mask_all(text)
        return "*" in text or "＊" in text


Personal = Annotated[str, PersonalText()]
"""Free text about a person, which is hidden as a whole."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """Marks a column of which every written value is first put into its normal form."""

    normalise: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a record. `type` is `str`, `int` or `bool`; `words` is set for an enumeration."""

    name: str
    type: type
    is_optional: bool
    default: Any
    words: builtins.type[StrEnum] | None
    ref: str | None
    is_instant: bool
    personal: PersonalText | None
    normalise: Callable[[str], str] | None
    crosses: bool

    @property
    def is_personal(self) -> bool:
        """Whether it holds text about a person."""
        return self.personal is not None

    @property
    def has_default(self) -> bool:
        """Whether a record may leave the column out."""
        return self.default is not dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation of a record: to `record`, by the column `key` (ours if `is_one`, theirs otherwise).

    Units of the record's home hold a collection whole; `whole_in` names the roots of further units that do.
    """

    name: str
    record: str
    key: str
    is_one: bool
    whole_in: tuple[str, ...] = ()


def one(key: str, *, init: Literal[False] = False) -> Any:
    """Declare the relation to the record that our column `key` names (None where the key is None)."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"one": key})


def many(key: str, *, whole_in: tuple[str, ...] = (), init: Literal[False] = False) -> Any:
    """Declare the relation to all records whose column `key` names us."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"many": key, "whole_in": whole_in})
