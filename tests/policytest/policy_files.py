"""Small policy folders and test files for the tests of policy tests."""

from __future__ import annotations

from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.policytools.testing.loading import load_suite
from sealauthz.policytools.testing.suite import PolicyTest

BUNDLE = Bundle.load(MODEL)

FIXTURE = """\
fixtures:
  small:
    now: 2026-09-21T14:00:00Z
    defaults:
      Person: {realname_state: VERIFIED, last_active_at: now - 1 minute}
      Enterprise: {auth_state: AUTHENTICATED}
      Membership: {enterprise_id: e, joined_via: IMPORT, joined_at: now - 365 days}
    facts:
      Person:
        admin: {id_hash: h1}
        member: {id_hash: h2}
        outsider: {id_hash: h3}
      Enterprise:
        e: {name: 云杉印务, uscc: 91350100M000100Y43}
      Membership:
        m-admin: {person_id: admin}
        m-member: {person_id: member}
      RoleAssignment:
        r-admin: {membership_id: m-admin, role: SYSTEM_ADMIN, is_primary: true}
fixture: small
"""
"""An enterprise `e` with `admin`, `member`, and an `outsider`."""

JOIN = "subject: outsider, action: join, resource: 'Enterprise:e'"
"""A question that is allowed."""


def suite_of(folder: Path, text: str, name: str = "case.yaml") -> tuple[PolicyTest, ...]:
    """Load a file of tests that begins with the fixture."""
    path = folder / name
    path.write_text(FIXTURE + text, encoding="utf-8")
    return load_suite([path], BUNDLE)


def policy_folder(folder: Path, rules: str, tests: str) -> Path:
    """Make a policy folder that builds on the installed bundle."""
    (folder / "tests").mkdir(parents=True)
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    (folder / "own.polar").write_text(rules, encoding="utf-8")
    (folder / "tests" / "own.yaml").write_text(FIXTURE + tests, encoding="utf-8")
    return folder


ONLY_EARLY = """\
# Who joins has been a person here for a while, unless the enterprise is small.
requires("join", _: Enterprise, "KNOWN_PERSON");
meets(person: Person, "KNOWN_PERSON", "join", _: Enterprise, context) if
  person.last_active_at <= context.now and
  person.account_state in ["ACTIVE", "LOCKED"];
otherwise("KNOWN_PERSON", "ACCOUNT_LOCKED");
"""
"""A requirement of joining: one condition that matters, and one that other requirements make redundant."""

EARLY_TESTS = """\
tests:
  - name: whoever was active before joins
    subject: outsider
    action: join
    resource: Enterprise:e
    expect: allow
    but: {change: {Person: {outsider: {last_active_at: now + 1 second}}}}
    then: [ACCOUNT_LOCKED]
"""
