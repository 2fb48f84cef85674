"""Checks of syncs: whether each comes to its end, from where the next one goes on, and what it left out."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

from sealauthz.facts import Store
from sealauthz.ops.doctor.findings import Found, Level
from sealauthz.ops.sync.cursors import read_cursor
from sealauthz.ops.sync.mapping import SyncMapping, load_mapping
from sealauthz.ops.sync.planning import key_of
from sealauthz.ops.sync.state import SyncState, held, read_state
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable

STANDS_STILL_S = 86_400.0
"""A sync that has not come to its end for so long no longer brings what changes."""


def look_at_sync(store: Store, mapping_file: Path) -> Found:
    """Look at what a sync has left beside its mapping. It is not run. Raises FactsUnavailable."""
    try:
        mapping = load_mapping(mapping_file, store.model)
        state_file = mapping_file.with_suffix(".state.json")
        state = read_state(state_file)
    except (ConfigRefused, OSError) as error:
        said = str(error) if isinstance(error, ConfigRefused) else f"`{mapping_file}` cannot be read"
        yield Level.PROBLEM, said, "`sealauthz sync MAPPING --dry-run` shows what is wrong"
        return
    name, is_running = f"`{mapping.said.name}`", _is_running(state_file)
    if not state.store_id:
        yield Level.WARNING, f"{name} has not come to an end yet", f"`sealauthz sync {mapping_file}`"
        return
    yield from _state(store, state_file, state, name, is_running=is_running)
    yield from _cursors(mapping, state, name)
    yield from _rejected(mapping_file.with_suffix(".rejected.jsonl"), name)


def _state(store: Store, file: Path, state: SyncState, name: str, *, is_running: bool) -> Found:
    age_s = max(0.0, time.time() - file.stat().st_mtime)
    ended = f"{name} came to its end {_age(age_s)} ago"
    if is_running and age_s > STANDS_STILL_S:
        todo = "it may be stuck: see what it waits for, or end that process; the next one goes on from where it came to"
        yield Level.WARNING, f"{ended}, and one is running", todo
    elif age_s > STANDS_STILL_S:
        yield Level.WARNING, f"{ended}: what changes is not brought", "run it regularly (docs/sync.md)"
    else:
        yield Level.OK, ended + (", and one is running" if is_running else ""), ""
    with store.read_transaction(may_be_incomplete=True) as transaction:
        is_of = state.is_of(store.store_id, transaction.timeline, transaction.revision)
    if not is_of:
        said = f"{name}: its state is of another database, or of one that was restored since"
        yield Level.WARNING, said, "the next run reads everything; is this the right database?"
    if state.migration == "begun" and not is_running:
        yield Level.WARNING, f"{name}: its first migration has begun, and has not come to its end", "run it again"


def _cursors(mapping: SyncMapping, state: SyncState, name: str) -> Found:
    for record in mapping.records:
        if record.said.cursor is None:
            continue
        what = f"{name} reads `{record.said.type}`"
        kept = state.cursors.get(key_of(record))
        if kept is None:
            said = f"{what} from the start each time: rows are rejected, or the mapping is another one"
            yield Level.WARNING, said, "see the rejected rows; `sealauthz sync MAPPING --status`"
            continue
        at = read_cursor(kept)
        if not isinstance(at, datetime.datetime):
            yield Level.OK, f"{what} from {kept} on", ""
            continue
        age_s = (datetime.datetime.now(datetime.UTC) - at).total_seconds()
        if age_s < 0:
            said = f"{what} from {kept} on, which is still to come: what changes until then is passed over"
            yield Level.WARNING, said, "correct the clock of the source, then `sealauthz sync MAPPING --full`"
        else:
            yield Level.OK, f"{what} from {kept} on, {_age(age_s)} ago", ""


def _rejected(file: Path, name: str) -> Found:
    try:
        with file.open("rb") as rows:
            count = sum(1 for _ in rows)
    except FileNotFoundError:
        return
    if count:
        yield Level.WARNING, f"{name}: {count} rows were rejected by the last run", f"`{file}` tells why, row by row"


def _is_running(state_file: Path) -> bool:
    """Tell whether a sync holds this state now. Where nobody ever did, there is no lock, and none is made."""
    if not state_file.with_name(state_file.name + ".lock").exists():
        return False
    try:
        with held(state_file):
            return False
    except (FactsUnavailable, ConfigRefused):  # somebody holds it, or this user may not: then it is not told
        return True


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
