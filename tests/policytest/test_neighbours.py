"""What denies has words beside it: each of them denies as well, or it is written down that it does not."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from effort import tries
from neighbours import ACCOUNT, Expected, denied, is_allowed, neighbours_of, unexpected, words_of
from policy_files import BUNDLE

from sealauthz.decision import Bundle
from sealauthz.decision.policies import Policies
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import RuleNode
from sealauthz.polar.unparse import written_statement
from sealauthz.policytools.testing.loading import files_of_tests, load_suite

EXPECTED = Expected.read()
POLICIES = Policies(BUNDLE)
TESTS = Path(__file__).parents[2] / "policies" / "tests"
FILES = files_of_tests([TESTS])


@pytest.mark.timeout(tries(300, 3_600))  # the largest file has thousands of neighbours
@pytest.mark.parametrize("file", random.Random(20).sample(FILES, tries(6, len(FILES))), ids=lambda file: file.stem)
def test_what_is_beside_a_word_that_denies_denies_too_or_is_expected(file: Path) -> None:
    asks = denied(load_suite([file], BUNDLE))
    some = random.Random(20).sample(asks, min(len(asks), tries(8, len(asks))))
    found = [str(neighbour) for neighbour in unexpected(some, POLICIES, EXPECTED)]
    assert not found, "\n".join(found)


def test_what_is_expected_names_what_there_is() -> None:
    codes = BUNDLE.rulebook.reasons
    for (column, reason), words in EXPECTED.words.items():
        record_type, name = column.split(".")
        known = words_of(BUNDLE.model.shapes[record_type].column(name))
        assert reason in codes
        assert words <= known, f"{column} has no {', '.join(words - known)}"


@dataclass(frozen=True, slots=True)
class Hole:
    """What once allowed beside a word that denied: the text of now, that of then, and a test that there was then."""

    file: str
    now: str
    then: str
    test_file: str
    test: str
    column: str
    word: str


HOLES = {
    "a right to audit that is to begin": Hole(
        "seal_use.polar",
        """  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  grant.membership.person_id = person.id and
  is_live""",
        """  grant.state = "ACTIVE" and
  grant.membership.person_id = person.id and
  is_live""",
        "seal_use.yaml",
        "S-04 a person who audits this seal does not use it",
        "SealGrant.state",
        "PENDING_EFFECT",
    ),
    "one document that is sealed for the other side": Hole(
        "seal_use.polar",
        """  use.state != "NOT_SEALED" and
  is_use_for""",
        """  use.state in ["RESERVED", "UNKNOWN"] and
  is_use_for""",
        "sealing_engine.yaml",
        "U-14 what is reserved for the other side counts where a seal is used",
        "SealUse.state",
        "SEALED",
    ),
    "who approves by another account": Hole(
        "signing.polar",
        """  takes_part_in(person_id, task) and
  are_one_human(person_id, receiver.person_id, receiver.enterprise);""",
        """  takes_part_in(receiver.person_id, task);""",
        "both_sides.yaml",
        "U-12 C-08 a task to seal is not handed to the one who approves",
        "TaskOperator.person_id",
        ACCOUNT,
    ),
    "a later finding of another owner that is over": Hole(
        "sole_owner.polar",
        """  other.state in ["PASSED", "EXPIRED"] and""",
        """  other.state = "PASSED" and""",
        "sole_owner.yaml",
        "A-03 later papers that were turned down change nothing",
        "EnterpriseAuthentication.state",
        "EXPIRED",
    ),
}


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES)
def test_holes_of_the_past_are_found_by_tests_that_did_not_know_of_them(hole: Hole) -> None:
    tests = load_suite([TESTS / hole.test_file], BUNDLE)
    asks = denied(test for test in tests if test.name == hole.test)
    at = [each for ask in asks for each in neighbours_of(*ask) if (each.column, each.word) == (hole.column, hole.word)]
    assert at
    assert not any(is_allowed(each, POLICIES) for each in at)
    then = Policies(as_it_was(hole))
    found = {(each.column, each.word) for each in unexpected(asks, then, EXPECTED)}
    assert (hole.column, hole.word) in found


def as_it_was(hole: Hole) -> Bundle:
    """Return the shipped bundle with the rule of then."""
    text = (TESTS.parent / hole.file).read_text(encoding="utf-8")
    assert text.count(hole.now) == 1
    then = rules_in(text.replace(hole.now, hole.then))
    ((now, was),) = [(now, was) for now, was in zip(rules_in(text), then, strict=True) if now != was]
    (rule,) = [each for each in BUNDLE.statements if isinstance(each, RuleNode) and written_statement(each) == now]
    (replacement,) = [each for each in parse(Source(hole.file, was)) if isinstance(each, RuleNode)]
    assert isinstance(BUNDLE.engine, CompiledEngine)
    return dataclasses.replace(BUNDLE, engine=BUNDLE.engine.changed(rule, replacement))


def rules_in(text: str) -> list[str]:
    """Return the rules of a policy, each as it is written on one line."""
    return [written_statement(each) for each in parse(Source("own.polar", text))]
