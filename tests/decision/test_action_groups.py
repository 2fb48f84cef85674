"""How a requirement becomes one of all ways of sealing: a group, what it requires, and what one of them leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
from scene import NOW, Scene, codes, question

from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.bundle import EngineKind
from sealauthz.decision.inspection import inspect
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.policytools.diff.side import Side

USE = question("user", "use", ("Seal", "s"), task="t", verification="v-user")

GROUP = """\
group("OUR_SEALING", _: Seal, ["use", "auto_use", "stamp"]);
group_requires("OUR_SEALING", [
  "SEAL_OF_OURS"
]);
exempt("OUR_SEALING", "auto_use", _: Seal, "SEAL_OF_OURS", "What a machine may seal is said by its grant.");
"""
BY_HAND = """\
group("OUR_SEALING", _: Seal, ["use", "auto_use", "stamp"]);
group_requires("OUR_SEALING", ["SEAL_KNOWN"]);
requires("use", _: Seal, "SEAL_OF_OURS");
requires("stamp", _: Seal, "SEAL_OF_OURS");
"""
MET = """\
meets(_: Person, "SEAL_OF_OURS", "use", seal: Seal, _) if seal.kind = "OTHER";
meets(_: Person, "SEAL_OF_OURS", "stamp", seal: Seal, _) if seal.kind = "OTHER";
otherwise("SEAL_OF_OURS", "SEAL_NOT_ACTIVE");
"""
KNOWN = "".join(
    f'meets(_: Person, "SEAL_KNOWN", "{action}", seal: Seal, _) if seal.state = "ACTIVE";\n'
    for action in ("use", "auto_use", "stamp")
) + 'otherwise("SEAL_KNOWN", "SEAL_NOT_ACTIVE");\n'  # fmt: skip


def folder_with(folder: Path, rules: str) -> Path:
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    (folder / "our_sealing.polar").write_text(rules, encoding="utf-8")
    return folder


@pytest.mark.parametrize("engine", EngineKind)
def test_what_a_group_requires_is_asked_of_its_members_and_not_of_one_that_is_exempt(
    tmp_path: Path, engine: EngineKind
) -> None:
    bundle = Bundle.load(MODEL, folder_with(tmp_path, GROUP + MET), engine)
    listed = bundle.rulebook.requirements
    asked = {action: "SEAL_OF_OURS" in listed[action, "Seal"] for action in ("use", "auto_use", "stamp", "carry_out")}
    assert asked == {"use": True, "auto_use": False, "stamp": True, "carry_out": False}
    cache = FactCache.of_records(MODEL, Scene().records)
    assert not codes(Scene().pdp().decide(USE))
    assert codes(PolicyDecisionPoint(cache, bundle, lambda: NOW).decide(USE)) == ["SEAL_NOT_ACTIVE"]


def test_what_denies_is_shown_on_the_line_on_which_the_group_requires_it(tmp_path: Path) -> None:
    bundle = Bundle.load(MODEL, folder_with(tmp_path, GROUP + MET))
    side = Side(bundle, FactCache.of_records(MODEL, Scene().records), NOW)
    assert str(side.required_by("stamp", "Seal", "SEAL_OF_OURS")) == "our_sealing.polar:3"
    assert side.required_by("auto_use", "Seal", "SEAL_OF_OURS") is None


def test_lines_by_hand_warn_of_the_member_that_lacks_one(tmp_path: Path) -> None:
    def warnings(rules: str) -> list[tuple[str, str, int]]:
        found = [each for each in inspect(MODEL, folder_with(tmp_path, rules)).diagnostics if each.code == "group"]
        ours = [each for each in found if "SEAL_OF_OURS" in each.message]
        return [(each.message.rpartition(", and ")[2], str(each.severity), each.place.line) for each in ours]

    assert warnings(GROUP + MET) == []
    # The product's own group has these members too, and more that lack it.
    others = "`auto_use` on Seal, `emergency_use` on Seal, `carry_out` on Seal, `sign` on SigningTask"
    lacking = f"{others} and `seal` on SealUse do not"
    assert warnings(BY_HAND + MET + KNOWN) == [(lacking, "warning", 3)]
