"""Sends what nobody should send: to each RPC, as frames, headers and policy text. Exits 1 if something breaks.

    python tools/fuzz.py                      1,000,000 inputs, some ten minutes
    python tools/fuzz.py --inputs 5000        a short run

Nothing may crash, hang, be answered with INTERNAL, or be allowed, and the memory must not grow. The same seed makes the
same inputs. What was sent when something broke is printed, in Python's own form.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import hashlib
import os
import random
import resource
import select
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ["GRPC_VERBOSITY"] = "NONE"  # read when grpc is imported
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")  # as it is served (decision 133)

import grpc
from fuzz_seeds import log_some, question_fields, seeds
from grpc_health.v1 import health_pb2_grpc  # type: ignore[import-untyped]
from mutations import frame, hostile_frame, hostile_headers, mangled, misspelt, twisted

from sealauthz.audit.as_of import AsOf
from sealauthz.cli.settings import bundle_cache
from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.decision.folder import installed_folder
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.facts.memory.signal import Signal
from sealauthz.model import MODEL
from sealauthz.observability.capture import captured
from sealauthz.observability.log import Entry, Log
from sealauthz.operations import Operations
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.polar import Source, admit
from sealauthz.policytools.diff.shadowing import Shadows
from sealauthz.rollout.archive import load_archive
from sealauthz.rollout.kept import KeptPolicies
from sealauthz.rollout.shipping import Shipping
from sealauthz.runtime.errors import BundleRefused
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz.service.audit import AuditServicer
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.events import EventsServicer
from sealauthz.service.facts import FactsServicer
from sealauthz.service.health import HealthServicer
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.monitoring import MonitorServicer
from sealauthz.service.operations import OperationsServicer
from sealauthz.service.policies import PolicyServicer
from sealauthz.service.pools import Pools
from sealauthz.service.status import Failure
from sealauthz.service.watching import Watches
from sealauthz_client.v1 import (
    audit_pb2_grpc,
    authorization_pb2,
    authorization_pb2_grpc,
    events_pb2_grpc,
    facts_pb2_grpc,
    monitor_pb2_grpc,
    operations_pb2_grpc,
    policy_pb2_grpc,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from h2 import Request

TOKEN = "t" * 40
PATH = b"/sealauthz.v1.AuthorizationService/Authorize"
METADATA = (("authorization", f"Bearer {TOKEN}"),)
SLOW_S = 2.0
"""So much time of the processor no input may take, once what is made at first use is there."""

WARM_AFTER = 300
HANG_S = 120
MOST_GROWTH_MB = 48
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
_LOOKS = 2
"""So often a call looks whether its caller waits before it ends: when it begins, and before the first event."""

_BAD_CODES = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})
_BAD_EVENTS = frozenset({"incident", "call_failed", "thread_failed", "unraisable", "logged", "unwritable"})


class Broken(Exception):
    """Something that must not happen."""


class Seen:
    """A log that looks for what must not be in it, and counts how calls end."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.bad: list[Entry] = []

    def put(self, entry: Entry) -> None:
        """Look at an entry."""
        fields = entry.fields
        if entry.event == "call":
            self.ends[str(fields["code"])] += 1
        is_allowed = fields.get("effect") == "ALLOW" or "items_allow" in fields
        if entry.event in _BAD_EVENTS or fields.get("code") in _BAD_CODES or is_allowed:
            self.bad.append(entry)

    def check(self) -> None:
        """Raise Broken for what was found since."""
        if self.bad:
            found, self.bad = self.bad, []
            raise Broken("; ".join(entry.line().strip()[:3_000] for entry in found[:2]))


class Ended(Exception):
    """A call was aborted."""


class Still(Signal):
    """Announces nothing, and keeps nobody waiting for it."""

    def wait_for_other(self, seen: int, _timeout_s: float) -> int:
        """Return what was seen."""
        return seen


class Context:
    """As much of a context as handlers use. Nobody stays: what would wait for its caller to leave ends at once."""

    def __init__(self) -> None:
        self._looks = 0

    def time_remaining(self) -> float:
        """Return that there is time."""
        return 30.0

    def is_active(self) -> bool:
        """Return that somebody waits, when the call begins; who asks later is told that they left."""
        self._looks += 1
        return self._looks <= _LOOKS

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return that nothing came beside the message."""
        return ()

    def peer(self) -> str:
        """Return where the call comes from."""
        return "ipv4:127.0.0.1:1"

    def add_callback(self, _callback: Callable[[], None]) -> bool:
        """Return that the call is over."""
        return False

    def set_code(self, _code: Any) -> None:
        """Ignore the code."""

    def cancel(self) -> None:
        """Ignore that."""

    def abort(self, _code: Any, _details: str) -> None:
        """End the call."""
        raise Ended

    def abort_with_status(self, _status: Any) -> None:
        """End the call."""
        raise Ended


class Handlers:
    """Takes the place of a server, and keeps what is registered with it."""

    def __init__(self) -> None:
        self.by_path: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        """Keep nothing: they are registered too."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Keep the handlers of a service."""
        self.by_path |= {f"/{service}/{name}": handler for name, handler in handlers.items()}


def caller() -> Caller:
    """Return a caller that may do everything."""
    fields = {name: frozenset(column.name for column in shape.columns) for name, shape in MODEL.shapes.items()}
    digest = hashlib.sha256(TOKEN.encode()).digest()
    return Caller(
        MODEL,
        "fuzz",
        frozenset({digest}),
        frozenset(RPCS),
        None,
        fields,
        fields,
        performs=None,
        sees_operator_reasons=True,
        share=1.0,
    )


class Target:
    """Takes inputs, one at a time; `sent` is the last."""

    sent: Any = b""

    def send(self, random: random.Random) -> int:
        """Make inputs and send them; return how many. Raises Broken."""
        raise NotImplementedError


class Rpcs(Target):
    """The bytes of each RPC, from the interceptor to the answer, without a network."""

    def __init__(self, store: Store, pdp: PolicyDecisionPoint, seen: Seen) -> None:
        log = Log(seen)
        self._seen = seen
        self._interceptor = Interceptor(Callers([caller()]), log, Pools())
        handlers: Any = Handlers()
        watches, events = Watches(store, Signal()), EventsServicer(store, pdp, Still())
        authorization_pb2_grpc.add_AuthorizationServiceServicer_to_server(
            AuthorizationServicer(pdp, store.store_id, log), handlers
        )
        facts_pb2_grpc.add_FactsServiceServicer_to_server(FactsServicer(store, watches), handlers)
        operations_pb2_grpc.add_OperationsServiceServicer_to_server(
            OperationsServicer(Operations(store, pdp), pdp, store.store_id), handlers
        )
        events_pb2_grpc.add_EventsServiceServicer_to_server(events, handlers)
        monitor = MonitorServicer(store, pdp, Still())
        monitor_pb2_grpc.add_MonitorServiceServicer_to_server(monitor, handlers)
        shipping = Shipping(store, partial(load_archive, store.model))
        policies = PolicyServicer(shipping, Shadows(store, system_clock))
        policy_pb2_grpc.add_PolicyServiceServicer_to_server(policies, handlers)
        audit = AuditServicer(store, AsOf(store, KeptPolicies(store, pdp.bundle_of).of))
        audit_pb2_grpc.add_AuditServiceServicer_to_server(audit, handlers)
        health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), handlers)
        # The paths begin with the package; a service that is left out here is not fuzzed.
        if left_out := set(RPCS) - {path.rpartition(".")[2] for path in handlers.by_path}:
            raise SystemExit(f"no input is made for {', '.join(sorted(left_out))}")
        corpus = seeds(pdp.bundle.version)
        self._methods = []
        for path, handler in handlers.by_path.items():
            # Two services have a method `Watch`.
            known = corpus.get(path.rpartition(".")[2]) or corpus.get(path.rpartition("/")[2])
            if known:
                requests = [request.SerializeToString() for request in known]
                kind = type(known[0])
                self._methods.append((self._interceptor.method(handler, path), handler, kind, requests))
        self._all = [request for *_, requests in self._methods for request in requests]

    def send(self, random: random.Random) -> int:
        """Call an RPC."""
        method, handler, kind, requests = random.choice(self._methods)
        if handler.request_streaming and random.randrange(8):  # an import has a thread of its own, which takes long
            return 0
        seed = random.choice(requests)
        make = random.randrange(3)
        message = twisted(random, seed, kind) if make else mangled(random, seed, random.choice(self._all))
        if make == 1:
            message = mangled(random, message, random.choice(self._all))
        self.sent = method.path, message
        begun = self._interceptor.arrived(method, METADATA)
        if isinstance(begun, Failure):
            raise Broken(f"refused: {begun.message}")
        try:
            taken = iter([seed, message]) if handler.request_streaming else message
            answer = method.wrapped(taken, Context(), begun)
            if handler.response_streaming:
                for _ in answer:
                    pass
        except Ended:
            pass
        self._seen.check()
        return 1


class Frames(Target):
    """HTTP/2 frames, to a server that answers others meanwhile."""

    def __init__(self, store: Store, pdp: PolicyDecisionPoint, seen: Seen) -> None:
        self._seen = seen
        settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
        self._server = build(settings, Callers([caller()]), store, pdp, Operations(store, pdp), Log(seen))
        self._server.start()
        self._address = ("127.0.0.1", self._server.port)
        address = f"127.0.0.1:{self._server.port}"
        self._channel = grpc.insecure_channel(address)
        self._stub: Any = authorization_pb2_grpc.AuthorizationServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._question = authorization_pb2.AuthorizeRequest(**question_fields(0))
        self._call = Request(
            address, "/sealauthz.v1.AuthorizationService/Authorize", TOKEN, self._question.SerializeToString()
        )
        self._connections = 0

    def send(self, random: random.Random) -> int:
        """Send frames on a connection of their own."""
        count = random.randrange(1, 40)
        sent = [_PREFACE]
        sent += (self._input(random, 2 * number + 1) for number in range(count))
        self.sent = b"".join(sent)
        with contextlib.suppress(OSError), socket.create_connection(self._address, timeout=10) as connection:
            connection.sendall(self.sent)
            while select.select([connection], [], [], 0.002)[0] and connection.recv(65_536):
                pass
            if random.randrange(2):  # gone without a word
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connections += 1
        if self._connections % 50 == 0:
            try:
                self._stub.Authorize(self._question, metadata=METADATA, timeout=30)
            except grpc.RpcError as error:
                raise Broken(f"others are not answered: {error}") from error
        self._seen.check()
        return count

    def _input(self, random: random.Random, stream: int) -> bytes:
        """Return what is sent on a stream."""
        call = self._call.on(stream)
        return hostile_frame(random, call, stream) if random.randrange(4) else call

    def close(self) -> None:
        """Stop the server."""
        self._channel.close()
        self._server.stop(0)


class Headers(Frames):
    """Headers that should not come: each call ends, and none is more in the log than the line of a call."""

    def _input(self, random: random.Random, stream: int) -> bytes:
        """Return the beginning of a call."""
        return hostile_headers(random, stream, random.choice((PATH, PATH, PATH + b"x")))


class Policies(Target):
    """Policy text: what is wrong is refused, with a place."""

    def __init__(self) -> None:
        self._texts = [path.read_text(encoding="utf-8") for path in sorted(installed_folder().glob("*.polar"))]
        self._attributes = frozenset(column.name for shape in MODEL.shapes.values() for column in shape.columns)

    def send(self, random: random.Random) -> int:
        """Read a text."""
        text = misspelt(random, random.choice(self._texts), random.choice(self._texts))
        self.sent = text
        try:
            admit(Source("fuzz.polar", text), self._attributes)
        except BundleRefused as refused:
            if not str(refused) or refused.file != "fuzz.polar":
                raise Broken(f"refused without a word or a place: {refused!r}") from refused
        return 1


def run(name: str, target: Target, inputs: int, seed: int) -> bool:
    """Send inputs; print how it went. False if something broke."""
    random_ = random.Random(f"{name}-{seed}")
    done, slowest, settled_mb, began = 0, 0.0, 0.0, time.monotonic()
    while done < inputs:
        faulthandler.dump_traceback_later(HANG_S, exit=True, file=sys.__stderr__ or sys.stdout)
        started = time.thread_time()
        try:
            done += target.send(random_)
        except BaseException as error:
            print(f"{name}: broken by input {done} of seed {seed}: {target.sent!r}", flush=True)
            if not isinstance(error, Broken):
                raise
            print(f"  {error}", flush=True)
            return False
        if done > WARM_AFTER:
            slowest = max(slowest, time.thread_time() - started)
        if slowest > SLOW_S:
            print(f"{name}: {slowest:.1f} s of input {done}: {target.sent!r}", flush=True)
            return False
        if not settled_mb and done >= inputs // 3:
            settled_mb = memory_mb()
    faulthandler.cancel_dump_traceback_later()
    grown = memory_mb() - settled_mb
    took = time.monotonic() - began
    print(f"{name}: {done:,} inputs in {took:.0f} s, the slowest {slowest * 1e3:.0f} ms, {grown:+.0f} MB", flush=True)
    if grown > MOST_GROWTH_MB:
        print(f"{name}: the memory grows")
        return False
    return True


def memory_mb() -> float:
    """Return how much memory the process has now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[Store, PolicyDecisionPoint]]:
    """Yield the facts of the demo, and what decides by them."""
    url = f"sqlite:///{folder / 'fuzz.db'}"
    upgrade(url, MODEL)
    store = Store.open(url, MODEL)
    store.write(Batch("fuzz", "facts", tuple(map(Put, opening_facts(system_clock())))))
    log_some(store)
    try:
        yield store, PolicyDecisionPoint(FactCache(store), Bundle.load(MODEL, cache=bundle_cache()))
    finally:
        store.close()


def main() -> int:
    """Run every target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="over all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["rpcs", "frames", "headers", "policies"], help="one target, with all inputs")
    options = parser.parse_args()
    parts = {"rpcs": 0.4, "frames": 0.3, "headers": 0.1, "policies": 0.2}
    parts = parts if options.only is None else {options.only: 1.0}
    is_good = True
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (store, pdp):
        gc.collect()
        gc.freeze()  # as the service does: to collect among the policies stops everything for a second
        for name, part in parts.items():
            seen = Seen()
            makes = {"rpcs": Rpcs, "frames": Frames, "headers": Headers}
            target: Target = Policies() if name == "policies" else makes[name](store, pdp, seen)
            with captured(Log(seen)):  # what libraries log counts, too
                is_good &= run(name, target, int(options.inputs * part), options.seed)
            if seen.ends:
                print(f"  {', '.join(f'{count:,} {code}' for code, count in seen.ends.most_common())}", flush=True)
            if isinstance(target, Frames):
                target.close()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
