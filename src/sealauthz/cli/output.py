"""What the commands print for programs: JSON with names as on the wire, and the option that asks for it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from sealauthz.schema import FOREVER
from sealauthz.terminal import Attempt, Decision, Explanation, Item, Listed, Moment, Rule

F = TypeVar("F", bound=Callable[..., Any])


def output_option(command: F) -> F:
    """Add `-o/--output table|json`."""
    option = click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people, or for programs.",
    )
    return option(command)


def print_json(value: object) -> None:
    """Print one JSON value."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON."""
    return {
        "effect": "ALLOW" if decision else "DENY",
        "reasons": [
            {
                "code": reason.code,
                "stage": reason.stage,
                "requirement": reason.requirement,
                **_text(reason.text),
                "next_steps": [_item(step) for step in reason.next_steps],
            }
            for reason in decision.reasons
        ],
        "next_steps": [_item(step) for step in decision.next_steps],
        "obligations": [_item(obligation) for obligation in decision.obligations],
        "decision_id": decision.decision_id,
        "policy_version": decision.policy_version,
        "revision": decision.revision,
        "evaluated_at": rfc3339(decision.evaluated_at),
        "valid_until": rfc3339(decision.valid_until),
    }


def list_json(listed: Listed) -> dict[str, Any]:
    """Return a list as JSON."""
    return {
        "ids": list(listed.ids),
        "complete": listed.is_complete,
        "policy_version": listed.policy_version,
        "revision": listed.revision,
        "evaluated_at": rfc3339(listed.evaluated_at),
        "valid_until": rfc3339(listed.valid_until),
    }


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""

    return {
        "decision": decision_json(explanation.decision),
        "requirements": [
            {
                "requirement": outcome.requirement,
                "standing": str(outcome.standing),
                "reasons": list(outcome.reasons),
                "tried": [_rule(rule) for rule in outcome.tried],
                "because": [_rule(rule) for rule in outcome.because],
                "attempts": [_attempt(attempt) for attempt in outcome.attempts],
            }
            for outcome in explanation.requirements
        ],
    }


def rfc3339(value: Moment) -> str:
    """Write an instant, to the microsecond."""
    if not isinstance(value, datetime.datetime):
        value = min(value, FOREVER)
        seconds, rest = divmod(value, 1_000_000)
        value = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=rest)
    return value.isoformat().replace("+00:00", "Z")


def _rule(rule: Rule) -> dict[str, Any]:
    return {"file": rule.file, "line": rule.line, "head": rule.head, "rules": list(rule.rules)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "rule": _rule(attempt.rule),
        "is_met": attempt.is_met,
        "condition": attempt.condition,
        "file": attempt.file,
        "line": attempt.line,
        "values": list(attempt.values),
        "under": [_attempt(under) for under in attempt.under],
    }


def _item(item: Item) -> dict[str, Any]:
    return {"code": item.code, **_text(item.text), "parameters": _parameters(item.parameters)}


def _text(text: str) -> dict[str, str]:
    """What is said to people, where a language was asked for."""
    return {"text": text} if text else {}


def _parameters(parameters: Mapping[str, str | int | datetime.datetime]) -> dict[str, Any]:
    def plain(name: str, value: str | int | datetime.datetime) -> str | int:
        if isinstance(value, datetime.datetime) or (isinstance(value, int) and name.endswith(("_at", "_until"))):
            return rfc3339(value)
        return value

    return {name: plain(name, value) for name, value in sorted(parameters.items())}
