"""docs/errors.md says of every status, error and deny what a caller does: nothing is left out or made up."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.service.status import TABLE
from sealauthz_client.calls import Repeats, Rpc
from sealauthz_client.failures import CallFailed
from sealauthz_client.retrying import Attempts, RetryBudget, RetryPolicy
from sealauthz_client.v1 import authorization_pb2

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("errors_doc", ROOT / "tools" / "errors_doc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ERRORS_DOC = tool()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


def test_every_reason_of_a_deny_has_a_row(bundle: Bundle) -> None:
    denies = DOCUMENT.partition("## Reasons of denies")[2]
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .+ \|$", denies, re.MULTILINE)
    assert sorted(rows) == sorted(bundle.rulebook.reasons)
    assert "\n".join(ERRORS_DOC.page(bundle)) + "\n" == DOCUMENT


@pytest.mark.parametrize("table", ["STATUSES", "ERRORS"])
def test_what_is_left_out_or_made_up_is_an_error(bundle: Bundle, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = getattr(ERRORS_DOC, table)
    first, *others = said
    monkeypatch.setattr(ERRORS_DOC, table, {name: said[name] for name in others})
    with pytest.raises(LookupError, match=f"`{first}` has no entry"):
        list(ERRORS_DOC.page(bundle))
    monkeypatch.setattr(ERRORS_DOC, table, {**said, "MADE_UP": ("", "")})
    with pytest.raises(LookupError, match="`MADE_UP` does not exist"):
        list(ERRORS_DOC.page(bundle))


@pytest.mark.parametrize("row", [*TABLE.values()], ids=lambda row: f"{row.code.name}-{row.reason}")
def test_the_client_repeats_what_the_page_says_and_nothing_else(row: Any) -> None:
    call = Rpc(authorization_pb2.AuthorizeRequest, authorization_pb2.AuthorizeResponse, Repeats.READS).call(
        authorization_pb2.AuthorizeRequest(), bool
    )
    policy = RetryPolicy()
    wait_s = Attempts(call, policy, RetryBudget(policy), 1e9).wait_s(CallFailed(row.code, "", row.reason), 0.0)
    said = ERRORS_DOC.STATUSES[row.code.name][1] if row.code is not grpc.StatusCode.RESOURCE_EXHAUSTED else "Repeat it"
    assert (wait_s is not None) == said.startswith("Repeat it")
