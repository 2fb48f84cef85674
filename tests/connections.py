"""What stands between a service and PostgreSQL in tests: a relay that can be cut, and a real PgBouncer."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

_FOUND_IN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_STARTS_WITHIN_S = 60.0


def real_tool(name: str, package: str) -> str:
    """Return the path of a program that no Python package brings. `.ci/run` installs it, from Debian's `package`."""
    found = shutil.which(name, path=_FOUND_IN)
    if found is None:
        pytest.fail(f"this test needs `{name}`: install it, as with `apt-get install {package}`")
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def socket_of(url: str) -> Path:
    """The socket of the PostgreSQL server that a URL of the tests leads to."""
    return Path(str(make_url(url).query["host"])) / ".s.PGSQL.5432"


class Relay:
    """A TCP port that leads to the server of a URL, and can be cut and connected again."""

    def __init__(self, url: str) -> None:
        self._target = str(socket_of(url))
        self.port = free_port()
        self.url = f"postgresql://postgres:geheim@127.0.0.1:{self.port}/{make_url(url).database}"
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()

    def connect(self) -> None:
        """Take connections from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        """Refuse connections, and end those there are."""
        listener, self._listener = self._listener, None
        for each in [*([listener] if listener else []), *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = listener.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(self._target)
                self._open |= {ours, theirs}
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def pgbouncer(url: str, mode: str) -> Iterator[str]:
    """Run a PgBouncer before the server of a URL, with `pool_mode = MODE`, and yield the URL through it."""
    program, server, port = real_tool("pgbouncer", "pgbouncer"), socket_of(url), free_port()
    with tempfile.TemporaryDirectory(prefix="sealauthz-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={server.parent} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = 40\n"
        )
        # It refuses to run as root, as PostgreSQL does: as root, it is the user that PostgreSQL is.
        user = [] if os.geteuid() else ["-u", pwd.getpwuid(server.stat().st_uid).pw_name]
        with (Path(folder) / "log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen([program, *user, f"{folder}/pgbouncer.ini"], stdout=log, stderr=log)
            try:
                through = f"postgresql://postgres@127.0.0.1:{port}/{make_url(url).database}"
                _wait_for(through, process, Path(log.name))
                yield through
            finally:
                process.kill()
                process.wait(60)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"PgBouncer does not start: {error}\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        else:
            return
