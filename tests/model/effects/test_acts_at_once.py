"""Two acts at the same moment, from two processes or from one, come out as if one of them had come after the other.

Each pair is first carried out in both orders, one after the other: those are the outcomes that there may be. Then it is
carried out at once, again and again, on a copy of the facts for each time; the revisions tell which came first. In
every third round other policies, which decide the same, come to decide meanwhile. `make thorough` runs thousands.
"""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from effort import tries
from harness import NOW, bundle, facts
from joserfc.jwk import OKPKey
from own_word import TRUSTED, signed

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.assembly import Case, assemble, everything
from sealauthz.decision.folder import installed_folder
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.model import MODEL
from sealauthz.operations import Issuer, Operations, Performance
from sealauthz.operations.keys import SigningKeys
from sealauthz.rollout import Archive, load_archive
from sealauthz.runtime.errors import FactConflict, InvalidRequest, InvariantBroken
from sealauthz.schema import shape_of, values_of

ROUNDS = tries(12, 2_000)
AT_A_TIME = 100
"""For so many rounds are facts put in one go."""

_DISTINCT = {"provider_ref", "bound_id"}
"""Columns that name something once in the whole store, beside the ids; each copy is a deployment (realm) of its own."""


@dataclass(frozen=True)
class Deed:
    """One of the two acts. Ids are those of the facts that are copied."""

    subject: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def question(self, prefix: str) -> Question:
        """What is asked of the copy of the facts with that prefix."""
        record_type, _, record_id = self.resource.partition(":")
        context = {name: value if name == "reason" else prefix + value for name, value in self.context.items()}
        return Question(
            Entity("Person", prefix + self.subject), self.action, Entity(record_type, prefix + record_id), context
        )


@dataclass(frozen=True)
class Pair:
    """Two deeds and the facts that they are done on, as the harness takes them."""

    first: Deed
    second: Deed
    situations: Sequence[str] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


REQUESTED = ("plain asks for the seal", "approver has the right to approve")
SECOND_REQUEST = {
    "SealUseRequest": {"q2": {"applicant_id": "m-plain", "state": "IN_APPROVAL"}},
    "RequestDocument": {"qd2": {"request_id": "q2", "digest": "digest-1"}},
}
ONE_APPROVAL_LEFT = {"SealGrant": {"g-approver": {"use_limit": 1, "used": 0}}}

SEALING = Deed("user", "use", "Seal:s", {"task": "t", "verification": "v-user"}, {"audience": "engine"})

SECOND_TASK: dict[str, Any] = {
    "Contract": {
        "c2": {
            "initiator_id": "f",
            "contract_type": "SALES",
            "state": "SIGNING",
            "matter": "GENERAL",
            "is_monetary": False,
        },
    },
    "ContractDocument": {"d2": {"contract_id": "c2", "digest": "digest-2", "state": "COMPLETE"}},
    "Signatory": {
        "party-f2": {"contract_id": "c2", "kind": "ENTERPRISE", "enterprise_id": "f"},
        "party-e2": {"contract_id": "c2", "kind": "ENTERPRISE", "enterprise_id": "e"},
    },
    "SigningTask": {"t2": {"signatory_id": "party-e2", "action": "CORPORATE_SEAL", "position": 1}},
    "TaskOperator": {"o2": {"task_id": "t2", "person_id": "plain"}},
    "TaskSeal": {"ts2": {"task_id": "t2", "seal_id": "s"}},
    "IdentityVerification": {
        "v2": {"person_id": "plain", "provider_ref": "provider-2", "bound_id": "t2", "bound_digest": "digest-2"}
    },
}
"""Another contract, which waits for the seal of `plain`."""

DELEGATED: dict[str, Any] = {
    "Delegation": {
        "dl": {
            "principal_id": "m-user",
            "delegate_id": "m-plain",
            "power": "USE_SEAL",
            "scope": "ALL_CONTRACTS",
            "valid_from": "now - 1 day",
            "valid_to": "now + 1 day",
            "state": "ACTIVE",
        }
    }
}
SEALING_IT = Deed("plain", "use", "Seal:s", {"task": "t2", "verification": "v2"}, {"audience": "engine"})
BELOW = {"grantor_id": "r-user", "parent_id": "g-user", "use_limit": 1}
ONE_USE_LEFT = {"SealGrant": {"g-user": {"use_limit": 3, "used": 2, "may_subgrant": True}}}

RESERVED = {
    "put": {
        "SealUse": {
            "u": {
                "task_id": "t",
                "seal_id": "s",
                "person_id": "user",
                "digest": "digest-1",
                "documents_digest": "digest-1",
                "used_at": "now - 1 second",
                "grant_id": "g-user",
                "state": "RESERVED",
                "operation_id": "op",
                "audience": "race",
                "certificate_id": "cert",
                "verification_id": "v-user",
            }
        }
    },
    "change": {
        "SealGrant": {"g-user": {"used": 1}},
        "SigningTask": {"t": {"state": "IN_PROGRESS"}},
        "IdentityVerification": {"v-user": {"state": "CONSUMED", "consumed_at": "now - 1 second"}},
    },
}
"""A use that the engine (here the caller `race`) may seal in this moment."""

PUTTING = Deed("user", "seal", "SealUse:u")

PAIRS: dict[str, Pair] = {
    "freezing a seal and switching it off": Pair(
        Deed("keeper", "freeze", "Seal:s"), Deed("keeper", "disable", "Seal:s")
    ),
    "approving a request and taking it back": Pair(
        Deed("approver", "approve", "SealUseRequest:q"),
        Deed("plain", "withdraw", "SealUseRequest:q"),
        REQUESTED,
        {"file": "requests.yaml"},
    ),
    "two approvals at once": Pair(
        Deed("approver", "approve", "SealUseRequest:q"),
        Deed("approver", "reject", "SealUseRequest:q", {"reason": "no"}),
        REQUESTED,
        {"file": "requests.yaml"},
    ),
    "two approvers of one step at once": Pair(
        Deed("approver", "approve", "SealUseRequest:q"),
        Deed("keeper", "approve", "SealUseRequest:q"),
        (
            "there is a process of two steps",
            "plain's request follows it",
            "both approver and keeper are named for the first step",
        ),
        {"file": "requests.yaml"},
    ),
    "the last approval of a right twice": Pair(
        Deed("approver", "approve", "SealUseRequest:q"),
        Deed("approver", "approve", "SealUseRequest:q2"),
        REQUESTED,
        {"file": "requests.yaml", "put": SECOND_REQUEST, "change": ONE_APPROVAL_LEFT},
    ),
    "the last two administrators leaving": Pair(
        Deed("admin", "resign", "Membership:m-admin"),
        Deed("second", "resign", "Membership:m-second"),
        ("there is a second administrator",),
    ),
    "ending a member and their approving": Pair(
        Deed("admin", "end", "Membership:m-approver"),
        Deed("approver", "approve", "SealUseRequest:q"),
        REQUESTED,
        {"file": "requests.yaml"},
    ),
    "executing a case and taking it back": Pair(
        Deed("outsider", "execute", "RetrievalCase:k", {"verification": "v-case"}),
        Deed("outsider", "withdraw", "RetrievalCase:k"),
        ("outsider's case can be executed", "the administrator is away"),
    ),
    "sealing and freezing the seal": Pair(SEALING, Deed("keeper", "freeze", "Seal:s")),
    "sealing and taking the right to it back": Pair(SEALING, Deed("keeper", "revoke", "SealGrant:g-user")),
    "sealing and being suspended": Pair(SEALING, Deed("admin", "suspend", "Membership:m-user")),
    "sealing twice on one face check": Pair(SEALING, SEALING),
    "sealing and sealing in an emergency on one face check": Pair(
        SEALING,
        dataclasses.replace(SEALING, action="emergency_use", context={**SEALING.context, "reason": "night"}),
        ("user may seal in an emergency",),
        {"file": "special_use.yaml"},
    ),
    "the last use of a grant by two": Pair(
        SEALING,
        Deed("plain", "use", "Seal:s", {"task": "t", "verification": "v-plain"}, {"audience": "engine"}),
        given={
            "put": DELEGATED,
            "change": {"SealGrant": {"g-user": {"use_limit": 3, "used": 2}}},
        },
    ),
    "the last use of a grant in two contracts": Pair(
        SEALING,
        SEALING_IT,
        given={
            "put": {
                **SECOND_TASK,
                **DELEGATED,
            },
            "change": {"SealGrant": {"g-user": {"use_limit": 3, "used": 2}}},
        },
    ),
    "the last use of a grant by two to whom it was passed on": Pair(
        Deed("approver", "use", "Seal:s", {"task": "t", "verification": "v3"}, {"audience": "engine"}),
        SEALING_IT,
        given={
            "put": {
                **SECOND_TASK,
                "RoleAssignment": {"r-user": {"membership_id": "m-user", "role": "DEPT_ADMIN"}},
                "SealGrant": {
                    "g-a": {**BELOW, "membership_id": "m-approver", "confirmed_by_id": "boss"},
                    "g-b": {**BELOW, "membership_id": "m-plain", "confirmed_by_id": "boss"},
                },
                "TaskOperator": {**SECOND_TASK["TaskOperator"], "o3": {"task_id": "t", "person_id": "approver"}},
                "IdentityVerification": {
                    **SECOND_TASK["IdentityVerification"],
                    "v3": {"person_id": "approver", "provider_ref": "provider-3"},
                },
            },
            "change": ONE_USE_LEFT,
        },
    ),
    "putting a seal and freezing it": Pair(PUTTING, Deed("keeper", "freeze", "Seal:s"), given=RESERVED),
    "putting a seal and taking the right to it back": Pair(
        PUTTING, Deed("keeper", "revoke", "SealGrant:g-user"), given=RESERVED
    ),
    "putting a seal twice": Pair(PUTTING, PUTTING, given=RESERVED),
    "putting a seal and reporting that it was not put": Pair(
        PUTTING, Deed("user", "report_not_sealed", "SealUse:u"), given=RESERVED
    ),
    "executing a case and objecting to it": Pair(
        Deed("outsider", "execute", "RetrievalCase:k", {"verification": "v-case"}),
        Deed("admin", "object", "RetrievalCase:k", {"verification": "v-admin"}),
        ("outsider's case can be executed", "the administrator is away", "admin has passed a face check for the case"),
    ),
    "ending the right to approve and approving": Pair(
        Deed("keeper", "revoke", "SealGrant:g-approver"),
        Deed("approver", "approve", "SealUseRequest:q"),
        REQUESTED,
        {"file": "requests.yaml"},
    ),
}


ONE_WINS = {
    "two approvers of one step at once",
    "the last approval of a right twice",
    "the last two administrators leaving",
    "sealing twice on one face check",
    "sealing and sealing in an emergency on one face check",
    "the last use of a grant by two",
    "the last use of a grant in two contracts",
    "the last use of a grant by two to whom it was passed on",
    "putting a seal twice",
}
"""Where the second act is denied, whichever of both that is."""


def copied(records: Sequence[Any], prefix: str) -> list[Any]:
    """The same facts under other ids."""
    found = []
    for record in records:
        changed = {}
        for column in shape_of(type(record)).columns:
            value = getattr(record, column.name)
            if column.name == "realm":
                changed["realm"] = f"PRIVATE:{prefix.upper()}"
            elif column.name == "serial" and value:
                changed["serial"] = f"{prefix.upper()}{value}"
            elif value and (column.name == "id" or column.ref or column.name in _DISTINCT):
                changed[column.name] = f"{prefix}{value}"
        found.append(dataclasses.replace(record, **changed))
    return found


def shown(records: Sequence[Any], pair: Pair, prefix: str) -> list[Any]:
    """The copied facts, in which checks that are bound to an act (`this act`) are those of the two deeds."""
    found = {(type(record).__name__, record.id): record for record in records}
    for question in (pair.first.question(prefix), pair.second.question(prefix)):
        check = found.get(("IdentityVerification", str(question.context.get("verification"))))
        if check is not None and check.bound_digest == "this act":
            with FactCache.of_records(MODEL, records).read() as snapshot:
                case = assemble(MODEL, question, snapshot, everything, NOW, "", bundle().parameters)
            assert isinstance(case, Case)
            found["IdentityVerification", check.id] = dataclasses.replace(
                check, bound_digest=case.context.intent_digest
            )
    return list(found.values())


class Process:
    """What one process of a service has: a store, its facts in memory, policies, and what performs acts."""

    def __init__(self, url: str, *others: Bundle) -> None:
        self.url = url
        self.store = Store.open(url, MODEL, lambda: NOW)
        policies = Policies(bundle())
        for each in (bundle(), *others):
            policies.add(each)
        pdp = PolicyDecisionPoint(FactCache(self.store), policies, lambda: NOW)
        issuer = Issuer("authz", SigningKeys([OKPKey.generate_key("Ed25519")]))
        self.operations = Operations(self.store, pdp, issuer, TRUSTED)

    def put(self, records: Iterable[Any]) -> None:
        """Put many facts that are valid past the store, in a fiftieth of the time. No fact of theirs is known yet."""
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for record in records:
            rows[type(record).__name__].append(values_of(record))
        # Who replicates may write rows in any order.
        replicating = psycopg.connect(self.url.replace("+psycopg", ""), options="-c session_replication_role=replica")
        with replicating as connection, connection.cursor() as cursor:
            for record_type, each in rows.items():
                names = ", ".join(f'"{column.name}"' for column in MODEL.shapes[record_type].columns)
                table = self.store.tables.of(record_type).name
                with cursor.copy(f"COPY {table} ({names}, revision) FROM STDIN") as copy:
                    for values in each:
                        copy.write_row((*(str(value) if isinstance(value, str) else value for value in values), 1))

    def do(self, deed: Deed, prefix: str, number: int) -> tuple[str, int]:
        """Perform a deed, the first or the second: how it came out, and its revision; 0 where it made none."""
        question = deed.question(prefix)
        request_id = f"{prefix}-{number}"
        arguments = {
            name: f"{prefix}{value}" if name.endswith("_id") else value for name, value in deed.arguments.items()
        }
        try:
            act = signed(Performance(question, request_id, arguments), NOW)
            done = self.operations.perform(act, RequestOptions(caller="race"))
        except (InvariantBroken, FactConflict) as error:
            return error.invariant, 0
        except InvalidRequest as error:
            return str(error), 0
        if done.operation is None:
            return ",".join(reason.code for reason in done.decision.reasons), 0
        return "PERFORMED", done.operation.revision


class Activating:
    """Two versions of the policies that decide the same: one after the other is activated while acts are performed."""

    def __init__(self, store: Store, archives: Sequence[Archive], versions: Sequence[str]) -> None:
        self._kept = PolicyStore(store)
        self._both = list(zip(versions, archives, strict=True))
        self._active = ""
        for version, archive in self._both:
            self._kept.propose(Proposal(version, archive.digest, "ann", "", NOW, archive.text))

    def next(self) -> None:
        version, archive = next(each for each in self._both if each[0] != self._active)
        self._kept.activate(version, archive.digest, self._active, "bob")
        self._active = version


@dataclass(frozen=True)
class Racing:
    """Two processes, and who activates policies beside them."""

    here: Process
    there: Process
    activating: Activating

    def race(self, name: str, rounds: int) -> Counter[tuple[str, str]]:
        """Carry out a pair in both orders, and then at once, so many times; return how often which outcome came."""
        pair, label = PAIRS[name], f"p{list(PAIRS).index(name)}"
        records = list(facts(*pair.situations, **pair.given).records)

        def world(prefix: str) -> list[Any]:
            return shown(copied(records, prefix), pair, prefix)

        for each in "xy":  # as a service writes them: what is put past the store below is valid
            self.here.store.write(Batch("race", f"{label}{each}", tuple(map(Put, world(f"{label}{each}")))))
        first_then = self.here.do(pair.first, f"{label}x", 1)[0], self.here.do(pair.second, f"{label}x", 2)[0]
        second_before = self.here.do(pair.second, f"{label}y", 2)[0]
        second_then = self.here.do(pair.first, f"{label}y", 1)[0], second_before
        # Else there is nothing to race for. When a case can be executed, the time to object is over: that never wins.
        assert first_then[0] == "PERFORMED", first_then
        assert second_then[1] == "PERFORMED" or name == "executing a case and objecting to it", second_then
        if name in ONE_WINS:
            assert [first_then.count("PERFORMED"), second_then.count("PERFORMED")] == [1, 1]
        seen: Counter[tuple[str, str]] = Counter()
        with ThreadPoolExecutor(3) as pool:
            for number in range(rounds):
                if number % AT_A_TIME == 0:
                    lot = range(number, min(number + AT_A_TIME, rounds))
                    self.here.put(record for each in lot for record in world(f"{label}r{each}z"))
                (first, at), (second, at_other) = self._round(pool, pair, f"{label}r{number}z", number)
                outcome = first, second
                if at and at_other:
                    assert outcome == (first_then if at < at_other else second_then), (number, at, at_other)
                else:
                    assert outcome in (first_then, second_then), number
                seen[outcome] += 1
        assert seen.keys() <= {first_then, second_then}
        return seen

    def _round(self, pool: ThreadPoolExecutor, pair: Pair, prefix: str, number: int) -> list[tuple[str, int]]:
        # In turns from two processes, and from two threads of one, which may share a transaction.
        beside = (self.there, self.here)[number % 2]
        # In between, now and then, other policies come to decide.
        activates = number % 3 == 2
        start = threading.Barrier(2 + activates)

        def run(process: Process, deed: Deed, which: int) -> tuple[str, int]:
            start.wait(60)
            return process.do(deed, prefix, which)

        def activate() -> None:
            start.wait(60)
            self.activating.next()

        both = [pool.submit(run, self.here, pair.first, 1), pool.submit(run, beside, pair.second, 2)]
        activated = pool.submit(activate) if activates else None
        outcomes = [each.result(120) for each in both]
        if activated is not None:
            activated.result(120)
        return outcomes


def racing_on(url: str, folder: Path) -> Racing:
    """Two processes on a database. Other policies than the shipped ones, which decide the same, come into a folder."""
    shutil.copytree(installed_folder(), folder)
    some = next(iter(sorted(folder.rglob("*.polar"))))
    some.write_text(f"{some.read_text()}\n# Nothing else is different.\n")
    archives = [Archive.of_folder(MODEL), Archive.of_folder(MODEL, folder)]
    same = load_archive(MODEL, archives[1])
    here, there = Process(url, same), Process(url, same)
    return Racing(here, there, Activating(there.store, archives, [bundle().version, same.version]))


@pytest.fixture(scope="module")
def racing(new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Racing]:
    found = racing_on(new_database("postgresql"), tmp_path_factory.mktemp("same") / "policies")
    yield found
    for process in (found.here, found.there):
        process.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_two_acts_at_once_come_out_as_one_after_the_other(racing: Racing, name: str) -> None:
    assert racing.race(name, ROUNDS).total() == ROUNDS


WRITERS, ACTS = 6, 8


@pytest.mark.slow
def test_no_writer_is_starved_by_the_others(racing: Racing) -> None:
    """Six write on one seal, again and again. Between two acts of one of them the others have done no more than a few
    each: an act that was overtaken four times is decided under the lock of revisions, behind those who stand in the
    queue before it. None waits for one that waits for it.
    """
    prefix, processes = "starving", (racing.here, racing.there)
    processes[0].store.write(Batch("race", prefix, tuple(map(Put, copied(list(facts().records), prefix)))))
    start = threading.Barrier(WRITERS)

    def run(writer: int) -> list[int]:
        start.wait(60)
        freezing, process = Deed("keeper", "freeze", "Seal:s"), processes[writer % 2]
        done = [process.do(freezing, prefix, 100 * writer + number) for number in range(ACTS)]
        assert {said for said, _ in done} == {"PERFORMED"}
        return [revision for _, revision in done]

    with ThreadPoolExecutor(WRITERS) as pool:
        by_writer = list(pool.map(run, range(WRITERS)))
    order = sorted(revision for revisions in by_writer for revision in revisions)
    assert len(order) == WRITERS * ACTS
    # How many acts of others came first, while one writer waited for each of its own.
    place = {revision: number for number, revision in enumerate(order)}
    waits = []
    for revisions in by_writer:
        at = [-1, *(place[revision] for revision in revisions)]
        waits += [after - before - 1 for before, after in itertools.pairwise(at)]
    assert max(waits) <= 5 * WRITERS, sorted(waits)[-5:]
