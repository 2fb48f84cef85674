"""A real server on loopback, over a real SQLite store with a few facts, for callers with chosen rights."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_acts import FakeActs
from fake_pdp import FakePdp

from sealauthz.decision import Bundle, system_clock
from sealauthz.facts import Batch, Put, Store, upgrade
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.observability.log import make_log
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.rollout import Shipping
from sealauthz.schema import shape_of
from sealauthz.service import RPCS, Caller, Callers, Server, ServerSettings, build
from sealauthz_client.v1 import (
    audit_pb2_grpc,
    authorization_pb2_grpc,
    events_pb2_grpc,
    facts_pb2_grpc,
    monitor_pb2_grpc,
    operations_pb2_grpc,
    policy_pb2_grpc,
)

TOKEN = "t" * 40
ALL_FIELDS = {name: frozenset(c.name for c in shape_of(cls).columns) for name, cls in MODEL.records.items()}


def caller(name: str = "demo", token: str = TOKEN, **rights: Any) -> Caller:
    return Caller(MODEL, name, frozenset({hashlib.sha256(token.encode()).digest()}), **rights)


def trusted(**rights: Any) -> Caller:
    """A caller with every right, and all of each pool, but for those given."""
    full: dict[str, Any] = {
        "rpcs": frozenset(RPCS),
        "tenants": None,
        "read": ALL_FIELDS,
        "write": ALL_FIELDS,
        "performs": None,
        "sees_operator_reasons": True,
        "share": 1.0,
    }
    return caller(**{**full, **rights})


FACTS = (
    Enterprise("E1", "Ying", "91350100M000100Y43"),
    Enterprise("E2", "Yang", "91110000633674814Q"),
    Person("P1", real_name="陈小明", phone="13812341569", id_last4="002X", id_hash="h1"),
    Seal("S1", "E1", "contract seal", SealKind.CONTRACT, SealState.ACTIVE),
    Seal("S2", "E2", "contract seal", SealKind.CONTRACT),
)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The installed policies."""
    return Bundle.load(MODEL)


_DEMO_S = 60.0
_demo: list[tuple[float, bytes]] = []
"""When a database with the facts of the demo was made last, and its file."""


def demo_database(folder: Path) -> Path:
    """A database with the facts with which the demo opens, as they were a minute ago at most: what is fresh ends."""
    path = folder / "facts.db"
    if not _demo or time.monotonic() > _demo[-1][0] + _DEMO_S:
        begun = time.monotonic()
        upgrade(f"sqlite:///{path}", MODEL)
        store = Store.open(f"sqlite:///{path}", MODEL)
        store.write(Batch("setup", "facts", tuple(map(Put, opening_facts(system_clock())))))
        store.close()
        _demo[:] = [(begun, path.read_bytes())]
    else:
        path.write_bytes(_demo[-1][1])
    return path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("facts") / "facts.db"
    upgrade(f"sqlite:///{path}", MODEL)
    store = Store.open(f"sqlite:///{path}", MODEL)
    store.write(Batch("setup", "facts", tuple(map(Put, FACTS))))
    store.close()
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "facts.db"))


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{database}", MODEL)
    yield store
    store.close()


@pytest.fixture
def demo_store(database_url: str) -> Iterator[Store]:
    """The facts of the demo, on each database."""
    store = Store.open(database_url, MODEL)
    store.write(Batch("setup", "facts", tuple(map(Put, opening_facts(system_clock())))))
    yield store
    store.close()


class Served:
    """A server under test, a channel to it, and its log."""

    def __init__(self, server: Server, log: io.StringIO, address: str, channel: grpc.Channel) -> None:
        self.server = server
        self.address = address
        self.channel = channel
        self.authorization = authorization_pb2_grpc.AuthorizationServiceStub(channel)
        self.facts = facts_pb2_grpc.FactsServiceStub(channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(channel)
        self.events = events_pb2_grpc.EventsServiceStub(channel)
        self.monitor = monitor_pb2_grpc.MonitorServiceStub(channel)
        self.operations = operations_pb2_grpc.OperationsServiceStub(channel)
        self.policies = policy_pb2_grpc.PolicyServiceStub(channel)
        self._log = log

    def stub_of(self, service: str) -> Any:
        """The stub of a service by its name."""
        stubs = (
            self.audit,
            self.authorization,
            self.events,
            self.facts,
            self.monitor,
            self.operations,
            self.policies,
        )
        return next(stub for stub in stubs if type(stub).__name__ == f"{service}Stub")

    @property
    def log_text(self) -> str:
        return self._log.getvalue()

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_text.splitlines()]

    def forget_log(self) -> None:
        """Forget what was logged until now."""
        self._log.seek(0)
        self._log.truncate()

    def last_call(self) -> dict[str, Any]:
        return next(entry for entry in reversed(self.log) if entry["event"] == "call")


Serve = Callable[..., Served]


@pytest.fixture
def serve(store: Store, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Start a server for these callers (one with every right if none is given)."""
    running: list[Served] = []

    def start(
        *callers: Caller,
        pdp: Any = None,
        acts: Any = None,
        facts: Any = None,
        permits: ReadPermits | None = None,
        shipping: Shipping | None = None,
        **settings: Any,
    ) -> Served:
        log = io.StringIO()
        full: dict[str, Any] = {"listen": "127.0.0.1:0", "is_insecure": True, "health_interval_s": 0.05}
        full |= settings
        server = build(
            ServerSettings(**full),
            Callers(callers or (trusted(),)),
            facts or store,
            pdp or FakePdp(),
            acts or FakeActs(),
            make_log(log),
            permits=permits,
            shipping=shipping,
        )
        server.start()
        address = f"127.0.0.1:{server.port}"
        served = Served(server, log, address, grpc.insecure_channel(address))
        running.append(served)
        return served

    yield start
    for served in running:
        served.channel.close()
        served.server.stop(0)


def metadata(token: str = TOKEN) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)
