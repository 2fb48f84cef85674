"""How much work the analyses of one bundle may take, in steps that are the same on every machine.

Each loop that can take more than its text is long charges for its turns: calls that are followed, alternatives that are
joined, heads that are compared, functions that are made. A bundle that exceeds its budget is refused at the rule that
was being read.
"""

from __future__ import annotations

from sealauthz.polar.diagnostic import cut
from sealauthz.polar.syntax import Place
from sealauthz.runtime.errors import BundleRefused

STEPS_AT_LEAST = 500_000
"""Steps for a bundle of any size."""

STEPS_PER_CHARACTER = 2
"""Steps for each character of a bundle; the product's own policies take about a third of one."""

STEPS_AT_MOST = 5_000_000
"""Steps for a bundle of any size: some twenty seconds."""

COMPILER_STEPS = 300_000
COMPILER_STEPS_PER_RULE = 30
"""Goals and call patterns that one compilation may take; the product's own policies take 150,000."""

MAX_STATEMENTS = 30_000
"""Rules of one bundle, the product's 5,900 among them: these take six seconds and some 800 MB to load."""

MAX_RULES = 100_000
"""Rules that the groups of a bundle may spell out: a short text can name very many."""


class TooMuch(BundleRefused):
    """The bundle is too deep or too large to be analysed; `place` is the rule where the analysis stopped."""

    def __init__(self, message: str, place: Place) -> None:
        self.message = message
        self.place = place
        super().__init__(cut(message), place.file, place.line, place.column)


class Budget:
    """The steps that are left to one analysis."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int | None = None) -> None:
        self._most = self._left = STEPS_AT_MOST if most is None else most

    @classmethod
    def for_text(cls, characters: int) -> Budget:
        """Return the budget of a text, in proportion to its length."""
        return cls(min(max(STEPS_AT_LEAST, STEPS_PER_CHARACTER * characters), STEPS_AT_MOST))

    @classmethod
    def for_rules(cls, count: int) -> Budget:
        """Return the budget of a compiler of so many rules."""
        return cls(min(COMPILER_STEPS + COMPILER_STEPS_PER_RULE * count, STEPS_AT_MOST))

    @property
    def spent(self) -> int:
        """The steps that were charged so far."""
        return self._most - self._left

    def charge(self, steps: int, what: str, place: Place) -> None:
        """Take steps off. Raises TooMuch, naming what takes so many and the place."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch(f"{what}: the analysis stopped after {self._most} steps", place)
