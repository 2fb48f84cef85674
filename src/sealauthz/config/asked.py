"""What a question that is decided in this process needs of the configuration: where the facts are, and the policies.

The whole configuration is checked by what serves, and its libraries take longer to load than the question to decide.
Here every name is checked, and of the values those that are used; at anything unusual the whole is read, which tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealauthz.config.names import OTHER_NAMES, PREFIX, SETTINGS, TABLES, file_of, variable
from sealauthz.config.reading import read_text, table_of
from sealauthz.config.secret_files import SecretFile

_SOURCES = ("store", "folder")
_DATABASE = "sqlite:///sealauthz.db"


@dataclass(frozen=True, slots=True)
class AskedPolicies:
    """As `PoliciesSection`."""

    folder: Path | None
    source: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a configuration. `url` holds the password."""

    url: str
    policies: AskedPolicies


def asked(environ: Mapping[str, str], path: Path | None = None) -> Asked | None:
    """Read the part; None where the whole is to be read, which says what is wrong, if anything is.

    Raises ConfigRefused for a file that cannot be read at all.
    """
    path = file_of(environ, path)
    table = {} if path is None else table_of(read_text(path), path)
    if not _are_known(table):
        return None
    variables = {variable(section, name): (section, name) for section, names in SETTINGS.items() for name in names}
    variables |= {variable(name): (name, "") for name in TABLES}
    given: dict[tuple[str, str], str] = {}
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in OTHER_NAMES:
            if name not in variables:
                return None
            given[variables[name]] = text
    database, policies = dict(table.get("database", {})), dict(table.get("policies", {}))
    if ("database", "url") in given:
        database.pop("url_file", None)
    if ("database", "url_file") in given:
        database.pop("url", None)
    for section, values in (("database", database), ("policies", policies)):
        values.update({name: text for (of, name), text in given.items() if of == section})
    url, folder, source = _url(database), policies.get("folder"), policies.get("source", _SOURCES[0])
    if url is None or not isinstance(folder, str | None) or source not in _SOURCES:
        return None
    return Asked(url, AskedPolicies(None if folder is None else Path(folder), source))


def _are_known(table: Mapping[str, Any]) -> bool:
    """Tell whether a file has no names but those of settings."""
    return all(
        isinstance(values, dict) and (section in TABLES or values.keys() <= SETTINGS.get(section, frozenset()))
        for section, values in table.items()
    )


def _url(database: Mapping[str, Any]) -> str | None:
    """Return the URL with its password; None for what only the whole configuration explains."""
    url, file = database.get("url"), database.get("url_file")
    if "password_file" in database or (url is not None and file is not None):
        return None
    if file is None:
        return _DATABASE if url is None else url if isinstance(url, str) else None
    try:
        return SecretFile.read(file).content
    except ValueError:
        return None
