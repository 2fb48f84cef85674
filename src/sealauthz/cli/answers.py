"""Where answers come from: a decision point in this process, on a database, or a server."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click
import grpc

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.settings import (
    config_option,
    database_option,
    engine_option,
    load_bundle,
    open_store,
    policies_option,
    read_config,
)
from sealauthz.client import NEWEST, CallFailed, SealAuthzClient
from sealauthz.terminal import Decision, Explanation, Listed

if TYPE_CHECKING:
    from sealauthz.decision import Entity, PolicyDecisionPoint
    from sealauthz.decision.question import ListQuery

F = TypeVar("F", bound=Callable[..., Any])

_TIMEOUT_S = 10.0

_EXIT_OF = {
    grpc.StatusCode.INVALID_ARGUMENT: Exit.WRONG_USE,
    grpc.StatusCode.UNAUTHENTICATED: Exit.NOT_PERMITTED,
    grpc.StatusCode.PERMISSION_DENIED: Exit.NOT_PERMITTED,
}


class Answers(Protocol):
    """Where answers come from."""

    def check(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Decide one question."""
        ...

    def explain(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Explanation:
        """Decide one question and tell the rules."""
        ...

    def actions(self, subject: str, resource: str, context: Mapping[str, str]) -> Mapping[str, Decision]:
        """Decide every action of the resource's type."""
        ...

    def resources(
        self, subject: str, action: str, resource_type: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List the resources of a type on which the subject may act, page by page."""
        ...

    def subjects(
        self, subject_type: str, action: str, resource: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List who may act on the resource, page by page."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """Answers from a decision point in this process, on a database. Nobody is asked for rights."""

    pdp: PolicyDecisionPoint
    language: str

    def check(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Decide one question."""
        decision = self.pdp.decide(_question(subject, action, resource, context), caller="cli")
        return decision.told(self.language) if self.language else decision

    def explain(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Explanation:
        """Decide one question and tell the rules."""
        explanation = self.pdp.explain(_question(subject, action, resource, context), caller="cli")
        if self.language:
            explanation = dataclasses.replace(explanation, decision=explanation.decision.told(self.language))
        return explanation

    def actions(self, subject: str, resource: str, context: Mapping[str, str]) -> Mapping[str, Decision]:
        """Decide every action of the resource's type."""
        question = _question(subject, "", resource, context)
        decisions = self.pdp.actions(question.subject, question.resource, question.context, caller="cli")
        return {
            decision.question.action: decision.told(self.language) if self.language else decision
            for decision in decisions
        }

    def resources(
        self, subject: str, action: str, resource_type: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List the resources of a type on which the subject may act, page by page."""
        from sealauthz.decision.question import ListQuery
        from sealauthz.polar.reach import Root

        return self._pages(ListQuery(Root.SUBJECT, _entity(subject), action, resource_type, context), page_size)

    def subjects(
        self, subject_type: str, action: str, resource: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List who may act on the resource, page by page."""
        from sealauthz.decision.question import ListQuery
        from sealauthz.polar.reach import Root

        return self._pages(ListQuery(Root.RESOURCE, _entity(resource), action, subject_type, context), page_size)

    def _pages(self, query: ListQuery, page_size: int) -> Iterator[Listed]:
        from sealauthz.decision.paging import Paging

        token = ""
        while True:
            page = self.pdp.list_page(query, Paging(page_size, token), caller="cli")
            yield page
            token = page.next_page_token
            if not token:
                return


@dataclass(frozen=True, slots=True)
class OverGrpc:
    """Answers from a server, within the rights of the caller that the token stands for.

    They are on the newest facts: whoever asks by hand has often just changed some.
    """

    client: SealAuthzClient
    language: str

    def check(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Decide one question."""
        return self.client.authorize(subject, action, resource, context, language=self.language, consistency=NEWEST)

    def explain(self, subject: str, action: str, resource: str, context: Mapping[str, str]) -> Explanation:
        """Decide one question and tell the rules."""
        return self.client.explain(subject, action, resource, context, language=self.language, consistency=NEWEST)

    def actions(self, subject: str, resource: str, context: Mapping[str, str]) -> Mapping[str, Decision]:
        """Decide every action of the resource's type."""
        return self.client.list_actions(subject, resource, context, language=self.language, consistency=NEWEST)

    def resources(
        self, subject: str, action: str, resource_type: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List the resources of a type on which the subject may act, page by page."""
        return self.client.resource_pages(
            subject, action, resource_type, context, page_size=page_size, consistency=NEWEST
        )

    def subjects(
        self, subject_type: str, action: str, resource: str, context: Mapping[str, str], page_size: int
    ) -> Iterator[Listed]:
        """List who may act on the resource, page by page."""
        return self.client.subject_pages(
            subject_type, action, resource, context, page_size=page_size, consistency=NEWEST
        )


@dataclass(frozen=True, slots=True)
class Where:
    """Where to ask, as the options say."""

    config_file: Path | None
    database: str | None
    policies: Path | None
    engine: str
    server: str | None
    token_file: Path | None
    ca: Path | None
    insecure: bool
    language: str | None


def connection_options(command: F) -> F:
    """Add the options that say how to speak to a server."""
    path = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--insecure", is_flag=True, help="Ask the server in plain text; on this machine only."),
        click.option("--ca", type=path, metavar="FILE", help="The certificates (PEM) to trust. [SEALAUTHZ_TLS_ROOTS]"),
        click.option(
            "--token-file", type=path, metavar="FILE", help="Holds the bearer token. [SEALAUTHZ_TOKEN: the token]"
        ),
    ):
        command = option(command)
    return command


def where_options(command: F) -> F:
    """Add the options that say where to ask; the command gets them as one `where`."""

    def with_where(*arguments: Any, **options: Any) -> Any:
        where = Where(**{name: options.pop(name) for name in Where.__dataclass_fields__})
        return command(*arguments, where=where, **options)

    with_where.__doc__, with_where.__name__ = command.__doc__, command.__name__
    with_where.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option(
            "--language", type=click.Choice(["en", "zh"]), help="Also tell what to say to the person, in this language."
        ),
        connection_options,
        click.option("--server", metavar="HOST:PORT", help="Ask this server, not a database. [SEALAUTHZ_ADDRESS]"),
        engine_option,
        policies_option,
        database_option,
        config_option,
    ):
        with_where = option(with_where)
    return with_where  # type: ignore[return-value]


@contextmanager
def answers(where: Where) -> Iterator[Answers]:
    """Open where the options say to ask. A failed call ends the command."""
    address = where.server or (None if where.database else os.environ.get("SEALAUTHZ_ADDRESS"))
    if where.server and where.database:
        raise click.UsageError("ask either a --server or a --database, not both")
    if address is not None and where.engine != "compiled":
        raise click.UsageError("--engine is for a --database: a server has its own")
    if address is not None and where.policies is not None:
        raise click.UsageError("--policies is for a --database: a server has its own")
    if address is None:
        for name in ("token_file", "ca", "insecure"):
            if getattr(where, name):
                raise click.UsageError(f"--{name.replace('_', '-')} needs a --server")
        with _in_process(where) as source:
            yield source
        return
    with connected(address, where.token_file, where.ca, where.insecure) as client:
        yield OverGrpc(client, where.language or "")


@contextmanager
def connected(address: str, token_file: Path | None, ca: Path | None, insecure: bool) -> Iterator[SealAuthzClient]:
    """Connect to a server as the options say. A failed call ends the command."""
    try:
        client = SealAuthzClient(
            address, _token(token_file), tls_roots=_roots(ca, insecure), insecure=insecure, timeout_s=_TIMEOUT_S
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with client:
        try:
            yield client
        except CallFailed as error:
            raise _stopped(error, address, insecure) from error


@contextmanager
def _in_process(where: Where) -> Iterator[Answers]:
    # Here, because asking a server does without the engine, which takes its time to load.
    from sealauthz.decision import PolicyDecisionPoint
    from sealauthz.facts import FactCache

    bundle = load_bundle(read_config(where.config_file), where.policies, where.engine)
    with open_store(where.config_file, where.database) as store:
        yield InProcess(PolicyDecisionPoint(FactCache(store), bundle), where.language or "")


def _stopped(error: CallFailed, address: str, insecure: bool) -> Stop:
    code = _EXIT_OF.get(error.code, Exit.NO_ANSWER)
    if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
        # grpc's own text names sockets and retries; what helps is the address and how it was spoken to.
        how = "in plain text" if insecure else "over TLS"
        return Stop(f"no server answers at `{address}` {how}", code)
    return Stop(error.message or error.code.name, code)


def _token(token_file: Path | None) -> str:
    if token_file is not None:
        token = token_file.read_bytes().decode("utf-8", "replace").strip()
    else:
        token = os.environ.get("SEALAUTHZ_TOKEN", "")
    if not token:
        raise click.UsageError("a server wants a token: --token-file FILE, or SEALAUTHZ_TOKEN in the environment")
    if not token.isascii() or not token.isprintable():
        raise click.UsageError("the token must be one line of printable ASCII characters")
    return token


def _roots(ca: Path | None, insecure: bool) -> bytes | None:
    file = ca or os.environ.get("SEALAUTHZ_TLS_ROOTS")
    return None if insecure or not file else Path(file).read_bytes()


def _question(subject: str, action: str, resource: str, context: Mapping[str, str]) -> Any:
    from sealauthz.decision import Question

    return Question(_entity(subject), action, _entity(resource), context)


def _entity(text: str) -> Entity:
    from sealauthz.decision import Entity

    record_type, _, record_id = text.partition(":")
    return Entity(record_type, record_id)
