"""The variables of the environment that are settings: which there are, and what their text says.

A setting of one value has its own variable. Tables whose names somebody chose (callers, issuers) come in one variable
each, as TOML or JSON: such names have hyphens, dots and colons, which no variable can be called by.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, get_origin

from sealauthz.config.names import variable
from sealauthz.config.sections import Config
from sealauthz.config.words import Section

Place = tuple[str, ...]
"""A section and a field of it, or a table of tables alone."""


def known_variables() -> Mapping[str, Place]:
    """Return the variables, and what each one sets."""
    found: dict[str, Place] = {}
    for section, info in Config.model_fields.items():
        if _is_section(info.annotation):
            found |= {variable(section, field): (section, field) for field in info.annotation.model_fields}  # type: ignore[union-attr]
        else:
            found[variable(section)] = (section,)
    return found


def holds_tables(place: Place) -> bool:
    """Tell whether what stands there is a table of tables."""
    info = Config.model_fields[place[0]]
    if len(place) > 1 and _is_section(info.annotation):
        info = info.annotation.model_fields[place[1]]  # type: ignore[union-attr]
    return get_origin(info.annotation) is dict


def tables_in(text: str) -> dict[str, Any]:
    """Return the tables that a variable holds. Raises ValueError, which repeats nothing of it."""
    if not text.lstrip().startswith("{"):
        return tomllib.loads(text)
    try:
        found: dict[str, Any] = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()} (at line {error.lineno}, column {error.colno})") from None
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)
