"""Replaying an attack: its steps are performed on a store of its own, as a service would perform them, as proof."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealauthz.decision import Bundle, PolicyDecisionPoint, RequestOptions
from sealauthz.facts import Batch, FactCache, Put, Store, upgrade
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.operations import Assertions, Issuer, Operations, Performance
from sealauthz.operations.keys import SigningKeys
from sealauthz.policytools.attack.found import Found
from sealauthz.policytools.attack.goals import Goals
from sealauthz.policytools.attack.moves import ActMove, Move, OutsideMoved, Waited
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.schema import Instant
from sealauthz_client.assertions import Signer

_WRITER = "outside"
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: whether the goal was reached, after how many steps it ended otherwise, and why."""

    is_reached: bool
    done: int
    said: str = ""


def replay(bundle: Bundle, goals: Goals, found: Found) -> Replayed:
    """Perform the steps of an attack on a database that is made for it, and ask the goal of what is stored then."""
    with tempfile.TemporaryDirectory(prefix="sealauthz-attack-") as folder:
        stage = _Stage(bundle, Path(folder), found.goal.now)
        try:
            return stage.play(goals, found)
        finally:
            stage.close()


class _Stage:
    """A store with the facts that an attack begins with, and what performs acts on it."""

    def __init__(self, bundle: Bundle, folder: Path, now: Instant) -> None:
        self._now = now
        self._bundle = bundle
        self._subject_type = bundle.model.subjects[0]
        url = f"sqlite:///{folder / 'facts.db'}"
        upgrade(url, bundle.model)
        self._store = Store.open(url, bundle.model, lambda: self._now)
        self._cache = FactCache(self._store)
        self._signer = Signer.fresh(_WRITER, _WRITER)
        self._pdp = PolicyDecisionPoint(self._cache, bundle, lambda: self._now)
        self._ids: Iterator[str] = iter(())
        self._operations = Operations(
            self._store,
            self._pdp,
            Issuer(_WRITER, SigningKeys.fresh()),
            Assertions.of(_WRITER, self._signer.key_set),
            new_id=lambda: next(self._ids),
        )

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def play(self, goals: Goals, found: Found) -> Replayed:
        """Perform the steps, in their order."""
        try:
            self._write("begin", *(Put(record) for record in found.goal.facts.records))
        except SealAuthzError as error:
            return Replayed(False, 0, f"the facts that it begins with are refused: {error}")
        for number, step in enumerate(found.steps):
            try:
                said = self._step(number, step.move)
            except SealAuthzError as error:
                said = str(error)
            if said:
                return Replayed(False, number, said)
        last = found.steps[-1].move if found.steps else None
        is_reached = self._cache.answer(lambda snapshot: self._reached(goals, found, last, snapshot), FULL)
        return Replayed(is_reached, len(found.steps), "" if is_reached else "the goal is not reached in what is stored")

    def _step(self, number: int, move: Move) -> str:
        """Make one step; return why it is denied, empty where it is done."""
        match move:
            case Waited():
                self._now = move.until
            case OutsideMoved():
                self._write(f"outside-{number}", *move.changes)
            case ActMove():
                return self._act(number, move)
        return ""

    def _act(self, number: int, move: ActMove) -> str:
        if move.provided:
            self._write(f"provided-{number}", *(Put(record) for _, _, record in move.provided))
        asked = move.asked
        act = Performance(asked.question(self._subject_type), f"act-{number}", move.arguments)
        text = self._signer.sign(str(act.question.subject), act.digest, now=self._now // _SECOND)
        self._ids = iter([move.operation_id] * 100)  # a decision that was overtaken is made again under the same
        performed = self._operations.perform(
            dataclasses.replace(act, assertion=text), RequestOptions(caller=asked.caller, consistency=FULL)
        )
        return "" if performed else f"denied: {', '.join(each.code for each in performed.decision.reasons)}"

    def _reached(self, goals: Goals, found: Found, last: Move | None, snapshot: FactSnapshot) -> bool:
        actor: Any = None
        action = ""
        if isinstance(last, ActMove):
            actor, action = snapshot.find(self._subject_type, last.asked.subject), last.asked.action
        context = goals.context(self._now, found.goal.now, actor, action)
        record_type, _, record_id = found.record.partition(":")
        record = snapshot.find(record_type, record_id)
        return record is not None and goals.is_reached(found.goal, record, context)

    def _write(self, request_id: str, *changes: Any) -> None:
        self._store.write(Batch(_WRITER, request_id, changes))
