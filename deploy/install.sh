#!/bin/sh
# Installs SealAuthz and what it needs into a folder of its own, each package pinned by its hash:
#
#   deploy/install.sh /opt/sealauthz [PYTHON]
#
# Run it from the top of the checkout, with a CPython of 3.11 to 3.13. The container image and a plain host use the same.
set -eu
to=$1
python=${2:-python3}
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
  echo "error: $("$python" --version) is not supported: name a CPython of 3.11, 3.12 or 3.13" >&2
  exit 2
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_QUIET=1

# The wheels, of the client and the server, are built apart, so that what builds them is not in what runs.
"$python" -m venv "$scratch/build"
"$scratch/build/bin/python" -m pip install --require-hashes --only-binary :all: -r deploy/build.lock
"$scratch/build/bin/python" -m pip wheel --no-deps --no-build-isolation --wheel-dir "$scratch" ./client .

"$python" -m venv "$to"
"$to/bin/python" -m pip install --require-hashes --only-binary :all: -r deploy/runtime.lock
"$to/bin/python" -m pip install --no-deps "$scratch"/sealauthz*.whl
"$to/bin/python" -m pip check
# Nothing is installed into it later.
"$to/bin/python" -m pip uninstall --yes pip
"$to/bin/sealauthz" --version
