"""`docs/operations.md` is true: its commands print what it shows, asked of a server; its tables name all there is."""

import json
import re
import shlex
import tomllib

import pytest
from documents import ROOT, blocks, printed, served, without_ids
from google.protobuf.descriptor import FieldDescriptor
from joserfc.jwk import OKPKey

from sealauthz.cli.app import run
from sealauthz.cli.settings import receipt_issuer
from sealauthz.config import load
from sealauthz.decision import Bundle, Entity, Question
from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz_client.v1 import operations_pb2

DOC = ROOT / "docs" / "operations.md"
TEXT = DOC.read_text(encoding="utf-8")


@pytest.fixture
def asked(demo_facts, monkeypatch, tmp_path):
    """Commands of the document, asked of a server on the demo facts."""
    store = Store.open(f"sqlite:///{demo_facts}", MODEL)
    with monkeypatch.context() as patch:
        patch.setenv("SEALAUTHZ_CACHE", "off")
        bundle = Bundle.load(MODEL)
    seal = Entity("Seal", "seal-official")
    first = (Question(Entity("Person", person), "freeze", seal) for person in ("p-chen", "p-lin"))
    with served(store, bundle, tmp_path, monkeypatch, *first):
        yield run
    store.close()


def test_its_commands_print_what_it_shows(asked, capsys):
    shown = list(printed(DOC))
    assert len(shown) == 5
    for command, output in shown:
        program, *arguments = shlex.split(command)
        assert program == "sealauthz"
        asked(arguments)
        out, err = capsys.readouterr()
        assert without_ids(out + err) == without_ids(output), command


def test_its_caller_is_read(tmp_path):
    block, _ = blocks(DOC, "toml")
    file = tmp_path / "sealauthz.toml"
    file.write_text(block, encoding="utf-8")
    (section,) = load(MODEL, {}, file).callers.values()
    assert section.performs == tomllib.loads(block)["callers"]["seal-console"]["performs"]


def test_its_keys_are_published_and_verify_what_is_signed(tmp_path, sealauthz):
    _, block = blocks(DOC, "toml")
    file = tmp_path / "sealauthz.toml"
    file.write_text(block, encoding="utf-8")
    code, _, err = sealauthz("keys", "--config", str(file))
    assert (code, err) == (2, f"error: `{tmp_path / 'receipts.pem'}` holds no Ed25519 key in PEM form\n")
    (tmp_path / "receipts.pem").write_bytes(OKPKey.generate_key("Ed25519").as_pem(private=True))
    code, out, err = sealauthz("keys", "--config", str(file))
    assert (code, err) == (0, "")
    (key,) = json.loads(out)["keys"]
    assert (key["kty"], key["alg"], "d" in key) == ("OKP", "Ed25519", False)
    issuer = receipt_issuer(load(MODEL, {}, file))
    assert issuer is not None
    assert (issuer.name, issuer.keys.key_id) == ("https://authz.example", key["kid"])
    file.write_text(block.replace("issuer", "# issuer"), encoding="utf-8")
    assert "`receipts.issuer` is needed" in sealauthz("keys", "--config", str(file))[2]
    assert json.loads(sealauthz("keys")[1]) == {"keys": []}


def test_it_names_every_form_of_an_argument():
    forms = operations_pb2.ArgumentValue.DESCRIPTOR.oneofs_by_name["value"].fields
    assert all(isinstance(form, FieldDescriptor) for form in forms)
    assert {form.name for form in forms} == set(re.findall(r"`(\w+_value)`", TEXT))
