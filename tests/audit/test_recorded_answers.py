"""Over a real port: every answer has a record, and what the policies demand is in the log before it is given."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from audit_logs import run
from tiny.model import TINY, facts

from sealauthz.audit.as_of import AsOf
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from sealauthz.audit.note import read_checkpoint
from sealauthz.audit.record import FOR_OPERATORS, content_of, event_record
from sealauthz.audit.recorder import Listed, Recorder
from sealauthz.audit.retention import ABOUT, KIND
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint
from sealauthz.decision import Question as Asked
from sealauthz.decision.policies import Policies
from sealauthz.decision.question import ListQuery, Root
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.waiting import waiting
from sealauthz.operations import Operations
from sealauthz.polar.engine import CompiledEngine
from sealauthz.rollout import Archive
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import BundleRefused, FactsUnavailable, PastUnknown, RecordUnknown, ServiceBusy
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz.service.audit import PAST_AT_ONCE, AuditServicer
from sealauthz.service.callers import Call
from sealauthz.service.recording import Recording
from sealauthz_client import CallFailed, Question, SealAuthzClient
from sealauthz_client.calls import Repeats, Rpc
from sealauthz_client.v1 import audit_pb2, authorization_pb2

TOKEN = "t" * 40
READER = "r" * 40
OPERATOR = "o" * 40
ASKER = "a" * 40
LAWYER = "l" * 40


THING = authorization_pb2.Entity(type="Document", id="d1")


def policies(folder: Path, audited: str) -> Path:
    assert TINY.policies is not None
    shutil.copytree(TINY.policies, folder)
    (folder / "audited.polar").write_text(f"# What must be in the log first.\n{audited}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = policies(tmp_path_factory.mktemp("audited") / "policies", 'audited("archive", _: Document);')
    return Bundle.load(TINY, folder)


@pytest.fixture
def store(new_database: Callable[..., str]) -> Iterator[Store]:
    url = new_database("sqlite", TINY)
    with closing(Store.open(url, TINY)) as store:
        store.write(Batch("test", "facts", tuple(map(Put, facts()))))
        yield store


def caller(name: str, token: str, **rights: Any) -> Caller:
    full: dict[str, Any] = {"rpcs": frozenset(RPCS), "tenants": None, "performs": None, **rights}
    return Caller(TINY, name, frozenset({hashlib.sha256(token.encode()).digest()}), **full)


@pytest.fixture
def port(store: Store, bundle: Bundle) -> Iterator[int]:
    cache = FactCache(store)
    pdp = PolicyDecisionPoint(cache, bundle)
    recorder = Recorder(store, cache, lambda *_: None, ignored, every_s=0.01)
    recorder.start()
    settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
    callers = [
        caller("demo", TOKEN),
        caller("red", READER, tenants=frozenset({"red"})),
        caller("operator", OPERATOR, sees_operator_reasons=True),
        caller("lawyer", LAWYER, rpcs=frozenset({"AuditService/DecideAsOf"})),
        caller("asker", ASKER, rpcs=frozenset({"AuthorizationService/Authorize"})),
    ]
    server = build(settings, Callers(callers), store, pdp, Operations(store, pdp), recorder=recorder)
    server.start()
    yield server.port
    server.stop(0)
    recorder.stop()


@pytest.fixture
def client(port: int) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(f"127.0.0.1:{port}", TOKEN, insecure=True) as client:
        yield client


def recorded(store: Store, count: int) -> list[dict[str, Any]]:
    """The records, once there are so many."""
    sequencer, log = Sequencer(store, "log"), Log(store)
    while True:
        sequencer.drain()
        entries = log.page(Wanted(), "Team").entries
        if len(entries) >= count:
            return [entry.content for entry in reversed(entries)]


def test_every_answer_has_one_record(client: SealAuthzClient, store: Store) -> None:
    decision = client.authorize("User:bob", "read", "Document:d1")
    client.authorize_batch([Question("User:bob", "read", "Document:d1"), Question("User:cy", "read", "Document:d1")])
    client.list_actions("User:bob", "Document:d1")
    client.explain("User:bob", "publish", "Document:d1")
    client.list_resources("User:ann", "read", "Document")
    client.list_subjects("User", "read", "Document:d1")
    assert not client.perform("User:bob", "publish", "Document:d1", request_id="r0")
    done = client.perform("User:bob", "publish", "Document:d1", {"approver": "red-ann"}, request_id="r1")
    assert client.perform("User:bob", "publish", "Document:d1", {"approver": "red-ann"}, request_id="r1").is_replay
    found = recorded(store, 9)
    kinds = [
        "Authorize",
        "AuthorizeBatch",
        "ListActions",
        "Explain",
        "ListResources",
        "ListSubjects",
        "Perform",
        "Perform",
        "Perform",
    ]
    assert sorted(each["kind"] for each in found) == sorted(kinds)
    assert all(each["caller"] == "demo" and each["peer"].startswith("ipv4:127.0.0.1:") for each in found)
    by_id = {each["id"]: each for each in found}
    assert by_id[decision.decision_id]["effect"] == "ALLOW"
    assert by_id[done.decision.decision_id]["operation"]["operation_id"] == done.operation.operation_id  # type: ignore[union-attr]
    (again,) = [each for each in found if "again" in each]
    assert again["again"] == done.operation.operation_id  # type: ignore[union-attr]
    assert len(by_id) == 9


def test_actions_with_exceptions_have_a_record_too(client: SealAuthzClient, store: Store) -> None:
    """Of the form of a list, with the actions as its ids."""
    items = client.list_actions_except("User:bob", "Document:d1", ["APPROVED"], {"approver": "nobody's name"})
    assert items
    (found,) = recorded(store, 1)
    said = {name: found[name] for name in ("kind", "subject", "resource", "except", "effect", "count", "tenants")}
    assert said == {
        "kind": "ListActions",
        "subject": "User:bob",
        "resource": "Document:d1",
        "except": ["APPROVED"],
        "effect": "LIST",
        "count": len(items),
        "tenants": ["red"],
    }
    assert found["ids_sha256"] == hashlib.sha256("\n".join(item.id for item in items).encode()).hexdigest()
    assert found["policy"]
    assert found["revision"] == store.revision()
    assert "nobody's name" not in str(found)


def test_what_the_policies_demand_is_in_the_log_before_it_is_answered(client: SealAuthzClient, store: Store) -> None:
    decision = client.authorize("User:ann", "archive", "Document:d1")
    assert decision
    ((records,),) = run(store, "SELECT records FROM audit_pending")
    assert decision.decision_id in records


def test_the_policies_that_decided_say_what_is_in_the_log_first(store: Store, bundle: Bundle) -> None:
    """They may have been activated a moment ago, and the others still stand as those that are served."""
    policies = Policies(Bundle.load(TINY))
    policies.add(bundle)
    kept, archive = PolicyStore(store), Archive.of_folder(TINY)
    kept.propose(Proposal(bundle.version, archive.digest, "ann", "", 1, archive.text))
    kept.activate(bundle.version, archive.digest, "", "bob")
    cache = FactCache(store)
    pdp = PolicyDecisionPoint(cache, policies)
    decision = pdp.decide(Asked(Entity("User", "ann"), "archive", Entity("Document", "d1")))
    assert (decision.policy_version, pdp.bundle.version == bundle.version) == (bundle.version, False)
    # Nothing writes what it notes.
    recording = Recording(Recorder(store, cache, lambda *_: None, ignored), bundle_of=pdp.bundle_of)
    about = ("archive", "Document")
    is_first = recording.is_first(pdp.bundle, about)
    assert not is_first
    query = ListQuery(Root.SUBJECT, Entity("User", "ann"), "archive", "Document")
    page = pdp.list_page(query)
    for what in (decision, [decision], Listed(query, page)):
        call = Call(caller("demo", TOKEN), deadline=time.monotonic())
        with pytest.raises(FactsUnavailable):
            recording.answered("Authorize", call, what, 0, is_first=is_first)
        call = Call(caller("demo", TOKEN), may_wait=False)
        recording.answered("Authorize", call, what, 0, is_first=is_first)
        assert call.given_once is not None


def test_what_cannot_be_recorded_is_not_answered(client: SealAuthzClient, store: Store) -> None:
    """And what need not be recorded first is, all the while."""
    assert client.authorize("User:ann", "archive", "Document:d1")
    run(store, "ALTER TABLE audit_pending RENAME TO gone")
    for ask in (
        lambda: client.authorize("User:ann", "archive", "Document:d1", timeout_s=30),
        lambda: client.explain("User:ann", "archive", "Document:d1", timeout_s=30),
        lambda: client.authorize_batch([Question("User:ann", "archive", "Document:d1")], timeout_s=30),
        lambda: client.list_actions("User:ann", "Document:d1", timeout_s=30),
        lambda: client.list_actions_except("User:ann", "Document:d1", ["APPROVED"], timeout_s=30),
        lambda: client.list_subjects("User", "archive", "Document:d1", timeout_s=30),
        lambda: client.perform("User:ann", "archive", "Document:d1", request_id="r1", timeout_s=30),
    ):
        with pytest.raises(CallFailed) as failed:
            ask()
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert client.authorize("User:ann", "read", "Document:d1")
    run(store, "ALTER TABLE gone RENAME TO audit_pending")
    assert client.authorize("User:ann", "archive", "Document:d1")
    assert [each["action"] for each in recorded(store, 2)].count("read") == 1


def test_only_so_many_questions_about_the_past_hold_its_history(store: Store, bundle: Bundle) -> None:
    """The next is told when to ask again; one that fails gives its place back."""
    begun, go_on = threading.Semaphore(0), threading.Event()
    request = audit_pb2.DecideAsOfRequest(
        subject={"type": "User", "id": "ann"}, action="read", resource={"type": "Document", "id": "d1"}, revision=1
    )
    call = Call(caller("demo", TOKEN))

    class Waits(AsOf):
        def decide(self, *arguments: Any, **options: Any) -> Any:
            begun.release()
            go_on.wait(10)
            return super().decide(*arguments, **options)

    servicer = AuditServicer(store, Waits(store, lambda _version: bundle))
    with ThreadPoolExecutor(PAST_AT_ONCE) as pool:
        under_way = [pool.submit(servicer.DecideAsOf, request, call) for _ in range(PAST_AT_ONCE)]
        for _ in under_way:
            begun.acquire()
        with pytest.raises(ServiceBusy) as busy:
            servicer.DecideAsOf(request, call)
        assert busy.value.retry_after_s == 1.0
        go_on.set()
        for each in under_way:
            assert isinstance(each.exception(), PastUnknown)  # no policies were activated
    for _ in range(PAST_AT_ONCE + 1):
        with pytest.raises(PastUnknown):
            servicer.DecideAsOf(request, call)


def test_a_record_that_may_be_pruned_is_said_to_who_knows_the_length_of_the_log(store: Store) -> None:
    """And what a caller may not see reads the same as what is not there."""
    servicer = AuditServicer(store, AsOf(store, lambda _version: pytest.fail("nothing is decided")))
    mine = event_record("Authorize", 1, subject="User:ann", tenant="Team", tenants=["red"])
    said = event_record(KIND, 1, resource=ABOUT, until=5, left=0)
    with store.writing() as connection:
        Driver(connection).run(*waiting(False, 1, mine, said))
    Sequencer(store, "log").drain()
    rights = {"tenants": frozenset({"blue"})}
    asks = {
        "knows": caller("knows", TOKEN, **rights),
        "does not": caller("does not", TOKEN, **rights, rpcs=frozenset({"AuditService/GetDecision"})),
    }
    for name, who in asks.items():
        told = set()
        for decision_id in (content_of(mine)["id"], "nobody's"):
            with pytest.raises(RecordUnknown) as unknown:
                servicer.GetDecision(audit_pb2.GetDecisionRequest(decision_id=decision_id), Call(who))
            told.add(str(unknown.value))
        assert len(told) == 1
        assert ("5 of the records before 5 were pruned" in told.pop()) is (name == "knows")


@pytest.mark.parametrize(
    ("audited", "said"),
    [
        ('audited("archve", _: Document);', "no checklist has the action `archve`"),
        ('audited("archive", _: Documnt);', "Documnt"),
        ('audited("archive", document: Document) if document.words > 3;', "is a fact and has no `if`"),
        ("audited(_, _: Document);", "is a literal"),
        ('audited("archive");', "has 2 parameters"),
        ('audit("archive", _: Document);', "nothing calls `audit`"),
    ],
)
def test_what_is_demanded_wrongly_is_refused(tmp_path: Path, audited: str, said: str) -> None:
    with pytest.raises(BundleRefused, match=said):
        Bundle.load(TINY, policies(tmp_path / "policies", audited))


@pytest.fixture
def reader(port: int) -> Iterator[SealAuthzClient]:
    """A caller with a right to one team, who may not see reasons for operators."""
    with SealAuthzClient(f"127.0.0.1:{port}", READER, insecure=True) as client:
        yield client


@pytest.fixture
def decisions(client: SealAuthzClient, store: Store) -> dict[str, str]:
    """The ids of three answers, by what they are about."""
    red = client.authorize("User:bob", "read", "Document:d1")
    recorded(store, 1)  # as what it is about is there
    nobody = client.authorize("User:bob", "read", "Document:gone")
    done = client.perform("User:ann", "archive", "Document:d1", request_id="r1")
    recorded(store, 3)
    return {"red": red.decision_id, "nobody": nobody.decision_id, "done": done.decision.decision_id}


def test_records_are_listed_and_proved_over_the_wire(
    client: SealAuthzClient, store: Store, decisions: dict[str, str]
) -> None:
    everything = list(client.decisions(page_size=1))
    assert {entry.decision_id for entry in everything} == set(decisions.values())
    assert [entry.number for entry in everything] == [2, 1, 0]
    (archived,) = client.decisions(resource="Document:d1", action="archive", kind="Perform", enterprise_id="red")
    assert archived.decision_id == decisions["done"]
    assert list(client.decisions(until=archived.at, action="archive")) == []
    assert list(client.decisions(since=archived.at, action="archive")) == [archived]
    found = client.decision(decisions["done"])
    assert found == archived
    assert found.record == ""  # a caller that does not see reasons for operators
    entry = Log(store).entry(decisions["done"])
    assert entry is not None
    for record in (decisions["done"], entry.number):
        proof = client.inclusion_proof(record)
        checkpoint = read_checkpoint(proof.note)
        verify_inclusion(proof.number, 3, leaf_hash(entry.text.encode()), proof.hashes, checkpoint.root)
    assert client.checkpoint() == Log(store).head().note
    roots = Log(store).consistency(2).roots
    verify_consistency(2, 3, *roots, client.consistency_proof(2))


def test_who_may_see_everything_is_given_what_was_hashed(store: Store, decisions: dict[str, str], port: int) -> None:
    with SealAuthzClient(f"127.0.0.1:{port}", OPERATOR, insecure=True) as operator:
        entry = Log(store).entry(decisions["nobody"])
        assert entry is not None
        assert operator.decision(decisions["nobody"]).record == entry.text


def test_what_is_found_does_not_tell_a_reason_for_operators(client: SealAuthzClient, store: Store, port: int) -> None:
    reasons = [["HIDDEN", "R", FOR_OPERATORS], ["SHOWN", "R"]]
    record = event_record("Authorize", 1, effect="DENY", reasons=reasons)
    with store.writing() as connection:
        Driver(connection).run(*waiting(connection.dialect.name == "postgresql", 1, record))
    recorded(store, 1)
    assert [entry.reasons for entry in client.decisions(reason="SHOWN")] == [("SHOWN",)]
    assert list(client.decisions(reason="HIDDEN")) == []
    with SealAuthzClient(f"127.0.0.1:{port}", OPERATOR, insecure=True) as operator:
        assert [entry.reasons for entry in operator.decisions(reason="HIDDEN")] == [("HIDDEN", "SHOWN")]


def test_a_caller_sees_records_of_its_own_enterprises_only(reader: SealAuthzClient, decisions: dict[str, str]) -> None:
    assert {entry.decision_id for entry in reader.decisions()} == {decisions["red"], decisions["done"]}
    assert list(reader.decisions(enterprise_id="blue")) == []
    assert reader.decision(decisions["red"]).subject == "User:bob"
    for ask in (
        lambda: reader.decision(decisions["nobody"]),
        lambda: reader.decision("no-such-id"),
        lambda: reader.inclusion_proof(decisions["nobody"]),
        lambda: reader.inclusion_proof(99),
    ):
        with pytest.raises(CallFailed) as failed:
            ask()
        assert (failed.value.code, failed.value.reason) == (grpc.StatusCode.NOT_FOUND, "RECORD_UNKNOWN")


def test_who_may_see_no_explanation_waits_for_none(
    client: SealAuthzClient, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules that tell what they prove are compiled when they are first asked for."""
    before = client.authorize("User:ann", "archive", "Document:d1")

    def explained(*_: object) -> None:
        raise AssertionError("it is explained")

    monkeypatch.setattr(CompiledEngine, "events_of", explained)
    with SealAuthzClient(f"127.0.0.1:{port}", LAWYER, insecure=True) as lawyer:
        past = lawyer.decide_as_of(
            "User:ann", "archive", "Document:d1", revision=before.revision, policy_version=before.policy_version
        )
    assert past.effect == "ALLOW"


def test_the_past_is_decided_on_for_who_may_read_the_log(
    client: SealAuthzClient, reader: SealAuthzClient, store: Store, port: int
) -> None:
    before = client.authorize("User:ann", "archive", "Document:d1")
    client.perform("User:ann", "archive", "Document:d1", request_id="r1")
    assert not client.authorize("User:ann", "archive", "Document:d1")
    asked = ("User:ann", "archive", "Document:d1")
    for how in ({"revision": before.revision}, {"time": before.evaluated_at}):
        past = reader.decide_as_of(*asked, **how, policy_version=before.policy_version)
        assert (past.effect, past.revision, past.reasons, past.is_activated) == ("ALLOW", before.revision, (), False)
        assert past.obligations == tuple(each.code for each in before.obligations)
        assert {outcome.standing for outcome in past.requirements} <= {"MET", "WAIVED"}
        assert past.requirements[0].tried[0].file.endswith(".polar")
        with pytest.raises(TypeError):
            bool(past)
    with SealAuthzClient(f"127.0.0.1:{port}", LAWYER, insecure=True) as lawyer:
        told = lawyer.decide_as_of(*asked, revision=before.revision, policy_version=before.policy_version)
    assert (told.effect, told.obligations, told.requirements) == ("ALLOW", past.obligations, ())
    with SealAuthzClient(f"127.0.0.1:{port}", ASKER, insecure=True) as asker, pytest.raises(CallFailed) as failed:
        asker.decide_as_of(*asked, revision=1)
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED
    unseen = reader.decide_as_of("User:cy", "read", "Document:d3", revision=1, policy_version=before.policy_version)
    assert (unseen.effect, unseen.reasons) == ("DENY", ("NOT_FOUND",))
    tomorrow = before.evaluated_at + datetime.timedelta(days=1)
    for how, cause in (
        ({"revision": 1}, "POLICY_UNKNOWN"),
        ({"revision": 1, "policy_version": "0123456789abcdef"}, "POLICY_NOT_KEPT"),
        ({"revision": 99}, "NOT_YET"),
        ({"time": tomorrow, "policy_version": before.policy_version}, "NOT_YET"),
    ):
        with pytest.raises(CallFailed) as failed:
            client.decide_as_of(*asked, **how)
        assert (failed.value.reason, failed.value.metadata["cause"]) == ("NOT_CHECKABLE", cause)
        assert "--" not in str(failed.value), "options are of the command line"
    with pytest.raises(ValueError, match="with a time zone"):
        client.decide_as_of(*asked, time=before.evaluated_at.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("rpc", "request_", "path"),
    [
        ("DecideAsOf", audit_pb2.DecideAsOfRequest(action="read", resource=THING, revision=1), "subject"),
        ("DecideAsOf", audit_pb2.DecideAsOfRequest(subject=THING, action="read", resource=THING), "revision"),
        ("DecideAsOf", audit_pb2.DecideAsOfRequest(subject=THING, action="a", resource=THING, revision=-1), "revision"),
        ("GetDecision", audit_pb2.GetDecisionRequest(), "decision_id"),
        ("GetInclusionProof", audit_pb2.GetInclusionProofRequest(), "record"),
        ("GetInclusionProof", audit_pb2.GetInclusionProofRequest(number=-1), "number"),
        ("GetInclusionProof", audit_pb2.GetInclusionProofRequest(decision_id="a\nb"), "decision_id"),
        ("GetConsistencyProof", audit_pb2.GetConsistencyProofRequest(first_size=9), "first_size"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(page_size=-1), "page_size"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(page_token="x"), "page_token"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(page_token="WzEsIFtdXQ"), "page_token"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(subject={"type": "User"}), "subject.id"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(since={"seconds": -1}), "since"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(action="a" * 200), "action"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(effect="DENIED"), "effect"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(effect="deny"), "effect"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(reason="not_member"), "reason"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(kind="authorize"), "kind"),
        ("ListDecisions", audit_pb2.ListDecisionsRequest(since={"seconds": 9}, until={"seconds": 9}), "until"),
    ],
)
def test_what_is_asked_wrongly_is_named(client: SealAuthzClient, rpc: str, request_: Any, path: str) -> None:
    asked = Rpc(type(request_), getattr(audit_pb2, f"{rpc}Response"), Repeats.READS).call(request_, bool)
    with pytest.raises(CallFailed) as failed:
        client.run(asked)
    assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in failed.value.violations] == [path]


def test_who_has_no_right_to_the_log_reads_nothing(port: int) -> None:
    with SealAuthzClient(f"127.0.0.1:{port}", ASKER, insecure=True) as asker:
        assert asker.authorize("User:bob", "read", "Document:d1")
        with pytest.raises(CallFailed) as failed:
            asker.checkpoint()
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED
