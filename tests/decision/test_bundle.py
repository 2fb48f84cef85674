"""A bundle loads whole or not at all, and says why with file, line and column."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scene import BUNDLE

from sealauthz.decision import Bundle
from sealauthz.decision.bundle import CompiledEngine
from sealauthz.decision.folder import installed_folder
from sealauthz.decision.questions import questions_of
from sealauthz.model import MODEL
from sealauthz.runtime.errors import BundleRefused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "policies"
    copy.mkdir()
    for path in [*installed_folder().glob("*.polar"), *installed_folder().glob("*.toml")]:
        shutil.copy(path, copy)
    return copy


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def append(folder: Path, file: str, text: str) -> int:
    """Append lines to a file, and return the number of the first of them."""
    path = folder / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


def test_the_version_is_the_digest_of_all_files(folder: Path) -> None:
    assert Bundle.load(MODEL, folder).version == BUNDLE.version == Bundle.load(MODEL).version
    append(folder, "words.polar", "# a comment\n")
    with_comment = Bundle.load(MODEL, folder).version
    assert with_comment != BUNDLE.version
    edit(folder, "parameters.toml", '"30 minutes"', '"20 minutes"')
    assert Bundle.load(MODEL, folder).version not in (with_comment, BUNDLE.version)


@pytest.mark.usefixtures("whole_loads")
def test_a_bundle_is_compiled_whole_before_it_serves(folder: Path) -> None:
    # Another comment, so that no other test has compiled it.
    append(folder, "mine.polar", "# not compiled yet\n")
    bundle = Bundle.load(MODEL, folder)
    assert isinstance(bundle.engine, CompiledEngine)
    entries = len(bundle.engine._code.entries)
    for rule, *arguments in questions_of(MODEL, bundle.rulebook):
        bundle.engine.prepare(rule, *arguments)
    assert len(bundle.engine._code.entries) == entries > 1_000


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        ("allow(_, _, _, _);", "`allow` is defined by contract.polar alone"),
        ("type unmet(_a);", "`unmet` is defined by contract.polar alone"),
        ("settled(_, _, _, _, _);", "`settled` is defined by contract.polar alone"),
        ('requires("use", _: Seal, "MOON") if 1 = 1;', "`requires` is a fact and has no `if`"),
        ('requires(_, _: Seal, "MOON");', "the action of `requires` is a literal, not `_`"),
        ('requires("use", _, "MOON");', "the resource of `requires` names its type"),
        ('requires("use", _: Seal, "MOON");', "nothing meets `MOON` for `use` on Seal"),
        ('requires("auto_use", _: Seal, "AUTO_SIGN_GRANTED");', "requires `AUTO_SIGN_GRANTED` already"),
        ('requires("use", _: Seal);', "`requires` has 3 parameters, not 2"),
        ('meets(_, _, "use", _: Seal, _);', "the requirement of `meets` is a literal, not `_`"),
        ('meets(_, "SEAL_USABLE", _, _: Seal, _);', "the action of `meets` is a literal, not `_`"),
        ('meets(_, "MOON", "use", _: Seal, _);', "which `use` on Seal does not require"),
        ('meets(_, "MEMBER", "use", _: Seal, _);', "belongs to the floor: only floor.polar meets it"),
        ('waived("MEMBER", "use", _: Seal, _);', "belongs to the floor: only floor.polar waives it"),
        ('because("MEMBER", "MOON", _, _, _);', "`reason` does not describe `MOON`"),
        ('because("MEMBER", code, _, _, code);', "the reason of `because` is a literal, not `code`"),
        ('otherwise("MOON", "NOT_FOUND");', "no action requires `MOON`"),
        ('reason("SEAL_FROZEN", 71, "USER", "NONE");', "`SEAL_FROZEN` stands at stage 70 for USER already"),
        ('reason("MOON", 71, "EVERYBODY", "NONE");', "the audience of `reason` is USER or OPERATOR"),
        ("f(x) if x.colour = 1;", "no fact has an attribute `colour`"),
        ("f(x) if x.real_name = 1;", "no fact has an attribute `real_name`"),
        ("f(x) if no_such_rule(x);", "no_such_rule"),
        ("f(_: Sael);", "Sael"),
        ("f(x) if x = 1", "found the end of the file"),
    ],
)
def test_an_addition_that_breaks_the_contract_is_refused_with_its_place(
    folder: Path, addition: str, message: str
) -> None:
    line = append(folder, "zz_extra.polar", f"# 附加\n{addition}\n") + 1
    with pytest.raises(BundleRefused) as raised:
        Bundle.load(MODEL, folder)
    assert message in str(raised.value)
    assert (raised.value.file, raised.value.line) == ("zz_extra.polar", line)
    assert raised.value.column >= 1


def test_a_requirement_without_its_meaning_is_refused(folder: Path) -> None:
    edit(folder, "reasons.polar", 'otherwise("MEMBER", "NOT_A_MEMBER");', "")
    with pytest.raises(BundleRefused, match="does not say what an unmet `MEMBER` means"):
        Bundle.load(MODEL, folder)


def test_the_services_own_reasons_must_be_described(folder: Path) -> None:
    edit(folder, "reasons.polar", 'reason("POLICY_ERROR", 0, "USER", "CONTACT_PLATFORM");', "")
    with pytest.raises(BundleRefused, match="does not describe `POLICY_ERROR`"):
        Bundle.load(MODEL, folder)


@pytest.mark.parametrize("file", ["contract.polar", "floor.polar", "parameters.toml"])
def test_a_bundle_without_its_contract_floor_or_parameters_is_refused(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BundleRefused, match=f"the bundle has no {file}"):
        Bundle.load(MODEL, folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("reminder_limit = 3", "reminder_limit = -1", "`reminder_limit` must be a whole number"),
        ("reminder_limit = 3", "", "`reminder_limit` is missing"),
        ("reminder_limit = 3", 'reminder_limit = 3\nmoon = "1 day"', "unknown parameter `moon`"),
        ('"72 hours"', '"a while"', "`notice_documents` must be a length of time"),
        ('"72 hours"', '"0 hours"', "`notice_documents` must be a length of time"),
        ('"72 hours"', "72", "`notice_documents` must be a length of time"),
        ('"72 hours"', '"72 hours', "parameters.toml"),
    ],
)
def test_a_parameter_that_is_not_of_its_form_is_refused(folder: Path, old: str, new: str, message: str) -> None:
    edit(folder, "parameters.toml", old, new)
    with pytest.raises(BundleRefused, match=r"parameters\.toml") as raised:
        Bundle.load(MODEL, folder)
    assert message in str(raised.value)


def test_a_file_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / "words.polar").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleRefused, match=r"words\.polar: the file is not UTF-8 text"):
        Bundle.load(MODEL, folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match="there is no policy folder"):
        Bundle.load(MODEL, tmp_path / "none")
