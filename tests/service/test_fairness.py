"""What a caller keeps beside another that floods the service, as clients in processes of their own see it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from conftest import Serve, Served, caller, trusted
from fake_pdp import FakePdp, allow

SMALL, FLOOD = "s" * 40, "f" * 40
ROUNDS = 4

CLIENT = """
import sys, threading, time, grpc
from sealauthz_client.v1 import authorization_pb2 as pb
address, token, channels, each, seconds = sys.argv[1:]
path = "/sealauthz.v1.AuthorizationService/Authorize"
message = pb.AuthorizeRequest(
    subject=pb.Entity(type="Person", id="P1"), action="use", resource=pb.Entity(type="Seal", id="S1")
).SerializeToString()
until, counted, counting = time.monotonic() + float(seconds), {"OK": 0}, threading.Lock()
over = threading.Semaphore(0)
def begin(ask):
    call = ask.future(message, metadata=(("authorization", "Bearer " + token),), timeout=20)
    call.add_done_callback(lambda ended: end(ask, ended))
def end(ask, ended):
    with counting:
        counted[ended.code().name] = counted.get(ended.code().name, 0) + 1
    if time.monotonic() < until:
        begin(ask)
    else:
        over.release()
opened = [
    grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)])
    for _ in range(int(channels))
]
for channel in opened:
    ask = channel.unary_unary(path)
    for _ in range(int(each)):
        begin(ask)
for _ in range(int(channels) * int(each)):
    over.acquire()
print(counted["OK"], counted.get("RESOURCE_EXHAUSTED", 0), sum(counted.values()))
"""


def started(served: Served, token: str, channels: int, each: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CLIENT, served.address, token, str(channels), str(each), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def counted(client: subprocess.Popen[str]) -> tuple[int, int, int]:
    """How many calls a client had answered, refused, and ended in all."""
    answered, refused, ended = map(int, client.communicate(timeout=60)[0].split())
    return answered, refused, ended


def slowly(asked: Any) -> Any:
    time.sleep(0.002)  # so much that the clients are not what is measured
    return allow(asked)


@pytest.mark.parametrize(
    ("channels", "each"), [(1, 300), (30, 10), (10, 20)], ids=["one connection", "30 connections", "share"]
)
def test_caller_with_few_calls_keeps_half_of_its_rate_beside_a_flood(serve: Serve, channels: int, each: int) -> None:
    rights = {"rpcs": trusted().rpcs, "tenants": None, "share": 0.5}
    served = serve(
        caller("small", SMALL, **rights),
        caller("flood", FLOOD, **rights),
        pdp=FakePdp(slowly),
    )
    kept = []
    for _ in range(ROUNDS):
        alone = counted(started(served, SMALL, 1, 4, 1.5))[0]
        flood = started(served, FLOOD, channels, each, 5)
        time.sleep(2)
        beside, refused, _ = counted(started(served, SMALL, 1, 4, 1.5))
        of_flood = counted(flood)
        assert refused == 0
        assert of_flood[0] > 0
        assert of_flood[0] + of_flood[1] == of_flood[2]
        # A share is 256 calls; on one connection, those above it wait at their client.
        assert (of_flood[1] > 0) == (channels > 1 and channels * each > 256)
        kept.append(beside / alone)
        if kept[-1] >= 0.5:
            break
    assert max(kept) >= 0.5
