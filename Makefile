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
# What the page is made of; and whether this machine can make it: nothing, or what to install.
WEBUI := $(shell find webui -type f -not -path '*/node_modules/*' 2>/dev/null)
NO_NODE = $(shell scripts/check-node 2>&1)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test coverage build web lint format types contract docs soak bench annotate wheel clean

help: ## list these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(STAMPS)/build web-if-possible ## start the example target, run a locustfile against it for ten seconds, show the summary
	@$(BIN)/python examples/demo/run.py

test: lint types contract web-if-possible ## lint, types, floors and every test (TESTS="-k name tests/x" for some of them)
	@$(if $(NO_NODE),,cd webui && npm test --silent)
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(TESTS)

# A word of its own: on CPython 3.11 a test can hang while it is traced, see tests/conftest.py.
coverage: $(STAMPS)/build ## the tests once more, and which lines they miss
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term $(TESTS)

build: web-if-possible $(READY) ## compile the Cython modules in place (only=recorder,histogram for some of them), and the page
	@$(LOCK) env GREGARIA_ONLY="$(only)" $(BIN)/python setup.py -q build_ext --inplace -j2

web: ## build the page and the report from webui/ (needs Node.js 18 or newer)
	@$(if $(NO_NODE),$(error $(NO_NODE)))
	@$(MAKE) --no-print-directory $(STAMPS)/web

# Everything but the page works without Node.js, and on a machine that cannot reach the registry: not so in CI.
.PHONY: web-if-possible
web-if-possible:
	@$(if $(NO_NODE),echo "Left out: $(NO_NODE)",$(MAKE) --no-print-directory $(STAMPS)/web || \
		if [ "$$CI" ]; then exit 1; else echo "Left out: the page could not be built, see above (make web tries again)"; fi)

lint: $(READY) ## style and likely mistakes
	@$(BIN)/ruff check --quiet .
	@$(if $(NO_NODE),echo "Left out: $(NO_NODE)",$(MAKE) --no-print-directory $(STAMPS)/npm && \
		cd webui && npm run --silent lint)

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

soak: $(STAMPS)/build ## the long proofs: exact percentiles, nothing leaks (MINUTES=10), stopped runs counted on both sides (RUNS of each way, 100, with workers 25), nodes killed at random, an hour of the page, equal and unequal runs compared (PAIRS=100, SECONDS=30)
	@$(BIN)/python -m benchmarks.accuracy
	@$(BIN)/python -m benchmarks.churn --minutes $(or $(MINUTES),10)
	@$(BIN)/python -m benchmarks.soak $(if $(RUNS),--runs $(RUNS))
	@$(BIN)/python -m benchmarks.soak $(if $(RUNS),--runs $(RUNS)) --workers 4
	@$(BIN)/python -m tests.cluster.chaos --minutes $(or $(MINUTES),10)
	@$(BIN)/python -m benchmarks.page_hour
	@$(BIN)/python -m benchmarks.compare_soak --pairs $(or $(PAIRS),100) --seconds $(or $(SECONDS),30)

bench: $(STAMPS)/build ## measure beside Locust, wrk, hey and k6, 25 minutes; writes benchmarks/RESULTS.md (QUICK=1 for a look)
	@$(BIN)/python -m benchmarks.throughput $(if $(QUICK),--quick)
	@for part in costs steady memory timeline truth startup cluster_master cluster_nodes; do \
		$(BIN)/python -m benchmarks.$$part $(if $(QUICK),--quick) || exit 1; done

annotate: $(READY) ## Cython's yellow pages: src/gregaria/**/*.html
	@$(LOCK) env GREGARIA_ANNOTATE=1 $(BIN)/python setup.py -q build_ext --inplace --force -j2

wheel: $(READY) web-if-possible ## a wheel in dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove what was built, the virtual environment included
	@rm -rf $(VENV) $(STAMPS) build dist demo-output webui/node_modules src/gregaria/web/static benchmarks/.env benchmarks/.env.lock benchmarks/.work src/*.egg-info .*_cache .coverage*
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

# What the page is built with, as the lock file has it.
$(STAMPS)/npm: webui/package-lock.json
	@echo "Installing what the page is built with (webui/node_modules)"
	@cd webui && npm ci --silent --no-audit --no-fund
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/web: $(STAMPS)/npm $(WEBUI)
	@cd webui && npm run --silent build
	@touch $@

# What the words above need of the native modules: built, and no older than their sources.
$(STAMPS)/build: $(READY) setup.py $(NATIVE)
	@$(MAKE) --no-print-directory build
	@touch $@
