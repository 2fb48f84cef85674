"""Acts by which a party says something itself: its consents, and its own review of a contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context
from sealauthz.model.actions.known import appointers_of, insiders_of
from sealauthz.model.actions.seals import documents_digest
from sealauthz.model.effects import parties
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema import EMPTY, Resolver, ResolverInput, actions


@dataclass(slots=True)
class PartyContext(Context):
    """An act for a party of a contract: `enterprise` is the party, None where a person is; `documents_digest` is the
    digest of all documents of the contract (`whole_digest`).
    """

    enterprise: Enterprise | None = None
    documents_digest: str | None = None


@dataclass(slots=True)
class SpeakingContext(PartyContext):
    """Saying something for a party. Where it agrees to an end, `insiders` are those who put the subject in office there
    within `parameters.cooling_off` before now, each with what they represent, found by the server.
    """

    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class ConsentContext(PartyContext):
    """An act on what a party has consented to."""


@dataclass(slots=True)
class DoubleAgencyContext(PartyContext):
    """Letting a person act for another party too: `person` is who."""

    person: Person | None = None


@dataclass(slots=True)
class PartyReviewContext(PartyContext):
    """Deciding a party's own review: PASSED, REJECTED or SIGN_REJECTED. `insiders` are as in SpeakingContext."""

    verdict: str | None = None
    insiders: list[Person] = dataclasses.field(default_factory=list)


def _documents(query: ResolverInput) -> Mapping[str, Any]:
    party = getattr(query.resource, "signatory", query.resource)
    return {"documents_digest": documents_digest(party.contract)}


def _speaking(query: ResolverInput) -> Mapping[str, Any]:
    resolved = _documents(query)
    party = getattr(query.resource, "signatory", query.resource)
    if query.action == "request_review" or not party.enterprise_id:
        return {**resolved, "insiders": EMPTY}
    enterprise = query.snapshot.find("Enterprise", party.enterprise_id)
    spoke = [(query.subject.id, query.now)]
    insiders = EMPTY if enterprise is None else insiders_of(query, appointers_of(query, enterprise, spoke))
    return {**resolved, "insiders": insiders}


_PARTY = Resolver(along={"enterprise": ("enterprise_id",)}, find=_documents)
_OF_PARTY = Resolver(along={"enterprise": ("signatory_id", "enterprise_id")}, find=_documents)
_SPEAKING = Resolver(along={"enterprise": ("enterprise_id",)}, find=_speaking, is_about_subject=True)
_REVIEWING = Resolver(along={"enterprise": ("signatory_id", "enterprise_id")}, find=_speaking, is_about_subject=True)

ACTIONS = (
    *actions(
        "Signatory",
        DoubleAgencyContext,
        "permit_double_agency",
        gives=("person",),
        resolver=_PARTY,
        arguments=parties.ConsentArguments,
        effect=parties.permit_double_agency,
    ),
    *actions(
        "Signatory",
        SpeakingContext,
        "agree_to_termination",
        resolver=_SPEAKING,
        arguments=parties.ConsentArguments,
        effect=parties.agree_to_termination,
    ),
    *actions("Signatory", SpeakingContext, "request_review", resolver=_SPEAKING, effect=parties.request_review),
    *actions("PartyConsent", ConsentContext, "withdraw", resolver=_OF_PARTY, effect=parties.withdraw_consent),
    *actions(
        "InternalReview",
        PartyReviewContext,
        "decide",
        gives=("verdict",),
        resolver=_REVIEWING,
        effect=parties.decide_review,
    ),
)
