"""Checks of what lies in the store beside the facts: activated policies, processes, imports, the log of decisions."""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import closing

from sqlalchemy import func, select, text

from sealauthz import __version__
from sealauthz.audit.continuity import LogTampered, signed_checkpoint
from sealauthz.audit.log import Log
from sealauthz.audit.note import Signer
from sealauthz.config import Config
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.facts import Store
from sealauthz.facts.store.activations import STORE, Process
from sealauthz.facts.store.database import CHANNEL, FEED_NAME
from sealauthz.facts.store.policies import PolicyStore
from sealauthz.facts.store.store import now_us
from sealauthz.facts.store.sweep import idle_for_s
from sealauthz.facts.store.system_tables import AUDIT_PENDING
from sealauthz.facts.store.waiting import FIRST_HELD
from sealauthz.ops.doctor.findings import Found, Level
from sealauthz.rollout import Archive, load_archive
from sealauthz.runtime.errors import ConfigRefused, SealAuthzError

LOG_STANDS_STILL_S = 60.0
HEARD_WITHIN_S = 5.0

_LISTENING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
)


def look_at_active(store: Store, config: Config, cache: BundleCache | None) -> Found:
    """Look at what was activated, and whether this code can decide with it. Raises FactsUnavailable."""
    policies = PolicyStore(store)
    activated = policies.activated()
    if not activated:
        yield Level.OK, "nothing is activated: the policies of each process's folder decide", ""
        return
    version = activated[-1].version
    if config.policies.source != STORE:
        said = f"`{version}` is activated, but here the folder decides: `policies.source` is `folder`"
        yield Level.WARNING, said, 'set `policies.source = "store"`, unless this is for development'
    try:
        bundle = load_archive(store.model, Archive.read(policies.proposal(version).content), cache)
    except SealAuthzError as error:
        said = f"`{version}` is activated and cannot be loaded here: {error}"
        yield Level.PROBLEM, said, "`sealauthz policy rollback`, or install the version that it was made for"
        return
    if bundle.version != version:
        yield Level.PROBLEM, f"`{version}` is activated, but its archive holds `{bundle.version}`", "activate it again"
    else:
        yield Level.OK, f"`{version}` is activated since revision {activated[-1].revision}, and can be loaded", ""


def look_at_processes(store: Store) -> Found:
    """Look at the processes that serve, and at what each decides with. Raises FactsUnavailable."""
    policies = PolicyStore(store)
    known = policies.processes()
    live = [process for process in known if process.is_live]
    gone = len(known) - len(live)
    ended = f"; {gone} ended within a day without saying so" if gone else ""
    if not live:
        yield Level.OK, f"none serves from this database now{ended}", ""
        return
    releases = Counter(process.release for process in live)
    said = ", ".join(f"{count} of release {release}" for release, count in sorted(releases.items()))
    yield Level.OK, f"{len(live)} serve: {said}{ended}", ""
    if set(releases) != {__version__}:
        said = f"this is release {__version__}, and others serve: {', '.join(sorted(set(releases) - {__version__}))}"
        yield Level.WARNING, said, "finish the upgrade: replace the processes one by one"
    activated = policies.activated()
    for process in live:
        yield from _process(process, activated[-1].version if activated else "")
    served = {process.serves for process in live if process.serves}
    if not activated and len(served) > 1:
        said = f"processes decide with different policies: {', '.join(sorted(served))}"
        yield Level.WARNING, said, "give all the same folder, or activate policies in the store (docs/rollout.md)"


def _process(process: Process, active: str) -> Found:
    if active and process.serves != active:
        why = process.problem(active) or "it has not switched yet"
        yield Level.PROBLEM, f"`{process.name}` does not decide with `{active}`: {why}", "see its log"
    elif not process.serves:
        yield Level.PROBLEM, f"`{process.name}` has no policies to decide with", "see `policies_refused` in its log"


def look_at_announcements(store: Store, wait_s: float = HEARD_WITHIN_S) -> Found:
    """Look whether new revisions are announced through this URL, and whether each process listens. Raises
    FactsUnavailable.
    """
    listener = store.listen("sealauthz doctor")
    if listener is None:
        yield Level.OK, "SQLite announces nothing: each process looks often", ""
        return
    payload = f"doctor-{uuid.uuid4().hex}/0"  # of no history: each listener reads the database, and finds nothing new
    with closing(listener):
        with store.plain_connection() as connection:
            connection.execute(select(func.pg_notify(CHANNEL, payload)))
        if not listener.hears(payload, wait_s):
            said = f"no announcement (LISTEN) arrives within {wait_s:g} seconds: changes are seen later"
            yield Level.PROBLEM, said, "a pooler between must keep sessions: PgBouncer with `pool_mode = session`"
            return
    live = sum(process.is_live for process in PolicyStore(store).processes())
    with store.plain_connection() as connection:
        listening = int(connection.execute(_LISTENING, {"name": FEED_NAME}).scalar_one())
    if listening < live:
        said = f"{live} processes serve, and {listening} listen to what is announced"
        yield Level.WARNING, said, "see `feed_deaf` in their logs; they look often instead"
    else:
        yield Level.OK, "new revisions are announced, and this arrives", ""


def look_at_restore(store: Store) -> Found:
    """Look whether a restore is complete. Raises FactsUnavailable."""
    restored = store.restored
    if restored is None:
        yield Level.OK, "no restore is incomplete", ""
        return
    said = f"a backup of revision {restored.revision} was restored and is not complete: nothing is answered"
    yield Level.PROBLEM, said, "write again what is missing, then `sealauthz db complete`"


def look_at_imports(store: Store, lease_s: float) -> Found:
    """Look for imports that stand still. Raises FactsUnavailable."""
    found = store.open_imports()
    now = now_us()
    idle = [item for item in found if idle_for_s(item, now) >= lease_s]
    for item in idle:
        said = f"`{item.import_id}` of `{item.caller}` stands still for {idle_for_s(item, now) / 60:,.0f} minutes"
        closed = f"; nothing is decided about its {len(item.tenants)} {store.model.units.tenant.lower()}s"
        todo = f"send it again, or `sealauthz facts abandon {item.import_id} --caller {item.caller}`"
        yield Level.PROBLEM, said + closed, todo
    if not idle:
        yield Level.OK, f"{len(found)} under way" if found else "none is open", ""


def look_at_log(store: Store, config: Config) -> Found:
    """Look at whether records of decisions get their places in the log. Raises FactsUnavailable."""
    is_held = AUDIT_PENDING.c.id >= FIRST_HELD
    count = select(func.count()).select_from(AUDIT_PENDING)
    with store.plain_connection() as connection:
        pending = connection.execute(count.where(~is_held)).scalar_one()
        held = connection.execute(count.where(is_held)).scalar_one()
    head = Log(store).head()
    if held:
        said = f"no process vouches for the records of {held} rows that wait: they are held back"
        yield Level.PROBLEM, said, "`sealauthz audit held`, and docs/audit.md, When the log was tampered with"
    if config.audit.sequences and head.note:
        try:
            signer = None if config.audit.key is None else Signer.load(config.audit.name, config.audit.key)
            signed_checkpoint(head.note, signer)
        except ConfigRefused:
            pass  # who looks at the keys says so
        except LogTampered as error:
            yield Level.PROBLEM, str(error), "for a new key or name: `sealauthz audit resume`"
    age_s = max(0.0, (now_us() - head.at) / 1_000_000)
    size = f"{head.size} records, the last checkpoint {age_s:,.0f} seconds ago" if head.note else "it is empty"
    if pending and (not head.note or age_s > LOG_STANDS_STILL_S):
        todo = "let a process serve with `audit.sequences`, or run `sealauthz audit sequence`"
        yield Level.WARNING, f"{pending} wait for their places; {size}", todo
    else:
        yield Level.OK, f"{size}; {pending} wait for their places", ""
    if config.audit.sequences and config.audit.key is None:
        todo = "name one with `audit.key`, or let another process sequence (`audit.sequences = false`)"
        yield Level.WARNING, "its checkpoints are not signed: there is no key", todo
    if not config.audit.sequences and config.audit.key is None and config.audit.pending_key is None:
        said = "its records are not vouched for: there is no `audit.pending_key`"
        yield Level.WARNING, said, "name the same secret here and where `sealauthz audit sequence` runs"
