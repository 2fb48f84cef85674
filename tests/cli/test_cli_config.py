"""`config check` and `config show`: all that is wrong with its place, and what counts with where it came from."""

import json

DIGEST = "0f5c6a4be4ac8ff4c3a4c1f1c1e5f25a1ab54f4b1b5b0e8a6f0f6d6a9f1b7a01"


def test_check_tells_all_that_is_wrong_with_its_place(sealauthz, tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text('[server]\nthreads = 0\n[callers.a]\nspiffe = "x"\nrcps = "*"\n')
    monkeypatch.setenv("SEALAUTHZ_FACTS__MEMORY_MB", "many")
    monkeypatch.setenv("SEALAUTHZ_FATCS__WARM_UP", "true")
    code, out, err = sealauthz("config", "check", "--config", "c.toml", "-o", "json")
    assert (code, err) == (2, "")
    found = json.loads(out)
    assert {(each["line"], each["variable"]) for each in found} == {
        (None, ""),
        (2, ""),
        (4, ""),
        (5, ""),
        (None, "SEALAUTHZ_FACTS__MEMORY_MB"),
    }
    code, out, _ = sealauthz("config", "check", "--config", "c.toml")
    assert code == 2
    assert "c.toml:5: unknown setting `callers.a.rcps`; did you mean `rpcs`?\n" in out
    assert "did you mean `SEALAUTHZ_FACTS__WARM_UP`?\n" in out


def test_check_says_that_nothing_is_wrong_or_that_there_is_no_file(sealauthz, tmp_path):
    assert sealauthz("config", "check", "--insecure") == (0, "ok: no file, the defaults and the variables\n", "")
    (tmp_path / "c.toml").write_text("[server]\nthreads = 2\n")
    assert sealauthz("config", "check", "--insecure", "--config", "c.toml")[:2] == (0, "ok: `c.toml`\n")
    assert "cannot be read" in sealauthz("config", "check", "--config", "none.toml")[1]
    (tmp_path / "c.toml").write_text("[server\n")
    code, out, _ = sealauthz("config", "check", "--config", "c.toml")
    assert code == 2
    assert "at line 1" in out


def test_show_says_where_each_value_came_from_and_masks_secrets(sealauthz, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("geheim3")
    (tmp_path / "c.toml").write_text(
        '[database]\nurl = "postgresql://u:geheim1@h/d?sslpassword=geheim2"\n'
        f'[callers."a.b"]\ntoken_sha256 = "{DIGEST}"\n'
        'jwt = { issuer = "i", subject = "s" }\n[jwt.issuers.i]\nkeys = "k"\naudience = "x"\n'
    )
    monkeypatch.setenv("SEALAUTHZ_SERVER__THREADS", "3")
    code, out, err = sealauthz("config", "show", "--config", "c.toml", "-o", "json")
    assert (code, err) == (0, "")
    assert "geheim" not in out
    assert DIGEST not in out
    found = {each["name"]: (each["value"], each["source"], each["where"]) for each in json.loads(out)}
    assert found["database.url"] == ("postgresql://u:***@h/d?sslpassword=***", "file", "c.toml:2")
    assert found["server.threads"] == (3, "variable", "SEALAUTHZ_SERVER__THREADS")
    assert found["server.workers"] == (1, "default", "")
    assert found['callers."a.b".token_sha256'] == (["0f5c6a4b…"], "file", "c.toml:4")
    assert found['callers."a.b".jwt'] == ([{"issuer": "i", "subject": "s"}], "file", "c.toml:5")
    assert found["jwt.issuers.i.keys"] == ("k", "file", "c.toml:7")
    monkeypatch.setenv("SEALAUTHZ_DATABASE__URL_FILE", "secret")
    (tmp_path / "secret").write_text("sqlite:///geheim3.db")
    code, out, _ = sealauthz("config", "show", "--config", "c.toml", "--set")
    assert code == 0
    assert "geheim" not in out
    assert "server.workers" not in out
    assert '"secret"' in out


def test_show_refuses_what_cannot_be_used(sealauthz, monkeypatch):
    monkeypatch.setenv("SEALAUTHZ_SERVER__THREADS", "no")
    code, out, err = sealauthz("config", "show")
    assert (code, out) == (2, "")
    assert "server.threads" in err
