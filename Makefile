# The development environment is made once and again whenever the pins change; every target below brings it along.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo proof chaos test lint bench docs clean

help:
	@echo "make demo    rotate a real PostgreSQL password while a client keeps logging in"
	@echo "make proof   a hundred rotations of each strategy under live logins; writes docs/proof.md"
	@echo "make chaos   three daemons for a minute, killed, frozen and cut off, while their store crashes"
	@echo "make test    run every test, on real servers"
	@echo "make lint    ruff, mypy --strict, import-linter"
	@echo "make bench   rotations, the store and its lists, as ratios against a floor in the same run"
	@echo "make docs    write docs/cli.md from the command itself, docs/tampering.md from its test"
	@echo "make clean   remove the environment, caches and builds"

demo: $(READY)
	@$(BIN)/rotate demo

proof: $(READY)
	$(BIN)/python -m tests.proof

chaos: $(READY)
	$(BIN)/python -m tests.chaos

test: $(READY)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/typer rotator.cli.app utils docs --name rotate --output docs/cli.md
	$(BIN)/python -m tests.faults.store.verdicts
	$(BIN)/python -m tests.integration.api.compatibility.states

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find rotator rotators tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv),"; \
	  echo "or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "'$(PYTHON)' is $$($(PYTHON) --version 2>&1); rotator needs Python 3.11 or newer."; \
	  echo "Name a newer one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' can't make a virtual environment: its venv module is missing."; \
	  echo "On Debian and Ubuntu it is the package python3-venv: apt-get install python3-venv"; exit 1; } >&2
	@echo "Making the environment in $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q rotator rotators
	@touch $(READY)
