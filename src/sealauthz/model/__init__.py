"""The e-seal world and nothing else: its records, actions, invariants and parameters, put together as `MODEL`."""

from sealauthz.model.actions import consents as consent_actions
from sealauthz.model.actions import contracts as contract_actions
from sealauthz.model.actions import following as following_actions
from sealauthz.model.actions import granting as granting_actions
from sealauthz.model.actions import organisations as organisation_actions
from sealauthz.model.actions import own_rules as own_rule_actions
from sealauthz.model.actions import retrieval as retrieval_actions
from sealauthz.model.actions import seal_management as management_actions
from sealauthz.model.actions import seals as seal_actions
from sealauthz.model.actions.common import Context
from sealauthz.model.activity import MONITORED
from sealauthz.model.adoption_invariants import ADOPTIONS
from sealauthz.model.alarms import ALARMS, ATTEMPTS
from sealauthz.model.batch_invariants import BATCHES
from sealauthz.model.contract_invariants import CONTRACTS
from sealauthz.model.effects import (
    administration,
    alerts,
    checks,
    counting,
    enterprises,
    holds,
    joining,
    sealing,
    signing,
    taking_over,
    told,
)
from sealauthz.model.effects import grants as grant_effects
from sealauthz.model.effects import outings as outing_effects
from sealauthz.model.effects import own_rules as rule_effects
from sealauthz.model.effects import retrieval as retrieval_effects
from sealauthz.model.events import EVENTS, NAMED
from sealauthz.model.evidence import EVIDENCE
from sealauthz.model.member_invariants import ADMINISTRATORS, MEMBERS
from sealauthz.model.outside import OUTSIDE, PROVIDED
from sealauthz.model.parameters import Parameters
from sealauthz.model.progress import TIMELINES, VIEW
from sealauthz.model.records import (
    batches,
    contracts,
    cross_grants,
    delegations,
    grants,
    identity,
    letters,
    membership,
    monitoring,
    organisation,
    outings,
    procedures,
    requests,
    retrieval,
    seal_uses,
    seals,
)
from sealauthz.model.records import signing as signing_records
from sealauthz.model.right_invariants import RIGHTS
from sealauthz.model.steps import STEP_ACTS
from sealauthz.model.sweeps import SWEEPS
from sealauthz.model.use_invariants import USES
from sealauthz.schema import Model, Part
from sealauthz.schema.record import records_of

MODEL = Model(
    name="e-seals",
    declared_in=__name__,
    parts=(
        Part(records_of(identity), duties=checks.DUTIES),
        Part(
            (*records_of(contracts), *records_of(signing_records), *records_of(seal_uses)),
            (*contract_actions.ACTIONS, *consent_actions.ACTIONS),
            (*CONTRACTS, *USES),
            signing.DUTIES,
        ),
        Part(
            (*records_of(organisation), *records_of(membership), *records_of(procedures)),
            (*organisation_actions.ACTIONS, *own_rule_actions.ACTIONS),
            MEMBERS,
            (*joining.DUTIES, *administration.DUTIES, *enterprises.DUTIES),
        ),
        Part(records_of(retrieval), retrieval_actions.ACTIONS, duties=(*retrieval_effects.DUTIES, *taking_over.DUTIES)),
        Part(
            (
                *records_of(seals),
                *records_of(grants),
                *records_of(cross_grants),
                *records_of(letters),
                *records_of(delegations),
                *records_of(requests),
                *records_of(outings),
                *records_of(monitoring),
            ),
            (*seal_actions.ACTIONS, *management_actions.ACTIONS, *granting_actions.ACTIONS),
            (*RIGHTS, *ADOPTIONS, *ADMINISTRATORS),
            (
                *told.DUTIES,
                *alerts.DUTIES,
                *holds.DUTIES,
                *grant_effects.DUTIES,
                *rule_effects.DUTIES,
                *counting.DUTIES,
                *sealing.DUTIES,
                *outing_effects.DUTIES,
            ),
        ),
        Part(
            records_of(batches),
            following_actions.ACTIONS,
            BATCHES,
            timelines=TIMELINES,
            events=EVENTS,
            named=NAMED,
            sweeps=SWEEPS,
            provided=PROVIDED,
            outside=OUTSIDE,
            step_acts=STEP_ACTS,
            monitored=MONITORED,
            alarms=ALARMS,
            attempts=ATTEMPTS,
        ),
    ),
    context=Context,
    parameters=Parameters,
    messages="sealauthz_client.v1.records_pb2",
    migrations="sealauthz.model:migrations",
    evidence=EVIDENCE,
    progress_action=VIEW,
)
"""The model that the service is about."""

__all__ = ["MODEL"]
