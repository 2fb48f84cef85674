"""Archives: the same bundle wherever it is loaded, and nothing in one that a folder could not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny.model import TINY

from sealauthz.decision import Bundle
from sealauthz.decision.folder import installed_folder, model_for
from sealauthz.model import MODEL
from sealauthz.rollout import Archive, load_archive
from sealauthz.rollout.archive import MAX_BYTES, File, Part
from sealauthz.runtime.errors import BundleRefused

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[2] / "docs" / "examples").glob("*/bundle.toml"))


def text_of(files: list[list[Any]], **more: Any) -> str:
    content = {"format": "sealauthz policies 1", "files": files, **more}
    return json.dumps(content, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("folder", [None, *EXAMPLES], ids=lambda folder: folder.name if folder else "installed")
def test_an_archive_is_the_same_bundle(folder: Path | None) -> None:
    model = model_for(MODEL, folder)
    expected = Bundle.load(model, folder)
    archive = Archive.of_folder(MODEL, folder)
    assert Archive.read(archive.text) == archive
    loaded = load_archive(model, archive)
    assert loaded.needs == expected.needs
    assert loaded.version == expected.version
    assert (loaded.parameters, loaded.texts) == (expected.parameters, expected.texts)
    assert loaded.sources == expected.sources
    assert [each.name for each in loaded.accepted] == [each.name for each in expected.accepted]


def test_an_archive_that_needs_what_the_model_lacks_is_refused() -> None:
    """Else its rules would read what no record has, or be served without what they rest on."""
    (folder,) = (folder for folder in EXAMPLES if folder.name == "risk-score")
    archive = Archive.of_folder(MODEL, folder)
    assert any(file.name == "model.toml" for file in archive.files)
    with pytest.raises(BundleRefused, match=r"need `Person\.risk_note`, `Person\.risk_score`, which"):
        load_archive(MODEL, archive)


def test_two_archives_of_the_same_files_are_the_same_text(variant: Callable[[int], Path]) -> None:
    first, again, other = (Archive.of_folder(TINY, variant(number)) for number in (5, 5, 7))
    assert (first.text, first.digest) == (again.text, again.digest)
    assert first.digest != other.digest


def test_nothing_of_an_archive_passes_for_the_products() -> None:
    # As a folder that builds on the installed policies would hold it; but the file is not what is installed.
    archive = Archive.of_folder(MODEL, next(folder for folder in EXAMPLES if folder.name == "tightened"))
    files = [
        File(file.part, file.name, file.text + '\nhas_permission(_: Person, "use", _: Seal);\n')
        if file.name == "roles.polar"
        else file
        for file in archive.files
    ]
    with pytest.raises(BundleRefused, match="sign it off"):
        load_archive(MODEL, Archive(tuple(files)))


@pytest.mark.parametrize("name", ["floor.polar", "contract.polar"])
def test_the_products_own_files_can_be_neither_changed_nor_left_out(name: str) -> None:
    archive = Archive.of_folder(MODEL)
    changed = [
        File(each.part, each.name, each.text + "\n# other\n") if each.name == name else each for each in archive.files
    ]
    with pytest.raises(BundleRefused, match="is the product's and differs"):
        load_archive(MODEL, Archive(tuple(changed)))
    without = tuple(each for each in archive.files if each.name != name)
    with pytest.raises(BundleRefused, match=f"the bundle has no {name}"):
        load_archive(MODEL, Archive(without))


def test_what_the_floor_rests_on_cannot_be_left_out() -> None:
    archive = Archive.of_folder(MODEL)
    for name in ("clocks.polar", "words.polar", "roles.polar"):
        assert any(file.name == name for file in archive.files)
        with pytest.raises(BundleRefused):
            load_archive(MODEL, Archive(tuple(file for file in archive.files if file.name != name)))


@pytest.mark.parametrize(
    "name",
    [
        "../evil.polar",
        "/etc/evil.polar",
        "a/b.polar",
        ".hidden.polar",
        "a\\b.polar",
        "a\x00.polar",
        "",
        "x.py",
        "a.polar\n",
    ],
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(BundleRefused, match="is no name of a file of policies"):
        Archive.read(text_of([["policies", name, ""]]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no archive"),
        ("{}", "no archive"),
        ("[" * 100_000, "no archive"),
        (text_of([["policies", "a.polar"]]), "no archive"),
        (text_of([["policies", "a.polar", 7]]), "no archive"),
        (text_of([["programs", "a.polar", ""]]), "no archive"),
        (text_of([], more=1), "no archive"),
        (text_of([["policies", "a.polar", ""]]) + " ", "no archive"),
        (text_of([["policies", "a.polar", ""], ["policies", "a.polar", "x"]]), "twice"),
        (text_of([["parameters", "parameters.toml", ""]] * 3), "twice"),
        (text_of([["parameters", "other.toml", ""]]), "no name"),
        (text_of([["other", "passwd", ""]]), "no name"),
        (text_of([["policies", f"a{number}.polar", ""] for number in range(501)]), "more than 500 files"),
        (text_of([["policies", "a.polar", "\ud800"]]), "not UTF-8"),
        ("x" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_no_folder_holds_is_refused(text: str, says: str) -> None:
    with pytest.raises(BundleRefused, match=says):
        Archive.read(text)


def test_a_mistake_has_its_place(variant: Callable[[int], Path]) -> None:
    folder = variant(5)
    with (folder / "documents.polar").open("a") as file:
        file.write("visible(_, _, _) if nothing_at_all(1);\n")
    line = len((folder / "documents.polar").read_text().splitlines())
    with pytest.raises(BundleRefused) as refused:
        load_archive(TINY, Archive.of_folder(TINY, folder))
    assert (refused.value.file, refused.value.line) == ("documents.polar", line)


def test_numbers_and_texts_of_a_folder_go_over_those_below() -> None:
    files = [file for file in Archive.of_folder(MODEL, EXAMPLES[0]).files if file.part is Part.PARAMETERS]
    own = File(Part.PARAMETERS, "parameters.toml", 'face_for_use = "1 minute"\n')
    archive = Archive((*Archive.of_folder(MODEL).files, own))
    loaded = load_archive(MODEL, archive)
    assert loaded.parameters.face_for_use == 60_000_000
    assert files[0].text == (installed_folder() / "parameters.toml").read_text()
