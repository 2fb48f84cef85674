"""Runs the story on a service of its own: a temporary database, TLS, bearer tokens, and real gRPC in between."""

from __future__ import annotations

import datetime
import io
import json
import queue
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.text import Text

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import FactCache, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.observability.log import make_log
from sealauthz.operations import Assertions, Issuer, Operations
from sealauthz.operations.keys import SigningKeys
from sealauthz.ops.demo.callers import ENGINE, MIGRATION, OUTSIDE, PLATFORM, story_caller
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.ops.demo.harness import Clock, Harness, StoryBroken
from sealauthz.ops.demo.story import tell
from sealauthz.runtime.terminal import show
from sealauthz.schema.rules import Rising
from sealauthz.service import Callers, ServerSettings, build
from sealauthz.service.records import forms_of
from sealauthz_client import ArgumentValue, Decision, Event, Performed, Progress, SealAuthzClient, at_revision
from sealauthz_client.assertions import Signer, digest_of
from sealauthz_client.v1 import facts_pb2

OPENING_TIME = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))

_TIMEOUT_S = 30.0
_SECOND = 1_000_000
_CALLERS = (PLATFORM, ENGINE, OUTSIDE, MIGRATION)


def run(console: Console) -> list[str]:
    """Run the story, and return what differed from it; empty if nothing did."""
    clock = Clock(int(OPENING_TIME.timestamp()) * 1_000_000)
    with tempfile.TemporaryDirectory(prefix="sealauthz-demo-") as folder, _service(Path(folder), clock) as service:
        show(
            console,
            Group(
                Text("SealAuthz: the founding story", style="bold"),
                Text(f"Every answer comes over gRPC from {service.where}.", style="dim"),
                Text(),
                Text("✎ the world outside writes facts   ✉ people are told   ⧗ time passes", style="dim"),
            ),
        )
        harness = Harness(service, clock, console)
        opening = opening_facts(clock())
        harness.write("Two invented companies, their people, a seal and two contracts.", *opening, caller=MIGRATION)
        try:
            tell(harness)
            harness.end()
        except StoryBroken:
            show(console, Text("The story cannot go on from here.", style="bold red"))
        show(console, Group(Text(), _ending(harness)))
        return harness.surprises


@dataclass(frozen=True, slots=True)
class _OverGrpc:
    """The service as the harness asks it; `where` says in words where it listens.

    `sign` returns the word of a person on the digest of an act, signed by the issuer of their identity.
    """

    clients: Mapping[str, SealAuthzClient]
    where: str
    sign: Callable[[str, str], str]
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)

    def ask(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        return self.clients[PLATFORM].authorize(subject, action, resource, context)

    def perform(
        self,
        caller: str,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, str],
        arguments: Mapping[str, ArgumentValue],
        request_id: str,
        *,
        is_signed: bool,
    ) -> Performed:
        act = (subject, action, resource, context, arguments)
        assertion = self.sign(subject, digest_of(*act, request_id=request_id)) if is_signed else ""
        return self.clients[caller].perform(*act, request_id=request_id, assertion=assertion)

    def progress(self, subject: str, resource: str) -> Progress:
        return self.clients[PLATFORM].progress(subject, resource)

    def key_set(self) -> Mapping[str, Any]:
        return self.clients[ENGINE].keys()

    def told(self, within_s: float) -> Event | None:
        try:
            return self.events.get(timeout=within_s)
        except queue.Empty:
            return None

    def write(self, caller: str, request_id: str, records: tuple[Any, ...]) -> None:
        client = self.clients[caller]
        changes = [facts_pb2.FactChange(put=forms_of(MODEL).fact_of(record, is_plain=True)) for record in records]
        # Who counts says on what: see `Rising`.
        counted = [record for record in records if MODEL.shapes[type(record).__name__].rules_of(Rising)]
        conditions = [
            at_revision(type(record).__name__, record.id, stored.revision)
            for record in counted
            for stored in client.read_facts(type(record).__name__, {"id": record.id}).facts
        ]
        client.write_facts(changes, conditions, request_id=request_id)

    def watch(self) -> None:
        """Collect in another thread what people are told from now on. It ends with the connection."""
        begun = threading.Event()

        def collect() -> None:
            for event in self.clients[PLATFORM].watch_events(language="en", on_place=lambda _token: begun.set()):
                self.events.put(event)

        threading.Thread(target=collect, name="events", daemon=True).start()
        begun.wait(_TIMEOUT_S)


@contextmanager
def _service(folder: Path, clock: Clock) -> Iterator[_OverGrpc]:
    url = f"sqlite:///{folder / 'demo.db'}"
    upgrade(url, MODEL)
    tokens = {name: secrets.token_urlsafe(32) for name in _CALLERS}
    tls = _certificate(folder)
    settings = ServerSettings(
        listen="127.0.0.1:0",
        is_insecure=tls is None,
        tls_certificate=folder / "server.pem" if tls else None,
        tls_key=folder / "server.key" if tls else None,
    )
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store.open(url, MODEL, now=clock)))
        fact_cache = FactCache(store)
        pdp = PolicyDecisionPoint(fact_cache, Bundle.load(MODEL), now=clock)
        keys = SigningKeys.fresh()
        signer = Signer.fresh("demo", "demo")
        acts = Operations(store, pdp, Issuer("demo", keys), Assertions.of("demo", signer.key_set))
        callers = Callers([story_caller(name, token) for name, token in tokens.items()])
        # The log of the service would stand between the lines of the story.
        log = make_log(io.StringIO())
        server = build(
            settings, callers, store, pdp, acts, log, fact_cache.signal, keys=partial(json.dumps, keys.key_set)
        )
        server.start()
        stack.callback(server.stop, grace_s=1)
        address = f"localhost:{server.port}"
        clients = {
            name: stack.enter_context(
                SealAuthzClient(address, token, tls_roots=tls, insecure=tls is None, timeout_s=_TIMEOUT_S)
            )
            for name, token in tokens.items()
        }

        def sign(subject: str, digest: str) -> str:
            return signer.sign(subject, digest, now=clock() // _SECOND)

        where = f"{address}, {'over TLS' if tls else 'in plain text'}, with bearer tokens"
        service = _OverGrpc(clients, where, sign)
        service.watch()
        yield service


def _certificate(folder: Path) -> bytes | None:
    """Write a throw-away certificate and its key, and return the root to trust; None where that is not installed."""
    try:
        import trustme
    except ImportError:
        return None
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    for index, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(folder / "server.pem", append=index > 0)
    return authority.cert_pem.bytes()


def _ending(harness: Harness) -> Text:
    if harness.surprises:
        return Text(f"{len(harness.surprises)} of {harness.steps} steps went wrong.", style="bold red")
    return Text(f"All {harness.steps} steps went as expected.", style="bold green")
