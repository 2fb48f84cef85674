"""The command `policy schema`: what editors need to complete and check policy tests while they are written."""

from __future__ import annotations

from pathlib import Path

import click

from sealauthz.cli.app import service_model
from sealauthz.cli.output import print_json


@click.command("schema")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
def policy_schema(*, folder: Path | None) -> None:
    """Print the JSON Schema of policy tests.

    With FOLDER, it also suggests the actions, reasons, next steps and rules that
    the policies in it know. An editor that speaks YAML uses the file that a
    comment at the top of the tests names:

    \b
      sealauthz policy schema policies/ > policies/tests/.schema.json
      # yaml-language-server: $schema=.schema.json
    """
    from sealauthz.policytest.form import json_schema

    model = service_model()
    if folder is None:
        print_json(json_schema(model))
        return
    from sealauthz.decision import Bundle
    from sealauthz.policytest.loading import Vocabulary

    print_json(json_schema(model, Vocabulary(Bundle.load(model, folder)).suggestions()))
