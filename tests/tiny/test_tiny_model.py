"""The tiny model is served from end to end: written, checked, listed, explained, watched, over a real port."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from sealauthz.cli.settings import key_set
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.inspection import inspect
from sealauthz.facts import Batch, Delete, FactCache, Feed, Part, Put, Store, upgrade
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.operations import Issuer, Operations
from sealauthz.operations.keys import SigningKeys
from sealauthz.polar.check import Severity
from sealauthz.policytools.testing.loading import PolicyTests
from sealauthz.runtime.errors import FactConflict, FactsUnavailable, InvariantBroken, SuiteRefused
from sealauthz.schema import Act, Outcome, ReceiptTerms
from sealauthz.schema import Part as ModelPart
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz.service.fields import FieldViolations
from sealauthz.service.records import forms_of
from sealauthz_client import CallFailed, SealAuthzClient, at_least, delete, put
from sealauthz_client.receipts import verify
from sealauthz_client.v1 import records_pb2
from tiny import shelves as shelf
from tiny.model import TINY, Document, Folder, Team, TeamMember, facts
from tiny.shelves import shelves

TOKEN = "t" * 40
FORMS = forms_of(TINY)
POLICIES = TINY.policies or Path()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(TINY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'tiny.db'}"
    assert upgrade(url, TINY) == upgrade(url, TINY)
    store = Store.open(url, TINY)
    store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    yield store
    store.close()


def caller(**rights: Any) -> Caller:
    fields = {name: frozenset(c.name for c in shape.columns) for name, shape in TINY.shapes.items()}
    full: dict[str, Any] = {"rpcs": frozenset(RPCS), "tenants": None, "read": fields, "write": fields}
    full |= {"performs": None, **rights}
    return Caller(TINY, "demo", frozenset({hashlib.sha256(TOKEN.encode()).digest()}), **full)


@pytest.fixture
def client(store: Store, bundle: Bundle) -> Iterator[SealAuthzClient]:
    cache = FactCache(store)
    feed = Feed(cache, store, lambda *_: None)
    feed.start()
    settings = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
    pdp = PolicyDecisionPoint(cache, bundle)
    issuer = Issuer("tiny", SigningKeys.fresh())
    acts, keys = Operations(store, pdp, issuer), partial(key_set, issuer)
    server = build(settings, Callers([caller()]), store, pdp, acts, signal=cache.signal, keys=keys)
    server.start()
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKEN, insecure=True, timeout_s=30) as client:
        yield client
    server.stop(0)
    feed.stop()


def test_its_policies_have_no_error() -> None:
    found = inspect(TINY)
    assert [str(each) for each in found.diagnostics if each.severity is Severity.ERROR] == []
    assert found.bundle is not None


def test_it_is_decided_and_explained(client: SealAuthzClient) -> None:
    assert client.authorize("User:bob", "read", "Document:d1")
    assert [r.code for r in client.authorize("User:cy", "read", "Document:d1").reasons] == ["NOT_FOUND"]
    denied = client.authorize("User:bob", "publish", "Document:d1")
    assert [reason.code for reason in denied.reasons] == ["APPROVER_NEEDED"]
    assert denied.next_steps[0].parameters == {"owner_mail": "a***@example.org"}
    allowed = client.authorize("User:bob", "publish", "Document:d1", {"approver": "red-ann"})
    assert allowed
    assert [obligation.code for obligation in allowed.obligations] == ["TELL_TEAM"]
    told = client.explain("User:bob", "publish", "Document:d1")
    assert {each.requirement for each in told.requirements} == {
        "NOT_LOCKED",
        "IS_DRAFT",
        "SHORT_ENOUGH",
        "APPROVED",
        "FEW_DRAFTS",
    }
    with pytest.raises(CallFailed, match="is not part of the context"):
        client.authorize("User:bob", "read", "Document:d1", {"approver": "red-ann"})


def test_an_act_is_performed_once_and_seen_at_its_revision(client: SealAuthzClient, store: Store) -> None:
    arguments = {"titles": ["A", "B"], "words": 7}
    performed = client.perform("User:bob", "add", "Folder:plans", None, arguments, request_id="r1")
    assert performed
    operation = performed.operation
    assert operation is not None
    assert (operation.caller, operation.values, operation.receipt) == ("demo", {"count": 2}, "")
    assert operation.revision == store.revision()
    fresh = at_least(operation.revision_token)
    assert len(client.list_resources("User:ann", "read", "Document", consistency=fresh).ids) == 4
    again = client.perform("User:bob", "add", "Folder:plans", None, arguments, request_id="r1")
    assert again.is_replay
    assert (again.operation, again.decision.decision_id) == (operation, performed.decision.decision_id)
    assert client.operation(operation.operation_id) == operation
    assert store.revision() == operation.revision
    with pytest.raises(CallFailed) as caught:
        client.perform("User:bob", "add", "Folder:plans", None, {"titles": ["C"]}, request_id="r1")
    assert (caught.value.code, caught.value.metadata) == (grpc.StatusCode.ALREADY_EXISTS, {"invariant": "REQUEST_ID"})


def test_the_receipt_of_an_act_is_verified_with_the_published_keys(
    client: SealAuthzClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def printed(act: Act) -> Outcome:
        return Outcome(receipt=ReceiptTerms("printer", act.now + 30_000_000, {"title": act.resource.title}))

    action = dataclasses.replace(TINY.actions["read", "Document"], effect=printed)
    monkeypatch.setitem(TINY.actions, ("read", "Document"), action)
    performed = client.perform("User:ann", "read", "Document:d2", request_id="r1")
    assert performed.operation is not None
    receipt = verify(performed.operation.receipt, client.keys(), "printer", issuer="tiny")
    assert (receipt.operation_id, receipt.caller, receipt.subject) == (
        performed.operation.operation_id,
        "demo",
        "User:ann",
    )
    assert receipt.permits == {"action": "read", "resource": "Document:d2", "title": "Roadmap"}
    # Never signed anew: the same text, also where it is asked for.
    assert client.operation(receipt.operation_id).receipt == performed.operation.receipt


def test_an_act_whose_deadline_passes_while_it_waits_is_performed_once(
    client: SealAuthzClient, store: Store, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "tiny.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another process writes, and nobody else can
        with pytest.raises(CallFailed) as caught:
            client.perform("User:bob", "add", "Folder:plans", None, {"titles": ["A"]}, request_id="r1", timeout_s=0.3)
        other.execute("ROLLBACK")
    assert (caught.value.code, caught.value.request_id) == (grpc.StatusCode.DEADLINE_EXCEEDED, "r1")
    performed = client.perform(
        "User:bob", "add", "Folder:plans", None, {"titles": ["A"]}, request_id=caught.value.request_id, timeout_s=20
    )
    assert performed
    assert [found.record.title for found in store.read("Document", {"title": "A"}).records] == ["A"]


def test_an_allow_that_has_ended_when_it_is_given_performs_nothing_and_says_so(
    client: SealAuthzClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of policies whose `lapses` say so; that is a failure of these policies, and no reason to allow."""
    before = store.revision()
    with monkeypatch.context() as patch:
        patch.setattr(Evaluation, "_lapse", lambda evaluation, _plan, _work: evaluation._now)
        with pytest.raises(CallFailed) as caught:
            client.perform("User:bob", "add", "Folder:plans", None, {"titles": ["A"]}, request_id="r1")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.message == "the permission has ended before the act was written: ask again"
    assert store.revision() == before
    assert client.perform("User:bob", "add", "Folder:plans", None, {"titles": ["A"]}, request_id="r1")


def test_a_denied_act_says_why_and_changes_nothing(client: SealAuthzClient, store: Store) -> None:
    before = store.revision()
    denied = client.perform("User:bob", "publish", "Document:d1", request_id="r1")
    assert not denied
    assert [reason.code for reason in denied.decision.reasons] == ["APPROVER_NEEDED"]
    assert store.revision() == before
    assert client.perform("User:bob", "publish", "Document:d1", {"approver": "red-ann"}, request_id="r1")


def test_an_argument_that_does_not_fit_is_named(client: SealAuthzClient) -> None:
    for arguments, field in (({"titles": [1]}, "arguments[titles][0]"), ({"title": "A"}, "arguments[title]")):
        with pytest.raises(CallFailed) as caught:
            client.perform("User:bob", "add", "Folder:plans", None, arguments)
        assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
        assert field in dict(caught.value.violations)


def test_lists_hold_what_is_allowed(client: SealAuthzClient) -> None:
    users, documents = ("ann", "bob", "cy"), ("d1", "d2", "d3")
    for user in users:
        allowed = {each for each in documents if client.authorize(f"User:{user}", "read", f"Document:{each}")}
        assert set(client.list_resources(f"User:{user}", "read", "Document").ids) == allowed
    for document in documents:
        allowed = {each for each in users if client.authorize(f"User:{each}", "read", f"Document:{document}")}
        assert set(client.list_subjects("User", "read", f"Document:{document}").ids) == allowed
    assert {name for name, found in client.list_actions("User:ann", "Document:d2").items() if found} >= {"read"}


def test_its_records_travel_in_the_generic_form(client: SealAuthzClient) -> None:
    page = client.read_facts("User")
    assert {fact.fact.WhichOneof("record") for fact in page.facts} == {"generic"}
    assert {fact.fact.generic.values["mail"].string_value for fact in page.facts} >= {"a***@example.org"}
    new = Document("d4", "plans", "bob", "Draft", words=3)
    written = client.write_facts([put(FORMS.message_of(new))])
    assert client.authorize("User:ann", "read", "Document:d4", consistency=at_least(written.revision_token))
    (stored,) = client.read_facts("Document", {"title": "Draft"}).facts
    assert FORMS.record_from(stored.fact, "fact", FieldViolations()) == new
    client.write_facts([delete("Document", "d4")])
    assert not client.read_facts("Document", {"title": "Draft"}).facts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "LOST"}, "is not a value"),
        ({"words": "many"}, "must hold `int_value`"),
        ({"colour": "red"}, "is not a field of `Document`"),
        ({"title": None}, "is required"),
    ],
)
def test_a_malformed_generic_fact_is_refused_with_its_path(
    client: SealAuthzClient, change: dict[str, Any], said: str
) -> None:
    message = FORMS.message_of(Document("d9", "plans", "bob", "Draft"))
    for name, value in change.items():
        if value is None:
            del message.values[name]
        else:
            message.values[name].string_value = value
    with pytest.raises(CallFailed) as caught:
        client.write_facts([put(message)])
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = caught.value.violations
    assert violation == (f"changes[0].put.generic.values[{next(iter(change))}]", said)


def test_a_record_with_a_message_of_its_own_does_not_travel_generically(client: SealAuthzClient) -> None:
    message = FORMS.message_of(Team("green", "Green"))
    message.type = "Seal"
    with pytest.raises(CallFailed, match="is not a record type"):
        client.write_facts([put(message)])
    violations = FieldViolations()
    assert forms_of(MODEL).record_from(records_pb2.Fact(generic=message), "put", violations) is None
    assert violations._violations[0].description == "has a message of its own: use `seal`"


def edited(record_id: str, **values: Any) -> Any:
    return dataclasses.replace(next(each for each in facts() if each.id == record_id), **values)


@pytest.mark.parametrize(
    ("changed", "invariant"),
    [
        (edited("d2", state="DRAFT"), "LIFE"),
        (edited("d1", author_id="ann"), "SAME_AUTHOR"),
        (edited("d1", folder_id="notes"), "HOME"),
        (edited("red-bob", user_id="cy"), "SAME_USER"),
        (edited("red-ann", rank="READER"), "OWNER"),
        (Document("d8", "plans", "cy", "By a stranger"), "AUTHOR"),
        (Document("d8", "nowhere", "ann", "Nowhere"), "REFERENCE"),
        (Folder("f", "red", ""), "NAMED"),
    ],
)
def test_what_its_records_declare_is_kept(store: Store, changed: Any, invariant: str) -> None:
    with pytest.raises(InvariantBroken) as caught:
        store.write(Batch("test", "bad", (Put(changed),)))
    assert caught.value.invariant == invariant


def test_what_is_unique_and_permanent_stays_so(store: Store) -> None:
    with pytest.raises(FactConflict, match="ONE_PLACE"):
        store.write(Batch("test", "twin", (Put(TeamMember("twin", "red", "bob")),)))
    with pytest.raises(InvariantBroken, match="never deleted"):
        store.write(Batch("test", "gone", (Delete("Team", "red"),)))


def test_changes_are_watched(client: SealAuthzClient) -> None:
    seen: list[Any] = []
    begun = threading.Event()

    def watch() -> None:
        for changes in client.watch_changes(record_types=["Document"]):
            seen.extend(changes.changes)
            if seen:  # the first message may say only where the watch begins
                begun.set()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    for words in itertools.count(130):  # a watch shows what is written after it began
        client.write_facts([put(FORMS.message_of(edited("d1", words=words)))])
        if begun.wait(0.05):
            break
    thread.join(20)
    assert seen[0].key.record_type == "Document"
    assert 130 <= seen[0].after.generic.values["words"].int_value <= words


def test_an_import_locks_its_tenants_and_those_who_belong_to_them(store: Store, bundle: Bundle) -> None:
    point = PolicyDecisionPoint(FactCache(store), bundle)

    def reasons(user: str, document: str) -> list[str]:
        decision = point.decide(Question(Entity("User", user), "read", Entity("Document", document)))
        return [reason.code for reason in decision.reasons]

    assert reasons("bob", "d1") == []
    store.import_part("test", Part("i", frozenset({"red"}), 1), [edited("d1", words=1)])
    assert reasons("bob", "d1") == ["FACT_UNAVAILABLE"]
    assert reasons("bob", "d3") == ["FACT_UNAVAILABLE"]  # bob is known to the red team, too
    assert reasons("cy", "d3") == []
    with pytest.raises(InvariantBroken, match="does not name"):
        store.import_part("test", Part("i", frozenset({"red"}), 2), [edited("notes", title="x")])
    store.import_part("test", Part("i", frozenset({"red"}), 2, is_last=True))
    assert reasons("bob", "d1") == []


def test_a_caller_sees_its_tenants_only(store: Store, bundle: Bundle) -> None:
    rights = caller(tenants=frozenset({"blue"}))
    assert store.read("Folder", tenants=rights.tenants).records[0].record.id == "notes"
    with store.read_transaction() as transaction:
        assert store.tenants_of(transaction, edited("d1")) == {"red"}
        assert store.tenants_of(transaction, edited("ann")) == frozenset()


POLICY_TESTS = """
fixtures:
  two teams:
    now: 2026-03-02T09:00:00Z
    facts:
      User: {ann: {mail: ann@example.org}, bob: {mail: bob@example.org}}
      Team: {red: {title: Red}}
      TeamMember:
        red-ann: {team_id: red, user_id: ann, rank: OWNER}
        red-bob: {team_id: red, user_id: bob, rank: EDITOR}
      Folder: {plans: {team_id: red, title: Plans}}
      Document: {d1: {folder_id: plans, author_id: bob, title: Budget, words: 120}}
fixture: two teams
tests:
  - name: D-02 another member approves
    subject: bob
    action: publish
    resource: Document:d1
    context: {approver: red-ann}
    expect: allow
    but: {context: {approver: red-bob}}
    then: [APPROVER_IS_AUTHOR]
  - name: D-01 the members see the document
    list: subjects
    action: read
    resource: Document:d1
    expect: [ann, bob]
"""


def test_its_policies_are_tested(tmp_path: Path) -> None:
    path = tmp_path / "documents.yaml"
    path.write_text(POLICY_TESTS, encoding="utf-8")
    assert [*PolicyTests(TINY, POLICIES, [path]).failures()] == []
    path.write_text(POLICY_TESTS.replace("[ann, bob]", "[ann]"), encoding="utf-8")
    assert len([*PolicyTests(TINY, POLICIES, [path]).failures()]) == 1
    path.write_text(POLICY_TESTS.replace("Folder:", "Seal:"), encoding="utf-8")
    with pytest.raises(SuiteRefused, match="Seal"):
        PolicyTests(TINY, POLICIES, [path])


# --- two models in one process ----------------------------------------------------------------------------------------


def test_two_models_with_a_record_of_one_name_decide_alternately(tmp_path: Path, bundle: Bundle) -> None:
    folder = shutil.copytree(POLICIES, tmp_path / "policies")
    text = (folder / "documents.polar").read_text(encoding="utf-8")
    old = 'has_permission(user: User, "list", folder: Folder) if place(user, folder, _);'
    assert old in text
    (folder / "documents.polar").write_text(text.replace(old, old.replace(";", " and folder.shelf < 5;")))
    model = shelves(folder)
    others = [each for each in facts() if type(each).__name__ != "Folder"]
    caches = [
        FactCache.of_records(TINY, facts()),
        FactCache.of_records(model, [*others, shelf.Folder("plans", 3, "red"), shelf.Folder("notes", 7, "blue")]),
    ]
    points = [PolicyDecisionPoint(caches[0], bundle), PolicyDecisionPoint(caches[1], Bundle.load(model))]
    for _ in range(3):
        for name, expected in (("plans", (True, True)), ("notes", (True, False))):
            found = [bool(p.decide(Question(Entity("User", "bob"), "list", Entity("Folder", name)))) for p in points]
            assert tuple(found) == expected
    assert [c.name for c in tables_of(TINY).of("Folder").c] == ["id", "team_id", "title", "revision"]
    assert [c.name for c in tables_of(model).of("Folder").c] == ["id", "shelf", "team_id", "revision"]
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "two")]
    assert upgrade(urls[0], TINY) != upgrade(urls[1], model)
    with pytest.raises(FactsUnavailable, match="not at"):
        Store.open(urls[0], model)


def test_a_model_is_extended_by_a_part() -> None:
    larger = dataclasses.replace(TINY, parts=(*TINY.parts, ModelPart(())))
    assert larger.records == TINY.records
    assert larger != TINY
    assert tables_of(larger) is not tables_of(TINY)
