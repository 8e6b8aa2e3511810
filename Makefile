# `make demo` and `make test` need Python 3.11 or newer, make and git. pip brings the rest into .venv, which they share:
# both install walletport editable, `make test` with the tools beside it, so neither undoes the other's work.

VENV := .venv
WORKERS ?= 2
# The first that runs and is new enough: a python3.11 on the path may be a version manager's empty promise.
PYTHON ?= $(shell for python in python3.11 python3; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --editable

.PHONY: help demo test lint format bench long clean
.NOTPARALLEL:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## Provision one user at all three providers, against emulators on this machine
	@$(BIN)/walletport demo

test: lint ## Run every check: lint, types, import rules, tests
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

lint: $(VENV)/.installed-dev ## Run the checks that run no code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.installed-dev ## Mend what can be mended without thought
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Measure
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.bulk

long: $(VENV)/.installed-dev ## Run the tests that take minutes too
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --long --hypothesis-profile=long --timeout=1800

clean: ## Remove everything that make, the build and the tools have made
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src providers tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.installed: pyproject.toml
	@$(call venv)
	$(INSTALL) .
	@touch $@

# The development install holds the other one.
$(VENV)/.installed-dev: pyproject.toml
	@$(call venv)
	$(INSTALL) '.[dev]'
	@touch $(VENV)/.installed $@

# Makes the environment unless it is there and has pip; anew if the Python it was made with is gone.
define venv
$(BIN)/python -c 'import pip' 2>/dev/null && exit 0; \
test -n "$(PYTHON)" || { echo "walletport needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }; \
echo "Making $(VENV) with $(PYTHON), once; this takes a moment"; \
clear=; test ! -f $(VENV)/pyvenv.cfg || $(BIN)/python -c '' 2>/dev/null || clear=--clear; \
"$(PYTHON)" -m venv $$clear $(VENV)
endef
