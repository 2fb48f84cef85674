"""What reasons, next steps and obligations say to people, in each language."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from scene import BUNDLE, NOW, Scene, application
from signing_off import sign_off

from sealauthz.decision import Bundle
from sealauthz.decision.inspection import inspect
from sealauthz.decision.texts import Texts, TextsProblem, missing_texts, texts_from
from sealauthz.model import MODEL
from sealauthz.model.masking import mask_name
from sealauthz.model.records.membership import ApplicationState
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import FOREVER

PLAIN = {"NOT_FOUND": {"en": "Not found.", "zh": "不存在"}}


def test_every_code_of_the_bundle_says_something_in_each_language() -> None:
    assert list(missing_texts(BUNDLE.texts, BUNDLE.rulebook, MODEL.shown_parts, MODEL.events)) == []


def test_a_deny_is_told_with_the_masked_administrator() -> None:
    decision = Scene().put(application("outsider")).ask("outsider", "request_use", ("Seal", "s"))
    assert decision.reasons[0].text == ""
    english, chinese = decision.localized("en"), decision.localized("zh")
    named = mask_name("admin某")
    until = "2026-10-19 14:14 UTC"
    assert english.reasons[0].text == (
        f"You have applied to join and are waiting for {named} (138****1569) to decide, until {until} at the latest."
    )
    assert chinese.reasons[0].text == f"您已申请加入，等待管理员{named}（138****1569）处理，申请有效期至{until}"
    assert [step.text for step in english.reasons[0].next_steps] == [
        f"Wait for {named} (138****1569), until {until} at the latest",
        f"Remind {named} (3 reminders left)",
        "Has the administrator left? Retrieve the enterprise",
    ]
    assert english == dataclasses.replace(decision, reasons=english.reasons)


def test_where_nobody_may_be_named_the_text_names_nobody() -> None:
    said = Texts({"X": {"en": ("Ask {administrator_name}.", "Ask the administrator.")}})
    assert said.reason("X", "en", {"administrator_name": "陈*"}) == "Ask 陈*."
    assert said.reason("X", "en", {"administrator_phone": "138****1569"}) == "Ask the administrator."
    assert said.reason("X", "zh", {}) == ""
    assert said.reason("Y", "en", {}) == ""


def test_a_count_of_zero_is_not_mentioned() -> None:
    said = Texts({"X": {"en": ("{tasks} tasks, {seals} seals", "{tasks} tasks", "{seals} seals", "open work")}})
    assert said.reason("X", "en", {"tasks": 2, "seals": 1}) == "2 tasks, 1 seals"
    assert said.reason("X", "en", {"tasks": 2, "seals": 0}) == "2 tasks"
    assert said.reason("X", "en", {"tasks": 0, "seals": 1}) == "1 seals"
    assert said.reason("X", "en", {"tasks": 0, "seals": 0}) == "open work"


def test_a_time_is_said_in_utc_and_never_before_it_has_come() -> None:
    said = Texts({"X": {"en": ("From {wait_until}", "Later")}})
    assert said.reason("X", "en", {"wait_until": 60_000_000}) == "From 1970-01-01 00:01 UTC"
    assert said.reason("X", "en", {"wait_until": 60_000_001}) == "From 1970-01-01 00:02 UTC"
    assert said.reason("X", "en", {"wait_until": FOREVER}) == "Later"
    assert said.reason("X", "en", {"wait_until": 0}) == "Later"


def test_a_rejection_tells_its_reason_to_its_applicant_alone() -> None:
    rejected = application(
        "outsider", state=ApplicationState.REJECTED, reason="资料{不}全 100%", decided_at=NOW - 1, decided_by_id="admin"
    )
    scene = Scene().put(rejected)
    said = scene.ask("outsider", "join", ("Enterprise", "e")).localized("zh").reasons[0].text
    assert said == "您的加入申请未通过，原因：资料{不}全 100%。2026-09-22 14:14 UTC后可再次申请"
    for person in ("admin", "plain", "stranger"):
        for action, kind in BUNDLE.rulebook.requirements:
            if kind == "Enterprise":
                told = scene.ask(person, action, ("Enterprise", "e"))
                assert not any("rejection_reason" in step.parameters for step in told.next_steps)


def test_chinese_texts_are_written_in_chinese() -> None:
    """Full-width punctuation, no full stop at the end of a line on a button, and no word of ours left over."""
    for kind in (BUNDLE.texts.reasons, BUNDLE.texts.steps, BUNDLE.texts.obligations):
        for code, said in kind.items():
            for text in said["zh"]:
                plain = re.sub(r"\{\w+\}|UTC", "", text)
                assert not re.search(r"[A-Za-z,;:?()]", plain), (code, text)
                assert not text.endswith("。"), (code, text)


def test_an_allow_tells_its_obligations() -> None:
    scene = Scene()
    decision = scene.ask("user", "use", ("Seal", "s"), NOW, task="t", verification="v-user")
    told = {item.code: item.text for item in decision.localized("en").obligations}
    assert told["CONSUME_VERIFICATION"] == "Use up the face check"
    assert all(told.values())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"reason": PLAIN}, "unknown table `reason`"),
        ({"reasons": "x"}, "`reasons` must be a table"),
        ({"reasons": {"X": "x"}}, "`reasons.X` must be of the form"),
        ({"reasons": {"X": {"fr": "x"}}}, "`reasons.X` is in `fr`"),
        ({"steps": {"X": {"en": ""}}}, "`steps.X.en` must be a text"),
        ({"steps": {"X": {"en": []}}}, "`steps.X.en` must be a text"),
        ({"steps": {"X": {"en": 1}}}, "`steps.X.en` must be a text"),
        ({"steps": {"X": {"en": "Ask {who}"}}}, "must end with a text that names nothing"),
    ],
)
def test_a_text_of_another_form_is_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(TextsProblem, match=said):
        texts_from(table)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    return tmp_path


def test_a_folder_says_it_its_own_way(folder: Path) -> None:
    (folder / "texts.toml").write_text('[reasons]\nNOT_A_MEMBER.en = "Ask HR."\n', encoding="utf-8")
    bundle = Bundle.load(MODEL, folder)
    assert bundle.texts.reason("NOT_A_MEMBER", "en", {}) == "Ask HR."
    assert bundle.texts.reason("NOT_FOUND", "en", {}) == BUNDLE.texts.reason("NOT_FOUND", "en", {})
    assert bundle.version != BUNDLE.version
    warnings = [diagnostic.message for diagnostic in inspect(MODEL, folder).diagnostics]
    assert warnings == ["the reason `NOT_A_MEMBER` has no text in zh"]


def test_the_check_names_codes_that_nobody_gives_and_names_that_nothing_carries(folder: Path) -> None:
    (folder / "texts.toml").write_text(
        '[reasons]\nNOT_A_MEMBRE.en = "x"\nNOT_A_MEMBRE.zh = "x"\n'
        '[steps]\nURGE.en = ["Urge {who}", "Urge"]\nURGE.zh = "催办"\n',
        encoding="utf-8",
    )
    assert sign_off(folder) == ["texts.steps.URGE.en"]
    assert [diagnostic.message for diagnostic in inspect(MODEL, folder).diagnostics] == [
        "no policy gives the reason `NOT_A_MEMBRE`",
        "the text of the next step `URGE` names `who`, which none of its next steps carries",
    ]


def test_a_file_that_is_no_texts_keeps_the_bundle_from_being_served(folder: Path) -> None:
    (folder / "texts.toml").write_text("[reasons]\nX = 1\n", encoding="utf-8")
    with pytest.raises(BundleRefused, match=r"texts\.toml: `reasons\.X` must be of the form"):
        Bundle.load(MODEL, folder)
