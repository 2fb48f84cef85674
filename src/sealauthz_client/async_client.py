"""The client of asyncio: the same calls as that of threads."""

from __future__ import annotations

from sealauthz_client import audit, authorization, events, facts, monitor, operations
from sealauthz_client import policy_calls as rollout
from sealauthz_client.aio import AsyncConnection, awaiting, awaiting_steps, iterating, watching


class AsyncSealAuthzClient(AsyncConnection):
    """A connection to the service, made and used in one event loop; close it, or use it as a context manager.

    It has the calls of `SealAuthzClient`, which are awaited; lists and watches are read with `async for`.

    `tls_roots` are the PEM certificates to trust (None: those of grpcio); `certificate` is the caller's own, with its
    key (PEM), where the server wants one: then the token may be empty. `insecure` is plain text, to loopback only.
    `token` is a text, or what renews one (`RenewedAsyncToken`). Every call ends within its `timeout_s`, attempts
    included (`retry`), and raises CallFailed if there is no answer by then. `channel_options` are those of grpcio.
    `headers` returns what else goes with each attempt as metadata, such as a trace.
    Questions take `consistency`: None answers from memory (`Decision.facts_age`), `NEWEST` and `at_least(token)` do not
    answer from older facts.
    """

    authorize = awaiting(authorization.authorize)
    authorize_batch = awaiting(authorization.authorize_batch)
    list_actions = awaiting(authorization.list_actions)
    list_actions_except = awaiting(authorization.list_actions_except)
    explain = awaiting(authorization.explain)
    list_resources = awaiting(authorization.list_resources)
    list_subjects = awaiting(authorization.list_subjects)
    list_resources_except = awaiting(authorization.list_resources_except)
    list_subjects_except = awaiting(authorization.list_subjects_except)
    resource_pages_except = iterating(authorization.resource_pages_except)
    subject_pages_except = iterating(authorization.subject_pages_except)
    resource_pages = iterating(authorization.resource_pages)
    subject_pages = iterating(authorization.subject_pages)

    checkpoint = awaiting(audit.checkpoint)
    decision = awaiting(audit.decision)
    decide_as_of = awaiting(audit.decide_as_of)
    inclusion_proof = awaiting(audit.inclusion_proof)
    consistency_proof = awaiting(audit.consistency_proof)
    decisions = iterating(audit.decisions)

    watch_events = watching(events.watch_events)

    write_facts = awaiting(facts.write_facts)
    read_facts = awaiting(facts.read_facts)
    watch_changes = watching(facts.watch_changes)
    import_facts = awaiting_steps(facts.import_facts)
    abandon_import = awaiting(facts.abandon_import)
    list_imports = awaiting(facts.list_imports)
    end_import = awaiting(facts.end_import)

    seal_activity = awaiting(monitor.seal_activity)
    watch_seal_activity = watching(monitor.watch_seal_activity)

    perform = awaiting(operations.perform)
    operation = awaiting(operations.operation)
    progress = awaiting(operations.progress)
    keys = awaiting(operations.keys)

    policies = awaiting(rollout.policies)
    policy = awaiting(rollout.policy)
    validate_policy = awaiting(rollout.validate_policy)
    compare_policies = awaiting(rollout.compare_policies)
    propose_policy = awaiting(rollout.propose_policy)
    activate_policy = awaiting(rollout.activate_policy)
    roll_back_policy = awaiting(rollout.roll_back_policy)
    begin_shadow = awaiting(rollout.begin_shadow)
    end_shadow = awaiting(rollout.end_shadow)
    shadow = awaiting(rollout.shadow)
