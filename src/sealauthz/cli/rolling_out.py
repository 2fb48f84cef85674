"""What `serve` decides with: the policies that are activated in the store, or those of a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sealauthz.cli.folder_policies import FolderLoader, FolderPolicies
from sealauthz.cli.settings import bundle_cache, load_bundle
from sealauthz.config import Config
from sealauthz.decision import PolicyDecisionPoint
from sealauthz.decision.bundle import Bundle, inputs_key
from sealauthz.decision.policies import Policies
from sealauthz.facts import FactCache, Store
from sealauthz.facts.store.shadows import ShadowStore
from sealauthz.policytools.diff.shadowing import Shadowing
from sealauthz.rollout import Archive, Following, Shipping, Signers, load_archive
from sealauthz.rollout.following import Report
from sealauthz.runtime.background import Failed
from sealauthz.runtime.collector import keep_again
from sealauthz.schema import Model


def policies_of(
    store: Store,
    fact_cache: FactCache,
    config: Config,
    folder: Path | None,
    engine: str,
    report: Report,
    failed: Failed,
    *,
    is_watching: bool = False,
) -> tuple[Policies, Following, FolderPolicies]:
    """Return the policies that a process decides with, and what keeps them ready, which is not started yet.

    Those that decide now are loaded; a process that cannot load what is activated serves nothing, and says why. Raises
    BundleRefused where the folder counts and cannot be served, as it does in any case where it `is_watching`.
    """
    obeys = config.policies.source == "store" and engine == "compiled" and not is_watching
    policies = Policies(None, obeys=obeys)
    # Loads happen in another thread, which knows nothing of the command and its model.
    load = partial(_load, store.model)
    load_base = FolderLoader(partial(_load_folder, store.model, folder, engine), partial(_key_of, store.model, folder))
    following = Following(store, fact_cache, policies, load, partial(load_base, config), report, failed)
    following.load_active()
    return policies, following, FolderPolicies(policies, following, load_base)


def shadowing_of(
    store: Store, fact_cache: FactCache, pdp: PolicyDecisionPoint, following: Following, report: Report, failed: Failed
) -> Shadowing:
    """Return what runs a candidate in the shadow of a process, which is not started yet."""

    def get(version: str) -> Bundle:
        known = pdp.policies.loaded.get(version)
        if known is not None:
            return known.bundle
        return _load(store.model, Archive.read(following.store.proposal(version).content))

    return Shadowing(ShadowStore(store), fact_cache, pdp, get, following.id, report, failed)


def shipping_of(store: Store, config: Config, served: Policies) -> Shipping:
    """Return what ships the policies of a store. Raises ConfigRefused for keys that cannot be used."""
    return Shipping(store, partial(_load, store.model), Signers(config.policies.signers), bundle_cache(), served)


def _load_folder(model: Model, folder: Path | None, engine: str, config: Config) -> Bundle:
    return load_bundle(config, folder, engine, model)


def _key_of(model: Model, folder: Path | None, config: Config) -> str | None:
    return inputs_key(model, folder or config.policies.folder)


def _load(model: Model, archive: Archive) -> Bundle:
    bundle = load_archive(model, archive, bundle_cache())
    # As at the start of `serve`: what stays is not to be looked through for garbage. But not for good: policies that
    # others took the place of, and facts that have changed since, would never be freed.
    keep_again()
    return bundle
