"""What `policy diff` compares: facts of a file, a database or the demo; bundles of a folder or a revision of git."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.app import Exit, Stop, service_model, work_on
from sealauthz.cli.records import read_all, read_lines
from sealauthz.cli.settings import bundle_cache
from sealauthz.facts import Store
from sealauthz.facts.store.upgrading import model_in
from sealauthz.policytools.diff.approval import as_word
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import ExtensionProblem, Model, extended, shape_of

if TYPE_CHECKING:
    from sealauthz.decision import Bundle

DEMO = "demo"
STANDARD_INPUT = "-"
INSTALLED = "default"
GIT = "git:"

_DEFAULT_PATH = "policies"
_FILE_MODES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class FactSet:
    """Facts that belong together, the time at which they are looked at, and a name where there are several."""

    name: str
    now: int
    records: list[Any]


def fact_sets(spec: str, now: int) -> list[FactSet]:
    """Read the facts that an option names, complete as in a database.

    A set with a time of its own keeps it; any other has `now`. Raises Stop, ConfigRefused,
    FactsUnavailable.
    """
    if spec == DEMO:
        from sealauthz.ops.demo.facts import opening_facts

        return [FactSet("", now, opening_facts(now))]
    if "://" in spec:
        return [FactSet("", now, _whole(_read_database(spec), "the database"))]
    if spec == STANDARD_INPUT:
        with click.open_file(spec, "rb") as file:
            return [FactSet("", now, _whole(_records(file, "standard input"), "standard input"))]
    path = Path(spec)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return _fixtures(path)
    if path.is_dir():
        raise Stop(f"`{spec}` is a folder; write a file as `sealauthz facts export` prints it")
    if not path.exists():
        raise Stop(
            f"there is no file `{spec}`; --facts takes a file, `-`, a database such as sqlite:///facts.db, or `demo`"
        )
    with path.open("rb") as file:
        return [FactSet("", now, _whole(_records(file, spec), f"`{spec}`"))]


def _fixtures(path: Path) -> list[FactSet]:
    """Read the fixtures of a file of policy tests, those that it includes among them."""
    from sealauthz.policytools.testing.library import Library

    library = Library(service_model())
    fixtures = library.fixtures_of(path)
    library.refuse()
    sets = [FactSet(name, now, facts.records) for name, (facts, now) in fixtures.items() if now is not None]
    if not sets:
        raise Stop(f"`{path}` has no fixture with a time at which its facts stand")
    return sets


def _records(file: Iterable[bytes], name: str) -> list[Any]:
    """Read the records of a file."""
    hint = "; write one fact a line, as `sealauthz facts export` does"
    return [put.record for _, put in read_lines(file, f"{name}:", hint)]


def _read_database(url: str) -> Iterator[Any]:
    """Yield every record of a database as of one revision."""
    held = model_in(url, service_model())
    with closing(Store.open(url, held)) as store, store.read_transaction() as snapshot:
        for name, cls in service_model().records.items():
            if name in held.records:
                yield from (_as(cls, stored.record) for stored in read_all(snapshot, name, {}))


def _as(cls: type, record: Any) -> Any:
    """Return a record of a database as one of a class that may have more columns, or fewer, by what policies added."""
    if type(record) is cls:
        return record
    held = {column.name for column in shape_of(type(record)).columns}
    return cls(**{each.name: getattr(record, each.name) for each in shape_of(cls).columns if each.name in held})


def _whole(records: Iterable[Any], name: str) -> list[Any]:
    """Refuse facts that no database would hold: a reference to a missing record would change decisions.

    Of two facts with one id the last counts, as when they are imported.
    """
    found: dict[tuple[str, str], Any] = {}
    for record in records:
        found[type(record).__name__, record.id] = record
    subjects = service_model().subjects
    if not any(type_ in subjects for type_, _ in found):
        kinds = " or ".join(subjects).lower()
        raise Stop(f"there is no {kinds} among the facts of {name}, so nothing can be decided")
    lost: list[str] = []
    for (type_, id_), record in found.items():
        for column in shape_of(type(record)).columns:
            key = getattr(record, column.name) if column.ref is not None else None
            if key is not None and (column.ref, key) not in found:
                lost.append(
                    f"`{type_}:{as_word(id_)}` names `{column.ref}:{as_word(key)}` as its `{column.name}`, "
                    "which is missing"
                )
    if lost:
        more = f" ({len(lost) - 1:,} more are missing)" if len(lost) > 1 else ""
        raise Stop(f"the facts of {name} are not whole: {lost[0]}{more}; export them without --type")
    return list(found.values())


def load_bundles(old: str, new: str) -> tuple[Bundle, Bundle]:
    """Load the bundles that the two arguments name, both for the model with all that either adds to it. Raises Stop."""
    before, after = _load_bundle("OLD", old, new), _load_bundle("NEW", new, old)
    if before.needs != after.needs:
        try:
            model = extended(service_model(), before.needs.and_(after.needs, "in OLD", "in NEW"))
        except ExtensionProblem as error:
            raise Stop(f"the two cannot be compared over the same facts: {error}", Exit.REFUSED) from error
        before, after = _load_bundle("OLD", old, new, model), _load_bundle("NEW", new, old, model)
    work_on(before.model)
    return before, after


def _load_bundle(label: str, spec: str, other: str, model: Model | None = None) -> Bundle:
    """Load the bundle that an argument names; `label` is the argument, `other` what the other argument names.

    It is loaded for a model, or for the one that it is written for. Raises Stop.
    """
    from sealauthz.decision.bundle import Bundle
    from sealauthz.decision.folder import model_for

    try:
        if spec == INSTALLED:
            return Bundle.load(model or service_model(), cache=bundle_cache())
        if spec.startswith(GIT):
            with tempfile.TemporaryDirectory(prefix="sealauthz-") as folder:
                _read_revision(spec, other, Path(folder))
                # What stood there once is compared, and never served: its floor may be that of an older version.
                model = model or model_for(service_model(), Path(folder))
                return Bundle.load(model, Path(folder), is_served=False, cache=bundle_cache())
        if not Path(spec).is_dir():
            what = "is no folder" if Path(spec).exists() else "does not exist"
            raise Stop(
                f"{label}: `{spec}` {what}; write a folder of policies, `{INSTALLED}` for those installed with "
                f"sealauthz, or `{GIT}REVISION`"
            )
        model = model or model_for(service_model(), Path(spec))
        return Bundle.load(model, Path(spec), needs_signoff=False, cache=bundle_cache())
    except BundleRefused as error:
        raise Stop(f"{label} (`{spec}`) cannot be served: {error}", Exit.REFUSED) from error


def _read_revision(spec: str, other: str, into: Path) -> None:
    """Write the policy files of `git:REV` or `git:REV:path` into a folder.

    The objects are read as they are: an archive would follow attributes, and could leave out a file.
    """
    revision, _, path = spec.removeprefix(GIT).partition(":")
    if not revision:
        raise Stop(f"`{spec}` names no revision: write `git:main` or `git:main:policies`")
    # Asked from where the other folder lies, so that it matters as little as can be where the command is run.
    here = Path(other) if other != INSTALLED and not other.startswith(GIT) and Path(other).is_dir() else Path()
    top = _git(here, "rev-parse", "--show-toplevel")
    if top is None:
        raise Stop(f"`{spec}`: `{here}` lies in no git repository")
    root = Path(top.decode().rstrip("\n"))
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise Stop(f"`{spec}`: there is no revision `{revision}` in this repository")
    if not path:
        path = _DEFAULT_PATH
        if here != Path() and here.resolve().is_relative_to(root.resolve()):
            path = here.resolve().relative_to(root.resolve()).as_posix()
    path = path.strip("/")
    name = commit.decode().strip()
    tree = _git(root, "ls-tree", "-z", name if path in ("", ".") else f"{name}:{path}")
    if tree is None:
        raise Stop(f"`{spec}`: there is no folder `{path}` at `{revision}`")
    for entry in filter(None, tree.split(b"\0")):
        about, _, raw = entry.partition(b"\t")
        mode, _kind, object_name = about.decode().split()
        file = Path(raw.decode("utf-8", "surrogateescape")).name
        if not file.endswith((".polar", ".toml")):
            continue
        content = _git(root, "cat-file", "blob", object_name) if mode in _FILE_MODES else None
        if content is None:
            raise Stop(f"`{spec}`: `{file}` is no plain file at `{revision}`")
        (into / file).write_bytes(content)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Run git in a folder and return what it prints; None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Stop("git is not installed, and `git:` needs it") from error
    return done.stdout if done.returncode == 0 else None
