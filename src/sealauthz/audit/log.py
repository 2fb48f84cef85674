"""The log as it is read: its checkpoint, proofs, and the records that are asked for, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, and_, bindparam, func, join, or_, select, true
from sqlalchemy import column as sql_column

from sealauthz.audit.lateness import EVERYWHERE, places_of
from sealauthz.audit.merkle import consistency_proof, inclusion_proof, tree_root
from sealauthz.audit.note import Checkpoint, read_checkpoint
from sealauthz.audit.record import FOR_OPERATORS, PACKED, content_of, items_of
from sealauthz.audit.retention import Pruned, newest_pruned
from sealauthz.audit.sequencer import Head, head_of, tile_fetcher
from sealauthz.audit.tiles import Tiles
from sealauthz.decision.ids import made_at
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.store import Store
from sealauthz.facts.store.system_tables import AUDIT_ABOUT, AUDIT_LOG, TEXT
from sealauthz.runtime.errors import FactsUnavailable, InvalidRequest
from sealauthz_client import answers

MAX_PAGE = 1_000
DEFAULT_PAGE = 100
_LOOKED_AT = 10_000
"""How many records are read for one page: a rare word may stand in none of them, and then the page is empty."""

_ANSWERED_US = 60_000_000
"""A batch is answered so long after its items were decided, at most."""

_AT_ONCE = 500


class Entry(NamedTuple):
    """A record at its place in the log. `at` is when it got it."""

    number: int
    at: int
    text: str

    @property
    def content(self) -> dict[str, Any]:
        """What the record says. Raises ValueError."""
        return content_of(self.text)

    def answer(self, *, is_whole: bool = True) -> answers.LogEntry:
        """Return the entry as readers get it. Unless all of it may be seen, without reasons for operators, and without
        the text, which holds them.
        """
        content = self.content
        reasons = [reason for reason in content.get("reasons", ()) if is_whole or FOR_OPERATORS not in reason[2:]]
        words = {name: content.get(name, "") for name in ("caller", "subject", "action", "resource", "effect")}
        return answers.LogEntry(
            number=self.number,
            logged_at=answers.moment(self.at),
            decision_id=content["id"],
            kind=content["kind"],
            at=answers.moment(content["at"]),
            reasons=tuple(reason[0] for reason in reasons),
            record=self.text if is_whole else "",
            **words,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records to list; what is empty does not count. `since` and `until` are instants of the answers.

    `tenants`: only records about one of these; None for all. Unless all of a record may be seen (`is_whole`), nothing
    is found by a reason for operators: what is found would tell it.
    """

    subject: str = ""
    resource: str = ""
    tenant: str = ""
    action: str = ""
    effect: str = ""
    reason: str = ""
    caller: str = ""
    kind: str = ""
    since: int = 0
    until: int = 0
    tenants: frozenset[str] | None = None
    is_whole: bool = True

    def fits(self, content: Mapping[str, Any]) -> bool:
        """Tell whether a record is wanted; of one with items, whether the record or one of its items is."""
        at = content["at"]
        if (self.since and at < self.since) or (self.until and at >= self.until):
            return False
        if not is_shown(content, self.tenants) or (self.tenant and self.tenant not in content.get("tenants", ())):
            return False
        if (self.caller and content.get("caller") != self.caller) or (self.kind and content["kind"] != self.kind):
            return False
        return any(map(self._fits, (content, *content.get("items", ()))))

    def _fits(self, part: Mapping[str, Any]) -> bool:
        asked = {"subject": self.subject, "resource": self.resource, "action": self.action, "effect": self.effect}
        if any(value and part.get(key) != value for key, value in asked.items()):
            return False
        reasons = (reason for reason in part.get("reasons", ()) if self.is_whole or FOR_OPERATORS not in reason[2:])
        return not self.reason or any(reason[0] == self.reason for reason in reasons)


def is_shown(content: Mapping[str, Any], tenants: frozenset[str] | None) -> bool:
    """Tell whether somebody with a right to some tenants (None: to all) is shown a record.

    One decision may be about several tenants, each of whom may know of it. One with items is about several things, of
    which not everybody may know that they were asked about.
    """
    if tenants is None:
        return True
    concerned = content.get("tenants", ())
    if "count" in content:
        return bool(concerned) and tenants.issuperset(concerned)
    return not tenants.isdisjoint(concerned)


class Page(NamedTuple):
    """Records, newest first. There may be more before number `before`; None where there are none."""

    entries: tuple[Entry, ...]
    before: int | None


class ConsistencyProof(NamedTuple):
    """That the log of a size went on to that of a later one. `roots` are those of both."""

    sizes: tuple[int, int]
    roots: tuple[bytes, bytes]
    hashes: tuple[bytes, ...]


class Log:
    """The log of one store. Any thread may use it. All methods raise FactsUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def head(self) -> Head:
        """Return the newest checkpoint as it is stored."""
        with self._reading() as driver:
            return head_of(driver)

    def checkpoint(self) -> Checkpoint | None:
        """Return what the newest checkpoint says; None for an empty log."""
        note = self.head().note
        return read_checkpoint(note) if note else None

    def entry(self, decision_id: str) -> Entry | None:
        """Return the record of this id, or the one of a batch that has an item of this id; None where there is none."""
        with self._reading() as driver:
            rows = driver.rows(_by_id(driver.is_postgresql), {"of_id": decision_id})
            return Entry(*rows[0]) if rows else self._with_item(driver, decision_id)

    def _with_item(self, driver: Driver, item_id: str) -> Entry | None:
        """Return the record with an item of this id. No index has these: an id tells when it was made, and the record
        is looked for among those of then.
        """
        decided = made_at(item_id)
        if decided is None:
            return None
        statement = _with_item_statement(driver.is_postgresql)
        for least, before in places_of(driver, decided, decided + _ANSWERED_US, EVERYWHERE):
            parameters = {"least": least, "before": before, "item": f'%"id":"{item_id}"%', "packed": f'%"{PACKED}":%'}
            for row in driver.rows(statement, parameters):
                entry = Entry(*row)
                with suppress(ValueError):  # of what was tampered with, `audit verify` tells
                    if any(item.get("id") == item_id for item in items_of(entry.content)):
                        return entry
        return None

    def entry_at(self, number: int) -> Entry | None:
        """Return the record at this place; None where there is none."""
        with self._reading() as driver:
            rows = driver.rows(_by_number(driver.is_postgresql), {"of_number": number})
        return Entry(*rows[0]) if rows else None

    def pruned(self) -> Pruned:
        """Return what the log says that was pruned from it."""
        with self._reading() as driver:
            return newest_pruned(driver)

    def backwards(self, first: int, last: int | None = None) -> Iterator[Entry]:
        """Yield the records between two places, the newest first, as they are stored: broken ones, too."""
        before = EVERYWHERE if last is None else last + 1
        with self._reading() as driver:
            statement = _backwards(driver.is_postgresql)
        while True:
            with self._reading() as driver:
                rows = driver.rows(statement, {"least": first, "before": before})
            yield from (Entry(*row) for row in rows)
            if len(rows) < _AT_ONCE:
                return
            before = rows[-1][0]

    def page(self, wanted: Wanted, tenant_type: str, size: int = 0, before: int | None = None) -> Page:
        """Return the newest records that are wanted, before a place in the log. Raises InvalidRequest.

        `tenant_type` names the records of tenants. A page may be empty though more follow: no more than 10,000 records
        are read for one.
        """
        if size < 0:
            raise InvalidRequest.at("page_size", "must not be negative")
        found: list[Entry] = []
        most, looked_at = min(size or DEFAULT_PAGE, MAX_PAGE), 0
        upper = EVERYWHERE if before is None else before
        with self._reading() as driver:
            places = places_of(driver, wanted.since, wanted.until, upper)[::-1]
            # Most often what is found is what is wanted, and each record lies elsewhere on the disk.
            at_once = DEFAULT_PAGE if most <= DEFAULT_PAGE else _AT_ONCE
            while places and len(found) < most and looked_at < _LOOKED_AT:
                least, end = places[-1]
                statement, parameters = _listing(wanted, tenant_type, driver.is_postgresql, at_once, least)
                rows = driver.rows(statement, {**parameters, "before": min(upper, end)})
                for row in rows:
                    upper = row[0]
                    if row[2] is None:
                        continue  # somebody has taken it away: `audit verify` tells
                    entry = Entry(*row)
                    if wanted.fits(entry.content):
                        found.append(entry)
                        if len(found) == most:
                            break
                looked_at += len(rows)
                if len(rows) < at_once and len(found) < most:
                    places.pop()
                else:
                    at_once = _AT_ONCE
        return Page(tuple(found), upper or None if places else None)

    def inclusion(self, number: int) -> answers.LogProof:
        """Prove that the record at a place is in the log, as the newest checkpoint has it. Raises InvalidRequest."""
        with self._snapshot() as (tiles, head):
            if not 0 <= number < head.size:
                raise InvalidRequest.at("number", f"is no place in the log, which has {head.size} records")
            return answers.LogProof(number, tuple(inclusion_proof(number, head.size, tiles.node)), head.note)

    def inclusion_in(self, number: int, note: str) -> answers.LogProof:
        """Prove the same by a checkpoint that was kept, as far as the log still has that. Raises InvalidRequest."""
        size = read_checkpoint(note).size
        with self._snapshot() as (tiles, head):
            if not 0 <= number < size <= head.size:
                raise InvalidRequest.at("number", f"is no place in a log of {size} records")
            return answers.LogProof(number, tuple(inclusion_proof(number, size, tiles.node)), note)

    def consistency(self, first: int, second: int = 0) -> ConsistencyProof:
        """Prove that the log of a size went on to that of another (0: as it is now). Raises InvalidRequest."""
        with self._snapshot() as (tiles, head):
            second = second or head.size
            if not 0 < first <= second <= head.size:
                said = f"must be from 1 to the second size, and that at most {head.size}"
                raise InvalidRequest.at("first_size", said)
            roots = tree_root(first, tiles.node), tree_root(second, tiles.node)
            return ConsistencyProof((first, second), roots, tuple(consistency_proof(first, second, tiles.node)))

    @contextmanager
    def _reading(self) -> Iterator[Driver]:
        with self._store.plain_connection() as connection:
            yield Driver(connection)

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[Tiles, Head]]:
        """Read tiles and the newest checkpoint. Tiles only grow, so that those read later have what it counts."""
        with self._reading() as driver:
            head = head_of(driver)
            try:
                yield Tiles(tile_fetcher(driver)), head
            except LookupError as error:
                raise FactsUnavailable("the log lacks hashes of its tree: run `sealauthz audit verify`") from error


_COLUMNS = (AUDIT_LOG.c.number, AUDIT_LOG.c.at, AUDIT_LOG.c.record)


@cache
def _by_id(is_postgresql: bool) -> str:
    return compiled(select(*_COLUMNS).where(AUDIT_LOG.c.decision_id == bindparam("of_id")), is_postgresql)


@cache
def _with_item_statement(is_postgresql: bool) -> str:
    row = AUDIT_LOG.c
    may_hold = or_(*(row.record.like(bindparam(name, type_=TEXT)) for name in ("item", "packed")))
    return compiled(select(*_COLUMNS).where(_between(row.number), may_hold).order_by(row.number), is_postgresql)


@cache
def _by_number(is_postgresql: bool) -> str:
    wanted = AUDIT_LOG.c.number == bindparam("of_number", type_=BigInteger)
    return compiled(select(*_COLUMNS).where(wanted), is_postgresql)


@cache
def _backwards(is_postgresql: bool) -> str:
    row = AUDIT_LOG.c
    least, before = (bindparam(name, type_=BigInteger) for name in ("least", "before"))
    wanted = select(*_COLUMNS).where(row.number >= least, row.number < before).order_by(row.number.desc())
    return compiled(wanted, is_postgresql) + f" LIMIT {_AT_ONCE:d}"


def _listing(
    wanted: Wanted, tenant_type: str, is_postgresql: bool, at_once: int, least: int
) -> tuple[str, dict[str, Any]]:
    """Return the statement that finds what may be wanted from a place on, by what selects best, and its parameters."""
    about = wanted.resource or wanted.subject or (f"{tenant_type}:{wanted.tenant}" if wanted.tenant else "")
    parameters: dict[str, Any] = {"about": about} if about else {}
    is_limited = wanted.tenants is not None
    if is_limited:
        names = {f"{tenant_type}:{tenant}" for tenant in wanted.tenants or ()}
        parameters["ids"] = ids_parameter(names, is_postgresql)
    return _listing_statement(bool(about), is_limited, is_postgresql, at_once), {**parameters, "least": least}


@cache
def _listing_statement(is_about: bool, is_limited: bool, is_postgresql: bool, at_once: int) -> str:
    """First the places are found, all of them by indexes alone, and then so many records are read: each lies elsewhere
    on the disk. Where both is one join, a planner that expects few reads all records first.
    """
    row, found, limit = AUDIT_LOG.c, AUDIT_ABOUT.alias("found"), f"LIMIT {at_once:d}"
    if not is_about and is_limited:
        places = _places_of_tenants(is_postgresql, limit)
    else:
        place = found.c.number if is_about else row.number
        places = select(place.label("number")).where(_between(place)).order_by(place.desc())
        if is_about:
            places = places.where(found.c.about == bindparam("about"))
        if is_limited:
            mine = AUDIT_ABOUT.alias("mine")
            is_mine = select(mine.c.number).where(mine.c.number == place, among(mine.c.about, "ids", is_postgresql))
            # One place after the other, until there are enough: of a tenant that it may be, a planner that is free to
            # choose would read all places first.
            places = places.where((is_mine.suffix_with("OFFSET 0") if is_postgresql else is_mine).exists())
    some = places.suffix_with(limit).subquery("some_places")
    records = select(some.c.number, row.at, row.record).select_from(
        some.outerjoin(AUDIT_LOG, row.number == some.c.number)
    )
    return compiled(records.order_by(some.c.number.desc()), is_postgresql)


def _places_of_tenants(is_postgresql: bool, limit: str) -> Select[tuple[int]]:
    """Select the newest places of some tenants, each once: on PostgreSQL out of the newest of each."""
    mine = AUDIT_ABOUT.alias("mine").c
    if not is_postgresql:
        places = select(mine.number).where(among(mine.about, "ids", is_postgresql), _between(mine.number))
        return places.distinct().order_by(mine.number.desc())
    tenants = func.unnest(bindparam("ids", type_=ARRAY(TEXT))).table_valued(sql_column("about", TEXT), name="tenants")
    tenant = tenants.render_derived()
    of_one = select(mine.number).where(mine.about == tenant.c.about, _between(mine.number)).order_by(mine.number.desc())
    newest = of_one.suffix_with(limit).lateral("newest")
    return select(newest.c.number).select_from(join(tenant, newest, true())).distinct().order_by(newest.c.number.desc())


def _between(place: ColumnElement[int]) -> ColumnElement[bool]:
    before, least = (bindparam(name, type_=BigInteger) for name in ("before", "least"))
    return and_(place < before, place >= least)
