"""How decisions look in a terminal; whole pages are looked at by the tests of the command line and the story."""

import datetime
import io

import pytest
from rich.console import Console

from sealauthz.decision import Decision, Effect, Entity, Question, Standing
from sealauthz.runtime.terminal import actions_table, decision_page, explanation_page, instant, show
from sealauthz.schema import FOREVER, NEVER
from sealauthz_client.answers import (
    Attempt,
    Audience,
    Explanation,
    NextStep,
    Obligation,
    Reason,
    RequirementOutcome,
    RuleRef,
)

AT = 1_772_413_200_000_000
QUESTION = Question(Entity("Person", "p-1"), "use", Entity("Seal", "s-1"))


def printed(content, *, is_terminal=False):
    out = io.StringIO()
    show(Console(file=out, width=80, force_terminal=is_terminal, markup=False, highlight=False, emoji=False), content)
    return out.getvalue()


def a_deny(*reasons):
    return Decision(QUESTION, Effect.DENY, "d-1", "abc", 7, AT, AT + 5_000_000, reasons=reasons).answer()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AT, "2026-03-02T01:00:00Z"),
        (NEVER, "never"),
        (FOREVER, "forever"),
        (datetime.datetime(2026, 3, 2, 1, tzinfo=datetime.UTC), "2026-03-02T01:00:00Z"),
    ],
)
def test_instants_are_utc_to_the_second(value, text):
    assert instant(value) == text


def test_a_deny_shows_each_reason_with_its_steps_and_their_parameters_by_name():
    step = NextStep("REMIND_ADMIN", {"reminders_left": 2, "remind_allowed_at": AT, "administrator_name": "陈*"})
    decision = a_deny(
        Reason("JOIN_PENDING", 40, Audience.USER, "MEMBER", (NextStep("WAIT_ADMIN"), step)),
        Reason("TASK_NOT_PENDING", 61, Audience.USER, "TASK_READY", (NextStep("NONE"),)),
    )
    assert printed(decision_page("Person:p-1 use Seal:s-1", decision)) == (
        "DENY  Person:p-1 use Seal:s-1\n"
        "  JOIN_PENDING\n"
        "    → WAIT_ADMIN\n"
        "    → REMIND_ADMIN  administrator_name=陈*\n"
        "                    remind_allowed_at=2026-03-02T01:00:00Z  reminders_left=2\n"
        "  TASK_NOT_PENDING\n"
        "decision d-1, valid until 2026-03-02T01:00:05Z\n"
        "facts at revision 7, policy abc\n"
    )


def test_an_allow_shows_what_the_caller_must_do():
    owed = (Obligation("CONSUME_VERIFICATION"), Obligation("WATERMARK", {"text": "copy"}))
    decision = Decision(QUESTION, Effect.ALLOW, "d-1", "abc", 7, AT, AT, obligations=owed).answer()
    assert printed(decision_page("q", decision)).splitlines()[:3] == [
        "ALLOW  q",
        "  must CONSUME_VERIFICATION",
        "  must WATERMARK             text=copy",
    ]


def test_data_is_never_taken_for_markup():
    step = NextStep("JOIN_ENTERPRISE", {"enterprise_name": "[red]:smile:[/red]"})
    assert "[red]:smile:[/red]" in printed(
        decision_page("[b]q[/b]", a_deny(Reason("R", 1, Audience.USER, "", (step,))))
    )


def test_colour_is_for_terminals_only():
    page = decision_page("q", a_deny(Reason("NOT_FOUND", 0, Audience.USER)))
    assert "\x1b" not in printed(page)
    assert "\x1b[1;31mDENY" in printed(page, is_terminal=True)


def test_an_explanation_shows_what_stopped_each_rule_and_the_rules_under_it():
    by_head, held, stopped = (RuleRef(f"rule_{n}(person: Person)", "a.polar", n, ("X-01",)) for n in (1, 2, 3))
    under = (Attempt(held, True), Attempt(by_head, False))
    condition = 'not has("印章管理员：仅限公司公章与合同专用章的使用和审批", person)'
    first = Attempt(stopped, False, condition, "a.polar", 4, ("云杉",), under)
    outcomes = (
        RequirementOutcome("SEAL", Standing.UNMET, ("NO_GRANT",), (stopped, by_head), (), (first,)),
        RequirementOutcome("FACE", Standing.WAIVED, (), (held,), (), (Attempt(held, True),)),
    )
    page = printed(explanation_page("q", Explanation(a_deny(), outcomes)))
    assert page.split("requirements of the action\n")[1] == (
        "├── unmet  SEAL  NO_GRANT\n"
        "│   ├── tried a.polar:3  X-01\n"
        "│   │   rule_3(person: Person)\n"
        "│   │   stopped at a.polar:4: not\n"
        '│   │   has("印章管理员：仅限公司公章与合同专用章的使用和审批", person)\n'
        "│   │     (云杉)\n"
        "│   │   ├── tried a.polar:2  X-01\n"
        "│   │   │   rule_2(person: Person)\n"
        "│   │   │   held\n"
        "│   │   └── tried a.polar:1  X-01\n"
        "│   │       rule_1(person: Person)\n"
        "│   │       stopped at its head: not for this case\n"
        "│   └── tried a.polar:1  X-01\n"
        "│       rule_1(person: Person)\n"
        "└── waived FACE\n"
        "    └── by a.polar:2  X-01\n"
        "        rule_2(person: Person)\n"
    )


def test_actions_have_one_line_each():
    reason = Reason("NOT_SEAL_ADMIN", 90, Audience.USER, "SEAL_MANAGER", (NextStep("CONTACT_SEAL_ADMIN"),))
    allow = Decision(QUESTION, Effect.ALLOW, "d-1", "abc", 7, AT, AT).answer()
    assert printed(actions_table({"view": allow, "edit": a_deny(reason)})) == (
        "action  answer  first reason    what to do\n"
        "view    ALLOW\n"
        "edit    DENY    NOT_SEAL_ADMIN  CONTACT_SEAL_ADMIN\n"
    )
