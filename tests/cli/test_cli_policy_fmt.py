"""`policy fmt` lays policy files out, and refuses what is no policy."""

import stat

import pytest

UGLY = 'f ( x:Seal ) if x.state="A" ;\n'
NEAT = 'f(x: Seal) if x.state = "A";\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policies" / "more").mkdir(parents=True)
    (tmp_path / "policies" / "ugly.polar").write_text(UGLY, encoding="utf-8")
    (tmp_path / "policies" / "more" / "neat.polar").write_text(NEAT, encoding="utf-8")
    return tmp_path / "policies"


def test_files_are_changed_where_they_stand(sealauthz, folder):
    (folder / "ugly.polar").chmod(0o640)
    before = (folder / "more" / "neat.polar").stat().st_mtime_ns
    assert sealauthz("policy", "fmt") == (0, "changed policies/ugly.polar\n", "")
    assert (folder / "ugly.polar").read_text(encoding="utf-8") == NEAT
    assert stat.S_IMODE((folder / "ugly.polar").stat().st_mode) == 0o640
    assert (folder / "more" / "neat.polar").stat().st_mtime_ns == before
    assert sealauthz("policy", "fmt", "policies") == (0, "2 files are laid out\n", "")
    assert sorted(path.name for path in folder.rglob("*")) == ["more", "neat.polar", "ugly.polar"]


def test_check_and_diff_write_nothing(sealauthz, folder):
    told = "1 of 2 files would change: run `sealauthz policy fmt`\n"
    assert sealauthz("policy", "fmt", "--check") == (1, "would change policies/ugly.polar\n", told)
    code, out, err = sealauthz("policy", "fmt", "--diff")
    assert (code, err) == (1, told)
    assert out == f"--- policies/ugly.polar\n+++ policies/ugly.polar (laid out)\n@@ -1 +1 @@\n-{UGLY}+{NEAT}"
    assert (folder / "ugly.polar").read_text(encoding="utf-8") == UGLY
    assert sealauthz("policy", "fmt", "--check", "policies/more") == (0, "1 file is laid out\n", "")


def test_one_file_that_is_no_policy_keeps_all_as_they_are(sealauthz, folder):
    (folder / "wrong.polar").write_text("f(1);\nfoo(x) iff x;\n", encoding="utf-8")
    (folder / "other.polar").write_bytes(b"\xff\n")
    code, out, err = sealauthz("policy", "fmt", "policies")
    assert (code, out) == (1, "")
    assert "error: policies/other.polar: the file is not UTF-8 text\n" in err
    assert "error: policies/wrong.polar:2:8: expected " in err
    assert err.endswith("error: nothing was changed: not every file is a policy\n")
    assert (folder / "ugly.polar").read_text(encoding="utf-8") == UGLY


def test_what_is_not_there_is_wrong_use(sealauthz, tmp_path):
    assert sealauthz("policy", "fmt") == (2, "", "error: there is no file or folder `policies`\n")
    (tmp_path / "empty").mkdir()
    assert sealauthz("policy", "fmt", "empty") == (2, "", "error: there is no policy file in `empty`\n")
