"""The whole service: real policies over real facts that came in over the wire, asked over TLS."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from calls import ask, entity, refused, use
from conftest import TOKEN, Serve, Served, demo_database, trusted

from sealauthz.config import load
from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.decision.folder import installed_folder
from sealauthz.facts import FactCache, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import Person
from sealauthz.operations import Operations
from sealauthz.ops.demo.facts import DAY, opening_facts
from sealauthz.service.records import forms_of, snake
from sealauthz_client import Attempt, CallFailed, NoAnswer, Question, SealAuthzClient, put
from sealauthz_client.v1 import authorization_pb2, facts_pb2, operations_pb2, records_pb2

SEAL = "Seal:seal-official"
NEWEST = authorization_pb2.Consistency(fully_consistent=True)
CARTONS = {"task": "task-cartons"}
TASK = {"task": "task-paper"}
FOR_A_TASK = ("use", "auto_use", "emergency_use")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with the facts with which the demo opens."""
    return demo_database(tmp_path)


@pytest.fixture
def served(serve: Serve, store: Store, bundle: Bundle) -> Served:
    yunshan = trusted(name="yunshan", token="y" * 40, tenants=frozenset({"e-yunshan"}))
    qinghe = trusted(name="qinghe", token="q" * 40, tenants=frozenset({"e-qinghe"}))
    return serve(trusted(), yunshan, qinghe, pdp=PolicyDecisionPoint(FactCache(store), bundle))


@pytest.fixture
def client(served: Served) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=60) as client:
        yield client


def codes(decision: Any) -> list[str]:
    return [reason.code for reason in decision.reasons]


def begin_alike(found: dict[str, str], expected: dict[str, str]) -> bool:
    """Whether the fields are the same, and what is said of each begins as expected."""
    return found.keys() == expected.keys() and all(found[field].startswith(expected[field]) for field in expected)


def membership(**fields: Any) -> records_pb2.Membership:
    record = records_pb2.Membership(
        id="m-lin",
        person_id="p-lin",
        enterprise_id="e-yunshan",
        joined_via=records_pb2.JOINED_VIA_APPLICATION,
        **fields,
    )
    record.joined_at.GetCurrentTime()
    return record


def test_an_outsider_is_told_to_join_and_a_member_is_told_what_comes_next(client: SealAuthzClient) -> None:
    outside = client.authorize("Person:p-lin", "use", SEAL, TASK)
    assert not outside
    assert codes(outside)[0] == "NOT_A_MEMBER"
    assert outside.next_steps[0].code == "JOIN_ENTERPRISE"
    written = client.write_facts([put(membership())])
    inside = client.authorize("Person:p-lin", "use", SEAL, TASK)
    assert not inside
    assert "NO_SEAL_GRANT" in codes(inside)
    assert inside.revision == written.revision
    assert inside.revision_token == written.revision_token


def test_every_answer_names_its_policies_facts_and_time(client: SealAuthzClient, bundle: Bundle) -> None:
    decision = client.authorize("Person:p-zhou", "view", SEAL)
    assert decision.policy_version == bundle.version
    assert decision.decision_id[14] == "7"
    assert decision.valid_until > decision.evaluated_at


def test_one_question_is_answered_alike_by_every_rpc(client: SealAuthzClient) -> None:
    actions = client.list_actions("Person:p-zhou", SEAL, TASK)
    assert {"view", "edit", "disable", "revoke", "grant", "request_use", "use", "stamp", "destroy"} <= actions.keys()
    batch = client.authorize_batch(
        Question("Person:p-zhou", action, SEAL, TASK if action in FOR_A_TASK else {}) for action in actions
    )
    for (action, listed), in_batch in zip(actions.items(), batch, strict=True):
        context = TASK if action in FOR_A_TASK else {}
        single = client.authorize("Person:p-zhou", action, SEAL, context)
        explained = client.explain("Person:p-zhou", action, SEAL, context)
        assert not isinstance(in_batch, NoAnswer)
        for other in (listed, in_batch, explained.decision):
            assert (bool(other), codes(other)) == (bool(single), codes(single)), action


def test_lists_hold_what_single_questions_allow(client: SealAuthzClient) -> None:
    people = [stored.fact.person.id for stored in client.read_facts("Person").facts]
    assert len(people) > 5
    for action in ("view", "edit", "request_use", "freeze"):
        allowed = [person for person in people if client.authorize(f"Person:{person}", action, SEAL)]
        page = client.list_subjects("Person", action, SEAL)
        assert (list(page.ids), page.is_complete) == (allowed, True)
        for person in people:
            found = client.list_resources(f"Person:{person}", action, "Seal")
            assert ("seal-official" in found.ids) == (person in allowed)
            assert found.is_complete


def test_before_the_face_is_shown_a_list_says_what_could_be_used(client: SealAuthzClient) -> None:
    asked = ("Person:p-zhou", "use", "Seal")
    assert client.list_resources(*asked, CARTONS).ids == ()
    page = client.list_resources_except(*asked, ["FRESH_FACE"], CARTONS)
    assert [(item.id, item.still_required) for item in page.items] == [("seal-official", ("FRESH_FACE",))]
    assert (page.except_requirements, page.is_complete) == (("FRESH_FACE",), True)
    assert not any(page.items)
    assert [page.items for page in client.resource_pages_except(*asked, ["FRESH_FACE"], CARTONS)] == [page.items]
    people = client.list_subjects_except("Person", "use", SEAL, ["FRESH_FACE"], CARTONS)
    assert [item.id for item in people.items] == ["p-zhou"]
    assert [page.items for page in client.subject_pages_except("Person", "use", SEAL, ["FRESH_FACE"], CARTONS)] == [
        people.items
    ]
    found = client.list_actions_except("Person:p-zhou", SEAL, ["FRESH_FACE"], CARTONS)
    actions = {item.id: item.still_required for item in found}
    assert (actions["use"], actions["view"]) == (("FRESH_FACE",), ())
    allowed = [action for action, decision in client.list_actions("Person:p-zhou", SEAL, CARTONS).items() if decision]
    assert [action for action, lacking in actions.items() if not lacking] == allowed


def test_an_exception_that_is_no_requirement_is_refused_with_the_near_one(client: SealAuthzClient) -> None:
    for call in (
        lambda wrong: client.list_resources_except("Person:p-zhou", "use", "Seal", wrong),
        lambda wrong: client.list_subjects_except("Person", "use", SEAL, wrong),
        lambda wrong: client.list_actions_except("Person:p-zhou", SEAL, wrong),
    ):
        with pytest.raises(CallFailed) as caught:
            call(["FRESH_FAZE"])
        assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
        ((field, description),) = caught.value.violations
        assert (field, "did you mean `FRESH_FACE`?" in description) == ("except_requirements[0]", True)
        with pytest.raises(CallFailed) as caught:
            call(["MEMBER"] * 33)
        assert caught.value.violations == (("except_requirements", "must have at most 32 items"),)
        for none in ([], "FRESH_FACE"):
            with pytest.raises(ValueError, match=r"must name one requirement|expected a list"):
                call(none)


@pytest.mark.parametrize(
    ("action", "type_", "step", "name", "near"),
    [("uze", "Seal", "CHOOSE_ACTION", "action", "use"), ("use", "Seel", "CHOOSE_TYPE", "type", "Seal")],
)
def test_what_is_misspelt_is_told_the_near_word(
    client: SealAuthzClient, action: str, type_: str, step: str, name: str, near: str
) -> None:
    decision = client.authorize("Person:p-lin", action, f"{type_}:seal-official", language="zh")
    (found,) = decision.next_steps
    assert (found.code, found.parameters) == (step, {name: near})
    assert near in found.text
    assert client.authorize("Person:p-lin", "qqq", SEAL).next_steps[0].code == "NONE"


def test_pages_of_a_list_end_where_the_facts_move_on(client: SealAuthzClient) -> None:
    whole = client.list_subjects("Person", "view", SEAL).ids
    pages = list(client.subject_pages("Person", "view", SEAL, page_size=1))
    assert [page.ids for page in pages] == [(id_,) for id_ in whole]
    assert len({(page.revision, page.evaluated_at) for page in pages}) == 1
    under_way = client.subject_pages("Person", "view", SEAL, page_size=1)
    next(under_way)
    client.write_facts([put(membership())])
    with pytest.raises(CallFailed) as caught:
        next(under_way)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.ABORTED, "REVISION_GONE")
    assert "p-lin" in client.list_subjects("Person", "view", SEAL).ids


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("Person:p-lin", "fly", "Seal"), "action"),
        (("Person:p-lin", "use", "Stapler"), "resource_type"),
        (("Robot:R1", "use", "Seal"), "subject.type"),
    ],
)
def test_a_list_that_can_hold_nothing_is_refused(
    client: SealAuthzClient, arguments: tuple[str, str, str], field: str
) -> None:
    with pytest.raises(CallFailed) as caught:
        client.list_resources(*arguments)
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [name for name, _ in caught.value.violations] == [field]
    for bad in ({"page_size": -1}, {"page_token": "x"}):
        with pytest.raises(CallFailed) as caught:
            client.list_resources("Person:p-lin", "use", "Seal", **bad)
        assert [name for name, _ in caught.value.violations] == list(bad)


def test_what_is_out_of_reach_is_in_no_list(served: Served) -> None:
    with SealAuthzClient(served.address, "y" * 40, insecure=True, timeout_s=20) as ours:
        assert ours.list_resources("Person:p-zhou", "view", "Seal").ids == ("seal-official",)
        assert ours.list_resources("Person:p-lin", "join", "Enterprise").ids == ("e-yunshan",)
    with SealAuthzClient(served.address, "q" * 40, insecure=True, timeout_s=20) as theirs:
        assert theirs.list_resources("Person:p-zhou", "view", "Seal").ids == ()
        assert theirs.list_subjects("Person", "view", SEAL).ids == ()


def test_a_call_in_the_log_says_how_much_was_listed_and_whether_it_was_all(served: Served) -> None:
    request = authorization_pb2.ListSubjectsRequest(
        resource=entity(SEAL), action="view", subject_type="Person", page_size=1
    )
    ask(served.authorization.ListSubjects, request)
    entry = served.last_call()
    assert (entry["action"], entry["resource_type"], entry["items"], entry["complete"]) == ("view", "Seal", 1, 0)


def test_what_is_unknown_is_denied_with_a_reason_and_no_error(client: SealAuthzClient) -> None:
    assert codes(client.authorize("Person:nobody", "use", SEAL)) == ["NOT_FOUND"]
    assert codes(client.authorize("Person:p-lin", "use", "Seal:none")) == ["NOT_FOUND"]
    assert codes(client.authorize("Person:p-lin", "fly", SEAL)) == ["UNKNOWN_ACTION"]
    assert codes(client.authorize("Person:p-lin", "use", "Stamp:S1")) == ["UNKNOWN_TYPE"]
    assert codes(client.authorize("Robot:R1", "use", SEAL)) == ["UNKNOWN_TYPE"]


@pytest.mark.parametrize(
    ("context", "violations"),
    [
        ({"now": 5}, {"context[now]": "is set by the server"}),
        ({"caller": "me"}, {"context[caller]": "is set by the server"}),
        ({"colour": "red"}, {"context[colour]": "is not part of the context of `use`"}),
        ({"task": 5}, {"context[task]": "must be of type str"}),
        ({"task": True}, {"context[task]": "must be of type str"}),
    ],
)
def test_a_context_that_the_action_does_not_declare_is_refused(
    client: SealAuthzClient, context: dict[str, Any], violations: dict[str, str]
) -> None:
    with pytest.raises(CallFailed) as caught:
        client.authorize("Person:p-lin", "use", SEAL, context)
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert begin_alike(dict(caught.value.violations), violations)
    good = Question("Person:p-lin", "use", SEAL)
    first, second = client.authorize_batch([good, Question("Person:p-lin", "use", SEAL, context)])
    assert not isinstance(first, NoAnswer)
    assert isinstance(second, NoAnswer)
    in_batch = {f"questions[1].{field}": said for field, said in violations.items()}
    assert begin_alike(dict(second.violations), in_batch)


def test_what_is_of_another_enterprise_is_to_its_callers_as_what_does_not_exist(served: Served) -> None:
    with SealAuthzClient(served.address, "y" * 40, insecure=True, timeout_s=20) as ours:
        assert codes(ours.authorize("Person:p-lin", "use", SEAL, TASK))[0] == "NOT_A_MEMBER"
    with SealAuthzClient(served.address, "q" * 40, insecure=True, timeout_s=20) as theirs:
        for seal in (SEAL, "Seal:none"):
            assert codes(theirs.authorize("Person:p-lin", "use", seal)) == ["NOT_FOUND"]
            assert codes(theirs.authorize("Person:p-lin", "use", seal, TASK)) == ["CONTEXT_NOT_FOUND"]
            assert codes(theirs.explain("Person:p-lin", "use", seal).decision) == ["NOT_FOUND"]
            assert codes(theirs.explain("Person:p-lin", "use", seal, TASK).decision) == ["CONTEXT_NOT_FOUND"]
            each = theirs.list_actions("Person:p-lin", seal).values()
            assert {tuple(codes(decision)) for decision in each} == {("NOT_FOUND",)}
        assert [stored.fact.seal.id for stored in theirs.read_facts("Seal").facts] == []


def test_a_waiting_administrator_is_named_masked(client: SealAuthzClient) -> None:
    application = records_pb2.JoinApplication(
        id="a-lin", person_id="p-lin", enterprise_id="e-yunshan", handler_id="m-chen"
    )
    application.applied_at.GetCurrentTime()
    application.expires_at.GetCurrentTime()
    application.expires_at.seconds += 86_400
    client.write_facts([put(application)])
    decision = client.authorize("Person:p-lin", "use", SEAL, TASK)
    assert codes(decision)[0] == "JOIN_PENDING"
    said = repr(decision)
    assert "陈*" in said
    assert "138****1569" in said
    assert "陈静" not in said
    assert "13800001569" not in said


def innermost(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """The attempts with nothing under them, where each trail of conditions ends."""
    for attempt in attempts:
        yield from innermost(attempt.under) if attempt.under else (attempt,)


def test_an_expired_grant_is_explained_by_the_condition_and_both_times(client: SealAuthzClient, store: Store) -> None:
    grant, now = store.read("SealGrant", {"id": "grant-zhou-use"}).records[0].record, system_clock()
    expired = replace(grant, valid_from=now - 40 * DAY, valid_to=now - DAY)
    client.write_facts([put(forms_of(MODEL).fact_of(expired).seal_grant)])
    explanation = client.explain("Person:p-zhou", "use", SEAL, {"task": "task-cartons"})
    assert not explanation
    outcome = next(item for item in explanation.requirements if item.requirement == "SEAL_AUTHORITY")
    assert outcome.reasons == ("GRANT_EXPIRED",)
    stopped = next(found for found in innermost(outcome.attempts) if found.condition == "context.now < dated.valid_to")
    line = (installed_folder() / stopped.file).read_text(encoding="utf-8").splitlines()[stopped.line - 1]
    assert stopped.condition in line
    assert stopped.rule.head.startswith("is_within_time(")
    times = [datetime.datetime.fromisoformat(value) for value in stopped.values]
    ended = datetime.datetime.fromtimestamp((now - DAY) / 1_000_000, datetime.UTC)
    for time, expected in zip(times, (explanation.decision.evaluated_at, ended), strict=True):
        assert abs(time - expected) < datetime.timedelta(milliseconds=2)


def test_an_explanation_never_holds_personal_text(client: SealAuthzClient) -> None:
    people = [record for record in opening_facts(system_clock()) if isinstance(record, Person)]
    personal = {text for person in people for text in (person.real_name, person.phone)}
    ends = []
    for person in ("p-lin", "p-zhou", "p-chen"):
        for resource in (SEAL, "SigningTask:task-paper", "Enterprise:e-yunshan"):
            for action in client.list_actions(f"Person:{person}", resource):
                explanation = client.explain(f"Person:{person}", action, resource)
                assert not [text for text in personal if text in repr(explanation)]
                ends += [end for item in explanation.requirements for end in innermost(item.attempts)]
    assert any(end.is_met for end in ends)
    assert any(end.values for end in ends)


def test_a_database_that_is_gone_is_unavailable_and_never_an_allow(
    served: Served, client: SealAuthzClient, database: Path
) -> None:
    before = client.authorize("Person:p-zhou", "view", SEAL)
    assert before
    away = database.with_name("away.db")
    database.rename(away)
    ours = served.authorization
    person, seal = entity("Person:p-zhou"), entity(SEAL)
    parts: dict[str, Any] = {"subject": person, "resource": seal, "consistency": NEWEST}
    questions = [authorization_pb2.Question(subject=person, action="view", resource=seal)]
    # What is in memory was the newest a moment ago, and answers; what must be the newest does not.
    assert client.authorize("Person:p-zhou", "view", SEAL)
    for method, request in (
        (ours.Authorize, authorization_pb2.AuthorizeRequest(action="view", **parts)),
        (ours.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=questions, consistency=NEWEST)),
        (ours.ListActions, authorization_pb2.ListActionsRequest(**parts)),
        (ours.Explain, authorization_pb2.ExplainRequest(action="view", **parts)),
        (served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")),
        (served.facts.WriteFacts, facts_pb2.WriteFactsRequest(request_id="R1", changes=[put(membership())])),
    ):
        refusal = refused(method, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "FACTS_UNAVAILABLE")
        assert refusal.retry_ms > 0
        assert str(database) not in refusal.everything
    away.rename(database)
    assert client.authorize("Person:p-zhou", "view", SEAL)


def test_all_demo_facts_travel_over_tls_and_decide_alike(
    serve: Serve, bundle: Bundle, tmp_path: Path, client: SealAuthzClient
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    url = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(url, MODEL)
    other = Store.open(url, MODEL)
    served = serve(
        pdp=PolicyDecisionPoint(FactCache(other), bundle),
        facts=other,
        is_insecure=False,
        tls_certificate=certificate,
        tls_key=key,
    )
    records = opening_facts(system_clock())
    messages = [
        getattr(forms_of(MODEL).fact_of(record, is_plain=True), snake(type(record).__name__)) for record in records
    ]
    with SealAuthzClient(served.address, TOKEN, tls_roots=authority.cert_pem.bytes(), timeout_s=20) as over_tls:
        over_tls.write_facts(map(put, messages))
        for person in ("p-lin", "p-zhou", "p-chen", "p-luo"):
            for resource in (SEAL, "SigningTask:task-paper", "Enterprise:e-yunshan"):
                here = over_tls.list_actions(f"Person:{person}", resource)
                there = client.list_actions(f"Person:{person}", resource)
                assert {a: (bool(d), codes(d)) for a, d in here.items()} == {
                    a: (bool(d), codes(d)) for a, d in there.items()
                }
    other.close()


# --- the callers of docs/configuration.md -----------------------------------------------------------------------------


@pytest.fixture
def configured(serve: Serve, store: Store, bundle: Bundle, tmp_path: Path) -> Served:
    document = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    file = tmp_path / "sealauthz.toml"
    (example,) = [text for text in re.findall(r"```toml\n(.*?)```", document, re.DOTALL) if "hr-import" in text]
    file.write_text(example, encoding="utf-8")
    config = load(MODEL, {}, file)
    rights = [caller.rights(MODEL, name) for name, caller in config.callers.items()]
    callers = (replace(caller, tokens=frozenset({sha256(caller.name.encode()).digest()})) for caller in rights)
    pdp = PolicyDecisionPoint(FactCache(store), bundle)
    return serve(*callers, pdp=pdp, acts=Operations(store, pdp))


def puts(*records: Any) -> facts_pb2.WriteFactsRequest:
    changes = [facts_pb2.FactChange(put=forms_of(MODEL).fact_of(record, is_plain=True)) for record in records]
    return facts_pb2.WriteFactsRequest(request_id=uuid.uuid4().hex, changes=changes)


def test_the_documented_callers_can_do_their_work_and_no_more(configured: Served, store: Store) -> None:
    def changed(record_type: str, record_id: str, **columns: Any) -> Any:
        return replace(store.read(record_type, {"id": record_id}).records[0].record, **columns)

    def ended(grant: str, **more: Any) -> Any:
        return changed("SealGrant", grant, state="INVALIDATED", invalid_reason="GRANTEE_LEFT", **more)

    write, now = configured.facts.WriteFacts, system_clock()
    leaving = changed("Membership", "m-zhou", state="ENDED", ended_at=now, end_reason="RESIGNED")
    grants = ("grant-zhou-use", "grant-zhou-approve")
    contract = Contract("contract-new", "e-qinghe", "PURCHASE")
    denied = [
        ("hr-import", puts(contract)),
        ("hr-import", puts(leaving, ended(grants[0]), ended(grants[1], valid_to=now + 1))),
        ("hr-import", puts(changed("Seal", "seal-official", state="DISABLED"))),
        ("contract-store", puts(leaving)),
        ("signing-service", puts(changed("SealGrant", grants[0], used=1))),
        ("signing-service", puts(changed("SigningTask", "task-cartons", state="SIGNED"))),
    ]
    for caller, request in denied:
        assert refused(write, request, caller).code == grpc.StatusCode.PERMISSION_DENIED
    for record_type, caller in (("Person", "signing-service"), ("Seal", "hr-import"), ("Contract", "contract-store")):
        request = facts_pb2.ReadFactsRequest(record_type=record_type)
        assert refused(configured.facts.ReadFacts, request, caller).code == grpc.StatusCode.PERMISSION_DENIED
    for caller in ("hr-import", "contract-store"):
        assert refused(configured.authorization.Authorize, use(), caller).code == grpc.StatusCode.PERMISSION_DENIED
    ask(configured.authorization.Authorize, use(SEAL, "Person:p-zhou", **TASK), "signing-service")
    ask(write, puts(contract), "contract-store")
    act = operations_pb2.PerformRequest(
        subject=entity("Person:p-zhou"), action="use", resource=entity(SEAL), request_id="use-1"
    )
    act.arguments["audience"].string_value = "sealing-engine"
    answer = ask(configured.operations.Perform, act, "signing-service")
    assert answer.decision.effect == authorization_pb2.EFFECT_DENY
    act.action = "freeze"
    assert refused(configured.operations.Perform, act, "signing-service").code == grpc.StatusCode.PERMISSION_DENIED
    assert refused(configured.operations.Perform, act, "hr-import").code == grpc.StatusCode.PERMISSION_DENIED
    ask(write, puts(leaving, *map(ended, grants)), "hr-import")


def test_texts_come_in_the_language_that_was_asked_for(client: SealAuthzClient) -> None:
    silent = client.authorize("Person:p-lin", "use", SEAL, TASK)
    assert {reason.text for reason in silent.reasons} == {""}
    chinese = client.authorize("Person:p-lin", "use", SEAL, TASK, language="zh")
    assert chinese.reasons[0].text == "您还不是该企业成员"
    assert chinese.reasons[0].next_steps[0].text == "申请加入云杉印务（上海）有限公司"
    question = Question("Person:p-lin", "use", SEAL, TASK)
    batch = client.authorize_batch([question, question], language="en")
    assert [item.reasons[0].text for item in batch if not isinstance(item, NoAnswer)] == [
        "You are not a member of this enterprise yet."
    ] * 2
    assert client.explain("Person:p-lin", "use", SEAL, TASK, language="zh").decision.reasons == chinese.reasons
    actions = client.list_actions("Person:p-lin", SEAL, TASK, language="zh")
    assert actions["use"].reasons == chinese.reasons


def test_a_language_that_there_is_not_is_refused(client: SealAuthzClient) -> None:
    with pytest.raises(CallFailed) as caught:
        client.authorize("Person:p-lin", "use", SEAL, TASK, language="fr")
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.violations == (("language", "must be empty or one of en, zh"),)
