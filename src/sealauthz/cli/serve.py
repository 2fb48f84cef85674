"""The command that serves: `serve`."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TextIO

import click

from sealauthz.audit import note as audit
from sealauthz.audit.recorder import Recorder
from sealauthz.audit.sequencer import Sequencer, Sequencing
from sealauthz.cli.app import Exit, service_model
from sealauthz.cli.folder_policies import FolderPolicies, Watching
from sealauthz.cli.measuring import backlog_of, collected, traced, watch_log, watch_service
from sealauthz.cli.preconditions import unmet
from sealauthz.cli.printing import say
from sealauthz.cli.reloading import Reload, rights_record
from sealauthz.cli.rolling_out import policies_of, shadowing_of, shipping_of
from sealauthz.cli.settings import (
    audit_anchoring,
    audit_sequencer,
    database_url,
    decision_options,
    key_set,
    on_policies,
    pending_key,
    person_assertions,
    read_config,
    receipt_issuer,
)
from sealauthz.config import MAX_WORKERS, Config, HttpSection, database_in
from sealauthz.decision import PolicyDecisionPoint, system_clock
from sealauthz.facts import Batch, FactCache, Feed, Put, Store, upgrade
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.store.reachability import wait_until_reachable
from sealauthz.facts.store.sweep import Report, Sweep
from sealauthz.observability.capture import captured, never_block
from sealauthz.observability.log import Log, StrangersRationed, Threshold, make_log
from sealauthz.observability.metrics.instruments import Instruments
from sealauthz.observability.metrics.meter import Meter, measured
from sealauthz.operations import Assertions, Issuer, Operations
from sealauthz.operations.alarms import Alarms
from sealauthz.operations.expiries import Expiries
from sealauthz.operations.keys import SigningKeys
from sealauthz.ops.demo.callers import demo_caller
from sealauthz.ops.demo.facts import opening_facts
from sealauthz.ops.workers.worker import Link, become_supervisor, hangups, stop_on_signals, wait_for_stop
from sealauthz.rollout import Shipping
from sealauthz.runtime.collector import keep
from sealauthz.runtime.errors import ConfigRefused, RestoreIncomplete, SealAuthzError
from sealauthz.service import Callers, Server, build, is_loopback
from sealauthz.service.issuer_keys import KeySources
from sealauthz_client.assertions import Signer

_SWITCH_INTERVAL_S = 0.001
"""How long a thread may compute while others wait. At Python's default of 5 ms, each call being decided delays by 5 ms
that the feed learns of a write."""

_NO_PENDING_KEY = "set `audit.pending_key`, here and where `audit sequence` runs: it holds back what nobody vouches for"
_NO_ANCHOR = "set `audit.folder`: without it, a rollback of the whole database cannot be seen after a restart"

_WARNINGS = frozenset({"audit_lacking", "import_idle", "traces_unsent"})
"""What is reported without an error, and still has to be looked at."""


@click.command()
@decision_options
@click.option("--listen", metavar="HOST:PORT", help="Instead of the configuration's address; port 0 takes a free one.")
@click.option(
    "--http",
    "http_listen",
    metavar="HOST:PORT",
    help="Serve over HTTP and JSON there, too, instead of the configuration's address.",
)
@click.option("--insecure", is_flag=True, help="Serve plain text instead of TLS; on this machine only.")
@click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    metavar="N",
    help="How many processes serve, all on one port, instead of the configuration's; more than one need PostgreSQL.",
)
@click.option(
    "--demo",
    "is_demo",
    is_flag=True,
    help="Serve invented facts, in plain text on this machine, to one caller whose token is printed.",
)
@click.option(
    "--watch",
    "is_watching",
    is_flag=True,
    help="For development: decide with the folder whatever is activated, and read it again when a file changes.",
)
@click.option("--worker", type=int, nargs=2, hidden=True, help="For the supervisor: number, descriptor of its socket.")
def serve(
    *,
    config_file: Path | None,
    database: str | None,
    policies: Path | None,
    engine: str,
    listen: str | None,
    http_listen: str | None,
    insecure: bool,
    workers: int | None,
    is_demo: bool,
    worker: tuple[int, int] | None,
    is_watching: bool,
) -> int:
    """Serve decisions and facts over gRPC, and over HTTP where that is wanted.

    The configuration names the certificate, the database and the callers with
    their rights; a caller that it does not name gets nothing. The database must
    be there: see `sealauthz db upgrade`. SIGTERM and Ctrl-C let calls under way
    finish, then stop. SIGHUP (`sealauthz reload`) has the certificate, the
    callers, the folder of policies and the log level read again; certificates
    are read as soon as their files change, too.
    Several workers have a supervisor that starts them, replaces one that dies,
    and passes signals on.

    \b
      sealauthz serve --demo
      sealauthz serve --demo --http 127.0.0.1:8080
      sealauthz serve --config /etc/sealauthz.toml
      sealauthz serve --config /etc/sealauthz.toml --workers 4
      sealauthz serve --demo --policies policies/ --watch

    \b
    A configuration:
      [server]
      listen = "0.0.0.0:8443"
      tls_certificate = "server.pem"
      tls_key = "server.key"
      [database]
      url = "postgresql://sealauthz@db/sealauthz"
      [policies]
      folder = "policies"      # without it, those installed with sealauthz
      [callers.signing]
      token_sha256 = "…"       # sha256sum of the token; or `jwt`, or `spiffe`
      rpcs = ["AuthorizationService/Authorize"]
      enterprises = "*"
    """
    never_block()
    log, threshold = make_log().through(StrangersRationed).limited()
    if worker is not None:
        log = log.bind(worker=worker[0])
    with ExitStack() as stack:
        # First: threads, and the supervisor that this process may become, inherit that the signal is blocked.
        hung_up = stack.enter_context(hangups())
        link = None if worker is None else Link(worker[1])
        if not is_demo and not _reaches_database(config_file, database, log, link):
            return Exit.NO_ANSWER
        config = configured = read_config(config_file, database)
        threshold.level = config.server.log_level
        watched = _watched_folder(config, policies, engine, workers) if is_watching else None
        if is_demo:
            on_policies(policies or config.policies.folder)
        given = {"listen": listen, "workers": workers}
        server_section = config.server.model_copy(update={name: v for name, v in given.items() if v is not None})
        config = config.model_copy(update={"server": server_section})
        if http_listen is not None:
            is_loopback(http_listen)  # which refuses what is no address
            config = config.model_copy(update={"http": HttpSection(listen=http_listen)})
        if not is_demo:
            for _, problem in unmet(config, database_url(config, database), insecure=insecure):
                raise ConfigRefused(problem)
        settings = config.server_settings(insecure=insecure or is_demo)
        grace_s = config.server.stop_grace_s
        stopping = threading.Event()
        if link is not None:
            link.follow(stopping, grace_s)
            settings = replace(settings, shares_port=True)
        elif (count := _worker_count(config, workers, is_demo)) > 1:
            _warn_of_no_callers(config, sys.stderr)
            options = _worker_options(config_file, database, policies, engine, http_listen, insecure)
            become_supervisor(settings.listen, count, grace_s, options, config.metrics.listen)
        meter, collected_at = None, ""
        if config.metrics.listen is not None:
            meter = Meter(Instruments(), log.thread_failed)
            log = measured(log, meter)
            collected_at = stack.enter_context(collected(meter, config.metrics.listen, is_worker=link is not None))
        standard_error = sys.stderr
        stack.enter_context(captured(log))
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        token, key_file = "", ""
        if is_demo:
            token = secrets.token_urlsafe(32)
            signer = Signer.fresh("demo", "demo")
            key_file = stack.enter_context(_key_file(signer))
            database = stack.enter_context(_demo_database(database))
        store = Store.open(database_url(config, database), service_model())
        stack.callback(store.close)
        if not is_demo:
            store.pending_key = cache(partial(pending_key, config))
            store.pending_key()  # a file that cannot be used is refused at the start
        report = _reporter(log)
        tracer = stack.enter_context(traced(config.traces, report, log.thread_failed))
        sources = KeySources(_key_reporter(log), log.thread_failed)
        stack.callback(sources.close)
        callers = Callers([demo_caller(token)]) if is_demo else config.caller_rights(service_model(), sources)
        sources.use()
        fact_cache, feed = stack.enter_context(_followed_facts(store, config, log, report))
        served, following, of_folder = policies_of(
            store, fact_cache, config, policies, engine, report, log.thread_failed, is_watching=is_watching
        )
        served.read_rules()
        # The compiled policies are half a million objects that stay: to collect garbage among them would stop all
        # threads for a third of a second, again and again.
        keep()
        following.start()
        stack.callback(following.stop)
        sweep = Sweep(store, report, log.thread_failed, config.facts.import_lease_s)
        sweep.start()
        stack.callback(sweep.stop)
        expiries = Expiries(store, fact_cache, served, log.thread_failed)
        expiries.start()
        stack.callback(expiries.stop)
        recorder = stack.enter_context(_recording(store, fact_cache, config, log, report, is_demo=is_demo))
        pdp = PolicyDecisionPoint(fact_cache, served)
        shadowing = shadowing_of(store, fact_cache, pdp, following, report, log.thread_failed)
        shadowing.start()
        stack.callback(shadowing.stop)
        assertions = Assertions.of("demo", signer.key_set) if is_demo else person_assertions(config)
        issuer = Issuer("demo", SigningKeys.fresh()) if is_demo else receipt_issuer(config)
        acts, keys = Operations(store, pdp, issuer, assertions), partial(key_set, issuer)
        signal, permits, has_problem = fact_cache.signal, fact_cache.permits, lambda: following.problem
        ships = shipping_of(store, config, served)
        alarms = Alarms(store, fact_cache, acts, log.thread_failed)
        alarms.start()
        stack.callback(alarms.stop)
        # What the others do is written down, and no answer rests on it: a database that takes no writes stops them.
        beside = [sweep.thread, expiries.thread, alarms.thread, following.beating]
        if meter is not None:
            backlog = stack.enter_context(backlog_of(store, log.thread_failed))
            watch_log(meter, alarms, recorder, backlog)
            beside.append(backlog.thread)
        server = build(
            settings,
            callers,
            store,
            pdp,
            acts,
            log,
            signal,
            permits,
            [feed.thread, following.thread],
            keys,
            has_problem,
            meter,
            recorder,
            ships,
            tracer,
            beside,
        )
        if meter is not None:
            watch_service(meter, server, store, fact_cache, pdp, tracer)
        # A supervisor may send the signal twice; it, not the worker, decides when to kill.
        stop_on_signals(stopping, is_patient=link is not None)
        if recorder is not None and not is_demo:
            recorder.note(rights_record(config))
        server.start()
        stack.callback(server.stop, grace_s)
        if collected_at:
            log.info("metrics", listen=collected_at)
        http_address = ""
        if settings.http_listen is not None:
            http_address = f"{settings.http_listen.rpartition(':')[0]}:{server.http_port}"
            log.info("http", listen=http_address)
        address = f"{settings.listen.rpartition(':')[0]}:{server.port}"
        how = "in plain text" if settings.is_insecure else "over TLS"
        version = following.serves or "none yet"
        with store.read_transaction(may_be_incomplete=True) as transaction:
            state = ", restored and not complete: nothing is answered" if transaction.restored else ""
            line = f"listening on {address} {how}; policy {version}, facts at revision {transaction.revision}{state}"
        if link is not None:
            link.say_ready(line)
        else:
            say(line)
            if is_demo:
                _show_first_question(address, token, key_file, http_address)
            else:
                _warn_of_no_callers(config, standard_error)
        # After the line above, so that who waits for it can be sure that the signal does something.
        hung_up.then(
            partial(log.info, "hangup_ignored")  # the one caller of the demo is in no file
            if is_demo
            else _reload(configured, config_file, server, acts, log, sources, of_folder, ships, threshold, recorder)
        )
        if watched is not None:
            watching = Watching(store.model, watched, of_folder, log.thread_failed)
            watching.start()
            stack.callback(watching.stop)
        wait_for_stop(stopping)
        log.info("stopping")
    return Exit.DONE


def _reaches_database(config_file: Path | None, database: str | None, log: Log, link: Link | None) -> bool:
    """Wait until the database takes a connection, and log why it does not; return False once the supervisor is gone.

    Before the configuration is read: which names it may use, the database says. Raises ConfigRefused.
    """

    def away(cause: str, pause_s: float) -> bool:
        log.warning("database_away", cause=cause, pause_s=pause_s)
        return link is None or link.say_waiting()

    try:
        url = database or database_in(os.environ, config_file)
    except ConfigRefused:
        return True  # who reads the whole says what is wrong
    return wait_until_reachable(url, away)


def _watched_folder(config: Config, policies: Path | None, engine: str, workers: int | None) -> Path:
    """Return the folder that is watched. Raises UsageError where none can be."""
    folder = policies or config.policies.folder
    if folder is None:
        raise click.UsageError("--watch needs a folder to watch: name it with --policies")
    if engine != "compiled" or (workers or config.server.workers) > 1:
        raise click.UsageError("--watch is for development: with one worker, and the compiled engine")
    return folder


def _reload(
    config: Config,
    config_file: Path | None,
    server: Server,
    acts: Operations,
    log: Log,
    sources: KeySources,
    folder: FolderPolicies,
    shipping: Shipping,
    threshold: Threshold,
    recorder: Recorder | None,
) -> Callable[[], None]:
    model = service_model()
    read = partial(read_config, config_file, model=model)
    return Reload(config, read, model, server, acts, log, sources, folder, shipping, threshold, recorder)


def _reporter(log: Log) -> Report:
    """Return what writes the reports of the background to the log."""

    def report(event: str, numbers: Mapping[str, object], error: BaseException | None) -> None:
        if error is not None:
            write = log.warning if isinstance(error, SealAuthzError) else log.error
            write(event, error, **numbers)
        elif event in _WARNINGS:
            log.warning(event, **numbers)
        else:
            log.info(event, **numbers)

    return report


def _key_reporter(log: Log) -> Callable[[str, Mapping[str, object]], None]:
    """Return what writes to the log how the keys of issuers come."""

    def report(event: str, numbers: Mapping[str, object]) -> None:
        write = log.info if event == "issuer_keys" else log.warning
        write(event, **numbers)

    return report


@contextmanager
def _followed_facts(store: Store, config: Config, log: Log, report: Report) -> Iterator[tuple[FactCache, Feed]]:
    """Yield the fact cache, warmed up if so configured, and the feed that keeps it at the newest revision."""
    facts = config.facts
    waits = ReadPermits.for_threads(config.server.threads, config.server.max_concurrent_calls)
    fact_cache = FactCache(store, facts.memory_mb * 1024 * 1024, facts.max_age_s, waits)
    if facts.warm_up:
        with suppress(RestoreIncomplete):  # it takes writes, and `not_serving` says the rest
            log.info("warmed_up", tenants=fact_cache.warm_up())
    feed = Feed(fact_cache, store, report, facts.poll_s)
    feed.start()
    try:
        yield fact_cache, feed
    finally:
        feed.stop()


@contextmanager
def _recording(
    store: Store, fact_cache: FactCache, config: Config, log: Log, report: Report, *, is_demo: bool
) -> Iterator[Recorder | None]:
    """Yield what records the answers. Records get their places in the log
    here too, if this process is to do that.

    Health does not depend on it: what must be recorded is refused where that fails, and the rest is answered.
    """
    with ExitStack() as stack:
        sequencer = None
        if config.audit.sequences:
            if is_demo:
                sequencer = Sequencer(store, "demo", audit.Signer.fresh("demo"), report=report)
                sequencer.resume()  # what an earlier demo signed with a key that is gone
            else:
                sequencer = audit_sequencer(config, store, report)
                if config.audit.folder is None:
                    log.warning("no_audit_anchor", hint=_NO_ANCHOR)
            sequencing = Sequencing(sequencer, log.thread_failed)
            sequencing.start()
            stack.callback(sequencing.stop)
            anchoring = audit_anchoring(config, store, log.thread_failed)
            anchoring.start()
            stack.callback(anchoring.stop)
        elif not store.pending_key():
            log.warning("no_audit_pending_key", hint=_NO_PENDING_KEY)
        recorder = Recorder(
            store, fact_cache, report, log.thread_failed, takes_advice=config.audit.advice, sequencer=sequencer
        )
        recorder.start()
        stack.callback(recorder.stop)
        yield recorder


def _worker_count(config: Config, workers: int | None, is_demo: bool) -> int:
    """Return how many processes serve."""
    if is_demo:
        if workers is not None and workers > 1:
            raise click.UsageError("the demo is served from one process: use either --demo or --workers")
        return 1
    return config.server.workers


def _worker_options(
    config_file: Path | None,
    database: str | None,
    policies: Path | None,
    engine: str,
    http_listen: str | None,
    insecure: bool,
) -> list[str]:
    """Return the options of a worker that serves the same."""
    given = {"--config": config_file, "--database": database, "--policies": policies, "--engine": engine}
    given["--http"] = http_listen
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    return [*options, "--insecure"] if insecure else options


def _warn_of_no_callers(config: Config, to: TextIO) -> None:
    if not config.callers:
        say("warning: the configuration names no callers, so nobody can ask", to)


@contextmanager
def _demo_database(database: str | None) -> Iterator[str]:
    """Yield the URL of a database with the demo facts: the given one, or a temporary one."""
    with tempfile.TemporaryDirectory(prefix="sealauthz-demo-") as folder:
        url = database or f"sqlite:///{Path(folder) / 'demo.db'}"
        upgrade(url, service_model())
        with closing(Store.open(url, service_model())) as store:
            if store.revision() == 0:
                store.write(Batch("demo", "demo-opening", tuple(map(Put, opening_facts(system_clock())))))
        yield url


@contextmanager
def _key_file(signer: Signer) -> Iterator[str]:
    """Yield a file that only this user can read, with the key that signs for the persons of the demo."""
    with tempfile.TemporaryDirectory(prefix="sealauthz-demo-") as folder:
        file = Path(folder) / "persons.pem"
        file.touch(0o600)
        file.write_bytes(signer.pem)
        yield str(file)


def _show_first_question(address: str, token: str, key_file: str, http_address: str) -> None:
    say(
        "\nAsk it from another terminal:\n\n"
        f"  export SEALAUTHZ_ADDRESS={address} SEALAUTHZ_TOKEN={token}\n"
        f"  export SEALAUTHZ_SIGN_WITH={key_file}\n"
        "  sealauthz check Person:p-lin use Seal:seal-official -c task=task-paper --insecure\n"
    )
    if http_address:
        say(
            "Or over HTTP:\n\n"
            f"  curl http://{http_address}/v1/AuthorizationService/Authorize \\\n"
            "    -H \"Authorization: Bearer $SEALAUTHZ_TOKEN\" -H 'Content-Type: application/json' -d '{\n"
            '      "subject": {"type": "Person", "id": "p-lin"}, "action": "use",\n'
            '      "resource": {"type": "Seal", "id": "seal-official"},\n'
            '      "context": {"task": {"stringValue": "task-paper"}}}\'\n'
        )
