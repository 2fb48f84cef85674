"""The first reload after a start from the cache: it is the load that it would be from nothing, and starts from what an
earlier process found out.
"""

from __future__ import annotations

import marshal
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lazy_loads
import loaded_elsewhere
import pytest
from loaded_elsewhere import has_started_from_another, said_by
from spoiled import SPOILED
from test_bundle_cache import (
    _listed as listed_by,
)
from test_bundle_cache import (
    edit,
    explained,
    is_stored,
    load,
)
from tiny.model import TINY

from sealauthz.decision import Bundle, bundle_cache, checking, stored, stored_analysis
from sealauthz.decision import bundle as bundles
from sealauthz.decision.bundle_cache import ANALYSES_KEPT, BundleCache
from sealauthz.polar.engine import CompiledEngine
from sealauthz.runtime.errors import BundleRefused

POLICIES = TINY.policies or Path()


@pytest.fixture(autouse=True)
def _real_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_prepare", lazy_loads.compile_all)
    monkeypatch.setattr(bundles, "_compiled", lazy_loads.check_and_compile)
    monkeypatch.setattr(stored, "_code_digest", lambda: loaded_elsewhere.CODE)


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    """Begin as a new process does, and leave nothing that was read to other tests."""
    forget()
    yield
    forget()


@pytest.fixture
def cache(tmp_path: Path) -> BundleCache:
    return BundleCache(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(POLICIES, tmp_path / "policies")


def forget() -> None:
    """Know nothing, as a new process does."""
    checking.forget_loads(TINY)


def analyses_of(cache: BundleCache) -> list[Path]:
    return sorted(cache.folder.glob("*.analysis"))


def begun(cache: BundleCache, folder: Path) -> None:
    """Be a process that took its policies from the cache where another one had left them."""
    load(cache, folder)
    forget()
    assert is_stored(load(cache, folder))
    assert len(analyses_of(cache)) == 1


def told(make: Callable[[], Bundle]) -> dict[str, Any]:
    """All that a load tells: why it refuses, or its warnings, its rules and how its engine answers."""
    try:
        bundle = make()
    except BundleRefused as error:
        return {"refused": str(error)}
    engine = bundle.engine
    assert isinstance(engine, CompiledEngine)
    answering = engine._entries.keys() | set()
    return {
        "version": bundle.version,
        "warnings": bundle.warnings,
        "statements": bundle.statements,
        "accepted": bundle.accepted,
        "rulebook": bundle.rulebook,
        "answering": answering,
        "explained": explained(bundle),
        "listed": {key: listed_by(engine, *key) for key in engine.program.clauses},
    }


def differing(cache: BundleCache, folder: Path) -> list[str]:
    """What differs between a load that may start from what is kept, and one that starts from nothing."""
    found = told(lambda: load(cache, folder))
    assert checking.has_loaded(TINY)
    forget()
    alone = told(lambda: Bundle.load(TINY, folder))
    # Not by an `assert` of all: to write out how they differ would take minutes.
    return [name for name in found.keys() | alone.keys() if found.get(name) != alone.get(name)]


CHANGES = {
    "nothing but a comment": "\n# another comment\n",
    "a rule that warns": '\nunused(document: Document) if document.title = "x";\n',
    "an error": "\nmine(x: Document) if x.nothing = 1;\n",
    "no Polar": "\nmine(x: Document) if\n",
    "a condition that never holds": '\nmine(x: Document) if x.title = "a" and x.title = "b";\n',
    "a requirement": (
        '\nrequires("publish", _: Document, "OPEN_DAY");\n'
        'meets(user: User, "OPEN_DAY", "publish", _: Document, _) if user.id = "nobody";\n'
        'otherwise("OPEN_DAY", "NO_OPEN_DAY");\nreason("NO_OPEN_DAY", 95, "USER", "NONE");\n'
    ),
}


@pytest.mark.parametrize("text", CHANGES.values(), ids=CHANGES.keys())
def test_the_first_reload_is_a_load(cache: BundleCache, folder: Path, text: str) -> None:
    begun(cache, folder)
    edit(folder, "documents.polar", text)
    assert differing(cache, folder) == []


def test_what_was_taken_away_is_gone(cache: BundleCache, folder: Path) -> None:
    edit(folder, "documents.polar", CHANGES["a requirement"])
    begun(cache, folder)
    shutil.copy(POLICIES / "documents.polar", folder / "documents.polar")
    assert differing(cache, folder) == []


def test_it_starts_from_what_was_found_out(cache: BundleCache, folder: Path) -> None:
    begun(cache, folder)
    edit(folder, "documents.polar")
    first = load(cache, folder)
    assert not is_stored(first)
    assert has_started_from_another(first)
    forget()
    assert not has_started_from_another(Bundle.load(TINY, folder))


def test_it_starts_from_there_after_it_was_refused(cache: BundleCache, folder: Path) -> None:
    begun(cache, folder)
    edit(folder, "documents.polar", CHANGES["an error"])
    for _ in range(2):
        with pytest.raises(BundleRefused, match="nothing"):
            load(cache, folder)
    shutil.copy(POLICIES / "documents.polar", folder / "documents.polar")
    edit(folder, "documents.polar")
    assert has_started_from_another(load(cache, folder))
    assert TINY not in checking._starting


def test_a_new_process_starts_from_there_too(cache: BundleCache, folder: Path) -> None:
    load(cache, folder)
    forget()
    edit(folder, "documents.polar")
    assert has_started_from_another(load(cache, folder))


def test_a_start_from_the_cache_reads_none_of_it(
    cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(cache, folder)
    forget()
    monkeypatch.setattr(BundleCache, "analyses", lambda *_: pytest.fail("it was looked for"))
    assert is_stored(load(cache, folder))
    assert not checking.has_loaded(TINY)


def test_what_started_from_there_is_not_kept_itself(cache: BundleCache, folder: Path) -> None:
    """Else mistakes and what no policy has any more would go from one process to the next for good."""
    begun(cache, folder)
    before = analyses_of(cache)
    edit(folder, "documents.polar")
    load(cache, folder)
    forget()
    assert is_stored(load(cache, folder))
    assert analyses_of(cache) == before


def test_another_process_with_other_hashes_starts_from_there(cache: BundleCache, folder: Path) -> None:
    load(cache, folder)
    forget()
    edit(folder, "documents.polar", CHANGES["a requirement"])
    elsewhere = subprocess.run(
        [sys.executable, loaded_elsewhere.__file__, cache.folder, folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    here = load(BundleCache(cache.folder.parent / "none"), folder)
    assert not has_started_from_another(here)
    here_too = said_by(here).replace("False)", "True)")
    assert (elsewhere.stdout, elsewhere.stderr) == (f"{here_too}\n", "")


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_trusted_is_not_there(cache: BundleCache, folder: Path, spoil: Callable[[Path], None]) -> None:
    begun(cache, folder)
    (path,) = analyses_of(cache)
    spoil(path)
    edit(folder, "documents.polar")
    again = load(cache, folder)
    assert not has_started_from_another(again)
    assert again.version == Bundle.load(TINY, folder).version


@pytest.mark.parametrize("part", ["_code_digest", "_model_digest", "MAGIC_NUMBER"])
def test_other_code_another_model_or_interpreter_starts_from_nothing(
    cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    begun(cache, folder)
    monkeypatch.setattr(stored, part, b"other" if part == "MAGIC_NUMBER" else lambda *_: "other")
    edit(folder, "documents.polar")
    assert not has_started_from_another(load(cache, folder))


def test_policies_that_share_little_with_it_start_from_nothing(
    cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(cache, folder)
    monkeypatch.setattr(stored_analysis, "_LIKE_ENOUGH", 1.0)
    edit(folder, "documents.polar")
    assert not has_started_from_another(load(cache, folder))
    assert len(analyses_of(cache)) == 2


def test_what_has_the_form_of_another_version_starts_nothing(
    cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its name says that it is of this one."""
    begun(cache, folder)
    monkeypatch.setattr(CompiledEngine, "of_kept", lambda *_: marshal.loads(b""))
    edit(folder, "documents.polar")
    assert not has_started_from_another(load(cache, folder))


def test_what_cannot_be_written_is_left_out(cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object) -> bytes:
        raise RecursionError

    monkeypatch.setattr(stored_analysis, "to_bytes", too_deep)
    load(cache, folder)
    assert analyses_of(cache) == []
    forget()
    assert is_stored(load(cache, folder))


def test_those_used_last_are_kept(cache: BundleCache) -> None:
    for number in range(ANALYSES_KEPT + 1):
        cache.write_analysis("base", f"{number}", b"x")
        os.utime(cache.folder / f"base-{number}.analysis", (number + 1, number + 1))
    cache.write("bundle", b"x")
    names = [f"base-{number}" for number in range(ANALYSES_KEPT, 0, -1)]
    assert cache.analyses("base") == names
    assert cache.analyses("other") == []
    assert cache.read_analysis(names[-1], lambda _: False) is None
    assert cache.analyses("base") == names, "one that is not wanted was not used"
    assert cache.read_analysis(names[-1], lambda content: content == b"x") == b"x"
    assert cache.analyses("base")[0] == names[-1]
    assert bundle_cache.KEPT >= 1
    assert cache.read("bundle") == b"x"


def _load_together(cache: BundleCache, folder: Path, start: Any) -> tuple[bool, str]:
    """Load a changed bundle once all others are about to."""
    start.wait(60)
    bundle = load(cache, folder)
    return has_started_from_another(bundle), bundle.version


@pytest.mark.parametrize("is_begun", [True, False])
def test_processes_at_once_load_what_each_would_alone(
    cache: BundleCache, folder: Path, tmp_path: Path, is_begun: bool
) -> None:
    if is_begun:
        begun(cache, folder)
        forget()
    folders = [shutil.copytree(folder, tmp_path / f"folder{number}") for number in range(3)]
    for number, each in enumerate(folders):
        edit(each, "documents.polar", f"\n# {number}\n")
    forked = multiprocessing.get_context("fork")
    with forked.Manager() as manager, forked.Pool(len(folders)) as pool:
        start = manager.Barrier(len(folders))
        found = pool.starmap(_load_together, [(cache, each, start) for each in folders], 1)
    assert found == [(is_begun, Bundle.load(TINY, each).version) for each in folders]
    assert not [path for path in cache.folder.iterdir() if path.suffix not in (".bundle", ".analysis")]
    forget()
    edit(folder, "documents.polar", "\n# another\n")
    assert has_started_from_another(load(cache, folder))
