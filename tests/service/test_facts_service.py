"""Facts over gRPC: atomic, conditional, idempotent, paged."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from calls import ask, refused
from conftest import Serve, Served, trusted

from sealauthz_client.v1 import facts_pb2, records_pb2

KEY = facts_pb2.FactKey(record_type="Seal", id="S1")
EXISTS = facts_pb2.Precondition(key=KEY, exists=facts_pb2.Precondition.Exists())
ABSENT = facts_pb2.Precondition(key=KEY, absent=facts_pb2.Precondition.Absent())


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(trusted(), trusted(name="other", token="o" * 40))


def seal(seal_id: str, name: str = "contract seal", enterprise: str = "E1") -> facts_pb2.FactChange:
    record = records_pb2.Seal(id=seal_id, enterprise_id=enterprise, name=name, kind=records_pb2.SEAL_KIND_OTHER)
    return facts_pb2.FactChange(put=records_pb2.Fact(seal=record))


def write(served: Served, *changes: facts_pb2.FactChange, token: str = "t" * 40, **fields: Any) -> Any:
    request = facts_pb2.WriteFactsRequest(**{"request_id": "R1", "changes": changes, **fields})
    return ask(served.facts.WriteFacts, request, token)


def refuse(served: Served, *changes: facts_pb2.FactChange, **fields: Any) -> Any:
    request = facts_pb2.WriteFactsRequest(**{"request_id": "R1", "changes": changes, **fields})
    return refused(served.facts.WriteFacts, request)


def seals(served: Served, **fields: Any) -> Any:
    return ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal", **fields))


def names(page: Any) -> list[str]:
    return [stored.fact.seal.id for stored in page.facts]


def test_a_write_makes_the_next_revision_and_is_read_back(served: Served) -> None:
    first = seals(served).revision
    written = write(served, seal("S3"))
    assert written.revision.number == first.number + 1
    assert written.revision.token not in ("", first.token)
    assert written.committed_at.seconds > 0
    assert not written.replayed
    page = seals(served)
    assert names(page) == ["S1", "S2", "S3"]
    assert page.revision == written.revision
    assert page.facts[2].revision == written.revision.number


def test_the_same_request_again_returns_the_first_result(served: Served) -> None:
    first = write(served, seal("S3"))
    write(served, seal("S3", name="changed since"), request_id="R2")
    again = write(served, seal("S3"))
    assert again.replayed
    assert (again.revision, again.committed_at) == (first.revision, first.committed_at)
    assert seals(served).facts[2].fact.seal.name == "changed since"


def test_the_same_request_id_with_other_content_is_refused(served: Served) -> None:
    write(served, seal("S3"))
    refusal = refuse(served, seal("S4"))
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.ALREADY_EXISTS, {"invariant": "REQUEST_ID"})
    assert names(seals(served)) == ["S1", "S2", "S3"]


def test_a_request_id_is_the_callers_own(served: Served) -> None:
    write(served, seal("S3"))
    assert not write(served, seal("S4"), token="o" * 40).replayed


def test_a_broken_invariant_is_named_and_nothing_of_the_write_stays(served: Served) -> None:
    bad = records_pb2.Enterprise(id="E9", name="x", uscc="91350100M000100Y4Z")
    refusal = refuse(served, seal("S3"), facts_pb2.FactChange(put=records_pb2.Fact(enterprise=bad)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVARIANT_BROKEN")
    assert refusal.metadata == {"invariant": "I2"}
    assert refusal.invariants == ["I2"]
    assert names(seals(served)) == ["S1", "S2"]


def test_what_must_be_unique_and_is_not_already_exists(served: Served) -> None:
    hashed = records_pb2.Person(id="P2", realname_state=records_pb2.REALNAME_STATE_VERIFIED, id_hash="h")
    twin = records_pb2.Person(id="P3", realname_state=records_pb2.REALNAME_STATE_VERIFIED, id_hash="h")
    write(served, facts_pb2.FactChange(put=records_pb2.Fact(person=hashed)))
    refusal = refuse(served, facts_pb2.FactChange(put=records_pb2.Fact(person=twin)), request_id="R2")
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "FACT_CONFLICT")
    assert refusal.metadata == {"invariant": "I5"}


def test_preconditions_hold_or_nothing_is_written(served: Served) -> None:
    stored = seals(served).facts[0].revision
    at = facts_pb2.Precondition(key=KEY, at_revision=stored)
    later = facts_pb2.Precondition(key=KEY, at_revision=stored + 1)
    assert refuse(served, seal("S3"), preconditions=[ABSENT]).code == grpc.StatusCode.ALREADY_EXISTS
    refusal = refuse(served, seal("S3"), preconditions=[EXISTS, later])
    assert (refusal.code, refusal.metadata) == (grpc.StatusCode.FAILED_PRECONDITION, {"invariant": "PRECONDITION"})
    assert names(seals(served)) == ["S1", "S2"]
    write(served, seal("S3"), preconditions=[EXISTS, at])


def test_pages_are_as_large_as_asked_and_end_with_an_empty_token(served: Served) -> None:
    write(served, *(seal(f"S{i:03}") for i in range(250)))
    first = seals(served)
    assert len(first.facts) == 100
    seen = names(first)
    token = first.next_page_token
    while token:
        page = seals(served, page_size=70, page_token=token)
        seen += names(page)
        token = page.next_page_token
    assert seen == sorted([*(f"S{i:03}" for i in range(250)), "S1", "S2"])
    assert len(seals(served, page_size=5_000).facts) == 252


def test_a_page_token_is_of_one_query_only(served: Served) -> None:
    token = seals(served, page_size=1).next_page_token
    request = facts_pb2.ReadFactsRequest(record_type="Enterprise", page_token=token)
    assert refused(served.facts.ReadFacts, request).violations == {"page_token": "is not a page token of this query"}


def test_filters_must_all_hold(served: Served) -> None:
    def found(**filters: str) -> list[str]:
        return names(seals(served, filters=[facts_pb2.FactFilter(field=k, value=v) for k, v in filters.items()]))

    assert found(state="ACTIVE") == ["S1"]
    assert found(enterprise_id="E2", state="DRAFT") == ["S2"]
    assert found(enterprise_id="E2", state="ACTIVE") == []


def test_a_lower_case_uscc_is_the_same_code(served: Served) -> None:
    lower = records_pb2.Enterprise(id="E1", name="Ying", uscc="91350100m000100y43")
    write(served, facts_pb2.FactChange(put=records_pb2.Fact(enterprise=lower)))
    request = facts_pb2.ReadFactsRequest(
        record_type="Enterprise", filters=[facts_pb2.FactFilter(field="uscc", value="91350100m000100y43")]
    )
    page = ask(served.facts.ReadFacts, request)
    assert [stored.fact.enterprise.uscc for stored in page.facts] == ["91350100M000100Y43"]


def test_a_record_is_removed_if_it_is_no_history(served: Served) -> None:
    removal = facts_pb2.FactChange(delete=KEY)
    assert refuse(served, removal).code == grpc.StatusCode.FAILED_PRECONDITION
    assert names(seals(served)) == ["S1", "S2"]
