"""`db upgrade`, `demo`."""


def test_upgrade_creates_the_database_and_may_run_again(sealauthz, tmp_path):
    for _ in range(2):
        code, out, err = sealauthz("db", "upgrade")
        assert (code, err) == (0, "")
        assert out.startswith("sqlite:///sealauthz.db is at schema ")
    assert (tmp_path / "sealauthz.db").exists()


def test_a_database_that_cannot_be_reached_is_no_answer_and_its_password_stays_secret(sealauthz):
    code, out, err = sealauthz("db", "upgrade", "--database", "postgresql://u:secret@127.0.0.1:1/x")
    assert (code, out) == (3, "")
    assert "Connection refused" in err
    assert "secret" not in err


def test_demo_exits_with_0_when_all_is_as_expected(sealauthz):
    code, out, _ = sealauthz("demo")
    assert code == 0
    assert out.endswith("steps went as expected.\n")


def test_demo_exits_with_1_when_something_is_not_as_expected(sealauthz, monkeypatch):
    monkeypatch.setattr("sealauthz.demo.scenario.tell", lambda harness: harness.surprises.append("step 1: no"))
    assert sealauthz("demo")[0] == 1


def test_restored_begins_a_new_history(sealauthz):
    code, _, err = sealauthz("db", "restored")
    assert code == 3
    assert "db upgrade" in err
    sealauthz("db", "upgrade")
    assert sealauthz("db", "restored") == (0, "a new history begins at revision 0; tokens of before are refused\n", "")
