"""The call that follows what people must be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sealauthz_client import answers
from sealauthz_client.calls import Repeats, Rpc, Watch
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import moment_from
from sealauthz_client.operations import named_values
from sealauthz_client.requests import build
from sealauthz_client.v1 import events_pb2

_WATCH = Rpc(events_pb2.WatchRequest, events_pb2.WatchResponse, Repeats.READS_MUCH)


def watch_events(
    after: str = "",
    enterprise_ids: Iterable[str] = (),
    *,
    language: str = "",
    on_place: Callable[[str], None] | None = None,
    on_outage: Callable[[CallFailed], None] | None = None,
) -> Watch[answers.Event]:
    """Yield events behind a token (empty: from now on), in order, each at least once.

    Keep the token of an event once it is handled: the next watch goes on behind it. `on_place` is told how far the
    stream has come where nothing is to be told. Resumes after an outage or a restart of the server, without a
    limit, and ends when the client is closed. `on_outage` is called once per outage. Raises CallFailed for what
    does not pass by itself (FAILED_PRECONDITION: the facts were restored; OUT_OF_RANGE: no longer kept).
    """
    request = build(events_pb2.WatchRequest, after=after, enterprise_ids=enterprise_ids, language=language)

    def read(message: events_pb2.WatchResponse) -> answers.Event | None:
        if message.HasField("event"):
            return _event_from(message)
        if on_place is not None:
            on_place(message.token)
        return None

    return Watch(_WATCH, request, read, _resume_behind, on_outage)


def _resume_behind(request: events_pb2.WatchRequest, message: events_pb2.WatchResponse) -> None:
    request.after = message.token


def _event_from(message: events_pb2.WatchResponse) -> answers.Event:
    event = message.event
    return answers.Event(
        token=message.token,
        code=event.code,
        enterprise_id=event.enterprise_id,
        about=f"{event.about.type}:{event.about.id}",
        recipient_ids=tuple(event.recipient_ids),
        committed_at=moment_from(event.committed_at),
        values=named_values(event.values),
        text=event.text,
    )
