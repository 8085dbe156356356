# Two commands for a fresh machine: `make serve` and `make test`.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
CAPABILITY ?= capabilities/koyeb-instances.yaml

.PHONY: serve test check demo corpus conformance bench startup clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

serve: $(VENV)/.installed  ## serve the first capability: REST on 8080, MCP on 9090
	$(BIN)/naftiko serve $(CAPABILITY)

test: $(VENV)/.installed  ## all tests
	$(BIN)/python -m pytest

check: $(VENV)/.installed  ## what a change must pass: lint, format, types, tests, coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered
	$(MAKE) conformance

demo: $(VENV)/.installed  ## the first capability against a stand-in Koyeb, no account needed
	$(BIN)/python -m examples.demo

corpus: $(VENV)/.installed  ## every unit of every real capability file against an independent oracle
	$(BIN)/python -m pytest -m corpus -q

conformance: $(VENV)/.installed  ## the official MCP conformance suite and Inspector, which npm installs into a cache
	$(BIN)/python -m pytest -m conformance -q

bench: $(VENV)/.installed  ## speed, as ratios against baselines in the same run
	$(BIN)/python benchmarks/run.py

startup: $(VENV)/.installed  ## cold starts against the bare import of the core packages, and memory
	$(BIN)/python benchmarks/startup.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .coverage
