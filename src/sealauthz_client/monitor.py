"""The calls that show what happens to seals, to a person who may monitor them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from sealauthz_client.answers import Activity, ActivityPage, Decision
from sealauthz_client.calls import Call, Repeats, Rpc, Watch
from sealauthz_client.failures import CallFailed
from sealauthz_client.messages import decision_from, moment_from
from sealauthz_client.operations import named_values
from sealauthz_client.requests import build
from sealauthz_client.v1 import monitor_pb2

_WATCH = Rpc(monitor_pb2.WatchSealActivityRequest, monitor_pb2.WatchSealActivityResponse, Repeats.READS_MUCH)
_LIST = Rpc(monitor_pb2.ListSealActivityRequest, monitor_pb2.ListSealActivityResponse, Repeats.READS_MUCH)


def watch_seal_activity(
    subject: str,
    enterprise_ids: Iterable[str],
    after: str = "",
    *,
    seal_ids: Iterable[str] = (),
    person_ids: Iterable[str] = (),
    branches: Iterable[str] = (),
    personal: bool = False,
    language: str = "",
    on_decision: Callable[[Decision], None] | None = None,
    on_place: Callable[[str], None] | None = None,
    on_outage: Callable[[CallFailed], None] | None = None,
) -> Watch[Activity]:
    """Yield what happens behind a token (empty: from now on), in order, each at least once, while `subject` may see it;
    end where the subject may not. A watch from now on begins with the alerts that nobody has acknowledged.

    `subject` and `branches` (departments, enterprises) are `Type:id`. `on_decision` is told whether the subject may
    watch: when a watch begins, after an outage too, and when the right ends. `on_place` is told how far the stream has
    come where nothing happened. Resumes after an outage or a restart of the server, without a limit; `on_outage` is
    called once per outage. Raises CallFailed for what does not pass by itself (FAILED_PRECONDITION: the facts were
    restored; OUT_OF_RANGE: no longer kept).
    """
    view = _view(subject, enterprise_ids, seal_ids, person_ids, branches, personal=personal)
    request = build(monitor_pb2.WatchSealActivityRequest, view=view, after=after, language=language)

    def read(message: monitor_pb2.WatchSealActivityResponse) -> Activity | None:
        if message.HasField("item"):
            return _activity_from(message.item)
        if message.HasField("decision"):
            if on_decision is not None:
                on_decision(decision_from(message.decision))
        elif on_place is not None:
            on_place(message.token)
        return None

    return Watch(_WATCH, request, read, _resume_behind, on_outage, _is_denied)


def _resume_behind(
    request: monitor_pb2.WatchSealActivityRequest, message: monitor_pb2.WatchSealActivityResponse
) -> None:
    request.after = message.token


def _is_denied(message: monitor_pb2.WatchSealActivityResponse) -> bool:
    return message.HasField("decision") and not decision_from(message.decision)


def seal_activity(
    subject: str,
    enterprise_ids: Iterable[str],
    *,
    seal_ids: Iterable[str] = (),
    person_ids: Iterable[str] = (),
    branches: Iterable[str] = (),
    personal: bool = False,
    after: str = "",
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    page_size: int = 0,
    page_token: str = "",
    language: str = "",
    timeout_s: float | None = None,
) -> Call[ActivityPage]:
    """Return a page of what happened, the newest first, as far as `subject` may see it.

    Go on with `next_page_token`, everything else being the same. Raises CallFailed, and ValueError for a time without
    a time zone.
    """
    request = build(
        monitor_pb2.ListSealActivityRequest,
        view=_view(subject, enterprise_ids, seal_ids, person_ids, branches, personal=personal),
        after=after,
        since=since,
        until=until,
        page_size=page_size,
        page_token=page_token,
        language=language,
    )
    return _LIST.call(request, _page_from, timeout_s)


def _page_from(reply: monitor_pb2.ListSealActivityResponse) -> ActivityPage:
    decision = decision_from(reply.decision) if reply.HasField("decision") else None
    return ActivityPage(decision, tuple(map(_activity_from, reply.items)), reply.next_page_token)


def _view(
    subject: str,
    enterprise_ids: Iterable[str],
    seal_ids: Iterable[str],
    person_ids: Iterable[str],
    branches: Iterable[str],
    *,
    personal: bool,
) -> monitor_pb2.ActivityView:
    return build(
        monitor_pb2.ActivityView,
        subject=subject,
        enterprise_ids=enterprise_ids,
        seal_ids=seal_ids,
        person_ids=person_ids,
        branches=branches,
        personal=personal,
    )


def _activity_from(message: monitor_pb2.SealActivity) -> Activity:
    return Activity(
        token=message.token,
        code=message.code,
        enterprise_id=message.enterprise_id,
        about=f"{message.about.type}:{message.about.id}",
        seal_id=message.seal_id,
        person_id=message.person_id,
        committed_at=moment_from(message.committed_at),
        values=named_values(message.values),
        is_standing=message.standing,
    )
