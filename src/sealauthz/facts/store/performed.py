"""What performed acts leave beside the facts: what each was answered with, and the events that people must be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy import tuple_ as pair

from sealauthz.facts.store.batch import WriteReceipt
from sealauthz.facts.store.statements import Driver, compiled, insert_row
from sealauthz.facts.store.system_tables import FACT_EVENT, FACT_OPERATION
from sealauthz.facts.store.values import as_json
from sealauthz.schema import Event

Statement = tuple[str, Mapping[str, Any]]
"""A compiled statement, and its parameters."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is kept: at which revision, at which place among those of it, and when, in microseconds."""

    revision: int
    ordinal: int
    at: int
    event: Event


@cache
def used_up_statement(is_postgresql: bool) -> str:
    """Return the statement that finds the act that was performed with an assertion, if any. Under the lock of revisions
    that is final.
    """
    row = FACT_OPERATION.c
    return compiled(select(row.operation_id).where(row.assertion == bindparam("assertion")), is_postgresql)


def operation_kept(
    is_postgresql: bool,
    receipt: WriteReceipt,
    key: tuple[str, str],
    operation_id: str,
    answer: Mapping[str, Any],
    assertion: str = "",
) -> Statement:
    """Return what keeps the answer to an act, in its transaction. `key` is the caller and its request, `assertion` what
    it uses up.
    """
    caller, request_id = key
    row: dict[str, Any] = {"caller": caller, "request_id": request_id, "operation_id": operation_id}
    if assertion:
        row["assertion"] = assertion
    text = as_json(answer)
    row |= {"revision": receipt.revision, "at": receipt.at, "answer": text}
    return insert_row(FACT_OPERATION, tuple(row), is_postgresql), row


def events_kept(is_postgresql: bool, receipt: WriteReceipt, events: Sequence[Event]) -> list[Statement]:
    """Return what keeps the events of a revision, in the transaction that makes it."""
    statement = insert_row(FACT_EVENT, tuple(FACT_EVENT.c.keys()), is_postgresql)
    rows: list[dict[str, Any]] = [
        {
            "revision": receipt.revision,
            "ordinal": ordinal,
            "tenant_id": event.tenant_id,
            "at": receipt.at,
            "body": as_json(
                {
                    "code": event.code,
                    "about": event.about,
                    "recipients": event.recipients,
                    "values": dict(event.values),
                }
            ),
        }
        for ordinal, event in enumerate(events)
    ]
    return [(statement, row) for row in rows]


def operation_of(connection: Connection, caller: str, request_id: str) -> dict[str, Any] | None:
    """Return what a request of a caller was answered with; None where it performed nothing."""
    return _answer(connection, "request_id", caller, request_id)


def operation_by_id(connection: Connection, caller: str, operation_id: str) -> dict[str, Any] | None:
    """Return what an operation of a caller was answered with; None where it is another caller's, or of nobody."""
    return _answer(connection, "operation_id", caller, operation_id)


@cache
def _answer_statement(column: str, is_postgresql: bool) -> str:
    row = FACT_OPERATION.c
    wanted = (row.caller == bindparam("of_caller")) & (row[column] == bindparam("of_id"))
    return compiled(select(row.answer).where(wanted), is_postgresql)


def _answer(connection: Connection, column: str, caller: str, id_: str) -> dict[str, Any] | None:
    driver = Driver(connection)
    rows = driver.rows(_answer_statement(column, driver.is_postgresql), {"of_caller": caller, "of_id": id_})
    return json.loads(rows[0][0]) if rows else None


def events_after(
    connection: Connection, after: tuple[int, int], limit: int, tenants: Iterable[str] | None = None
) -> list[StoredEvent]:
    """Return events behind a place (a revision and a number), in their order; of some tenants, or of all."""
    row = FACT_EVENT.c
    statement = select(FACT_EVENT).where(pair(row.revision, row.ordinal) > after)
    if tenants is not None:
        statement = statement.where(row.tenant_id.in_(list(tenants)))
    found = connection.execute(statement.order_by(row.revision, row.ordinal).limit(limit))
    return [StoredEvent(each.revision, each.ordinal, each.at, _event(each.tenant_id, each.body)) for each in found]


def _event(tenant_id: str, text: str) -> Event:
    body = json.loads(text)
    record_type, record_id = body["about"]
    return Event(body["code"], tenant_id, (record_type, record_id), tuple(body["recipients"]), body["values"])


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an operation, as far as its evidence needs it."""

    decision_id: str
    operation_id: str
    receipt: str


def kept_naming(connection: Connection, text: str) -> list[Kept]:
    """Return the operations that are known by an id: their own, that of their decision, or of what they made; the
    oldest first. All that is kept is looked through.
    """
    row = FACT_OPERATION.c
    place = func.strpos if connection.dialect.name == "postgresql" else func.instr
    wanted = select(row.answer).where(place(row.answer, text) > 0).order_by(row.revision)
    found = []
    for (answer,) in connection.execute(wanted):
        kept = json.loads(answer)
        ids = {kept["operation_id"], kept["decision"]["id"]}
        for name, value in kept["values"].items():
            ids.update(json.loads(value) if name.endswith("_ids") else [value])
        if text in ids:
            found.append(Kept(kept["decision"]["id"], kept["operation_id"], kept["receipt"]))
    return found
