"""The search finds what was there: with a protection taken out again, the attack that it closed, and a database takes
the same steps.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache

import pytest

from sealauthz.attack.goals import Goals, load_goals
from sealauthz.attack.replay import replay
from sealauthz.attack.said import Words, words_of_tests
from sealauthz.attack.search import Limits, Search
from sealauthz.decision import Bundle
from sealauthz.decision.bundle import PRODUCT_REASONS, attributes, compiled_from
from sealauthz.decision.folder import installed_folder
from sealauthz.model import MODEL
from sealauthz.polar import Source, admit, rulebook_of
from sealauthz.polar.groups import expanded
from sealauthz.policytest.library import Library

TESTS = installed_folder() / "tests"
SECONDS = 60.0

SAID_IN = (
    "resolutions.yaml",
    "straw_men.yaml",
    "sealing.yaml",
    "seal_management.yaml",
)
"""Whose words are said in acts: reasons, roles, kinds, ways to certify."""


@dataclass(frozen=True)
class Protection:
    """What is taken out of a file of the policies: a text, and what stands there without it."""

    goal: str
    file: str
    text: str
    without: str = ""
    steps: int = 1
    """How many steps the attack takes that it closed: acts, those of honest people too, and times that pass."""
    also: tuple[str, str] | None = None
    """Another text that keeps the same, and what stands there without it."""


PROTECTIONS = [
    Protection(
        "an auditor of the seals uses one",
        "seal_use.polar",
        '"NOT_AN_AUDITOR", "use", seal: Seal, context) if not is_auditor(person, seal, context);',
        '"NOT_AN_AUDITOR", "use", seal: Seal, context);',
    ),
    Protection(
        "a seal is used while a court holds it",
        "seal_use.polar",
        "  not is_held(seal) and\n  has_current",
        "  has_current",
    ),
    Protection(
        "what is sealed is not what the face check was for",
        "seal_use.polar",
        "  digest matches String and\n  check.bound_digest = digest;",
        "  digest matches String;",
    ),
    Protection(
        "what is sealed is not what was approved",
        "seal_request.polar",
        "  forall(other in contract.documents, is_requested(request, other.digest)) and\n"
        "  forall(asked in request.documents, is_in_contract(contract, asked.digest));",
        "  _ in request.documents;",
    ),
    Protection(
        "a guarantee is sealed without a resolution",
        "seal_use.polar",
        "  binds_as_guarantor(seal) and\n  may_guarantee(seal, contract, context);\n\nsuits_any",
        "  binds_as_guarantor(seal);\n\nsuits_any",
    ),
    Protection(
        "a document with blanks is sealed",
        "seal_use.polar",
        '  document.state = "COMPLETE" and\n  document.digest != "";',
        '  document.digest != "";',
    ),
    Protection(
        "somebody seals for their enterprise what it agrees with themself",
        "seal_use.polar",
        "  sealed_contract(context, contract) and\n  not deals_with_self(person, seal, contract, context);",
        "  sealed_contract(context, contract);",
    ),
    Protection(
        "one person seals for both sides, and only administrators agreed to it",
        "seal_use.polar",
        "  sealed_contract(context, contract) and\n"
        "  not has_signed_for_other_party(person.id, seal, contract, context);",
        "  sealed_contract(context, contract);",
    ),
    Protection(
        "a seal is used in an emergency again, although nobody approved the last time",
        "special_use.polar",
        "  emergency_grant(person, seal, contract, _, context) and\n"
        "  not has_unapproved_emergency_use(person, seal, context);",
        "  emergency_grant(person, seal, contract, _, context);",
    ),
    Protection(
        "who approved somebody else's use puts the seal while that approval stands",
        "procedures.polar",
        '"APPROVER_NOT_STAMPER", "use", seal: Seal, context) if\n'
        "  sealed_contract(context, contract) and\n"
        "  not approved_last(person, seal, contract, context);",
        '"APPROVER_NOT_STAMPER", "use", seal: Seal, context) if\n  sealed_contract(context, contract);',
    ),
    Protection(
        "an administrator gets the seals from somebody whom they made an administrator",
        "membership.polar",
        '"NOT_OWN_ROLE", "assign_role", membership: Membership, context) if\n'
        "  membership.person_id != person.id and\n"
        "  not returns_role(person, membership, context);",
        '"NOT_OWN_ROLE", "assign_role", membership: Membership, context) if\n  membership.person_id != person.id;',
        steps=2,
    ),
    Protection(
        "an administrator gets a grant from somebody whom they put in charge of the seals just now",
        "granting.polar",
        "  is_second_person(person, grant.membership.person_id, grant.seal.enterprise, context) and\n"
        "  not gave_grant(grant.membership.person_id, grant) and\n"
        "  not is_from_straw_man(grant, context);",
        "  not gave_grant(grant.membership.person_id, grant);",
        steps=2,
    ),
    Protection(
        "those who are watched end the watch, or send away who watches",
        "monitoring.polar",
        "  is_administrator(person, subscription.enterprise, context) and\n  not is_watched(person, subscription);",
        "  is_administrator(person, subscription.enterprise, context);",
    ),
    Protection(
        "who reported a seal lost finds it again alone",
        "seal_holds.polar",
        "  is_reported_lost(seal) and\n"
        "  forall(placed_for_loss(seal, hold), is_placed_by_another(hold, person, context));",
        "  is_reported_lost(seal);",
    ),
    Protection(
        "a resolution benefits who recorded or confirmed it",
        "resolutions.polar",
        "  not is_beneficiary(person.id, resolution) and\n  not is_from_beneficiary(person, resolution, _, context);",
        "  not is_from_beneficiary(person, resolution, _, context);",
        steps=2,
    ),
    Protection(
        "a case is executed and somebody concerned was neither told nor published to",
        "retrieval.polar",
        "  forall(must_be_notified(case, person_id, context), is_notified(case, person_id));",
        "  must_be_notified(case, _, context);",
    ),
    Protection(
        "a case is executed before the time of its notice is over",
        "retrieval.polar",
        "  notice_end(case, context, at) and\n  at <= context.now;",
        "  notice_end(case, context, _);",
    ),
    Protection(
        "a case is executed although an administrator answered and objected",
        "retrieval.polar",
        '  case.path = "DOCUMENTS" and\n  not has_standing_objection(case);',
        '  case.path = "DOCUMENTS";',
        steps=4,
        also=('  case.state in ["NOTICE", "APPROVED"] and\n', '  case.state in ["NOTICE", "OBJECTED"] and\n'),
    ),
    Protection(
        "who may object is silenced during the notice",
        "membership.polar",
        '"NO_RETRIEVAL_HOLD", "suspend", membership: Membership, context) if\n'
        "  not is_held_by_retrieval(membership.enterprise, context);",
        '"NO_RETRIEVAL_HOLD", "suspend", _: Membership, _);',
    ),
]


@cache
def shipped() -> Bundle:
    """The rulebook as it is."""
    return Bundle.load(MODEL)


@cache
def goals() -> Goals:
    """The goals that are shipped with it."""
    return load_goals([TESTS / "attacks.yaml"], shipped())


@cache
def words() -> Words:
    """What is said in acts."""
    library = Library(MODEL)
    loaded = [library.load(TESTS / name) for name in SAID_IN]
    return words_of_tests([each.written for each in loaded if each])


def _without(protection: Protection) -> Bundle:
    """Return the rulebook without one protection."""
    bundle = shipped()
    whole = next(each for each in bundle.sources if each.file == protection.file)
    text = whole.text
    for old, new in ((protection.text, protection.without), protection.also or ("", "")):
        assert not old or text.count(old) == 1, "the protection stands there once"
        text = text.replace(old, new) if old else text
    changed = Source(whole.file, text)
    sources = tuple(changed if each is whole else each for each in bundle.sources)
    expansion = expanded(statement for source in sources for statement in admit(source, attributes(MODEL)))
    return dataclasses.replace(
        bundle,
        sources=sources,
        statements=expansion.statements,
        rulebook=rulebook_of(expansion.statements, PRODUCT_REASONS, expansion.groups),
        engine=compiled_from(MODEL, expansion.statements),
    )


@pytest.mark.slow
@pytest.mark.parametrize("protection", PROTECTIONS, ids=[each.goal for each in PROTECTIONS])
def test_without_a_protection_the_search_finds_the_attack_that_it_closed(protection: Protection) -> None:
    bundle = _without(protection)
    goal = next(each for each in goals().goals if each.name == protection.goal)
    found = Search(bundle, goals(), words()).run(goal, Limits(seconds=SECONDS))
    assert found.record
    assert len(found.steps) == protection.steps
    replayed = replay(bundle, goals(), found)
    assert replayed.is_reached, replayed.said


@pytest.mark.slow
def test_no_shipped_goal_is_reached_by_one_act_on_the_rulebook_as_it_is() -> None:
    """`make attack` goes deeper."""
    search = Search(shipped(), goals(), words())
    found = [search.run(goal, Limits(depth=1, seconds=SECONDS)) for goal in goals().goals]
    assert [each.goal.name for each in found if each.record] == []
    assert len(found) >= 25
