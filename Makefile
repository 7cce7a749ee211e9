# `make demo` and `make test` are all the set-up there is; both make their own environment first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Idle OpenMP threads must sleep: spinning ones make a 0.1 s fit take seconds on a busy machine.
export OMP_WAIT_POLICY = passive

# Coverage cannot see into compiled code: these tests of kernels run once more with kernels as plain Python.
PLAIN  := tests/kernels/test_*.py tests/trading $(addprefix tests/book/test_,bars.py bybit.py replay.py samples.py)
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal --cov

.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(VENV)/core ## Bundled real trades in, verdict and report out
	$(BIN)/bateia run recipes/ailab.yaml

test: $(VENV)/test ## Every test, with coverage
	NUMBA_DISABLE_JIT=1 $(PYTEST) -m "not compiled" --cov-report= --cov-fail-under=0 $(PLAIN)
	$(PYTEST) --cov-append --cov-report=term

check: $(VENV)/check ## Lint, format, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench ## Ours beside the peers, as ratios
	$(BIN)/python -m benchmarks

clean: ## Remove the environment and every cache
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Bateia needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making $(VENV) (a minute or two, once)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: $(VENV)/python pyproject.toml
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/test $(VENV)/check $(VENV)/bench: $(VENV)/%: $(VENV)/python pyproject.toml
	@$(PIP) install -c constraints.txt -e '.[$*]'
	@touch $@

.PHONY: help demo test check bench clean
