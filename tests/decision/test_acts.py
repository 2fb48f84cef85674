"""Every act, tried by chance: legal and illegal, by everybody, while the world outside goes on. No try breaks a law.

The laws are those of `acting_world`. What is tried is made from what acts declare, and begins with the facts of the
policy tests, so that an act that is added is tried too: the first test fails when it is never performed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from act_laws import ACTING, Deed
from acting_by_chance import Chance, allowed_in_tests
from acting_world import ActingWorld, Ground
from effort import EFFORT, Effort, tries
from event_laws import RECIPIENTS, assert_told
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from scene import NOW, Scene

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.bundle import EngineKind
from sealauthz.facts import Batch, Put, Store, Update
from sealauthz.facts.store.acting import Basis
from sealauthz.model import MODEL
from sealauthz.model.records.grants import SealGrant
from sealauthz.model.records.seals import HoldSource, SealHold
from sealauthz.model.records.signing import TaskOperator
from sealauthz.operations import Operations
from sealauthz.policytools.testing.suite import Ask
from sealauthz.runtime.errors import InvalidRequest, InvariantBroken
from sealauthz.schema import Event, Outcome
from sealauthz.schema.rules import Life, SetOnce

NewDatabase = Callable[[str], str]

_SEEDS = tries(4, 12)
"""How many of its allowed questions each act is begun with until it is performed."""


@pytest.fixture(scope="module")
def sqlite(new_database: NewDatabase) -> Iterator[Ground]:
    ground = Ground(new_database("sqlite"))
    yield ground
    ground.close()


@pytest.fixture(scope="module")
def postgresql(postgresql_uri: str, new_database: NewDatabase) -> Iterator[Ground]:
    ground = Ground(new_database("postgresql"))
    yield ground
    ground.close()


# --- every act -------------------------------------------------------------------------------------------------------


class Tour:
    """Performs every act once, from worlds of the policy tests in which it is allowed."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.performed: set[tuple[str, str]] = set()
        self._makers: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        """By record type the acts that made or changed one or are on one, each with a seed with which it was done."""

    def begin(self, ask: Ask, seed: int, without: tuple[str, str] | None = None) -> Chance:
        asked = (ask.question.resource.type, ask.question.resource.id)
        keyed = {(type(record).__name__, record.id): record for record in ask.facts.records}
        keyed.pop(without or ("", ""), None)
        for records in ({**keyed, asked: _as_begun(keyed[asked])}, keyed):
            with contextlib.suppress(sqlite3.IntegrityError, InvariantBroken):
                world = self._ground.begin(records.values(), ask.now)
                world.judges_events = True
                return Chance(world, seed)
        raise AssertionError(f"no store holds the facts of {ask.file}:{ask.line}")

    def perform(self, act: tuple[str, str]) -> None:
        """Perform an act from a world in which it is allowed as it stands, if one is found."""
        asks = allowed_in_tests()[act]
        for seed in range(min(_SEEDS, len(asks))):
            chance = self.begin(asks[seed * len(asks) // _SEEDS], seed)
            if self._is_done(chance, act, seed):
                return

    def perform_after_another(self, act: tuple[str, str]) -> None:
        """Perform an act where another one brought its record about, or where a record is not in its way."""
        for ask in allowed_in_tests()[act][:2]:
            for record in ask.facts.records:
                if ask.question.resource.id in _named_by(record) and not _is_named(record, ask):
                    chance = self.begin(ask, 0, (type(record).__name__, record.id))
                    if chance.world.decide(chance.deed_of(ask)) and self._is_done(chance, act, 0):
                        return
        for maker, first in self._makers[act[0]].items():
            for seed in range(first, first + 4):
                asks = allowed_in_tests()[maker]
                chance = self.begin(asks[first * len(asks) // _SEEDS], seed)
                if chance.persist(chance.deed_of(asks[first * len(asks) // _SEEDS])).is_done:
                    legal = chance.legal(frozenset({act}), 300)
                    if legal is not None and chance.persist(legal).is_done:
                        self.performed.add(act)
                        return

    def _is_done(self, chance: Chance, act: tuple[str, str], seed: int) -> bool:
        asks = allowed_in_tests()[act]
        before = chance.world.records
        tried = chance.persist(chance.deed_of(asks[seed * len(asks) // _SEEDS]))
        while (others := chance.other_rules(tried)) is not None:
            deed, records = others
            chance = Chance(self._ground.begin(records.values(), chance.world.now), seed := seed + 1)
            tried = chance.world.attempt(deed)
            if isinstance(tried.error, InvalidRequest):
                # They agreed to rules that cannot be written: what else may it have been?
                tried = chance.persist(chance.speaker.said_again(deed, "arguments"))
        if not tried.is_done:
            return False
        self.performed.add(act)
        changed = {key[0] for key, record in chance.world.records.items() if before.get(key) != record}
        for record_type in {act[0], *changed}:
            self._makers[record_type].setdefault(act, seed)
        return True


def _as_begun(record: Any) -> Any:
    """Return a record as it is while it waits: what is set once is not set yet, though its fixture says so."""
    shape = MODEL.shapes[type(record).__name__]
    if not any(getattr(record, life.column) in life.initial for life in shape.rules_of(Life)):
        return record
    fields = {each.name: each for each in dataclasses.fields(record)}
    once = [name for each in shape.rules_of(SetOnce) for name in each.columns]
    blank = {name: fields[name].default for name in once if fields[name].default is not dataclasses.MISSING}
    return dataclasses.replace(record, **blank)


def _named_by(record: Any) -> set[Any]:
    return {getattr(record, column.name) for column in MODEL.shapes[type(record).__name__].columns if column.ref}


def _is_named(record: Any, ask: Ask) -> bool:
    return any(record.id in _named_by(other) for other in ask.facts.records)


NOT_PERFORMED: dict[tuple[str, str], str] = {
    (name, "alert"): "the service itself does it, and nobody who calls: tests/model/effects/test_raised_alerts.py"
    for name in ("DeniedAttempt", "SealOuting", "SealUse")
}
"""The acts that are not performed here, each with the reason."""


@pytest.mark.timeout(600)
def test_every_act_is_performed_and_keeps_the_laws(sqlite: Ground) -> None:
    assert allowed_in_tests().keys() == ACTING
    tour = Tour(sqlite)
    for act in ACTING_IN_ORDER:
        tour.perform(act)
    for act in sorted(ACTING - tour.performed - NOT_PERFORMED.keys()):
        tour.perform_after_another(act)
    assert ACTING - tour.performed == NOT_PERFORMED.keys()


ACTING_IN_ORDER = sorted(ACTING)


def test_each_event_says_whom_it_is_for() -> None:
    """Who must be told, who may be, and nobody else: each act is held against that."""
    assert RECIPIENTS.keys() == MODEL.events.keys()
    records = allowed_in_tests()["Seal", "freeze"][0].facts.records
    facts = {(type(record).__name__, record.id): record for record in records}
    seal_id = next(record_id for kind, record_id in facts if kind == "Seal")
    owner = facts["Seal", seal_id].enterprise_id
    for recipients in ((), ("nobody of the enterprise",)):
        event = Event("SEAL_FREEZE_PLACED", owner, ("Seal", seal_id), recipients, {})
        with pytest.raises(AssertionError, match="tell"):
            assert_told(None, [event], facts, facts, NOW)
    about = Event("SEAL_HOLD_RELEASED", owner, ("SealHold", "court"), (), {})
    facts["SealHold", "court"] = SealHold("court", seal_id, HoldSource.JUDICIAL, NOW)
    with pytest.raises(AssertionError, match="authority"):
        assert_told(None, [about], facts, facts, NOW)


def test_who_was_named_to_sign_is_told_that_it_is_over_and_no_stranger() -> None:
    """Also one from outside, whom a task names without being named by it."""
    records = allowed_in_tests()["Contract", "recall"][0].facts.records
    facts = {(type(record).__name__, record.id): record for record in records}
    task_id = next(record_id for kind, record_id in facts if kind == "SigningTask")
    party = facts["Signatory", facts["SigningTask", task_id].signatory_id]
    outsider = "from outside"
    event = Event("CONTRACT_RECALLED", party.enterprise_id, ("SigningTask", task_id), (outsider,), {})
    with pytest.raises(AssertionError, match=outsider):
        assert_told(None, [event], facts, facts, NOW)
    facts["TaskOperator", "another"] = TaskOperator("another", task_id, outsider)
    assert_told(None, [event], facts, facts, NOW)


# --- by chance -------------------------------------------------------------------------------------------------------


class ActsByChance(RuleBasedStateMachine):
    """A world of a policy test in which everybody tries what they like."""

    ground: Ground
    reference: Bundle | None = None

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        by = random.Random(seed)
        chosen = by.choice(allowed_in_tests()[by.choice(ACTING_IN_ORDER)])
        self.world: ActingWorld = self.ground.begin(chosen.facts.records, chosen.now, self.reference)
        self.world.judges_events = True
        self.chance = Chance(self.world, seed)
        self.done: list[Deed] = []
        self._try(self.chance.deed_of(chosen))

    def _try(self, deed: Deed | None) -> None:
        if deed is not None and self.chance.persist(deed, 10).is_done:
            self.done.append(deed)

    @rule(seed=st.integers(0, 2**32))
    def do_what_may_be_allowed(self, seed: int) -> None:
        self.chance.by.seed(seed)
        self._try(self.chance.legal(looks=120))

    @rule(seed=st.integers(0, 2**32))
    def try_anything(self, seed: int) -> None:
        self.chance.by.seed(seed)
        deed = self.chance.any()
        if deed is not None:
            self.world.attempt(deed)

    @precondition(lambda self: bool(self.done))
    @rule(seed=st.integers(0, 2**32))
    def do_it_again_or_have_somebody_else_do_it(self, seed: int) -> None:
        self.chance.by.seed(seed)
        deed = self.chance.by.choice(self.done)
        somebody = self.chance.by.choice([deed.subject, *self.chance.speaker.ids("Person")])
        self.world.attempt(dataclasses.replace(deed, subject=somebody))

    @rule(seed=st.integers(0, 2**32))
    def act_while_the_world_outside_changes(self, seed: int) -> None:
        self.chance.by.seed(seed)
        deed = self.chance.legal(looks=60)
        if deed is not None:
            self.world.attempt(deed, meanwhile=self.chance.change_outside)

    @rule(seed=st.integers(0, 2**32))
    def change_the_world_outside(self, seed: int) -> None:
        self.chance.by.seed(seed)
        self.chance.change_outside()

    @rule(seed=st.integers(0, 2**32))
    def let_time_pass(self, seed: int) -> None:
        self.chance.by.seed(seed)
        self.chance.pass_time()
        self.world.sweep()


def act_by_chance(ground: Ground, examples: int, reference: Bundle | None = None) -> None:
    machine = type("Machine", (ActsByChance,), {"ground": ground, "reference": reference})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=10,
            deadline=None,
            # What every change is checked with is always the same; `make thorough` looks further each time.
            derandomize=EFFORT is not Effort.THOROUGH,
            database=None,
            # A step is made from one number, which gets no clearer by being smaller.
            phases=(Phase.generate,),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_is_tried_keeps_the_laws(sqlite: Ground) -> None:
    act_by_chance(sqlite, tries(20, 3_000))


def test_whatever_is_tried_keeps_the_laws_on_postgresql(postgresql: Ground) -> None:
    act_by_chance(postgresql, tries(5, 1_000))


def test_what_is_performed_oso_allows_too(sqlite: Ground) -> None:
    """In a sample: oso takes a thousand times as long."""
    reference = Bundle.load(MODEL, engine=EngineKind.OSO)
    for act in ACTING_IN_ORDER[:: tries(8, 1)]:
        ask = allowed_in_tests()[act][0]
        chance = Chance(sqlite.begin(ask.facts.records, ask.now, reference), 0)
        chance.persist(chance.deed_of(ask))


# --- the laws bite ---------------------------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def _duty_forgotten(code: str) -> Plant:
    """Nobody meets an obligation of the transaction."""
    return lambda patch: patch.setitem(
        MODEL.duties, code, dataclasses.replace(MODEL.duties[code], meet=lambda _act, _named: ())
    )


def _effect(act: tuple[str, str], change: Callable[[Any, Outcome], Outcome]) -> Plant:
    """The effect of an act does something else."""
    resource, name = act

    def plant(patch: pytest.MonkeyPatch) -> None:
        action = MODEL.actions[name, resource]
        assert action.effect is not None
        effect = action.effect
        patch.setitem(
            MODEL.actions, (name, resource), dataclasses.replace(action, effect=lambda act: change(act, effect(act)))
        )

    return plant


def _a_deny_writes(patch: pytest.MonkeyPatch) -> None:
    decide = PolicyDecisionPoint.decide_to_act

    def decide_and_write(self: Any, question: Any, *rest: Any) -> Any:
        found = decide(self, question, *rest)
        if not found[0]:
            _store_of(self).write(Batch("test", "deny", (Update("Person", "user", {"last_active_at": 1}),)))
        return found

    patch.setattr(PolicyDecisionPoint, "decide_to_act", decide_and_write)


def _store_of(pdp: Any) -> Store:
    store: Store = pdp._fact_cache._store
    return store


def _active_at_once(act: Any, outcome: Outcome) -> Outcome:
    """A grant counts without its confirmation."""
    changes = [
        Put(dataclasses.replace(each.record, state="ACTIVE", confirmation="INTENT", confirmed_by_id=act.subject.id))
        if isinstance(each, Put) and isinstance(each.record, SealGrant)
        else each
        for each in outcome.changes
    ]
    return dataclasses.replace(outcome, changes=tuple(changes))


def _looking_writes(act: Any, outcome: Outcome) -> Outcome:
    return dataclasses.replace(outcome, changes=(act.set(act.subject, last_active_at=act.now),))


USES = Deed("user", "use", ("Seal", "s"), {"task": "t", "verification": "v-user"}, {"audience": "engine"})
GRANTS = Deed(
    "keeper",
    "grant",
    ("Seal", "s"),
    {},
    {"kind": "MEMBER", "member": "m-plain", "right": "MANAGE", "valid_to": NOW + 1, "scope": "ALL_CONTRACTS"},
)

FAULTS: dict[str, tuple[Plant, Deed, str]] = {
    "a check is not used up": (_duty_forgotten("CONSUME_VERIFICATION"), USES, "left v-user"),
    "a use is not counted": (_duty_forgotten("DECREMENT_USE"), USES, "did not count SealGrant:g-user"),
    "a deny writes": (_a_deny_writes, dataclasses.replace(USES, subject="plain"), "was denied, and .* changed"),
    "a right of care needs no confirmation": (
        _effect(("Seal", "grant"), _active_at_once), GRANTS, "that nobody confirmed"
    ),
    "looking writes": (
        _effect(("Seal", "view"), _looking_writes), Deed("user", "view", ("Seal", "s")), "only looks, and changed"
    ),
    "a request is performed again": (
        lambda patch: patch.setattr(Operations, "_earlier", lambda *_: None), USES, "sent again"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, sqlite: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, deed, said = FAULTS[name]
    world = sqlite.begin(Scene().records, NOW)
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        world.attempt(deed)


def test_a_decision_that_was_overtaken_is_found(sqlite: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its grant is revoked between the decision and the commit, and the commit does not look."""
    world = sqlite.begin(Scene().records, NOW)
    revoked = Update("SealGrant", "g-user", {"state": "REVOKED"})
    assert not world.attempt(USES, meanwhile=lambda: world.outside(revoked)).is_done
    world = sqlite.begin(Scene().records, NOW)
    monkeypatch.setattr(Basis, "check", lambda *_: None)
    with pytest.raises(AssertionError, match=r"was performed, and .* denies it"):
        world.attempt(USES, meanwhile=lambda: world.outside(revoked))


def test_a_fault_is_found_by_chance(sqlite: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _duty_forgotten("CONSUME_VERIFICATION")(monkeypatch)
    with pytest.raises(AssertionError, match=r"left |used .* again"):
        act_by_chance(sqlite, 120)
