"""What candidates in the shadow have found, as messages; and how one is begun."""

from __future__ import annotations

from typing import Protocol

from sealauthz.decision.question import Question
from sealauthz.facts.store.shadows import ShadowRun
from sealauthz.policytools.diff.changes import Cause, SourceLine
from sealauthz.policytools.diff.shadow import Difference, Noted
from sealauthz.policytools.diff.shadow_reports import ShadowSummary
from sealauthz.service.fields import FieldViolations, timestamp
from sealauthz_client.v1 import authorization_pb2, policy_pb2

SHARE = 0.1
CPU_SHARE = 0.05


class RunsShadows(Protocol):
    """What has candidates run (`accessdiff.shadowing.Shadows`)."""

    def begin(self, version: str, share: float, cpu_share: float, caller: str) -> ShadowRun:
        """Have what was proposed run."""

    def end(self) -> bool:
        """Have nothing run any more."""

    def found(self) -> tuple[ShadowRun | None, ShadowSummary | None]:
        """Return what runs, and what was found."""


def begin(shadows: RunsShadows, request: policy_pb2.BeginShadowRequest, caller: str) -> ShadowRun:
    """Begin what a caller asks for. Raises InvalidRequest, PolicyUnknown."""
    violations = FieldViolations()
    violations.check_id("version", request.version)
    share = _part("share", request.share or SHARE, violations)
    cpu_share = _part("cpu_share", request.cpu_share or CPU_SHARE, violations)
    violations.refuse()
    return shadows.begin(request.version, share, cpu_share, caller)


def _part(field: str, value: float, violations: FieldViolations) -> float:
    if not 0 < value <= 1:  # and so no NaN
        violations.add(field, "must be above 0 and at most 1")
    return value


def run_message(run: ShadowRun) -> policy_pb2.PolicyShadow:
    """Return what runs."""
    return policy_pb2.PolicyShadow(
        version=run.version,
        share=run.share,
        cpu_share=run.cpu_share,
        caller=run.caller,
        begun_at=timestamp(run.at),
    )


def found_message(run: ShadowRun | None, found: ShadowSummary | None) -> policy_pb2.GetShadowResponse:
    """Return what was found."""
    response = policy_pb2.GetShadowResponse()
    if run is not None:
        response.shadow.CopyFrom(run_message(run))
        response.candidate = run.version
    if found is not None:
        response.active, response.candidate = found.active, found.candidate
        response.processes, response.sampled, response.compared = found.processes, found.sampled, found.compared
        response.left_out, response.not_in_memory = found.left_out, found.not_in_memory
        response.uncounted = found.uncounted
        response.differences.extend(map(_difference_message, found.differences))
    return response


_KINDS = {
    Difference.GAIN: policy_pb2.ShadowDifference.KIND_GAIN,
    Difference.OBLIGATION: policy_pb2.ShadowDifference.KIND_OBLIGATION,
    Difference.BROKEN: policy_pb2.ShadowDifference.KIND_BROKEN,
    Difference.LOSS: policy_pb2.ShadowDifference.KIND_LOSS,
    Difference.MENDED: policy_pb2.ShadowDifference.KIND_MENDED,
    Difference.REASONS: policy_pb2.ShadowDifference.KIND_REASONS,
}


def _difference_message(noted: Noted) -> policy_pb2.ShadowDifference:
    kind = noted.kind
    return policy_pb2.ShadowDifference(
        kind=_KINDS[kind.difference],
        action=kind.action,
        resource_type=kind.resource_type,
        count=noted.count,
        first_at=timestamp(noted.first_at),
        last_at=timestamp(noted.last_at),
        causes=map(_cause_message, kind.causes),
        reasons_before=kind.before,
        reasons_after=kind.after,
        obligations_added=kind.added,
        obligations_dropped=kind.dropped,
        error=kind.error,
        examples=map(_example_message, noted.examples),
    )


def _cause_message(cause: Cause) -> policy_pb2.ShadowCause:
    return policy_pb2.ShadowCause(
        kind=cause.kind.value,
        requirement=cause.requirement,
        allowed_by=_line(cause.allowed_by),
        waived=cause.is_waived,
        required_by=_line(cause.required_by),
        stopped_at=(f"{stop.at}: {stop.condition}" for stop in cause.stops),
        parameters=cause.parameters,
    )


def _line(line: SourceLine | None) -> str:
    return "" if line is None else str(line)


def _example_message(question: Question) -> policy_pb2.ShadowExample:
    subject, resource = question.subject, question.resource
    return policy_pb2.ShadowExample(
        subject=authorization_pb2.Entity(type=subject.type, id=subject.id),
        resource=authorization_pb2.Entity(type=resource.type, id=resource.id),
        context={key: str(value) for key, value in question.context.items()},
    )
