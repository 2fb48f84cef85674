"""The calls that ship policies: what there is, what is proposed, what decides, and back."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz_client.calls import Call, Repeats, Rpc
from sealauthz_client.policy import (
    PolicyActivation,
    PolicyComparison,
    PolicyFile,
    PolicyReport,
    PolicyShadow,
    PolicyStanding,
    PolicyVersion,
    ShadowFindings,
    activation_from,
    change_from,
    diagnostic_from,
    difference_from,
    files_from,
    files_message,
    process_from,
    shadow_from,
    signature_message,
    version_from,
)
from sealauthz_client.requests import build
from sealauthz_client.v1 import policy_pb2

LONG_S = 60.0
"""How long a call may take that has policies checked and compiled."""

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
            versions=tuple(map(version_from, reply.versions)),
            activations=tuple(map(activation_from, reply.activations)),
            processes=tuple(map(process_from, reply.processes)),
        ),
        timeout_s,
    )


def policy(version: str, *, timeout_s: float | None = None) -> Call[tuple[PolicyVersion, tuple[PolicyFile, ...]]]:
    """Return policies as they were proposed."""
    request = build(policy_pb2.GetPolicyRequest, version=version)
    return _GET_POLICY.call(request, lambda reply: (version_from(reply.version), files_from(reply.content)), timeout_s)


def validate_policy(files: Iterable[PolicyFile], *, timeout_s: float = LONG_S) -> Call[PolicyReport]:
    """Say all that is wrong with policies. Nothing is kept."""
    request = build(policy_pb2.ValidatePolicyRequest, content=files_message(files))
    return _VALIDATE_POLICY.call(
        request,
        lambda reply: PolicyReport(reply.version, reply.digest, tuple(map(diagnostic_from, reply.diagnostics))),
        timeout_s,
    )


def compare_policies(version: str, base_version: str = "", *, timeout_s: float = 2 * LONG_S) -> Call[PolicyComparison]:
    """Tell who gains and who loses what over the live facts; without a base, in the place of what decides now."""
    request = build(policy_pb2.ComparePoliciesRequest, version=version, base_version=base_version)
    return _COMPARE_POLICIES.call(
        request,
        lambda reply: PolicyComparison(
            base_version=reply.base_version,
            version=reply.version,
            changes=tuple(map(change_from, reply.changes)),
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
    request = build(policy_pb2.ProposeRequest, content=files_message(files), note=note)
    return _PROPOSE.call(request, lambda reply: version_from(reply.version), timeout_s)


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
    request = build(
        policy_pb2.ActivateRequest,
        version=version,
        digest=digest,
        expected_active=expected_active,
        note=note,
        signature=signature_message(signature),
    )
    return _ACTIVATE.call(request, lambda reply: activation_from(reply.activation), timeout_s)


def roll_back_policy(expected_active: str, note: str = "", *, timeout_s: float | None = None) -> Call[PolicyActivation]:
    """Have those policies decide again that decided before the active ones."""
    request = build(policy_pb2.RollBackRequest, expected_active=expected_active, note=note)
    return _ROLL_BACK.call(request, lambda reply: activation_from(reply.activation), timeout_s)


def begin_shadow(
    version: str, *, share: float = 0.0, cpu_share: float = 0.0, timeout_s: float | None = None
) -> Call[PolicyShadow]:
    """Have policies decide a part of the live questions beside the active ones; 0 is what the service takes."""
    request = build(policy_pb2.BeginShadowRequest, version=version, share=share, cpu_share=cpu_share)
    return _BEGIN_SHADOW.call(request, lambda reply: shadow_from(reply.shadow), timeout_s)


def end_shadow(*, timeout_s: float | None = None) -> Call[bool]:
    """Have no policies decide in the shadow any more; False where none did."""
    return _END_SHADOW.call(policy_pb2.EndShadowRequest(), lambda reply: reply.ended, timeout_s)


def shadow(*, timeout_s: float | None = None) -> Call[ShadowFindings]:
    """Return what the policies in the shadow answer otherwise, over all processes."""
    return _GET_SHADOW.call(
        policy_pb2.GetShadowRequest(),
        lambda reply: ShadowFindings(
            shadow=shadow_from(reply.shadow) if reply.HasField("shadow") else None,
            active=reply.active,
            candidate=reply.candidate,
            processes=reply.processes,
            sampled=reply.sampled,
            compared=reply.compared,
            left_out=reply.left_out,
            not_in_memory=reply.not_in_memory,
            uncounted=reply.uncounted,
            differences=tuple(map(difference_from, reply.differences)),
        ),
        timeout_s,
    )
