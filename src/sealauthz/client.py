"""The client that other services import. It needs grpcio and protobuf, and neither policies nor a database.

    with SealAuthzClient("sealauthz.internal:8443", token, tls_roots=roots) as client:
        decision = client.authorize("Person:P1", "use", "Seal:S1", {"task": "T1"})
        if decision:
            ...

A decision is falsy unless it allows, and so is a question without an answer: what cannot be answered is never an allow.
"""

from __future__ import annotations

import datetime
import itertools
import math
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from sealauthz.v1 import authorization_pb2, authorization_pb2_grpc, facts_pb2, facts_pb2_grpc, records_pb2

Reply = TypeVar("Reply", bound=Message)

DEFAULT_TIMEOUT_S = 2.0
MAX_ATTEMPTS = 6
MAX_RECEIVE_BYTES = 32 * 1024 * 1024

_FIRST_PAUSE_S = 0.05
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # grpcio tries a lost connection again after a second only, by when all our attempts would have failed with it. Its
    # `min_reconnect_backoff_ms` is not set: in spite of its name it is how long one attempt may take.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_RETRIED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""A server that drains cancels a call or two. Any call may be sent again: it only reads, or has an id of its own."""

_RESUMED = _RETRIED | {grpc.StatusCode.RESOURCE_EXHAUSTED}
"""A watch is also ended where the watcher lags behind, or where there are too many."""

_LONGEST_PAUSE_S = 2.0
_PARTS_AT_ONCE = 8
_MAX_PART_BYTES = 3 * 1024 * 1024
"""Of the 4 MiB that a message may have."""

_BUSY = "SERVICE_BUSY"
"""The reason with which a server refuses a call that it did not begin, because as many are under way as it takes."""

ContextValue = str | int | bool | datetime.datetime
ParameterValue = str | int | datetime.datetime


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the person can do about a reason."""

    code: str
    parameters: Mapping[str, ParameterValue]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the answer is a deny."""

    code: str
    stage: int
    requirement: str
    next_steps: tuple[NextStep, ...]
    is_for_operators: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the caller must do when it acts on an allow; a caller that cannot must not act."""

    code: str
    parameters: Mapping[str, ParameterValue]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer; falsy unless it allows. `reasons` is ordered by what to fix first, and empty exactly when allowed.

    `facts_age` is how long ago, at most, the facts behind it were the newest.
    """

    is_allowed: bool
    reasons: tuple[Reason, ...]
    next_steps: tuple[NextStep, ...]
    obligations: tuple[Obligation, ...]
    decision_id: str
    policy_version: str
    revision: int
    revision_token: str
    evaluated_at: datetime.datetime
    valid_until: datetime.datetime
    facts_age: datetime.timedelta = datetime.timedelta(0)

    def __bool__(self) -> bool:
        return self.is_allowed


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a question of a batch has no answer; always falsy. `violations` holds the malformed fields."""

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule of the policies, by head and place; `rules` are the ids of the rulebook that it carries."""

    head: str
    file: str
    line: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One rule that was tried: whether it held, else what stopped it: `condition`, at `file` and `line`.

    `values` are what the condition compared, as text; `under` are the rules that it tried in turn. The condition is
    empty where the rule held, or is not for this case at all.
    """

    rule: RuleRef
    is_met: bool
    condition: str
    file: str
    line: int
    values: tuple[str, ...]
    under: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class RequirementOutcome:
    """How one requirement came out: `MET`, `WAIVED` or `UNMET`, and the rules that matter.

    `attempts` tell, of an unmet requirement, what stopped each rule; of another, which rule held.
    """

    requirement: str
    standing: str
    reasons: tuple[str, ...]
    tried: tuple[RuleRef, ...]
    because: tuple[RuleRef, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that matter to it; falsy unless it allows."""

    decision: Decision
    requirements: tuple[RequirementOutcome, ...]

    def __bool__(self) -> bool:
        return bool(self.decision)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a batch. `subject` and `resource` are `Type:id`."""

    subject: str
    action: str
    resource: str
    context: Mapping[str, ContextValue] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a write made. `is_replay`: this `request_id` had been written before, and nothing was changed now."""

    revision: int
    revision_token: str
    committed_at: datetime.datetime
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of facts, as messages. `next_page_token` is empty on the last page."""

    facts: tuple[facts_pb2.StoredFact, ...]
    next_page_token: str
    revision: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one revision changed, as far as the caller may read it; `revision_token` resumes the watch behind it.

    Without changes it says that nothing else was changed up to here. `committed_at` is None before the first revision.
    """

    revision: int
    revision_token: str
    committed_at: datetime.datetime | None
    changes: tuple[facts_pb2.ChangedFact, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import stands: its committed parts, and the facts that this call put.

    `is_finished`: the enterprises are decided about again.
    """

    parts: int
    facts: int
    revision: int
    revision_token: str
    is_finished: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: ids in their order, perhaps none although more pages follow.

    Only where `is_complete` does the list end here; `next_page_token` is empty then. `valid_until` is when the first of
    the ids must no longer be acted on.
    """

    ids: tuple[str, ...]
    next_page_token: str
    is_complete: bool
    revision: int
    revision_token: str
    policy_version: str
    evaluated_at: datetime.datetime
    valid_until: datetime.datetime


class CallFailed(Exception):
    """A call without an answer. `violations` holds the malformed fields, `metadata` what varies (`invariant` …)."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = violations
        super().__init__(f"{code.name}: {message}")


def put(record: Message) -> facts_pb2.FactChange:
    """Return the change that writes a record, which is a message of `sealauthz.v1.records_pb2`."""
    return facts_pb2.FactChange(put=_fact(record))


def _fact(record: Message) -> records_pb2.Fact:
    fact = records_pb2.Fact()
    for field in fact.DESCRIPTOR.fields:
        if field.message_type is record.DESCRIPTOR:
            getattr(fact, field.name).CopyFrom(record)
            return fact
    raise TypeError(f"`{record.DESCRIPTOR.name}` is not a record")


def delete(record_type: str, record_id: str) -> facts_pb2.FactChange:
    """Return the change that removes a record."""
    return facts_pb2.FactChange(delete=facts_pb2.FactKey(record_type=record_type, id=record_id))


def exists(record_type: str, record_id: str) -> facts_pb2.Precondition:
    """Return the condition that a record exists."""
    key = facts_pb2.FactKey(record_type=record_type, id=record_id)
    return facts_pb2.Precondition(key=key, exists=facts_pb2.Precondition.Exists())


def absent(record_type: str, record_id: str) -> facts_pb2.Precondition:
    """Return the condition that a record does not exist."""
    key = facts_pb2.FactKey(record_type=record_type, id=record_id)
    return facts_pb2.Precondition(key=key, absent=facts_pb2.Precondition.Absent())


def at_revision(record_type: str, record_id: str, revision: int) -> facts_pb2.Precondition:
    """Return the condition that a record exists and last changed at this revision."""
    key = facts_pb2.FactKey(record_type=record_type, id=record_id)
    return facts_pb2.Precondition(key=key, at_revision=revision)


NEWEST = authorization_pb2.Consistency(fully_consistent=True)
"""Facts of which nothing is missing that was committed before the call."""


def at_least(revision_token: str) -> authorization_pb2.Consistency:
    """Return how to ask for facts that include a revision, such as that of a write (`Written.revision_token`)."""
    return authorization_pb2.Consistency(at_least_as_fresh=revision_token)


class SealAuthzClient:
    """A connection to the service. Any thread may use it; close it, or use it as a context manager.

    `tls_roots` are the PEM certificates to trust (None: those of grpcio); `insecure` is plain text, to loopback only.
    Every call ends within its `timeout_s`, attempts included, and raises CallFailed if there is no answer by then.
    Questions take `consistency`: None answers from memory (`Decision.facts_age`), `NEWEST` and `at_least(token)` do not
    answer from older facts.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        tls_roots: bytes | None = None,
        insecure: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        if insecure:
            if not _is_loopback(address):
                raise ValueError(f"plain text goes to loopback only, not to `{address}`")
            self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials(root_certificates=tls_roots)
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        self._is_closed = False
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._timeout_s = timeout_s
        self._authorization: Any = authorization_pb2_grpc.AuthorizationServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._facts: Any = facts_pb2_grpc.FactsServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def __enter__(self) -> SealAuthzClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._channel.close()

    def authorize(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> Decision:
        """Decide one question. `subject` and `resource` are `Type:id`; `language` asks for texts (`en`, `zh`)."""
        request = authorization_pb2.AuthorizeRequest(
            subject=_entity(subject),
            action=action,
            resource=_entity(resource),
            context=_context(context),
            language=language,
            consistency=consistency,
        )
        reply: authorization_pb2.AuthorizeResponse = self._call(self._authorization.Authorize, request, timeout_s)
        return _decision(reply.decision)

    def authorize_batch(
        self,
        questions: Iterable[Question],
        *,
        language: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> list[Decision | NoAnswer]:
        """Decide up to 1,000 questions at one revision; the answers come in the order of the questions."""
        request = authorization_pb2.AuthorizeBatchRequest(
            questions=[
                authorization_pb2.Question(
                    subject=_entity(question.subject),
                    action=question.action,
                    resource=_entity(question.resource),
                    context=_context(question.context),
                )
                for question in questions
            ],
            language=language,
            consistency=consistency,
        )
        reply: authorization_pb2.AuthorizeBatchResponse = self._call(
            self._authorization.AuthorizeBatch, request, timeout_s
        )
        return [
            _decision(item.decision) if item.HasField("decision") else _no_answer(item.status) for item in reply.items
        ]

    def list_actions(
        self,
        subject: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Decision]:
        """Decide every action of the resource's type; by action, in the order of the policies."""
        request = authorization_pb2.ListActionsRequest(
            subject=_entity(subject),
            resource=_entity(resource),
            context=_context(context),
            language=language,
            consistency=consistency,
        )
        reply: authorization_pb2.ListActionsResponse = self._call(self._authorization.ListActions, request, timeout_s)
        return {item.action: _decision(item.decision) for item in reply.actions}

    def explain(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> Explanation:
        """Decide one question, and name the rules that matter and the conditions that stopped them."""
        request = authorization_pb2.ExplainRequest(
            subject=_entity(subject),
            action=action,
            resource=_entity(resource),
            context=_context(context),
            language=language,
            consistency=consistency,
        )
        reply: authorization_pb2.ExplainResponse = self._call(self._authorization.Explain, request, timeout_s)
        return Explanation(
            _decision(reply.explanation.decision), tuple(_outcome(item) for item in reply.explanation.requirements)
        )

    def list_resources(
        self,
        subject: str,
        action: str,
        resource_type: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> ListPage:
        """List one page of the resources of a type on which the subject may do the action.

        `consistency` is that of the first page; the others are of the same revision.
        """
        request = authorization_pb2.ListResourcesRequest(
            subject=_entity(subject),
            action=action,
            resource_type=resource_type,
            context=_context(context),
            page_size=page_size,
            page_token=page_token,
            consistency=consistency,
        )
        reply: authorization_pb2.ListResourcesResponse = self._call(
            self._authorization.ListResources, request, timeout_s
        )
        return _list_page(reply, reply.resource_ids)

    def list_subjects(
        self,
        subject_type: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> ListPage:
        """List one page of those who may do the action to the resource. `subject_type` is `Person`."""
        request = authorization_pb2.ListSubjectsRequest(
            resource=_entity(resource),
            action=action,
            subject_type=subject_type,
            context=_context(context),
            page_size=page_size,
            page_token=page_token,
            consistency=consistency,
        )
        reply: authorization_pb2.ListSubjectsResponse = self._call(self._authorization.ListSubjects, request, timeout_s)
        return _list_page(reply, reply.subject_ids)

    def resource_pages(
        self,
        subject: str,
        action: str,
        resource_type: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        page_size: int = 0,
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[ListPage]:
        """List page after page, each within `timeout_s`.

        Raises CallFailed with ABORTED once facts or policies have changed under it: what was listed already is of
        another revision than what would follow, so it is for the caller to drop it and begin again.
        """

        page_at = partial(self.list_resources, subject, action, resource_type, context)
        return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))

    def subject_pages(
        self,
        subject_type: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        page_size: int = 0,
        consistency: authorization_pb2.Consistency | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[ListPage]:
        """List page after page, each within `timeout_s`; raises CallFailed as `resource_pages` does."""

        page_at = partial(self.list_subjects, subject_type, action, resource, context)
        return _all_pages(partial(page_at, page_size=page_size, consistency=consistency, timeout_s=timeout_s))

    def write_facts(
        self,
        changes: Iterable[facts_pb2.FactChange],
        preconditions: Iterable[facts_pb2.Precondition] = (),
        *,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Written:
        """Make all changes (`put`, `delete`) in one transaction. Without a `request_id` the write gets a fresh one."""
        request = facts_pb2.WriteFactsRequest(
            request_id=request_id or str(uuid.uuid4()), changes=changes, preconditions=preconditions
        )
        reply: facts_pb2.WriteFactsResponse = self._call(self._facts.WriteFacts, request, timeout_s)
        return Written(reply.revision.number, reply.revision.token, _moment(reply.committed_at), reply.replayed)

    def read_facts(
        self,
        record_type: str,
        filters: Mapping[str, str] | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout_s: float | None = None,
    ) -> Page:
        """Read one page of the records of one type, in the order of their ids."""
        request = facts_pb2.ReadFactsRequest(
            record_type=record_type,
            filters=[facts_pb2.FactFilter(field=field, value=value) for field, value in (filters or {}).items()],
            page_size=page_size,
            page_token=page_token,
        )
        reply: facts_pb2.ReadFactsResponse = self._call(self._facts.ReadFacts, request, timeout_s)
        return Page(tuple(reply.facts), reply.next_page_token, reply.revision.number)

    def watch_changes(
        self,
        after: str = "",
        record_types: Iterable[str] = (),
        enterprise_ids: Iterable[str] = (),
        *,
        on_outage: Callable[[CallFailed], None] | None = None,
    ) -> Iterator[Changes]:
        """Yield what is written after a revision (`revision_token`; empty: from now on), each revision once, in order.

        Goes on by itself after an outage, a restart of the server or a lag, for as long as it takes, and ends when the
        client is closed. `on_outage` is told why the server does not answer (UNAVAILABLE), once until it does again.
        Raises CallFailed for what does not pass by itself (FAILED_PRECONDITION: the facts were restored; OUT_OF_RANGE:
        the changes are no longer kept).
        """
        is_out = False
        request = facts_pb2.WatchChangesRequest(after=after, record_types=record_types, enterprise_ids=enterprise_ids)
        pause_s = _FIRST_PAUSE_S
        while not self._is_closed:
            stream = self._facts.WatchChanges(request, metadata=self._metadata)
            try:
                for message in stream:
                    pause_s, is_out = _FIRST_PAUSE_S, False
                    request.after = message.revision.token
                    yield _changes(message)
            except grpc.RpcError as error:
                failed = _failed(error)
                # A message that is too large for us would be so again.
                if not self._is_closed and (failed.code not in _RESUMED or "larger than" in failed.message):
                    raise failed from error
                if failed.code == grpc.StatusCode.UNAVAILABLE and not is_out and not self._is_closed:
                    is_out = True
                    if on_outage is not None:
                        on_outage(failed)
            finally:
                stream.cancel()
            time.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311 (spreads the watchers)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def import_facts(
        self,
        import_id: str,
        enterprise_ids: Iterable[str],
        facts: Iterable[Message],
        *,
        part_size: int = 1_000,
        timeout_s: float = 60.0,
    ) -> Imported:
        """Write records in bulk, a part at a time; nothing is decided about the enterprises until the last is there.

        A record refers only to one before it. `timeout_s` bounds each call, of a few parts, and so how long it is tried
        again while the service is away or busy. An import that broke off is taken up by the same call again, with the
        same facts and `part_size`: parts that are there are not written again. Raises CallFailed; the import then stays
        open, see `abandon_import`.
        """
        enterprises = list(enterprise_ids)
        put_facts = 0
        for window in _windows(import_id, enterprises, map(_fact, facts), part_size):
            # However often: who begins an import has more to lose than its time.
            reply: facts_pb2.ImportFactsResponse = self._call(self._facts.ImportFacts, window, timeout_s, math.inf)
            put_facts += reply.facts
        return Imported(reply.parts, put_facts, reply.revision.number, reply.revision.token, reply.finished)

    def abandon_import(
        self, import_id: str, enterprise_ids: Iterable[str], *, timeout_s: float | None = None
    ) -> Imported:
        """End an import: what was committed stays, and the enterprises are decided about again."""
        request = facts_pb2.ImportFactsRequest(import_id=import_id, enterprise_ids=enterprise_ids, abandon=True)
        reply: facts_pb2.ImportFactsResponse = self._call(self._facts.ImportFacts, [request], timeout_s)
        return Imported(reply.parts, 0, reply.revision.number, reply.revision.token, reply.finished)

    def _call(
        self,
        method: Callable[..., Reply],
        request: Message | Sequence[Message],
        timeout_s: float | None,
        max_attempts: float = MAX_ATTEMPTS,
    ) -> Reply:
        """Call with a message or a stream of them, and call again what may be called again, until the timeout."""
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        pause_s = _FIRST_PAUSE_S
        for attempt in itertools.count(1):
            try:
                sent = request if isinstance(request, Message) else iter(request)
                return method(sent, timeout=max(deadline - time.monotonic(), 0.001), metadata=self._metadata)
            except grpc.RpcError as error:
                failed = _failed(error)
                wait_s = random.uniform(pause_s / 2, pause_s)  # noqa: S311 (spreads the retries; nothing depends on it)
                is_last = attempt >= max_attempts or time.monotonic() + wait_s >= deadline
                if (failed.code not in _RETRIED and failed.reason != _BUSY) or is_last:
                    raise failed from error
            time.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        raise AssertionError("the last attempt returns or raises")


def _is_loopback(address: str) -> bool:
    host, _, _ = address.rpartition(":")
    return host in ("localhost", "[::1]") or (host.startswith("127.") and host.replace(".", "").isdecimal())


def _windows(
    import_id: str, enterprise_ids: list[str], facts: Iterable[records_pb2.Fact], part_size: int
) -> Iterator[list[facts_pb2.ImportFactsRequest]]:
    """Yield the parts of an import, as many at a time as one call takes. Only the answer says that they are there."""
    window: list[facts_pb2.ImportFactsRequest] = []
    for part in _parts(facts, part_size):
        if len(window) == _PARTS_AT_ONCE:
            yield window
            window = []
        if not window:
            part.import_id = import_id
            part.enterprise_ids.extend(enterprise_ids)
        window.append(part)
    yield window


def _parts(facts: Iterable[records_pb2.Fact], part_size: int) -> Iterator[facts_pb2.ImportFactsRequest]:
    """Yield the parts, numbered, the last one marked; without facts it is the only one."""
    part, size = facts_pb2.ImportFactsRequest(part=1), 0
    for fact in facts:
        fact_size = fact.ByteSize() + 8
        if len(part.facts) == part_size or (part.facts and size + fact_size > _MAX_PART_BYTES):
            yield part
            part, size = facts_pb2.ImportFactsRequest(part=part.part + 1), 0
        part.facts.append(fact)
        size += fact_size
    part.last = True
    yield part


def _changes(message: facts_pb2.WatchChangesResponse) -> Changes:
    committed_at = _moment(message.committed_at) if message.HasField("committed_at") else None
    return Changes(message.revision.number, message.revision.token, committed_at, tuple(message.changes))


def _entity(text: str) -> authorization_pb2.Entity:
    """Read `Type:id`; an id may hold colons. What is malformed is left to the service to refuse."""
    record_type, _, record_id = text.partition(":")
    return authorization_pb2.Entity(type=record_type, id=record_id)


def _context(context: Mapping[str, ContextValue] | None) -> dict[str, authorization_pb2.ContextValue]:
    return {key: _context_value(value) for key, value in (context or {}).items()}


def _context_value(value: ContextValue) -> authorization_pb2.ContextValue:
    if isinstance(value, bool):
        return authorization_pb2.ContextValue(bool_value=value)
    if isinstance(value, int):
        return authorization_pb2.ContextValue(int_value=value)
    if isinstance(value, str):
        return authorization_pb2.ContextValue(string_value=value)
    if value.tzinfo is None:
        raise ValueError("a time in a context must have a time zone")
    moment = Timestamp()
    moment.FromDatetime(value)
    return authorization_pb2.ContextValue(time_value=moment)


def _decision(message: authorization_pb2.Decision) -> Decision:
    return Decision(
        is_allowed=message.effect == authorization_pb2.EFFECT_ALLOW,
        reasons=tuple(_reason(reason) for reason in message.reasons),
        next_steps=_next_steps(message.next_steps),
        obligations=tuple(
            Obligation(item.code, _parameters(item.parameters), item.text) for item in message.obligations
        ),
        decision_id=message.decision_id,
        policy_version=message.policy_version,
        revision=message.revision.number,
        revision_token=message.revision.token,
        evaluated_at=_moment(message.evaluated_at),
        valid_until=_moment(message.valid_until),
        facts_age=message.facts_age.ToTimedelta(),
    )


def _all_pages(page_at: Callable[..., ListPage]) -> Iterator[ListPage]:
    """Return page after page, each asked for when it is wanted."""
    page = page_at(page_token="")
    yield page
    while not page.is_complete:
        page = page_at(page_token=page.next_page_token)
        yield page


def _list_page(
    message: authorization_pb2.ListResourcesResponse | authorization_pb2.ListSubjectsResponse, ids: Iterable[str]
) -> ListPage:
    return ListPage(
        ids=tuple(ids),
        next_page_token=message.next_page_token,
        is_complete=message.complete,
        revision=message.revision.number,
        revision_token=message.revision.token,
        policy_version=message.policy_version,
        evaluated_at=_moment(message.evaluated_at),
        valid_until=_moment(message.valid_until),
    )


def _reason(message: authorization_pb2.Reason) -> Reason:
    is_for_operators = message.audience != authorization_pb2.AUDIENCE_USER
    steps = _next_steps(message.next_steps)
    return Reason(message.code, message.stage, message.requirement, steps, is_for_operators, message.text)


def _next_steps(messages: Iterable[authorization_pb2.NextStep]) -> tuple[NextStep, ...]:
    return tuple(NextStep(message.code, _parameters(message.parameters), message.text) for message in messages)


def _parameters(messages: Mapping[str, authorization_pb2.ParameterValue]) -> dict[str, ParameterValue]:
    return {name: _parameter(messages[name]) for name in sorted(messages)}


def _parameter(message: authorization_pb2.ParameterValue) -> ParameterValue:
    match message.WhichOneof("value"):
        case "int_value":
            return message.int_value
        case "time_value":
            return _moment(message.time_value)
        case _:
            return message.string_value


def _outcome(message: authorization_pb2.RequirementOutcome) -> RequirementOutcome:
    standing = authorization_pb2.Standing.Name(message.standing).removeprefix("STANDING_")
    return RequirementOutcome(
        message.requirement,
        standing,
        tuple(message.reasons),
        _rules(message.tried),
        _rules(message.because),
        tuple(map(_attempt, message.attempts)),
    )


def _attempt(message: authorization_pb2.Attempt) -> Attempt:
    return Attempt(
        rule=_rule(message.rule),
        is_met=message.is_met,
        condition=message.condition,
        file=message.file,
        line=message.line,
        values=tuple(message.values),
        under=tuple(map(_attempt, message.under)),
    )


def _rules(messages: Iterable[authorization_pb2.RuleRef]) -> tuple[RuleRef, ...]:
    return tuple(map(_rule, messages))


def _rule(message: authorization_pb2.RuleRef) -> RuleRef:
    return RuleRef(message.head, message.file, message.line, tuple(message.rules))


def _moment(message: Timestamp) -> datetime.datetime:
    return message.ToDatetime(tzinfo=datetime.UTC)


def _no_answer(message: authorization_pb2.ItemStatus) -> NoAnswer:
    violations = tuple((violation.field, violation.description) for violation in message.field_violations)
    return NoAnswer(_code(message.code), message.reason, message.message, violations)


def _code(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if code.value[0] == number), grpc.StatusCode.UNKNOWN)


def _failed(error: grpc.RpcError) -> CallFailed:
    """Read what a failed call says, with the details in its trailer."""
    call: Any = error
    reason = ""
    metadata: dict[str, str] = {}
    violations: tuple[tuple[str, str], ...] = ()
    for detail in _details(call.trailing_metadata() or ()):
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = tuple((violation.field, violation.description) for violation in bad.field_violations)
    return CallFailed(call.code(), call.details() or "", reason, metadata, violations)


def _details(trailer: Sequence[tuple[str, str | bytes]]) -> Sequence[Any]:
    for key, value in trailer:
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                details: Sequence[Any] = status_pb2.Status.FromString(value).details
            except DecodeError:
                return ()
            return details
    return ()
