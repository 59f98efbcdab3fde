# `make` lists the targets. Everything runs in .venv, made from requirements.lock.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
export UV_HTTP_TIMEOUT ?= 180
export DO_NOT_TRACK := 1

.PHONY: help install install-spark demo test test-fast check lock schema bench bench-alerts bench-faults bench-results bench-ui screenshots clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

install: .venv/.installed  ## make .venv from requirements.lock

.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

install-spark: .spark/.installed  ## pyspark for the tests of the Spark engine, apart from .venv (they need Java 17 too)

.spark/.installed: .venv/.installed requirements-spark.lock
	$(BIN)/uv pip install --python $(BIN)/python --target .spark --no-deps --require-hashes -r requirements-spark.lock
	@touch $@

LOCKED := --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header --quiet
PYSPARK = $(shell grep -o 'pyspark==[0-9.]*' pyproject.toml)

lock: .venv/.uv  ## renew requirements.lock and requirements-spark.lock (hashes, no host names, Python 3.11 to 3.13)
	$(BIN)/uv pip compile pyproject.toml --extra production --extra demo --extra dev $(LOCKED) -o requirements.lock
	echo $(PYSPARK) | $(BIN)/uv pip compile - $(LOCKED) -o requirements-spark.lock

.venv/.uv:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

demo: install  ## the main job on real flights, with Airflow's UI until Ctrl-C (ONCE=1: end by itself)
	$(BIN)/python -m nightproof.demo $(if $(ONCE),--once)

check: install  ## style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test-fast: install  ## the tests that need no server
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not integration"

test: install  ## every test
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not integration"
	$(BIN)/pytest -q -m integration
	@# Where pyspark is: in a process of its own, for others import whatever pyspark they find.
	$(if $(wildcard .spark),PYTHONPATH=$(CURDIR)/.spark $(BIN)/pytest -q tests/integration/test_spark.py)

schema: install  ## renew include/models/schema.json and include/fleet.schema.json
	$(BIN)/nightproof schema > include/models/schema.json
	$(BIN)/nightproof schema --fleet > include/fleet.schema.json

bench: install  ## speed and memory beside the peers, into docs/benchmarks.md (ONLY=profile,replay: some rows)
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

bench-faults: install  ## alerts on real flights, clean and with 20 faults put in, into docs/benchmarks.md
	$(BIN)/python -m benchmarks.faults $(if $(ONLY),--only '$(ONLY)')

bench-alerts: install  ## false pages and delays beside the peers, by simulation, into docs/benchmarks.md (SCALE=.1: a quick look)
	$(BIN)/python -m benchmarks.alerts $(if $(SCALE),--scale $(SCALE))
	@# The real flights have no scale: with one, only the simulations are looked at.
	$(if $(SCALE),,$(BIN)/python -m benchmarks.faults)

bench-results: install  ## publishing, crashes, verifying, tampering, rebuilding, reproducing, on a real S3 server, into docs/benchmarks.md
	$(BIN)/python -m benchmarks.results $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

bench-ui: install  ## the dashboard with 1,000 models x 365 nights on a real S3 server, into docs/benchmarks.md
	$(BIN)/python -m benchmarks.ui $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

screenshots: install  ## pictures of a running dashboard for the README (URL=http://127.0.0.1:8080)
	$(BIN)/python -m tests.browser.screenshots $(URL)

clean:  ## remove what the targets made
	rm -rf .venv .spark .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
