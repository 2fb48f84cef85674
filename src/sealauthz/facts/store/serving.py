"""Which schemas a process may serve: its own, and those beside it of which a migration says so.

A database is upgraded while processes of the version before still serve, and a version may be rolled back without its
schema. So a migration says what it means for its neighbours:

    serves_from = "0001"                  # code made for this schema, and all since, may serve with the new one
    serves_without = ("seal.colour", "stamp")  # this code may serve without it: a column reads as its default, and a
                                               # table as empty

The tables of the store itself, which are no record's, are never missing.

A migration that says neither is served by code that knows it, and by no other. `serves_from` its own revision says the
first half of that on purpose.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Select, inspect, select
from sqlalchemy import column as any_column
from sqlalchemy import table as any_table
from sqlalchemy.schema import CreateTable

from sealauthz.facts.store.system_tables import STORE_IDENTITY
from sealauthz.facts.store.tables import tables_of
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Model

if TYPE_CHECKING:  # it takes a tenth of a second to import, and most commands open no database
    from alembic.config import Config
    from alembic.script import Script, ScriptDirectory

_VERSIONS = "alembic_version"
"""Alembic's table, in which the revision of the schema stands."""

_SAID = re.compile(r'^(revision|down_revision) = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Served:
    """A schema that this code may serve, and what it does not have yet: columns by table and name, and whole tables by
    an empty name.
    """

    version: str
    absent: frozenset[tuple[str, str]] = frozenset()


def alembic_config(model: Model) -> Config:
    """Return Alembic's configuration; there is no file."""
    return _config(model.migrations)


def _config(migrations: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", migrations)
    config.set_main_option("path_separator", "os")
    return config


def chain(model: Model) -> list[Script]:
    """Return the migrations of a model, the first one first; none for a model without."""
    return list(scripts_in(model.migrations).walk_revisions())[::-1] if model.migrations else []


@cache
def scripts_in(migrations: str) -> ScriptDirectory:
    """Return Alembic's view of a folder of migrations, each of which is a module that a process runs once."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(migrations))


@cache
def head(model: Model) -> str:
    """Return the newest revision of a model's schema; without migrations, the digest of its tables.

    Migrations are read once in a process: each of them is a module, and every store that is opened asks.
    """
    if model.migrations:
        return _newest(model.migrations)
    model = model.built_in
    tables = (str(CreateTable(table).compile()) for table in tables_of(model).metadata.sorted_tables)
    # The constraints of a table come in another order in each process.
    made = "\n".join("\n".join(sorted(line.rstrip(", ") for line in table.splitlines())) for table in tables)
    return hashlib.sha256(made.encode()).hexdigest()[:12]


def _newest(migrations: str) -> str:
    """Return the revision that no other one follows, as the files say it: Alembic would import all of them, and itself,
    which takes a tenth of a second, and each command asks.
    """
    package, _, folder = migrations.partition(":")
    followed: dict[str, str] = {}
    for file in files(package).joinpath(folder, "versions").iterdir():
        if file.name.endswith(".py"):
            said = dict(_SAID.findall(file.read_text(encoding="utf-8")))
            if "revision" in said:
                followed[said["revision"]] = said.get("down_revision", "")
    (newest,) = followed.keys() - set(followed.values())
    return newest


def serves_from(model: Model) -> str:
    """Return the newest schema, and behind a colon that of the oldest code that may serve it."""
    scripts = chain(model)
    place = {script.revision: number for number, script in enumerate(scripts)}
    needs = [place[getattr(script.module, "serves_from", script.revision)] for script in scripts]
    oldest = scripts[max(needs)].revision if scripts else head(model)
    return f"{scripts[-1].revision if scripts else oldest}:{oldest}"


def current(connection: Connection) -> str:
    """Return the schema's revision; empty for a database without one."""
    if not inspect(connection).has_table(_VERSIONS):
        return ""
    asked: Select[str] = select(any_column("version_num")).select_from(any_table(_VERSIONS))
    return ", ".join(sorted(connection.execute(asked).scalars()))


def served_schema(connection: Connection, model: Model) -> Served:
    """Return the schema of a database. Raises FactsUnavailable for one that this code may not serve.

    What the model was extended by is another matter (`extensions`).
    """
    model = model.built_in
    found, wanted = current(connection), head(model)
    if found == wanted:
        return Served(found)
    scripts = chain(model)
    known = [script.revision for script in scripts]
    if found in known:
        missing = scripts[known.index(found) + 1 :]
        told = [getattr(script.module, "serves_without", None) for script in missing]
        if None not in told:
            return Served(found, _absent(connection, model, found, {column for some in told for column in some or ()}))
    elif found and _serves_from(connection, found) in known:
        return Served(found)  # a newer one, of which the code that made it says that ours may serve it
    was = f"at schema `{found}`" if found else "without a schema"
    raise FactsUnavailable(f"the database is {was}, not at `{wanted}`; run `sealauthz db upgrade`")


def _serves_from(connection: Connection, version: str) -> str:
    """Return what the upgrade to a schema has written down about who may serve it; empty for nothing."""
    of_version, _, oldest = (connection.execute(select(STORE_IDENTITY.c.serves_from)).scalar() or "").partition(":")
    return oldest if of_version == version else ""


def _absent(connection: Connection, model: Model, version: str, told: set[str]) -> frozenset[tuple[str, str]]:
    """Return what an older database does not have. Raises FactsUnavailable where it lacks what nobody told."""
    inspector, tables = inspect(connection), tables_of(model)
    there = {name: {column["name"] for column in inspector.get_columns(name)} for name in inspector.get_table_names()}
    absent = set()
    for table in tables.metadata.sorted_tables:
        shape = model.shapes[table.info["record"]] if "record" in table.info else None
        if table.name not in there and table.name in told and shape is not None:
            absent.add((table.name, ""))
            continue
        for column in table.c:
            if column.name in there.get(table.name, ()):
                continue
            has_default = shape is not None and shape.column(column.name).has_default
            if f"{table.name}.{column.name}" not in told or not has_default:
                lacks = f"`{column.name}` of `{table.name}`"
                raise FactsUnavailable(f"schema `{version}` lacks {lacks}; run `sealauthz db upgrade`")
            absent.add((table.name, column.name))
    return frozenset(absent)
