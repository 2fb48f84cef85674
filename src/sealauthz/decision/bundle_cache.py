"""A folder of loaded bundles, for the processes of one user: what was checked and compiled once is taken over.

A file counts only if nobody but this user can have written it: the folder and the file belong to the user and to no one
else, and the file holds the digest of its key and its content. Whatever is wrong with folder or file, there is nothing
in the cache: then a bundle is loaded as without one. What a bundle depends on is in its key (`stored.py`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SEALAUTHZ_CACHE"
OFF = "off"

KEPT = 8
"""How many bundles are kept: those that were used last."""

ANALYSES_KEPT = 3
"""How many analyses are kept: those that were used last."""

MAX_BYTES = 64_000_000
"""A file that is larger is none of ours."""

WAIT_S = 60.0
"""How long a load waits for another process that loads the same bundle, at most: several times what a load takes."""

_LOOK_S = 0.02
_SUFFIX, _ANALYSIS, _UNFINISHED, _LOCK = ".bundle", ".analysis", ".part", ".lock"
_KEPT = {_SUFFIX: KEPT, _ANALYSIS: ANALYSES_KEPT}
_MAGIC = b"SealAuthz bundle 1\n"
_ABANDONED_S = 3_600.0
_OTHERS = 0o077


def cache_of(environ: Mapping[str, str]) -> BundleCache | None:
    """Return the cache that the environment names, or the user's own; None where it is off or there can be none."""
    named = environ.get(VARIABLE, "")
    if named.lower() == OFF or not hasattr(os, "geteuid"):
        return None
    if named:
        return BundleCache(Path(named))
    base, home = Path(environ.get("XDG_CACHE_HOME", "")), Path(environ.get("HOME", ""))
    if not base.is_absolute():
        base = home / ".cache"
    return BundleCache(base / "sealauthz") if base.is_absolute() else None


@dataclass(frozen=True, slots=True)
class BundleCache:
    """The files of one folder, which is made when something is written to it. No method raises."""

    folder: Path

    def read(self, key: str) -> bytes | None:
        """Return what was written for a key; None where there is nothing, or nothing that can be trusted."""
        return self._read(key + _SUFFIX, lambda _: True)

    def read_analysis(self, name: str, is_wanted: Callable[[bytes], bool]) -> bytes | None:
        """Return the analysis of a name, if it is wanted; None where there is none that can be trusted."""
        return self._read(name + _ANALYSIS, is_wanted)

    def analyses(self, base: str) -> list[str]:
        """Return the names of the analyses for the same code, interpreter and model, those used last first."""
        with suppress(OSError), self._opened() as folder:
            used = {name: at for name, at in _used(folder) if name.startswith(base) and name.endswith(_ANALYSIS)}
            return [name.removesuffix(_ANALYSIS) for name in sorted(used, key=used.__getitem__, reverse=True)]
        return []

    def write(self, key: str, content: bytes) -> None:
        """Keep something for a key, whole or not at all, and forget what was not used for longest."""
        self._write(key, _SUFFIX, content)

    def write_analysis(self, base: str, about: str, content: bytes) -> None:
        """Keep an analysis in the same way; `about` names what it is of."""
        self._write(f"{base}-{about}", _ANALYSIS, content)

    def _read(self, name: str, is_wanted: Callable[[bytes], bool]) -> bytes | None:
        with suppress(OSError), self._opened() as folder:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(file, "rb") as stream:
                found = os.fstat(file)
                if not stat.S_ISREG(found.st_mode) or not _is_private(found) or found.st_size > MAX_BYTES:
                    return None
                content = _unsealed(Path(name).stem, stream.read(MAX_BYTES))
                if content is None or not is_wanted(content):
                    return None
                with suppress(OSError):
                    os.utime(file)  # it was used: others go first
            return content
        return None

    def _write(self, key: str, suffix: str, content: bytes) -> None:
        sealed = _sealed(key, content)
        if len(sealed) > MAX_BYTES:
            return
        with suppress(OSError):
            self._make()
            with self._opened() as folder:
                name = f"{key}.{secrets.token_hex(8)}{_UNFINISHED}"
                file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
                try:
                    with os.fdopen(file, "wb") as stream:
                        stream.write(sealed)
                    os.replace(name, key + suffix, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    os.unlink(name, dir_fd=folder)
                    raise
                _tidy(folder)

    @contextmanager
    def turn(self, key: str) -> Iterator[bool]:
        """Stand around the load of what a key names, so that of several processes one loads and the others wait for it.

        True for those that waited: what they look for may be there. They hold nothing, and who finds nothing then loads
        at once, as all do where there can be no lock, or the other takes too long.
        """
        lock = self._lock(key)
        if lock is None:
            yield False
            return
        try:
            waited = not _taken(lock)
            if waited:
                until = time.monotonic() + WAIT_S
                while time.monotonic() < until and not _taken(lock):
                    time.sleep(_LOOK_S)
                _release(lock)
                yield True
            else:
                try:
                    yield False
                finally:
                    # While it is held: a lock that nobody holds any more is no file that others wait for.
                    with suppress(OSError), self._opened() as folder:
                        os.unlink(key + _LOCK, dir_fd=folder)
        finally:
            _release(lock)  # also for processes that were forked meanwhile
            os.close(lock)

    def _lock(self, key: str) -> int | None:
        with suppress(OSError):
            self._make()
            with self._opened() as folder:
                flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                return os.open(key + _LOCK, flags, 0o600, dir_fd=folder)
        return None

    def _make(self) -> None:
        """Make the folder, and what it lies in, where that is in a folder of the user's own."""
        missing = []
        above = self.folder
        while not above.exists() and above != above.parent:
            missing.append(above)
            above = above.parent
        if missing and above.stat().st_uid != os.geteuid():
            return  # with another user's HOME, say: what we make there would be in the way of the owner
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder. Raises OSError where it is missing or not the user's alone."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not _is_private(os.fstat(folder)):
                raise PermissionError(f"others may write to `{self.folder}`")
            yield folder
        finally:
            os.close(folder)


def _taken(lock: int) -> bool:
    """Take a lock that nobody holds; True also where there are no locks, as on some file systems."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _release(lock: int) -> None:
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_UN)


def _is_private(found: os.stat_result) -> bool:
    """Whether something belongs to the user and is open to no one else."""
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(b"\0".join((_MAGIC, key.encode(), content))).digest()


def _sealed(key: str, content: bytes) -> bytes:
    return _MAGIC + _digest(key, content) + content


def _unsealed(key: str, sealed: bytes) -> bytes | None:
    """Return the content; None where it is cut short, changed, or that of another key."""
    start = len(_MAGIC)
    end = start + hashlib.sha256().digest_size
    content = sealed[end:]
    return content if sealed[:start] == _MAGIC and sealed[start:end] == _digest(key, content) else None


def _used(folder: int) -> Iterator[tuple[str, float]]:
    """Yield the files of the folder, with when each was used."""
    for name in os.listdir(folder):
        with suppress(OSError):
            yield name, os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime


def _tidy(folder: int) -> None:
    """Remove the files that were not used for longest, and what others began and never finished."""
    used: dict[str, dict[str, float]] = {suffix: {} for suffix in _KEPT}
    now = time.time()
    for name, at in _used(folder):
        suffix = Path(name).suffix
        if suffix in used:
            used[suffix][name] = at
        elif name.endswith((_UNFINISHED, _LOCK)) and now - at > _ABANDONED_S:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
    for suffix, found in used.items():
        for name in sorted(found, key=found.__getitem__)[: -_KEPT[suffix]]:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
