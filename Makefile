# Every target but help makes .venv first (tools/setup.py), which costs nothing when nothing changed.

# The tests start hundreds of processes, which read compiled modules where there are any.
unexport PYTHONDONTWRITEBYTECODE

# A quarter of the time of the tests is waiting for servers and databases: one more process than cores uses that.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

PYTHON ?= python3
BIN := .venv/bin
# For example: make test PYTEST_ARGS="-k retrieval -n 0"
PYTEST_ARGS ?=
BENCH_ARGS ?=
EQUALITY_ARGS ?=
MUTATE_ARGS ?=
ATTACK_ARGS ?=
FUZZ_ARGS ?=
SOAK_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup protections lock proto format check static lint types generated policies quick test coverage reference run demo \
  bench bench-memory bench-served equality mutate attack fuzz soak thorough audit sbom wheel released

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: ## make .venv from requirements.lock (SEALAUTHZ_PYTHON names an interpreter)
	@$(PYTHON) tools/setup.py

# The client is built from this repository, as the server is.
OURS := --no-emit-package sealauthz-client
DELIVERED := $(OURS) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --custom-compile-command 'make lock' --quiet

lock: setup ## resolve pyproject.toml into requirements.lock (LOCK_ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile pyproject.toml --group dev --extra http --extra traces --extra timestamps $(OURS) --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet \
	  --output-file requirements.lock $(LOCK_ARGS)
	$(BIN)/uv pip compile pyproject.toml --extra http --extra traces --extra timestamps --constraint requirements.lock $(DELIVERED) --output-file deploy/runtime.lock
	echo hatchling | $(BIN)/uv pip compile - --constraint requirements.lock $(DELIVERED) --output-file deploy/build.lock

proto: setup ## regenerate src/sealauthz_client/v1 and the OpenAPI description from protos/
	$(BIN)/python tools/protos.py
	$(BIN)/python tools/openapi.py

# Where policies lie that are laid out in one style.
LAID_OUT := policies docs/examples tests/tiny/policies

format: setup ## format the code and the policies
	$(BIN)/ruff check --quiet --fix --exit-zero .
	$(BIN)/ruff format .
	$(BIN)/sealauthz policy fmt $(LAID_OUT)

# The protos of the last release, which later ones must not break (docs/compatibility.md).
RELEASED := protos/released.binpb.gz

released: setup ## keep the protos as they are now as those of a release, which later ones must not break
	$(BIN)/buf build --exclude-source-info -o $(RELEASED)

sbom: setup ## write the bill of materials of what is delivered, dist/sealauthz.cdx.json (CycloneDX)
	$(BIN)/python tools/materials.py bill dist/sealauthz.cdx.json

audit: setup ## check licences, and look what is delivered up in the database of known vulnerabilities, where it can be reached
	$(BIN)/python tools/materials.py audit

# The time of the commit in every file of a wheel: who builds it again gets the same bytes.
wheel: setup ## build both wheels into dist/, the same bytes each time
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build --target wheel --directory dist
	cd client && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) ../$(BIN)/python -m hatchling build --target wheel --directory ../dist

check: static policies ## lint, types, protos, generated files, the policy tests and what they reach

static: lint types generated ## what is checked without a test: lint, types, protos, policies, generated files (-j2: at once)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sealauthz policy fmt --check $(LAID_OUT)
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(RELEASED)
	$(BIN)/python tools/materials.py licences

types: setup
	$(BIN)/mypy

generated: setup
	$(BIN)/python tools/protos.py --check
	$(BIN)/python tools/openapi.py --check
	$(BIN)/sealauthz policy check --strict
	$(BIN)/python tools/rules_doc.py --check
	$(BIN)/python tools/reasons_doc.py --check
	$(BIN)/python tools/errors_doc.py --check
	$(BIN)/python tools/lives_doc.py --check

# The share of the conditions of the policies that their tests must reach.
REACHED := 92

policies: setup ## run the policy tests, and show which rules and conditions they reach
	$(BIN)/sealauthz policy test policies -n auto --coverage table --fail-under $(REACHED)

# In forks of the process that collects (tests/forking.py). Where pytest-xdist starts processes (not on Linux, or not for tests/)
# who is done takes over what others have not begun.
SPREAD := -n auto --dist worksteal
RUN_TESTS := $(BIN)/pytest $(SPREAD)

quick: setup ## the tests for while you work: compiled policies, SQLite, few random tries (two minutes on two cores)
	TEST_EFFORT=quick $(RUN_TESTS) -m "not slow" --policy-engine compiled $(PYTEST_ARGS)

test: setup ## run all tests, on SQLite and PostgreSQL, and one in four hundred policy tests on oso too
	tools/real_tools.sh
	$(RUN_TESTS) $(PYTEST_ARGS)

coverage: setup ## run all tests, and show which lines they reach, and what the policy tests reach of the policies
	tools/real_tools.sh
	$(BIN)/python -m slipcover -m pytest $(SPREAD) --policy-coverage table --policy-coverage-of policies \
	  --policy-fail-under $(REACHED) $(PYTEST_ARGS)

thorough: setup ## run the tests that try things at random with ten times as many tries (hours)
	TEST_EFFORT=thorough $(RUN_TESTS) --timeout 7200 tests/decision tests/model/effects tests/policytest tests/accessdiff tests/attack \
	  tests/polar \
	  $(PYTEST_ARGS)

reference: setup ## run all policy tests on oso, of which make test runs one in four hundred (some three minutes)
	$(RUN_TESTS) --policy-engine oso policies/tests docs/examples $(PYTEST_ARGS)

run: setup ## serve the demo facts on this machine
	$(BIN)/sealauthz serve --demo --http 127.0.0.1:8080

demo: setup ## walk through the founding story against a real service
	$(BIN)/sealauthz demo

bench: bench-memory bench-served ## measure engine, lists, facts, service and acts, each against something (BENCH_ARGS=--quick for a short run)

# What is measured within a process.
bench-memory: setup
	$(BIN)/python benchmarks/engine.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/lists.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/facts.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/large.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/importing.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/attack.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/beside.py $(BENCH_ARGS)

# What is measured from outside of a service, or of its log.
bench-served: setup
	$(BIN)/python benchmarks/serving.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/heavy.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/performing.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/audit.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/monitoring.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/tracing.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/capacity.py $(BENCH_ARGS)

equality: setup ## compare the compiled engine with oso on 100,000 random programs (some 20 minutes)
	$(BIN)/python tools/equality.py $(EQUALITY_ARGS)

mutate: setup ## make every small mistake in the policies, and see that their tests notice (MUTATE_ARGS="--file …": in one)
	$(BIN)/sealauthz policy mutate policies --fail-under 95 $(MUTATE_ARGS)

protections: setup ## take each listed protection out of the policies, and see that its test notices (some five minutes)
	$(BIN)/python tools/protections.py

attack: setup ## search for acts by which people reach what must never happen (ATTACK_ARGS="--depth 3": further)
	$(BIN)/sealauthz policy attack policies $(ATTACK_ARGS)

fuzz: setup ## send 1,000,000 inputs that nobody should send: RPCs, HTTP/2 frames, headers, policy texts (some ten minutes)
	$(BIN)/python tools/fuzz.py $(FUZZ_ARGS)

soak: setup ## kill, rewrite, restore and flood a service for an hour, and check every answer (SOAK_ARGS="--seconds 60")
	$(BIN)/python -W ignore tools/soak.py $(SOAK_ARGS)
