"""`facts import`, `facts export`, `facts show`."""

import io
import json
import sys

import pytest

from sealauthz.facts import upgrade
from sealauthz.model import MODEL

SEAL = '{"seal": {"id": "s-1", "enterprise_id": "e-yunshan", "name": "Contracts", "kind": "SEAL_KIND_CONTRACT"}}'


@pytest.fixture
def in_folder(demo_facts, tmp_path):
    """The working directory, with the demo facts."""
    return tmp_path


@pytest.fixture
def other(tmp_path):
    """The URL of an empty database."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(url, MODEL)
    return url


def test_a_full_export_imports_into_the_same_facts(sealauthz, demo_facts, other, tmp_path):
    code, exported, err = sealauthz("facts", "export", "--personal-data")
    assert (code, err) == (0, "40 facts at revision 1\n")
    (tmp_path / "facts.jsonl").write_text(exported, encoding="utf-8")
    code, out, err = sealauthz("facts", "import", "facts.jsonl", "--database", other)
    assert (code, out, err) == (0, "", "lines 1 to 40: 40 facts written, revision 1\n")
    assert sealauthz("facts", "export", "--personal-data", "--database", other)[1] == exported


def test_an_export_leaves_out_personal_data(sealauthz, demo_facts):
    _, out, _ = sealauthz("facts", "export")
    people = [json.loads(line)["person"] for line in out.splitlines() if "person" in json.loads(line)]
    assert len(people) == 8
    for person in people:
        assert not {"real_name", "phone", "id_last4"} & set(person)
    assert "陈" not in out
    assert "1569" not in out


def test_an_export_can_be_of_some_types(sealauthz, demo_facts):
    _, out, err = sealauthz("facts", "export", "--type", "SealGrant", "--type", "Seal")
    assert [next(iter(json.loads(line))) for line in out.splitlines()] == ["seal", "seal_grant", "seal_grant"]
    assert err == "3 facts at revision 1\n"


def test_import_reads_standard_input_blank_lines_and_a_byte_order_mark(sealauthz, demo_facts, monkeypatch):
    content = io.TextIOWrapper(io.BytesIO(f"\ufeff\n{SEAL}\n\n".encode()))
    monkeypatch.setattr(sys, "stdin", content)
    code, _, err = sealauthz("facts", "import", "-")
    assert (code, err) == (0, "lines 2 to 2: 1 facts written, revision 2\n")


def test_import_of_nothing(sealauthz, demo_facts, tmp_path):
    (tmp_path / "empty").touch()
    assert sealauthz("facts", "import", "empty") == (0, "", "no facts in the file\n")


def test_a_repeated_request_id_changes_nothing(sealauthz, demo_facts, tmp_path):
    (tmp_path / "one").write_text(SEAL)
    sealauthz("facts", "import", "one", "--request-id", "again")
    code, _, err = sealauthz("facts", "import", "one", "--request-id", "again")
    assert (code, err) == (0, "lines 1 to 1: 1 facts was written before, revision 2\n")


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ([SEAL, "hello"], 2, "line 2: is not a fact: failed to load JSON"),
        ([SEAL, "3"], 2, "line 2: is not a fact: "),
        ([SEAL, "[" * 100_000], 2, "line 2: is not a fact: "),
        ([SEAL, "{}"], 2, "line 2: `fact` must hold a record"),
        (
            [SEAL, '{"seel": {}}'],
            2,
            'line 2: is not a fact: message type "sealauthz.v1.Fact" has no field named "seel"',
        ),
        ([SEAL, '{"seal": {"id": "x"}}'], 2, "line 2: `fact.seal.enterprise_id` is required; `fact.seal.name` is"),
        ([SEAL, SEAL], 2, "line 2: changes a record that the batch changes already"),
        ([SEAL, SEAL.replace("e-yunshan", "e-none").replace("s-1", "s-2")], 1, "line 2: `Seal:s-2` names `Enterprise:"),
        (
            ['{"enterprise": {"id": "e", "name": "n", "uscc": "91310115MA1H8R7C6D"}}'],
            1,
            "line 1: `Enterprise:e`",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_nothing_is_written(sealauthz, in_folder, lines, code, message):
    (in_folder / "facts").write_text("\n".join(lines))
    found, out, err = sealauthz("facts", "import", "facts")
    assert (found, out) == (code, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1
    assert sealauthz("facts", "show", "Seal", "s-1")[0] == 1


def test_text_that_is_not_utf8_is_told_with_its_line(sealauthz, demo_facts, tmp_path):
    (tmp_path / "facts").write_bytes(b"\n\xff")
    assert sealauthz("facts", "import", "facts") == (2, "", "error: line 2: is not UTF-8 text\n")


def test_chunks_before_the_faulty_one_stay_written(sealauthz, demo_facts, tmp_path):
    (tmp_path / "facts").write_text("\n".join([SEAL, SEAL.replace("s-1", "s-2"), SEAL.replace("e-yunshan", "e-none")]))
    code, _, err = sealauthz("facts", "import", "facts", "--chunk", "2")
    assert code == 1
    assert err.startswith("lines 1 to 2: 2 facts written, revision 2\nerror: line 3: ")
    assert "2 facts before line 3 stay written" in err
    assert sealauthz("facts", "show", "Seal", "s-2")[0] == 0


def test_show_masks_personal_text(sealauthz, demo_facts):
    code, out, _ = sealauthz("facts", "show", "Person", "p-chen")
    fields = dict([*line.split(maxsplit=1), ""][:2] for line in out.splitlines() if line[0] != " ")
    assert code == 0
    assert (fields["real_name"], fields["phone"], fields["id_last4"]) == ("陈*", "138****1569", "****")
    assert (fields["account_state"], fields["revision"]) == ("ACTIVE", "1")
    _, out, _ = sealauthz("facts", "show", "Person", "-o", "json")
    assert "陈静" not in out
    _, out, _ = sealauthz("facts", "show", "Person", "p-chen", "--personal-data", "-o", "json")
    assert json.loads(out)[0]["fact"]["person"]["phone"] == "13800001569"


def test_show_selects_and_limits(sealauthz, demo_facts):
    _, out, _ = sealauthz("facts", "show", "SealGrant", "--where", "right=USE", "--where", "seal_id=seal-official")
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == ["SealGrant", "grant-zhou-use"]
    _, out, err = sealauthz("facts", "show", "Person", "--limit", "2", "-o", "json")
    assert len(json.loads(out)) == 2
    assert err == "there are more than 2: see --limit\n"
    assert sealauthz("facts", "show", "Person", "--limit", "8")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Sealgrant",), "`Sealgrant` is not a record type; did you mean `SealGrant`?"),
        (("Seal", "--where", "stat=ACTIVE"), "`Seal` has no field `stat`; did you mean `state`?"),
        (("Seal", "--where", "state"), "`state` must be FIELD=VALUE"),
        (("Seal", "--where", "state=ACTIV"), "`state` is one of DRAFT, PENDING_REVIEW"),
        (("Seal", "--where", "id=a", "--where", "id=b"), "--where names `id` twice"),
        (("Person", "--where", "phone=13800001569"), "`phone` is personal, and no condition may name it"),
        (("SealGrant", "--where", "used=many"), "`used` must be a whole number"),
    ],
)
def test_a_condition_that_cannot_be_is_wrong_use(sealauthz, demo_facts, arguments, message):
    code, out, err = sealauthz("facts", "show", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_record_that_is_not_there_is_1(sealauthz, demo_facts):
    assert sealauthz("facts", "show", "Seal", "nothing") == (1, "", "error: there is no `Seal:nothing`\n")
