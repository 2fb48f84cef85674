"""What the calls that ship policies answer, and how it is read from messages."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sealauthz_client import messages
from sealauthz_client.requests import build, unexpected
from sealauthz_client.v1 import policy_pb2

PolicyFile = tuple[str, str, str]
"""A file of policies: its part (`policies`, `parameters`, `texts`, `bundle`, `other`), its name, its text."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """Policies that were proposed. `digest` is the SHA-256 of their archive."""

    version: str
    digest: str
    author: str
    note: str
    proposed_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class PolicyActivation:
    """From which revision on policies decide. `kind` is `ACTIVATE` or `ROLL_BACK`, `previous` what decided before."""

    revision: int
    version: str
    previous: str
    kind: str
    author: str
    approver: str
    note: str
    signed_by: str
    activated_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class PolicyProcess:
    """A process that decides: what it serves, what it is ready for, and why it is not ready for other versions."""

    name: str
    release: str
    serves: str
    follows_store: bool
    ready: tuple[str, ...]
    refused: Mapping[str, str]
    is_live: bool
    seen_s_ago: float


@dataclass(frozen=True, slots=True)
class PolicyStanding:
    """What was proposed and activated, the newest first, and which processes there are."""

    active: str
    versions: tuple[PolicyVersion, ...]
    activations: tuple[PolicyActivation, ...]
    processes: tuple[PolicyProcess, ...]


@dataclass(frozen=True, slots=True)
class PolicyDiagnostic:
    """One thing that the checker has to say. `severity` is `ERROR` or `WARNING`; line and column count from 1."""

    severity: str
    code: str
    file: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """What the checker says of policies; falsy where they cannot be served."""

    version: str
    digest: str
    diagnostics: tuple[PolicyDiagnostic, ...]

    def __bool__(self) -> bool:
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class ShadowCause:
    """One difference between the policies that allow and those that deny. Lines are `file:line`.

    `stopped_at` is where the policies that deny stopped, with the condition.
    """

    kind: str
    requirement: str
    allowed_by: str
    is_waived: bool
    required_by: str
    stopped_at: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShadowExample:
    """A question that was answered otherwise; of the context, the ids of records."""

    subject: str
    resource: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShadowDifference:
    """Answers that differ for the same causes. `kind` is GAIN, OBLIGATION, BROKEN, LOSS, MENDED or REASONS."""

    kind: str
    action: str
    resource_type: str
    count: int
    first_at: datetime.datetime
    last_at: datetime.datetime
    causes: tuple[ShadowCause, ...]
    reasons_before: tuple[str, ...]
    reasons_after: tuple[str, ...]
    obligations_added: tuple[str, ...]
    obligations_dropped: tuple[str, ...]
    error: str
    examples: tuple[ShadowExample, ...]


@dataclass(frozen=True, slots=True)
class PolicyShadow:
    """Policies in the shadow: they decide a `share` of the live questions, in a `cpu_share` of a core per process."""

    version: str
    share: float
    cpu_share: float
    caller: str
    begun_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class ShadowFindings:
    """What the `candidate` answers otherwise than the `active` policies; `shadow` is None where nothing runs now."""

    shadow: PolicyShadow | None
    active: str
    candidate: str
    processes: int
    sampled: int
    compared: int
    left_out: int
    not_in_memory: int
    uncounted: int
    differences: tuple[ShadowDifference, ...]


@dataclass(frozen=True, slots=True)
class PolicyCause:
    """One difference of two versions behind a change; rules are named as `file:line`."""

    kind: str
    requirement: str
    allowed_by: str
    required_by: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Questions that two versions answer differently for the same causes. `kind` is `GAIN`, `WIDER`, `LOSS` …

    `examples` are some of them: subject, resource, and what the client would give.
    """

    kind: str
    action: str
    resource_type: str
    count: int
    only_when_fresh: bool
    causes: tuple[PolicyCause, ...]
    added_obligations: tuple[str, ...]
    dropped_obligations: tuple[str, ...]
    examples: tuple[tuple[str, str, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """What would change, gains first. `is_complete` is False where some questions were not decided: more may change.

    `cannot_tell` are rules that may allow more, of which the facts show no effect.
    """

    base_version: str
    version: str
    changes: tuple[PolicyChange, ...]
    left_out: int
    cannot_tell: tuple[str, ...]
    records: int
    decisions: int
    is_complete: bool
    revision: int


def diagnostic_from(message: policy_pb2.PolicyDiagnostic) -> PolicyDiagnostic:
    """Read what the checker says."""
    severity = policy_pb2.PolicyDiagnostic.Severity.Name(message.severity)
    return PolicyDiagnostic(
        severity=severity.removeprefix("SEVERITY_"),
        code=message.code,
        file=message.file,
        line=message.line,
        column=message.column,
        message=message.message,
    )


def shadow_from(message: policy_pb2.PolicyShadow) -> PolicyShadow:
    """Read which policies are in the shadow."""
    begun_at = messages.moment_from(message.begun_at)
    return PolicyShadow(message.version, message.share, message.cpu_share, message.caller, begun_at)


def difference_from(message: policy_pb2.ShadowDifference) -> ShadowDifference:
    """Read answers that differ."""
    return ShadowDifference(
        kind=policy_pb2.ShadowDifference.Kind.Name(message.kind).removeprefix("KIND_"),
        action=message.action,
        resource_type=message.resource_type,
        count=message.count,
        first_at=messages.moment_from(message.first_at),
        last_at=messages.moment_from(message.last_at),
        causes=tuple(
            ShadowCause(
                kind=each.kind,
                requirement=each.requirement,
                allowed_by=each.allowed_by,
                is_waived=each.waived,
                required_by=each.required_by,
                stopped_at=tuple(each.stopped_at),
                parameters=tuple(each.parameters),
            )
            for each in message.causes
        ),
        reasons_before=tuple(message.reasons_before),
        reasons_after=tuple(message.reasons_after),
        obligations_added=tuple(message.obligations_added),
        obligations_dropped=tuple(message.obligations_dropped),
        error=message.error,
        examples=tuple(
            ShadowExample(
                f"{each.subject.type}:{each.subject.id}", f"{each.resource.type}:{each.resource.id}", dict(each.context)
            )
            for each in message.examples
        ),
    )


def change_from(message: policy_pb2.PolicyChange) -> PolicyChange:
    """Read what a change of policies changes."""
    return PolicyChange(
        kind=message.kind,
        action=message.action,
        resource_type=message.resource_type,
        count=message.count,
        only_when_fresh=message.only_when_fresh,
        causes=tuple(
            PolicyCause(each.kind, each.requirement, each.allowed_by, each.required_by, tuple(each.parameters))
            for each in message.causes
        ),
        added_obligations=tuple(message.added_obligations),
        dropped_obligations=tuple(message.dropped_obligations),
        examples=tuple(
            (f"{each.subject.type}:{each.subject.id}", f"{each.resource.type}:{each.resource.id}", dict(each.context))
            for each in message.examples
        ),
    )


_PARTS = {name.removeprefix("POLICY_PART_").lower(): part for name, part in policy_pb2.PolicyPart.items() if part}


def files_message(files: Iterable[PolicyFile]) -> policy_pb2.PolicyFiles:
    """Return files of policies as they travel. Raises ValueError for what is no file."""
    if not isinstance(files, Iterable):
        raise unexpected("files", "a list", files)
    return policy_pb2.PolicyFiles(files=[_file_message(file, index) for index, file in enumerate(files)])


def _file_message(file: PolicyFile, index: int) -> policy_pb2.PolicyFile:
    match file:
        case (str(part), name, text) if part in _PARTS:
            return build(policy_pb2.PolicyFile, f"files[{index}].", part=_PARTS[part], name=name, text=text)
    raise unexpected(f"files[{index}]", f"one of {', '.join(_PARTS)}, a name and a text", file)


def signature_message(signature: tuple[str, bytes] | None) -> policy_pb2.PolicySignature | None:
    """Return the name of a key and what it signed as they travel. Raises ValueError for anything else."""
    match signature:
        case None:
            return None
        case (key, value):
            return build(policy_pb2.PolicySignature, "signature.", key=key, value=value)
    raise unexpected("signature", "the name of a key and bytes", signature)


def files_from(message: policy_pb2.PolicyFiles) -> tuple[PolicyFile, ...]:
    """Read files of policies."""
    return tuple((_part_from(file.part), file.name, file.text) for file in message.files)


def _part_from(number: policy_pb2.PolicyPart) -> str:
    return policy_pb2.PolicyPart.Name(number).removeprefix("POLICY_PART_").lower()


def version_from(message: policy_pb2.PolicyVersion) -> PolicyVersion:
    """Read policies that were proposed."""
    proposed_at = messages.moment_from(message.proposed_at)
    return PolicyVersion(message.version, message.digest, message.author, message.note, proposed_at)


def activation_from(message: policy_pb2.PolicyActivation) -> PolicyActivation:
    """Read an activation."""
    kind = policy_pb2.PolicyActivation.ActivationKind.Name(message.kind)
    return PolicyActivation(
        revision=message.revision,
        version=message.version,
        previous=message.previous,
        kind=kind.removeprefix("ACTIVATION_KIND_"),
        author=message.author,
        approver=message.approver,
        note=message.note,
        signed_by=message.signed_by,
        activated_at=messages.moment_from(message.activated_at),
    )


def process_from(message: policy_pb2.PolicyProcess) -> PolicyProcess:
    """Read a process that decides."""
    return PolicyProcess(
        name=message.name,
        release=message.release,
        serves=message.serves,
        follows_store=message.follows_store,
        ready=tuple(message.ready),
        refused=dict(message.refused),
        is_live=message.is_live,
        seen_s_ago=message.seen_ms_ago / 1_000,
    )
