"""Telling those who follow a store, in its own process, what was committed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.facts.store.acting import Since
from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.identity import Identity, Seen
from sealauthz.facts.store.writing import Write
from sealauthz.schema import Unit


@dataclass(frozen=True, slots=True)
class Commit:
    """A revision that this process has just written or been answered with: in which history, and what marks it.

    `before` is what marked the newest revision until then; `units` are those that it changed, none if nothing was, and
    `images` tell what it changed in which records, as `history` reads them.
    """

    timeline: str
    revision: int
    mark: tuple[Any, ...]
    before: tuple[Any, ...]
    units: frozenset[Unit]
    images: Sequence[Mapping[str, Any]] = ()
    since: Since | None = None
    """What others have changed before it, as far as that is known."""


class Commits:
    """Those who follow a store, and what they are told."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._observers: list[weakref.WeakMethod[Callable[[Commit], None]]] = []

    def follow(self, observer: Callable[[Commit], None]) -> None:
        """Call a method with each commit. This does not keep its object alive."""
        self._observers = [reference for reference in self._observers if reference() is not None]
        self._observers.append(weakref.WeakMethod(observer))

    def tell(self, write: Write, wanted: Wanted, receipt: WriteReceipt) -> None:
        """Tell those who follow this store what was committed."""
        is_ours = write.is_revision or receipt.is_replay
        mark = (receipt.at, wanted.batch.caller, wanted.batch.request_id) if is_ours else write.before
        if write.is_revision:  # else the revision is another's, and so is its mark
            self._identity.wrote(Seen(receipt.timeline, receipt.revision, mark))
        since = write.since if write.is_revision else None
        self._announce(Commit(receipt.timeline, receipt.revision, mark, write.before, write.units, write.images, since))

    def _announce(self, commit: Commit) -> None:
        for reference in self._observers:
            observer = reference()
            if observer is not None:
                observer(commit)
