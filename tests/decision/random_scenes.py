"""Random facts and random questions, for laws that must hold whatever the facts are."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from policy_suite import pairs
from scene import (
    BUNDLE,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    Scene,
    application,
    executable,
    grant,
    invitation,
    request,
    role,
)

from sealauthz.decision import Question
from sealauthz.decision.question import Entity
from sealauthz.facts.store.invariants import check_references, check_same_tenant
from sealauthz.facts.store.rows import RecordRows
from sealauthz.model import MODEL
from sealauthz.model.records.delegations import Delegation, DelegationPower, DelegationState
from sealauthz.model.records.grants import GrantContractType, GrantScope
from sealauthz.model.records.membership import Role, RoleAssignment
from sealauthz.model.records.procedures import BoardResolution, ResolutionKind, ResolutionSource
from sealauthz.model.records.retrieval import Objection
from sealauthz.model.records.seals import HoldSource, SealHold
from sealauthz.model.records.signing import PartyKind, Signatory
from sealauthz.runtime.errors import InvariantBroken
from sealauthz.schema import FOREVER, NEVER, UNLIMITED, Change, Changes, Column, shape_of

INSTANTS = (
    NEVER,
    NOW - 30 * DAY,
    NOW - 25 * HOUR,
    NOW - 31 * MINUTE,
    NOW - MINUTE,
    NOW - 1,
    NOW,
    NOW + 1,
    NOW + 5 * SECOND,
    NOW + DAY,
    FOREVER,
)
PEOPLE = ("admin", "keeper", "user", "plain", "boss", "outsider", "stranger", "reviewer", "signer")

EXTRAS: tuple[Any, ...] = (
    application("outsider"),
    application("stranger"),
    invitation(),
    grant("plain"),
    grant("keeper"),
    GrantContractType("gt", "g-user", "SALES"),
    role("plain", Role.SYSTEM_ADMIN),
    role("user", Role.SEAL_ADMIN),
    SealHold("h", "s", HoldSource.ADMIN, NOW - HOUR),
    Objection("ob", "k", "admin", NOW - DAY),
    RoleAssignment("r-audit", "m-user", Role.SEAL_AUDITOR),
    Delegation(
        "dl",
        "m-user",
        "m-plain",
        DelegationPower.USE_SEAL,
        GrantScope.ALL_CONTRACTS,
        NOW - DAY,
        NOW + DAY,
        state=DelegationState.ACTIVE,
        offered_by_id="user",
        offered_at=NOW - DAY,
    ),
    BoardResolution("br", "e", "c", ResolutionKind.SELF_DEALING, ResolutionSource.LEGAL_REP, NOW - DAY),
    Signatory("party-user", "c", PartyKind.PERSON, "user"),
    *request("plain"),
    *executable(),
)


def _person_columns() -> set[tuple[str, str]]:
    return {
        (name, column.name)
        for name, cls in MODEL.records.items()
        for column in shape_of(cls).columns
        if column.ref == "Person"
    }


_PERSON_COLUMNS = _person_columns()


def _values(column: Column) -> st.SearchStrategy[Any]:
    """Values that a column can hold; keys to other records than persons stay as they are."""
    if column.words is not None:
        plain: st.SearchStrategy[Any] = st.sampled_from([str(word) for word in column.words])
    elif column.is_instant:
        plain = st.sampled_from(INSTANTS)
    elif column.ref == "Person":
        plain = st.sampled_from(PEOPLE)
    elif column.type is bool:
        plain = st.booleans()
    elif column.type is int:
        plain = st.sampled_from([0, 1, 2, 3, 10, UNLIMITED])
    else:
        plain = st.sampled_from(["", "digest-1", "digest-2", "SALES", "LOAN", "t", "k", "SigningTask", "RetrievalCase"])
    return st.none() | plain if column.is_optional else plain


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """The opening scene with extra records, and some values of some records changed."""
    extras = draw(st.lists(st.sampled_from(EXTRAS), max_size=6, unique_by=lambda r: (type(r).__name__, r.id)))
    if any(type(extra).__name__ in ("RequestDocument", "Approval") for extra in extras):
        extras += request("plain")
    if any(type(extra).__name__ in ("RetrievalReview", "Objection", "EnterpriseAuthentication") for extra in extras):
        extras += executable()
    scene = Scene().put(*extras)
    for _ in range(draw(st.integers(0, 5))):
        record = draw(st.sampled_from(scene.records))
        columns = [
            column
            for column in shape_of(type(record)).columns
            if column.name != "id" and (column.ref is None or (type(record).__name__, column.name) in _PERSON_COLUMNS)
        ]
        if columns:
            column = draw(st.sampled_from(columns))
            scene = scene.change(type(record).__name__, record.id, **{column.name: draw(_values(column))})
    return scene


@st.composite
def _about_a_pair(draw: st.DrawFn) -> tuple[Scene, Question]:
    """The facts and the question of a policy test, with what flips other tests added."""
    pair = draw(st.sampled_from(pairs()))
    scene = pair.given
    for other in draw(st.lists(st.sampled_from(pairs()), max_size=3)):
        mixed = other.but(scene)
        # Of another situation it may name what is not here, which the store would have refused.
        if _is_whole(mixed):
            scene = mixed
    return scene, pair.question


def _is_whole(scene: Scene) -> bool:
    """Tell whether every record names what exists, and what is of the same enterprise where it must be."""
    rows = RecordRows(scene.records)
    changes = Changes(Change(type(record).__name__, record.id, None, record) for record in scene.records)
    try:
        check_references(scene.records, rows)
        check_same_tenant(MODEL, changes, rows)
    except InvariantBroken:
        return False
    return True


@st.composite
def _about_anything(draw: st.DrawFn) -> tuple[Scene, Question]:
    """Random facts, and a question about something in them."""
    scene = draw(scenes())
    record = draw(st.sampled_from([r for r in scene.records if type(r).__name__ in BUNDLE.actions]))
    kind = type(record).__name__
    action = draw(st.sampled_from(BUNDLE.actions[kind]))
    subject = draw(st.sampled_from(PEOPLE))
    offered = {
        "task": "t",
        "verification": f"v-{subject}",
        "receiver_verification": "v-user",
        "reason": "ADMIN_RESIGNED",
        "role": "SEAL_ADMIN",
        "receiver": "m-user",
        "custodian": "m-user",
        "request": "q-plain",
        "code_digest": "code-1",
        "person": "user",
    }
    keys = [key for key in MODEL.action(action, kind).keys if draw(st.integers(0, 4))]
    return scene, Question(
        Entity("Person", subject),
        action,
        Entity(kind, record.id),
        {key: offered[key] for key in keys if key in offered},
    )


def asked_scenes() -> st.SearchStrategy[tuple[Scene, Question]]:
    """Facts and a question about them."""
    return _about_a_pair() | _about_anything()
