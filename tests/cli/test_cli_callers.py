"""`callers list` and `callers explain`: what the tables come to, and what in them gives nothing or too much."""

import json

import pytest

DIGEST = "0f5c6a4be4ac8ff4c3a4c1f1c1e5f25a1ab54f4b1b5b0e8a6f0f6d6a9f1b7a01"


@pytest.fixture
def explained(sealauthz, tmp_path):
    """What `explain` says of a caller with this table, as data."""

    def explain(table):
        (tmp_path / "sealauthz.toml").write_text(f'[callers.demo]\ntoken_sha256 = "{DIGEST}"\n{table}\n')
        code, out, err = sealauthz("callers", "explain", "demo", "--config", "sealauthz.toml", "-o", "json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return explain


def test_what_a_table_comes_to_is_shown(sealauthz, explained):
    found = explained(
        'rpcs = ["FactsService/ReadFacts", "OperationsService/Perform"]\nenterprises = ["e-2", "e-1"]\n'
        'performs = ["Seal/use"]\nread = { Seal = ["name"], Membership = "*" }\ncalls_per_s = 5'
    )
    assert found["rpcs"] == ["FactsService/ReadFacts", "OperationsService/Perform"]
    assert found["tenants"] == ["e-1", "e-2"]
    assert found["performs"] == ["Seal/use"]
    assert [(access["record_type"], access["fields"]) for access in found["reads"]] == [
        ("Membership", None),
        ("Seal", ["name"]),
    ]
    assert (found["share"], found["calls_per_s"], found["writes"]) == (0.5, 5, [])
    assert found["known_by"] == ["a bearer token whose SHA-256 begins 0f5c6a4b"]
    code, out, _ = sealauthz("callers", "explain", "demo", "--config", "sealauthz.toml")
    assert code == 0
    assert "Membership: all fields" in out
    assert DIGEST not in out


WARNED = {
    "no RPC": ('performs = "*"', "`rpcs` is empty"),
    "no enterprise": ('rpcs = ["AuthorizationService/Authorize"]', "`enterprises` is empty"),
    "acts without Perform": (
        'rpcs = ["FactsService/ReadFacts"]\nperforms = ["use"]',
        "`performs` gives nothing without",
    ),
    "Perform without acts": ('rpcs = ["OperationsService/Perform"]', "gives nothing while `performs` is empty"),
    "fields without an RPC": (
        'rpcs = ["FactsService/WriteFacts"]\nread = { Seal = "*" }',
        "`read` gives nothing without",
    ),
    "an RPC without fields": ('rpcs = ["FactsService/ReadFacts"]', "gives nothing while `read` is empty"),
    "persons without every enterprise": (
        'rpcs = ["FactsService/ReadFacts"]\nenterprises = ["e"]\nread = { Person = ["real_name"] }',
        "`read` of Person.real_name gives nothing: it belongs to no enterprise",
    ),
    "what acts own": (
        'rpcs = ["FactsService/WriteFacts"]\nenterprises = "*"\nwrite = { SealGrant = "*" }',
        "`write` of SealGrant gives nothing: acts change it",
    ),
    "a certificate that nobody shows": (
        'rpcs = ["OperationsService/GetKeys"]\nspiffe = "spiffe://a/b"',
        "`spiffe` gives nothing without `server.client_ca`",
    ),
    "no certificate where one must be shown": (
        'rpcs = ["OperationsService/GetKeys"]\n[server]\nclient_ca = ["ca.pem"]',
        "it has no `spiffe`",
    ),
    "a token without a subject": (
        'rpcs = ["OperationsService/GetKeys"]\njwt = { issuer = "i", claims = { a = 1 } }\n'
        '[jwt.issuers.i]\nkeys = "k"\naudience = "a"',
        "a JWT without a `subject`",
    ),
    "around the acts": (
        'rpcs = ["FactsService/ImportFacts"]\nenterprises = "*"\nwrite = { SealGrant = "*" }',
        "`FactsService/ImportFacts` lets it write what acts own",
    ),
    "for operators": ('rpcs = "*"', "meant for operators"),
    "all RPCs": ('rpcs = "*"', "will hold the RPCs of later versions too"),
    "all acts": ('rpcs = "*"\nperforms = "*"', "holds every act"),
    "all fields": ('rpcs = "*"\nread = { Seal = "*" }', '`read` of `Seal` is "*"'),
    "explanations": ('rpcs = ["AuthorizationService/Explain"]', "tells what the rules compared"),
}


@pytest.mark.parametrize(("table", "warning"), WARNED.values(), ids=WARNED)
def test_what_gives_nothing_or_too_much_is_warned_of(explained, table, warning):
    assert any(warning in said for said in explained(table)["warnings"])


def test_what_is_right_has_no_warnings(explained):
    table = (
        'rpcs = ["OperationsService/Perform", "FactsService/ReadFacts"]\nenterprises = ["e"]\nperforms = ["Seal/use"]'
    )
    assert explained(f'{table}\nread = {{ Seal = ["name"] }}')["warnings"] == []


def test_all_are_listed(sealauthz, tmp_path):
    assert sealauthz("callers", "list") == (0, "", "the configuration names no callers, so nobody can ask\n")
    text = "".join(f'[callers.{name}]\ntoken_sha256 = "{digit * 64}"\n' for name, digit in (("b", "1"), ("a", "2")))
    (tmp_path / "sealauthz.toml").write_text(text)
    code, out, _ = sealauthz("callers", "list", "--config", "sealauthz.toml", "-o", "json")
    assert code == 0
    assert [caller["name"] for caller in json.loads(out)] == ["a", "b"]
    code, out, _ = sealauthz("callers", "list", "--config", "sealauthz.toml")
    assert code == 0
    assert out.splitlines()[0].startswith("caller")


def test_an_unknown_caller_is_wrong_use_with_a_suggestion(sealauthz, tmp_path):
    (tmp_path / "sealauthz.toml").write_text(f'[callers.signing]\ntoken_sha256 = "{DIGEST}"\n')
    code, out, err = sealauthz("callers", "explain", "signin", "--config", "sealauthz.toml")
    assert (code, out) == (2, "")
    assert "names no caller `signin`; did you mean `signing`?" in err


def test_who_may_call_an_rpc_is_listed(sealauthz, tmp_path):
    digest = "0f5c6a4be4ac8ff4c3a4c1f1c1e5f25a1ab54f4b1b5b0e8a6f0f6d6a9f1b7a0"
    (tmp_path / "c.toml").write_text(
        f'[callers.hr]\ntoken_sha256 = "{digest}1"\nrpcs = ["FactsService/ImportFacts"]\n'
        f'[callers.signing]\ntoken_sha256 = "{digest}2"\nrpcs = ["AuthorizationService/Authorize"]\n'
    )
    code, out, _ = sealauthz("callers", "list", "--config", "c.toml", "--rpc", "FactsService/ImportFacts", "-o", "json")
    assert (code, [each["name"] for each in json.loads(out)]) == (0, ["hr"])
    code, _, err = sealauthz("callers", "list", "--config", "c.toml", "--rpc", "FactsService/EndImport")
    assert (code, "nobody may call it" in err) == (0, True)
    code, _, err = sealauthz("callers", "list", "--config", "c.toml", "--rpc", "FactsService/ImportFact")
    assert (code, "did you mean `FactsService/ImportFacts`?" in err) == (2, True)
