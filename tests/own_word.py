"""The persons' own word in tests: who signs for them, who trusts that, and acts with a signed assertion.

An act of the shipped policies needs one unless it rests on a face check. A service under test trusts `TRUSTED`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from sealauthz.operations import Assertions, Performance
from sealauthz_client.assertions import Signer

SIGNER = Signer.fresh("tests", "tests")
TRUSTED = Assertions.of("tests", SIGNER.key_set)

CONFIG = """
[assertions]
audience = "tests"
[assertions.issuers.tests]
keys = "persons.json"
"""
"""What the configuration of a service says that trusts it, beside the file of `write_keys`."""


def signed(performance: Performance, now: int) -> Performance:
    """The act with the word of its subject; `now` is an instant."""
    text = SIGNER.sign(str(performance.question.subject), performance.digest, now=now // 1_000_000)
    return dataclasses.replace(performance, assertion=text)


def write_keys(folder: Path) -> None:
    """Write the file that `CONFIG` names."""
    (folder / "persons.json").write_text(json.dumps(SIGNER.key_set), encoding="utf-8")
