"""The calls that ship policies: what there is, what is proposed, what decides, and back."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sealauthz_client import messages
from sealauthz_client.calls import Call, Repeats, Rpc
from sealauthz_client.v1 import policy_pb2

LONG_S = 60.0
"""How long a call may take that has policies checked and compiled."""

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


_LIST_VERSIONS = Rpc(policy_pb2.ListVersionsRequest, policy_pb2.ListVersionsResponse, Repeats.READS)
_GET_POLICY = Rpc(policy_pb2.GetPolicyRequest, policy_pb2.GetPolicyResponse, Repeats.READS)
_VALIDATE_POLICY = Rpc(policy_pb2.ValidatePolicyRequest, policy_pb2.ValidatePolicyResponse, Repeats.READS_MUCH)
_COMPARE_POLICIES = Rpc(policy_pb2.ComparePoliciesRequest, policy_pb2.ComparePoliciesResponse, Repeats.READS_MUCH)
_PROPOSE = Rpc(policy_pb2.ProposeRequest, policy_pb2.ProposeResponse, Repeats.TAKES_EFFECT_ONCE)
_ACTIVATE = Rpc(policy_pb2.ActivateRequest, policy_pb2.ActivateResponse, Repeats.TAKES_EFFECT_ONCE)
_ROLL_BACK = Rpc(policy_pb2.RollBackRequest, policy_pb2.RollBackResponse, Repeats.TAKES_EFFECT_ONCE)
_BEGIN_SHADOW = Rpc(policy_pb2.BeginShadowRequest, policy_pb2.BeginShadowResponse, Repeats.TAKES_EFFECT_ONCE)
_END_SHADOW = Rpc(policy_pb2.EndShadowRequest, policy_pb2.EndShadowResponse, Repeats.TAKES_EFFECT_ONCE)
_GET_SHADOW = Rpc(policy_pb2.GetShadowRequest, policy_pb2.GetShadowResponse, Repeats.READS)


def policies(*, timeout_s: float | None = None) -> Call[PolicyStanding]:
    """Return what was proposed and activated, and which process has what."""
    return _LIST_VERSIONS.call(
        policy_pb2.ListVersionsRequest(),
        lambda reply: PolicyStanding(
            active=reply.active,
            versions=tuple(map(_version_from, reply.versions)),
            activations=tuple(map(_activation_from, reply.activations)),
            processes=tuple(map(_process_from, reply.processes)),
        ),
        timeout_s,
    )


def policy(version: str, *, timeout_s: float | None = None) -> Call[tuple[PolicyVersion, tuple[PolicyFile, ...]]]:
    """Return policies as they were proposed."""
    request = policy_pb2.GetPolicyRequest(version=version)
    return _GET_POLICY.call(
        request, lambda reply: (_version_from(reply.version), _files_from(reply.content)), timeout_s
    )


def validate_policy(files: Iterable[PolicyFile], *, timeout_s: float = LONG_S) -> Call[PolicyReport]:
    """Say all that is wrong with policies. Nothing is kept."""
    request = policy_pb2.ValidatePolicyRequest(content=_files_message(files))
    return _VALIDATE_POLICY.call(
        request,
        lambda reply: PolicyReport(reply.version, reply.digest, tuple(map(_diagnostic_from, reply.diagnostics))),
        timeout_s,
    )


def compare_policies(version: str, base_version: str = "", *, timeout_s: float = 2 * LONG_S) -> Call[PolicyComparison]:
    """Tell who gains and who loses what over the live facts; without a base, in the place of what decides now."""
    request = policy_pb2.ComparePoliciesRequest(version=version, base_version=base_version)
    return _COMPARE_POLICIES.call(
        request,
        lambda reply: PolicyComparison(
            base_version=reply.base_version,
            version=reply.version,
            changes=tuple(map(_change_from, reply.changes)),
            left_out=reply.left_out,
            cannot_tell=tuple(reply.cannot_tell),
            records=reply.records,
            decisions=reply.decisions,
            is_complete=reply.complete,
            revision=reply.revision,
        ),
        timeout_s,
    )


def propose_policy(files: Iterable[PolicyFile], note: str = "", *, timeout_s: float = LONG_S) -> Call[PolicyVersion]:
    """Have policies kept, so that every process loads them."""
    request = policy_pb2.ProposeRequest(content=_files_message(files), note=note)
    return _PROPOSE.call(request, lambda reply: _version_from(reply.version), timeout_s)


def activate_policy(
    version: str,
    digest: str,
    expected_active: str,
    note: str = "",
    *,
    signature: tuple[str, bytes] | None = None,
    timeout_s: float | None = None,
) -> Call[PolicyActivation]:
    """Have policies decide from the next revision on. Attempt after attempt, it happens once.

    `digest` is that of what you looked at, `expected_active` what they take the place of. `signature` is the name
    of a key, and what it signed.
    """
    request = policy_pb2.ActivateRequest(version=version, digest=digest, expected_active=expected_active, note=note)
    if signature is not None:
        request.signature.key, request.signature.value = signature
    return _ACTIVATE.call(request, lambda reply: _activation_from(reply.activation), timeout_s)


def roll_back_policy(expected_active: str, note: str = "", *, timeout_s: float | None = None) -> Call[PolicyActivation]:
    """Have those policies decide again that decided before the active ones."""
    request = policy_pb2.RollBackRequest(expected_active=expected_active, note=note)
    return _ROLL_BACK.call(request, lambda reply: _activation_from(reply.activation), timeout_s)


def begin_shadow(
    version: str, *, share: float = 0.0, cpu_share: float = 0.0, timeout_s: float | None = None
) -> Call[PolicyShadow]:
    """Have policies decide a part of the live questions beside the active ones; 0 is what the service takes."""
    request = policy_pb2.BeginShadowRequest(version=version, share=share, cpu_share=cpu_share)
    return _BEGIN_SHADOW.call(request, lambda reply: _shadow_from(reply.shadow), timeout_s)


def end_shadow(*, timeout_s: float | None = None) -> Call[bool]:
    """Have no policies decide in the shadow any more; False where none did."""
    return _END_SHADOW.call(policy_pb2.EndShadowRequest(), lambda reply: reply.ended, timeout_s)


def shadow(*, timeout_s: float | None = None) -> Call[ShadowFindings]:
    """Return what the policies in the shadow answer otherwise, over all processes."""
    return _GET_SHADOW.call(
        policy_pb2.GetShadowRequest(),
        lambda reply: ShadowFindings(
            shadow=_shadow_from(reply.shadow) if reply.HasField("shadow") else None,
            active=reply.active,
            candidate=reply.candidate,
            processes=reply.processes,
            sampled=reply.sampled,
            compared=reply.compared,
            left_out=reply.left_out,
            not_in_memory=reply.not_in_memory,
            uncounted=reply.uncounted,
            differences=tuple(map(_difference_from, reply.differences)),
        ),
        timeout_s,
    )


def _diagnostic_from(message: policy_pb2.PolicyDiagnostic) -> PolicyDiagnostic:
    severity = policy_pb2.PolicyDiagnostic.Severity.Name(message.severity)
    return PolicyDiagnostic(
        severity=severity.removeprefix("SEVERITY_"),
        code=message.code,
        file=message.file,
        line=message.line,
        column=message.column,
        message=message.message,
    )


def _shadow_from(message: policy_pb2.PolicyShadow) -> PolicyShadow:
    begun_at = messages.moment_from(message.begun_at)
    return PolicyShadow(message.version, message.share, message.cpu_share, message.caller, begun_at)


def _difference_from(message: policy_pb2.ShadowDifference) -> ShadowDifference:
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


def _change_from(message: policy_pb2.PolicyChange) -> PolicyChange:
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


def _files_message(files: Iterable[PolicyFile]) -> policy_pb2.PolicyFiles:
    return policy_pb2.PolicyFiles(
        files=[
            policy_pb2.PolicyFile(part=f"POLICY_PART_{part.upper()}", name=name, text=text)
            for part, name, text in files
        ]
    )


def _files_from(message: policy_pb2.PolicyFiles) -> tuple[PolicyFile, ...]:
    return tuple((_part_from(file.part), file.name, file.text) for file in message.files)


def _part_from(number: policy_pb2.PolicyPart) -> str:
    return policy_pb2.PolicyPart.Name(number).removeprefix("POLICY_PART_").lower()


def _version_from(message: policy_pb2.PolicyVersion) -> PolicyVersion:
    proposed_at = messages.moment_from(message.proposed_at)
    return PolicyVersion(message.version, message.digest, message.author, message.note, proposed_at)


def _activation_from(message: policy_pb2.PolicyActivation) -> PolicyActivation:
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


def _process_from(message: policy_pb2.PolicyProcess) -> PolicyProcess:
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
