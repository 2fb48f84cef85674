"""The command `sync`, from a mapping in a file to the facts and back to the shell."""

import json
import os

import pytest

from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz.ops.doctor.syncs import look_at_sync
from sealauthz.ops.sync.state import held as state_held
from sealauthz.ops.sync.state import write_whole

MAPPING = """
name = "calendar"
[source]
folder = "."
[[records]]
type = "Holiday"
csv = "days.csv"
deletes = "delete"
[records.scope]
enterprise_id = "e-yunshan"
[records.fields]
id = { template = "{day}-{kind}" }
enterprise_id = { value = "e-yunshan" }
day = "day"
kind = { column = "kind", words = { free = "HOLIDAY", work = "WORKDAY" } }
"""


@pytest.fixture
def days(demo_facts, tmp_path):
    (tmp_path / "calendar.toml").write_text(MAPPING)

    def write(*rows):
        (tmp_path / "days.csv").write_text("day,kind\n" + "".join(f"{row}\n" for row in rows))

    write("20300101,free", "20300102,free")
    return write


def held(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'sealauthz.db'}", MODEL)
    try:
        return sorted(stored.record.id for stored in store.read("Holiday").records), store.revision()
    finally:
        store.close()


def test_a_dry_run_writes_nothing_and_a_run_what_it_said(sealauthz, days, tmp_path):
    before = held(tmp_path)
    code, out, err = sealauthz("sync", "calendar.toml", "--dry-run", "-o", "json")
    assert (code, held(tmp_path)) == (0, before)
    said = json.loads(out)
    assert said["dry_run"] is True
    assert said["records"]["Holiday"] | {"new": 2, "rejected": 0, "is_full": True} == said["records"]["Holiday"]
    assert not (tmp_path / "calendar.state.json").exists()
    code, out, err = sealauthz("sync", "calendar.toml")
    assert (code, held(tmp_path)) == (0, (["20300101-free", "20300102-free"], before[1] + 1))
    assert "nothing was written" not in err
    assert sealauthz("sync", "calendar.toml")[0] == 0
    assert held(tmp_path)[1] == before[1] + 1


def test_rejected_rows_are_told_in_a_file(sealauthz, days, tmp_path):
    days("20300101,free", "20300102,fre", "20309999,work")
    code, _, err = sealauthz("sync", "calendar.toml")
    assert code == 1
    assert "2 rows are rejected: see calendar.rejected.jsonl" in err
    told = [json.loads(line) for line in (tmp_path / "calendar.rejected.jsonl").read_text().splitlines()]
    assert [(each["place"], each["id"]) for each in told] == [
        ("days.csv:3", "20300102-fre"),
        ("days.csv:4", "20309999-work"),
    ]
    assert "unknown word `fre`; did you mean `free`?" in told[0]["reason"]
    assert held(tmp_path)[0] == ["20300101-free"]
    days("20300101,free", "20300102,free")
    assert sealauthz("sync", "calendar.toml")[0] == 0
    assert (tmp_path / "calendar.rejected.jsonl").read_text() == ""


def test_an_empty_source_is_refused(sealauthz, days, tmp_path):
    assert sealauthz("sync", "calendar.toml")[0] == 0
    days()
    code, _, err = sealauthz("sync", "calendar.toml")
    assert code == 1
    assert "the source has no row of `Holiday`, and 2 are stored" in err
    assert len(held(tmp_path)[0]) == 2
    assert sealauthz("sync", "calendar.toml", "--allow-empty")[0] == 0
    assert held(tmp_path)[0] == []


def test_faults_of_a_mapping_name_their_lines(sealauthz, days, tmp_path):
    (tmp_path / "calendar.toml").write_text(MAPPING.replace('"Holiday"', '"Holyday"'))
    code, _, err = sealauthz("sync", "calendar.toml")
    assert code == 2
    assert "calendar.toml:6: `Holyday` is not a record type; did you mean `Holiday`?" in err
    assert sealauthz("sync", "calendar.toml", "--access")[0] == 2


def test_new_facts_can_be_written_for_an_import(sealauthz, days, tmp_path):
    code, _, err = sealauthz("sync", "calendar.toml", "--dry-run", "--write-facts", "facts.jsonl")
    assert (code, "2 facts written to facts.jsonl" in err) == (0, True)
    assert held(tmp_path)[0] == []
    assert sealauthz("facts", "import", "facts.jsonl")[0] == 0
    assert held(tmp_path)[0] == ["20300101-free", "20300102-free"]


def test_a_dry_run_tells_what_changes_in_access(sealauthz, demo_facts, tmp_path):
    """The account of Zhou Min, who may use the seal, is locked."""
    (tmp_path / "people.jsonl").write_text('{"who": "zhou", "state": "locked"}\n')
    (tmp_path / "people.toml").write_text(
        'name = "people"\n[source]\nfolder = "."\n[[records]]\ntype = "Person"\njsonl = "people.jsonl"\n'
        '[records.fields]\nid = { column = "who", prefix = "p-" }\n'
        'account_state = { column = "state", words = { locked = "LOCKED" } }\n'
    )
    code, out, _ = sealauthz("sync", "people.toml", "--dry-run", "--access", "-o", "json", "--questions", "500")
    assert code == 0
    access = json.loads(out)["access"]
    assert access["questions"] > 0
    changes = {(c["subject"], c["before"], c["after"]) for c in access["changes"]}
    assert changes
    assert {subject for subject, _, _ in changes} == {"Person:p-zhou"}
    assert all(after == "denied" or before == "allowed" for _, before, after in changes)


def test_status_tells_up_to_where_rows_were_read(sealauthz, days, tmp_path):
    (tmp_path / "calendar.toml").write_text(MAPPING.replace('deletes = "delete"\n', 'cursor = "number"\n'))
    (tmp_path / "days.csv").write_text("day,kind,number\n20300101,free,7\n20300102,free,8\n")
    code, out, _ = sealauthz("sync", "calendar.toml", "--status", "-o", "json")
    assert (code, json.loads(out)["goes_on"]) == (0, False)
    assert sealauthz("sync", "calendar.toml")[0] == 0
    before = held(tmp_path)
    code, out, _ = sealauthz("sync", "calendar.toml", "--status", "-o", "json")
    said = json.loads(out)
    assert (code, said["goes_on"]) == (0, True)
    assert said["records"] == [{"type": "Holiday", "column": "number", "read_up_to": 8}]
    assert "8" in sealauthz("sync", "calendar.toml", "--status")[1]
    assert held(tmp_path) == before


def test_the_doctor_looks_at_what_a_sync_left(sealauthz, days, tmp_path):
    text = MAPPING.replace('csv = "days.csv"', 'csv = "days.csv"\ncursor = "changed"').replace(
        'deletes = "delete"\n', ""
    )
    (tmp_path / "calendar.toml").write_text(text)

    def rows(*lines):
        (tmp_path / "days.csv").write_text("day,kind,changed\n" + "".join(f"{line}\n" for line in lines))

    def seen():
        store = Store.open(f"sqlite:///{tmp_path / 'sealauthz.db'}", MODEL)
        try:
            return [(str(level), what) for level, what, _ in look_at_sync(store, tmp_path / "calendar.toml")]
        finally:
            store.close()

    def warned():
        return [what for level, what in seen() if level == "warning"]

    rows("20300101,free,2026-01-02T03:04:05Z")
    assert warned() == ["`calendar` has not come to an end yet"]
    assert sealauthz("sync", "calendar.toml")[0] == 0
    assert warned() == []
    assert "reads `Holiday` from 2026-01-0" in seen()[1][1]
    state = tmp_path / "calendar.state.json"
    with state_held(state):
        assert "and one is running" in seen()[0][1]
        os.utime(state, (1, 1))
        (stuck,) = warned()
        assert "and one is running" in stuck
    (idle,) = warned()
    assert "what changes is not brought" in idle
    said = json.loads(state.read_text())
    (key,) = said["cursors"]
    for change, words in (
        ({"timeline": "another"}, "of another database"),
        ({"migration": "begun"}, "first migration has begun"),
        ({"cursors": {}}, "from the start each time"),
        ({"cursors": {key: "9999-01-01T00:00:00+00:00"}}, "still to come"),
    ):
        write_whole(state, json.dumps(said | change))
        (what,) = warned()
        assert words in what
    write_whole(state, json.dumps(said))
    rows("20300101,free,2026-01-02T03:04:05Z", "20300102,nonsense,2026-01-03T03:04:05Z")
    assert sealauthz("sync", "calendar.toml", "--full")[0] == 1
    assert [what for what in warned() if "1 rows were rejected" in what]
    write_whole(state, "{}")
    assert [level for level, _ in seen()] == ["problem"]
    code, out, _ = sealauthz("doctor", "--sync", "calendar.toml", "-o", "json")
    assert code == 2
    assert "sync" in {each["area"] for each in json.loads(out)}
