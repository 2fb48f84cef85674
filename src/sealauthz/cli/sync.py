"""The command `sync`: brings facts from where they live, as a mapping declares."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit
from sealauthz.cli.bars import counting
from sealauthz.cli.completing import files_like
from sealauthz.cli.output import output_option, print_json
from sealauthz.cli.printing import say
from sealauthz.cli.records import line_of
from sealauthz.cli.settings import open_store, read_config, store_options
from sealauthz.facts import Put, Store
from sealauthz.runtime.terminal import console, show, table

if TYPE_CHECKING:
    from sealauthz.config import Config
    from sealauthz.ops.sync.mapping import SyncMapping
    from sealauthz.ops.sync.planning import Rejected, SyncPlan
    from sealauthz.ops.sync.rehearsal import AccessReport


@click.command()
@click.argument(
    "mapping_file",
    metavar="MAPPING",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    shell_complete=files_like(".toml"),
)
@click.option("--status", is_flag=True, help="Show up to where the last run read, and do nothing.")
@click.option("--dry-run", is_flag=True, help="Write nothing: rehearse on a copy of the facts.")
@click.option("--access", is_flag=True, help="With --dry-run: tell what would change in who may do what.")
@click.option(
    "--questions", type=click.IntRange(1), default=20_000, show_default=True, help="With --access: asked at most."
)
@click.option("--full", is_flag=True, help="Read every row, whatever was read before; needed to find what is gone.")
@click.option("--allow-empty", is_flag=True, help="Believe a source that has no row of a type any more.")
@click.option(
    "--state", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="What the last run left."
)
@click.option(
    "--rejected", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where rejected rows are told."
)
@click.option(
    "--write-facts", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="New facts, for an import."
)
@click.option(
    "--chunk", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="Changes in one transaction."
)
@output_option
@store_options
def sync(
    *,
    mapping_file: Path,
    status: bool,
    dry_run: bool,
    access: bool,
    questions: int,
    full: bool,
    allow_empty: bool,
    state: Path | None,
    rejected: Path | None,
    write_facts: Path | None,
    chunk: int,
    output: str,
    config_file: Path | None,
    database: str | None,
) -> int:
    """Bring facts from a database, CSV or JSON Lines, as MAPPING declares.

    Rows are made into records by the rules of the mapping, compared with what
    is stored, and only what differs is written. The same run again changes
    nothing. One that broke off is run again: what it has written stays, and is
    not written twice.

    A type with a `cursor` is read from where the last run came to; --full
    reads all of it, and so does a run without its state (MAPPING with
    .state.json by default). Only then can be told what is gone. Rows that do
    not fit, and those that the store refuses, are told in a file with their
    places and reasons (MAPPING with .rejected.jsonl), and the exit code is 1.

    \b
      sealauthz sync hr.toml --dry-run --access
      sealauthz sync hr.toml
      sealauthz sync hr.toml --full
      sealauthz sync hr.toml --status
      sealauthz sync first.toml --write-facts facts.jsonl --dry-run

    docs/sync.md explains the mapping.
    """
    if access and not dry_run:
        raise click.UsageError("--access needs --dry-run")
    config = read_config(config_file, database)
    # Here, because few commands need them.
    from sealauthz.cli.app import service_model
    from sealauthz.ops.sync.mapping import load_mapping
    from sealauthz.ops.sync.state import held

    mapping = load_mapping(mapping_file, service_model())
    state_file = state or mapping_file.with_suffix(".state.json")
    rejected_file = rejected or mapping_file.with_suffix(".rejected.jsonl")
    if status:
        with open_store(config_file, database) as store:
            return _show_status(output, mapping, store, state_file)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_store(config_file, database))
        stack.enter_context(held(state_file))
        run = _Run(store, mapping, state_file, chunk, full=full, allow_empty=allow_empty)
        found = run.plan()
        if write_facts is not None:
            _write_facts(write_facts, store, found)
        report = None
        if dry_run:
            report = run.rehearse(found, config, access=access, most=questions)
        else:
            run.write(found)
    _tell_rejected(rejected_file, found.rejected)
    _show(output, mapping, found, report, is_dry=dry_run)
    if found.rejected:
        say(f"{len(found.rejected)} rows are rejected: see {rejected_file}", err=True)
    return Exit.REFUSED if found.rejected else Exit.DONE


class _Run:
    """One run of a sync."""

    def __init__(
        self, store: Store, mapping: SyncMapping, state_file: Path, chunk: int, *, full: bool, allow_empty: bool
    ) -> None:
        from sealauthz.ops.sync.planning import Options
        from sealauthz.ops.sync.state import read_state

        self._store = store
        self._mapping = mapping
        self._state_file = state_file
        self._state = read_state(state_file)
        self._chunk = chunk
        self._options = Options(full, allow_empty)

    def plan(self) -> SyncPlan:
        """Read the source and compare it with what is stored."""
        from sealauthz.ops.sync.planning import plan
        from sealauthz.ops.sync.sources import opened

        with opened(self._mapping) as source:
            return plan(self._mapping, source, self._store, self._state, self._options)

    def write(self, found: SyncPlan) -> None:
        """Write it, and note how far this came."""
        from sealauthz.ops.sync.planning import key_of
        from sealauthz.ops.sync.state import write_state

        state = self._state
        if self._mapping.said.first_migration and state.migration == "":
            state.migration = "begun"
            state.store_id = self._store.store_id
            write_state(self._state_file, state)
        self._apply(self._store, found)
        if not state.is_of(self._store.store_id, found.timeline, found.revision):
            # Where a row is rejected no cursor comes in place of one of another history, and all is read again.
            state.cursors = {}
        # The history of the plan: what a restore takes away while this runs is read again.
        state.store_id, state.timeline = self._store.store_id, found.timeline
        state.revision = self._store.revision()
        for record in self._mapping.records:
            key = key_of(record)
            # A row that was refused is read again: the cursor stays before it.
            if key in found.cursors and not found.counts[record.said.type].rejected:
                state.note(key, found.cursors[key])
        if self._mapping.said.first_migration and not found.rejected:
            state.migration = "done"
        write_state(self._state_file, state)

    def _apply(self, store: Store, found: SyncPlan) -> None:
        from sealauthz.ops.sync.writing import Writing

        with counting("writing", len(found.changes)) as told:
            refused = Writing(store, f"sync:{self._mapping.said.name}", told).write(found.changes, self._chunk)
        found.rejected += refused
        for each in refused:
            found.counts[each.record_type].rejected += 1

    def rehearse(self, found: SyncPlan, config: Config, *, access: bool, most: int) -> AccessReport | None:
        """Write it into a copy, and tell what changes in access, if that is asked."""
        from sealauthz.ops.sync.rehearsal import Touched, access_changes, point_of, questions_about, rehearsed

        with rehearsed(self._store) as copy:
            touched = Touched(copy)
            self._apply(copy, found)
            if not access:
                return None
            from sealauthz.cli.active_policies import policies_at_hand
            from sealauthz.decision import system_clock

            bundle = policies_at_hand(self._store, config, None, "compiled").newest.bundle
            now = system_clock()
            with counting("deciding", None) as told:
                asked = questions_about(copy, touched.units)
                return access_changes(
                    point_of(self._store, bundle, now), point_of(copy, bundle, now), asked, most, told
                )


def _write_facts(file: Path, store: Store, found: SyncPlan) -> None:
    """Write the new facts as `facts import` takes them: personal text in plain, for the owner of the file only."""
    from sealauthz.ops.sync.state import write_whole

    puts = [planned.change.record for planned in found.changes if isinstance(planned.change, Put)]
    write_whole(file, "".join(f"{line_of(store.model, record, with_personal_data=True)}\n" for record in puts))
    say(f"{len(puts)} facts written to {file}", err=True)


def _tell_rejected(file: Path, rejected: list[Rejected]) -> None:
    from sealauthz.ops.sync.state import write_whole

    if not rejected and not file.exists():
        return
    lines = [
        json.dumps(
            {"place": each.place, "type": each.record_type, "id": each.record_id, "reason": each.reason},
            ensure_ascii=False,
        )
        for each in rejected
    ]
    write_whole(file, "".join(f"{line}\n" for line in lines))


def _show_status(output: str, mapping: SyncMapping, store: Store, state_file: Path) -> int:
    """Show up to where each record type was read, and whether the next run goes on from there."""
    from sealauthz.ops.sync.planning import key_of
    from sealauthz.ops.sync.state import read_state

    state = read_state(state_file)
    with store.read_transaction(may_be_incomplete=True) as transaction:
        is_of = state.is_of(store.store_id, transaction.timeline, transaction.revision)
    kept = [(r, state.cursors.get(key_of(r))) for r in mapping.records if r.said.cursor is not None]
    if output == "json":
        records = [{"type": r.said.type, "column": r.said.cursor, "read_up_to": at} for r, at in kept]
        print_json({"mapping": mapping.said.name, "goes_on": is_of, "migration": state.migration, "records": records})
        return Exit.DONE
    rows = [(r.said.type, r.said.cursor or "", "nothing" if at is None else str(at)) for r, at in kept]
    show(console(), table(("record", "cursor", "read up to"), rows))
    if not is_of:
        say("the next run reads everything: none has come to its end, or this is another database", err=True)
    return Exit.DONE


def _show(output: str, mapping: SyncMapping, found: SyncPlan, report: AccessReport | None, *, is_dry: bool) -> None:
    """Show what was done, or would be."""
    if output == "json":
        said: dict[str, Any] = {
            "mapping": mapping.said.name,
            "dry_run": is_dry,
            "records": {
                name: {field: getattr(counts, field) for field in counts.__dataclass_fields__}
                for name, counts in found.counts.items()
            },
            "notes": found.notes,
        }
        if report is not None:
            said["access"] = {
                "questions": report.questions,
                "is_cut": report.is_cut,
                "changes": [
                    {field: getattr(change, field) for field in change.__dataclass_fields__}
                    for change in report.changes
                ],
            }
        print_json(said)
        return
    fields = ("rows", "new", "changed", "gone", "same", "rejected")
    rows = [
        (name, "all" if counts.is_full else "new ones", *(str(getattr(counts, field)) for field in fields))
        for name, counts in found.counts.items()
    ]
    show(console(), table(("record", "read", *fields), rows))
    for note in found.notes:
        say(note, err=True)
    if report is not None:
        changed = [(c.subject, c.action, c.resource, c.before, c.after) for c in report.changes]
        if changed:
            show(console(), table(("subject", "action", "resource", "before", "after"), changed))
        left = "; more were not asked: see --questions" if report.is_cut else ""
        say(f"{len(changed)} answers change, of {report.questions} questions without context{left}", err=True)
    if is_dry:
        say("nothing was written", err=True)
