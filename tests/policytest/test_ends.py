"""What is allowed stands no longer than the facts that it rests on."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
from effort import tries
from ends import Seen, allowed, outliving
from policy_files import BUNDLE

from sealauthz.decision.policies import Policies
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import RuleNode
from sealauthz.policytools.testing.loading import files_of_tests, load_suite

POLICIES = Policies(BUNDLE)
TESTS = Path(__file__).parents[2] / "policies" / "tests"
FILES = files_of_tests([TESTS])
SHARED: Seen = set()


@pytest.mark.timeout(tries(300, 3_600))
@pytest.mark.parametrize("file", random.Random(22).sample(FILES, tries(20, len(FILES))), ids=lambda file: file.stem)
def test_an_allow_stands_no_longer_than_what_it_rests_on(file: Path) -> None:
    found = [str(ending) for ending in outliving(allowed(load_suite([file], BUNDLE)), POLICIES, SHARED)]
    assert not found, "\n".join(found)


LACKING = {
    "PartyConsent.valid_to": ("consents", "consent_lapses(_: Contract, context, at) if at = context.now + 9000000000;"),
    "Membership.ended_at": ("contracts", "membership_lapses(_, context, at) if at = context.now + 9000000000;"),
    "BoardResolution.valid_to": (
        "both_sides",
        "resolution_lapses(_, _: Contract, context, at) if at = context.now + 9000000000;",
    ),
}
"""Ends that allows once outlived: a file of tests that shows each, and the rule that tells it, telling nothing."""


@pytest.mark.parametrize("column", LACKING)
def test_an_end_that_no_rule_tells_is_found(column: str) -> None:
    file, text = LACKING[column]
    (replacement,) = (each for each in parse(Source("own.polar", text)) if isinstance(each, RuleNode))
    (rule,) = (each for each in BUNDLE.statements if isinstance(each, RuleNode) and each.name == replacement.name)
    assert isinstance(BUNDLE.engine, CompiledEngine)
    lacking = Policies(dataclasses.replace(BUNDLE, engine=BUNDLE.engine.changed(rule, replacement)))
    asks = allowed(load_suite([TESTS / f"{file}.yaml"], BUNDLE))
    assert column in {ending.column for ending in outliving(asks, lacking)}
