"""Over a real port: every answer has a record, and what the policies demand is in the log before it is given."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from audit_logs import run
from tiny.model import TINY, facts

from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer
from sealauthz.background import ignored
from sealauthz.client import CallFailed, Question, SealAuthzClient
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.errors import BundleRefused
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.operations import Operations
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build

TOKEN = "t" * 40
READER = "r" * 40


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
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'tiny.db'}"
    upgrade(url, TINY)
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
    callers = Callers([caller("demo", TOKEN), caller("red", READER, tenants=frozenset({"red"}))])
    server = build(settings, callers, store, pdp, Operations(store, pdp), recorder=recorder)
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


def test_what_the_policies_demand_is_in_the_log_before_it_is_answered(client: SealAuthzClient, store: Store) -> None:
    decision = client.authorize("User:ann", "archive", "Document:d1")
    assert decision
    ((records,),) = run(store, "SELECT records FROM audit_pending")
    assert decision.decision_id in records


def test_what_cannot_be_recorded_is_not_answered(client: SealAuthzClient, store: Store) -> None:
    """And what need not be recorded first is, all the while."""
    assert client.authorize("User:ann", "archive", "Document:d1")
    run(store, "ALTER TABLE audit_pending RENAME TO gone")
    for ask in (
        lambda: client.authorize("User:ann", "archive", "Document:d1", timeout_s=1),
        lambda: client.explain("User:ann", "archive", "Document:d1", timeout_s=1),
        lambda: client.authorize_batch([Question("User:ann", "archive", "Document:d1")], timeout_s=1),
        lambda: client.list_actions("User:ann", "Document:d1", timeout_s=1),
        lambda: client.list_subjects("User", "archive", "Document:d1", timeout_s=1),
        lambda: client.perform("User:ann", "archive", "Document:d1", request_id="r1", timeout_s=1),
    ):
        with pytest.raises(CallFailed) as failed:
            ask()
        assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    assert client.authorize("User:ann", "read", "Document:d1")
    run(store, "ALTER TABLE gone RENAME TO audit_pending")
    assert client.authorize("User:ann", "archive", "Document:d1")
    assert [each["action"] for each in recorded(store, 2)].count("read") == 1


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
