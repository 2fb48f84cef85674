"""Every setting as it counts: its value, with secrets masked, and where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
from pydantic import SecretStr

from sealauthz.config.loading import Read
from sealauthz.config.places import lines_of
from sealauthz.config.secret_files import SecretFile
from sealauthz.config.sections import Config
from sealauthz.facts.store.engine import shown

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its name, its value as JSON has it, and its source: `file`, `variable` or `default`.

    `where` names the variable, or the file with the line if that can be told; empty for a default.
    """

    name: str
    value: Any
    source: str
    where: str = ""


def settings_of(config: Config, found: Read) -> Iterator[Setting]:
    """Yield every setting of a configuration, in the order of its sections; of callers and issuers what they set."""
    lines = lines_of(found.text)
    for section in Config.model_fields:
        yield from _below(getattr(config, section), (section,), found, lines)


def _below(value: Any, path: tuple[str, ...], found: Read, lines: Mapping[tuple[str, ...], int]) -> Iterator[Setting]:
    if isinstance(value, pydantic.BaseModel):
        # A table that somebody has named says what it sets; a section says everything.
        names = type(value).model_fields if len(path) == 1 else sorted(value.model_fields_set)
        for name in names:
            yield from _below(getattr(value, name), (*path, name), found, lines)
    elif isinstance(value, dict) and value and all(isinstance(each, pydantic.BaseModel) for each in value.values()):
        for name in sorted(value):
            yield from _below(value[name], (*path, name), found, lines)
    else:
        name = ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in path)
        yield Setting(name, _shown(value, path), *_source(path, found, lines))


def _source(path: tuple[str, ...], found: Read, lines: Mapping[tuple[str, ...], int]) -> tuple[str, str]:
    variable = found.variable_of(path)
    if variable:
        return "variable", variable
    table: Any = found.table
    for part in path:
        if not isinstance(table, dict) or part not in table:
            return "default", ""
        table = table[part]
    line = lines.get(path)
    return "file", f"{found.path}:{line}" if line else str(found.path)


def _shown(value: Any, path: tuple[str, ...]) -> Any:
    """Return a value as it may be printed. INVARIANT: each setting that is declared a secret is masked."""
    if isinstance(value, SecretStr):
        if path == ("database", "url"):
            return shown(value.get_secret_value())
        return f"{value.get_secret_value()[:8]}…" if path[-1] == "token_sha256" else "***"
    if isinstance(value, SecretFile):
        return str(value.path)
    if isinstance(value, pydantic.BaseModel):
        return {name: _shown(getattr(value, name), (*path, name)) for name in sorted(value.model_fields_set)}
    if isinstance(value, dict):
        return {name: _shown(each, path) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each, path) for each in value]
    return str(value) if isinstance(value, Path) else value
