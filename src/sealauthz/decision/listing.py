"""Lists: the resources that a subject may act on, or the subjects who may act on a resource, page by page.

What could be allowed is found through the links of the policies (`polar.reach`), from the side that is known; where
they link nothing, it is everything of the type. Each candidate is then decided like any question. Rules kept: a list
holds exactly what Authorize allows at its revision and instant; whatever ends a page early says so; every page gets
further. A list that excepts requirements holds what is allowed, or would be if these alone were met, and permits
nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sealauthz.decision.assembly import MaySee
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.candidates import Plans, candidates
from sealauthz.decision.paging import Paging, Start, page_size, start_of, token_of
from sealauthz.decision.question import ListQuery, Question
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.facts.memory.permits import NotAtOnce, TooLongAtOnce
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.polar.reach import Links, Root
from sealauthz.runtime.errors import CallerNotPermitted, InvalidRequest, TimeOver, did_you_mean
from sealauthz.schema import Instant
from sealauthz_client import answers

_CANDIDATES_AT_ONCE, _SECONDS_AT_ONCE = 16, 0.002
_SHARE_OF_DEADLINE = 0.8
"""How much of the time until the deadline a page is looked for; the rest is for the way back."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one page may cost: candidates decided, and seconds; the page that reaches a bound ends there. Until there is
    a candidate there is nothing to give: the first one is looked for as long as the call has time, `search_seconds` at
    most. With `is_firm` there is no page then: another thread has more time.
    """

    candidates: int = 5_000
    seconds: float = 1.0
    is_firm: bool = False
    search_seconds: float = 10.0

    @property
    def at_once(self) -> Bounds:
        """What a page may cost that is looked for on the thread that serves all calls."""
        return Bounds(min(self.candidates, _CANDIDATES_AT_ONCE), min(self.seconds, _SECONDS_AT_ONCE), is_firm=True)


class Entry(NamedTuple):
    """Why a candidate is listed: until when, and which excepted requirements it lacks; none where it is allowed."""

    valid_until: Instant
    still_required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedActions:
    """The actions on one resource that are allowed but for excepted requirements. Permits nothing.

    `questions` is what was decided for it, one for each action of the type.
    """

    items: tuple[answers.ConditionalItem, ...]
    questions: tuple[Question, ...]
    except_requirements: tuple[str, ...]
    timeline: str
    revision: int
    policy_version: str
    evaluated_at: Instant
    policy_digest: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page: ids in their order, perhaps none although more pages follow. All pages are of one revision and instant.

    `next_page_token` is empty at the end, and only there. `valid_until` is when the first of the ids must no longer be
    acted on.

    With `except_requirements` the ids are permitted to nobody yet: each has in `still_required` what it lacks.
    """

    ids: tuple[str, ...]
    next_page_token: str
    timeline: str
    revision: int
    policy_version: str
    evaluated_at: Instant
    valid_until: Instant
    except_requirements: tuple[str, ...] = ()
    still_required: tuple[tuple[str, ...], ...] = ()
    policy_digest: str = field(default="", compare=False, repr=False)

    @property
    def is_complete(self) -> bool:
        """Whether nothing follows this page."""
        return not self.next_page_token

    def answer(self) -> answers.ListPage:
        """Return the page as readers get it. Raises ValueError for one that permits nothing."""
        if self.except_requirements:
            raise ValueError("what is listed but for a requirement is no permission")
        return answers.ListPage(ids=self.ids, **self._frame())

    def conditional_answer(self) -> answers.ConditionalPage:
        """Return a page that excepts requirements as readers get it."""
        return answers.ConditionalPage(items=self.items, except_requirements=self.except_requirements, **self._frame())

    def _frame(self) -> dict[str, Any]:
        """What readers get of every page, beside what was found."""
        return {
            "next_page_token": self.next_page_token,
            "is_complete": self.is_complete,
            "revision": self.revision,
            "revision_token": "",
            "policy_version": self.policy_version,
            "evaluated_at": answers.moment(self.evaluated_at),
            "valid_until": answers.moment(self.valid_until),
        }

    @property
    def items(self) -> tuple[answers.ConditionalItem, ...]:
        """The ids of a page that excepts requirements, each with what it lacks."""
        return tuple(map(answers.ConditionalItem, self.ids, self.still_required))


def check_exceptions(excepted: Iterable[str], known: Collection[str], about: str) -> None:
    """Raises InvalidRequest for a requirement that is none of those known: leaving it out would change nothing."""
    for place, requirement in enumerate(excepted):
        if requirement not in known:
            near = did_you_mean(requirement, known)
            raise InvalidRequest.at(f"except_requirements[{place}]", f"is not a requirement of {about}{near}")


def check_query(query: ListQuery, bundle: Bundle) -> None:
    """Raises InvalidRequest where no question of the query could be decided: a list cannot say why it is empty."""
    is_of_resources = query.root is Root.SUBJECT
    subjects = bundle.model.subjects
    if query.subject_type not in subjects:
        at = "subject.type" if is_of_resources else "subject_type"
        raise InvalidRequest.at(at, f"is not a type of subjects: only {', '.join(subjects)} is")
    requirements = bundle.rulebook.requirements.get((query.action, query.resource_type))
    if requirements is None:
        types = bundle.rulebook.resource_types
        if query.resource_type not in types:
            at = "resource_type" if is_of_resources else "resource.type"
            near = did_you_mean(query.resource_type, types)
            raise InvalidRequest.at(at, f"is not a type that the policies have actions for{near}")
        near = did_you_mean(query.action, bundle.actions[query.resource_type])
        raise InvalidRequest.at("action", f"is not an action on {query.resource_type}{near}")
    check_exceptions(query.except_requirements, requirements, f"`{query.action}` on {query.resource_type}")


@dataclass(frozen=True, slots=True)
class Search:
    """One page to be found: whose, from where on, how large, and at which time of `time.monotonic` to stop, and to give
    up where there is no candidate yet.
    """

    query: ListQuery
    caller: str
    start: Start
    size: int
    links: Links
    bounds: Bounds
    stop_at: float
    give_up_at: float


def search_for(
    query: ListQuery, paging: Paging, plans: Plans, caller: str, now: Instant, bounds: Bounds, deadline: Deadline
) -> Search:
    """Return what to look for, in a part of the time that is left. Raises InvalidRequest, RevisionGone, and
    NotAtOnce where the bounds are firm and the links must be read out of the policies first.
    """
    bundle = plans.bundle
    check_query(query, bundle)
    if bounds.is_firm and not plans.has_links(query):
        raise NotAtOnce
    size = page_size(paging.size)
    start = start_of(query, paging.token, bundle.version, caller, now)
    links = plans.links(query)  # before the clock starts: it makes the first list of an action take longer
    begun = time.monotonic()
    left = math.inf if deadline.at is None else (deadline.at - begun) * _SHARE_OF_DEADLINE
    seconds = min(bounds.seconds, left)
    patience = seconds if bounds.is_firm else max(seconds, min(bounds.search_seconds, left))
    return Search(query, caller, start, size, links, bounds, begun + seconds, begun + patience)


def find_page(
    search: Search,
    plans: Plans,
    snapshot: FactSnapshot,
    listed: Callable[[Question], Entry | None],
    may_see: MaySee,
    empty_until: Instant,
) -> ListPage:
    """Return the page; `listed` decides a question. An empty page holds until `empty_until`.

    Raises RevisionGone where the facts have moved on, TimeOver where the time ends before there is a candidate,
    NotAtOnce where a firm bound is reached (TooLongAtOnce if that is the one on candidates), and CallerNotPermitted
    where nothing but a right on every enterprise lets the caller know what there is.
    """
    bounds = search.bounds

    def watch() -> None:
        if time.monotonic() >= search.give_up_at:
            if bounds.is_firm:
                raise NotAtOnce
            raise TimeOver("deadline exceeded before a candidate of the list was found")

    query, start = search.query, search.start
    start.check(snapshot.timeline, snapshot.revision)
    after = start.after
    left = candidates(query, search.links, plans, snapshot, after, may_see, watch)
    ids: list[str] = []
    lacking: list[tuple[str, ...]] = []
    valid_until: Instant | None = None
    more: str | None = None
    decided = 0
    for candidate in left:
        # At least one is decided: a page without progress would be requested again and again.
        is_over = decided and (decided >= bounds.candidates or time.monotonic() >= search.stop_at)
        if is_over and bounds.is_firm:
            raise TooLongAtOnce if decided >= bounds.candidates else NotAtOnce
        if is_over or len(ids) == search.size:
            more = candidate
            break
        try:
            entry = listed(query.about(candidate))
        except CallerNotPermitted:
            continue  # what the caller may not ask about is not there for it, and no token names it
        after = candidate
        decided += 1
        if entry is not None:
            ids.append(candidate)
            lacking.append(entry.still_required)
            valid_until = entry.valid_until if valid_until is None else min(valid_until, entry.valid_until)
    goes_on = start._replace(after=after, timeline=snapshot.timeline, revision=snapshot.revision)
    return ListPage(
        ids=tuple(ids),
        next_page_token="" if more is None else token_of(query, goes_on, search.caller),
        timeline=snapshot.timeline,
        revision=snapshot.revision,
        policy_version=start.policy_version,
        evaluated_at=start.evaluated_at,
        valid_until=empty_until if valid_until is None else valid_until,
        except_requirements=tuple(sorted(query.exceptions)),
        still_required=tuple(lacking) if query.exceptions else (),
        policy_digest=plans.bundle.digest,
    )
