"""The errors of SealAuthz: one base, and one leaf for each way a caller should react.

    SealAuthzError
    ├── InvalidRequest        the request is malformed; `violations` name the fields
    ├── CallerUnknown         no credentials, or wrong ones
    ├── CallerNotPermitted    a known caller, outside its rights
    ├── AssertionNeeded       an act without the signed assertion of the person that it needs, or with a wrong one
    ├── OperationUnknown      an operation that this caller did not have performed
    ├── RecordUnknown         a record of the log of decisions that is not there, or not for this caller
    ├── FactConflict          a fact that must be absent exists, or a unique invariant is taken
    ├── InvariantBroken       a write that the invariants, a precondition or the state refuse
    ├── FactsUnavailable      the facts cannot be read now; trying again may help
    │   ├── ExtensionRefused  … because what was added to the database, or is to be, does not fit; says what to do
    │   └── HistoryLost       … because they were restored and nobody said so; what is in memory must be forgotten
    │       └── RestoreIncomplete  … because somebody has to write again what is missing, and to say so
    ├── PoliciesUnavailable   this process does not have the policies that decide at the revision of its facts, yet
    ├── PolicyUnknown         policies of a version that is not kept
    ├── PolicyRefused         policies that cannot be proposed or activated as things stand; `why` says what is so
    ├── RevisionUnknown       a revision token of another store, or of a history that was restored away
    ├── RevisionGone          what was to go on at a revision cannot any longer; begin again
    ├── ServiceBusy           a limit of the service is reached; trying again may help
    ├── TimeOver              the deadline of the call passed before there was an answer
    ├── EvaluationFailed      the policy could not answer; becomes a deny, never an allow
    │   └── FactNotLoaded     … because it read a fact that is not loaded
    ├── BundleRefused         a policy bundle that must not be served; carries file, line and column
    ├── SuiteRefused          policy tests that cannot be run as they are written; `faults` say where
    └── ConfigRefused         a setting that cannot be used

A deny is a value (`decision.Decision`), never an exception. Messages are one line, lower case, without a full stop,
and safe to show to the caller; what only the operator may see travels as `__cause__`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class SealAuthzError(Exception):
    """The base of every error that SealAuthz raises on purpose."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One malformed field of a request: its path as the caller wrote it, and what is wrong."""

    field: str
    description: str


class InvalidRequest(SealAuthzError):
    """The request is malformed. `violations` is never empty."""

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"`{v.field}` {v.description}" for v in violations))

    @classmethod
    def at(cls, field: str, description: str) -> InvalidRequest:
        """Build the error for one field."""
        return cls(Violation(field, description))


class CallerUnknown(SealAuthzError):
    """The caller gave no credentials, or credentials that belong to nobody."""


class KeysUnavailable(SealAuthzError):
    """The keys that would verify who calls are not there now, or too old: try again."""


class CallerNotPermitted(SealAuthzError):
    """The caller is known and may not do this."""


class AssertionNeeded(SealAuthzError):
    """The person must say by a signed assertion that the act is theirs; nothing was done.

    `digest` is that of the request, which the person is to confirm.
    """

    def __init__(self, message: str, digest: str) -> None:
        self.digest = digest
        super().__init__(message)


class OperationUnknown(SealAuthzError):
    """There is no such operation, or it is another caller's."""


class RecordUnknown(SealAuthzError):
    """The log of decisions has no such record, or none that this caller may see."""


class FactConflict(SealAuthzError):
    """Something that must not exist yet exists. `invariant` is the rule's id (`I1` …) or `PRECONDITION`."""

    def __init__(self, invariant: str, message: str) -> None:
        self.invariant = invariant
        super().__init__(message)


class InvariantBroken(SealAuthzError):
    """The write would break an invariant or misses a precondition. `invariant` is the rule's id or `PRECONDITION`."""

    def __init__(self, invariant: str, message: str) -> None:
        self.invariant = invariant
        super().__init__(message)


class ImportStopped(SealAuthzError):
    """A part of an import was refused, and those before it are committed: nothing is decided about its tenants until it
    is resumed or abandoned. `cause` is why the part was refused.
    """

    def __init__(self, import_id: str, parts: int, cause: SealAuthzError) -> None:
        self.import_id = import_id
        self.parts = parts
        self.cause = cause
        super().__init__(f"the import `{import_id}` is open after part {parts}, resume or abandon it: {cause}")


class FactsUnavailable(SealAuthzError):
    """The facts cannot be read or written now."""


class ExtensionRefused(FactsUnavailable):
    """What is to be added to a database, or was, does not fit; the message says what to do. Trying again is no help."""


class HistoryLost(FactsUnavailable):
    """The facts are not those that they were, and nobody announced it: an operator must. Nothing may be answered.

    `is_known_here_only`: a process that knows nothing of the history before would not see it.
    """

    def __init__(self, message: str, *, is_known_here_only: bool = False) -> None:
        self.is_known_here_only = is_known_here_only
        super().__init__(message)


class RestoreIncomplete(HistoryLost):
    """The facts were restored, and what was written after the backup may be missing. Facts can be written; nothing may
    be answered until an operator says that they are complete.
    """


class PoliciesUnavailable(SealAuthzError):
    """Other policies than those of this process decide at the revision of its facts: nothing is answered until it has
    them.
    """


class PolicyUnknown(SealAuthzError):
    """There are no policies of this version."""


class PolicyRefused(SealAuthzError):
    """Policies cannot be proposed or activated as things stand; nothing was done. `why` is a word for what is so."""

    def __init__(self, why: str, message: str) -> None:
        self.why = why
        super().__init__(message)


class RevisionUnknown(SealAuthzError):
    """A revision token that is not of this store and its present history: waiting for it is useless."""


class RevisionGone(SealAuthzError):
    """What was to go on at a revision cannot any longer, because the facts have moved on; begin again.

    `is_pruned`: the changes after it are no longer kept.
    """

    def __init__(self, message: str, *, is_pruned: bool = False) -> None:
        self.is_pruned = is_pruned
        super().__init__(message)


class PastUnknown(SealAuthzError):
    """What was at a moment of the past cannot be told any more, or cannot be told for sure; `cause` is the code of why.

    It is no answer: what cannot be checked is neither allowed nor denied.
    """

    def __init__(self, cause: str, message: str) -> None:
        self.cause = cause
        super().__init__(message)


class ServiceBusy(SealAuthzError):
    """A limit of the service is reached; nothing was done. After `retry_after_s` it may be otherwise."""

    def __init__(self, message: str, retry_after_s: float = 0.5) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TimeOver(SealAuthzError):
    """The deadline of the call passed before there was an answer."""


class EvaluationFailed(SealAuthzError):
    """The policy could not be evaluated; the decision is a deny with `POLICY_ERROR`."""


class FactNotLoaded(EvaluationFailed):
    """A policy read a fact that is not loaded; the decision is a deny with `FACT_UNAVAILABLE`.

    `importing` is the unit of facts that is being imported (kind and id), if that is why.
    """

    def __init__(self, message: str = "", importing: tuple[str, str] | None = None) -> None:
        self.importing = importing
        super().__init__(message)


class BundleRefused(SealAuthzError):
    """A policy bundle that must not be served.

    `file` is relative to the bundle, `line` and `column` count from 1; all three may be absent (0, "") when the fault
    has no place.
    """

    def __init__(self, message: str, file: str = "", line: int = 0, column: int = 0) -> None:
        self.file = file
        self.line = line
        self.column = column
        place = ":".join(str(part) for part in (file, line, column) if part)
        super().__init__(f"{place}: {message}" if place else message)


class ConfigRefused(SealAuthzError):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file of policy tests; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class SuiteRefused(SealAuthzError):
    """Policy tests that cannot be run as they are written. `faults` is never empty and in the order of the files."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(map(str, faults)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what a message about an unknown word ends in: the nearest of the known ones, or nothing."""
    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the word that may have been meant; empty where none is near."""
    near = difflib.get_close_matches(word, list(known), 1)
    return near[0] if near else ""
