"""What `serve` has to do with the supervisor: to become it, and to be one of its workers."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_LAST_MARGIN_S = 10.0


def become_supervisor(listen: str, workers: int, grace_s: float, options: Sequence[str]) -> NoReturn:
    """Replace this process by the supervisor of so many `sealauthz serve OPTIONS`; it keeps the process id."""
    # A console script does not look for modules in the working directory, and what it starts must not either.
    is_found_here = any(folder in ("", str(Path.cwd())) for folder in sys.path)
    python = [sys.executable, *([] if is_found_here else ["-P"]), "-m"]
    command = [
        *(*python, "sealauthz.supervisor"),
        *("--listen", listen, "--workers", str(workers), "--grace", str(grace_s), "--"),
        *(*python, "sealauthz", "serve", *options),
    ]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)  # noqa: S606 (no shell: that is the point)


class Link:
    """A worker's end of the socket that the supervisor holds the other end of."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)

    def follow(self, stopping: threading.Event, grace_s: float) -> None:
        """Set `stopping` when the supervisor is gone, and end the process if it has not ended some time after that."""

        def watch() -> None:
            with suppress(OSError):
                self._socket.recv(1)  # nothing is ever sent
            stopping.set()
            time.sleep(grace_s + _LAST_MARGIN_S)
            os._exit(1)  # nobody else is left to do it

        threading.Thread(target=watch, name="sealauthz-link", daemon=True).start()

    def say_ready(self, line: str) -> None:
        """Tell the supervisor that calls are taken, and where."""
        with suppress(OSError):  # it is gone, of which `follow` hears
            self._socket.sendall(f"{line}\n".encode())
