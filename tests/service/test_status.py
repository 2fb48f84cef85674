"""Errors as statuses: one table, complete, and silent about what is unexpected."""

from __future__ import annotations

import grpc
import pytest

from sealauthz.runtime import errors
from sealauthz.service.fields import MAX_VIOLATIONS
from sealauthz.service.status import TABLE, failure_of


def leaves(cls: type) -> set[type]:
    below = cls.__subclasses__()
    return set().union(*(leaves(one) for one in below)) if below else {cls}


def test_every_leaf_of_the_error_tree_has_a_row_of_its_own_or_of_its_parent() -> None:
    ours = {cls for cls in vars(errors).values() if isinstance(cls, type)}
    for leaf in leaves(errors.SealAuthzError):
        # A leaf that another module declares answers like the error that it is a kind of.
        named = next(cls for cls in leaf.__mro__ if cls in ours)
        assert named in TABLE, leaf
    assert set(TABLE) <= {cls for cls in vars(errors).values() if isinstance(cls, type)}


def test_the_codes_and_reasons_are_pinned() -> None:
    assert {cls.__name__: (row.code.name, row.reason) for cls, row in TABLE.items()} == {
        "InvalidRequest": ("INVALID_ARGUMENT", "INVALID_REQUEST"),
        "CallerUnknown": ("UNAUTHENTICATED", "CALLER_UNKNOWN"),
        "KeysUnavailable": ("UNAVAILABLE", "KEYS_UNAVAILABLE"),
        "CallerNotPermitted": ("PERMISSION_DENIED", "CALLER_NOT_PERMITTED"),
        "AssertionNeeded": ("PERMISSION_DENIED", "ASSERTION_NEEDED"),
        "OperationUnknown": ("NOT_FOUND", "OPERATION_UNKNOWN"),
        "RecordUnknown": ("NOT_FOUND", "RECORD_UNKNOWN"),
        "FactConflict": ("ALREADY_EXISTS", "FACT_CONFLICT"),
        "InvariantBroken": ("FAILED_PRECONDITION", "INVARIANT_BROKEN"),
        "ImportStopped": ("FAILED_PRECONDITION", "IMPORT_STOPPED"),
        "FactsUnavailable": ("UNAVAILABLE", "FACTS_UNAVAILABLE"),
        "ExtensionRefused": ("UNAVAILABLE", "FACTS_UNAVAILABLE"),
        "HistoryLost": ("UNAVAILABLE", "FACTS_UNAVAILABLE"),
        "RestoreIncomplete": ("UNAVAILABLE", "RESTORE_INCOMPLETE"),
        "PoliciesUnavailable": ("UNAVAILABLE", "POLICIES_UNAVAILABLE"),
        "PolicyUnknown": ("NOT_FOUND", "POLICY_UNKNOWN"),
        "PolicyRefused": ("FAILED_PRECONDITION", "POLICY_REFUSED"),
        "RevisionUnknown": ("FAILED_PRECONDITION", "REVISION_UNKNOWN"),
        "RevisionGone": ("ABORTED", "REVISION_GONE"),
        "PastUnknown": ("FAILED_PRECONDITION", "NOT_CHECKABLE"),
        "ServiceBusy": ("RESOURCE_EXHAUSTED", "SERVICE_BUSY"),
        "TimeOver": ("DEADLINE_EXCEEDED", "DEADLINE_PASSED"),
        "EvaluationFailed": ("INTERNAL", "INTERNAL"),
        "FactNotLoaded": ("INTERNAL", "INTERNAL"),
        "BundleRefused": ("INTERNAL", "INTERNAL"),
        "SuiteRefused": ("INTERNAL", "INTERNAL"),
        "ConfigRefused": ("INTERNAL", "INTERNAL"),
    }


@pytest.mark.parametrize(
    "error",
    [
        ValueError("s3cret"),
        errors.EvaluationFailed("s3cret"),
        errors.FactNotLoaded("s3cret"),
        errors.BundleRefused("s3cret", "file.polar", 3),
        errors.SuiteRefused(errors.Fault("s3cret.yaml", 1, 1, "s3cret")),
        errors.ConfigRefused("s3cret"),
        errors.SealAuthzError("s3cret"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_unexpected_shows_an_incident_and_nothing_else(error: Exception) -> None:
    failure = failure_of(error)
    assert failure.code == grpc.StatusCode.INTERNAL
    assert failure.message == f"internal error; incident {failure.incident}"
    assert "s3cret" not in str(failure.status())
    assert "s3cret" not in str(failure.item_status())


def test_an_error_with_many_long_violations_fits_the_trailer() -> None:
    error = errors.InvalidRequest(*(errors.Violation(f"context[{'字' * 500}]", "错" * 500) for _ in range(1_000)))
    failure = failure_of(error)
    assert len(failure.status().SerializeToString()) * 4 / 3 + 9 * len(failure.message) < 16_384
    assert len(failure.violations) == MAX_VIOLATIONS
    assert failure.message.endswith("(and 999 more)") or len(failure.message) == 200
