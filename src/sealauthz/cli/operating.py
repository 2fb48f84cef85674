"""The commands on the database, and `demo`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.settings import database_url, open_store, read_config, store_options
from sealauthz.config import Config
from sealauthz.facts import upgrade
from sealauthz.facts.store.condition import condition_of
from sealauthz.facts.store.engine import shown
from sealauthz.facts.store.identity import INCOMPLETE, Restored
from sealauthz.facts.store.keeping import LEAST_DAYS
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.upgrading import upgrade_statements
from sealauthz.runtime.terminal import console, instant, show, table


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
            say("".join(f"{statement};\n" for statement in ("BEGIN", *statements, "COMMIT")), nl=False)
        return Exit.DONE
    revision = upgrade(url, model, drop_unused=drop_unused)
    say(f"{shown(url)} is at schema {revision}")
    for sign, some in (
        ("+", model.extension.without(there.extension)),
        ("-", there.extension.without(model.extension)),
    ):
        for each in some.declarations if sign == "+" or drop_unused else ():
            say(f"{sign} {each.key}: {each}")
    return Exit.DONE


@db.command()
@store_options
@output_option
def status(*, config_file: Path | None, database: str | None, output: str) -> int:
    """Show the schema and the history of the database.

    Exits with 1 where nothing is answered from it, and says why.

    \b
      sealauthz db status
    """
    found = condition_of(database_url(read_config(config_file, database), database), service_model())
    is_complete = found.restored_revision is None
    code = Exit.DONE if is_complete and not found.problems else Exit.REFUSED
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
        ("restored", "complete" if is_complete else f"at revision {found.restored_revision}, not complete"),
        ("request ids", str(found.requests)),
        ("open imports", str(found.open_imports)),
    ]
    show(console(), table(("", ""), rows))
    for problem in (*found.problems, *(() if is_complete else (INCOMPLETE,))):
        say(f"problem: {problem}")
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
    say(f"{pruned.revisions} revisions archived and pruned, {pruned.requests} request ids pruned")
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

    Run it after every restore. Facts can be written from then on, and nothing
    is answered: what was written after the backup is missing, and a hold or a
    lock may be among it. Write it again, then run `sealauthz db complete`.
    Revision tokens from before the restore are refused from then on, so that
    they cannot stand for new writes.

    \b
      sealauthz db restored --database postgresql://sealauthz@db/sealauthz
    """
    from sealauthz.audit.log import Log  # here, because most commands on the database need no log

    config = read_config(config_file, database)
    with open_store(config_file, database) as store:
        restored = store.announce_restore(Log(store).head().size)
    say(f"a new history begins at revision {restored.revision}; tokens of before are refused")
    _show_lost(config, restored)
    say("facts can be written, and nothing is answered: write again what is missing, then `sealauthz db complete`")
    return Exit.DONE


@db.command("complete")
@click.option("--by", required=True, metavar="NAME", help="Who says that the facts are complete.")
@click.option("-m", "--note", required=True, metavar="TEXT", help="Why; it stays in the log of decisions.")
@store_options
def db_complete(*, by: str, note: str, config_file: Path | None, database: str | None) -> int:
    """Say that a restored database is complete: questions are answered again.

    Nothing can tell what is still missing, so who says it and why goes into
    the log of decisions. Refused while an import is open, and where an
    enterprise breaks a rule that must always hold.

    \b
      sealauthz db complete --by lin -m "holds of 2 December are written again"
    """
    config = read_config(config_file, database)
    with open_store(config_file, database) as store:
        restored = store.complete_restore(by, note)
    if restored is None:
        raise Stop("no restore is incomplete: there is nothing to end", Exit.REFUSED)
    _show_lost(config, restored)
    say("the restore is complete: questions are answered again")
    return Exit.DONE


def _show_lost(config: Config, restored: Restored) -> None:
    """Print how many decisions a restore lost, as the newest checkpoint that was kept elsewhere shows."""
    from sealauthz.audit.anchoring import Folder
    from sealauthz.audit.posting import AnchorRefused

    try:
        kept = None if config.audit.folder is None else Folder(config.audit.folder).last()
    except AnchorRefused as error:
        say(f"how many decisions were lost is not known: {error}")
        return
    if kept is None:
        say("how many decisions were lost is not known: no checkpoint was kept in `audit.folder`")
        return
    lost = max(0, kept.size - restored.log_size)
    say(f"the log of the backup has {restored.log_size} records, and had {kept.size}: {lost} decisions were lost")


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
    from sealauthz.ops.demo.scenario import run

    return Exit.REFUSED if run(console()) else Exit.DONE
