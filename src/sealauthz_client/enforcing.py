"""Acting on an answer: only on an allow, only with all that it owes met, and only while it holds."""

from __future__ import annotations

import datetime
import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from sealauthz_client.answers import Audience, Decision, NextStep, Obligation, Reason
from sealauthz_client.messages import ContextValue, Question
from sealauthz_client.requests import unexpected

P = ParamSpec("P")
R = TypeVar("R")

Meets = Callable[[Obligation, Decision], None]
"""Meets an obligation before the act is done. What it raises stops the act."""
AsyncMeets = Callable[[Obligation, Decision], Awaitable[None]]


class Authorizer(Protocol):
    """What decides a question: a client, a `CachedAuthorizer`, a `BatchingAuthorizer`."""

    def authorize(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
    ) -> Decision:
        """Decide one question. Raises CallFailed."""
        ...


class AsyncAuthorizer(Protocol):
    """What decides a question in an event loop."""

    def authorize(
        self,
        subject: str,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
        *,
        language: str = "",
    ) -> Awaitable[Decision]:
        """Decide one question. Raises CallFailed."""
        ...


class Denied(Exception):
    """The act must not be done. `unmet` holds the obligations that are not known here, where the service allowed it.

    `reasons` and `next_steps` are what the person may be shown; those of operators are left out.
    """

    def __init__(self, decision: Decision, unmet: tuple[str, ...] = ()) -> None:
        self.decision = decision
        self.unmet = unmet
        codes = ", ".join(reason.code for reason in self.reasons) or "no reason that may be shown"
        super().__init__(f"obligations that are not known here: {', '.join(unmet)}" if unmet else f"denied: {codes}")

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, for the person; empty where the service allowed it."""
        return tuple(reason for reason in self.decision.reasons if reason.audience is Audience.USER)

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What the person can do, in the order of the reasons, each once."""
        steps: dict[object, NextStep] = {}
        for reason in self.reasons:
            for step in reason.next_steps:
                steps.setdefault(step.identity, step)
        return tuple(steps.values())


class Guard:
    """Asks before an act is done. `obligations` says how each one is met that may be owed; any other one denies.

    `authorizer` may be a function that returns it, which is called at each check: then a guard can be made when a
    module is imported, before there is a client. `language` is that of the texts for people.
    """

    def __init__(
        self,
        authorizer: Authorizer | Callable[[], Authorizer],
        obligations: Mapping[str, Meets] | None = None,
        *,
        language: str = "",
    ) -> None:
        self._authorizer = _function_of(authorizer)
        self._obligations = dict(obligations or {})
        self._language = language

    def check(self, question: Question) -> Decision:
        """Return the allow of a question, once all is met that it owes. Raises Denied, or CallFailed (no answer)."""
        asked_at = time.monotonic()
        decision = self._authorizer().authorize(
            question.subject, question.action, question.resource, question.context, language=self._language
        )
        for meets, owed in owed_by(decision, self._obligations):
            meets(owed, decision)
        _still_holds(decision, asked_at)
        return decision

    def requires(self, question: Callable[P, Question]) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator: the function runs only if the question that `question` makes of its arguments is allowed.

        Raises TypeError for what is not a plain function: a generator or coroutine would begin before it is asked.
        """

        def decorated(function: Callable[P, R]) -> Callable[P, R]:
            _is_plain(function, is_async=False)

            @functools.wraps(function)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                self.check(question(*args, **kwargs))
                return function(*args, **kwargs)

            return guarded

        return decorated


class AsyncGuard:
    """As `Guard`, for asyncio: it is awaited, and so are the functions that meet obligations."""

    def __init__(
        self,
        authorizer: AsyncAuthorizer | Callable[[], AsyncAuthorizer],
        obligations: Mapping[str, AsyncMeets] | None = None,
        *,
        language: str = "",
    ) -> None:
        self._authorizer = _function_of(authorizer)
        self._obligations = dict(obligations or {})
        self._language = language

    async def check(self, question: Question) -> Decision:
        """Return the allow of a question, once all is met that it owes. Raises Denied, or CallFailed (no answer)."""
        asked_at = time.monotonic()
        decision = await self._authorizer().authorize(
            question.subject, question.action, question.resource, question.context, language=self._language
        )
        for meets, owed in owed_by(decision, self._obligations):
            await meets(owed, decision)
        _still_holds(decision, asked_at)
        return decision

    def requires(
        self, question: Callable[P, Question]
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Return a decorator of coroutine functions, as `Guard.requires` does. Raises TypeError for others."""

        def decorated(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            _is_plain(function, is_async=True)

            @functools.wraps(function)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                await self.check(question(*args, **kwargs))
                return await function(*args, **kwargs)

            return guarded

        return decorated


M = TypeVar("M")
A = TypeVar("A")


def owed_by(decision: Decision, known: Mapping[str, M]) -> list[tuple[M, Obligation]]:
    """Return what an allow owes, each with what meets it. Raises Denied for a deny, and if anything is not known.

    All are known before any is met: an act that cannot be done leaves nothing half met.
    """
    if not decision.is_allowed:
        raise Denied(decision)
    if unmet := tuple(owed.code for owed in decision.obligations if owed.code not in known):
        raise Denied(decision, unmet)
    return [(known[owed.code], owed) for owed in decision.obligations]


def _function_of(authorizer: A | Callable[[], A]) -> Callable[[], A]:
    """Return what returns the authorizer. Raises ValueError for what is none."""
    if hasattr(authorizer, "authorize"):
        return lambda: cast(A, authorizer)
    if not callable(authorizer):
        raise unexpected("authorizer", "a client, or a function that returns one", authorizer)
    return authorizer


def _still_holds(decision: Decision, asked_at: float) -> None:
    """Raise Denied for an allow that ended while its obligations were met.

    By both clocks: one counts from before it was evaluated, and the other knows of one that was kept for a while.
    """
    lasts_s = (decision.valid_until - decision.evaluated_at).total_seconds()
    if time.monotonic() - asked_at >= lasts_s or datetime.datetime.now(datetime.UTC) >= decision.valid_until:
        raise Denied(decision)


def _is_plain(function: Callable[..., Any], *, is_async: bool) -> None:
    is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if is_generator or inspect.iscoroutinefunction(function) is not is_async:
        wanted = "coroutine functions" if is_async else "plain functions"
        raise TypeError(f"this guard is for {wanted}, which `{function.__qualname__}` is not")
