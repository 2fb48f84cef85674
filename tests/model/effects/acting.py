"""Acting through `Operations`, as a caller does: what is performed, what is told, and which facts there are then."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from harness import NOW, bundle, check_told
from joserfc.jwk import OKPKey
from own_word import TRUSTED, signed

from sealauthz.decision import Decision, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import DEFAULT_OPTIONS, MaySee, RequestOptions, everything
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.model import MODEL
from sealauthz.operations import Operations, Performance, Performed
from sealauthz.operations.expiries import Expiries
from sealauthz.operations.keys import SigningKeys
from sealauthz.operations.receipts import Issuer
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.runtime.background import ignored
from sealauthz.schema import Event
from sealauthz_client.receipts import Receipt, verify

PLATFORM = "platform"
ENGINE = "engine"


class Platform:
    """A store with some facts, and those who call: the platform, and its sealing engine."""

    def __init__(self, url: str, given: FactSet) -> None:
        self.now = NOW
        self.url = url
        self.store = store = Store.open(url, MODEL, lambda: self.now)
        self.keys = SigningKeys([OKPKey.generate_key("Ed25519")])
        self._numbers = itertools.count()
        self._cache = FactCache(store)
        self._policies = Policies(bundle())
        self._pdp = PolicyDecisionPoint(self._cache, self._policies, lambda: self.now)
        self._operations = Operations(store, self._pdp, Issuer("authz", self.keys), TRUSTED)
        self.write(*given.records)
        self._told = (store.revision(), 1_000)

    def write(self, *records: Any) -> None:
        """Write records as the services do that own the outside world."""
        self.store.write(Batch("facts", f"write-{next(self._numbers)}", tuple(map(Put, records))))

    def ask(self, subject: str, action: str, resource: str, *, caller: str = PLATFORM, **context: Any) -> Decision:
        return self._pdp.decide(_question(subject, action, resource, context), RequestOptions(caller=caller))

    def try_to(
        self,
        subject: str,
        action: str,
        resource: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        caller: str = PLATFORM,
        may_see: MaySee = everything,
        **context: Any,
    ) -> Performed:
        question = _question(subject, action, resource, context)
        performance = Performance(question, f"request-{next(self._numbers)}", arguments or {})
        return self._operations.perform(signed(performance, self.now), RequestOptions(may_see, caller))

    def perform(self, *asked: Any, **named: Any) -> Performed:
        """Perform what is allowed. An AssertionError where it is denied."""
        done = self.try_to(*asked, **named)
        assert done, codes(done)
        return done

    def codes(self, *asked: Any, **named: Any) -> list[str]:
        """Why an act is not performed; it must not be."""
        done = self.try_to(*asked, **named)
        assert not done
        return codes(done)

    def receipt(self, done: Performed, audience: str = ENGINE) -> Receipt:
        """What the receipt of an act says to its audience now."""
        assert done.operation is not None
        return verify(done.operation.receipt, self.keys.key_set, audience, issuer="authz", now=self.now // 1_000_000)

    def told(self) -> list[Event]:
        """The events since they were asked for last."""
        found = self.store.events_after(self._told, 100)
        if found:
            self._told = (found[-1].revision, found[-1].ordinal)
        check_told(each.event for each in found)
        return [each.event for each in found]

    def text(self, event: Event, language: str = "en", options: RequestOptions = DEFAULT_OPTIONS) -> str:
        """What an event says to people now."""
        known = {**self._pdp.names_for(event, options), **event.values}
        return bundle().texts.event(event.code, language, known)

    def get(self, record_type: str, record_id: str) -> Any:
        """A record as it is now; None if there is none."""
        with self._cache.read() as snapshot:
            return snapshot.find(record_type, record_id)

    def all(self, record_type: str, **values: str) -> list[Any]:
        """The records that hold some values."""
        with self._cache.read() as snapshot:
            return [snapshot.find(record_type, record_id) for record_id in snapshot.matching(record_type, **values)]

    def actions_of(self, record_type: str) -> tuple[str, ...]:
        """The actions on a type of records."""
        return bundle().rulebook.actions_of(record_type)

    def sweep(self) -> list[Event]:
        """Write what time alone has ended by now, and return what is told of it."""
        self.told()
        Expiries(self.store, self._cache, self._policies, ignored, now=lambda: self.now).sweep()
        return self.told()


def codes(done: Performed) -> list[str]:
    """Why an act was not performed."""
    return [reason.code for reason in done.decision.reasons]


def _question(subject: str, action: str, resource: str, context: Mapping[str, Any]) -> Question:
    record_type, _, record_id = resource.partition(":")
    return Question(Entity("Person", subject), action, Entity(record_type, record_id), context)


NewPlatform = Callable[..., Platform]
"""What makes the platform of a test: `platform("a situation", put=…, change=…)`, as `harness.facts` takes it."""
