"""The harness of the story: asks, writes, lets time pass, prints what happens and collects deviations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sealauthz.client import CallFailed, Decision
from sealauthz.terminal import decision_body, instant, show, verdict

_INDENT = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer that the story tells: the effect, and the codes of all reasons in their order."""

    effect: str
    reasons: tuple[str, ...] = ()


ALLOW = Expected("ALLOW")


def deny(*reasons: str) -> Expected:
    """Expect a deny with exactly these reasons, in this order."""
    return Expected("DENY", reasons)


@dataclass(slots=True)
class Clock:
    """A clock that stands still until the story moves it. Microseconds."""

    time: int

    def __call__(self) -> int:
        """Return the time in the story."""
        return self.time


class Service(Protocol):
    """What the harness needs of the service."""

    def ask(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Return the service's answer."""
        ...

    def write(self, request_id: str, records: tuple[Any, ...]) -> None:
        """Write records in one transaction. Raises CallFailed where that is refused."""
        ...


@dataclass(slots=True)
class Harness:
    """Carries out the steps of a story. `surprises` says what differed from it; empty if nothing did."""

    service: Service
    clock: Clock
    console: Console
    records: dict[str, Any] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    steps: int = 0
    _numbers: int = 0

    def now(self) -> int:
        """Return the time in the story."""
        return self.clock()

    def number(self) -> int:
        """Return a number that was not used yet."""
        self._numbers += 1
        return self._numbers

    def changed(self, record_id: str, **values: Any) -> Any:
        """Return a record as it was written last, with some values changed."""
        return dataclasses.replace(self.records[record_id], **values)

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        show(self.console, Group(Text(), Text(title, style="bold underline")))

    def wait(self, words: str, length: int) -> None:
        """Let time pass, in microseconds."""
        self.clock.time += length
        self._narrate(f"{words}: {instant(self.clock.time)}", "⧗")

    def write(self, words: str, *records: Any) -> None:
        """Write records in one transaction, and remember them."""
        self.service.write(f"story-{self.number()}", records)
        self.records.update((record.id, record) for record in records)
        self._narrate(words, "✎")

    def refuse(self, words: str, invariant: str, *records: Any) -> None:
        """Write records that must be refused because of an invariant."""
        self._number_step(words)
        try:
            self.service.write(f"story-{self.number()}", records)
        except CallFailed as error:
            self._print(Text.assemble(("REFUSED", "bold red"), f"  {error.code.name}"))
            self._print(Padding(Text(error.message), (0, 0, 0, 2)))
            named = error.metadata.get("invariant")
            if named != invariant:
                self._surprise(f"refused by {named}, not by {invariant}")
        else:
            self._surprise("written, though it must be refused")

    def ask(
        self,
        words: str,
        question: str,
        context: Mapping[str, str] | None = None,
        *,
        expect: Expected,
        next_steps: tuple[str, ...] | None = None,
        obligations: tuple[str, ...] | None = None,
        shown: tuple[str, ...] = (),
    ) -> None:
        """Ask `TYPE:ID action TYPE:ID` and compare the answer with what the story tells.

        `shown` are values that must be among the parameters of the next steps.
        """
        subject, action, resource = question.split()
        context = context or {}
        decision = self.service.ask(subject, action, resource, context)
        self._number_step(words)
        self._print(Text(" ".join([question, *(f"{k}={v}" for k, v in context.items())]), style="dim"))
        self._print(Group(verdict(decision), decision_body(decision)))
        reasons = tuple(reason.code for reason in decision.reasons)
        effect = "ALLOW" if decision else "DENY"
        if (effect, reasons) != (expect.effect, expect.reasons):
            expected = " ".join([expect.effect, *expect.reasons])
            self._surprise(f"answered {' '.join([effect, *reasons])}, not {expected}")
        steps = tuple(step.code for step in decision.next_steps)
        if next_steps is not None and steps != next_steps:
            self._surprise(f"next steps {' '.join(steps)}, not {' '.join(next_steps)}")
        owed = tuple(obligation.code for obligation in decision.obligations)
        if obligations is not None and owed != obligations:
            self._surprise(f"obligations {' '.join(owed)}, not {' '.join(obligations)}")
        values = {str(value) for step in decision.next_steps for value in step.parameters.values()}
        for value in shown:
            if value not in values:
                self._surprise(f"no next step carries {value}")

    def _number_step(self, words: str) -> None:
        self.steps += 1
        show(self.console, Group(Text(), _behind(f"{self.steps:>3}", Text(words, style="bold"))))

    def _narrate(self, words: str, mark: str) -> None:
        show(self.console, Group(Text(), _behind(f"  {mark}", Text(words, style="italic"))))

    def _print(self, content: RenderableType) -> None:
        show(self.console, Padding(content, (0, 0, 0, _INDENT)))

    def _surprise(self, what: str) -> None:
        self.surprises.append(f"step {self.steps}: {what}")
        self._print(Text(f"UNEXPECTED: {what}", style="bold red reverse"))


def _behind(mark: str, words: Text) -> Table:
    """Lay out words behind a mark, so that their further lines stand under the first."""
    grid = Table.grid()
    grid.add_column(width=_INDENT, style="bold cyan")
    grid.add_column()
    grid.add_row(mark, words)
    return grid
