"""Those who write, ask, watch and import in the soak, each on a thread, until they are told to stop."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import soak_scene as scene
from soak_gate import Gate
from soak_truth import Answer, At, Fresh, Item, Switch, Truth

from sealauthz.service.fields import token_from
from sealauthz_client import NEWEST, CallFailed, Decision, ListPage, NoAnswer, SealAuthzClient, at_least

TOKEN = "s" * 43
MAX_AGE_S = 5.0
"""How old facts may be that answer from memory: the default of `facts.max_age_s`."""

PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
"""What a call may end with while something is broken."""

_NEW_FACE_EVERY_S = 20.0
_ASK_TIMEOUT_S = 4.0
_TRY_TIMEOUT_S = 5.0


def at_of(token: str) -> At:
    """Read a revision token."""
    found = token_from(token, "token")
    return At(found.timeline_id, found.number)


class Callers:
    """Everybody who calls, over what they share: the truth, the gate, and the newest token of each switch."""

    def __init__(self, address: str, truth: Truth, seed: int, writers: int, readers: int) -> None:
        self.address = address
        self.truth = truth
        self.gate = Gate()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.ending = threading.Event()
        self._seed = seed
        self._lock = threading.Lock()
        self._tokens: dict[Switch, str] = {}
        self._last_token = ""
        self._states: dict[Switch, bool] = {}
        self._faces: dict[int, list[tuple[float, str]]] = {}
        self._imports: list[int] = []
        self._watched_spans: list[tuple[At, int, set[int]]] = []
        self._clients: list[SealAuthzClient] = []
        shares = [scene.switches()[number::writers] for number in range(writers)]
        self._threads = [
            *(self._thread(f"writer-{n}", self._write, share) for n, share in enumerate(shares)),
            *(self._thread(f"reader-{n}", self._read) for n in range(readers)),
            *(self._thread(f"watcher-{n}", self._watch) for n in range(2)),
            self._thread("faces", self._show_faces),
            self._thread("importer", self._import),
        ]

    # --- for those who use them ---------------------------------------------------------------------------------------

    def open(self, at: At, token: str) -> None:
        """Say at which revision everything is on, and begin."""
        now = time.monotonic()
        for switch in scene.switches():
            self._states[switch] = True
            self.truth.turned(switch, at, is_on=True, now=now)
        for n, name in scene.first_faces():
            self._faces[n] = [(now, name)]
            self.truth.turned(scene.face(name), at, is_on=True, now=now)
        self._last_token = token
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[str]:
        """Have them stop; return the names of those that do not."""
        self.ending.set()
        late = [thread.name for thread in self._threads if self._is_late(thread)]
        for client in self._clients:
            client.close()
        return late

    @property
    def last_token(self) -> str:
        """The newest token of a write."""
        with self._lock:
            return self._last_token

    def start_over(self, at: At, token: str) -> None:
        """Take the switches as they were at a revision, with which a history begins; the gate is closed."""
        with self._lock:
            self._tokens.clear()
            self._last_token = token
            for switch in self._states:
                self._states[switch] = self.truth.is_on(switch, at)
            for n, known in self._faces.items():
                self._faces[n] = [face for face in known if self.truth.is_on(scene.face(face[1]), at)]
            self._imports = [n for n in self._imports if self.truth.is_on(scene.imported(n), at)]

    def newest(self, timeout_s: float) -> Answer | None:
        """Ask for the newest facts on a connection of its own; None if there is no answer in time."""
        with SealAuthzClient(self.address, TOKEN, insecure=True, timeout_s=timeout_s) as client:
            return self._ask_one(client, scene.view(0), Fresh(is_newest=True), NEWEST)

    def judge(self, what: str, asked_at: float, token: str, fresh: Fresh, items: Sequence[Item]) -> Answer:
        """Judge an answer that has just come."""
        answer = Answer(what, at_of(token), asked_at, time.monotonic(), fresh, tuple(items), token)
        self.truth.judge(answer)
        self.count(what, "answered")
        return answer

    def count(self, what: str, outcome: str) -> None:
        """Count how a call ended."""
        with self._lock:
            self.outcomes[what, outcome] += 1

    def failed(self, what: str, error: CallFailed, token: str = "") -> None:
        """Count a call without an answer, and blame one that ends with what nothing here excuses."""
        self.count(what, error.code.name)
        is_of_before = token and self.truth.is_over(at_of(token).history, time.monotonic())
        if error.code not in PASSING and not (error.reason == "REVISION_UNKNOWN" and is_of_before):
            self.truth.blame(f"{what}: ended with {error} ({error.reason})")

    # --- writers ------------------------------------------------------------------------------------------------------

    def _write(self, random_: random.Random, client: SealAuthzClient, share: list[Switch]) -> None:
        while not self.ending.is_set():
            switch = random_.choice(share)
            with self.gate.through():
                is_on = not self._states[switch]
                token = self._turn(client, switch, scene.turn(switch, is_on=is_on), is_on=is_on)
                if token:
                    self._states[switch] = is_on
            if token and random_.randrange(2):
                asked = self._about(switch)
                if asked is not None:
                    self._ask_one(client, asked, Fresh(at_of(token), max_age_s=MAX_AGE_S), at_least(token), token)
            self.ending.wait(random_.uniform(0.05, 0.3))

    def _turn(self, client: SealAuthzClient, switch: Switch, change: Any, *, is_on: bool) -> str:
        """Turn a switch, however long that takes; return the token of the write, empty if it was refused."""
        request_id = str(uuid.uuid4())
        with self.truth.turning(switch):
            while True:
                try:
                    written = client.write_facts([change], request_id=request_id, timeout_s=_TRY_TIMEOUT_S)
                except CallFailed as error:
                    self.failed("write", error)
                    if error.code not in PASSING:
                        return ""
                    time.sleep(0.1)
                    continue
                self._note(switch, written.revision_token, is_on=is_on)
                self.count("write", "answered")
                return written.revision_token

    def _note(self, switch: Switch, token: str, *, is_on: bool) -> None:
        self.truth.turned(switch, at_of(token), is_on=is_on, now=time.monotonic())
        with self._lock:
            self._tokens[switch] = self._last_token = token

    def _show_faces(self, random_: random.Random, client: SealAuthzClient) -> None:
        number = 0
        while not self.ending.wait(_NEW_FACE_EVERY_S / scene.ENTERPRISES):
            n, number = number % scene.ENTERPRISES, number + 1
            name = f"soak-{n}-{number}"
            with self.gate.through():
                if self._turn(client, scene.face(name), scene.face_check(n, name), is_on=True):
                    with self._lock:
                        self._faces[n] = [*self._faces[n][-3:], (time.monotonic(), name)]

    def _import(self, random_: random.Random, client: SealAuthzClient) -> None:
        number = scene.FIRST_IMPORTED
        while not self.ending.wait(random_.uniform(2, 6)):
            number += 1
            switch = scene.imported(number)
            with self.gate.through(), self.truth.turning(switch):
                with self._lock:
                    self._imports.append(number)
                while not self._import_one(client, number, switch):
                    time.sleep(0.2)

    def _import_one(self, client: SealAuthzClient, number: int, switch: Switch) -> bool:
        """Try to import an enterprise; return whether that is over."""
        try:
            done = client.import_facts(
                f"soak-{number}", [f"e{number}"], scene.enterprise(number), part_size=5, timeout_s=_TRY_TIMEOUT_S
            )
        except CallFailed as error:
            self.failed("import", error)
            return error.code not in PASSING
        self.count("import", "answered")
        self._note(switch, done.revision_token, is_on=True)
        return True

    # --- readers ------------------------------------------------------------------------------------------------------

    def check_of(self, n: int) -> str | None:
        """Return a face check of an enterprise, not too old, and mostly the newest; None if there is none."""
        with self._lock:
            young = time.monotonic() - scene.FACE_LASTS_S
            names = [name for shown_at, name in self._faces[n] if shown_at > young]
        return names[-1] if names else None

    def _about(self, switch: Switch) -> scene.Asked | None:
        """Return a question about a switch."""
        kind, name = switch
        n = int(name[1:].partition("-")[0])
        check = self.check_of(n)
        if kind == "member":
            return scene.view(n)
        return None if check is None else scene.use(n, check)

    def any_question(self, random_: random.Random) -> scene.Asked:
        """Return a question at random."""
        with self._lock:
            imports = list(self._imports)
        return scene.any_of(random_, self.check_of, imports)

    def _read(self, random_: random.Random, client: SealAuthzClient) -> None:
        ways: list[Callable[[random.Random, SealAuthzClient], None]] = [
            *[self._read_one] * 6,
            self._read_batch,
            self._list_seals,
            self._list_people,
        ]
        while not self.ending.wait(random_.uniform(0.002, 0.03)):
            random_.choice(ways)(random_, client)

    def _fresh(self, random_: random.Random, switches: Sequence[Switch]) -> tuple[Fresh, Any, str]:
        """Return what facts to demand, how, and with which token."""
        way = random_.randrange(4)
        with self._lock:
            token = next((self._tokens[switch] for switch in switches if switch in self._tokens), self._last_token)
        if way == 0:
            return Fresh(at_of(token), max_age_s=MAX_AGE_S), at_least(token), token
        if way == 1:
            return Fresh(is_newest=True), NEWEST, ""
        return Fresh(max_age_s=MAX_AGE_S), None, ""

    def _read_one(self, random_: random.Random, client: SealAuthzClient) -> None:
        asked = self.any_question(random_)
        self._ask_one(client, asked, *self._fresh(random_, asked.needs))

    def _ask_one(
        self, client: SealAuthzClient, asked: scene.Asked, fresh: Fresh, consistency: Any, token: str = ""
    ) -> Answer | None:
        question, asked_at = asked.question, time.monotonic()
        try:
            decision = client.authorize(
                question.subject, question.action, question.resource, question.context, consistency=consistency
            )
        except CallFailed as error:
            self.failed("question", error, token)
            return None
        return self.judge("question", asked_at, decision.revision_token, fresh, [item_of(asked, decision)])

    def _read_batch(self, random_: random.Random, client: SealAuthzClient) -> None:
        several = [self.any_question(random_) for _ in range(random_.choice([2, 8, 30]))]
        fresh, consistency, token = self._fresh(random_, several[0].needs)
        asked_at = time.monotonic()
        try:
            answers = client.authorize_batch([asked.question for asked in several], consistency=consistency)
        except CallFailed as error:
            self.failed("batch", error, token)
            return
        decided = [(asked, found) for asked, found in zip(several, answers, strict=True) if isinstance(found, Decision)]
        for found in answers:
            if isinstance(found, NoAnswer):
                self.failed("batch", CallFailed(found.code, found.message, found.reason), token)
        if len({found.revision_token for _, found in decided}) > 1:
            self.truth.blame("batch: answered at several revisions")
        elif decided:
            items = [item_of(asked, found) for asked, found in decided]
            self.judge("batch", asked_at, decided[0][1].revision_token, fresh, items)

    def _list_seals(self, random_: random.Random, client: SealAuthzClient) -> None:
        n = random_.randrange(scene.ENTERPRISES)
        asked = scene.view(n)
        fresh, consistency, token = self._fresh(random_, asked.needs)
        asked_at = time.monotonic()
        try:
            page = client.list_resources(asked.question.subject, "view", "Seal", consistency=consistency)
        except CallFailed as error:
            self.failed("list", error, token)
            return
        self._judge_page(page, asked, (), scene.seals_of(n), asked_at, fresh)

    def _list_people(self, random_: random.Random, client: SealAuthzClient) -> None:
        n = random_.randrange(scene.ENTERPRISES)
        asked = scene.view(n)
        fresh, consistency, token = self._fresh(random_, asked.needs)
        asked_at = time.monotonic()
        try:
            page = client.list_subjects("Person", "view", asked.question.resource, consistency=consistency)
        except CallFailed as error:
            self.failed("list", error, token)
            return
        who = asked.question.subject.removeprefix("Person:")
        self._judge_page(page, asked, scene.others_in(n), [who], asked_at, fresh)

    def _judge_page(
        self,
        page: ListPage,
        asked: scene.Asked,
        always: Sequence[str],
        while_on: Sequence[str],
        asked_at: float,
        fresh: Fresh,
    ) -> None:
        """Judge a page that holds some ids always, and others while the switches are on; a part may be of another."""
        ids = set(page.ids)
        if ids - {*always, *while_on} or (page.is_complete and set(always) - ids):
            self.truth.blame(f"list: about {asked.question} is {page}")
        items = [Item(asked.needs, name in ids, "listed") for name in while_on if page.is_complete or name in ids]
        self.judge("list", asked_at, page.revision_token, fresh, items)

    # --- watchers -----------------------------------------------------------------------------------------------------

    def _watch(self, random_: random.Random, client: SealAuthzClient) -> None:
        while not self.ending.is_set():
            begun = at_of(token := self.last_token)
            seen: set[int] = set()
            last = begun.revision
            try:
                for changes in client.watch_changes(token):
                    at = at_of(changes.revision_token)
                    if at.history != begun.history or at.revision < last or (at.revision == last and changes.changes):
                        self.truth.blame(f"watch: {at} came after revision {last} of {begun.history}")
                    last = at.revision
                    seen.add(at.revision)
                    self._watched(at, changes.changes)
            except CallFailed as error:
                self.failed("watch", error, token)
            finally:
                with self._lock:
                    self._watched_spans.append((begun, last, seen))
            self.ending.wait(0.2)

    def _watched(self, at: At, changes: Sequence[Any]) -> None:
        found = [turned for turned in map(scene.turned_by, changes) if turned is not None]
        if found:
            now = time.monotonic()
            items = tuple(Item((switch,), is_on, "watched") for switch, is_on in found)
            self.truth.judge(Answer("watch", at, now, now, Fresh(max_age_s=float("inf")), items))
            self.count("watch", "answered")

    def check_watched(self) -> None:
        """Blame the watches for what they have missed, once everybody has stopped."""
        for begun, last, seen in self._watched_spans:
            if missed := self.truth.missed(begun.history, begun.revision, last, seen):
                self.truth.blame(f"watch: from {begun} to {last} without {missed[:10]}")

    # --- threads ------------------------------------------------------------------------------------------------------

    def _thread(self, name: str, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        client = SealAuthzClient(self.address, TOKEN, insecure=True, timeout_s=_ASK_TIMEOUT_S)
        self._clients.append(client)

        def run() -> None:
            try:
                work(random.Random(f"{name}-{self._seed}"), client, *arguments)
            except Exception as error:  # noqa: BLE001 (a caller that stops asking would find nothing)
                if not self.ending.is_set():
                    self.truth.blame(f"{name}: stopped with {error!r}")

        return threading.Thread(target=run, name=name, daemon=True)

    def _is_late(self, thread: threading.Thread) -> bool:
        if thread.name.startswith("watcher"):
            return False
        thread.join(60)
        return thread.is_alive()


def item_of(asked: scene.Asked, decision: Decision) -> Item:
    """Return what a decision says about a question."""
    return Item(asked.needs, bool(decision), ", ".join(reason.code for reason in decision.reasons))
