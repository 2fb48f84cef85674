"""Drains: servers on one port are replaced one after another under load, and no call of the shipped client fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from calls import TOKEN
from conftest import Serve, Served
from fake_acts import FakeActs
from fake_pdp import FakePdp, allow

from sealauthz_client import CallFailed, Question, SealAuthzClient

DRAINS = 20
CLIENTS = 4


class Load:
    """Clients that ask without a pause until they are told to end, and what became of their calls."""

    def __init__(self, address: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self.done = 0
        self.performed: list[str] = []
        self._address = address
        self._ending = threading.Event()
        self._counting = threading.Lock()

    def run(self) -> None:
        with SealAuthzClient(self._address, TOKEN, insecure=True, timeout_s=20) as client:
            while not self._ending.is_set():
                self._note(self._ask(client))

    def end(self) -> None:
        self._ending.set()

    def wait_for(self, more: int) -> None:
        """Wait until so many more calls are done."""
        until, deadline = self.done + more, time.monotonic() + 60
        while self.done < until:
            assert time.monotonic() < deadline, "the load stands still"
            time.sleep(0.002)

    def _ask(self, client: SealAuthzClient) -> str:
        try:
            if self.done % 5 == 1:
                performed = client.perform("Person:P1", "use", "Seal:S1")
                self.performed.append(performed.request_id)
                is_allowed = bool(performed)
            elif self.done % 5:
                is_allowed = bool(client.authorize("Person:P1", "use", "Seal:S1"))
            else:
                is_allowed = all(client.authorize_batch([Question("Person:P1", "use", "Seal:S1")] * 20))
        except CallFailed as error:
            return str(error)
        return "allowed" if is_allowed else "denied"

    def _note(self, outcome: str) -> None:
        with self._counting:
            self.outcomes[outcome] += 1
            self.done += 1


def slowly(asked: Any) -> Any:
    # So that there are always calls under way.
    time.sleep(0.001)
    return allow(asked)


def test_20_drains_under_load_fail_no_call(serve: Serve) -> None:
    def start(listen: str = "127.0.0.1:0") -> Served:
        return serve(pdp=FakePdp(slowly, waits=True), acts=acts, listen=listen, shares_port=True)

    acts = FakeActs(slowly)  # of all servers, as their database would be
    serving = start()
    address = serving.address
    load = Load(address)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.run) for _ in range(CLIENTS)]
        try:
            load.wait_for(20)
            for _ in range(DRAINS):
                following = start(address)
                serving.server.stop(10)
                serving = following
                load.wait_for(20)
        finally:
            load.end()
        for client in clients:
            client.result(60)
    assert set(load.outcomes) == {"allowed"}
    assert load.outcomes["allowed"] >= 20 * DRAINS
    # Each act was performed, and once: those that a drain cut off too, which their clients asked for again.
    assert sorted(acts.done) == sorted(load.performed)
    assert len(set(acts.done)) == len(acts.done) > DRAINS
