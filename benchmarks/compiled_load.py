"""Generates load with h2load, the compiled load generator of nghttp2, where it is installed.

It is nobody's here, and so a check of `h2.py`. But each of its processes sends one message again and again: it asks few
questions, whose records are hot.
"""

from __future__ import annotations

import re
import resource
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from h2 import Outcome

_DATA = re.compile(r"\((\d+)\) data")
_LEAST_BYTES = 100
"""What an answer has at least: a refusal has no message."""


def is_there() -> bool:
    """Tell whether h2load is installed."""
    return shutil.which("h2load") is not None


class CompiledLoad:
    """Processes of h2load, one for each message, each with one connection and so many calls under way."""

    def __init__(self, address: str, path: str, token: str, messages: Sequence[bytes], calls_each: int) -> None:
        self._url = f"http://{address}{path}"
        self._token = token
        self._messages = messages
        self._calls_each = calls_each
        self.cpu_s = 0.0

    def run(self, calls: int) -> Outcome:
        """Make so many calls, as many of each message, and return when all have ended. Raises SystemExit."""
        with tempfile.TemporaryDirectory(prefix="sealauthz-load-") as name:
            folder = Path(name)
            before = _children_s()
            running = [
                self._start(folder, number, message, calls // len(self._messages))
                for number, message in enumerate(self._messages)
            ]
            said = [process.communicate()[0] for process in running]
            self.cpu_s = _children_s() - before
            if any(process.returncode for process in running):
                raise SystemExit(f"h2load failed:\n{said}")
            return self._outcome(folder, said)

    def _start(self, folder: Path, number: int, message: bytes, calls: int) -> subprocess.Popen[str]:
        body = folder / f"{number}.body"
        body.write_bytes(struct.pack(">BI", 0, len(message)) + message)
        headers = ("content-type: application/grpc", "te: trailers", "grpc-timeout: 20S")
        command = ["h2load", "-n", str(calls), "-c", "1", "-m", str(self._calls_each), "-d", str(body)]
        for header in (*headers, f"authorization: Bearer {self._token}"):
            command += ["-H", header]
        command += [f"--log-file={folder / str(number)}.log", self._url]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _outcome(self, folder: Path, said: Sequence[str]) -> Outcome:
        """Read when each call began and ended, and whether the answers were messages."""
        outcome = Outcome()
        began, ended = [], []
        for number, text in enumerate(said):
            rows = [line.split() for line in (folder / f"{number}.log").read_text(encoding="ascii").splitlines()]
            found = _DATA.search(text)
            has_messages = found is not None and int(found[1]) >= _LEAST_BYTES * len(rows)
            for start, status, lasted in rows:
                began.append(int(start))
                ended.append(int(start) + int(lasted))
                outcome.waits.append(int(lasted) / 1e6)
                if status == "200" and has_messages:
                    outcome.answered += 1
                else:
                    outcome.failed += 1
        outcome.seconds = (max(ended) - min(began)) / 1e6
        return outcome


def _children_s() -> float:
    """Return the CPU time of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
