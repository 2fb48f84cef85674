"""The law of next steps: who follows those of a deny, each by whom it names, gets an allow, or hears that it is over.

For each reason a world of the policy tests is looked for in which the steps are followed to an allow: acts are
performed, facts of the outside world are written by their owners, waiting moves the clock. Where that ends nowhere, the
reason is listed here, with why.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from acting_world import Ground
from effort import EFFORT, Effort
from following_by_acts import Denied, Follower, denied
from following_first import FIRST
from following_ways import ENDED_BY, WAYS
from scene import BUNDLE

from sealauthz.model import MODEL
from sealauthz_client.answers import NOTHING_TO_DO

BOOK = BUNDLE.rulebook
STEPS = {code: set(entry.next_steps) - {NOTHING_TO_DO} for code, entry in BOOK.reasons.items()}

_WORLDS = 24 if EFFORT is Effort.THOROUGH else 8
"""In how many worlds a reason is followed, until one ends in an allow."""

_ELSEWHERE = "what is asked about is at another point; its progress tells at which"
_OTHER_KIND = "it is never done so, or never to this; the step is to do another thing"

OVER: dict[str, str] = {
    "ACCOUNT_CLOSED": "the account is over",
    "SEAL_REVOKED": "the seal is over",
    "SEAL_EXPIRED": "the seal is over",
    "DEVICE_RETIRED": "the device is over",
    "ALREADY_APPEALED": "the appeal is over",
    "APPEAL_TOO_LATE": "the time to appeal is over",
    "CASE_OVER": "the case is over",
    "CASE_LEFT_IDLE": "the case is over: the step is to open another one",
    "REVIEW_REJECTED": "the review: another contract is sent",
    "CASE_NOT_EXECUTABLE": _ELSEWHERE,
    "CASE_NOT_EXECUTED": _ELSEWHERE,
    "CASE_NOT_IN_REVIEW": _ELSEWHERE,
    "CASE_NOT_OBJECTED": _ELSEWHERE,
    "CASE_NOT_SUBMITTABLE": _ELSEWHERE,
    "CASE_NOT_UNDER_APPEAL": _ELSEWHERE,
    "NOT_IN_NOTICE": _ELSEWHERE,
    "RETRIEVAL_NOT_EXECUTED": _ELSEWHERE,
    "CERTIFICATION_OF_CASE": _OTHER_KIND,
    "CLAIM_NOT_NEEDED": "nobody has to be asked: the step is to retrieve the enterprise directly",
    "CLAIM_OVER": "the claim is over; its progress says what the case waits for",
    "GUARANTEE_NOT_AUTOMATIC": _OTHER_KIND,
    "SEAL_IS_ELECTRONIC": _OTHER_KIND,
    "SEAL_IS_PHYSICAL": _OTHER_KIND,
}
"""The reasons with steps that lead to no allow of what was asked, and why: their texts say so."""

UNREACHED: dict[str, str] = {
    "UNKNOWN_ACTION": "no policy test asks what the product does not know; the step is to ask something else",
    "CONTEXT_NOT_FOUND": "as UNKNOWN_ACTION",
    "UNKNOWN_TYPE": "as UNKNOWN_ACTION",
    "POLICY_ERROR": "no fixture makes the policies fail; the platform mends them",
    "FACT_UNAVAILABLE": "only facts that no store holds bring it about; the step is to ask again later",
    "HOLDER_IS_OWNER": "only facts that no store holds bring it about: the grant is refused before it is made",
}
"""The reasons that no fixture which a store holds brings about."""

NOT_SHOWN: dict[str, str] = {
    "NO_SIGNING_AUTHORITY": "who signs by hand is named by the sender, and nobody else signs: another contract is sent",
    "SEAL_NOT_OF_PARTY": "the request names the seal: another one is asked for, which is another question",
    "SEAL_OF_ANOTHER_ENTERPRISE": "as SEAL_NOT_PERMITTED_FOR_TASK, of a seal that one is hardly ever shown",
    "BATCH_NOT_ALLOWED": "a check of its own is shown, as for FACE_VERIFICATION_REQUIRED",
    "REQUEST_USED_UP": "another request is opened by another code, which the owner of the controller writes",
    "REQUEST_WITHOUT_CONTRACT": "as REQUEST_USED_UP: the request that names the contract has a code of its own",
    "REQUEST_WITHOUT_DOCUMENTS": "no act makes such a request: what an import brought is asked for again",
    "EMERGENCY_TASK_UNKNOWN": "no act makes such a use: what an import left out the platform writes",
    "NO_ACTIVE_ADMIN": "the whole way is told in `test_retrieving.py`, of an administrator who answers nothing",
    "FORMER_MEMBER_LATELY": "as CONTACT_CHANGED_LATELY; the world of its test ends in no allow after the wait",
    "RETRIEVED_LATELY": "as CONTACT_CHANGED_LATELY; the world of its test ends in no allow after the wait",
    "SOLE_OWNER_UNCONFIRMED": "the platform reviews the papers of the owner: no act of the enterprise",
    "REPRESENTATIVE_ROLE_MISSING": "the platform imports the role: no act gives it",
}
"""The reasons of which it is not shown that their steps end, and why. What is followed one step on is in
`test_following_steps.py`.
"""


TOLD: dict[str, str] = {
    "POST_APPROVAL_MISSING": "test_steps_lead_on",
    "GRANT_NOT_CONFIRMED": "test_steps_lead_on",
    "USE_LIMIT_EXHAUSTED": "test_steps_lead_on",
    "GRANT_EXPIRED": "test_steps_lead_on",
    "GRANT_INVALIDATED_ADMIN_CHANGED": "test_steps_lead_on",
    "SEAL_UNDER_REVIEW": "test_steps_lead_on",
    "END_NOT_PROPOSED": "test_steps_lead_on",
    "DUPLICATE_APPLICATION": "test_steps_lead_on",
    "SEAL_LOST": "test_steps_lead_on",
    "DELEGATION_EXPIRED": "test_steps_lead_on",
    "DELEGATION_NOT_OFFERED": "test_steps_lead_on",
    "CERT_EXPIRED": "test_steps_lead_on",
    "OBJECTION_OPEN": "test_retrieving",
    "CORPORATE_PAYMENT_REQUIRED": "test_retrieving",
    "CONTRACT_TYPE_NOT_COVERED": "test_steps_to_other_ways",
    "EMERGENCY_NOT_ALLOWED": "test_steps_to_other_ways",
    "SEAL_NOT_IN_CATEGORY": "test_steps_to_other_ways",
    "SEAL_NOT_PERMITTED_FOR_TASK": "test_steps_to_other_ways",
    "APPROVAL_BEYOND_GRANT": "test_steps_to_other_ways",
    "AUTO_SIGN_NOT_GRANTED": "test_steps_to_other_ways",
    "GRANT_RECONFIRM_REQUIRED": "test_steps_to_other_ways",
    "GRANTEE_NOT_MEMBER": "test_steps_to_other_ways",
    "GRANT_TOO_BROAD": "test_steps_to_other_ways",
    "RESOLUTION_REQUIRED": "test_steps_to_other_ways",
    "CERT_REVOKED": "test_steps_to_other_ways",
    "HOLD_NOT_RELEASABLE": "test_steps_to_other_ways",
    "SEAL_STILL_LOST": "test_steps_to_other_ways",
    "INVITATION_NOT_CLAIMED": "test_steps_to_other_ways",
    "INVITATION_TO_CLAIM": "test_steps_to_other_ways",
    "INVITATION_TO_ACCEPT": "test_steps_to_other_ways",
    "CARRIER_TIME_AHEAD": "test_steps_to_other_ways",
    "REMINDERS_USED_UP": "test_steps_to_other_ways",
    "CROSS_GRANT_NOT_LIVE": "test_steps_to_other_ways",
    "REVIEWER_NOT_ENTITLED": "test_steps_to_other_ways",
    "NOT_RESOLUTION_RECORDER": "test_steps_to_other_ways",
    "CARRIER_MATCH_OF_ANOTHER": "test_steps_to_other_ways",
    "NEW_ADMIN_ONLY": "test_steps_to_other_ways",
    "DELEGATION_EXCEEDS_PRINCIPAL": "test_steps_to_other_ways",
    "RULE_CHANGE_STALE": "test_everyday_company",
}
"""The reasons of which a story shows it, and the module of `tests/model/effects` that tells the story."""

EFFECTS = Path(__file__).resolve().parents[1] / "model" / "effects"


@pytest.fixture(scope="module")
def ground(new_database: Callable[[str], str]) -> Iterator[Ground]:
    ground = Ground(new_database("sqlite"))
    yield ground
    ground.close()


@cache
def worlds() -> Mapping[str, list[Denied]]:
    """The denied questions by each of their reasons."""
    found: dict[str, list[Denied]] = defaultdict(list)
    for each in denied():
        for code in each.ask.expected.reasons or ():
            found[code].append(each)
    return found


def some(reached: list[Denied]) -> list[Denied]:
    """Return worlds of one reason, spread over all of them: those first in which it stands alone, and one fact is known
    to end it. Where none of a few leads to an end, some more are tried: which ones they are is chance.
    """
    ordered = sorted(reached, key=lambda each: (len(each.ask.expected.reasons or ()) > 1, each.twin is None))
    spread = ordered[:: max(1, len(ordered) // _WORLDS)][:_WORLDS]
    return [*spread, *(each for each in ordered if each not in spread)][: 4 * _WORLDS]


def ends_in_an_allow(ground: Ground, code: str) -> bool:
    reached = worlds()[code]
    # `make thorough` asks nobody where to begin.
    first = [each for each in reached if each.test == FIRST.get(code)] if EFFORT is not Effort.THOROUGH else []
    tried = [*first, *(each for each in some(reached) if each not in first)]
    return any(Follower(ground, each).follow() for each in tried)


def test_every_step_leads_somewhere_and_names_acts_that_there_are() -> None:
    assert set().union(*STEPS.values()) == WAYS.keys()
    named = [name for way in WAYS.values() for name in way.acts] + [name for acts in ENDED_BY.values() for name in acts]
    for name in named:
        resource, _, action = name.rpartition(" ")[2].partition("/")
        assert MODEL.action(action, resource).effect is not None, name


def test_every_reason_is_followed_over_or_reasoned() -> None:
    listed = [*OVER, *UNREACHED, *NOT_SHOWN, *TOLD]
    assert len(listed) == len(set(listed))
    assert set(listed) <= {code for code, steps in STEPS.items() if steps}
    assert BOOK.reasons.keys() - worlds().keys() <= UNREACHED.keys()


def test_each_world_to_begin_with_is_there() -> None:
    assert [code for code, test in FIRST.items() if all(test != each.test for each in worlds()[code])] == []


def test_each_story_is_told() -> None:
    for code, module in TOLD.items():
        assert f'"{code}"' in (EFFECTS / f"{module}.py").read_text(encoding="utf-8"), code


def test_what_is_over_says_so_and_asks_for_nothing() -> None:
    """A reason without a step is an end: its text says what is, and sends nobody anywhere."""
    for code in OVER.keys() | {code for code, steps in STEPS.items() if not steps}:
        for language in ("en", "zh"):
            text = BUNDLE.texts.reason(code, language, {})
            assert text
            assert not re.search("[Pp]lease|(^|[，。；])请", text), (code, text)


@pytest.mark.timeout(600)
def test_who_follows_the_steps_is_allowed_in_the_end(ground: Ground) -> None:
    listed = OVER.keys() | UNREACHED.keys() | NOT_SHOWN.keys() | TOLD.keys()
    followed = sorted(code for code, steps in STEPS.items() if steps and code not in listed)
    assert [code for code in followed if not ends_in_an_allow(ground, code)] == []
