# Everything that is needed is made here, inside the checkout, from git, make, a C compiler and python3 with venv and pip.
#
#   make demo [DESTINATION=duckdb|mysql|postgres]   a real source into a real database, twice
#   make test [ARGS=...]                      all tests but the campaigns
#   make test-more [ARGS=...]                 those that need root and Debian's PostgreSQL, sshd, Chromium and librsvg
#   make test-mysql [ARGS=...]                the MySQL destination; needs Debian's mariadb-server, or TEST_MYSQL=/path/to/mysqld or docker
#   make crash [SEED=...] [ARGS=...]          kill -9 at every step, hundreds of times; needs root for a full disk
#   make search [SHARES=2] [ARGS=...]         the protocol on databases of every class, one share of it by a fresh seed; SHARES=1 is all of it
#   make simulate [MINUTES=2] [ARGS=...]      whole syncs under a seeded scheduler, in each class; each first seed is a fresh one, and is printed
#   make simulate-faults [ARGS=...]           the same with faults planted in the engine, each of which must be found; prints the seeds
#   make sanitize [EXAMPLES=1000] [ARGS=...]  the reader in C under gcc's sanitizers, over arbitrary and damaged input
#   make test-packages                        the wheel, installed where there is nothing else
#   make test-clients [ARGS="-m campaign"]    PyAirbyte and real sources; with a million records each
#   make lint                                 style, format, architecture
#   make types                                mypy, strict
#   make bench [ARGS=...]                     how fast
#   make diagrams                             draw the machines again
#   make docs                                 make the tables of the documentation again, and its transcripts
#   make lock [ARGS=--upgrade]                pin the dependencies again
#   make clean                                remove what was made

PYTHON ?= python3
export CC
DESTINATION ?= duckdb
WORKERS ?= 2
SEED := $(or $(SEED),$(shell date +%s))
EXAMPLES ?= 300
MINUTES ?= 2
CLASSES ?= A B C D
SHARES ?= 2
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
# What the installation makes files of.
NATIVE := $(wildcard dataflow/native/*.[ch] connectors/postgres/native/*.[ch]) dataflow/native/build.py connectors/launcher.py
PIP := $(RUN) -m pip --disable-pip-version-check --no-input -qq

.PHONY: help demo test test-mysql search simulate simulate-faults sanitize test-more test-packages test-clients crash lint types bench diagrams docs lock clean python

help:
	@sed -n 's/^#   //p' Makefile

demo: $(READY)
	$(RUN) -m tests.demo --destination $(DESTINATION) $(ARGS)

test: $(READY)
	@echo "The MySQL destination is left out, since it needs a server: make test-mysql"
	$(RUN) -m pytest -n $(WORKERS) $(ARGS)

# The connector's own tests too, on another version of the server than the wheel's.
test-more: $(READY)
	TEST_POSTGRES=debian $(RUN) -m pytest -n $(WORKERS) -m "not campaign" \
	  tests/more tests/connectors/test_postgres.py tests/connectors/postgres $(ARGS)

test-mysql: $(READY)
	$(RUN) -m pytest -n $(WORKERS) -m "mysql and not campaign" tests/connectors/test_mysql.py tests/connectors/mysql tests/whole tests/crash $(ARGS)

crash: $(READY)
	@echo "the random moments' seed: $(SEED)"
	CRASH_SEED=$(SEED) $(RUN) -m pytest -n $(WORKERS) -m "campaign or not campaign" tests/crash $(ARGS)

search: $(READY)
	@echo "the share's seed: $(SEED)"
	$(VENV)/bin/dataflow verify --class all --share $(SHARES) --seed $(SEED) --jobs $(WORKERS) $(ARGS)

simulate: $(READY)
	@each=$$(awk 'BEGIN { print $(MINUTES) / $(words $(CLASSES)) }'); for class in $(CLASSES); do \
	  $(VENV)/bin/dataflow simulate --class $$class --minutes $$each --jobs $(WORKERS) $(ARGS) || exit; done

simulate-faults: $(READY)
	$(RUN) -m pytest -n $(WORKERS) -m campaign -rP tests/connectors/simulation $(ARGS)

sanitize: $(READY)
	EXAMPLES=$(EXAMPLES) $(RUN) -m tests.sanitized $(ARGS)

test-packages: $(READY)
	$(RUN) -m pytest -m elsewhere tests/packages $(ARGS)

test-clients: $(READY)
	$(RUN) -m tests.clients
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile -m "elsewhere and not campaign" tests/clients $(ARGS)

lint: $(READY)
	$(RUN) -m ruff check .
	$(CC) -std=c11 -fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Werror dataflow/native/*.c connectors/postgres/native/*.c
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/hadolint Dockerfile

types: $(READY)
	$(RUN) -m mypy

bench: $(READY)
	$(RUN) -m tests.bench $(ARGS)

diagrams: $(READY)
	$(VENV)/bin/dataflow diagram --out diagrams

docs: $(READY)
	$(RUN) -m tests.docs
	GOLDEN=update $(RUN) -m pytest -q tests/docs/test_transcripts.py

# A virtual environment knows its own path, so one that was moved or copied here is made again.
ifneq ($(shell cat $(LOCKED) 2>/dev/null),$(CURDIR))
.PHONY: $(LOCKED)
endif

$(LOCKED): requirements.lock
	@$(MAKE) --no-print-directory python
	@echo "making $(VENV) from requirements.lock (once; about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --only-binary :all: --require-hashes -r requirements.lock
	@echo '$(CURDIR)' > $@

$(READY): $(LOCKED) pyproject.toml $(NATIVE)
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here, and Dataflow needs Python 3.11 or newer. Install one," \
	       "or name yours: make PYTHON=/path/to/python ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Dataflow needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Install a newer one, or name yours: make PYTHON=python3.12 ..." >&2; exit 1; }
	@command -v $(firstword $(CC)) >/dev/null || { \
	  echo "There is no $(firstword $(CC)) here, and Dataflow reads its input by a library in C. Install a compiler" \
	       "(Debian and Ubuntu: apt-get install gcc libc6-dev), or name yours: make CC=clang ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. Install its venv and pip" \
	       "(Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

# No address of a registry may get into a lock: an installation from it uses its own.
COMPILE := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
  --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header $(ARGS)

lock: $(READY)
	$(PIP) install uv
	$(COMPILE) pyproject.toml --extra all --group dev --output-file requirements.lock
	for name in $$($(RUN) -m tests.extras); do $(COMPILE) pyproject.toml --extra $$name \
	  --constraint requirements.lock --output-file requirements-$$name.lock || exit 1; done
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) --group demo --output-file requirements-demo.lock
	$(COMPILE) --group clients --output-file requirements-clients.lock
	$(COMPILE) --group peers --output-file requirements-peers.lock

clean:
	rm -rf .venv .venv-demo .venv-clients .venv-peers .bench .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
