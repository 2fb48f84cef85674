"""Reading facts page by page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.rows import Stored, ids_parameter, within
from sealauthz.facts.store.system_tables import TYPES
from sealauthz.facts.store.values import plain, value_problem
from sealauthz.runtime import base64url
from sealauthz.runtime.errors import InvalidRequest, Violation
from sealauthz.schema import Model

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

_SEAL_BYTES = 16

Filter = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records in the order of their ids, as of `revision`. `next_page_token` is empty on the last page."""

    records: tuple[Stored, ...]
    next_page_token: str
    revision: int
    timeline: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What to read: one record type, and the values that columns must have (None: no value)."""

    record_type: str
    filters: Mapping[str, Filter]

    def check(self, model: Model) -> None:
        """Raises InvalidRequest naming every bad filter."""
        if self.record_type not in model.records:
            raise InvalidRequest.at("record_type", "is not a record type")
        columns = {column.name: column for column in model.shapes[self.record_type].columns}
        violations = []
        for name, value in self.filters.items():
            column = columns.get(name)
            if column is None:
                problem: str | None = "is not a column of this record type"
            elif column.is_personal:
                # Anyone who could ask for a phone number could confirm it.
                problem = "is personal and cannot be asked for"
            else:
                problem = value_problem(column, value)
            if problem is not None:
                violations.append(Violation(f"filters[{name}]", problem))
        if violations:
            raise InvalidRequest(*violations)


def read_page(
    transaction: ReadTransaction, query: Query, page_size: int, page_token: str, tenants: frozenset[str] | None
) -> Page:
    """Read the page that the token names, or the first. Raises InvalidRequest."""
    tables = transaction.tables
    query.check(tables.model)
    if page_size < 0:
        raise InvalidRequest.at("page_size", "must not be negative")
    size = min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    after = _open_token(page_token, query, transaction.timeline) if page_token else ""
    cls, shape = tables.model.records[query.record_type], tables.model.shapes[query.record_type]
    table = tables.of(query.record_type)
    statement = select(table).where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("size"))
    parameters: dict[str, object] = {"after": after, "size": size + 1}
    for name, value in sorted(query.filters.items()):
        if value is None:
            statement = statement.where(table.c[name].is_(None))
        else:
            column_type = TYPES[shape.column(name).type]
            statement = statement.where(table.c[name] == bindparam(f"is_{name}", type_=column_type))
            parameters[f"is_{name}"] = plain(value)
    if tenants is not None:
        condition = within(tables, query.record_type, "tenants", transaction.is_postgresql)
        if condition is not None:
            statement = statement.where(condition)
            parameters["tenants"] = ids_parameter(sorted(tenants), transaction.is_postgresql)
    rows = transaction.connection.execute(statement, parameters).all()
    records = tuple(Stored(cls(*row[:-1]), row[-1]) for row in rows[:size])
    token = _make_token(records[-1].record.id, query, transaction.timeline) if len(rows) > size else ""
    return Page(records, token, transaction.revision, transaction.timeline)


def _seal(last_id: str, query: Query, timeline: str) -> bytes:
    """Return a digest that binds a token to its query and to this history. It hides nothing and grants nothing."""
    filters = sorted((name, plain(value)) for name, value in query.filters.items())
    bound = json.dumps([timeline, query.record_type, filters, last_id])
    return hashlib.sha256(bound.encode()).digest()[:_SEAL_BYTES]


def _make_token(last_id: str, query: Query, timeline: str) -> str:
    """Return the token of the page after a record."""
    return base64url.encode(_seal(last_id, query, timeline) + last_id.encode())


def _open_token(token: str, query: Query, timeline: str) -> str:
    """Return the id that the page follows. Raises InvalidRequest for a token that is not of this query."""
    try:
        content = base64url.decode(token)
        last_id = content[_SEAL_BYTES:].decode()
    except ValueError as error:
        raise InvalidRequest.at("page_token", "is not a page token") from error
    if not last_id or content[:_SEAL_BYTES] != _seal(last_id, query, timeline):
        raise InvalidRequest.at("page_token", "is not a page token of this query")
    return last_id
