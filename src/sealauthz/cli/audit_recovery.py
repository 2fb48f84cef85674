"""`audit resume` and `audit held`: how an operator goes on after the log was tampered with, or got another key."""

from __future__ import annotations

from pathlib import Path

import click

from sealauthz.audit.continuity import LogTampered
from sealauthz.audit.held import HeldRows
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.output import output_option, print_json, rfc3339
from sealauthz.cli.printing import say
from sealauthz.cli.settings import audit_sequencer, open_store, read_config, say_reported, store_options
from sealauthz.runtime.terminal import console, instant, show, table


@click.command("resume")
@store_options
def audit_resume(*, config_file: Path | None, database: str | None) -> int:
    """Accept the log as it is now, and sign it with the configured key.

    For a log that got its first key, another key or another name; and after
    the log was tampered with, once you know what happened, kept the evidence
    and restored what can be restored. Stop all processes that give places
    first: they remember the log of before. A record `Resumed` says what was
    accepted, and stays.

    Refused where the stored hashes are not those of the newest checkpoint, or
    that does not extend the newest one in `audit.folder`: move that folder
    aside, and keep it.

    \b
      sealauthz audit verify --checkpoint /mnt/kept
      sealauthz audit resume --config /etc/sealauthz-log.toml
    """
    config = read_config(config_file, database)
    with open_store(config_file, database) as store:
        try:
            accepted = audit_sequencer(config, store, say_reported).resume()
        except LogTampered as error:
            raise Stop(str(error), Exit.REFUSED) from error
    if accepted is None:
        say("there is nothing to resume: this log signed its newest checkpoint")
    else:
        say(f"the log goes on from its first {accepted.size} records; a record says so")
    return Exit.DONE


@click.command("held")
@click.option("--vouch", "which", metavar="ID", multiple=True, help="Vouch for the records of this row.")
@click.option("--vouch-all", is_flag=True, help="Vouch for the records of all rows.")
@store_options
@output_option
def audit_held(
    *, which: tuple[str, ...], vouch_all: bool, config_file: Path | None, database: str | None, output: str
) -> int:
    """List records that are held back, as no process of the service vouches for them.

    Somebody wrote them into the database, or a process without the key did:
    one of an earlier release, or without `audit.pending_key`. If you know
    that a process of yours wrote them, vouch for them: then they get their
    places. Deny others by leaving them: they are evidence.

    \b
      sealauthz audit held
      sealauthz audit held --vouch held-0199…
    """
    with open_store(config_file, database) as store:
        rows = HeldRows(store)
        if which or vouch_all:
            if not store.pending_key():
                raise Stop("no key is configured to vouch with: see `audit.pending_key`", Exit.WRONG_USE)
            count = rows.vouch(None if vouch_all else which)
            say(f"{count} rows wait for their places again")
            return Exit.DONE if vouch_all or count == len(set(which)) else Exit.REFUSED
        found = rows.all()
    if output == "json":
        print_json([{"id": row.id, "at": rfc3339(row.at), "records": row.records.split("\n")} for row in found])
        return Exit.DONE
    lines = [(row.id, instant(row.at), text) for row in found for text in row.records.split("\n")]
    show(console(), table(("id", "written at", "record"), lines))
    return Exit.DONE
