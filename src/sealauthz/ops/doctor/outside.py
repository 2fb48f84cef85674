"""Checks of what lies outside: where issuers publish keys and checkpoints go, metrics, the collector of traces."""

from __future__ import annotations

import http.client
import os
from pathlib import Path

from sealauthz.audit.anchoring import Folder, Webhook, newest_of
from sealauthz.audit.log import Log
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.timestamps import STAMP, TimeStamps
from sealauthz.config import Config
from sealauthz.config.issuers import JwtIssuerSection
from sealauthz.facts import Store
from sealauthz.facts.store.store import now_us
from sealauthz.ops.doctor.findings import Found, Level
from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service.issuer_keys import FetchedKeys, KeySources

BEHIND_S = 60.0
"""A sink that lacks the newest checkpoint after so long gets none."""

_COLLECTOR_WITHIN_S = 5.0
_METRICS_WITHIN_S = 5.0
_MOST_METRICS = 16 * 1024 * 1024


def look_at_issuer(name: str, issuer: JwtIssuerSection) -> Found:
    """Fetch the keys of an issuer of tokens, as `serve` does. Those in files are looked at with the other keys."""
    said: list[str] = []
    sources = KeySources(lambda event, numbers: said.append(f"{event}: {numbers.get('message', '')}"))
    algorithms = tuple(dict.fromkeys(issuer.algorithms))
    source = sources.source(name, issuer.keys, algorithms, issuer.ca, issuer.refresh_s, issuer.max_key_age_s)
    if not isinstance(source, FetchedKeys):
        return
    source.look()
    keys = source.keys()
    if keys is None:
        why = said[0].partition(": ")[2] if said else "nothing came"
        todo = "until they come, its tokens are refused (UNAUTHENTICATED): address, certificate (`ca`), firewall"
        yield Level.PROBLEM, f"the keys of `{name}` cannot be fetched: {why}", todo
    else:
        yield Level.OK, f"the keys of `{name}` can be fetched: {len(keys)}", ""


def look_at_sinks(store: Store, config: Config) -> Found:
    """Look at where checkpoints of the log are kept. Nothing is sent. Raises FactsUnavailable."""
    audit = config.audit
    if audit.folder is None and audit.webhook is None:
        todo = "name `audit.folder` or `audit.webhook`, so that a log that was cut off or replaced can be told"
        yield Level.OK, "checkpoints are kept in the database only: a rollback of all of it cannot be seen", todo
        return
    if not audit.sequences:
        said = "this process sends no checkpoints: `audit.sequences` is `false`"
        yield Level.WARNING, said, "configure the sinks where `sealauthz audit sequence` runs"
    if audit.folder is not None:
        yield from _folder(store, audit.folder, is_ours=audit.sequences)
        yield from _signed(store, audit.folder, config)
    if audit.webhook is not None:
        try:
            Webhook(audit.webhook.get_secret_value()).reach()
            yield Level.OK, "the webhook can be reached; nothing was sent", ""
        except AnchorRefused as error:
            yield Level.WARNING, f"{error}", "see `thread_failed` of `anchor-webhook` in the log of the service"


def _folder(store: Store, path: Path, *, is_ours: bool) -> Found:
    there = next(each for each in (path, *path.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        said = f"`{path}` cannot be written: no checkpoint is kept there"
        yield Level.PROBLEM, said, "let the user of the service add files to it"
        return
    log, folder = Log(store), Folder(path)
    try:
        last = folder.last()
        newest = newest_of(log, last)
    except AnchorRefused as error:
        todo = "`sealauthz audit verify` with the newest checkpoint of the folder; was a database restored?"
        yield Level.PROBLEM, f"`{path}`: {error}", todo
        return
    size = 0 if last is None else last.size
    if newest is None or newest.size == size:
        yield Level.OK, f"`{path}` keeps the newest checkpoint, of {size} records", ""
        return
    age_s = (now_us() - log.head().at) / 1_000_000
    said = f"`{path}` keeps a checkpoint of {size} records, and there is one of {newest.size}"
    if is_ours and age_s > BEHIND_S:
        yield Level.WARNING, said, "does a process serve? See `thread_failed` of `anchor-folder` in its log"
    else:
        yield Level.OK, said, ""


def _signed(store: Store, path: Path, config: Config) -> Found:
    """Look at what the time stamp authority has signed. It is not asked."""
    audit = config.audit
    if audit.timestamps is None or audit.timestamp_roots is None:
        return
    try:
        TimeStamps(audit.timestamps.get_secret_value(), audit.timestamp_roots, Folder(path))
    except ConfigRefused as error:
        yield Level.PROBLEM, f"`audit.timestamps`: {error}: `serve` does not start", "correct the setting"
        return
    head = Log(store).head()
    try:
        newest = Folder(path).newest(STAMP)
    except AnchorRefused as error:
        yield Level.PROBLEM, str(error), "what `audit.timestamps` signs is kept there"
        return
    size, since_s = (newest[0], newest[2]) if newest is not None else (0, 0.0)
    within_s = BEHIND_S + 2 * audit.timestamps_every_s
    said = f"`audit.timestamps` has signed the log with {size} records, and it has {head.size}"
    if size < head.size and now_us() / 1_000_000 - max(since_s, head.at / 1_000_000) > within_s:
        yield Level.WARNING, said, "see `thread_failed` of `anchor-timestamps` in the log of the service"
    else:
        yield Level.OK, said, ""


def look_at_metrics(config: Config) -> Found:
    """Ask the address of metrics for them, as a collector does."""
    listen = config.metrics.listen
    if listen is None:
        todo = "set `metrics.listen`, so that alerts can fire (docs/operating.md)"
        yield Level.OK, "nothing is measured: there is no address", todo
        return
    host, _, port = listen.rpartition(":")
    reached = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - asks, and serves none
    connection = http.client.HTTPConnection(f"{reached}:{port}", timeout=_METRICS_WITHIN_S)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read(_MOST_METRICS).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        said = f"nothing answers at `{listen}`: what happens here is not measured"
        yield Level.WARNING, said, "does a service run here, with this configuration? See `metrics` in its log"
        return
    finally:
        connection.close()
    serving = next((line for line in text.splitlines() if line.startswith("sealauthz_serving_processes ")), "")
    if response.status != http.HTTPStatus.OK or "# TYPE sealauthz_" not in text:
        yield (
            Level.PROBLEM,
            f"what answers at `{listen}` is no service of this kind",
            "give one of them another port",
        )
    elif not serving or float(serving.split()[1]) < 1:
        yield Level.WARNING, f"`{listen}` tells of no process that serves", "see the log of the service"
    else:
        yield Level.OK, f"`{listen}` tells of {float(serving.split()[1]):.0f} processes that serve", ""


def look_at_collector(config: Config) -> Found:
    """Send the collector of traces nothing, and see that it takes it."""
    traces = config.traces
    if traces.endpoint is None:
        yield Level.OK, "no collector: traces are not kept", ""
        return
    try:
        from sealauthz.observability.tracing.otlp import answers, read_ca
        from sealauthz.observability.tracing.tracer import CollectorFailed
    except ImportError:
        said = "`traces.endpoint` needs packages that are not installed: `serve` does not start"
        yield Level.PROBLEM, said, "install `sealauthz[traces]`"
        return
    try:
        ca = read_ca(traces.ca)
    except OSError:
        yield Level.PROBLEM, f"`traces.ca`: `{traces.ca}` cannot be read: `serve` does not start", "correct the setting"
        return
    try:
        took_s = answers(traces.endpoint, ca, _COLLECTOR_WITHIN_S)
    except CollectorFailed as error:
        yield Level.WARNING, f"the collector takes no traces: {error}", "they are lost meanwhile; answers are not"
    else:
        yield Level.OK, f"the collector took a message in {took_s * 1_000:,.0f} ms", ""
