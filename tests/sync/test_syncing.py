"""A sync leaves the store as the source says, run once or in pieces, and takes nothing away on doubtful word."""

from __future__ import annotations

import csv
import datetime
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from facts_scene import NOW, enterprise, person, restored

from sealauthz.facts import Batch, Put, Store
from sealauthz.model import MODEL
from sealauthz.model.records.membership import Membership
from sealauthz.ops.sync.cursors import reached
from sealauthz.ops.sync.mapping import load_mapping
from sealauthz.ops.sync.planning import Options, SyncPlan, key_of, plan
from sealauthz.ops.sync.sources import opened
from sealauthz.ops.sync.state import SyncState, held, read_state, write_state
from sealauthz.ops.sync.writing import Writing
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable, InvariantBroken

PEOPLE = """
[[records]]
type = "Person"
{people}
cursor = "updated_at"
overlap = 10
[records.fields]
id = {{ column = "number", prefix = "p-" }}
realname_state = {{ column = "checked", words = {{ yes = "VERIFIED", no = "UNVERIFIED" }} }}
id_hash = "hash"
real_name = "name"
last_active_at = {{ column = "seen", time = "unix_s" }}
"""

HOURS = """
[[records]]
type = "WorkingHours"
{hours}
deletes = "delete"
[records.scope]
enterprise_id = "e1"
[records.fields]
id = {{ template = "h-{{day}}-{{begins}}" }}
enterprise_id = {{ value = "e1" }}
weekday = "day"
from_minute = "begins"
to_minute = "ends"
"""

NAMES = {"people": ("number", "checked", "hash", "name", "seen", "updated_at"), "hours": ("day", "begins", "ends")}


class World:
    """A platform's own tables, as a database or as files, and a store."""

    def __init__(self, kind: str, folder: Path, store: Store, url: str) -> None:
        self.kind, self.folder, self.store, self.url = kind, folder, store, url
        self.tables: dict[str, list[dict[str, Any]]] = {"people": [], "hours": []}
        self.state = SyncState()
        store.write(Batch("t", "start", tuple(map(Put, enterprise(1)))))

    def mapping(self, *sections: str, head: str = "max_deletes = 0.5") -> Any:
        text = f'name = "hr"\n{head}\n[source]\n'
        text += 'url_env = "URL"\n' if self.kind in ("sqlite", "postgresql") else 'folder = "."\n'
        for section in sections or (PEOPLE, HOURS):
            words = {"sqlite": 'table = "{0}"', "postgresql": 'table = "{0}"'}
            form = words.get(self.kind, self.kind + ' = "{0}.' + self.kind + '"')
            text += section.format(people=form.format("people"), hours=form.format("hours"))
        file = self.folder / "hr.toml"
        file.write_text(text, encoding="utf-8")
        return load_mapping(file, MODEL, {"URL": self.url})

    def save(self) -> None:
        for name, rows in self.tables.items():
            if self.kind == "csv":
                with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, NAMES[name])
                    writer.writeheader()
                    writer.writerows(rows)
            elif self.kind == "jsonl":
                text = "".join(f"{json.dumps(row)}\n" for row in rows)
                (self.folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            else:
                self._save_table(name, rows)

    def _save_table(self, name: str, rows: list[dict[str, Any]]) -> None:
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        kinds = {"number": sa.Text, "checked": sa.Text, "hash": sa.Text, "name": sa.Text}
        columns = [sa.Column(column, kinds.get(column, sa.BigInteger)) for column in NAMES[name]]
        table = sa.Table(name, sa.MetaData(), *columns)
        with engine.begin() as connection:
            table.drop(connection, checkfirst=True)
            table.create(connection)
            if rows:
                connection.execute(sa.insert(table), rows)
        engine.dispose()

    def plan(self, mapping: Any = None, **options: Any) -> SyncPlan:
        self.save()
        mapping = mapping or self.mapping()
        with opened(mapping) as source:
            return plan(mapping, source, self.store, self.state, Options(**options))

    def sync(self, mapping: Any = None, size: int = 100, **options: Any) -> SyncPlan:
        mapping = mapping or self.mapping()
        found = self.plan(mapping, **options)
        found.rejected += Writing(self.store, "sync:hr", lambda _: None).write(found.changes, size)
        self.state.store_id, self.state.timeline = self.store.store_id, found.timeline
        self.state.revision = self.store.revision()
        for key, cursor in found.cursors.items():
            self.state.note(key, cursor)
        return found

    def human(self, number: int, **more: Any) -> None:
        row = {
            "number": str(number),
            "checked": "yes",
            "hash": f"x{number}",
            "name": f"N{number}",
            "seen": 1_700_000_000,
        }
        self.tables["people"] = [r for r in self.tables["people"] if r["number"] != str(number)]
        self.tables["people"].append({**row, "updated_at": 1_000, **more})

    def hours(self, *days: int) -> None:
        self.tables["hours"] = [{"day": day, "begins": 540, "ends": 1_080} for day in days]

    def held(self, record_type: str) -> dict[str, Any]:
        return {stored.record.id: stored.record for stored in self.store.read(record_type, page_size=1_000).records}


@pytest.fixture(params=["sqlite", "csv", "jsonl", "postgresql"])
def world(request: pytest.FixtureRequest, new_database: Any, tmp_path: Path) -> Iterator[World]:
    store = Store.open(new_database("sqlite"), MODEL)
    url = f"sqlite:///{tmp_path / 'hr.db'}"
    if request.param == "postgresql":
        url = new_database("postgresql")
    yield World(request.param, tmp_path, store, url)
    store.close()


@pytest.fixture
def files(new_database: Any, tmp_path: Path) -> Iterator[World]:
    store = Store.open(new_database("sqlite"), MODEL)
    yield World("csv", tmp_path, store, "")
    store.close()


def test_what_the_source_says_is_what_is_stored_and_again_changes_nothing(world: World) -> None:
    for number in range(5):
        world.human(number)
    world.hours(1, 2, 3)
    found = world.sync()
    assert not found.rejected
    assert world.held("Person")["p-3"].real_name == "N3"
    assert world.held("Person")["p-3"].last_active_at == 1_700_000_000_000_000
    assert sorted(world.held("WorkingHours")) == ["h-1-540", "h-2-540", "h-3-540"]
    revision = world.store.revision()
    again = world.sync(is_full=True)
    assert (again.changes, world.store.revision()) == ([], revision)
    # What the mapping does not name stays as others wrote it.
    kept = replace(world.held("Person")["p-3"], phone="13800001569")
    world.store.write(Batch("t", "phone", (Put(kept),)))
    world.human(3, name="New", updated_at=2_000)
    world.hours(1, 2)
    changed = world.sync()
    assert [planned.key for planned in changed.changes] == [("Person", "p-3"), ("WorkingHours", "h-3-540")]
    assert (world.held("Person")["p-3"].real_name, world.held("Person")["p-3"].phone) == ("New", "13800001569")


def test_only_what_is_new_is_read_and_a_little_of_what_was(world: World) -> None:
    for number, at in enumerate((980, 991, 1_000)):
        world.human(number, updated_at=at)
    assert world.sync().counts["Person"].rows == 3
    world.human(0, name="late", updated_at=989)  # before the overlap: nobody looks
    world.human(1, name="in time", updated_at=990)
    found = world.sync()
    assert (found.counts["Person"].is_full, found.counts["Person"].rows) == (False, 2)
    assert [world.held("Person")[f"p-{n}"].real_name for n in (0, 1)] == ["N0", "in time"]
    world.sync(is_full=True)
    assert world.held("Person")["p-0"].real_name == "late"


def test_another_store_or_one_that_was_set_back_is_read_as_a_whole(files: World) -> None:
    files.human(1)
    found = files.sync()
    key, store_id, revision = key_of(files.mapping().records[0]), files.store.store_id, files.store.revision()
    assert files.state.cursor_of(key, store_id, found.timeline, revision) == 1_000
    assert files.state.cursor_of(key, "another", found.timeline, revision) is None
    assert files.state.cursor_of(key, store_id, found.timeline, files.state.revision - 1) is None
    assert files.state.cursor_of(key, store_id, "another", revision + 1) is None


def test_a_restored_store_that_has_come_further_since_is_read_as_a_whole(files: World) -> None:
    files.human(1)
    files.sync()
    files.human(1, seen=1_700_000_009, updated_at=2_000)
    files.sync()
    newest = files.held("Person")["p-1"]
    # The backup was made between the two, and others have written since.
    restored(files.store)
    files.store.write(Batch("t", "since", (Put(replace(newest, last_active_at=1_700_000_000_000_000)),)))
    files.human(2, updated_at=3_000)
    files.sync()
    assert files.held("Person")["p-1"].last_active_at == newest.last_active_at == 1_700_000_009_000_000


def test_a_time_to_come_does_not_hide_what_changes_until_then(files: World) -> None:
    people = PEOPLE.replace("overlap = 10", "overlap = 0")
    files.human(1, updated_at="2026-01-01")
    files.human(2, updated_at="9999-12-31")
    files.sync(files.mapping(people))
    files.human(1, name="changed", updated_at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1))
    found = files.sync(files.mapping(people))
    assert not found.counts["Person"].is_full
    assert files.held("Person")["p-1"].real_name == "changed"
    # Nor does one that a state holds from before.
    files.state.cursors = dict.fromkeys(files.state.cursors, "9999-12-31T00:00:00+00:00")
    files.human(1, name="again", updated_at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1))
    files.sync(files.mapping(people))
    assert files.held("Person")["p-1"].real_name == "again"


def test_the_first_time_of_all_is_a_cursor_and_one_before_it_is_none(files: World) -> None:
    files.human(1, updated_at="0001-01-01")
    files.sync()
    files.human(1, name="changed", updated_at="0001-01-01T00:00:01")
    files.sync()
    assert files.held("Person")["p-1"].real_name == "changed"
    files.human(1, updated_at="0001-01-01T00:00:00+08:00")
    assert [each.reason for each in files.plan().rejected] == ["`updated_at` is no cursor: a whole number or a time is"]


def test_a_file_whose_last_line_was_cut_off_is_not_read(files: World) -> None:
    files.hours(1, 2)
    files.plan()
    file = files.folder / "hours.csv"
    whole = file.read_bytes()
    for text in (whole[:-2], whole[:-3], whole.splitlines()[0]):
        file.write_bytes(text)
        mapping = files.mapping(HOURS)
        with opened(mapping) as source, pytest.raises(FactsUnavailable, match="may have been cut off"):
            plan(mapping, source, files.store, files.state, Options())


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_run_that_broke_off_is_made_up_for_by_the_next(
    files: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for number in range(9):
        files.human(number)
    files.hours(1)
    files.sync()
    for number in range(9):
        files.human(number, name="changed", updated_at=2_000)
    files.hours(2, 1)
    write, left = Store.write, [2]

    def break_off(self: Store, *arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise FactsUnavailable("gone")
        return write(self, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", break_off)
        if size < 10:
            with pytest.raises(FactsUnavailable):
                files.sync(size=size)
    assert files.state.cursors.popitem()[1] == 1_000 or size >= 10
    files.sync()
    assert {record.real_name for key, record in files.held("Person").items() if key.startswith("p-")} == {"changed"}
    assert sorted(files.held("WorkingHours")) == ["h-1-540", "h-2-540"]


def test_rows_that_do_not_fit_are_told_with_their_place_and_read_again(files: World) -> None:
    files.human(1)
    files.human(2, checked="perhaps")
    files.tables["people"].append({**files.tables["people"][0], "number": "", "updated_at": 1})
    found = files.sync()
    assert [(each.place, each.record_id) for each in found.rejected] == [("people.csv:3", "p-2"), ("people.csv:4", "")]
    assert "unknown word `perhaps`" in found.rejected[0].reason
    assert "p-1" in files.held("Person")
    assert not found.cursors, "what is mended is read again"
    files.human(2)
    files.tables["people"] = [row for row in files.tables["people"] if row["number"]]
    found = files.sync()
    assert (found.rejected, list(found.cursors.values())) == ([], [1_000])


def test_two_rows_of_one_record_that_say_different_things_are_both_rejected(files: World) -> None:
    files.human(1)
    files.tables["people"].append({**files.tables["people"][0], "name": "Other"})
    files.tables["people"].append(dict(files.tables["people"][0]))
    found = files.sync()
    assert "p-1" not in files.held("Person")
    assert {each.record_id for each in found.rejected} == {"p-1"}


def test_what_the_store_refuses_is_told_and_the_rest_is_written(files: World) -> None:
    for number in range(12):
        files.human(number)
    files.human(4, hash="x5")  # two verified accounts of one human
    found = files.sync()
    assert len(found.rejected) == 1
    assert found.rejected[0].record_id in ("p-4", "p-5")
    assert found.rejected[0].place.startswith("people.csv:")
    assert len([key for key in files.held("Person") if key.startswith("p-")]) == 11


def test_others_who_write_in_the_middle_are_not_overwritten(files: World) -> None:
    files.human(1)
    files.sync()
    files.human(1, name="mine", updated_at=2_000)
    found = files.plan()
    theirs = replace(files.held("Person")["p-1"], real_name="theirs")
    files.store.write(Batch("t", "w", (Put(theirs),)))
    refused = Writing(files.store, "sync:hr", lambda _: None).write(found.changes, 10)
    assert [each.record_id for each in refused] == ["p-1"]
    assert files.held("Person")["p-1"].real_name == "theirs"


@pytest.mark.parametrize("left", [(), (1,), (1, 2)])
def test_a_source_that_lost_too_much_takes_nothing_away(world: World, left: tuple[int, ...]) -> None:
    world.hours(1, 2, 3, 4, 5, 6, 7)
    world.sync()
    world.hours(*left)
    with pytest.raises(InvariantBroken, match=r"gone from the source|has no row"):
        world.sync()
    assert len(world.held("WorkingHours")) == 7
    if not left:
        world.sync(may_be_empty=True)
        assert world.held("WorkingHours") == {}


def test_nothing_is_gone_while_an_id_cannot_be_read(files: World) -> None:
    files.hours(1, 2, 3)
    files.sync()
    files.hours(1, 2)
    files.tables["hours"].append({"day": "", "begins": 540, "ends": 1_080})
    found = files.sync()
    assert len(files.held("WorkingHours")) == 3
    assert "1 `WorkingHours` that look gone stay" in found.notes[0]


def test_records_of_others_are_neither_taken_over_nor_taken_away(files: World) -> None:
    files.store.write(Batch("t", "e2", tuple(map(Put, enterprise(2)))))
    other = HOURS.replace("e1", "e2").replace("h-{{day}}", "o-{{day}}")
    files.hours(1, 2)
    files.sync(files.mapping(other))
    files.hours(3)
    files.sync(files.mapping(HOURS))
    assert sorted(files.held("WorkingHours")) == ["h-3-540", "o-1-540", "o-2-540"]
    # An id of the other's.
    files.hours(1)
    theirs = HOURS.replace("h-{{day}}", "o-{{day}}").replace('deletes = "delete"', "")
    found = files.sync(files.mapping(theirs))
    (rejected,) = found.rejected
    assert (rejected.record_id, "outside of the scope" in rejected.reason) == ("o-1-540", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "not even its first line"), ("day,begins\n1,2\n", "no column `ends`; did you mean"),
     ("day,begins,ends\n1,2\n", "has 2 values"), ("day,begins,ends\n1,2,\"3\n", "no CSV"),
     ("day,day,ends\n", "named twice"), (b"\xff\xfe,", "no CSV")],
)  # fmt: skip
def test_a_file_that_is_broken_is_refused_as_a_whole(files: World, text: str | bytes, said: str) -> None:
    files.hours(1, 2)
    files.sync()
    mapping = files.mapping(HOURS)
    (files.folder / "hours.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    said = said.replace("; did you mean", "")
    with opened(mapping) as source, pytest.raises((FactsUnavailable, ConfigRefused), match=said):
        plan(mapping, source, files.store, files.state, Options())
    (files.folder / "hours.csv").unlink()
    with opened(mapping) as source, pytest.raises(FactsUnavailable, match="cannot be read"):
        plan(mapping, source, files.store, files.state, Options())


def test_a_table_or_a_column_that_is_not_there_is_told_with_what_is(tmp_path: Path, new_database: Any) -> None:
    store = Store.open(new_database("sqlite"), MODEL)
    try:
        here = World("sqlite", tmp_path, store, f"sqlite:///{tmp_path / 'hr.db'}")
        here.save()
        with pytest.raises(ConfigRefused, match="no column `dya`; did you mean `day`"):
            here.plan(here.mapping(HOURS.replace('weekday = "day"', 'weekday = "dya"')))
        with pytest.raises(ConfigRefused, match="no table `huors`; did you mean `hours`"):
            here.plan(here.mapping(HOURS.replace("{hours}", 'table = "huors"')))
        # And nothing can be written there.
        with opened(here.mapping()) as source, pytest.raises(sa.exc.OperationalError):
            source._connection.exec_driver_sql("DELETE FROM hours")  # type: ignore[union-attr]
        (tmp_path / "hr.db").unlink()
        with pytest.raises(FactsUnavailable, match="no such file"), opened(here.mapping()):
            pass
    finally:
        store.close()


MEMBERS = """
[[records]]
type = "Membership"
csv = "people.csv"
[records.fields]
id = {{ column = "number", prefix = "m-" }}
person_id = {{ column = "number", prefix = "p-" }}
enterprise_id = {{ value = "e1" }}
joined_via = {{ value = "IMPORT" }}
joined_at = {{ column = "seen", time = "unix_s" }}
"""


def test_what_acts_own_comes_once(files: World) -> None:
    head = "first_migration = true"
    scope = MEMBERS.replace("[records.fields]", '[records.scope]\nenterprise_id = "e2"\n[records.fields]').replace(
        "e1", "e2"
    )
    files.store.write(Batch("t", "e3", (Put(person("p-9")),)))
    with pytest.raises(InvariantBroken, match="there are records already"):
        files.plan(files.mapping(MEMBERS, head=head))  # e1 has members
    enterprise_2 = [record for record in enterprise(2) if not isinstance(record, Membership)]
    assert enterprise_2
    files.human(1)
    files.state.migration = "begun"
    found = files.sync(files.mapping(PEOPLE, MEMBERS, head=head))
    assert not found.rejected
    assert files.held("Membership")["m-1"].joined_at == 1_700_000_000_000_000
    # It is resumed, and changes nothing that is there.
    files.human(1, seen=1_600_000_000)
    files.human(2)
    found = files.sync(files.mapping(PEOPLE, MEMBERS, head=head), is_full=True)
    assert [(each.record_type, each.record_id) for each in found.rejected] == [("Membership", "m-1")]
    assert "m-2" in files.held("Membership")
    files.state.migration = "done"
    with pytest.raises(InvariantBroken, match="the first migration is over"):
        files.plan(files.mapping(PEOPLE, scope, head=head))


def test_a_state_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hr.state.json"
    assert read_state(file) == SyncState()
    state = SyncState("s", 7, "begun", {"Person-1": 5, "Contract-2": "2026-01-01T00:00:00+00:00"}, "h")
    write_state(file, state)
    assert read_state(file) == state
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_state(file, SyncState())
    assert read_state(file) == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hr.state.json"]
    for text in ("", "{}", "[]", '{"version": 2}', file.read_text().replace('"begun"', '"x"'), "\x00"):
        file.write_text(text)
        with pytest.raises(ConfigRefused, match="not the state of a sync"):
            read_state(file)


def test_two_syncs_with_one_state_do_not_run_at_once(tmp_path: Path) -> None:
    with held(tmp_path / "s"), pytest.raises(FactsUnavailable, match="another sync"), held(tmp_path / "s"):
        pass
    with held(tmp_path / "s"):
        pass


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_a_source_ends_in_what_it_says_last(files: World, seed: int) -> None:
    generator = random.Random(seed)
    clock = 1_000
    for _ in range(6):
        for _ in range(generator.randrange(6)):
            clock += generator.randrange(4)
            files.human(generator.randrange(8), name=f"n{clock}", updated_at=clock)
        files.hours(*generator.sample(range(1, 8), generator.randrange(1, 8)))
        found = files.sync(files.mapping(head="max_deletes = 1.0"), size=generator.choice((1, 3, 50)))
        assert not found.rejected
        assert {row["number"]: row["name"] for row in files.tables["people"]} == {
            key[2:]: record.real_name for key, record in files.held("Person").items() if key.startswith("p-")
        }
        assert {record.weekday for record in files.held("WorkingHours").values()} == {
            row["day"] for row in files.tables["hours"]
        }


def test_one_type_may_come_from_two_places(files: World) -> None:
    """What is counted, rejected and read again is that of each."""
    files.human(1, checked="perhaps")
    files.hours(1, 2)
    other = PEOPLE.replace('prefix = "p-"', 'prefix = "q-"').replace("yes = ", "perhaps = ").replace('"hash"', '"name"')
    found = files.sync(files.mapping(PEOPLE, other))
    counts = found.counts["Person"]
    assert (counts.rows, counts.new, counts.rejected) == (2, 1, 1)
    assert len(found.cursors) == 1


def test_what_is_gone_may_be_marked_instead(files: World) -> None:
    people = PEOPLE.replace(
        'cursor = "updated_at"\noverlap = 10\n',
        'deletes = "set"\n[records.scope]\nrealm = "HR"\n[records.gone]\naccount_state = "CLOSED"\n',
    )
    people = people.replace("[records.fields]", '[records.fields]\nrealm = {{ value = "HR" }}')
    for number in range(4):
        files.human(number)
    files.sync(files.mapping(people))
    files.tables["people"] = [row for row in files.tables["people"] if row["number"] != "2"]
    found = files.sync(files.mapping(people))
    assert [planned.key for planned in found.changes] == [("Person", "p-2")]
    assert files.held("Person")["p-2"].account_state == "CLOSED"
    assert files.sync(files.mapping(people)).changes == []


def test_the_file_of_the_source_is_only_read(tmp_path: Path, new_database: Any) -> None:
    store = Store.open(new_database("sqlite"), MODEL)
    here = World("sqlite", tmp_path, store, f"sqlite:///{tmp_path / 'hr.db'}")
    here.human(1, seen=NOW // 1_000_000)
    here.sync()
    with closing(sqlite3.connect(tmp_path / "hr.db")) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (1,)
    store.close()


def test_a_number_that_is_far_too_high_hides_no_later_row(files: World) -> None:
    people = PEOPLE.replace("overlap = 10", "overlap = 0")
    for number in range(12):
        files.human(number, updated_at=100 + number)
    files.human(99, updated_at=10**15)
    found = files.sync(files.mapping(people))
    assert list(found.cursors.values()) == [111]
    assert "stays at 111" in found.notes[0]
    assert "p-99" in files.held("Person"), "the row itself is written"
    files.human(3, name="changed", updated_at=112)
    found = files.sync(files.mapping(people))
    assert not found.counts["Person"].is_full
    assert files.held("Person")["p-3"].real_name == "changed"
    assert list(found.cursors.values()) == [112]


def test_a_full_run_mends_a_cursor_that_is_not_true_and_tells_what_was_passed_over(files: World) -> None:
    for number in range(3):
        files.human(number)
    files.sync()
    files.state.cursors = dict.fromkeys(files.state.cursors, 10**15)
    files.human(1, name="changed", updated_at=1_001)
    assert files.sync().counts["Person"].rows == 0, "it hides what is new"
    found = files.sync(is_full=True)
    assert files.held("Person")["p-1"].real_name == "changed"
    assert "1 changes of `Person` lay before the cursor" in found.notes[0]
    assert list(files.state.cursors.values()) == [1_001]
    assert files.sync(is_full=True).notes == []


@pytest.mark.parametrize(
    ("since", "numbers", "reads_up_to"),
    [
        (None, [], None),
        (7, [], 7),
        (None, [3, 5], 5),
        (None, [3, 5_000], 3),  # one row
        (None, [5_000, 5_001], None),  # two rows, far from the start
        (None, range(5_000, 5_011), 5_010),  # eleven rows are believed
        (None, [*range(5_000, 5_009), 10**15], None),  # ten rows, in two steps
        (None, [*range(5_000, 5_010), 10**15], 5_009),
        (None, [*range(5_000, 5_012), 10**15], 5_011),
        (900, [850, 901], 901),
        (900, [850, 10**15], 900),
        (900, [2_000, 10**15], 900),  # neither of them
        (900, [1_800, 10**15], 1_800),
        (2_000, [1_990], 2_000),  # never backwards
        (None, [-7, -5], -5),
        (None, [k * 10**6 for k in range(50)], 39 * 10**6),  # sparse numbers: ten rows are read again, not more
    ],
)
def test_a_few_rows_do_not_move_a_cursor_over_a_gap(
    since: int | None, numbers: Iterable[int], reads_up_to: int | None
) -> None:
    assert reached(since, numbers, max_step=1_000) == reads_up_to
