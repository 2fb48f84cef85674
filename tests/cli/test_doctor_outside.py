"""What the doctor sees of what lies outside: keys that issuers publish, sinks of checkpoints, the collector."""

import json
import socket
import ssl
import stat
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from prometheus_client import CollectorRegistry
from time_authority import Authority
from tracing.collectors import collecting

from sealauthz.audit.anchoring import Folder, anchor
from sealauthz.audit.log import Log
from sealauthz.audit.record import event_record
from sealauthz.audit.sequencer import Sequencer
from sealauthz.cli.preconditions import unmet
from sealauthz.config import load
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.waiting import waiting
from sealauthz.model import MODEL
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics_endpoint import answering
from sealauthz.ops.doctor import outside
from sealauthz.ops.doctor.files import look_at_keys
from sealauthz.ops.doctor.findings import Level
from sealauthz.ops.doctor.outside import look_at_collector, look_at_issuer, look_at_sinks

KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def config_of(tmp_path, text=""):
    file = tmp_path / "doctor.toml"
    file.write_text(text)
    return load(MODEL, {}, file)


def bad(found):
    return [(level, what) for level, what, _ in found if level is not Level.OK]


# --- issuers ----------------------------------------------------------------------------------------------------------


@contextmanager
def publishing(content, authority):
    """An address of HTTPS where this is published."""

    class Published(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), Published)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}/keys"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def issuer_of(tmp_path, address, ca="ca.pem"):
    text = f'[jwt.issuers.idp]\nkeys = "{address}"\naudience = "x"\nalgorithms = ["Ed25519"]\n'
    return config_of(tmp_path, f'{text}ca = "{ca}"\n' if ca else text).jwt.issuers["idp"]


def test_keys_that_an_issuer_publishes_are_fetched(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with publishing(json.dumps({"keys": [KEY]}).encode(), authority) as address:
        found = list(look_at_issuer("idp", issuer_of(tmp_path, address)))
        assert found == [(Level.OK, "the keys of `idp` can be fetched: 1", "")]
        ((level, said),) = bad(look_at_issuer("idp", issuer_of(tmp_path, address, "")))
        assert level is Level.PROBLEM
        assert "cannot be fetched" in said
        assert "CERTIFICATE_VERIFY_FAILED" in said
    with publishing(b"geheim", authority) as address:
        ((_, said),) = bad(look_at_issuer("idp", issuer_of(tmp_path, address)))
        assert said == "the keys of `idp` cannot be fetched: the answer is no JSON"
    ((_, said),) = bad(look_at_issuer("idp", issuer_of(tmp_path, address)))
    assert "ConnectionRefusedError" in said


# --- keys that sign policies ------------------------------------------------------------------------------------------


def test_keys_that_sign_policies_are_looked_at(tmp_path):
    key = ed25519.Ed25519PrivateKey.generate()
    file = tmp_path / "security.pem"
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    file.chmod(0o644)
    text = '[policies]\nsigners = ["security.pem"]\n'
    found = list(look_at_keys(config_of(tmp_path, text), None))
    assert bad(found) == []
    assert (Level.OK, "policies are activated with a signature of `security`", "") in found
    file.chmod(file.stat().st_mode | stat.S_IWGRP)
    ((level, said),) = bad(look_at_keys(config_of(tmp_path, text), None))
    assert level is Level.PROBLEM
    assert "who replaces it can sign policies" in said
    file.chmod(0o644)
    (tmp_path / "log.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "log.pem").chmod(0o600)
    same = bad(look_at_keys(config_of(tmp_path, f'{text}[audit]\nname = "a/b"\nkey = "log.pem"\n'), None))
    assert same == [(Level.WARNING, "`audit.key` and `policies.signers` name the same key")]
    file.write_text("geheim")
    ((_, said),) = unmet(config_of(tmp_path, text), "sqlite:///f.db", insecure=True)
    assert "holds no public Ed25519 key" in said
    assert "geheim" not in said


# --- sinks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(demo_facts):
    with closing(Store.open(f"sqlite:///{demo_facts}", MODEL)) as store:
        yield store


def recorded(store, count=1):
    """Have so many records in the log, and a checkpoint of them."""
    with store.writing() as connection:
        driver = Driver(connection)
        records = [event_record("Lacking", now_us(), count=number) for number in range(count)]
        driver.run(*waiting(driver.is_postgresql, now_us(), *records))
    Sequencer(store, "doctor").drain()
    return Log(store)


def test_a_folder_that_keeps_the_newest_checkpoint_is_well(opened, tmp_path):
    assert bad(look_at_sinks(opened, config_of(tmp_path))) == []
    config = config_of(tmp_path, '[audit]\nfolder = "kept"\n')
    assert bad(look_at_sinks(opened, config)) == []  # neither is there yet
    assert not (tmp_path / "kept").exists()
    assert anchor(recorded(opened), Folder(tmp_path / "kept"))
    ((level, said, _),) = look_at_sinks(opened, config)
    assert level is Level.OK
    assert said.endswith("keeps the newest checkpoint, of 1 records")


def test_a_folder_that_lacks_checkpoints_is_warned_of(opened, tmp_path, monkeypatch):
    config = config_of(tmp_path, '[audit]\nfolder = "kept"\n')
    anchor(recorded(opened), Folder(tmp_path / "kept"))
    recorded(opened)
    assert bad(look_at_sinks(opened, config)) == []  # a moment ago
    monkeypatch.setattr(outside, "now_us", lambda: now_us() + 120_000_000)
    ((level, said),) = bad(look_at_sinks(opened, config))
    assert level is Level.WARNING
    assert said.endswith("keeps a checkpoint of 1 records, and there is one of 2")


def test_an_authority_that_lags_is_warned_of(opened, tmp_path, monkeypatch):
    """Who signs is not asked: what they signed lies in the folder."""
    authority = Authority(tmp_path / "tsa")
    settings = f'[audit]\nfolder = "kept"\ntimestamps = "http://tsa.example"\ntimestamp_roots = "{authority.roots}"\n'
    config, folder = config_of(tmp_path, settings), Folder(tmp_path / "kept")
    anchor(recorded(opened), folder)
    assert bad(look_at_sinks(opened, config)) == []  # a moment ago
    monkeypatch.setattr(outside, "now_us", lambda: now_us() + 3 * 3_600_000_000)
    assert bad(look_at_sinks(opened, config)) == [
        (Level.WARNING, "`audit.timestamps` has signed the log with 0 records, and it has 1")
    ]
    folder.add(1, ".tsr", b"token")
    assert bad(look_at_sinks(opened, config)) == []
    authority.roots.unlink()
    ((level, said),) = bad(look_at_sinks(opened, config))
    assert level is Level.PROBLEM
    assert "holds no certificates" in said


def test_a_folder_that_knows_more_than_the_log_is_a_problem(opened, demo_facts, tmp_path):
    before = demo_facts.read_bytes()
    config = config_of(tmp_path, '[audit]\nfolder = "kept"\n')
    anchor(recorded(opened, 3), Folder(tmp_path / "kept"))
    opened.close()
    for file in demo_facts.parent.glob(f"{demo_facts.name}*"):
        file.unlink()
    demo_facts.write_bytes(before)
    with closing(Store.open(f"sqlite:///{demo_facts}", MODEL)) as restored:
        ((level, said),) = bad(look_at_sinks(restored, config))
        assert level is Level.PROBLEM
        assert "the log is empty, and had 3 records" in said
        recorded(restored, 3)
        ((_, said),) = bad(look_at_sinks(restored, config))
        assert "does not go on from its first 3 records" in said


def test_a_folder_that_cannot_be_written_is_a_problem(opened, tmp_path):
    (tmp_path / "kept").write_text("a file")
    ((level, said),) = bad(look_at_sinks(opened, config_of(tmp_path, '[audit]\nfolder = "kept"\n')))
    assert level is Level.PROBLEM
    assert "cannot be written" in said


def test_a_webhook_is_reached_and_sent_nothing(opened, tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config = config_of(tmp_path, f'[audit]\nwebhook = "http://127.0.0.1:{port}/geheim"\n')
        assert bad(look_at_sinks(opened, config)) == []
        taken, _ = listening.accept()
        with taken:
            assert taken.recv(100) == b""
    ((level, said),) = bad(look_at_sinks(opened, config))
    assert (level, said) == (Level.WARNING, "the webhook cannot be reached")
    with publishing(b"", trustme.CA()) as address:
        config = config_of(tmp_path, f'[audit]\nwebhook = "{address}/geheim"\n')
        ((_, said),) = bad(look_at_sinks(opened, config))
        assert said.startswith("the certificate of the webhook: ")
        assert "geheim" not in said
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        assert "by a proxy" in bad(look_at_sinks(opened, config))[0][1]


def test_sinks_beside_a_process_that_does_not_sequence_are_warned_of(opened, tmp_path):
    config = config_of(tmp_path, '[audit]\nfolder = "kept"\nsequences = false\n')
    assert "sends no checkpoints" in bad(look_at_sinks(opened, config))[0][1]


# --- the collector ----------------------------------------------------------------------------------------------------


def test_a_collector_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "_COLLECTOR_WITHIN_S", 0.3)
    assert bad(look_at_collector(config_of(tmp_path))) == []
    with collecting() as collector:
        config = config_of(tmp_path, f'[traces]\nendpoint = "{collector.address}"\n')
        assert bad(look_at_collector(config)) == []
        collector.code = grpc.StatusCode.PERMISSION_DENIED
        ((level, said),) = bad(look_at_collector(config))
        assert level is Level.WARNING
        assert "PERMISSION_DENIED" in said
    ((level, said),) = bad(look_at_collector(config))
    assert level is Level.WARNING
    assert "UNAVAILABLE" in said
    secure = config_of(tmp_path, '[traces]\nendpoint = "https://127.0.0.1:1"\nca = "none.pem"\n')
    assert "`serve` does not start" in bad(look_at_collector(secure))[0][1]
    monkeypatch.setitem(sys.modules, "sealauthz.observability.tracing.otlp", None)
    assert bad(look_at_collector(config))[0][0] is Level.PROBLEM


# --- metrics ----------------------------------------------------------------------------------------------------------


def test_the_address_of_metrics_is_asked(tmp_path):
    assert [level for level, _, _ in outside.look_at_metrics(config_of(tmp_path))] == [Level.OK]

    def found(port, host="127.0.0.1"):
        return bad(outside.look_at_metrics(config_of(tmp_path, f'[metrics]\nlisten = "{host}:{port}"\n')))

    instruments = Instruments()
    with answering("127.0.0.1:0", instruments.registry) as endpoint:
        port = endpoint.address.rpartition(":")[2]
        ((level, what),) = found(port)
        assert (level, "no process that serves" in what) == (Level.WARNING, True)
        instruments.serving.set(2)
        assert found(port) == found(port, "0.0.0.0") == []
    ((level, what),) = found(port)
    assert (level, "nothing answers" in what) == (Level.WARNING, True)
    with answering("127.0.0.1:0", CollectorRegistry()) as endpoint:
        ((level, what),) = found(endpoint.address.rpartition(":")[2])
    assert (level, "no service of this kind" in what) == (Level.PROBLEM, True)
