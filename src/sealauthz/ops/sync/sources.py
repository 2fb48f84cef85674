"""Rows of a source, each with the place that a person finds it at: `staff.csv:17`, `employees[17]`."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError

from sealauthz.ops.sync.cursors import Cursor
from sealauthz.ops.sync.mapping import RecordMapping, SyncMapping
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable, did_you_mean

Row = tuple[str, Mapping[str, Any]]

_MAX_LINE = 4 * 1024 * 1024


class Source:
    """An open source. What it yields is as of one moment, where a database can give that."""

    def __init__(self, mapping: SyncMapping, connection: sa.Connection | None) -> None:
        self._mapping = mapping
        self._connection = connection

    def rows(self, record: RecordMapping, since: Cursor | None) -> Iterator[Row]:
        """Yield the rows of a record type: all, or those from a cursor on and those without one.

        Raises ConfigRefused for what is not there, and FactsUnavailable where the source breaks off.
        """
        said = record.said
        if said.csv is not None:
            found = _csv(self._mapping.folder / said.csv, record, self._mapping.file)
        elif said.jsonl is not None:
            found = _jsonl(self._mapping.folder / said.jsonl, record, self._mapping.file)
        else:
            found = self._table(record, since)
        for place, row in found:
            if all(_is_one_of(row[name], words) for name, words in said.only.items()):
                yield place, row

    def _table(self, record: RecordMapping, since: Cursor | None) -> Iterator[Row]:
        connection, said = self._connection, record.said
        assert connection is not None  # noqa: S101 (a mapping of tables has a database)
        try:
            if said.query is not None:
                statement: Any = sa.text(said.query)
                name = f"query of {said.type}"
            else:
                schema, _, table_name = (said.table or "").rpartition(".")
                table = sa.Table(table_name, sa.MetaData(), autoload_with=connection, schema=schema or None)
                _check_columns(record, table.c.keys(), table_name, self._mapping.file)
                statement = sa.select(*(table.c[column] for column in sorted(record.columns)))
                if since is not None and said.cursor is not None:
                    cursor = table.c[said.cursor]
                    bound = _bound(since, cursor.type)
                    if bound is not None:
                        statement = statement.where(sa.or_(cursor >= bound, cursor.is_(None)))
                name = said.table or ""
            result = connection.execute(statement, execution_options={"yield_per": 1_000})
            if said.query is not None:
                _check_columns(record, list(result.keys()), name, self._mapping.file)
            for number, row in enumerate(result.mappings(), 1):
                yield f"{name}[{number}]", dict(row)
        except NoSuchTableError:
            known = _tables(connection)
            raise ConfigRefused(
                f"{self._mapping.file}: there is no table `{said.table}`{did_you_mean(said.table or '', known)}"
            ) from None
        except SQLAlchemyError as error:
            raise FactsUnavailable(f"the source cannot be read: {_said(error)}") from None


@contextmanager
def opened(mapping: SyncMapping) -> Iterator[Source]:
    """Open the source of a mapping. Raises ConfigRefused, FactsUnavailable; neither tells a secret."""
    if mapping.url is None:
        if not mapping.folder.is_dir():
            raise ConfigRefused(f"{mapping.file}: there is no folder `{mapping.folder}`")
        yield Source(mapping, None)
        return
    try:
        engine = sa.create_engine(mapping.url, hide_parameters=True)
    except (SQLAlchemyError, ImportError):
        raise ConfigRefused(f"{mapping.file}: there is no driver for `{mapping.url.drivername}`") from None
    try:
        try:
            if engine.dialect.name == "sqlite" and mapping.url.database and not Path(mapping.url.database).exists():
                raise FactsUnavailable("the source cannot be opened: there is no such file")
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise FactsUnavailable(f"the source cannot be opened: {_said(error)}") from None
        with connection:
            if engine.dialect.name == "postgresql":
                # One moment for all tables, and no way to write.
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            elif engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
                connection.exec_driver_sql("BEGIN")
            yield Source(mapping, connection)
            connection.rollback()
    finally:
        engine.dispose()


def _said(error: SQLAlchemyError) -> str:
    """Say what went wrong without what a driver may quote: an address, a password, a row."""
    raised = error.orig if isinstance(error, DBAPIError) else error
    return getattr(raised, "sqlstate", None) or type(raised).__name__


def _tables(connection: sa.Connection) -> list[str]:
    try:
        return sa.inspect(connection).get_table_names()
    except SQLAlchemyError:
        return []


def _check_columns(record: RecordMapping, known: Any, name: str, file: Path) -> None:
    for column in sorted(record.columns - set(known)):
        raise ConfigRefused(f"{file}: `{name}` has no column `{column}`{did_you_mean(column, list(known))}")


def _csv(path: Path, record: RecordMapping, file: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(_whole_lines(lines, path.name), strict=True)
            header = next(reader, None)
            if header is None:
                raise FactsUnavailable(f"`{path.name}` is empty: not even its first line is there")
            if len(set(header)) != len(header):
                raise FactsUnavailable(f"{path.name}:1: a column is named twice")
            _check_columns(record, header, path.name, file)
            for values in reader:
                if not values:
                    continue
                place = f"{path.name}:{reader.line_num}"
                if len(values) != len(header):
                    # A line that was cut off, or holds a comma too many: nobody knows which value is which.
                    raise FactsUnavailable(f"{place}: has {len(values)} values, and the first line {len(header)}")
                yield place, dict(zip(header, values, strict=True))
    except OSError:
        raise FactsUnavailable(f"`{path.name}` cannot be read") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FactsUnavailable(f"`{path.name}` is no CSV in UTF-8 ({type(error).__name__})") from None


def _whole_lines(lines: Iterable[str], name: str) -> Iterator[str]:
    """Yield lines. Raises FactsUnavailable behind one without an end: half of an id may be another one's."""
    line = "\n"
    for line in lines:
        yield line
    if not line.endswith(("\n", "\r")):
        raise FactsUnavailable(f"`{name}`: the last line has no end, so that the file may have been cut off")


def _jsonl(path: Path, record: RecordMapping, file: Path) -> Iterator[Row]:
    seen: set[str] = set()
    try:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                if not raw.strip():
                    continue
                place = f"{path.name}:{number}"
                try:
                    row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"), parse_float=str)
                except (ValueError, RecursionError):
                    row = None
                if len(raw) > _MAX_LINE or not isinstance(row, dict):
                    raise FactsUnavailable(f"{place}: is not an object of JSON on one line")
                seen |= row.keys()
                # A key that is left out is empty, as it is in a column; one that no line has is misspelt.
                yield place, {**dict.fromkeys(record.columns), **row}
    except OSError:
        raise FactsUnavailable(f"`{path.name}` cannot be read") from None
    if seen:
        _check_columns(record, seen, path.name, file)


def _is_one_of(value: Any, words: list[Any]) -> bool:
    return value in words or (value is not None and str(value) in {str(word) for word in words})


def _bound(since: Cursor, kind: Any) -> Any:
    """Return a cursor as the database compares it; None where it must be compared here."""
    if isinstance(since, int):
        return since if isinstance(kind, sa.Integer | sa.Numeric) else None
    if isinstance(kind, sa.DateTime):
        moment = datetime.datetime.fromisoformat(since)
        return moment if getattr(kind, "timezone", False) else moment.replace(tzinfo=None)
    return None
