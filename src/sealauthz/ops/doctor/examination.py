"""The whole examination: which checks there are, in the order in which one rests on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from sealauthz.config import Config
from sealauthz.config.explaining import report_of, unreachable
from sealauthz.decision.bundle import Bundle, EngineKind
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.facts import Store
from sealauthz.ops.doctor.database import look_at_clock, look_at_database, look_at_disk
from sealauthz.ops.doctor.files import look_at_certificates, look_at_keys
from sealauthz.ops.doctor.findings import Check, Finding, Found, Level, run
from sealauthz.ops.doctor.outside import look_at_collector, look_at_issuer, look_at_metrics, look_at_sinks
from sealauthz.ops.doctor.store import (
    look_at_active,
    look_at_announcements,
    look_at_imports,
    look_at_log,
    look_at_processes,
    look_at_restore,
)
from sealauthz.ops.doctor.syncs import look_at_sync
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Model

POLICIES_LIMIT_S = 90.0
"""To load policies that nobody has loaded before takes seconds of computing, and more on a busy machine."""


def examine(
    config: Config,
    model: Model,
    url: str,
    config_file: Path | None,
    cache: BundleCache | None,
    syncs: Sequence[Path] = (),
) -> Iterator[Finding]:
    """Look at everything and yield what is found, as it is found. `syncs` are the files of mappings that are run."""
    issuers = [
        Check("issuers", partial(look_at_issuer, name, issuer))
        for name, issuer in config.jwt.issuers.items()
        if "://" in issuer.keys
    ]
    for check in (
        Check("callers", partial(look_at_callers, config, model)),
        Check("keys", partial(look_at_keys, config, config_file)),
        Check("certificates", partial(look_at_certificates, config)),
        *issuers,
        Check("traces", partial(look_at_collector, config)),
        Check("metrics", partial(look_at_metrics, config)),
        Check("policies", partial(look_at_policies, config, model, cache), POLICIES_LIMIT_S),
    ):
        yield from run(check)
    before = run(Check("database", partial(look_at_database, url, model, config.server.workers)))
    yield from before
    if any(finding.level is Level.PROBLEM for finding in before):
        said = "nothing that needs the database was looked at: clock, disk, policies, processes, imports, log and syncs"
        yield Finding("database", Level.WARNING, said, "mend the database first, then ask again")
        return
    yield from run(Check("clock", partial(look_at_clock, url, model)))
    yield from run(Check("disk", partial(look_at_disk, url)))
    in_store: list[tuple[str, Callable[[Store], Found], float]] = [
        ("activated", lambda store: look_at_active(store, config, cache), POLICIES_LIMIT_S),
        ("processes", look_at_processes, 20.0),
        ("announcements", look_at_announcements, 20.0),
        ("restore", look_at_restore, 20.0),
        ("imports", lambda store: look_at_imports(store, config.facts.import_lease_s), 20.0),
        ("log", lambda store: look_at_log(store, config), 20.0),
        ("sinks", lambda store: look_at_sinks(store, config), 20.0),
        *(("sync", partial(look_at_sync, mapping_file=each), 20.0) for each in syncs),
    ]
    for area, look, limit_s in in_store:
        yield from run(Check(area, partial(_in_store, url, model, look), limit_s))


def look_at_policies(config: Config, model: Model, cache: BundleCache | None) -> Found:
    """Load the policies of the folder, or the installed ones."""
    where = f"`{config.policies.folder}`" if config.policies.folder else "those installed"
    try:
        bundle = Bundle.load(model, config.policies.folder, EngineKind.COMPILED, cache=cache)
    except BundleRefused as error:
        yield Level.PROBLEM, f"{where} cannot be served: {error}", "`sealauthz policy check` shows each error"
        return
    yield Level.OK, f"{where}: version `{bundle.version}`", ""
    if count := len(bundle.warnings):
        said = f"{where} have {count} warning{'s' * (count > 1)}, the first: {bundle.warnings[0].message}"
        yield Level.WARNING, said, "`sealauthz policy check` shows each with its place"


def look_at_callers(config: Config, model: Model) -> Found:
    """Look for callers that can do nothing. That two have the same token is refused when a configuration is read."""
    if not config.callers:
        yield Level.WARNING, "the configuration names no callers, so nobody can ask", "docs/configuration.md, Callers"
        return
    warned = []
    for name, section in sorted(config.callers.items()):
        report = report_of(config, model, name)
        of_name = f"`sealauthz callers explain {name}`"
        if not report.rpcs or report.tenants == ():
            lacks = "RPC" if not report.rpcs else model.units.tenant.lower()
            yield Level.WARNING, f"`{name}` can do nothing: it has no {lacks}", of_name
        elif unknown := list(unreachable(config, section)):
            yield Level.WARNING, f"`{name}`: {unknown[0]}", of_name
        elif report.warnings:
            warned.append(name)
    if warned:
        names = ", ".join(f"`{name}`" for name in warned)
        said = f"{len(config.callers)} are known; of the tables of {names} there is something to say"
        yield Level.OK, said, f"`sealauthz callers explain {warned[0]}`"
    else:
        yield Level.OK, f"{len(config.callers)} are known", ""


def _in_store(url: str, model: Model, look: Callable[[Store], Found]) -> Found:
    """Look into the store, on connections of this check's own: one that hangs is in the way of none."""
    store = Store.open(url, model)
    try:
        yield from look(store)
    finally:
        store.close()
