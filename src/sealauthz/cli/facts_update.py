"""The command that changes some fields of one record: `facts update`."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from sealauthz.cli.answer_source import connected, connection_options, refuse_connection
from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.completing import ids_of_type
from sealauthz.cli.printing import say
from sealauthz.cli.records import RecordType, assignments
from sealauthz.cli.settings import added_option, on_facts, open_store, store_options
from sealauthz.facts import Batch, Precondition, PreconditionKind, Update
from sealauthz.schema import Column
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import filter_value, forms_of
from sealauthz_client import at_revision as client_at_revision
from sealauthz_client import update as client_update


@click.command("update")
@click.argument("record_type", metavar="RECORD", type=RecordType())
@click.argument("record_id", metavar="ID", shell_complete=ids_of_type)
@click.argument("fields", metavar="FIELD=VALUE", nargs=-1, required=True)
@click.option(
    "--at-revision",
    "revision",
    type=click.IntRange(1),
    help="Only if the record last changed at this revision; needed to change a counter.",
)
@click.option("--request-id", metavar="ID", help="Makes the same command again change nothing.")
@click.option("--server", metavar="HOST:PORT", help="Write through this server.")
@connection_options
@added_option
@store_options
def facts_update(
    *,
    record_type: str,
    record_id: str,
    fields: tuple[str, ...],
    revision: int | None,
    request_id: str | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    policies: Path | None,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Change some fields of one record. All others stay as they are.

    FIELD= without a value takes the value away: the field holds its default.
    An instant is written as in 2026-03-02T09:00:00+08:00. `facts show` names
    the fields of a record, and the revision at which it last changed.

    \b
      sealauthz facts update Person p-chen phone=13912345678
      sealauthz facts update Seal seal-1 custodian_id=
      sealauthz facts update SealGrant g-1 used=3 --at-revision 41
    """
    if server and database:
        raise click.UsageError("write through either a --server or into a --database, not both")
    if not server:
        refuse_connection(token_file, ca, insecure)
    on_facts(server, policies, config_file, database)
    forms = forms_of(service_model())
    values = _values(record_type, fields)
    fact = forms.fact_with(record_type, {"id": record_id, **values})
    request_id = request_id or str(uuid.uuid4())
    if server:
        conditions = [] if revision is None else [client_at_revision(record_type, record_id, revision)]
        change = client_update(fact, *values)
        with connected(server, token_file, ca, insecure) as client:
            written = client.write_facts([change], conditions, request_id=request_id).revision
    else:
        violations = FieldViolations()
        found = forms.values_from(fact, list(values), "update", violations)
        violations.refuse()
        at = PreconditionKind.AT_REVISION
        required = () if revision is None else (Precondition(record_type, record_id, at, revision),)
        with open_store(config_file, database) as store:
            batch = Batch("cli", request_id, (Update(*found),) if found else (), required)
            written = store.write(batch).revision
    say(f"`{record_type}:{record_id}` updated, revision {written}", err=True)
    return Exit.DONE


def _values(record_type: str, fields: Iterable[str]) -> dict[str, Any]:
    """Read the values by field; None where the value is taken away."""
    values: dict[str, Any] = {}
    for column, text in assignments(record_type, fields):
        if column.name in values:
            raise click.UsageError(f"`{column.name}` is named twice")
        values[column.name] = _value(column, text) if text else None
    return values


def _value(column: Column, text: str) -> Any:
    """Read one value. Raises UsageError."""
    if column.is_instant:
        try:
            moment = datetime.datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError
        except ValueError as error:
            said = f"`{column.name}` must be an instant with its zone, as in 2026-03-02T09:00:00+08:00"
            raise click.UsageError(said) from error
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        return (moment - epoch) // datetime.timedelta(microseconds=1)
    violations = FieldViolations()
    value = filter_value(column, text, column.name, violations)
    if violations and column.words is not None:
        raise click.UsageError(f"`{column.name}` is one of {', '.join(column.words)}, not `{text}`")
    violations.refuse()
    return value
