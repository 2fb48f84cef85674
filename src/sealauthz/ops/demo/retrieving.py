"""The second half of the story: the administrator resigns, the enterprise is retrieved, and power has moved."""

from __future__ import annotations

from sealauthz.model.records import identity, organisation, retrieval
from sealauthz.model.records.membership import JoinedVia, Role
from sealauthz.ops.demo.callers import MIGRATION
from sealauthz.ops.demo.checks import face_for_act, face_for_task
from sealauthz.ops.demo.facts import DAY, MINUTE, YUNSHAN_USCC, administrator, member, person, snapshot
from sealauthz.ops.demo.harness import ALLOW, Harness, deny, named
from sealauthz.ops.demo.sealing import CARTONS, SEAL, SEALED, YUNSHAN, give_grant, put_seal


def an_organisation_is_authenticated_once(harness: Harness) -> None:
    """Somebody tries to have the same organisation authenticated again, in three ways."""
    harness.chapter("An organisation is authenticated once")
    harness.write(
        "Tang Yi registers the same company, by the same social credit code, a second time.",
        person("tang", "唐一", "13100009351", harness.now()),
        organisation.Enterprise(id="e-copy", name="云杉印务（上海）有限公司", uscc=YUNSHAN_USCC),
    )
    harness.perform(
        "He tries to have it authenticated.",
        "Person:p-tang authenticate Enterprise:e-copy",
        expect=deny("ORG_ALREADY_AUTHENTICATED"),
        next_steps=("JOIN_ENTERPRISE", "RETRIEVE_ENTERPRISE"),
        shown=("e-yunshan",),
    )
    harness.refuse(
        "Could a service that writes facts make him its administrator?",
        "CALLER_NOT_PERMITTED",
        member("tang", "copy", JoinedVia.AUTHENTICATOR, harness.now()),
        administrator("tang", Role.SYSTEM_ADMIN, harness.now()),
    )
    harness.refuse(
        "And if what was brought in from elsewhere said that it is authenticated?",
        "I1",
        harness.changed("e-copy", auth_state=organisation.AuthenticationState.AUTHENTICATED),
        member("tang", "copy", JoinedVia.AUTHENTICATOR, harness.now()),
        administrator("tang", Role.SYSTEM_ADMIN, harness.now()),
        caller=MIGRATION,
    )


def a_claim_is_answered(harness: Harness) -> None:
    """Lin Hao claims that the administrator has gone, and she says that she is in charge."""
    harness.chapter("A claim that the administrator answers")
    case = _claim(
        harness, "lin", "Lin Hao hears that Chen Jing has left, and claims it: she and the representative are asked."
    )
    harness.perform(
        "No power has moved, and none moves: he tries to submit the case immediately.",
        f"Person:p-lin submit {case}",
        expect=deny("CLAIM_PENDING", "CERTIFICATION_REQUIRED", "REGISTRY_STALE", "FACE_VERIFICATION_REQUIRED"),
        next_steps=("WAIT_UNTIL", "CONTACT_ADMIN", "SUBMIT_DOCUMENTS", "REFRESH_REGISTRY", "VERIFY_FACE"),
        shown=("陈*", "138****1569"),
    )
    face = face_for_act(harness, "chen", "answer_claim", case)
    harness.write("Chen Jing has her face checked.", face)
    harness.perform(
        "She is still in charge. He has applied for nothing, so that his claim is over.",
        f"Person:p-chen answer_claim {case}",
        {"verification": face.id},
        told=(("RETRIEVAL_RESOLVED", "p-lin"),),
    )
    harness.perform(
        "He claims it once more.",
        f"Person:p-lin claim_admin_gone {YUNSHAN}",
        {"reason": "ADMIN_RESIGNED"},
        {"path": "DOCUMENTS", "reason_text": "听说她已离职"},
        expect=deny("ADMIN_IN_CHARGE"),
        next_steps=("WAIT_UNTIL", "CONTACT_ADMIN"),
    )


def _claim(harness: Harness, who: str, words: str) -> str:
    """Have somebody claim that the administrator has gone, and those in charge asked. Return the case."""
    claimed = harness.perform(
        words,
        f"Person:p-{who} claim_admin_gone {YUNSHAN}",
        {"reason": "ADMIN_RESIGNED"},
        {"path": "DOCUMENTS", "reason_text": "电话无人接听，前台称其已离职"},
        told=(
            ("RETRIEVAL_OPENED", f"p-{who}"),
            ("RETRIEVAL_CLAIMED", "p-chen", "p-luo"),
            ("ALERT_RETRIEVAL_CASE", "p-chen", "p-luo"),
        ),
    )
    case_id = named(claimed, "case_id")
    harness.write(
        "Both are written to.",
        *(
            _notice(harness, f"asked-{who}", each, case_id, retrieval.DeliveryState.ACCEPTED)
            for each in ("chen", "luo")
        ),
    )
    harness.perform(
        "Qian Yi of the platform's staff lets the 72 hours to answer run.",
        f"Person:p-qian publish_notice RetrievalCase:{case_id}",
        told=(("RETRIEVAL_CLAIM_RUNS", f"p-{who}", "p-chen", "p-luo"),),
    )
    return f"RetrievalCase:{case_id}"


def _notice(
    harness: Harness, name: str, who: str, case_id: str, state: retrieval.DeliveryState
) -> retrieval.NoticeDelivery:
    return retrieval.NoticeDelivery(
        id=f"notice-{name}-{who}",
        case_id=case_id,
        person_id=f"p-{who}",
        channel=retrieval.NoticeChannel.SMS,
        sent_at=harness.now(),
        state=state,
    )


def the_administrator_resigns(harness: Harness) -> str:
    """Chen Jing leaves, and nobody answers a claim that she did; what she granted still works. Return the case."""
    harness.chapter("The administrator resigns")
    harness.wait("Two weeks later", 14 * DAY)
    harness.write(
        "Chen Jing has left. Somebody still uses her account.",
        harness.changed("p-chen", last_active_at=harness.now()),
    )
    harness.perform(
        "He Miao is named for the next task and no member. She wants to retrieve the enterprise.",
        f"Person:p-he retrieve {YUNSHAN}",
        {"reason": "ADMIN_RESIGNED"},
        {"path": "DOCUMENTS"},
        expect=deny("ADMIN_AVAILABLE"),
        next_steps=("CONTACT_ADMIN", "JOIN_ENTERPRISE", "RETRIEVE_ENTERPRISE"),
        shown=("claim_admin_gone", "陈*"),
    )
    case = _claim(harness, "he", "So she claims that the administrator has gone.")
    harness.progress(
        "She looks how far her case is.",
        "Person:p-he",
        case,
        expect="CASE_OPENED:DONE ADMIN_ANSWERED:NOW CERTIFIED:NEXT REVIEWED:NEXT NOTICE_OVER:NEXT RETRIEVED:NEXT",
    )
    harness.wait("Three days later nobody has answered", 3 * DAY)
    harness.write(
        "The identity provider closes Chen Jing's account.",
        harness.changed("p-chen", account_state=identity.AccountState.CLOSED),
    )
    face = face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min, named for the same task, has her face checked.", face)
    harness.ask(
        "Chen Jing gave her grant. No power has moved yet: could she still use it? (Only asked.)",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        expect=ALLOW,
    )
    return case


def the_enterprise_is_retrieved(harness: Harness, case: str) -> None:
    """He Miao goes on to retrieve the enterprise, with the notice period."""
    harness.chapter("The enterprise is retrieved")
    case_id = case.partition(":")[2]
    harness.perform("He Miao gives the company's documents.", f"Person:p-he certify {case}", {"method": "DOCUMENTS"})
    face = face_for_act(harness, "he", "submit", case)
    harness.write(
        "The registry is asked, and her face is checked.",
        face,
        harness.changed("registry-yunshan-1", is_current=False),
        snapshot("yunshan", 2, harness.now(), "p-luo"),
    )
    harness.perform(
        "She submits the case.",
        f"Person:p-he submit {case}",
        {"verification": face.id},
        told=(("ALERT_RETRIEVAL_CASE", "p-chen", "p-luo"), ("RETRIEVAL_SUBMITTED",)),
    )
    passed = {"verdict": "PASSED"}
    harness.perform("Qian Yi of the platform's staff reviews it.", f"Person:p-qian review {case}", arguments=passed)
    harness.perform(
        "And Sun Ning: with the second reviewer it waits for its notice.",
        f"Person:p-sun review {case}",
        arguments=passed,
        told=(("RETRIEVAL_NOTICE_WANTED", "p-chen", "p-luo"),),
    )
    harness.perform(
        "Does its time run already?",
        f"Person:p-qian publish_notice {case}",
        expect=deny("NOTICE_NOT_GIVEN"),
    )
    harness.write(
        "Those concerned are written to. Chen Jing's phone does not answer any more.",
        *(
            _notice(harness, "case", who, case_id, state)
            for who, state in (
                ("chen", retrieval.DeliveryState.FAILED),
                ("luo", retrieval.DeliveryState.ACCEPTED),
            )
        ),
    )
    harness.perform(
        "Now it does, for 72 hours; because of Chen Jing the notice is made public, too.",
        f"Person:p-qian publish_notice {case}",
        told=(("RETRIEVAL_NOTICE", "p-he", "p-chen", "p-luo"),),
    )
    harness.progress(
        "He Miao looks how far her case is.",
        "Person:p-he",
        case,
        expect="CASE_OPENED:DONE CERTIFIED:DONE REVIEWED:DONE NOTICE_OVER:NOW RETRIEVED:NEXT",
    )
    face = face_for_act(harness, "he", "execute", case)
    harness.write("Her face is checked again.", face)
    harness.perform(
        "She tries to execute the case at once.",
        f"Person:p-he execute {case}",
        {"verification": face.id},
        expect=deny("NOTICE_PERIOD"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.wait("Three days and a minute later", 3 * DAY + MINUTE)
    face = face_for_act(harness, "he", "execute", case)
    harness.write(
        "The registry is asked and her face is checked once more.",
        face,
        harness.changed("registry-yunshan-2", is_current=False),
        snapshot("yunshan", 3, harness.now(), "p-luo"),
    )
    harness.perform(
        "Nobody objected. She executes it: she is administrator, Chen Jing is not, and her grants are void.",
        f"Person:p-he execute {case}",
        {"verification": face.id},
        told=(
            ("RETRIEVAL_EXECUTED", "p-he", "p-chen", "p-luo"),
            *[("ROLE_ENDED", "p-chen")] * 2,
            *[("GRANT_INVALIDATED", "p-zhou")] * 2,
        ),
    )
    harness.progress(
        "The retrieval is done.",
        "Person:p-he",
        case,
        expect="CASE_OPENED:DONE CERTIFIED:DONE REVIEWED:DONE NOTICE_OVER:DONE RETRIEVED:DONE",
    )


def power_has_moved(harness: Harness, lin: str) -> None:
    """The new administrator acts; the old grants are void."""
    harness.chapter("Power has moved")
    as_seal_admin = {"role": "SEAL_ADMIN"}
    harness.perform(
        "He Miao wants to make Lin Hao administrator of the seals at once.",
        f"Person:p-he assign_role {lin}",
        as_seal_admin,
        expect=deny("COOLING_OFF"),
        next_steps=("WAIT_UNTIL",),
    )
    harness.wait("The day of cooling off passes", DAY)
    harness.perform("Now she does.", f"Person:p-he assign_role {lin}", as_seal_admin, told=(("ROLE_GIVEN", "p-lin"),))
    face = face_for_task(harness, "zhou", "cartons")
    harness.write("Zhou Min has her face checked again.", face)
    harness.perform(
        "She tries the seal, by the grant that Chen Jing gave.",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        SEALED,
        expect=deny("GRANT_INVALIDATED_ADMIN_CHANGED"),
        next_steps=("REQUEST_GRANT_RENEWAL",),
        shown=("林*", "139****2684"),
    )
    give_grant(harness, "Lin Hao gives her a new one.", "lin", told=("GRANT_TO_CONFIRM", "p-luo"))
    used = harness.perform(
        "She uses the seal, on the check of before: a deny uses nothing up.",
        "Person:p-zhou use " + SEAL,
        {**CARTONS, "verification": face.id},
        SEALED,
        told=(("ALERT_FIRST_USE", "p-he", "p-luo"), ("SEAL_USED", "p-he", "p-luo")),
    )
    put_seal(harness, used)
