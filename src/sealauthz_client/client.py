"""The client of threads: the calls of every service over one connection."""

from __future__ import annotations

from sealauthz_client import audit, authorization, events, facts, monitor, operations
from sealauthz_client import policy_calls as rollout
from sealauthz_client.transport import Connection, blocking, blocking_steps, iterating, watching


class SealAuthzClient(Connection):
    """A connection to the service. Any thread may use it; close it, or use it as a context manager.

    `tls_roots` are the PEM certificates to trust (None: those of grpcio); `certificate` is the caller's own, with its
    key (PEM), where the server wants one: then the token may be empty. `insecure` is plain text, to loopback only.
    `token` is a text, or what renews one (`RenewedToken`). Every call ends within its `timeout_s`, attempts included
    (`retry`), and raises CallFailed if there is no answer by then. `channel_options` are those of grpcio.
    `headers` returns what else goes with each attempt as metadata, such as a trace.
    Questions take `consistency`: None answers from memory (`Decision.facts_age`), `NEWEST` and `at_least(token)` do not
    answer from older facts.
    """

    authorize = blocking(authorization.authorize)
    authorize_batch = blocking(authorization.authorize_batch)
    list_actions = blocking(authorization.list_actions)
    list_actions_except = blocking(authorization.list_actions_except)
    explain = blocking(authorization.explain)
    list_resources = blocking(authorization.list_resources)
    list_subjects = blocking(authorization.list_subjects)
    list_resources_except = blocking(authorization.list_resources_except)
    list_subjects_except = blocking(authorization.list_subjects_except)
    resource_pages_except = iterating(authorization.resource_pages_except)
    subject_pages_except = iterating(authorization.subject_pages_except)
    resource_pages = iterating(authorization.resource_pages)
    subject_pages = iterating(authorization.subject_pages)

    checkpoint = blocking(audit.checkpoint)
    decision = blocking(audit.decision)
    decide_as_of = blocking(audit.decide_as_of)
    inclusion_proof = blocking(audit.inclusion_proof)
    consistency_proof = blocking(audit.consistency_proof)
    decisions = iterating(audit.decisions)

    watch_events = watching(events.watch_events)

    write_facts = blocking(facts.write_facts)
    read_facts = blocking(facts.read_facts)
    watch_changes = watching(facts.watch_changes)
    import_facts = blocking_steps(facts.import_facts)
    abandon_import = blocking(facts.abandon_import)
    list_imports = blocking(facts.list_imports)
    end_import = blocking(facts.end_import)

    seal_activity = blocking(monitor.seal_activity)
    watch_seal_activity = watching(monitor.watch_seal_activity)

    perform = blocking(operations.perform)
    operation = blocking(operations.operation)
    progress = blocking(operations.progress)
    keys = blocking(operations.keys)

    policies = blocking(rollout.policies)
    policy = blocking(rollout.policy)
    validate_policy = blocking(rollout.validate_policy)
    compare_policies = blocking(rollout.compare_policies)
    propose_policy = blocking(rollout.propose_policy)
    activate_policy = blocking(rollout.activate_policy)
    roll_back_policy = blocking(rollout.roll_back_policy)
    begin_shadow = blocking(rollout.begin_shadow)
    end_shadow = blocking(rollout.end_shadow)
    shadow = blocking(rollout.shadow)
