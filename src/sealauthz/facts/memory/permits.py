"""Whose turn it is to read the database: so many answers at a time, and the others in line until their deadline.

So the other threads still answer what is in memory, and no call is refused because others read.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from sealauthz.facts.memory.consistency import Deadline
from sealauthz.runtime.errors import ServiceBusy
from sealauthz.runtime.spans import span

LONGEST_WAIT_S = 10.0
"""How long a call without a deadline waits."""

_UNLIMITED = 1_000_000


class PermitQueue:
    """So many at a time; the others one after another, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._line: deque[threading.Event] = deque()
        self._changing = threading.Lock()

    def take_now(self) -> bool:
        """Take a turn if there is one and nobody waits for it."""
        with self._changing:
            if self._free == 0:
                return False
            self._free -= 1
            return True

    def take(self, timeout_s: float) -> bool:
        """Take a turn, after all who came before; False if that takes longer."""
        with self._changing:
            if self._free > 0:
                self._free -= 1
                return True
            mine = threading.Event()
            self._line.append(mine)
        if mine.wait(timeout_s):
            return True
        with self._changing:
            if mine.is_set():  # at the last moment
                return True
            self._line.remove(mine)
            return False

    def give_back(self) -> None:
        """Give a turn to who waits longest."""
        with self._changing:
            # INVARIANT: a turn is free only where nobody waits.
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1


class ReadPermits:
    """Lets `most` answers read the database at a time, and at most `longest` wait.

    Lists read it for long. They leave one of several turns to the others. `step_aside` stands around each wait: who
    has the threads (`service.pools`) puts another in the place of the one that waits.
    """

    def __init__(self, most: int = _UNLIMITED, longest: int = _UNLIMITED) -> None:
        self.most = most
        self.longest = longest
        self.step_aside: Callable[[], AbstractContextManager[object]] = nullcontext
        self._turns = PermitQueue(most)
        self._list_turns = PermitQueue(max(1, most - 1))
        self._waiting = 0
        self._counting = threading.Lock()

    @classmethod
    def for_threads(cls, threads: int, max_calls: int) -> ReadPermits:
        """Return the waits of a pool: half of its threads read, and half of its calls may wait; one at least."""
        return cls(max(1, threads // 2), max(1, max_calls // 2))

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    @contextmanager
    def turn(self, deadline: Deadline, *, is_list: bool = False, has_place: bool = False) -> Iterator[bool]:
        """Stand around what reads the database; yield whether it had to be waited for. Raises TimeOver, ServiceBusy.

        A thread takes one at a time. One that `has_place` waits in it.
        """
        has_waited = False
        with ExitStack() as taken:
            for turns in (self._list_turns, self._turns) if is_list else (self._turns,):
                has_waited |= self._take(turns, deadline, has_place)
                taken.callback(turns.give_back)
            # Not before: the time may be over just when the turn comes.
            deadline.rest(LONGEST_WAIT_S)
            yield has_waited

    @contextmanager
    def place(self) -> Iterator[None]:
        """Stand around waits that need no turn, one after the other. Raises ServiceBusy where too many wait.

        The place is kept between them: a call that may wait is not refused later because others came.
        """
        with self._counting:
            if self._waiting >= self.longest:
                raise ServiceBusy("too many calls wait for facts that are not in memory yet")
            self._waiting += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiting -= 1

    def _take(self, turns: PermitQueue, deadline: Deadline, has_place: bool) -> bool:
        """Take a turn; return whether it had to be waited for."""
        rest_s = deadline.rest(LONGEST_WAIT_S)
        if turns.take_now():
            return False
        with span("wait"), nullcontext() if has_place else self.place(), self.step_aside():
            if turns.take(rest_s):
                return True
        deadline.rest(LONGEST_WAIT_S)
        raise ServiceBusy("too many calls wait for facts that are not in memory yet")


class WaitedForPermit(Exception):
    """The turn to read the database has come after a wait: the answer begins again, with facts and times of now."""


class NotAtOnce(Exception):
    """What is asked cannot be answered at once: it needs more than is in memory, or takes long. Ask where it may."""


class TooLongAtOnce(NotAtOnce):
    """Memory has what is asked, but to find it takes long; it will the next time too."""


class ReadPermit:
    """The turn of one answer to read the database, from when it is first needed to the end."""

    may_wait = True
    is_refused = False

    def __init__(self, permits: ReadPermits, deadline: Deadline, is_list: bool = False) -> None:
        self._permits = permits
        self._deadline = deadline
        self._is_list = is_list
        self._taken: ExitStack | None = None
        self._refused: ServiceBusy | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it is our permit."""
        return self._taken is not None

    def take(self) -> None:
        """See to it that it is our permit. Raises WaitedForPermit if that took a wait, TimeOver, ServiceBusy."""
        if self._taken is not None:
            return
        if self._refused is not None:
            raise self._refused  # the rest of a batch need not wait for the same again
        with ExitStack() as taking:
            try:
                has_waited = taking.enter_context(self._permits.turn(self._deadline, is_list=self._is_list))
            except ServiceBusy as error:
                self._refused = error
                raise
            self._taken = taking.pop_all()
        if has_waited:
            raise WaitedForPermit

    def close(self) -> None:
        """Let the next one read."""
        if self._taken is not None:
            taken, self._taken = self._taken, None
            taken.close()


class NoPermit(ReadPermit):
    """What stands for the turn of an answer from memory alone: it never comes."""

    may_wait = False

    def take(self) -> None:
        """Raise NotAtOnce; `is_refused` stays set, so that nobody on the way can make an answer of it."""
        self.is_refused = True
        raise NotAtOnce
