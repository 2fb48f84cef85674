"""The facts of the soak, and what is asked about them: a question is allowed while its switches are on, and only then.

The facts are those of the benchmarks. Three kinds of them are turned on and off while others ask: whether a seal is
free (of its hold), whether somebody is a member, and whether they showed their face. A fourth comes on once: an
enterprise that is imported.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak_truth import Switch

from sealauthz.model import MODEL
from sealauthz.model.records.identity import (
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.model.records.membership import MembershipState
from sealauthz.model.records.organisation import RegistrySnapshot, uscc_check_character
from sealauthz.model.records.seals import HoldSource, HoldState, SealHold
from sealauthz.service.records import forms_of
from sealauthz_client import Question, put, update
from sealauthz_client.v1 import facts_pb2, records_pb2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import worlds

ENTERPRISES = 24
FIRST_IMPORTED = 1_000
FACE_LASTS_S = 20 * 60
"""A face check is good for half an hour, and asked about for no longer than this, so that no clock decides."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the switches that must all be on for it to be allowed."""

    question: Question
    needs: tuple[Switch, ...]


def free(n: int) -> Switch:
    """Whether the seal of an enterprise is not held."""
    return ("free", f"h{n}-0")


def member(n: int) -> Switch:
    """Whether somebody is a member of an enterprise."""
    return ("member", f"m{n}-{worlds.PLAIN}")


def face(name: str) -> Switch:
    """Whether there is a face check."""
    return ("face", name)


def imported(n: int) -> Switch:
    """Whether an enterprise was imported as a whole."""
    return ("imported", f"e{n}")


def opening() -> Iterator[Any]:
    """The facts to begin with: every switch of the enterprises is on."""
    worlds.NOW = time.time_ns() // 1_000
    yield from worlds.records(ENTERPRISES)
    for n in range(ENTERPRISES):
        yield _hold(n, is_held=False)


def switches() -> list[Switch]:
    """The switches that are turned again and again, all on to begin with."""
    return [switch for n in range(ENTERPRISES) for switch in (free(n), member(n))]


def first_faces() -> list[tuple[int, str]]:
    """The face checks that are there to begin with, by enterprise."""
    return [(n, f"v{n}") for n in range(ENTERPRISES)]


def message_of(record: Any) -> Any:
    """Return a record as its message."""
    fact = forms_of(MODEL).fact_of(record, is_plain=True)
    return getattr(fact, fact.WhichOneof("record") or "")


def turn(switch: Switch, *, is_on: bool) -> facts_pb2.FactChange:
    """Return the change that turns a switch on or off."""
    kind, name = switch
    n = int(name[1:].partition("-")[0])
    if kind == "free":
        return put(message_of(_hold(n, is_held=not is_on)))
    members = (record for record in worlds.enterprise(n, ENTERPRISES) if getattr(record, "id", "") == name)
    membership: Any = next(members)
    membership.state = MembershipState.ACTIVE if is_on else MembershipState.SUSPENDED
    return update(message_of(membership), "state")


def turned_by(change: facts_pb2.ChangedFact) -> tuple[Switch, bool] | None:
    """Return which switch a change that is watched turned, and whether it is on now; None for another fact."""
    kind, name = change.key.record_type, change.key.id
    after: Any = change.after
    if kind == "SealHold" and name.endswith("-0"):
        return ("free", name), after.seal_hold.state == records_pb2.HOLD_STATE_RELEASED
    if kind == "Membership" and name.endswith(f"-{worlds.PLAIN}") and int(name[1:].partition("-")[0]) < ENTERPRISES:
        return ("member", name), after.membership.state == records_pb2.MEMBERSHIP_STATE_ACTIVE
    if kind == "IdentityVerification" and name.startswith("soak-"):
        return face(name), True
    return None


def face_check(n: int, name: str) -> facts_pb2.FactChange:
    """Return the change that shows a face again, for the seal of an enterprise."""
    check = IdentityVerification(
        name,
        f"p{n}-{worlds.USER}",
        VerificationMethod.FACE,
        VerificationPurpose.SIGN,
        f"provider-{name}",
        state=VerificationState.PASSED,
        passed_at=time.time_ns() // 1_000 - 1_000_000,
        bound_type="SigningTask",
        bound_id=f"t{n}",
        bound_digest=f"digest{n}",
    )
    return put(message_of(check))


def enterprise(n: int) -> Iterable[Any]:
    """The facts of an enterprise that is imported, as messages: each refers to those before it, and to no others."""
    found = list(worlds.enterprise(n, ENTERPRISES))
    found.sort(key=lambda record: isinstance(record, RegistrySnapshot))
    found[-1].legal_rep_id = f"p{n}-{worlds.USER}"  # while it is imported, nothing is decided about this person
    number = f"9135010{n:010}"
    found[0].uscc = number + uscc_check_character(number)
    return [message_of(record) for record in found]


def use(n: int, check: str) -> Asked:
    """The use of a seal, for which it must be free and the face shown."""
    context = {"task": f"t{n}", "verification": check}
    question = Question(f"Person:p{n}-{worlds.USER}", "use", f"Seal:s{n}-0", context)
    return Asked(question, (free(n), face(check)))


def view(n: int) -> Asked:
    """The look at a seal, which takes a member."""
    return Asked(Question(f"Person:p{n}-{worlds.PLAIN}", "view", f"Seal:s{n}-1"), (member(n),))


def view_imported(n: int) -> Asked:
    """The look at a seal of an enterprise that is imported."""
    return Asked(Question(f"Person:p{n}-{worlds.PLAIN}", "view", f"Seal:s{n}-1"), (imported(n),))


def seals_of(n: int) -> list[str]:
    """The seals of an enterprise, all of which a member may look at."""
    return [f"s{n}-{k}" for k in range(worlds.SEALS)]


def others_in(n: int) -> list[str]:
    """Those who may always look at the seals of an enterprise: members that stay, and the legal representative."""
    members = [f"p{n}-{k}" for k in range(worlds.MEMBERS) if k != worlds.PLAIN]
    return [*members, f"p{(n - 1) % ENTERPRISES}-{worlds.USER}"]


def any_of(random_: random.Random, checks: Callable[[int], str | None], imports: list[int]) -> Asked:
    """Return a question about an enterprise, at random."""
    if imports and random_.randrange(8) == 0:
        return view_imported(random_.choice(imports[-20:]))
    n = random_.randrange(ENTERPRISES)
    check = checks(n)
    return use(n, check) if check is not None and random_.randrange(2) else view(n)


def _hold(n: int, *, is_held: bool) -> SealHold:
    state = HoldState.PLACED if is_held else HoldState.RELEASED
    return SealHold(f"h{n}-0", f"s{n}-0", HoldSource.ADMIN, worlds.NOW - worlds.DAY, state)
