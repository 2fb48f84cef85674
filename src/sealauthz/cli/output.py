"""What the commands print for programs: JSON with names as on the wire, and the option that asks for it."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from sealauthz.cli.printing import say
from sealauthz_client.answers import (
    Activity,
    ConditionalItem,
    ConditionalPage,
    Decision,
    Event,
    Explanation,
    ListPage,
    NextStep,
    Obligation,
    Operation,
    ParameterValue,
    Performed,
    Progress,
    moment,
)

_MAX_CHARACTERS = 40
"""Of a value in a list; one record by its id is shown whole."""


output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)


def print_json(value: object) -> None:
    """Print one JSON value."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


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


def performed_json(performed: Performed) -> dict[str, Any]:
    """Return the answer to an act as JSON."""
    return {
        "performed": bool(performed),
        "replayed": performed.is_replay,
        "request_id": performed.request_id,
        "decision": decision_json(performed.decision),
        "operation": None if performed.operation is None else operation_json(performed.operation),
    }


def operation_json(operation: Operation) -> dict[str, Any]:
    """Return an operation as JSON."""
    return {
        "operation_id": operation.operation_id,
        "caller": operation.caller,
        "request_id": operation.request_id,
        "subject": operation.subject,
        "action": operation.action,
        "resource": operation.resource,
        "revision": operation.revision,
        "performed_at": rfc3339(operation.performed_at),
        "values": _parameters(operation.values),
        "receipt": operation.receipt,
    }


def progress_json(found: Progress) -> dict[str, Any]:
    """Return how far something is, as JSON."""
    return {
        "decision": decision_json(found.decision),
        "stages": [
            {
                "code": stage.code,
                "state": stage.state,
                "at": None if stage.at is None else rfc3339(stage.at),
                "until": None if stage.until is None else rfc3339(stage.until),
                "actors": [dict(actor) for actor in stage.actors],
                "values": _parameters(stage.values),
            }
            for stage in found.stages
        ],
        "actions": {action: decision_json(decision) for action, decision in found.actions.items()},
    }


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON."""
    return {
        "token": event.token,
        "code": event.code,
        "enterprise_id": event.enterprise_id,
        "about": event.about,
        "recipient_ids": list(event.recipient_ids),
        "committed_at": rfc3339(event.committed_at),
        "values": _parameters(event.values),
        "text": event.text,
    }


def activity_json(item: Activity) -> dict[str, Any]:
    """Return what happened as JSON."""
    return {
        "token": item.token,
        "code": item.code,
        "enterprise_id": item.enterprise_id,
        "about": item.about,
        "seal_id": item.seal_id,
        "person_id": item.person_id,
        "committed_at": rfc3339(item.committed_at),
        "values": _parameters(item.values),
        "standing": item.is_standing,
    }


def list_json(page: ListPage) -> dict[str, Any]:
    """Return a list as JSON."""
    return {
        "ids": list(page.ids),
        "complete": page.is_complete,
        "policy_version": page.policy_version,
        "revision": page.revision,
        "evaluated_at": rfc3339(page.evaluated_at),
        "valid_until": rfc3339(page.valid_until),
    }


def conditional_list_json(page: ConditionalPage) -> dict[str, Any]:
    """Return a list that permits nothing as JSON; it has no `ids`."""
    return {
        "except_requirements": list(page.except_requirements),
        "conditional": conditional_json(page.items),
        "complete": page.is_complete,
        "policy_version": page.policy_version,
        "revision": page.revision,
        "evaluated_at": rfc3339(page.evaluated_at),
        "valid_until": rfc3339(page.valid_until),
    }


def conditional_json(items: Iterable[ConditionalItem]) -> list[dict[str, Any]]:
    """Return what would be allowed but for requirements, each with those that it lacks."""
    return [{"id": item.id, "still_required": list(item.still_required)} for item in items]


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    return {
        "decision": decision_json(explanation.decision),
        "requirements": [dataclasses.asdict(outcome) for outcome in explanation.requirements],
    }


def rfc3339(value: datetime.datetime | int) -> str:
    """Write an instant, to the microsecond."""
    value = moment(value) if isinstance(value, int) else value
    return value.isoformat().replace("+00:00", "Z")


def _item(item: NextStep | Obligation) -> dict[str, Any]:
    return {"code": item.code, **_text(item.text), "parameters": _parameters(item.parameters)}


def _text(text: str) -> dict[str, str]:
    """What is said to people, where a language was asked for."""
    return {"text": text} if text else {}


def _parameters(parameters: Mapping[str, ParameterValue | bool]) -> dict[str, str | int]:
    return {
        name: rfc3339(value) if isinstance(value, datetime.datetime) else value
        for name, value in sorted(parameters.items())
    }


def cut(text: str) -> str:
    """Shorten the text of a cell in a list."""
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
