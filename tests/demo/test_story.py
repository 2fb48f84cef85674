"""The founding story over real gRPC: every answer is as told, and the telling fits a terminal."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from sealauthz.client import CallFailed
from sealauthz.demo.harness import ALLOW, Clock, Harness, deny
from sealauthz.demo.scenario import run


@pytest.fixture(scope="module")
def telling():
    """Return the story's surprises and its text, as it is printed into a pipe."""
    out = io.StringIO()
    surprises = run(Console(file=out, width=80, markup=False, highlight=False, emoji=False))
    return surprises, out.getvalue()


def test_every_answer_is_as_told(telling):
    surprises, text = telling
    assert surprises == []
    assert text.endswith("All 25 steps went as expected.\n")


def test_the_telling_fits_80_columns_without_escapes_or_trailing_blanks(telling):
    _, text = telling
    assert "\x1b" not in text
    for line in text.splitlines():
        assert cell_len(line) <= 80, line
        assert line == line.rstrip()


@pytest.mark.parametrize(
    "words",
    [
        "over TLS, with a bearer token",
        "JOIN_ENTERPRISE",
        "administrator_name=陈*",
        "administrator_phone=138****1569",
        "remind_allowed_at=",
        "RETRIEVE_ENTERPRISE",
        "wait_until=2026-03-19T04:00:00Z",
        "GRANT_INVALIDATED_ADMIN_CHANGED",
        "ORG_ALREADY_AUTHENTICATED",
        "REFUSED  ALREADY_EXISTS",
    ],
)
def test_the_telling_shows(telling, words):
    assert words in " ".join(telling[1].split()) or words in telling[1]


def test_the_telling_never_shows_what_is_masked(telling):
    for plain in ("陈静", "13800001569", "13900002684"):
        assert plain not in telling[1]


class Contrary:
    """A service that allows everything and refuses every write."""

    def ask(self, subject, action, resource, context):
        from sealauthz.client import Decision

        return Decision(True, (), (), (), "d", "p", 1, "t", None, None)

    def write(self, request_id, records):
        import grpc

        raise CallFailed(grpc.StatusCode.FAILED_PRECONDITION, "no", metadata={"invariant": "I4"})


def a_harness(out):
    return Harness(Contrary(), Clock(0), Console(file=out, width=80))


@pytest.mark.parametrize(
    ("told", "surprise"),
    [
        ({"expect": deny("NOT_A_MEMBER")}, "step 1: answered ALLOW, not DENY NOT_A_MEMBER"),
        ({"expect": ALLOW, "obligations": ("NOTIFY",)}, "step 1: obligations , not NOTIFY"),
        ({"expect": ALLOW, "next_steps": ("JOIN",)}, "step 1: next steps , not JOIN"),
        ({"expect": ALLOW, "shown": ("陈*",)}, "step 1: no next step carries 陈*"),
    ],
)
def test_an_answer_that_is_not_as_told_is_a_surprise(told, surprise):
    out = io.StringIO()
    harness = a_harness(out)
    harness.ask("May he?", "Person:p use Seal:s", **told)
    assert harness.surprises == [surprise]
    assert "UNEXPECTED" in out.getvalue()


def test_a_refusal_for_another_reason_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.refuse("And if?", "I1")
    assert harness.surprises == ["step 1: refused by I4, not by I1"]
