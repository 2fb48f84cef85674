"""The whole service: real policies over real facts that came in over the wire, asked over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from calls import entity, refused
from conftest import TOKEN, Serve, Served, trusted

from sealauthz.client import CallFailed, NoAnswer, Question, SealAuthzClient, put
from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.demo.facts import opening_facts
from sealauthz.facts import Batch, Put, Store, World, upgrade
from sealauthz.service.records import fact_of, snake
from sealauthz.v1 import authorization_pb2, facts_pb2, records_pb2

SEAL = "Seal:seal-official"
TASK = {"task": "task-paper"}


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return Bundle.load()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with the facts with which the demo opens."""
    path = tmp_path / "facts.db"
    upgrade(f"sqlite:///{path}")
    store = Store.open(f"sqlite:///{path}")
    store.write(Batch("setup", "facts", tuple(map(Put, opening_facts(system_clock())))))
    store.close()
    return path


@pytest.fixture
def served(serve: Serve, store: Store, bundle: Bundle) -> Served:
    yunshan = trusted(name="yunshan", token="y" * 40, enterprises=frozenset({"e-yunshan"}))
    qinghe = trusted(name="qinghe", token="q" * 40, enterprises=frozenset({"e-qinghe"}))
    return serve(trusted(), yunshan, qinghe, pdp=PolicyDecisionPoint(World(store), bundle))


@pytest.fixture
def client(served: Served) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=20) as client:
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
    assert tuple(actions) == ("view", "edit", "disable", "enable", "revoke", "grant", "request_use", "use")
    batch = client.authorize_batch(
        Question("Person:p-zhou", action, SEAL, TASK if action == "use" else {}) for action in actions
    )
    for (action, listed), in_batch in zip(actions.items(), batch, strict=True):
        context = TASK if action == "use" else {}
        single = client.authorize("Person:p-zhou", action, SEAL, context)
        explained = client.explain("Person:p-zhou", action, SEAL, context)
        assert not isinstance(in_batch, NoAnswer)
        for other in (listed, in_batch, explained.decision):
            assert (bool(other), codes(other)) == (bool(single), codes(single)), action


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


def test_a_decision_on_another_enterprise_is_not_permitted(served: Served) -> None:
    with SealAuthzClient(served.address, "y" * 40, insecure=True, timeout_s=20) as ours:
        assert codes(ours.authorize("Person:p-lin", "use", SEAL, TASK))[0] == "NOT_A_MEMBER"
    with SealAuthzClient(served.address, "q" * 40, insecure=True, timeout_s=20) as theirs:
        for ask in (theirs.authorize, theirs.explain):
            with pytest.raises(CallFailed, match="PERMISSION_DENIED"):
                ask("Person:p-lin", "use", SEAL, TASK)
        with pytest.raises(CallFailed, match="PERMISSION_DENIED"):
            theirs.list_actions("Person:p-lin", SEAL)
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


def test_a_database_that_is_gone_is_unavailable_and_never_an_allow(
    served: Served, client: SealAuthzClient, database: Path
) -> None:
    before = client.authorize("Person:p-zhou", "view", SEAL)
    assert before
    away = database.with_name("away.db")
    database.rename(away)
    ours = served.authorization
    person, seal = entity("Person:p-zhou"), entity(SEAL)
    questions = [authorization_pb2.Question(subject=person, action="view", resource=seal)]
    for method, request in (
        (ours.Authorize, authorization_pb2.AuthorizeRequest(subject=person, action="view", resource=seal)),
        (ours.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=questions)),
        (ours.ListActions, authorization_pb2.ListActionsRequest(subject=person, resource=seal)),
        (ours.Explain, authorization_pb2.ExplainRequest(subject=person, action="view", resource=seal)),
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
    upgrade(url)
    other = Store.open(url)
    served = serve(
        pdp=PolicyDecisionPoint(World(other), bundle),
        facts=other,
        is_insecure=False,
        tls_certificate=certificate,
        tls_key=key,
    )
    records = opening_facts(system_clock())
    messages = [getattr(fact_of(record), snake(type(record).__name__)) for record in records]
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
