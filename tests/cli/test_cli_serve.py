"""`serve` as a process of its own: it says where it listens, answers, and stops gracefully."""

import hashlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from sealauthz.cli.app import Exit
from sealauthz.decision.folder import installed_folder
from sealauthz_client import SealAuthzClient

LIN_JOINS = ("check", "Person:p-lin", "join", "Enterprise:e-yunshan")
LIN_USES = ("check", "Person:p-lin", "use", "Seal:seal-official", "-c", "task=task-paper")


class Serving:
    """A `sealauthz serve` process, after it said where it listens."""

    def __init__(self, *arguments, program=("-m", "sealauthz")):
        self.process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *program, "serve", "--listen", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.first_line = self.process.stdout.readline()
        match = re.match(r"listening on (127\.0\.0\.1:\d+) ", self.first_line)
        self.address = match[1] if match else ""

    def line_of(self, event):
        """Read the log until an event whose name begins so."""
        while True:
            line = json.loads(self.process.stderr.readline())
            if line["event"].startswith(event):
                return line

    def stop(self, number=signal.SIGTERM):
        """Stop it; return its exit code and the rest of what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            out, err = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            # What each of its threads is at says more than that it goes on.
            self.process.send_signal(signal.SIGABRT)
            pytest.fail(f"it does not stop\n{self.process.communicate(timeout=30)[1][-8_000:]}")
        return self.process.returncode, out, err


@pytest.fixture
def serve():
    """Start servers, and end those that a test left running."""
    started = []

    def start(*arguments, **options):
        started.append(Serving(*arguments, **options))
        return started[-1]

    yield start
    for serving in started:
        if serving.process.poll() is None:
            serving.process.kill()
        serving.process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_demo_serves_says_how_to_ask_and_stops_with_0(sealauthz, serve, monkeypatch, number):
    serving = serve("--demo")
    assert re.fullmatch(
        r"listening on 127\.0\.0\.1:\d+ in plain text; policy \w+, facts at revision 1\n", serving.first_line
    )
    said = [serving.process.stdout.readline() for _ in range(6)]
    export = re.fullmatch(r"  export SEALAUTHZ_ADDRESS=(\S+) SEALAUTHZ_TOKEN=(\S+)\n", said[3])
    assert export[1] == serving.address
    key = re.fullmatch(r"  export SEALAUTHZ_SIGN_WITH=(\S+)\n", said[4])[1]
    question = said[5].split()
    assert question[0] == "sealauthz"

    monkeypatch.setenv("SEALAUTHZ_ADDRESS", export[1])
    monkeypatch.setenv("SEALAUTHZ_TOKEN", export[2])
    code, out, _ = sealauthz(*question[1:])
    assert code == 1
    assert out.startswith("DENY  Person:p-lin use Seal:seal-official\n  NOT_A_MEMBER\n    → JOIN_ENTERPRISE  ")
    assert sealauthz(*LIN_JOINS, "--insecure")[0] == 0
    assert "unmet  MEMBER" in sealauthz("explain", *question[2:])[1]
    assert "view" in sealauthz("actions", "Person:p-zhou", "Seal:seal-official", "--insecure")[1]

    # The key signs for the persons of the demo. Only this user reads it, and it goes with the demo.
    assert Path(key).stat().st_mode & 0o077 == 0
    monkeypatch.setenv("SEALAUTHZ_SIGN_WITH", key)
    freeze = ("perform", "Person:p-chen", "freeze", "Seal:seal-official", "--insecure")
    assert "another audience" in sealauthz(*freeze, "--audience", "elsewhere")[2]
    assert sealauthz(*freeze)[0] == 0

    code, out, err = serving.stop(number)
    assert (code, out.strip()) == (0, "")
    assert export[2] not in err
    assert not Path(key).exists()
    assert "Traceback" not in err


def test_answers_over_grpc_are_those_in_process(sealauthz, serve, demo_facts, monkeypatch):
    # A server that has just started may take longer on a busy machine than the command waits for.
    monkeypatch.setattr("sealauthz.cli.answer_source._TIMEOUT_S", 60.0)
    serving = serve("--demo", "--database", f"sqlite:///{demo_facts}")
    token = re.search(r"SEALAUTHZ_TOKEN=(\S+)", "".join(serving.process.stdout.readline() for _ in range(5)))[1]
    monkeypatch.setenv("SEALAUTHZ_TOKEN", token)
    remote = ("--server", serving.address, "--insecure")
    varying = re.compile(r"decision [0-9a-f-]{36}|(valid until|as of) \S+")
    for arguments in (
        LIN_USES,
        LIN_JOINS,
        ("explain", *LIN_USES[1:]),
        ("actions", "Person:p-zhou", "Seal:seal-official"),
        ("list", "Person:p-zhou", "view", "Seal"),
        ("list", "Person", "view", "Seal:seal-official"),
    ):
        (here, out_here, _), (there, out_there, _) = sealauthz(*arguments), sealauthz(*arguments, *remote)
        assert here == there
        assert varying.sub("", out_here) == varying.sub("", out_there)
    code, _, err = sealauthz(*LIN_USES[:4], "-c", "tusk=1", *remote)
    assert (code, "`context[tusk]`" in err) == (2, True)


def test_a_configured_server_speaks_tls_and_gives_each_caller_its_rights(sealauthz, serve, demo_facts, monkeypatch):
    folder = demo_facts.parent
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    token = "a token of the signing service"
    (folder / "token").write_text(f"{token}\n")
    (folder / "sealauthz.toml").write_text(
        f"""
        [server]
        tls_certificate = "server.pem"
        tls_key = "server.pem"
        [callers.signing]
        token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"
        rpcs = ["AuthorizationService/Authorize"]
        enterprises = ["e-yunshan", "e-qinghe"]
        """
    )
    serving = serve("--config", "sealauthz.toml")
    assert " over TLS; policy " in serving.first_line
    known = ("--server", serving.address, "--token-file", "token", "--ca", "ca.pem")
    assert sealauthz(*LIN_JOINS, *known)[0] == 0
    code, _, err = sealauthz("explain", *LIN_JOINS[1:], *known)
    assert (code, err) == (4, "error: the caller `signing` may not call `AuthorizationService/Explain`\n")
    monkeypatch.setenv("SEALAUTHZ_TOKEN", "another")
    code, _, err = sealauthz(*LIN_JOINS, *known[:2], "--ca", "ca.pem")
    assert (code, err) == (4, "error: unknown bearer token\n")
    code, _, err = sealauthz(*LIN_JOINS, *known[:2], "--insecure")
    assert (code, err) == (3, f"error: no server answers at `{serving.address}` in plain text\n")

    # SIGHUP: another certificate, another caller in the place of this one, and a setting that needs a restart.
    newer = trustme.CA()
    newer.cert_pem.write_to_path(folder / "newer-ca.pem")
    newer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    text = (folder / "sealauthz.toml").read_text()
    text = text.replace(hashlib.sha256(token.encode()).hexdigest(), hashlib.sha256(b"another").hexdigest())
    (folder / "sealauthz.toml").write_text(text.replace("[server]", "[server]\nthreads = 3"))
    serving.process.send_signal(signal.SIGHUP)
    line = serving.line_of("reload")
    # Whether the reload or the look at the files every two seconds found the certificate, a busy machine decides.
    assert (line["event"], line["callers"], line["needs_restart"]) == ("reloaded", 1, ["server.threads"])
    assert sealauthz(*LIN_JOINS, *known[:2], "--ca", "newer-ca.pem")[0] == 0
    code, _, err = sealauthz(*LIN_JOINS, *known[:4], "--ca", "newer-ca.pem")
    assert (code, err) == (4, "error: unknown bearer token\n")

    # What cannot be used changes nothing.
    (folder / "sealauthz.toml").write_text(text.replace("rpcs", "rcps"))
    serving.process.send_signal(signal.SIGHUP)
    line = serving.line_of("reload")
    assert (line["event"], line["message"]) == (
        "reload_refused",
        "unknown setting `callers.signing.rcps`; did you mean `rpcs`? (line 7 of `sealauthz.toml`)",
    )
    assert sealauthz(*LIN_JOINS, *known[:2], "--ca", "newer-ca.pem")[0] == 0
    assert serving.stop()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), Exit.WRONG_USE, "`server.tls_certificate` and `server.tls_key` are needed to serve over TLS"),
        (("--insecure", "--listen", "0.0.0.0:1"), Exit.WRONG_USE, "not on loopback"),
        (("--demo", "--listen", "0.0.0.0:1"), Exit.WRONG_USE, "not on loopback"),
        (("--demo", "--listen", "nonsense"), Exit.WRONG_USE, "must be `host:port`"),
        (("--insecure",), Exit.NO_ANSWER, "run `sealauthz db upgrade`"),
        (("--config", "none.toml"), Exit.WRONG_USE, "`none.toml` cannot be read"),
    ],
)
def test_a_server_that_cannot_serve_says_why(sealauthz, arguments, code, message):
    found, out, err = sealauthz("serve", *arguments)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_faulty_policies_refuse_to_start_with_their_place(sealauthz, demo_facts, tmp_path, monkeypatch):
    policies = shutil.copytree(installed_folder(), tmp_path / "policies")
    (policies / "zzz.polar").write_text("foo(x) iff x;\n")
    monkeypatch.setattr("sealauthz.decision.bundle.installed_folder", lambda: policies)
    code, out, err = sealauthz("serve", "--insecure")
    assert (code, out) == (1, "")
    assert err.startswith("error: zzz.polar:1:8: ")


def test_a_server_on_the_reference_answers_alike(sealauthz, serve, monkeypatch):
    serving = serve("--demo", "--engine", "oso")
    token = re.search(r"SEALAUTHZ_TOKEN=(\S+)", "".join(serving.process.stdout.readline() for _ in range(5)))[1]
    monkeypatch.setenv("SEALAUTHZ_TOKEN", token)
    remote = ("--server", serving.address, "--insecure")
    assert sealauthz(*LIN_JOINS, *remote)[0] == 0
    assert sealauthz(*LIN_USES, *remote)[0] == 1


def test_a_port_that_is_taken_is_wrong_use(sealauthz, serve, demo_facts):
    serving = serve("--demo")
    code, _, err = sealauthz("serve", "--insecure", "--listen", serving.address)
    assert (code, err.splitlines()[-1]) == (2, f"error: cannot listen on `{serving.address}`")


@pytest.mark.parametrize(("is_patient", "code"), [(True, 0), (False, -signal.SIGTERM)])
def test_a_second_signal_ends_a_server_at_once_unless_it_has_a_supervisor(is_patient, code):
    """Whoever stops a service may send a worker the signal that its supervisor passes on as well."""
    program = (
        "import os, signal, threading; from sealauthz.ops.workers.worker import stop_on_signals\n"
        f"stopping = threading.Event(); stop_on_signals(stopping, is_patient={is_patient})\n"
        "for _ in range(2): os.kill(os.getpid(), signal.SIGTERM); assert stopping.wait(10)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == code


def test_a_signal_that_another_thread_takes_stops_a_server():
    """Only the main thread runs handlers, and a signal that came to another does not wake it."""
    program = (
        "import signal, sys, threading; from sealauthz.ops.workers.worker import stop_on_signals, wait_for_stop\n"
        "stopping = threading.Event(); stop_on_signals(stopping, is_patient=False)\n"
        "def send():\n"
        "    while not any(code is wait_for_stop.__code__ for code in codes()): pass\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "def codes(main=threading.main_thread().ident):\n"
        "    frame = sys._current_frames()[main]\n"
        "    while frame: yield frame.f_code; frame = frame.f_back\n"
        "threading.Thread(target=send).start(); wait_for_stop(stopping)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_a_server_without_callers_warns(serve, demo_facts):
    serving = serve("--insecure")
    assert serving.address
    code, _, err = serving.stop()
    assert code == 0
    assert "warning: the configuration names no callers, so nobody can ask\n" in err


FAILING_POLICIES = """
import sys
from sealauthz.cli.app import main
from sealauthz.decision.evaluation import Evaluation
from sealauthz.runtime.errors import EvaluationFailed

def fail(self, case, plan):
    raise EvaluationFailed("the policy is broken")

Evaluation.evaluate = fail
main(sys.argv[1:])
"""


def test_policy_errors_are_lines_of_the_log_and_stop_no_call_though_nobody_reads_it(serve):
    serving = serve("--demo", program=("-c", FAILING_POLICIES))
    token = re.search(r"SEALAUTHZ_TOKEN=(\S+)", "".join(serving.process.stdout.readline() for _ in range(5)))[1]
    with SealAuthzClient(serving.address, token, insecure=True, timeout_s=20) as client:
        for _ in range(400):
            decision = client.authorize("Person:p-lin", "use", "Seal:seal-official")
            assert [reason.code for reason in decision.reasons] == ["POLICY_ERROR"]
    code, _, err = serving.stop()
    assert code == 0
    lines = [json.loads(line) for line in err.splitlines()]
    told = [line for line in lines if line["event"] == "logged"]
    assert told[0]["logger"] == "sealauthz.decision.pdp"
    assert told[0]["message"] == "POLICY_ERROR deciding `use` on Seal"
    assert told[0]["exception"][0]["exc_value"] == "the policy is broken"


def test_what_strangers_send_is_no_line_of_the_log(sealauthz, serve, monkeypatch):
    serving = serve("--demo")
    token = re.search(r"SEALAUTHZ_TOKEN=(\S+)", "".join(serving.process.stdout.readline() for _ in range(5)))[1]
    host, _, port = serving.address.rpartition(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
    said = b'\n{"event": "call", "caller": "nobody"}\n'
    with socket.create_connection((host, int(port)), timeout=10) as stranger:
        going = bytes((0, 0, 8 + len(said), 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9)) + said
        headers = b"\x83\x86\0\x02te\x03odd"  # POST, http, and a `te` that gRPC has not
        going = bytes((0, 0, len(headers), 1, 4, 0, 0, 0, 1)) + headers + going
        ping = bytes((0, 0, 8, 6, 0, 0, 0, 0, 0)) + b"are read"
        stranger.sendall(preface + going + ping)
        stranger.settimeout(10)
        answered = b""
        while b"are read" not in answered:
            answered += stranger.recv(1_000)

    # SIGHUP reloads nothing of the demo, and ends nothing.
    monkeypatch.setenv("SEALAUTHZ_TOKEN", token)
    for _ in range(3):
        serving.process.send_signal(signal.SIGHUP)
        assert sealauthz(*LIN_JOINS, "--server", serving.address, "--insecure")[0] == 0
    code, _, err = serving.stop()
    assert code == 0
    lines = [json.loads(line) for line in err.splitlines()]
    assert 1 <= [line["event"] for line in lines].count("hangup_ignored") <= 3
    assert "nobody" not in err


@pytest.mark.parametrize(
    "header", [(b"authorization", b"\xff%d"), (b"x-\xe4%d", b"a"), (b"authorization", b"Bearer %d")]
)
def test_strangers_do_not_fill_the_log(serve, header):
    serving = serve("--demo")
    host, _, port = serving.address.rpartition(":")
    calls, connections, started = 200, 5, time.monotonic()

    def framed(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

    def call(number):
        said = [
            (b":path", b"/sealauthz.v1.AuthorizationService/Authorize"),
            (b":authority", b"a"),
            (b"te", b"trailers"),
        ]
        said += [(b"content-type", b"application/grpc"), tuple(part.replace(b"%d", b"%d" % number) for part in header)]
        block = b"".join(bytes((0, len(name))) + name + bytes((len(value),)) + value for name, value in said)
        return framed(1, 5, 2 * number + 1, b"\x83\x86" + block)

    for _ in range(connections):
        with socket.create_connection((host, int(port)), timeout=30) as stranger:
            stranger.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + framed(4, 0, 0, b""))
            stranger.sendall(b"".join(map(call, range(calls))) + framed(6, 0, 0, b"are read"))
            answered = b""
            while b"are read" not in answered or answered.count(b"grpc-status") < 1:
                answered += stranger.recv(65_536)
    code, _, err = serving.stop()
    took_s = time.monotonic() - started
    assert code == 0
    lines = [json.loads(line) for line in err.splitlines()]
    assert "logged" not in {line["event"] for line in lines}
    told = [line for line in lines if line["event"] == "call"]
    assert told
    assert len(told) <= 2 + took_s  # one a second
    assert len(err) < 1_000 * (len(told) + 5)


def test_sighup_during_the_start_does_not_end_a_server(serve):
    program = (
        "import os, signal, sys; from sealauthz.cli import rolling_out\n"
        "loaded = rolling_out.load_bundle\n"
        "def load(*given):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return loaded(*given)\n"
        "rolling_out.load_bundle = load\n"
        "from sealauthz.cli.app import main\n"
        "main(sys.argv[1:])"
    )
    serving = serve("--demo", program=("-c", program))
    assert serving.address
    assert serving.stop()[0] == 0
