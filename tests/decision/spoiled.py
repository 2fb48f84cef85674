"""Files that a cache must take for not there: each way to spoil one."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path

from sealauthz.decision import bundle_cache


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def readable_by_others(path: Path) -> None:
    path.chmod(0o640)


def a_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def of_another_key(path: Path) -> None:
    content = bundle_cache._unsealed(path.stem, path.read_bytes())
    assert content is not None
    path.write_bytes(bundle_cache._sealed("another", content))


def of_another_form(path: Path) -> None:
    path.write_bytes(bundle_cache._sealed(path.stem, b"sealed, and no bundle"))


def of_a_class_that_is_not_ours(path: Path) -> None:
    path.write_bytes(bundle_cache._sealed(path.stem, pickle.dumps(hashlib.sha256)))


def in_an_open_folder(path: Path) -> None:
    path.parent.chmod(0o770)


SPOILED: tuple[Callable[[Path], None], ...] = (
    cut_short,
    emptied,
    flipped,
    readable_by_others,
    a_link,
    a_folder,
    a_pipe,
    of_another_key,
    of_another_form,
    of_a_class_that_is_not_ours,
    in_an_open_folder,
)
