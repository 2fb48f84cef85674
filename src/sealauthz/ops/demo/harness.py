"""The harness of the story: performs, asks, writes, lets time pass, prints what happens and collects deviations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sealauthz.ops.demo import printing
from sealauthz.ops.demo.callers import OUTSIDE, PLATFORM
from sealauthz.runtime.terminal import decision_body, instant, progress_page, show, verdict
from sealauthz_client import (
    ArgumentValue,
    CallFailed,
    Decision,
    Event,
    Performed,
    Progress,
)
from sealauthz_client.receipts import Receipt, ReceiptRefused, verify

_SECOND = 1_000_000
_TOLD_WITHIN_S = 10.0
_QUIET_S = 0.3


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
        *,
        is_signed: bool,
    ) -> Performed:
        """Have an act performed, if it is allowed; with the person's own signed word, where `is_signed`."""
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
            caller,
            subject,
            action,
            resource,
            context,
            arguments,
            request_id or f"story-{self.number()}",
            is_signed=caller == PLATFORM,
        )
        self._print(printing.answer(performed))
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
        self._print(Group(verdict(decision), decision_body(printing.readable(decision))))
        self._compare(decision, "ALLOW" if decision else "DENY", expect, next_steps, shown)
        owed = tuple(obligation.code for obligation in decision.obligations)
        if obligations is not None and owed != obligations:
            self._surprise(f"obligations {' '.join(owed)}, not {' '.join(obligations)}")

    def progress(self, words: str, subject: str, resource: str, *, expect: str) -> None:
        """Ask how far something is. `expect` has its stages, as `CODE:STATE` in their order."""
        self._step(words, f"{subject} progress {resource}", {})
        found = self.service.progress(subject, resource)
        self._print(progress_page(printing.short(resource), found))
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
        self._print(Group(Text("VERIFIED", style="bold green"), Padding(printing.permits(receipt), (0, 0, 0, 2))))
        return receipt

    def refuse_receipt(self, words: str, text: str, audience: str, because: str) -> None:
        """Verify a receipt that must be refused."""
        self._step(words, f"verify {text[:24]}… ({len(text)} characters)", {"audience": audience})
        try:
            verify(text, self.service.key_set(), audience, issuer="demo", now=self.now() // _SECOND)
        except ReceiptRefused as error:
            self._refused(str(error), str(error), because)
        else:
            self._surprise("verified, though it must be refused")

    def refuse_act(self, words: str, question: str, reason: str) -> None:
        """Have an act performed in the name of a person who has not signed it: refused for the reason of the error."""
        subject, action, resource = question.split()
        self._step(words, question)
        request_id = f"story-{self.number()}"
        try:
            self.service.perform(PLATFORM, subject, action, resource, {}, {}, request_id, is_signed=False)
        except CallFailed as error:
            self._refused(error.code.name, error.reason, reason, error.message)
        else:
            self._surprise("answered, though it must be refused")

    def refuse(self, words: str, reason: str, *records: Any, caller: str = OUTSIDE) -> None:
        """Write records that must be refused: by the invariant of this name, or for the reason of the error."""
        self._step(words)
        try:
            self.service.write(caller, f"story-{self.number()}", records)
        except CallFailed as error:
            self._refused(error.code.name, error.metadata.get("invariant") or error.reason, reason, error.message)
        else:
            self._surprise("written, though it must be refused")

    def _refused(self, said: str, named: str, wanted: str, message: str = "") -> None:
        self._print(Text.assemble(("REFUSED", "bold red"), f"  {said}"))
        if message:
            self._print(Padding(Text(message), (0, 0, 0, 2)))
        if named != wanted:
            self._surprise(f"refused by {named}, not by {wanted}")

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
            self._print(printing.told(event))
        if sorted(heard) != sorted(expected):
            self._surprise(f"told {sorted(heard)}, not {sorted(expected)}")

    # --- printing -----------------------------------------------------------------------------------------------------

    def _step(
        self, words: str, question: str = "", said: Mapping[str, ArgumentValue] | None = None, caller: str = PLATFORM
    ) -> None:
        self.steps += 1
        show(self.console, Group(Text(), printing.behind(f"{self.steps:>3}", Text(words, style="bold"))))
        if question:
            by = "" if caller == PLATFORM else f"{caller}: "
            pairs = (f"{name}={printing.written(value)}" for name, value in (said or {}).items())
            self._print(Text(by + printing.short(" ".join([question, *pairs])), style="dim"))

    def _narrate(self, words: str, mark: str) -> None:
        show(self.console, Group(Text(), printing.behind(f"  {mark}", Text(words, style="italic"))))

    def _print(self, content: RenderableType) -> None:
        show(self.console, Padding(content, (0, 0, 0, printing.INDENT)))

    def _surprise(self, what: str) -> None:
        self.surprises.append(f"step {self.steps}: {what}")
        self._print(Text(f"UNEXPECTED: {what}", style="bold red reverse"))


def named(performed: Performed, name: str) -> str:
    """Return the id of what an act made."""
    return str(performed.operation.values[name]) if performed.operation else ""
