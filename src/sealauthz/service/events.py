"""EventsService: what people must be told, in the order of its commits, within the caller's right.

Each watcher reads the events behind its place when there is a new revision: there are few beside the changes, and one
look-up finds them. So nothing queues up for a watcher that lags.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from sealauthz.decision import RequestOptions
from sealauthz.decision.bundle import Bundle
from sealauthz.facts import Store
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.store.performed import StoredEvent
from sealauthz.schema import Event
from sealauthz.service.callers import Call
from sealauthz.service.fields import FieldViolations, timestamp
from sealauthz.service.operations import fill_values
from sealauthz.service.places import WHOLE, Place, place_from
from sealauthz.service.questions import checked_language, may_see_of
from sealauthz.service.watching import watched_tenants
from sealauthz_client.v1 import authorization_pb2, events_pb2, events_pb2_grpc

_PAGE = 100
_LOOK_S = 1.0
"""How long a watcher waits for a new revision before it looks by itself."""

_QUIET_S = 2.0
"""After that time without an event a watcher is told how far the stream has come."""


class Names(Protocol):
    """What serves policies, and says what a text may name (`decision.PolicyDecisionPoint`)."""

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served; it may be replaced at any time."""

    def names_for(
        self, event: Event, options: RequestOptions, may_read: Callable[[str, str], bool]
    ) -> Mapping[str, str]:
        """Return what the text of an event may name, beside its values."""


class EventsServicer(events_pb2_grpc.EventsServiceServicer):
    """Streams the events of one store. `signal` announces new revisions."""

    def __init__(self, store: Store, names: Names, signal: Signal) -> None:
        self._store = store
        self._names = names
        self._signal = signal

    def Watch(self, request: events_pb2.WatchRequest, call: Call) -> Iterator[events_pb2.WatchResponse]:
        """Stream events behind a place, as far as the caller may see their enterprises."""
        tenants = watched_tenants(request.enterprise_ids, call.caller, FieldViolations())
        language = checked_language(request.language)
        place = place_from(request.after, self._store)
        return self._stream(place, tenants, language, call)

    def _stream(
        self, place: Place, tenants: frozenset[str] | None, language: str, call: Call
    ) -> Iterator[events_pb2.WatchResponse]:
        store_id, count = self._store.store_id, 0
        told_at = float("-inf")  # a watcher learns at once where it stands
        call.noted["events"] = 0
        while not call.is_cancelled():
            seen = self._signal.revision
            # The revision first: an event of a later one is found the next time, and none is skipped.
            newest = self._store.changes_after(-1, 1, place.timeline).newest
            found = self._store.events_after((place.revision, place.ordinal), _PAGE, tenants)
            for stored in found:
                place = Place(place.timeline, stored.revision, stored.ordinal)
                yield events_pb2.WatchResponse(
                    token=place.text(store_id), event=self._message(stored, language, place.timeline, call)
                )
                told_at = time.monotonic()
                count += 1
                call.noted["events"] = count
            if len(found) == _PAGE:
                continue
            if newest > place.revision:
                place = Place(place.timeline, newest, WHOLE)
            if time.monotonic() - told_at >= _QUIET_S:
                yield events_pb2.WatchResponse(token=place.text(store_id))
                told_at = time.monotonic()
            if self._signal.wait_for_other(seen, _LOOK_S) == seen and call.is_cancelled():
                return

    def _message(self, stored: StoredEvent, language: str, timeline: str, call: Call) -> events_pb2.Event:
        event = stored.event
        record_type, record_id = event.about
        message = events_pb2.Event(
            code=event.code,
            enterprise_id=event.tenant_id,
            about=authorization_pb2.Entity(type=record_type, id=record_id),
            recipient_ids=event.recipients,
            committed_at=timestamp(stored.at),
        )
        fill_values(message.values, event.values)
        if language:
            of_then = Consistency(stored.revision, timeline)
            options = RequestOptions(may_see_of(call.caller), call.caller.name, of_then)
            known = {**self._names.names_for(event, options, call.caller.may_read), **event.values}
            message.text = self._names.bundle.texts.event(event.code, language, known)
        return message
