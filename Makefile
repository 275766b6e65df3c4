# The words of the trade. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
BUILD_REQUIRES := 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
STAMPS := .stamps
# A new set-up is due when what pyproject.toml says of the project (not of the tools) has changed.
READY := $(STAMPS)/venv-$(shell sed '/^\[tool/,$$d' pyproject.toml | cksum | cut -d ' ' -f 1)
# Asked only when there is something to set up; one line that says what to install, or nothing.
MISSING = $(shell scripts/check-prerequisites $(PYTHON) 2>&1)
LOCK := $(if $(shell command -v flock),flock .build.lock,)
NATIVE := $(wildcard src/gregaria/*/*.pyx src/gregaria/*/*.pxd src/gregaria/*/*.h)
NATIVE_MODULES := $(subst /,.,$(patsubst src/%.pyx,%,$(wildcard src/gregaria/*/*.pyx)))
TESTS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test coverage build lint format types contract docs soak bench annotate wheel clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(STAMPS)/build ## start the example target, run a locustfile against it for ten seconds, show the summary
	@$(BIN)/python examples/demo/run.py

test: lint types contract ## lint, types, floors and every test (TESTS="-k name tests/x" for some of them)
	@$(BIN)/python -m pytest -n 2 $(TESTS)

# A word of its own: on CPython 3.11 a test can hang while it is traced, see tests/conftest.py.
coverage: $(STAMPS)/build ## the tests once more, and which lines they miss
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term $(TESTS)

build: $(READY) ## compile the Cython modules in place (only=recorder,histogram for some of them)
	@$(LOCK) env GREGARIA_ONLY="$(only)" $(BIN)/python setup.py -q build_ext --inplace -j2

lint: $(READY) ## style and likely mistakes
	@$(BIN)/ruff check --quiet .

format: $(READY) ## put imports and layout in order
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

types: $(STAMPS)/build ## the type checker, strict, on src/; and the native modules against their stubs
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python -m mypy.stubtest --concise --ignore-missing-stub --ignore-disjoint-bases \
		--allowlist scripts/stubtest-allowlist --ignore-unused-allowlist $(NATIVE_MODULES)

contract: $(READY) ## who may import whom
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

docs: $(STAMPS)/build ## what must have a heading in docs/ has one, and every name in there exists
	@$(BIN)/python -m pytest -q tests/house

soak: $(STAMPS)/build ## the long proofs: exact percentiles, nothing leaks (MINUTES=10), stopped runs counted on both sides (RUNS of each way, 100, with workers 25), nodes killed at random
	@$(BIN)/python -m benchmarks.accuracy
	@$(BIN)/python -m benchmarks.churn --minutes $(or $(MINUTES),10)
	@$(BIN)/python -m benchmarks.soak $(if $(RUNS),--runs $(RUNS))
	@$(BIN)/python -m benchmarks.soak $(if $(RUNS),--runs $(RUNS)) --workers 4
	@$(BIN)/python -m tests.cluster.chaos --minutes $(or $(MINUTES),10)

bench: $(STAMPS)/build ## measure beside Locust, wrk, hey and k6, 25 minutes; writes benchmarks/RESULTS.md (QUICK=1 for a look)
	@$(BIN)/python -m benchmarks.throughput $(if $(QUICK),--quick)
	@for part in costs steady memory truth startup cluster_master cluster_nodes; do \
		$(BIN)/python -m benchmarks.$$part $(if $(QUICK),--quick) || exit 1; done

annotate: $(READY) ## Cython's yellow pages: src/gregaria/**/*.html
	@$(LOCK) env GREGARIA_ANNOTATE=1 $(BIN)/python setup.py -q build_ext --inplace --force -j2

wheel: $(READY) ## a wheel in dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built, the virtual environment included
	@rm -rf $(VENV) $(STAMPS) build dist demo-output benchmarks/.env benchmarks/.env.lock benchmarks/.work src/*.egg-info .*_cache .coverage*
	@find src -name '*.so' -delete -o -name '*.pyd' -delete -o -name '*.html' -delete
	@find src/gregaria -name '*.pyx' | sed 's/pyx$$/c/' | xargs rm -f

# Set up once, and again when the dependencies change.
$(READY):
	@$(if $(MISSING),$(error $(MISSING)))
	@echo "Setting up $(VENV) (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c $(BUILD_REQUIRES) | $(PIP) -r /dev/stdin
	@$(PIP) --no-build-isolation --editable ".[dev]"
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/venv-* && touch $@

# What the words above need of the native modules: built, and no older than their sources.
$(STAMPS)/build: $(READY) setup.py $(NATIVE)
	@$(MAKE) --no-print-directory build
	@touch $@
