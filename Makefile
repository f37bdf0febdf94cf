# Two commands do all the set-up on a machine with Python 3.11+ (with venv) and make:
#   make run    the whole service on this computer, with demo data
#   make test   the whole test suite
# `make help` lists the rest.

# The gates, the lock and the OpenAPI comparison belong to 3.11; 3.12 and 3.13 run the service too.
# A distribution's 3.11 is built with all optimizations; one compiled by hand seldom is.
PYTHON ?= $(shell for python in /usr/bin/python3.11 python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import ensurepip, venv' 2>/dev/null && command -v $$python && break; done)
BIN := .venv/bin
STAMP := .venv/installed.stamp
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test check bench lock format openapi

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

install: $(STAMP) ## the virtual environment, from locks with hashes (first step of the others)

# Only a change of the locks or of the project's own metadata installs anything again.
$(STAMP): requirements/dev.txt requirements/base.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer with venv is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing into .venv, about a minute ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: $(STAMP) ## the service on this computer: database, migrations, demo data, all processes
	@PHR_ENV=$${PHR_ENV:-development} exec $(BIN)/python -m phr_api run

test: $(STAMP) ## the whole suite
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(STAMP) ## the static gates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m phr_api migrate --check
	$(BIN)/python -m phr_api openapi --check

bench: $(STAMP) ## the benchmarks; needs wrk
	@command -v wrk >/dev/null || { echo "make bench needs wrk (Debian: apt-get install wrk)"; exit 1; }
	$(BIN)/python -m benchmarks

format: $(STAMP) ## lay the code out as the gates want it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: $(STAMP) ## write openapi/phr-api.v1.json and openapi/problems.md anew
	$(BIN)/python -m phr_api openapi

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: ## turn requirements/*.in into locks with hashes (LOCK_ARGS=--upgrade for newer versions)
	@test -x $(BIN)/uv || $(MAKE) install
	$(UV_COMPILE) $(LOCK_ARGS) requirements/base.in -o requirements/base.txt
	$(UV_COMPILE) $(LOCK_ARGS) -c requirements/base.txt requirements/dev.in -o requirements/dev.txt
