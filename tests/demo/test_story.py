"""The founding story over real gRPC: every answer is as told, and the telling fits a terminal."""

import io
import re

import grpc
import pytest
from rich.cells import cell_len
from rich.console import Console

from sealauthz.demo.callers import ENGINE, OUTSIDE, PLATFORM, story_caller
from sealauthz.demo.harness import ALLOW, Clock, Harness, StoryBroken, deny
from sealauthz.demo.scenario import run
from sealauthz_client import CallFailed
from sealauthz_client.answers import Audience, Decision, Event, Operation, Performed, Progress, Reason, Stage


@pytest.fixture(scope="module")
def telling():
    """Return the story's surprises and its text, as it is printed into a pipe."""
    out = io.StringIO()
    surprises = run(Console(file=out, width=80, markup=False, highlight=False, emoji=False))
    return surprises, out.getvalue()


def test_every_answer_is_as_told(telling):
    surprises, text = telling
    assert surprises == []
    assert re.search(r"^All \d\d steps went as expected\.\n\Z", text, re.MULTILINE)


def test_the_telling_fits_80_columns_without_escapes_or_trailing_blanks(telling):
    _, text = telling
    assert "\x1b" not in text
    for line in text.splitlines():
        assert cell_len(line) <= 80, line
        assert line == line.rstrip()


@pytest.mark.parametrize(
    "words",
    [
        "over TLS, with bearer tokens",
        "JOIN_ENTERPRISE",
        "administrator_name=陈*",
        "administrator_phone=138****1569",
        "remind_allowed_at=",
        "RETRIEVE_ENTERPRISE",
        "wait_until=2026-03-19T04:00:00Z",
        "GRANT_INVALIDATED_ADMIN_CHANGED",
        "ORG_ALREADY_AUTHENTICATED",
        "REFUSED  ALREADY_EXISTS",
        "REFUSED  PERMISSION_DENIED",
        "REFUSED  the receipt is for another audience",
        "PERFORMED BEFORE",
        "VERIFIED",
        "✉ CONTRACT_COMPLETE",
        "✉ SEAL_USE_NOT_SEALED  to p-chen, p-luo, p-zhou",
        "✓  CONTRACT_COMPLETE",
        "✓  RETRIEVED",
    ],
)
def test_the_telling_shows(telling, words):
    assert words in " ".join(telling[1].split()) or words in telling[1]


def test_the_telling_never_shows_what_is_masked(telling):
    for plain in ("陈静", "13800001569", "13900002684"):
        assert plain not in telling[1]


class Contrary:
    """A service that allows everything, performs nothing, tells nothing and refuses every write."""

    def ask(self, subject, action, resource, context):
        return Decision(True, (), (), (), "d", "p", 1, "t", None, None)

    def perform(self, caller, subject, action, resource, context, arguments, request_id, *, is_signed):
        denied = Decision(False, (Reason("NO", 10, Audience.USER),), (), (), "d", "p", 1, "t", None, None)
        operation = Operation("o", caller, request_id, subject, action, resource, 1, "t", None)
        return Performed(denied, operation if action == "join" else None, request_id)

    def progress(self, subject, resource):
        return Progress(self.ask("", "", "", {}), (Stage("APPLIED", "NOW"),))

    def key_set(self):
        return {"keys": []}

    def told(self, within_s):
        return None

    def write(self, caller, request_id, records):
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


def test_a_story_ends_where_an_act_is_denied_that_it_rests_on():
    harness = a_harness(io.StringIO())
    with pytest.raises(StoryBroken):
        harness.perform("He tries.", "Person:p use Seal:s")
    assert harness.surprises == ["step 1: answered DENY NO, not PERFORMED"]


def test_an_act_that_should_be_denied_and_nobody_told_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.perform("He joins.", "Person:p join Enterprise:e", expect=deny("NO"), told=(("HEARD", "p"),))
    assert harness.surprises == ["step 1: answered PERFORMED NO, not DENY NO", "step 1: told [], not [('HEARD', 'p')]"]


def test_another_stage_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.progress("He looks.", "Person:p", "JoinApplication:a", expect="APPLIED:DONE")
    assert harness.surprises == ["step 1: it stands at APPLIED:NOW, not APPLIED:DONE"]


def test_a_receipt_that_nobody_signed_ends_the_story():
    harness = a_harness(io.StringIO())
    with pytest.raises(StoryBroken):
        harness.verify("The engine verifies it.", "e30.e30.e30", ENGINE)
    assert len(harness.surprises) == 1


def test_who_has_acts_performed_writes_no_facts_and_who_writes_facts_performs_nothing():
    platform, engine, outside = (story_caller(name, name) for name in (PLATFORM, ENGINE, OUTSIDE))
    assert not any(rpc.startswith("FactsService/") for rpc in platform.rpcs | engine.rpcs)
    assert not outside.performs
    assert not outside.may_call("OperationsService/Perform")
    assert not outside.may_call("FactsService/ImportFacts")
    assert not (engine.performs & platform.performs)


def test_who_is_told_something_that_nobody_expects_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.service.told = lambda within_s: Event("token", "HEARD", "e", "Seal:s", (), None)
    harness.end()
    assert harness.surprises == ["step 0: told HEARD, which nobody expects"]


def test_an_act_that_nobody_signed_must_be_refused():
    harness = a_harness(io.StringIO())
    harness.refuse_act("Can it?", "Person:p join Enterprise:e", "ASSERTION_NEEDED")
    assert harness.surprises == ["step 1: answered, though it must be refused"]
