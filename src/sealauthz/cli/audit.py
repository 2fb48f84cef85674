"""The commands on the log of decisions: what was answered, and the proof of it."""

from __future__ import annotations

import datetime
import functools
import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sealauthz.audit.portable import export_lines, proof_text
from sealauthz.audit.sequencer import Sequencing
from sealauthz.audit.words import EFFECTS, is_kind, is_reason_code
from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.asking import Reference
from sealauthz.cli.audit_evidence import audit_evidence
from sealauthz.cli.audit_prune import audit_prune
from sealauthz.cli.audit_recovery import audit_held, audit_resume
from sealauthz.cli.audit_replay import audit_replay
from sealauthz.cli.audit_rules import audit_rules
from sealauthz.cli.audit_source import AuditSource, audit_options
from sealauthz.cli.audit_verify import audit_verify
from sealauthz.cli.moments import InstantType
from sealauthz.cli.output import output_option, print_json, rfc3339
from sealauthz.cli.printing import say
from sealauthz.cli.settings import (
    audit_anchoring,
    audit_sequencer,
    audit_signer,
    config_option,
    open_store,
    read_config,
    say_reported,
    store_options,
)
from sealauthz.runtime.background import Background
from sealauthz.runtime.terminal import console, instant, show, table
from sealauthz_client.answers import LogEntry


@click.group()
def audit() -> None:
    """Read and verify the log of decisions.

    Every answer has a record in it, with ids, codes and digests, and no text
    that names a person. The records are the leaves of a Merkle tree: a signed
    checkpoint of it, kept elsewhere, proves later that nothing was changed,
    put in or cut off since.
    """


audit.add_command(audit_verify)
audit.add_command(audit_evidence)
audit.add_command(audit_prune)
audit.add_command(audit_rules)
audit.add_command(audit_resume)
audit.add_command(audit_held)


def _or_any(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    return value or ""


class Worded(click.ParamType[str]):
    """A text of a certain form; `said` tells what another one is not."""

    def __init__(self, name: str, fits: Callable[[str], object], said: str) -> None:
        self.name = name
        self._fits = fits
        self._said = said

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is of another form."""
        if not self._fits(value):
            self.fail(f"`{value}` is no {self._said}", param, ctx)
        return value


_REASON = Worded("code", is_reason_code, "code of a reason: these are capital letters, digits and _")
_KIND = Worded("word", is_kind, "kind of record: write it as `audit list` does, such as Authorize")


def _of_some_time(command: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(command)
    def checked(*, since: int, until: int, **options: Any) -> int:
        if until and since >= until:
            raise click.UsageError("--until must be later than --since: nothing is answered between them")
        return command(since=since, until=until, **options)

    return checked


def filter_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say which records are wanted."""
    command = _of_some_time(command)
    for name, says in {
        "--caller": "Only what this caller was answered.",
        "--action": "Only about this action.",
        "--tenant": f"Only about this {service_model().tenant}, by its id.",
    }.items():
        command = click.option(name, metavar="WORD", default="", help=says)(command)
    # What no record can hold is a mistake: it would be answered with an empty list.
    for name, type_, says in (
        ("--kind", _KIND, "Only answers of this kind, such as Authorize or Perform."),
        ("--effect", click.Choice(EFFECTS), "Only with this effect; MIXED and ERROR are those of several."),
        ("--reason", _REASON, "Only with this reason."),
        ("--resource", Reference(), "Only about this resource."),
        ("--subject", Reference(), "Only about this subject."),
    ):
        command = click.option(name, type=type_, callback=_or_any, help=says)(command)
    since = click.option("--since", type=InstantType(), default=0, help="Only what was answered at or after this.")
    until = click.option("--until", type=InstantType(), default=0, help="Only what was answered before this.")
    return since(until(command))


@audit.command("list")
@filter_options
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Records to show at most.")
@audit_options
@output_option
def audit_list(*, limit: int, source: AuditSource, output: str, **wanted: Any) -> int:
    """List records, the newest first.

    \b
      sealauthz audit list --resource Seal:seal-official --since 2026-03-01
      sealauthz audit list --subject Person:p-lin --effect DENY -o json
      sealauthz audit list --server authz.example:8443 --caller web
    """
    found = list(itertools.islice(source.decisions(wanted), limit + 1))
    found, has_more = found[:limit], len(found) > limit
    if output == "json":
        print_json([entry_json(entry) for entry in found])
        return Exit.DONE
    rows = [
        (str(e.number), instant(e.at), e.effect or e.kind, " ".join(filter(None, (e.subject, e.action, e.resource))))
        for e in found
    ]
    show(console(), table(("number", "at", "", "what"), rows))
    if has_more:
        say(f"there are more; --limit {limit} shows the newest", err=True)
    elif pruned := source.pruned():
        say(pruned, err=True)
    return Exit.DONE


audit.command("replay")(filter_options(audit_replay))


@audit.command("show")
@click.argument("which", metavar="ID|NUMBER")
@audit_options
@output_option
def audit_show(*, which: str, source: AuditSource, output: str) -> int:
    """Show one record, by the id of its decision or by its place.

    \b
      sealauthz audit show 019346a2-7c1d-7b3e-9f10-3a2c8f1d2b11
      sealauthz audit show 4711 -o json
    """
    found = source.decision(which)
    said = entry_json(found)
    if output == "json":
        print_json(said)
        return Exit.DONE
    rows = [("number", str(found.number)), ("logged at", instant(found.logged_at))]
    # Who may not see all of a record gets what they may see.
    content = json.loads(found.record) if found.record else {**said, "at": found.at}
    hidden = ("v", "number", "logged_at", "record")
    rows += [(name, _shown(name, value)) for name, value in content.items() if name not in hidden and value]
    show(console(), table(("", ""), rows))
    return Exit.DONE


@audit.command("proof")
@click.argument("which", metavar="ID|NUMBER")
@audit_options
def audit_proof(*, which: str, source: AuditSource) -> int:
    """Print the proof that a record is in the log, with the newest checkpoint.

    Together with the text of the record (`audit show ID -o json`, `record`)
    and the log's public key it convinces anybody: `audit verify --proof`.

    \b
      sealauthz audit proof 4711 > 4711.proof
    """
    click.echo(proof_text(source.proof(which)), nl=False)  # noqa: TID251  bytes that are signed
    return Exit.DONE


@audit.command("checkpoint")
@audit_options
def audit_checkpoint(*, source: AuditSource) -> int:
    """Print the newest checkpoint.

    Keep it where nobody who can write the database can change it: it proves
    later that nothing was cut off or rolled back (`audit verify --checkpoint`).

    \b
      sealauthz audit checkpoint > /mnt/elsewhere/log-2026-03-02.txt
    """
    note = source.checkpoint()
    if not note:
        raise Stop("the log has no checkpoint yet: it is empty", Exit.REFUSED)
    click.echo(note, nl=False)  # noqa: TID251  bytes that are signed
    return Exit.DONE


@audit.command("key")
@config_option
def audit_key(*, config_file: Path | None) -> int:
    """Print the public key that verifies checkpoints, as `name+hash+key`.

    \b
      sealauthz audit key --config /etc/sealauthz.toml > log.key
    """
    signer = audit_signer(read_config(config_file))
    if signer is None:
        raise Stop("no key is configured: see `[audit] key`", Exit.WRONG_USE)
    say(str(signer.verifier))
    return Exit.DONE


@audit.command("export")
@click.option("--from", "first", type=click.IntRange(0), default=0, metavar="NUMBER", help="Begin with this record.")
@store_options
def audit_export(*, first: int, config_file: Path | None, database: str | None) -> int:
    """Print the log, one record in a line, as it is stored and hashed.

    The first line holds the checkpoints: `audit verify --export` verifies the
    file without the database.

    \b
      sealauthz audit export > log.jsonl
    """
    count = -1
    with open_store(config_file, database) as store, store.plain_connection() as connection:
        for line in export_lines(connection, first):
            click.echo(line)  # noqa: TID251  bytes that are signed
            count += 1
    say(f"{count} records", err=True)
    return Exit.DONE


@audit.command("sequence")
@click.option("--follow", is_flag=True, help="Go on until the command is ended.")
@store_options
def audit_sequence(*, follow: bool, config_file: Path | None, database: str | None) -> int:
    """Give the records that wait their places in the log.

    `serve` does it by itself, unless `[audit] sequences` is false: then it is
    done here, in a process that has the key and answers nobody.

    \b
      sealauthz audit sequence --follow --config /etc/sealauthz-log.toml
    """
    config = read_config(config_file)
    with open_store(config_file, database) as store:
        if config.audit.folder is None:
            say("warning: without `audit.folder`, a rollback of the whole database cannot be seen", err=True)
        sequencer = audit_sequencer(config, store, say_reported)
        if not follow:
            sequencer.check()
            say(f"{sequencer.drain()} records got their places")
            return Exit.DONE
        # It goes on after any error: what it remembers of the log is what nobody else knows.
        sequencing, anchoring = Sequencing(sequencer, _say_failed), audit_anchoring(config, store, _say_failed)
        sequencing.start()
        anchoring.start()
        try:
            threading.Event().wait()
        finally:
            anchoring.stop()
            sequencing.stop()
        return Exit.DONE


def _say_failed(thread: Background, error: BaseException) -> None:
    say(f"{thread.name}: {error}", err=True)


def entry_json(entry: LogEntry) -> dict[str, Any]:
    """Return a record as JSON: what it says, and the text itself."""
    return {
        "number": entry.number,
        "logged_at": rfc3339(entry.logged_at),
        "decision_id": entry.decision_id,
        "kind": entry.kind,
        "at": rfc3339(entry.at),
        "caller": entry.caller,
        "subject": entry.subject,
        "action": entry.action,
        "resource": entry.resource,
        "effect": entry.effect,
        "reasons": list(entry.reasons),
        "record": entry.record,
    }


def _shown(name: str, value: Any) -> str:
    if name in ("at", "until") and isinstance(value, int | datetime.datetime):
        return instant(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
