"""The endpoint where metrics are collected, over plain HTTP in the text form of Prometheus, and health is asked.

Where several workers serve, each writes its numbers to files of a folder, and the supervisor answers with their sum: so
counters go on rising when a worker is replaced.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, make_wsgi_app, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Tells a worker, before it measures anything, where its files go: prometheus_client reads it when it is imported."""


class Endpoint:
    """Answers collectors with a registry until it is closed. Raises OSError where the address cannot be had."""

    def __init__(self, listen: str, registry: CollectorRegistry) -> None:
        host, _, port = listen.rpartition(":")
        self._server, self._thread = start_http_server(int(port), host.removeprefix("[").removesuffix("]"), registry)
        self._server.set_app(_application(registry))
        self.address = f"{host}:{self._server.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _application(registry: CollectorRegistry) -> WSGIApplication:
    """Return what answers: `/metrics`; `/healthz`, with 200 while a process takes calls; 404 to all else."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start_response)
            return found
        status = HTTPStatus.NOT_FOUND
        if path == "/healthz":
            serving = registry.get_sample_value("sealauthz_serving_processes") or 0
            status = HTTPStatus.OK if serving >= 1 else HTTPStatus.SERVICE_UNAVAILABLE
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [f"{status.phrase.lower()}\n".encode()]

    return answer


class WorkersEndpoint:
    """Answers collectors with the sum of workers, which get `environment`. Raises OSError."""

    def __init__(self, listen: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sealauthz-metrics-"))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        try:
            self._endpoint = Endpoint(listen, registry)
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.address = self._endpoint.address

    @property
    def environment(self) -> dict[str, str]:
        """What a worker must be started with."""
        return {FOLDER_VARIABLE: str(self._folder)}

    def forget(self, pid: int) -> None:
        """Leave out what a worker that is gone said of its present state; what it counted stays."""
        with contextlib.suppress(OSError):
            mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Answer no more, and remove the files."""
        self._endpoint.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def answering(listen: str, registry: CollectorRegistry) -> Iterator[Endpoint]:
    """Answer collectors for as long as the block lasts. Raises OSError."""
    endpoint = Endpoint(listen, registry)
    try:
        yield endpoint
    finally:
        endpoint.close()
