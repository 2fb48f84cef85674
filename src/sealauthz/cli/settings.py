"""The options that several commands share, and what they open: configuration, database, decision point, server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealauthz.cli.app import service_model, work_on
from sealauthz.cli.printing import say
from sealauthz.runtime.errors import ConfigRefused, ExtensionRefused, FactsUnavailable

if TYPE_CHECKING:
    from sealauthz.audit.anchoring import Anchoring
    from sealauthz.audit.note import Signer
    from sealauthz.audit.sequencer import Sequencer
    from sealauthz.config import Config
    from sealauthz.config.asked import Asked
    from sealauthz.decision import Bundle
    from sealauthz.decision.bundle_cache import BundleCache
    from sealauthz.facts import Store
    from sealauthz.facts.store.sweep import Report
    from sealauthz.operations import Assertions, Issuer
    from sealauthz.runtime.background import Failed
    from sealauthz.schema import Model

_LEAST_SECRET = 32

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Add `--config FILE`."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        is_eager=True,  # what the database adds to the model decides which words other options may be
        help="The configuration (TOML). [SEALAUTHZ_CONFIG]",
    )(command)


def insecure_option(command: F) -> F:
    """Add `--insecure`, for commands that look at what `serve --insecure` needs."""
    return click.option("--insecure", is_flag=True, help="For `serve --insecure`, which needs no certificate.")(command)


def store_options(command: F) -> F:
    """Add `--config FILE` and `--database URL`."""
    database = click.option(
        "--database",
        metavar="URL",
        is_eager=True,
        help="The facts: sqlite:///facts.db or postgresql://host/name.  [default: as configured]",
    )
    return config_option(database(command))


def decision_options(command: F) -> F:
    """Add the options that say what to decide with: those of the store, `--policies FOLDER`, `--engine NAME`."""
    policies = click.option(
        "--policies",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="The policies.  [default: as configured, else those installed with sealauthz]",
    )
    engine = click.option(
        "--engine",
        type=click.Choice(["compiled", "oso"]),
        default="compiled",
        show_default=True,
        help="What evaluates the policies; oso is thousands of times slower, for comparison.",
    )
    return store_options(policies(engine(command)))


def load_bundle(config: Config | Asked, policies: Path | None, engine: str, model: Model | None = None) -> Bundle:
    """Load the policies that an option or the configuration names, or the installed ones, for the model of the command
    if no other. Raises BundleRefused.
    """
    # Here, because the engine takes a second to load, and an upgrade of the database does not need it.
    from sealauthz.decision.bundle import Bundle, EngineKind

    folder = policies or config.policies.folder
    return Bundle.load(model or service_model(), folder, EngineKind(engine), cache=bundle_cache())


def bundle_cache() -> BundleCache | None:
    """Return where bundles are kept that were loaded before; None where SEALAUTHZ_CACHE turns that off."""
    from sealauthz.decision.bundle_cache import cache_of

    return cache_of(os.environ)


def read_config(config_file: Path | None = None, database: str | None = None, *, model: Model | None = None) -> Config:
    """Read the configuration, the environment included, for a model. Raises ConfigRefused.

    Without one, the command is about the model that the database holds from now on: that of the configuration, or the
    one that an option names.
    """
    # Here, because it takes a second to load, and a command that asks a server does not need it.
    from sealauthz.config import database_in, load
    from sealauthz.facts.store.upgrading import model_in

    if model is not None:
        return load(model, os.environ, config_file)
    unread = ""
    try:
        work_on(model_in(database or database_in(os.environ, config_file), service_model()))
    except ExtensionRefused:
        raise
    except ConfigRefused:
        pass  # who checks the settings, or the option, says so
    except FactsUnavailable as error:
        unread = str(error)  # who opens the database says so
    try:
        return load(service_model(), os.environ, config_file)
    except ConfigRefused as error:
        if not unread:
            raise
        said = f"{error}; fields that policies have added are known from the database only: {unread}"
        raise ConfigRefused(said) from error


def read_asked(config_file: Path | None, database: str | None) -> tuple[str, Config | Asked]:
    """Read what a question needs of the configuration: the URL of the facts, and which policies decide.

    The command is about the model of these facts from now on. Raises ConfigRefused.
    """
    from sealauthz.config.asked import asked
    from sealauthz.facts.store.upgrading import model_in

    found = asked(os.environ, config_file)
    if found is not None:
        url = database or found.url
        try:
            work_on(model_in(url, service_model()))
        except (FactsUnavailable, ConfigRefused):
            pass  # who reads the whole says so
        else:
            return url, found
    config = read_config(config_file, database)
    return database_url(config, database), config


def added_option(command: F) -> F:
    """Add `--policies FOLDER`: what was added to the records of a server, which this command cannot look up."""
    return click.option(
        "--policies",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        metavar="FOLDER",
        help="With --server: the policies whose model.toml says what was added to the records.",
    )(command)


def on_facts(server: str | None, policies: Path | None, config_file: Path | None, database: str | None) -> None:
    """Have a command on facts be about the model of the database, or of a server with these policies."""
    if server:
        on_policies(policies)
    elif policies is not None:
        raise click.UsageError("--policies needs a --server: a database says itself what was added to its records")
    else:
        read_config(config_file, database)


def on_policies(*folders: Path | None) -> None:
    """Have the command be about the model that the policies in some folders are written for. Raises BundleRefused."""
    from sealauthz.decision.folder import model_for

    work_on(model_for(service_model(), *folders))


def receipt_issuer(config: Config) -> Issuer | None:
    """Return what signs receipts; None where no key is configured. Raises ConfigRefused."""
    if not config.receipts.keys:
        return None
    # Here, because few commands sign.
    from sealauthz.operations import Issuer
    from sealauthz.operations.keys import SigningKeys

    if not config.receipts.issuer:
        raise ConfigRefused("`receipts.issuer` is needed beside `receipts.keys`: receipts name who signed them")
    return Issuer(config.receipts.issuer, SigningKeys.load(config.receipts.keys))


def audit_sequencer(config: Config, store: Store, report: Report) -> Sequencer:
    """Return what gives records their places in the log of decisions. Raises ConfigRefused."""
    from sealauthz.audit.anchoring import Folder
    from sealauthz.audit.sequencer import Sequencer

    name, folder = config.audit.name or f"sealauthz/{store.store_id}", config.audit.folder
    anchor = None if folder is None else Folder(folder).last
    return Sequencer(store, name, audit_signer(config), anchor=anchor, report=report)


def say_reported(event: str, _numbers: Mapping[str, object], error: BaseException | None) -> None:
    """Print what a sequencer of a command reports."""
    say(f"{event}: {error}", err=True)


def pending_key(config: Config) -> bytes:
    """Return the key by which processes know the records of each other that wait for the log; empty without one.

    Raises ConfigRefused for a file that cannot be used.
    """
    file = config.audit.pending_key
    if file is None and config.audit.key is None:
        return b""
    from sealauthz.audit.note import derived_key

    if file is None:
        signer = audit_signer(config)
        secret = b"" if signer is None else signer.secret
    else:
        try:
            secret = file.read_bytes().strip()
        except OSError as error:
            raise ConfigRefused(f"`audit.pending_key`: `{file}` cannot be read") from error
        if len(secret) < _LEAST_SECRET:
            raise ConfigRefused(
                f"`audit.pending_key`: `{file}` holds fewer than {_LEAST_SECRET} bytes: write random ones, as with "
                "`openssl rand -hex 32`"
            )
    return derived_key(secret, "sealauthz audit_pending")


def audit_anchoring(config: Config, store: Store, failed: Failed) -> Anchoring:
    """Return what keeps checkpoints of the log outside of the database, as configured. Raises ConfigRefused."""
    from sealauthz.audit.anchoring import Anchoring, Folder, Sink, Webhook
    from sealauthz.audit.log import Log

    sinks: list[Sink] = [] if config.audit.folder is None else [Folder(config.audit.folder)]
    if config.audit.webhook is not None:
        sinks.append(Webhook(config.audit.webhook.get_secret_value()))
    log, audit = Log(store), config.audit
    if audit.folder is not None and audit.timestamps is not None and audit.timestamp_roots is not None:
        from sealauthz.audit.timestamps import TimeStamps

        url = audit.timestamps.get_secret_value()
        sinks.append(TimeStamps(url, audit.timestamp_roots, Folder(audit.folder), audit.timestamps_every_s))
    return Anchoring(log, sinks, failed)


def audit_signer(config: Config) -> Signer | None:
    """Return what signs checkpoints of the log; None where no key is configured. Raises ConfigRefused."""
    if config.audit.key is None:
        return None
    # Here, because few commands sign.
    from sealauthz.audit.note import Signer

    return Signer.load(config.audit.name, config.audit.key)


def person_assertions(config: Config) -> Assertions | None:
    """Return what verifies assertions of persons; None where no issuer is configured. Raises ConfigRefused."""
    if not config.assertions.issuers:
        return None
    # Here, because few commands act.
    from sealauthz.operations.assertions import Assertions, load_issuer

    issuers = [
        load_issuer(name, issuer.keys, None if issuer.callers == "*" else frozenset(issuer.callers))
        for name, issuer in config.assertions.issuers.items()
    ]
    return Assertions(config.assertions.audience, issuers)


def key_set(issuer: Issuer | None) -> str:
    """Return the public keys of receipts, as the text of a JSON Web Key Set."""
    return json.dumps({"keys": []} if issuer is None else issuer.keys.key_set)


def database_url(config: Config, database: str | None) -> str:
    """Return the URL of the facts: the option, or else the configuration's."""
    return database or config.database.whole_url


@contextmanager
def open_store(config_file: Path | None, database: str | None) -> Iterator[Store]:
    """Open the facts for one command. Raises ConfigRefused, FactsUnavailable."""
    from sealauthz.facts import Store

    config = read_config(config_file, database)
    with closing(Store.open(database_url(config, database), service_model())) as store:
        store.pending_key = cache(partial(pending_key, config))
        yield store
