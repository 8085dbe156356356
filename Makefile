# Two commands for a fresh machine: `make serve` and `make test`.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Twice as many test processes as the smallest machine has cores: many tests wait for servers to start and to stop.
WORKERS ?= 4
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
CAPABILITY ?= capabilities/koyeb-instances.yaml

CASES ?= 10000

.PHONY: hostile serve test check long lowest demo corpus conformance bench bench-check startup attack reloads rolling lock sbom audit clean

# Exactly what requirements/dev.txt names, each file by its hash, none built here.
$(VENV)/.installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

serve: $(VENV)/.installed  ## serve the first capability: REST on 8080, MCP on 9090
	$(BIN)/naftiko serve $(CAPABILITY)

test: $(VENV)/.installed  ## all tests
	$(PYTEST)

check: $(VENV)/.installed  ## what a change must pass: lint, format, types, all tests with coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -m "not long" --cov --cov-report=term:skip-covered

long: $(VENV)/.installed  ## the tests that `make check` leaves out, since they take long
	$(PYTEST) -m long

# The lower bounds of pyproject.toml are true: each command says what it does, and calls come through over sockets.
# Where each library is touched: the command line, documents, calls, both adapters, formats. `make lowest LOWEST=tests` runs all.
LOWEST := tests/cli tests/test_insides.py tests/serve/test_first_capability.py tests/serve/test_kinds.py \
	tests/engine/test_transport.py tests/engine/test_transport_proxies.py tests/engine/test_formats_markdown.py \
	tests/engine/test_formats_protobuf.py tests/engine/test_formats_avro.py tests/engine/test_formats_html.py \
	tests/expose/test_rest_upstream.py tests/expose/test_mcp_revisions.py tests/expose/test_mcp_shortcut.py \
	tests/expose/test_authentication_oauth2.py tests/plan/test_jsonpath.py tests/serve/test_shared_lane.py
COMMANDS := serve validate inspect call install explain trust health

lowest:  ## the lowest versions that pyproject.toml allows: every command's help, and the tests of commands, REST, MCP and calls
	$(PYTHON) -m venv --clear $(VENV)/lowest
	$(VENV)/lowest/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/lowest.txt
	$(VENV)/lowest/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	$(VENV)/lowest/bin/naftiko --help > $(VENV)/lowest/help
	for command in $(COMMANDS); do $(VENV)/lowest/bin/naftiko $$command --help > $(VENV)/lowest/help || exit 1; done
	$(VENV)/lowest/bin/python -m pytest -n $(WORKERS) --dist worksteal -q $(LOWEST)

demo: $(VENV)/.installed  ## the first capability against a stand-in Koyeb, no account needed
	$(BIN)/python -m examples.demo

corpus: $(VENV)/.installed  ## every unit of every real capability file against an independent oracle
	$(PYTEST) -m corpus -q

conformance: $(VENV)/.installed  ## the official MCP conformance suite and Inspector, which npm installs into a cache
	$(BIN)/python -m pytest -m conformance -q

BENCH := $(VENV)/bench
RESULTS := benchmarks/results

# What the benchmarks need beside naftiko (FastMCP, memray) is in an environment of its own: it must not be imported.
$(BENCH)/.installed: pyproject.toml requirements/image.txt benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/dev.txt
	$(BENCH)/bin/pip install --quiet --requirement benchmarks/requirements.txt
	$(BENCH)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# A start is measured with what the image has and nothing else: some libraries import more where more is installed.
$(BENCH)/image/.installed: pyproject.toml requirements/image.txt
	$(PYTHON) -m venv $(BENCH)/image
	$(BENCH)/image/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/image.txt
	$(BENCH)/image/bin/pip install --quiet --require-hashes --only-binary=:all: --requirement requirements/build.txt
	$(BENCH)/image/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

bench: $(BENCH)/.installed $(BENCH)/image/.installed  ## all figures of docs/performance.md, about 40 minutes: ratios against baselines of the same run
	mkdir -p $(RESULTS)
	$(BENCH)/bin/python benchmarks/run.py
	$(BENCH)/bin/python benchmarks/allocations.py --json $(RESULTS)/allocations.json
	$(BENCH)/image/bin/python benchmarks/startup.py --json $(RESULTS)/startup.json
	$(BENCH)/image/bin/python benchmarks/loading.py --json $(RESULTS)/loading.json
	$(BENCH)/bin/python benchmarks/page.py $(RESULTS)

bench-check: $(BENCH)/.installed  ## the gate: no ratio against the baselines of the same run is worse than its tolerance
	$(BENCH)/bin/python benchmarks/check.py

hostile: $(VENV)/.installed  ## CASES=10000 hostile inputs up to 10 MB: no stop of the loop over 100 ms, no memory over ten times their size
	$(BIN)/python benchmarks/hostile.py --cases $(CASES)

startup: $(BENCH)/image/.installed  ## cold starts against the bare import of the core packages, and memory
	$(BENCH)/image/bin/python benchmarks/startup.py

attack: $(VENV)/.installed  ## ten minutes of good callers beside faults and attackers: what is lost, mixed up, leaked or held
	$(BIN)/python benchmarks/siege.py --minutes 10

reloads: $(VENV)/.installed  ## 200 edits in 60 s under 200 connections, told in each way, with one worker and with two: 10 minutes
	$(BIN)/python benchmarks/reloads.py

rolling: $(VENV)/.installed  ## processes that stop, drain and restart behind nginx under load: no call is lost (needs nginx)
	$(BIN)/python benchmarks/rolling.py

LOCK := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package naftiko \
	--custom-compile-command 'make lock'

lock:  ## resolve all dependencies anew, for development, for the image and for `make lowest` (needs uv)
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra formats --extra otel --extra reload --extra scripts --extra shared --extra websockets --output-file requirements/image.txt
	$(LOCK) --extra dev --resolution lowest-direct --no-strip-extras --upgrade --only-binary :all: --output-file requirements/lowest.txt
	echo 'hatchling>=1.27' | uv pip compile - --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' --output-file requirements/build.txt

sbom: $(VENV)/.installed  ## what is in the image, as CycloneDX: dist/sbom.cdx.json
	mkdir -p dist
	$(PYTHON) -m venv $(VENV)/sbom && $(VENV)/sbom/bin/pip install --quiet 'cyclonedx-bom>=7'
	$(VENV)/sbom/bin/cyclonedx-py requirements requirements/image.txt --pyproject pyproject.toml --output-file dist/sbom.cdx.json

audit: $(VENV)/.installed  ## known vulnerabilities of what is locked (asks a database on the network)
	$(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/pip install --quiet 'pip-audit>=2.9'
	$(VENV)/audit/bin/pip-audit --require-hashes --disable-pip --requirement requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .coverage
