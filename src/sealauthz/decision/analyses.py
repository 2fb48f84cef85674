"""What the checker found about the policies that were loaded last, from which it starts the next time."""

from __future__ import annotations

import operator
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealauthz.polar import Source, Statement
from sealauthz.schema import Model

if TYPE_CHECKING:
    from sealauthz.polar.check import Analysis


@dataclass(frozen=True, slots=True)
class Checked:
    """An analysis, and the policies that it is of."""

    sources: tuple[Source, ...]
    statements: tuple[Statement, ...]
    analysis: Analysis

    def is_of(self, statements: tuple[Statement, ...]) -> bool:
        """Whether it is the analysis of the very same statements."""
        return len(statements) == len(self.statements) and all(map(operator.is_, statements, self.statements))


class Analyses:
    """The last analysis of each model's policies that found no error: the next one starts from it.

    Those of the models that were asked for last: an analysis takes fifty megabytes, and a model is there for good.
    """

    KEPT = 2

    def __init__(self) -> None:
        self._known: dict[Model, Checked] = {}
        self._lock = threading.Lock()

    def get(self, model: Model) -> Checked | None:
        """Return that of a model; None where it has none."""
        with self._lock:
            found = self._known.pop(model, None)
            if found is not None:
                self._known[model] = found
            return found

    def keep(self, model: Model, checked: Checked) -> None:
        """Keep that of a model, and no longer that of the one that was asked for first."""
        with self._lock:
            self._known.pop(model, None)
            self._known[model] = checked
            for other in [*self._known][: -self.KEPT]:
                del self._known[other]

    def forget(self, model: Model) -> None:
        """Keep none of a model."""
        with self._lock:
            self._known.pop(model, None)
