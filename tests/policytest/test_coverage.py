"""What coverage counts, and the forms in which it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy_files import EARLY_TESTS, ONLY_EARLY, policy_folder

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.policytools.testing import coverage_report
from sealauthz.policytools.testing.coverage import Coverage, Report
from sealauthz.policytools.testing.loading import files_of_tests, load_suite

NEVER = """\
meets(_: Person, "KNOWN_PERSON", "join", enterprise: Enterprise, _) if
  enterprise.operating_state = "FROZEN" and
  enterprise.realm = "PARTNER";
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return policy_folder(tmp_path / "policies", ONLY_EARLY + NEVER, EARLY_TESTS)


def report_of(folder: Path) -> Report:
    bundle = Bundle.load(MODEL, folder)
    coverage = Coverage(bundle)
    for test in load_suite(files_of_tests([folder / "tests"]), bundle):
        coverage.run(test)
    other = Coverage(bundle)
    other.add_json(coverage.as_json())
    assert other.report({"own.polar"}) == coverage.report({"own.polar"})
    return coverage.report({"own.polar"})


def test_rules_and_conditions_are_counted_on_both_sides(folder: Path) -> None:
    first, otherwise, second = report_of(folder).rules
    assert (otherwise.head, otherwise.missing) == ('otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED")', "")
    assert (first.missing, [c.missing for c in first.conditions]) == ("", ["", "never unmet"])
    assert (second.missing, [c.missing for c in second.conditions]) == ("never held", ["never met", "never reached"])
    assert report_of(folder).percent == pytest.approx(100 * 4 / 8)


def test_requirements_are_counted_on_both_sides(folder: Path) -> None:
    (requirement,) = report_of(folder).requirements
    assert (requirement.type, requirement.action, requirement.requirement) == ("Enterprise", "join", "KNOWN_PERSON")
    assert requirement.missing == ""
    assert (requirement.settled, requirement.unmet) == (1, 1)


def test_the_table_lists_what_is_missing(folder: Path) -> None:
    lines = coverage_report.table_text(report_of(folder), 100, missing=True).splitlines()
    assert 'own.polar:6 never unmet: person.account_state in ["ACTIVE", "LOCKED"]'.replace(":6", ":5") in lines
    assert any(line.startswith("own.polar:7 never held: meets(") for line in lines)
    assert 'own.polar:8 never met: enterprise.operating_state = "FROZEN"' in lines


def test_the_policies_are_annotated_line_by_line(folder: Path, tmp_path: Path) -> None:
    target = coverage_report.write_annotate(report_of(folder), folder, tmp_path / "out")
    lines = (target / "own.polar.cover").read_text(encoding="utf-8").splitlines()
    marked = [line.split("|", 1)[1].strip() for line in lines if line.startswith("!")]
    assert marked == [
        'person.account_state in ["ACTIVE", "LOCKED"];',
        'meets(_: Person, "KNOWN_PERSON", "join", enterprise: Enterprise, _) if',
        'enterprise.operating_state = "FROZEN" and',
        'enterprise.realm = "PARTNER";',
    ]


def test_lcov_counts_rules_as_functions_and_conditions_as_branches(folder: Path, tmp_path: Path) -> None:
    file = coverage_report.write_lcov(report_of(folder), folder, tmp_path / "out")
    records = file.read_text(encoding="utf-8").splitlines()
    assert f"SF:{folder / 'own.polar'}" in records
    assert {"FNF:3", "FNH:2", "BRF:8", "BRH:4"} <= set(records)
    branches = [record for record in records if record.startswith("BRDA:")]
    assert len(branches) == len({branch.rsplit(",", 1)[0] for branch in branches}) == 8
    assert records[-1] == "end_of_record"


FACTS = """
suits("FROZEN");
suits("ACTIVE");
suits("CLOSED");
spoils("PARTNER");
spoils("PUBLIC");
requires("join", _: Enterprise, "SUITED");
meets(_: Person, "SUITED", "join", enterprise: Enterprise, _) if
  suits(state) and state = enterprise.operating_state and
  not is_spoilt(enterprise);
is_spoilt(enterprise: Enterprise) if spoils(realm) and realm = enterprise.realm;
otherwise("SUITED", "ENTERPRISE_FROZEN");
"""

DENIED = """\
  - name: nobody joins what is spoilt
    subject: outsider
    action: join
    resource: Enterprise:e
    expect: {effect}
"""


@pytest.mark.parametrize(
    ("effect", "used"),
    [
        # Every fact comes up, because it is asked with a free variable; what held in the end is what counts.
        ("allow", {'suits("ACTIVE")'}),
        ("[ENTERPRISE_FROZEN]", {'suits("ACTIVE")', 'spoils("PUBLIC")', 'otherwise("SUITED", "ENTERPRISE_FROZEN")'}),
    ],
)
def test_a_plain_fact_counts_where_it_decided_something(tmp_path: Path, effect: str, used: set[str]) -> None:
    facts = FACTS if effect != "allow" else FACTS.replace('spoils("PUBLIC");\n', "")
    folder = policy_folder(tmp_path / "policies", facts, "tests:\n" + DENIED.format(effect=effect))
    facts_of = [rule for rule in report_of(folder).rules if not rule.conditions]
    assert {rule.head for rule in facts_of if rule.held} == used - ({'suits("ACTIVE")'} if effect != "allow" else set())


def test_a_reason_counts_where_a_test_names_it(tmp_path: Path) -> None:
    rules = ONLY_EARLY.replace('"ACCOUNT_LOCKED")', '"MINE")') + (
        'reason("MINE", 10, "USER", "CONTACT_ADMIN");\nreason("MINE", 10, "USER", "WAIT_UNTIL");\n'
    )
    for then, held in (
        ("deny", set()),
        ("[MINE]", {"otherwise"}),
        ("{effect: deny, reasons: [MINE], next_steps: [CONTACT_ADMIN, WAIT_UNTIL]}", {"otherwise", "reason"}),
    ):
        tests = EARLY_TESTS.replace("then: [ACCOUNT_LOCKED]", f"then: {then}")
        folder = policy_folder(tmp_path / then[:5].strip("{["), rules, tests)
        found = {rule.head.partition("(")[0] for rule in report_of(folder).rules if rule.held and not rule.conditions}
        assert found == held
