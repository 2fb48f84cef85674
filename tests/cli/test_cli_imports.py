"""`facts import --bulk`, `facts imports`, `facts abandon` and `facts watch`, in a database and over a server."""

import hashlib
import io
import json
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest

from sealauthz.cli import facts_import
from sealauthz.cli.app import run
from sealauthz.facts import Batch, FactCache, Part, Put, Store, upgrade
from sealauthz.model import MODEL
from sealauthz.model.records.organisation import Department
from sealauthz.model.records.seals import Seal, SealKind
from sealauthz.observability.log import make_log
from sealauthz.schema import shape_of
from sealauthz.service import RPCS, Caller, Callers, ServerSettings, build
from sealauthz_client import SealAuthzClient
from sealauthz_client.v1.facts_pb2_grpc import FactsServiceStub

TOKEN = "t" * 40
SEAL = '{"seal": {"id": "%s", "enterprise_id": "e-yunshan", "name": "Contracts", "kind": "SEAL_KIND_CONTRACT"}}'
FIELDS = {name: frozenset(column.name for column in shape_of(cls).columns) for name, cls in MODEL.records.items()}
HERE = ("--enterprise", "e-yunshan")


@pytest.fixture
def store(demo_facts):
    store = Store.open(f"sqlite:///{demo_facts}", MODEL)
    yield store
    store.close()


@pytest.fixture
def address(store, tmp_path):
    """A server on the demo facts, which everybody with the token in the file `token` may write and watch."""
    (tmp_path / "token").write_text(TOKEN)
    caller = Caller(
        MODEL, "test", frozenset({hashlib.sha256(TOKEN.encode()).digest()}), frozenset(RPCS), None, FIELDS, FIELDS
    )
    settings, log = ServerSettings("127.0.0.1:0", is_insecure=True), make_log(io.StringIO())
    server = build(settings, Callers([caller]), store, SimpleNamespace(bundle_of=None), None, log)
    server.start()
    yield f"127.0.0.1:{server.port}"
    server.stop(0)


def seals(tmp_path, count):
    (tmp_path / "facts").write_text("\n".join(SEAL % f"s-{number}" for number in range(count)))


def test_a_full_export_imports_in_small_chunks_as_one_import(sealauthz, demo_facts, tmp_path):
    """The order of an export suffices, though no chunk of it keeps the rules by itself."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade(other, MODEL)
    _, exported, _ = sealauthz("facts", "export", "--personal-data")
    (tmp_path / "facts.jsonl").write_text(exported, encoding="utf-8")
    assert sealauthz("facts", "import", "facts.jsonl", "--chunk", "3", "--database", other)[0] == 1
    code, out, err = sealauthz(
        "facts", "import", "facts.jsonl", "--bulk", "--request-id", "all", "--chunk", "3", "--database", other
    )
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == "the import `all` is finished"
    assert sealauthz("facts", "export", "--personal-data", "--database", other)[1] == exported


def test_what_names_its_like_is_exported_behind_it(sealauthz, store, tmp_path):
    chain = [Department(str(n), "e-yunshan", str(n), parent_id=str(n + 1)) for n in range(1, 9)]
    store.write(Batch("test", "chain", tuple(map(Put, [*chain, Department("9", "e-yunshan", "9")]))))
    _, exported, _ = sealauthz("facts", "export", "--type", "Department")
    ids = [json.loads(line)["department"]["id"] for line in exported.splitlines()]
    assert ids == [str(n) for n in range(9, 0, -1)]


def test_an_import_that_breaks_off_is_open_and_goes_on(sealauthz, store, tmp_path):
    unknown = '{"department": {"id": "d-x", "enterprise_id": "e-yunshan", "name": "x", "parent_id": "d-none"}}'
    (tmp_path / "facts").write_text("\n".join([SEAL % "s-1", SEAL % "s-2", unknown]))
    bulk = ("facts", "import", "facts", "--bulk", "--request-id", "monday", "--chunk", "2", *HERE)
    code, _, err = sealauthz(*bulk)
    assert code == 1
    hint = (
        "the import `monday` is open; resume it with --request-id monday, or abandon it: sealauthz facts abandon monday"
    )
    assert err.startswith(f"lines 1 to 2: 2 facts written, revision 2\n{hint}\nerror: line")
    assert "; 2 facts before line 3 stay written" in err
    code, out, _ = sealauthz("facts", "imports", "-o", "json")
    (shown,) = json.loads(out)
    assert (shown["caller"], shown["import_id"], shown["parts"]) == ("cli", "monday", 1)
    assert shown["enterprise_ids"] == ["e-yunshan"]
    assert "monday" in sealauthz("facts", "imports")[1]
    # An ordinary import is refused meanwhile.
    assert "is being imported (IMPORT)" in sealauthz("facts", "import", "facts")[2]
    seals(tmp_path, 1)
    (tmp_path / "facts").write_text("\n".join([SEAL % "s-1", SEAL % "s-2", SEAL % "s-3"]))
    code, _, err = sealauthz(*bulk)
    assert (code, err) == (
        0,
        "lines 1 to 2: 2 facts was written before, revision 2\nlines 3 to 3: 1 facts written, revision 3\n"
        "the import `monday` is finished\n",
    )
    assert json.loads(sealauthz("facts", "imports", "-o", "json")[1]) == []


ELSEWHERE = (SEAL % "s-5").replace("e-yunshan", "e-none")
BULKS = [("--bulk", *HERE), ("--bulk", *HERE, "--request-id", "i", "--server", "")]
TORN = [
    ("{", "line 5: is not a fact"),
    (SEAL % "s-4", "line 5: changes a record that the batch changes already"),
    (SEAL % "s\\u0007", "line 5: `fact.seal.id` must have printable characters only"),
]


@pytest.mark.parametrize(
    ("bulk", "torn", "said"),
    [
        *((bulk, torn, said) for bulk in ((), *BULKS) for torn, said in TORN),
        *((bulk, ELSEWHERE, "line 5: the import does not name `Enterprise:e-none` (IMPORT)") for bulk in BULKS),
    ],
)
def test_a_file_with_a_line_that_cannot_be_written_writes_nothing(
    sealauthz, store, address, tmp_path, monkeypatch, bulk, torn, said
):
    """The lines before it were written, and with --bulk the enterprise was denied everything until it was corrected."""
    (tmp_path / "facts").write_text("\n".join([*(SEAL % f"s-{number}" for number in range(1, 5)), torn]))
    there = [word or address for word in bulk] + (["--insecure", "--token-file", "token"] if "" in bulk else [])
    before = store.revision()
    for source in ("facts", "-"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "facts").read_bytes())))
        code, _, err = sealauthz("facts", "import", source, "--chunk", "3", *there)
        assert code in (1, 2)
        assert said in err
        assert "written, revision" not in err
        assert store.revision() == before
        assert store.open_imports() == []


def test_an_import_of_any_caller_is_given_up_if_its_enterprises_are_sound(sealauthz, store):
    here = frozenset({"e-yunshan"})
    store.import_part("hr", Part("i", here, 1), [Seal("s", "e-yunshan", "seal", SealKind.OTHER)])
    assert sealauthz("facts", "abandon", "i")[::2] == (1, "error: the caller `cli` has no open import `i`\n")
    assert sealauthz("facts", "abandon", "i", "--caller", "hr") == (0, "", "abandoned after 1 parts, revision 3\n")
    ours = {stored.record.id for stored in store.read("Membership", {"enterprise_id": "e-yunshan"}).records}
    admins = [
        stored.record
        for stored in store.read("RoleAssignment", {"role": "SYSTEM_ADMIN"}).records
        if stored.record.membership_id in ours
    ]
    store.import_part("hr", Part("j", here, 1), [replace(admin, state="REVOKED") for admin in admins])
    code, _, err = sealauthz("facts", "abandon", "j", "--caller", "hr")
    assert code == 1
    resume = "sealauthz facts import --bulk --caller hr --request-id j --resume FILE"
    assert "no active system administrator (I4); the import stays open, except for its contracts" in err
    assert f"write what is missing with `{resume}`" in err


def test_an_import_that_stands_still_is_seen_and_ended_through_a_server(sealauthz, store, address, monkeypatch):
    here = frozenset({"e-yunshan"})
    store.import_part("hr", Part("i", here, 1), [Seal("s", "e-yunshan", "seal", SealKind.OTHER)])
    server = ("--server", address, "--insecure", "--token-file", "token")
    for where in ((), server):
        (shown,) = json.loads(sealauthz("facts", "imports", *where, "-o", "json")[1])
        assert (shown["caller"], shown["parts"], shown["is_idle"]) == ("hr", 1, False)
        assert shown["last_part_at"] >= shown["began_at"]
    monkeypatch.setattr(facts_import, "now_us", lambda: time.time_ns() // 1000 + 700_000_000)
    assert json.loads(sealauthz("facts", "imports", "-o", "json")[1])[0]["is_idle"] is True
    assert " idle " in sealauthz("facts", "imports", *server)[1]
    ended = (0, "", "abandoned after 1 parts, revision 3\n")
    assert sealauthz("facts", "abandon", "i", "--caller", "hr", *server) == ended
    assert store.open_imports() == []


def test_an_import_whose_caller_is_gone_is_gone_on_with(sealauthz, store, tmp_path):
    seals(tmp_path, 3)
    here = frozenset({"e-yunshan"})
    resume = ("facts", "import", "facts", "--bulk", "--caller", "hr", "--request-id", "i", "--chunk", "2", "--resume")
    refused = (1, "", "error: the caller `hr` has no open import `i`\n")
    assert sealauthz(*resume) == refused
    store.import_part("hr", Part("i", here, 1), [Seal("s", "e-yunshan", "seal", SealKind.OTHER)])
    assert sealauthz(*resume)[::2] == (
        0,
        "lines 1 to 2: 2 facts written, revision 3\nlines 3 to 3: 1 facts written, revision 4\n"
        "the import `i` is finished\n",
    )
    assert store.open_imports() == []
    assert sealauthz(*resume) == refused


def test_an_import_without_a_name_says_the_one_that_it_was_given(sealauthz, store, tmp_path):
    seals(tmp_path, 1)
    first, *_, last = sealauthz("facts", "import", "facts", "--bulk", *HERE)[2].splitlines()
    assert first.startswith("the import is `import-")
    assert last == f"{first.replace('import is', 'import')} is finished"


def test_standard_input_is_read_twice(sealauthz, demo_facts, monkeypatch):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    enterprise = sealauthz("facts", "export", "--type", "Enterprise", "--personal-data")[1]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe((SEAL % "s-1").encode())))
    code, _, err = sealauthz("facts", "import", "-", "--bulk")
    assert (code, err.startswith("error: name an --enterprise: the file has no record of one")) == (2, True)
    for content, named in ((SEAL % "s-1", HERE), (f"{enterprise}{SEAL % 's-1'}", ())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(content.encode())))
        assert sealauthz("facts", "import", "-", "--bulk", *named)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "facts", "--bulk"), "name an --enterprise: the file has no record of one"),
        (("import", "facts", *HERE), "--enterprise needs --bulk"),
        (("import", "facts", "--bulk", "--resume"), "--resume needs --bulk and --request-id"),
        (("import", "facts", "--bulk", "--request-id", "i", "--resume", "--server", "a:1"), "takes no --server"),
        (("import", "facts", "--bulk", "--caller", "hr"), "--caller needs --resume"),
        (("import", "facts", "--server", "a:1"), "--server needs --bulk"),
        (("import", "facts", "--insecure"), "--insecure needs --bulk"),
        (
            ("import", "facts", "--bulk", "--server", "a:1", "--database", "b"),
            "import through either a --server or into a --database, not both",
        ),
        (("watch",), "name the --server to watch, or set SEALAUTHZ_ADDRESS"),
        (("watch", "--server", "a:1"), "a server needs a token"),
        (("watch", "--server", "a:1", "--type", "Sael"), "`Sael` is not a record type; did you mean `Seal`?"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(sealauthz, demo_facts, tmp_path, arguments, message):
    seals(tmp_path, 1)
    code, out, err = sealauthz("facts", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_an_import_goes_through_a_server(sealauthz, store, address, tmp_path):
    seals(tmp_path, 7)
    server = ("--server", address, "--insecure", "--token-file", "token")
    bulk = ("facts", "import", "facts", "--bulk", "--request-id", "i", "--chunk", "3", *HERE, *server)
    assert sealauthz(*bulk) == (0, "", "7 facts written, revision 4\nthe import `i` is finished\n")
    assert sealauthz(*bulk)[2].startswith("0 facts written, revision 4\n")
    code, _, err = sealauthz(*bulk[:5], "i2", *bulk[6:8], "--enterprise", "e-none", *server)
    assert code == 1
    assert "the import does not name `Enterprise:e-yunshan`" in err


def test_a_watch_prints_each_revision_with_its_token(store, address, tmp_path, capsys):
    def write(name):
        store.write(Batch("test", name, (Put(Seal("s-1", "e-yunshan", name, SealKind.OTHER)),)))

    def watch():
        run(("facts", "watch", "--type", "Seal", "--server", address, "--insecure", "--token-file", "token", *extra))

    def lines(count):
        deadline = time.monotonic() + 20
        while len(printed) < count:
            assert time.monotonic() < deadline
            printed.extend(map(json.loads, capsys.readouterr().out.splitlines()))
            time.sleep(0.01)
        return printed

    clients = []
    connect = SealAuthzClient.__enter__

    def entered(client):
        clients.append(client)
        return connect(client)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SealAuthzClient, "__enter__", entered)
        printed, extra = [], ()
        thread = threading.Thread(target=watch)
        thread.start()
        lines(1)
        write("one")
        first, second = lines(2)[:2]
        clients.pop().close()
        thread.join(10)
        assert (first["revision"], first["changes"]) == (1, [])
        assert second["revision"] == 2
        (change,) = second["changes"]
        assert change["key"] == {"record_type": "Seal", "id": "s-1"}
        assert change["after"]["seal"]["name"] == "one"
        assert "before" not in change
        write("two")
        printed, extra = [], ("--after", second["token"])
        thread = threading.Thread(target=watch)
        thread.start()
        assert lines(1)[0]["changes"][0]["before"]["seal"]["name"] == "one"
        clients.pop().close()
        thread.join(10)
        assert not thread.is_alive()


def test_a_watch_says_once_for_each_outage_that_the_server_cannot_be_reached(address, tmp_path, capsys, monkeypatch):
    clients, calls, streams, rpcs = [], [], [], []
    connect = SealAuthzClient.__enter__

    def entered(client):
        """Nobody listens for three tries; then there is a server, and then nobody again."""
        method, nowhere = client._method, FactsServiceStub(grpc.insecure_channel("127.0.0.1:1"))

        def watch_changes(*arguments, **others):
            calls.append(len(calls))
            if len(calls) != 4:
                return nowhere.WatchChanges(*arguments, **others)
            streams.append(method(rpcs[0])(*arguments, **others))
            return streams[0]

        client._method = lambda rpc: rpcs.append(rpc) or watch_changes
        clients.append(client)
        return connect(client)

    def wait_for(done):
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    monkeypatch.setattr(SealAuthzClient, "__enter__", entered)
    command = ("facts", "watch", "--server", address, "--insecure", "--token-file", "token")
    thread = threading.Thread(target=run, args=(command,))
    thread.start()
    told = f"the server `{address}` cannot be reached; trying again\n"
    printed = []
    wait_for(lambda: printed.append(capsys.readouterr()) or printed[-1].out)
    assert "".join(each.err for each in printed) == told
    streams[0].cancel()
    wait_for(lambda: len(calls) >= 7)
    clients[0].close()
    thread.join(10)
    assert not thread.is_alive()
    assert capsys.readouterr().err == told


def test_the_world_of_the_command_line_is_open_again(sealauthz, store, tmp_path):
    seals(tmp_path, 2)
    assert sealauthz("facts", "import", "facts", "--bulk", *HERE)[0] == 0
    with FactCache(store).read() as snapshot:
        assert snapshot.find("Seal", "s-1").enterprise.id == "e-yunshan"
