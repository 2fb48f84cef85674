"""Lists of a time that is over: they find all that was answered then, however late it came, and read little else."""

from __future__ import annotations

import itertools
import random

import pytest
from audit_logs import made, run, wait
from effort import tries

from sealauthz.audit.lateness import LATE_US, PERIOD_US, Kept, Places, Times, _statements, places_of
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.note import Signer
from sealauthz.audit.report import Kind
from sealauthz.audit.sequencer import Sequencer
from sealauthz.audit.verify import verify_database
from sealauthz.facts import Store
from sealauthz.facts.store.statements import Driver

BEGAN = 1_000 * PERIOD_US


class Clocked:
    """A log whose records get their places when the test says."""

    def __init__(self, store: Store, signer: Signer | None = None) -> None:
        self.store, self.now = store, BEGAN
        self._sequencer = Sequencer(store, "test.example/log", signer, lambda: self.now)

    def place(self, *answered: int) -> None:
        """Give places to records that were answered at these instants."""
        wait(self.store, [made(at % 5, at=at) for at in answered])
        self._sequencer.drain()

    def minutes(self, count: int) -> None:
        """Let the log grow by a record for each of so many minutes."""
        for _ in range(count):
            self.place(self.now)
            self.now += PERIOD_US

    def places(self, since: int, until: int, before: int | None = None) -> list[Places]:
        if before is None:
            before = run(self.store, "SELECT count(*) FROM audit_log")[0][0]
        with self.store.plain_connection() as connection:
            return places_of(Driver(connection), since, until, before)


@pytest.fixture
def clocked(store: Store, signer: Signer) -> Clocked:
    return Clocked(store, signer)


def numbers(log: Log, wanted: Wanted, size: int = 0) -> list[int]:
    """The places of all that a list finds, page by page."""
    found: list[int] = []
    before = None
    for _ in range(1_000):
        page = log.page(wanted, "Team", size, before)
        found += (entry.number for entry in page.entries)
        before = page.before
        if before is None:
            return found
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("seed", range(tries(3, 30)))
def test_a_list_within_a_time_is_that_of_all_time_within_it(clocked: Clocked, seed: int) -> None:
    """For records without delay, and for those that are minutes or hours late."""
    chance, store = random.Random(seed), clocked.store
    answered: list[int] = []
    for _ in range(80):
        lag = chance.choice([0, 0, 0, 0, 1, LATE_US - 1, LATE_US, PERIOD_US, chance.randrange(90 * PERIOD_US)])
        answered += (at := [max(0, clocked.now - lag - each) for each in range(chance.randint(1, 4))])
        clocked.place(*at)
        clocked.now += chance.choice([0, 1, PERIOD_US // 3, PERIOD_US, 7 * PERIOD_US])
    log, all_of_it = Log(store), Log(store).page(Wanted(), "Team", 1_000).entries
    assert len(all_of_it) == len(answered)
    for _ in range(40):
        since, until = (chance.choice([0, *answered, chance.randrange(BEGAN, clocked.now)]) for _ in range(2))
        about = chance.choice(
            [{}, {"resource": "Document:d2"}, {"tenants": frozenset({"red"})}, {"subject": "User:ann"}]
        )
        wanted = Wanted(since=since, until=until, **about)  # type: ignore[arg-type]
        expected = [entry.number for entry in all_of_it if wanted.fits(entry.content)]
        assert numbers(log, wanted, chance.choice([0, 1, 3])) == expected, wanted
    with store.plain_connection() as connection:
        assert verify_database(connection, store.tables).findings == []


def test_a_list_of_an_hour_reads_that_hour_and_what_came_late(clocked: Clocked) -> None:
    clocked.minutes(600)
    hour = BEGAN + 60 * PERIOD_US, BEGAN + 120 * PERIOD_US
    assert clocked.places(*hour) == [Places(59, 121)]
    clocked.place(hour[0] + 1)
    clocked.now += PERIOD_US
    clocked.minutes(30)
    clocked.place(hour[1])  # as late, but of after
    assert clocked.places(*hour) == [Places(600, 601), Places(59, 121)]
    assert clocked.places(*hour, before=600) == [Places(59, 121)]
    assert clocked.places(*hour, before=100) == [Places(59, 100)]
    assert clocked.places(BEGAN + 200 * PERIOD_US, BEGAN + 201 * PERIOD_US)[2:] == [Places(199, 202)]
    found = Log(clocked.store).page(Wanted(since=hour[0], until=hour[1]), "Team")
    assert [entry.number for entry in found.entries] == [600, *range(119, 59, -1)]


def test_a_log_with_many_late_records_is_looked_through(clocked: Clocked) -> None:
    for _ in range(210):
        clocked.place(clocked.now, BEGAN)
        clocked.now += 2 * PERIOD_US
        clocked.minutes(1)
    places = clocked.places(BEGAN, BEGAN + 1)
    assert len(places) == 200
    assert places[-1].first == 0
    for (first, _), (_, end) in itertools.pairwise(places):
        assert end < first
    found = numbers(Log(clocked.store), Wanted(since=BEGAN, until=BEGAN + 1))
    assert len(found) == 211


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE audit_checkpoint SET late_from = NULL WHERE late_from IS NOT NULL", 20),
        ("UPDATE audit_checkpoint SET late_from = late_from + 1 WHERE late_from IS NOT NULL", 20),
        ("UPDATE audit_checkpoint SET period = 1 WHERE size = (SELECT min(size) FROM audit_checkpoint)", None),
        ("UPDATE audit_checkpoint SET period = period - 500", 20),
        ("DELETE FROM audit_checkpoint WHERE size = 21", 20),
        ("UPDATE audit_log SET at = 1 WHERE number = 20", 20),
        ("UPDATE audit_log SET at = at + 99999999999 WHERE number = 20", 20),
    ],
)
def test_who_hides_a_late_record_from_lists_is_found(
    clocked: Clocked, signer: Signer, statement: str, first: int | None
) -> None:
    clocked.minutes(20)
    clocked.place(BEGAN)
    clocked.now += 5 * PERIOD_US
    clocked.minutes(5)

    def wrong() -> list[tuple[Kind, int]]:
        with clocked.store.plain_connection() as connection:
            report = verify_database(connection, clocked.store.tables, [signer.verifier])
        return [(each.kind, each.first) for each in report.findings]

    def hidden() -> bool:
        hour = Wanted(since=BEGAN, until=BEGAN + PERIOD_US)
        return numbers(Log(clocked.store), hour) != [20, 0]

    assert not wrong()
    assert not hidden()
    run(clocked.store, statement)
    assert bool(wrong()) == (first is not None)
    if first is None:
        assert not hidden()
    else:
        assert wrong()[0][0] is Kind.INDEX


def test_checkpoints_that_say_nothing_of_late_records_are_found_by_an_index(clocked: Clocked) -> None:
    """A log of years has millions of them."""
    clocked.minutes(30)
    with clocked.store.plain_connection() as connection:
        driver = Driver(connection)
        explain = "EXPLAIN" if driver.is_postgresql else "EXPLAIN QUERY PLAN"
        if driver.is_postgresql:
            driver.run("SET enable_seqscan = off")
        parameters = {"period": 1_010, "until": BEGAN}
        plan = driver.rows(f"{explain} {_statements(driver.is_postgresql).late}", parameters)
        if driver.is_postgresql:
            driver.run("RESET enable_seqscan")
    assert "audit_checkpoint_late_idx" in str(plan), plan


def test_what_passes_at_once_passes_one_after_the_other() -> None:
    """A whole log that is in order is looked at in large steps."""
    chance, passed = random.Random(98), 0
    for _ in range(2_000):
        kept = Kept(0, 9, chance.choice((None, 5)))
        at_once, each = Times([kept]), Times([kept])
        placed = sorted(chance.choice((1, LATE_US, LATE_US + 5)) for _ in range(chance.randrange(1, 4)))
        if chance.random() < 0.3:
            chance.shuffle(placed)
        answered = [at - chance.choice((0, 1, LATE_US - 1, LATE_US, LATE_US)) for at in placed]
        wrong = [each.wrong_with(number, *both) for number, both in enumerate(zip(placed, answered, strict=True))]
        if at_once.passes(placed, answered):
            passed += 1
            assert not any(wrong), (placed, answered)
            assert at_once.wrong_with(3, placed[-1] - 1, placed[-1] - 1)
        else:
            assert [at_once.wrong_with(n, *both) for n, both in enumerate(zip(placed, answered, strict=True))] == wrong
    assert 100 < passed < 1_900
