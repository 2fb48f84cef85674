"""The commands that act: `perform`, `operation` (what was performed) and `keys` (which verify its receipt)."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import click

from sealauthz.cli.answer_source import (
    Where,
    answer_source,
    connected,
    connection_options,
    refuse_connection,
    where_options,
)
from sealauthz.cli.app import Exit
from sealauthz.cli.arguments import ArgumentEntry, arguments_from
from sealauthz.cli.asking import GivenContext, as_mapping, print_answer, question_arguments
from sealauthz.cli.output import operation_json, output_option, performed_json, print_json
from sealauthz.cli.settings import config_option, key_set, read_config, receipt_issuer
from sealauthz.runtime.terminal import operation_page, performed_page

SIGN_WITH = "SEALAUTHZ_SIGN_WITH"
"""Names the file of the key that signs for persons, as `serve --demo` prints it."""

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@question_arguments
@click.option(
    "-a",
    "--argument",
    "arguments",
    type=ArgumentEntry(),
    multiple=True,
    help="An argument of the act, or NAME:=JSON; may be repeated.",
)
@click.option("--request-id", metavar="ID", help="Your id of this act, which happens once.  [default: a fresh one]")
@click.option(
    "--assertion-file", type=_FILE, metavar="FILE", help="Holds the person's signed assertion of this very request."
)
@click.option(
    "--sign-with",
    type=_FILE,
    metavar="FILE",
    help="Signs the assertion with this private key (PEM), for trying things out. [SEALAUTHZ_SIGN_WITH]",
)
@click.option("--issuer", metavar="NAME", default="demo", show_default=True, help="Whose key --sign-with is.")
@click.option(
    "--audience", metavar="NAME", default="demo", show_default=True, help="The service that --sign-with names."
)
@where_options
@output_option
def perform(
    *,
    subject: str,
    action: str,
    resource: str,
    context: GivenContext,
    arguments: tuple[tuple[str, bool, str], ...],
    request_id: str | None,
    assertion_file: Path | None,
    sign_with: Path | None,
    issuer: str,
    audience: str,
    where: Where,
    output: str,
) -> int:
    """Carry out ACTION of SUBJECT on RESOURCE, if it is allowed.

    Decides like `check` and, if that allows, does what the action does, in one
    transaction: all of it or nothing. Exits with 0 if it was performed and
    with 1 if it was denied. The same --request-id again performs nothing and
    shows the first answer.

    An argument is written in the form that the action declares: a text, a
    whole number, `true` or `false`, a time with its zone. A list is given item
    by item, or as NAME:=JSON, and so is a record.

    Some acts need the person's signed assertion of this very request; the
    error of one without it names the digest that is to be signed.

    \b
      sealauthz perform Person:p-chen freeze Seal:seal-official \\
        --request-id freeze-1
      sealauthz perform Person:p-chen create_seal Enterprise:e-yunshan \\
        -c kind=OTHER -a name=样品专用章 --server 127.0.0.1:8443 --insecure
    """
    request_id = request_id or str(uuid.uuid4())
    given = arguments_from(action, resource.partition(":")[0], arguments)
    asked = as_mapping(context)
    if assertion_file is not None and sign_with is not None:
        raise click.UsageError("give an --assertion-file or --sign-with, not both")
    if where.address is None and (assertion_file or sign_with):
        raise click.UsageError("an assertion is for a --server: who acts on a --database vouches for the person")
    # A file that is given wins over the key of the environment.
    key = sign_with or (None if assertion_file or where.address is None else os.environ.get(SIGN_WITH))
    assertion = assertion_file.read_bytes().decode("ascii", "replace").strip() if assertion_file else ""
    if key:
        # Here, because few acts are signed for from the command line.
        from sealauthz_client.assertions import Signer, digest_of

        try:
            signer = Signer.load(Path(key), issuer, audience)
        except ValueError as error:
            raise click.UsageError(f"--sign-with: {error}") from error
        assertion = signer.sign(subject, digest_of(subject, action, resource, asked, given, request_id=request_id))
    with answer_source(where) as source:
        performed = source.perform(
            subject,
            action,
            resource,
            asked,
            given,
            request_id=request_id,
            assertion=assertion,
            language=where.language or "",
        )
    print_answer(output, performed_json(performed), performed_page(f"{subject} {action} {resource}", performed))
    return Exit.DONE if performed else Exit.REFUSED


@click.command()
@click.argument("operation_id", metavar="ID")
@where_options
@output_option
def operation(*, operation_id: str, where: Where, output: str) -> int:
    """Show an operation that was performed.

    A server shows a caller its own operations only, a database those of
    `perform` on it. Exits with 1 if there is none of this id.

    \b
      sealauthz operation 7b0c9d52-0c7e-4a55-9f5d-2d2a4f0e8f11
    """
    with answer_source(where) as source:
        found = source.operation(operation_id)
    print_answer(output, operation_json(found), operation_page(found))
    return Exit.DONE


@click.command()
@config_option
@click.option("--server", metavar="HOST:PORT", help="Ask this server, not the configuration. [SEALAUTHZ_ADDRESS]")
@connection_options
def keys(
    *,
    config_file: Path | None,
    server: str | None,
    token_file: Path | None,
    ca: Path | None,
    insecure: bool,
) -> int:
    """Print the public keys that verify receipts, as a JSON Web Key Set.

    Who acts on receipts verifies them with this file alone. It holds no secret.

    \b
      sealauthz keys --config /etc/sealauthz.toml > keys.json
      sealauthz keys --server 127.0.0.1:8443 --insecure > keys.json
    """
    address = server or (None if config_file else os.environ.get("SEALAUTHZ_ADDRESS"))
    if address is None:
        refuse_connection(token_file, ca, insecure)
        found = json.loads(key_set(receipt_issuer(read_config(config_file))))
    else:
        with connected(address, token_file, ca, insecure) as client:
            found = client.keys()
    print_json(found)
    return Exit.DONE
