#!/bin/sh
# Brings what tests run and no Python package holds, where it is missing and Debian's packages can be installed. Neither is
# served: the tests start what they need. Elsewhere it says what is missing, and the tests that need it fail by its name.
set -eu
PATH="$PATH:/usr/sbin"
missing=
command -v pgbouncer >/dev/null || missing="$missing pgbouncer"
command -v promtool >/dev/null || missing="$missing prometheus"
[ -n "$missing" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
  $as_root apt-get update --quiet
  # shellcheck disable=SC2086 (names of packages)
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $missing
else
  echo "not installed, and some tests need it:$missing (names of Debian's packages)" >&2
fi
