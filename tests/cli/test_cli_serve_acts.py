"""Acts under a service that is killed and stopped: each is whole or not there, and asking again performs it once."""

import hashlib
import itertools
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import own_word
import pytest

from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz_client import CallFailed, SealAuthzClient
from sealauthz_client.assertions import digest_of

TOKEN = "t" * 40
CLIENTS = 3
CONFIG = f"""
[database]
url = "sqlite:///sealauthz.db"
[callers.console]
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
rpcs = ["OperationsService/Perform"]
enterprises = ["e-yunshan"]
performs = ["Seal/freeze"]
{own_word.CONFIG}"""


@pytest.fixture
def start(demo_facts):
    """Start the service; return its process and its address."""
    (demo_facts.parent / "sealauthz.toml").write_text(CONFIG)
    own_word.write_keys(demo_facts.parent)
    started = []

    def begin():
        options = ("--config", "sealauthz.toml", "--insecure", "--listen", "127.0.0.1:0")
        command = [sys.executable, "-m", "sealauthz", "serve", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started.append(process)
        return process, re.match(r"listening on (\S+) ", process.stdout.readline())[1]

    yield begin
    for process in started:
        process.kill()
        process.communicate(timeout=30)


def freeze(client, request_id, timeout_s=20):
    act = ("Person:p-chen", "freeze", "Seal:seal-official")
    word = own_word.SIGNER.sign(act[0], digest_of(*act, request_id=request_id))
    return client.perform(*act, request_id=request_id, assertion=word, timeout_s=timeout_s)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_act_is_whole_or_not_there_and_asked_again_it_is_performed_once(start, demo_facts, number):
    process, address = start()
    told, asked, enough = {}, [], threading.Event()
    numbers = itertools.count()

    def act():
        with SealAuthzClient(address, TOKEN, insecure=True) as client:
            while True:
                request_id = f"act-{next(numbers)}"
                asked.append(request_id)
                try:
                    told[request_id] = freeze(client, request_id, 2).operation
                except CallFailed:
                    return
                if len(told) >= 20:
                    enough.set()

    with SealAuthzClient(address, TOKEN, insecure=True) as client:
        assert freeze(client, "first", 60)  # what is compiled at its first use takes long
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(act) for _ in range(CLIENTS)]
        assert enough.wait(60)
        process.send_signal(number)
        for each in clients:
            each.result(60)
    process.wait(60)
    assert len(asked) > len(told)
    _, address = start()
    with SealAuthzClient(address, TOKEN, insecure=True) as client:
        again = {request_id: freeze(client, request_id).operation for request_id in asked}
    # What was told before stands, and of each act there is one hold: also of those that got no answer.
    assert {request_id: again[request_id] for request_id in told} == told
    with closing(Store.open(f"sqlite:///{demo_facts}", MODEL)) as store:
        holds = {stored.record.id for stored in store.read("SealHold", page_size=1_000).records}
    assert len(holds) == len(asked) + 1
    assert {operation.values["hold_id"] for operation in again.values()} < holds
