"""A bundle from the cache is the bundle that a load makes, and what is wrong with the cache is never seen."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import multiprocessing
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lazy_loads
import pytest
from scene import NOW, Scene, question
from spoiled import SPOILED
from tiny.model import TINY, facts

import sealauthz
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, bundle_cache, checking, stored
from sealauthz.decision import bundle as bundles
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.bundle_cache import KEPT, BundleCache, cache_of
from sealauthz.decision.inspection import inspect
from sealauthz.decision.stored_analysis import _Read, from_bytes, read_analysis, to_bytes
from sealauthz.decision.stored_classes import OF_ANALYSES, OF_BUNDLES
from sealauthz.decision.stored_rules import Ours, StoredRules, written
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar import check
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.runtime import collector
from sealauthz.runtime.collector import keep
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz.schema import Model

POLICIES = TINY.policies or Path()


@pytest.fixture(scope="module", autouse=True)
def _real_loads() -> Iterator[None]:
    """Check and compile whole, as the service does; and let our code be the code that runs, though an editor saved it a
    moment ago.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "_prepare", lazy_loads.compile_all)
        patch.setattr(bundles, "_compiled", lazy_loads.check_and_compile)
        patch.setattr(stored, "_code_digest", lambda: "this code")
        yield


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, BundleCache]:
    """The shipped bundle, loaded by all means, and the cache where that left it."""
    cache = BundleCache(tmp_path_factory.mktemp("shipped") / "cache")
    return Bundle.load(MODEL, cache=cache), cache


@pytest.fixture
def cache(tmp_path: Path) -> BundleCache:
    return BundleCache(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(POLICIES, tmp_path / "policies")


def is_stored(bundle: Bundle) -> bool:
    return bundle.stored_warnings is not None


def load(cache: BundleCache, folder: Path | None = None, model: Model = TINY) -> Bundle:
    return Bundle.load(model, folder, cache=cache)


def files_of(cache: BundleCache) -> list[Path]:
    return sorted(cache.folder.glob("*.bundle"))


def engine_of(bundle: Bundle) -> CompiledEngine:
    assert isinstance(bundle.engine, CompiledEngine)
    return bundle.engine


# --- the same bundle ------------------------------------------------------------------------------------------------


def test_a_bundle_from_the_cache_is_that_of_a_load(shipped: tuple[Bundle, BundleCache]) -> None:
    fresh, cache = shipped
    kept = load(cache, model=MODEL)
    assert not is_stored(fresh)
    assert is_stored(kept)
    for name in ("version", "sources", "statements", "parameters", "texts", "rulebook", "accepted", "warnings"):
        assert getattr(kept, name) == getattr(fresh, name), name
    ours, theirs = engine_of(fresh)._code, engine_of(kept)._code
    assert theirs.entries.keys() == ours.entries.keys()
    for key in ours.entries:
        (function, picked, always), (other, other_picked, other_always) = ours.entries[key], theirs.entries[key]
        assert other_always is always
        assert other_picked(key[1:]) == picked(key[1:])
        assert (other is None) == (function is None)
    for name, value in ours._namespace.items():
        there = theirs._namespace[name]
        code = getattr(value, "__code__", None)
        assert there.__code__ == code if code is not None else name == "__builtins__" or there == value
    assert theirs._namespace.keys() == ours._namespace.keys()


RARELY_WRITTEN = {
    ("sealauthz.decision.signoffs", "Accepted"),
    ("sealauthz.polar.diagnostic", "Diagnostic"),
    ("sealauthz.polar.diagnostic", "Severity"),
    ("sealauthz.polar.syntax", "Assign"),
    ("sealauthz.polar.syntax", "DictPattern"),
    ("sealauthz.polar.syntax", "DictTerm"),
}
"""Classes of other folders, of signed changes, of warnings, and of forms that the shipped policies do without."""


def test_list_of_classes_is_what_the_cache_writes(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    checking.forget_loads(MODEL)  # a load that started from another one stores no analysis
    load(cache, model=MODEL)
    found: set[tuple[str, str]] = set()
    for reader in (Ours, _Read):
        find: Any = reader.find_class
        monkeypatch.setattr(
            reader,
            "find_class",
            lambda self, module, name, find=find: found.add((module, name)) or find(self, module, name),
        )
    bundle = load(cache, model=MODEL)
    assert is_stored(bundle)
    assert bundle.statements
    types = checking.types_of(MODEL)
    assert read_analysis(cache, stored.base_of(MODEL, types) or "", bundle.sources, types) is not None
    listed = {(module, name) for each in (OF_BUNDLES, OF_ANALYSES) for module, names in each.items() for name in names}
    assert found <= listed
    assert listed - found == RARELY_WRITTEN


def decided(bundle: Bundle) -> list[Any]:
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), bundle, lambda: NOW)
    asked = [
        question("user", "use", ("Seal", "s"), task="t", verification="v-user"),
        question("plain", "use", ("Seal", "s"), task="t", verification="v-plain"),
        question("outsider", "join", ("Enterprise", "e")),
        question("outsider", "view", ("Seal", "s")),
    ]
    return [dataclasses.replace(pdp.decide(each), decision_id="") for each in asked]


def test_it_decides_as_a_load_does_and_compiles_nothing_for_it(shipped: tuple[Bundle, BundleCache]) -> None:
    fresh, cache = shipped
    kept = load(cache, model=MODEL)
    assert is_stored(kept)
    assert decided(kept) == decided(fresh)
    assert {bool(decision) for decision in decided(kept)} == {True, False}
    assert engine_of(kept).is_as_stored
    assert not kept.rulebook._stored.is_read  # type: ignore[attr-defined]


def test_an_engine_that_starts_from_what_was_found_out_decides_as_it_does() -> None:
    checking.forget_loads(TINY)  # an engine that started from another one writes nothing down
    fresh = Bundle.load(TINY)
    engine, types = engine_of(fresh), checking.types_of(TINY)
    engine.stored()
    statements, kept = from_bytes(to_bytes((fresh.statements, engine.kept()), types), types)
    reloaded = CompiledEngine.of_kept(kept, types).reloaded(statements)
    assert reloaded._code.compiler.definitions.keys() == engine._code.compiler.definitions.keys()
    assert explained(dataclasses.replace(fresh, engine=reloaded)) == explained(fresh)


def test_oso_takes_what_was_checked_when_it_was_kept(
    shipped: tuple[Bundle, BundleCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, cache = shipped
    monkeypatch.setattr(bundles, "diagnostics_of", lambda *_: pytest.fail("checked again"))
    reference = Bundle.load(MODEL, engine=EngineKind.OSO, cache=cache)
    assert not isinstance(reference.engine, CompiledEngine)
    assert decided(reference) == decided(fresh)


def test_oso_takes_nothing_that_was_not_checked(cache: BundleCache, folder: Path) -> None:
    load(cache, folder)
    edit(folder, "documents.polar", "\nmine(x: Document) if x.nothing = 1;\n")
    with pytest.raises(BundleRefused, match="nothing"):
        Bundle.load(TINY, folder, EngineKind.OSO, cache=cache)


def test_a_rule_of_its_rulebook_is_the_statement_itself(cache: BundleCache) -> None:
    load(cache)
    kept = load(cache)
    assert is_stored(kept)
    statements = {id(each) for each in kept.statements}
    rules = [rule for some in kept.rulebook.rules.values() for rule in some]
    assert rules
    assert all(id(rule) in statements for rule in rules)
    assert kept.statements is kept.statements
    assert kept.rulebook == load(cache).rulebook
    other = dataclasses.replace(kept.rulebook, otherwise={})
    assert (other.names, other.explained) == (kept.rulebook.names, kept.rulebook.explained)
    assert (other.rules, other.otherwise) == (kept.rulebook.rules, {})
    with pytest.raises(AttributeError, match="no `nothing`"):
        kept.rulebook.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_rules_that_cannot_be_read_are_no_answer() -> None:
    for content in (b"", written(hashlib.sha256)[:-1], pickle.dumps(hashlib.sha256)):
        with pytest.raises(BundleRefused, match="empty the cache"):
            StoredRules(content).statements()


def explained(bundle: Bundle) -> list[Any]:
    pdp = PolicyDecisionPoint(FactCache.of_records(TINY, facts()), bundle, lambda: NOW)
    asked = Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), {})
    found = pdp.explain(asked)
    return [dataclasses.replace(found.decision, decision_id=""), found.requirements]


def test_it_explains_as_a_load_does(cache: BundleCache) -> None:
    fresh, kept = load(cache), load(cache)
    assert is_stored(kept)
    assert explained(kept) == explained(fresh)
    assert explained(kept)[1]


def test_what_was_not_prepared_is_compiled_beside_what_is_kept(cache: BundleCache) -> None:
    fresh, kept = engine_of(load(cache)), engine_of(load(cache))
    names = {name for name in kept._code._namespace if name.startswith("r")}
    for rule, arity in fresh.program.clauses:
        assert _listed(kept, rule, arity) == _listed(fresh, rule, arity)
    assert not kept.is_as_stored
    made = kept._code.compiler.definitions
    assert made
    assert not names & made.keys()


def _listed(engine: CompiledEngine, rule: str, arity: int) -> object:
    try:
        return sorted(engine.each(rule, *[FREE] * arity), key=str)
    except EvaluationFailed as error:
        return str(error)


def test_a_reload_after_it_is_a_load(cache: BundleCache, folder: Path) -> None:
    load(cache, folder)
    assert is_stored(load(cache, folder))
    edit(folder, "documents.polar")
    changed = load(cache, folder)
    assert not is_stored(changed)
    assert changed.version != Bundle.load(TINY).version
    assert is_stored(load(cache, folder))


def test_an_inspection_finds_what_it_found_before(cache: BundleCache, folder: Path) -> None:
    edit(folder, "documents.polar", '\nunused(document: Document) if document.title = "x";\n')
    first, second = inspect(TINY, folder, cache), inspect(TINY, folder, cache)
    assert first.bundle is not None
    assert second.bundle is not None
    assert is_stored(second.bundle)
    assert first.diagnostics
    assert (first.diagnostics, first.exemptions) == (second.diagnostics, second.exemptions)


def test_an_inspection_checks_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(folder, "documents.polar", '\nunused(document: Document) if document.title = "y";\n')
    checks = []
    analyse = check.analyse

    def counting(*arguments: Any, **options: Any) -> Any:
        checks.append(arguments)
        return analyse(*arguments, **options)

    monkeypatch.setattr(check, "analyse", counting)
    found = inspect(TINY, folder)
    assert found.bundle is not None
    assert found.diagnostics
    assert len(checks) == 1


def test_a_load_leaves_the_collector_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    keep()  # as each process of tests does at its start
    Bundle.load(TINY)
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setattr(gc, "unfreeze", lambda: frozen.append(False))
    frozen: list[bool] = []
    monkeypatch.setattr(collector, "_keeps", [False])
    Bundle.load(TINY)
    assert gc.isenabled()
    assert frozen == [True, False]


# --- what it depends on ---------------------------------------------------------------------------------------------


def edit(folder: Path, file: str, text: str = "\n# another comment\n") -> None:
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize(
    "file", sorted({path.name for path in POLICIES.iterdir() if path.is_file()} - {"contract.polar", "floor.polar"})
)
def test_another_content_of_any_file_is_another_bundle(cache: BundleCache, folder: Path, file: str) -> None:
    load(cache, folder)
    edit(folder, file)
    assert not is_stored(load(cache, folder))


def test_another_number_counts_though_the_rules_are_the_same(cache: BundleCache, folder: Path) -> None:
    before = load(cache, folder).parameters
    path = folder / "parameters.toml"
    name, _, value = next(line for line in path.read_text(encoding="utf-8").splitlines() if " = " in line).partition(
        " = "
    )
    path.write_text(path.read_text(encoding="utf-8").replace(f"{name} = {value}", f"{name} = {_other(value)}"))
    after = load(cache, folder)
    assert not is_stored(after)
    assert after.parameters != before


def _other(value: str) -> str:
    return str(int(value) + 1) if value.isdigit() else value.replace("1", "2")


@pytest.mark.parametrize("part", ["_code_digest", "_model_digest", "MAGIC_NUMBER"])
def test_other_code_another_model_or_interpreter_finds_nothing(
    cache: BundleCache, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    load(cache)
    monkeypatch.setattr(stored, part, b"other" if part == "MAGIC_NUMBER" else lambda *_: "other")
    assert not is_stored(load(cache))


def test_a_model_that_declares_anything_else_is_another_one() -> None:
    digests = {stored._model_digest(model, checking.types_of(model)) for model in (MODEL, TINY, _with_other_parts())}
    assert None not in digests
    assert len(digests) == 3


def test_only_the_model_that_the_code_declares_is_told_by_the_code() -> None:
    assert stored.is_of_the_code(MODEL)
    assert not stored.is_of_the_code(_with_other_parts())
    assert not stored.is_of_the_code(dataclasses.replace(MODEL))
    assert not stored.is_of_the_code(TINY)
    assert not stored.is_of_the_code(dataclasses.replace(TINY, declared_in="sealauthz.model"))


def test_no_two_lists_of_parts_have_one_digest() -> None:
    word = next(iter(bundles.EngineKind))
    lists: list[tuple[object, ...]] = [(), ("",), ("", ""), (1,), (True,), (1.0,), (0.0,), (-0.0,), ("1",), (b"1",)]
    lists += [(word,), (str(word),), ("a", "b"), ("ab",), ("a'", "b"), ("a", "'b"), (None,), ("None",)]
    found = set()
    for parts in (*lists, *reversed(lists)):  # the second time, texts are remembered
        digest = stored._Digest()
        digest.add(*parts)
        found.add(digest.name())
    assert len(found) == len(lists)


def _with_other_parts() -> Model:
    (*parts, last) = TINY.parts
    if not last.actions:
        raise AssertionError("the last part of the small model has actions")
    fewer = type(last)(last.records, last.actions[:-1], last.invariants)
    return Model(TINY.name, (*parts, fewer), TINY.context, TINY.parameters, policies=TINY.policies)


def test_code_that_changed_since_the_process_began_is_not_the_code_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = _UNPATCHED.__wrapped__
    monkeypatch.setattr(sealauthz, "STARTED", 4e9)
    assert digest()
    newest = max(path.stat().st_ctime for path in Path(sealauthz.__file__).parent.rglob("*.py"))
    monkeypatch.setattr(sealauthz, "STARTED", newest)
    assert digest() is None


_UNPATCHED = stored._code_digest


def test_without_a_digest_of_the_code_nothing_is_kept(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_code_digest", lambda: None)
    load(cache)
    assert not cache.folder.exists()


def test_a_bundle_with_an_error_is_never_kept(cache: BundleCache, folder: Path) -> None:
    edit(folder, "documents.polar", "\nmine(x: Document) if x.nothing = 1;\n")
    for _ in range(2):
        with pytest.raises(BundleRefused, match="nothing"):
            load(cache, folder)
    assert files_of(cache) == []


def test_a_bundle_that_is_not_compiled_whole_is_not_kept(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    checking.forget_loads(TINY)
    monkeypatch.setattr(bundles, "_prepare", lambda *_: None)
    load(cache)
    assert files_of(cache) == []


def test_files_that_change_during_a_load_are_not_kept(
    cache: BundleCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = bundles._compiled

    def editing(*arguments: Any) -> Any:
        edit(folder, "documents.polar")
        return compiled(*arguments)

    monkeypatch.setattr(bundles, "_compiled", editing)
    load(cache, folder)
    assert files_of(cache) == []


# --- what is wrong with it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_trusted_is_not_there(cache: BundleCache, spoil: Callable[[Path], None]) -> None:
    fresh = load(cache)
    (path,) = files_of(cache)
    spoil(path)
    again = load(cache)
    assert not is_stored(again)
    assert again.version == fresh.version


def test_what_belongs_to_another_user_is_not_there(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    load(cache)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert not is_stored(load(cache))
    assert not is_stored(load(BundleCache(cache.folder.parent / "theirs")))
    assert not (cache.folder.parent / "theirs").exists()


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    cache = BundleCache(tmp_path / "file" / "cache")
    assert not is_stored(load(cache))
    assert not is_stored(load(cache))


def test_the_folder_and_its_files_are_the_users_alone(cache: BundleCache) -> None:
    checking.forget_loads(TINY)  # so that there is an analysis too
    before = os.umask(0)
    try:
        load(cache)
    finally:
        os.umask(before)
    (path,) = files_of(cache)
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    analyses = [*cache.folder.glob("*.analysis")]
    assert [each.stat().st_mode & 0o777 for each in (path, *analyses)] == [0o600] * 2
    assert {*cache.folder.iterdir()} == {path, *analyses}


def test_the_bundles_used_last_are_kept(cache: BundleCache) -> None:
    for number in range(KEPT):
        cache.write(f"k{number}", b"x")
        os.utime(cache.folder / f"k{number}.bundle", (number + 1, number + 1))
    abandoned = cache.folder / "k0.0123456789abcdef.part"
    abandoned.touch()
    os.utime(abandoned, (1, 1))
    assert cache.read("k0") == b"x"  # used now
    cache.write("new", b"x")
    assert {path.stem for path in files_of(cache)} == {"k0", "new", *(f"k{number}" for number in range(2, KEPT))}
    assert not abandoned.exists()


def test_what_is_too_large_is_not_kept(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_cache, "MAX_BYTES", 100)
    cache.write("k", b"x" * 100)
    assert cache.read("k") is None
    cache.write("k", b"x")
    monkeypatch.setattr(bundle_cache, "MAX_BYTES", 10)
    assert cache.read("k") is None


def _write_often(folder: Path, content: bytes) -> None:
    for _ in range(40):
        BundleCache(folder).write("k", content)


def test_processes_at_once_leave_one_whole_file(cache: BundleCache) -> None:
    contents = [bytes([number]) * 300_000 for number in range(2)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        writing = pool.starmap_async(_write_often, [(cache.folder, content) for content in contents])
        seen = {cache.read("k") for _ in range(200)}
        writing.get(60)
    assert seen <= {None, *contents}
    assert cache.read("k") in contents
    assert len([*cache.folder.iterdir()]) == 1


def _load_together(cache: BundleCache, folder: Path, start: Any, loads: Path) -> str:
    """Load a bundle once all others are about to; each real load leaves a line."""

    def counted(*arguments: Any, **options: Any) -> Bundle:
        with loads.open("a", encoding="utf-8") as stream:
            stream.write("loaded\n")
        return real(*arguments, **options)

    real = bundles._loaded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "_loaded", counted)
        start.wait(60)
        try:
            return Bundle.load(TINY, folder, cache=cache).version
        except BundleRefused:
            return "refused"


def _loaded_at_once(cache: BundleCache, folder: Path, loads: Path, count: int = 3) -> list[str]:
    forked = multiprocessing.get_context("fork")
    with forked.Manager() as manager, forked.Pool(count) as pool:
        start = manager.Barrier(count)
        return pool.starmap(_load_together, [(cache, folder, start, loads)] * count, 1)


def test_of_processes_that_start_at_once_one_loads(cache: BundleCache, folder: Path, tmp_path: Path) -> None:
    """So that a service of four workers starts in the time of one load. Nothing is left but what it made."""
    found = _loaded_at_once(cache, folder, tmp_path / "loads")
    assert (len(found), len(set(found))) == (3, 1)
    assert (tmp_path / "loads").read_text(encoding="utf-8") == "loaded\n"
    assert {path.suffix for path in cache.folder.iterdir()} <= {".bundle", ".analysis"}
    assert len(files_of(cache)) == 1


def test_what_one_was_refused_the_others_are_refused_by_their_own_load(
    cache: BundleCache, folder: Path, tmp_path: Path
) -> None:
    (folder / "own.polar").write_text("allow(_, _, _);\n", encoding="utf-8")
    assert _loaded_at_once(cache, folder, tmp_path / "loads") == ["refused"] * 3
    assert not [*cache.folder.iterdir()]


def test_a_lock_that_a_killed_process_left_holds_nobody_up(cache: BundleCache) -> None:
    cache.write("other", b"")
    (cache.folder / "k.lock").write_bytes(b"")
    with cache.turn("k") as waited:
        assert not waited
        with cache.turn("other") as other:
            assert not other, "each bundle has its own turn"
    assert not [*cache.folder.glob("*.lock")]


def test_who_has_waited_long_enough_loads(cache: BundleCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the other one, which may be stopped, goes on holding its turn."""
    monkeypatch.setattr(bundle_cache, "WAIT_S", 0.05)
    with cache.turn("k") as first:
        with cache.turn("k") as second, cache.turn("k") as third:
            assert (first, second, third) == (False, True, True)
        with cache.turn("k") as fourth:
            assert fourth, "those that waited hold nothing, and end nothing"
    with cache.turn("k") as fifth:
        assert not fifth


def test_where_there_can_be_no_lock_each_loads(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with BundleCache(tmp_path / "file").turn("k") as waited:
        assert not waited


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"SEALAUTHZ_CACHE": "/a/b", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/sealauthz"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/sealauthz"),
        ({"HOME": "/h"}, "/h/.cache/sealauthz"),
        ({"SEALAUTHZ_CACHE": "off", "HOME": "/h"}, None),
        ({"SEALAUTHZ_CACHE": "OFF", "HOME": "/h"}, None),
        ({"SEALAUTHZ_CACHE": "", "HOME": "h"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_where_it_is(environ: dict[str, str], folder: str | None) -> None:
    found = cache_of(environ)
    assert (None if found is None else str(found.folder)) == folder
