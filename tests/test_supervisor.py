"""The supervisor, with workers that are a few lines of Python: starting, replacing, ending, and never alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sealauthz.ops.workers.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, Port, pause_after

PREAMBLE = """
import os, select, signal, socket, sys, time
listen, number, link = sys.argv[2], int(sys.argv[4]), socket.socket(fileno=int(sys.argv[5]))
folder = sys.argv[0].rpartition("/")[0]
with open(f"{folder}/started", "a") as file:
    file.write(f"{number} {os.getpid()} {listen}\\n")
def ready():
    link.sendall(f"listening on {listen} in tests\\n".encode())
def ending():
    with open(f"{folder}/ended", "a") as file:
        file.write(f"{number} {os.getpid()}\\n")
def reloading(*_):
    with open(f"{folder}/reloaded", "a") as file:
        file.write(f"{number} {os.getpid()}\\n")
def serve():
    signal.signal(signal.SIGHUP, reloading)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    signal.signal(signal.SIGTERM, lambda *_: (ending(), sys.exit(0)))
    ready()
    while not select.select([link], [], [], 0.1)[0]:  # a signal just before a call that blocks is not noticed by it
        pass
    if link.recv(1) == b"":
        ending()
"""
GOOD = "serve()"
MAIN = (
    "print(supervisor.main(['--listen', '127.0.0.1:0', '--workers', '2', '--grace', '2', '--', "
    f"{sys.executable!r}, '{{script}}']))"
)
"""A program that supervises and prints the exit code."""


class Supervised:
    """A supervisor of workers that run a program, and what it writes."""

    def __init__(self, folder: Path, program: str, workers: int = 2, grace: float = 2, listen: str = "127.0.0.1:0"):
        self.folder = folder
        script = folder / "worker.py"
        script.write_text(PREAMBLE + program)
        command = [sys.executable, "-m", "sealauthz.ops.workers.supervisor"]
        options = ["--listen", listen, "--workers", str(workers), "--grace", str(grace)]
        self.process = subprocess.Popen(
            [*command, *options, "--", sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def first_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def started(self) -> list[tuple[int, int]]:
        """The number and the process of each worker that was started, in that order."""
        return self._lines("started")

    def ended(self) -> list[tuple[int, int]]:
        """Those that ended because they were told to."""
        return self._lines("ended")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, list[dict[str, Any]]]:
        """Stop it; return the exit code, the rest of standard output, and the log."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, list[dict[str, Any]]]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, [json.loads(line) for line in err.splitlines() if line.startswith("{")]

    def reloaded(self) -> list[tuple[int, int]]:
        """Those that were told to reload, each time."""
        return self._lines("reloaded")

    def _lines(self, name: str) -> list[tuple[int, int]]:
        path = self.folder / name
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(line.split()[0]), int(line.split()[1])) for line in lines]


Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    running: list[Supervised] = []

    def start(program: str, **options: Any) -> Supervised:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Supervised(folder, program, **options))
        return running[-1]

    yield start
    for supervised in running:
        if supervised.process.poll() is None:
            supervised.process.kill()
        supervised.process.communicate(timeout=60)
        for _, pid in supervised.started():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that nobody waited for has ended too."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


# --- starting ---------------------------------------------------------------------------------------------------------


def test_all_workers_get_one_port_and_their_numbers_and_it_is_said_once(supervise: Supervise) -> None:
    supervised = supervise(GOOD, workers=3)
    match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+) in tests; 3 workers\n", supervised.first_line())
    assert match is not None
    assert int(match[1]) > 0
    assert {number for number, _ in supervised.started()} == {1, 2, 3}
    listens = {line.split()[2] for line in (supervised.folder / "started").read_text().splitlines()}
    assert listens == {f"127.0.0.1:{match[1]}"}
    code, out, _ = supervised.end()
    assert (code, out) == (0, "")


def test_it_is_not_said_before_all_take_calls(supervise: Supervise) -> None:
    supervised = supervise(f"while number == 2 and not os.path.exists(folder + '/go'): time.sleep(0.01)\n{GOOD}")
    wait_until(lambda: len(supervised.started()) == 2)
    os.set_blocking(supervised.process.stdout.fileno(), False)  # type: ignore[union-attr]
    assert supervised.first_line() == ""
    os.set_blocking(supervised.process.stdout.fileno(), True)  # type: ignore[union-attr]
    (supervised.folder / "go").touch()
    assert supervised.first_line().startswith("listening on ")


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("sys.exit(0)", 1), ("os.kill(os.getpid(), 9)", 137)])
def test_a_bad_start_is_passed_on_at_once_and_said_once(supervise: Supervise, ending: str, code: int) -> None:
    supervised = supervise(f"print('error: no database', file=sys.stderr, flush=True); {ending}", workers=3)
    _, err = supervised.process.communicate(timeout=60)
    assert supervised.process.returncode == code
    assert err.count("error: no database") == 1
    assert len(supervised.started()) == 1


def test_a_worker_that_fails_at_the_start_takes_the_others_with_it(supervise: Supervise) -> None:
    supervised = supervise(f"if number == 2: sys.exit(4)\n{GOOD}", workers=3)
    assert supervised.wait()[:2] == (4, "")
    assert all(is_gone(pid) for _, pid in supervised.started())


def test_no_further_worker_is_started_once_one_could_not_be(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(f"{PREAMBLE}\n{GOOD}")
    broken = """
import subprocess
start = subprocess.Popen
def popen(command, **options):
    if command[command.index("--worker") + 1] == "2":
        raise BlockingIOError("no process left")
    return start(command, **options)
subprocess.Popen = popen
"""
    start = "from sealauthz.ops.workers import supervisor; "
    main = start + MAIN.format(script=script).replace("'2', '--grace'", "'4', '--grace'")
    done = subprocess.run([sys.executable, "-c", broken + main], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["1"]
    assert done.stderr.count("no_process") == 1
    assert [line.split()[0] for line in (tmp_path / "started").read_text().splitlines()] == ["1"]


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_somebody_listens_on_is_refused(supervise: Supervise, shares: bool) -> None:
    with socket.socket() as taken:
        if shares:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        supervised = supervise(GOOD, listen=address)
        _, err = supervised.process.communicate(timeout=60)
    assert (supervised.process.returncode, err) == (2, f"error: cannot listen on `{address}`\n")
    assert supervised.started() == []


def test_two_supervisors_never_share_a_port() -> None:
    port = Port("127.0.0.1:0")
    with pytest.raises(OSError, match="in use"):
        Port(port.listen)
    port.close()
    Port(port.listen).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_port_is_held_without_listening_and_workers_can_share_it(host: str) -> None:
    port = Port(f"{host}:0")
    assert re.fullmatch(rf"{re.escape(host)}:[1-9]\d*", port.listen)
    number = int(port.listen.rpartition(":")[2])
    with socket.socket() as worker, socket.socket() as other, socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", number)) != 0
        for sock in (worker, other):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(("127.0.0.1", number))
            sock.listen()
    port.close()


# --- replacing --------------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(supervise: Supervise) -> None:
    supervised = supervise(GOOD)
    supervised.first_line()
    before = dict(supervised.started())
    os.kill(before[1], signal.SIGKILL)
    wait_until(lambda: len(supervised.started()) == 3)
    number, pid = supervised.started()[2]
    assert number == 1
    assert pid != before[1]
    assert not is_gone(before[2])
    code, _, log = supervised.end()
    assert code == 0
    died = [entry for entry in log if entry["event"] == "worker_died"]
    assert [(entry["worker"], entry["code"]) for entry in died] == [(1, -9)]
    assert sorted(supervised.ended()) == sorted([(1, pid), (2, before[2])])


def test_a_crash_loop_does_not_spin(supervise: Supervise) -> None:
    supervised = supervise(
        f"if number == 2 and os.path.exists(folder + '/bad'): sys.exit(7)\n"
        f"if number == 2: open(folder + '/bad', 'w'); ready(); time.sleep(0.1); sys.exit(7)\n{GOOD}"
    )
    supervised.first_line()
    wait_until(lambda: len(supervised.started()) >= 4)
    code, _, log = supervised.end()
    assert code == 0
    pauses = [entry["pause_s"] for entry in log if entry["event"] == "worker_died"]
    assert pauses == [pause_after(number) for number in range(1, len(pauses) + 1)]
    assert pauses[0] > 0


def test_a_worker_that_never_takes_calls_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(f"{PREAMBLE}\ntime.sleep(600)")
    program = (
        f"from sealauthz.ops.workers import supervisor; supervisor.START_LIMIT_S = 0.5; {MAIN.format(script=script)}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(128 + signal.SIGKILL)]
    assert "worker_late" in done.stderr


def test_a_worker_that_says_that_it_waits_is_not_ended(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    waits = "for _ in range(30): link.sendall(b' '); time.sleep(0.1)\n"
    script.write_text(f"{PREAMBLE}\n{waits}if number == 1: os.kill(os.getppid(), signal.SIGTERM)\n{GOOD}")
    limit = "supervisor.START_LIMIT_S = 1.5"
    program = f"from sealauthz.ops.workers import supervisor; {limit}; {MAIN.format(script=script)}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["0"]
    assert "worker_late" not in done.stderr


def test_the_pause_grows_to_a_limit() -> None:
    pauses = [pause_after(number) for number in range(1, 2_000)]
    assert pauses == sorted(pauses)
    assert (pause_after(0), pauses[0], pauses[-1]) == (0.0, FIRST_PAUSE_S, LONGEST_PAUSE_S)


# --- ending -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_every_worker_end_in_order(supervise: Supervise, number: int) -> None:
    supervised = supervise(GOOD, workers=3)
    supervised.first_line()
    code, _, log = supervised.end(number)
    assert code == 0
    assert sorted(supervised.ended()) == sorted(supervised.started())
    assert not [entry for entry in log if entry["event"] == "worker_died"]


def test_what_the_terminal_sends_reaches_a_worker_once_and_from_the_supervisor(supervise: Supervise) -> None:
    supervised = supervise(GOOD)
    supervised.first_line()
    groups = {os.getpgid(pid) for _, pid in supervised.started()}
    assert os.getpgid(supervised.process.pid) not in groups
    assert len(groups) == 2


def test_a_worker_that_does_not_end_is_killed_after_the_grace(supervise: Supervise) -> None:
    supervised = supervise("signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); time.sleep(600)", grace=0)
    supervised.first_line()
    assert supervised.end()[0] == 0
    assert all(is_gone(pid) for _, pid in supervised.started())


def test_a_second_signal_does_not_wait_for_the_grace(supervise: Supervise) -> None:
    supervised = supervise("signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); time.sleep(600)", grace=600)
    supervised.first_line()
    supervised.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    code = supervised.end()[0]
    assert code == 128 + signal.SIGTERM
    assert all(is_gone(pid) for _, pid in supervised.started())


def test_a_signal_during_the_start_ends_it_too(supervise: Supervise) -> None:
    supervised = supervise("time.sleep(600)")
    wait_until(supervised.started)
    assert supervised.end()[0] == 0
    assert all(is_gone(pid) for _, pid in supervised.started())


def test_sighup_reaches_every_worker_and_ends_none(supervise: Supervise) -> None:
    supervised = supervise(GOOD)
    wait_until(supervised.started)
    supervised.process.send_signal(signal.SIGHUP)  # also while they start
    assert supervised.first_line().endswith("; 2 workers\n")
    supervised.process.send_signal(signal.SIGHUP)
    wait_until(lambda: {number for number, _ in supervised.reloaded()} == {1, 2})
    # A signal to all processes means the workers too.
    for _, pid in supervised.started():
        os.kill(pid, signal.SIGHUP)
    code, _, log = supervised.end()
    assert code == 0
    events = [entry["event"] for entry in log]
    assert 1 <= events.count("workers_reload") <= 2
    assert "worker_died" not in events
    assert len(supervised.started()) == 2


def test_workers_end_when_the_supervisor_is_killed(supervise: Supervise) -> None:
    supervised = supervise(GOOD, workers=3)
    supervised.first_line()
    supervised.process.kill()
    wait_until(lambda: all(is_gone(pid) for _, pid in supervised.started()))
    assert sorted(supervised.ended()) == sorted(supervised.started())


# --- what it is made of -----------------------------------------------------------------------------------------------


def test_a_supervisor_at_work_never_loads_grpc(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(f"{PREAMBLE}\n{GOOD}")
    program = (
        "import os, signal, sys, threading; from sealauthz.ops.workers import supervisor\n"
        "said = supervisor._say\n"
        "supervisor._say = lambda line: (said(line), os.kill(os.getpid(), signal.SIGTERM))\n"
        f"{MAIN.format(script=script)}\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    said, code, modules = done.stdout.splitlines()
    assert said.startswith("listening on ")
    assert code == "0"
    assert "sealauthz" in modules
    assert not {"grpc", "google", "sqlalchemy", "pydantic", "structlog"} & set(modules.split())
