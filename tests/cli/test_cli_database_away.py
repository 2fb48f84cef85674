"""`serve` while the database is away: it waits, says so in the log's form, and serves once the database is back."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import psycopg
import pytest
from connections import Relay

from sealauthz.decision import system_clock
from sealauthz.facts import Batch, Put, Store
from sealauthz.facts.store.database import FEED_NAME
from sealauthz.model import MODEL
from sealauthz.ops.demo.facts import opening_facts

pytestmark = pytest.mark.slow


class Serving:
    """A `sealauthz serve` process, and what it writes."""

    def __init__(self, folder, *arguments):
        self.path = folder / "log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sealauthz", "serve", "--insecure", "--listen", "127.0.0.1:0", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def lines(self):
        return [line for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def events(self, name, **fields):
        # Each line is in the log's form, but what is printed for the person who starts it.
        log = [json.loads(line) for line in self.lines if not line.startswith(("warning: ", "error: "))]
        return [each for each in log if each["event"] == name and fields.items() <= each.items()]


@pytest.fixture
def relay(new_database):
    url = new_database("postgresql")
    with closing(Store.open(url, MODEL)) as store:
        store.write(Batch("test", "opening", tuple(map(Put, opening_facts(system_clock())))))
    relay = Relay(url)
    relay.direct = url
    yield relay
    relay.cut()


@pytest.fixture
def serve(tmp_path, relay):
    started = []

    def start(*arguments):
        started.append(Serving(tmp_path, "--database", relay.url, *arguments))
        return started[-1]

    yield start
    for serving in started:
        if serving.process.poll() is None:
            serving.process.kill()
        serving.process.communicate(timeout=60)
        for worker in serving.events("worker_started"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker["pid"], signal.SIGKILL)


def wait_until(is_so):
    deadline = time.monotonic() + 150
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_server_that_starts_while_the_database_is_away_waits_and_serves_when_it_is_back(serve, relay):
    serving = serve()
    wait_until(lambda: len(serving.events("database_away")) > 1)
    away = serving.events("database_away")[0]
    assert "refused" in away["cause"]
    assert away["level"] == "warning"
    assert "geheim" not in "".join(serving.lines)
    assert serving.process.poll() is None
    relay.connect()
    assert serving.process.stdout.readline().startswith("listening on 127.0.0.1:")
    assert not [line for line in serving.lines if line.startswith("error: ")]
    serving.process.terminate()
    assert serving.process.wait(60) == 0


def test_server_that_waits_for_the_database_ends_at_a_signal(serve):
    serving = serve()
    wait_until(lambda: serving.events("database_away"))
    serving.process.terminate()
    assert serving.process.wait(60) in (0, -signal.SIGTERM)


def test_worker_that_is_replaced_while_the_database_is_away_waits_too(serve, relay):
    relay.connect()
    serving = serve("--workers", "2")
    assert serving.process.stdout.readline().endswith("2 workers\n")
    relay.cut()
    (second,) = serving.events("worker_started", worker=2)
    os.kill(second["pid"], signal.SIGKILL)
    wait_until(lambda: len(serving.events("database_away", worker=2)) > 1)
    relay.connect()

    def feeds():
        with psycopg.connect(relay.direct, autocommit=True) as connection:
            counted = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
            )
            return connection.execute(counted, [FEED_NAME]).fetchone()[0]

    wait_until(lambda: feeds() == 2)
    assert len(serving.events("worker_died")) == 1
    serving.process.terminate()
    assert serving.process.wait(60) == 0


def test_database_that_answers_and_cannot_be_used_is_not_waited_for(serve, relay):
    with psycopg.connect(relay.direct, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    relay.connect()
    serving = serve()
    assert serving.process.wait(60) == 3
    assert serving.lines[-1].startswith("error: the database is without a schema")
