"""The facts of policy tests are such as the store takes, and a test that holds others says so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from policy_files import BUNDLE, EARLY_TESTS, JOIN, ONLY_EARLY, policy_folder, suite_of
from test_plugin import run

from sealauthz.facts import Batch, Put, Store
from sealauthz.model import MODEL
from sealauthz.policytools.testing.library import Library
from sealauthz.policytools.testing.loading import PolicyTests, load_suite
from sealauthz.policytools.testing.possible import refusal
from sealauthz.policytools.testing.suite import impossible_facts

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "policies" / "tests" / "fixtures.yaml"

CASE = f"tests:\n  - {{name: a, {JOIN}, expect: allow, given: "
"""The beginning of a file with one case over changed facts."""


def short(sentence: str) -> str:
    """The record that a sentence begins with, and the invariant that it ends in; the words are the store's."""
    found = re.fullmatch(r"(`\w+:\S+`) .+ (\(\S+\))", sentence)
    return f"{found[1]} … {found[2]}" if found else sentence


def said(folder: Path, text: str) -> list[str]:
    """What is said about the facts of the tests of a file, question by question."""
    return [short(refusal(ask.facts)) for test in suite_of(folder, text) for ask in test.asks]


REFUSED = [
    # What one record says, what no two say, and what several say together.
    ("{change: {Membership: {m-member: {state: ENDED}}}}", "`Membership:m-member` … (I3)"),
    (
        "{put: {Membership: {again: {person_id: member}}}}",
        "`Membership:again` … (I3)",
    ),
    ("{change: {Person: {member: {id_hash: h3}}}}", "`Person:member` … (I5)"),
    (
        "{change: {RoleAssignment: {r-admin: {state: REVOKED}}}}",
        "`Enterprise:e` … (I4)",
    ),
    ("{drop: ['RoleAssignment:r-admin']}", "`Enterprise:e` … (I4)"),
    (
        "{change: {Enterprise: {e: {uscc: 91350100M000100Y40}}}}",
        "`Enterprise:e` … (I2)",
    ),
    # Who becomes an active member is known then.
    (
        "{put: {Person: {new: {realname_state: REVOKED}}, Membership: {m-new: {person_id: new}}}}",
        "`Membership:m-new` … (I5)",
    ),
    (
        "{put: {Department: {dep: {enterprise_id: e, name: a, parent_id: dep}}}}",
        "`Department:dep` … (CYCLE)",
    ),
    # What names a record that is said to be of another enterprise names it across.
    (
        "[{put: {Enterprise: {f: {name: 雪松, uscc: 11320000MB151840XJ, auth_state: REGISTERED}},"
        " Department: {d: {enterprise_id: e, name: a}}}}, {change: {Membership: {m-member: {department_id: d}}}},"
        " {change: {Department: {d: {enterprise_id: f}}}}]",
        "`Membership:m-member` … (SAME_ENTERPRISE)",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_facts_that_the_store_refuses_are_refused_with_its_sentence(tmp_path: Path, given: str, sentence: str) -> None:
    assert said(tmp_path, f"{CASE}{given}}}\n") == [sentence]


TAKEN = [
    # A fixture says how things are, and nothing of how they came to be so.
    "{change: {Membership: {m-member: {state: ENDED, end_reason: RESIGNED}}}}",
    "{drop: ['Membership:m-member']}",
    "{change: {Membership: {m-member: {person_id: outsider}}}}",
    # Every part of a list is a write of its own: first a member, then revoked.
    "[{put: {Person: {new: {id_hash: h4}}, Membership: {m-new: {person_id: new}}}},"
    " {change: {Person: {new: {realname_state: REVOKED}}}}]",
    # What takes several records is looked at when all is given.
    "[{change: {RoleAssignment: {r-admin: {state: REVOKED}}}},"
    " {put: {RoleAssignment: {r-2: {membership_id: m-member, role: SYSTEM_ADMIN}}}}]",
    # A part may name what a later one gives.
    "[{put: {Membership: {m-new: {person_id: new}}}}, {put: {Person: {new: {id_hash: h4}}}}]",
]


@pytest.mark.parametrize("given", TAKEN)
def test_facts_that_can_be_reached_are_taken(tmp_path: Path, given: str) -> None:
    assert said(tmp_path, f"{CASE}{given}}}\n") == [""]


def test_of_a_pair_the_other_side_is_looked_at_too(tmp_path: Path) -> None:
    but = "{change: {Person: {outsider: {id_hash: h1}}}}"
    text = f"tests:\n  - {{name: a, {JOIN}, expect: allow, but: {but}, then: deny}}\n"
    assert said(tmp_path, text) == ["", "`Person:outsider` … (I5)"]


STORY = """\
tests:
  - name: a
    steps:
      - {{given: {first}, ask: {{{join}}}, expect: allow}}
      - {{given: {second}, ask: {{{join}}}, expect: allow}}
"""


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        # What is edited has a past, which it keeps.
        (
            "{change: {Membership: {m-member: {joined_via: INVITE}}}}",
            "{change: {Membership: {m-member: {person_id: outsider}}}}",
            "`Membership:m-member` … (I3)",
        ),
        (
            "{change: {Membership: {m-member: {state: ENDED, end_reason: RESIGNED}}}}",
            "{change: {Membership: {m-member: {state: ACTIVE, end_reason: null}}}}",
            "`Membership:m-member` … (I3)",
        ),
        (
            "{change: {Membership: {m-member: {joined_via: INVITE}}}}",
            "{drop: ['Membership:m-member']}",
            "`Membership:m-member` … (I17)",
        ),
        # One step may be several writes, and what several records say is kept in each.
        (
            "{put: {Membership: {m-new: {person_id: outsider, state: SUSPENDED}}}}",
            "[{change: {Membership: {m-new: {state: ACTIVE}}}}, {change: {Membership: {m-new: {state: SUSPENDED}}}}]",
            "",
        ),
    ],
)
def test_later_steps_of_a_story_are_edits(tmp_path: Path, first: str, second: str, sentence: str) -> None:
    assert said(tmp_path, STORY.format(first=first, second=second, join=JOIN)) == ["", sentence]


def test_a_fixture_that_no_store_would_hold_fails_each_of_its_tests(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "fixtures: {f: {now: 2026-09-21T14:00:00Z, facts: {Person: {p: {realname_state: VERIFIED}},"
        " Enterprise: {e: {name: a, uscc: 91350100M000100Y43}}}}}\nfixture: f\ntests:\n"
        "  - {name: a, subject: p, action: join, resource: 'Enterprise:e', expect: deny}\n"
        "  - {name: b, given: {change: {Person: {p: {phone: '1'}}}}, subject: p, action: join,"
        " resource: 'Enterprise:e', expect: deny}\n",
        encoding="utf-8",
    )
    for test in load_suite([path], BUNDLE):
        [failure] = impossible_facts(test)
        assert short(failure.differences[0].actual) == "`Person:p` … (I5)"


@pytest.mark.parametrize("path", sorted(FIXTURES.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_real_store_takes_our_own_fixtures(path: Path, tmp_path: Path, new_database: Any) -> None:
    library = Library(MODEL)
    loaded = library.load(path)
    assert loaded is not None
    for name in loaded.written.fixtures:
        facts = library.fixture(loaded, name, ("fixtures", name)).facts
        store = Store.open(new_database("sqlite"), MODEL)
        try:
            store.write(Batch("tests", "fixture", tuple(map(Put, facts.records))))
        finally:
            store.close()


def folder_with(tmp_path: Path, more: str) -> Path:
    return policy_folder(tmp_path / "policies", ONLY_EARLY, EARLY_TESTS + more)


TWO_MEMBERSHIPS = """\
  - name: a person who is there twice
    allow_impossible: nobody is a member twice
    given: {put: {Membership: {again: {person_id: member}}}}
    subject: outsider
    action: join
    resource: Enterprise:e
    expect: allow
"""


def test_impossible_facts_fail_a_test_with_the_sentence(tmp_path: Path) -> None:
    text = TWO_MEMBERSHIPS.replace("    allow_impossible: nobody is a member twice\n", "")
    done = run(folder_with(tmp_path, text))
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    shown = " ".join(done.stdout.split())
    assert "`Membership:again`" in shown
    assert "(I3)" in shown
    assert "(`allow_impossible`)" not in done.stdout


def test_who_holds_them_by_name_passes_and_is_counted(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, TWO_MEMBERSHIPS)
    for processes in ((), ("-n", "2")):
        done = run(folder, "-vv", *processes)
        assert done.returncode == 0
        assert "1 test holds facts that no store would take (`allow_impossible`)" in done.stdout
        assert "a person who is there twice: nobody is a member twice" in done.stdout


def test_who_names_a_reason_for_nothing_fails(tmp_path: Path) -> None:
    text = TWO_MEMBERSHIPS.replace("person_id: member", "person_id: outsider, state: SUSPENDED").replace(
        "expect: allow", "expect: deny"
    )
    done: subprocess.CompletedProcess[str] = run(folder_with(tmp_path, text))
    assert done.returncode == 1
    assert "a store would take them: drop `allow_impossible`" in " ".join(done.stdout.split())


def test_a_program_that_runs_tests_hears_of_them(tmp_path: Path) -> None:
    text = TWO_MEMBERSHIPS.replace("    allow_impossible: nobody is a member twice\n", "")
    [failure] = PolicyTests(MODEL, folder_with(tmp_path, text)).failures()
    assert failure.differences[0].part == "facts"
