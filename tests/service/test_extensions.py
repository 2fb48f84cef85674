"""The worked examples of docs/extending.md, served from end to end: what was added is written, read and decided."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from sealauthz.cli.app import run
from sealauthz.decision import Bundle, PolicyDecisionPoint
from sealauthz.decision.folder import model_for
from sealauthz.facts import FactCache, Feed, Store
from sealauthz.facts.store.upgrading import model_in
from sealauthz.model import MODEL
from sealauthz.operations import Operations
from sealauthz.policytools.testing.library import Library
from sealauthz.schema import Model
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz.service.records import forms_of
from sealauthz_client import CallFailed, SealAuthzClient, at_least, fact, put, update
from sealauthz_client.v1 import records_pb2

ROOT = Path(__file__).parents[2]
SCORE, BLOCKED = (ROOT / "docs" / "examples" / name for name in ("risk-score", "blocked-people"))
TOKEN, NARROW = "t" * 40, "n" * 40
CONTEXT = {"task": "t", "verification": "v-user"}

pytestmark = pytest.mark.slow


def caller(model: Model, token: str, read: dict[str, frozenset[str]], write: dict[str, frozenset[str]]) -> Caller:
    return Caller(
        model,
        f"caller-{token[0]}",
        frozenset({hashlib.sha256(token.encode()).digest()}),
        rpcs=frozenset(RPCS),
        tenants=None,
        read=read,
        write=write,
        performs=None,
        share=1.0,
    )


class Place:
    """A server over a database to which both examples were applied, with the policies of one."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.model = model_in(url, MODEL)
        self.store = Store.open(url, self.model)
        self.cache = FactCache(self.store)
        fixtures = Library(self.model).fixtures_of(ROOT / "policies" / "tests" / "fixtures.yaml")
        self.facts, now = fixtures["spruce"]
        self.pdp = PolicyDecisionPoint(self.cache, Bundle.load(self.model, folder), now=lambda: now or 0)
        _ = self.pdp.bundle.engine.program  # compiled now, so that no call waits for it
        self.feed = Feed(self.cache, self.store, lambda *_: None)
        every = {name: frozenset(c.name for c in shape.columns) for name, shape in self.model.shapes.items()}
        known = {name: every[name] - self.model.added_columns(name) for name in MODEL.records}
        self.server = build(
            ServerSettings(listen="127.0.0.1:0", is_insecure=True),
            Callers([caller(self.model, TOKEN, every, every), caller(self.model, NARROW, known, known)]),
            self.store,
            self.pdp,
            Operations(self.store, self.pdp),
            signal=self.cache.signal,
        )
        self.feed.start()
        self.server.start()

    def client(self, token: str = TOKEN) -> SealAuthzClient:
        return SealAuthzClient(f"127.0.0.1:{self.server.port}", token, insecure=True)

    def stop(self) -> None:
        self.server.stop(0)
        self.feed.stop()
        self.store.close()


def place(folder: Path, tmp_path: Path) -> Iterator[Place]:
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    options = ["--database", url, "--policies", str(SCORE), "--policies", str(BLOCKED)]
    assert run(["db", "upgrade", *options]) == 0
    made = Place(folder, url)
    with made.client() as client:
        forms = forms_of(made.model)
        facts = (forms.fact_of(record, is_plain=True) for record in ordered(made))
        enterprises = [record.id for record in made.facts.records if type(record).__name__ == "Enterprise"]
        done = client.import_facts("spruce", enterprises, facts)
        assert done.is_finished
    yield made
    made.stop()


def ordered(made: Place) -> list[Any]:
    from sealauthz.facts.store.tables import tables_of

    order = tables_of(made.model).dependency_order
    return sorted(made.facts.records, key=lambda record: order[type(record).__name__])


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from place(SCORE, tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from place(BLOCKED, tmp_path_factory.mktemp("blocked"))


def person(**extension: Any) -> records_pb2.Fact:
    return fact(records_pb2.Person(id="user"), extension)


def codes(client: SealAuthzClient, token: str = "") -> list[str]:
    fresh = at_least(token) if token else None
    # The first question has policies compiled, on a machine that may be busy.
    decided = client.authorize("Person:user", "use", "Seal:s", CONTEXT, consistency=fresh, timeout_s=60)
    return [reason.code for reason in decided.reasons]


def subjects(client: SealAuthzClient, token: str) -> tuple[str, ...]:
    # The first list reads out of the policies what to follow, on a machine that may be busy.
    return client.list_subjects("Person", "use", "Seal:s", CONTEXT, consistency=at_least(token), timeout_s=60).ids


def test_a_risk_score_raises_what_a_use_requires(scored: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with scored.client() as client:
        assert codes(client) == []
        watching = client.watch_changes(record_types=["Person"])
        begun = next(iter(watching))
        written = client.write_facts([update(person(risk_score=91, risk_note="两地登录"), "risk_score", "risk_note")])
        assert codes(client, written.revision_token) == ["HIGH_RISK_NEEDS_APPROVAL"]
        assert subjects(client, written.revision_token) == ()
        changed = next(each for each in watching if each.revision > begun.revision and each.changes).changes[0]
        assert changed.before.extension["risk_score"].int_value == 0
        assert changed.after.extension["risk_score"].int_value == 91
        assert "risk_note" not in changed.after.extension
        page = client.read_facts("Person", {"id": "user"})
        assert page.facts[0].fact.extension["risk_score"].int_value == 91
        assert page.facts[0].fact.extension["risk_note"].string_value == "****"
        assert run(["facts", "export", "--database", scored.url, "--type", "Person", "--personal-data"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        (line,) = [each for each in lines if each["person"]["id"] == "user"]
        assert line["extension"]["risk_score"] == {"int_value": "91"}
        assert line["extension"]["risk_note"] == {"string_value": "两地登录"}
        written = client.write_facts([update(person(), "risk_score", "risk_note")])  # left out: its default
        assert codes(client, written.revision_token) == []
        assert subjects(client, written.revision_token) == ("user",)


def test_a_caller_has_no_right_to_what_was_added_but_by_its_name(scored: Place) -> None:
    with scored.client(NARROW) as narrow, scored.client() as client:
        with pytest.raises(CallFailed, match=r"may not write `Person.risk_score`"):
            narrow.write_facts([update(person(risk_score=5), "risk_score")])
        client.write_facts([update(person(risk_score=5), "risk_score")])
        page = narrow.read_facts("Person", {"id": "user"})
        assert not page.facts[0].fact.extension
        assert set(page.facts[0].hidden_fields) == {"risk_score", "risk_note"}
        with pytest.raises(CallFailed, match=r"may not read `Person.risk_score`"):
            narrow.read_facts("Person", {"risk_score": "5"})
        page = client.read_facts("Person", {"risk_score": "5"})
        assert [each.fact.person.id for each in page.facts] == ["user"]
        with pytest.raises(CallFailed, match=r"may not read `BlockedPerson`"):
            narrow.read_facts("BlockedPerson")
        client.write_facts([update(person(), "risk_score")])


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        (update(person(risk_score="high"), "risk_score"), "fact.extension[risk_score]", "must hold `int_value`"),
        (update(person(risk_scor=1), "risk_scor"), "fact.extension[risk_scor]", "did you mean `risk_score`?"),
        (update(person(), "risk_scor"), "fields.paths[0]", "did you mean `risk_score`?"),
        (update(person(phone="1"), "phone"), "fact.extension[phone]", "is not a field that was added to `Person`"),
        (update(person(risk_note="**"), "risk_note"), "fact.extension[risk_note]", "is masked, as it is read"),
    ],
)
def test_what_does_not_fit_is_named(scored: Place, change: Any, field: str, said: str) -> None:
    with scored.client() as client, pytest.raises(CallFailed) as failed:
        client.write_facts([change])
    assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT
    ((at, description),) = failed.value.violations
    assert at.endswith(field)
    assert said in description


def entry(**values: Any) -> records_pb2.Fact:
    made = records_pb2.Fact()
    made.generic.type, made.generic.id = "BlockedPerson", values.pop("id", "b")
    held = fact(records_pb2.Person(id="x"), {"enterprise_id": "e", "person_id": "user", **values})
    for name, value in held.extension.items():
        made.generic.values[name].CopyFrom(value)
    return made


def test_a_list_of_a_team_denies_with_its_own_reason(blocked: Place, capsys: pytest.CaptureFixture[str]) -> None:
    begun = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with blocked.client() as client:
        assert codes(client) == []
        watching = client.watch_changes(record_types=["BlockedPerson"])
        first = next(iter(watching))
        written = client.write_facts([put(entry(begins_at=begun, note="调查中"))])
        assert codes(client, written.revision_token) == ["PERSON_BLOCKED"]
        assert subjects(client, written.revision_token) == ()
        changed = next(each for each in watching if each.revision > first.revision and each.changes).changes[0]
        assert (changed.key.record_type, changed.key.id) == ("BlockedPerson", "b")
        assert changed.after.generic.values["person_id"].string_value == "user"
        assert "note" not in changed.after.generic.values
        assert run(["facts", "export", "--database", blocked.url, "--type", "BlockedPerson"]) == 0
        (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert line["generic"]["values"]["begins_at"] == {"time_value": "2026-01-01T00:00:00Z"}
        assert "note" not in line["generic"]["values"]
        with pytest.raises(CallFailed, match="an enterprise has one entry for a person that is not lifted"):
            client.write_facts([put(entry(id="c", begins_at=begun))])
        with pytest.raises(CallFailed, match="an entry begins before it ends"):
            client.write_facts([put(entry(id="c", begins_at=begun, ends_at=begun, state="LIFTED"))])
        with pytest.raises(CallFailed) as failed:
            client.write_facts([put(entry(id="c", begns_at=begun, begins_at=begun))])
        assert failed.value.violations == (
            ("changes[0].put.generic.values[begns_at]", "is not a field of `BlockedPerson`; did you mean `begins_at`?"),
        )
        written = client.write_facts([update(entry(state="LIFTED"), "state")])
        assert codes(client, written.revision_token) == []
        with pytest.raises(CallFailed, match="which is final"):
            client.write_facts([update(entry(state="ACTIVE"), "state")])


def test_policies_are_refused_where_the_database_lacks_what_they_need(tmp_path: Path, capsys: Any) -> None:
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    assert run(["db", "upgrade", "--database", url]) == 0
    question = ["check", "--database", url, "--policies", str(SCORE), "Person:user", "use", "Seal:s"]
    assert run(question) == 1
    assert "model.toml:4: the policies need `Person.risk_note`, `Person.risk_score`" in capsys.readouterr().err
    assert run(["db", "upgrade", "--database", url, "--policies", str(SCORE)]) == 0
    assert "+ Person.risk_score: Integer, default 0" in capsys.readouterr().out
    assert run(question) == 1
    assert "NOT_FOUND" in capsys.readouterr().out
    assert run(["db", "upgrade", "--database", url, "--drop-unused"]) == 0
    with closing(Store.open(url, MODEL)) as store:
        assert store.model is MODEL


def test_a_folder_reads_nothing_that_it_does_not_declare(tmp_path: Path) -> None:
    """The database may have more than a folder needs: what it rests on stands in its own model.toml."""
    from sealauthz.runtime.errors import BundleRefused

    (tmp_path / "bundle.toml").write_text('extends = "default"\n')
    (tmp_path / "mine.polar").write_text("is_scored(person: Person) if person.risk_score > 0;\n")
    model = model_for(MODEL, SCORE)
    with pytest.raises(BundleRefused, match="risk_score"):
        Bundle.load(model, tmp_path)


def test_an_import_that_knows_nothing_of_it_wipes_nothing(tmp_path: Path, capsys: Any) -> None:
    """A line of an export from before would lose a value on which a denial rests."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "model.toml").write_text("[columns.Person]\nscore = 'Integer'\nscored_at = 'Instant'\n")
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    database = ["--database", url]
    assert run(["db", "upgrade", *database, "--policies", str(folder)]) == 0
    lines = tmp_path / "facts.jsonl"
    line = {"person": {"id": "p"}, "extension": {"score": {"int_value": "91"}}}
    lines.write_text(json.dumps(line))
    assert run(["facts", "import", *database, str(lines)]) == 0
    lines.write_text(json.dumps({"person": {"id": "p", "phone_hash": "sha256:" + "0" * 64}}))
    assert run(["facts", "import", *database, str(lines)]) == 1
    assert "holds a value in `score` that the put leaves out" in capsys.readouterr().err
    lines.write_text(json.dumps({**line, "person": {"id": "p", "phone_hash": "sha256:" + "0" * 64}}))
    assert run(["facts", "import", *database, str(lines)]) == 0
    with closing(Store.open(url, model_in(url, MODEL))) as store:
        assert store.read("Person").records[0].record.score == 91
