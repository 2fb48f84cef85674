"""The commands on facts, as one group; those that read, `facts export`, `facts show` and `facts watch`, are here."""

from __future__ import annotations

import itertools
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from google.protobuf import json_format

from sealauthz.cli.answer_source import connected, connection_options, outage_reporter, watched_address
from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.completing import ids_of_type
from sealauthz.cli.facts_import import facts_abandon, facts_import, facts_imports
from sealauthz.cli.facts_new import facts_new
from sealauthz.cli.facts_update import facts_update
from sealauthz.cli.moments import When, at_option
from sealauthz.cli.output import cut, output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.records import RecordType, assignments, line_of, personal_option, read_all
from sealauthz.cli.settings import open_store, read_config, store_options
from sealauthz.facts import Stored
from sealauthz.facts.memory.past_reading import PastReading
from sealauthz.facts.store.past import Past, revision_at
from sealauthz.facts.store.reading import Filter
from sealauthz.facts.store.tables import tables_of
from sealauthz.runtime.terminal import console, instant, show, table
from sealauthz.schema import Column
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import filter_value, forms_of
from sealauthz_client import Changes


@click.group()
def facts() -> None:
    """Read and write facts, directly in the database unless a server is named.

    A fact is one record: a person, a membership, a seal. As text it is one
    line of JSON, the `Fact` message of the protos:

    \b
      {"seal": {"id": "seal-1", "enterprise_id": "e-1", "name": "Contracts",
                "kind": "SEAL_KIND_CONTRACT", "state": "SEAL_STATE_ACTIVE"}}
    """


for command in (facts_new, facts_import, facts_imports, facts_abandon, facts_update):
    facts.add_command(command)


@facts.command("export")
@click.option("--type", "types", type=RecordType(), multiple=True, help="Only this record type; may be repeated.")
@personal_option
@store_options
def facts_export(*, types: tuple[str, ...], personal_data: bool, config_file: Path | None, database: str | None) -> int:
    """Print all facts, one JSON line each, as of one revision.

    Personal text is left out unless --personal-data is given: such an export
    shows who may do what, but is no backup. The order is one in which
    `facts import` can take them.

    \b
      sealauthz facts export --type Seal --type SealGrant
      sealauthz facts export --personal-data > backup.jsonl
    """
    count = 0
    with open_store(config_file, database) as store, store.read_transaction(may_be_incomplete=True) as snapshot:
        for name in sorted(service_model().records, key=tables_of(service_model()).dependency_order.__getitem__):
            if types and name not in types:
                continue
            for record in _parents_first(name, (stored.record for stored in read_all(snapshot, name, {}))):
                say(line_of(service_model(), record, with_personal_data=personal_data))
                count += 1
        say(f"{count} facts at revision {snapshot.revision}", err=True)
    return Exit.DONE


@facts.command("show")
@click.argument("record_type", metavar="RECORD", type=RecordType())
@click.argument("record_id", metavar="[ID]", required=False, shell_complete=ids_of_type)
@click.option("--where", metavar="FIELD=VALUE", multiple=True, help="Only records with this value; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Records to show at most.")
@at_option
@personal_option
@store_options
@output_option
def facts_show(
    *,
    record_type: str,
    record_id: str | None,
    where: tuple[str, ...],
    limit: int,
    at: When | None,
    personal_data: bool,
    config_file: Path | None,
    database: str | None,
    output: str,
) -> int:
    """Show the records of one type, or the one with this ID.

    Fields that hold their default are left out of the table. Names and phones
    are masked unless --personal-data is given. Exits with 1 if there is no
    record with this ID.

    With --at it shows one record as it was then, without names and phones:
    the history holds none.

    \b
      sealauthz facts show Seal seal-official
      sealauthz facts show Seal seal-official --at 2026-03-02
      sealauthz facts show SealGrant --where state=ACTIVE --where right=USE
    """
    read_config(config_file, database)
    if at is not None:
        if record_id is None or where or personal_data:
            raise click.UsageError("--at shows one record: name its ID, and neither --where nor --personal-data")
        return _show_past(record_type, record_id, at, config_file, database, output)
    filters = _filters(record_type, (*where, *([f"id={record_id}"] if record_id is not None else [])))
    with open_store(config_file, database) as store, store.read_transaction(may_be_incomplete=True) as snapshot:
        found = list(itertools.islice(read_all(snapshot, record_type, filters), min(limit + 1, sys.maxsize)))
    found, has_more = found[:limit], len(found) > limit
    if record_id is not None and not found:
        raise Stop(f"there is no `{record_type}:{record_id}`", Exit.REFUSED)
    if output == "json":
        print_json([_as_json(stored, personal_data) for stored in found])
    elif record_id is not None:
        columns = service_model().shapes[record_type].columns
        fields = [(column.name, _text(found[0].record, column, personal_data)) for column in columns]
        show(console(), table(("field", "value"), [*fields, ("revision", str(found[0].revision))]))
    else:
        rows = [(stored.record.id, str(stored.revision), _fields(stored.record, personal_data)) for stored in found]
        show(console(), table((record_type, "revision", "fields"), rows))
    if has_more:
        say(f"there are more than {limit}: see --limit", err=True)
    return Exit.DONE


def _show_past(
    record_type: str, record_id: str, at: When, config_file: Path | None, database: str | None, output: str
) -> int:
    """Show a record as it was. Raises PastUnknown."""
    revision, moment = at
    with open_store(config_file, database) as store, store.read_transaction(may_be_incomplete=True) as snapshot:
        if revision is None:
            revision = revision_at(snapshot, moment or 0)
        record = PastReading(Past(snapshot, revision), revision).record(record_type, record_id)
    if record is None:
        raise Stop(f"there was no `{record_type}:{record_id}` at revision {revision}", Exit.REFUSED)
    if output == "json":
        print_json({**_as_json(Stored(record, revision), False), "as_of_revision": revision})
        return Exit.DONE
    columns = service_model().shapes[record_type].columns
    fields = [(c.name, "not kept" if c.is_personal else _text(record, c, False)) for c in columns]
    show(console(), table(("field", "value"), [*fields, ("as of revision", str(revision))]))
    return Exit.DONE


@facts.command("watch")
@click.option("--after", metavar="TOKEN", default="", help="Begin after this revision; without it, with what is next.")
@click.option("--type", "types", type=RecordType(), multiple=True, help="Only this record type; may be repeated.")
@click.option("--enterprise", "enterprises", metavar="ID", multiple=True, help="Only this enterprise; may be repeated.")
@click.option("--server", metavar="HOST:PORT", help="The server to watch. [SEALAUTHZ_ADDRESS]")
@connection_options
def facts_watch(
    *,
    after: str,
    types: tuple[str, ...],
    enterprises: tuple[str, ...],
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
) -> int:
    """Print what is written, as it is written, one JSON line for each revision.

    A line holds the revision, with the token that resumes the watch after it
    (--after), and the records before and after, without personal text. A line
    without changes says that nothing that you may see changed up to there.
    Resumes after an outage, until Ctrl-C, and says once per outage that the
    server cannot be reached.

    \b
      sealauthz facts watch --type Seal --server 127.0.0.1:8443 --insecure
    """
    address = watched_address(server)
    with connected(address, token_file, ca, insecure) as client:
        for changes in client.watch_changes(after, types, enterprises, on_outage=outage_reporter(address)):
            say(_line_of_changes(changes))
            sys.stdout.flush()
    return Exit.DONE


def _parents_first(record_type: str, records: Iterable[Any]) -> Iterator[Any]:
    """Yield the records of a type so that one that others of the type name comes before them."""
    keys = [column.name for column in service_model().shapes[record_type].columns if column.ref == record_type]
    if not keys:
        yield from records
        return
    passed: set[str] = set()
    waiting: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        ready = [record]
        while ready:
            here = ready.pop()
            missing = next((id_ for key in keys if (id_ := getattr(here, key)) is not None and id_ not in passed), None)
            if missing is not None:
                waiting[missing].append(here)
                continue
            yield here
            passed.add(here.id)
            ready += waiting.pop(here.id, ())
    for stuck in waiting.values():  # in a cycle: an import needs them in one transaction
        yield from stuck


def _filters(record_type: str, conditions: Iterable[str]) -> dict[str, Filter]:
    violations = FieldViolations()
    filters: dict[str, Filter] = {}
    for column, text in assignments(record_type, conditions):
        name, words = column.name, column.words
        if column.is_personal:
            raise click.UsageError(f"`{name}` is personal, and no condition may name it")
        if name in filters:
            raise click.UsageError(f"--where names `{name}` twice")
        filters[name] = filter_value(column, text, name, violations)
        if violations and words is not None:
            raise click.UsageError(f"`{name}` is one of {', '.join(words)}, not `{text}`")
    violations.refuse()
    return filters


def _as_json(stored: Stored, personal_data: bool) -> dict[str, Any]:
    fact = forms_of(service_model()).fact_of(stored.record, is_plain=personal_data)
    return {
        "fact": json.loads(json_format.MessageToJson(fact, preserving_proto_field_name=True)),
        "revision": stored.revision,
    }


def _fields(record: Any, personal_data: bool) -> str:
    shape = service_model().shapes[type(record).__name__]
    columns = [c for c in shape.columns if c.name != "id" and getattr(record, c.name) != c.default]
    return "  ".join(f"{column.name}={cut(_text(record, column, personal_data))}" for column in columns)


def _text(record: Any, column: Column, personal_data: bool) -> str:
    value = getattr(record, column.name)
    if value is None:
        return "-"
    if column.is_instant:
        return instant(value)
    if column.type is bool:
        return "true" if value else "false"
    if column.personal is not None and not personal_data:
        return column.personal.mask(value)
    return str(value)


def _line_of_changes(changes: Changes) -> str:
    entry = {
        "revision": changes.revision,
        "token": changes.revision_token,
        "committed_at": None if changes.committed_at is None else changes.committed_at.isoformat(),
        "changes": [json_format.MessageToDict(change, preserving_proto_field_name=True) for change in changes.changes],
    }
    return json.dumps(entry, ensure_ascii=False)
