"""The check character of the code that names an organisation, by vectors and by law."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealauthz.model.records.organisation import USCC_ALPHABET, normalise_uscc, uscc_check_character, uscc_problem

VALID_USCCS = (
    "91350100M000100Y43",  # the worked example of the standard
    "11320000MB151840XJ",
    "91110000633674814Q",
    "91440300708461136T",
    "918587832P12455XH0",  # 31 - 0 is 31, which stands for 0
)
WRONG_CHECK = "has a wrong check character"
FOREIGN = "must consist of ASCII digits and upper-case letters other than I, O, S, V and Z"


@pytest.mark.parametrize("code", VALID_USCCS)
def test_a_valid_uscc_has_no_problem(code):
    assert uscc_problem(code) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        pytest.param("91350100M000100Y4Z", FOREIGN, id="the counter-example of the standard: Z is no character"),
        pytest.param("91310115MA1H8R7C6D", WRONG_CHECK, id="a sample that a page calls valid; the check is 7"),
        pytest.param("91350100M000100Y4C", WRONG_CHECK, id="the sum itself instead of its complement"),
        pytest.param("91350100m000100y43", FOREIGN, id="lower case"),
        pytest.param("９1350100M000100Y43", FOREIGN, id="full-width digit"),
        pytest.param("91350100Ｍ000100Y43", FOREIGN, id="full-width letter"),
        pytest.param("91٣50100M000100Y43", FOREIGN, id="arabic digit"),
        pytest.param("9135A100M000100Y43", "must have digits in positions 3 to 8", id="letter in the region"),
        pytest.param("350100400000123", "must have 18 characters", id="an old registration number of 15 digits"),
        pytest.param("91350100M000100Y43 ", "must have 18 characters", id="trailing space"),
        pytest.param("", "must have 18 characters", id="nothing"),
    ],
)
def test_an_invalid_uscc_is_told_why(code, problem):
    assert uscc_problem(code) == problem


def test_the_check_character_of_the_blog_sample_is_7():
    assert uscc_check_character("91310115MA1H8R7C6") == "7"


def test_a_remainder_of_nought_calls_for_the_character_0():
    assert uscc_check_character("918587832P12455XH") == "0"


@given(
    head=st.text(USCC_ALPHABET, min_size=2, max_size=2),
    region=st.text("0123456789", min_size=6, max_size=6),
    tail=st.text(USCC_ALPHABET, min_size=9, max_size=9),
    position=st.integers(0, 17),
    other=st.sampled_from(USCC_ALPHABET),
)
def test_every_single_substitution_in_a_uscc_is_detected(head, region, tail, position, other):
    body = head + region + tail
    code = body + uscc_check_character(body)
    assert uscc_problem(code) is None

    changed = code[:position] + other + code[position + 1 :]
    assert (uscc_problem(changed) is None) == (changed == code)


@given(st.text())
def test_any_text_gets_an_answer_about_a_uscc_that_does_not_repeat_it(text):
    problem = uscc_problem(text)
    if problem is not None and len(text) > 3:
        assert text not in problem


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("91350100m000100y43", "91350100M000100Y43"),
        ("９1350100ｍ000100y43", "９1350100ｍ000100Y43"),  # full-width is not ours to guess
        ("ı", "ı"),  # str.upper() would make this a plain I
        ("ß", "ß"),  # … and this two characters
    ],
)
def test_normalising_upper_cases_ascii_and_nothing_else(text, normal):
    assert normalise_uscc(text) == normal
