"""The commands on facts: `facts import`, `facts export`, `facts show`, `facts watch`, and those on open imports."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
from google.protobuf import json_format

from sealauthz.cli.answer_source import connected, connection_options
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.settings import config_option, database_option, open_store
from sealauthz.client import CallFailed, Changes, SealAuthzClient
from sealauthz.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.exchange import line_of, plain_fact, record_of
from sealauthz.facts import MAX_PAGE_SIZE, Batch, Part, Put, ReadTransaction, Store, Stored, WriteReceipt
from sealauthz.facts.store.importing import OpenImport
from sealauthz.facts.store.reading import Filter, Query, read_page
from sealauthz.facts.store.tables import DEPENDENCY_ORDER
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema.record import RECORDS, Column, shape_of
from sealauthz.service.faults import Faults
from sealauthz.service.importing import release_contracts
from sealauthz.service.records import fact_of, filter_value, snake
from sealauthz.terminal import console, instant, show, table

F = TypeVar("F", bound=Callable[..., Any])

_MAX_CHARACTERS = 40
"""Of a value in a list; one record by its id is shown whole."""

_CHANGE = re.compile(r"changes\[(\d+)\]\.?")
_NAMED = re.compile(r"`(\w+):([^`]+)`")


@click.group()
def facts() -> None:
    """Read and write facts, directly in the database unless a server is named.

    A fact is one record: a person, a membership, a seal. As text it is one
    line of JSON, the `Fact` message of the protos:

    \b
      {"seal": {"id": "seal-1", "enterprise_id": "e-1", "name": "Contracts",
                "kind": "SEAL_KIND_CONTRACT", "state": "SEAL_STATE_ACTIVE"}}
    """


class RecordType(click.ParamType[str]):
    """The name of a record type."""

    name = "RECORD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a type, and suggest one if there is not."""
        if value not in RECORDS:
            self.fail(f"`{value}` is not a record type{_suggestion(str(value), RECORDS)}", param, ctx)
        return str(value)


def personal_option(command: F) -> F:
    """Add `--personal-data`."""
    option = click.option("--personal-data", is_flag=True, help="With names and phones in plain text.")
    return option(command)


@facts.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--chunk", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="Lines in one transaction."
)
@click.option("--request-id", metavar="ID", help="Makes a repeated import with the same ID change nothing.")
@click.option("--bulk", is_flag=True, help="All of the file as one import: nothing is decided meanwhile.")
@click.option(
    "--enterprise", "enterprises", metavar="ID", multiple=True, help="With --bulk: an enterprise that is imported."
)
@click.option("--go-on", is_flag=True, help="With --bulk: go on with an open import behind its last part.")
@click.option("--caller", metavar="NAME", help="With --go-on: whose import it is; without it, `cli`.")
@click.option("--server", metavar="HOST:PORT", help="With --bulk: import through this server.")
@connection_options
@config_option
@database_option
def facts_import(
    *,
    file: BinaryIO,
    chunk: int,
    request_id: str | None,
    bulk: bool,
    enterprises: tuple[str, ...],
    go_on: bool,
    caller: str | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Write facts, one JSON line each.

    FILE may be `-` for standard input. Each chunk is one transaction: all of its lines or none. Rules that hold
    between facts must hold after each chunk, so keep what belongs together
    close. A fact that exists is replaced. What is wrong is told with its
    line; chunks before it stay written.

    With --bulk nothing is decided about the enterprises of the file, which
    are answered with FACT_UNAVAILABLE, until its last line is written; rules
    that take the whole are checked then. An import that broke off is taken up
    by the same command with the same --request-id, or given up with
    `facts abandon`. The enterprises are those that the file has records of,
    unless --enterprise names them.

    An open import of anybody, whose caller may be gone, is gone on with by
    --go-on: FILE then holds what is still missing, and ends it.

    \b
      sealauthz facts import facts.jsonl
      sealauthz facts export --personal-data > backup.jsonl
      sealauthz facts import backup.jsonl --database sqlite:///other.db
      sealauthz facts import --bulk --request-id monday facts.jsonl
      sealauthz facts import --bulk --caller hr --request-id 7 --go-on rest.jsonl
    """
    if go_on:
        if not (bulk and request_id) or server or enterprises:
            raise click.UsageError("--go-on needs --bulk and --request-id, and takes no --server and no --enterprise")
        with open_store(config_file, database) as store:
            item = _open_import(store, caller or "cli", request_id)
            _import_bulk(store, item, _read_lines(file), chunk)
        return Exit.DONE
    if caller:
        raise click.UsageError("--caller needs --go-on")
    is_generated = not request_id
    request_id = request_id or f"import-{uuid.uuid4()}"
    if bulk:
        if server and database:
            raise click.UsageError("import through either a --server or into a --database, not both")
        named = frozenset(enterprises) or _enterprises_in(file)
        if is_generated:
            click.echo(f"the import is `{request_id}`", err=True)
        if server:
            with connected(server, token_file, ca, insecure) as client:
                _import_over_grpc(client, request_id, named, _read_lines(file), chunk)
        else:
            with open_store(config_file, database) as store:
                _import_bulk(store, OpenImport("cli", request_id, named, 0, 0), _read_lines(file), chunk)
        return Exit.DONE
    for option, is_given in (
        ("enterprise", enterprises),
        ("server", server),
        ("token-file", token_file),
        ("ca", ca),
        ("insecure", insecure),
    ):
        if is_given:
            raise click.UsageError(f"--{option} needs --bulk")
    written = 0
    with open_store(config_file, database) as store:
        for number, lines in enumerate(_chunks(_read_lines(file), chunk), 1):
            batch = Batch("cli", f"{request_id}-{number}", tuple(Put(record) for _, record in lines))
            try:
                receipt = store.write(batch)
            except (InvalidRequest, FactConflict, InvariantBroken) as error:
                raise _at_line(error, lines, written) from error
            written += len(lines)
            _report(lines, receipt)
    if not written:
        click.echo("no facts in the file", err=True)
    return Exit.DONE


@facts.command("imports")
@config_option
@database_option
@output_option
def facts_imports(*, config_file: Path | None, database: str | None, output: str) -> int:
    """Show the imports that are open.

    Nothing is decided about their enterprises until they are finished, by the
    same import again, or given up with `facts abandon`.

    \b
      sealauthz facts imports
    """
    with open_store(config_file, database) as store:
        found = store.open_imports()
    if output == "json":
        print_json(
            [
                {
                    "caller": item.caller,
                    "import_id": item.import_id,
                    "parts": item.parts,
                    "began_at": instant(item.at),
                    "enterprise_ids": sorted(item.enterprises),
                }
                for item in found
            ]
        )
        return Exit.DONE
    rows = [
        (item.import_id, item.caller, instant(item.at), str(item.parts), _cut(" ".join(sorted(item.enterprises))))
        for item in found
    ]
    show(console(), table(("import", "caller", "began at", "parts", "enterprises"), rows))
    return Exit.DONE


@facts.command("abandon")
@click.argument("import_id", metavar="IMPORT")
@click.option("--caller", default="cli", show_default=True, help="Whose import it is.")
@config_option
@database_option
def facts_abandon(*, import_id: str, caller: str, config_file: Path | None, database: str | None) -> int:
    """Give up an open import.

    What it has written stays, and its enterprises are decided about again.
    Refused while they break a rule that takes the whole, such as having an
    administrator: only its contracts are decided about again then. Write
    what is missing with `facts import --go-on`.

    \b
      sealauthz facts abandon monday
      sealauthz facts abandon 7f3c --caller hr-import
    """
    with open_store(config_file, database) as store:
        item = _open_import(store, caller, import_id)
        part = Part(item.import_id, item.enterprises, 0, is_abandoned=True)
        try:
            receipt = store.import_part(item.caller, part)
        except InvariantBroken as error:
            release_contracts(store, caller, import_id)
            helps = f"sealauthz facts import --bulk --caller {caller} --request-id {import_id} --go-on FILE"
            said = "the import stays open, but for its contracts; write what is missing with"
            raise Stop(f"{error} ({error.invariant}); {said} `{helps}`", Exit.REFUSED) from error
    click.echo(f"given up after {receipt.parts} parts, revision {receipt.written.revision}", err=True)
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
    without changes says that nothing that you may see was changed up to there.
    Goes on after an outage by itself, until Ctrl-C, and says once that the
    server cannot be reached.

    \b
      sealauthz facts watch --type Seal --server 127.0.0.1:8443 --insecure
    """
    address = server or os.environ.get("SEALAUTHZ_ADDRESS")
    if not address:
        raise click.UsageError("name the --server to watch, or set SEALAUTHZ_ADDRESS")

    def say_outage(failed: CallFailed) -> None:
        # What the server says has a reason; grpc's own text names sockets.
        why = failed.message if failed.reason else f"the server `{address}` cannot be reached"
        click.echo(f"{why}; trying again", err=True)

    with connected(address, token_file, ca, insecure) as client:
        for changes in client.watch_changes(after, types, enterprises, on_outage=say_outage):
            click.echo(_line_of_changes(changes))
            sys.stdout.flush()
    return Exit.DONE


@facts.command("export")
@click.option("--type", "types", type=RecordType(), multiple=True, help="Only this record type; may be repeated.")
@personal_option
@config_option
@database_option
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
    with open_store(config_file, database) as store, store.read_transaction() as snapshot:
        for name in sorted(RECORDS, key=DEPENDENCY_ORDER.__getitem__):
            if types and name not in types:
                continue
            for record in _parents_first(name, (stored.record for stored in _read_all(snapshot, name, {}))):
                click.echo(line_of(record, with_personal_data=personal_data))
                count += 1
        click.echo(f"{count} facts at revision {snapshot.revision}", err=True)
    return Exit.DONE


@facts.command("show")
@click.argument("record_type", metavar="RECORD", type=RecordType())
@click.argument("record_id", metavar="[ID]", required=False)
@click.option("--where", metavar="FIELD=VALUE", multiple=True, help="Only records with this value; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Records to show at most.")
@personal_option
@config_option
@database_option
@output_option
def facts_show(
    *,
    record_type: str,
    record_id: str | None,
    where: tuple[str, ...],
    limit: int,
    personal_data: bool,
    config_file: Path | None,
    database: str | None,
    output: str,
) -> int:
    """Show the records of one type, or the one with this ID.

    Fields that hold their default are left out of the table. Names and phones
    are masked unless --personal-data is given. Exits with 1 if there is no
    record with this ID.

    \b
      sealauthz facts show Seal seal-official
      sealauthz facts show SealGrant --where state=ACTIVE --where right=USE
    """
    filters = _filters(record_type, (*where, *([f"id={record_id}"] if record_id is not None else [])))
    with open_store(config_file, database) as store:
        found, has_more = _first(store, record_type, filters, limit)
    if record_id is not None and not found:
        raise Stop(f"there is no `{record_type}:{record_id}`", Exit.REFUSED)
    if output == "json":
        print_json([_as_json(stored, personal_data) for stored in found])
    elif record_id is not None:
        columns = shape_of(RECORDS[record_type]).columns
        fields = [(column.name, _text(found[0].record, column, personal_data)) for column in columns]
        show(console(), table(("field", "value"), [*fields, ("revision", str(found[0].revision))]))
    else:
        rows = [(stored.record.id, str(stored.revision), _fields(stored.record, personal_data)) for stored in found]
        show(console(), table((record_type, "revision", "fields"), rows))
    if has_more:
        click.echo(f"there are more than {limit}: see --limit", err=True)
    return Exit.DONE


def _line_of_changes(changes: Changes) -> str:
    entry = {
        "revision": changes.revision,
        "token": changes.revision_token,
        "committed_at": None if changes.committed_at is None else changes.committed_at.isoformat(),
        "changes": [json_format.MessageToDict(change, preserving_proto_field_name=True) for change in changes.changes],
    }
    return json.dumps(entry, ensure_ascii=False)


def _open_import(store: Store, caller: str, import_id: str) -> OpenImport:
    item = store.open_import(caller, import_id)
    if item is not None:
        return item
    raise Stop(f"the caller `{caller}` has no open import `{import_id}`", Exit.REFUSED)


def _import_bulk(store: Store, begun: OpenImport, lines: Iterable[tuple[int, Any]], chunk: int) -> None:
    """Write the lines into the database as the parts of an import that follow, and end it."""
    written = 0
    number = begun.parts
    is_last = False
    chunks = _chunks(lines, chunk)
    try:
        following = next(chunks, [])
        while not is_last:
            current, following = following, next(chunks, [])
            part = Part(begun.import_id, begun.enterprises, number + 1, not following)
            try:
                receipt = store.import_part(begun.caller, part, [record for _, record in current])
            except (InvalidRequest, FactConflict, InvariantBroken) as error:
                raise (_at_line(error, current, written) if current else Stop(str(error), Exit.REFUSED)) from error
            number, is_last = part.number, part.is_last
            written += len(current)
            if current:
                _report(current, receipt.written)
    finally:
        if number and not is_last:
            _say_open(begun.caller, begun.import_id)
    click.echo(f"the import `{begun.import_id}` is finished", err=True)


def _say_open(caller: str, import_id: str) -> None:
    theirs = "" if caller == "cli" else f"--caller {caller} "
    again = f"--request-id {import_id}" if not theirs else f"{theirs}--request-id {import_id} --go-on"
    give_up = f"sealauthz facts abandon {theirs}{import_id}"
    click.echo(f"the import `{import_id}` is open; go on with {again}, or give it up: {give_up}", err=True)


def _import_over_grpc(
    client: SealAuthzClient,
    import_id: str,
    enterprises: frozenset[str],
    lines: Iterable[tuple[int, Any]],
    chunk: int,
) -> None:
    """Write the lines as one import through a server."""
    messages = (getattr(plain_fact(record), snake(type(record).__name__)) for _, record in lines)
    is_done = False
    try:
        done = client.import_facts(import_id, sorted(enterprises), messages, part_size=chunk)
        is_done = True
    finally:
        if not is_done:
            # Only the server knows, and who the caller is as well.
            click.echo(f"the import `{import_id}` may be open; go on with --request-id {import_id}", err=True)
    click.echo(f"{done.facts} facts written, revision {done.revision}", err=True)
    click.echo(f"the import `{import_id}` is finished", err=True)


def _enterprises_in(file: BinaryIO) -> frozenset[str]:
    """Read the file once for the enterprises that it has records of."""
    if not file.seekable():
        raise click.UsageError("name each --enterprise: standard input is read only once")
    found = frozenset(record.id for _, record in _read_lines(file) if isinstance(record, Enterprise))
    file.seek(0)
    if not found:
        raise click.UsageError("name an --enterprise: the file has no record of one")
    return found


def _report(lines: list[tuple[int, Any]], receipt: WriteReceipt) -> None:
    done = "was written before" if receipt.is_replay else "written"
    span = f"lines {lines[0][0]} to {lines[-1][0]}"
    click.echo(f"{span}: {len(lines)} facts {done}, revision {receipt.revision}", err=True)


def _read_lines(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Yield the number and the record of each line that is not blank."""
    for number, raw in enumerate(file, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise Stop(f"line {number}: is not UTF-8 text", Exit.WRONG_USE) from error
        if not line:
            continue
        try:
            record = record_of(line)
        except InvalidRequest as error:
            said = "; ".join(
                f"`{v.field}` {v.description}" if v.field != "line" else v.description for v in error.violations
            )
            raise Stop(f"line {number}: {said}", Exit.WRONG_USE) from error
        yield number, record


def _chunks(lines: Iterable[tuple[int, Any]], size: int) -> Iterator[list[tuple[int, Any]]]:
    chunk: list[tuple[int, Any]] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _at_line(
    error: InvalidRequest | FactConflict | InvariantBroken, lines: list[tuple[int, Any]], written: int
) -> Stop:
    """Say which line an error of the store is about; all of the chunk where that cannot be told."""
    message = str(error)
    number = None
    if isinstance(error, InvalidRequest):
        violation = error.violations[0]
        match = _CHANGE.match(violation.field)
        if match:
            number = lines[int(match[1])][0]
            field = violation.field[match.end() :]
            message = f"`{field}` {violation.description}" if field else violation.description
    else:
        by_name = {f"{type(record).__name__}:{record.id}": number for number, record in lines}
        numbers = [by_name[f"{name}:{id_}"] for name, id_ in _NAMED.findall(message) if f"{name}:{id_}" in by_name]
        number = numbers[0] if numbers else None
        if f"({error.invariant})" not in message:
            message += f" ({error.invariant})"
    place = f"line {number}" if number is not None else f"lines {lines[0][0]} to {lines[-1][0]}"
    kept = f"; {written} facts before line {lines[0][0]} stay written" if written else "; nothing was written"
    code = Exit.WRONG_USE if isinstance(error, InvalidRequest) else Exit.REFUSED
    return Stop(f"{place}: {message}{kept}", code)


def _read_all(snapshot: ReadTransaction, record_type: str, filters: dict[str, Filter]) -> Iterator[Stored]:
    token = ""
    while True:
        page = read_page(snapshot, Query(record_type, filters), MAX_PAGE_SIZE, token, None)
        yield from page.records
        token = page.next_page_token
        if not token:
            return


def _parents_first(record_type: str, records: Iterable[Any]) -> Iterator[Any]:
    """Yield the records of a type so that one that others of the type name comes before them."""
    keys = [column.name for column in shape_of(RECORDS[record_type]).columns if column.ref == record_type]
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
    for stuck in waiting.values():  # in a circle: whoever imports them needs them in one transaction
        yield from stuck


def _first(store: Store, record_type: str, filters: dict[str, Filter], limit: int) -> tuple[list[Stored], bool]:
    """Return the first records, and whether there are more."""
    found: list[Stored] = []
    with store.read_transaction() as snapshot:
        for stored in _read_all(snapshot, record_type, filters):
            if len(found) == limit:
                return found, True
            found.append(stored)
    return found, False


def _filters(record_type: str, conditions: Iterable[str]) -> dict[str, Filter]:
    columns = {column.name: column for column in shape_of(RECORDS[record_type]).columns}
    faults = Faults()
    filters: dict[str, Filter] = {}
    for condition in conditions:
        name, equals, text = condition.partition("=")
        if not equals:
            raise click.UsageError(f"`{condition}` must be FIELD=VALUE, as in state=ACTIVE")
        if name not in columns:
            raise click.UsageError(f"`{record_type}` has no field `{name}`{_suggestion(name, columns)}")
        if columns[name].is_personal:
            raise click.UsageError(f"`{name}` is personal, and no condition may name it")
        if name in filters:
            raise click.UsageError(f"--where names `{name}` twice")
        filters[name] = filter_value(record_type, columns[name], text, name, faults)
        words = columns[name].words
        if faults and words is not None:
            raise click.UsageError(f"`{name}` is one of {', '.join(words)}, not `{text}`")
    faults.refuse()
    return filters


def _as_json(stored: Stored, personal_data: bool) -> dict[str, Any]:
    fact = plain_fact(stored.record) if personal_data else fact_of(stored.record)
    return {
        "fact": json.loads(json_format.MessageToJson(fact, preserving_proto_field_name=True)),
        "revision": stored.revision,
    }


def _fields(record: Any, personal_data: bool) -> str:
    shape = shape_of(RECORDS[type(record).__name__])
    columns = [c for c in shape.columns if c.name != "id" and getattr(record, c.name) != c.default]
    return "  ".join(f"{column.name}={_cut(_text(record, column, personal_data))}" for column in columns)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _text(record: Any, column: Column, personal_data: bool) -> str:
    value = getattr(record, column.name)
    if value is None:
        return "-"
    if column.is_instant:
        return instant(value)
    if column.type is bool:
        return "true" if value else "false"
    if column.is_personal and not personal_data:
        return str(getattr(getattr(fact_of(record), snake(type(record).__name__)), column.name))
    return str(value)


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else ""
