"""A failing policy test as a person reads it: expected and actual side by side, and why the policies answer so."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sealauthz.answers import Explanation
from sealauthz.decision import Bundle, Standing
from sealauthz.policytest.running import Failure, explain
from sealauthz.policytest.suite import Ask
from sealauthz.terminal import decision_body, instant, requirements_tree, show, table, verdict


def failure_text(failure: Failure, bundle: Bundle, width: int = 100, *, colour: bool = False) -> str:
    """Write a failure as text, in lines of at most `width` columns."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    show(console, _page(failure, bundle))
    return file.getvalue()


def _page(failure: Failure, bundle: Bundle) -> RenderableType:
    ask = failure.ask
    label = f" ({ask.label})" if ask.label else ""
    lines: list[RenderableType] = [Text.assemble((f"{ask.file}:{ask.line}", "cyan"), f": {failure.test.name}{label}")]
    asked = _question(ask) if isinstance(ask, Ask) else ""
    if asked:
        lines.append(Padding(Text(asked), (0, 0, 0, 2)))
    rows = [
        (Text(d.part, style="bold"), Text(d.expected, style="green"), Text(d.actual, style="red"))
        for d in failure.differences
    ]
    lines += [Text(), Padding(table(("", "expected", "actual"), rows), (0, 0, 0, 2))]
    explanation = explain(failure, bundle)
    if explanation is not None:
        lines += [Text(), Padding(Group(*_why(explanation.answer())), (0, 0, 0, 2))]
    return Group(*lines)


def _why(explanation: Explanation) -> Iterator[RenderableType]:
    """Say why the policies answer as they do: of a deny, what is unmet; of an allow, what settled each requirement."""
    decision = explanation.decision
    yield Text.assemble("the policies say ", verdict(decision))
    if decision.reasons or decision.obligations:
        yield decision_body(decision)
    shown = [outcome for outcome in explanation.requirements if decision or outcome.standing == Standing.UNMET]
    if shown:
        yield Text()
        yield requirements_tree("what settled the requirements" if decision else "what is unmet", shown)
    settled = len(explanation.requirements) - len(shown)
    if settled:
        yield Text(f"{settled} other requirement{'s are' if settled > 1 else ' is'} settled", style="dim")


def _question(ask: Ask) -> str:
    question = ask.question
    context = ", ".join(f"{key}: {value}" for key, value in question.context.items())
    asked = f"{question.subject} {question.action} {question.resource}"
    return f"{asked}{f' {{{context}}}' if context else ''} at {instant(ask.now)}"
