"""Anchoring: checkpoints of the log are kept outside of the database, where who writes it cannot change them.

A newer checkpoint speaks of all that an older one does, so only the newest is sent, again and again until it has
arrived. Before that it is compared with the one that was kept last: a log that does not go on from there is not
anchored, and that is reported.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

from sealauthz.audit.merkle import ProofRefused, verify_consistency
from sealauthz.audit.note import Checkpoint, read_checkpoint
from sealauthz.audit.posting import TIMEOUT_S, AnchorRefused, check_address, post
from sealauthz.runtime.background import Background, Failed

if TYPE_CHECKING:  # it loads the database and the policies, and a configuration looks at an address only
    from sealauthz.audit.log import Log

SUFFIX = ".checkpoint"
EVERY_S = 10.0
_DIGITS = 20


class Sink(Protocol):
    """A place for checkpoints."""

    name: str

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint that it is known to keep; None where there is none, or that is not known."""

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint; the same again changes nothing. Raises AnchorRefused."""


class Folder:
    """A folder in which files are only added: one for each checkpoint. Better on storage of somebody else."""

    def __init__(self, path: Path) -> None:
        self.name = "folder"
        self._path = path

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint of the folder. Raises AnchorRefused."""
        try:
            files = sorted(self._path.glob(f"*{SUFFIX}"))
            return read_checkpoint(files[-1].read_text(encoding="utf-8")) if files else None
        except (OSError, ValueError) as error:
            raise AnchorRefused(f"`{self._path}` cannot be read") from error

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Add a file that is never overwritten."""
        if not self.add(checkpoint.size, SUFFIX, note.encode()):
            file = self._file(checkpoint.size, SUFFIX)
            try:
                is_same = read_checkpoint(file.read_text(encoding="utf-8")) == checkpoint
            except (OSError, ValueError) as error:
                raise AnchorRefused(f"`{file}` cannot be read") from error
            if not is_same:
                raise AnchorRefused(f"`{file}` is a checkpoint of another log of that size")

    def newest(self, suffix: str) -> tuple[int, bytes, float] | None:
        """Return of the files that end so the newest: the size of its checkpoint, what it holds, and when it was added,
        in seconds since 1970. Raises AnchorRefused.
        """
        try:
            files = sorted(self._path.glob(f"*{suffix}"))
            if not files:
                return None
            return int(files[-1].name[:_DIGITS]), files[-1].read_bytes(), files[-1].stat().st_mtime
        except (OSError, ValueError) as error:
            raise AnchorRefused(f"`{self._path}` cannot be read") from error

    def first_beyond(self, number: int, suffix: str) -> int | None:
        """Return the size of the first checkpoint with such a file that speaks of the record at a place; None without
        one. Raises AnchorRefused.
        """
        try:
            sizes = sorted(int(file.name[:_DIGITS]) for file in self._path.glob(f"*{suffix}"))
        except (OSError, ValueError) as error:
            raise AnchorRefused(f"`{self._path}` cannot be read") from error
        return next((size for size in sizes if size > number), None)

    def read(self, size: int, suffix: str) -> bytes:
        """Return what is kept of a checkpoint. Raises AnchorRefused."""
        file = self._file(size, suffix)
        try:
            return file.read_bytes()
        except OSError as error:
            raise AnchorRefused(f"`{file}` cannot be read") from error

    def add(self, size: int, suffix: str, content: bytes) -> bool:
        """Add a file about a checkpoint; False where there is one, which stays as it is. Raises AnchorRefused."""
        file = self._file(size, suffix)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        is_new = True
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as to:
                to.write(content)
                to.flush()
                os.fsync(to.fileno())
            fresh.chmod(0o444)
            try:
                os.link(fresh, file)  # fails where there is one, whatever it holds
            except FileExistsError:
                is_new = False
            finally:
                fresh.unlink()
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise AnchorRefused(f"`{file}` cannot be written") from error
        return is_new

    def _file(self, size: int, suffix: str) -> Path:
        return self._path / f"{size:0{_DIGITS}d}{suffix}"


class Webhook:
    """A service that is sent each checkpoint: the text of the note, by POST. It answers with a status of 2xx."""

    def __init__(self, url: str) -> None:
        self.name = "webhook"
        check_address(url, "audit.webhook")
        self._url = url
        self._last: Checkpoint | None = None

    def last(self) -> Checkpoint | None:
        """Return what this process has sent last."""
        return self._last

    def reach(self) -> None:
        """Open a connection as a checkpoint would need it, and send nothing. Raises AnchorRefused."""
        parts = urlsplit(self._url)
        if parts.scheme in getproxies():
            raise AnchorRefused("the webhook is reached by a proxy, which was not asked")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            with socket.create_connection((parts.hostname or "", port), TIMEOUT_S) as plain:
                if parts.scheme == "https":
                    context = ssl.create_default_context()
                    with context.wrap_socket(plain, server_hostname=parts.hostname):
                        pass
        except ssl.SSLCertVerificationError as error:
            raise AnchorRefused(f"the certificate of the webhook: {error.verify_message}") from error
        except OSError as error:
            raise AnchorRefused("the webhook cannot be reached") from error

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Send a checkpoint."""
        status = post(self._url, note.encode(), "text/plain; charset=utf-8", "the webhook").status
        if not 200 <= status < 300:
            raise AnchorRefused(f"the webhook answered with status {status}")
        self._last = checkpoint


class Anchoring:
    """Keeps the newest checkpoint of a log in each sink, from start to stop. One sink does not wait for another."""

    def __init__(self, log: Log, sinks: Sequence[Sink], failed: Failed, every_s: float = EVERY_S) -> None:
        self._log = log
        self._every_s = every_s
        self.threads = [self._thread(sink, failed) for sink in sinks]

    def start(self) -> None:
        """Begin."""
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more."""
        for thread in self.threads:
            thread.stop()

    def _thread(self, sink: Sink, failed: Failed) -> Background:
        def step() -> None:
            anchor(self._log, sink)
            thread.goes_well()
            thread.rest(self._every_s)

        thread = Background(f"anchor-{sink.name}", step, failed)
        return thread


def anchor(log: Log, sink: Sink) -> bool:
    """Have a sink keep the newest checkpoint; return whether it was another than before.

    Raises AnchorRefused, FactsUnavailable.
    """
    last = sink.last()
    note, newest = _newest(log, last)
    if newest is None or (last is not None and newest.size == last.size):
        return False
    sink.keep(note, newest)
    return True


def newest_of(log: Log, last: Checkpoint | None) -> Checkpoint | None:
    """Return the newest checkpoint of a log; None while it is empty.

    Raises AnchorRefused where the log does not go on from the last one that is known, and FactsUnavailable.
    """
    return _newest(log, last)[1]


def _newest(log: Log, last: Checkpoint | None) -> tuple[str, Checkpoint | None]:
    note = log.head().note
    if not note:
        if last is not None:
            raise AnchorRefused(f"the log is empty, and had {last.size} records")
        return "", None
    newest = read_checkpoint(note)
    if last is not None:
        if newest.size < last.size:
            raise AnchorRefused(f"the log has {newest.size} records, and had {last.size}")
        proof = log.consistency(last.size, newest.size)
        try:
            verify_consistency(last.size, newest.size, last.root, newest.root, proof.hashes)
        except ProofRefused as error:
            raise AnchorRefused(f"the log does not go on from its first {last.size} records") from error
    return note, newest
