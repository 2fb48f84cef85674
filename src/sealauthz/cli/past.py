"""The options and sources of commands that look back: `--at`, and what decides as of the past."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sealauthz.cli.answer_source import Where, connected, refuse_connection
from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.moments import When
from sealauthz.cli.output import rfc3339
from sealauthz.cli.settings import bundle_cache, load_bundle, open_store, read_config
from sealauthz.runtime.errors import PastUnknown
from sealauthz.runtime.terminal import instant, requirements_tree
from sealauthz_client import ContextValue
from sealauthz_client.answers import PastDecision

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sealauthz.audit.as_of import AsOf
    from sealauthz.config import Config
    from sealauthz.decision import Bundle
    from sealauthz.facts import Store
    from sealauthz.rollout.kept import KeptPolicies


def kept_policies(store: Store, config: Config, folder: Path | None) -> tuple[KeptPolicies, str]:
    """Return the policies of the past, and the version of a folder that an option names; empty without one.

    Raises BundleRefused for that folder.
    """
    from sealauthz.rollout.kept import KeptPolicies

    named: Bundle | None = None if folder is None else load_bundle(config, folder, "compiled", store.model)

    def at_hand(version: str) -> Bundle | None:
        return named if named is not None and named.version == version else None

    def otherwise() -> Bundle:
        return load_bundle(config, None, "compiled", store.model)

    kept = KeptPolicies(store, at_hand, bundle_cache(), otherwise)
    return kept, "" if named is None else named.version


@contextmanager
def past_of(config_file: Path | None, database: str | None, folder: Path | None) -> Iterator[tuple[Store, AsOf, str]]:
    """Open a database to look back with; the version is that of the folder."""
    from sealauthz.audit.as_of import AsOf

    config = read_config(config_file, database)
    with open_store(config_file, database) as store:
        kept, version = kept_policies(store, config, folder)
        yield store, AsOf(store, kept.of), version


def decide_as_of(
    where: Where,
    question: tuple[str, str, str],
    context: dict[str, ContextValue],
    at: When,
    policy_version: str,
) -> PastDecision:
    """Decide as of the past where the options say to ask. Raises PastUnknown."""
    revision, instant_ = at
    if where.address is not None:
        if where.policies is not None:
            raise click.UsageError("--policies is for a --database: a server has its own")
        with connected(where.address, where.token_file, where.ca, where.insecure) as client:
            time = None if instant_ is None else _time(instant_)
            return client.decide_as_of(*question, context, revision=revision, time=time, policy_version=policy_version)
    refuse_connection(where.token_file, where.ca, where.insecure)
    from sealauthz.audit.as_of import Moment
    from sealauthz.cli.in_process import CLI_OPTIONS, question_of

    with past_of(where.config_file, where.database, where.policies) as (_, as_of, named):
        asked = question_of(*question, context)
        try:
            found = as_of.decide(asked, Moment(revision, instant_), CLI_OPTIONS, policy_version or named)
        except PastUnknown as error:
            if error.cause != "POLICY_NOT_KEPT":
                raise
            raise Stop(f"{error}: name the folder that holds them with --policies", Exit.NO_ANSWER) from error
        return found.answer()


def _time(micros: int) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=micros)


def past_json(found: PastDecision) -> dict[str, Any]:
    """Return a decision as of the past as JSON."""
    return {
        "effect_then": found.effect,
        "reasons": list(found.reasons),
        "obligations": list(found.obligations),
        "policy_version": found.policy_version,
        "policy_activated": found.is_activated,
        "revision": found.revision,
        "as_of": rfc3339(found.decided_at),
        "requirements": [dataclasses.asdict(outcome) for outcome in found.requirements],
    }


def past_page(question: str, found: PastDecision) -> RenderableType:
    """Lay out a decision as of the past, with the rules that proved it."""
    from rich.console import Group
    from rich.text import Text

    style = "bold green" if found.effect == "ALLOW" else "bold red"
    policies = f"policy {found.policy_version}" + ("" if found.is_activated else ", which was named, not activated")
    parts: list[Any] = [
        Text.assemble((f"{found.effect} THEN", style), f"  {question}"),
        *(Text(code, style="bold") for code in found.reasons),
    ]
    if found.obligations:
        parts.append(Text(f"must   {', '.join(found.obligations)}"))
    said = f"as of {instant(found.decided_at)}: facts at revision {found.revision}, {policies}\nit permits nothing now"
    parts.append(Text(said, style="dim"))
    if found.requirements:
        parts += [Text(), requirements_tree("requirements of the action", found.requirements)]
    return Group(*parts)
