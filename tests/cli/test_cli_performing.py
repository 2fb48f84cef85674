"""`perform` and `operation`: in process on a database. Over gRPC: `test_operations_document`."""

import datetime
import json
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace

import click
import grpc
import pytest

from sealauthz.cli import arguments as reading
from sealauthz.cli.answer_source import _stopped
from sealauthz.cli.app import Exit
from sealauthz.cli.arguments import ArgumentEntry, arguments_from
from sealauthz.decision.evaluation import Evaluation
from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz.schema.record import Instant
from sealauthz_client import CallFailed

FREEZE = ("perform", "Person:p-chen", "freeze", "Seal:seal-official")


def holds(database):
    store = Store.open(f"sqlite:///{database}", MODEL)
    found = [stored.record for stored in store.read("SealHold").records]
    store.close()
    return found


def test_an_act_is_performed_once_and_shown_again(sealauthz, demo_facts):
    code, out, err = sealauthz(*FREEZE, "--request-id", "f1")
    assert (code, err) == (0, "")
    assert out.startswith("PERFORMED  Person:p-chen freeze Seal:seal-official\n")
    (hold,) = holds(demo_facts)
    assert f"  hold_id  {hold.id}\n" in out
    operation_id = out.partition("\noperation ")[2].partition(",")[0]
    code, again, _ = sealauthz(*FREEZE, "--request-id", "f1")
    assert code == 0
    assert again == out.replace("PERFORMED", "PERFORMED BEFORE", 1)
    assert holds(demo_facts) == [hold]
    code, shown, _ = sealauthz("operation", operation_id, "-o", "json")
    operation = json.loads(shown)
    assert (code, operation["caller"], operation["request_id"]) == (0, "cli", "f1")
    assert operation["values"] == {"hold_id": hold.id}
    assert sealauthz("operation", operation_id)[1].startswith("PERFORMED  Person:p-chen freeze Seal:seal-official\n")
    _, out, _ = sealauthz(*FREEZE, "--request-id", "f1", "-o", "json")
    answer = json.loads(out)
    assert (answer["performed"], answer["replayed"], answer["operation"]) == (True, True, operation)


def test_a_denied_act_exits_with_1_and_says_why(sealauthz, demo_facts):
    code, out, err = sealauthz("perform", "Person:p-lin", "freeze", "Seal:seal-official")
    assert (code, err) == (1, "")
    assert out.startswith("DENY  Person:p-lin freeze Seal:seal-official\n  NOT_A_MEMBER\n")
    assert holds(demo_facts) == []
    _, out, _ = sealauthz("perform", "Person:p-lin", "freeze", "Seal:seal-official", "-o", "json")
    answer = json.loads(out)
    assert (answer["performed"], answer["operation"], answer["decision"]["effect"]) == (False, None, "DENY")


def test_an_act_whose_permission_has_ended_says_so(sealauthz, demo_facts, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Evaluation, "_lapse", lambda evaluation, _plan, _work: evaluation._now)
        code, out, err = sealauthz(*FREEZE)
    assert (code, out) == (Exit.NO_ANSWER, "")
    assert err == "error: the permission has ended before the act was written: ask again\n"
    assert holds(demo_facts) == []


def test_what_cannot_be_performed_says_what_is_wrong(sealauthz, demo_facts):
    assert sealauthz(*FREEZE, "-a", "x=1")[::2] == (2, "error: `arguments[x]` is no argument of this act\n")
    code, _, err = sealauthz("operation", "nothing")
    assert (code, err) == (1, "error: no operation of this id was performed here\n")
    sealauthz(*FREEZE, "--request-id", "f1")
    code, _, err = sealauthz("perform", "Person:p-lin", "freeze", "Seal:seal-official", "--request-id", "f1")
    assert code == 1
    assert "`request_id`" in err
    assert sealauthz(*FREEZE, "-a", "role")[0] == 2


def test_an_act_without_an_answer_names_its_request_id():
    error = CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, "too late")
    assert _stopped(error, "a:1", True).message == "too late"
    error.request_id = "f1"
    stop = _stopped(error, "a:1", True)
    assert (stop.message, stop.code) == (
        "too late; it may have been performed, which --request-id f1 tells",
        Exit.NO_ANSWER,
    )
    refused = CallFailed(grpc.StatusCode.PERMISSION_DENIED, "no")
    refused.request_id = "f1"
    assert _stopped(refused, "a:1", True).message == "no"


def test_an_act_that_wants_the_persons_word_says_what_is_to_be_signed():
    error = CallFailed(grpc.StatusCode.PERMISSION_DENIED, "sign", "ASSERTION_NEEDED", {"digest": "sha256:ab"})
    error.request_id = "f1"
    assert _stopped(error, "a:1", True).message == "sign: --assertion-file, over sha256:ab with --request-id f1"


# --- arguments --------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    LEGAL = "LEGAL"
    SEAL = "SEAL"


@dataclass(frozen=True)
class Part:
    name: str
    until: Instant | None = None


@dataclass(frozen=True)
class Arguments:
    note: str
    role: Role
    count: int
    is_last: bool
    until: Instant
    names: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


MOMENT = datetime.datetime(2026, 3, 2, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _declared(request, monkeypatch):
    if "read" in request.fixturenames:
        model = SimpleNamespace(action=lambda name, _type: SimpleNamespace(arguments=Arguments if name else None))
        monkeypatch.setattr(reading, "service_model", lambda: model)


@pytest.fixture
def read():
    def call(*texts, action="act"):
        return arguments_from(action, "Seal", [ArgumentEntry().convert(text, None, None) for text in texts])

    return call


def test_arguments_are_read_in_the_form_that_is_declared(read):
    written = ("note=a=b:=c", "role=LEGAL", "count=-3", "is_last=true", "until=2026-03-02T09:00:00+08:00")
    assert read(*written, "names=a", "names=b,c") == {
        "note": "a=b:=c",
        "role": "LEGAL",
        "count": -3,
        "is_last": True,
        "until": MOMENT,
        "names": ["a", "b,c"],
    }


def test_json_gives_lists_and_records_and_its_instants_are_times(read):
    parts = '[{"name": "a", "until": "2026-03-02T01:00:00Z"}, {"name": "b"}]'
    assert read(f"parts:={parts}", "count:=3", "names:=[]") == {
        "parts": [{"name": "a", "until": MOMENT}, {"name": "b"}],
        "count": 3,
        "names": [],
    }


def test_what_is_not_declared_stays_as_it_is(read):
    assert read("other=3", 'more:={"a": [true]}') == {"other": "3", "more": {"a": [True]}}
    assert read("note=3", action="") == {"note": "3"}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("note",), "`note` must be NAME=VALUE or NAME:=JSON"),
        (("=1",), "must be NAME=VALUE"),
        (("count=many",), "`count` must be a whole number"),
        (("count:=1.5",), "`count` must be JSON"),
        (("count:=NaN",), "`count` must be JSON"),
        (("count:={",), "`count` must be JSON"),
        (("names:=[null]",), "`names` holds a null"),
        (("is_last=yes",), "`is_last` must be `true` or `false`"),
        (("until=2026-03-02",), "`until` must be an instant with its zone"),
        (('until:="tomorrow"',), "`until` must be an instant with its zone"),
        (("role=KING",), "`role` is one of LEGAL, SEAL, not `KING`"),
        (("note=a", "note=b"), "`note` is given twice"),
        (("names=a", 'names:=["b"]'), "`names` is given twice"),
    ],
)
def test_what_is_not_of_its_form_is_wrong_use(read, texts, message):
    with pytest.raises(click.UsageError) as caught:
        read(*texts)
    assert message in caught.value.message


def test_items_after_json_are_wrong_use(read):
    with pytest.raises(click.UsageError, match="given both as JSON and item by item"):
        read('parts:={"a": 1}', "parts=b")


def test_progress_shows_the_stages_and_what_can_be_done(sealauthz, demo_facts):
    code, out, err = sealauthz("progress", "Person:p-zhou", "SigningTask:task-cartons")
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()[1:4]] == [
        ["✓", "EARLIER_TASKS"],
        ["▸", "TASK_SIGNED"],
        ["·", "CONTRACT_COMPLETE"],
    ]
    assert out.splitlines()[4] == "you can: open"
    _, out, _ = sealauthz("progress", "Person:p-zhou", "SigningTask:task-cartons", "-o", "json")
    answer = json.loads(out)
    assert [stage["state"] for stage in answer["stages"]] == ["DONE", "NOW", "NEXT"]
    assert answer["actions"]["open"]["effect"] == "ALLOW"


def test_progress_tells_nothing_to_who_may_not_look(sealauthz, demo_facts):
    code, out, err = sealauthz("progress", "Person:p-lin", "SigningTask:task-cartons")
    assert (code, err) == (1, "")
    assert out.startswith("DENY  progress of Person:p-lin SigningTask:task-cartons\n  NOT_FOUND\n")
    for asked in (("p-zhou", "SigningTask:task-cartons"), ("Person:p-zhou", "task-cartons")):
        code, _, err = sealauthz("progress", *asked)
        assert (code, "is not a reference: write TYPE:ID" in err) == (2, True)
    code, _, err = sealauthz("progress", "Person:p-zhou", "Seal:seal-official")
    assert code == 2
    assert "has no progress to show" in err
