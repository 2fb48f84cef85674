"""`sealauthz policy shadow` shows what a candidate answers otherwise, and fails where it lets somebody in."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json

import pytest

from sealauthz.cli import policy_shadow
from sealauthz_client.policy import PolicyShadow, ShadowCause, ShadowDifference, ShadowExample, ShadowFindings

AT = datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC)
CAUSE = ShadowCause("REQUIREMENT", "FRESH_FACE", "seal_use.polar:7", True, "", ("words.polar:9: now < at",), ())
ASKED = (ShadowExample("Person:p-lin", "Seal:s1", {"task": "t"}),)
GAIN = ShadowDifference("GAIN", "use", "Seal", 1_234, AT, AT, (CAUSE,), (), (), (), (), "", ASKED)
OTHER = ShadowDifference("OBLIGATION", "view", "Seal", 2, AT, AT, (), (), (), ("TELL",), (), "", ())
REASONS = ShadowDifference("REASONS", "use", "Seal", 1, AT, AT, (), ("A",), ("B", "C"), (), (), "", ())
RUN = PolicyShadow("b" * 16, 0.2, 0.05, "wang", AT)
FOUND = ShadowFindings(RUN, "a" * 16, "b" * 16, 2, 50, 40, 7, 3, 0, (GAIN, OTHER, REASONS))


class Server:
    """Answers with what it is given."""

    def __init__(self, found):
        self.found = found
        self.asked = []

    def shadow(self):
        return self.found

    def begin_shadow(self, version, **how):
        self.asked.append((version, how))
        return RUN

    def end_shadow(self):
        return self.found.shadow is not None


@pytest.fixture
def server(monkeypatch):
    server = Server(FOUND)
    monkeypatch.setattr(policy_shadow, "shipping_client", lambda **_: contextlib.nullcontext(server))
    monkeypatch.setenv("COLUMNS", "140")
    return server


def test_differences_are_shown_with_the_rules_behind_them(sealauthz, server):
    code, out, _ = sealauthz("policy", "shadow", "show")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith(f"{'b' * 16} in the shadow of {'a' * 16}, since ")
    assert lines[1] == "40 questions compared in 2 processes; 10 more were drawn and not compared"
    assert lines[2].split() == ["HOW", "QUESTIONS", "ACTION", "WHY", "FOR", "EXAMPLE"]
    assert "FRESH_FACE: waived by seal_use.polar:7; words.polar:9: now < at" in " ".join(out.split())
    assert [line.split()[:2] for line in lines if line[:1].isalpha()][2:] == [
        ["GAIN", "1,234"],
        ["OBLIGATION", "2"],
        ["reasons", "1"],
    ]
    assert "A → B, C" in out
    assert "+ TELL" in out
    assert "Person:p-lin on Seal:s1" in " ".join(out.split())


def test_json_has_all_of_it(sealauthz, server):
    code, out, _ = sealauthz("policy", "shadow", "show", "-o", "json")
    found = json.loads(out)
    assert code == 0
    assert found["shadow"]["begun_at"] == "2026-03-01T09:30:00Z"
    assert [each["kind"] for each in found["differences"]] == ["GAIN", "OBLIGATION", "REASONS"]
    assert found["differences"][0]["causes"][0]["stopped_at"] == ["words.polar:9: now < at"]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (FOUND, 1),
        (dataclasses.replace(FOUND, differences=(OTHER, REASONS)), 0),
        (dataclasses.replace(FOUND, differences=(), uncounted=1), 1),
        (dataclasses.replace(FOUND, differences=(), compared=0), 1),
        (dataclasses.replace(FOUND, differences=(dataclasses.replace(GAIN, kind="BROKEN", error="TypeError"),)), 1),
    ],
)
def test_a_gain_or_nothing_known_fails_where_that_is_asked_for(sealauthz, server, found, code):
    server.found = found
    assert sealauthz("policy", "shadow", "show", "--fail-on-gain")[0] == code
    assert sealauthz("policy", "shadow", "show")[0] == 0


def test_nothing_is_said_to_be_nothing(sealauthz, server):
    server.found = ShadowFindings(None, "", "", 0, 0, 0, 0, 0, 0, ())
    assert sealauthz("policy", "shadow", "show")[1].startswith("nothing has run in the shadow yet")
    assert sealauthz("policy", "shadow", "stop")[1] == "nothing ran in the shadow\n"
    server.found = dataclasses.replace(FOUND, differences=())
    assert sealauthz("policy", "shadow", "show")[1].splitlines()[-1] == "no difference"


def test_a_candidate_is_begun_and_ended(sealauthz, server):
    code, out, _ = sealauthz("policy", "shadow", "begin", "b" * 16, "--share", "0.2")
    assert (code, server.asked) == (0, [("b" * 16, {"share": 0.2, "cpu_share": 0.05})])
    assert out.startswith(f"{'b' * 16} decides 20% of the live questions in the shadow\n")
    assert sealauthz("policy", "shadow", "stop")[1] == "stopped\n"
    code, _, err = sealauthz("policy", "shadow", "begin", "b" * 16, "--share", "2")
    assert code == 2
    assert "2.0 is not in the range 0<x<=1" in err
