# The two commands of a fresh machine are `make run` and `make test`; both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPARK := $(VENV)/.spark
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
CONFIG ?= configs/demo.yaml
WORKERS ?= 2
PAGES ?= outputs/demo/reports/2024-12/fr

.DEFAULT_GOAL := help
.PHONY: help setup spark run test lint types architecture pytest bench docs screenshots lock clean

help:  ## List what can be done
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP)  ## Make .venv from requirements.lock (hashes checked) and install the package into it

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "appetence needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) (a few minutes, once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

spark: $(SPARK)  ## Add Spark to .venv, for `appetence features --engine spark` (needs Java 17 or newer to run)

$(SPARK): requirements-spark.lock $(STAMP)
	@echo "installing Spark into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@touch $(SPARK)

run: $(STAMP)  ## The main job: book, checks, models, scores of the newest month, reports (CONFIG=configs/demo.yaml)
	@$(BIN)/appetence run --config $(CONFIG)

test: $(STAMP) lint types architecture pytest  ## Everything: ruff, mypy, import-linter, pytest with doctests and notebooks

lint: $(STAMP)  ## ruff: style and errors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy, strict
	$(BIN)/mypy

architecture: $(STAMP)  ## import-linter: imports go along the arrows of the design
	$(BIN)/lint-imports

pytest: $(STAMP)  ## All tests, two at a time (ARGS="-k name" for some, WORKERS=0 for one at a time)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

bench: $(STAMP)  ## A benchmark: make bench NAME=explain (ARGS="--scale 0.1")
	@test -n "$(NAME)" || { echo "name one: make bench NAME=explain"; ls benchmarks/*.py; exit 2; }
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)

docs: $(STAMP)  ## Write docs/book.md and docs/features.md from their declarations
	$(BIN)/appetence docs --out docs

screenshots: $(STAMP)  ## Take the pictures in docs/ anew from written reports (PAGES=outputs/demo/reports/2024-12/fr; Chromium)
	$(BIN)/python docs/screenshots.py $(PAGES) $(ARGS)

lock: $(STAMP)  ## Resolve requirements.lock anew, and what Spark adds to it (needs uv)
	$(LOCK) --group dev pyproject.toml -o requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' \
		| $(LOCK) -c requirements.lock - -o requirements-spark.lock

clean:  ## Remove caches and built files; data, models and scores stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
