"""MonitorService: what happens, live and as a list, to those whom the policies let watch it.

A watcher reads what lies behind its place when there is a new revision, like one of events. Before anything is sent,
and at least every second, the view is decided again on the newest facts by the policies of now: who loses the right is
sent nothing more.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import partial

from sealauthz.decision import PolicyDecisionPoint, RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.ids import new_id
from sealauthz.facts import Store
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.store.activity import Activity, ActivityFilter
from sealauthz.operations.monitoring import END, Monitoring, View
from sealauthz.operations.shared_views import SharedViews
from sealauthz.runtime import base64url
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.callers import Call, Caller
from sealauthz.service.fields import FieldViolations, timestamp
from sealauthz.service.operations import fill_values
from sealauthz.service.places import Place, place_from
from sealauthz.service.questions import checked_language, entity_from
from sealauthz.service.recording import NOTHING_RECORDED, Recording, act_options
from sealauthz.service.responses import fill_decision
from sealauthz.service.watching import watched_tenants
from sealauthz_client.v1 import authorization_pb2, monitor_pb2, monitor_pb2_grpc

MAX_NAMED = 100
"""Of enterprises, and of everything else that a view names."""

MAX_PAGE = 1_000
_DEFAULT_PAGE = 100
_QUIET_S = 2.0
"""After that time without an item a watcher is told how far the stream has come."""

_WATCH = "WatchSealActivity"
_LIST = "ListSealActivity"


class MonitorServicer(monitor_pb2_grpc.MonitorServiceServicer):
    """Shows the activity of one store. `signal` announces new revisions."""

    def __init__(
        self, store: Store, pdp: PolicyDecisionPoint, signal: Signal, recording: Recording = NOTHING_RECORDED
    ) -> None:
        self._store = store
        self._signal = signal
        self._recording = recording
        self._monitoring = Monitoring(store, pdp)
        self._views = SharedViews(self._monitoring)

    def WatchSealActivity(
        self, request: monitor_pb2.WatchSealActivityRequest, call: Call
    ) -> Iterator[monitor_pb2.WatchSealActivityResponse]:
        """Stream activity behind a place, while the subject may watch."""
        view = _view_from(request.view, call.caller, FieldViolations())
        language = checked_language(request.language)
        place = place_from(request.after, self._store)
        return self._stream(view, place, language, call, begins=not request.after)

    def ListSealActivity(
        self, request: monitor_pb2.ListSealActivityRequest, call: Call
    ) -> monitor_pb2.ListSealActivityResponse:
        """Return a page of activity, the newest first."""
        began = time.perf_counter_ns()
        violations = FieldViolations()
        if request.page_size < 0:
            violations.add("page_size", "must not be negative")
        since = violations.instant("since", request.since) if request.HasField("since") else 0
        until = violations.instant("until", request.until) if request.HasField("until") else 0
        view = _view_from(request.view, call.caller, violations)
        language = checked_language(request.language)
        view = replace(view, wanted=replace(view.wanted, since=since, until=until))
        asked = _asked(request)
        before = _before(request.page_token, asked) if request.page_token else END
        start = place_from(request.after, self._store)
        options = self._options(call, start.timeline)
        response = monitor_pb2.ListSealActivityResponse()
        decision = self._monitoring.decide(view, options)
        items: tuple[Activity, ...] = ()
        if decision is None or decision:
            size = min(request.page_size or _DEFAULT_PAGE, MAX_PAGE)
            after = (start.revision, start.ordinal) if request.after else (-1, 0)
            page = self._monitoring.page(view, size, after, before, options)
            items = page.items
            response.items.extend(self._message(each, start.timeline) for each in items)
            response.next_page_token = "" if page.before is None else _token(page.before, asked)
        if decision is not None:
            fill_decision(response.decision, decision, call.caller, self._store.store_id, language)
        self._record(_LIST, call, decision, began, len(items))
        return response

    def _options(self, call: Call, timeline: str) -> RequestOptions:
        """Return for whom is decided, on facts that are as new as what is shown."""
        newest = self._store.changes_after(-1, 1, timeline).newest
        return replace(act_options(call), consistency=Consistency(newest, timeline))

    def _record(self, kind: str, call: Call, decision: Decision | None, began: int, count: int) -> None:
        call.noted["items"] = count
        if decision is not None:
            call.noted["effect"] = str(decision.effect)
            self._recording.answered(kind, call, decision, began, shown=count)

    def _stream(
        self, view: View, place: Place, language: str, call: Call, *, begins: bool
    ) -> Iterator[monitor_pb2.WatchSealActivityResponse]:
        store_id, count = self._store.store_id, 0
        told_at = float("-inf")  # a watcher learns at once where it stands
        was_told: bool | None = None
        with self._views.watched(view, place.timeline, _rights(call.caller)) as shared:
            while not call.is_cancelled():
                began, told = time.perf_counter_ns(), self._signal.revision
                look = shared.look(told, partial(self._options, call, place.timeline))
                options = replace(act_options(call), consistency=look.consistency)
                decision, may_watch = look.decision, look.may_watch
                if may_watch is not was_told:
                    if decision is not None:
                        # One decision for all who watch, and one for each in the log, under an id of its own.
                        decision = replace(decision, decision_id=new_id())
                    self._record(_WATCH, call, decision, began, count)
                    was_told = may_watch
                    if decision is not None:
                        response = monitor_pb2.WatchSealActivityResponse(token=place.text(store_id))
                        fill_decision(response.decision, decision, call.caller, store_id, language)
                        yield response
                        told_at = time.monotonic()
                if not may_watch:
                    return
                if begins:
                    for each in shared.standing(look, options):
                        item = self._message(each, place.timeline, is_standing=True)
                        yield monitor_pb2.WatchSealActivityResponse(token=place.text(store_id), item=item)
                    begins = False
                behind = shared.behind(look, (place.revision, place.ordinal), options)
                for each in behind.items:
                    yield monitor_pb2.WatchSealActivityResponse(
                        token=_place(each, place.timeline).text(store_id), item=self._message(each, place.timeline)
                    )
                    told_at = time.monotonic()
                    count += 1
                    call.noted["items"] = count
                place = Place(place.timeline, *behind.place)
                if behind.goes_on:
                    continue
                if time.monotonic() - told_at >= _QUIET_S:
                    yield monitor_pb2.WatchSealActivityResponse(token=place.text(store_id))
                    told_at = time.monotonic()
                # Until the look that is shared is over: so those who watch look again together.
                rest = max(look.until - time.monotonic(), 0.0)
                if self._signal.wait_for_other(told, rest) == told and call.is_cancelled():
                    return

    def _message(self, activity: Activity, timeline: str, *, is_standing: bool = False) -> monitor_pb2.SealActivity:
        record_type, record_id = activity.about
        message = monitor_pb2.SealActivity(
            token="" if is_standing else _place(activity, timeline).text(self._store.store_id),
            standing=is_standing,
            code=activity.code,
            enterprise_id=activity.tenant_id,
            about=authorization_pb2.Entity(type=record_type, id=record_id),
            seal_id=activity.topic_id,
            person_id=activity.subject_id,
            committed_at=timestamp(activity.at),
        )
        fill_values(message.values, activity.values)
        return message


def _rights(caller: Caller) -> tuple[Hashable, ...]:
    """Return what tells apart whose rights decide: callers of one name may have others after a reload."""
    return caller.name, caller.tenants, caller.sees_operator_reasons


def _place(activity: Activity, timeline: str) -> Place:
    return Place(timeline, *activity.place)


def _view_from(message: monitor_pb2.ActivityView, caller: Caller, violations: FieldViolations) -> View:
    """Read a view. Raises InvalidRequest, with what else `violations` has noted, and CallerNotPermitted."""
    subject = entity_from(message.subject, "view.subject", violations)
    if message.HasField("subject") and subject.type not in caller.model.subjects:
        violations.add("view.subject.type", f"must be one of {', '.join(caller.model.subjects)}")
    violations.check_count("view.enterprise_ids", len(message.enterprise_ids), MAX_NAMED, 1)
    for name, ids in (("seal_ids", message.seal_ids), ("person_ids", message.person_ids)):
        violations.check_count(f"view.{name}", len(ids), MAX_NAMED)
        for number, each in enumerate(ids):
            violations.check_id(f"view.{name}[{number}]", each)
    violations.check_count("view.branches", len(message.branches), MAX_NAMED)
    monitored = caller.model.monitored
    branches = set()
    for number, branch in enumerate(message.branches):
        entity = entity_from(branch, f"view.branches[{number}]", violations)
        if monitored is not None and entity.type not in monitored.branch_types:
            violations.add(f"view.branches[{number}].type", f"must be one of {', '.join(monitored.branch_types)}")
        branches.add(str(entity))
    tenants = watched_tenants(message.enterprise_ids, caller, violations, "view.enterprise_ids")
    wanted = ActivityFilter(tenants or frozenset(), frozenset(message.seal_ids), frozenset(message.person_ids))
    return View(subject, wanted, frozenset(branches), message.personal)


def _asked(request: monitor_pb2.ListSealActivityRequest) -> str:
    """Return what tells one list from another: all that is asked but for the page."""
    same = monitor_pb2.ListSealActivityRequest()
    same.CopyFrom(request)
    same.page_token, same.page_size, same.language = "", 0, ""
    return hashlib.sha256(same.SerializeToString(deterministic=True)).hexdigest()[:16]


def _token(before: tuple[int, int], asked: str) -> str:
    """Return what asks for the next page of the same list."""
    return base64url.encode(json.dumps([*before, asked]).encode())


def _before(token: str, asked: str) -> tuple[int, int]:
    try:
        content = json.loads(base64url.decode(token))
        revision, ordinal, of = content
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest.at("page_token", "is not a token of this list") from error
    numbers = (revision, ordinal)
    if of != asked or not all(type(each) is int and 0 <= each < 2**62 for each in numbers):
        raise InvalidRequest.at("page_token", "is not a token of this list")
    return numbers
