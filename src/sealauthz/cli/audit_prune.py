"""`audit prune`: records of long ago are dropped, and their hashes stay."""

from __future__ import annotations

from pathlib import Path

import click

from sealauthz.audit.retention import LEAST_DAYS, Retention
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.audit_verify import trusted_of, verifiers_of
from sealauthz.cli.moments import InstantType
from sealauthz.cli.printing import say
from sealauthz.cli.settings import audit_sequencer, open_store, read_config, say_reported, store_options
from sealauthz.facts.store.store import now_us
from sealauthz.runtime.errors import InvalidRequest

_DAY_US = 86_400_000_000


@click.command("prune")
@click.option(
    "--before",
    type=InstantType(),
    required=True,
    help=f"Prune what was logged before this, {LEAST_DAYS} days ago at least.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True),
    help="A checkpoint that was kept elsewhere, or a folder of them; without it, that of `audit.folder`.",
)
@click.option("--key", metavar="KEY", help="The log's public key, or a file of it; without it, the configured one.")
@click.option("--held", multiple=True, metavar="TYPE:ID", help="Keep what is about this, now and later. Repeat it.")
@click.option("--released", multiple=True, metavar="TYPE:ID", help="Hold what is about this no longer. Repeat it.")
@click.option("--dry-run", is_flag=True, help="Say what would be pruned, and prune nothing.")
@store_options
def audit_prune(
    *,
    before: int,
    checkpoint: Path | None,
    key: str | None,
    held: tuple[str, ...],
    released: tuple[str, ...],
    dry_run: bool,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Drop records of long ago, and keep their hashes.

    Proofs, checkpoints, exports and evidence that somebody has stay valid. What
    is dropped is first recorded in the log itself. Only records are dropped of
    which a checkpoint speaks that was kept elsewhere. What is held, such as for
    a dispute, keeps its records until it is released. Take an export before.

    \b
      sealauthz audit prune --before 2020-01-01 --checkpoint kept.txt --dry-run
      sealauthz audit prune --before 2020-01-01 --held Enterprise:e-yunshan
    """
    if before > now_us() - LEAST_DAYS * _DAY_US:
        raise click.UsageError(f"--before must be {LEAST_DAYS} days ago at least")
    for each in (*held, *released):
        if not all(each.partition(":")):
            raise click.UsageError(f"`{each}` is not of the form TYPE:ID")
    config = read_config(config_file, database)
    place = checkpoint or config.audit.folder
    if place is None:
        raise click.UsageError("what was not kept elsewhere is not pruned: give a --checkpoint")
    kept = max(trusted_of(place, verifiers_of(key, config_file)), key=lambda each: each.size)
    with open_store(config_file, database) as store:
        retention = Retention(store)
        try:
            plan = retention.plan(before, kept, held, released)
        except InvalidRequest as error:
            raise Stop(str(error), Exit.REFUSED) from error
        until, left, holds = plan.pruned
        keeps = f"; {left} are kept about {', '.join(sorted(holds))}" if holds else ""
        if dry_run:
            say(f"{plan.going} of the records before {until} would be pruned{keeps}")
            return Exit.DONE
        if not (plan.going or held or released):
            say("there is nothing to prune")
            return Exit.DONE
        if not retention.is_announced(plan):
            retention.announce(plan)
            if config.audit.sequences:
                audit_sequencer(config, store, say_reported).drain()
        if not retention.is_announced(plan):
            raise Stop("the record of it waits for its place (`audit sequence`): run this again then", Exit.REFUSED)
        say(f"{retention.prune(plan)} records were pruned{keeps}")
    return Exit.DONE
