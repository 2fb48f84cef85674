"""The commands that work on policies, as one group; `policy compile` and `policy schema` are here."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.output import print_json
from sealauthz.cli.policy_attack import policy_attack
from sealauthz.cli.policy_check import folder_argument, policy_check
from sealauthz.cli.policy_diff import policy_diff
from sealauthz.cli.policy_fmt import policy_fmt
from sealauthz.cli.policy_new_rule import policy_new_rule
from sealauthz.cli.policy_rule import policy_rule
from sealauthz.cli.policy_shadow import policy_shadow
from sealauthz.cli.policy_ship import (
    policy_activate,
    policy_compare,
    policy_propose,
    policy_rollback,
    policy_show,
    policy_versions,
)
from sealauthz.cli.policy_test import policy_mutate, policy_test
from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache, on_policies
from sealauthz.runtime.errors import did_you_mean

if TYPE_CHECKING:
    from sealauthz.decision import Bundle

_HEAD = re.compile(r"def (?:r\d+_)+(\w+?)(?:_(?:part|either))*\(", re.ASCII)
"""The head of a function that the compiler made, with the name of its rule."""


@click.group()
def policy() -> None:
    """Work with policies."""


policy.add_command(policy_check)
policy.add_command(policy_fmt)
policy.add_command(policy_new_rule)
policy.add_command(policy_rule)
policy.add_command(policy_test)
policy.add_command(policy_mutate)
policy.add_command(policy_diff)
policy.add_command(policy_attack)
policy.add_command(policy_versions)
policy.add_command(policy_show)
policy.add_command(policy_propose)
policy.add_command(policy_compare)
policy.add_command(policy_activate)
policy.add_command(policy_rollback)
policy.add_command(policy_shadow)


@policy.command("compile")
@folder_argument
@click.option("--show", is_flag=True, help="Print the Python, with comments that name the lines of the policies.")
@click.option("--rule", metavar="NAME", help="Print the Python of one rule only.")
def policy_compile(*, folder: Path | None, show: bool, rule: str | None) -> int:
    """Compile the policies in FOLDER to Python, as serving them does.

    Without FOLDER, those installed with sealauthz. Each rule becomes one
    function for each pattern in which it is called, so one rule may have
    several.

    \b
      sealauthz policy compile policies/
      sealauthz policy compile --rule live_grant
    """
    from sealauthz.decision.bundle import Bundle
    from sealauthz.decision.questions import questions_of

    on_policies(folder)
    start = time.perf_counter()
    bundle = Bundle.load(
        service_model(), folder, needs_signoff=False
    )  # from no cache: that would be neither checked nor compiled
    seconds = time.perf_counter() - start
    functions = _functions(bundle)
    if rule is not None:
        named = {name for name, _ in functions}
        if rule not in named:
            raise Stop(f"no function was made of a rule `{rule}`{did_you_mean(rule, named)}")
        functions = [function for function in functions if function[0] == rule]
    if show or rule is not None:
        say("\n\n\n".join(text for _, text in functions))
        return Exit.DONE
    rules = sum(map(len, bundle.rulebook.rules.values()))
    questions = sum(1 for _ in questions_of(service_model(), bundle.rulebook))
    lines = sum(len(text.splitlines()) for _, text in functions)
    say(
        f"policy {bundle.version}: {rules} rules became {len(functions)} functions with {lines} lines,\n"
        f"for {questions} kinds of questions, in {seconds:.2f} s (parsed, checked and compiled)"
    )
    return Exit.DONE


@policy.command("schema")
@folder_argument
def policy_schema(*, folder: Path | None) -> None:
    """Print the JSON Schema of policy tests.

    With FOLDER, it also suggests the actions, reasons, next steps and rules that
    the policies in it know. An editor that speaks YAML uses the file that a
    comment at the top of the tests names:

    \b
      sealauthz policy schema policies/ > policies/tests/.schema.json
      # yaml-language-server: $schema=.schema.json
    """
    from sealauthz.policytools.testing.json_schema import json_schema

    on_policies(folder)
    model = service_model()
    if folder is None:
        print_json(json_schema(model))
        return
    from sealauthz.decision import Bundle
    from sealauthz.policytools.testing.vocabulary import Vocabulary

    bundle = Bundle.load(model, folder, needs_signoff=False, cache=bundle_cache())
    print_json(json_schema(model, Vocabulary(bundle).suggestions()))


def _functions(bundle: Bundle) -> list[tuple[str, str]]:
    """The functions that were compiled, each with the name of its rule."""
    from sealauthz.decision.questions import questions_of
    from sealauthz.polar.engine import CompiledEngine

    if not isinstance(bundle.engine, CompiledEngine):
        raise TypeError("only the compiled engine has functions")
    for rule, *arguments in questions_of(service_model(), bundle.rulebook):
        bundle.engine.prepare(rule, *arguments)  # nothing is left to do where the load compiled all
    found = []
    for text in bundle.engine.show().strip("\n").split("\n\n\n"):
        head = _HEAD.match(text)
        found.append((head[1] if head else "", text))
    return found
