"""The commands on the database, and `demo`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy import make_url

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.settings import database_url, open_store, read_config, store_options
from sealauthz.facts import upgrade
from sealauthz.facts.store.condition import condition_of
from sealauthz.facts.store.keeping import LEAST_DAYS
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.upgrading import upgrade_statements
from sealauthz.terminal import console, instant, show, table


@click.group()
def db() -> None:
    """Work with the database."""


@db.command("upgrade")
@click.option("--sql", "as_sql", is_flag=True, help="Print the statements for this database instead; change nothing.")
@click.option(
    "--policies",
    "folders",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    multiple=True,
    help="Add what the model.toml of these policies declares; may be repeated.",
)
@click.option(
    "--drop-unused",
    is_flag=True,
    help="Take away what was added and none of the FOLDERs declares; refused while records hold values in it.",
)
@store_options
def db_upgrade(
    *, as_sql: bool, folders: tuple[Path, ...], drop_unused: bool, config_file: Path | None, database: str | None
) -> int:
    """Upgrade the database to the newest schema.

    Creates the SQLite file if there is none. Safe to run again. With --sql
    the statements are run and rolled back, because some depend on the rows
    that are there: the tables are locked meanwhile.

    Policies that add columns or records to the model (docs/extending.md) need
    them in the database before they can be served: name their folder. What was
    added stays until --drop-unused.

    \b
      sealauthz db upgrade --database sqlite:///facts.db
      sealauthz db upgrade --policies policies/
      sealauthz db upgrade --sql > upgrade.sql
    """
    from sealauthz.decision.folder import model_for

    url = database_url(read_config(config_file, database), database)
    there = service_model()
    model = model_for(there, *folders)
    if as_sql:
        statements = upgrade_statements(url, model, drop_unused=drop_unused)
        if statements:
            click.echo("".join(f"{statement};\n" for statement in ("BEGIN", *statements, "COMMIT")), nl=False)
        return Exit.DONE
    revision = upgrade(url, model, drop_unused=drop_unused)
    click.echo(f"{make_url(url).render_as_string()} is at schema {revision}")
    for sign, some in (
        ("+", model.extension.without(there.extension)),
        ("-", there.extension.without(model.extension)),
    ):
        for each in some.declarations if sign == "+" or drop_unused else ():
            click.echo(f"{sign} {each.key}: {each}")
    return Exit.DONE


@db.command()
@store_options
@output_option
def status(*, config_file: Path | None, database: str | None, output: str) -> int:
    """Show the schema and the history of the database.

    Exits with 1 where this version answers nothing from it, and says why.

    \b
      sealauthz db status
    """
    found = condition_of(database_url(read_config(config_file, database), database), service_model())
    code = Exit.REFUSED if found.problems else Exit.DONE
    if output == "json":
        said = asdict(found)
        for name in ("revision_at", "oldest_revision_at"):
            said[name] = instant(said[name])
        print_json(said)
        return code
    rows = [
        ("schema", found.schema or "none"),
        ("newest schema", found.newest_schema),
        ("pending", ", ".join(found.pending) or "none"),
        ("added by policies", ", ".join(found.added) or "nothing"),
        ("revision", f"{found.revision}, {instant(found.revision_at)}"),
        ("history since", f"{found.oldest_revision}, {instant(found.oldest_revision_at)}"),
        ("request ids", str(found.requests)),
        ("open imports", str(found.open_imports)),
    ]
    show(console(), table(("", ""), rows))
    for problem in found.problems:
        click.echo(f"problem: {problem}")
    return code


@db.command("prune")
@click.option(
    "--keep-days", type=click.IntRange(LEAST_DAYS), required=True, metavar="N", help=f"At least {LEAST_DAYS}."
)
@click.option(
    "--archive",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append the history that is pruned to this file, a line of JSON each revision; without it, no history is.",
)
@store_options
def db_prune(*, keep_days: int, archive: Path | None, config_file: Path | None, database: str | None) -> int:
    """Prune request ids, and history into an archive.

    A request id that was pruned may be used again. A watcher that was away
    for longer than the history begins again. What is in the archive is not
    in the database any longer; a broken-off run may archive a revision twice.

    \b
      sealauthz db prune --keep-days 90
      sealauthz db prune --keep-days 400 --archive history.jsonl
    """
    with ExitStack() as stack:
        store = stack.enter_context(open_store(config_file, database))
        keep = None if archive is None else _archive_to(stack.enter_context(archive.open("a", encoding="utf-8")))
        pruned = store.prune(now_us() - keep_days * 86_400_000_000, keep)
    click.echo(f"{pruned.revisions} revisions archived and pruned, {pruned.requests} request ids pruned")
    return Exit.DONE


def _archive_to(file: TextIO) -> Callable[[Sequence[str]], None]:
    def keep(lines: Sequence[str]) -> None:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())

    return keep


@db.command("restored")
@store_options
def db_restored(*, config_file: Path | None, database: str | None) -> int:
    """Say that the database was restored from a backup.

    Run it after every restore, once the database is complete: until then
    services answer UNAVAILABLE. What was written after the backup is gone.
    Revision tokens from before the restore are refused from then on, so that
    they cannot stand for new writes.

    \b
      sealauthz db restored --database postgresql://sealauthz@db/sealauthz
    """
    with open_store(config_file, database) as store:
        store.begin_new_timeline()
        revision = store.revision()
    click.echo(f"a new history begins at revision {revision}; tokens of before are refused")
    return Exit.DONE


@click.command()
def demo() -> int:
    """Walk through the founding story, against a real service.

    Starts a service on a temporary database, has it perform what people do,
    over gRPC, and prints each act with its answer and with whom it tells.
    Exits with 1 if any answer is unexpected. Needs nothing and leaves nothing
    behind.

    \b
      sealauthz demo
      sealauthz demo | less
    """
    from sealauthz.demo.scenario import run

    return Exit.REFUSED if run(console()) else Exit.DONE
