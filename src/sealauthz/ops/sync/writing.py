"""Writing what was planned: in transactions of many changes, and around those that the store refuses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence

from sealauthz.facts import Batch, Store
from sealauthz.ops.sync.planning import Planned, Rejected
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken

_NAMED = re.compile(r"`(\w+):([^`]+)`")
_CHANGE = re.compile(r"(?:changes|preconditions)\[(\d+)\]")
_TAKEN_OUT = 20
"""Changes that are taken out of one transaction before it is cut in half."""

Refusal = InvalidRequest | FactConflict | InvariantBroken


class Writing:
    """The transactions of one sync. `told` is called with how many changes are done."""

    def __init__(self, store: Store, caller: str, told: Callable[[int], None]) -> None:
        self._store = store
        self._caller = caller
        self._told = told
        self.written = 0
        self.revision = 0

    def write(self, changes: Sequence[Planned], size: int) -> list[Rejected]:
        """Write the changes in their order, so many at a time; return those that the store refuses, each with why.

        Every transaction keeps every rule. Raises FactsUnavailable: what is written stays, and is not planned again.
        """
        refused: list[tuple[Planned, Refusal]] = []
        for start in range(0, len(changes), size):
            refused += self._some(changes[start : start + size])
        # What they needed may have come behind them.
        again: list[tuple[Planned, Refusal]] = []
        if refused:
            again = self._some([planned for planned, _ in refused])
        return [Rejected(planned.place, *planned.key, _said(error)) for planned, error in again]

    def _some(self, changes: Sequence[Planned]) -> list[tuple[Planned, Refusal]]:
        """Write changes together, without those that are refused."""
        left, refused = list(changes), list[tuple[Planned, Refusal]]()
        while left:
            error = self._try(left)
            if error is None:
                break
            if len(left) == 1:
                refused.append((left[0], error))
                break
            number = _blamed(error, left)
            if number is None or len(refused) >= _TAKEN_OUT:
                middle = len(left) // 2
                return [*refused, *self._some(left[:middle]), *self._some(left[middle:])]
            refused.append((left.pop(number), error))
        return refused

    def _try(self, changes: Sequence[Planned]) -> Refusal | None:
        """Write changes in one transaction; return why the store refuses them, if it does."""
        batch = Batch(
            self._caller,
            f"sync-{uuid.uuid4()}",
            tuple(planned.change for planned in changes),
            tuple(planned.condition for planned in changes),
        )
        try:
            receipt = self._store.write(batch)
        except (InvalidRequest, FactConflict, InvariantBroken) as error:
            return error
        self.written += len(changes)
        self.revision = max(self.revision, receipt.revision)
        self._told(self.written)
        return None


def _blamed(error: Refusal, changes: Sequence[Planned]) -> int | None:
    """Return which of the changes an error is about, if it says so."""
    if isinstance(error, InvalidRequest):
        match = _CHANGE.match(error.violations[0].field)
        return int(match[1]) if match and int(match[1]) < len(changes) else None
    by_key = {planned.key: number for number, planned in enumerate(changes)}
    return next((by_key[key] for key in _NAMED.findall(str(error)) if key in by_key), None)


def _said(error: Refusal) -> str:
    if isinstance(error, InvalidRequest):
        violation = error.violations[0]
        return f"`{_CHANGE.sub('', violation.field).lstrip('.')}` {violation.description}"
    rule = f"({error.invariant})"
    return str(error) if rule in str(error) else f"{error} {rule}"
