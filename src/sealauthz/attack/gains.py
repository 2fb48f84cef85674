"""Which worlds let somebody do more than was known: beyond the acts that are tried in every way, these are followed.

It is how far people are from what they might do that counts: an act that they may do now, or fewer requirements of it
that are unmet. What an act gains it gains wherever it is done, so that acts which gain nothing together are not
followed together. This looks further and not everywhere: what several acts bring about within one requirement, of
which none shows any gain alone, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from sealauthz.attack.candidates import Kept


class Gains:
    """The least that was unmet of each act so far, by the number of acts behind which it was so."""

    def __init__(self) -> None:
        self._least: dict[int, list[tuple[int, frozenset[str]]]] = {}
        self._looked: WeakKeyDictionary[Kept, tuple[int, bool]] = WeakKeyDictionary()
        """For what was looked at: the least number of acts behind which, and whether it was a gain there."""
        self._goals: dict[int, int] = {}
        """The least number of acts behind which what a goal looks at was so."""

    def are_in(self, kept: Iterable[Kept], as_the_goal_sees_it: int, acts: int) -> bool:
        """Note how far people are from what they might do behind so many acts. Tell whether they are nearer to any act
        than they were behind fewer, or the goal sees what it did not see behind fewer.
        """
        found = self._goals.setdefault(as_the_goal_sees_it, acts) == acts
        for each in kept:
            known = self._looked.get(each)
            if known is None or known[0] > acts:
                known = self._looked[each] = (acts, self._noted(each, acts))
            found |= known[0] == acts and known[1]
        return found

    def _noted(self, kept: Kept, acts: int) -> bool:
        """Note what was found behind so many acts, and tell whether it is less than was known behind fewer."""
        is_gain = False
        for what, unmet in kept.standings:
            least = self._least.setdefault(what, [])
            if any(behind < acts and some <= unmet for behind, some in least):
                continue
            is_gain = True
            if (acts, unmet) not in least:
                least.append((acts, unmet))
        return is_gain
