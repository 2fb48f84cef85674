"""The command `policy new-rule`: the files of a rule of one's own, to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealauthz.cli.app import Exit, Stop, service_model
from sealauthz.cli.printing import say
from sealauthz.cli.settings import bundle_cache, on_policies
from sealauthz.runtime.errors import did_you_mean

if TYPE_CHECKING:
    from sealauthz.cli.new_rule import NewRule
    from sealauthz.decision import Bundle
    from sealauthz.polar.syntax import Place

_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*", re.ASCII)
_EXTENDS = '# Our rules come on top of those that are installed with sealauthz.\nextends = "default"\n'


@click.command("new-rule")
@click.argument("name")
@click.option("--on", "action", metavar="ACTION", required=True, help="The action that is to ask for it.")
@click.option("--resource", "type_", metavar="TYPE", help="The type of what it is done to, if several have the action.")
@click.option(
    "--policies",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("policies"),
    show_default=True,
    help="The folder, which is made if it is not there.",
)
@click.option("--reason", metavar="CODE", help="What a person is told who is denied.  [default: NAME_NOT_MET]")
@click.option(
    "--stage", type=click.IntRange(1, 999), default=90, show_default=True, help="The place of it among the reasons."
)
@click.option("--next-step", metavar="CODE", default="CONTACT_ADMIN", show_default=True, help="What a person can do.")
def policy_new_rule(
    *, name: str, action: str, type_: str | None, policies: Path, reason: str | None, stage: int, next_step: str
) -> int:
    """Begin a rule: that ACTION requires NAME, such as KEEPER_USES.

    Writes the requirement with what meets it, its reason, the texts in English
    and Chinese, and two policy tests into a folder that builds on the
    installed policies. `policy check --strict` passes at once. Until you have
    written the condition, the rule denies everybody, and one of the two tests
    fails. What is left to write is marked with TODO.

    \b
      sealauthz policy new-rule KEEPER_USES --on use --resource Seal
      grep -rn TODO policies/
      sealauthz policy test policies/tests/keeper_uses.yaml
    """
    from sealauthz.cli.new_rule import TODO, NewRule, polar_of, tests_of, texts_of
    from sealauthz.decision.bundle import installed_folder_of
    from sealauthz.policytools.testing.examples import example_of

    reason = reason or f"{name}_NOT_MET"
    for code in (name, reason):
        if not _NAME.fullmatch(code):
            raise Stop(f"`{code}` is no name for this: write capital letters, as in KEEPER_USES")
    is_new = not policies.exists() or not any(policies.iterdir())
    bundle = _bundle(policies, is_new=is_new)
    rulebook = bundle.rulebook
    type_ = _type_of(bundle, action, type_)
    steps = {step for entry in rulebook.reasons.values() for step in entry.next_steps}
    if next_step not in steps:
        raise Stop(f"no reason has the next step `{next_step}`{did_you_mean(next_step, steps)}")
    groups = rulebook.groups.by_name.values()
    others = {
        f"`{one}` on {of}": None
        for group in groups
        if (action, type_) in group.members and not _is_of_floor(group.members.values())
        for one, of in group.members
        if (one, of) != (action, type_)
    }
    rule = NewRule(name, reason, action, type_, service_model().subjects[0], stage, next_step, tuple(others))
    _refuse_known(bundle, rule)
    texts = policies / "texts.toml"
    said = texts_of(texts.read_text(encoding="utf-8") if texts.exists() else "", rule)
    if said is None:
        raise Stop(f"`{texts}` has no plain section `[reasons]` to which texts can be added", Exit.REFUSED)
    example = example_of(installed_folder_of(service_model()) / "tests", action, type_)
    made = {
        policies / f"{name.lower()}.polar": polar_of(rule),
        policies / "tests" / f"{name.lower()}.yaml": tests_of(rule, example),
    }
    for path in made:
        if path.exists():
            raise Stop(f"`{path}` is there already", Exit.REFUSED)
    if is_new:
        made = {policies / "bundle.toml": _EXTENDS, **made}
    had_texts = texts.exists()
    _write({**made, texts: said})
    for path in (*made, texts):
        say(f"{'changed' if path == texts and had_texts else 'wrote'} {path}")
    say(f"`{action}` on {type_} is denied to everybody until the condition is written: look for {TODO} in these files")
    return Exit.DONE


def _bundle(folder: Path, *, is_new: bool) -> Bundle:
    """The policies on which the rule will stand. Raises Stop, BundleRefused."""
    from sealauthz.decision import Bundle

    if is_new:
        return Bundle.load(service_model(), cache=bundle_cache())
    on_policies(folder)
    bundle = Bundle.load(service_model(), folder, needs_signoff=False, cache=bundle_cache())
    if not any(source.file not in bundle.own for source in bundle.sources):
        said = 'rules of yours belong into a folder that builds on it, with `extends = "default"` in bundle.toml'
        raise Stop(f"`{folder}` is a whole bundle: {said}", Exit.REFUSED)
    return bundle


def _type_of(bundle: Bundle, action: str, type_: str | None) -> str:
    """The resource type that is meant. Raises Stop."""
    known = bundle.rulebook.requirements
    types = [of for one, of in known if one == action]
    if not types:
        raise Stop(f"there is no action `{action}`{did_you_mean(action, {one for one, _ in known})}")
    if type_ is None:
        if len(types) > 1:
            raise Stop(f"several types have the action `{action}`: give one by --resource, {', '.join(types)}")
        return types[0]
    if type_ not in bundle.rulebook.resource_types:
        raise Stop(f"there is no type `{type_}`{did_you_mean(type_, types)}")
    if type_ not in types:
        actions = bundle.rulebook.actions_of(type_)
        raise Stop(f"{type_} has no action `{action}`{did_you_mean(action, actions)}; {', '.join(types)} has it")
    return type_


def _is_of_floor(places: Iterable[Place]) -> bool:
    """Whether a group says what actions of all sorts have in common, and is no one act."""
    from sealauthz.polar import FLOOR_FILE

    return any(place.file == FLOOR_FILE for place in places)


def _refuse_known(bundle: Bundle, rule: NewRule) -> None:
    """Refuse names that mean something already. Raises Stop."""
    book = bundle.rulebook
    for requirements in book.requirements.values():
        if rule.name in requirements:
            raise Stop(f"there is a requirement `{rule.name}` already: choose another name", Exit.REFUSED)
    if rule.reason in book.reasons:
        raise Stop(f"there is a reason `{rule.reason}` already: choose another one with --reason", Exit.REFUSED)
    if rule.helper in book.rules:
        raise Stop(f"there is a rule `{rule.helper}` already: choose another name", Exit.REFUSED)


def _write(files: dict[Path, str]) -> None:
    """Write the files; those that were made are taken away again where one cannot be written. Raises Stop."""
    made: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                made.append(path)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise Stop(f"`{path}` cannot be written: {error.strerror}") from error
