"""The commands `db upgrade`, `db restored` and `demo`."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import make_url

from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.settings import database_url, open_store, read_config, store_options
from sealauthz.facts import upgrade
from sealauthz.terminal import console


@click.group()
def db() -> None:
    """Work with the database."""


@db.command("upgrade")
@store_options
def db_upgrade(*, config_file: Path | None, database: str | None) -> int:
    """Upgrade the database to the newest schema.

    Creates the SQLite file if there is none. Safe to run again.

    \b
      sealauthz db upgrade --database sqlite:///facts.db
    """
    url = database_url(read_config(config_file), database)
    revision = upgrade(url, service_model())
    click.echo(f"{make_url(url).render_as_string()} is at schema {revision}")
    return Exit.DONE


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

    Starts a service on a temporary database, asks it over gRPC and prints
    each question with its answer. Exits with 1 if any answer is unexpected.
    Needs nothing and leaves nothing behind.

    \b
      sealauthz demo
      sealauthz demo | less
    """
    from sealauthz.demo.scenario import run

    return Exit.REFUSED if run(console()) else Exit.DONE
