"""What the soak knows to be true: which switches were on at which revision, and what an answer may therefore say.

It knows nothing of policies, caches or databases. A switch is a fact with two states, such as a seal that is frozen or
not. Writers say when they begin to turn one and at which revision it was turned. An answer names its revision; it must
be right for exactly that one, and the revision must be as new as the question demanded. An answer about a switch that
is just being turned is judged once it is known at which revision it was.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Switch = tuple[str, str]
"""What kind of fact, and which one."""


@dataclass(frozen=True, slots=True)
class At:
    """A revision of one history; a restore begins another history."""

    history: str
    revision: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """What facts a question demanded: at least those `at` a revision, the `newest`, or none older than `max_age_s`."""

    at: At | None = None
    is_newest: bool = False
    max_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Item:
    """Something that was answered: it may be allowed only while all of these are on, and then has to be.

    `why` is what the answer says of a deny; it is only shown.
    """

    needs: tuple[Switch, ...]
    is_allowed: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, with the instants at which it was asked for and had, and a name for what kind of answer it is."""

    what: str
    at: At
    asked_at: float
    answered_at: float
    fresh: Fresh
    items: tuple[Item, ...]
    token: str = ""


@dataclass(slots=True)
class _History:
    """One line of revisions: it can be read from `began_at`, and until `ended_at` at least."""

    began_at: float
    turned: dict[Switch, list[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(list))
    known: list[tuple[float, int]] = field(default_factory=list)
    ended_at: float = float("inf")

    def is_on(self, switch: Switch, revision: int) -> bool:
        """Return the state at a revision."""
        turns = self.turned.get(switch, [])
        place = bisect_right(turns, (revision, True))
        return turns[place - 1][1] if place else False

    def newest(self, before: float) -> int:
        """Return the newest revision that somebody was told of before an instant."""
        place = bisect_right(self.known, (before, 1 << 62))
        return self.known[place - 1][1] if place else 0


class Truth:
    """The switches, and what was found wrong. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._histories: dict[str, _History] = {}
        self._under_way: Counter[Switch] = Counter()
        self._waiting: list[Answer] = []
        self.judged: Counter[str] = Counter()
        self.wrong: list[str] = []

    # --- what writers say ---------------------------------------------------------------------------------------------

    @contextmanager
    def turning(self, switch: Switch) -> Iterator[None]:
        """Stand around a write that turns a switch, until it is known what became of it."""
        with self._lock:
            self._under_way[switch] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[switch] -= 1
                self._judge_waiting()

    def turned(self, switch: Switch, at: At, *, is_on: bool, now: float) -> None:
        """Note that a switch was turned at a revision, and that this is known from now on."""
        with self._lock:
            history = self._histories.setdefault(at.history, _History(began_at=now))
            turns = history.turned[switch]
            insort(turns, (at.revision, is_on))
            insort(history.known, (now, max(at.revision, history.newest(now))))

    def is_on(self, switch: Switch, at: At) -> bool:
        """Return the state of a switch at a revision."""
        with self._lock:
            return self._histories[at.history].is_on(switch, at.revision)

    def ended(self, now: float) -> None:
        """Note that a backup has taken the place of the facts: who asks for the newest ones gets none."""
        with self._lock:
            for each in self._histories.values():
                each.ended_at = min(each.ended_at, now)

    def restored(self, to: At, history: str, began_at: float) -> None:
        """Note that the facts are those of a revision again, with which another history has begun."""
        with self._lock:
            old = self._histories[to.history]
            new = self._histories[history] = _History(began_at)
            for switch, turns in old.turned.items():
                new.turned[switch] = [turn for turn in turns if turn[0] <= to.revision]
            new.known.append((began_at, to.revision))
            self._judge_waiting()

    # --- what answers say ---------------------------------------------------------------------------------------------

    def judge(self, answer: Answer) -> None:
        """Judge an answer, now or as soon as what it is about is known."""
        with self._lock:
            if self._is_settled(answer):
                self._judge(answer)
            else:
                self._waiting.append(answer)

    def is_over(self, history: str, now: float) -> bool:
        """Tell whether a history has ended."""
        with self._lock:
            return history not in self._histories or self._histories[history].ended_at <= now

    def missed(self, history: str, after: int, until: int, seen: set[int]) -> list[int]:
        """Return the revisions at which a switch was turned, after one and until another, that were not seen."""
        with self._lock:
            turned = {revision for turns in self._histories[history].turned.values() for revision, _ in turns}
        return sorted(revision for revision in turned - seen if after < revision <= until)

    def finish(self) -> None:
        """Judge what still waits: nothing more will be known."""
        with self._lock:
            for answer in self._waiting:
                self._judge(answer)
            self._waiting.clear()

    def blame(self, what: str) -> None:
        """Note something that is wrong whatever the facts are."""
        with self._lock:
            self.wrong.append(what)

    def _judge_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            if self._is_settled(answer):
                self._judge(answer)
            else:
                self._waiting.append(answer)

    def _is_settled(self, answer: Answer) -> bool:
        """Tell whether everything is known that an answer rests on: a write under way may be at its revision."""
        history = self._histories.get(answer.at.history)
        if history is None:
            return False
        return not any(
            self._under_way[switch] and answer.at.revision > (turns[-1][0] if (turns := history.turned[switch]) else 0)
            for item in answer.items
            for switch in item.needs
        )

    def _judge(self, answer: Answer) -> None:
        self.judged[answer.what] += 1
        history = self._histories.get(answer.at.history)
        if history is None:
            self.wrong.append(f"{answer.what}: of a history that nobody knows: {answer}")
            return
        for item in answer.items:
            if item.is_allowed != all(history.is_on(switch, answer.at.revision) for switch in item.needs):
                said = "allowed" if item.is_allowed else "denied"
                self.wrong.append(f"{answer.what}: {said} {item.needs} at revision {answer.at.revision}: {answer}")
                return
        if problem := self._staleness(answer, history):
            self.wrong.append(f"{answer.what}: {problem}: {answer}")

    def _staleness(self, answer: Answer, history: _History) -> str:
        """Return in what way an answer is of other facts than were demanded; nothing if it is not."""
        fresh = answer.fresh
        if answer.answered_at < history.began_at:
            return "of a history that had not begun"
        if answer.asked_at > history.ended_at + fresh.max_age_s:
            return "of a history that had ended"
        if fresh.at is not None and fresh.at.history != answer.at.history:
            return "of another history than the token"
        if fresh.at is not None and answer.at.revision < fresh.at.revision:
            return f"older than the token of revision {fresh.at.revision}"
        known = history.newest(answer.asked_at - fresh.max_age_s)
        if fresh.at is None and answer.at.revision < known:
            return f"older than revision {known}, which was known"
        return ""
