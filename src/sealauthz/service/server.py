"""The server: the services on one port, over TLS or, on loopback only and only when asked for, in plain text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from sealauthz.audit.as_of import AsOf
from sealauthz.audit.recorder import Recorder
from sealauthz.decision import PolicyDecisionPoint, system_clock
from sealauthz.facts import Store
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.memory.signal import Signal
from sealauthz.observability.log import Log, make_log
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter
from sealauthz.observability.tracing.tracer import Tracer
from sealauthz.policytools.diff.shadowing import Shadows
from sealauthz.rollout import Shipping, load_archive
from sealauthz.rollout.kept import KeptPolicies
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service import arrivals
from sealauthz.service.audit import AuditServicer
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.callers import SERVICES, Callers
from sealauthz.service.certificates import CertificateWatch, TlsCertificate
from sealauthz.service.events import EventsServicer
from sealauthz.service.facts import FactsServicer
from sealauthz.service.health import Readiness
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.monitoring import MonitorServicer
from sealauthz.service.operations import Acts, OperationsServicer, PublicKeys, no_keys
from sealauthz.service.policies import PolicyServicer, Ships
from sealauthz.service.pools import HEALTH, Pools
from sealauthz.service.reception import Reception
from sealauthz.service.recording import Recording
from sealauthz.service.watching import Watches
from sealauthz_client.v1 import (
    audit_pb2_grpc,
    authorization_pb2_grpc,
    events_pb2_grpc,
    facts_pb2_grpc,
    monitor_pb2_grpc,
    operations_pb2_grpc,
    policy_pb2_grpc,
)

if TYPE_CHECKING:
    from sealauthz.service.http.serving import Http

MAX_RECEIVE_BYTES = 4 * 1024 * 1024

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.max_connection_age_ms", 600_000),  # so that connections spread again after a restart
    ("grpc.max_connection_age_grace_ms", 30_000),
)
"""How gRPC serves, besides whether the port is shared and how many calls a connection takes."""

_LEAST = 100
"""HTTP/2 recommends that a connection takes as many calls at once, or more: streams hold theirs for long."""

_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How to serve. `listen` is `host:port`; port 0 takes a free one. TLS needs certificate and key as PEM files.
    With `client_ca`, files of authorities, each connection must show a certificate of theirs, and is its caller's.

    `threads` and `max_concurrent_calls` are those of what is decided from memory. `caller_share` is the part of them
    of a caller without a share of its own. `shares_port`: other processes of the same service listen on the port too.
    `http_listen` is where the RPCs are served over HTTP as well, with the same TLS; None for nowhere.
    """

    listen: str = "127.0.0.1:8443"
    is_insecure: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: tuple[Path, ...] = ()
    has_reflection: bool = False
    threads: int = 8
    max_concurrent_calls: int = 512
    transaction_threads: int = 16
    max_transactions: int = 128
    max_streams: int = 256
    caller_share: float = 0.5
    health_interval_s: float = 2.0
    shares_port: bool = False
    http_listen: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was built and is started and stopped once."""

    port: int
    _server: grpc.Server
    _readiness: Readiness
    _watches: Watches
    _interceptor: Interceptor
    _pools: Pools
    _certificate: TlsCertificate | None
    _certificate_watch: CertificateWatch | None
    _reception: Reception
    _http: Http | None = None

    @property
    def http_port(self) -> int | None:
        """The port of HTTP; None if the RPCs are served over gRPC only."""
        return None if self._http is None else self._http.listener.port

    def sample(self, instruments: Instruments) -> None:
        """Set the gauges of what the server does now."""
        for pool in self._pools.all:
            instruments.pool_calls.labels(pool.name).set(pool.calls)
            instruments.pool_room.labels(pool.name).set(pool.max_calls)
        instruments.unreceived.set(self._reception.take_longest_unseen())
        instruments.watchers.set(self._watches.count)
        instruments.serving.set(self._readiness.servicer.is_serving)
        instruments.incomplete.set(self._readiness.is_incomplete)
        instruments.database_latency.set(self._readiness.latency_s)
        if self._certificate is not None:
            instruments.certificate_end.set(self._certificate.ends_at)
        for thread in self._readiness.threads:
            instruments.failing_threads.labels(thread.name).set(thread.is_failing)

    @property
    def threads(self) -> tuple[Background, ...]:
        """The threads of the background, those that were given to `build` among them."""
        return self._readiness.threads

    def start(self) -> None:
        """Take calls; health is SERVING once the facts can be read."""
        self._watches.start()
        self._server.start()
        self._reception.start()
        if self._http is not None:
            self._http.start()
        self._interceptor.standing.start()
        if self._certificate_watch is not None:
            self._certificate_watch.thread.start()
        self._readiness.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the server has stopped; False if it has not after the timeout."""
        return not self._server.wait_for_termination(timeout_s)

    def reload(self, callers: Callers) -> bool:
        """Know these callers from now on, and serve new connections with what the certificate's files hold now.

        Returns whether the certificate is another. Raises ConfigRefused, and changes nothing, if it cannot be used.
        """
        is_new = self._certificate is not None and self._certificate.reload()
        self._interceptor.know(callers)
        return is_new

    def stop(self, grace_s: float = 5.0) -> None:
        """Say NOT_SERVING, end the streams, take no more calls, and let those under way finish within the grace."""
        self._readiness.stop()
        if self._certificate_watch is not None:
            self._certificate_watch.thread.stop()
        self._interceptor.end_streams()
        if self._http is not None:
            self._http.listener.stop(grace_s)
        self._server.stop(grace_s).wait()
        if self._http is not None:
            self._http.close()
        self._readiness.close()
        self._watches.stop()
        self._reception.close()
        self._pools.close()
        self._interceptor.close()


def build(
    settings: ServerSettings,
    callers: Callers,
    store: Store,
    pdp: PolicyDecisionPoint,
    acts: Acts,
    log: Log | None = None,
    signal: Signal | None = None,
    permits: ReadPermits | None = None,
    threads: Iterable[Background] = (),
    keys: PublicKeys = no_keys,
    problem: Callable[[], str] = lambda: "",
    meter: Meter | None = None,
    recorder: Recorder | None = None,
    shipping: Ships | None = None,
    tracer: Tracer | None = None,
    beside: Iterable[Background] = (),
) -> Server:
    """Build a server that holds its port and does not take calls yet. Raises ConfigRefused.

    `acts` performs them (`operations.Operations`), and `keys` returns the key set that verifies their receipts.
    `signal` announces new revisions (`FactCache.signal`), so that watchers get them at once; without it they poll.
    `permits` are the read permits of the fact cache (`FactCache.permits`): while an answer waits for one, another takes
    its thread. `threads` are those of the background that answers rest on, besides the server's own: while one
    fails, health is NOT_SERVING, and while there is a `problem`; `beside` are those that no answer rests on.
    `meter` is left a note of each decision, and `recorder` records what is answered; without it nothing is.
    `shipping` ships policies. `tracer` keeps the traces of calls.
    """
    log = log or make_log()
    pools = Pools(
        settings.threads,
        settings.max_concurrent_calls,
        settings.transaction_threads,
        settings.max_transactions,
        settings.max_streams,
    )
    if permits is not None:
        permits.step_aside = pools.answers.aside
    interceptor = Interceptor(callers, log, pools, tracer)
    # Unless the port is shared on purpose, a second server on it is an error, and not half of the calls.
    options = (
        *OPTIONS,
        ("grpc.so_reuseport", int(settings.shares_port)),
        # Further calls of a connection wait at the client instead of being refused here. Calls that have ended are not
        # counted until grpcio has let go of them: a client that sends its next at once would be refused for those.
        ("grpc.http.overload_protection", 0),
        ("grpc.max_concurrent_streams", max(int(settings.max_concurrent_calls * settings.caller_share), _LEAST)),
    )
    # The interceptor names the pool of each method; this one is for methods without a handler.
    server = grpc.server(pools.answers, interceptors=[interceptor], options=options)
    signal = signal or Signal()
    watches = Watches(store, signal, log)
    recording = Recording() if recorder is None else Recording(recorder, pools.answers.aside, pdp.bundle_of)
    authorization = AuthorizationServicer(pdp, store.store_id, log, meter, recording)
    facts = FactsServicer(store, watches)
    operations = OperationsServicer(acts, pdp, store.store_id, keys, meter, recording)
    events = EventsServicer(store, pdp, signal)
    monitor = MonitorServicer(store, pdp, signal, recording)
    policies = PolicyServicer(
        shipping or Shipping(store, partial(load_archive, store.model)), Shadows(store, system_clock)
    )
    as_of = AsOf(store, KeptPolicies(store, pdp.bundle_of).of)
    if reason := arrivals.problem():
        raise ConfigRefused(f"grpcio {grpc.__version__} hands over calls in a way that is not known: {reason}")
    reception = Reception(server, interceptor, log)
    port, certificate = _listen(server, settings)
    interceptor.peers = None if certificate is None else certificate.peers
    http = _http(settings, interceptor, log, certificate)
    waiting = [interceptor.thread, interceptor.standing, reception.thread]
    if http is not None:
        waiting += http.threads
    readiness = Readiness(store, settings.health_interval_s, log, [*threads, watches.thread, *waiting], problem, beside)
    audit = AuditServicer(store, as_of)
    for to in (reception,) if http is None else (reception, http.application):
        authorization_pb2_grpc.add_AuthorizationServiceServicer_to_server(authorization, to)  # type: ignore[no-untyped-call]
        facts_pb2_grpc.add_FactsServiceServicer_to_server(facts, to)  # type: ignore[no-untyped-call]
        operations_pb2_grpc.add_OperationsServiceServicer_to_server(operations, to)  # type: ignore[no-untyped-call]
        events_pb2_grpc.add_EventsServiceServicer_to_server(events, to)  # type: ignore[no-untyped-call]
        monitor_pb2_grpc.add_MonitorServiceServicer_to_server(monitor, to)  # type: ignore[no-untyped-call]
        policy_pb2_grpc.add_PolicyServiceServicer_to_server(policies, to)  # type: ignore[no-untyped-call]
        audit_pb2_grpc.add_AuditServiceServicer_to_server(audit, to)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(readiness.servicer, server)
    if settings.has_reflection:
        names = [*(service.full_name for service in SERVICES), HEALTH, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
    watch = None if certificate is None else CertificateWatch(certificate, log, log.thread_failed)
    return Server(port, server, readiness, watches, interceptor, pools, certificate, watch, reception, http)


def _http(
    settings: ServerSettings, interceptor: Interceptor, log: Log, certificate: TlsCertificate | None
) -> Http | None:
    """Return what serves over HTTP, if anything is to. Raises ConfigRefused."""
    if settings.http_listen is None:
        return None
    if settings.is_insecure and not is_loopback(settings.http_listen):
        raise ConfigRefused(f"an insecure server listens on loopback only, not on `{settings.http_listen}`")
    try:
        from sealauthz.service.http.serving import Http
    except ImportError as error:
        raise ConfigRefused("`http.listen` needs more packages: install `sealauthz[http]`") from error
    context = None if certificate is None else certificate.context
    return Http.on(settings.http_listen, interceptor, log, context, shares_port=settings.shares_port)


def is_loopback(address: str) -> bool:
    """Tell whether an address `host:port` can be reached from this machine only. Raises ConfigRefused."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65_535:
        raise ConfigRefused(f"the address `{address}` must be `host:port`")
    host = match["ipv6"] or match["host"]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(server: grpc.Server, settings: ServerSettings) -> tuple[int, TlsCertificate | None]:
    """Take the port; return it and, over TLS, the certificate. Raises ConfigRefused."""
    is_local = is_loopback(settings.listen)
    has_tls = settings.tls_certificate is not None or settings.tls_key is not None or bool(settings.client_ca)
    if settings.is_insecure:
        if has_tls:
            raise ConfigRefused("a server is either insecure or has a TLS certificate, not both")
        if not is_local:
            raise ConfigRefused(f"an insecure server listens on loopback only, not on `{settings.listen}`")
    elif settings.tls_certificate is None or settings.tls_key is None:
        raise ConfigRefused("TLS needs both a certificate and a key")
    if settings.client_ca and not arrivals.shows_certificates():
        raise ConfigRefused(f"`server.client_ca`: grpcio {grpc.__version__} does not show the certificates of callers")
    certificate = None
    try:
        if settings.is_insecure or settings.tls_certificate is None or settings.tls_key is None:
            port = server.add_insecure_port(settings.listen)
        else:
            certificate = TlsCertificate(settings.tls_certificate, settings.tls_key, settings.client_ca)
            port = server.add_secure_port(settings.listen, certificate.credentials())
    except RuntimeError as error:
        raise ConfigRefused(f"cannot listen on `{settings.listen}`") from error
    if port == 0:
        raise ConfigRefused(f"cannot listen on `{settings.listen}`")
    return port, certificate
