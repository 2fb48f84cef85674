"""`serve --workers N`: several processes on one port over PostgreSQL, replaced and drained without a failed call."""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families
from shared_cache import SHARED_CACHE

from sealauthz import __version__
from sealauthz.decision import system_clock
from sealauthz.facts import Batch, Put, Store
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.service.fields import revision_message
from sealauthz_client import CallFailed, SealAuthzClient, at_least

TOKEN = "a token of the signing service"
PACE_S = 0.005
"""What a client of the load waits between two calls: it shall meet a worker that ends, and need no core of its own."""
CONFIG = """
[server]
tls_certificate = "server.pem"
tls_key = "server.pem"
workers = 2
[database]
url = "{url}"
[metrics]
listen = "127.0.0.1:0"
[callers.signing]
token_sha256 = "{digest}"
rpcs = ["AuthorizationService/Authorize", "FactsService/ReadFacts"]
enterprises = "*"
read = {{ Seal = "*" }}
"""


class Serving:
    """A `sealauthz serve` process, after it said where it listens; its log goes to a file."""

    def __init__(self, folder, *arguments):
        self.log_path = folder / "log"
        # Named here: a fixture of a module comes before those that each test of this folder has.
        environ = {name: v for name, v in os.environ.items() if not name.startswith("SEALAUTHZ_")} | SHARED_CACHE
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sealauthz", "serve", "--listen", "127.0.0.1:0", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=environ,
                text=True,
            )
        self.first_line = self.process.stdout.readline()
        match = re.match(r"listening on (127\.0\.0\.1:\d+) ", self.first_line)
        self.address = match[1] if match else ""

    @property
    def log(self):
        # A line that is just being written has no end yet.
        lines = self.log_path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def events(self, name):
        return [entry for entry in self.log if entry["event"] == name]

    def workers(self):
        """The process of each worker, the newest, by number."""
        return {entry["worker"]: entry["pid"] for entry in self.events("worker_started")}

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, new_database):
    """A configuration over TLS and PostgreSQL, with the demo facts."""
    folder = tmp_path_factory.mktemp("workers")
    url = new_database("postgresql")
    store = Store.open(url, MODEL)
    store.write(Batch("test", "opening", tuple(map(Put, opening_facts(system_clock())))))
    store.close()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    (folder / "sealauthz.toml").write_text(CONFIG.format(url=url, digest=digest))
    return folder


@pytest.fixture(scope="module")
def serving(folder):
    serving = Serving(folder, "--config", "sealauthz.toml")
    yield serving
    if serving.process.poll() is None:
        serving.process.kill()
    serving.process.communicate(timeout=60)
    for pid in serving.workers().values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def client_of(serving):
    roots = (serving.log_path.parent / "ca.pem").read_bytes()
    with SealAuthzClient(serving.address, TOKEN, tls_roots=roots, timeout_s=30) as client:
        yield client


def ask(client):
    return bool(client.authorize("Person:p-lin", "join", "Enterprise:e-yunshan"))


def run(*arguments):
    """Run the command as a process of its own: it becomes another program."""
    command = [sys.executable, "-m", "sealauthz", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def wait_until(is_so):
    deadline = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_says_once_where_all_listen_and_each_answers_alike(serving):
    assert re.fullmatch(
        r"listening on 127\.0\.0\.1:\d+ over TLS; policy \w+, facts at revision 1; 2 workers\n", serving.first_line
    )
    assert set(serving.workers()) == {1, 2}
    # The kernel spreads connections, so that enough of them reach both workers.
    answered = Counter()
    for _ in range(60):
        with client_of(serving) as client:
            answered[ask(client)] += 1
    assert set(answered) == {True}
    wait_until(lambda: len(serving.events("call")) >= 60)  # a line is written a little later than its call ends
    calls = serving.events("call")
    assert {entry["worker"] for entry in calls} == {1, 2}
    assert len(calls) == 60
    assert {entry["worker"] for entry in serving.events("serving")} == {1, 2}


def samples(serving):
    """All that is measured: by names and labels."""
    (listening,) = serving.events("metrics")
    assert urllib.request.urlopen(f"http://{listening['listen']}/healthz").status == 200
    text = urllib.request.urlopen(f"http://{listening['listen']}/metrics").read().decode()
    families = text_string_to_metric_families(text)
    return [((each.name, each.labels), each.value) for family in families for each in family.samples]


def measured(serving, name, **labels):
    """The sum of a metric over the labels that are not given."""
    return sum(
        value for (of, its), value in samples(serving) if of == f"sealauthz_{name}" and labels.items() <= its.items()
    )


def test_the_supervisor_answers_with_the_sum_of_what_the_workers_measure(serving):
    about = {"code": "OK", "caller": "signing", "method": "sealauthz.v1.AuthorizationService/Authorize"}
    made = len(serving.events("call")) + 16  # those of tests before this one, if it did not come to another process
    for _ in range(16):
        with client_of(serving) as client:
            assert ask(client)
    wait_until(lambda: measured(serving, "calls_total", **about) >= made)
    assert measured(serving, "calls_total", **about) == made
    assert measured(serving, "call_duration_seconds_count", method=about["method"]) == made
    assert measured(serving, "decisions_total", action="join", effect="ALLOW") == made
    assert measured(serving, "serving_processes") == 2
    assert measured(serving, "facts_revision") == 1  # the highest, not the sum
    assert measured(serving, "policy_processes") == 2
    assert measured(serving, "certificate_end_seconds") > time.time()
    assert measured(serving, "last_reload_succeeded") == 1
    assert measured(serving, "database_connections_most") == 64
    assert measured(serving, "database_latency_seconds") > 0
    assert measured(serving, "build_info", version=__version__) == 1
    assert measured(serving, "process_resident_bytes") > 1_000_000
    wait_until(lambda: measured(serving, "log_waiting_writes") == 0)
    assert 0 <= measured(serving, "log_oldest_wait_seconds") < 60
    threads = {labels["thread"] for (name, labels), _ in samples(serving) if name == "sealauthz_thread_failing"}
    assert {"alarms", "backlog"} <= threads
    of_alarms = [(labels, number) for (name, labels), number in samples(serving) if name == "sealauthz_alarms_total"]
    assert {number for labels, number in of_alarms if labels["what"] == "refused"} == {0}  # there before it rises
    assert {"sealauthz_log_unwritten", "sealauthz_log_oldest_wait_seconds"} <= {
        name for (name, _), _ in samples(serving)
    }


def test_the_supervisor_has_not_loaded_grpc(serving):
    pids = (serving.process.pid, *serving.workers().values())
    assert ["cygrpc" in Path(f"/proc/{pid}/maps").read_text() for pid in pids] == [False, True, True]


def test_a_worker_that_is_killed_or_told_to_end_is_replaced_without_a_failed_call(serving):
    outcomes, ending = Counter(), threading.Event()
    wait_until(lambda: {entry["worker"] for entry in serving.events("serving")} == {1, 2})

    def load():
        with client_of(serving) as client:
            while not ending.wait(PACE_S):
                try:
                    outcomes["allowed" if ask(client) else "denied"] += 1
                except CallFailed as error:
                    outcomes[str(error)] += 1

    with ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(load) for _ in range(2)]
        try:
            for number, sent in ((1, signal.SIGKILL), (2, signal.SIGTERM)):
                before, ready = serving.workers()[number], len(serving.events("serving"))
                os.kill(before, sent)
                # The log of a worker and that of the supervisor are written by two processes, in any order.
                wait_until(lambda number=number, before=before: serving.workers()[number] != before)
                wait_until(lambda ready=ready: len(serving.events("serving")) > ready)
        finally:
            ending.set()
        for client in clients:
            client.result(60)
    assert set(outcomes) == {"allowed"}
    assert [(entry["worker"], entry["code"]) for entry in serving.events("worker_died")] == [(1, -9), (2, 0)]
    with client_of(serving) as client:
        assert ask(client)
    # What the dead have counted stays, what they were doing does not.
    wait_until(lambda: measured(serving, "serving_processes") == 2)
    assert measured(serving, "calls_total", code="OK") > 60


def test_no_worker_allows_after_a_revoke_to_who_carries_its_token_and_soon_none_does_at_all(serving, folder):
    url = re.search(r'url = "(.+)"', (folder / "sealauthz.toml").read_text())[1]
    store = Store.open(url, MODEL)
    member = store.read("Membership", {"person_id": "p-zhou"}).records[0].record
    question = ("Person:p-zhou", "view", "Seal:seal-official")
    done = threading.Event()

    def load():
        with client_of(serving) as client:
            while not done.wait(PACE_S):
                client.authorize(*question)

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        clients = [stack.enter_context(client_of(serving)) for _ in range(12)]
        loading = [pool.submit(load) for _ in range(2)]
        try:
            for turn in range(10):
                for state in ("SUSPENDED", "ACTIVE"):
                    member.state = state
                    receipt = store.write(Batch("test", f"{state}{turn}", (Put(member),)))
                    token = revision_message(store.store_id, receipt.timeline, receipt.revision).token
                    found = {bool(client.authorize(*question, consistency=at_least(token))) for client in clients}
                    assert found == {state == "ACTIVE"}
            member.state = "SUSPENDED"
            store.write(Batch("test", "last", (Put(member),)))
            # Without a token the feeds of the workers bring it about.
            wait_until(lambda: not any(client.authorize(*question) for client in clients))
            member.state = "ACTIVE"
            store.write(Batch("test", "again", (Put(member),)))
        finally:
            done.set()
        for job in loading:
            job.result()
    store.close()


def test_another_server_on_the_port_is_refused_with_workers_and_without(serving, sealauthz, folder):
    address = ("--config", str(folder / "sealauthz.toml"), "--listen", serving.address)
    alone, _, said_alone = sealauthz("serve", *address, "--workers", "1")
    done = run("serve", *address)
    assert (alone, done.returncode) == (2, 2)
    assert said_alone.splitlines()[-1] == done.stderr.strip() == f"error: cannot listen on `{serving.address}`"


def test_a_signal_drains_every_worker_and_exits_with_0(serving):
    """The last of the tests on this server."""
    pids = list(serving.workers().values())
    with client_of(serving) as client:
        assert ask(client)
        assert serving.stop() == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert {entry["worker"] for entry in serving.events("stopping")} >= {1, 2}
    assert not serving.events("incident")
    with socket.socket() as nobody:
        host, _, port = serving.address.partition(":")
        assert nobody.connect_ex((host, int(port))) != 0


def test_a_bad_start_is_one_message_and_its_exit_code(folder, new_database):
    url = new_database("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    done = run("serve", "--config", str(folder / "sealauthz.toml"), "--database", url, "--listen", "127.0.0.1:0")
    assert done.returncode == 3
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert lines[0].startswith("error: the database is without a schema")


def test_more_than_one_worker_on_sqlite_is_refused(sealauthz, demo_facts):
    code, out, err = sealauthz("serve", "--insecure", "--workers", "2")
    assert (code, out) == (2, "")
    assert err == "error: 2 workers need PostgreSQL; SQLite is served from one process (`--workers 1`)\n"


def test_the_setting_counts_as_the_option_does(sealauthz, demo_facts, monkeypatch):
    monkeypatch.setenv("SEALAUTHZ_SERVER__WORKERS", "3")
    code, _, err = sealauthz("serve", "--insecure")
    assert (code, err[:24]) == (2, "error: 3 workers need Po")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--demo", "--workers", "2"), "use either --demo or --workers"),
        (("--insecure", "--workers", "0"), "0 is not in the range 1<=x<=64"),
        (("--insecure", "--workers", "65"), "65 is not in the range 1<=x<=64"),
    ],
)
def test_wrong_use_says_so(sealauthz, arguments, message):
    code, _, err = sealauthz("serve", *arguments)
    assert code == 2
    assert message in err
