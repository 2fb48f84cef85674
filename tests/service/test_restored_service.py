"""A service on a restored store that is not complete: facts are written, nothing is answered, and health says which."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import ask, entity, refused
from conftest import Serve, Served, demo_database
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.facts import FactCache, Store
from sealauthz.model import MODEL
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.operations import Operations
from sealauthz.service.records import forms_of
from sealauthz_client.v1 import authorization_pb2, facts_pb2, operations_pb2

ZHOU, SEAL = entity("Person:p-zhou"), entity("Seal:seal-official")
WHOLE = {"subject": ZHOU, "action": "view", "resource": SEAL}
MAX_AGE_S = 0.05
ALLOW, DENY = authorization_pb2.EFFECT_ALLOW, authorization_pb2.EFFECT_DENY
QUESTIONS: dict[str, Any] = {
    "Authorize": authorization_pb2.AuthorizeRequest(**WHOLE),
    "AuthorizeBatch": authorization_pb2.AuthorizeBatchRequest(questions=[authorization_pb2.Question(**WHOLE)]),
    "ListActions": authorization_pb2.ListActionsRequest(subject=ZHOU, resource=SEAL),
    "ListResources": authorization_pb2.ListResourcesRequest(subject=ZHOU, action="view", resource_type="Seal"),
    "ListSubjects": authorization_pb2.ListSubjectsRequest(resource=SEAL, action="view", subject_type="Person"),
    "Explain": authorization_pb2.ExplainRequest(**WHOLE),
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return demo_database(tmp_path)


@pytest.fixture
def served(serve: Serve, store: Store, bundle: Bundle) -> Served:
    pdp = PolicyDecisionPoint(FactCache(store, max_age_s=MAX_AGE_S), bundle)
    return serve(pdp=pdp, acts=Operations(store, pdp))


@pytest.fixture
def restored(served: Served, store: Store) -> Served:
    """A service that has answered, and whose store was restored then."""
    assert ask(served.authorization.Authorize, QUESTIONS["Authorize"], timeout=60).decision.effect == ALLOW
    store.announce_restore()
    until(served, "sealauthz.v1.AuthorizationService", health_pb2.HealthCheckResponse.NOT_SERVING)
    time.sleep(2 * MAX_AGE_S)  # health looks for itself, and an answer may rest on facts of that age until then
    return served


def until(served: Served, service: str, status: int) -> None:
    stub = health_pb2_grpc.HealthStub(served.channel)
    end = time.monotonic() + 30
    while stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status != status:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_incomplete_store_is_written_and_answers_no_question_until_it_is_completed(
    restored: Served, store: Store
) -> None:
    perform = operations_pb2.PerformRequest(**WHOLE, request_id="a-1")
    methods = {getattr(restored.authorization, name): request for name, request in QUESTIONS.items()}
    for method, request in {**methods, restored.operations.Perform: perform}.items():
        refusal = refused(method, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "RESTORE_INCOMPLETE")
        assert "`sealauthz db complete`" in refusal.message
        assert refusal.retry_ms > 0
    assert health_of(restored) == {"sealauthz.v1.FactsService"}
    assert any(entry["event"] == "not_serving" and "`sealauthz db complete`" in str(entry) for entry in restored.log)
    assert incomplete(restored) == 1

    (zhou,) = (found.record for found in store.read("Person", {"id": "p-zhou"}).records)
    zhou.account_state = "LOCKED"
    put = facts_pb2.FactChange(put=forms_of(MODEL).fact_of(zhou, is_plain=True))
    assert (
        ask(restored.facts.WriteFacts, facts_pb2.WriteFactsRequest(request_id="r-1", changes=[put])).revision.number
        == 2
    )
    assert len(ask(restored.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")).facts) > 0
    assert refused(restored.authorization.Authorize, QUESTIONS["Authorize"]).reason == "RESTORE_INCOMPLETE"

    store.complete_restore("lin", "who was locked is locked again")
    until(restored, "", health_pb2.HealthCheckResponse.SERVING)
    assert ask(restored.authorization.Authorize, QUESTIONS["Authorize"]).decision.effect == DENY
    assert incomplete(restored) == 0


def health_of(served: Served) -> set[str]:
    """The services that are SERVING."""
    listed = health_pb2_grpc.HealthStub(served.channel).List(health_pb2.HealthListRequest(), timeout=10).statuses
    return {name for name, said in listed.items() if said.status == health_pb2.HealthCheckResponse.SERVING}


def incomplete(served: Served) -> float:
    """The metric."""
    instruments = Instruments()
    served.server.sample(instruments)
    families = text_string_to_metric_families(generate_latest(instruments.registry).decode())
    return next(
        sample.value for each in families for sample in each.samples if each.name.endswith("restore_incomplete")
    )
