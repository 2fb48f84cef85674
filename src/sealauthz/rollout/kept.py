"""Policies of the past: those in use, those that are kept in the store, and the folder where nothing was activated.

What is loaded here decides nothing any more. So it may hold the product's files of another version, and read what the
database no longer holds: what is gone was empty when it went.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.folder import read_extension
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.store import Store
from sealauthz.rollout.archive import Archive
from sealauthz.runtime.errors import BundleRefused, PastUnknown, PolicyUnknown
from sealauthz.schema import ExtensionProblem, Model, extended

_IN_MEMORY = 3


class KeptPolicies:
    """The policies of a store by version. Any thread may use it.

    `at_hand` returns those that the process has anyway, or None, and `otherwise` what decides where nothing was ever
    activated: it may be the version that is asked for.
    """

    def __init__(
        self,
        store: Store,
        at_hand: Callable[[str], Bundle | None],
        cache: BundleCache | None = None,
        otherwise: Callable[[], Bundle] | None = None,
    ) -> None:
        self._otherwise = otherwise
        self._kept = PolicyStore(store)
        self._model = store.model
        self._at_hand = at_hand
        self._cache = cache
        self._lock = threading.Lock()
        self._loaded: dict[str, Bundle] = {}

    def of(self, version: str) -> Bundle:
        """Return the policies of a version. Raises PastUnknown where they are not kept or cannot be loaded."""
        found = self._at_hand(version)
        if found is not None:
            return found
        with self._lock:  # a load takes a second of the processor: two at a time would take two each
            if version not in self._loaded:
                while len(self._loaded) >= _IN_MEMORY:
                    del self._loaded[next(iter(self._loaded))]
                self._loaded[version] = self._load(version)
            return self._loaded[version]

    def archive(self, version: str) -> Archive | None:
        """Return all files of the policies of a version, if they are kept."""
        try:
            return Archive.read(self._kept.proposal(version).content)
        except PolicyUnknown:
            return None

    def _load(self, version: str) -> Bundle:
        try:
            archive = self.archive(version)
            if archive is None and self._otherwise is not None:
                found = self._otherwise()
                if found.version == version:
                    return found
            if archive is None:
                raise PastUnknown("POLICY_NOT_KEPT", f"policies `{version}` are not kept here")
            bundle = load_past(self._model, archive, self._cache)
        except BundleRefused as error:
            said = f"policies `{version}` cannot be loaded by this version of the service: {error}"
            raise PastUnknown("POLICY_NOT_LOADABLE", said) from error
        if bundle.version != version:
            raise PastUnknown("POLICY_CHANGED", f"what is kept as policies `{version}` is `{bundle.version}`")
        return bundle


def load_past(model: Model, archive: Archive, cache: BundleCache | None = None) -> Bundle:
    """Load the bundle of an archive to look back with. Raises BundleRefused."""
    with archive.unpacked() as layout:
        needs, _ = read_extension(layout)
        try:
            if model.extension.lacks(needs):
                model = extended(model, model.extension.and_(needs, "in the database", "in the policies"))
        except ExtensionProblem as error:
            raise BundleRefused(f"the model has it otherwise: {error}") from error
        return Bundle.load(model, layout, is_served=False, cache=cache)
