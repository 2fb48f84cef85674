"""Short lists are answered where they arrive, once nothing has to be read for them; all others by a pool."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from conftest import Serve, Served, metadata

from sealauthz.decision import Bundle, PolicyDecisionPoint, system_clock
from sealauthz.decision.listing import Bounds
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz_client.v1 import authorization_pb2

SEEN = authorization_pb2.ListResourcesRequest(
    subject=authorization_pb2.Entity(type="Person", id="p-zhou"), action="view", resource_type="Seal"
)
WHO = authorization_pb2.ListSubjectsRequest(
    resource=authorization_pb2.Entity(type="Seal", id="seal-official"), action="view", subject_type="Person"
)
EXCEPT = authorization_pb2.ListResourcesRequest(except_requirements=["REALNAME_VERIFIED"])
EXCEPT.MergeFrom(SEEN)


@pytest.fixture
def store(demo_store: Store) -> Store:
    """What is served has the facts of the demo."""
    return demo_store


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each list that was answered, whether it was by a thread of the pool."""
    # A busy machine takes longer than a served page may: what matters here is what has to be read.
    monkeypatch.setattr("sealauthz.decision.listing._SECONDS_AT_ONCE", 600)
    found: list[bool] = []
    look_for = AuthorizationServicer._look_for

    def noting(self: Any, *args: Any) -> Any:
        page = look_for(self, *args)
        found.append(threading.current_thread().name.startswith("sealauthz-answers"))
        return page

    monkeypatch.setattr(AuthorizationServicer, "_look_for", noting)
    return found


def ask(served: Served, request: Any) -> Any:
    stub = served.authorization
    method = stub.ListSubjects if request is WHO else stub.ListResources
    return method(request, metadata=metadata(), timeout=60)


def test_a_short_list_changes_threads_the_first_time_only(
    serve: Serve, store: Store, bundle: Bundle, pooled: list[bool]
) -> None:
    cache = FactCache(store, max_age_s=1e9)
    served = serve(pdp=PolicyDecisionPoint(cache, bundle))
    for request in (SEEN, WHO):
        first, second = ask(served, request), ask(served, request)
        assert first.subject_ids if request is WHO else first.resource_ids
        for page in (first, second):
            for changing in ("evaluated_at", "valid_until"):
                page.ClearField(changing)
        assert first == second
    assert pooled == [True, False, True, False]
    store.write(Batch("test", "later", tuple(map(Put, opening_facts(system_clock())[:1]))))
    ask(served, SEEN)
    assert ask(served, EXCEPT).conditional_resources
    assert pooled[4:] == [pooled[4], True]
    assert [line["code"] for line in served.log if line["event"] == "call"] == ["OK"] * 6


def test_a_list_of_many_goes_to_the_pool(serve: Serve, store: Store, bundle: Bundle, pooled: list[bool]) -> None:
    cache = FactCache(store, max_age_s=1e9)
    served = serve(pdp=PolicyDecisionPoint(cache, bundle, bounds=Bounds(candidates=1)))
    pages = [ask(served, WHO) for _ in range(3)]
    assert all(page.next_page_token for page in pages)
    assert pooled == [True] * 3
