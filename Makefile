# Everything a user or a continuous-integration job calls. The first call of a target sets up .venv; later ones are quick.
#   make demo     pretrain, transfer and report on the built-in generator, offline
#   make test     the tests: the quick ones, then those that start a Ray cluster
#   make check    lint, format, types, tests
#   make test-slow    what takes minutes each: laboratories of machines, faults, servers; .ci/system-packages first
# Where the package index gives a CUDA build of torch that you don't want, TORCH_ARGS goes to pip for torch alone:
#   make demo TORCH_ARGS="--index-url ADDRESS_OF_CPU_WHEELS"

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH_ARGS ?=
# Processes of the quick tests. Those that start Ray run one after the other: each fills the machine.
PROCESSES ?= auto
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup demo test test-ray test-slow check format bench clean

setup: $(STAMP)

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xstilts needs Python 3.11 or newer: make PYTHON=...")'
	@echo "setting up $(VENV) (some minutes, once)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(TORCH_ARGS) $$(grep '^torch==' requirements.lock)
	$(PIP) install --quiet -r requirements.lock -r requirements-dev.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)
	$(BIN)/xstilts run sweeps/demo.yaml
	$(BIN)/xstilts report sweeps/demo.yaml

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(PROCESSES)
	$(BIN)/python -m pytest -q -m "ray and not slow and not gpu"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m "slow and not gpu and not hub"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	for file in tests/benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
