"""Reading a configuration: the file, the variables over it, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

import pydantic

from sealauthz.config import places
from sealauthz.config.environment import Place, holds_tables, known_variables, tables_in
from sealauthz.config.names import OTHER_NAMES, PREFIX, file_of
from sealauthz.config.reading import read_text, table_of
from sealauthz.config.sections import Config, DatabaseSection
from sealauthz.config.words import Section
from sealauthz.runtime.errors import ConfigRefused, did_you_mean
from sealauthz.schema import Model


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: the line of the file, or the variable; neither where that cannot be told.

    The message repeats no value that may be secret.
    """

    message: str
    file: str = ""
    line: int | None = None
    variable: str = ""

    def __str__(self) -> str:
        """Say it with its place."""
        if self.variable:
            return f"{self.message} (`{self.variable}`)"
        return f"{self.message} (line {self.line} of `{Path(self.file).name}`)" if self.line else self.message


@dataclass(frozen=True)
class Read:
    """What was read: the file with the variables over it, and by which variable each place was set."""

    path: Path | None
    text: str
    table: dict[str, Any]
    set_by: dict[Place, str]
    problems: list[Problem] = field(default_factory=list)

    def variable_of(self, place: Sequence[str]) -> str:
        """Return the variable that set a place, or all of a table that it stands in; empty where none did."""
        found = (self.set_by.get(tuple(place[:count])) for count in (1, 2))
        return next((name for name in found if name), "")

    def problem_at(self, place: Sequence[str], message: str) -> Problem:
        """Return a problem of a setting, with the variable or the line of the file that set it, if one did."""
        variable = self.variable_of(place)
        line = None if self.path is None or variable else places.line_of(self.text, list(place), "")
        return Problem(message, "" if variable or self.path is None else str(self.path), line, variable)

    def config(self, model: Model) -> Config | None:
        """Check it all for a model; None where there are problems, which are noted."""
        try:
            config = Config.model_validate(self.table, context=model)
        except pydantic.ValidationError as error:
            self.problems.extend(self._problem(each) for each in error.errors(include_url=False))
            return None
        return None if self.problems else config

    def _problem(self, problem: Any) -> Problem:
        """Say what pydantic found, and where, without the value."""
        context = problem.get("ctx", {})
        # A union names the member it tried behind the field.
        loc = context.get("path") or problem["loc"]
        found = [part for part in loc if not str(part).startswith(("list[", "literal[", "function-"))]
        place = [str(part) for part in found]
        variable = self.variable_of(place)
        line = None
        if self.path is not None and place and not variable:
            line = places.line_of(self.text, found, context.get("word", ""))
        if problem["type"] == "extra_forbidden":
            message = f"unknown setting `{'.'.join(place)}`{did_you_mean(place[-1], _known_beside(place))}"
        elif problem["type"] in _NO_TABLE and place:
            name = ".".join(place)
            how = "a JSON object" if variable else f"its settings stand under `[{name}]`"
            message = f"`{name}` is a section, and not {_kind(problem['input'])}: {how}"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            message = f"`{'.'.join(place)}`: {message}" if place else message
        return Problem(message, "" if variable or self.path is None else str(self.path), line, variable)


_NO_TABLE = frozenset({"dict_type", "model_type", "model_attributes_type", "dataclass_type", "mapping_type"})


def _kind(value: object) -> str:
    """Return what kind of value stands where a section belongs, without the value."""
    if isinstance(value, list):
        return "a list (`[[…]]` begins one)" if any(isinstance(each, dict) for each in value) else "a list"
    return "a value"


def load(model: Model, environ: Mapping[str, str], path: Path | None = None) -> Config:
    """Read the configuration for a model: `path`, or the file that SEALAUTHZ_CONFIG names, or none; then the variables.

    Raises ConfigRefused naming all that cannot be used; values that may be secret are never repeated.
    """
    found = read(environ, path)
    config = found.config(model)
    if config is None:
        raise ConfigRefused("; ".join(map(str, found.problems)))
    return config


def database_in(environ: Mapping[str, str], path: Path | None = None) -> str:
    """Return the URL of the database that a configuration names: it says for which model the rest is to be read.

    Raises ConfigRefused where there is none that can be read.
    """
    table = read(environ, path).table
    try:
        return DatabaseSection.model_validate(table.get("database", {})).whole_url
    except pydantic.ValidationError as error:
        raise ConfigRefused("`database` cannot be read") from error


def read(environ: Mapping[str, str], path: Path | None = None) -> Read:
    """Read the file, and the variables over it. Raises ConfigRefused for a file that cannot be read at all."""
    path = file_of(environ, path)
    text = "" if path is None else read_text(path)
    found = Read(path, text, {} if path is None else table_of(text, path), {})
    known = known_variables()
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OTHER_NAMES:
            continue
        if name in known:
            _set(found, known[name], name, environ[name])
        else:
            said = f"unknown variable `{name}`{did_you_mean(name, [*known, *OTHER_NAMES])}"
            found.problems.append(Problem(said))
    return found


def _set(found: Read, place: Place, name: str, text: str) -> None:
    """Have a variable win over what the file says at its place, the whole of it where that is tables."""
    value: object = text
    if holds_tables(place):
        try:
            value = tables_in(text)
        except (ValueError, RecursionError) as error:
            said = f"`{'.'.join(place)}`: must be tables, as TOML or JSON: {error}"
            found.problems.append(Problem(said, variable=name))
            return
    into, last = found.table, place[-1]
    if len(place) > 1:
        into = into.setdefault(place[0], {})
        if not isinstance(into, dict):
            return  # which is noted when all is checked
        if (other := _INSTEAD.get(place)) and (place[0], other) not in found.set_by:
            into.pop(other, None)
    into[last] = value
    found.set_by[place] = name


_INSTEAD: Mapping[Place, str] = {("database", "url"): "url_file", ("database", "url_file"): "url"}
"""What a variable takes away from the file, because it says the same in another way."""


def _known_beside(place: Sequence[str]) -> list[str]:
    """Return what may stand where an unknown setting does."""
    known: Any = Config
    for part in place[:-1]:
        if get_origin(known) is dict:
            known = get_args(known)[1]
        elif isinstance(known, type) and issubclass(known, Section) and part in known.model_fields:
            known = known.model_fields[part].annotation
        else:
            return []
    return list(known.model_fields) if isinstance(known, type) and issubclass(known, Section) else []
