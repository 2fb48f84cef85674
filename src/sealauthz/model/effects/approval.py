"""How far a request has come in its process: which steps wait, and whom each names.

The policies decide who may give a verdict, and whether an approved request counts when the seal is used. Here it is
worked out on which step a verdict is, whether it was the last one, and who is to be told that it is their turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sealauthz.model.effects.acting import is_live, is_standing
from sealauthz.model.effects.told import holders_of
from sealauthz.schema import Instant


@dataclass(frozen=True, slots=True)
class Course:
    """The process of a request, as it stood when that was submitted; `given` are the verdicts so far."""

    process: Any
    applicant: Any
    submitted_at: Instant
    given: tuple[Any, ...]
    now: Instant

    @property
    def steps(self) -> list[Any]:
        """The steps that the request follows."""
        return _standing(self.process.steps, self.submitted_at)

    def waiting(self) -> list[Any]:
        """The steps whose turn it is: those at the lowest position that are not passed."""
        open_ = [step for step in self.steps if not self.is_passed(step)]
        first = min((step.position for step in open_), default=0)
        return [step for step in open_ if step.position == first]

    def step_for(self, member: Any) -> Any:
        """The step on which a member gives a verdict now; None where it is not their turn."""
        for step in self.waiting():
            if any(self._covers(line, member, self.now) for line in self._lines(step)):
                return step
        return None

    def is_passed(self, step: Any) -> bool:
        """Tell whether a step is passed: by one of those whom it names, or each of its lines by somebody of its own."""
        passed = [each for each in self.given if each.step_id == step.id and each.verdict == "PASSED"]
        if step.mode == "ANY":
            return bool(passed)
        lines = self._lines(step)
        return bool(lines) and all(any(self._passes(line, lines, each) for each in passed) for line in lines)

    def awaited(self, enterprise: Any) -> list[str]:
        """The ids of the persons whose turn it is."""
        lines = [line for step in self.waiting() for line in self._lines(step)]
        members = [member for member in enterprise.memberships if is_live(member, self.now)]
        return [m.person_id for m in members if any(self._covers(line, m, self.now) for line in lines)]

    def _lines(self, step: Any) -> list[Any]:
        return _standing(step.approvers, self.submitted_at)

    def _passes(self, line: Any, lines: list[Any], approval: Any) -> bool:
        """Tell whether a verdict passes a line: of the person named, or of one whom no other line names as well."""
        if line.membership_id == approval.approver_id:
            return True
        return [each for each in lines if self._covers(each, approval.approver, approval.decided_at)] == [line]

    def _covers(self, line: Any, member: Any, at: Instant) -> bool:
        """Tell whether a line names a member, in person or by their role, or somebody whom they stand in for then."""
        absent = [
            absence.membership
            for absence in member.substitutions
            if absence.recorded_at <= at
            and absence.valid_from <= at < absence.valid_to
            and not 0 < absence.withdrawn_at <= at
        ]
        return any(self._names(line, each) for each in (member, *absent))

    def _names(self, line: Any, member: Any) -> bool:
        if line.membership_id is not None:
            return bool(line.membership_id == member.id)
        if line.role == "LEGAL_REP":
            return member.person_id in holders_of(member.enterprise, self.now, "LEGAL_REP")
        if line.role == "DEPT_ADMIN":
            return member.id in self._heads()
        return any(each.role == line.role and is_standing(each, self.now) for each in member.assignments)

    def _heads(self) -> set[str]:
        """The heads of the applicant's department other than the applicant, or of the next one above that has any."""
        department, passed = self.applicant.department, set()
        while department is not None and department.id not in passed:
            passed.add(department.id)
            heads = {
                member.id
                for member in department.enterprise.memberships
                if member.person_id != self.applicant.person_id
                for each in member.assignments
                if each.role == "DEPT_ADMIN" and each.department_id == department.id and is_standing(each, self.now)
            }
            if heads:
                return heads
            department = department.parent
        return set()


def course_of(request: Any, now: Instant, *more: Any) -> Course | None:
    """The course of a request, with verdicts that are given now; None where it follows no process."""
    if request.process_id is None:
        return None
    return Course(request.process, request.applicant, request.submitted_at, (*request.approvals, *more), now)


def approvers_of(seal: Any, now: Instant) -> list[str]:
    """The ids of the persons who have the right to decide on the use of a seal: by a grant that is valid and not used
    up, never over a legal representative's seal, or as the legal representative.
    """
    granted = [
        grant.membership.person_id
        for grant in seal.grants
        if seal.kind != "LEGAL_REP"
        and grant.right == "APPROVE"
        and grant.state == "ACTIVE"
        and grant.valid_from <= now < grant.valid_to
        and grant.used < grant.use_limit
    ]
    return [*granted, *holders_of(seal.enterprise, now, "LEGAL_REP")]


def _standing(parts: Iterable[Any], at: Instant) -> list[Any]:
    return [part for part in parts if part.valid_from <= at < part.valid_to]
