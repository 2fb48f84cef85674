"""The command of probes: `health`. It needs no token, as health itself does not, and loads no engine."""

from __future__ import annotations

import os
from pathlib import Path

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from sealauthz.cli.app import Exit, Stop
from sealauthz.cli.printing import say
from sealauthz_client.transport import Connection


@click.command()
@click.option("--server", metavar="HOST:PORT", help="The server to ask. [SEALAUTHZ_ADDRESS]")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The certificates (PEM) to trust. [SEALAUTHZ_TLS_ROOTS]",
)
@click.option("--server-name", metavar="NAME", help="A name of the server's certificate, if HOST is none.")
@click.option("--insecure", is_flag=True, help="Plain text instead of TLS; to this machine only.")
@click.option(
    "--timeout", type=click.FloatRange(0, 60, min_open=True), default=3.0, show_default=True, metavar="SECONDS"
)
def health(*, server: str | None, ca: Path | None, server_name: str | None, insecure: bool, timeout: float) -> int:
    """Does a server take calls?

    Exits with 0 if it says SERVING, with 3 if it says otherwise or nothing.
    For the probes of containers, which cannot speak gRPC over TLS themselves.
    A probe reaches the server as localhost, and says with --server-name which
    name its certificate must have.

    \b
      sealauthz health --server 127.0.0.1:8443 --ca ca.pem
      sealauthz health --server localhost:8443 --server-name authz --ca ca.pem
    """
    address = server or os.environ.get("SEALAUTHZ_ADDRESS")
    if not address:
        raise click.UsageError("name the --server to ask, or set SEALAUTHZ_ADDRESS")
    roots = ca or os.environ.get("SEALAUTHZ_TLS_ROOTS") or None
    shown = os.environ.get("SEALAUTHZ_CERTIFICATE")
    try:
        connection = Connection(
            address,
            "",
            tls_roots=None if insecure or roots is None else Path(roots).read_bytes(),
            certificate=Path(shown).read_bytes() if shown and not insecure else None,
            insecure=insecure,
            channel_options=[("grpc.ssl_target_name_override", server_name)] if server_name else (),
        )
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    with connection:
        try:
            reply = health_pb2_grpc.HealthStub(connection.channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout
            )
        except grpc.RpcError as error:
            how = "in plain text" if insecure else "over TLS"
            raise Stop(f"no server answers at `{address}` {how} ({error.code().name})", Exit.NO_ANSWER) from error
    said: str = health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)
    say(said)
    return Exit.DONE if reply.status == health_pb2.HealthCheckResponse.SERVING else Exit.NO_ANSWER
