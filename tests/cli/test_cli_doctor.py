"""`doctor`: what it sees, what it says to do, and that it neither hangs, nor stops at a broken check, nor tells."""

import datetime
import json
import shutil
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealauthz import __version__
from sealauthz.cli.preconditions import unmet
from sealauthz.config import load
from sealauthz.facts import Store
from sealauthz.facts.store.activations import Process
from sealauthz.facts.store.importing import Part
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.system_tables import AUDIT_PENDING
from sealauthz.model import MODEL
from sealauthz.model.records.organisation import Enterprise
from sealauthz.ops.doctor.database import look_at_clock, look_at_database, look_at_disk
from sealauthz.ops.doctor.files import look_at_certificates, look_at_keys
from sealauthz.ops.doctor.findings import Check, Level, run
from sealauthz.ops.doctor.store import look_at_active, look_at_imports, look_at_log, look_at_processes, look_at_restore
from sealauthz.runtime.errors import ConfigRefused

TOKEN = "0f5c6a4be4ac8ff4c3a4c1f1c1e5f25a1ab54f4b1b5b0e8a6f0f6d6a9f1b7a01"


def config_of(tmp_path, text=""):
    file = tmp_path / "doctor.toml"
    file.write_text(text)
    return load(MODEL, {}, file)


def bad(found):
    return [(level, what) for level, what, _ in found if level is not Level.OK]


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(tmp_path, *, days=90, begins=-1, names=("localhost",), is_named=True):
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([]))
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now + datetime.timedelta(days=begins))
    builder = builder.not_valid_after(now + datetime.timedelta(days=days))
    if is_named:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    (tmp_path / "s.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (tmp_path / "s.key").write_bytes(pem(key))
    (tmp_path / "s.key").chmod(0o600)
    return '[server]\nlisten = "localhost:8443"\ntls_certificate = "s.pem"\ntls_key = "s.key"\n'


def test_a_check_that_fails_says_so_and_tells_nothing_of_the_error():
    def look():
        yield Level.OK, "so far", ""
        raise ValueError("geheim")

    found = run(Check("area", look))
    assert [finding.level for finding in found] == ["ok", "problem"]
    assert "geheim" not in str(found)


def test_a_check_that_hangs_is_left_behind():
    ends = threading.Event()
    begun = time.monotonic()
    found = run(Check("area", lambda: iter(lambda: ends.wait(30), None), limit_s=0.05))
    ends.set()
    assert time.monotonic() - begun < 10
    assert found[0].level is Level.PROBLEM
    assert "no answer within 0.05 seconds" in found[0].what


def test_the_levels_are_the_exit_codes_and_a_broken_database_stops_no_other_look(sealauthz, demo_facts, tmp_path):
    (tmp_path / "c.toml").write_text(
        f"{certificate(tmp_path)}[audit]\nsequences = false\npending_key = 'pending.key'\n"
        f"[callers.a]\ntoken_sha256 = '{TOKEN}'\n"
        'rpcs = ["OperationsService/GetKeys"]\nenterprises = ["e"]\n'
    )
    (tmp_path / "pending.key").touch(0o600)
    (tmp_path / "pending.key").write_text("p" * 32)
    code, out, err = sealauthz("doctor", "--config", "c.toml", "-o", "json")
    found = json.loads(out)
    assert (code, err, [finding for finding in found if finding["level"] != "ok"]) == (0, "", [])
    seen = ["configuration", "callers", "keys", "certificates", "traces", "metrics", "policies", "database", "clock"]
    assert list(dict.fromkeys(finding["area"] for finding in found)) == [
        *seen, "disk", "activated", "processes", "announcements", "restore", "imports", "log", "sinks"
    ]  # fmt: skip
    (tmp_path / "s.key").chmod(0o644)
    assert sealauthz("doctor", "--config", "c.toml")[0] == 1
    demo_facts.unlink()
    code, out, _ = sealauthz("doctor", "--config", "c.toml")
    assert code == 2
    assert "the database file is not there" in out
    assert "open to other users" in out


def test_what_cannot_be_read_is_a_problem_and_no_password_is_said(sealauthz, tmp_path):
    (tmp_path / "c.toml").write_text("[server]\nlisen = 1")
    code, out, _ = sealauthz("doctor", "--config", "c.toml")
    assert code == 2
    assert "config check" in out
    code, out, err = sealauthz("doctor", "--database", "postgresql://u:geheim@127.0.0.1:1/x", "-o", "json")
    assert code == 2
    assert "geheim" not in out + err
    assert "Connection refused" in out


def test_a_database_of_either_kind_is_seen_to_be_well(database_url, monkeypatch):
    assert bad(look_at_database(database_url, MODEL)) == []
    assert bad(look_at_clock(database_url, MODEL)) == []
    if database_url.startswith("postgresql"):
        assert bad(look_at_database(database_url, MODEL, workers=64))[0][0] is Level.WARNING
        now = time.time()
        for apart_s, level in ((5, Level.WARNING), (3600, Level.PROBLEM), (-3600, Level.PROBLEM)):
            monkeypatch.setattr("sealauthz.ops.doctor.database.time", SimpleNamespace(time=lambda by=apart_s: now + by))
            assert bad(look_at_clock(database_url, MODEL))[0][0] is level


def test_a_clock_that_went_back_is_seen_by_the_newest_revision(demo_facts, monkeypatch):
    url = f"sqlite:///{demo_facts}"
    assert bad(look_at_clock(url, MODEL)) == []
    monkeypatch.setattr("sealauthz.ops.doctor.database.time", SimpleNamespace(time=lambda: 0.0))
    assert "in the future" in bad(look_at_clock(url, MODEL))[0][1]


def test_a_disk_that_is_nearly_full_is_seen(demo_facts, monkeypatch):
    url = f"sqlite:///{demo_facts}"
    for free, levels in ((1 << 40, []), (1 << 29, [Level.WARNING]), (1 << 20, [Level.PROBLEM])):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert [level for level, _ in bad(look_at_disk(url))] == levels


CERTIFICATES = {
    "fine": ({}, None, ""),
    "ended": ({"days": -0.5, "begins": -9}, Level.PROBLEM, "ended at"),
    "not yet": ({"begins": 1}, Level.PROBLEM, "is not valid before"),
    "soon": ({"days": 20, "begins": -70}, Level.WARNING, "ends in"),
    "one that lives for hours": ({"days": 0.9, "begins": -0.1}, None, ""),
    "the last of its hours": ({"days": 0.1, "begins": -0.9}, Level.WARNING, "ends in 2 hours"),
    "another name": ({"names": ["authz.example"]}, Level.WARNING, "listens on `localhost`"),
    "no name": ({"is_named": False}, Level.PROBLEM, "clients refuse it"),
}


@pytest.mark.parametrize(("how", "level", "says"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_certificates_are_told_by_their_time_and_names(tmp_path, how, level, says):
    found = bad(look_at_certificates(config_of(tmp_path, certificate(tmp_path, **how))))
    assert [each for each, _ in found] == ([] if level is None else [level])
    assert says in str(found)


def test_one_key_for_two_jobs_files_that_others_read_and_missing_keys_are_seen(tmp_path):
    for name, mode in (("a.pem", 0o600), ("b.pem", 0o666)):
        (tmp_path / name).write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
        (tmp_path / name).chmod(mode)
    keys = '[receipts]\nissuer = "i"\nkeys = ["a.pem"]\n[audit]\nname = "log"\nkey = '
    assert bad(look_at_keys(config_of(tmp_path, f'{keys}"a.pem"'), None)) == [
        (Level.WARNING, "`receipts.keys` and `audit.key` name the same key")
    ]
    assert "is open to other users: mode 0666" in str(bad(look_at_keys(config_of(tmp_path, f'{keys}"b.pem"'), None)))
    found = bad(look_at_keys(config_of(tmp_path, f'{keys}"c.pem"'), None))
    assert {level for level, _ in found} == {Level.PROBLEM}
    assert "no such file" in str(found)
    config = config_of(tmp_path, '[database]\nurl = "postgresql://u:geheim@h/d"')
    (tmp_path / "doctor.toml").chmod(0o644)
    found = list(look_at_keys(config, tmp_path / "doctor.toml"))
    assert "which may hold a password" in str(bad(found))
    assert "geheim" not in str(found)


def test_two_issuers_of_assertions_with_one_key_are_a_problem(tmp_path):
    key = {"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "Ed25519"}
    key["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    (tmp_path / "k.json").write_text(json.dumps({"keys": [key]}))
    issuers = "".join(f'[assertions.issuers."{name}"]\nkeys = "k.json"\n' for name in ("a", "b"))
    found = bad(look_at_keys(config_of(tmp_path, f'[assertions]\naudience = "x"\n{issuers}'), None))
    assert found == [(Level.PROBLEM, "`a` and `b` have the same key: each can sign as the other")]


def test_issuers_of_tokens_without_usable_keys_are_a_problem(tmp_path):
    text = '[jwt.issuers.a]\nkeys = "none.json"\naudience = "x"\n[jwt.issuers.b]\nkeys = "https://b"\naudience = "x"\n'
    config = config_of(tmp_path, text)
    found = list(look_at_keys(config, None))
    assert ["none.json" in problem for _, problem in unmet(config, "sqlite:///f.db", insecure=True)] == [True]
    assert (Level.OK, "`b` may issue tokens of callers; its keys are fetched from `https://b`", "") in found


def test_what_lies_in_a_store_of_either_kind_is_looked_at(store, tmp_path):
    config = config_of(tmp_path, '[audit]\nsequences = false\npending_key = "pending.key"')
    PolicyStore(store).beat(Process("1", "h/1", __version__, "store", "v1", {}))
    for found in (
        look_at_active(store, config, None),
        look_at_processes(store),
        look_at_imports(store, 60),
        look_at_log(store, config),
    ):
        assert bad(found) == []


@pytest.fixture
def opened(demo_facts):
    with closing(Store.open(f"sqlite:///{demo_facts}", MODEL)) as store:
        yield store


def test_processes_of_other_releases_and_policies_are_seen(opened):
    assert bad(look_at_processes(opened)) == []
    policies = PolicyStore(opened)
    policies.beat(Process("1", "h/1", "0.0.1", "store", "v1", {}))
    policies.beat(Process("2", "h/2", "0.0.1", "store", "v2", {}))
    policies.beat(Process("3", "h/3", "0.0.1", "store", "", {}))
    said = str(bad(look_at_processes(opened)))
    assert "others serve: 0.0.1" in said
    assert "`h/3` has no policies" in said
    assert "different policies: v1, v2" in said


def test_an_activation_that_cannot_be_loaded_or_that_a_process_has_not_is_a_problem(opened, tmp_path, monkeypatch):
    activation = SimpleNamespace(revision=3, version="v9")
    monkeypatch.setattr(PolicyStore, "activated", lambda _: (activation,))
    monkeypatch.setattr(PolicyStore, "proposal", lambda *_: SimpleNamespace(content="{}"))
    assert "cannot be loaded here" in bad(look_at_active(opened, config_of(tmp_path), None))[0][1]
    PolicyStore(opened).beat(Process("1", "h/1", "0.0.1", "store", "v1", {"v9": "too new"}))
    assert "`h/1` does not decide with `v9`: too new" in str(bad(look_at_processes(opened)))


def test_restore_that_is_not_complete_is_a_problem(opened):
    assert bad(look_at_restore(opened)) == []
    opened.announce_restore()
    assert "a backup of revision 1 was restored and is not complete" in bad(look_at_restore(opened))[0][1]


def test_an_import_that_stands_still_is_a_problem(opened):
    assert bad(look_at_imports(opened, 60)) == []
    part = Part("i-1", frozenset({"e-new"}), 1)
    opened.import_part("hr", part, [Enterprise("e-new", "Ying", "91350100M000100Y43")])
    assert bad(look_at_imports(opened, 60)) == []
    found = list(look_at_imports(opened, 0))
    assert found[0][0] is Level.PROBLEM
    assert found[0][2].endswith("`sealauthz facts abandon i-1 --caller hr`")


def test_a_log_whose_records_wait_is_warned_of(opened, tmp_path):
    config = config_of(tmp_path, '[audit]\nsequences = false\npending_key = "pending.key"')
    assert bad(look_at_log(opened, config)) == []
    with opened.writing() as connection:
        connection.execute(AUDIT_PENDING.insert().values(id="1", records="{}"))
    assert "1 wait for their places" in bad(look_at_log(opened, config))[0][1]


def test_the_doctor_refuses_a_url_that_is_none(sealauthz):
    assert sealauthz("doctor", "--database", "nothing")[0] == 2
    with pytest.raises(ConfigRefused):
        list(look_at_disk("nothing"))
