"""URLs of databases: read as libpq reads them, refused with what is wrong, and never printed with a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from sealauthz.facts.store.engine import parse, shown
from sealauthz.runtime.errors import ConfigRefused

SECRET = "geheim"

URLS = {
    "one host": ("postgresql://u:p@a:5433/d", {"host": "a", "port": 5433, "user": "u", "password": "p", "dbname": "d"}),
    "other scheme": ("postgres://a/d", {"host": "a", "dbname": "d"}),
    "driver": ("postgresql+psycopg://a/d", {"host": "a", "dbname": "d"}),
    "IPv6": ("postgresql://[::1]:5/d", {"host": "::1", "port": 5, "dbname": "d"}),
    "socket": ("postgresql://u@/d?host=/run/pg", {"host": "/run/pg", "user": "u", "dbname": "d"}),
    "several hosts": ("postgresql://a:1,b:2/d", {"host": "a,b", "port": "1,2", "dbname": "d"}),
    "default port first": ("postgresql://a,b:2/d", {"host": "a,b", "port": ",2", "dbname": "d"}),
    "default port last": ("postgresql://a:1,b/d", {"host": "a,b", "port": "1,", "dbname": "d"}),
    "several IPv6": ("postgresql://[::1]:1,[::2]:2/d", {"host": "::1,::2", "port": "1,2", "dbname": "d"}),
    "attributes": (
        "postgresql://a:1,b:2/d?target_session_attrs=read-write&load_balance_hosts=random",
        {"host": "a,b", "port": "1,2", "dbname": "d"}
        | {"target_session_attrs": "read-write", "load_balance_hosts": "random"},
    ),
    "password": ("postgresql://u:p%40%3Aw@a/d", {"host": "a", "user": "u", "password": "p@:w", "dbname": "d"}),
}

REFUSED = {
    "port with a letter": ("postgresql://a:543x/d", "a port must be a number"),
    "port too large": ("postgresql://a:65536/d", "a port must be a number"),
    "port of the second": ("postgresql://a:1,b:x/d", "a port must be a number"),
    "unknown attribute": ("postgresql://a/d?target_session_attrs=master", "`target_session_attrs` must be one of"),
    "mistyped parameter": ("postgresql://a/d?target_sesion_attrs=any", "meant to be `target_session_attrs`"),
    "unknown mode of TLS": ("postgresql://a/d?sslmode=on", "`sslmode` must be one of"),
    "hosts of SQLAlchemy": ("postgresql:///d?host=a:1&host=b:2", "write several hosts as"),
    "other database": ("mysql://a/d", "must start with `sqlite:` or `postgresql:`"),
    "other database with a port": ("mysql://a:x/d", "malformed"),
    "no text": ("postgresql://u:%ff@a/d", "malformed"),
    "no url": ("nothing", "malformed"),
    "memory": ("sqlite://", "must name a file"),
}


@pytest.mark.parametrize(("url", "connects"), URLS.values(), ids=URLS)
def test_a_url_connects_as_libpq_reads_it_and_so_does_what_is_written_of_it(url: str, connects: object) -> None:
    for parsed in (parse(url), parse(parse(url).render_as_string(hide_password=False))):
        assert PGDialect_psycopg().create_connect_args(parsed)[1] == connects


@pytest.mark.parametrize(("url", "says"), REFUSED.values(), ids=REFUSED)
def test_a_url_that_cannot_be_used_is_refused_with_what_is_wrong(url: str, says: str) -> None:
    with pytest.raises(ConfigRefused, match=says):
        parse(url)
    assert shown(url) == "***"


PIECES = (*"ab:@/?,=&%[]#1x .é", "%ff", "%00", "%40", "\x00", "\udcff", "host=", "port=", "sslmode=", "password=")


def refusal(url: str) -> str:
    try:
        parse(url)
    except ConfigRefused as error:
        return str(error)
    return ""


@given(
    st.sampled_from(["postgresql://", "postgres://", "sqlite:///", "mysql://", ""]),
    st.lists(st.sampled_from(PIECES)),
    st.lists(st.sampled_from(PIECES)),
)
def test_whatever_a_url_is_nothing_but_a_refusal_is_raised(scheme: str, before: list[str], after: list[str]) -> None:
    url = scheme + "".join(before + after)
    shown(url)
    assert "\n" not in refusal(url)


@given(st.text(st.sampled_from("ab?#&=,:%2"), max_size=6), st.sampled_from(["h", "h:1,i:2", "h:x", "h:1,i:x", "[::1"]))
def test_a_password_is_never_printed(around: str, hosts: str) -> None:
    for url in (
        f"postgresql://u:{around}{SECRET}{around}@{hosts}/d",
        f"postgresql://{hosts}/d?sslpassword={SECRET}{around}",
        f"postgresql://{hosts}/d?password={SECRET}{around}&target_sesion_attrs=any",
        f"mysql://u:{SECRET}@{hosts}/d",
    ):
        assert SECRET not in shown(url) + refusal(url)
