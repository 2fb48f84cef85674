"""Runs the story on a service of its own: a temporary database, TLS, a bearer token, and real gRPC in between."""

from __future__ import annotations

import datetime
import hashlib
import io
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.text import Text

from sealauthz.client import Decision, SealAuthzClient, at_revision
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.demo.facts import opening_facts
from sealauthz.demo.harness import Clock, Harness
from sealauthz.demo.story import tell
from sealauthz.facts import FactCache, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.operations import Issuer, Operations
from sealauthz.operations.keys import SigningKeys
from sealauthz.process.log import make_log
from sealauthz.schema import shape_of
from sealauthz.schema.rules import Rising
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz.service.records import forms_of
from sealauthz.terminal import show
from sealauthz.v1 import facts_pb2

OPENING_TIME = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))

_TIMEOUT_S = 30.0


def run(console: Console) -> list[str]:
    """Run the story, and return what differed from it; empty if nothing did."""
    clock = Clock(int(OPENING_TIME.timestamp()) * 1_000_000)
    with tempfile.TemporaryDirectory(prefix="sealauthz-demo-") as folder, _service(Path(folder), clock) as service:
        show(
            console,
            Group(
                Text("SealAuthz: the founding story", style="bold"),
                Text(f"Every answer comes over gRPC from {service.where}.", style="dim"),
            ),
        )
        harness = Harness(service, clock, console)
        harness.write("Two invented companies, their people, a seal and two contracts.", *opening_facts(clock()))
        tell(harness)
        show(console, Group(Text(), _ending(harness)))
        return harness.surprises


def demo_caller(token: str) -> Caller:
    """Return a caller that may call, read, write and perform everything: for demonstrations only."""
    everything = {name: frozenset(c.name for c in shape_of(cls).columns) for name, cls in MODEL.records.items()}
    return Caller(
        name="demo",
        token_sha256=hashlib.sha256(token.encode()).digest(),
        rpcs=frozenset(RPCS),
        model=MODEL,
        tenants=None,
        read=everything,
        write=everything,
        performs=None,
        sees_operator_reasons=True,
    )


@dataclass(frozen=True, slots=True)
class _OverGrpc:
    """The service as the harness asks it; `where` says in words where it listens."""

    client: SealAuthzClient
    where: str

    def ask(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        return self.client.authorize(subject, action, resource, context)

    def write(self, request_id: str, records: tuple[Any, ...]) -> None:
        changes = [facts_pb2.FactChange(put=forms_of(MODEL).fact_of(record, is_plain=True)) for record in records]
        # Who counts says on what: see `Rising`.
        counted = [record for record in records if MODEL.shapes[type(record).__name__].rules_of(Rising)]
        conditions = [
            at_revision(type(record).__name__, record.id, stored.revision)
            for record in counted
            for stored in self.client.read_facts(type(record).__name__, {"id": record.id}).facts
        ]
        self.client.write_facts(changes, conditions, request_id=request_id)


@contextmanager
def _service(folder: Path, clock: Clock) -> Iterator[_OverGrpc]:
    url = f"sqlite:///{folder / 'demo.db'}"
    upgrade(url, MODEL)
    token = secrets.token_urlsafe(32)
    tls = _certificate(folder)
    settings = ServerSettings(
        listen="127.0.0.1:0",
        is_insecure=tls is None,
        tls_certificate=folder / "server.pem" if tls else None,
        tls_key=folder / "server.key" if tls else None,
    )
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store.open(url, MODEL, now=clock)))
        pdp = PolicyDecisionPoint(FactCache(store), Bundle.load(MODEL), now=clock)
        # The log of the service would stand between the lines of the story.
        acts = Operations(store, pdp, Issuer("demo", SigningKeys.fresh()))
        server = build(settings, Callers([demo_caller(token)]), store, pdp, acts, make_log(io.StringIO()))
        server.start()
        stack.callback(server.stop, grace_s=1)
        address = f"localhost:{server.port}"
        with SealAuthzClient(address, token, tls_roots=tls, insecure=tls is None, timeout_s=_TIMEOUT_S) as client:
            yield _OverGrpc(client, f"{address}, {'over TLS' if tls else 'in plain text'}, with a bearer token")


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
