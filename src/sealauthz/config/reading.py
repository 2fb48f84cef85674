"""The configuration file as a table, with the paths in it made relative to where it lies."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sealauthz.runtime.errors import ConfigRefused

_PATHS = (
    ("server", "tls_certificate"),
    ("server", "tls_key"),
    ("server", "client_ca"),
    ("database", "url_file"),
    ("database", "password_file"),
    ("policies", "folder"),
    ("policies", "signers"),
    ("traces", "ca"),
    ("receipts", "keys"),
    ("audit", "key"),
    ("audit", "pending_key"),
    ("audit", "folder"),
    ("assertions", "issuers", "*", "keys"),
    ("jwt", "issuers", "*", "keys"),
    ("jwt", "issuers", "*", "ca"),
    ("callers", "*", "token_sha256_file"),
)
"""The settings that are relative to the file they stand in; a star is every table there."""


def read_text(path: Path) -> str:
    """Return the text of a configuration. Raises ConfigRefused."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigRefused(f"the configuration `{path}` cannot be read") from error
    except UnicodeDecodeError as error:
        raise ConfigRefused(f"the configuration `{path}` is not UTF-8 text") from error


def table_of(text: str, path: Path) -> dict[str, Any]:
    """Return what a configuration says. Raises ConfigRefused."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"the configuration `{path}` is not TOML: {error}") from error
    for *tables, name in _PATHS:
        for found in _tables(table, tables):
            if name in found:
                found[name] = _beside(path, found[name])
    return table


def _tables(table: Any, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(table, dict):
        return
    if not names:
        yield table
        return
    first, *rest = names
    for name in list(table) if first == "*" else [first] if first in table else []:
        yield from _tables(table[name], rest)


def _beside(path: Path, value: object) -> object:
    if isinstance(value, list):
        return [_beside(path, each) for each in value]
    # An address stays one.
    return str(path.parent / value) if isinstance(value, str) and "://" not in value else value
