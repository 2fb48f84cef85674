"""What one command on a database decides with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sealauthz.cli.settings import bundle_cache, load_bundle
from sealauthz.decision.policies import Policies
from sealauthz.facts import Store
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.runtime.errors import BundleRefused

if TYPE_CHECKING:
    from sealauthz.config import Config
    from sealauthz.config.asked import Asked


def policies_at_hand(store: Store, config: Config | Asked, folder: Path | None, engine: str) -> Policies:
    """Return what a command decides with: the folder that an option names, or else what `serve` would.

    Raises BundleRefused, FactsUnavailable.
    """
    if folder is not None or engine != "compiled" or config.policies.source != "store":
        return Policies(load_bundle(config, folder, engine, store.model), obeys=False)
    kept = PolicyStore(store)
    activated = kept.activated()
    if not activated:
        return Policies(load_bundle(config, None, engine, store.model))
    # Here, because only few commands find any.
    from sealauthz.rollout import Archive, load_archive

    version = activated[-1].version
    bundle = load_archive(store.model, Archive.read(kept.proposal(version).content), bundle_cache())
    if bundle.version != version:
        raise BundleRefused(f"the archive holds policies `{bundle.version}`, not `{version}`")
    policies = Policies(None)
    policies.add(bundle)
    policies.serve(version)
    return policies
