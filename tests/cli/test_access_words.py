"""What the reports of an access diff say, apart from the diff."""

from __future__ import annotations

from sealauthz.cli.access_words import files_text
from sealauthz.model import MODEL
from sealauthz.policytools.diff.report import BundleDelta
from sealauthz.schema.parameters import counts_of


def test_a_parameter_is_written_as_what_it_is() -> None:
    parameters = (("retrieval_attempts", 3, 5), ("face_for_use", 1_800_000_000, 90_000_000), ("cooling_off", 1, 0))
    delta = BundleDelta("old", "new", ("a.polar",), parameters, counts_of(MODEL.parameters))
    assert files_text(delta) == [
        "a.polar",
        "parameters.toml  retrieval_attempts: 3 → 5",
        "parameters.toml  face_for_use: 30 minutes → 90 seconds",
        "parameters.toml  cooling_off: 1 µs → 0 days",
    ]
