"""Which trace a call is part of: the examples of W3C Trace Context, and what nobody should send."""

from __future__ import annotations

import pytest

from sealauthz.observability.tracing.parents import Parent, parent_in

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def named(header: str | bytes, *more: tuple[str, str | bytes]) -> Parent | None:
    return parent_in([("user-agent", "x"), ("traceparent", header), *more])


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),  # another flag, which says that the id is random
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-holds", True),
    ],
)
def test_a_parent_is_read(header: str, is_sampled: bool) -> None:
    assert named(header) == Parent(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{'１' * 32}-{SPAN}-01",  # digits, but none of ASCII
        f"00-{TRACE}-{SPAN}-01".encode(),
    ],
)
def test_what_is_not_valid_names_no_parent(header: str | bytes) -> None:
    assert named(header) is None


def test_two_parents_are_none() -> None:
    assert named(f"00-{TRACE}-{SPAN}-01", ("traceparent", f"00-{TRACE}-{SPAN}-01")) is None


def test_the_state_is_carried_unless_it_is_too_long() -> None:
    header = f"00-{TRACE}-{SPAN}-01"
    found = named(header, ("tracestate", "a=1"), ("tracestate", "b=2"), ("tracestate", b"c=3"))
    assert found is not None
    assert found.state == "a=1,b=2"
    found = named(header, ("tracestate", f"a={'1' * 600}"))
    assert found is not None
    assert found.state == ""


def test_nothing_is_found_in_nothing() -> None:
    assert parent_in(None) is None
    assert parent_in(()) is None
    assert parent_in([("tracestate", "a=1")]) is None
