"""The commands on facts, as one group: `facts import`, `export`, `show`, `watch`, and those on open imports."""

from __future__ import annotations

import click

from sealauthz.cli.facts_import import facts_abandon, facts_import, facts_imports
from sealauthz.cli.facts_show import facts_export, facts_show
from sealauthz.cli.facts_watch import facts_watch


@click.group()
def facts() -> None:
    """Read and write facts, directly in the database unless a server is named.

    A fact is one record: a person, a membership, a seal. As text it is one
    line of JSON, the `Fact` message of the protos:

    \b
      {"seal": {"id": "seal-1", "enterprise_id": "e-1", "name": "Contracts",
                "kind": "SEAL_KIND_CONTRACT", "state": "SEAL_STATE_ACTIVE"}}
    """


for command in (facts_import, facts_imports, facts_abandon, facts_watch, facts_export, facts_show):
    facts.add_command(command)
