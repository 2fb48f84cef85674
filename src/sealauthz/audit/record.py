"""The record of one answer: who asked what, what was answered, and on which facts and policies.

A record is a JSON text of one line, in ASCII, with the keys in their order. What is stored is what is hashed, so that
nothing is ever written again to be verified.

INVARIANT: it holds ids, codes, numbers and digests, and no text that a person wrote or that names one. So a person can
be erased from the facts, and the log and its proofs stay as they are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sealauthz import __version__
from sealauthz.decision.decision import Decision
from sealauthz.decision.ids import new_id
from sealauthz.decision.question import ContextValue, Entity, Question
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.waiting import written
from sealauthz.runtime import base64url
from sealauthz.runtime.errors import FactNotLoaded
from sealauthz.schema import Model

VERSION = 2
READ = (1, VERSION)
"""Records of the first form do not say which release decided."""

MAX_BYTES = 60_000
"""Of one record: a tile of entries (C2SP tlog-tiles) takes 65,535."""

_MOST_INFLATED = 16 * 1024 * 1024

PACKED = "items_deflated"
"""The key of items that would make a record too long."""

NOT_THERE = "sha256-"
"""How the id begins that stands in a record for one that no record of the facts has: any text of a client may be one,
and a text may be about a person. Who knows the id finds it by its digest.
"""

FOR_OPERATORS = "OPERATOR"
"""Stands behind a reason that only those may be shown who run the platform."""

_decode = json.JSONDecoder().raw_decode
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from: the caller by name, its address, and the trace that it is part of; empty if unknown."""

    caller: str
    peer: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Concerned:
    """What the facts say of what was asked about, as far as a record needs it.

    `missing` are the subjects and resources that no record is. `tenants` are those that the others are about.
    """

    missing: frozenset[Entity] = frozenset()
    tenants: frozenset[str] = frozenset()


NOBODY = Concerned()
"""What is about nobody, as far as is known."""


def content_of(text: str) -> dict[str, Any]:
    """Return what a record says. Raises ValueError for a text that is none."""
    content, end = _decode(text)
    if (
        end != len(text)
        or type(content) is not dict
        or content.get("v") not in READ
        or type(content.get("id")) is not str
    ):
        raise ValueError("the text is no record of this version")
    return content


def decision_record(
    model: Model, kind: str, origin: Origin, decision: Decision, concerned: Concerned, duration_us: int, **more: Any
) -> str:
    """Return the record of one decision."""
    return written(
        {
            **_head(kind, decision.decision_id, decision.evaluated_at, origin, duration_us),
            **_rests_on(decision),
            **_tenants(model, concerned),
            **decided(model, decision, concerned),
            **more,
        }
    )


def list_record(
    model: Model, kind: str, origin: Origin, about_: Mapping[str, Any], at: int, concerned: Concerned, duration_us: int
) -> str:
    """Return the record of a list: `about_` says what was asked, and what was found."""
    return written({**_head(kind, new_id(), at, origin, duration_us), **_tenants(model, concerned), **about_})


def batch_record(
    model: Model,
    kind: str,
    origin: Origin,
    items: Sequence[Decision | str],
    at: int,
    concerned: Concerned,
    duration_us: int,
) -> str:
    """Return the record of several decisions that one call was answered with; a text stands for one without a decision.

    Where there are too many for one record it holds them packed, with their digest, and how many had which effect; and
    where that is too long too, the digest alone.
    """
    said: list[dict[str, Any]] = []
    first: Decision | None = None
    for item in items:
        if isinstance(item, Decision):
            first = item if first is None else first  # a deny is falsy
            said.append({"id": item.decision_id, **decided(model, item, concerned)})
        else:
            said.append({"error": item})
    effects = {part.get("effect", "ERROR") for part in said}
    content = {
        **_head(kind, new_id(), at, origin, duration_us),
        # They were decided at one time, a little before the call was answered.
        **({} if first is None else {**_rests_on(first), "evaluated_at": first.evaluated_at}),
        **_tenants(model, concerned),
        "effect": effects.pop() if len(effects) == 1 else "MIXED",
        "count": len(said),
    }
    text = written({**content, "items": said})
    if len(text) <= MAX_BYTES:
        return text
    counted = [part.get("effect", "ERROR") for part in said]
    content["effects"] = {effect: counted.count(effect) for effect in sorted(set(counted))}
    plain = written({"items": said}).encode()
    content["items_sha256"] = hashlib.sha256(plain).hexdigest()
    text = written({**content, PACKED: base64.b64encode(zlib.compress(plain)).decode()})
    return text if len(text) <= MAX_BYTES else written(content)


def inflated(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a record that holds them packed. Raises ValueError where they are not those of the digest."""
    unpacking = zlib.decompressobj()
    try:
        items = unpacking.decompress(base64.b64decode(content[PACKED], validate=True), _MOST_INFLATED)
    except zlib.error as error:
        raise ValueError("the items of the record are not packed as they should be") from error
    if hashlib.sha256(items).hexdigest() != content["items_sha256"]:
        raise ValueError("the items of the record are not those of its digest")
    found: list[dict[str, Any]] = json.loads(items)["items"]
    return found


def items_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a record, as far as it holds them. Raises ValueError where they are not as they should be."""
    found: list[dict[str, Any]] = inflated(content) if PACKED in content else content.get("items", [])
    return found


def event_record(kind: str, at: int, **more: Any) -> str:
    """Return the record of what happened to the service itself, such as that other policies decide."""
    return written({"v": VERSION, "kind": kind, "id": new_id(), "at": at, **more})


def decided(model: Model, decision: Decision, concerned: Concerned) -> dict[str, Any]:
    """Return what was asked and how it was decided."""
    question = decision.question
    if decision:
        # Whom and what an allow is about was there. It may have gone since, as by the act that was asked about.
        concerned = Concerned(tenants=concerned.tenants)
    context, withheld = safe_context(model, question, concerned)
    given = question.context or {}
    content: dict[str, Any] = {
        "subject": named(question.subject, concerned),
        "action": safe_action(model, question),
        "resource": named(question.resource, concerned),
        "effect": str(decision.effect),
    }
    if context:
        content["context"] = context
    if withheld:
        content["withheld"] = withheld
        words = {key: word_digest(decision.decision_id, key, question.context[key]) for key in withheld if key in given}
        if words:
            content["words_sha256"] = words
    if decision.reasons:
        content["reasons"] = [
            [reason.code, reason.requirement, *([FOR_OPERATORS] if reason.is_for_operators else ())]
            for reason in decision.reasons
        ]
    if decision.obligations:
        content["obligations"] = [obligation.code for obligation in decision.obligations]
    return content


def word_digest(decision_id: str, key: str, word: ContextValue) -> str:
    """Return the digest that stands for what a client gave in words: of the decision that it was given for, so that the
    same words twice are not seen to be the same.
    """
    return hashlib.sha256(f"{decision_id}\0{key}\0{word}".encode()).hexdigest()


def named(entity: Entity, concerned: Concerned) -> str:
    """Return a subject or a resource as a record names it."""
    return str(entity) if entity not in concerned.missing else _digest_of(str(entity))


def safe_action(model: Model, question: Question) -> str:
    """Return the action, if it is one; any other text is the client's own."""
    is_known = (question.action, question.resource.type) in model.actions
    return question.action if is_known else _digest_of(question.action)


def safe_context(model: Model, question: Question, concerned: Concerned) -> tuple[dict[str, ContextValue], list[str]]:
    """Return what of a context may be recorded, and the keys of what may not: ids of records, digests, numbers and
    words of the vocabulary may, what the client said in words of its own may not.
    """
    given = question.context
    if not given:
        return {}, []
    action = model.actions.get((question.action, question.resource.type))
    names = {} if action is None else action.records
    known = {} if action is None else action.keys
    kept: dict[str, ContextValue] = {}
    withheld = []
    for key, value in given.items():
        if key in names:
            is_there = Entity(names[key], str(value)) not in concerned.missing
            kept[key] = value if is_there else _digest_of(str(value))
        elif key in known and (not isinstance(value, str) or is_safe_word(model, value)):
            kept[key] = value
        elif key in known:
            withheld.append(key)
        else:
            withheld.append(_digest_of(key))
    return kept, sorted(withheld)


def is_safe_word(model: Model, value: str) -> bool:
    """Tell whether a text is a word of the vocabulary, or a digest."""
    return value in _words(model) or _DIGEST.fullmatch(value) is not None


@cache
def _words(model: Model) -> frozenset[str]:
    """Return the words of all enumerations of a model."""
    columns = (column for shape in model.shapes.values() for column in shape.columns)
    return frozenset(str(word) for column in columns for word in column.words or ())


def mentioned(model: Model, question: Question) -> list[tuple[str, str]]:
    """Return what a question names, by type and id, the same perhaps twice: subject, resource and records of its
    context.
    """
    subject, resource = question.subject, question.resource
    found = [(subject.type, subject.id), (resource.type, resource.id)]
    if question.context:
        action = model.actions.get((question.action, resource.type))
        records = {} if action is None else action.records
        found += [(records[key], str(value)) for key, value in question.context.items() if key in records]
    return found


def look_up(model: Model, named: Iterable[tuple[str, str]], snapshot: FactSnapshot) -> Concerned:
    """Return what a snapshot says of records, by type and id. Raises FactsUnavailable."""
    missing: set[Entity] = set()
    tenants: set[str] = set()
    for record_type, record_id in named:
        try:
            record, home = snapshot.locate(record_type, record_id)
        except FactNotLoaded as error:
            # It is being imported: that it is there is told by who imports it.
            kind, unit_id = error.importing or ("", "")
            if kind == model.units.roots[model.tenant]:
                tenants.add(unit_id)
            continue
        if record is None or home is None:
            missing.add(Entity(record_type, record_id))
        else:
            tenants |= model.units.concerned_by(record, home) or frozenset()
    return Concerned(frozenset(missing), frozenset(tenants)) if missing or tenants else NOBODY


def _digest_of(text: str) -> str:
    return NOT_THERE + hashlib.sha256(text.encode()).hexdigest()


def _head(kind: str, id_: str, at: int, origin: Origin, duration_us: int) -> dict[str, Any]:
    return {
        "v": VERSION,
        "kind": kind,
        "id": id_,
        "at": at,
        "caller": origin.caller,
        "peer": origin.peer,
        "trace_id": origin.trace_id,
        "duration_us": duration_us,
        "by_release": __version__,
    }


def policies_named(version: str, digest: str) -> dict[str, str]:
    """Return how a record names the policies that decided: by their version, and by their whole digest if it is known,
    in base64url without padding.
    """
    return {"policy": version, "policy_sha256": _compact(digest)} if digest else {"policy": version}


@lru_cache(maxsize=64)
def _compact(digest: str) -> str:
    return base64url.encode(bytes.fromhex(digest))


def is_of_policies(content: Mapping[str, Any], digest: str) -> bool:
    """Tell whether a record may be of the policies of a digest, as far as it says."""
    return content.get("policy_sha256") in (None, _compact(digest))


def _rests_on(decision: Decision) -> dict[str, Any]:
    return {
        **policies_named(decision.policy_version, decision.policy_digest),
        "revision": decision.revision,
        "timeline": decision.timeline,
        "until": decision.valid_until,
    }


def _tenants(model: Model, concerned: Concerned) -> dict[str, Any]:
    return {"tenant": model.tenant, "tenants": sorted(concerned.tenants)} if concerned.tenants else {}
