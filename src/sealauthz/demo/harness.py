"""The harness of the story: performs, asks, writes, lets time pass, prints what happens and collects deviations."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sealauthz.answers import moment
from sealauthz.client import (
    ArgumentValue,
    CallFailed,
    Decision,
    Event,
    NamedValue,
    NextStep,
    Obligation,
    Performed,
    Progress,
)
from sealauthz.client.receipts import Receipt, ReceiptRefused, verify
from sealauthz.demo.callers import OUTSIDE, PLATFORM
from sealauthz.terminal import decision_body, instant, progress_page, show, verdict

_INDENT = 5
_SECOND = 1_000_000
_TOLD_WITHIN_S = 10.0
_QUIET_S = 0.3
_LONG = re.compile(r"\b([a-z]{2}-[0-9a-f]{6}|sha256:[0-9a-f]{12})[0-9a-f]{26,}\b")

Part = TypeVar("Part", NextStep, Obligation)

Told = tuple[str, ...]
"""An event: its code, and whom it goes to; nobody is whom the delivering platform knows."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer that the story tells: the effect, and the codes of all reasons in their order."""

    effect: str
    reasons: tuple[str, ...] = ()


ALLOW = Expected("ALLOW")
PERFORMED = Expected("PERFORMED")
PERFORMED_BEFORE = Expected("PERFORMED BEFORE")


def deny(*reasons: str) -> Expected:
    """Expect a deny with exactly these reasons, in this order."""
    return Expected("DENY", reasons)


class StoryBroken(Exception):
    """A step did not happen that everything after it rests on."""


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

    def perform(
        self,
        caller: str,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, str],
        arguments: Mapping[str, ArgumentValue],
        request_id: str,
    ) -> Performed:
        """Have an act performed, if it is allowed."""
        ...

    def progress(self, subject: str, resource: str) -> Progress:
        """Return how far something is."""
        ...

    def key_set(self) -> Mapping[str, Any]:
        """Return the public keys that verify receipts."""
        ...

    def told(self, within_s: float) -> Event | None:
        """Return the next thing that people are told; None if nothing comes in that time."""
        ...

    def write(self, caller: str, request_id: str, records: tuple[Any, ...]) -> None:
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

    # --- what is no step ----------------------------------------------------------------------------------------------

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        show(self.console, Group(Text(), Text(title, style="bold underline")))

    def wait(self, words: str, length: int) -> None:
        """Let time pass, in microseconds."""
        self.clock.time += length
        self._narrate(f"{words}: {instant(self.clock.time)}", "⧗")

    def write(self, words: str, *records: Any, caller: str = OUTSIDE) -> None:
        """Write records in one transaction, and remember them: what the world outside owns."""
        self.service.write(caller, f"story-{self.number()}", records)
        self.records.update((record.id, record) for record in records)
        self._narrate(words, "✎")

    def end(self) -> None:
        """End the story: nobody is told anything more."""
        event = self.service.told(_QUIET_S)
        if event is not None:
            self._surprise(f"told {event.code}, which nobody expects")

    # --- steps --------------------------------------------------------------------------------------------------------

    def perform(
        self,
        words: str,
        question: str,
        context: Mapping[str, str] | None = None,
        arguments: Mapping[str, ArgumentValue] | None = None,
        *,
        expect: Expected = PERFORMED,
        told: tuple[Told, ...] = (),
        next_steps: tuple[str, ...] | None = None,
        shown: tuple[str, ...] = (),
        caller: str = PLATFORM,
        request_id: str = "",
    ) -> Performed:
        """Have `TYPE:ID action TYPE:ID` performed, and compare answer and events with what the story tells.

        `told` are the events, in any order; `shown` are values that must be among the parameters of the next steps.
        Raises StoryBroken where an act was denied on which the story goes on.
        """
        subject, action, resource = question.split()
        context, arguments = context or {}, arguments or {}
        self._step(words, question, {**context, **arguments}, caller)
        performed = self.service.perform(
            caller, subject, action, resource, context, arguments, request_id or f"story-{self.number()}"
        )
        self._print(_answer(performed))
        effect = "DENY"
        if performed:
            effect = "PERFORMED BEFORE" if performed.is_replay else "PERFORMED"
        self._compare(performed.decision, effect, expect, next_steps, shown)
        if performed and not performed.is_replay:
            self._hear(told)
        if expect in (PERFORMED, PERFORMED_BEFORE) and not performed:
            raise StoryBroken
        return performed

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
        """Ask `TYPE:ID action TYPE:ID`, have nothing done, and compare the answer with what the story tells."""
        subject, action, resource = question.split()
        context = context or {}
        self._step(words, question, context)
        decision = self.service.ask(subject, action, resource, context)
        self._print(Group(verdict(decision), decision_body(_readable(decision))))
        self._compare(decision, "ALLOW" if decision else "DENY", expect, next_steps, shown)
        owed = tuple(obligation.code for obligation in decision.obligations)
        if obligations is not None and owed != obligations:
            self._surprise(f"obligations {' '.join(owed)}, not {' '.join(obligations)}")

    def progress(self, words: str, subject: str, resource: str, *, expect: str) -> None:
        """Ask how far something is. `expect` has its stages, as `CODE:STATE` in their order."""
        self._step(words, f"{subject} progress {resource}", {})
        found = self.service.progress(subject, resource)
        self._print(progress_page(_short(resource), found))
        stages = " ".join(f"{stage.code}:{stage.state}" for stage in found.stages)
        if stages != expect:
            self._surprise(f"it stands at {stages}, not {expect}")

    def verify(self, words: str, text: str, audience: str) -> Receipt:
        """Verify a receipt as its audience does: with the key set and nothing else. Raises StoryBroken."""
        self._step(words, f"verify {text[:24]}… ({len(text)} characters)")
        try:
            receipt = verify(text, self.service.key_set(), audience, issuer="demo", now=self.now() // _SECOND)
        except ReceiptRefused as error:
            self._surprise(f"refused: {error}")
            raise StoryBroken from error
        self._print(Group(Text("VERIFIED", style="bold green"), Padding(_permits(receipt), (0, 0, 0, 2))))
        return receipt

    def refuse_receipt(self, words: str, text: str, audience: str, because: str) -> None:
        """Verify a receipt that must be refused."""
        self._step(words, f"verify {text[:24]}… ({len(text)} characters)", {"audience": audience})
        try:
            verify(text, self.service.key_set(), audience, issuer="demo", now=self.now() // _SECOND)
        except ReceiptRefused as error:
            self._print(Text.assemble(("REFUSED", "bold red"), f"  {error}"))
            if str(error) != because:
                self._surprise(f"refused because {error}")
        else:
            self._surprise("verified, though it must be refused")

    def refuse(self, words: str, reason: str, *records: Any, caller: str = OUTSIDE) -> None:
        """Write records that must be refused: by the invariant of this name, or for the reason of the error."""
        self._step(words)
        try:
            self.service.write(caller, f"story-{self.number()}", records)
        except CallFailed as error:
            self._print(Text.assemble(("REFUSED", "bold red"), f"  {error.code.name}"))
            self._print(Padding(Text(error.message), (0, 0, 0, 2)))
            named = error.metadata.get("invariant") or error.reason
            if named != reason:
                self._surprise(f"refused by {named}, not by {reason}")
        else:
            self._surprise("written, though it must be refused")

    # --- comparing ----------------------------------------------------------------------------------------------------

    def _compare(
        self,
        decision: Decision,
        effect: str,
        expect: Expected,
        next_steps: tuple[str, ...] | None,
        shown: tuple[str, ...],
    ) -> None:
        reasons = tuple(reason.code for reason in decision.reasons)
        if (effect, reasons) != (expect.effect, expect.reasons):
            expected = " ".join([expect.effect, *expect.reasons])
            self._surprise(f"answered {' '.join([effect, *reasons])}, not {expected}")
        steps = tuple(step.code for step in decision.next_steps)
        if next_steps is not None and steps != next_steps:
            self._surprise(f"next steps {' '.join(steps)}, not {' '.join(next_steps)}")
        values = {str(value) for step in decision.next_steps for value in step.parameters.values()}
        for value in shown:
            if value not in values:
                self._surprise(f"no next step carries {value}")

    def _hear(self, expected: tuple[Told, ...]) -> None:
        """Take as many events as the story tells, and compare them. One more than that turns up at the next act."""
        heard: list[Told] = []
        while len(heard) < len(expected) and (event := self.service.told(_TOLD_WITHIN_S)) is not None:
            heard.append((event.code, *event.recipient_ids))
            self._print(_told(event))
        if sorted(heard) != sorted(expected):
            self._surprise(f"told {sorted(heard)}, not {sorted(expected)}")

    # --- printing -----------------------------------------------------------------------------------------------------

    def _step(
        self, words: str, question: str = "", said: Mapping[str, ArgumentValue] | None = None, caller: str = PLATFORM
    ) -> None:
        self.steps += 1
        show(self.console, Group(Text(), _behind(f"{self.steps:>3}", Text(words, style="bold"))))
        if question:
            by = "" if caller == PLATFORM else f"{caller}: "
            pairs = (f"{name}={_written(value)}" for name, value in (said or {}).items())
            self._print(Text(by + _short(" ".join([question, *pairs])), style="dim"))

    def _narrate(self, words: str, mark: str) -> None:
        show(self.console, Group(Text(), _behind(f"  {mark}", Text(words, style="italic"))))

    def _print(self, content: RenderableType) -> None:
        show(self.console, Padding(content, (0, 0, 0, _INDENT)))

    def _surprise(self, what: str) -> None:
        self.surprises.append(f"step {self.steps}: {what}")
        self._print(Text(f"UNEXPECTED: {what}", style="bold red reverse"))


def named(performed: Performed, name: str) -> str:
    """Return the id of what an act made."""
    return str(performed.operation.values[name]) if performed.operation else ""


def _answer(performed: Performed) -> RenderableType:
    """Lay out the answer to an act: what it made and what is left to do, or why it was denied."""
    operation = performed.operation
    if operation is None:
        return Group(verdict(performed.decision), decision_body(_readable(performed.decision)))
    said = "PERFORMED BEFORE" if performed.is_replay else "PERFORMED"
    made = [f"{name}={_written(value)}" for name, value in operation.values.items() if value != ""]
    made += [f"receipt={operation.receipt[:24]}…"] if operation.receipt else []
    lines: list[RenderableType] = [Text(said, style="bold green"), decision_body(_readable(performed.decision))]
    lines += [Padding(Text(_short(each)), (0, 0, 0, 2)) for each in made]
    return Group(*lines)


def _told(event: Event) -> Table:
    """Lay out an event: to whom it goes, and what it says."""
    to = ", ".join(event.recipient_ids) or "whom the platform knows"
    return _behind("✉", Text.assemble((event.code, "cyan"), f"  to {to}: {event.text}"), width=2)


def _permits(receipt: Receipt) -> Table:
    """Lay out what a receipt permits, for each document."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row("by", f"{receipt.issuer}, for {receipt.audience}")
    grid.add_row("until", instant(moment(receipt.expires_at * _SECOND)))
    grid.add_row("permits", f"{receipt.subject} {receipt.permits['action']} {receipt.permits['resource']}")
    for document in receipt.permits["documents"]:
        times = f"{document['impressions']} times" if document["impressions"] != 1 else "once"
        place = f", {document['position']}" if document["position"] else ""
        grid.add_row("document", f"{_short(document['digest'])}{place}, {times}")
    return grid


def _written(value: ArgumentValue | NamedValue) -> str:
    """Write a value in few words."""
    if isinstance(value, datetime.datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return f"{{{' '.join(f'{name}={_written(part)}' for name, part in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)


def _short(text: str) -> str:
    """Shorten digests, and the ids that the service made: nobody reads them."""
    return _LONG.sub(r"\1…", text)


def _readable(decision: Decision) -> Decision:
    """Return a decision for printing, with short ids and digests in its next steps and obligations."""

    def shortened(part: Part) -> Part:
        values = {k: _short(v) if isinstance(v, str) else v for k, v in part.parameters.items()}
        return dataclasses.replace(part, parameters=values)

    reasons = (
        dataclasses.replace(reason, next_steps=tuple(map(shortened, reason.next_steps))) for reason in decision.reasons
    )
    obligations = tuple(map(shortened, decision.obligations))
    return dataclasses.replace(decision, reasons=tuple(reasons), obligations=obligations)


def _behind(mark: str, words: Text, width: int = _INDENT) -> Table:
    """Lay out words behind a mark, so that their further lines stand under the first."""
    grid = Table.grid()
    grid.add_column(width=width, style="bold cyan")
    grid.add_column()
    grid.add_row(mark, words)
    return grid
