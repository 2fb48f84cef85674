"""The policies of a folder, where they decide: read again at a reload, or, for development, whenever a file changes."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from pathlib import Path

from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache
from sealauthz.config import Config
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.inspection import inspect
from sealauthz.decision.policies import Policies
from sealauthz.rollout import Following
from sealauthz.runtime.background import Background, Failed
from sealauthz.schema import Model

_LOOKS_EVERY_S = 0.3
_JOIN_S = 5.0

Stamp = tuple[tuple[str, int, int], ...]
"""The files of a folder, with their sizes and when they were written."""


class FolderLoader:
    """Loads the policies of a folder, and gives the same bundle again while its files are the same and it is in use: a
    reload of something else costs neither the time nor the memory of a load.
    """

    def __init__(self, load: Callable[[Config], Bundle], key: Callable[[Config], str | None]) -> None:
        self._load = load
        self._key = key
        # Replaced as one: other threads read it.
        self._last: tuple[str | None, Callable[[], Bundle | None]] = None, lambda: None

    def __call__(self, config: Config) -> Bundle:
        """Return the bundle. Raises BundleRefused."""
        # Before the load: files that change meanwhile have another key the next time.
        key = self._key(config)
        last_key, last = self._last
        known = last() if key is not None and key == last_key else None
        if known is not None:
            return known
        bundle = self._load(config)
        self._last = key, weakref.ref(bundle)
        return bundle


class FolderPolicies:
    """The policies of the folder that an option or the configuration names, as far as they decide."""

    def __init__(self, policies: Policies, following: Following, load: Callable[[Config], Bundle]) -> None:
        self._policies = policies
        self._following = following
        self._load = load

    def read(self, config: Config) -> Bundle | None:
        """Load them; None where policies that were activated decide. Raises BundleRefused."""
        return self._load(config) if self._following.is_of_folder else None

    def use(self, bundle: Bundle) -> bool:
        """Have them decide from now on. Returns whether they are others than before: the same ones stay as they are."""
        before = self._policies.base
        if before is not None and before.version == bundle.version:
            return False
        self._policies.replace_base(bundle)
        return True


class Watching:
    """Looks at a folder, and has its policies decide when a file has changed. Start it once and stop it once.

    What is wrong with them is printed, and those of before go on.
    """

    def __init__(self, model: Model, folder: Path, folder_policies: FolderPolicies, failed: Failed) -> None:
        self._model = model
        self._folder = folder
        self._policies = folder_policies
        self._seen = self._served = stamp_of(folder)
        self.thread = Background("policies-folder", self._step, failed)

    def start(self) -> None:
        """Begin to look."""
        self.thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self.thread.stop()
        self.thread.join(_JOIN_S)

    def look(self) -> None:
        """Look once: what is still being written is waited for until it is as it was the last time."""
        before, self._seen = self._seen, stamp_of(self._folder)
        if self._seen != before or self._seen == self._served:
            return
        self._served = self._seen
        begun = time.monotonic()
        found = inspect(self._model, self._folder, bundle_cache())
        for each in found.diagnostics:
            say(f"{self._folder}/{each}")
        if found.bundle is None:
            say("these policies cannot be served; those of before go on")
        else:
            self._policies.use(found.bundle)
            say(f"policy {found.bundle.version} decides ({time.monotonic() - begun:.1f} s)")

    def _step(self) -> None:
        self.thread.rest(_LOOKS_EVERY_S)
        if not self.thread.is_stopping:
            self.look()


def stamp_of(folder: Path) -> Stamp:
    """Return what changes when a file of a folder does; nothing of one that is gone."""
    found = []
    for path in sorted([*folder.glob("*.polar"), *folder.glob("*.toml")]):
        try:
            status = path.stat()
        except OSError:  # gone since, which is a change
            continue
        found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)
