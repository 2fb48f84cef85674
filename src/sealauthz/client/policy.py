"""The calls that ship policies: what there is, what is proposed, what decides, and back."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sealauthz.client import messages
from sealauthz.client.transport import Connection
from sealauthz.v1 import policy_pb2

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


class PolicyCalls(Connection):
    """The calls of PolicyService. All of them raise CallFailed."""

    def policies(self, *, timeout_s: float | None = None) -> PolicyStanding:
        """Return what was proposed and activated, and which process has what."""
        reply: policy_pb2.ListVersionsResponse = self._call(
            self._policies.ListVersions, policy_pb2.ListVersionsRequest(), timeout_s
        )
        return PolicyStanding(
            active=reply.active,
            versions=tuple(map(_version_from, reply.versions)),
            activations=tuple(map(_activation_from, reply.activations)),
            processes=tuple(map(_process_from, reply.processes)),
        )

    def policy(self, version: str, *, timeout_s: float | None = None) -> tuple[PolicyVersion, tuple[PolicyFile, ...]]:
        """Return policies as they were proposed."""
        request = policy_pb2.GetPolicyRequest(version=version)
        reply: policy_pb2.GetPolicyResponse = self._call(self._policies.GetPolicy, request, timeout_s)
        files = tuple((_part_from(file.part), file.name, file.text) for file in reply.content.files)
        return _version_from(reply.version), files

    def validate_policy(self, files: Iterable[PolicyFile], *, timeout_s: float = LONG_S) -> PolicyReport:
        """Say all that is wrong with policies. Nothing is kept."""
        request = policy_pb2.ValidatePolicyRequest(content=_files_message(files))
        reply: policy_pb2.ValidatePolicyResponse = self._call(self._policies.ValidatePolicy, request, timeout_s)
        severity = policy_pb2.PolicyDiagnostic.Severity
        return PolicyReport(
            version=reply.version,
            digest=reply.digest,
            diagnostics=tuple(
                PolicyDiagnostic(
                    severity=severity.Name(each.severity).removeprefix("SEVERITY_"),
                    code=each.code,
                    file=each.file,
                    line=each.line,
                    column=each.column,
                    message=each.message,
                )
                for each in reply.diagnostics
            ),
        )

    def propose_policy(
        self, files: Iterable[PolicyFile], note: str = "", *, timeout_s: float = LONG_S
    ) -> PolicyVersion:
        """Have policies kept, so that every process loads them."""
        request = policy_pb2.ProposeRequest(content=_files_message(files), note=note)
        reply: policy_pb2.ProposeResponse = self._call(self._policies.Propose, request, timeout_s)
        return _version_from(reply.version)

    def activate_policy(
        self,
        version: str,
        digest: str,
        expected_active: str,
        note: str = "",
        *,
        signature: tuple[str, bytes] | None = None,
        timeout_s: float | None = None,
    ) -> PolicyActivation:
        """Have policies decide from the next revision on. Attempt after attempt, it happens once.

        `digest` is that of what you looked at, `expected_active` what they take the place of. `signature` is the name
        of a key, and what it signed.
        """
        request = policy_pb2.ActivateRequest(version=version, digest=digest, expected_active=expected_active, note=note)
        if signature is not None:
            request.signature.key, request.signature.value = signature
        reply: policy_pb2.ActivateResponse = self._call(self._policies.Activate, request, timeout_s)
        return _activation_from(reply.activation)

    def roll_back_policy(
        self, expected_active: str, note: str = "", *, timeout_s: float | None = None
    ) -> PolicyActivation:
        """Have those policies decide again that decided before the active ones."""
        request = policy_pb2.RollBackRequest(expected_active=expected_active, note=note)
        reply: policy_pb2.RollBackResponse = self._call(self._policies.RollBack, request, timeout_s)
        return _activation_from(reply.activation)


def _files_message(files: Iterable[PolicyFile]) -> policy_pb2.PolicyFiles:
    return policy_pb2.PolicyFiles(
        files=[
            policy_pb2.PolicyFile(part=f"POLICY_PART_{part.upper()}", name=name, text=text)
            for part, name, text in files
        ]
    )


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
