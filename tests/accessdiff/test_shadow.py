"""A candidate in the shadow notes exactly what it answers otherwise, takes what it may take, and hinders nobody."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The scenes are those that the decision point is tested with.
sys.path.append(str(Path(__file__).resolve().parent.parent / "decision"))

from changed_bundles import Bundles
from random_scenes import asked_scenes
from scene import NOW, Scene

from sealauthz.decision import Bundle, Decision, Entity, PolicyDecisionPoint, Question, RequestOptions
from sealauthz.decision.assembly import Within
from sealauthz.decision.product_reasons import POLICY_ERROR
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.policytools.diff.changes import CauseKind
from sealauthz.policytools.diff.shadow import Difference, Noted, Shadow
from sealauthz.runtime.errors import SealAuthzError

USE = Question(Entity("Person", "user"), "use", Entity("Seal", "s"), {"task": "t", "verification": "v-user"})
WITHOUT_CHECK = Question(USE.subject, "use", USE.resource, {"task": "t"})
VIEW = Question(Entity("Person", "user"), "view", Entity("Seal", "s"), {})


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return Bundles(tmp_path_factory.mktemp("bundles"))


class Pair:
    """What decides, and a candidate beside it that sees every question."""

    def __init__(self, active: Bundle, candidate: Bundle, scene: Scene | None = None, share: float = 1.0) -> None:
        facts = FactCache.of_records(MODEL, (scene or Scene()).records)
        self.pdp = PolicyDecisionPoint(facts, active, lambda: NOW)
        self.shadow = Shadow(
            facts, lambda: self.pdp.bundle, candidate, share=share, cpu_share=0.5, now=lambda: NOW, draw=lambda: 0.5
        )
        self.pdp.listener = self.shadow.offer

    def ask(self, *questions: Question, times: int = 1) -> tuple[Noted, ...]:
        for _ in range(times):
            for question in questions:
                self.pdp.decide(question)
        self.shadow.compare_waiting()
        return self.shadow.report().differences


def test_what_it_denies_is_a_loss_with_the_line_behind_it(bundles: Bundles) -> None:
    (loss,) = Pair(bundles[""], bundles["_face_is_short"]).ask(USE, times=3)
    assert (loss.kind.difference, loss.kind.action, loss.kind.resource_type) == (Difference.LOSS, "use", "Seal")
    assert (loss.count, loss.first_at, loss.last_at) == (3, NOW, NOW)
    assert loss.kind.before == ()
    assert loss.kind.after == ("FACE_VERIFICATION_EXPIRED",)
    (cause,) = loss.kind.causes
    assert (cause.kind, cause.requirement, cause.parameters) == (CauseKind.REQUIREMENT, "FRESH_FACE", ("face_for_use",))
    assert loss.examples == (USE,)


def test_what_it_allows_is_a_gain_and_comes_first(bundles: Bundles) -> None:
    pair = Pair(bundles["_face_is_short"], bundles["_official_needs_no_face"])
    found = pair.ask(WITHOUT_CHECK, USE, times=2)
    assert found[0].kind.difference is Difference.GAIN
    gains = [each for each in found if each.kind.difference is Difference.GAIN]
    assert {example for each in gains for example in map(_named, each.examples)} == {_named(USE), _named(WITHOUT_CHECK)}
    assert all(cause.allowed_by is not None for each in gains for cause in each.kind.causes)


def _named(question: Question) -> tuple[str, ...]:
    return (str(question.subject), question.action, str(question.resource), *sorted(question.context))


def test_other_obligations_are_told(bundles: Bundles) -> None:
    (other,) = Pair(bundles[""], bundles["_others_must_be_told"]).ask(USE)
    assert other.kind.difference is Difference.OBLIGATION
    assert (other.kind.added, other.kind.dropped) == (("NOTIFY_LEGAL",), ("NOTIFY_MONITORS",))
    assert all(cause.required_by is not None for cause in other.kind.causes)


def test_other_reasons_of_a_deny_are_told(bundles: Bundles) -> None:
    expired = Scene().change("Certificate", "cert", not_after=1)
    (other,) = Pair(bundles[""], bundles["_any_certificate_does"], expired).ask(WITHOUT_CHECK)
    assert other.kind.difference is Difference.REASONS
    assert set(other.kind.before) - set(other.kind.after) == {"CERT_EXPIRED"}


def test_what_it_cannot_decide_is_told_and_not_logged(bundles: Bundles, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        (broken,) = Pair(bundles[""], bundles["_view_never_ends"]).ask(VIEW)
    assert broken.kind.difference is Difference.BROKEN
    assert broken.kind.error.isidentifier(), "the kind of failure, and no text of an engine"
    assert not caplog.records


def test_the_bundle_that_decides_has_no_difference_from_itself(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles[""])
    assert pair.ask(USE, WITHOUT_CHECK, VIEW) == ()
    report = pair.shadow.report()
    assert (report.sampled, report.compared, report.left_out, report.not_in_memory) == (3, 3, 0, 0)


def test_a_text_that_was_given_as_an_id_is_decided_alike_and_not_noted(bundles: Bundles) -> None:
    strange = Question(USE.subject, USE.action, USE.resource, {"task": "t", "verification": "Ann, 139 0000 0000"})
    assert Pair(bundles["_face_is_short"], bundles["_official_needs_no_face"]).ask(strange) == ()


def test_what_is_noted_holds_no_value_but_ids_of_records(bundles: Bundles) -> None:
    """Neither what the client gave, nor what a condition saw."""
    moved = Question(Entity("Person", "boss"), "retrieve", Entity("Enterprise", "e"), {"reason": "MOVED"})
    assert "reason" in MODEL.action("retrieve", "Enterprise").keys
    (other,) = Pair(bundles[""], bundles["_any_reason_does"]).ask(moved)
    assert [dict(example.context) for example in other.examples] == [{}]
    (loss,) = Pair(bundles[""], bundles["_face_is_short"]).ask(USE)
    assert [stop.values for cause in loss.kind.causes for stop in cause.stops] == [()]


def test_a_question_is_drawn_as_often_as_the_share_says(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles["_face_is_short"], share=0.5)  # what is drawn is 0.5: not below it
    assert pair.ask(USE) == ()
    assert pair.shadow.report().sampled == 0


def test_more_questions_than_find_room_are_left_out_and_counted(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles["_face_is_short"])
    for _ in range(300):
        pair.shadow.offer(USE, RequestOptions())
    report = pair.shadow.report()
    assert (report.sampled, report.left_out) == (300, 300 - 256)


def test_other_policies_that_become_active_begin_a_new_count(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles["_face_is_short"])
    assert len(pair.ask(USE)) == 1
    pair.pdp.bundle = bundles["_face_is_short"]
    assert pair.ask(USE) == ()
    assert pair.shadow.report().active == bundles["_face_is_short"].version


def test_what_its_caller_may_not_see_is_no_difference(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles["_face_is_short"])
    pair.shadow.offer(USE, RequestOptions(Within(frozenset({"elsewhere"}))))
    pair.shadow.compare_waiting()
    assert (pair.shadow.report().compared, pair.shadow.report().differences) == (1, ())  # NOT_FOUND on both sides


def test_its_thread_compares_and_takes_no_more_than_its_part_of_a_core(bundles: Bundles) -> None:
    pair = Pair(bundles[""], bundles["_face_is_short"])
    pair.shadow.offer(USE, RequestOptions())
    pair.shadow.thread.start()
    until = time.monotonic() + 30
    while not pair.shadow.report().compared and time.monotonic() < until:
        time.sleep(0.01)
    pair.shadow.thread.stop()
    assert pair.shadow.thread.join(30)
    assert pair.shadow.report().compared == 1


@settings(max_examples=tries(60, 2_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    asked_scenes(),
    st.sampled_from(["_anybodys_face_does", "_administrators_edit", "_view_needs_use", "_others_must_be_told"]),
)
def test_it_notes_exactly_what_the_two_answer_differently(
    bundles: Bundles, asked: tuple[Scene, Question], name: str
) -> None:
    """Whatever the facts and the question: asked apart, the two bundles say the same as what is noted."""
    scene, question = asked
    pair = Pair(bundles[""], bundles[name], scene)
    try:
        before = pair.pdp.decide(question)
    except SealAuthzError:
        return
    alone = PolicyDecisionPoint(FactCache.of_records(MODEL, scene.records), bundles[name], lambda: NOW)
    after = alone.decide(question)
    pair.shadow.compare_waiting()
    found = pair.shadow.report().differences
    assert [each.kind.difference for each in found] == _expected(before, after)
    for each in found:
        assert each.kind.difference not in {Difference.GAIN, Difference.LOSS} or each.kind.causes


def _expected(before: Decision, after: Decision) -> list[Difference]:
    broken = [POLICY_ERROR in [reason.code for reason in each.reasons] for each in (before, after)]
    if any(broken):
        return [] if all(broken) else [Difference.BROKEN if broken[1] else Difference.MENDED]
    if bool(before) != bool(after):
        return [Difference.GAIN if after else Difference.LOSS]
    if before:
        is_same = {each.code for each in before.obligations} == {each.code for each in after.obligations}
        return [] if is_same else [Difference.OBLIGATION]
    is_same = [each.code for each in before.reasons] == [each.code for each in after.reasons]
    return [] if is_same else [Difference.REASONS]
