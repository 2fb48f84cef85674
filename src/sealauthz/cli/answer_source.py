"""Where answers come from: a decision point in this process, on a database, or a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.printing import say
from sealauthz.cli.settings import decision_options, pending_key, read_asked, read_config, receipt_issuer
from sealauthz.runtime.collector import without_collection

if TYPE_CHECKING:
    from sealauthz.cli.in_process import Acting, InProcess
    from sealauthz.decision import PolicyDecisionPoint
    from sealauthz.facts import Store
    from sealauthz_client import CallFailed, SealAuthzClient
    from sealauthz_client.v1.authorization_pb2 import Consistency

F = TypeVar("F", bound=Callable[..., Any])

_TIMEOUT_S = 10.0
_NOT_CHECKABLE = "NOT_CHECKABLE"

_EXIT_OF = {
    "INVALID_ARGUMENT": Exit.WRONG_USE,
    "UNAUTHENTICATED": Exit.NOT_PERMITTED,
    "PERMISSION_DENIED": Exit.NOT_PERMITTED,
    "NOT_FOUND": Exit.REFUSED,
    "ALREADY_EXISTS": Exit.REFUSED,
    "FAILED_PRECONDITION": Exit.REFUSED,
}
"""By the name of the status, since a command that asks no server loads no gRPC."""


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

    @property
    def address(self) -> str | None:
        """The address of the server that is asked; None for a database."""
        return self.server or (None if self.database else os.environ.get("SEALAUTHZ_ADDRESS"))

    @property
    def consistency(self) -> Consistency | None:
        """What has the newest facts decide: a server is told so, and a decision in this process knows no others."""
        if self.address is None:
            return None
        # Here, because a command on a database calls nobody.
        from sealauthz_client import NEWEST

        return NEWEST


def connection_options(command: F) -> F:
    """Add the options that say how to connect to a server."""
    path = click.Path(path_type=Path, dir_okay=False)
    token = click.option(
        "--token-file", type=path, metavar="FILE", help="Holds the bearer token. [SEALAUTHZ_TOKEN: the token]"
    )
    ca = click.option("--ca", type=path, metavar="FILE", help="The certificates (PEM) to trust. [SEALAUTHZ_TLS_ROOTS]")
    insecure = click.option("--insecure", is_flag=True, help="Plain text instead of TLS; to this machine only.")
    return token(ca(insecure(command)))


def refuse_connection(token_file: Path | None, ca: Path | None, insecure: bool) -> None:
    """Refuse the options that say how to connect to a server, where there is none."""
    for option, is_given in {"--token-file": token_file, "--ca": ca, "--insecure": insecure}.items():
        if is_given:
            raise click.UsageError(f"{option} needs a --server")


def where_options(command: F) -> F:
    """Add the options that say where to ask; the command gets them as one `where`."""

    def with_where(*arguments: Any, **options: Any) -> Any:
        where = Where(**{name: options.pop(name) for name in Where.__dataclass_fields__})
        return command(*arguments, where=where, **options)

    with_where.__doc__, with_where.__name__ = command.__doc__, command.__name__
    with_where.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    server = click.option("--server", metavar="HOST:PORT", help="Ask this server, not a database. [SEALAUTHZ_ADDRESS]")
    language = click.option(
        "--language", type=click.Choice(["en", "zh"]), help="Add texts for the person, in this language."
    )
    return decision_options(server(connection_options(language(with_where))))  # type: ignore[return-value]


@contextmanager
def answer_source(where: Where) -> Iterator[InProcess | SealAuthzClient]:
    """Open where the options say to ask. A failed call ends the command."""
    address = where.address
    if where.server and where.database:
        raise click.UsageError("ask either a --server or a --database, not both")
    if address is not None and where.engine != "compiled":
        raise click.UsageError("--engine is for a --database: a server has its own")
    if address is not None and where.policies is not None:
        raise click.UsageError("--policies is for a --database: a server has its own")
    if address is None:
        refuse_connection(where.token_file, where.ca, where.insecure)
        with _in_process(where) as source:
            yield source
        return
    with connected(address, where.token_file, where.ca, where.insecure) as client:
        yield client


@contextmanager
def connected(address: str, token_file: Path | None, ca: Path | None, insecure: bool) -> Iterator[SealAuthzClient]:
    """Connect to a server as the options say. A failed call ends the command."""
    # Here, because a command on a database calls nobody.
    from sealauthz_client import CallFailed, SealAuthzClient

    shown = os.environ.get("SEALAUTHZ_CERTIFICATE")
    certificate = Path(shown).read_bytes() if shown and not insecure else None
    try:
        client = SealAuthzClient(
            address,
            _token(token_file, certificate),
            tls_roots=_roots(ca, insecure),
            certificate=certificate,
            insecure=insecure,
            timeout_s=_TIMEOUT_S,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with client:
        try:
            yield client
        except CallFailed as error:
            raise _stopped(error, address, insecure) from error


def watched_address(server: str | None) -> str:
    """Return the address of the server to watch. Raises UsageError where none is named."""
    address = server or os.environ.get("SEALAUTHZ_ADDRESS")
    if not address:
        raise click.UsageError("name the --server to watch, or set SEALAUTHZ_ADDRESS")
    return address


def outage_reporter(address: str) -> Callable[[CallFailed], None]:
    """Return what says that a watch waits for its server."""

    def report_outage(failed: CallFailed) -> None:
        # What the server says has a reason; the text of grpc names sockets.
        why = failed.message if failed.reason else f"the server `{address}` cannot be reached"
        say(f"{why}; trying again", err=True)

    return report_outage


@contextmanager
def _in_process(where: Where) -> Iterator[InProcess]:
    with ExitStack() as stack:
        with without_collection():
            # Here, because asking a server does not need the engine, which takes a second to load.
            from sealauthz.cli.active_policies import policies_at_hand
            from sealauthz.cli.in_process import InProcess
            from sealauthz.decision import PolicyDecisionPoint
            from sealauthz.facts import FactCache, Store

            url, config = read_asked(where.config_file, where.database)
            store = stack.enter_context(closing(Store.open(url, service_model())))
            policies = policies_at_hand(store, config, where.policies, where.engine)
        pdp = PolicyDecisionPoint(FactCache(store), policies)
        yield InProcess(pdp, cache(lambda: _acting(where, store, pdp)))


def _acting(where: Where, store: Store, pdp: PolicyDecisionPoint) -> Acting:
    """Return what carries acts out, with what signs for the persons. Raises ConfigRefused."""
    # Here, because few commands act.
    from sealauthz.cli.in_process import Acting
    from sealauthz.operations import Assertions, Operations
    from sealauthz_client.assertions import Signer

    config = read_config(where.config_file, where.database)
    store.pending_key = cache(partial(pending_key, config))
    issuer = receipt_issuer(config)
    # No rights are checked here: who runs the command vouches for the person, too.
    signer = Signer.fresh("command line", "command line")
    assertions = Assertions.of("command line", signer.key_set)
    return Acting(Operations(store, pdp, issuer, assertions), signer)


def _stopped(error: CallFailed, address: str, insecure: bool) -> Stop:
    code = _EXIT_OF.get(error.code.name, Exit.NO_ANSWER)
    if error.reason == _NOT_CHECKABLE:
        code = Exit.NO_ANSWER  # neither allowed nor denied
    is_open = bool(error.request_id) and code is Exit.NO_ANSWER
    again = f"; it may have been performed, which --request-id {error.request_id} tells" if is_open else ""
    if error.code.name == "UNAVAILABLE" and not error.reason:
        # The text of grpc names sockets and retries; the address and whether TLS was used help more.
        how = "in plain text" if insecure else "over TLS"
        return Stop(f"no server answers at `{address}` {how}{again}", code)
    digest = error.metadata.get("digest", "")
    signed = f": --assertion-file, over {digest} with --request-id {error.request_id}" if digest else ""
    return Stop(f"{error.message or error.code.name}{signed}{again}", code)


def _token(token_file: Path | None, certificate: bytes | None) -> str:
    if token_file is not None:
        token = token_file.read_bytes().decode("utf-8", "replace").strip()
    else:
        token = os.environ.get("SEALAUTHZ_TOKEN", "")
    if not token and certificate is not None:
        return ""
    if not token:
        raise click.UsageError("a server needs a token: --token-file FILE, or SEALAUTHZ_TOKEN in the environment")
    if not token.isascii() or not token.isprintable():
        raise click.UsageError("the token must be one line of printable ASCII characters")
    return token


def _roots(ca: Path | None, insecure: bool) -> bytes | None:
    file = ca or os.environ.get("SEALAUTHZ_TLS_ROOTS")
    return None if insecure or not file else Path(file).read_bytes()
