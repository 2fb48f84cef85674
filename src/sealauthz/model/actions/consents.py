"""Acts by which a party says something itself: its consents, and its own review of a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context
from sealauthz.model.actions.seals import documents_digest
from sealauthz.model.effects import parties
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema import Resolver, ResolverInput, actions


@dataclass(slots=True)
class PartyContext(Context):
    """An act for a party of a contract: `enterprise` is the party, None where a person is; `documents_digest` is the
    digest of all documents of the contract (`whole_digest`).
    """

    enterprise: Enterprise | None = None
    documents_digest: str | None = None


@dataclass(slots=True)
class SpeakingContext(PartyContext):
    """Saying something for a party."""


@dataclass(slots=True)
class ConsentContext(PartyContext):
    """An act on what a party has consented to."""


@dataclass(slots=True)
class DoubleAgencyContext(PartyContext):
    """Letting a person act for another party too: `person` is who."""

    person: Person | None = None


@dataclass(slots=True)
class PartyReviewContext(PartyContext):
    """Deciding a party's own review: PASSED, REJECTED or SIGN_REJECTED."""

    verdict: str | None = None


def _documents(query: ResolverInput) -> Mapping[str, Any]:
    party = getattr(query.resource, "signatory", query.resource)
    return {"documents_digest": documents_digest(party.contract)}


_PARTY = Resolver(along={"enterprise": ("enterprise_id",)}, find=_documents)
_OF_PARTY = Resolver(along={"enterprise": ("signatory_id", "enterprise_id")}, find=_documents)

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
        resolver=_PARTY,
        arguments=parties.ConsentArguments,
        effect=parties.agree_to_termination,
    ),
    *actions("Signatory", SpeakingContext, "request_review", resolver=_PARTY, effect=parties.request_review),
    *actions("PartyConsent", ConsentContext, "withdraw", resolver=_OF_PARTY, effect=parties.withdraw_consent),
    *actions(
        "InternalReview",
        PartyReviewContext,
        "decide",
        gives=("verdict",),
        resolver=_OF_PARTY,
        effect=parties.decide_review,
    ),
)
