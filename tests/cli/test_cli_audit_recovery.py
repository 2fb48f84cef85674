"""`audit sequence --follow` as a process, and how an operator goes on after the log was tampered with."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from contextlib import closing, suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import create_engine

from sealauthz.cli.settings import pending_key, read_config
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import written
from sealauthz.model import MODEL
from sealauthz.runtime.errors import ConfigRefused

PERFORM = ("perform", "Person:p-chen", "freeze", "Seal:seal-official")


def new_key(path):
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
def configured(tmp_path):
    """The files of a configuration of a log with a key and a folder; returns a function that writes it."""
    new_key(tmp_path / "log.pem")
    (tmp_path / "pending.key").write_text(secrets.token_hex(32))

    def configure(url, *lines):
        text = f'[database]\nurl = "{url}"\n[audit]\nname = "test.example/log"\n' + "\n".join(lines)
        (tmp_path / "log.toml").write_text(text)
        return tmp_path / "log.toml"

    return configure


class Following:
    """A process that gives records their places."""

    def __init__(self, config):
        command = [sys.executable, "-m", "sealauthz", "audit", "sequence", "--follow", "--config", str(config)]
        self.errors = config.with_name("errors.txt")
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def until(is_so):
    for _ in range(1_200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def statements(url, *texts):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        rows = [connection.exec_driver_sql(text) for text in texts][-1]
        found = rows.fetchall() if rows.returns_rows else []
    engine.dispose()
    return found


def note(url, config, *ids):
    """Have records wait as a service does that has only the key of what waits."""
    with closing(Store.open(url, MODEL)) as store, store.writing() as connection:
        store.pending_key = lambda: pending_key(read_config(config, model=MODEL))
        driver = Driver(connection)
        records = [written({"v": 2, "kind": "Authorize", "id": each, "at": now_us()}) for each in ids]
        driver.run(*store.waiting(driver.is_postgresql, now_us(), *records))


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_process_that_follows_stops_signing_and_restarts_by_its_anchor(backend, new_database, configured, tmp_path):
    url = new_database(backend, MODEL)
    service = configured(url, 'pending_key = "pending.key"', "sequences = false")
    (tmp_path / "service.toml").write_text(service.read_text())
    service = tmp_path / "service.toml"
    log = configured(url, 'key = "log.pem"', 'pending_key = "pending.key"', 'folder = "kept"')

    def size():
        return statements(url, "SELECT max(number) FROM audit_log")[0][0]

    following = Following(log)
    try:
        note(url, service, "a", "b")
        until(lambda: size() == 1)
        until(lambda: list((tmp_path / "kept").glob("*2.checkpoint")))
        ((older,),) = statements(url, "SELECT note FROM audit_checkpoint ORDER BY period DESC LIMIT 1")
        note(url, service, "c")
        until(lambda: size() == 2)
        # Somebody takes the newest record away, and puts the checkpoint of before in its place.
        statements(
            url,
            "DELETE FROM audit_log WHERE number = 2",
            f"UPDATE audit_checkpoint SET size = 2, note = '{older}'",
        )
        note(url, service, "d")
        until(lambda: "audit_tampered: the log has 2 records, and had 3" in following.errors.read_text())
        statements(url, "INSERT INTO audit_pending (id, records) VALUES ('00-00', 'forged')")
        assert following.process.poll() is None
        assert size() == 1
    finally:
        following.stop()
    assert statements(url, "SELECT count(*) FROM audit_pending") == [(2,)]
    # It has forgotten the third record, which no anchor knows: the tree of two extends the one that was kept.
    following = Following(log)
    try:
        until(lambda: size() == 2)
        until(lambda: "audit_held" in following.errors.read_text())
    finally:
        following.stop()
    statements(url, *(f"DELETE FROM audit_{name}" for name in ("log", "about", "tile", "checkpoint")))
    note(url, service, "e")
    following = Following(log)
    try:
        until(lambda: "by the newest checkpoint of the anchor" in following.errors.read_text())
        assert size() is None
    finally:
        following.stop()


@pytest.fixture
def log(sealauthz, demo_facts, configured):
    """The options of a log with two acts."""
    config = ("--config", str(configured("sqlite:///sealauthz.db", 'key = "log.pem"', 'folder = "kept"')))
    for request in ("r1", "r2"):
        assert sealauthz(*PERFORM, "--request-id", request, *config)[0] == 0
    assert sealauthz("audit", "sequence", *config)[1] == "2 records got their places\n"
    return config


def test_log_with_another_key_is_resumed(sealauthz, log, tmp_path):
    assert sealauthz("audit", "resume", *log)[1].startswith("there is nothing to resume")
    new_key(tmp_path / "log.pem")
    assert sealauthz(*PERFORM, "--request-id", "r3", *log)[0] == 0
    code, _, err = sealauthz("audit", "sequence", *log)
    assert code != 0
    assert "not one that this log signed" in err
    assert "not one that this log signed" in " ".join(sealauthz("doctor", *log)[1].split())
    code, out, _ = sealauthz("audit", "resume", *log)
    assert (code, out) == (0, "the log goes on from its first 2 records; a record says so\n")
    code, out, _ = sealauthz("audit", "verify", *log)
    assert code == 0, out
    assert "4 records" in out
    assert "an operator accepted it (`audit resume`)" in out
    assert sealauthz("audit", "list", "--kind", "Resumed", *log)[1]


def test_verify_compares_with_the_configured_folder(sealauthz, log, tmp_path):
    code, out, _ = sealauthz("audit", "verify", *log)
    assert code == 0
    assert "older copy" in out, "the folder keeps nothing yet"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / f"{2:020d}.checkpoint").write_text(sealauthz("audit", "checkpoint", *log)[1])
    assert "not checkable" not in sealauthz("audit", "verify", *log)[1]
    url = f"sqlite:///{tmp_path / 'sealauthz.db'}"
    statements(url, *(f"DELETE FROM audit_{name}" for name in ("log", "about", "tile", "checkpoint")))
    code, out, _ = sealauthz("audit", "verify", *log)
    assert code == 1
    assert "CUT: the log has 0 records, and had 2" in out


def test_rows_that_are_held_back_are_listed_and_vouched_for(sealauthz, log, tmp_path):
    assert sealauthz(*PERFORM, "--request-id", "r3")[0] == 0, "a process without the key"
    assert sealauthz("audit", "sequence", *log)[1] == "0 records got their places\n"
    assert "1 rows that wait: they are held back" in " ".join(sealauthz("doctor", *log)[1].split())
    (row,) = json.loads(sealauthz("audit", "held", "-o", "json", *log)[1])
    assert json.loads(row["records"][0])["action"] == "freeze"
    assert "freeze" in "".join(sealauthz("audit", "held", *log)[1].split())
    assert sealauthz("audit", "held", "--vouch", "another", *log)[0] == 1
    assert sealauthz("audit", "held", "--vouch", row["id"])[0] == 2, "no key to vouch with"
    assert sealauthz("audit", "held", "--vouch", row["id"], *log)[1] == "1 rows wait for their places again\n"
    assert sealauthz("audit", "sequence", *log)[1] == "1 records got their places\n"
    assert json.loads(sealauthz("audit", "held", "-o", "json", *log)[1]) == []


def test_key_of_what_waits_is_the_configured_secret_or_that_of_the_log(configured, tmp_path):
    def key(*lines):
        return pending_key(read_config(configured("sqlite:///x.db", *lines), model=MODEL))

    of_log, of_secret = key('key = "log.pem"'), key('pending_key = "pending.key"')
    assert {len(of_log), len(of_secret)} == {32}
    assert of_log != of_secret
    assert key('key = "log.pem"', 'pending_key = "pending.key"') == of_secret
    assert key() == b""
    (tmp_path / "pending.key").write_text("short")
    with pytest.raises(ConfigRefused, match="fewer than 32 bytes"):
        key('pending_key = "pending.key"')
    with suppress(FileNotFoundError):
        (tmp_path / "pending.key").unlink()
    with pytest.raises(ConfigRefused, match="cannot be read"):
        key('pending_key = "pending.key"')
