"""What serves over HTTP, put together: the application and its port."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from sealauthz.observability.log import Log
from sealauthz.runtime.background import Background
from sealauthz.service.http.application import Application
from sealauthz.service.http.listener import Listener
from sealauthz.service.interceptor import Interceptor


@dataclass(frozen=True, slots=True)
class Http:
    """Serves over HTTP what services are added to `application`. Raises ConfigRefused where the port cannot be had."""

    application: Application
    listener: Listener

    @classmethod
    def on(
        cls,
        listen: str,
        interceptor: Interceptor,
        log: Log,
        newest_context: Callable[[], ssl.SSLContext] | None,
        *,
        shares_port: bool,
    ) -> Http:
        """Hold the port."""
        application = Application(interceptor, log)
        listener = Listener(listen, application, newest_context, shares_port=shares_port, failed=log.thread_failed)
        return cls(application, listener)

    @property
    def threads(self) -> tuple[Background, ...]:
        """The threads that answers over HTTP rest on."""
        return self.listener.thread, self.application.reception.thread

    def start(self) -> None:
        """Take requests."""
        self.application.reception.start()
        self.listener.start()

    def close(self) -> None:
        """Wait until the listener has stopped, and give the threads back."""
        self.listener.join()
        self.application.reception.close()
