"""The call that follows what people must be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sealauthz_client import answers
from sealauthz_client.messages import moment_from
from sealauthz_client.operations import named_values
from sealauthz_client.transport import CallFailed, Connection
from sealauthz_client.v1 import events_pb2


class EventsCalls(Connection):
    """The call of EventsService."""

    def watch_events(
        self,
        after: str = "",
        enterprise_ids: Iterable[str] = (),
        *,
        language: str = "",
        on_place: Callable[[str], None] | None = None,
        on_outage: Callable[[CallFailed], None] | None = None,
    ) -> Iterator[answers.Event]:
        """Yield events behind a token (empty: from now on), in order, each at least once.

        Keep the token of an event once it is handled: the next watch goes on behind it. `on_place` is told how far the
        stream has come where nothing is to be told. Resumes after an outage or a restart of the server, without a
        limit, and ends when the client is closed. `on_outage` is called once per outage. Raises CallFailed for what
        does not pass by itself (FAILED_PRECONDITION: the facts were restored; OUT_OF_RANGE: no longer kept).
        """
        request = events_pb2.WatchRequest(after=after, enterprise_ids=enterprise_ids, language=language)
        for message in self._resumed(self._events.Watch, request, on_outage):
            request.after = message.token
            if message.HasField("event"):
                yield _event_from(message)
            elif on_place is not None:
                on_place(message.token)


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
