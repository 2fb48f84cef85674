"""What masking shows and, above all, what it hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealauthz.model.masking import mask_all, mask_name, mask_phone

MASKS = (mask_all, mask_name, mask_phone)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("陈静", "陈*"),
        ("张小明", "张**"),
        ("欧阳修", "欧阳*"),
        ("司马相如", "司马**"),
        ("欧阳", "欧*"),  # a given name of one character, for all we know
        ("阿卜杜拉·买买提", "阿*******"),
        ("Alice", "A****"),
        ("Alice Liddell", "A************"),
        ("陈", "*"),
        (" 陈静", "***"),
        ("*陈", "**"),
        ("", ""),
    ],
)
def test_a_name_keeps_the_surname(name, masked):
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812341569", "138****1569"),
        ("138 1234 1569", "138****1569"),
        ("+8613812341569", "+86138****1569"),
        ("0086-138-1234-1569", "0086138****1569"),
        ("+442079460958", "+44******0958"),
        ("+12025550143", "+1******0143"),
        ("+85291234567", "+852****4567"),
        ("+3541234567", "+354****567"),
        ("+354123456", "+354****56"),
        ("+35412345", "*********"),  # too short to show anything
        ("12812341569", "***********"),  # no mobile number begins like this
        ("1381234156", "**********"),
        ("138123415690", "************"),
        ("021-12345678", "************"),
        ("１３８１２３４１５６９", "***********"),
        ("", ""),
    ],
)
def test_a_phone_number_keeps_its_ends(phone, masked):
    assert mask_phone(phone) == masked


@given(st.text(max_size=40) | st.from_regex(r"\+?[0-9 \-]{0,20}", fullmatch=True))
def test_masking_is_total_and_shows_no_more_than_it_may(text):
    for mask in MASKS:
        masked = mask(text)
        assert len(masked) <= len(text)
        assert bool(masked) == bool(text)
        plain = sum(c != "*" for c in masked)
        if mask is mask_all:
            assert plain == 0
        elif mask is mask_name:
            assert plain <= 2
            assert plain < max(len(text), 1) or set(text) == {"*"}
        elif text and masked.strip("*"):
            assert masked.count("*") >= 4  # phones always hide four characters or more


@given(st.from_regex(r"1[3-9]", fullmatch=True), st.text("0123456789", min_size=9, max_size=9))
def test_a_masked_mobile_is_the_same_whatever_its_middle_digits(head, rest):
    number = head + rest
    assert mask_phone(number) == mask_phone(number[:3] + "0000" + number[7:])


@given(st.integers(10**9, 10**15 - 1))
def test_a_masked_foreign_number_is_the_same_whatever_its_middle_digits(digits):
    text = str(digits)
    # The first three digits may all be country code; the last four may be shown.
    assert mask_phone(f"+{text}") == mask_phone(f"+{text[:3]}{'0' * (len(text) - 7)}{text[-4:]}") or text[:2] == "86"
