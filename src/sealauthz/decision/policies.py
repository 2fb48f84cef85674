"""Which policies decide: those that were activated last at the revision that an answer is of.

An answer of revision 7 is given by the policies that decided at revision 7, whatever was activated since: so no answer
mixes two, and each names policies that decided when its facts were so.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Protocol

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.facts.store.activations import Activated
from sealauthz.runtime.errors import PoliciesUnavailable


class Snapshot(Protocol):
    """The revision of an answer, and every activation up to it, and perhaps newer ones; None where nobody knows."""

    @property
    def revision(self) -> int:
        """The revision."""

    @property
    def activated(self) -> Sequence[Activated] | None:
        """The activations, the first one first."""


class Policies:
    """The bundles that a process has loaded, and which of them decides. Any thread may use it.

    `base` decides where nothing was activated; unless the process `obeys`, it always does. Without a base, nothing is
    answered then.
    """

    def __init__(self, base: Bundle | None, *, obeys: bool = True) -> None:
        self._base = None if base is None else ReasonCatalog(base)
        self.obeys = obeys
        self._loaded: Mapping[str, ReasonCatalog] = {}
        self._changing = threading.Lock()
        self._last = self._base

    def at(self, snapshot: Snapshot) -> ReasonCatalog:
        """Return what decides at the revision of a snapshot. Raises PoliciesUnavailable where it is not here."""
        revision = snapshot.revision  # first: what is added meanwhile is of a newer one
        activated = snapshot.activated
        if not activated or not self.obeys:
            if activated is None and self.obeys:
                raise PoliciesUnavailable("it is not known yet which policies decide")
            return self._of_base()
        newest = activated[-1]
        if newest.revision > revision:
            place = bisect_right(activated, revision, key=_revision_of)
            if place == 0:
                return self._of_base()
            newest = activated[place - 1]
        found = self._loaded.get(newest.version)
        if found is None:
            raise PoliciesUnavailable(f"policies `{newest.version}` decide, and this process does not have them yet")
        return found

    @property
    def newest(self) -> ReasonCatalog:
        """What `served` named last, for what is no decision."""
        if self._last is None:
            raise PoliciesUnavailable("this process has no policies yet")
        return self._last

    @property
    def base(self) -> Bundle | None:
        """The bundle that decides where nothing was activated."""
        return None if self._base is None else self._base.bundle

    @property
    def loaded(self) -> Mapping[str, ReasonCatalog]:
        """What this process could decide with once it is activated, by version."""
        return self._loaded

    def replace_base(self, bundle: Bundle) -> None:
        """Have another bundle decide where nothing was activated."""
        with self._changing:
            was_last = self._last is self._base
            self._base = ReasonCatalog(bundle)
            if was_last:
                self._last = self._base

    def add(self, bundle: Bundle) -> None:
        """Be ready to decide with a bundle once it is activated."""
        with self._changing:
            if bundle.version not in self._loaded:
                # Others read it without the lock: it is replaced, and never changed.
                self._loaded = {**self._loaded, bundle.version: ReasonCatalog(bundle)}

    def read_rules(self) -> None:
        """Read the rules that lists and explanations will ask for, so that none of them waits. Raises BundleRefused."""
        for catalog in (*self._loaded.values(), *([self._base] if self._base else [])):
            _ = catalog.bundle.statements

    def keep_only(self, versions: Sequence[str]) -> None:
        """Forget the bundles of other versions."""
        with self._changing:
            self._loaded = {version: self._loaded[version] for version in versions if version in self._loaded}

    def serve(self, version: str) -> None:
        """Take note that this version decides now; empty for that of the base."""
        with self._changing:
            found = self._loaded.get(version) if version and self.obeys else self._base
            self._last = found or self._last

    def _of_base(self) -> ReasonCatalog:
        if self._base is None:
            raise PoliciesUnavailable("this process has no policies yet")
        return self._base


def _revision_of(activated: Activated) -> int:
    return activated.revision
