"""The command `sealauthz serve` as processes of their own, on loopback, for what measures or torments it."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sealauthz.model import MODEL

_CONFIG = """
[server]
listen = "127.0.0.1:0"
[database]
url = "{url}"
"""

_CALLER = """
[callers.{name}]
token_sha256 = "{digest}"
rpcs = "*"
enterprises = "*"
share = {share}
read = {fields}
write = {fields}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Processes that answer on one port."""

    address: str
    pids: tuple[int, ...]

    def cpu_s(self) -> float:
        """Return the CPU time that they have used, to the microsecond: a short run takes less than one tick of the
        hundredths of a second that /proc counts.
        """
        return sum(time.clock_gettime(_cpu_clock(pid)) for pid in self.pids)


def _cpu_clock(pid: int) -> int:
    """Return the clock of the CPU time of a process, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


def children_of(pid: int) -> tuple[int, ...]:
    """Return the processes that a process has started."""
    return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()))


class Service:
    """The service of a database, for callers by name and token, who may do everything. It can be started again."""

    def __init__(self, url: str, folder: Path, workers: int, callers: Mapping[str, str], share: float = 1.0) -> None:
        self.config = folder / "sealauthz.toml"
        self.log = folder / "log"
        self.address = "127.0.0.1:0"
        self._workers = workers
        text = _CONFIG.format(url=url)
        fields = "{" + ", ".join(f'{record_type} = "*"' for record_type in MODEL.shapes) + "}"
        for name, token in callers.items():
            digest = hashlib.sha256(token.encode()).hexdigest()
            text += _CALLER.format(name=name, digest=digest, share=share, fields=fields)
        self.config.write_text(text, encoding="utf-8")

    def start(self) -> str:
        """Start it, again on the same port; return what was wrong, if it does not start."""
        command = [str(Path(sys.executable).with_name("sealauthz")), "serve", "--config", str(self.config)]
        command += ["--insecure", "--listen", self.address]
        if self._workers > 1:
            command += ["--workers", str(self._workers)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait(60)
            return f"the service did not start: {line}{self.log.read_text()[-2_000:]}"
        self.address = line.split()[2]
        return ""

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that answer."""
        return children_of(self.process.pid) if self._workers > 1 else (self.process.pid,)

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextlib.contextmanager
def service(url: str, folder: Path, workers: int, token: str) -> Iterator[Served]:
    """Run the service for one caller."""
    running = Service(url, folder, workers, {"bench": token})
    if problem := running.start():
        raise SystemExit(problem)
    try:
        yield Served(running.address, running.pids)
    finally:
        running.stop()
