"""What `serve` needs before it starts: one list, which `serve`, `doctor` and `config check` go through."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sealauthz.cli.app import service_model
from sealauthz.cli.measuring import trace_authority
from sealauthz.cli.settings import audit_signer, pending_key, person_assertions, receipt_issuer
from sealauthz.facts.store.engine import parse
from sealauthz.rollout.signatures import Signers
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service import is_loopback
from sealauthz.service.certificates import TlsCertificate

if TYPE_CHECKING:
    from sealauthz.config import Config

Place = tuple[str, ...]
"""A setting, by its section and its name."""


def unmet(config: Config, url: str, *, insecure: bool = False) -> Iterator[tuple[Place, str]]:
    """Yield each precondition that does not hold: its setting, and what is wrong.

    Files are read and nothing is connected to: whether the database and others outside are there is what `doctor` looks
    at. `insecure` is the switch of `serve`.
    """
    checks: tuple[tuple[Place, Callable[[], object]], ...] = (
        (("database", "url"), partial(parse, url)),
        (("server", "workers"), partial(_check_workers, config, url)),
        (("server", "listen"), partial(is_loopback, config.server.listen)),
        (("http", "listen"), partial(_check_http, config)),
        (("server", "tls_certificate"), partial(_check_certificate, config, insecure)),
        (("jwt", "issuers"), partial(config.caller_rights, service_model())),
        (("policies", "signers"), partial(Signers, config.policies.signers)),
        (("receipts", "keys"), partial(receipt_issuer, config)),
        (("assertions", "issuers"), partial(person_assertions, config)),
        (("audit", "key"), partial(audit_signer, config)),
        (("audit", "pending_key"), partial(_check_pending_key, config)),
        (("audit", "timestamp_roots"), partial(_check_time_stamps, config.audit.timestamp_roots)),
        (("traces", "endpoint"), partial(trace_authority, config.traces)),
    )
    for place, check in checks:
        try:
            check()
        except ConfigRefused as error:
            yield place, str(error)


def _check_workers(config: Config, url: str) -> None:
    count = config.server.workers
    if count > 1 and url.partition(":")[0] in ("sqlite", "sqlite+pysqlite"):
        raise ConfigRefused(f"{count} workers need PostgreSQL; SQLite is served from one process (`--workers 1`)")


def _check_http(config: Config) -> None:
    listen = config.http.listen
    if listen is None:
        return
    if importlib.util.find_spec("starlette") is None or importlib.util.find_spec("httptools") is None:
        raise ConfigRefused("`http.listen` needs more packages: install `sealauthz[http]`")
    if config.server.workers > 1 and listen.endswith(":0"):
        raise ConfigRefused("`http.listen`: with port 0 each worker would have a port of its own")


def _check_certificate(config: Config, insecure: bool) -> None:
    settings = config.server_settings(insecure=insecure)
    if settings.tls_certificate is not None and settings.tls_key is not None:
        TlsCertificate(settings.tls_certificate, settings.tls_key, settings.client_ca)


def _check_pending_key(config: Config) -> None:
    if config.audit.pending_key is not None:
        pending_key(config)


def _check_time_stamps(roots: Path | None) -> None:
    if roots is not None:
        from sealauthz.audit.timestamps import read_roots

        read_roots(roots)
