"""The configuration: typed, default deny, and precise about what it refuses."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from sqlalchemy import make_url

from sealauthz.config import (
    OTHER_NAMES,
    AssertionIssuerSection,
    AssertionsSection,
    AuditSection,
    CallerSection,
    Config,
    DatabaseSection,
    FactsSection,
    HttpSection,
    MetricsSection,
    PoliciesSection,
    ReceiptsSection,
    ServerSection,
    TracesSection,
    load,
)
from sealauthz.config.asked import asked
from sealauthz.config.callers import OURS
from sealauthz.config.issuers import JwtIssuerSection, JwtSection
from sealauthz.config.names import SETTINGS, TABLES, variable
from sealauthz.config.places import lines_of
from sealauthz.decision.assembly import DEFAULT_OPTIONS
from sealauthz.model import MODEL
from sealauthz.operations.expiries import SWEEPER
from sealauthz.runtime.errors import CallerUnknown, ConfigRefused
from sealauthz.service import RPCS, ServerSettings
from sealauthz.service.callers import AUDITING, SHIPPING
from sealauthz.service.tokens import ALGORITHMS
from sealauthz_client.receipts import TYPE as RECEIPT

DIGEST = hashlib.sha256(b"t" * 40).hexdigest()


def caller(text: str, digest: str = DIGEST) -> str:
    return f'[callers.demo]\ntoken_sha256 = "{digest}"\n{text}\n'


Writer = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def write(text: str) -> Path:
        path = tmp_path / "sealauthz.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_a_file_there_are_defaults_and_no_callers() -> None:
    config = load(MODEL, {})
    assert config.server.listen == "127.0.0.1:8443"
    assert config.database.url.get_secret_value() == "sqlite:///sealauthz.db"
    assert config.callers == {}
    with pytest.raises(CallerUnknown):
        config.caller_rights(MODEL).identify([("authorization", "Bearer anything")])


def test_a_whole_file_is_read(write: Writer) -> None:
    text = """
[server]
listen = "0.0.0.0:9443"
tls_certificate = "tls/server.pem"
tls_key = "/etc/server.key"
threads = 4
[database]
url = "postgresql://sealauthz:pw@db/sealauthz"
"""
    path = write(text + caller('rpcs = ["FactsService/ReadFacts"]\nenterprises = ["E1"]\nread = { Seal = ["name"] }'))
    config = load(MODEL, {}, path)
    assert config.server_settings() == ServerSettings(
        listen="0.0.0.0:9443",
        tls_certificate=path.parent / "tls/server.pem",
        tls_key=Path("/etc/server.key"),
        threads=4,
    )
    found = config.caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])
    assert found.name == "demo"
    assert found.rpcs == {"FactsService/ReadFacts"}
    assert found.tenants == {"E1"}
    assert found.read == {"Seal": {"name"}}
    assert found.write == {}
    assert not found.sees_operator_reasons


def test_a_caller_has_only_what_it_is_given(write: Writer) -> None:
    found = load(MODEL, {}, write(caller(""))).caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])
    assert (found.rpcs, found.tenants, found.read, found.write) == (frozenset(), frozenset(), {}, {})
    assert found.performs == frozenset()
    assert not found.sees_operator_reasons


def test_a_caller_has_the_limits_of_all_unless_it_has_its_own(write: Writer) -> None:
    def limits(text: str) -> tuple[float, float | None]:
        found = load(MODEL, {}, write(text)).caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])
        return found.share, found.calls_per_s

    assert limits(caller("")) == (0.5, None)
    of_all = "[server]\ncaller_share = 0.25\ncaller_calls_per_s = 100\n"
    assert limits(of_all + caller("")) == (0.25, 100)
    assert limits(of_all + caller("share = 1.0\ncalls_per_s = 0.5")) == (1, 0.5)


def test_a_star_is_everything(write: Writer) -> None:
    text = caller('rpcs = "*"\nenterprises = "*"\nwrite = { SealProposal = "*" }')
    found = load(MODEL, {}, write(text)).caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])
    assert found.rpcs == set(RPCS) - SHIPPING - AUDITING
    assert found.tenants is None
    columns = {"id", "seal_id", "ending", "proposed_by_id", "proposed_at", "reason", "state"}
    assert found.write == {"SealProposal": columns}


def test_a_caller_performs_what_is_listed_on_every_type_or_on_one(write: Writer) -> None:
    def performs(text: str) -> frozenset[str] | None:
        found = load(MODEL, {}, write(caller(text))).caller_rights(MODEL)
        return found.identify([("authorization", f"Bearer {'t' * 40}")]).performs

    assert performs('rpcs = "*"') == frozenset()
    assert performs('performs = ["view", "Seal/use"]') == {"view", "Seal/use"}
    assert performs('performs = "*"') is None


def test_the_keys_of_receipts_are_relative_to_the_file_and_a_variable_lists_them(write: Writer) -> None:
    path = write('[receipts]\nissuer = "I"\nkeys = ["a.pem", "/etc/b.pem"]\n')
    assert load(MODEL, {}, path).receipts == ReceiptsSection(issuer="I", keys=[path.parent / "a.pem", "/etc/b.pem"])
    named = load(MODEL, {"SEALAUTHZ_RECEIPTS__KEYS": "c.pem, d.pem"}, path).receipts
    assert named.keys == [Path("c.pem"), Path("d.pem")]


def test_the_authorities_of_callers_are_relative_to_the_file_and_a_variable_lists_them(write: Writer) -> None:
    path = write('[server]\nclient_ca = ["a.pem", "/etc/b.pem"]\n')
    assert load(MODEL, {}, path).server.client_ca == [path.parent / "a.pem", Path("/etc/b.pem")]
    assert load(MODEL, {"SEALAUTHZ_SERVER__CLIENT_CA": "c.pem, d.pem"}, path).server.client_ca == [
        Path("c.pem"),
        Path("d.pem"),
    ]
    assert load(MODEL, {}, path).server_settings(insecure=True).client_ca == ()


def test_the_keys_of_an_issuer_are_relative_to_the_file(write: Writer) -> None:
    path = write('[assertions]\naudience = "A"\n[assertions.issuers."https://id.example"]\nkeys = "id.json"\n')
    (issuer,) = load(MODEL, {}, path).assertions.issuers.values()
    assert issuer == AssertionIssuerSection(keys=path.parent / "id.json")


ISSUER = '[assertions]\naudience = "A"\n[assertions.issuers.id]\n'
ISSUES = """[jwt.issuers."https://login.example"]
keys = 'jwks.json'
audience = 'https://authz.example'
# more
"""

REFUSED = {
    "issuers without an audience": (
        ISSUER.replace("audience", "# audience") + 'keys = "k"',
        "`assertions.audience` is needed",
    ),
    "an issuer without keys": (ISSUER, "`assertions.issuers.id.keys`: field required"),
    "an unknown caller of an issuer": (f'{ISSUER}keys = "k"\ncallers = ["x"]\n', "unknown caller `x`"),
    "an unknown section": ("[serve]\n", "unknown setting `serve`"),
    "a value for a section": (
        'audit = "yes"\n',
        "`audit` is a section, and not a value: its settings stand under `[audit]`",
    ),
    "a list of sections": ("[[server]]\nthreads = 8\n", "`server` is a section, and not a list (`[[…]]` begins one)"),
    "a value for a caller": (
        '[callers]\ndemo = "x"\n',
        "`callers.demo` is a section, and not a value: its settings stand under `[callers.demo]`",
    ),
    "an unknown setting": ("[server]\nlistne = 'x'\n", "unknown setting `server.listne`"),
    "an unknown setting of the policies": ("[policies]\nfile = 'x'\n", "unknown setting `policies.file`"),
    "a wrong type": ("[server]\nthreads = 'many'\n", "`server.threads`: input should be a valid integer"),
    "out of range": ("[server]\nthreads = 0\n", "`server.threads`: input should be greater than or equal to 1"),
    "plain text as a setting": ("[server]\ninsecure = true\n", "unknown setting `server.insecure`"),
    "a caller without a token": ("[callers.demo]\nrpcs = '*'\n", "`callers.demo`: needs something to be known by"),
    "a token instead of its hash": (
        caller("", "t" * 40),
        "`callers.demo.token_sha256`: must be the SHA-256 of the token",
    ),
    "an unknown RPC": (
        caller('rpcs = ["AuthorizationService/Authorise"]'),
        "`callers.demo.rpcs`: unknown RPC `AuthorizationService/Authorise`; "
        "did you mean `AuthorizationService/Authorize`?",
    ),
    "an unknown record type": (
        caller('read = { Seel = "*" }'),
        "`callers.demo.read`: unknown record type `Seel`; did you mean `Seal`?",
    ),
    "an unknown field": (
        caller('write = { Seal = ["stat"] }'),
        "`callers.demo.write`: unknown field of Seal `stat`; did you mean `state`?",
    ),
    "an unknown action": (
        caller('performs = ["Seal/ues"]'),
        "`callers.demo.performs`: unknown action `Seal/ues`; did you mean `Seal/use`?",
    ),
    "an action on another type": (
        caller('performs = ["Enterprise/use"]'),
        "`callers.demo.performs`: unknown action `Enterprise/use`",
    ),
    "a star among actions": (caller('performs = ["*"]'), "`callers.demo.performs`: unknown action `*`"),
    "a star among words": (caller('rpcs = ["*"]'), "`callers.demo.rpcs`: unknown RPC `*`"),
    "another word than the star": (caller('enterprises = "all"'), "`callers.demo.enterprises`: "),
    "an unknown right": (caller("sees_everything = true"), "unknown setting `callers.demo.sees_everything`"),
    "two callers with one token": (
        caller("") + f'[callers.twin]\ntoken_sha256 = "{DIGEST}"\n',
        "the callers `demo` and `twin` have the same token",
    ),
    "a caller under the service's own name": (
        f'[callers.in-process]\ntoken_sha256 = "{DIGEST}"\n',
        "no caller can be called `in-process`: so the service calls itself",
    ),
    "a caller named like another": (
        f'[callers."d\u0435mo"]\ntoken_sha256 = "{DIGEST}"\n',
        "has ASCII characters only, so that none looks like another: `\u0435` (U+0435 CYRILLIC SMALL LETTER IE)",
    ),
    "a caller with a hidden character in its name": (
        f'[callers."demo\u200b"]\ntoken_sha256 = "{DIGEST}"\n',
        "so that none looks like another: (U+200B ZERO WIDTH SPACE)",
    ),
    "a caller with a blank in its name": (
        f'[callers."de mo"]\ntoken_sha256 = "{DIGEST}"\n',
        "must have 1 to 128 letters, digits and `-`, `_`, `.`, `:`, `@` or `/`",
    ),
    "a subject that looks like another": (
        f"{ISSUES}[callers.x]\njwt = {{ issuer = 'https://login.example', subject = '\u0455' }}\n",
        "has ASCII characters only, so that none looks like another: `\u0455` (U+0455 CYRILLIC SMALL LETTER DZE)",
    ),
    "no TOML": ("[server\n", "is not TOML"),
    "a caller of an unknown issuer": (
        f"{ISSUES}[callers.x]\njwt = {{ issuer = 'https://login.exampel', subject = 's' }}\n",
        "`callers.x.jwt`: unknown issuer `https://login.exampel`; did you mean `https://login.example`? (line 6 of ",
    ),
    "a caller who is every token": (
        f"{ISSUES}[callers.x]\njwt = {{ issuer = 'https://login.example' }}\n",
        "needs a `subject` or `claims`",
    ),
    "two callers with one subject": (
        f"{ISSUES}[callers.x]\njwt = {{ issuer = 'https://login.example', subject = 's' }}\n"
        "[callers.y]\njwt = [{ issuer = 'https://login.example', subject = 's' }]\n",
        "the callers `x` and `y` have the same token",
    ),
    "no SPIFFE id": ("[callers.x]\nspiffe = 'spiffe://example.org'\n", "is no SPIFFE id of a workload"),
    "two callers with one SPIFFE id": (
        "[callers.x]\nspiffe = 'spiffe://a/b'\n[callers.y]\nspiffe = ['spiffe://a/b', 'spiffe://a/c']\n",
        "the callers `x` and `y` have the same SPIFFE id",
    ),
    "keys in plain text": (ISSUES.replace("jwks.json", "http://login.example/k"), "begins `https://`"),
    "keys of another scheme": (ISSUES.replace("jwks.json", "file:///etc/keys"), "begins `https://`"),
    "keys with a name": (ISSUES.replace("jwks.json", "https://u:p@login.example/"), "and names nobody"),
    "a shared secret": (f"{ISSUES}algorithms = ['HS256']\n", "unknown algorithm of public keys `HS256`"),
    "no algorithm": (f"{ISSUES}algorithms = ['none']\n", "unknown algorithm of public keys `none`"),
    "no algorithms": (f"{ISSUES}algorithms = []\n", "should have at least 1 item"),
    "tokens without an audience": (ISSUES.replace("audience", "# audience"), "`jwt.issuers.https://login.example.audi"),
    "an empty audience": (ISSUES.replace("https://authz", "").replace(".example'\n#", "'\n#"), "at least 1 character"),
    "assertions as tokens": (f"{ISSUES}typ = ['application/ACT-assertion+jwt']\n", "is the type of another token"),
    "receipts as tokens": (f"{ISSUES}typ = ['{RECEIPT}']\n", "is the type of another token"),
    "a long leeway": (f"{ISSUES}leeway_s = 61\n", "less than or equal to 60"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_by_name(write: Writer, text: str, message: str) -> None:
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, {}, write(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert DIGEST not in str(caught.value)
    assert "t" * 40 not in str(caught.value)


def test_several_tokens_count_at_once_in_the_table_and_in_a_file(write: Writer, tmp_path: Path) -> None:
    first, second, third = (hashlib.sha256(token.encode()).hexdigest() for token in ("a" * 40, "b" * 40, "c" * 40))
    (tmp_path / "digests").write_text(f"{second}\n{third}\n")
    table = f'[callers.demo]\ntoken_sha256 = ["{first}", "{second}"]\ntoken_sha256_file = "digests"\n'
    callers = load(MODEL, {}, write(table)).caller_rights(MODEL)
    for letter in "abc":
        assert callers.identify([("authorization", f"Bearer {letter * 40}")]).name == "demo"
    with pytest.raises(CallerUnknown):
        callers.identify([("authorization", f"Bearer {'d' * 40}")])
    write(table.replace(f', "{second}"', "").replace('token_sha256_file = "digests"', ""))
    with pytest.raises(CallerUnknown):
        load(MODEL, {}, tmp_path / "sealauthz.toml").caller_rights(MODEL).identify(
            [("authorization", f"Bearer {'b' * 40}")]
        )


def test_the_database_may_be_named_by_a_file_or_its_password_be_in_one(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:s3cret@db/x\n")
    (tmp_path / "password").write_text("s3:c/r@t\n")
    config = load(MODEL, {}, write('[database]\nurl_file = "url"\n'))
    assert config.database.whole_url == "postgresql://u:s3cret@db/x"
    assert "s3cret" not in repr(config)
    path = write('[database]\nurl = "postgresql://u@db/x"\npassword_file = "password"\n')
    config = load(MODEL, {}, path)
    assert make_url(config.database.whole_url).password == "s3:c/r@t"
    assert "s3:c" not in repr(config)
    # A variable wins over the file, whichever of the two it is.
    by_variable = {"SEALAUTHZ_DATABASE__URL_FILE": str(tmp_path / "url")}
    assert load(MODEL, by_variable, write('[database]\nurl = "sqlite:///x.db"\n')).database.whole_url.endswith("db/x")
    by_variable = {"SEALAUTHZ_DATABASE__URL": "sqlite:///y.db"}
    assert load(MODEL, by_variable, write('[database]\nurl_file = "url"\n')).database.whole_url == "sqlite:///y.db"


FILES = {
    "no file": ('[database]\nurl_file = "none"\n', "none` cannot be read"),
    "a folder": ('[database]\nurl_file = "."\n', "` cannot be read"),
    "an empty file": ('[database]\nurl_file = "empty"\n', "empty` is empty"),
    "a file that is no text": ('[database]\nurl_file = "bytes"\n', "bytes` is not UTF-8 text"),
    "a large file": ('[database]\nurl_file = "large"\n', "is longer than 16384 bytes"),
    "the URL twice": ('[database]\nurl = "sqlite://"\nurl_file = "url"\n', "has `url` and `url_file`"),
    "the password twice": ('[database]\nurl_file = "url"\npassword_file = "url"\n', "without a password"),
    "a password of SQLite": ('[database]\npassword_file = "url"\n', "`password_file` is for a URL of PostgreSQL"),
    "no digest": ('[callers.x]\ntoken_sha256_file = "url"\n', "`callers.x.token_sha256_file`: must be the SHA-256"),
    "no token": ("[callers.x]\ntoken_sha256 = []\n", "`callers.x`: needs something to be known by"),
    "nine": (f"[callers.x]\ntoken_sha256 = {[f'{n}' * 64 for n in range(9)]}\n", "has 9 tokens, and may have 8"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(write: Writer, tmp_path: Path, name: str) -> None:
    for file, content in {"url": b"postgresql://u:s3cret@db/x", "empty": b" \n", "bytes": b"s3cret\xff"}.items():
        (tmp_path / file).write_bytes(content)
    (tmp_path / "large").write_bytes(b"s3cret" * 4_096)
    text, message = FILES[name]
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, {}, write(text))
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


PLACES = {
    "a word in a list of several lines": (
        '[server]\nthreads = 2\n\n[callers.demo]\ntoken_sha256 = "%s"\nrpcs = [\n  "FactsService/ReadFacts",\n'
        '  "FactsService/WriteFact",\n]\n',
        "did you mean `FactsService/WriteFacts`? (line 8 of `sealauthz.toml`)",
    ),
    "a key of a table": (
        '[callers.demo]\ntoken_sha256 = "%s"\n\n[callers.demo.read]\nSeal = "*"\nPersn = "*"\n',
        "unknown record type `Persn`; did you mean `Person`? (line 6 of",
    ),
    "a table that lacks something": ("# callers\n[callers.demo]\n# %s\nrpcs = '*'\n", "known by: `token_sha256`"),
    "a setting": ("# %s\n[server]\nworkesr = 2\n", "`server.workesr`; did you mean `workers`? (line 3 of"),
    "a setting of a caller": (
        '[callers.a]\ntoken_sha256 = "%s"\nrpc = "*"\n',
        "unknown setting `callers.a.rpc`; did you mean `rpcs`? (line 3 of",
    ),
    "a section": ("# %s\n\n[sever]\n", "unknown setting `sever`; did you mean `server`? (line 3 of"),
    "dotted keys": ("# %s\nserver.listen = '127.0.0.1:1'\nserver.threads = 0\n", "(line 3 of `sealauthz.toml`)"),
}


@pytest.mark.parametrize(("text", "message"), PLACES.values(), ids=PLACES)
def test_what_is_wrong_is_told_with_its_line(write: Writer, text: str, message: str) -> None:
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, {}, write(text % DIGEST))
    assert message in str(caught.value)


def test_what_a_variable_sets_has_no_line(write: Writer) -> None:
    with pytest.raises(ConfigRefused, match=r"valid integer.* \(`SEALAUTHZ_SERVER__THREADS`\)$"):
        load(MODEL, {"SEALAUTHZ_SERVER__THREADS": "many"}, write("[server]\nthreads = 3\n"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="cannot be read"):
        load(MODEL, {}, tmp_path / "none.toml")


def test_variables_win_over_the_file(write: Writer) -> None:
    path = write("[server]\nlisten = '127.0.0.1:1'\nthreads = 2\n")
    environ = {
        "SEALAUTHZ_CONFIG": str(path),
        "SEALAUTHZ_SERVER__LISTEN": "127.0.0.1:2",
        "SEALAUTHZ_DATABASE__URL": "sqlite:///x.db",
        "PATH": "/bin",
    }
    config = load(MODEL, environ)
    assert (config.server.listen, config.server.threads) == ("127.0.0.1:2", 2)
    assert config.database.url.get_secret_value() == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "SEALAUTHZ_SERVER__LISTNE",
            "unknown variable `SEALAUTHZ_SERVER__LISTNE`; did you mean `SEALAUTHZ_SERVER__LISTEN`?",
        ),
        ("SEALAUTHZ_CALLERS__DEMO", "unknown variable `SEALAUTHZ_CALLERS__DEMO`"),
        ("SEALAUTHZ_CALLER", "did you mean `SEALAUTHZ_CALLERS`?"),
        ("SEALAUTHZ_", "unknown variable `SEALAUTHZ_`"),
    ],
)
def test_an_unknown_variable_is_named(name: str, message: str) -> None:
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, {name: "s3cret"})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_variable_of_the_wrong_type_is_named() -> None:
    with pytest.raises(ConfigRefused, match=r"`server\.threads`: input should be a valid integer"):
        load(MODEL, {"SEALAUTHZ_SERVER__THREADS": "many"})


def test_callers_and_issuers_may_come_from_a_variable_which_takes_the_place_of_the_file(write: Writer) -> None:
    path = write(caller("") + '[jwt.issuers.a]\nkeys = "https://k"\naudience = "x"\n')
    digest = hashlib.sha256(b"u" * 40).hexdigest()
    as_toml = f'[my-service]\ntoken_sha256 = "{digest}"\nrpcs = ["OperationsService/GetKeys"]'
    as_json = json.dumps({"my-service": {"token_sha256": digest, "rpcs": ["OperationsService/GetKeys"]}})
    for text in (as_toml, as_json, f" {as_json}\n"):
        config = load(MODEL, {"SEALAUTHZ_CALLERS": text}, path)
        assert set(config.callers) == {"my-service"}
        with pytest.raises(CallerUnknown):
            config.caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])
    issuers = {"SEALAUTHZ_JWT__ISSUERS": '{"https://b": {"keys": "k.json", "audience": "y"}}'}
    assert load(MODEL, issuers, path).jwt.issuers["https://b"].keys == "k.json"
    assert set(load(MODEL, issuers, path).jwt.issuers) == {"https://b"}
    assert load(MODEL, {"SEALAUTHZ_CALLERS": "{}"}, path).callers == {}
    assert load(MODEL, {"SEALAUTHZ_CALLERS": ""}, path).callers == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3cret", "`callers`: must be tables, as TOML or JSON"),
        ('{"a": s3cret}', "expecting value (at line 1, column 7) (`SEALAUTHZ_CALLERS`)"),
        ('{"a": {}, "a": {}}', "a name stands there twice"),
        ('{"a": {"s3cret": 1, "s3cret": 2}}', "a name stands there twice"),
        ("[" * 100_000, "must be tables"),
        ('{"a":' * 100_000, "must be tables"),
        ('{"a": "s3cret"}', "(`SEALAUTHZ_CALLERS`)"),
        ('{"a": {"rpcs": ["X/Y"], "spiffe": "spiffe://a/b"}}', "unknown RPC `X/Y` (`SEALAUTHZ_CALLERS`)"),
        ('{"a": {"rpc": ["X/Y"], "spiffe": "spiffe://a/b"}}', "unknown setting `callers.a.rpc`; did you mean `rpcs`?"),
    ],
    ids=range(9),
)
def test_what_is_wrong_with_callers_of_a_variable_is_told_without_their_text(text: str, message: str) -> None:
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, {"SEALAUTHZ_CALLERS": text})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(write: Writer) -> None:
    environ = {"SEALAUTHZ_SERVER__LISTNE": "x", "SEALAUTHZ_FACTS__MEMORY_MB": "many"}
    with pytest.raises(ConfigRefused) as caught:
        load(MODEL, environ, write("[server]\nthreads = 0\n[audit]\nnam = 1\n"))
    for said in ("SEALAUTHZ_SERVER__LISTNE", "(line 2 of", "(line 4 of", "(`SEALAUTHZ_FACTS__MEMORY_MB`)"):
        assert said in str(caught.value)


def test_the_lines_of_a_file_are_told_statement_by_statement() -> None:
    text = '# c\n[a]\nx = [\n  1,\n]\ny = """\n[b]\nz = 1\n"""\n\n["b.c".d]\nk = { m = 1 }\n[[e.f]]\ng = 1\n[[e.f]]\n'
    assert lines_of(text) == {
        ("a",): 2,
        ("a", "x"): 3,
        ("a", "y"): 6,
        ("b.c",): 11,
        ("b.c", "d"): 11,
        ("b.c", "d", "k"): 12,
        ("b.c", "d", "k", "m"): 12,
        ("e",): 13,
        ("e", "f"): 13,
        ("e", "f", "g"): 14,
    }


def test_secrets_are_not_shown(write: Writer) -> None:
    config = load(MODEL, {"SEALAUTHZ_DATABASE__URL": "postgresql://u:s3cret@db/x"}, write(caller("")))
    for text in (
        repr(config),
        str(config),
        repr(config.caller_rights(MODEL).identify([("authorization", f"Bearer {'t' * 40}")])),
    ):
        assert "s3cret" not in text
        assert DIGEST not in text
        assert str(bytes.fromhex(DIGEST)) not in text


def test_plain_text_is_for_loopback_and_tls_for_everything_else() -> None:
    local = Config()
    assert local.server_settings(insecure=True).is_insecure
    assert local.server_settings(insecure=True).has_reflection
    with pytest.raises(ConfigRefused, match="needed to serve over TLS"):
        local.server_settings()
    with pytest.raises(ConfigRefused, match="not on loopback"):
        load(MODEL, {"SEALAUTHZ_SERVER__LISTEN": "0.0.0.0:1"}).server_settings(insecure=True)


# --- docs/configuration.md --------------------------------------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)


def rows(title: str = "") -> dict[str, list[str]]:
    """The rows of the document's tables, or of the one with a title, by what stands in their first column."""
    text = DOCUMENT.partition(f"| {title} |")[2].partition("\n\n")[0] if title else DOCUMENT
    split = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if "|" in line]
    return {cells[0].strip("`"): cells[1:] for cells in split}


def test_the_log_has_a_name_and_a_key_beside_the_file(write: Writer) -> None:
    path = write('[audit]\nname = "authz.example/log"\nkey = "log.pem"\n')
    assert load(MODEL, {}, path).audit.key == path.parent / "log.pem"
    for text, said in (
        ('[audit]\nkey = "log.pem"\n', "`name` is needed beside `key`"),
        ('[audit]\nname = "two words"\n', "cannot name a log"),
    ):
        with pytest.raises(ConfigRefused, match=said):
            load(MODEL, {}, write(text))


def test_a_collector_has_an_address_of_its_own(write: Writer) -> None:
    assert load(MODEL, {}, write('[traces]\nendpoint = "http://127.0.0.1:4317"\nratio = 0.5\n')).traces.ratio == 0.5
    path = write('[traces]\nendpoint = "https://collector:4317"\nca = "ca.pem"\n')
    assert load(MODEL, {}, path).traces.ca == path.parent / "ca.pem"
    for text, said in (
        ('endpoint = "collector:4317"', "must be `http://HOST:PORT`"),
        ('endpoint = "http://collector"', "must be `http://HOST:PORT`"),
        ('endpoint = "http://collector:99999"', "must be `http://HOST:PORT`"),
        ('endpoint = "http://me:secret@collector:4317"', "must be `http://HOST:PORT`"),
        ('endpoint = "http://collector:4318/v1/traces"', "must be `http://HOST:PORT`"),
        ('endpoint = "http://collector:4317"\nca = "ca.pem"', "`ca` is for an `endpoint` of `https:`"),
        ("ratio = 1.5", "less than or equal to 1"),
    ):
        with pytest.raises(ConfigRefused, match=said):
            load(MODEL, {}, write(f"[traces]\n{text}\n"))


SECTIONS = {
    "server": ServerSection,
    "http": HttpSection,
    "database": DatabaseSection,
    "facts": FactsSection,
    "policies": PoliciesSection,
    "metrics": MetricsSection,
    "traces": TracesSection,
    "receipts": ReceiptsSection,
    "audit": AuditSection,
    "assertions": AssertionsSection,
    "jwt": JwtSection,
}


def test_the_document_knows_every_section() -> None:
    assert set(Config.model_fields) == {*SECTIONS, "callers"}


@pytest.mark.parametrize(
    ("section", "name"), [(section, name) for section, cls in SECTIONS.items() for name in cls.model_fields]
)
def test_the_document_names_every_setting_with_its_default_and_its_variable(section: str, name: str) -> None:
    setting = f"{section}.{name}"
    default = getattr(getattr(load(MODEL, {}), section), name)
    said = rows()[setting][0]
    if setting == "server.reflection":
        assert said == "only with `--insecure`"
    elif default is None:
        assert said == "none"
    else:
        plain = default.get_secret_value() if setting == "database.url" else default
        assert said == f"`{json.dumps(plain)}`"
    variable = f"SEALAUTHZ_{section}__{name}".upper()
    assert rows()[variable] == [f"`{setting}`"]


def test_the_document_names_every_setting_of_a_caller_with_its_default() -> None:
    for name, field in CallerSection.model_fields.items():
        said = "required" if field.is_required() else f"`{json.dumps(field.default)}`"
        if field.default is None:
            said = "none" if name.endswith("_file") else f"`server.caller_{name}`"
        assert rows()[name][0] == said
    assert {rpc for rpc in RPCS if f"`{rpc}`" in DOCUMENT} == set(RPCS)


def test_the_document_names_every_other_variable() -> None:
    assert {name for name in OTHER_NAMES if f"`{name}`" in DOCUMENT} == OTHER_NAMES


def test_the_examples_of_the_document_are_read(write: Writer) -> None:
    first, assertions, three, issued, certified = (load(MODEL, {}, write(example)) for example in EXAMPLES)
    assert first.server_settings().listen == "0.0.0.0:8443"
    assert set(three.callers) == {"contract-store", "hr-import", "signing-service"}
    three.caller_rights(MODEL)
    (issuer,) = assertions.assertions.issuers.values()
    assert (issuer.keys.name, issuer.callers) == ("id-keys.json", ["seal-console"])
    for name, field in AssertionIssuerSection.model_fields.items():
        assert rows("Setting of an issuer")[name][0] == said_of(field)
    issued.caller_rights(MODEL)
    assert set(issued.callers) == {"signing-service", "import-jobs"}
    assert [file.name for file in certified.server_settings().client_ca] == ["mesh-ca.pem"]
    assert certified.caller_rights(MODEL).identify((), "spiffe://example.org/ns/prod/sa/signing")
    for name, field in JwtIssuerSection.model_fields.items():
        assert rows("Setting of an issuer of tokens")[name][0] == said_of(field)
    assert all(f"`{name}`" in DOCUMENT or f'"{name}"' in DOCUMENT for name in ALGORITHMS)


def said_of(field: FieldInfo) -> str:
    """How the document says a default."""
    return "required" if field.is_required() else "none" if field.default is None else f"`{json.dumps(field.default)}`"


def test_the_policies_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "sealauthz.toml"
    file.write_text('[policies]\nfolder = "mine"\n', encoding="utf-8")
    assert load(MODEL, {}, file).policies.folder == tmp_path / "mine"
    assert load(MODEL, {"SEALAUTHZ_POLICIES__FOLDER": "other"}, file).policies.folder == Path("other")
    assert load(MODEL, {}).policies.folder is None


def test_no_caller_has_the_name_of_the_service() -> None:
    assert {SWEEPER, DEFAULT_OPTIONS.caller} == OURS


def test_a_configuration_loads_neither_the_engine_nor_the_server_nor_the_facts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, sealauthz.config.loading; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = ("decision", "facts", "polar", "operations", "service.server")
    assert not {f"sealauthz.{name}" for name in packages} & set(done.stdout.split())


def test_the_names_are_those_of_the_settings() -> None:
    sections = {name: info.annotation for name, info in Config.model_fields.items() if name not in TABLES}
    assert {name: set(section.model_fields) for name, section in sections.items()} == {  # type: ignore[union-attr]
        name: set(settings) for name, settings in SETTINGS.items()
    }
    assert set(Config.model_fields) == SETTINGS.keys() | TABLES


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("", {}),
        ('[database]\nurl = "sqlite:///a.db"\n[policies]\nfolder = "mine"\nsource = "folder"', {}),
        ('[database]\nurl_file = "url"\n[server]\nlisten = "127.0.0.1:1"\n' + caller('rpcs = "*"'), {}),
        ('[database]\nurl_file = "url"', {"SEALAUTHZ_DATABASE__URL": "sqlite:///b.db"}),
        ('[database]\nurl = "sqlite:///a.db"', {"SEALAUTHZ_DATABASE__URL_FILE": "{folder}/url"}),
        ('[policies]\nfolder = "mine"', {"SEALAUTHZ_POLICIES__FOLDER": "other", "SEALAUTHZ_POLICIES__SOURCE": "store"}),
        ("", {"SEALAUTHZ_SERVER__LISTEN": "127.0.0.1:1", "SEALAUTHZ_TOKEN": "t", "HOME": "/"}),
    ],
)
def test_what_a_question_needs_is_read_as_in_the_whole(write: Writer, text: str, environ: dict[str, str]) -> None:
    file = write(text)
    (file.parent / "url").write_text("postgresql://db/authz\n")
    environ = {name: value.format(folder=file.parent) for name, value in environ.items()}
    whole, found = load(MODEL, environ, file), asked(environ, file)
    assert found is not None
    assert found.url == whole.database.whole_url
    assert (found.policies.folder, found.policies.source) == (whole.policies.folder, whole.policies.source)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("[database]\nurl = 7", {}),
        ('[database]\nurl = "sqlite:///a.db"\nurl_file = "url"', {}),
        ('[database]\nurl_file = "missing"', {}),
        ('[database]\npassword_file = "missing"', {}),
        ('[databse]\nurl = "sqlite:///a.db"', {}),
        ('[policies]\nfoldr = "mine"', {}),
        ("[policies]\nfolder = 7", {}),
        ('[policies]\nsource = "shop"', {}),
        ('[server]\nlissen = "127.0.0.1:1"', {}),
        ('policies = "mine"', {}),
        ("", {"SEALAUTHZ_POLICIES__FOLDR": "mine"}),
        ("", {"SEALAUTHZ_POLICIES__SOURCE": "shop"}),
        ("", {"SEALAUTHZ_DATABASE__URL_FILE": "missing"}),
    ],
)
def test_what_is_unusual_is_left_to_the_whole_which_refuses_it(
    write: Writer, text: str, environ: dict[str, str]
) -> None:
    file = write(text)
    assert asked(environ, file) is None
    with pytest.raises(ConfigRefused):
        load(MODEL, environ, file)


def test_each_variable_has_the_name_of_its_setting() -> None:
    assert variable("policies", "folder") == "SEALAUTHZ_POLICIES__FOLDER"
