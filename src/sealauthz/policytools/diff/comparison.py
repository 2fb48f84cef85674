"""Decides every question about some facts under both bundles, and notes what they answer differently."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sealauthz.decision import Bundle, Entity, Question
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.policytools.diff.causes import causes_of, obliging
from sealauthz.policytools.diff.changes import Cause, CauseKind, Change, ChangeKind, OtherReasons
from sealauthz.policytools.diff.contexts import Contexts, PolicyWords, Values, entries, least
from sealauthz.policytools.diff.facts import FactIndex
from sealauthz.policytools.diff.loosening import NEW, OLD, Sign, proved_sign
from sealauthz.policytools.diff.questions import QuestionBuilder
from sealauthz.policytools.diff.report import AccessDiff, Extent, delta
from sealauthz.policytools.diff.side import ALLOW, DENY, FAILED, Prepared, Side
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.schema.evidence import RecordKey

Progress = Callable[[int, int], None]
"""Called now and then with how many of how many resources are done."""

_NAME = attrgetter("name")
_MAX_SHOWN = 8
"""Contexts of one gain that are looked at for the rules that it shows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the diff goes before it decides less, and says so.

    `pairs`: above it, each resource is decided for those who have to do with it and `strangers` of each kind of others.
    `contexts`: of one question; with fresh facts four times as many. `denials`: denials whose reasons are compared;
    None for all. `watch` is called before each resource, and ends the diff by raising.
    """

    pairs: int = 2_000_000
    contexts: int = 1_024
    denials: int | None = 20_000
    strangers: int = 3
    watch: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How the facts are looked at: when, and whether what is good for minutes is as it is or is supposed to be fresh.

    `only` are the actions that are asked, each with its type; of the others both bundles answer alike. `leaves_out` are
    questions that are not asked: subject, action, resource.
    """

    now: int
    only: frozenset[tuple[str, str]]
    is_fresh: bool = False
    leaves_out: frozenset[tuple[Entity, str, Entity]] = frozenset()


@dataclass(slots=True)
class Counts:
    """The extent in the making."""

    decided_pairs: int = 0
    questions: int = 0
    decisions: int = 0
    cut: int = 0
    undecidable: int = 0
    denials: int = 0
    compared: int = 0


class Comparison:
    """One comparison of two bundles."""

    def __init__(
        self,
        old: Bundle,
        new: Bundle,
        facts: FactIndex,
        fact_cache: FactCache,
        snapshot: FactSnapshot,
        view: View,
        limits: Limits,
        name: str,
        words: PolicyWords,
    ) -> None:
        self._model = new.model
        self._old = Side(old, fact_cache, view.now)
        self._new = Side(new, fact_cache, view.now)
        self._facts = facts
        self._view = view
        self.signs: set[Sign] = set()
        """What the changes show of the rules behind them."""
        self._limits = limits
        self._name = name
        self._contexts = Contexts(facts, words, view.now, limits.contexts, is_fresh=view.is_fresh)
        self._questions = QuestionBuilder((old, new), snapshot, self._contexts, view.now, is_fresh=view.is_fresh)
        self._counts = Counts()
        self._changes: list[Change] = []
        self._other_reasons: list[OtherReasons] = []
        self._denied: list[Question] = []
        self._actions = _actions_of(old, new)
        self._asked = {
            type_: tuple(name for name in names if (name, type_) in view.only) for type_, names in self._actions.items()
        }

    def run(self, progress: Progress | None) -> AccessDiff:
        """Decide everything and return what differs."""
        facts, counts = self._facts, self._counts
        resources = [(type_, id_) for type_ in self._actions for id_ in sorted(facts.by_id[type_])]
        for number, (resource, subjects) in enumerate(self._chosen(resources)):
            if self._limits.watch is not None:
                self._limits.watch()
            if progress is not None:
                progress(number, len(resources))
            counts.decided_pairs += len(subjects)
            self._decide(resource, subjects)
            self._contexts.forget()
            self._questions.forget()
            if len(self._denied) >= 500:
                self._compare_reasons()
        self._compare_reasons()
        if progress is not None:
            progress(len(resources), len(resources))
        extent = Extent(
            subjects=len(facts.subjects),
            resources=len(resources),
            actions=sum(map(len, self._actions.values())),
            asked_actions=sum(map(len, self._asked.values())),
            pairs=len(facts.subjects) * len(resources),
            **dataclasses.asdict(counts),
        )
        order = {kind: number for number, kind in enumerate(ChangeKind)}
        types = list(self._actions)
        changes = sorted(
            self._changes,
            key=lambda c: (
                *(order[c.kind], types.index(c.resource.type)),
                *(c.action, c.resource.id, c.subject.id, c.context),
            ),
        )
        bundles = delta(self._old.bundle, self._new.bundle)
        return AccessDiff(bundles, self._view.now, extent, tuple(changes), tuple(self._other_reasons), self._name)

    def _chosen(self, resources: Sequence[RecordKey]) -> Iterator[tuple[RecordKey, Sequence[Entity]]]:
        """Each resource with the subjects that it is decided for: all of them where these are few enough pairs."""
        if len(self._facts.subjects) * len(resources) <= self._limits.pairs:
            yield from ((resource, self._facts.subjects) for resource in resources)
            return
        related = self._facts.related()
        yield from ((resource, related.chosen(resource, self._limits.strangers)) for resource in resources)

    # --- deciding --------------------------------------------------------------------------------------------------

    def _decide(self, resource: RecordKey, subjects: Sequence[Entity]) -> None:
        for name in self._asked[resource[0]]:
            action = self._model.action(name, resource[0])
            somebody = next(iter(self._facts.subjects), Entity(self._model.subjects[0], ""))
            prepared = self._questions.prepared(somebody, action, resource)
            if prepared is None:
                # To both bundles it does not exist.
                self._counts.questions += len(subjects)
                self._counts.decisions += len(subjects)
                self._counts.denials += len(subjects)
                continue
            is_known = (self._old.knows(name, resource[0]), self._new.knows(name, resource[0]))
            about = Entity(*resource)
            drawn: list[Values] = [()]
            is_cut = False
            for subject in subjects:
                if (subject, name, about) in self._view.leaves_out:
                    continue
                if action.resolver.is_about_subject:
                    prepared = self._questions.prepared(subject, action, resource) or prepared
                else:
                    found = self._questions.find(subject.type, subject.id)
                    prepared = Prepared(found, action, prepared.resource, prepared.old_context, prepared.new_context)
                if action.keys:
                    drawn, is_cut = self._contexts.of(subject, action, resource)
                self._counts.questions += 1
                self._counts.cut += is_cut
                self._counts.decisions += len(drawn)
                self._judge(prepared, drawn, is_known)

    def _judge(self, question: Prepared, drawn: list[Values], is_known: tuple[bool, bool]) -> None:
        """Decide one question in all its contexts under both bundles, and note what differs."""
        before: list[int] = []
        after: list[int] = []
        old, new = self._old, self._new
        subject, action, resource = question.about
        for values in drawn:
            if values:
                self._questions.fill(question, values)
            before.append(old.outcome(subject, action, resource, question.old_context) if is_known[0] else DENY)
            after.append(new.outcome(subject, action, resource, question.new_context) if is_known[1] else DENY)
            if len(before) == 1 < len(drawn) and self._is_out_of_sight(question, is_known):
                before, after = [DENY] * len(drawn), [DENY] * len(drawn)
                break
        if before == after and ALLOW not in before and FAILED not in before:
            self._counts.denials += 1
            if all(is_known) and not self._view.is_fresh:
                self._note_denial(question, drawn)
            return
        both = list(zip(before, after, strict=True))
        if (FAILED, FAILED) in both:
            self._counts.undecidable += 1
        gained = [drawn[i] for i, (b, a) in enumerate(both) if a == ALLOW and b != ALLOW]
        lost = [drawn[i] for i, (b, a) in enumerate(both) if b == ALLOW and a != ALLOW]
        self._note(question, gained, ChangeKind.GAIN if ALLOW not in before else ChangeKind.WIDER)
        self._note(question, lost, ChangeKind.LOSS if ALLOW not in after else ChangeKind.NARROWER)
        for kind, pair in ((ChangeKind.BROKEN, 1), (ChangeKind.MENDED, 0)):
            failed = [drawn[i] for i, side in enumerate(both) if side[pair] == FAILED and side[1 - pair] != FAILED]
            self._note(question, failed, kind)
        allowed = [drawn[i] for i, pair in enumerate(both) if pair == (ALLOW, ALLOW)]
        if allowed:
            self._compare_obligations(question, allowed)

    def _is_out_of_sight(self, question: Prepared, is_known: tuple[bool, bool]) -> bool:
        """Whether both bundles hide the resource from the subject, whatever a client gives."""
        fields, of_all = (
            frozenset(map(_NAME, dataclasses.fields(each))) for each in (question.new_context, self._model.context)
        )
        given = fields - of_all | frozenset(question.action.keys)
        sides = ((self._old, question.old_context), (self._new, question.new_context))
        return all(
            side.is_out_of_sight(*question.about, context, given)
            for (side, context), knows in zip(sides, is_known, strict=True)
            if knows
        )

    def _compare_obligations(self, question: Prepared, allowed: list[Values]) -> None:
        differing: dict[tuple[frozenset[str], frozenset[str]], list[Values]] = {}
        for values in allowed:
            self._questions.fill(question, values)
            before = self._old.obligations(*question.about, question.old_context)
            after = self._new.obligations(*question.about, question.new_context)
            if before != after:
                differing.setdefault((before, after), []).append(values)
        for (before, after), combinations in differing.items():
            smallest = least(combinations)
            self._changes.append(
                dataclasses.replace(
                    self._change(question, ChangeKind.OBLIGATION, smallest[0]),
                    further=len(smallest) - 1,
                    causes=(
                        *(obliging(self._new, question, code) for code in sorted(after - before)),
                        *(obliging(self._old, question, code) for code in sorted(before - after)),
                    ),
                    added=tuple(sorted(after - before)),
                    dropped=tuple(sorted(before - after)),
                )
            )
            type_ = type(question.resource).__name__
            self.signs |= {("obligation", question.action.name, type_, code) for code in before - after}

    # --- what differs ----------------------------------------------------------------------------------------------

    def _note(self, question: Prepared, contexts: list[Values], kind: ChangeKind) -> None:
        """Note a change that shows in these contexts. Of one who had access, and has it still, each counts."""
        if not contexts:
            return
        smallest = least(contexts)
        if kind in (ChangeKind.WIDER, ChangeKind.NARROWER):
            self._changes += [self._change(question, kind, values) for values in smallest]
        else:
            change = self._change(question, kind, smallest[0])
            self._changes.append(dataclasses.replace(change, further=len(smallest) - 1))
            for values in smallest[1:_MAX_SHOWN] if kind == ChangeKind.GAIN else ():
                self._change(question, kind, values)  # for what it shows

    def _change(self, question: Prepared, kind: ChangeKind, values: Values) -> Change:
        self._questions.fill(question, values)
        causes: tuple[Cause, ...] = ()
        error = ""
        if kind in (ChangeKind.GAIN, ChangeKind.WIDER):
            causes = causes_of(question, (self._new, question.new_context), (self._old, question.old_context))
            self._show_gain(question, causes)
        elif kind in (ChangeKind.LOSS, ChangeKind.NARROWER):
            causes = causes_of(question, (self._old, question.old_context), (self._new, question.new_context))
        elif kind in (ChangeKind.BROKEN, ChangeKind.MENDED):
            is_new = kind == ChangeKind.BROKEN
            context = question.new_context if is_new else question.old_context
            error = (self._new if is_new else self._old).failure(*question.about, context)
        self.signs |= {("parameter", name) for cause in causes for name in cause.parameters}
        return Change(kind, *question.names, entries(question.action, values), causes=causes, error=error)

    def _show_gain(self, question: Prepared, causes: Iterable[Cause]) -> None:
        """Note what a gain shows: the rules that held for it, in either bundle, and what is not required any more."""
        subject, action, resource = question.about
        type_ = type(resource).__name__
        for cause in causes:
            if cause.kind == CauseKind.ACTION:
                self.signs.add(("action", action, type_))
            elif cause.kind == CauseKind.CHECKLIST:
                self.signs.add(("requires", action, type_, cause.requirement))
            for name, side, context in ((OLD, self._old, question.old_context), (NEW, self._new, question.new_context)):
                asks: dict[CauseKind, list[tuple[Any, ...]]] = {
                    CauseKind.VISIBILITY: [("visible", subject, resource, context)],
                    CauseKind.PERMISSION: [("has_permission", subject, action, resource)],
                    CauseKind.REQUIREMENT: [
                        ("meets", subject, cause.requirement, action, resource, context),
                        ("waived", cause.requirement, action, resource, context),
                    ],
                }
                for ask in asks.get(cause.kind, ()):
                    self.signs |= {proved_sign(name, line.file, line.line) for line in side.proved(*ask)}

    # --- reasons ---------------------------------------------------------------------------------------------------

    def _note_denial(self, question: Prepared, drawn: list[Values]) -> None:
        """Keep a denial, to compare its reasons in the context that says most."""
        limit = self._limits.denials
        if limit is not None and self._counts.compared >= limit:
            return
        values = max(drawn, key=lambda some: sum(value is not None for value in some))
        self._questions.fill(question, values)
        old_sees = self._old.holds("visible", question.subject, question.resource, question.old_context)
        new_sees = self._new.holds("visible", question.subject, question.resource, question.new_context)
        self._counts.compared += 1
        if old_sees or new_sees:
            self._denied.append(Question(*question.names, dict(entries(question.action, values))))

    def _compare_reasons(self) -> None:
        """Compare the reasons of the denials that were kept, and forget them."""
        before = self._old.point.decide_many(self._denied)
        after = self._new.point.decide_many(self._denied)
        for question, old, new in zip(self._denied, before, after, strict=True):
            if isinstance(old, SealAuthzError) or isinstance(new, SealAuthzError):
                continue
            codes = tuple(tuple(reason.code for reason in decision.reasons) for decision in (old, new))
            if codes[0] != codes[1]:
                context = tuple((key, str(value)) for key, value in question.context.items())
                self._other_reasons.append(
                    OtherReasons(question.subject, question.action, question.resource, context, *codes)
                )
        self._denied.clear()


def _actions_of(old: Bundle, new: Bundle) -> dict[str, tuple[str, ...]]:
    """The actions of each resource type that has some in either bundle, in the order of the records."""
    found = {
        type_: tuple(dict.fromkeys((*old.rulebook.actions_of(type_), *new.rulebook.actions_of(type_))))
        for type_ in new.model.records
    }
    return {type_: actions for type_, actions in found.items() if actions}
