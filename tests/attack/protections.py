"""What keeps the shipped goals from being reached: for each, what is taken out of the policies, and what the attack
takes then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sealauthz.model.records.retrieval import CaseState
from sealauthz.model.records.seals import SealKind
from sealauthz.schema import Act, Outcome


@dataclass(frozen=True)
class Protection:
    """What is taken out of a file of the policies: a text, and what stands there without it. Where the text is empty,
    what stands there without it is a rule more. What an act itself protects is taken out with its effect.
    """

    goal: str
    file: str = ""
    text: str = ""
    without: str = ""
    steps: int = 1
    """How many steps the attack takes that it closed: acts, those of honest people too, and times that pass."""
    also: tuple[tuple[str, str, str], ...] = ()
    """What else keeps the same, in the same form: its file, the text, and what stands there without it."""
    kept_by: str = ""
    """The invariant of the store that keeps the same, and is taken out of the search with it."""

    act: tuple[str, str] = ("", "")
    """The act whose effect is another one without the protection, by its name and the type that it is done to."""
    does: Callable[[Act], Outcome] | None = None
    """What this act does then."""

    @property
    def parts(self) -> tuple[tuple[str, str, str], ...]:
        """Everything that is taken out."""
        first = ((self.file, self.text, self.without),) if self.file else ()
        return (*first, *self.also)


def waived(requirement: str, action: str, record_type: str) -> str:
    """A rule that waives a requirement of an act for everybody."""
    return f'waived("{requirement}", "{action}", _: {record_type}, _);'


def _becomes_another_kind(act: Act) -> Outcome:
    return Outcome((act.set(act.resource, kind=SealKind.OTHER),))


def _begins_the_notice(act: Act) -> Outcome:
    return Outcome((act.set(act.resource, state=CaseState.NOTICE, notice_from=act.now),))


PROTECTIONS = [
    Protection(
        "an auditor of the seals uses one",
        "seal_use.polar",
        '"NOT_AN_AUDITOR", "use", seal: Seal, context) if not is_auditor(person, seal, context);',
        '"NOT_AN_AUDITOR", "use", seal: Seal, context);',
    ),
    Protection(
        "a seal is used while a court holds it",
        "seal_use.polar",
        "  not is_held(seal) and\n  has_current",
        "  has_current",
    ),
    Protection(
        "what is sealed is not what the face check was for",
        "seal_use.polar",
        "  digest matches String and\n  check.bound_digest = digest;",
        "  digest matches String;",
    ),
    Protection(
        "a use rests on a face check of somebody else",
        "words.polar",
        '  check.person_id = person.id and\n  check.method = "FACE" and\n  check.purpose = purpose and\n'
        "  check.bound_type = object_type and\n",
        '  _ = person.id and\n  check.method = "FACE" and\n  check.purpose = purpose and\n'
        "  check.bound_type = object_type and\n",
    ),
    Protection(
        "what is sealed is not what was approved",
        "seal_request.polar",
        "  forall(other in contract.documents, is_requested(request, other.digest)) and\n"
        "  forall(asked in request.documents, is_in_contract(contract, asked.digest));",
        "  _ in request.documents;",
    ),
    Protection(
        "a guarantee is sealed without a resolution",
        "seal_use.polar",
        "  binds_as_guarantor(seal) and\n  may_guarantee(seal, contract, context);\n\nsuits_any",
        "  binds_as_guarantor(seal);\n\nsuits_any",
    ),
    Protection(
        "a document with blanks is sealed",
        "seal_use.polar",
        '  document.state = "COMPLETE" and\n  document.digest != "";',
        '  document.digest != "";',
    ),
    Protection(
        "somebody seals for their enterprise what it agrees with themself",
        "seal_use.polar",
        "  sealed_contract(context, contract) and\n  not deals_with_self(person, seal, contract, context);",
        "  sealed_contract(context, contract);",
    ),
    Protection(
        "one person seals for both sides, and only administrators agreed to it",
        "seal_use.polar",
        "  sealed_contract(context, contract) and\n  not acts_for_both(person, seal, contract, context);",
        "  sealed_contract(context, contract);",
    ),
    Protection(
        "a seal is used in an emergency again, although nobody approved the last time",
        "special_use.polar",
        "  emergency_grant(person, seal, contract, _, context) and\n"
        "  not has_unapproved_emergency_use(person, seal, context);",
        "  emergency_grant(person, seal, contract, _, context);",
    ),
    Protection(
        "who approved somebody else's use puts the seal while that approval stands",
        "procedures.polar",
        '"APPROVER_NOT_STAMPER", "use", seal: Seal, context) if\n'
        "  sealed_contract(context, contract) and\n"
        "  has_second_pair_of_eyes(person, seal, contract, context);",
        '"APPROVER_NOT_STAMPER", "use", seal: Seal, context) if\n  sealed_contract(context, contract);',
    ),
    Protection(
        "an administrator gets the seals from somebody whom they made an administrator",
        "membership.polar",
        '"NOT_OWN_ROLE", "assign_role", membership: Membership, context) if\n'
        "  membership.person_id != person.id and\n"
        "  not returns_role(person, membership, context);",
        '"NOT_OWN_ROLE", "assign_role", membership: Membership, context) if\n  membership.person_id != person.id;',
        steps=2,
    ),
    Protection(
        "an administrator gets a grant from somebody whom they put in charge of the seals just now",
        "granting.polar",
        "  is_second_person(person, grant.membership.person_id, grant.seal.enterprise, context) and\n"
        "  not gave_grant(grant.membership.person_id, grant) and\n"
        "  not is_from_straw_man(grant, context);",
        "  not gave_grant(grant.membership.person_id, grant);",
        steps=2,
    ),
    Protection(
        "those who are watched end the watch, or send away who watches",
        "monitoring.polar",
        "  is_administrator(person, subscription.enterprise, context) and\n  not is_watched(person, subscription);",
        "  is_administrator(person, subscription.enterprise, context);",
    ),
    Protection(
        "who reported a seal lost finds it again alone",
        "seal_holds.polar",
        "  is_reported_lost(seal) and\n"
        "  forall(placed_for_loss(seal, hold), is_placed_by_another(hold, person, context));",
        "  is_reported_lost(seal);",
    ),
    Protection(
        "a resolution benefits who recorded or confirmed it",
        "resolutions.polar",
        "  not profits_from(person, resolution) and\n  not is_from_beneficiary(person, resolution, _, context);",
        "  not is_from_beneficiary(person, resolution, _, context);",
        steps=2,
    ),
    Protection(
        "a case is executed and somebody concerned was neither told nor published to",
        "retrieval.polar",
        "  forall(must_be_notified(case, person_id, context), is_notified(case, person_id));",
        "  must_be_notified(case, _, context);",
    ),
    Protection(
        "a case is executed before the time of its notice is over",
        "retrieval.polar",
        "  notice_end(case, context, at) and\n  at <= context.now;",
        "  notice_end(case, context, _);",
    ),
    Protection(
        "a case is executed although an administrator answered and objected",
        "retrieval.polar",
        '  case.path = "DOCUMENTS" and\n  not has_standing_objection(case, context);',
        '  case.path = "DOCUMENTS";',
        steps=3,
        also=(
            (
                "retrieval.polar",
                '  case.state in ["NOTICE", "APPROVED"] and\n',
                '  case.state in ["NOTICE", "OBJECTED"] and\n',
            ),
        ),
    ),
    Protection(
        "who may object is silenced during the notice",
        "membership.polar",
        '"NO_RETRIEVAL_HOLD", "suspend", membership: Membership, context) if\n'
        "  not is_held_by_retrieval(membership.enterprise, context);",
        '"NO_RETRIEVAL_HOLD", "suspend", _: Membership, _);',
    ),
    Protection(
        "what is sealed is not what was resolved",
        "resolutions.polar",
        "  is_about_these_documents(resolution, context) and\n",
    ),
    Protection(
        "an emergency becomes the everyday path of one person who approves it afterwards themself",
        "afterwards.polar",
        "  not account_id(person, use.grant.membership.person_id);",
        "  _ = person.id;",
        steps=2,
        also=(
            (
                "special_use.polar",
                "  not are_one_human(approver.person_id, grant.membership.person_id, seal.enterprise) and\n",
                "",
            ),
        ),
        kept_by="I14",
    ),
    Protection(
        "one person with two documents acts with the account that counts no more",
        "floor.polar",
        'meets(person: Person, "REALNAME_VERIFIED", _, _, _) if person.realname_state = "VERIFIED";',
        'meets(_: Person, "REALNAME_VERIFIED", _, _, _);',
    ),
    Protection(
        "people who belong to an enterprise let it hold the seal",
        "granting.polar",
        "  not is_affiliated_with(person.id, context.holder) and\n  not gave_to_own_enterprise(grant, context.holder);",
        "  context.holder.id = grant.holder_id;",
    ),
    Protection(
        "a member without a grant and without an approved request uses the seal",
        "seal_use.polar",
        "",
        waived("SEAL_AUTHORITY", "use", "Seal"),
    ),
    Protection(
        "the seal administrator alone uses the seal that they run",
        "seal_use.polar",
        "",
        waived("SEAL_AUTHORITY", "use", "Seal"),
    ),
    Protection(
        "the administrator alone uses the seal",
        "seal_use.polar",
        "",
        waived("SEAL_AUTHORITY", "use", "Seal"),
        also=(("signing.polar", "", waived("TASK_OPERATOR", "use", "Seal")),),
    ),
    Protection(
        "one administrator who is deceived once is enough for somebody else to use the seal",
        "seal_use.polar",
        "",
        waived("SEAL_AUTHORITY", "use", "Seal"),
    ),
    Protection(
        "the legal representative's seal is used or granted without them",
        "seal_use.polar",
        "",
        waived("SEAL_AUTHORITY", "use", "Seal"),
        also=(("signing.polar", "", waived("TASK_OPERATOR", "use", "Seal")),),
    ),
    Protection(
        "one human with two accounts is two of applicant, approver, custodian, stamper and witness",
        "words.polar",
        "account_of(person: Person, account) if account in person.accounts;\n",
    ),
    Protection(
        "one human with two accounts is two of applicant, approver, custodian, stamper and witness",
        "words.polar",
        "are_one_human(one_id, other_id, enterprise: Enterprise) if\n"
        "  counts_as(one_id, counting_id, enterprise) and\n"
        "  is_or_counts_as(other_id, counting_id, enterprise);\n"
        "are_one_human(one_id, other_id, enterprise: Enterprise) if\n"
        "  counts_as(other_id, counting_id, enterprise) and\n"
        "  counting_id = one_id;\n",
    ),
    Protection(
        "a new legal representative uses the seal that bears their predecessor's name",
        "seal_use.polar",
        "  seal.legal_rep_id = person.id and\n",
        steps=2,
        also=(("seal_use.polar", "", waived("SEAL_USABLE", "use", "Seal")),),
    ),
    Protection(
        "people of the other party seal, consent or review for us",
        "consents.polar",
        "",
        waived("PARTY_REPRESENTED", "permit_double_agency", "Signatory"),
        also=(
            (
                "floor.polar",
                'meets(person: Person, "MEMBER", _, resource, context) if belongs_to_owner(person, resource, context);',
                'meets(_: Person, "MEMBER", _, _, _);',
            ),
            ("visibility.polar", "", "visible(_: Person, _: Signatory, _);"),
        ),
    ),
    Protection(
        "a use under a grant that was passed on exceeds the count of the grant that it comes from",
        "granting.polar",
        "  may_count(parent, context) and\n",
        kept_by="I10",
    ),
    Protection(
        "who applied for a use approves it",
        "seal_request.polar",
        "",
        waived("NOT_THE_APPLICANT", "approve", "SealUseRequest"),
        steps=2,
        kept_by="I14",
    ),
    Protection(
        "a suspended member acts in the enterprise",
        "words.polar",
        '  membership.state = "ACTIVE" and\n  membership.joined_at <= context.now and\n',
        '  membership.state in ["ACTIVE", "SUSPENDED"] and\n  membership.joined_at <= context.now and\n',
        also=(
            (
                "roles.polar",
                "",
                "is_listed_member(person: Person, enterprise: Enterprise) if\n"
                "  membership in enterprise.memberships and\n"
                "  membership.person_id = person.id and\n"
                '  membership.state = "SUSPENDED";',
            ),
        ),
    ),
    Protection(
        "the administrator alone makes somebody an administrator who showed no face",
        "membership.polar",
        "",
        waived("NEW_ADMIN_FACE", "assign_role", "Membership"),
        also=(
            (
                "membership.polar",
                'obligation(_: Person, "assign_role", _: Membership, context, "CONSUME_NEW_ADMIN_VERIFICATION") if\n'
                '  context.role = "SYSTEM_ADMIN";',
                "",
            ),
        ),
    ),
    Protection(
        "a former administrator and a member bring the office back",
        "membership.polar",
        "",
        waived("ENTERPRISE_ADMIN", "approve_join", "JoinApplication"),
        steps=2,
        also=(("roles.polar", "", 'has_permission(_: Person, "approve_join", _: JoinApplication);'),),
    ),
    Protection(
        "somebody becomes a member whom nobody entitled let in",
        "membership.polar",
        "",
        waived("ENTERPRISE_ADMIN", "approve_join", "JoinApplication"),
        also=(("roles.polar", "", 'has_permission(_: Person, "approve_join", _: JoinApplication);'),),
    ),
    Protection(
        "an invitation admits another person than it names",
        "membership.polar",
        "",
        waived("INVITEE", "accept", "Invitation"),
        also=(("roles.polar", "", 'has_permission(_: Person, "accept", _: Invitation);'),),
    ),
    Protection(
        "one person alone ends a seal",
        "seal_management.polar",
        "  valid_proposal(seal, ending, proposal, context) and\n"
        "  is_second_person(person, proposal.proposed_by.person_id, seal.enterprise, context);",
        "  valid_proposal(seal, ending, _, context) and\n  _ = person;",
        steps=2,
    ),
    Protection(
        "who froze a seal thaws it alone",
        "seal_holds.polar",
        "",
        waived("PLACED_BY_ANOTHER", "release", "SealHold"),
    ),
    Protection(
        "who makes a seal reviews it",
        "seal_management.polar",
        "",
        waived("NOT_OWN_REVIEW", "decide", "SealReview"),
        kept_by="I14",
    ),
    Protection(
        "a grant counts that nobody entitled confirmed",
        "granting.polar",
        "",
        waived("SEAL_MANAGER", "confirm", "SealGrant"),
        also=(
            ("granting.polar", "", waived("NOT_OWN_GRANT", "confirm", "SealGrant")),
            ("roles.polar", "", 'has_permission(_: Person, "confirm", _: SealGrant);'),
        ),
    ),
    Protection(
        "a seal administrator and another enterprise let that enterprise hold the seal",
        "granting.polar",
        "",
        waived("GRANT_CONFIRMATION", "confirm", "CrossEnterpriseGrant"),
        steps=2,
        also=(("granting.polar", "", waived("CONFIRMED_BY_ANOTHER", "confirm", "CrossEnterpriseGrant")),),
    ),
    Protection(
        "one person alone changes the rules of the enterprise",
        "own_rules.polar",
        "",
        waived("PROPOSED_BY_ANOTHER", "confirm_change", "RuleChange"),
        steps=2,
        kept_by="A-06",
    ),
    Protection(
        "who retrieves an enterprise has a power in it before the case is executed",
        "retrieval.polar",
        "",
        waived("NOTICE_OVER", "execute", "RetrievalCase"),
    ),
    Protection(
        "an official seal becomes one of a kind that needs no face check",
        act=("edit", "Seal"),
        does=_becomes_another_kind,
        kept_by="S-02",
    ),
    Protection(
        "one reviewer alone lets a case into its notice",
        act=("review", "RetrievalCase"),
        does=_begins_the_notice,
    ),
    Protection(
        "who keeps a seal approves its use",
        "seal_request.polar",
        "",
        waived("NOT_THE_CUSTODIAN", "approve", "SealUseRequest"),
        steps=2,
    ),
    Protection(
        "an office changes hands while the enterprise is being taken back",
        "membership.polar",
        "",
        waived("NO_RETRIEVAL_HOLD", "assign_role", "Membership"),
    ),
    Protection(
        "administrators leave, and days later the enterprise has none",
        "membership.polar",
        "context.now + context.parameters.admin_remains_for < ends_at",
        "context.now < ends_at",
    ),
    Protection(
        "a claim that the administrator has gone moves power",
        "retrieval.polar",
        "",
        waived("CASE_CAN_BE_EXECUTED", "execute", "RetrievalCase"),
        also=tuple(
            ("retrieval.polar", "", waived(requirement, "execute", "RetrievalCase"))
            for requirement in ("ADMIN_GONE", "CERTIFICATION_PASSED", "REVIEWED", "NOTICE_OVER")
        ),
    ),
    Protection(
        "a claim goes on before the time to answer is over",
        "claims.polar",
        "",
        waived("CLAIM_UNANSWERED", "submit", "RetrievalCase"),
    ),
    Protection(
        "a claim goes on although an administrator decided the application in time",
        "claims.polar",
        "",
        waived("CLAIM_UNANSWERED", "submit", "RetrievalCase"),
        steps=3,
    ),
    Protection(
        "an administrator's use is approved by somebody whom they gave that role just now",
        "seal_request.polar",
        "",
        waived("APPROVER_SETTLED", "approve", "SealUseRequest"),
        steps=2,
    ),
    Protection(
        "an administrator of the holder names themself to use another enterprise's seal",
        "granting.polar",
        "",
        waived("NAMES_ANOTHER", "assign", "CrossEnterpriseGrant"),
    ),
    Protection(
        "who let a case into its notice decides the appeal against it",
        "retrieval.polar",
        "  not reviewed_attempt(person, case, _) and\n",
    ),
    Protection(
        "somebody who lost nothing by it appeals against a case",
        "retrieval.polar",
        "",
        waived("FORMER_ADMIN", "appeal", "RetrievalCase"),
        also=(("visibility.polar", "", "visible(_: Person, _: RetrievalCase, _);"),),
    ),
    Protection(
        "a representative approves afterwards what they did with a seal in an emergency themself",
        "afterwards.polar",
        "  not account_id(person, use.grant.membership.person_id);",
        "  _ = person.id;",
        kept_by="I14",
    ),
    Protection(
        "who delivered a letter of authorisation verifies it",
        "letters.polar",
        "",
        waived("NOT_THE_DELIVERER", "verify", "AuthLetter"),
        kept_by="A-02",
    ),
    Protection(
        "somebody whom the registry does not name any more consents for a party",
        "consents.polar",
        "",
        waived("PARTY_REPRESENTED", "permit_double_agency", "Signatory"),
    ),
    Protection(
        "an alert is put aside by the one whom it is about",
        "alerts.polar",
        "",
        waived("ALERT_OF_ANOTHER", "acknowledge", "Alert"),
    ),
    Protection(
        "an alert is put aside by people who watch nothing",
        "alerts.polar",
        "",
        waived("MONITOR", "acknowledge", "Alert"),
        also=(("visibility.polar", "", "visible(_: Person, _: Alert, _);"),),
    ),
    Protection(
        "a seal is used under a grant that has ended and is not swept yet",
        "words.polar",
        "  dated.valid_from <= context.now and\n  context.now < dated.valid_to;",
        "  dated.valid_from <= context.now;",
        steps=2,
        # Else the permission says itself that it has ended, and the store takes nothing that rests on it.
        also=(
            (
                "granting.polar",
                "grant_lapses(grant, at) if at = grant.valid_to;\ngrant_lapses(grant, at) if",
                "grant_lapses(grant, at) if",
            ),
        ),
    ),
    Protection(
        "a seal is used under a certificate that was suspended or ended just before",
        "seal_use.polar",
        '  certificate.state = "ACTIVE" and\n  certificate.not_before <= context.now and\n'
        "  context.now < certificate.not_after;\nbecause",
        "  certificate.not_before <= context.now and\n  context.now < certificate.not_after;\nbecause",
        steps=2,
    ),
    Protection(
        "a seal is used after the registry took the licence of its enterprise away",
        "words.polar",
        'is_in_business(snapshot: RegistrySnapshot) if snapshot.status in ["EXISTING", "ABNORMAL"];',
        "is_in_business(_: RegistrySnapshot);",
        steps=2,
    ),
    Protection(
        "a seal is used that a court or the platform began to hold just before",
        "seal_use.polar",
        "  not is_held(seal) and\n  has_current",
        "  has_current",
        steps=2,
    ),
    Protection(
        "what is sealed is another document than the one that was approved just before",
        "seal_request.polar",
        "  forall(other in contract.documents, is_requested(request, other.digest)) and\n"
        "  forall(asked in request.documents, is_in_contract(contract, asked.digest));",
        "  _ in request.documents;",
        steps=2,
    ),
    Protection(
        "who runs the seals goes on with an account that was locked just before",
        "floor.polar",
        'meets(person: Person, "ACCOUNT_ACTIVE", _, _, _) if person.account_state = "ACTIVE";',
        'meets(_: Person, "ACCOUNT_ACTIVE", _, _, _);',
        steps=2,
    ),
    Protection(
        "a case is executed although a notice of it did not arrive",
        "retrieval.polar",
        "  forall(must_be_notified(case, person_id, context), is_notified(case, person_id));",
        "  must_be_notified(case, _, context);",
    ),
    Protection(
        "a reviewer whose post ended just before lets the time of a notice run",
        "retrieval.polar",
        '  post.duty = "REVIEWER" and\n  post.state = "ACTIVE";',
        '  post.duty = "REVIEWER";',
        steps=2,
    ),
    Protection(
        "a representative consents for a party after the registry named another one",
        "consents.polar",
        "",
        waived("PARTY_REPRESENTED", "permit_double_agency", "Signatory"),
        steps=2,
    ),
    Protection(
        "two whom one absent approver chose pass the two steps of a process",
        "standing_in.polar",
        "  not gave_verdict(absent.person, request) and\n"
        "  not spoke_through_another(absent, substitute, request, context);",
        "  not gave_verdict(absent.person, request);",
        steps=2,
    ),
    Protection(
        "what an honest approver was asked for and approved lets other documents be sealed",
        "seal_request.polar",
        "  forall(other in contract.documents, is_requested(request, other.digest)) and\n"
        "  forall(asked in request.documents, is_in_contract(contract, asked.digest));",
        "  _ in request.documents;",
        steps=3,
    ),
]
