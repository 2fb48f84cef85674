"""Which files make a bundle: a whole folder, or one that builds on the installed bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scene import BUNDLE

from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder, layout_of
from sealauthz.errors import BundleRefused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that builds on the installed bundle and adds nothing."""
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return tmp_path


def test_a_folder_that_adds_nothing_is_the_installed_bundle(folder: Path) -> None:
    bundle = Bundle.load(folder)
    assert bundle.rulebook.requirements == BUNDLE.rulebook.requirements
    assert bundle.parameters == BUNDLE.parameters
    assert layout_of(folder).own == frozenset()


def test_its_rules_come_on_top(folder: Path) -> None:
    (folder / "mine.polar").write_text(
        'requires("join", _: Enterprise, "MINE");\n'
        'meets(person: Person, "MINE", "join", _: Enterprise, _) if person.account_state = "ACTIVE";\n'
        'otherwise("MINE", "ACCOUNT_LOCKED");\n',
        encoding="utf-8",
    )
    bundle = Bundle.load(folder)
    assert "MINE" in bundle.rulebook.requirements["join", "Enterprise"]
    assert bundle.version != BUNDLE.version
    assert layout_of(folder).own == {"mine.polar"}
    assert layout_of(folder).path_of("floor.polar") == installed_folder() / "floor.polar"


def test_its_numbers_replace_those_of_the_same_name(folder: Path) -> None:
    (folder / "parameters.toml").write_text('face_for_use = "10 minutes"\n', encoding="utf-8")
    parameters = Bundle.load(folder).parameters
    assert parameters.face_for_use == 600_000_000
    assert parameters.face_for_grant == BUNDLE.parameters.face_for_grant


def test_a_file_takes_the_place_of_another_only_where_that_is_said(folder: Path) -> None:
    shutil.copy(installed_folder() / "next_steps.polar", folder)
    with pytest.raises(BundleRefused, match=r"next_steps.polar: the installed bundle has a file of this name"):
        Bundle.load(folder)
    (folder / "bundle.toml").write_text('extends = "default"\nreplaces = ["next_steps.polar"]\n', encoding="utf-8")
    assert Bundle.load(folder).rulebook.carried == BUNDLE.rulebook.carried
    assert layout_of(folder).path_of("next_steps.polar") == folder / "next_steps.polar"


@pytest.mark.parametrize("file", ["contract.polar", "floor.polar"])
def test_what_the_product_owns_cannot_be_replaced(folder: Path, file: str) -> None:
    (folder / "bundle.toml").write_text(f'extends = "default"\nreplaces = ["{file}"]\n', encoding="utf-8")
    (folder / file).write_text("# nothing is required\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match="is the product's"):
        Bundle.load(folder)
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    with pytest.raises(BundleRefused, match="is the product's"):
        Bundle.load(folder)


@pytest.mark.parametrize("file", ["contract.polar", "floor.polar"])
def test_a_whole_bundle_holds_the_products_files_as_they_are(tmp_path: Path, file: str) -> None:
    shutil.copytree(installed_folder(), tmp_path / "policies")
    path = tmp_path / "policies" / file
    path.write_text(path.read_text(encoding="utf-8") + "\n# loosened\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match=f"{file}: is the product's and differs"):
        Bundle.load(tmp_path / "policies")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '`extends` must be "default"'),
        ('extends = "other"\n', '`extends` must be "default"'),
        ('extend = "default"\n', "`extend` is not known; did you mean `extends`?"),
        ('extends = "default"\nreplaces = "signing.polar"\n', "`replaces` must be a list of file names"),
        ('extends = "default"\nreplaces = ["singing.polar"]\n', "did you mean `signing.polar`?"),
        ('extends = "default"\nreplaces = ["../policies/signing.polar"]\n', "which the installed bundle does not have"),
        ('extends = "default"\nreplaces = ["signing.polar"]\n', "which is not in this folder"),
        ("extends = \n", "Invalid value"),
    ],
)
def test_a_bundle_file_that_says_something_else_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "bundle.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BundleRefused) as caught:
        Bundle.load(folder)
    assert said in str(caught.value)
    assert caught.value.file == "bundle.toml"


def test_the_floor_holds_under_a_folder_that_builds_on_the_bundle(folder: Path) -> None:
    (folder / "mine.polar").write_text('waived("MEMBER", "use", _: Seal, _);\n', encoding="utf-8")
    with pytest.raises(BundleRefused, match="belongs to the floor"):
        Bundle.load(folder)
