"""A new bundle is swapped in while questions are answered: no error, no wrong answer, and one bundle per decision."""

from __future__ import annotations

import gc
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scene import BUNDLE, NOW, Scene, codes, question

from sealauthz.decision import Bundle, Decision, PolicyDecisionPoint
from sealauthz.decision.folder import installed_folder
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar.runtime import FREE
from sealauthz.polar.source import FILES_REMEMBERED
from sealauthz.runtime.errors import BundleRefused

THREADS = 4
SWAPS = 40

USE = question("user", "use", ("Seal", "s"), task="t", verification="v-user")
JOIN = question("outsider", "join", ("Enterprise", "e"))
DENIED = question("plain", "use", ("Seal", "s"), task="t", verification="v-plain")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(installed_folder(), tmp_path / "policies")


@pytest.fixture
def stricter(folder: Path) -> Bundle:
    """The bundle, but that nobody joins anything."""
    with (folder / "membership.polar").open("a", encoding="utf-8") as file:
        file.write(
            '\n\nrequires("join", _: Enterprise, "OPEN_DAY");\n'
            'meets(person: Person, "OPEN_DAY", "join", _: Enterprise, _) if person.account_state = "CLOSED";\n'
            'otherwise("OPEN_DAY", "NO_OPEN_DAY");\n'
            'reason("NO_OPEN_DAY", 95, "USER", "NONE");\n'
        )
    return Bundle.load(MODEL, folder)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Let threads take turns so often that a decision is interrupted many times."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


GROUPS = """
group("COMING", _: Enterprise, ["join"]);
group("COMING", _: Invitation, ["accept"]);
group_requires("COMING", ["OPEN_DAY"]);
meets(person: Person, "OPEN_DAY", "join", _: Enterprise, _) if person.account_state = "CLOSED";
meets(person: Person, "OPEN_DAY", "accept", _: Invitation, _) if person.account_state = "CLOSED";
otherwise("OPEN_DAY", "NO_OPEN_DAY");
reason("NO_OPEN_DAY", 95, "USER", "NONE");
"""
EXEMPT = 'exempt("COMING", "join", _: Enterprise, "OPEN_DAY", "Whoever comes to our door is let in.");\n'


def test_a_reload_sees_each_edit_of_a_group(tmp_path: Path) -> None:
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    meeting = next(line for line in GROUPS.splitlines(keepends=True) if '"OPEN_DAY", "join"' in line)
    without = GROUPS.replace(meeting, "")
    other = without.replace('group("COMING", _: Enterprise, ["join"]);', "")
    for text, denied in ((GROUPS, True), (without + EXEMPT, False), (GROUPS, True), (other, False)):
        (tmp_path / "mine.polar").write_text(text, encoding="utf-8")
        bundle = Bundle.load(MODEL, tmp_path)
        pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), bundle, lambda: NOW)
        decision = pdp.decide(JOIN)
        assert ("NO_OPEN_DAY" in codes(decision)) == denied
        needs = set(bundle.engine.each("requires", FREE, Scene().record("Enterprise", "e"), FREE))
        assert (("join", "OPEN_DAY") in needs) == denied


def expected(bundle: Bundle) -> list[tuple[bool, list[str]]]:
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), bundle, lambda: NOW)
    return [(bool(d), codes(d)) for d in pdp.decide_many([USE, JOIN, DENIED])]


@pytest.mark.usefixtures("quick_switches")
def test_a_swap_under_load_gives_no_error_and_no_wrong_answer(stricter: Bundle) -> None:
    right = {bundle.version: expected(bundle) for bundle in (BUNDLE, stricter)}
    assert right[BUNDLE.version] != right[stricter.version]
    pdp = Scene().pdp(policies=BUNDLE)
    stopping = threading.Event()

    def ask() -> list[Decision]:
        answered: list[Decision] = []
        while not stopping.is_set():
            answered += [pdp.decide(USE), pdp.decide(JOIN), pdp.decide(DENIED)]
            batch = pdp.decide_many([USE, JOIN, DENIED])
            assert len({decision.policy_version for decision in batch}) == 1
            answered += batch
        return answered

    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(ask) for _ in range(THREADS)]
        try:
            for turn in range(SWAPS):
                pdp.bundle = (stricter, BUNDLE)[turn % 2]
                time.sleep(0.01)
        finally:
            stopping.set()

    decisions = [decision for answered in asking for decision in answered.result()]
    assert {decision.policy_version for decision in decisions} == set(right)
    for decision in decisions:
        asked = [USE, JOIN, DENIED].index(decision.question)
        assert (bool(decision), codes(decision)) == right[decision.policy_version][asked]


def test_a_decision_under_way_ends_on_the_bundle_it_began_with(stricter: Bundle) -> None:
    def now() -> int:
        # Read once per decision, after it has begun.
        pdp.bundle = stricter
        return NOW

    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, Scene().records), BUNDLE, now)
    first, second = pdp.decide(JOIN), pdp.decide(JOIN)
    assert (bool(first), first.policy_version) == (True, BUNDLE.version)
    assert (bool(second), second.policy_version) == (False, stricter.version)


def test_a_bundle_that_is_refused_leaves_the_old_one_serving(folder: Path) -> None:
    pdp = Scene().pdp(policies=BUNDLE)
    before = pdp.decide(USE)
    with (folder / "words.polar").open("a", encoding="utf-8") as file:
        file.write("\nno_end(x) if x = 1\n")
    with pytest.raises(BundleRefused):
        pdp.bundle = Bundle.load(MODEL, folder)
    after = pdp.decide(USE)
    assert (bool(after), after.policy_version) == (bool(before), before.policy_version) == (True, BUNDLE.version)


def test_a_bundle_that_was_replaced_is_freed(stricter: Bundle, folder: Path) -> None:
    # Not the installed policies, nor the stricter ones: both are held by others.
    with (folder / "words.polar").open("a", encoding="utf-8") as file:
        file.write("\n# Nobody else has this.\n")
    pdp = Scene().pdp(policies=BUNDLE)
    pdp.bundle = Bundle.load(MODEL, folder)
    pdp.decide(USE)
    engine = weakref.ref(pdp.bundle.engine)
    pdp.bundle = stricter
    gc.collect()
    assert engine() is None


def test_a_reload_remembers_the_files_of_several_bundles() -> None:
    # With room for one file less than there are, each reload would silently begin from nothing.
    files = sum(1 for path in installed_folder().iterdir() if path.suffix == ".polar")
    assert 2 * files <= FILES_REMEMBERED
