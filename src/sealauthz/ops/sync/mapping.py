"""A mapping as its file declares it: the source, and for each record type the table and how each field is made.

What is wrong is told with the line of the file; no value that may be secret is repeated.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field, SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from sealauthz.config.places import line_of
from sealauthz.config.secret_files import SecretFile
from sealauthz.config.words import Section
from sealauthz.ops.sync.conversion import Rule, RuleRefused, rule_of
from sealauthz.runtime.errors import ConfigRefused, did_you_mean
from sealauthz.schema import Column, Model, Shape

Words = str | int | bool


class SourceSection(Section):
    """Where the rows are: a database, or a folder with files. Secrets come from the environment or from files."""

    url: SecretStr | None = None
    url_env: str | None = None
    url_file: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    folder: str | None = None


class RecordSection(Section):
    """How the records of one type are made from rows."""

    type: str
    table: str | None = None
    query: str | None = None
    csv: str | None = None
    jsonl: str | None = None
    only: dict[str, list[Words]] = Field(default_factory=dict)
    cursor: str | None = None
    overlap: int = Field(300, ge=0)
    max_step: int = Field(1_000, ge=1)
    fields: dict[str, Any] = Field(default_factory=dict)
    scope: dict[str, Words] = Field(default_factory=dict)
    deletes: Literal["never", "delete", "set"] = "never"
    gone: dict[str, Words] = Field(default_factory=dict)


class MappingSection(Section):
    """The whole file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    first_migration: bool = False
    max_deletes: float = Field(0.1, ge=0, le=1)
    max_rejected: float = Field(0.1, ge=0, le=1)
    source: SourceSection
    records: list[RecordSection] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """How the records of one type are made, checked against the model. `number` is its place in the file, from 0."""

    number: int
    said: RecordSection
    shape: Shape
    rules: Mapping[str, Rule]
    gone: Mapping[str, Any]
    scope: Mapping[str, Any]

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the source that are read."""
        read = {name for rule in self.rules.values() for name in rule.columns}
        return frozenset(read | self.said.only.keys() | ({self.said.cursor} if self.said.cursor else set()))

    @property
    def owned(self) -> frozenset[str]:
        """The mapped fields that acts own."""
        return self.shape.owned_by_acts & self.rules.keys() - {"id"}

    @property
    def is_owned(self) -> bool:
        """Whether acts own the whole record."""
        return len(self.shape.owned_by_acts) == len(self.shape.columns)


@dataclass(frozen=True, slots=True)
class SyncMapping:
    """A mapping whose every word is known."""

    file: Path
    said: MappingSection
    url: URL | None
    folder: Path
    records: tuple[RecordMapping, ...]


def load_mapping(file: Path, model: Model, environ: Mapping[str, str] = os.environ) -> SyncMapping:
    """Read a mapping for a model. Raises ConfigRefused with the file and the line of each fault."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise ConfigRefused(f"{file}: is not UTF-8 text") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(f"{file}: is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from None
    problems: list[str] = []

    def problem(path: list[str | int], said: str) -> None:
        line = line_of(text, path)
        problems.append(f"{file}:{line}: {said}" if line else f"{file}: {said}")

    try:
        section = MappingSection.model_validate(table)
    except pydantic.ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            loc = [part for part in each["loc"] if not str(part).startswith(("constrained", "function"))]
            name = ".".join(map(str, loc))
            said = each["msg"][:1].lower() + each["msg"][1:]
            if each["type"] == "extra_forbidden":
                said = f"unknown setting{did_you_mean(str(loc[-1]), _known(loc))}"
            problem(loc, f"`{name}`: {said}")
        raise ConfigRefused("; ".join(problems)) from None
    records = []
    for number, record in enumerate(section.records):
        for path, said in _faults_of(model, record, section, is_file_source=section.source.folder is not None):
            problem(["records", number, *path], said)
        if not problems:
            records.append(_mapped(number, record, model))
    for number, said in _faults_between(section.records):
        problem(["records", number], said)
    for path, said in _faults_of_source(section.source):
        problem(["source", *path], said)
    if problems:
        raise ConfigRefused("; ".join(problems))
    try:
        url = _url(section.source, environ, file.parent)
    except ValueError as error:
        problem(["source"], f"`source`: {error}")
        raise ConfigRefused("; ".join(problems)) from None
    return SyncMapping(file, section, url, file.parent / (section.source.folder or "."), tuple(records))


def _faults_between(records: list[RecordSection]) -> Iterator[tuple[int, str]]:
    """Yield what two mappings of one type would take from each other: what one does not have looks gone to it."""
    for number, record in enumerate(records):
        for other in records[:number]:
            if other.type != record.type or record.deletes == other.deletes == "never":
                continue
            shared = other.scope.keys() & record.scope.keys()
            if all(other.scope[name] == record.scope[name] for name in shared):
                said = (
                    f"`{record.type}` is mapped twice, and with deletes: give each a `scope` that the other is not in"
                )
                yield number, said


def _known(loc: list[Any]) -> list[str]:
    place: type[Section] = MappingSection
    if loc[0] == "source":
        place = SourceSection
    elif loc[0] == "records":
        place = RecordSection
    return list((place if len(loc) > 1 else MappingSection).model_fields)


def _faults_of_source(source: SourceSection) -> Iterator[tuple[list[str], str]]:
    given = [name for name in ("url", "url_env", "url_file", "folder") if getattr(source, name) is not None]
    if len(given) != 1:
        yield [], "`source` needs one of `url`, `url_env`, `url_file` (a database) and `folder` (files)"
    if source.password_env and source.password_file:
        yield ["password_file"], "`source` has `password_env` and `password_file`: give one of them"


def _url(source: SourceSection, environ: Mapping[str, str], folder: Path) -> URL | None:
    """Return the address of the database, with its password. Raises ValueError, which repeats none of it."""
    if source.folder is not None:
        return None
    text = _secret(source.url_env, source.url_file, environ, folder)
    if text is None and source.url is not None:
        text = source.url.get_secret_value()
    try:
        url = make_url(text or "")
    except ArgumentError:
        raise ValueError("the URL cannot be read: write it as in postgresql+psycopg://user@host/name") from None
    if source.url is not None and url.password is not None:
        raise ValueError("a password does not belong into a mapping: use `password_env` or `password_file`")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    password = _secret(source.password_env, source.password_file, environ, folder)
    return url if password is None else url.set(password=password)


def _secret(variable: str | None, file: str | None, environ: Mapping[str, str], folder: Path) -> str | None:
    if variable is not None:
        if not environ.get(variable):
            raise ValueError(f"the variable `{variable}` is not set")
        return environ[variable]
    return None if file is None else SecretFile.read(folder / file).content


def _faults_of(
    model: Model, record: RecordSection, section: MappingSection, *, is_file_source: bool
) -> Iterator[tuple[list[str], str]]:
    """Yield what is wrong with the mapping of one type, and where."""
    if record.type not in model.records:
        yield ["type"], f"`{record.type}` is not a record type{did_you_mean(record.type, model.records)}"
        return
    shape = model.shapes[record.type]
    columns = {column.name: column for column in shape.columns}
    kinds = ("csv", "jsonl") if is_file_source else ("table", "query")
    given = [name for name in ("table", "query", "csv", "jsonl") if getattr(record, name) is not None]
    if len(given) != 1 or given[0] not in kinds:
        yield [], f"`{record.type}` needs one of `{kinds[0]}` and `{kinds[1]}`: that is what its source has"
    for name in record.fields.keys() - columns.keys():
        yield ["fields", name], f"`{record.type}` has no field `{name}`{did_you_mean(name, columns)}"
    for name, column in columns.items():
        if name in record.fields:
            try:
                rule_of(column, record.fields[name])
            except RuleRefused as error:
                yield ["fields", name], f"`{name}`: {error}"
        elif not column.has_default:
            yield ["fields"], f"`{record.type}` needs the field `{name}`"
    for place, values in (("scope", record.scope), ("gone", record.gone)):
        for name, value in values.items():
            if name not in columns:
                yield [place, name], f"`{record.type}` has no field `{name}`{did_you_mean(name, columns)}"
            elif said := _constant_fault(columns[name], value):
                yield [place, name], f"`{name}`: {said}"
    if (record.deletes == "set") != bool(record.gone):
        yield [], '`deletes = "set"` and `gone` go together: `gone` says what is written where a row is gone'
    if record.deletes != "never" and not record.scope:
        yield ["deletes"], "deletes need a `scope`: the fields that say which records are this source's"
    if record.deletes == "delete" and shape.is_permanent:
        yield ["deletes"], f'`{record.type}` is history and is never deleted: use `deletes = "set"` and `gone`'
    owned = shape.owned_by_acts
    touched = (record.fields.keys() | record.gone.keys()) & owned - {"id"}
    if len(owned) == len(shape.columns):
        if not section.first_migration:
            yield ["type"], f"acts own `{record.type}` (decision 57): it is synced by `first_migration = true` only"
        if record.deletes != "never":
            yield ["deletes"], f"acts own `{record.type}`: a sync takes none away"
    elif touched and not section.first_migration:
        name = sorted(touched)[0]
        said = f"acts own `{name}` of `{record.type}` (decision 57): take it out, or say `first_migration = true`"
        yield ["fields", name], said
    elif record.gone.keys() & owned:
        yield (
            ["gone"],
            f"acts own `{sorted(record.gone.keys() & owned)[0]}` of `{record.type}`: a sync never changes it",
        )


def _constant_fault(column: Column, value: Words) -> str:
    try:
        rule_of(column, {"value": value}).convert({})
    except ValueError as error:
        return str(error)
    return ""


def _mapped(number: int, record: RecordSection, model: Model) -> RecordMapping:
    shape = model.shapes[record.type]

    def constants(values: Mapping[str, Words]) -> dict[str, Any]:
        return {name: rule_of(shape.column(name), {"value": value}).convert({}) for name, value in values.items()}

    rules = {name: rule_of(shape.column(name), said) for name, said in record.fields.items()}
    return RecordMapping(number, record, shape, rules, constants(record.gone), constants(record.scope))
