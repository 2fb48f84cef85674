"""What `serve` needs before it starts: `config check`, `doctor` and `serve` report the same, and no traceback."""

import json

import pytest
import trustme

from sealauthz.cli.app import Exit

TLS = 'tls_certificate = "s.pem"\ntls_key = "s.pem"\n'
CASES = {
    "port with a letter": ("", 'url = "postgresql://db:543x/facts"', "", "a port must be a number from 1 to 65535"),
    "port of another host": ("", 'url = "postgresql://a:1,b:x/facts"', "", "a port must be a number from 1 to 65535"),
    "another kind of database": ("", 'url = "mysql://db/facts"', "", "must start with `sqlite:` or `postgresql:`"),
    "attribute": ("", 'url = "postgresql://a/f?target_session_attrs=x"', "", "`target_session_attrs` must be one of"),
    "workers on SQLite": ("workers = 2", "", "", "2 workers need PostgreSQL"),
    "address": ('listen = "nowhere"', "", "", "the address `nowhere` must be `host:port`"),
    "certificate that is not there": ('tls_certificate = "none.pem"\ntls_key = "s.pem"', "", "", "none.pem"),
    "certificate that is none": ('tls_certificate = "text"\ntls_key = "s.pem"', "", "", "text"),
    "key of another certificate": ('tls_certificate = "s.pem"\ntls_key = "t.pem"', "", "", "t.pem"),
    "authority that is not there": (f'{TLS}client_ca = ["none.pem"]', "", "", "none.pem"),
    "receipts without an issuer": ("", "", '[receipts]\nkeys = ["s.pem"]', "`receipts.issuer` is needed"),
    "key of receipts": ("", "", '[receipts]\nissuer = "i"\nkeys = ["none.pem"]', "none.pem"),
    "key of the log": ("", "", '[audit]\nname = "log"\nkey = "none.pem"', "none.pem"),
    "short key of records": ("", "", '[audit]\npending_key = "text"', "holds fewer than 32 bytes"),
    "roots of time stamps": (
        "",
        "",
        '[audit]\nfolder = "f"\ntimestamps = "https://t"\ntimestamp_roots = "none.pem"',
        "none.pem",
    ),
    "signers": ("", "", '[policies]\nsigners = ["none.pem"]', "none.pem"),
    "issuer of assertions": ("", "", '[assertions]\naudience = "a"\n[assertions.issuers.i]\nkeys = "none"', "none"),
    "issuer of tokens": ("", "", '[jwt.issuers.i]\nkeys = "none.json"\naudience = "x"', "none.json"),
    "authority of the collector": ("", "", '[traces]\nendpoint = "https://c:4317"\nca = "none.pem"', "none.pem"),
}


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    """A certificate, a file that is none, and a doctor that looks no further than the configuration."""
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "s.pem")
    authority.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "t.pem")
    (tmp_path / "text").write_text("text")
    monkeypatch.setattr("sealauthz.ops.doctor.examine", lambda *_, **__: iter(()))


def config_of(tmp_path, server, database, rest):
    has_tls = "" if "tls_certificate" in server else TLS
    text = f"[server]\n{has_tls}{server}\n[database]\n{database}\n{rest}\n"
    (tmp_path / "c.toml").write_text(text)


@pytest.mark.parametrize(("server", "database", "rest", "says"), CASES.values(), ids=CASES)
def test_unmet_precondition_is_reported_alike_by_all_three(sealauthz, tmp_path, server, database, rest, says):
    config_of(tmp_path, server, database, rest)
    code, out, err = sealauthz("config", "check", "--config", "c.toml", "-o", "json")
    assert (code, err) == (Exit.WRONG_USE, "")
    (problem,) = [each for each in json.loads(out) if says in each["message"]]
    assert problem["line"] is not None
    code, out, err = sealauthz("doctor", "--config", "c.toml", "-o", "json")
    assert (code, err) == (Exit.WRONG_USE, "")
    assert [each for each in json.loads(out) if each["level"] == "problem" and says in each["what"]]
    code, out, err = sealauthz("serve", "--config", "c.toml", "--listen", "127.0.0.1:0", *listening(server))
    assert (code, out, err.count("\n")) == (Exit.WRONG_USE, "", 1)
    assert err.startswith("error: ")
    assert says in err


def listening(server):
    return ("--listen", "nowhere") if "listen" in server else ()


def test_missing_certificate_is_reported_unless_the_service_is_insecure(sealauthz, tmp_path, demo_facts):
    (tmp_path / "c.toml").write_text("[server]\nthreads = 2\n")
    for command in (("config", "check"), ("doctor",), ("serve",)):
        code, out, err = sealauthz(*command, "--config", "c.toml")
        assert code == Exit.WRONG_USE
        assert "`server.tls_certificate` and `server.tls_key` are needed" in " ".join((out + err).split())
    for command in (("config", "check"), ("doctor",)):
        assert sealauthz(*command, "--config", "c.toml", "--insecure")[0] == Exit.DONE


@pytest.mark.parametrize("url", ["mysql://db/facts", "postgresql://db:x/facts", "nothing"])
def test_option_is_checked_as_the_setting_is(sealauthz, tmp_path, url):
    config_of(tmp_path, "", "", "")
    for command in ("doctor", "serve"):
        code, out, err = sealauthz(command, "--config", "c.toml", "--database", url)
        assert code == Exit.WRONG_USE
        assert "the database url" in " ".join((out + err).split())


def test_configuration_that_meets_all_passes(sealauthz, tmp_path, demo_facts):
    config_of(tmp_path, "", "", "")
    assert sealauthz("config", "check", "--config", "c.toml")[:2] == (Exit.DONE, "ok: `c.toml`\n")
    assert sealauthz("doctor", "--config", "c.toml")[0] == Exit.DONE
