"""An archive of a bundle: all files that it is made of, as one text that is the same each time.

It holds the files of the installed bundle too, where a folder builds on that: so it is the same bundle, of the same
version, wherever it is loaded. What was archived is checked as if all of it were the author's own, whatever it says of
itself: nothing in an archive passes for the product's but what is the same as the product's here.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sealauthz.decision.bundle import Bundle, installed_folder_of
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.folder import BUNDLE_FILE, PARAMETERS_FILE, Layout, accepts_in, declares_in, layout_of
from sealauthz.decision.texts import TEXTS_FILE
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import Model
from sealauthz.schema.declaring import MODEL_FILE

MAX_BYTES = 3 * 1024 * 1024
"""An archive is sent in one message."""

MAX_FILES = 500

OTHERS = (MODEL_FILE,)
"""Further files of a folder that belong to its bundle."""

_FORMAT = "sealauthz policies 1"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_BASE = "base"
"""Where numbers and texts lie that a folder's own go over: they have the same names."""


class Part(StrEnum):
    """What a file is in its bundle. Those of one part keep their order."""

    POLICIES = "policies"
    PARAMETERS = "parameters"
    TEXTS = "texts"
    BUNDLE = "bundle"
    OTHER = "other"


_NAMES = {Part.PARAMETERS: (PARAMETERS_FILE,), Part.TEXTS: (TEXTS_FILE,), Part.BUNDLE: (BUNDLE_FILE,)}
_MOST = {Part.PARAMETERS: 2, Part.TEXTS: 2, Part.BUNDLE: 1}


@dataclass(frozen=True, slots=True)
class File:
    """One file: its part, its name, its text."""

    part: Part
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of a bundle, in the order in which they are read."""

    files: tuple[File, ...]

    @classmethod
    def of_folder(cls, model: Model, folder: Path | None = None) -> Archive:
        """Pack the bundle in a folder, or the installed one. Raises BundleRefused where it cannot be read."""
        installed = installed_folder_of(model)
        layout = layout_of(folder or installed, installed=installed)
        parts = [(Part.POLICIES, layout.files), (Part.PARAMETERS, layout.parameters), (Part.TEXTS, layout.texts)]
        others = [(Part.BUNDLE, BUNDLE_FILE), *((Part.OTHER, name) for name in OTHERS)]
        parts += [(part, (layout.folder / name,)) for part, name in others if (layout.folder / name).exists()]
        archive = cls(tuple(File(part, path.name, _text(path)) for part, paths in parts for path in paths))
        return cls.read(archive.text)  # which says what no archive can hold

    @classmethod
    def read(cls, text: str) -> Archive:
        """Read an archive, and trust nothing of it. Raises BundleRefused."""
        if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise BundleRefused(f"the policies are larger than {MAX_BYTES // 1024} KiB")
        try:
            found = json.loads(text)
            files = tuple(File(Part(part), name, content) for part, name, content in found["files"])
            is_well_formed = all(isinstance(each, str) for file in files for each in (file.name, file.text))
        except (ValueError, TypeError, KeyError, RecursionError):
            is_well_formed = False
        if not is_well_formed or cls(files).text != text:
            raise BundleRefused("this is no archive of policies, or not as it is written")
        _check(files)
        return cls(files)

    @property
    def text(self) -> str:
        """The archive as text; two of the same files have the same."""
        content = {"format": _FORMAT, "files": [[file.part, file.name, file.text] for file in self.files]}
        return json.dumps(content, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @contextmanager
    def unpacked(self) -> Iterator[Layout]:
        """Yield the layout of the files in a temporary folder. Raises BundleRefused."""
        with tempfile.TemporaryDirectory(prefix="sealauthz-policies-") as name:
            folder = Path(name)
            (folder / _BASE).mkdir()
            paths: dict[Part, list[Path]] = {part: [] for part in Part}
            for number, file in enumerate(self.files):
                is_below = any(
                    later.part is file.part and later.name == file.name for later in self.files[number + 1 :]
                )
                path = (folder / _BASE if is_below else folder) / file.name
                path.write_bytes(file.text.encode())
                paths[file.part].append(path)
            yield Layout(
                folder,
                tuple(paths[Part.POLICIES]),
                tuple(paths[Part.PARAMETERS]),
                tuple(paths[Part.TEXTS]),
                accepts_in(folder / BUNDLE_FILE),
                declares_in(folder),
            )


def load_archive(model: Model, archive: Archive, cache: BundleCache | None = None) -> Bundle:
    """Load the bundle of an archive: the very one of the folder that was packed. Raises BundleRefused."""
    with archive.unpacked() as layout:
        return Bundle.load(model, layout, cache=cache)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise BundleRefused("the file cannot be read", path.name) from error
    except UnicodeDecodeError as error:
        raise BundleRefused("the file is not UTF-8 text", path.name) from error


def _check(files: tuple[File, ...]) -> None:
    """Raise BundleRefused for files that no folder has."""
    if len(files) > MAX_FILES:
        raise BundleRefused(f"the policies have more than {MAX_FILES} files")
    seen: list[tuple[Part, str]] = []
    for file in files:
        allowed = OTHERS if file.part is Part.OTHER else _NAMES.get(file.part)
        is_policy = file.part is Part.POLICIES and file.name.endswith(".polar")
        if not _NAME.fullmatch(file.name) or not (is_policy if allowed is None else file.name in allowed):
            raise BundleRefused(f"`{file.name[:100]}` is no name of a file of policies")
        key = (file.part, file.name)
        if seen.count(key) >= _MOST.get(file.part, 1):
            raise BundleRefused("the archive has this file twice", file.name)
        seen.append(key)
        if any("\ud800" <= character <= "\udfff" for character in file.text):
            raise BundleRefused("the file is not UTF-8 text", file.name)
