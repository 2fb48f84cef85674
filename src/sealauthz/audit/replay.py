"""Replay: what the log says is decided again, by the facts, the policies and the clock of then, and compared.

A record is first compared with the tree, so that nobody replays what was changed. Then each decision in it gives the
logged answer, or another one, or it is said why that cannot be told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from sealauthz import __version__
from sealauthz.audit.as_of import AsOf, PastMoment
from sealauthz.audit.log import Entry
from sealauthz.audit.merkle import leaf_hash
from sealauthz.audit.record import FOR_OPERATORS, NOT_THERE, PACKED, is_of_policies, items_of, word_digest
from sealauthz.audit.replayed_lists import differing_list
from sealauthz.audit.sequencer import tile_fetcher
from sealauthz.audit.tiles import Tiles
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.question import ContextValue, Entity, Question
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.past import Past
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import InvalidRequest, PastUnknown, PolicyUnknown
from sealauthz.schema import Model

ACTIVATION = "PolicyActivation"
_AT_ONCE = 500
"""So many records are decided again on one read transaction."""

_MOST_CHARACTERS = 256 * 1024 * 1024
_COMPARED = ("effect", "reasons", "obligations")


class Outcome(StrEnum):
    """How the replay of a record came out."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    TAMPERED = "TAMPERED"
    NOT_CHECKABLE = "NOT_CHECKABLE"
    NOTHING_DECIDED = "NOTHING_DECIDED"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the replay of one record found. Unless it is the same, `cause` is a code, and `said` tells people.

    `logged` and `found` are what differs, as records say it.
    """

    number: int
    decision_id: str
    kind: str
    outcome: Outcome
    cause: str = ""
    said: str = ""
    logged: Mapping[str, Any] | None = None
    found: Mapping[str, Any] | None = None


Words = Mapping[str, Mapping[str, ContextValue]]
"""What clients gave in words, by the id of the decision and the key of its context."""

NO_WORDS: Words = {}


class Replay:
    """Decides again what the log of a store says; with the `words` that were kept elsewhere."""

    def __init__(self, store: Store, as_of: AsOf, words: Words = NO_WORDS) -> None:
        self._words = words
        self._store = store
        self._as_of = as_of
        self._activations = PolicyStore(store)

    def run(self, entries: Iterable[Entry]) -> Iterator[Replayed]:
        """Yield what the replay of each record found, in their order. Raises FactsUnavailable."""
        each = iter(entries)
        while some := list(islice(each, _AT_ONCE)):
            with self._store.read_transaction() as transaction, self._store.plain_connection() as connection:
                tiles = Tiles(tile_fetcher(Driver(connection)))
                replaying = _Replaying(self._store, self._as_of, transaction, self._activations, self._words)
                for entry in some:
                    yield _tampered(entry, tiles) or replaying.replay(entry)


def _tampered(entry: Entry, tiles: Tiles) -> Replayed | None:
    """Tell a record that is not the one that was hashed."""
    try:
        is_ours = leaf_hash(entry.text.encode()) == tiles.node(0, entry.number)
        content = entry.content
        head = (entry.number, content["id"], content["kind"])
    except (LookupError, ValueError):  # KeyError is one: what lacks its keys is no record
        is_ours, head = False, (entry.number, "", "")
    if is_ours:
        return None
    said = "the record is not the one that was hashed: run `sealauthz audit verify`"
    return Replayed(*head, Outcome.TAMPERED, "TAMPERED", said)


class _Replaying:
    """Replays records on one read transaction."""

    def __init__(
        self, store: Store, as_of: AsOf, transaction: ReadTransaction, activations: PolicyStore, words: Words
    ) -> None:
        self._words = words
        self._store = store
        self._model = store.model
        self._as_of = as_of
        self._transaction = transaction
        self._activations = activations
        self._past: Past | None = None
        self._moment: PastMoment | None = None

    def replay(self, entry: Entry) -> Replayed:
        """Decide again what a record says."""
        content = entry.content
        head = (entry.number, content["id"], content["kind"])
        try:
            if content["kind"] == ACTIVATION:
                return self._compare_activation(head, content)
            if content.get("effect") == "LIST":
                return self._compare_list(head, content)
            if "again" in content:
                return self._compare_repeat(head, content)
            parts = _parts(content)
            if not parts:
                return Replayed(*head, Outcome.NOTHING_DECIDED)
            for number, part in enumerate(parts):
                until = content.get("until") if number == 0 and content["v"] > 1 else None
                found = self._decide(content, part)
                differs = _differing(part, found, until)
                if differs:
                    cause, said = _cause(content, part, self._moment)
                    outcome = Outcome.NOT_CHECKABLE if cause == "NAMES_LEFT_OUT" else Outcome.DIFFERENT
                    logged = {name: content.get(name) if name == "until" else part.get(name) for name in differs}
                    return Replayed(*head, outcome, cause, said, logged, differs)
        except PastUnknown as error:
            return Replayed(*head, Outcome.NOT_CHECKABLE, error.cause, str(error))
        except InvalidRequest as error:
            said = f"the question is not one that this version takes: {error}"
            return Replayed(*head, Outcome.NOT_CHECKABLE, "OTHER_RELEASE", said)
        return Replayed(*head, Outcome.SAME)

    def _decide(self, content: Mapping[str, Any], part: Mapping[str, Any]) -> Decision:
        question = question_of(self._model, part, self._words)
        check_policies(self._as_of, content)
        return self._moment_of(content).decide(
            question, RequestOptions(caller=content.get("caller", "")), content["policy"]
        )

    def _moment_of(self, content: Mapping[str, Any]) -> PastMoment:
        """Return the moment of a record. Raises PastUnknown."""
        if content.get("timeline", "") != self._transaction.timeline:
            raise PastUnknown("OTHER_HISTORY", "the facts that it rests on are of a history that was restored away")
        return self._at(content.get("revision", 0), content.get("evaluated_at", content["at"]))

    def _at(self, revision: int, at: int) -> PastMoment:
        moment, past = self._moment, self._past
        if moment is not None and moment.revision == revision:
            self._moment = moment = moment.moved_to(at)
            return moment
        if past is None or revision < past.floor or past.size > _MOST_CHARACTERS:
            past = Past(self._transaction, revision)
            # Records come in the order of the log, or the other way round: far enough back for those to come.
            past.floor = max(0, past.oldest - 1, revision - _AT_ONCE)
            self._past = past
        past.check_kept(revision)
        self._moment = moment = PastMoment(self._as_of, past, revision, at)
        return moment

    def _compare_repeat(self, head: tuple[int, str, str], content: Mapping[str, Any]) -> Replayed:
        """Compare the answer to a repeated request, which decides nothing, with what is kept of its operation."""
        kept = self._store.operation_by_id(content.get("caller", ""), content["again"])
        if kept is None:
            raise PastUnknown("OPERATION_GONE", "the operation that was answered with is not kept any more")
        decision = kept["decision"]
        stored = {
            "effect": "ALLOW",
            **{name: ":".join(kept[name]) for name in ("subject", "resource")},
            "action": kept["action"],
            "policy": decision["policy_version"],
            **{name: decision[name] for name in ("revision", "timeline")},
            "until": decision["valid_until"],
            "obligations": [code for code, _ in decision["obligations"]],
        }
        differs = {name: value for name, value in stored.items() if value != content.get(name, [])}
        if not differs:
            return Replayed(*head, Outcome.SAME)
        said = "what is kept of the operation is not what a repetition of its request was answered with"
        logged = {name: content.get(name) for name in differs}
        return Replayed(*head, Outcome.DIFFERENT, "OPERATION", said, logged, differs)

    def _compare_list(self, head: tuple[int, str, str], content: Mapping[str, Any]) -> Replayed:
        """List again what was listed."""
        moment = self._moment_of(content)
        check_policies(self._as_of, content)
        differs = differing_list(moment, content)
        if not differs:
            return Replayed(*head, Outcome.SAME)
        cause, said = _cause(content, content, moment)
        return Replayed(*head, Outcome.DIFFERENT, cause, said, {name: content.get(name) for name in differs}, differs)

    def _compare_activation(self, head: tuple[int, str, str], content: Mapping[str, Any]) -> Replayed:
        """Compare the record of an activation with what is stored of it."""
        found = next((each for each in self._activations.activations() if each.revision == content["revision"]), None)
        stored: dict[str, Any] = dict.fromkeys(("policy", "change", "caller", "previous", "author"))
        if found is not None:
            values = (found.version, found.kind, found.approver, found.previous, found.author)
            stored = dict(zip(stored, values, strict=True))
        if "archive_sha256" in content:  # what was activated before has none
            stored["archive_sha256"] = self._archive_digest(content["policy"])
        differs = {name: value for name, value in stored.items() if value != content.get(name, "")}
        if not differs:
            return Replayed(*head, Outcome.SAME)
        said = "what is stored of the activation is not what was recorded"
        logged = {name: content.get(name) for name in differs}
        return Replayed(*head, Outcome.DIFFERENT, "ACTIVATION", said, logged, differs)

    def _archive_digest(self, version: str) -> str:
        """Return the digest of the archive that is kept; empty where none is."""
        try:
            return hashlib.sha256(self._activations.proposal(version).content.encode()).hexdigest()
        except PolicyUnknown:
            return ""


def check_policies(as_of: AsOf, content: Mapping[str, Any]) -> None:
    """Raise PastUnknown where the policies of the version that a record names are not those that decided.

    A version has 64 bits, so that others can be made for it; a record holds the whole digest, unless it is of before it
    did.
    """
    version = content["policy"]
    if not is_of_policies(content, as_of.catalog(version).bundle.digest):
        raise PastUnknown("POLICY_CHANGED", f"what is kept as policies `{version}` are others of that version")


def question_of(model: Model, part: Mapping[str, Any], words: Words = NO_WORDS) -> Question:
    """Return the question that a part of a record is about; `words` are those that were kept elsewhere. Raises
    PastUnknown where words of it were left out and are not given, or not those.
    """
    given = _given_words(part, words.get(part.get("id", ""), {})) if part.get("withheld") else {}
    action = part["action"]
    types = [type_ for name, type_ in model.actions if name == action]
    # For what was not there then, something that was not there: its digest.
    subject = _entity(part["subject"], model.subjects[0])
    resource = _entity(part["resource"], types[0] if types else model.tenant)
    return Question(subject, action, resource, {**part.get("context", {}), **given})


def _given_words(part: Mapping[str, Any], kept: Mapping[str, ContextValue]) -> Mapping[str, ContextValue]:
    """Return the words that a record leaves out, if they are those whose digests it holds. Raises PastUnknown."""
    withheld, digests = part["withheld"], part.get("words_sha256", {})
    names = ", ".join(f"`{name}`" for name in withheld)
    if not kept or set(digests) != set(withheld):
        how = "; who has them gives them with --words" if set(digests) == set(withheld) else ""
        raise PastUnknown("WORDS_LEFT_OUT", f"the record leaves out what the client gave in words: {names}{how}")
    wrong = [key for key in withheld if key not in kept or word_digest(part["id"], key, kept[key]) != digests[key]]
    if wrong:
        names = ", ".join(f"`{name}`" for name in wrong)
        raise PastUnknown("OTHER_WORDS", f"what is given is not what the client gave: {names}")
    return {key: kept[key] for key in withheld}


def _entity(name: str, type_of_missing: str) -> Entity:
    if name.startswith(NOT_THERE):
        return Entity(type_of_missing, name)
    type_, _, id_ = name.partition(":")
    return Entity(type_, id_)


def _parts(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the decisions in a record. Raises PastUnknown where it does not hold them."""
    if "items_sha256" in content and PACKED not in content:
        raise PastUnknown("DIGEST_ONLY", "the record holds the digest of its many items, and not the items")
    if "items" in content or PACKED in content:
        try:
            return [part for part in items_of(content) if "effect" in part]
        except ValueError as error:
            raise PastUnknown("DIGEST_ONLY", str(error)) from error
    return [content] if "effect" in content and "policy" in content else []


def said_of(decision: Decision) -> dict[str, Any]:
    """Return how something was decided, as records say it."""
    return {
        "effect": str(decision.effect),
        "reasons": [
            [reason.code, reason.requirement, *([FOR_OPERATORS] if reason.is_for_operators else ())]
            for reason in decision.reasons
        ],
        "obligations": [obligation.code for obligation in decision.obligations],
    }


def is_the_same(part: Mapping[str, Any], found: Decision) -> bool:
    """Tell whether a decision is the one that a part of a record tells."""
    return not _differing(part, found, None)


def _differing(part: Mapping[str, Any], found: Decision, until: int | None) -> dict[str, Any]:
    """Return what was found that is not what was logged."""
    said = said_of(found)
    differs = {name: said[name] for name in _COMPARED if said[name] != part.get(name, [])}
    if until is not None and until != found.valid_until:
        differs["until"] = found.valid_until
    return differs


def _cause(content: Mapping[str, Any], part: Mapping[str, Any], moment: PastMoment | None) -> tuple[str, str]:
    """Return why another answer was found, as far as that can be told."""
    if any(str(part.get(name, "")).startswith(NOT_THERE) for name in ("subject", "resource", "action")):
        return "NAMES_LEFT_OUT", "the record holds digests for names that nothing had when it was written"
    if content.get("by_release", __version__) != __version__:
        said = f"release {content['by_release']} decided, and this is {__version__}"
        return "OTHER_RELEASE", said
    if moment is not None and moment.activated not in ("", content["policy"]):
        said = f"policies `{moment.activated}` were activated at the revision, and the record names others"
        return "OTHER_POLICY", said
    return "FACTS", "the history of the facts, or the code, is not what it was when this was decided"
