"""Where the steps of a reason are followed first: the policy test whose world they are known to end in.

Nothing rests on it but time: where such a world leads nowhere any more, the others are tried as well.
"""

from __future__ import annotations

FIRST: dict[str, str] = {
    "ADMIN_AVAILABLE": "R-07 after seven days without a sign an administrator is away",
    "AMOUNT_CURRENCY_UNSUPPORTED": "U-05 a currency that the limit is not in is refused in plain words",
    "AMOUNT_EXCEEDS_LIMIT": "U-04 with the approval that the amount asks for the grant does",
    "AMOUNT_UNKNOWN": "U-04 that a contract moves no money is not the sender's word alone",
    "APPROVAL_REQUIRED": "M-11 U-12 a verdict by whom the applicant had just given that right is none",
    "CARRY_OUT_NOT_APPROVED": "M-01 a person who is suspended carries out nothing",
    "CERTIFICATION_REQUIRED": "R-05 a certification that is in review is not enough to execute",
    "CONTRACT_NOT_SIGNING": "C-01 nothing is signed while the contract is in the state filling",
    "DELEGATION_PARTY_NOT_MEMBER": "U-18 the delegate is a present member",
    "DEVICE_MISMATCH": "U-23 nobody stamps a seal that sits in no controller",
    "DOCUMENT_INCOMPLETE": "U-16 a document with blanks is not sealed",
    "DOUBLE_AGENCY": "A-05 U-14 who represents both sides seals for both when both companies resolved it",
    "GRANTOR_NOT_ENTITLED": "S-17 what the legal representative gave is confirmed while the registry names them",
    "GRANT_EXCEEDS_GRANTOR": "S-05 nor where the legal representative gave it",
    "LAST_ADMIN": "M-08 the last administrator keeps the role",
    "LEGAL_REP_PROTECTED": "M-09 no administrator suspends the legal representative",
    "MEMBERSHIP_NOT_BEGUN": "M-06 M-01 nor accept an invitation",
    "NOT_HOLDER_ADMIN": "U-20 as long as the role lasts",
    "NOT_YOUR_TURN": "C-01 nothing is sealed while a task before it is pending",
    "NO_CROSS_ENTERPRISE_GRANT": "U-20 either holder's grant is enough",
    "NO_ROLE_TO_GRANT_UNDER": "S-17 a representative who is a member grants under a role of theirs",
    "NO_SEAL_GRANT": "C-03 the legal representative's own seal is theirs without a grant",
    "ORG_ALREADY_AUTHENTICATED": "M-15 another organisation may be authenticated",
    "REQUEST_EXPIRED": "U-07 a request holds until the second before it ends",
    "RETRIEVAL_HOLD": "R-12 no grant to all is confirmed while a retrieval is objected",
    "REVIEW_PENDING": "C-07 a review that is asked for is waited for (who carries out)",
    "SEAL_FACE_CHANGED": "S-02 taking the face of a reviewed seal away gives no use",
    "SEAL_NEEDED": "C-02 a person who may open a task that asks for a seal, or sign it",
    "SEAL_OF_FORMER_LEGAL_REP": "U-19 what the legal representative granted, the grantee uses themself",
    "SECOND_PERSON_NEEDED": "A-03 not within a month of another representative",
    "SELF_DEALING": "U-13 U-20 a resolution of the owner lets the holder seal what it agrees with the owner",
    "SOD_COUNTERPARTY_IS_APPROVER": "A-02 whom the registry names for the other party does not review for this one",
    "STAMP_NOT_APPROVED": "U-23 nobody stamps on another's request",
}
