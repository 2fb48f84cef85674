"""What SIGHUP reloads in a service: its certificate, its callers with their rights and limits, who issues tokens of
callers, whose word counts as a person's own, the policies of a folder, whose signature they need, and how much is
logged.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Iterator

from sealauthz.audit.record import event_record
from sealauthz.audit.recorder import Recorder
from sealauthz.cli.folder_policies import FolderPolicies
from sealauthz.cli.settings import person_assertions
from sealauthz.config import Config
from sealauthz.facts.store.store import now_us
from sealauthz.observability.log import Log, Threshold
from sealauthz.operations import Operations
from sealauthz.rollout import Shipping, Signers
from sealauthz.runtime.errors import BundleRefused, ConfigRefused
from sealauthz.schema import Model
from sealauthz.service import Server
from sealauthz.service.issuer_keys import KeySources

RIGHTS = ("rpcs", "enterprises", "read", "write", "performs", "sees_operator_reasons", "share", "calls_per_s")
"""The settings of a caller that say what it may do."""


class Reload:
    """Reads the configuration again and has the server go by it: by all of it that can be reloaded, or by nothing."""

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        model: Model,
        server: Server,
        acts: Operations,
        log: Log,
        sources: KeySources | None = None,
        folder: FolderPolicies | None = None,
        shipping: Shipping | None = None,
        threshold: Threshold | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        self._begun_with = config
        self._read = read
        self._model = model
        self._server = server
        self._acts = acts
        self._log = log
        self._sources = sources or KeySources()
        self._folder = folder
        self._shipping = shipping
        self._threshold = threshold

    def __call__(self) -> None:
        """Reload, and log how that went: `reloaded`, or `reload_refused` and everything is as before."""
        try:
            config = self._read()
            assertions = person_assertions(config)
            signers = Signers(config.policies.signers)
            bundle = None if self._folder is None else self._folder.read(config)
            has_new_certificate = self._server.reload(config.caller_rights(self._model, self._sources))
        except (ConfigRefused, BundleRefused) as error:
            self._log.error("reload_refused", message=str(error))
            self._sources.forget()
            return
        except Exception as error:  # noqa: BLE001 (the thread that takes the signal must go on)
            self._log.error("reload_refused", error)
            self._sources.forget()
            return
        self._sources.use()
        self._acts.assertions = assertions
        if self._shipping is not None:
            self._shipping.signers = signers
        if self._threshold is not None:
            self._threshold.level = config.server.log_level
        has_new_policies = bundle is not None and self._folder is not None and self._folder.use(bundle)
        if bundle is not None:
            # A bundle refers to itself, and the collector looks at what is old only when there is a quarter more of it:
            # ten reloads would take 200 MB.
            del bundle
            gc.collect()
        if self._recorder is not None:
            self._recorder.note(rights_record(config))
        waiting = list(_changed(self._begun_with, config))
        self._log.info(
            "reloaded",
            callers=len(config.callers),
            has_new_certificate=has_new_certificate,
            has_new_policies=has_new_policies,
            needs_restart=waiting,
        )


def rights_record(config: Config) -> str:
    """Return the record of who may do what from now on: for each caller the digest of its rights, by which two
    configurations are compared, and whose word counts as a person's own. No token is in it.
    """
    callers = {}
    for name, caller in config.callers.items():
        # What a caller is known by is no right, and is secret.
        rights = {key: getattr(caller, key) for key in RIGHTS}
        callers[name] = hashlib.sha256(json.dumps(rights, sort_keys=True).encode()).hexdigest()[:16]
    return event_record("Callers", now_us(), callers=callers, issuers=sorted(config.assertions.issuers))


def _changed(before: Config, after: Config) -> Iterator[str]:
    """Yield the settings that differ and are not reloaded."""
    for section in Config.model_fields:
        if section == "callers":
            continue
        was, is_now = getattr(before, section), getattr(after, section)
        for name in type(was).model_fields:
            if f"{section}.{name}" not in _RELOADED and getattr(was, name) != getattr(is_now, name):
                yield f"{section}.{name}"


_RELOADED = {
    "server.caller_share",
    "server.caller_calls_per_s",
    "assertions.audience",
    "assertions.issuers",
    "jwt.issuers",
    "server.log_level",
    "policies.folder",
    "policies.signers",
}
