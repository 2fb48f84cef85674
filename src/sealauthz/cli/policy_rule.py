"""The command `policy rule`: what a rule of the rulebook means, and where it is written, read and tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.policy_check import folder_argument
from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache, on_policies
from sealauthz.runtime.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sealauthz.policytools.testing.rule_index import IndexEntry, RulePlace


@click.command("rule")
@click.argument("name", metavar="RULE")
@folder_argument
def policy_rule(*, name: str, folder: Path | None) -> int:
    """Print a rule: its text, its statements, the facts that it reads, its tests.

    RULE is a tag of the rulebook (U-13) or a requirement (SEAL_USABLE). The
    policies are those in FOLDER, else those installed with sealauthz.

    \b
      sealauthz policy rule U-13
      sealauthz policy rule FRESH_FACE policies/
    """
    from sealauthz.decision import Bundle
    from sealauthz.decision.bundle import installed_folder_of
    from sealauthz.policytools.testing.loading import files_of_tests, load_suite
    from sealauthz.policytools.testing.rule_index import index_by_tag, places_by_requirement

    on_policies(folder)
    model = service_model()
    bundle = Bundle.load(model, folder, cache=bundle_cache())
    installed = installed_folder_of(model)
    folders = [installed] if folder is None else [folder, installed]
    test_folders = [each / "tests" for each in folders[:1] if (each / "tests").is_dir()]
    index = index_by_tag(bundle, folders, load_suite(files_of_tests(test_folders), bundle))
    if name in index:
        say("\n".join(_tag_lines(name, index[name])))
        return Exit.DONE
    requirements = places_by_requirement(bundle)
    if name not in requirements:
        known = [*index, *requirements]
        raise Stop(f"there is no rule or requirement `{name}`{did_you_mean(name, known)}")
    tags = sorted(tag for tag, entry in index.items() if any(needed == name for needed, _ in entry.places))
    say("\n".join(_requirement_lines(name, requirements[name], tags)))
    return Exit.DONE


def _tag_lines(tag: str, entry: IndexEntry) -> Iterator[str]:
    yield f"{tag}: {entry.text}" if entry.text else tag
    for (requirement, role), places in entry.places.items():
        yield from ("", f"{requirement} {role}:" if requirement else "helpers:")
        yield from _place_lines(places)
    if entry.constraints:
        yield from ("", "kept by the database:", *(f"  {constraint}" for constraint in entry.constraints))
    if entry.facts:
        yield from ("", "reads:", *(f"  {fact}" for fact in sorted(entry.facts)))
    yield from ("", "tests:" if entry.tests else "tests: none")
    yield from (f"  {Path(test.file).name}:{test.line}  {test.name}" for test in entry.tests)


def _requirement_lines(name: str, roles: Mapping[str, list[RulePlace]], tags: list[str]) -> Iterator[str]:
    yield f"{name} ({', '.join(tags)})" if tags else name
    for role, places in roles.items():
        yield from ("", f"{role}:")
        yield from _place_lines(places)


def _place_lines(places: list[RulePlace]) -> Iterator[str]:
    for place in places:
        on = f" on {place.type}" if place.type else ""
        yield f"  {place.file}:{place.line}  {place.subject}{on}"
