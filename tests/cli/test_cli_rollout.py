"""Policies shipped to two workers over PostgreSQL under a stream of questions: each answer is by what decided then."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shared_cache import SHARED_CACHE
from test_cli_workers import PACE_S, Serving, wait_until

from sealauthz.decision import system_clock
from sealauthz.facts import Batch, Put, Store
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts
from sealauthz_client import CallFailed, SealAuthzClient

pytestmark = pytest.mark.slow

TIGHTENED = Path(__file__).parents[2] / "docs" / "examples" / "tightened"
APP, LIN, WANG = ("a token of the application", "a token of the author Lin", "a token of the approver Wang")
CONFIG = """
[server]
workers = 2
[database]
url = "{url}"
[callers.app]
token_sha256 = "{app}"
rpcs = ["AuthorizationService/Authorize"]
enterprises = "*"
[callers.lin]
token_sha256 = "{lin}"
rpcs = ["PolicyService/ListVersions", "PolicyService/Propose", "PolicyService/ValidatePolicy"]
[callers.wang]
token_sha256 = "{wang}"
rpcs = [
  "PolicyService/ListVersions", "PolicyService/GetPolicy", "PolicyService/Activate", "PolicyService/RollBack",
  "PolicyService/BeginShadow", "PolicyService/GetShadow", "PolicyService/EndShadow",
]
enterprises = "*"
"""
QUESTION = ("Person:p-lin", "join", "Enterprise:e-yunshan")


@pytest.fixture(scope="module")
def url(new_database):
    url = new_database("postgresql")
    with contextlib.closing(Store.open(url, MODEL)) as store:
        store.write(Batch("test", "opening", tuple(map(Put, opening_facts(system_clock())))))
    return url


@pytest.fixture(scope="module")
def serving(tmp_path_factory, url):
    folder = tmp_path_factory.mktemp("rollout")
    tokens = {"app": APP, "lin": LIN, "wang": WANG}
    digests = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in tokens.items()}
    (folder / "sealauthz.toml").write_text(CONFIG.format(url=url, **digests))
    before = os.environ.get("SEALAUTHZ_CACHE")
    os.environ.update(SHARED_CACHE)
    try:
        serving = Serving(folder, "--config", "sealauthz.toml", "--insecure")
    finally:
        os.environ.pop("SEALAUTHZ_CACHE")
        if before is not None:
            os.environ["SEALAUTHZ_CACHE"] = before
    yield serving
    serving.stop()
    for pid in serving.workers().values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    serving.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def store(url):
    with contextlib.closing(Store.open(url, MODEL)) as store:
        yield store


@pytest.fixture
def ship(sealauthz, serving, monkeypatch):
    """Run a command that ships policies, as Lin or as Wang; return what it prints as JSON."""

    def run(token, *arguments, code=0):
        monkeypatch.setenv("SEALAUTHZ_TOKEN", token)
        found, out, err = sealauthz("policy", *arguments, "--server", serving.address, "--insecure", "-o", "json")
        assert found == code, err
        return json.loads(out) if code == 0 else err

    return run


def client_of(serving, token=APP):
    return SealAuthzClient(serving.address, token, insecure=True, timeout_s=20)


class Stream:
    """Asks from several connections, as often as leaves the workers time to load, and notes what it is told."""

    def __init__(self, serving):
        self._serving = serving
        self._ending = threading.Event()
        self.answers, self.failures = [], []

    def _ask(self):
        while not self._ending.is_set():
            with client_of(self._serving) as client:
                # A new connection now and then reaches another worker.
                for _ in range(25):
                    begun = time.monotonic()
                    try:
                        decision = client.authorize(*QUESTION, timeout_s=20)
                    except CallFailed as error:
                        self.failures.append(str(error))
                    else:
                        self.answers.append((decision.revision, decision.policy_version, begun))
                    time.sleep(PACE_S)

    @contextlib.contextmanager
    def asking(self):
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(self._ask) for _ in range(3)]
            try:
                yield self
            finally:
                self._ending.set()
            for each in asked:
                each.result(60)


def assert_each_is_by_what_decided(answers, store, folder_version):
    line = PolicyStore(store).activated()
    for revision, version, _ in answers:
        active = [each.version for each in line if each.revision <= revision]
        assert version == (active[-1] if active else folder_version)


def is_ready(store, version, count=2):
    live = [each for each in PolicyStore(store).processes() if each.is_live]
    return len(live) == count and all(each.loaded.get(version) == "" for each in live)


def test_two_workers_switch_and_go_back_at_a_revision(serving, store, ship):
    with client_of(serving) as client:
        folder_version = client.authorize(*QUESTION).policy_version
    stream = Stream(serving)
    with stream.asking():
        first = ship(LIN, "propose", "-m", "what is served")
        second = ship(LIN, "propose", str(TIGHTENED), "-m", "tighter")
        assert first["version"] == folder_version
        assert "not every process" not in str(ship(WANG, "activate", first["version"], "--wait", "60"))
        done = ship(WANG, "activate", second["version"], "--wait", "60")
        assert (done["processes"], done["behind"]) == (2, [])
        begun = time.monotonic()
        back = ship(WANG, "rollback", "-m", "drill")
        assert (back["version"], back["behind"]) == (first["version"], [])
        seconds = time.monotonic() - begun
        # In the while of a roll-back nothing is answered otherwise than before or after it.
        again = ship(WANG, "activate", second["version"])
        assert again["previous"] == first["version"]
    assert stream.failures == []
    assert_each_is_by_what_decided(stream.answers, store, folder_version)
    assert {version for _, version, _ in stream.answers} == {first["version"], second["version"]}
    # The command itself asks three times; both workers have switched well before.
    assert seconds < 10
    late = [asked for revision, _, asked in stream.answers if asked > begun + 2 and revision < back["revision"]]
    assert late == []


@pytest.fixture
def shipped(store, ship):
    """Two proposals, one of them active: also where a test of this file is the first one that its process runs."""
    if not PolicyStore(store).activated():
        first = ship(LIN, "propose")
        ship(LIN, "propose", str(TIGHTENED))
        ship(WANG, "activate", first["version"], "--wait", "60")


def test_a_shadow_runs_in_both_workers_and_no_answer_is_of_it(serving, store, ship, shipped):
    active = PolicyStore(store).activated()[-1].version
    candidate = next(each.version for each in PolicyStore(store).proposals() if each.version != active)
    ship(WANG, "shadow", "begin", candidate, "--share", "1", "--cpu", "0.3")
    stream, found = Stream(serving), {}

    def both_have_told():
        found.update(ship(WANG, "shadow", "show"))
        return found["processes"] == 2 and found["compared"] > 20

    with stream.asking():
        wait_until(both_have_told)
    assert (found["active"], found["candidate"]) == (active, candidate)
    # There is more to compare than a third of a core compares.
    assert found["compared"] + found["left_out"] <= found["sampled"] <= len(stream.answers) + 200
    assert stream.failures == []
    assert {version for _, version, _ in stream.answers} == {active}
    with client_of(serving, WANG) as client:
        assert client.end_shadow()


def test_of_two_activations_at_once_one_is_refused_on_whichever_worker(serving, store, shipped):
    active = PolicyStore(store).activated()[-1].version
    others = [each for each in PolicyStore(store).proposals() if each.version != active]
    wait_until(lambda: is_ready(store, others[0].version))
    begin = threading.Barrier(2)

    def attempt():
        with client_of(serving, WANG) as client:
            client.policies()
            begin.wait(30)
            try:
                return client.activate_policy(others[0].version, others[0].digest, active).version
            except CallFailed as error:
                return error.metadata["why"]

    with ThreadPoolExecutor(2) as pool:
        done = sorted(each.result(60) for each in [pool.submit(attempt) for _ in range(2)])
    assert set(done) == {others[0].version, "ANOTHER_IS_ACTIVE"}


def test_a_worker_that_slept_through_an_activation_answers_nothing_old(serving, store, shipped):
    """It is taken for dead, comes back, and must not decide with what it had."""
    kept = PolicyStore(store)
    active = kept.activated()[-1].version
    sleeping = serving.workers()[2]
    folder_version = active
    os.kill(sleeping, signal.SIGSTOP)
    try:
        with store.writing() as connection:
            name = f"{socket.gethostname()}/{sleeping}"
            connection.exec_driver_sql(f"UPDATE policy_process SET seen_at = seen_at - 11000000 WHERE name = '{name}'")
        other = next(each for each in kept.proposals() if each.version != active)
        wait_until(lambda: is_ready(store, other.version, count=1))
        kept.activate(other.version, other.digest, active, "somebody")
    finally:
        os.kill(sleeping, signal.SIGCONT)
    since = time.monotonic()
    stream = Stream(serving)
    with stream.asking():
        wait_until(lambda: len(stream.answers) > 300)
    assert_each_is_by_what_decided(stream.answers, store, folder_version)
    # What was in memory may be answered from for as long as it may be old, and no longer.
    assert all(version == other.version for _, version, asked in stream.answers if asked > since + 6)


def test_a_worker_killed_in_an_activation_leaves_all_of_it_or_nothing(serving, store, shipped):
    """The last of the tests on this server."""
    kept = PolicyStore(store)
    before = kept.activated()
    active = before[-1].version
    other = next(each for each in kept.proposals() if each.version != active)
    wait_until(lambda: is_ready(store, other.version))
    with client_of(serving, WANG) as client, ThreadPoolExecutor(1) as pool:
        client.policies()
        asked = pool.submit(client.activate_policy, other.version, other.digest, active)
        for pid in serving.workers().values():
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(CallFailed):
            asked.result(90)
    after = kept.activated()
    assert after[: len(before)] == before
    assert [each.version for each in after[len(before) :]] in ([], [other.version])
    page = store.changes_after(before[-1].revision - 1, 10)
    assert [each.number for each in page.revisions][-1] == page.newest
