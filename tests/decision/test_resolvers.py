"""What the server finds for a context: each key found, and left out where there is nothing to find."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from scene import (
    BUNDLE,
    CEDAR_USCC,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Scene,
    application,
    case,
    grant,
    member,
    person,
)

from sealauthz.decision import Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import Case, assemble, everything
from sealauthz.decision.product_reasons import FACT_UNAVAILABLE
from sealauthz.decision.question import ListQuery
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.actions.common import Context
from sealauthz.model.actions.consents import PartyReviewContext, SpeakingContext
from sealauthz.model.actions.contracts import (
    ContractContext,
    SignContext,
    TaskContext,
    TerminationContext,
    TransferContext,
)
from sealauthz.model.actions.granting import (
    AfterwardsContext,
    CrossGrantContext,
    GrantEndContext,
    HolderContext,
    RequestContext,
)
from sealauthz.model.actions.organisations import (
    CertificationContext,
    ClaimContext,
    JoinContext,
    MemberContext,
    NameChangeContext,
)
from sealauthz.model.actions.own_rules import CountersignContext, ResolutionContext
from sealauthz.model.actions.retrieval import RetrievalContext, SubmissionContext
from sealauthz.model.actions.seal_management import SealEndContext
from sealauthz.model.actions.seals import (
    SealUseContext,
    StampContext,
    UseRecordContext,
)
from sealauthz.model.records.contracts import Contract, ContractDocument
from sealauthz.model.records.cross_grants import CrossEnterpriseGrant
from sealauthz.model.records.delegations import Delegation
from sealauthz.model.records.grants import EmergencyUse
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.organisation import Enterprise, RegistrySnapshot
from sealauthz.model.records.procedures import BoardResolution
from sealauthz.model.records.requests import Approval, SealUseRequest
from sealauthz.model.records.retrieval import EnterpriseAuthentication
from sealauthz.model.records.seal_uses import SealUse
from sealauthz.model.records.seals import Seal
from sealauthz.model.records.signing import InternalReview, PartyConsent, Signatory, SigningTask, TaskOperator, TaskSeal
from sealauthz.polar.reach import Root
from sealauthz.schema import Model, ResolverInput
from sealauthz.schema.action import NO_RESOLVER, Action
from sealauthz.schema.model import ModelProblem

PARAMETERS = BUNDLE.parameters
NOTHING: Mapping[str, tuple[str, str]] = {}


def found(
    context: type[Context],
    scene: Scene,
    subject: str,
    resource: tuple[str, str],
    now: int = NOW,
    given: Mapping[str, tuple[str, str]] = NOTHING,
    action: str = "",
) -> Mapping[str, Any]:
    """What is found where the client names these records; records by their ids."""
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        named = {key: snapshot.find(*name) for key, name in given.items()}
        around = ResolverInput(
            snapshot.find("Person", subject), snapshot.find(*resource), now, PARAMETERS, snapshot, named, action
        )
        keys = MODEL.resolve(action_with(context, resource[0]), around)
        # What it returns is home and whole, so that policies may go on from there.
        records = [r for value in keys.values() for r in (value if isinstance(value, list) else [value])]
        for record in records:
            assert record is None or isinstance(record, int | str) or record is snapshot.find(*_key(record))
        return {
            key: [r.id for r in value] if isinstance(value, list) else getattr(value, "id", value)
            for key, value in keys.items()
        }


def _key(record: Any) -> tuple[str, str]:
    return type(record).__name__, record.id


def action_with(context: type, resource_type: str) -> Action:
    """An action on a type of resources that has contexts of a class."""
    declared = MODEL.actions.values()
    found = (action for action in declared if (action.context, action.resource) == (context, resource_type))
    return next(found, Action("any", resource_type, context))


def test_every_key_of_the_servers_making_has_a_resolver() -> None:
    for context in {action.context for action in MODEL.actions.values()}:
        given = {key for action in MODEL.actions.values() if action.context is context for key in action.keys}
        own = {each.name for each in fields(context)} - {each.name for each in fields(Context)} - given
        resolver = MODEL.resolvers.get(context, NO_RESOLVER)
        assert bool(own) == (resolver != NO_RESOLVER), context
        assert set(resolver.all_paths) <= own


@pytest.mark.parametrize("resolved", [{}, {"seal": None}])
def test_without_what_a_resolver_always_finds_nothing_is_allowed_or_listed(
    resolved: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene().put(SealUse("use", "t", "s", "user", "digest-1", NOW))
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), BUNDLE, lambda: NOW)
    asked = Question(Entity("Person", "user"), "view", Entity("SealUse", "use"))
    query = ListQuery(Root.SUBJECT, asked.subject, "view", "SealUse")
    assert pdp.decide(asked)
    assert pdp.list_page(query).ids == ("use",)
    monkeypatch.setattr(Model, "resolve", lambda *_: resolved)
    for decision in (pdp.decide(asked), *pdp.decide_many([asked]), pdp.explain(asked).decision):
        assert (bool(decision), [reason.code for reason in decision.reasons]) == (False, [FACT_UNAVAILABLE])
    assert pdp.list_page(query).ids == ()
    assert "`seal` of the context of `view` on SealUse was not found" in caplog.text


def test_a_key_that_nothing_finds_must_be_optional() -> None:
    @dataclass(slots=True, kw_only=True)
    class Bare(Context):
        seal: Seal

    part = dataclasses.replace(MODEL.parts[0], actions=(Action("stare", "Seal", Bare),))
    with pytest.raises(ModelProblem, match="nothing finds `seal` of the context of `stare`"):
        dataclasses.replace(MODEL, parts=(*MODEL.parts, part))


def test_a_context_without_a_resolver_gets_nothing() -> None:
    assert found(Context, Scene(), "user", ("Seal", "s")) == {}
    assert found(ClaimContext, Scene(), "user", ("Seal", "s")) == {}


# --- the clock of a place ---------------------------------------------------------------------------------------------


def in_zone(zone: str) -> Scene:
    return Scene().change("Enterprise", "e", timezone=zone)


def local(zone: str, now: int) -> tuple[Any, ...]:
    keys = found(SealUseContext, in_zone(zone), "user", ("Seal", "s"), now)
    return tuple(keys.get(key) for key in ("local_day", "local_weekday", "local_minute"))


TODAY = NOW - NOW % DAY
"""The midnight in UTC before now."""


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
@pytest.mark.parametrize("now", [NOW, TODAY, TODAY - 1, TODAY + DAY, NOW + 45 * DAY, NOW + 200 * DAY])
def test_the_local_time_is_that_of_the_owner(zone: str, now: int) -> None:
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)).astimezone(ZoneInfo(zone))
    day, weekday, minute = local(zone, now)
    assert (datetime(1970, 1, 1) + timedelta(days=day)).date() == wall.date()  # noqa: DTZ001 (a day of no zone)
    assert (weekday, minute) == (wall.isoweekday(), wall.hour * 60 + wall.minute)


def test_the_day_begins_at_the_first_instant_of_its_first_minute() -> None:
    midnight = TODAY - 8 * HOUR
    day = TODAY // DAY
    assert local("Asia/Shanghai", midnight - 1)[0::2] == (day - 1, 1439)
    assert local("Asia/Shanghai", midnight)[0::2] == (day, 0)
    assert local("Asia/Shanghai", midnight + MINUTE - 1)[0::2] == (day, 0)
    assert local("Asia/Shanghai", midnight + MINUTE)[0::2] == (day, 1)


@pytest.mark.parametrize("zone", ["Nowhere/City", "", "../../etc/passwd", "/etc/localtime", "Asia", "a\0b", "x" * 300])
def test_an_unknown_zone_has_no_time(zone: str) -> None:
    assert local(zone, NOW) == (None, None, None)
    assert not any(found(StampContext, in_zone(zone), "user", ("Seal", "s")).values())


def day_ends(zone: str, now: int) -> int:
    ends: int = found(StampContext, in_zone(zone), "user", ("Seal", "s"), now)["day_ends"]
    return ends


def test_the_day_ends_at_the_next_local_midnight() -> None:
    midnight = TODAY - 8 * HOUR
    assert day_ends("UTC", NOW) == TODAY + DAY
    assert day_ends("Asia/Shanghai", midnight - 1) == midnight
    assert day_ends("Asia/Shanghai", midnight) == midnight + DAY
    assert day_ends("Asia/Shanghai", midnight + DAY - 1) == midnight + DAY


def test_the_day_is_as_long_as_the_clocks_make_it() -> None:
    """Where clocks are put back it has 25 hours, and it ends once, in whichever of its two hours one asks."""
    starts = [day_ends("America/New_York", TODAY + n * DAY) for n in range(366)]
    lengths = {later - earlier for earlier, later in itertools.pairwise(starts)}
    assert lengths == {23 * HOUR, DAY, 25 * HOUR}
    long = next(n for n in range(365) if starts[n + 1] - starts[n] == 25 * HOUR)
    for hour in range(25):
        assert day_ends("America/New_York", starts[long] + hour * HOUR) == starts[long + 1]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_stamp_has_the_local_time_of_a_use(zone: str) -> None:
    keys = found(StampContext, in_zone(zone), "user", ("Seal", "s"))
    assert tuple(keys[key] for key in ("local_day", "local_weekday", "local_minute")) == local(zone, NOW)


# --- what is stamped --------------------------------------------------------------------------------------------------


def test_the_contract_of_a_stamp_is_the_one_that_the_request_for_this_seal_names() -> None:
    times = {"submitted_at": NOW, "valid_from": NOW, "valid_to": NOW + DAY}
    scene = Scene().put(
        Seal("s2", "e", "x", "CONTRACT"),
        SealUseRequest("q", "s", "m-plain", **times, contract_id="c"),
        SealUseRequest("q-paper", "s", "m-plain", **times),
    )

    def contract(seal: str, **given: tuple[str, str]) -> Any:
        return found(StampContext, scene, "plain", ("Seal", seal), given=given)["contract"]

    assert contract("s", request=("SealUseRequest", "q")) == "c"
    # Whose request it is, is for the policies to say; for another seal it leads nowhere.
    assert contract("s2", request=("SealUseRequest", "q")) is None
    assert contract("s", request=("SealUseRequest", "q-paper")) is None
    assert contract("s", request=("SealUseRequest", "nothing")) is None
    assert contract("s") is None


# --- whom the subject acts for ----------------------------------------------------------------------------------------


def cross(grant_id: str, holder_id: str, seal_id: str = "s") -> CrossEnterpriseGrant:
    """A grant in no state to be used: whether it may be is for the policies to say."""
    return CrossEnterpriseGrant(grant_id, seal_id, holder_id, "r-keeper", "ALL_CONTRACTS", NOW, NOW + DAY)


GROUP = Scene().put(
    Enterprise("a", "A", CEDAR_USCC),
    Enterprise("z", "Z", CEDAR_USCC),
    person("both"),
    Membership("m-z-both", "both", "z", "IMPORT", NOW - DAY),
    Membership("m-a-both", "both", "a", "IMPORT", NOW - DAY, state="SUSPENDED"),
    cross("x-z", "z"),
    cross("x-a", "a"),
    cross("x-f", "f"),
)


def test_the_holders_are_all_that_hold_a_grant_and_have_the_subject() -> None:
    resource = ("Seal", "s")
    assert found(SealUseContext, GROUP, "both", resource)["holders"] == ["a", "z"]
    ended = GROUP.change("Membership", "m-a-both", state="ENDED", end_reason="REMOVED")
    assert found(SealUseContext, ended, "both", resource)["holders"] == ["z"]
    gone = ended.change("Membership", "m-z-both", state="ENDED", end_reason="REMOVED")
    assert found(SealUseContext, gone, "both", resource)["holders"] == []
    assert found(SealUseContext, GROUP, "user", resource)["holders"] == []


@pytest.mark.parametrize("context", [HolderContext, GrantEndContext])
def test_the_holder_of_a_grant_is_found_for_its_people(context: type[Context]) -> None:
    resource = ("CrossEnterpriseGrant", "x-z")
    assert found(context, GROUP, "both", resource)["holder"] == "z"
    gone = GROUP.change("Membership", "m-z-both", state="ENDED", end_reason="REMOVED")
    assert found(context, gone, "both", resource)["holder"] is None
    assert found(context, GROUP, "user", resource)["holder"] is None


def test_the_legal_representative_belongs_to_the_holder() -> None:
    registry = RegistrySnapshot("reg-z", "z", "EXISTING", NOW, legal_rep_id="stranger")
    resource = ("Seal", "s")
    assert found(SealUseContext, GROUP.put(registry), "stranger", resource)["holders"] == ["z"]
    old = GROUP.put(registry).change("RegistrySnapshot", "reg-z", is_current=False)
    assert found(SealUseContext, old, "stranger", resource)["holders"] == []


def delegation(number: int, principal: str, delegate: str, **columns: Any) -> Delegation:
    values = {"valid_from": NOW - DAY, "valid_to": NOW + DAY, **columns}
    return Delegation(f"d{number}", principal, delegate, "USE_SEAL", "ALL_CONTRACTS", **values)


def test_the_principals_are_those_who_delegated_to_the_subject_at_the_owner() -> None:
    def principals(*records: Any, subject: str = "plain") -> Any:
        return found(SealUseContext, Scene().put(*records), subject, ("Seal", "s"))["principals"]

    pairs = ((1, "m-user"), (2, "m-keeper"), (3, "m-user"))
    given = [delegation(number, principal, "m-plain") for number, principal in pairs]
    assert principals() == []
    assert principals(*given) == ["keeper", "user"]
    assert principals(*given, subject="user") == []
    assert principals(*given, subject="stranger") == []
    # Whether a delegation still stands is for the policies to say; one at another enterprise is no way to this seal.
    assert principals(delegation(1, "m-user", "m-plain", state="REVOKED")) == ["user"]
    elsewhere = [member("plain", "f"), member("user", "f"), delegation(1, "m-f-user", "m-f-plain")]
    assert principals(*elsewhere) == []


def test_who_opens_a_task_is_known_with_those_who_let_them_act_at_its_party() -> None:
    scene = Scene().put(delegation(1, "m-user", "m-plain"))
    assert found(TaskContext, scene, "plain", ("SigningTask", "t"))["principals"] == ["user"]
    assert found(TaskContext, scene, "user", ("SigningTask", "t"))["principals"] == []
    assert found(TaskContext, scene, "plain", ("SigningTask", "t-f"))["principals"] == []


TASK = {"task": ("SigningTask", "t")}


def decided(number: int, *approvers: str, contract: str | None = "c", **columns: Any) -> list[Any]:
    """A request of user's for the seal, and what they decided on it."""
    values = {"submitted_at": NOW - DAY, "valid_from": NOW - DAY, "valid_to": NOW + DAY, "state": "APPROVED", **columns}
    request = SealUseRequest(f"q{number}", "s", "m-user", contract_id=contract, **values)
    return [request, *(Approval(f"a{number}-{who}", request.id, f"m-{who}", "PASSED") for who in approvers)]


def test_the_approvers_are_those_who_decided_on_requests_for_the_tasks_contract() -> None:
    def approvers(*records: Any, given: Any = TASK) -> Any:
        return found(SealUseContext, Scene().put(*records), "user", ("Seal", "s"), given=given)["approvers"]

    assert approvers() == []
    assert approvers(*decided(1, "plain", "keeper"), *decided(2, "plain", state="IN_USE")) == ["keeper", "plain"]
    assert approvers(*decided(1, "plain"), given=NOTHING) == []
    assert approvers(*decided(1, "plain"), given={"task": ("SigningTask", "none")}) == []
    assert approvers(*decided(1, "plain", state="IN_APPROVAL")) == ["plain"]  # which requests count, policies say
    assert approvers(Contract("c2", "f", "SALES"), *decided(1, "plain", contract="c2")) == []


def test_a_stamp_has_the_contract_and_the_approvers_of_its_request() -> None:
    def around(*records: Any, given: Any = None) -> Mapping[str, Any]:
        named = {"request": ("SealUseRequest", "q1")} if given is None else given
        keys = found(StampContext, Scene().put(*records), "user", ("Seal", "s"), given=named)
        return {key: keys[key] for key in ("contract", "approvers")}

    assert around(*decided(1, "plain"), *decided(2, "keeper")) == {"contract": "c", "approvers": ["plain"]}
    assert around(*decided(1, "plain", contract=None)) == {"contract": None, "approvers": ["plain"]}
    assert around(*decided(1, "plain"), given=NOTHING) == {"contract": None, "approvers": []}


def test_the_authors_are_those_who_reviewed_the_contract_or_resolved_about_it() -> None:
    evidence = (
        InternalReview("ir", "party-e", "PASSED", "plain", NOW),
        InternalReview("ir-waits", "party-e"),
        InternalReview("ir-other", "party-f", "PASSED", "trader", NOW),
        BoardResolution("br", "e", "c", "GUARANTEE", "BOARD", recorded_by_id="keeper", confirmed_by_id="admin"),
        BoardResolution("br-other", "f", "c", "GUARANTEE", "BOARD", recorded_by_id="boss"),
    )
    scene = Scene().put(*evidence, *decided(1, "plain"))
    seal, request = ("Seal", "s"), {"request": ("SealUseRequest", "q1")}
    authors = ["admin", "keeper", "plain"]
    assert found(SealUseContext, scene, "user", seal, given=TASK)["authors"] == authors
    assert found(StampContext, scene, "user", seal, given=request)["authors"] == authors
    assert found(TaskContext, scene, "user", ("SigningTask", "t"))["authors"] == authors
    both = Scene().put(*evidence, *decided(1, "plain"), Membership("m-both", "user", "f", "IMPORT", NOW - DAY))
    assert found(SealUseContext, both, "user", seal, given=TASK)["authors"] == ["admin", "boss", "keeper", "plain"]
    assert found(SealUseContext, scene, "user", seal)["authors"] == []
    assert found(StampContext, scene, "user", seal)["authors"] == []
    assert found(SealUseContext, Scene(), "user", seal, given=TASK)["authors"] == []


def test_where_an_enterprise_holds_the_seal_all_other_parties_are_found() -> None:
    assert sealing(Scene().put(cross("x", "e")))["parties"] == ["f"]


def test_a_request_leads_to_its_contract() -> None:
    asked = ("SealUseRequest", "q1")
    scene = Scene().put(*decided(1))
    assert found(RequestContext, scene, "keeper", asked)["contract"] == "c"
    assert found(RequestContext, Scene().put(*decided(1, contract=None)), "keeper", asked)["contract"] is None


def test_those_are_found_who_had_put_the_approver_in_place_just_then() -> None:
    def insiders(given_at: int, decided_at: int = NOW) -> tuple[Any, Any]:
        request, approval = decided(1, "plain", process_id="p")
        chain = (
            RoleAssignment("r-1", "m-plain", "CONTRACT_ADMIN", granted_by_id="keeper", valid_from=given_at),
            RoleAssignment("r-2", "m-keeper", "SYSTEM_ADMIN", granted_by_id="boss", valid_from=given_at - HOUR),
            RoleAssignment("r-3", "m-admin", "SYSTEM_ADMIN", granted_by_id="user", valid_from=given_at),
        )
        scene = Scene().put(request, dataclasses.replace(approval, decided_at=decided_at), *chain)
        asked = found(RequestContext, scene, "plain", ("SealUseRequest", "q1"), action="approve")["insiders"]
        return sealing(scene)["insiders"], asked

    assert insiders(NOW - HOUR) == (["boss", "keeper"], ["boss", "keeper"])
    assert insiders(NOW - DAY) == ([], [])
    assert insiders(NOW - DAY, decided_at=NOW - HOUR) == (["keeper"], [])
    scene = Scene().put(*decided(1))
    assert found(RequestContext, scene, "plain", ("SealUseRequest", "q1"), action="reject")["insiders"] == []


def test_those_are_found_who_had_put_in_office_who_speaks_for_a_party() -> None:
    def behind(given_at: int, *records: Any) -> Scene:
        given = RoleAssignment("r-1", "m-plain", "CONTRACT_ADMIN", granted_by_id="keeper", valid_from=given_at)
        put_there = RoleAssignment("r-2", "m-keeper", "SYSTEM_ADMIN", granted_by_id="boss", valid_from=given_at)
        return Scene().put(given, put_there, *records)

    resolved = BoardResolution(
        "br", "e", "c", "GUARANTEE", "BOARD", recorded_by_id="plain", recorded_at=NOW - HOUR, passed_at=NOW - DAY
    )
    reviewed = InternalReview("ir", "party-e", "PASSED", "plain", NOW - HOUR)
    agreed = PartyConsent("pc", "party-e", "TERMINATION", given_by_id="plain", given_at=NOW - HOUR)
    speaking: tuple[tuple[type, tuple[str, str], str], ...] = (
        (ResolutionContext, ("Enterprise", "e"), "record_resolution"),
        (CountersignContext, ("BoardResolution", "br"), "countersign"),
        (SpeakingContext, ("Signatory", "party-e"), "agree_to_termination"),
        (PartyReviewContext, ("InternalReview", "ir"), "decide"),
    )
    for given_at, late, now in (
        (NOW - 2 * HOUR, True, True),
        (NOW - DAY, True, False),
        (NOW - DAY - HOUR, False, False),
    ):
        scene = behind(given_at, resolved, reviewed)
        for context, resource, action in speaking:
            insiders = found(context, scene, "plain", resource, action=action)["insiders"]
            assert insiders == (["boss", "keeper"] if now else []), action
        for records in ((resolved,), (reviewed,)):
            assert sealing(behind(given_at, *records))["insiders"] == (["boss", "keeper"] if late else [])
        ended = found(TerminationContext, behind(given_at, agreed), "trader", ("Contract", "c"), action="terminate")
        assert ended["insiders"] == (["boss", "keeper"] if late else [])
    asked = found(SpeakingContext, behind(NOW), "plain", ("Signatory", "party-e"), action="request_review")
    assert asked["insiders"] == []


def test_who_gave_the_right_to_approve_an_emergency_use_just_then_is_known() -> None:
    def insiders(given_at: int) -> tuple[Any, Any]:
        right = grant("approver", right="APPROVE", confirmed_at=given_at)
        emergency = dataclasses.replace(grant("user", right="EMERGENCY"), id="g-emergency")
        use = EmergencyUse("eu", "g-emergency", NOW - HOUR, "x", task_id="t")
        scene = Scene().put(right, emergency, use)
        asked = found(AfterwardsContext, scene, "approver", ("EmergencyUse", "eu"))["insiders"]
        use.approved_by_id, use.approved_at = "m-approver", NOW
        again = found(SealUseContext, scene, "user", ("Seal", "s"), given=TASK, action="emergency_use")
        return asked, again["afterwards"]

    assert insiders(NOW - HOUR) == (["keeper"], ["approver", "keeper"])
    assert insiders(NOW - DAY) == ([], ["approver"])


def test_a_grant_leads_to_the_enterprise_that_gets_the_seal() -> None:
    for who in ("keeper", "both"):
        assert found(CrossGrantContext, GROUP, who, ("CrossEnterpriseGrant", "x-z")) == {"holder": "z"}
    assert found(CrossGrantContext, GROUP, "keeper", ("Seal", "s")) == {}


def test_a_seal_that_nobody_holds_has_no_holder() -> None:
    assert found(SealUseContext, Scene(), "user", ("Seal", "s"))["holders"] == []


def test_a_contract_has_its_initiator_and_the_subjects_parties() -> None:
    keys = {who: found(ContractContext, Scene(), who, ("Contract", "c")) for who in ("user", "stranger", "boss")}
    assert keys["user"] == keys["boss"] == {"enterprise": "f", "own_parties": ["e"]}
    assert keys["stranger"] == {"enterprise": "f", "own_parties": []}
    assert found(ContractContext, Scene(), "user", ("Seal", "s")) == {}


def test_the_subject_may_act_for_two_parties() -> None:
    two = Scene().put(member("user", "f"))
    assert found(ContractContext, two, "user", ("Contract", "c"))["own_parties"] == ["e", "f"]
    left = two.change("Membership", "m-user", state="ENDED", end_reason="RESIGNED")
    assert found(ContractContext, left, "user", ("Contract", "c"))["own_parties"] == ["f"]


def test_a_signature_in_place_of_a_seal_has_hours_parties_and_approvers() -> None:
    beside = Scene().put(*decided(1, "plain")).change("SigningTask", "t-f", handler_id="user")
    keys = found(SignContext, beside, "user", ("SigningTask", "t-hand"))
    assert set(keys) == {"enterprise", "contract", "documents_digest", "authors", "insiders"}
    alone = beside.change("SigningTask", "t", state="VOIDED")
    keys = found(SignContext, alone, "user", ("SigningTask", "t-hand"))
    assert (keys["parties"], keys["approvers"], keys["local_weekday"]) == (["f"], ["plain"], 1)
    nowhere = alone.change("Enterprise", "e", timezone="nowhere")
    assert "local_weekday" not in found(SignContext, nowhere, "user", ("SigningTask", "t-hand"))


def test_a_person_as_a_party_is_no_enterprise() -> None:
    alone = Scene().put(
        Contract("c2", "f", "SALES"),
        Signatory("party-user", "c2", "PERSON", person_id="user"),
        SigningTask("t-user", "party-user", "PERSONAL_SIGN"),
    )
    assert found(ContractContext, alone, "user", ("Contract", "c2")) == {"enterprise": "f", "own_parties": []}
    for context in (TaskContext, TransferContext):
        assert found(context, alone, "user", ("SigningTask", "t-user"))["enterprise"] is None
        assert found(context, alone, "user", ("SigningTask", "t"))["enterprise"] == "e"
    for task, contract in (("t-user", "c2"), ("t", "c")):
        assert found(TaskContext, alone, "user", ("SigningTask", task))["contract"] == contract


# --- what is signed, and for whom else ------------------------------------------------------------------------------


def sealing(scene: Scene, subject: str = "user", task: str = "t") -> Mapping[str, Any]:
    return found(SealUseContext, scene, subject, ("Seal", "s"), given={"task": ("SigningTask", task)})


def test_the_digest_of_one_document_is_its_own_and_that_of_several_is_of_all() -> None:
    one = Scene()
    two = one.put(ContractDocument("d-2", "c", "b", "COMPLETE")).change("ContractDocument", "d", digest="a")
    none = one.drop("ContractDocument", "d")
    whole = f"sha256:{hashlib.sha256(b'a' + bytes([10]) + b'b').hexdigest()}"
    for scene, digest in (
        (one, one.record("ContractDocument", "d").digest),
        (two, whole),
        (none, None),
        (two.change("ContractDocument", "d-2", digest=""), None),
    ):
        assert sealing(scene)["documents_digest"] == digest
        assert found(TaskContext, scene, "user", ("SigningTask", "t"))["documents_digest"] == digest


def test_without_a_task_nothing_is_sealed() -> None:
    keys = found(SealUseContext, Scene(), "user", ("Seal", "s"))
    assert (keys["documents_digest"], keys["parties"]) == (None, [])


@pytest.mark.parametrize(
    "change",
    [
        {"signed_by_id": "user"},
        {"handler_id": "user"},
    ],
)
def test_another_party_is_found_for_which_the_subject_acts(change: dict[str, str]) -> None:
    assert sealing(Scene())["parties"] == []
    scene = Scene().change("SigningTask", "t-f", **change)
    assert sealing(scene)["parties"] == ["f"]
    assert sealing(scene, "plain")["parties"] == []


def test_another_party_is_found_that_names_the_subject_or_a_principal() -> None:
    named = Scene().put(TaskOperator("o-f", "t-f", "user"))
    assert sealing(named)["parties"] == ["f"]
    delegated = named.put(Delegation("del", "m-user", "m-plain", "USE_SEAL", "ALL_CONTRACTS", NOW, NOW + DAY))
    assert sealing(delegated, "plain")["parties"] == ["f"]


def test_the_parties_that_consented_to_the_end_are_found() -> None:
    def parties(scene: Scene) -> Any:
        return found(TerminationContext, scene, "user", ("Contract", "c"))["parties"]

    one = Scene().put(PartyConsent("pc", "party-f", "TERMINATION", "stranger"))
    assert parties(Scene()) == []
    assert parties(one) == ["f"]
    assert parties(one.change("PartyConsent", "pc", kind="DOUBLE_AGENCY", person_id="user")) == []
    assert parties(one.put(PartyConsent("pc-2", "party-e", "TERMINATION", "boss"))) == ["e", "f"]


# --- what else hangs on the resource ----------------------------------------------------------------------------------


def is_met(requirement: str, scene: Scene, subject: str, action: str, resource: tuple[str, str]) -> bool:
    """Whether the policies hold a requirement of an action for met."""
    with FactCache.of_records(MODEL, scene.records).read() as snapshot:
        question = Question(Entity("Person", subject), action, Entity(*resource))
        case = assemble(MODEL, question, snapshot, everything, NOW, "", PARAMETERS)
        assert isinstance(case, Case)
        return BUNDLE.engine.holds("meets", case.subject, requirement, action, case.resource, case.context)


def is_free(scene: Scene, seal: str = "s") -> bool:
    return is_met("NO_TASK_WAITS", scene, "keeper", "revoke", ("Seal", seal))


def may_be_renamed(scene: Scene, enterprise: str = "e") -> bool:
    return is_met("NO_OPEN_CONTRACT", scene, "admin", "change_name", ("Enterprise", enterprise))


@pytest.mark.parametrize("state", ["WAITING", "PENDING", "IN_PROGRESS"])
@pytest.mark.parametrize("contract", ["DRAFT", "FILLING", "SIGNING"])
def test_an_open_task_needs_its_seal(state: str, contract: str) -> None:
    scene = Scene().change("SigningTask", "t", state=state).change("Contract", "c", state=contract)
    assert found(SealEndContext, scene, "keeper", ("Seal", "s")) == {"tasks": ["t"]}
    assert not is_free(scene)


@pytest.mark.parametrize("state", ["SIGNED", "REJECTED", "TRANSFERRED", "VOIDED", "EXPIRED"])
def test_a_task_that_is_over_needs_no_seal(state: str) -> None:
    scene = Scene().change("SigningTask", "t", state=state)
    assert found(SealEndContext, scene, "keeper", ("Seal", "s")) == {"tasks": ["t"]}
    assert is_free(scene)
    # The next one that is open is found behind it.
    more = scene.put(SigningTask("t-more", "party-e", "CORPORATE_SEAL", state="PENDING"), TaskSeal("zs", "t-more", "s"))
    assert found(SealEndContext, more, "keeper", ("Seal", "s")) == {"tasks": ["t", "t-more"]}
    assert not is_free(more)


@pytest.mark.parametrize("state", ["COMPLETE", "REJECTED", "RECALLED", "EXPIRED", "TERMINATED", "DELETED"])
def test_a_contract_that_is_over_needs_no_seal_and_holds_no_name(state: str) -> None:
    scene = Scene().change("Contract", "c", state=state)
    assert is_free(scene)
    assert may_be_renamed(scene)


def test_a_seal_that_no_task_is_fixed_for_is_free() -> None:
    scene = Scene().put(Seal("s2", "e", "x", "CONTRACT"))
    assert found(SealEndContext, scene, "keeper", ("Seal", "s2")) == {"tasks": []}
    assert is_free(scene, "s2")


@pytest.mark.parametrize("state", ["DRAFT", "FILLING", "SIGNING"])
def test_an_open_contract_is_found_from_either_side(state: str) -> None:
    scene = Scene().change("Contract", "c", state=state)
    for enterprise in ("e", "f"):
        assert found(NameChangeContext, scene, "admin", ("Enterprise", enterprise)) == {"contracts": ["c"]}
        assert not may_be_renamed(scene, enterprise)
    nobody = scene.put(Enterprise("g", "G", CEDAR_USCC))
    assert found(NameChangeContext, nobody, "admin", ("Enterprise", "g")) == {"contracts": []}
    assert may_be_renamed(nobody, "g")


def test_a_use_leads_to_the_seal() -> None:
    scene = Scene().put(SealUse("use", "t", "s", "user", "digest-1", NOW))
    assert found(UseRecordContext, scene, "user", ("SealUse", "use")) == {"seal": "s", "holder": None}
    held = Scene().put(SealUse("use", "t", "s", "user", "digest-1", NOW, holder_id="f"))
    assert found(UseRecordContext, held, "user", ("SealUse", "use")) == {"seal": "s", "holder": "f"}
    assert found(UseRecordContext, scene, "user", ("Seal", "s")) == {}


def test_a_membership_leads_to_its_person_with_the_tasks() -> None:
    assert found(MemberContext, Scene(), "admin", ("Membership", "m-user")) == {"member": "user"}
    with FactCache.of_records(MODEL, Scene().records).read() as snapshot:
        around = ResolverInput(
            snapshot.find("Person", "admin"), snapshot.find("Membership", "m-user"), NOW, PARAMETERS, snapshot
        )
        keys = MODEL.resolve(action_with(MemberContext, "Membership"), around)
        assert [task.id for task in keys["member"].handled_tasks] == ["t-hand"]


def test_the_twin_is_another_authenticated_enterprise_of_the_same_code() -> None:
    twin = Enterprise("e-again", "Squatter", Scene().record("Enterprise", "e").uscc)
    scene = Scene().put(twin)

    def twin_of(enterprise: str, scene: Scene) -> Any:
        return found(CertificationContext, scene, "stranger", ("Enterprise", enterprise))["twin_id"]

    assert twin_of("e-again", scene) == "e"
    assert twin_of("e", scene) is None
    assert twin_of("e-again", scene.change("Enterprise", "e", auth_state="REGISTERED")) is None
    assert twin_of("e-again", scene.change("Enterprise", "e-again", realm="PRIVATE:x")) is None


# --- counts -----------------------------------------------------------------------------------------------------------


def joining(*records: Any) -> tuple[int, int]:
    keys = found(JoinContext, Scene().put(*records), "outsider", ("Enterprise", "e"))
    return keys["open_applications"], keys["rejections"]


def test_open_applications_count_anywhere_until_they_expire() -> None:
    here, over = application("outsider"), application("outsider")
    here.expires_at, over.expires_at = NOW + 1, NOW
    assert joining() == (0, 0)
    assert joining(here) == (1, 0)
    assert joining(over) == (0, 0)
    assert joining(application("outsider", state="WITHDRAWN")) == (0, 0)
    there = application("outsider")
    there.id, there.enterprise_id = "j-f", "f"
    assert joining(here, there) == (2, 0)
    assert joining(application("stranger")) == (0, 0)


def test_open_applications_count_by_whatever_account() -> None:
    assert joining(person("double"), application("double")) == (0, 0)
    known = person("double", realname_state="REVOKED", same_as_id="outsider")
    assert joining(known, application("double")) == (1, 0)
    assert joining(known, application("double"), application("outsider")) == (2, 0)


def test_rejections_count_here_within_the_window() -> None:
    since = NOW - PARAMETERS.rejections_window
    rejected = {"state": "REJECTED", "reason": "x", "decided_by_id": "admin"}
    assert joining(application("outsider", **rejected, decided_at=since + 1)) == (0, 1)
    assert joining(application("outsider", **rejected, decided_at=since)) == (0, 0)
    assert joining(application("stranger", **rejected, decided_at=NOW)) == (0, 0)
    there = application("outsider", **rejected, decided_at=NOW)
    there.enterprise_id = "f"
    assert joining(there) == (0, 0)


def certification(number: int, **columns: Any) -> EnterpriseAuthentication:
    values = {"applicant_id": "outsider", "submitted_at": NOW - DAY, "purpose": "RETRIEVAL", "case_id": "k", **columns}
    return EnterpriseAuthentication(f"a{number}", "e", method="DOCUMENTS", **values)


@pytest.mark.parametrize(
    ("context", "resource"), [(RetrievalContext, ("Enterprise", "e")), (SubmissionContext, ("RetrievalCase", "k"))]
)
def test_attempts_count_for_the_enterprise_within_the_window(context: type, resource: tuple[str, str]) -> None:
    since = NOW - PARAMETERS.retrieval_window

    def attempts(*records: Any) -> Any:
        return found(context, Scene().put(case(), *records), "outsider", resource)["attempts"]

    assert attempts() == 0
    assert attempts(certification(1, submitted_at=since + 1), certification(2, applicant_id="stranger")) == 2
    assert attempts(certification(1, submitted_at=since)) == 0
    assert attempts(certification(1, purpose="FIRST", case_id=None)) == 0


def test_other_enterprises_count_for_the_subject_within_the_window() -> None:
    since = NOW - PARAMETERS.retrieval_window

    def enterprises(*records: Any) -> Any:
        scene = Scene().put(case(opened_at=NOW), *records)
        return found(RetrievalContext, scene, "outsider", ("Enterprise", "e"))["enterprises"]

    def other(case_id: str, **columns: Any) -> Any:
        made = case(**columns)
        made.id, made.enterprise_id = case_id, "f"
        return made

    assert enterprises() == 0
    assert enterprises(other("k1", opened_at=since + 1)) == 1
    assert enterprises(other("k1", opened_at=since)) == 0
    assert enterprises(other("k1", opened_at=NOW), other("k2", opened_at=NOW)) == 1
    assert enterprises(other("k1", opened_at=NOW, applicant_id="stranger")) == 0
