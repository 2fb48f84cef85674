"""The founding story over real gRPC: every answer is as told, and the telling fits a terminal."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from documents import ROOT, blocks
from rich.cells import cell_len
from rich.console import Console
from time_authority import Authority

from sealauthz.audit.anchoring import Folder
from sealauthz.audit.note import Signer, read_checkpoint
from sealauthz.audit.posting import Answer
from sealauthz.audit.timestamps import TimeStamps
from sealauthz.cli.app import run as command
from sealauthz.operations.keys import SigningKeys
from sealauthz.ops.demo import scenario
from sealauthz.ops.demo.callers import ENGINE, OUTSIDE, PLATFORM, story_caller
from sealauthz.ops.demo.harness import ALLOW, Clock, Harness, StoryBroken, deny
from sealauthz.ops.demo.scenario import run
from sealauthz_client import CallFailed
from sealauthz_client.answers import Audience, Decision, Event, Operation, Performed, Progress, Reason, Stage


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Tell the story; return its surprises, its text as it is printed into a pipe, and the folder in which its facts
    are kept, with the keys that the service had and a configuration for commands.
    """
    folder, out = tmp_path_factory.mktemp("story"), io.StringIO()
    for name in ("log", "receipts"):
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    keys, serve = SigningKeys.load([folder / "receipts.pem"]), scenario._service

    @contextmanager
    def kept(within, clock):
        with serve(within, clock) as service:
            yield service
        shutil.copy(within / "demo.db", folder / "facts.db")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "_service", kept)
        patch.setattr(scenario.SigningKeys, "fresh", lambda: keys)
        surprises = run(Console(file=out, width=80, markup=False, highlight=False, emoji=False))
    (folder / "sealauthz.toml").write_text(
        f'[database]\nurl = "sqlite:///{folder}/facts.db"\n[audit]\nname = "court.example/log"\nkey = "log.pem"\n'
        '[receipts]\nissuer = "demo"\nkeys = ["receipts.pem"]\n'
    )
    return surprises, out.getvalue(), folder


@pytest.fixture(scope="module")
def telling(story):
    """Return the story's surprises and its text."""
    return story[:2]


def test_every_answer_is_as_told(telling):
    surprises, text = telling
    assert surprises == []
    assert re.search(r"^All \d\d steps went as expected\.\n\Z", text, re.MULTILINE)


def test_the_telling_fits_80_columns_without_escapes_or_trailing_blanks(telling):
    _, text = telling
    assert "\x1b" not in text
    for line in text.splitlines():
        assert cell_len(line) <= 80, line
        assert line == line.rstrip()


@pytest.mark.parametrize(
    "words",
    [
        "over TLS, with bearer tokens",
        "JOIN_ENTERPRISE",
        "administrator_name=陈*",
        "administrator_phone=138****1569",
        "remind_allowed_at=",
        "RETRIEVE_ENTERPRISE",
        "wait_until=2026-03-22T04:00:00Z",
        "GRANT_INVALIDATED_ADMIN_CHANGED",
        "ORG_ALREADY_AUTHENTICATED",
        "REFUSED  ALREADY_EXISTS",
        "REFUSED  PERMISSION_DENIED",
        "REFUSED  the receipt is for another audience",
        "PERFORMED BEFORE",
        "VERIFIED",
        "✉ CONTRACT_COMPLETE",
        "✉ SEAL_USE_NOT_SEALED  to p-chen, p-luo, p-zhou",
        "✓  CONTRACT_COMPLETE",
        "✓  RETRIEVED",
    ],
)
def test_the_telling_shows(telling, words):
    assert words in " ".join(telling[1].split()) or words in telling[1]


def test_the_telling_never_shows_what_is_masked(telling):
    for plain in ("陈静", "13800001569", "13900002684"):
        assert plain not in telling[1]


class Contrary:
    """A service that allows everything, performs nothing, tells nothing and refuses every write."""

    def ask(self, subject, action, resource, context):
        return Decision(True, (), (), (), "d", "p", 1, "t", None, None)

    def perform(self, caller, subject, action, resource, context, arguments, request_id, *, is_signed):
        denied = Decision(False, (Reason("NO", 10, Audience.USER),), (), (), "d", "p", 1, "t", None, None)
        operation = Operation("o", caller, request_id, subject, action, resource, 1, "t", None)
        return Performed(denied, operation if action == "join" else None, request_id)

    def progress(self, subject, resource):
        return Progress(self.ask("", "", "", {}), (Stage("APPLIED", "NOW"),))

    def key_set(self):
        return {"keys": []}

    def told(self, within_s):
        return None

    def write(self, caller, request_id, records):
        raise CallFailed(grpc.StatusCode.FAILED_PRECONDITION, "no", metadata={"invariant": "I4"})


def a_harness(out):
    return Harness(Contrary(), Clock(0), Console(file=out, width=80))


@pytest.mark.parametrize(
    ("told", "surprise"),
    [
        ({"expect": deny("NOT_A_MEMBER")}, "step 1: answered ALLOW, not DENY NOT_A_MEMBER"),
        ({"expect": ALLOW, "obligations": ("NOTIFY",)}, "step 1: obligations , not NOTIFY"),
        ({"expect": ALLOW, "next_steps": ("JOIN",)}, "step 1: next steps , not JOIN"),
        ({"expect": ALLOW, "shown": ("陈*",)}, "step 1: no next step carries 陈*"),
    ],
)
def test_an_answer_that_is_not_as_told_is_a_surprise(told, surprise):
    out = io.StringIO()
    harness = a_harness(out)
    harness.ask("May he?", "Person:p use Seal:s", **told)
    assert harness.surprises == [surprise]
    assert "UNEXPECTED" in out.getvalue()


def test_a_refusal_for_another_reason_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.refuse("And if?", "I1")
    assert harness.surprises == ["step 1: refused by I4, not by I1"]


def test_a_story_ends_where_an_act_is_denied_that_it_rests_on():
    harness = a_harness(io.StringIO())
    with pytest.raises(StoryBroken):
        harness.perform("He tries.", "Person:p use Seal:s")
    assert harness.surprises == ["step 1: answered DENY NO, not PERFORMED"]


def test_an_act_that_should_be_denied_and_nobody_told_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.perform("He joins.", "Person:p join Enterprise:e", expect=deny("NO"), told=(("HEARD", "p"),))
    assert harness.surprises == ["step 1: answered PERFORMED NO, not DENY NO", "step 1: told [], not [('HEARD', 'p')]"]


def test_another_stage_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.progress("He looks.", "Person:p", "JoinApplication:a", expect="APPLIED:DONE")
    assert harness.surprises == ["step 1: it stands at APPLIED:NOW, not APPLIED:DONE"]


def test_a_receipt_that_nobody_signed_ends_the_story():
    harness = a_harness(io.StringIO())
    with pytest.raises(StoryBroken):
        harness.verify("The engine verifies it.", "e30.e30.e30", ENGINE)
    assert len(harness.surprises) == 1


def test_who_has_acts_performed_writes_no_facts_and_who_writes_facts_performs_nothing():
    platform, engine, outside = (story_caller(name, name) for name in (PLATFORM, ENGINE, OUTSIDE))
    assert not any(rpc.startswith("FactsService/") for rpc in platform.rpcs | engine.rpcs)
    assert not outside.performs
    assert not outside.may_call("OperationsService/Perform")
    assert not outside.may_call("FactsService/ImportFacts")
    assert not (engine.performs & platform.performs)


def test_who_is_told_something_that_nobody_expects_is_a_surprise():
    harness = a_harness(io.StringIO())
    harness.service.told = lambda within_s: Event("token", "HEARD", "e", "Seal:s", (), None)
    harness.end()
    assert harness.surprises == ["step 0: told HEARD, which nobody expects"]


def test_an_act_that_nobody_signed_must_be_refused():
    harness = a_harness(io.StringIO())
    harness.refuse_act("Can it?", "Person:p join Enterprise:e", "ASSERTION_NEEDED")
    assert harness.surprises == ["step 1: answered, though it must be refused"]


# --- the log of the story, and the evidence of a use in it ------------------------------------------------------------

PAGE = ROOT / "docs" / "evidence.md"


@pytest.fixture
def sealauthz(story, capsys, monkeypatch):
    """The command, on the facts of the story: returns exit code, standard output and standard error."""
    folder = story[2]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SEALAUTHZ_CONFIG", str(folder / "sealauthz.toml"))
    monkeypatch.setenv("SEALAUTHZ_CACHE", "off")

    def call(*arguments):
        capsys.readouterr()
        code = command(arguments)
        return code, *capsys.readouterr()

    # The service of the story had no key of the log: the operator vouches for what it wrote.
    assert call("audit", "sequence")[0] == 0
    assert call("audit", "held", "--vouch-all")[0] == 0
    assert call("audit", "sequence")[0] == 0
    return call


def test_every_act_of_the_story_gives_the_logged_answer_again(sealauthz):
    code, out, err = sealauthz("audit", "replay", "-o", "json")
    found = json.loads(out)
    assert found["outcomes"].pop("SAME") > 20
    assert {each["cause"] for each in found["records"]} <= {"WORDS_LEFT_OUT"}, err
    assert code == (3 if found["records"] else 0)


def test_the_rules_that_proved_an_act_are_told(sealauthz):
    (use, *_) = json.loads(sealauthz("audit", "list", "--action", "use", "--kind", "Perform", "-o", "json")[1])
    code, out, err = sealauthz("audit", "rules", use["decision_id"])
    assert code == 0, err
    assert re.search(r"ALLOW THEN  Person:\S+ use Seal:\S+", out)
    assert re.search(r"by \S+\.polar:\d+", out)
    told = json.loads(sealauthz("audit", "rules", str(use["number"]), "-o", "json")[1])
    assert {each["standing"] for each in told["requirements"]} <= {"MET", "WAIVED"}
    assert sealauthz("audit", "rules", "nobody")[0] == 1


@pytest.fixture
def bundle(story, sealauthz, tmp_path):
    """The evidence of the first use of a seal, and what verifies it, in a folder of their own."""
    uses = json.loads(sealauthz("audit", "list", "--action", "use", "--kind", "Perform", "-o", "json")[1])
    made = json.loads(uses[-1]["record"])["operation"]["made"]
    (export,) = (line for line in PAGE.read_text().splitlines() if line.startswith("sealauthz audit evidence"))
    asked = export.replace("se-5e9e504f04b28582d269b53eeaf873e0", json.loads(made["use_ids"])[0]).split()[1:]
    asked[-1] = str(tmp_path / asked[-1])
    made_once = story[2] / "case-17.zip"
    if made_once.exists():
        shutil.copy(made_once, asked[-1])
    else:
        code, out, err = sealauthz(*asked)
        assert code == 0, err
        assert "case-17.zip" in out
        shutil.copy(asked[-1], made_once)
    (script,) = blocks(PAGE, "python")
    (tmp_path / "verify.py").write_text(script)
    (tmp_path / "log.key").write_text(sealauthz("audit", "key")[1])
    # A plain Python: none of what is installed beside ours.
    (tmp_path / "bin").mkdir()
    plain = f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n'
    (tmp_path / "bin" / "python3").write_text(plain)
    (tmp_path / "bin" / "python3").chmod(0o755)
    return tmp_path


def verified(folder, shell):
    """Run what the page says, as it stands there; return whether it was in order, and what was printed."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", shell], cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def repacked(folder, changes):
    """Change files of the bundle as somebody does who knows how it is packed."""
    with zipfile.ZipFile(folder / "case-17.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        files[name] = change(files[name])
    with zipfile.ZipFile(folder / "case-17.zip", "w") as archive:
        for name in sorted(files):
            about = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            about.create_system, about.external_attr = 3, 0o644 << 16
            archive.writestr(about, files[name])


def test_an_expert_verifies_the_evidence_as_the_page_says(bundle):
    _, verify, by_hand, _ = blocks(PAGE, "sh")
    is_good, out = verified(bundle, verify)
    assert is_good, out
    assert "WRONG" not in out
    assert "NOTE" not in out
    for name in (
        "receipt.jws: is signed",
        "checkpoint.txt",
        "proof.txt: leads",
        "policies.json: are those of",
        "decision",
    ):
        assert f"OK     {name}" in out
    is_good, out = verified(bundle, by_hand)
    assert is_good, out
    assert "Signature Verified Successfully" in out


def test_the_evidence_holds_facts_rules_and_no_names(bundle):
    with zipfile.ZipFile(bundle / "case-17.zip") as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    for name, text in files.items():
        for plain in ("陈静", "13800001569", "13900002684", "138****1569", "陈*"):
            assert name == "policies.json" or plain not in text, name
    decision = json.loads(files["decision.json"])
    assert decision["outcome"] == "SAME"
    rules = [rule for each in decision["requirements"] for rule in each["rules"]]
    assert all(rule["file"].endswith(".polar") and rule["line"] for rule in rules)
    facts = json.loads(files["facts.json"])["units"]
    assert any(unit.startswith("ENTERPRISE:") and each["Seal"] for unit, each in facts.items())
    assert "判定证据 / Evidence of a decision" in files["page.html"]
    assert "seal_use.polar" in files["page.html"]


def test_the_same_evidence_is_the_same_bytes(bundle, sealauthz):
    again = bundle / "again.zip"
    record = json.loads(zipfile.ZipFile(bundle / "case-17.zip").read("record.json"))
    assert sealauthz("audit", "evidence", record["id"], "--out", str(again))[0] == 0
    assert again.read_bytes() == (bundle / "case-17.zip").read_bytes()
    assert sealauthz("audit", "evidence", "nobody")[0] == 1


def test_a_stamped_checkpoint_is_in_the_evidence(story, bundle, sealauthz, tmp_path, monkeypatch):
    """The first that speaks of the record, and not the newest: it says the earliest time."""
    authority, folder = Authority(tmp_path / "authority"), Folder(story[2] / "kept")
    note = sealauthz("audit", "checkpoint")[1]
    stamps = TimeStamps("http://127.0.0.1:1", authority.roots, folder)
    monkeypatch.setattr("sealauthz.audit.timestamps.post", lambda _url, query, *_: Answer(*authority.answer("", query)))
    stamps.keep(note, read_checkpoint(note))
    monkeypatch.setenv("SEALAUTHZ_AUDIT__FOLDER", str(story[2] / "kept"))
    record = json.loads(zipfile.ZipFile(bundle / "case-17.zip").read("record.json"))
    assert sealauthz("audit", "evidence", record["id"], "--out", str(bundle / "case-17.zip"))[0] == 0
    shutil.copy(authority.roots, bundle / "tsa-roots.pem")
    is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key")
    assert is_good, out
    assert "NOTE   timestamp.tsr" in out
    last = blocks(PAGE, "sh")[-1]
    assert "python3 verify.py case-17.zip log.key tsa-roots.pem" in PAGE.read_text()
    for asked in ("python3 verify.py case-17.zip log.key tsa-roots.pem", last):
        is_good, out = verified(bundle, f"python3 -m zipfile -e case-17.zip case-17\n{asked}")
        assert is_good, out
    assert "Time stamp:" in out
    # Neither a token of somebody else nor another checkpoint passes.
    shutil.copy(Authority(tmp_path / "other").roots, bundle / "tsa-roots.pem")
    is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key tsa-roots.pem")
    assert not is_good
    assert "WRONG  timestamp.tsr" in out
    code, out, err = sealauthz(
        "audit", "verify", "--checkpoint", str(story[2] / "kept"), "--tsa-roots", str(authority.roots)
    )
    assert code == 0, err
    assert f"CN=A TSA stamped it with {read_checkpoint(note).size} records at" in out


def test_any_changed_byte_of_the_evidence_is_found(bundle):
    script = bundle / "verify.py"
    patched = script.read_text().replace(
        "return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0", "return True"
    )
    # Without openssl, which is slow: only the digests stand in the way of these.
    assert patched != script.read_text()
    script.write_text(patched)
    whole = (bundle / "case-17.zip").read_bytes()
    rng = range(0, len(whole), max(1, len(whole) // 12))
    for place in rng:
        (bundle / "case-17.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key")
        assert not is_good, place
        assert "WRONG" in out


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("record.json", b'"effect":"ALLOW"', b'"effect":"DENY"', ["record.json", "proof.txt", "decision.json"]),
        ("checkpoint.txt", b"court.example", b"forty.example", ["checkpoint.txt", "proof.txt"]),
        ("proof.txt", b"index ", b"index 1", ["proof.txt"]),
        ("receipt.jws", b".", b"A.", ["receipt.jws"]),
        ("policies.json", b"ACTIVE", b"FROZEN", ["policies.json"]),
        ("decision.json", b'"ALLOW"', b'"DENY"', ["decision.json"]),
        ("facts.json", b"ACTIVE", b"FROZEN", ["facts.json"]),
        ("page.html", b"Evidence", b"Nonsense", ["page.html"]),
        ("manifest.sig", b"=", b"!=", ["manifest"]),
        ("manifest.sig", b"=", b"", ["manifest"]),
    ],
)
def test_what_was_changed_is_named(bundle, name, old, new, found):
    def change(content):
        assert old in content
        return content.replace(old, new, 1)

    repacked(bundle, {name: change})
    is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key")
    assert not is_good
    for each in found:
        assert re.search(rf"WRONG  {re.escape(each)}", out), out


def test_a_new_manifest_is_not_signed(bundle):
    def forge(content):
        return content.replace(b"Evidence", b"Nonsense")

    with zipfile.ZipFile(bundle / "case-17.zip") as archive:
        page, manifest = archive.read("page.html"), json.loads(archive.read("manifest.json"))
    forged = hashlib.sha256(forge(page)).hexdigest().encode()
    was = manifest["files"]["page.html"].encode()
    repacked(bundle, {"page.html": forge, "manifest.json": lambda content: content.replace(was, forged)})
    is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key")
    assert not is_good
    assert [line for line in out.splitlines() if "WRONG" in line] == [
        "WRONG  manifest.json: is signed with the log's key"
    ]


def test_the_key_of_another_log_verifies_nothing(bundle):
    other = Signer.fresh("court.example/log").verifier
    (bundle / "log.key").write_text(f"{other}\n")
    is_good, out = verified(bundle, "python3 verify.py case-17.zip log.key")
    assert not is_good
    assert "WRONG  checkpoint.txt" in out
