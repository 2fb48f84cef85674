"""Decisions and explanations as a person reads them in a terminal of 80 columns, with colour or without."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segments
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from sealauthz.runtime.characters import escaped
from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz_client import answers
from sealauthz_client.answers import Decision

Moment = int | datetime.datetime
"""An instant, as a number of microseconds or as a time."""


_STYLE = {"MET": "green", "WAIVED": "cyan", "UNMET": "red"}


def console() -> Console:
    """Return a console that colours a terminal only, and never takes brackets or colons in data for markup."""
    return Console(markup=False, highlight=False, emoji=False)


def show(to: Console, content: RenderableType) -> None:
    """Print content without the blanks that a layout leaves at the ends of lines. What would steer the terminal, or
    cannot be seen, is written as its number.
    """
    segments = [segment._replace(text=escaped(segment.text)) for segment in to.render(content) if not segment.control]
    with to.capture() as captured:
        to.print(Segments(segments), end="")
    to.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    to.file.flush()


def instant(value: Moment) -> str:
    """Write an instant as a time in UTC, to the second."""
    if isinstance(value, datetime.datetime):
        value = int(value.timestamp()) * 1_000_000
    if value <= NEVER:
        return "never"
    if value >= FOREVER:
        return "forever"
    return f"{datetime.datetime.fromtimestamp(value // 1_000_000, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def verdict(decision: Decision) -> Text:
    """Write the effect as one coloured word."""
    return Text("ALLOW" if decision else "DENY", style="bold green" if decision else "bold red")


def decision_body(decision: Decision) -> RenderableType:
    """Lay out what follows from a decision: its reasons with what to do about each, or its obligations."""
    lines: list[RenderableType] = []
    for reason in decision.reasons:
        lines.append(Text(reason.code, style="bold"))
        if reason.text:
            lines.append(Padding(Text(reason.text), (0, 0, 0, 2)))
        steps = [step for step in reason.next_steps if step.code != answers.NOTHING_TO_DO]
        if steps:
            lines.append(Padding(_items("→", steps), (0, 0, 0, 2)))
    if decision.obligations:
        lines.append(_items("must", decision.obligations))
    return Padding(Group(*lines), (0, 0, 0, 2))


def decision_page(question: str, decision: Decision) -> RenderableType:
    """Lay out a whole decision: the answer, what follows, and what it rests on."""
    headline = Text.assemble(verdict(decision), f"  {question}")
    rests_on = Text(
        f"decision {decision.decision_id}, valid until {instant(decision.valid_until)}\n"
        f"facts at revision {decision.revision}, policy {decision.policy_version}",
        style="dim",
    )
    return Group(headline, decision_body(decision), rests_on)


def performed_page(question: str, performed: answers.Performed) -> RenderableType:
    """Lay out the answer to an act: that it was done, what is left to do, and what it made; or why it was not."""
    operation = performed.operation
    if operation is None:
        return decision_page(question, performed.decision)
    said = "PERFORMED BEFORE" if performed.is_replay else "PERFORMED"
    return Group(
        Text.assemble((said, "bold green"), f"  {question}"),
        decision_body(performed.decision),
        _made(operation),
        Text(
            f"operation {operation.operation_id}, request {operation.request_id}\n"
            f"at {instant(operation.performed_at)}, facts at revision {operation.revision}, "
            f"policy {performed.decision.policy_version}",
            style="dim",
        ),
    )


def operation_page(operation: answers.Operation) -> RenderableType:
    """Lay out an operation: what was done, what it made, when, and for whom."""
    return Group(
        Text.assemble(("PERFORMED", "bold green"), f"  {operation.subject} {operation.action} {operation.resource}"),
        _made(operation),
        Text(
            f"operation {operation.operation_id}, request {operation.request_id} of {operation.caller}\n"
            f"at {instant(operation.performed_at)}, facts at revision {operation.revision}",
            style="dim",
        ),
    )


def _made(operation: answers.Operation) -> RenderableType:
    """Lay out what an operation names, and its receipt."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in sorted(operation.values.items()):
        shown = instant(value) if isinstance(value, datetime.datetime) else str(value)
        grid.add_row(name, shown.lower() if isinstance(value, bool) else shown)
    if operation.receipt:
        grid.add_row("receipt", operation.receipt)
    return Padding(grid, (0, 0, 0, 2)) if grid.rows else Group()


_MARKS = {"DONE": ("✓", "green"), "NOW": ("▸", "bold yellow"), "NEXT": ("·", "dim"), "ENDED": ("✗", "red")}


def progress_page(what: str, found: answers.Progress) -> RenderableType:
    """Lay out how far something is: its stages, whose turn it is, and what the person can do."""
    if not found:
        return decision_page(f"progress of {what}", found.decision)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for stage in found.stages:
        mark, style = _MARKS.get(stage.state, ("?", "dim"))
        said = [f"until {instant(stage.until)}" if stage.until else "", instant(stage.at) if stage.at else ""]
        said += [" ".join(actor.values()) for actor in stage.actors]
        said += [f"{name} {value}" for name, value in stage.values.items()]
        grid.add_row(Text(mark, style=style), Text(stage.code, style=style), Text(", ".join(filter(None, said))))
    can = [action for action, decision in found.actions.items() if decision]
    return Group(
        Text(what, style="bold"),
        Padding(grid, (0, 0, 0, 2)),
        Text(f"you can: {', '.join(can)}" if can else "there is nothing to do now", style="dim"),
    )


def explanation_page(
    question: str, explanation: answers.Explanation, title: str = "requirements of the action"
) -> RenderableType:
    """Lay out a decision with each requirement of its action, the rules behind it, and what stopped them."""
    parts: list[RenderableType] = [decision_page(question, explanation.decision)]
    if explanation.requirements:
        parts += [Text(), requirements_tree(title, explanation.requirements)]
    return Group(*parts)


def requirements_tree(title: str, requirements: Iterable[answers.RequirementOutcome]) -> RenderableType:
    """Lay out requirements, each with the rules behind it and what stopped them."""
    tree = Tree(Text(title, style="bold"), guide_style="dim")
    for outcome in requirements:
        _add_outcome(tree.add(_outcome_line(outcome)), outcome)
    return tree


def actions_table(decisions: Mapping[str, Decision]) -> RenderableType:
    """Lay out one line per action: the answer, its first reason, and the first thing to do about it."""
    rows: list[list[RenderableType]] = []
    for action, decision in decisions.items():
        reason = decision.reasons[0] if decision.reasons else None
        steps = [step.code for step in reason.next_steps if step.code != answers.NOTHING_TO_DO] if reason else []
        rows.append([action, verdict(decision), reason.code if reason else "", steps[0] if steps else ""])
    return table(("action", "answer", "first reason", "what to do"), rows)


def list_page(question: str, page: answers.ListPage) -> RenderableType:
    """Lay out a list: how many were found, whether these are all, each id on its line, and what it rests on."""
    return _page(question, page, len(page.ids), *(Padding(Text(id_), (0, 0, 0, 2)) for id_ in page.ids))


def conditional_page(question: str, page: answers.ConditionalPage) -> RenderableType:
    """Lay out a list that permits nothing: each id with the requirements that it still lacks."""
    return _page(question, page, len(page.items), conditional_items(page.except_requirements, page.items))


def _page(
    question: str, page: answers.ListPage | answers.ConditionalPage, count: int, *found: RenderableType
) -> RenderableType:
    """Lay out what was found between how much it is and what it rests on."""
    extent = Text("all of them", style="bold green") if page.is_complete else Text("more follow", style="bold red")
    rests_on = Text(
        f"as of {instant(page.evaluated_at)}, valid until {instant(page.valid_until)}\n"
        f"facts at revision {page.revision}, policy {page.policy_version}",
        style="dim",
    )
    return Group(Text.assemble((str(count), "bold"), f"  {question}  ", extent), *found, rests_on)


def conditional_items(except_requirements: Sequence[str], items: Iterable[answers.ConditionalItem]) -> RenderableType:
    """Lay out what would be allowed but for requirements, and say that it permits nothing."""
    note = Text(f"not permitted yet: listed but for {', '.join(except_requirements)}", style="bold yellow")
    rows = [[item.id, ", ".join(item.still_required) or "nothing: ask `check`"] for item in items]
    lines: list[RenderableType] = [note, table(("id", "still needs"), rows)] if rows else [note]
    return Padding(Group(*lines), (0, 0, 0, 2))


def table(titles: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """Lay out rows in columns without lines between them."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def _items(mark: str, items: Sequence[answers.NextStep | answers.Obligation]) -> Table:
    """Lay out next steps or obligations behind a mark, each with its parameters."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in items:
        carried: RenderableType = _parameters(item.parameters)
        if item.text:
            carried = Group(Text(item.text), carried) if item.parameters else Text(item.text)
        grid.add_row(Text.assemble((f"{mark} ", "dim"), (item.code, "cyan")), carried)
    return grid


def _parameters(parameters: Mapping[str, answers.ParameterValue]) -> Text:
    """Write parameters as `name=value`, in the order of their names: on the wire they have none."""
    text = Text()
    for name, value in sorted(parameters.items()):
        text.append("  " if text else "").append(f"{name}=", style="dim").append(
            instant(value) if isinstance(value, datetime.datetime) else str(value)
        )
    return text


def _outcome_line(outcome: answers.RequirementOutcome) -> Text:
    line = Text.assemble(
        (f"{outcome.standing.lower():<7}", _STYLE.get(outcome.standing, "")), (outcome.requirement, "bold")
    )
    return line.append(f"  {', '.join(outcome.reasons)}") if outcome.reasons else line


def _add_outcome(branch: Tree, outcome: answers.RequirementOutcome) -> None:
    """Add the rules of a requirement: why it is unmet, then those that were tried, or the one that held."""
    for rule in outcome.because:
        branch.add(_rule_text("because", rule))
    label = "tried" if outcome.standing == "UNMET" else "by"
    attempts = {(attempt.rule.file, attempt.rule.line): attempt for attempt in outcome.attempts}
    for rule in outcome.tried:
        attempt = attempts.pop((rule.file, rule.line), None)
        if attempt is None:
            branch.add(_rule_text(label, rule))
        else:
            _add_attempt(branch, label, attempt)
    for attempt in attempts.values():
        _add_attempt(branch, label, attempt)


def _add_attempt(branch: Tree, label: str, attempt: answers.Attempt) -> None:
    """Add a rule that was tried with what stopped it, and under it the rules that the condition tried in turn."""
    lines: list[RenderableType] = [_rule_text(label, attempt.rule)]
    if attempt.is_met and label == "tried":
        lines.append(Text("held", style="green"))
    elif attempt.condition:
        stop = Text.assemble(("stopped at ", "red"), (f"{attempt.file}:{attempt.line}", "cyan"), ": ")
        lines.append(stop.append(attempt.condition))
        if attempt.values:
            lines.append(Padding(Text(f"({' vs '.join(attempt.values)})", style="bold"), (0, 0, 0, 2)))
    elif not attempt.is_met:
        lines.append(Text.assemble(("stopped at its head: ", "red"), "not for this case"))
    node = branch.add(Group(*lines))
    for under in attempt.under:
        _add_attempt(node, "tried", under)


def _rule_text(label: str, rule: answers.RuleRef) -> Text:
    tags = f"  {' '.join(rule.rules)}" if rule.rules else ""
    return Text.assemble((f"{label} ", "dim"), (f"{rule.file}:{rule.line}", "cyan"), tags, (f"\n{rule.head}", "dim"))


def activity_line(item: answers.Activity) -> Text:
    """Write one thing that happened as a line: when, what, to which seal, by whom, and what goes with it."""
    is_alert = item.code.startswith("ALERT_")
    style = "bold red" if is_alert else ("yellow" if item.code.endswith(_UNUSUAL) else "")
    code = str(item.values.get("alert", item.code)) if item.code == "ALERT_RAISED" else item.code
    told = " ".join(f"{name}={value}" for name, value in item.values.items() if name != "alert")
    return Text.assemble(
        (instant(item.committed_at), "dim"),
        "  ",
        (f"{'! ' if is_alert else ''}{code}", style),
        f"  {item.seal_id or item.enterprise_id}",
        f"  {item.person_id}" if item.person_id else "",
        (f"  {told}" if told else "", "dim"),
        ("  (open)" if item.is_standing else "", "bold red"),
    )


_UNUSUAL = ("_DENIED", "_UNKNOWN", "_PLACED", "_LOST", "_LOST_OUTSIDE", "_NEW", "EMERGENCY_USE_MADE")
