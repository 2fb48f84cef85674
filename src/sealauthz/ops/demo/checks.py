"""Face checks that have just passed: facts that the provider of the checks owns."""

from __future__ import annotations

from sealauthz.model.records import identity
from sealauthz.ops.demo.facts import digest
from sealauthz.ops.demo.harness import Harness


def face_for_task(harness: Harness, who: str, task: str) -> identity.IdentityVerification:
    """Make a face check that has just passed, for a task and its document."""
    purpose, document = identity.VerificationPurpose.SIGN, digest(f"purchase of {task}")
    return face_check(harness, who, purpose, "SigningTask", f"task-{task}", document)


def face_for_act(harness: Harness, who: str, action: str, resource: str) -> identity.IdentityVerification:
    """Make a face check that has just passed, for what the step that asks for it says."""
    decision = harness.service.ask(f"Person:p-{who}", action, resource, {})
    asked = next(step.parameters for step in decision.next_steps if step.code == "VERIFY_FACE")
    said = [str(asked[name]) for name in ("bound_type", "bound_id", "bound_digest")]
    return face_check(harness, who, identity.VerificationPurpose(str(asked["purpose"])), *said)


def face_check(
    harness: Harness, who: str, purpose: identity.VerificationPurpose, bound_type: str, bound_id: str, bound_digest: str
) -> identity.IdentityVerification:
    """Make a face check that has just passed."""
    number = harness.number()
    return identity.IdentityVerification(
        id=f"face-{number}",
        person_id=f"p-{who}",
        method=identity.VerificationMethod.FACE,
        purpose=purpose,
        provider_ref=f"provider-{number}",
        bound_type=bound_type,
        bound_id=bound_id,
        bound_digest=bound_digest,
        state=identity.VerificationState.PASSED,
        passed_at=harness.now(),
    )
