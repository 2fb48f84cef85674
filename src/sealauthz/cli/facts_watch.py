"""The command that follows what is written: `facts watch`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from google.protobuf import json_format

from sealauthz.cli.answer_source import connected, connection_options
from sealauthz.cli.app import Exit
from sealauthz.cli.record_type import RecordType
from sealauthz.client import CallFailed, Changes


@click.command("watch")
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
    address = server or os.environ.get("SEALAUTHZ_ADDRESS")
    if not address:
        raise click.UsageError("name the --server to watch, or set SEALAUTHZ_ADDRESS")

    def report_outage(failed: CallFailed) -> None:
        # What the server says has a reason; the text of grpc names sockets.
        why = failed.message if failed.reason else f"the server `{address}` cannot be reached"
        click.echo(f"{why}; trying again", err=True)

    with connected(address, token_file, ca, insecure) as client:
        for changes in client.watch_changes(after, types, enterprises, on_outage=report_outage):
            click.echo(_line_of_changes(changes))
            sys.stdout.flush()
    return Exit.DONE


def _line_of_changes(changes: Changes) -> str:
    entry = {
        "revision": changes.revision,
        "token": changes.revision_token,
        "committed_at": None if changes.committed_at is None else changes.committed_at.isoformat(),
        "changes": [json_format.MessageToDict(change, preserving_proto_field_name=True) for change in changes.changes],
    }
    return json.dumps(entry, ensure_ascii=False)
