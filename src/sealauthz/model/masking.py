"""Masking of personal text on its way out: enough to recognise whom one knows, too little to learn whom one does not.

Masking is total: what is too short or has an unexpected form becomes all `*`; an empty text stays empty. A masked value
is for eyes only and is never compared with anything.
"""

from __future__ import annotations

import re

from sealauthz.schema.record import mask_all

_MAINLAND_MOBILE = re.compile(r"(\+86|0086)?(1[3-9][0-9]{9})", re.ASCII)
_INTERNATIONAL = re.compile(r"\+([1-9][0-9]{5,14})", re.ASCII)
_SEPARATORS = re.compile(r"[ \-]")

# The calling codes of one and of two digits; every other one has three. Source: ITU-T E.164, list of assigned codes.
_ONE_DIGIT_CODES = frozenset("17")
# fmt: off
_TWO_DIGIT_CODES = frozenset((
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
    "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
))

# Frequent surnames of two characters; a rarer one keeps its first character only, which hides more, not less.
_TWO_CHARACTER_SURNAMES = frozenset((
    "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "独孤", "南宫", "夏侯", "皇甫", "尉迟", "公孙",
    "慕容", "令狐", "宇文", "长孙", "轩辕", "端木", "司空", "闻人", "澹台", "公冶", "淳于", "单于",
    "太史", "申屠", "钟离", "百里", "呼延", "万俟", "赫连", "濮阳", "东郭", "西门", "完颜", "拓跋",
))
# fmt: on

_MIN_HIDDEN_DIGITS = 4


def mask_name(name: str) -> str:
    """Keep the surname of a Chinese name, the first character of another: `陈*`, `欧阳*`, `A****`."""
    kept = 2 if len(name) > 2 and name[:2] in _TWO_CHARACTER_SURNAMES else 1
    if len(name) <= kept or not name[0].isalpha():
        return mask_all(name)
    return name[:kept] + mask_all(name[kept:])


def mask_phone(phone: str) -> str:
    """Keep the first three and last four digits of a mainland mobile; country code and last few of another number.

    `138****1569`, `+44******0958`. At least four digits are always hidden.
    """
    digits = _SEPARATORS.sub("", phone)
    mainland = _MAINLAND_MOBILE.fullmatch(digits)
    if mainland:
        prefix, number = mainland[1] or "", mainland[2]
        return f"{prefix}{number[:3]}****{number[-4:]}"
    foreign = _INTERNATIONAL.fullmatch(digits)
    if foreign:
        code, number = _split_country_code(foreign[1])
        kept = min(4, len(number) - _MIN_HIDDEN_DIGITS)
        if kept >= 2:
            return f"+{code}{mask_all(number[:-kept])}{number[-kept:]}"
    return mask_all(phone)


def _split_country_code(digits: str) -> tuple[str, str]:
    """Split the digits of an international number into calling code and national number."""
    if digits[0] in _ONE_DIGIT_CODES:
        length = 1
    elif digits[:2] in _TWO_DIGIT_CODES:
        length = 2
    else:
        length = 3
    return digits[:length], digits[length:]
