# Everything that is needed is made here, inside the checkout, from git, make and python3 with venv and pip.
#
#   make demo [DESTINATION=duckdb|postgres]   a real source into a real database, twice
#   make test [ARGS=...]                      all tests but the campaigns
#   make lint                                 style, format, architecture
#   make types                                mypy, strict
#   make bench [ARGS=...]                     how fast
#   make diagrams                             draw the machines anew
#   make lock [ARGS=--upgrade]                pin the dependencies anew
#   make clean                                remove what was made

PYTHON ?= python3
DESTINATION ?= duckdb
WORKERS ?= 2
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PIP := $(RUN) -m pip --disable-pip-version-check --no-input -qq

.PHONY: help demo test lint types bench diagrams lock clean python

help:
	@sed -n 's/^#   //p' Makefile

demo: $(READY)
	$(RUN) -m tests.demo --destination $(DESTINATION) $(ARGS)

test: $(READY)
	$(RUN) -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports

types: $(READY)
	$(RUN) -m mypy

bench: $(READY)
	$(RUN) -m tests.bench $(ARGS)

diagrams: $(READY)
	$(VENV)/bin/dataflow diagram --out diagrams

# A virtual environment knows its own path, so one that was moved or copied here is made anew.
ifneq ($(shell cat $(LOCKED) 2>/dev/null),$(CURDIR))
.PHONY: $(LOCKED)
endif

$(LOCKED): requirements.lock
	@$(MAKE) --no-print-directory python
	@echo "making $(VENV) from requirements.lock (once; about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --only-binary :all: --require-hashes -r requirements.lock
	@echo '$(CURDIR)' > $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here, and Dataflow needs Python 3.11 or newer. Install one," \
	       "or name yours: make PYTHON=/path/to/python ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Dataflow needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Install a newer one, or name yours: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. Install its venv and pip" \
	       "(Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

# No address of a registry may get into a lock: whoever installs from it brings an own.
COMPILE := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
  --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header $(ARGS)

lock: $(READY)
	$(PIP) install uv
	$(COMPILE) pyproject.toml --group dev --output-file requirements.lock
	$(COMPILE) --group demo --output-file requirements-demo.lock

clean:
	rm -rf .venv .venv-demo .bench .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
