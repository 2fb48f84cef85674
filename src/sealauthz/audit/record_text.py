"""The record of one decision as text, put together from parts that many records share.

Most records are of this kind, and most of each was said before: who calls, which policies, which reasons. To make a
mapping of all that and write it takes three times as long.

INVARIANT: it is what `decision_record` writes of the same decision, byte for byte.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from sealauthz import __version__
from sealauthz.audit.record import (
    FOR_OPERATORS,
    VERSION,
    Concerned,
    Origin,
    decision_record,
    is_safe_word,
    policies_named,
)
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.question import Question
from sealauthz.facts.store.waiting import written
from sealauthz.schema import Model

_is_plain = re.compile(r"[ !#-\[\]-~]*").fullmatch
"""Whether a text stands in JSON as it is."""

_WIDEST = 1 << 63


def decision_text(
    model: Model, kind: str, origin: Origin, decision: Decision, concerned: Concerned, duration_us: int
) -> str:
    """Return the record of one decision of which nothing more is to be said."""
    question = decision.question
    subject, action, resource = f"{question.subject}", question.action, f"{question.resource}"
    is_rare = concerned.missing or (action, question.resource.type) not in model.actions
    context = _context(model, question) if question.context and not is_rare else ""
    if is_rare or context is None or not _is_plain(f"{subject}{resource}{decision.decision_id}{origin.trace_id}"):
        return decision_record(model, kind, origin, decision, concerned, duration_us)
    caller, called, policies, timeline = _shared(
        __version__,
        kind,
        origin.caller,
        origin.peer,
        decision.policy_version,
        decision.policy_digest,
        decision.timeline,
    )
    obligations = _obligations(tuple([each.code for each in decision.obligations])) if decision.obligations else ""
    reasons = ""
    if decision.reasons:
        told = ",".join([_reason(each.code, each.requirement, each.is_for_operators) for each in decision.reasons])
        reasons = f'"reasons":[{told}],'
    tenants = _tenants(model.tenant, concerned.tenants) if concerned.tenants else ""
    trace = f'"trace_id":"{origin.trace_id}",' if origin.trace_id else ""
    return (
        f'{{{_action(action)}"at":{decision.evaluated_at:d},{caller}{context}"duration_us":{duration_us:d},'
        f'"effect":"{_EFFECTS[decision.effect]}","id":"{decision.decision_id}",{called}{obligations}{policies}{reasons}'
        f'"resource":"{resource}","revision":{decision.revision:d},"subject":"{subject}",{tenants}{timeline}{trace}'
        f'"until":{decision.valid_until:d},"v":{VERSION}}}'
    )


def _context(model: Model, question: Question) -> str | None:
    """Return a context of which all is kept: plain ids of records that are there, and what is no text of the client's
    own (`safe_context`); None for another.
    """
    action = model.actions[question.action, question.resource.type]
    said = []
    for key, value in sorted(question.context.items()):
        if type(value) is str:
            is_kept = key in action.records or (key in action.keys and is_safe_word(model, value))
            if not is_kept or not _is_plain(value):
                return None
            said.append(f'"{key}":"{value}"')
        elif type(value) is int and key in action.keys and key not in action.records and -_WIDEST < value < _WIDEST:
            said.append(f'"{key}":{value:d}')
        else:
            return None
    return f'"context":{{{",".join(said)}}},'


_EFFECTS = {effect: str(effect) for effect in Effect}


class _Shared(NamedTuple):
    caller: str
    kind: str
    policies: str
    timeline: str


@lru_cache(maxsize=1_024)
def _shared(release: str, kind: str, caller: str, peer: str, version: str, digest: str, timeline: str) -> _Shared:
    """Return what many records say."""
    return _Shared(
        _part(by_release=release, caller=caller),
        _part(kind=kind),
        _part(peer=peer, **policies_named(version, digest)),
        _part(timeline=timeline),
    )


@lru_cache(maxsize=1_024)
def _action(action: str) -> str:
    return _part(action=action)


@lru_cache(maxsize=1_024)
def _obligations(codes: tuple[str, ...]) -> str:
    return _part(obligations=codes)


@lru_cache(maxsize=4_096)
def _tenants(tenant: str, ids: frozenset[str]) -> str:
    return _part(tenant=tenant, tenants=sorted(ids))


@lru_cache(maxsize=4_096)
def _reason(code: str, requirement: str, is_for_operators: bool) -> str:
    return _part(r=[code, requirement, *([FOR_OPERATORS] if is_for_operators else ())])[len('"r":') : -1]


def _part(**content: Any) -> str:
    """Return some of the keys of a record, in their order, with a comma behind; nothing where all are empty."""
    said = written(content)[1:-1]
    return f"{said}," if said else ""
