"""The access diff finds every change, and nothing else, and says which lines are responsible."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from effort import EFFORT, Effort, tries
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tiny.model import TINY, facts

from sealauthz.model import MODEL

# The scenes are those that the decision point is tested with.
sys.path.append(str(Path(__file__).resolve().parent.parent / "decision"))

from changed_bundles import VARIANTS, Bundles, edit, loaded, replaced
from random_scenes import scenes
from scene import DAY, MINUTE, NOW, Scene, application, executable, face, member, person, request

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.bundle import installed_folder, installed_folder_of
from sealauthz.decision.evaluation import Evaluation
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model.records.identity import VerificationPurpose, VerificationState
from sealauthz.model.records.membership import MembershipState
from sealauthz.model.records.organisation import AuthenticationState, Enterprise, WorkingHours
from sealauthz.model.records.signing import PartyKind, Signatory, SigningTask, TaskAction, TaskState
from sealauthz.policytools.diff import approval
from sealauthz.policytools.diff import diff as access_diff
from sealauthz.policytools.diff.changes import CauseKind, Change, ChangeKind, SourceLine, grouped
from sealauthz.policytools.diff.comparison import Limits
from sealauthz.policytools.diff.diff import compare
from sealauthz.policytools.diff.loosening import ChangedRule, LooseningKind
from sealauthz.policytools.diff.report import AccessDiff, unseen
from sealauthz.policytools.diff.rule_comparison import changes_of
from sealauthz.schema.evidence import NO_EVIDENCE

LAWS = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class AnsweredBundles(Bundles):
    """Bundles, with what the installed one answers before any change."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._answers: dict[tuple[tuple[str, ...], ...], Answers] = {}

    def answers_of_installed(self, actions_too: Bundle) -> Answers:
        """What a loop over everything finds in the rich scene before any change, done once for the same actions."""
        key = tuple((type_, *actions) for type_, actions in actions_too.actions.items())
        if key not in self._answers:
            self._answers[key] = exhaustive(self[""], actions_too, rich())
        return self._answers[key]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> AnsweredBundles:
    return AnsweredBundles(tmp_path_factory.mktemp("bundles"))


def diff(bundles: Bundles, old: str, new: str, scene: Scene, **limits: Any) -> AccessDiff:
    return compare(bundles[old], bundles[new], scene.records, NOW, Limits(**limits))


def told(found: AccessDiff) -> list[str]:
    return sorted(approval.lines_of([found]))


def one(changes: tuple[Change, ...]) -> Change:
    (change,) = changes
    return change


# --- each kind of change, and the lines behind it -------------------------------------------------------------------


def test_a_shorter_parameter_is_a_loss_with_the_values_that_were_compared(bundles: Bundles) -> None:
    found = diff(bundles, "", "_face_is_short", Scene())
    assert told(found) == ["- Person:user use Seal:s"]
    change = one(found.changes)
    assert change.context == (("task", "t"), ("verification", "v-user"))
    (cause,) = change.causes
    assert (cause.kind, cause.requirement) == (CauseKind.REQUIREMENT, "FRESH_FACE")
    assert cause.parameters == ("face_for_use",)
    assert not cause.is_rule_changed
    (stop,) = cause.stops
    assert stop.condition == "context.now < check.passed_at + max_age"
    assert stop.at.file == "words.polar"
    assert len(stop.values) == 2
    assert found.bundles.parameters == (("face_for_use", 30 * MINUTE, 2 * MINUTE),)


def test_a_wider_exception_is_a_gain_for_who_had_no_check_and_wider_for_who_had_one(bundles: Bundles) -> None:
    found = diff(bundles, "", "_official_needs_no_face", Scene())
    assert told(found) == [
        "+ Person:user use Seal:s task=t",
        "~ Person:user use Seal:s +CONSUME_ASSERTION -CONSUME_VERIFICATION",
    ]
    found = diff(bundles, "", "_official_needs_no_face", Scene().drop("IdentityVerification", "v-user"))
    assert told(found) == ["+ Person:user use Seal:s"]
    change = one(found.changes)
    assert change.context == (("task", "t"),)
    (cause,) = change.causes
    assert (cause.kind, cause.is_waived, cause.is_rule_changed) == (CauseKind.REQUIREMENT, True, True)
    assert cause.allowed_by == line(bundles.folder("_official_needs_no_face"), "seal_use.polar", 'waived("FRESH_FACE"')
    assert cause.stops[0].at == line(installed_folder(), "seal_use.polar", 'waived("FRESH_FACE"')


def line(folder: Path, file: str, start: str) -> SourceLine:
    lines = (folder / file).read_text(encoding="utf-8").split("\n")
    return SourceLine(file, next(number for number, text in enumerate(lines, 1) if text.startswith(start)))


def test_a_requirement_that_is_dropped_or_added_is_told_with_its_requires_line(bundles: Bundles) -> None:
    expired = Scene().change("Certificate", "cert", not_after=NOW - 1)
    spot = line(installed_folder(), "sealing.polar", 'group_requires("SEALING", ["SEAL_USABLE", "CERTIFICATE_VALID"]')
    for old, new, kind in (
        ("", "_any_certificate_does", ChangeKind.GAIN),
        ("_any_certificate_does", "", ChangeKind.LOSS),
    ):
        change = one(diff(bundles, old, new, expired).changes)
        assert change.kind == kind
        (cause,) = change.causes
        assert (cause.kind, cause.requirement) == (CauseKind.CHECKLIST, "CERTIFICATE_VALID")
        assert cause.required_by == spot
        assert cause.stops[0].condition == "context.now < certificate.not_after"


def test_what_rules_below_the_rule_have_changed_is_told(bundles: Bundles) -> None:
    found = diff(bundles, "", "_administrators_edit", Scene())
    assert told(found) == ["+ Person:admin edit Seal:s"]
    kinds = {cause.kind: cause for cause in one(found.changes).causes}
    assert kinds.keys() == {CauseKind.PERMISSION, CauseKind.REQUIREMENT}
    folder = bundles.folder("_administrators_edit")
    assert kinds[CauseKind.PERMISSION].is_rule_changed
    assert kinds[CauseKind.PERMISSION].allowed_by == line(folder, "roles.polar", '  "edit" if "administrator"')
    added = line(folder, "seal_management.polar", "may_manage(person: Person, seal: Seal, context) if is_admin")
    assert kinds[CauseKind.REQUIREMENT].only_allowing == (added,)
    assert kinds[CauseKind.REQUIREMENT].only_denying == ()


def test_a_permission_that_is_taken_is_a_loss_with_its_line(bundles: Bundles) -> None:
    found = diff(bundles, "", "_members_do_not_view", Scene())
    # boss is no member, but the legal representative, who keeps it.
    assert {change.subject.id for change in found.changes} == {"admin", "approver", "keeper", "plain", "user"}
    (group,) = grouped(found.changes)
    (cause,) = group[0].causes
    assert cause.kind == CauseKind.PERMISSION
    assert cause.allowed_by == line(installed_folder(), "roles.polar", '  "view" if "member" on "owner"')


def beside_progress(found: AccessDiff) -> list[Change]:
    """What changed but for following the progress of a task, which takes no more than to see it."""
    return [change for change in found.changes if change.action != "view_progress"]


def test_what_is_not_visible_any_more_is_told_as_that(bundles: Bundles) -> None:
    found = diff(bundles, "", "_operators_see_no_task", Scene())
    assert beside_progress(found) == []
    records = [dataclasses.replace(member("outsider"), state=MembershipState.SUSPENDED, id="m-gone")]
    own = SigningTask("t-own", "party-own", TaskAction.PERSONAL_SIGN, 2, TaskState.PENDING)
    scene = Scene().put(*records, Signatory("party-own", "c", PartyKind.PERSON, "stranger"), own)
    assert beside_progress(diff(bundles, "", "_operators_see_no_task", scene)) == []
    lost = diff(bundles, "", "_tasks_do_not_tie", Scene())
    assert beside_progress(lost) == []
    assert lost.other_reasons


def test_an_action_that_is_new_or_gone_is_a_change_for_all_who_may_do_it(bundles: Bundles) -> None:
    whole = bundles[""]
    # The floor names all actions there are, so that only another release has other ones.
    fewer = {key: listed for key, listed in whole.rulebook.requirements.items() if key[0] != "resign"}
    part = dataclasses.replace(whole, rulebook=dataclasses.replace(whole.rulebook, requirements=fewer))
    for old, new, kind in ((part, whole, ChangeKind.GAIN), (whole, part, ChangeKind.LOSS)):
        found = compare(old, new, Scene().records, NOW)
        # Of the others one is the last administrator, and the rest have tasks to hand over.
        assert {change.subject.id for change in found.changes} == {"approver"}
        assert {change.kind for change in found.changes} == {kind}
        assert {change.causes[0].kind for change in found.changes} == {CauseKind.ACTION}
        assert found.other_reasons == ()


def test_other_obligations_of_an_allow_are_changes(bundles: Bundles) -> None:
    found = diff(bundles, "", "_others_must_be_told", Scene())
    assert told(found) == ["~ Person:user use Seal:s +NOTIFY_LEGAL -NOTIFY_MONITORS"]
    added, dropped = one(found.changes).causes
    assert (added.kind, added.requirement) == (CauseKind.OBLIGATION, "NOTIFY_LEGAL")
    assert added.required_by == dropped.required_by
    assert added.required_by == line(
        installed_folder(), "seal_use.polar", 'obligation(_: Person, "use", _: Seal, _, "NOTIFY_MON'
    )


def test_a_text_that_only_one_bundle_compares_with_is_tried(bundles: Bundles) -> None:
    gone = Scene().change("Person", "admin", last_active_at=NOW - 30 * DAY)
    found = diff(bundles, "", "_any_reason_does", gone)
    assert found.changes
    assert {(change.kind, change.context) for change in found.changes} == {(ChangeKind.WIDER, (("reason", "MOVED"),))}


def test_a_question_that_cannot_be_decided_any_more_is_told_and_never_approved(bundles: Bundles) -> None:
    found = diff(bundles, "", "_view_never_ends", Scene())
    broken = found.of(ChangeKind.BROKEN)
    assert {change.resource for change in broken} == {Entity("Seal", "s")}
    assert len({change.subject for change in broken}) == found.extent.subjects
    assert all(change.error for change in broken)
    assert approval.lines_of([dataclasses.replace(found, changes=broken)]) == frozenset()
    # Who had access has lost it, too: the decision point denies what it cannot decide.
    lost = {change.subject.id for change in found.of(ChangeKind.LOSS) if change.action == "use"}
    assert lost == {"user"}


def test_a_question_that_neither_can_decide_is_counted(bundles: Bundles, tmp_path: Path) -> None:
    folder = shutil.copytree(bundles.folder("_view_never_ends"), tmp_path / "other")
    edit(
        folder,
        "roles.polar",
        lambda text: replaced(text, '  "edit" if "legal', '  "edit" if "member" on "owner";\n  "edit" if "legal'),
    )
    found = compare(bundles["_view_never_ends"], loaded(folder), Scene().records, NOW)
    assert found.changes == ()
    assert found.extent.asked_actions == 1
    assert found.extent.undecidable == found.extent.subjects


def test_denials_with_other_reasons_are_counted_and_no_changes(bundles: Bundles) -> None:
    found = diff(bundles, "", "_face_is_short", Scene().change("Seal", "s", state="DISABLED"))
    assert found.changes == ()
    reasons = {(d.subject.id, d.action): (d.before, d.after) for d in found.other_reasons}
    assert reasons["user", "use"] == (("SEAL_DISABLED",), ("SEAL_DISABLED", "FACE_VERIFICATION_EXPIRED"))
    few = diff(bundles, "", "_face_is_short", Scene().change("Seal", "s", state="DISABLED"), denials=1)
    assert few.extent.compared == 1
    assert few.extent.denials == found.extent.denials


# --- what is good for minutes, and what no question reaches ---------------------------------------------------------

HOUR = 60 * MINUTE
YEAR = 365 * DAY


@pytest.fixture
def added(tmp_path: Path) -> Any:
    """Makes a bundle that builds on the installed one and adds a file of these rules."""

    def make(text: str, parameters: str = "") -> Bundle:
        (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
        (tmp_path / "mine.polar").write_text(text, encoding="utf-8")
        (tmp_path / "parameters.toml").write_text(parameters, encoding="utf-8")
        return loaded(tmp_path)

    return make


def words(found: AccessDiff) -> list[tuple[str, ...]]:
    return [loosening.words for loosening in unseen([found])]


def test_waivers_are_told_however_old_the_facts_are(bundles: Bundles, added: Any) -> None:
    rules = ('waived("SEAL_AUTHORITY", "use", _: Seal, _);', 'waived("SEAL_USABLE", "use", _: Seal, _);')
    new = added("".join(f"#@ always\n{rule}\n" for rule in rules))
    for later in (0, HOUR, YEAR):
        found = compare(bundles[""], new, Scene().records, NOW + later)
        gained = {change.subject.id for change in (*found.changes, *found.fresh)}
        assert gained == {"boss", "keeper", "plain"}
        assert bool(found.changes) == (later == 0)
        assert bool(found.fresh) == (later > 0)
        # No seal of these facts is frozen, lost or ended.
        assert words(found) == [("waived", "use", "Seal", "SEAL_USABLE")]
        frozen = compare(bundles[""], new, Scene().change("Seal", "s", state="DISABLED").records, NOW + later)
        assert words(frozen) == []


def test_a_check_that_is_supposed_is_of_the_subject_and_for_the_thing_itself(bundles: Bundles) -> None:
    without_checks = Scene()
    for check in [record.id for record in Scene().records if type(record).__name__ == "IdentityVerification"]:
        without_checks = without_checks.drop("IdentityVerification", check)
    found = compare(bundles[""], bundles["_any_certificate_does"], _expired(without_checks).records, NOW)
    assert found.changes == ()
    (change,) = found.fresh
    assert (change.kind, change.subject.id, change.action) == (ChangeKind.GAIN, "user", "use")
    assert change.context == (("task", "t"), ("verification", "fresh:FACE:SIGN:digest-1"))
    assert approval.lines_of([found]) == {"+ Person:user use Seal:s"}


def _expired(scene: Scene) -> Scene:
    return scene.change("Certificate", "cert", not_after=NOW - 1)


def test_within_working_hours_is_asked_at_any_time_of_the_day(bundles: Bundles) -> None:
    nothing = [WorkingHours(f"h{day}", "e", day, 0, 1) for day in range(1, 8)]
    found = compare(bundles[""], bundles["_any_certificate_does"], _expired(Scene()).put(*nothing).records, NOW)
    assert {(change.subject.id, change.action) for change in (*found.changes, *found.fresh)} == {("user", "use")}


def test_a_gain_as_things_are_is_not_told_again_with_fresh_facts(bundles: Bundles) -> None:
    found = diff(bundles, "", "_official_needs_no_face", Scene().drop("IdentityVerification", "v-user"))
    assert told(found) == ["+ Person:user use Seal:s"]
    assert found.fresh == ()


@pytest.mark.parametrize(
    ("rules", "parameters", "expected"),
    [
        (
            '#@ always\nmeets(_: Person, "SEAL_USABLE", "stamp", _: Seal, _);',
            "",
            ("meets", "stamp", "Seal", "SEAL_USABLE"),
        ),
        ('has_permission(_: Person, "destroy", _: Seal);', "", ("has_permission", "destroy", "Seal")),
        ("visible(_: Person, _: RetrievalCase, _);", "", ("visible", "RetrievalCase")),
        ("", 'face_for_retrieval = "9 hours"', ("parameter", "face_for_retrieval")),
    ],
)
def test_what_may_allow_more_and_shows_nowhere_cannot_be_told(
    bundles: Bundles, added: Any, rules: str, parameters: str, expected: tuple[str, ...]
) -> None:
    found = compare(bundles[""], added(rules, parameters), Scene().records, NOW)
    assert words(found) == [expected]
    assert approval.acknowledgements_of([found])


def test_a_requirement_that_is_dropped_and_missed_nowhere_cannot_be_told(bundles: Bundles) -> None:
    found = diff(bundles, "", "_any_certificate_does", Scene())
    assert words(found) == [("requires", "use", "Seal", "CERTIFICATE_VALID")]
    assert unseen([found])[0].kind == LooseningKind.DROPPED
    assert words(diff(bundles, "", "_any_certificate_does", _expired(Scene()))) == []
    # What one set of facts does not show another may.
    both = [found, diff(bundles, "", "_any_certificate_does", _expired(Scene()))]
    assert unseen(both) == ()


def test_less_under_a_negation_allows_more(bundles: Bundles, tmp_path: Path) -> None:
    folder = shutil.copytree(installed_folder(), tmp_path / "policies")
    edit(folder, "seal_use.polar", lambda t: replaced(t, 'hold.state != "RELEASED"', 'hold.state = "PLACED"'))
    changed = {(found.kind, found.words) for found in changes_of(bundles[""], loaded(folder)).loosenings}
    assert (LooseningKind.DROPPED, ("is_held",)) in changed


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f"# A word about it.\n{text}",
        lambda text: text.replace("suits_any_matter", "suits_all_matters"),
        lambda text: (
            text.replace("(seal: Seal, certificate)", "(that: Seal, certificate)")
            .replace("certificate = seal.certificate and", "certificate = that.certificate and")
            .replace(
                "certificate.enterprise_id = seal.enterprise_id;", "certificate.enterprise_id = that.enterprise_id;"
            )
        ),
        lambda text: text + without_head(text),
        lambda text: text.replace(
            '  seal.state = "ACTIVE" and\n  not is_held(seal) and\n',
            '  not is_held(seal) and\n  seal.state = "ACTIVE" and\n',
        ),
        lambda text: text.replace(
            '"SEAL_USABLE", "use", seal: Seal, _) if is_usable(seal);',
            '"SEAL_USABLE", "use", seal: Seal, _) if is_usable(seal) and seal.state != "LOST";',
        ),
    ],
    ids=[
        "a comment",
        "a helper renamed",
        "a variable renamed",
        "a rule twice",
        "conditions in another order",
        "tighter",
    ],
)
def test_a_change_that_cannot_allow_more_is_no_loosening(bundles: Bundles, tmp_path: Path, change: Any) -> None:
    folder = shutil.copytree(installed_folder(), tmp_path / "policies")
    edit(folder, "seal_use.polar", change)
    for path in folder.glob("*.polar"):
        edit(folder, path.name, lambda text: text.replace("suits_any_matter", "suits_all_matters"))
    new = loaded(folder)
    assert new.version != bundles[""].version
    changes = changes_of(bundles[""], new)
    assert changes.loosenings == ()
    is_tighter = 'seal.state != "LOST"' in (folder / "seal_use.polar").read_text(encoding="utf-8")
    assert [each.words for each in changes.differences] == (
        [("meets", "use", "Seal", "SEAL_USABLE")] if is_tighter else []
    )


def without_head(text: str) -> str:
    """A rule of the file, once more at its end."""
    start = text.index("\nis_held(") + 1
    return text[start : text.index(";\n", start) + 2]


CHANGED, ADDED, DROPPED = ChangedRule.CHANGED, ChangedRule.ADDED, ChangedRule.DROPPED


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ('waived("SEAL_USABLE", "use", s: Seal, _) if s.kind = "OTHER";', [(ADDED, "waived", "SEAL_USABLE", True)]),
        (
            'meets(_: Person, "SEAL_USABLE", "use", s: Seal, _) if s.kind = "OTHER";',
            [(ADDED, "meets", "SEAL_USABLE", False)],
        ),
        (
            'requires("use", _: Seal, "MINE"); otherwise("MINE", "SEAL_FROZEN");'
            'meets(_: Person, "MINE", "use", s: Seal, _) if s.kind = "OTHER";',
            [(ADDED, "requires", "MINE", False), (ADDED, "meets", "MINE", False)],
        ),
        (
            'has_permission(p: Person, "destroy", s: Seal) if p.id = s.enterprise.name;',
            [(ADDED, "has_permission", "Seal", False)],
        ),
    ],
)
def test_rules_are_listed_whatever_the_questions_reach(bundles: Bundles, added: Any, rules: str, expected: Any) -> None:
    new = added(rules)
    there = changes_of(bundles[""], new).differences
    assert [(each.change, each.words[0], each.words[-1], each.is_named) for each in there] == expected
    back = changes_of(new, bundles[""]).differences
    # What waives less or gives less need not be named; a requirement that is gone must.
    assert {(each.change, each.words[0], each.is_named) for each in back} == {
        (DROPPED, rule, rule == "requires") for _, rule, _, _ in expected
    }


def test_a_waiver_that_calls_a_looser_rule_is_named(bundles: Bundles, added: Any) -> None:
    rule = 'waived("SEAL_USABLE", "use", seal: Seal, _) if is_ours(seal);\n'
    old, new = (
        added(f"{rule}is_ours(seal: Seal) if seal.kind in {kinds};\n")
        for kinds in ('["OTHER"]', '["OTHER", "FINANCE"]')
    )
    changes = changes_of(old, new)
    assert [(each.change, each.words[0], each.is_named) for each in changes.differences] == [(CHANGED, "is_ours", True)]
    assert [each.is_named for each in changes.loosenings] == [True]
    (line_,) = approval.acknowledgements_of([compare(old, new, [], NOW)])
    assert line_.startswith("! is_ours ")


def test_what_a_group_leaves_out_is_a_requirement_dropped(bundles: Bundles, tmp_path: Path) -> None:
    folder = shutil.copytree(installed_folder(), tmp_path / "policies")
    line_ = 'group("OURS", _: Seal, ["use", "stamp"]); group_requires("OURS", ["OURS_FIRST", "OURS_SECOND"]);\n'
    meets = "".join(
        f'meets(_: Person, "{need}", "{action}", s: Seal, _) if s.kind != "OTHER";\n'
        for need in ("OURS_FIRST", "OURS_SECOND")
        for action in ("use", "stamp")
    )
    others = 'otherwise("OURS_FIRST", "SEAL_FROZEN"); otherwise("OURS_SECOND", "SEAL_FROZEN");\n'
    (folder / "ours.polar").write_text(line_ + meets + others, encoding="utf-8")
    old = loaded(folder)
    exempt = 'exempt("OURS", "stamp", _: Seal, "OURS_SECOND", "A reason.");\n'
    without_meets = meets.replace('meets(_: Person, "OURS_SECOND", "stamp", s: Seal, _) if s.kind != "OTHER";\n', "")
    (folder / "ours.polar").write_text(line_ + exempt + without_meets + others, encoding="utf-8")
    changes = changes_of(old, loaded(folder))
    named = [(each.change, each.words) for each in changes.differences if each.is_named]
    assert named == [(DROPPED, ("requires", "stamp", "Seal", "OURS_SECOND"))]
    # In other words the same: one list or two, and each action by itself.
    same = line_.replace('["OURS_FIRST", "OURS_SECOND"]);', '["OURS_SECOND"]); group_requires("OURS", ["OURS_FIRST"]);')
    (folder / "ours.polar").write_text(others + meets + same, encoding="utf-8")
    assert changes_of(old, loaded(folder)).differences == ()


def test_an_end_of_an_allow_that_is_gone_is_told(bundles: Bundles, added: Any) -> None:
    lapse = 'lapses(_: Person, "use", seal: Seal, _, at) if at = seal.certificate.not_after;\n'
    found = compare(added(lapse), added("# Nothing.\n"), [], NOW)
    assert [(each.kind, each.words) for each in unseen([found])] == [(LooseningKind.LAPSE, ("lapses", "use", "Seal"))]
    assert compare(added("# Nothing.\n"), added(lapse), [], NOW).loosenings == ()


def test_two_waivers_are_refused_an_hour_after_the_export(bundles: Bundles, added: Any) -> None:
    rules = (
        'waived("FRESH_FACE", "use", s: Seal, _) if s.kind = "OFFICIAL";',
        'waived("CERTIFICATE_VALID", "use", s: Seal, _) if s.kind = "OFFICIAL";',
    )
    found = compare(bundles[""], added("\n".join(rules)), Scene().records, NOW + HOUR)
    lines = approval.acknowledgements_of([found])
    assert {line.rpartition(" ")[0] for line in lines} == {
        "! waived use Seal CERTIFICATE_VALID",
        "! waived use Seal FRESH_FACE",
    }
    # Approving all that the questions show does not approve the waivers.
    shown = "".join(f"{line}\n" for line in approval.lines_of([found]))
    assert set(approval.compare(lines | approval.lines_of([found]), approval.read(shown, "file")).missing) == lines


def test_the_digest_of_an_acknowledgement_covers_what_the_rule_calls(bundles: Bundles, added: Any) -> None:
    rule = 'waived("SEAL_USABLE", "use", seal: Seal, _) if is_ours(seal);\n'
    lines = [
        approval.acknowledgements_of([compare(bundles[""], added(f"{rule}{helper}\n"), [], NOW)])
        for helper in ('is_ours(seal: Seal) if seal.kind = "OTHER";', 'is_ours(seal: Seal) if seal.kind = "FINANCE";')
    ]
    assert all(len(some) == 1 for some in lines)
    assert lines[0] != lines[1]
    (line_,) = lines[0]
    assert approval.compare({line_}, approval.read(f"{line_}\n", "file"))
    assert not approval.compare(lines[1], approval.read(f"{line_}\n", "file"))


def test_of_a_model_that_declares_no_evidence_every_record_is_tried(bundles: Bundles) -> None:
    plain = dataclasses.replace(MODEL, evidence=NO_EVIDENCE)
    names = ("_face_is_short", "_official_needs_no_face")
    found = compare(*(dataclasses.replace(bundles[name], model=plain) for name in names), Scene().records, NOW)
    assert told(found) == told(diff(bundles, "_face_is_short", "_official_needs_no_face", Scene()))
    assert found.extent.decisions > 0


# --- laws -----------------------------------------------------------------------------------------------------------


def rich() -> Scene:
    """The opening scene with something of everything."""
    return Scene().put(
        application("stranger"),
        *request("plain"),
        *executable(),
        face(VerificationPurpose.RETRIEVE, "RetrievalCase", "k", "admin"),
        face(VerificationPurpose.SIGN, "SigningTask", "t", "signer", state=VerificationState.CONSUMED),
        person("revoked", realname_state="REVOKED"),
        person("locked", account_state="LOCKED"),
    )


Answers = dict[tuple[str, str, str, str], dict[Any, Any]]
"""By subject, action, type and id of the resource: by context, the obligations of an allow, None for a deny."""


TEXTS = {"reason": ("ADMIN_RESIGNED", "ADMIN_DISPUTE", "MOVED"), "role": ("ADMINISTRATOR",)}
"""What some policy says of a text of the context."""


def exhaustive(bundle: Bundle, old: Bundle, scene: Scene) -> Answers:
    """Every question in every context that the facts know at all, as the decision point answers it."""
    point = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), bundle, lambda: NOW)
    ids: dict[str, list[str]] = {}
    for record in scene.records:
        ids.setdefault(type(record).__name__, []).append(record.id)
    answers: Answers = {}
    types = dict.fromkeys((*bundle.actions, *old.actions))
    for type_ in types:
        for action in dict.fromkeys((*bundle.actions.get(type_, ()), *old.actions.get(type_, ()))):
            form = MODEL.action(action, type_)
            values = [[None, *ids.get(record_type, ())] for record_type in form.records.values()]
            values += [[None, "", *TEXTS.get(text, ()), "anything"] for text in form.texts]
            contexts = [
                tuple((key, value) for key, value in zip(form.keys, chosen, strict=True) if value is not None)
                for chosen in itertools.product(*values)
            ]
            for who, what in itertools.product(ids["Person"], ids.get(type_, ())):
                questions = [
                    Question(Entity("Person", who), action, Entity(type_, what), dict(context)) for context in contexts
                ]
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(Evaluation, "_reasons", lambda *_: [])  # most of the time, and nobody reads them
                    decided = list(zip(contexts, point.decide_many(questions), strict=True))
                answers[who, action, type_, what] = {
                    context: frozenset(o.code for o in decision.obligations) if decision else None
                    for context, decision in decided
                }
    return answers


def assert_exact(found: AccessDiff, before: Answers, after: Answers) -> None:
    """The diff says what a loop over everything finds."""
    expected: dict[ChangeKind, set[Any]] = {kind: set() for kind in ChangeKind}
    for key in before:
        had = {context for context, answer in before[key].items() if answer is not None}
        has = {context for context, answer in after[key].items() if answer is not None}
        if has - had:
            expected[ChangeKind.WIDER if had else ChangeKind.GAIN].add(key)
        if had - has:
            expected[ChangeKind.NARROWER if has else ChangeKind.LOSS].add(key)
        if any(before[key][context] != after[key][context] for context in had & has):
            expected[ChangeKind.OBLIGATION].add(key)
    for kind in (ChangeKind.GAIN, ChangeKind.WIDER, ChangeKind.LOSS, ChangeKind.NARROWER, ChangeKind.OBLIGATION):
        changes = found.of(kind)
        assert {(c.subject.id, c.action, c.resource.type, c.resource.id) for c in changes} == expected[kind], kind
        for change in changes:
            key = (change.subject.id, change.action, change.resource.type, change.resource.id)
            is_gain = kind in (ChangeKind.GAIN, ChangeKind.WIDER)
            is_loss = kind in (ChangeKind.LOSS, ChangeKind.NARROWER)
            assert (before[key][change.context] is None) == is_gain
            assert (after[key][change.context] is None) == is_loss
            assert change.causes
    assert found.extent.is_complete


# Those that the tests above used last, which are still kept, come first.
SOUND = [name for name in reversed(VARIANTS) if not name.endswith("never_ends")]

IN_ANY_FACTS = (
    ["_official_needs_no_face", "_administrators_edit", "_destroy_never_ends"]
    if EFFORT is not Effort.THOROUGH
    else [name for name in VARIANTS if name != "_view_never_ends"]
)
"""What is compared in random facts: a condition, a permission and what never ends. In `make thorough` all, but for the
one in which every question about a seal is given up after a long time.
"""


@pytest.mark.parametrize("name", SOUND if EFFORT is Effort.THOROUGH else SOUND[::6])
def test_the_diff_finds_what_a_loop_over_everything_finds(bundles: AnsweredBundles, name: str) -> None:
    after = exhaustive(bundles[name], bundles[""], rich())
    assert_exact(diff(bundles, "", name, rich(), denials=0), bundles.answers_of_installed(bundles[name]), after)


OF_FEW_ACTIONS = ("_face_is_short", "_others_must_be_told", "_official_needs_no_face", "_any_reason_does")
"""A parameter and an obligation; a waiver and a condition. In `make thorough` also what every action calls."""


@pytest.mark.parametrize("name", SOUND if EFFORT is Effort.THOROUGH else OF_FEW_ACTIONS[:2])
def test_what_no_rule_differs_of_is_answered_alike(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = diff(bundles, "", name, Scene())
    everything = frozenset((action, type_) for type_, actions in bundles[name].actions.items() for action in actions)
    changed = dataclasses.replace(changes_of(bundles[""], bundles[name]), told=everything)
    monkeypatch.setattr(access_diff, "changes_of", lambda *_: changed)
    whole = diff(bundles, "", name, Scene())
    assert whole.extent.asked_actions == whole.extent.actions
    assert found.extent.asked_actions < whole.extent.actions or name not in OF_FEW_ACTIONS
    assert whole.changes == found.changes
    assert whole.other_reasons == found.other_reasons


@settings(LAWS, max_examples=tries(3, 40))
@given(scene=scenes(), name=st.sampled_from([name for name in IN_ANY_FACTS if name in SOUND]), is_back=st.booleans())
def test_the_diff_finds_what_a_loop_finds_in_any_facts(
    bundles: AnsweredBundles, scene: Scene, name: str, is_back: bool
) -> None:
    old, new = (name, "") if is_back else ("", name)
    before, after = exhaustive(bundles[old], bundles[new], scene), exhaustive(bundles[new], bundles[old], scene)
    assert_exact(diff(bundles, old, new, scene, denials=0), before, after)


@settings(LAWS, max_examples=tries(5, 100))
@given(scene=scenes(), name=st.sampled_from(["", *IN_ANY_FACTS]))
def test_a_bundle_does_not_differ_from_itself(bundles: Bundles, scene: Scene, name: str) -> None:
    found = diff(bundles, name, name, scene)
    assert found.changes == ()
    assert found.other_reasons == ()


def as_set(change: Change) -> Change:
    """A change whose causes are in one order, whichever bundle comes first."""
    return dataclasses.replace(change, causes=tuple(sorted(change.causes, key=repr)))


@pytest.mark.timeout(tries(320, 7_200))  # long, and on a machine that may be busy
@settings(LAWS, max_examples=tries(5, 100))
@given(scene=scenes(), old=st.sampled_from(["", *IN_ANY_FACTS]), new=st.sampled_from(["", *IN_ANY_FACTS]))
def test_the_diff_back_is_the_mirror_of_the_diff(bundles: Bundles, scene: Scene, old: str, new: str) -> None:
    there, back = diff(bundles, old, new, scene), diff(bundles, new, old, scene)
    assert {as_set(change) for change in there.changes} == {as_set(change.mirrored()) for change in back.changes}
    # What fails in the new bundle is not asked again with fresh facts; what failed in the old one is.
    extents = [dataclasses.replace(some.extent, fresh_decisions=0, fresh_cut=0) for some in (there, back)]
    assert extents[0] == extents[1]


def test_what_a_client_gives_may_bring_into_sight(tmp_path: Path) -> None:
    """Of what is out of sight one context is asked, but where sight rests on what is given."""
    rule = "visible(_: User, _: Document, context: PublishContext) if context.approver matches TeamMember;\n"
    found = []
    for name, more in (("old", ""), ("new", rule)):
        folder = shutil.copytree(installed_folder_of(TINY), tmp_path / name)
        permission = 'has_permission(_: User, "publish", _: Document);\n'
        edit(folder, "documents.polar", lambda text, added=permission + more: text + added)
        found.append(loaded(folder, TINY))
    changes = compare(*found, facts(), NOW).of(ChangeKind.GAIN)
    cy = [(change.resource.id, change.context) for change in changes if change.subject.id == "cy"]
    assert cy == [("d1", (("approver", "red-ann"),))]
    assert compare(found[0], found[0], facts(), NOW).changes == ()


# --- size -----------------------------------------------------------------------------------------------------------


ABOVE_THE_LIMIT = ("_face_is_short", "_tasks_do_not_tie")
"""A check and a tie: each connects other persons with other resources. In `make thorough` all."""


@pytest.mark.parametrize("name", ABOVE_THE_LIMIT if EFFORT is not Effort.THOROUGH else SOUND)
def test_above_the_limit_everybody_with_a_tie_is_still_decided(bundles: Bundles, name: str) -> None:
    strangers = [person(f"x{number:03}") for number in range(25)]
    scene = rich().put(*strangers)
    # The reasons of denials take a while, and are nothing of it.
    whole, part = (diff(bundles, "", name, scene, denials=0, **limits) for limits in ({}, {"pairs": 1}))
    assert part.changes == whole.changes
    assert whole.extent.is_complete
    assert not part.extent.is_complete
    assert part.extent.decided_pairs < whole.extent.pairs // 2
    assert part.extent.pairs == whole.extent.pairs


def test_of_strangers_each_kind_is_decided(bundles: Bundles) -> None:
    strangers = [person(f"x{number:03}", account_state=("ACTIVE", "LOCKED")[number % 2]) for number in range(40)]
    far = Enterprise("g", "远山", "91350100M000100Y43", auth_state=AuthenticationState.AUTHENTICATED, realm="OTHER")
    scene = Scene([*strangers, far])
    found = diff(bundles, "", "", scene, pairs=1)
    assert found.extent.decided_pairs == 6
    assert found.extent.pairs == 40


def test_contexts_that_are_cut_are_counted(bundles: Bundles) -> None:
    found = diff(bundles, "", "_face_is_short", Scene(), contexts=2)
    assert found.extent.cut > 0
    assert not found.extent.is_complete


def test_contexts_that_are_cut_among_fresh_ones_are_counted_too(bundles: Bundles) -> None:
    found = diff(bundles, "", "_face_is_short", Scene(), contexts=1)
    assert found.extent.fresh_cut > 0
    assert not dataclasses.replace(found.extent, cut=0).is_complete


def test_the_most_telling_contexts_come_first(bundles: Bundles) -> None:
    found = diff(bundles, "", "_face_is_short", Scene(), contexts=8)
    assert found.extent.cut > 0
    assert told(found) == ["- Person:user use Seal:s"]


def test_a_fact_that_is_given_twice_counts_as_it_was_given_last(bundles: Bundles) -> None:
    records = [*Scene().records, *Scene().change("Seal", "s", state="DISABLED").records]
    assert compare(bundles[""], bundles["_face_is_short"], records, NOW).changes == ()


def test_without_persons_there_is_nothing_to_decide(bundles: Bundles) -> None:
    found = compare(bundles[""], bundles["_face_is_short"], [], NOW)
    assert (found.changes, found.extent.pairs, found.extent.decisions) == ((), 0, 0)


def test_progress_is_told_to_the_end(bundles: Bundles) -> None:
    told_of: list[tuple[int, int]] = []
    compare(bundles[""], bundles[""], Scene().records, NOW, progress=lambda *done: told_of.append(done))
    assert told_of[-1][0] == told_of[-1][1] == len(told_of) - 1


# --- approvals ------------------------------------------------------------------------------------------------------

IDS = st.text(min_size=1).filter(lambda text: "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text))


@settings(LAWS)
@given(
    subject=IDS,
    resource=IDS,
    task=IDS,
    name=st.just("") | IDS,
    kind=st.sampled_from([kind for kind in ChangeKind if kind in approval.MARKS]),
)
def test_whatever_is_in_an_id_a_line_is_read_as_it_was_written(
    subject: str, resource: str, task: str, name: str, kind: ChangeKind
) -> None:
    change = Change(
        kind, Entity("Person", subject), "use", Entity("Seal", resource), (("task", task),), added=("NOTIFY_LEGAL",)
    )
    lines = {approval.line_of(change, name)}
    read = approval.read(approval.written(lines, approval.Approvals()), "file")
    assert read.changes.keys() == lines
    assert approval.compare(lines, read)


def test_an_id_is_one_word_and_steers_no_terminal() -> None:
    assert approval.as_word("a b#c%d=e\x1b[31m\u202ef\u3000云") == "a%20b%23c%25d%3De%1B[31m%E2%80%AEf%E3%80%80云"


def test_two_changes_are_never_approved_by_one_line() -> None:
    person_, seal = Entity("Person", "p"), Entity("Seal", "s")
    changes = [
        Change(ChangeKind.GAIN, person_, "use", seal),
        Change(ChangeKind.WIDER, person_, "use", seal),
        Change(ChangeKind.WIDER, person_, "use", seal, (("task", "t"),)),
        Change(ChangeKind.WIDER, person_, "use", seal, (("task", "t"), ("verification", "v"))),
        Change(ChangeKind.LOSS, person_, "use", seal),
        Change(ChangeKind.NARROWER, person_, "use", seal),
        Change(ChangeKind.OBLIGATION, person_, "use", seal, added=("A",)),
        Change(ChangeKind.OBLIGATION, person_, "use", seal, dropped=("A",)),
        Change(ChangeKind.GAIN, Entity("Person", "p use Seal:s"), "use", seal),
    ]
    assert len({approval.line_of(change) for change in changes}) == len(changes)


def test_comments_stay_when_the_file_is_written_anew() -> None:
    text = (
        "# About this file.\n\n"
        "# Lin Hao joins the team.\n"
        "+ Person:p-lin use Seal:s    # agreed\n"
        "- Person:p-he view Seal:s\n"
        "# the end\n"
    )
    read = approval.read(text, "file")
    again = approval.written(
        ["- Person:p-he view Seal:s", "+ Person:p-lin use Seal:s", "+ Person:p-a use Seal:a"], read
    )
    assert again == (
        "# About this file.\n\n"
        "+ Person:p-a use Seal:a\n"
        "# Lin Hao joins the team.\n"
        "+ Person:p-lin use Seal:s    # agreed\n"
        "- Person:p-he view Seal:s\n"
        "# the end\n"
    )
    assert approval.read(again, "file").changes.keys() >= read.changes.keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* Person:p use Seal:s", "is no change"),
        ("+ p use Seal:s", "is no change"),
        ("+ Person:p use", "is no change"),
        ("+Person:p use Seal:s", "is no change"),
        ("+ Person:p use Seal:s task", "stands a context"),
        ("~ Person:p use Seal:s", "ends with obligations"),
        ("~ Person:p use Seal:s NOTIFY", "ends with obligations"),
        ("+ Person:p use Seal:s\n+ Person:p  use Seal:s", "approved already"),
        ("! Person:p use Seal:s", "is no change"),
        ("? waived use Seal SEAL_USABLE", "stands before a rule and its digest"),
    ],
)
def test_a_line_that_is_no_change_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(approval.ApprovalProblem, match=said) as refused:
        approval.read(f"# approved\n{text}\n", "ok.txt")
    assert str(refused.value).startswith(f"ok.txt:{2 + text.count(chr(10))}: ")


def test_a_verdict_names_what_is_missing_and_what_is_stale() -> None:
    read = approval.read("+ Person:a use Seal:s\n+ Person:b use Seal:s\n", "file")
    verdict = approval.compare(["+ Person:b use Seal:s", "- Person:c use Seal:s"], read)
    assert not verdict
    assert (verdict.missing, verdict.stale) == (("- Person:c use Seal:s",), ("+ Person:a use Seal:s",))
    assert approval.compare(read.changes, read)
