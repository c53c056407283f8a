# Every target makes what it needs: the virtual environment comes with the first call.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FLAGS  := -q --disable-pip-version-check --no-input

.PHONY: run test style types contracts docs benchmark lock clean
.DEFAULT_GOAL := run

run: $(VENV)/.run  ## serve the demo household: Modbus on 1502
	@exec $(BIN)/metergate up --config demo/metergate.toml

test: $(VENV)/.dev  ## style, types, contracts, then every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(ARGS)

style: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## pages that are generated from the code
	$(BIN)/python -m docs.generate

benchmark: $(VENV)/.dev
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev  ## renew the locks; needs uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml -o requirements/run.txt --extra build
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml -o requirements/dev.txt --extra build --extra dev
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  requirements/sslyze.in -o requirements/sslyze.txt

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

clean:
	rm -rf $(VENV) .venv-sslyze .mypy_cache .pytest_cache .ruff_cache .hypothesis
