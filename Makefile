# What one does with Hearthline. A machine with Python 3.11 (and its venv module) and make has all it needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
UV ?= $(or $(shell command -v uv),.hearthline/tools/bin/uv)
PACKAGES := $(wildcard app eldercare telemedicine community notifications tests benchmarks)
BIN := .venv/bin
# Compiled once and kept, whatever the machine's habit is: to compile all modules is a third of a process's start.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.hearthline/bytecode
ifdef ON # whatever starts the embedded PostgreSQL starts this one
export HEARTHLINE_EMBEDDED_PROGRAMS := /usr/lib/postgresql/$(ON)/bin
endif
READY := .venv/.installed

.PHONY: help run test check migrations format bench lock

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## start everything with a demo community: database, API and worker
	$(BIN)/python -m app.cli run

test: $(READY) ## run all tests (ARGS="-k alarms" for some of them; ON=15 on Debian's PostgreSQL 15)
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: $(READY) ## format, lint, types, import contracts, migrations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy --num-workers 2 $(PACKAGES)
	$(BIN)/lint-imports --no-logo
	$(MAKE) --no-print-directory migrations

migrations: $(READY) ## up, down, up again, and no drift from the models (ON=15 as with test)
	$(BIN)/python -W error -m app.migrations.check

format: $(READY) ## format the code and mend what can be mended safely
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## measure: ours, the limit's and the peer's figures (ARGS="storm" for one of them)
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(UV) ## pin the dependencies anew after a change in pyproject.toml
	$(UV) pip compile pyproject.toml --group dev --generate-hashes --python-version 3.11 --no-header --quiet \
		--output-file requirements.lock

# Linking into uv's cache would be faster but warns when the cache is on another file system.
$(READY): requirements.lock $(BIN)/python | $(UV)
	$(UV) pip sync --quiet --python $(BIN)/python --link-mode copy --require-hashes requirements.lock
	@touch $@

$(BIN)/python: | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv

.hearthline/tools/bin/uv:
	$(PYTHON) -m venv .hearthline/tools
	.hearthline/tools/bin/python -m pip install --quiet --disable-pip-version-check uv
