"""Policies in the store: archives that are proposed, and activated.

An activation is a revision like any write: it takes the next one under the lock of all writers, and touches a unit of
its own. So who has followed the facts to a revision has been told of every activation up to it, and an act that was
decided before one is decided again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update

from sealauthz.facts.store.acting import Intended, Observed, Since
from sealauthz.facts.store.activations import (
    ACTIVATE,
    POLICIES,
    ROLL_BACK,
    SECOND,
    Activated,
    Activation,
    Process,
    activated_in,
    before_active,
    database_now,
    last_statement,
    process_of,
    processes_statement,
)
from sealauthz.facts.store.batch import Batch, WriteReceipt, check
from sealauthz.facts.store.identity import Seen
from sealauthz.facts.store.performed import Statement
from sealauthz.facts.store.statements import Driver, compiled, dialect_of
from sealauthz.facts.store.store import Store
from sealauthz.facts.store.system_tables import POLICY_ACTIVATION, POLICY_BUNDLE, POLICY_PROCESS
from sealauthz.facts.store.waiting import written
from sealauthz.runtime.errors import PolicyRefused, PolicyUnknown

KEPT_PROPOSALS = 50
"""How many proposals are kept that never decided; what decided once is kept for good."""

_PAST = 1_000
_FORGOTTEN_S = 86_400.0
_NEVER_BEFORE = 2**62


@dataclass(frozen=True, slots=True)
class Proposal:
    """Policies that were proposed: an archive of all that they are made of, and who proposed them when.

    `content` is empty where only what is about it was read.
    """

    version: str
    digest: str
    author: str
    note: str
    at: int
    content: str = ""


class _Conditions:
    """What must hold when an activation is committed, under the lock of revisions. Stands in the place of a `Basis`.

    `expected` is the version that must be active, `looked_at` the revision of its activation; None where another one
    will do, too.
    """

    def __init__(
        self,
        version: str,
        expected: str,
        check_processes: Callable[[Iterable[Process]], None],
        looked_at: int | None = None,
    ) -> None:
        self.observed = Observed()
        self._looked_at = looked_at
        self._version = version
        self._expected = expected
        self._check_processes = check_processes
        self._told: Callable[[], tuple[list[Any], list[Any]]] = lambda: ([], [])

    def ask(self, driver: Driver) -> Callable[[], Since]:
        """Ask what is active now, and which processes there are."""
        active = driver.run(last_statement(driver.is_postgresql))
        processes = driver.run(processes_statement(driver.is_postgresql))
        self._told = lambda: (active.fetchall(), processes.fetchall())
        # Nothing is known of what came before: who follows has to look.
        return lambda: Since(_NEVER_BEFORE, (), ())

    def check(self, since: Since, newest: Seen, now: int) -> None:
        """Raise PolicyRefused unless the policies may be activated."""
        active, processes = self._told()
        now_active = active[0][1] if active else ""
        if now_active != self._expected:
            raise PolicyRefused("ANOTHER_IS_ACTIVE", f"{_named(now_active)} are active, not {_named(self._expected)}")
        if self._looked_at is not None and active[0][0] != self._looked_at:
            said = f"{_named(now_active)} were activated again meanwhile: look again at what was before"
            raise PolicyRefused("ANOTHER_IS_ACTIVE", said)
        if now_active == self._version:
            raise PolicyRefused("IS_ACTIVE", f"{_named(now_active)} are active")
        self._check_processes(map(process_of, processes))


def _named(version: str) -> str:
    return f"policies `{version}`" if version else "those of the folders"


def _record(made: Activation, digest: str) -> str:
    """Return the record of an activation in the log of decisions. A note is a text of a person, and left out.

    A version is 64 bits of a digest, which who writes policies might make to fit others; `digest` binds the archive.
    """
    return written(
        {
            "v": 1,
            "kind": "PolicyActivation",
            "id": str(uuid.uuid4()),
            "at": made.at,
            "caller": made.approver,
            "change": made.kind,
            "policy": made.version,
            "archive_sha256": digest,
            "previous": made.previous,
            "author": made.author,
            "signed_by": made.signed_by,
            "revision": made.revision,
        }
    )


class PolicyStore:
    """The policies in a store. Any thread may use it. Methods raise FactsUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def activated(self) -> tuple[Activated, ...]:
        """Return every activation, the first one first."""
        with self._store.read_transaction(may_be_incomplete=True) as transaction:
            return activated_in(transaction)

    def activations(self, limit: int = _PAST) -> list[Activation]:
        """Return the last activations, the newest one first."""
        row = POLICY_ACTIVATION.c
        query = select(*POLICY_ACTIVATION.c).order_by(row.revision.desc()).limit(limit)
        return [Activation(*found) for found in self._rows(query)]

    def proposals(self) -> list[Proposal]:
        """Return what was proposed, without content, the newest first."""
        row = POLICY_BUNDLE.c
        query = select(row.version, row.digest, row.author, row.note, row.at).order_by(row.at.desc(), row.version)
        return [Proposal(*found) for found in self._rows(query)]

    def proposal(self, version: str) -> Proposal:
        """Return a proposal with its content. Raises PolicyUnknown."""
        row = POLICY_BUNDLE.c
        columns = (row.version, row.digest, row.author, row.note, row.at, row.content)
        found = self._rows(select(*columns).where(row.version == version))
        if not found:
            raise PolicyUnknown(f"there are no policies `{version}`")
        return Proposal(*found[0])

    def propose(self, proposal: Proposal) -> Proposal:
        """Keep a proposal; the same again is the first one. Raises PolicyRefused for another of this version."""
        row, activation = POLICY_BUNDLE.c, POLICY_ACTIVATION.c
        values = {name: getattr(proposal, name) for name in row.keys()}  # noqa: SIM118 (no mapping)
        with self._store.writing() as connection:
            is_postgresql = connection.dialect.name == "postgresql"
            statement = dialect_of(is_postgresql).insert(POLICY_BUNDLE).values(**values)
            # Proposed again, it is the last proposal again; its author stays the first one.
            again = {"at": (func.greatest if is_postgresql else func.max)(row.at, proposal.at)}
            is_same = row.digest == proposal.digest
            connection.execute(statement.on_conflict_do_update(index_elements=["version"], set_=again, where=is_same))
            decided = select(activation.version)
            newest = select(row.version).where(row.version.not_in(decided)).order_by(row.at.desc(), row.version)
            kept = newest.limit(KEPT_PROPOSALS).subquery()
            is_old = row.version.not_in(decided) & row.version.not_in(select(kept.c.version))
            connection.execute(delete(POLICY_BUNDLE).where(is_old))
        found = self.proposal(proposal.version)
        if found.digest != proposal.digest:
            raise PolicyRefused("VERSION_TAKEN", f"other files were proposed as version `{proposal.version}` before")
        return found

    def processes(self) -> list[Process]:
        """Return the processes, also those that were not seen for some time."""
        with self._store.read_transaction(may_be_incomplete=True) as transaction:
            return list(map(process_of, transaction.fetch(processes_statement(transaction.is_postgresql), {})))

    def beat(self, process: Process) -> bool:
        """Write down that a process is there, and what it has; False where that cannot be written down yet."""
        row = POLICY_PROCESS.c
        with self._store.writing() as connection:
            is_postgresql = connection.dialect.name == "postgresql"
            now = database_now(is_postgresql)
            said = {column.name: getattr(process, column.name) for column in (row.name, row.release, row.source)}
            said |= {"serves": process.serves, "loaded": json.dumps(dict(process.loaded)), "seen_at": now}
            changed = connection.execute(update(POLICY_PROCESS).where(row.id == process.id).values(**said))
            if not changed.rowcount:
                connection.execute(insert(POLICY_PROCESS).values(id=process.id, **said))
                connection.execute(delete(POLICY_PROCESS).where(row.seen_at < now - int(_FORGOTTEN_S * SECOND)))
        return True

    def leave(self, process_id: str) -> None:
        """Write down that a process ends."""
        with self._store.writing() as connection:
            connection.execute(delete(POLICY_PROCESS).where(POLICY_PROCESS.c.id == process_id))

    def activate(
        self,
        version: str,
        digest: str,
        expected: str,
        approver: str,
        note: str = "",
        signed_by: str = "",
    ) -> Activation:
        """Have policies decide from the next revision on.

        `digest` is that of what was looked at, `expected` the version that is active until then. Raises PolicyUnknown,
        and PolicyRefused where something else is active, the approver proposed them, or a live process does not have
        them.
        """
        proposal = self.proposal(version)
        if proposal.digest != digest:
            raise PolicyRefused("ANOTHER_DIGEST", f"policies `{version}` have the digest {proposal.digest}")
        if proposal.author == approver:
            said = f"`{approver}` proposed policies `{version}`: somebody else has to activate them"
            raise PolicyRefused("SAME_PERSON", said)

        def check_processes(processes: Iterable[Process]) -> None:
            problems = [(each.name, each.problem(version)) for each in processes if each.is_live]
            found = [f"`{name}`: {problem}" for name, problem in problems if problem]
            if found:
                raise PolicyRefused("NOT_READY", f"not every process is ready; {'; '.join(found)}")

        activation = Activation(0, version, expected, ACTIVATE, proposal.author, approver, note, signed_by, 0)
        return self._commit(activation, digest, check_processes)

    def roll_back(self, expected: str, caller: str, note: str = "") -> Activation:
        """Have those policies decide again that decided before the active ones were activated.

        A process that does not have them answers nothing until it has. Raises PolicyRefused where something else is
        active, or nothing was before.
        """
        past = self.activations(limit=_PAST)
        active = past[0].version if past else ""
        if active != expected:
            raise PolicyRefused("ANOTHER_IS_ACTIVE", f"{_named(active)} are active, not {_named(expected)}")
        before = before_active(past)
        if not before:
            raise PolicyRefused("NOTHING_BEFORE", f"no policies were active before {_named(active)}")
        proposal = self.proposal(before)
        wanted = Activation(0, before, active, ROLL_BACK, proposal.author, caller, note, "", 0)
        # What is before depends on all activations: of one that came between, nothing must be overlooked.
        return self._commit(wanted, proposal.digest, lambda _all: None, past[0].revision)

    def _commit(
        self,
        wanted: Activation,
        digest: str,
        check_processes: Callable[[Iterable[Process]], None],
        looked_at: int | None = None,
    ) -> Activation:
        request_id = f"policies-{uuid.uuid4()}"
        model = self._store.model
        made: list[Activation] = []

        def keep(is_postgresql: bool, receipt: WriteReceipt) -> list[Statement]:
            made.append(
                Activation(
                    receipt.revision,
                    wanted.version,
                    wanted.previous,
                    wanted.kind,
                    wanted.author,
                    wanted.approver,
                    wanted.note,
                    wanted.signed_by,
                    receipt.at,
                )
            )
            row = {name: getattr(made[-1], name) for name in POLICY_ACTIVATION.c.keys()}  # noqa: SIM118 (no mapping)
            return [
                (_insert_statement(is_postgresql), row),
                self._store.waiting(is_postgresql, receipt.at, _record(made[-1], digest)),
            ]

        def intend() -> Intended:
            batch = check(Batch(wanted.approver, request_id, ()), model)
            conditions = _Conditions(wanted.version, wanted.previous, check_processes, looked_at)
            return Intended(batch, conditions, keep, makes_revision=True, touches=frozenset({POLICIES}))

        self._store.act(intend)
        return made[-1]

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with self._store.read_transaction(may_be_incomplete=True) as transaction:
            return transaction.connection.execute(query).fetchall()


@cache
def _insert_statement(is_postgresql: bool) -> str:
    return compiled(insert(POLICY_ACTIVATION), is_postgresql)
