"""What a face check is bound to beside its object (`model.actions.bound`): every term counts, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from scene import BUNDLE, DAY, NOW, Scene, case, grant

from sealauthz.decision import Entity, Question
from sealauthz.decision.assembly import Case, assemble, everything
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.records.grants import GrantTemplate, OpenGrant, OpenGrantTemplate
from sealauthz.model.records.seals import HoldSource, SealHold, SealReview

OPEN = OpenGrant("og", "s", "r-keeper", NOW, NOW + DAY)
HOLDS = (SealHold("h", "s", HoldSource.LOSS, NOW), SealHold("h2", "s", HoldSource.ADMIN, NOW))
REVIEW = SealReview("rev", "s", "m-keeper", NOW, "face-1", "云杉")
SCENE = Scene().put(grant("plain"), OPEN, *HOLDS, REVIEW, case())


def digest(scene: Scene, action: str, resource: str, **context: str) -> str:
    """The digest that the server makes of an act."""
    asked = Question(Entity("Person", "user"), action, Entity(*resource.split(":")), context)
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        found = assemble(MODEL, asked, snapshot, everything, NOW, "", BUNDLE.parameters)
    assert isinstance(found, Case)
    return str(found.context.intent_digest)


def changed(record_type: str, record_id: str, **columns: Any) -> Scene:
    return SCENE.change(record_type, record_id, **columns)


CONFIRM = ("confirm", "SealGrant:g-plain")
TERMS: Mapping[str, Any] = {
    "valid_from": NOW,
    "valid_to": NOW + 31 * DAY,
    "use_limit": 11,
    "amount_max": 1,
    "currency": "CNY",
    "may_subgrant": True,
    "right": "APPROVE",
    "scope": "LISTED_TYPES",
    "term": "LONG_TERM",
    "membership_id": "m-user",
    "grantor_id": "r-admin",
}
OTHER: list[tuple[tuple[str, str], Scene]] = [
    *((CONFIRM, changed("SealGrant", "g-plain", **{name: value})) for name, value in TERMS.items()),
    (CONFIRM, SCENE.put(GrantTemplate("gt", "g-plain", "template-1"))),
    (("confirm", "OpenGrant:og"), changed("OpenGrant", "og", valid_to=NOW + 2 * DAY)),
    (("confirm", "OpenGrant:og"), changed("OpenGrant", "og", use_limit=1)),
    (("confirm", "OpenGrant:og"), SCENE.put(OpenGrantTemplate("ogt", "og", "template-1"))),
    (("report_found", "Seal:s"), SCENE.put(SealHold("h3", "s", HoldSource.LOSS, NOW))),
    (("release", "SealHold:h"), changed("SealHold", "h", placed_by_id="user")),
    (("decide", "SealReview:rev"), changed("SealReview", "rev", face_digest="face-2")),
    (("decide", "SealReview:rev"), changed("SealReview", "rev", name_on_seal="雪松")),
    *(
        ((action, "RetrievalCase:k"), changed("RetrievalCase", "k", **columns))
        for action in ("submit", "execute", "object", "appeal")
        for columns in ({"attempt": 2}, {"path": "LEGAL_REP_ONLINE"}, {"reason": "ACCOUNT_TAKEN"})
    ),
]
"""An act, and facts in which it is another one."""


@pytest.mark.parametrize(("act", "scene"), OTHER)
def test_other_terms_are_another_act(act: tuple[str, str], scene: Scene) -> None:
    assert digest(scene, *act) != digest(SCENE, *act)


def test_another_act_on_the_same_record_is_another_one() -> None:
    acts = ["submit", "execute", "object", "appeal"]
    assert len({digest(SCENE, action, "RetrievalCase:k") for action in acts}) == len(acts)


@pytest.mark.parametrize(
    ("act", "context"),
    [
        (("transfer_admin", "Enterprise:e"), {"receiver": "m-plain"}),
        (("transfer_admin", "Enterprise:e"), {"digest": "sha256:1"}),
        (("assign_role", "Membership:m-plain"), {"role": "SYSTEM_ADMIN"}),
        (("assign_role", "Membership:m-plain"), {"digest": "sha256:1"}),
        (("object", "RetrievalCase:k"), {"digest": "sha256:1"}),
        (("decide", "SealReview:rev"), {"verdict": "PASSED"}),
    ],
)
def test_what_the_client_names_counts(act: tuple[str, str], context: Mapping[str, str]) -> None:
    assert digest(SCENE, *act, **context) != digest(SCENE, *act)


def test_what_is_no_term_does_not_count() -> None:
    """Else the state that a check was asked for in would have to last until it is used."""
    assert digest(changed("SealGrant", "g-plain", used=1, state="PENDING_CONFIRM"), *CONFIRM) == digest(SCENE, *CONFIRM)
    assert digest(changed("RetrievalCase", "k", state="OBJECTED"), "execute", "RetrievalCase:k") == digest(
        SCENE, "execute", "RetrievalCase:k"
    )


def test_the_digest_is_pinned() -> None:
    """Services and the providers of checks keep it."""
    assert (
        digest(SCENE, "execute", "RetrievalCase:k")
        == "sha256:82363a0cd03bc78f0ec6f6a1671c9cb05145c9c6c320af4ad7f1ad99e45a5d14"
    )
