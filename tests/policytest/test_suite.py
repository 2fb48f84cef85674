"""What a file of policy tests may say, and what is said about one that says something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy_files import BUNDLE, EARLY_TESTS, FIXTURE, JOIN, ONLY_EARLY, policy_folder, suite_of

from sealauthz.decision import PolicyDecisionPoint
from sealauthz.model import MODEL
from sealauthz.policytools.testing.fixtures import time_of
from sealauthz.policytools.testing.loading import PolicyTests, load_suite
from sealauthz.policytools.testing.suite import Ask, ListAsk, failure_text, failures_of
from sealauthz.runtime.errors import EvaluationFailed, SuiteRefused

LINES = FIXTURE.count("\n")


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SuiteRefused) as caught:
        suite_of(folder, text)
    return [f"{fault.line - LINES}:{fault.column}: {fault.message}" for fault in caught.value.faults]


ONE = f"tests:\n  - {{name: a, {JOIN}, "
"""The beginning of a file with one case, on line 2."""

GRID = "tests:\n  - {name: a, matrix: {resource: 'Enterprise:e', "

REFUSED = [
    # --- the form
    ("foo: 1\n", "1:1: `foo` is not known here"),
    ("test: []\n", "1:1: `test` is not known here; did you mean `tests`?"),
    ("given: {}\n", "1:1: `given` is not known here: it belongs in a fixture, a test, a step or a goal"),
    (ONE + "expect: allow, effect: allow}\n", "`effect` is not known here: it belongs in `expect`"),
    ("Person: {}\n", "`Person` is not known here: records stand under `facts`, `put`, `change` or `defaults`"),
    ("tests: 1\n", "1:1: `tests` must be a list"),
    (ONE + "expect: permit}\n", "`expect` is `permit`, which is none of `allow`, `deny`"),
    (ONE + "expect: allow, naem: b}\n", "`naem` is not known here; did you mean `name`?"),
    (ONE + "expct: allow}\n", "`expect` is missing"),
    (ONE + "expect: []}\n", "`expect` must not be empty"),
    (ONE + "expect: [not a code]}\n", "`not a code` is no code"),
    (ONE + "expect: allow, rules: [M02]}\n", "`M02` is no rule: rules are written like `U-01`"),
    (ONE + "expect: allow, now: later}\n", "`later` is no time: write `now - 5 minutes`"),
    ("tests:\n  - {name: a, steps: [{wait: soon}]}\n", "`soon` is no length of time: write `90 seconds`"),
    ("tests:\n  - {name: a, subject: 3, action: join, resource: 'Enterprise:e', expect: allow}\n", "must be text"),
    ("situations: {s: {put: {Persn: {}}}}\n", "`Persn` is not known here; did you mean `Person`?"),
    ("situations: {s: {put: {Person: {p: {acount_state: LOCKED}}}}}\n", "did you mean `account_state`?"),
    ("situations: {s: {put: {Person: {p: {account_state: LOKED}}}}}\n", "did you mean `LOCKED`?"),
    ("situations: {s: {put: {Person: {p: {phone: 138}}}}}\n", "`phone` must be text; put it in quotes"),
    ("situations: {s: {put: {RoleAssignment: {r: {is_primary: yes}}}}}\n", "`is_primary` must be `true` or `false`"),
    # --- YAML
    ("tests: [\n", "did not find expected node content"),
    ("tests: []\ntests: []\n", "2:1: `tests` is given twice"),
    ("tests: &a []\n", "anchors and aliases are not accepted"),
    ("tests: !!python/object:os.system []\n", "tags are not accepted"),
    ("situations: {s: {put: {Person: {p: {phone: 1.5}}}}}\n", "`1.5` is no whole number; put text in quotes"),
    ("tests: " + "[" * 60 + "]" * 60 + "\n", "values nest deeper than 40"),
    ("---\n", "a test file is one document"),
    # --- names
    (ONE + "expect: allow, rules: [M-99]}\n", "there is no rule `M-99`"),
    (ONE + "expect: allow, fixture: smal}\n", "there is no fixture `smal`; did you mean `small`?"),
    (ONE + "expect: allow, given: away}\n", "there is no situation `away`"),
    (ONE + "expect: [NOT_A_MEMBR]}\n", "there is no reason `NOT_A_MEMBR`; did you mean `NOT_A_MEMBER`?"),
    (ONE + "expect: {effect: deny, next_steps: [JOIN]}}\n", "there is no next step `JOIN`"),
    (ONE + "expect: {effect: allow, obligations: [CONSUME]}}\n", "there is no obligation `CONSUME`"),
    (ONE + "expect: allow, context: {task: t}}\n", "there is no context key of `join` `task`"),
    (
        "tests:\n  - {name: a, subject: outsidr, action: joyn, resource: 'Enterprise:e', expect: allow}\n",
        "there is no action of Enterprise `joyn`; did you mean `join`?",
    ),
    (
        "tests:\n  - {name: a, subject: outsidr, action: join, resource: 'Enterprise:e', expect: allow}\n",
        "there is no `Person:outsidr`; did you mean `outsider`?",
    ),
    (
        "tests:\n  - {name: a, subject: outsider, action: join, resource: 'Enterprise:f', expect: allow}\n",
        "there is no `Enterprise:f`",
    ),
    (
        "tests:\n  - {name: a, subject: outsider, action: join, resource: 'Enterprize:e', expect: allow}\n",
        "there is no type with actions `Enterprize`; did you mean `Enterprise`?",
    ),
    (f"{ONE}expect: allow}}\n  - {{name: a, {JOIN}, expect: allow}}\n", "has a test of this name"),
    ("include: [other.yaml]\n", "there is no file `other.yaml`"),
    ("include: [case.yaml]\n", "`case.yaml` cannot be included"),
    # --- facts
    (
        ONE + "expect: allow, given: {put: {Person: {outsider: {}}}}}\n",
        "is there already: `change` it",
    ),
    (ONE + "expect: allow, given: {change: {Person: {outsidr: {id_hash: h}}}}}\n", "did you mean `outsider`?"),
    (ONE + "expect: allow, given: {drop: ['Person:x']}}\n", "there is no `Person:x` to drop"),
    (ONE + "expect: allow, given: {put: {Seal: {s: {enterprise_id: e}}}}}\n", "`Seal:s` lacks `name`, `kind`"),
    (
        ONE + "expect: allow, given: {put: {Membership: {m: {person_id: nobody}}}}}\n",
        "`Membership:m` names `Person:nobody` in `person_id`, which is not there",
    ),
    (
        ONE + "expect: allow, given: {change: {Person: {outsider: {account_state: ACTIVE}}}}}\n",
        "`Person:outsider` holds that already: this changes nothing",
    ),
    ("fixtures: {small: {}}\n", "`fixtures` is given twice"),
    # --- kinds of tests
    (
        ONE + "expect: allow, but: {change: {Person: {outsider: {account_state: LOCKED}}}}, then: allow}\n",
        "gives the same effect as `expect`",
    ),
    (
        ONE + "expect: allow, but: {change: {Person: {outsider: {account_state: LOCKED}}}, now: now}, then: deny}\n",
        "changes 2 facts: a pair turns on exactly one",
    ),
    (ONE + "expect: allow, but: {}, then: deny}\n", "changes no facts"),
    (
        ONE + "caller: wallet, expect: allow, but: {caller: wallet}, then: deny}\n",
        "is the caller already: this changes nothing",
    ),
    (
        ONE + "expect: allow, but: {caller: wallet, drop: ['Person:outsider']}, then: deny}\n",
        "changes 2 facts: a pair turns on exactly one",
    ),
    (ONE + "expect: {effect: allow, reasons: [NOT_A_MEMBER]}}\n", "an allow has neither reasons nor next steps"),
    (ONE + "expect: {effect: deny, obligations: [NOTIFY_MONITORS]}}\n", "a deny has no obligations"),
    (
        "tests:\n  - {name: a, list: subjects, action: join, expect: []}\n",
        "a list of subjects needs `resource`",
    ),
    (
        "tests:\n  - {name: a, list: actions, subject: admin, action: join, resource: 'Enterprise:e', expect: []}\n",
        "a list of actions knows no `action`",
    ),
    (
        "tests:\n  - {name: a, list: subjects, action: join, resource: 'Enterprise:e', expect: [outsidr]}\n",
        "`outsidr` is none of the subjects there are; did you mean `outsider`?",
    ),
    (
        GRID + "actions: [join, invite], expect: {admin: {join: deny}}}}\n",
        "says nothing about `invite`",
    ),
    (
        GRID + "actions: [join], expect: {admin: {join: deny, x: deny}}}}\n",
        "`x` is none of the `actions` of the matrix",
    ),
    ("tests:\n  - {name: a, steps: [{wait: 1 day}]}\n", "ask nothing"),
    ("tests:\n  - {name: a, steps: [{expect: allow}]}\n", "expects an answer, and nothing is asked"),
    (f"tests:\n  - {{name: a, steps: [{{ask: {{{JOIN}}}}}]}}\n", "asks, and says not what to `expect`"),
    ("tests:\n  - {name: a, steps: [{}]}\n", "neither waits, nor changes, nor asks"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[said[:60] for _, said in REFUSED])
def test_a_file_that_cannot_be_understood_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    found = faults(tmp_path, text)
    assert any(said in fault for fault in found), found


def test_every_mistake_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    text = "tests:\n  - name: a\n    subject: nobody\n    action: joyn\n    resource: Enterprise:e\n    expect: [X]\n"
    assert faults(tmp_path, text) == [
        "6:14: there is no reason `X`",
        "4:5: there is no action of Enterprise `joyn`; did you mean `join`?",
        "3:5: there is no `Person:nobody`",
    ]


def test_a_mistake_in_an_included_file_is_said_there(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("situations:\n  gone: {drop: ['Person:x']}\n", encoding="utf-8")
    with pytest.raises(SuiteRefused) as caught:
        suite_of(tmp_path, f"include: [shared.yaml]\ntests:\n  - {{name: a, given: gone, {JOIN}, expect: allow}}\n")
    assert [(Path(fault.file).name, fault.line) for fault in caught.value.faults] == [("shared.yaml", 2)]


def test_a_fixture_extends_another_of_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "fixtures:\n  a: {now: 2026-01-05T09:00:00Z, facts: {Person: {p: {}}}}\n"
        "  b: {extends: a, now: now + 1 day, facts: {Person: {q: {last_active_at: now}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "tests.yaml").write_text(
        "include: [base.yaml]\nfixture: b\nfixtures: {c: {extends: b, given: {drop: ['Person:p']}}}\n"
        "tests:\n  - {name: a, fixture: c, list: subjects, action: join, resource: 'Enterprise:e', expect: []}\n",
        encoding="utf-8",
    )
    with pytest.raises(SuiteRefused, match="there is no `Enterprise:e`"):
        load_suite([tmp_path / "tests.yaml"], BUNDLE)
    (tmp_path / "tests.yaml").write_text(
        "include: [base.yaml]\nfixture: b\nfixtures: {c: {extends: b, given: {drop: ['Person:p']}}}\n"
        "tests:\n  - {name: a, fixture: c, list: resources, subject: q, action: join, type: Enterprise, expect: []}\n",
        encoding="utf-8",
    )
    (test,) = load_suite([tmp_path / "tests.yaml"], BUNDLE)
    (ask,) = test.asks
    assert ask.facts.of("Person") == ["q"]
    assert ask.now == time_of("2026-01-06T09:00:00Z", None)
    assert ask.facts.get(("Person", "q")).last_active_at == ask.now


def test_fixtures_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    text = "fixtures: {a: {extends: b}, b: {extends: a}}\ntests: []\n"
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteRefused, match="extends itself"):
        load_suite([path], BUNDLE)


STORY = """\
tests:
  - name: a story
    steps:
      - {ask: {subject: outsider, action: join, resource: "Enterprise:e"}, expect: allow}
      - wait: 1 hour
        given: {put: {JoinApplication: {j: {person_id: outsider, enterprise_id: e, applied_at: now,
                                            expires_at: now + 1 day}}}}
        ask: {subject: outsider, action: join, resource: "Enterprise:e"}
        expect: [DUPLICATE_APPLICATION]
      - {wait: 1 day, ask: {subject: outsider, action: join, resource: "Enterprise:e"}, expect: allow}
"""


def test_in_a_story_facts_stay_and_time_passes(tmp_path: Path) -> None:
    (test,) = suite_of(tmp_path, STORY)
    start = time_of("2026-09-21T14:00:00Z", None)
    hour = 3_600_000_000
    assert [ask.now - start for ask in test.asks] == [0, hour, 25 * hour]
    assert not list(failures_of(test, BUNDLE))


def test_a_matrix_asks_every_action_for_every_subject(tmp_path: Path) -> None:
    text = """\
tests:
  - name: matrix
    matrix:
      resource: Enterprise:e
      actions: [join, invite]
      expect:
        admin: {join: [ALREADY_MEMBER], invite: allow}
        outsider: {join: allow, invite: deny}
"""
    (test,) = suite_of(tmp_path, text)
    assert [ask.label for ask in test.asks] == ["admin join", "admin invite", "outsider join", "outsider invite"]
    assert not list(failures_of(test, BUNDLE))


def test_a_list_asks_about_everything_of_its_kind(tmp_path: Path) -> None:
    text = """\
tests:
  - {name: subjects, list: subjects, action: invite, resource: "Enterprise:e", expect: [admin]}
  - {name: resources, list: resources, subject: outsider, action: join, type: Enterprise, expect: [e]}
  - {name: actions, list: actions, subject: outsider, resource: "Enterprise:e", expect: [join]}
"""
    suite = suite_of(tmp_path, text)
    asks = [ask for test in suite for ask in test.asks if isinstance(ask, ListAsk)]
    assert [sorted(ask.questions) for ask in asks[:2]] == [["admin", "member", "outsider"], ["e"]]
    assert set(asks[2].questions) == set(BUNDLE.actions["Enterprise"])
    assert [list(failures_of(test, BUNDLE)) for test in suite] == [[], [], []]


def test_a_pair_changes_one_thing(tmp_path: Path) -> None:
    text = f"""\
tests:
  - name: pair
    {JOIN.replace(", ", chr(10) + "    ")}
    expect: allow
    but: {{change: {{Person: {{outsider: {{account_state: LOCKED}}}}}}}}
    then: [ACCOUNT_LOCKED]
"""
    (test,) = suite_of(tmp_path, text)
    first, second = test.asks
    assert isinstance(first, Ask)
    assert isinstance(second, Ask)
    changed = [r for r, s in zip(first.facts.records, second.facts.records, strict=True) if r != s]
    assert [record.id for record in changed] == ["outsider"]
    assert not list(failures_of(test, BUNDLE))


def test_the_default_files_can_be_included_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        'include: ["default:fixtures.yaml"]\nfixture: spruce\n'
        "tests:\n  - {name: a, list: subjects, action: invite, resource: 'Enterprise:e', expect: [admin, boss]}\n",
        encoding="utf-8",
    )
    (test,) = load_suite([path], BUNDLE)
    assert test.asks[0].facts.of("Enterprise") == ["e", "f"]


def test_a_program_runs_the_tests_of_a_folder_itself(tmp_path: Path) -> None:
    folder = policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS)
    assert list(PolicyTests(MODEL, folder).failures()) == []
    file = folder / "tests" / "own.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("[ACCOUNT_LOCKED]", "[NOT_A_MEMBER]"), encoding="utf-8")
    (failure,) = PolicyTests(MODEL, folder).failures()
    assert failure.differences[0].part == "reasons"


ONLY_WALLET = """\
requires("join", _: Enterprise, "FROM_THE_WALLET");
meets(_: Person, "FROM_THE_WALLET", "join", _: Enterprise, context) if context.caller = "wallet";
otherwise("FROM_THE_WALLET", "ACCOUNT_LOCKED");
"""


def test_an_answer_can_turn_on_the_service_that_asks(tmp_path: Path) -> None:
    case = ONE + "caller: wallet, expect: allow, but: {caller: shop}, then: [ACCOUNT_LOCKED]}\n"
    listed = "  - {name: b, list: subjects, action: join, resource: 'Enterprise:e', %sexpect: [%s]}\n"
    lists = listed % ("caller: wallet, ", "outsider") + listed.replace("name: b", "name: c") % ("", "")
    folder = policy_folder(tmp_path / "policies", ONLY_WALLET, case + lists)
    assert list(PolicyTests(MODEL, folder).failures()) == []
    file = folder / "tests" / "own.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("[ACCOUNT_LOCKED]", "[NOT_A_MEMBER]"), encoding="utf-8")
    tests = PolicyTests(MODEL, folder)
    (failure,) = tests.failures()
    assert "Person:outsider join Enterprise:e by shop at 2026-09-21T14:00:00Z" in failure_text(failure, tests.bundle)


def test_a_reason_that_holds_although_all_is_met_fails(tmp_path: Path) -> None:
    """It would be told wrongly as soon as another rule of its requirement fails; `because` has a condition too few."""
    told = 'because("KNOWN_PERSON", "ACCOUNT_CLOSED", person: Person, _: Enterprise, context) if\n'
    right = told + "  context.now < person.last_active_at;\n"
    wrong = told + '  person.account_state = "ACTIVE" and context.now != person.last_active_at;\n'
    unmet = EARLY_TESTS.replace("[ACCOUNT_LOCKED]", "[ACCOUNT_CLOSED]")
    assert list(PolicyTests(MODEL, policy_folder(tmp_path / "right", ONLY_EARLY + right, unmet)).failures()) == []
    (failure,) = PolicyTests(MODEL, policy_folder(tmp_path / "wrong", ONLY_EARLY + wrong, unmet)).failures()
    (difference,) = failure.differences
    assert (difference.part, difference.expected) == ("because", "nothing: KNOWN_PERSON is met")
    assert difference.actual == "ACCOUNT_CLOSED"


def test_a_reason_that_cannot_be_asked_for_after_an_allow_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EvaluationFailed("`because` could not be evaluated")

    monkeypatch.setattr(PolicyDecisionPoint, "needless", broken)
    (failure,) = PolicyTests(MODEL, policy_folder(tmp_path, "", f"{ONE}expect: allow}}\n")).failures()
    (difference,) = failure.differences
    assert difference.actual == "no answer: `because` could not be evaluated"


def test_a_table_asks_what_roles_give_in_principle(tmp_path: Path) -> None:
    table = "tests:\n  - {name: a, table: {resource: 'Seal:s', expect: {member: %s, outsider: []}}}\n"
    seal = "given: {put: {Seal: {s: {enterprise_id: e, name: 公章, kind: OFFICIAL, state: REVOKED}}}}, "
    used = "[auto_use, carry_out, emergency_use, freeze, report_lost, request_use, stamp, use, view, view_attempts,"
    used += " view_log]"
    # What a checklist refuses, such as the use of a seal that is revoked, the table gives.
    suite = suite_of(tmp_path, (table % used).replace("table:", seal + "table:"))
    assert list(failures_of(suite[0], BUNDLE)) == []
    suite = suite_of(tmp_path, (table % used.replace("stamp", "edit")).replace("table:", seal + "table:"))
    (failure,) = failures_of(suite[0], BUNDLE)
    assert [(each.part, each.expected, each.actual) for each in failure.differences] == [
        ("missing", "edit", ""),
        ("too many", "", "stamp"),
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("{resource: 'Seal:s', expect: {member: []}}", "there is no `Seal:s`"),
        ("{resource: 'Enterprise:e', expect: {nobody: []}}", "there is no `Person:nobody`"),
        (
            "{resource: 'Enterprise:e', expect: {member: [invit]}}",
            "no action of Enterprise `invit`; did you mean `invite`?",
        ),
        ("{resource: 'Enterprise:e', expect: {}}", "`expect` must not be empty"),
    ],
)
def test_a_table_names_what_there_is(tmp_path: Path, table: str, said: str) -> None:
    assert said in "\n".join(faults(tmp_path, f"tests:\n  - {{name: a, table: {table}}}\n"))
