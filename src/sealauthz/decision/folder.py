"""A policy folder: which files a bundle is made of, and where each lies.

A folder either holds a whole bundle, or builds on the one that is installed with the service: then its `bundle.toml`
says so, its own files are read after those of the installed bundle, and its `parameters.toml` holds only the numbers
that differ, its `texts.toml` only the texts that are new or other.

    extends = "default"
    replaces = ["signing.polar"]     # files of the installed bundle whose place is taken by files of the same name

    [accepts]                        # what somebody answers for (`signoffs.py`): its name, who agreed and why
    "parameters.face_for_use" = "Security, 2026-03-01: shared terminals in the workshop"

A `bundle.toml` with `accepts` alone belongs to a folder that holds a whole bundle.

What a folder adds to the model stands in its `model.toml` (`schema.declaring`).

What the product owns is never the folder's: `contract.polar` and `floor.polar` are those of the installed bundle, and
so are the rules that the floor rests on, whichever file defines them (`bundle.py` compares them).
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sealauthz.decision.texts import SILENT, TEXTS_FILE, Texts, TextsProblem, texts_from
from sealauthz.polar import CONTRACT_FILE, FLOOR_FILE, Source
from sealauthz.polar.groups import Expansion, expanded
from sealauthz.polar.parse import parse
from sealauthz.runtime.errors import BundleRefused, did_you_mean
from sealauthz.schema import NO_EXTENSION, Extension, ExtensionProblem, Model, extended
from sealauthz.schema.declaring import MODEL_FILE, extension_from
from sealauthz.schema.parameters import ParameterProblem, parameters_from

BUNDLE_FILE = "bundle.toml"
PARAMETERS_FILE = "parameters.toml"
DEFAULT = "default"
"""The name of the bundle that is installed with the service."""

_OWNED = (CONTRACT_FILE, FLOOR_FILE)

_LEAST_LETTERS = 10
"""Letters of the reason of a line under `accepts`."""


def installed_folder() -> Path:
    """Where the default bundle lies: inside the installed package, or at the root of a source checkout."""
    package = Path(__file__).resolve().parent.parent
    packed = package / "_policies"
    return packed if packed.is_dir() else package.parent.parent / "policies"


@dataclass(frozen=True)
class Layout:
    """The files of a bundle, in the order in which they are read, and the folders they come from.

    `own` are the names of the files that lie in the folder itself. `accepts` has what `bundle.toml` signs off, with
    who agreed and why.
    """

    folder: Path
    files: tuple[Path, ...]
    parameters: tuple[Path, ...]
    texts: tuple[Path, ...]
    accepts: tuple[tuple[str, str], ...] = ()
    declares: Path | None = None
    """What the folder adds to the model; None where it adds nothing."""

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of the policy files that lie in the folder itself."""
        return frozenset(path.name for path in self.files if path.parent == self.folder)

    def path_of(self, file: str) -> Path:
        """Return where a policy file lies. Raises KeyError for a file that is none of the bundle's."""
        for path in self.files:
            if path.name == file:
                return path
        raise KeyError(file)


def layout_of(folder: Path | Layout, *, is_served: bool = True, installed: Path | None = None) -> Layout:
    """Find the files of the bundle in a folder, or check those that somebody has found. Raises BundleRefused.

    `installed` is the folder of the product's own policies; without it, the one that is installed with the service.
    A bundle that is not to be served, but to be compared with one that is, may hold the product's files of another
    version.
    """
    if isinstance(folder, Layout):
        _check_owned(folder, installed or installed_folder(), is_served=is_served)
        return folder
    if not folder.is_dir():
        raise BundleRefused(f"there is no policy folder `{folder.name}`")
    own = tuple(sorted(folder.glob("*.polar")))
    names = {path.name for path in own}
    installed = installed or installed_folder()
    replaced, accepts = _bundle_file(folder / BUNDLE_FILE, installed)
    if replaced is None:
        for needed in _OWNED:
            if needed not in names:
                said = f'; to build on the installed bundle, write `extends = "{DEFAULT}"` into {BUNDLE_FILE}'
                raise BundleRefused(f"the bundle has no {needed}{said if not names & set(_OWNED) else ''}")
        texts = _existing(folder / TEXTS_FILE)
        whole = Layout(folder, own, (folder / PARAMETERS_FILE,), texts, accepts, declares_in(folder))
        _check_owned(whole, installed, is_served=is_served)
        return whole
    for name in sorted(names):
        if name in _OWNED:
            raise BundleRefused("is the product's: a bundle that builds on the installed one has none of its own", name)
        if (installed / name).exists() and name not in replaced:
            said = f"the installed bundle has a file of this name: rename it, or list it in `replaces` of {BUNDLE_FILE}"
            raise BundleRefused(said, name)
    for name in replaced:
        if name not in names:
            raise BundleRefused(f"`replaces` names `{name}`, which is not in this folder", BUNDLE_FILE)
    base = [path for path in sorted(installed.glob("*.polar")) if path.name not in replaced]
    numbers = [installed / PARAMETERS_FILE]
    if (folder / PARAMETERS_FILE).exists():
        numbers.append(folder / PARAMETERS_FILE)
    texts = _existing(installed / TEXTS_FILE, folder / TEXTS_FILE)
    return Layout(folder, (*base, *own), tuple(numbers), texts, accepts, declares_in(folder))


def declares_in(folder: Path) -> Path | None:
    """Return the file with what a folder adds to the model; None where it adds nothing."""
    return next(iter(_existing(folder / MODEL_FILE)), None)


def _check_owned(layout: Layout, installed: Path, *, is_served: bool) -> None:
    """Raise BundleRefused where the product's files are missing, or are not those that are installed."""
    names = {path.name for path in layout.files}
    for needed in _OWNED:
        if needed not in names:
            raise BundleRefused(f"the bundle has no {needed}")
    for path in layout.files if is_served else ():
        if path.name in _OWNED and _content(path) != _content(installed / path.name):
            raise BundleRefused(
                "is the product's and differs from the one that is installed: take that one, "
                f'or build on it with `extends = "{DEFAULT}"` in {BUNDLE_FILE}',
                path.name,
            )


def accepts_in(path: Path) -> tuple[tuple[str, str], ...]:
    """Return what a `bundle.toml` signs off; nothing where there is none. Raises BundleRefused."""
    return tuple(_accepts(_toml(path, _content(path)).get("accepts", {}))) if path.exists() else ()


def _existing(*paths: Path) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.exists())


def _bundle_file(path: Path, installed: Path) -> tuple[frozenset[str] | None, tuple[tuple[str, str], ...]]:
    """Read `bundle.toml`: the names of the installed files that the folder replaces, and what it signs off.

    The names are None where the folder builds on nothing.
    """
    if not path.exists():
        return None, ()
    table = _toml(path, _content(path))
    known = ("extends", "replaces", "accepts")
    for key in table:
        if key not in known:
            raise BundleRefused(f"`{key}` is not known{did_you_mean(key, known)}", BUNDLE_FILE)
    accepts = tuple(_accepts(table.get("accepts", {})))
    if set(table) == {"accepts"}:
        return None, accepts
    return _replaced(table, installed), accepts


def _accepts(lines: object) -> Iterator[tuple[str, str]]:
    if not isinstance(lines, dict):
        raise BundleRefused("`accepts` must be a table: `[accepts]`, and below it a line for each thing", BUNDLE_FILE)
    for name, why in lines.items():
        if isinstance(why, dict):
            said = f'put the name in quotes: `"{name}.{next(iter(why), "name")}" = "who agreed, and why"`'
            raise BundleRefused(f"`{name}` under `accepts` is a table: {said}", BUNDLE_FILE)
        if not isinstance(why, str) or not _is_reasoned(why):
            form = f'"WHO, WHEN: WHY", with a reason of at least {_LEAST_LETTERS} letters'
            raise BundleRefused(f"`accepts` must name who agreed to `{name}`, and why: {form}", BUNDLE_FILE)
        yield name, why.strip()


def _is_reasoned(line: str) -> bool:
    """Whether a line names who agreed and, behind a colon, a reason that is one."""
    who, _, why = line.replace("：", ":", 1).partition(":")
    return any(map(str.isalpha, who)) and sum(map(str.isalpha, why)) >= _LEAST_LETTERS


def _replaced(table: dict[str, Any], installed: Path) -> frozenset[str]:
    """The names of the installed files that a folder replaces."""
    if table.get("extends") != DEFAULT:
        raise BundleRefused(f'`extends` must be "{DEFAULT}", the bundle that is installed with sealauthz', BUNDLE_FILE)
    replaced = table.get("replaces", [])
    if not isinstance(replaced, list) or not all(isinstance(name, str) for name in replaced):
        raise BundleRefused("`replaces` must be a list of file names", BUNDLE_FILE)
    for name in replaced:
        if name in _OWNED:
            raise BundleRefused(f"`{name}` is the product's and cannot be replaced", BUNDLE_FILE)
        if not name.endswith(".polar") or Path(name).name != name or not (installed / name).is_file():
            hint = did_you_mean(name, [file.name for file in installed.glob("*.polar")])
            raise BundleRefused(
                f"`replaces` names `{name}`, which the installed bundle does not have{hint}", BUNDLE_FILE
            )
    return frozenset(replaced)


def read_sources(layout: Layout) -> Iterator[Source]:
    """Read the policy files of a bundle. Raises BundleRefused where one cannot be read.

    Files that say the same share their text: most of those of two bundles do, and what is remembered of bundles has it.
    """
    for path in layout.files:
        try:
            yield Source(path.name, sys.intern(_content(path).decode()))
        except UnicodeDecodeError as error:
            raise BundleRefused("the file is not UTF-8 text", path.name) from error


def read_product_sources(layout: Layout, installed: Path | None = None) -> tuple[Source, ...]:
    """Read the installed policy files, to compare a folder with; none where the folder itself is the installed one."""
    installed = installed or installed_folder()
    if not any(path.parent != installed for path in layout.files):
        return ()
    files = tuple(sorted(installed.glob("*.polar")))
    return tuple(read_sources(Layout(installed, files, (), ())))


@lru_cache(maxsize=2)
def product_expansion(sources: tuple[Source, ...]) -> Expansion:
    """The product's own policies with their groups spelled out. Raises BundleRefused."""
    return expanded(statement for source in sources for statement in parse(source))


def read_parameters(layout: Layout, parameters: type) -> tuple[Any, bytes]:
    """Read the numbers of a bundle, of a model's class, and the content read. Raises BundleRefused."""
    table: dict[str, Any] = {}
    contents = []
    for path in layout.parameters:
        if not path.exists():
            raise BundleRefused(f"the bundle has no {PARAMETERS_FILE}")
        contents.append(_content(path))
        table |= _toml(path, contents[-1])
    try:
        return parameters_from(parameters, table), b"\0".join(contents)
    except ParameterProblem as error:
        raise BundleRefused(str(error), PARAMETERS_FILE) from error


def line_of_number(layout: Layout, name: str) -> int:
    """Return the line of the last file of numbers that gives one; 0 where none is found."""
    for path in reversed(layout.parameters):
        for number, line in enumerate(_content(path).decode().splitlines(), 1):
            if re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line):
                return number
    return 0


def read_texts(layout: Layout) -> tuple[Texts, bytes]:
    """Read the texts of a bundle, and the content that they were read from. Raises BundleRefused."""
    texts = SILENT
    contents = []
    for path in layout.texts:
        contents.append(_content(path))
        try:
            texts = texts_from(_toml(path, contents[-1])).over(texts)
        except TextsProblem as error:
            raise BundleRefused(str(error), TEXTS_FILE) from error
    return texts, b"\0".join(contents)


def texts_content(layout: Layout) -> bytes:
    """Read the content of the texts of a bundle, and make nothing of it. Raises BundleRefused."""
    return b"\0".join(map(_content, layout.texts))


def read_extension(layout: Layout) -> tuple[Extension, bytes]:
    """Read what a bundle adds to the model, and the content read; nothing where it adds nothing. Raises BundleRefused.

    Whether it fits a model is another question: `fitting`.
    """
    if layout.declares is None:
        return NO_EXTENSION, b""
    content = _content(layout.declares)
    try:
        return extension_from(content.decode()), content
    except UnicodeDecodeError as error:
        raise BundleRefused("the file is not UTF-8 text", MODEL_FILE) from error
    except ExtensionProblem as error:
        raise BundleRefused(str(error), MODEL_FILE, error.line) from error


def fitting(model: Model, extension: Extension) -> Model:
    """Return the model with what a bundle adds to it. Raises BundleRefused."""
    try:
        return extended(model, extension)
    except ExtensionProblem as error:
        raise BundleRefused(str(error), MODEL_FILE, error.line) from error


def model_for(model: Model, *folders: Path | None) -> Model:
    """Return the model that the policies in some folders are written for, all together. Raises BundleRefused.

    It is for who works without a database; else the database's own model counts. None is the installed folder.
    """
    found = NO_EXTENSION
    for folder in folders:
        path = None if folder is None else declares_in(folder)
        if path is not None:
            added, _ = read_extension(Layout(path.parent, (), (), (), declares=path))
            try:
                found = found.and_(added, "in another of the folders", f"in `{folder}`")
            except ExtensionProblem as error:
                raise BundleRefused(str(error), MODEL_FILE, error.line) from error
    return fitting(model, found)


def own_numbers(layout: Layout) -> frozenset[str]:
    """Return the names of the numbers that the folder itself gives. Raises BundleRefused."""
    paths = [path for path in layout.parameters if path.parent == layout.folder and path.exists()]
    return frozenset(name for path in paths for name in _toml(path, _content(path)))


def digest_of(sources: Sequence[Source], parameters: bytes, texts: bytes, declared: bytes = b"") -> str:
    """Return the SHA-256 of what was read, file by file, in hexadecimal."""
    digest = hashlib.sha256()
    policies = ((source.file, source.text.encode()) for source in sources)
    added = ((MODEL_FILE, declared),) if declared else ()
    for name, content in (*policies, (PARAMETERS_FILE, parameters), (TEXTS_FILE, texts), *added):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleRefused("the file cannot be read", path.name) from error


def _toml(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BundleRefused(str(error), path.name) from error
