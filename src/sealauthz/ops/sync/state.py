"""What a sync remembers between its runs, in a file that is whole or as it was: a crash leaves nothing in between."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sealauthz.ops.sync.cursors import Cursor
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable

_VERSION = 1


@dataclass(slots=True)
class SyncState:
    """Up to where each record type was read, in which store, and how far the first migration is."""

    store_id: str = ""
    revision: int = 0
    migration: Literal["", "begun", "done"] = ""
    cursors: dict[str, Cursor] = field(default_factory=dict)
    timeline: str = ""
    """The history of the store that the revision is of: a restore begins another one."""

    def cursor_of(self, key: str, store_id: str, timeline: str, revision: int) -> Cursor | None:
        """Return up to where rows were read; None where the store is another one, or one that was set back."""
        return self.cursors.get(key) if self.is_of(store_id, timeline, revision) else None

    def note(self, key: str, cursor: Cursor | None) -> None:
        """Note up to where rows were read; None where the next run reads all of them."""
        if cursor is None:
            self.cursors.pop(key, None)
        else:
            self.cursors[key] = cursor

    def is_of(self, store_id: str, timeline: str, revision: int) -> bool:
        """Tell whether a store holds what it held then: a restored one does not, however far it has come since."""
        return (self.store_id, self.timeline) == (store_id, timeline) and self.revision <= revision


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep other syncs with this state out. Raises FactsUnavailable where one is running."""
    lock = path.with_name(path.name + ".lock")
    try:
        file = lock.open("a")
    except OSError as error:
        raise ConfigRefused(f"`{lock}` cannot be written: the state of a sync needs a place") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FactsUnavailable(f"another sync with the state `{path}` is running") from None
        yield


def read_state(path: Path) -> SyncState:
    """Read a state; a fresh one where there is none. Raises ConfigRefused."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return SyncState()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"the state `{path}` cannot be read") from error
    try:
        return _state_of(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        said = "is not the state of a sync: take it away, and everything is read again"
        raise ConfigRefused(f"`{path}` {said}") from None


def _state_of(said: Any) -> SyncState:
    cursors = said["cursors"]
    state = SyncState(said["store_id"], said["revision"], said["migration"], cursors, said.get("timeline", ""))
    is_fine = (
        said["version"] == _VERSION
        and isinstance(state.store_id, str)
        and isinstance(state.timeline, str)
        and type(state.revision) is int
        and state.migration in ("", "begun", "done")
        and all(type(value) in (int, str) for value in cursors.values())
    )
    if not is_fine:
        raise ValueError
    return state


def write_state(path: Path, state: SyncState) -> None:
    """Write a state, so that it is there whole once this returns."""
    content = {
        "version": _VERSION,
        "store_id": state.store_id,
        "timeline": state.timeline,
        "revision": state.revision,
        "migration": state.migration,
        "cursors": state.cursors,
    }
    write_whole(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place, and put it there once it is on the disk. Only its owner may read it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
