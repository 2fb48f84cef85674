"""The commands that follow: `progress`, how far something is, and `events`, what people must be told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from sealauthz.cli.answer_source import (
    Where,
    answer_source,
    connected,
    connection_options,
    outage_reporter,
    watched_address,
    where_options,
)
from sealauthz.cli.app import Exit
from sealauthz.cli.asking import Reference, print_answer
from sealauthz.cli.completing import record_types, references, subject_types
from sealauthz.cli.output import event_json, output_option, progress_json
from sealauthz.cli.printing import say
from sealauthz.runtime.terminal import progress_page


@click.command()
@click.argument("subject", type=Reference(), shell_complete=references(subject_types))
@click.argument("resource", type=Reference(), shell_complete=references(record_types))
@where_options
@output_option
def progress(*, subject: str, resource: str, where: Where, output: str) -> int:
    """How far is RESOURCE, as SUBJECT may see it?

    Of a join application, a request to use a seal, a signing task or a
    retrieval case: what is done, what is now, what comes next, whose turn it
    is, and what SUBJECT can do. Exits with 1 for a subject who may not look.

    \b
      sealauthz progress Person:p-lin JoinApplication:ja-lin
    """
    with answer_source(where) as source:
        found = source.progress(subject, resource, language=where.language or "")
    print_answer(output, progress_json(found), progress_page(f"{subject} {resource}", found))
    return Exit.DONE if found else Exit.REFUSED


@click.command()
@click.option("--after", metavar="TOKEN", default="", help="Begin behind this event; without it, with what is next.")
@click.option("--enterprise", "enterprises", metavar="ID", multiple=True, help="Only this enterprise; may be repeated.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Add texts for the person, in this language.")
@click.option("--server", metavar="HOST:PORT", help="The server to watch. [SEALAUTHZ_ADDRESS]")
@connection_options
def events(
    *,
    after: str,
    enterprises: tuple[str, ...],
    language: str | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
) -> int:
    """Print what people must be told, one JSON line for each event.

    A line holds the code, whom to tell, what it is about, and the token that
    resumes the watch behind it (--after). Resumes after an outage, until
    Ctrl-C, and says once per outage that the server cannot be reached.

    \b
      sealauthz events --server 127.0.0.1:8443 --insecure --language en
    """
    address = watched_address(server)
    with connected(address, token_file, ca, insecure) as client:
        watch = client.watch_events(after, enterprises, language=language or "", on_outage=outage_reporter(address))
        for event in watch:
            say(json.dumps(event_json(event), ensure_ascii=False))
            sys.stdout.flush()
    return Exit.DONE
