"""What the uses of seals keep together: on what each was counted, and when a count comes back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sealauthz.schema.changes import Changes, Invariant, Rows, all_of, broken, name_of

_COUNTED_ON = {"grant_id": "SealGrant", "open_grant_id": "OpenGrant", "cross_grant_id": "CrossEnterpriseGrant"}
_COUNTERS = (*_COUNTED_ON.values(), "SealUseRequest")


def check_counted(changes: Changes, rows: Rows) -> None:
    """I15: a use is counted on rights on its seal, by the certificate of its owner."""
    made = [change.after for change in changes.of("SealUse") if change.before is None and change.after is not None]
    for column, record_type in list(_COUNTED_ON.items())[1:]:
        grants = all_of(rows, record_type, [getattr(use, column) for use in made if getattr(use, column) is not None])
        for use in made:
            grant_id = getattr(use, column)
            if grant_id is not None and grants[grant_id].seal_id != use.seal_id:
                broken("I15", f"{name_of(use)} names a grant on another seal")
    certificates = all_of(rows, "Certificate", [use.certificate_id for use in made if use.certificate_id is not None])
    seals = all_of(rows, "Seal", [use.seal_id for use in made if use.certificate_id is not None])
    for use in made:
        certificate = certificates.get(use.certificate_id)
        if certificate is not None and certificate.enterprise_id != seals[use.seal_id].enterprise_id:
            broken("I15", f"{name_of(use)} names a certificate that is not the seal owner's")
    counted = [change.after for change in changes.of("CountedRequest") if change.before is None and change.after]
    uses = all_of(rows, "SealUse", [each.use_id for each in counted])
    requests = all_of(rows, "SealUseRequest", [each.request_id for each in counted])
    for each in counted:
        if requests[each.request_id].seal_id != uses[each.use_id].seal_id:
            broken("I15", f"{name_of(each)} names a request to use another seal")


def check_given_back(changes: Changes, rows: Rows) -> None:
    """I10: a count comes back only with the uses of one act that all turn out not to be sealed, and once for it."""
    lowered = [
        change
        for record_type in _COUNTERS
        for change in changes.of(record_type)
        if None not in (change.before, change.after) and change.after.used < change.before.used
    ]
    if not lowered:
        return
    given = _given_back(changes, rows)
    for change in lowered:
        acts = given.get((change.record_type, change.id), set())
        if change.before.used - change.after.used > len(acts):
            broken("I10", f"{change} must not lower `used`: a counter never goes back")


def _given_back(changes: Changes, rows: Rows) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The acts that turn out in these changes to have sealed nothing, by what they were counted on."""
    closed = [
        change.after
        for change in changes.of("SealUse")
        if None not in (change.before, change.after)
        and (change.before.state, change.after.state) == ("RESERVED", "NOT_SEALED")
    ]
    beside: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for use in rows.naming("SealUse", "task_id", {use.task_id for use in closed}):
        beside[use.task_id, use.operation_id].append(use)
    given: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for use in closed:
        act = (use.task_id, use.operation_id)
        if any(other.state != "NOT_SEALED" for other in beside[act]):
            continue
        for column, record_type in _COUNTED_ON.items():
            counted_on = getattr(use, column)
            if counted_on is not None:
                given[record_type, counted_on].add(act)
    grants = all_of(rows, "SealGrant", [grant_id for record_type, grant_id in given if record_type == "SealGrant"])
    for grant in grants.values():
        if grant.parent_id is not None:
            given["SealGrant", grant.parent_id] |= given["SealGrant", grant.id]
    acts = {use.id: (use.task_id, use.operation_id) for use in closed}
    for each in rows.naming("CountedRequest", "use_id", acts.keys()):
        if all(other.state == "NOT_SEALED" for other in beside[acts[each.use_id]]):
            given["SealUseRequest", each.request_id].add(acts[each.use_id])
    return given


def check_reported(changes: Changes, rows: Rows) -> None:
    """U-23: a controller reports of requests that it was opened for."""
    made = [change.after for change in changes.of("StampReport") if change.before is None and change.after is not None]
    requests = all_of(rows, "SealUseRequest", [report.request_id for report in made])
    for report in made:
        if requests[report.request_id].device_id != report.device_id:
            broken("U-23", f"{name_of(report)} is of another controller than the request's")


USES = (Invariant(check_counted), Invariant(check_given_back), Invariant(check_reported))
