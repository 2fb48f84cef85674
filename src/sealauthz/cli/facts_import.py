"""The commands that import facts: `facts import`, and `facts imports` and `facts abandon` for open imports."""

from __future__ import annotations

import contextlib
import gc
import itertools
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click

from sealauthz.cli.answer_source import connected, connection_options, refuse_connection
from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.bars import watched
from sealauthz.cli.completing import files_like
from sealauthz.cli.output import cut, output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.records import read_lines
from sealauthz.cli.settings import added_option, on_facts, open_store, read_config, store_options
from sealauthz.facts import Batch, Part, Put, Store, WriteReceipt
from sealauthz.facts.store.batch import check
from sealauthz.facts.store.importing import OpenImport
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.sweep import idle_for_s
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.runtime.terminal import console, instant, show, table
from sealauthz.service.imports import end_import
from sealauthz.service.records import forms_of
from sealauthz_client import SealAuthzClient

_RARELY = (100_000, 20, 100)
"""Of what an import makes, nothing is in a circle: to look for that every 700 objects costs a third of its CPU."""

_CHANGE = re.compile(r"changes\[(\d+)\]\.?")
_NAMED = re.compile(r"`(\w+):([^`]+)`")


@contextlib.contextmanager
def _rarely_collected() -> Iterator[None]:
    """Look for garbage in circles rarely."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@click.command("import")
@click.argument("file", type=click.File("rb"), shell_complete=files_like(".jsonl"))
@click.option(
    "--chunk", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="Lines in one transaction."
)
@click.option("--request-id", metavar="ID", help="Makes a repeated import with the same ID change nothing.")
@click.option("--bulk", is_flag=True, help="The file as one import: nothing is decided meanwhile.")
@click.option(
    "--enterprise", "enterprises", metavar="ID", multiple=True, help="With --bulk: an enterprise that is imported."
)
@click.option("--resume", is_flag=True, help="With --bulk: resume an open import after its last part.")
@click.option("--caller", metavar="NAME", help="With --resume: whose import it is; without it, `cli`.")
@click.option("--server", metavar="HOST:PORT", help="With --bulk: import through this server.")
@connection_options
@added_option
@store_options
@_rarely_collected()
def facts_import(
    *,
    file: BinaryIO,
    chunk: int,
    request_id: str | None,
    bulk: bool,
    enterprises: tuple[str, ...],
    resume: bool,
    caller: str | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    policies: Path | None,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Write facts, one JSON line each.

    FILE may be `-` for standard input. Each chunk is one transaction: all of
    its lines or none. Rules between facts must hold after each chunk, so keep
    what belongs together close. The whole file is checked by itself before
    anything is written. A fact that exists is replaced: a line that
    leaves out a field which holds a value, as an export without personal data
    does, is refused, and so is one that changes a counter without --bulk. An
    error names its line; the chunks before it stay written.

    With --bulk, questions about the enterprises of the file are denied with
    FACT_UNAVAILABLE until its last line is written; rules that need the whole
    are checked then. To resume an import that broke off, run the same command
    with the same --request-id; `facts abandon` ends it. The enterprises are
    those that the file has records of, unless --enterprise names them.

    --resume continues an open import of any caller: FILE then holds what is
    still missing, and finishes it.

    \b
      sealauthz facts import facts.jsonl
      sealauthz facts export --personal-data > backup.jsonl
      sealauthz facts import backup.jsonl --database sqlite:///other.db
      sealauthz facts import --bulk --request-id monday facts.jsonl
      sealauthz facts import --bulk --caller hr --request-id 7 --resume rest.jsonl
    """
    file = click.get_current_context().with_resource(_read_again(file))
    if resume:
        if not (bulk and request_id) or server or enterprises:
            raise click.UsageError("--resume needs --bulk and --request-id, and takes no --server and no --enterprise")
        with open_store(config_file, database) as store:
            item = _open_import(store, caller or "cli", request_id)
            _check_named(_check_file(file, chunk)[1], item.tenants)
            with watched(file, read_lines, "importing") as lines:
                _import_bulk(store, item, lines, chunk)
        return Exit.DONE
    if caller:
        raise click.UsageError("--caller needs --resume")
    on_facts(server if bulk else None, policies, config_file, database)
    is_generated = not request_id
    request_id = request_id or f"import-{uuid.uuid4()}"
    if bulk:
        if server and database:
            raise click.UsageError("import through either a --server or into a --database, not both")
        found, first_lines = _check_file(file, chunk)
        named = frozenset(enterprises) or found
        if not named:
            raise click.UsageError("name an --enterprise: the file has no record of one")
        _check_named(first_lines, named)
        if is_generated:
            say(f"the import is `{request_id}`", err=True)
        if server:
            with (
                connected(server, token_file, ca, insecure) as client,
                watched(file, read_lines, "importing") as lines,
            ):
                _import_over_grpc(client, request_id, named, lines, chunk)
        else:
            with open_store(config_file, database) as store, watched(file, read_lines, "importing") as lines:
                _import_bulk(store, OpenImport("cli", request_id, named, 0, 0), lines, chunk)
        return Exit.DONE
    needs_bulk = {
        "--enterprise": enterprises,
        "--server": server,
        "--token-file": token_file,
        "--ca": ca,
        "--insecure": insecure,
    }
    for option, is_given in needs_bulk.items():
        if is_given:
            raise click.UsageError(f"{option} needs --bulk")
    _check_file(file, chunk)
    written = 0
    with open_store(config_file, database) as store, watched(file, read_lines, "importing") as lines:
        for number, some in enumerate(_chunks(lines, chunk), 1):
            batch = Batch("cli", f"{request_id}-{number}", tuple(put for _, put in some))
            try:
                receipt = store.write(batch)
            except (InvalidRequest, FactConflict, InvariantBroken) as error:
                raise _at_line(error, some, written) from error
            written += len(some)
            _report(some, receipt)
    if not written:
        say("no facts in the file", err=True)
    return Exit.DONE


@click.command("imports")
@click.option("--server", metavar="HOST:PORT", help="Ask this server instead of the database.")
@connection_options
@store_options
@output_option
def facts_imports(
    *,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    config_file: Path | None,
    database: str | None,
    output: str,
) -> int:
    """Show the imports that are open.

    Nothing is decided about their enterprises until they are finished, by the
    same import again, or ended with `facts abandon`. One that has stood still
    for longer than `facts.import_lease_s` is idle.

    \b
      sealauthz facts imports
      sealauthz facts imports --server authz.example:8443
    """
    lease_s = read_config(config_file).facts.import_lease_s
    if server:
        with connected(server, token_file, ca, insecure) as client:
            found = [
                OpenImport(
                    item.caller,
                    item.import_id,
                    item.enterprise_ids,
                    item.parts,
                    _us(item.began_at),
                    _us(item.last_part_at),
                )
                for item in client.list_imports()
            ]
    else:
        refuse_connection(token_file, ca, insecure)
        with open_store(config_file, database) as store:
            found = store.open_imports()
    now = now_us()
    if output == "json":
        print_json(
            [
                {
                    "caller": item.caller,
                    "import_id": item.import_id,
                    "parts": item.parts,
                    "began_at": instant(item.at),
                    "last_part_at": instant(item.last_at),
                    "is_idle": idle_for_s(item, now) >= lease_s,
                    "enterprise_ids": sorted(item.tenants),
                }
                for item in found
            ]
        )
        return Exit.DONE
    rows = [
        (
            item.import_id,
            item.caller,
            instant(item.at),
            str(item.parts),
            instant(item.last_at),
            "idle" if idle_for_s(item, now) >= lease_s else "",
            cut(" ".join(sorted(item.tenants))),
        )
        for item in found
    ]
    names = ("import", "caller", "began at", "parts", "last part at", "", "enterprises")
    show(console(), table(names, rows))
    return Exit.DONE


@click.command("abandon")
@click.argument("import_id", metavar="IMPORT")
@click.option("--caller", default="cli", show_default=True, help="Whose import it is.")
@click.option("--server", metavar="HOST:PORT", help="End it through this server.")
@connection_options
@store_options
def facts_abandon(
    *,
    import_id: str,
    caller: str,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Abandon an open import.

    What it has written stays, and its enterprises are decided about again.
    Refused while they break a rule that needs the whole, such as having an
    administrator: then only its contracts are decided about again. Write
    what is missing with `facts import --resume`.

    \b
      sealauthz facts abandon monday
      sealauthz facts abandon 7f3c --caller hr-import
      sealauthz facts abandon 7f3c --caller hr-import --server authz.example:8443
    """
    if server:
        with connected(server, token_file, ca, insecure) as client:
            ended = client.end_import(caller, import_id)
        say(f"abandoned after {ended.parts} parts, revision {ended.revision}", err=True)
        return Exit.DONE
    refuse_connection(token_file, ca, insecure)
    with open_store(config_file, database) as store:
        try:
            receipt = end_import(store, _open_import(store, caller, import_id))
        except InvariantBroken as error:
            helps = f"sealauthz facts import --bulk --caller {caller} --request-id {import_id} --resume FILE"
            said = "the import stays open, except for its contracts; write what is missing with"
            raise Stop(f"{_with_rule(error)}; {said} `{helps}`", Exit.REFUSED) from error
    say(f"abandoned after {receipt.parts} parts, revision {receipt.written.revision}", err=True)
    return Exit.DONE


def _us(moment: datetime | None) -> int:
    """Return an instant in microseconds; 0 for none."""
    return 0 if moment is None else round(moment.timestamp() * 1_000_000)


def _open_import(store: Store, caller: str, import_id: str) -> OpenImport:
    item = store.open_import(caller, import_id)
    if item is not None:
        return item
    raise Stop(f"the caller `{caller}` has no open import `{import_id}`", Exit.REFUSED)


def _import_bulk(store: Store, started: OpenImport, lines: Iterable[tuple[int, Put]], chunk: int) -> None:
    """Write the lines into the database as the next parts of an import, and finish it."""
    written = 0
    number = started.parts
    is_last = False
    chunks = _chunks(lines, chunk)
    try:
        upcoming = next(chunks, [])
        while not is_last:
            current, upcoming = upcoming, next(chunks, [])
            part = Part(started.import_id, started.tenants, number + 1, not upcoming)
            try:
                receipt = store.import_part(started.caller, part, [put for _, put in current])
            except (InvalidRequest, FactConflict, InvariantBroken) as error:
                raise (_at_line(error, current, written) if current else Stop(str(error), Exit.REFUSED)) from error
            number, is_last = part.number, part.is_last
            written += len(current)
            if current:
                _report(current, receipt.written)
    finally:
        if number and not is_last:
            _say_open(started.caller, started.import_id)
    say(f"the import `{started.import_id}` is finished", err=True)


def _say_open(caller: str, import_id: str) -> None:
    theirs = "" if caller == "cli" else f"--caller {caller} "
    again = f"--request-id {import_id}" if not theirs else f"{theirs}--request-id {import_id} --resume"
    abandon = f"sealauthz facts abandon {theirs}{import_id}"
    say(f"the import `{import_id}` is open; resume it with {again}, or abandon it: {abandon}", err=True)


def _import_over_grpc(
    client: SealAuthzClient,
    import_id: str,
    enterprises: frozenset[str],
    lines: Iterable[tuple[int, Put]],
    chunk: int,
) -> None:
    """Write the lines as one import through a server."""
    forms = forms_of(service_model())
    messages = (forms.fact_of(put.record, put.left_out, is_plain=True) for _, put in lines)
    is_done = False
    try:
        done = client.import_facts(import_id, sorted(enterprises), messages, part_size=chunk)
        is_done = True
    finally:
        if not is_done:
            # Only the server knows that, and who the caller is.
            say(f"the import `{import_id}` may be open; resume it with --request-id {import_id}", err=True)
    say(f"{done.facts} facts written, revision {done.revision}", err=True)
    say(f"the import `{import_id}` is finished", err=True)


@contextlib.contextmanager
def _read_again(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file that can be read twice: standard input is copied first."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copied:
        shutil.copyfileobj(file, copied)
        copied.seek(0)
        yield copied


def _check_file(file: BinaryIO, chunk: int) -> tuple[frozenset[str], dict[str, int]]:
    """Check all that the lines say by themselves.

    Return the enterprises that the file has records of, and those that other records belong to, each with the first
    line. Raises Stop for a line that no database would take.
    """
    model = service_model()
    homes = {
        name: shape.home
        for name, shape in model.shapes.items()
        if shape.root is None and shape.column(shape.home).ref == model.tenant
    }
    found: set[str] = set()
    first_lines: dict[str, int] = {}
    with watched(file, read_lines, "checking") as lines:
        for some in _chunks(lines, chunk):
            try:
                check(Batch("cli", "check", tuple(put for _, put in some)), model)
            except InvalidRequest as error:
                raise _at_line(error, some, 0) from error
            for number, put in some:
                name = type(put.record).__name__
                if name == model.tenant:
                    found.add(put.record.id)
                elif name in homes:
                    first_lines.setdefault(getattr(put.record, homes[name]), number)
    file.seek(0)
    return frozenset(found), first_lines


def _check_named(first_lines: dict[str, int], named: frozenset[str]) -> None:
    """Raise Stop for a record of an enterprise that the import does not name."""
    for tenant_id, number in first_lines.items():
        if tenant_id not in named:
            said = f"the import does not name `{service_model().tenant}:{tenant_id}`"
            raise Stop(f"line {number}: {said} (IMPORT); nothing was written", Exit.REFUSED)


def _report(lines: list[tuple[int, Put]], receipt: WriteReceipt) -> None:
    done = "was written before" if receipt.is_replay else "written"
    span = f"lines {lines[0][0]} to {lines[-1][0]}"
    say(f"{span}: {len(lines)} facts {done}, revision {receipt.revision}", err=True)


def _chunks(lines: Iterable[tuple[int, Put]], size: int) -> Iterator[list[tuple[int, Put]]]:
    rest = iter(lines)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk


def _with_rule(error: FactConflict | InvariantBroken) -> str:
    """Return what an error says, with the rule that was broken."""
    message, rule = str(error), f"({error.invariant})"
    return message if rule in message else f"{message} {rule}"


def _at_line(
    error: InvalidRequest | FactConflict | InvariantBroken, lines: list[tuple[int, Put]], written: int
) -> Stop:
    """Name the line that an error of the store is about; or the whole chunk, if that is unknown."""
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
        by_name = {f"{type(put.record).__name__}:{put.record.id}": number for number, put in lines}
        numbers = [by_name[f"{name}:{id_}"] for name, id_ in _NAMED.findall(message) if f"{name}:{id_}" in by_name]
        number = numbers[0] if numbers else None
        message = _with_rule(error)
    place = f"line {number}" if number is not None else f"lines {lines[0][0]} to {lines[-1][0]}"
    kept = f"; {written} facts before line {lines[0][0]} stay written" if written else "; nothing was written"
    code = Exit.WRONG_USE if isinstance(error, InvalidRequest) else Exit.REFUSED
    return Stop(f"{place}: {message}{kept}", code)
