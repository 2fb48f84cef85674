"""PolicyService: policies in, what was kept and what decides out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sealauthz.decision.inspection import Inspection
from sealauthz.facts.memory.consistency import Deadline
from sealauthz.facts.store.activations import ACTIVATE, STORE, Activation, Process
from sealauthz.facts.store.policies import Proposal
from sealauthz.polar.check import Severity
from sealauthz.policytools.diff.changes import Change, grouped
from sealauthz.policytools.diff.report import unseen
from sealauthz.rollout.archive import Archive, File, Part
from sealauthz.rollout.shipping import GAINS_FIRST, Compared, Standing
from sealauthz.runtime.errors import BundleRefused, CallerNotPermitted, InvalidRequest
from sealauthz.service.callers import Call
from sealauthz.service.fields import FieldViolations, timestamp
from sealauthz.service.shadows import RunsShadows, begin, found_message, run_message
from sealauthz_client.v1 import authorization_pb2, policy_pb2, policy_pb2_grpc

_MAX_DIAGNOSTICS = 500
_MAX_CHANGES = 200
_MAX_EXAMPLES = 5

_PARTS = {
    Part.POLICIES: policy_pb2.POLICY_PART_POLICIES,
    Part.PARAMETERS: policy_pb2.POLICY_PART_PARAMETERS,
    Part.TEXTS: policy_pb2.POLICY_PART_TEXTS,
    Part.BUNDLE: policy_pb2.POLICY_PART_BUNDLE,
    Part.OTHER: policy_pb2.POLICY_PART_OTHER,
}
_PART_OF = {number: part for part, number in _PARTS.items()}


class Ships(Protocol):
    """What ships policies (`rollout.shipping.Shipping`)."""

    def standing(self) -> Standing:
        """Return what there is."""

    def proposal(self, version: str) -> tuple[Proposal, Archive]:
        """Return policies as they were proposed."""

    def validate(self, archive: Archive) -> Inspection:
        """Find all that is wrong with policies."""

    def propose(self, archive: Archive, author: str, note: str) -> Proposal:
        """Keep policies that can be served."""

    def activate(
        self, version: str, digest: str, expected: str, approver: str, note: str, key: str, signature: bytes
    ) -> Activation:
        """Have policies decide."""

    def roll_back(self, expected: str, caller: str, note: str) -> Activation:
        """Have those policies decide that decided before."""

    def compare(self, version: str, base_version: str, deadline: Deadline) -> Compared:
        """Tell who gains and who loses what over the live facts."""


class PolicyServicer(policy_pb2_grpc.PolicyServiceServicer):
    """Ships policies for callers with the right to each RPC: who has it is asked before."""

    def __init__(self, shipping: Ships, shadows: RunsShadows) -> None:
        self._shipping = shipping
        self._shadows = shadows

    def ListVersions(self, _request: policy_pb2.ListVersionsRequest, _call: Call) -> policy_pb2.ListVersionsResponse:
        """Return what was proposed and activated, and which processes there are."""
        found = self._shipping.standing()
        return policy_pb2.ListVersionsResponse(
            active=found.active,
            versions=map(_version_message, found.proposals),
            activations=map(_activation_message, found.activations),
            processes=map(_process_message, found.processes),
        )

    def GetPolicy(self, request: policy_pb2.GetPolicyRequest, call: Call) -> policy_pb2.GetPolicyResponse:
        """Return policies as they were proposed."""
        _check(("version", request.version))
        proposal, archive = self._shipping.proposal(request.version)
        _note(call, proposal.version)
        files = (
            policy_pb2.PolicyFile(part=_PARTS[file.part], name=file.name, text=file.text) for file in archive.files
        )
        return policy_pb2.GetPolicyResponse(
            version=_version_message(proposal), content=policy_pb2.PolicyFiles(files=files)
        )

    def ValidatePolicy(
        self, request: policy_pb2.ValidatePolicyRequest, _call: Call
    ) -> policy_pb2.ValidatePolicyResponse:
        """Say all that is wrong with policies."""
        archive = _archive_from(request.content)
        found = self._shipping.validate(archive)
        diagnostics = (
            policy_pb2.PolicyDiagnostic(
                severity=policy_pb2.PolicyDiagnostic.SEVERITY_ERROR
                if each.severity is Severity.ERROR
                else policy_pb2.PolicyDiagnostic.SEVERITY_WARNING,
                code=each.code,
                file=each.place.file,
                line=each.place.line,
                column=each.place.column,
                message=each.message,
            )
            for each in found.diagnostics[:_MAX_DIAGNOSTICS]
        )
        return policy_pb2.ValidatePolicyResponse(
            servable=found.bundle is not None,
            version="" if found.bundle is None else found.bundle.version,
            digest=archive.digest,
            diagnostics=diagnostics,
        )

    def ComparePolicies(
        self, request: policy_pb2.ComparePoliciesRequest, call: Call
    ) -> policy_pb2.ComparePoliciesResponse:
        """Tell who gains and who loses what over the live facts, to a caller who may see all of them."""
        _check(("version", request.version))
        _check_sees_every_tenant(call)
        _note(call, request.version)
        found = self._shipping.compare(request.version, request.base_version, Deadline(call.deadline))
        diff = found.diff
        groups = [(group, False) for group in grouped(diff.changes)] + [(group, True) for group in grouped(diff.fresh)]
        groups.sort(key=lambda each: GAINS_FIRST.index(each[0][0].kind))
        return policy_pb2.ComparePoliciesResponse(
            base_version=diff.bundles.old,
            version=diff.bundles.new,
            changes=(_change_message(group, is_fresh=is_fresh) for group, is_fresh in groups[:_MAX_CHANGES]),
            left_out=len(groups[_MAX_CHANGES:]),
            cannot_tell=[f"{each.place}: {each.text}" if each.place else each.text for each in unseen([diff])],
            records=found.records,
            decisions=diff.extent.decisions + diff.extent.fresh_decisions,
            complete=diff.extent.is_complete,
            revision=found.revision,
        )

    def Propose(self, request: policy_pb2.ProposeRequest, call: Call) -> policy_pb2.ProposeResponse:
        """Keep policies, so that every process loads them."""
        _check_note(request.note)
        proposal = self._shipping.propose(_archive_from(request.content), call.caller.name, request.note)
        _note(call, proposal.version)
        return policy_pb2.ProposeResponse(version=_version_message(proposal))

    def Activate(self, request: policy_pb2.ActivateRequest, call: Call) -> policy_pb2.ActivateResponse:
        """Have policies decide from the next revision on."""
        _check(("version", request.version), ("digest", request.digest))
        _check_note(request.note)
        _note(call, request.version)
        activation = self._shipping.activate(
            request.version,
            request.digest,
            request.expected_active,
            call.caller.name,
            request.note,
            request.signature.key,
            request.signature.value,
        )
        call.noted["revision"] = activation.revision
        return policy_pb2.ActivateResponse(activation=_activation_message(activation))

    def RollBack(self, request: policy_pb2.RollBackRequest, call: Call) -> policy_pb2.RollBackResponse:
        """Have those policies decide again that decided before."""
        _check(("expected_active", request.expected_active))
        _check_note(request.note)
        activation = self._shipping.roll_back(request.expected_active, call.caller.name, request.note)
        _note(call, activation.version)
        call.noted["revision"] = activation.revision
        return policy_pb2.RollBackResponse(activation=_activation_message(activation))

    def BeginShadow(self, request: policy_pb2.BeginShadowRequest, call: Call) -> policy_pb2.BeginShadowResponse:
        """Have policies decide a sample of the live questions in the shadow."""
        begun = begin(self._shadows, request, call.caller.name)
        _note(call, begun.version)
        return policy_pb2.BeginShadowResponse(shadow=run_message(begun))

    def EndShadow(self, _request: policy_pb2.EndShadowRequest, _call: Call) -> policy_pb2.EndShadowResponse:
        """Have no policies decide in the shadow."""
        return policy_pb2.EndShadowResponse(ended=self._shadows.end())

    def GetShadow(self, _request: policy_pb2.GetShadowRequest, call: Call) -> policy_pb2.GetShadowResponse:
        """Return what the policies in the shadow answer otherwise, to a caller who may see all that was asked."""
        _check_sees_every_tenant(call)
        return found_message(*self._shadows.found())


def _change_message(group: Sequence[Change], *, is_fresh: bool) -> policy_pb2.PolicyChange:
    first = group[0]
    return policy_pb2.PolicyChange(
        kind=first.kind,
        action=first.action,
        resource_type=first.resource.type,
        count=len(group),
        only_when_fresh=is_fresh,
        causes=(
            policy_pb2.PolicyCause(
                kind=cause.kind,
                requirement=cause.requirement,
                allowed_by="" if cause.allowed_by is None else str(cause.allowed_by),
                required_by="" if cause.required_by is None else str(cause.required_by),
                parameters=cause.parameters,
            )
            for cause in first.causes
        ),
        added_obligations=first.added,
        dropped_obligations=first.dropped,
        examples=(
            policy_pb2.PolicyExample(
                subject=authorization_pb2.Entity(type=each.subject.type, id=each.subject.id),
                resource=authorization_pb2.Entity(type=each.resource.type, id=each.resource.id),
                context=dict(each.context),
            )
            for each in group[:_MAX_EXAMPLES]
        ),
    )


def _check(*required: tuple[str, str]) -> None:
    violations = FieldViolations()
    for field, value in required:
        violations.check_id(field, value)
    violations.refuse()


def _check_sees_every_tenant(call: Call) -> None:
    """Raise CallerNotPermitted unless the caller has a right to every tenant: what is answered is not of one."""
    if call.caller.tenants is not None:
        raise CallerNotPermitted(f"the caller `{call.caller.name}` has no right on every enterprise")


def _check_note(note: str) -> None:
    violations = FieldViolations()
    violations.check_text("note", note)
    violations.refuse()


def _note(call: Call, version: str) -> None:
    call.noted["policy_version"] = version


def _archive_from(message: policy_pb2.PolicyFiles) -> Archive:
    """Read an archive. Raises InvalidRequest."""
    violations = FieldViolations()
    for number, file in enumerate(message.files):
        if file.part not in _PART_OF:
            violations.add(f"content.files[{number}].part", "is required")
    if not message.files:
        violations.add("content.files", "is required")
    violations.refuse()
    files: Iterable[File] = (File(_PART_OF[file.part], file.name, file.text) for file in message.files)
    try:
        return Archive.read(Archive(tuple(files)).text)
    except BundleRefused as error:
        raise InvalidRequest.at("content", f"cannot be kept: {error}") from error


def _version_message(proposal: Proposal) -> policy_pb2.PolicyVersion:
    return policy_pb2.PolicyVersion(
        version=proposal.version,
        digest=proposal.digest,
        author=proposal.author,
        note=proposal.note,
        proposed_at=timestamp(proposal.at),
    )


def _activation_message(activation: Activation) -> policy_pb2.PolicyActivation:
    kinds = policy_pb2.PolicyActivation
    is_activated = activation.kind == ACTIVATE
    return policy_pb2.PolicyActivation(
        revision=activation.revision,
        version=activation.version,
        previous=activation.previous,
        kind=kinds.ACTIVATION_KIND_ACTIVATE if is_activated else kinds.ACTIVATION_KIND_ROLL_BACK,
        author=activation.author,
        approver=activation.approver,
        note=activation.note,
        signed_by=activation.signed_by,
        activated_at=timestamp(activation.at),
    )


def _process_message(process: Process) -> policy_pb2.PolicyProcess:
    return policy_pb2.PolicyProcess(
        name=process.name,
        release=process.release,
        serves=process.serves,
        follows_store=process.source == STORE,
        ready=sorted(version for version, why in process.loaded.items() if not why),
        refused={version: why for version, why in process.loaded.items() if why},
        is_live=process.is_live,
        seen_ms_ago=max(0, int(process.age_s * 1_000)),
    )
