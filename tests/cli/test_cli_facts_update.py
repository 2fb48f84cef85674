"""`facts update`: some fields of one record, in the database or through a server."""

from __future__ import annotations

from typing import Any

import pytest

PERSON = ("facts", "show", "Person", "p-chen", "--personal-data")


def test_fields_are_changed_and_the_others_stay(sealauthz: Any, demo_facts: Any) -> None:
    before = sealauthz(*PERSON)[1]
    code, out, err = sealauthz("facts", "update", "Person", "p-chen", "phone=13912345678")
    assert (code, out, err) == (0, "", "`Person:p-chen` updated, revision 2\n")
    after = sealauthz(*PERSON)[1]
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.split() for line in changed] == [["phone", "13912345678"], ["revision", "2"]]


def test_a_field_without_a_value_takes_its_default_and_an_instant_is_read(sealauthz: Any, demo_facts: Any) -> None:
    assert (
        sealauthz("facts", "update", "Person", "p-chen", "phone=", "last_active_at=2026-03-02T09:00:00+08:00")[0] == 0
    )
    shown = sealauthz(*PERSON)[1]
    (instant,) = [line.split()[1] for line in shown.splitlines() if "last_active_at" in line]
    assert instant.startswith("2026-03-02T01:00:00")
    assert ["phone"] in [line.split() for line in shown.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("Person", "p-chen", "phone"), 2, "`phone` must be FIELD=VALUE"),
        (("Person", "p-chen", "fone=1"), 2, "`Person` has no field `fone`; did you mean `phone`?"),
        (("Person", "p-chen", "phone=1", "phone=2"), 2, "`phone` is named twice"),
        (("Person", "p-chen", "account_state=OPEN"), 2, "`account_state` is one of ACTIVE, LOCKED, CLOSED, not `OPEN`"),
        (("Person", "p-chen", "last_active_at=monday"), 2, "`last_active_at` must be an instant with its zone"),
        (("Person", "p-chen", "id=p-2"), 2, "never changes: it says which the record is"),
        (("Person", "p-chen", "phone=139****5678"), 2, "is masked, as it is read"),
        (("Person", "p-nobody", "phone=1"), 1, "`Person:p-nobody` does not exist and cannot be updated"),
        (("Person", "p-chen", "phone=1", "--at-revision", "9"), 1, "is at revision 1, not at 9"),
        (("Person", "p-chen", "phone=1", "--insecure"), 2, "--insecure needs a --server"),
    ],
)
def test_what_cannot_be_updated_is_said(
    sealauthz: Any, demo_facts: Any, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = sealauthz("facts", "update", *arguments)
    assert (found, said in err) == (code, True), err


def test_a_counter_needs_the_revision_at_which_it_was_read(sealauthz: Any, demo_facts: Any) -> None:
    grant = sealauthz("facts", "show", "SealGrant")[1].split()
    grant_id = next(word for word in grant if word.startswith("grant-"))
    code, _, err = sealauthz("facts", "update", "SealGrant", grant_id, "used=1")
    assert (code, "needs the precondition `at_revision`" in err) == (1, True), err
    assert sealauthz("facts", "update", "SealGrant", grant_id, "used=1", "--at-revision", "1")[0] == 0


def test_an_export_without_personal_data_cannot_wipe_it(sealauthz: Any, demo_facts: Any, tmp_path: Any) -> None:
    exported = sealauthz("facts", "export", "--type", "Person")[1]
    (tmp_path / "facts.jsonl").write_text(exported, encoding="utf-8")
    before = sealauthz(*PERSON)[1]
    for how in ((), ("--bulk", "--enterprise", "e-yunshan")):
        code, _, err = sealauthz("facts", "import", *how, "facts.jsonl")
        assert (code, "that the put leaves out" in err) == (1, True), err
    assert sealauthz(*PERSON)[1] == before
