# Every target does its own set-up. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UPGRADE ?= --upgrade

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint type imports unit generate verify chart image bench soak promises lock cluster-up cluster-down clean

help: ## List every target with a sentence.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml
	@bash dev/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

setup: $(READY) ## Make the virtual environment with every pinned package.

demo: $(READY) ## Start a cluster, install the chart, replay bursty traffic and show what happens (about five minutes; the first time builds the cluster: about 15 more).
	@$(BIN)/python -m dev.demo $(ARGS)

test: $(READY) ## Everything: the quick gate, then the tests on a real control plane.
	@$(MAKE) --no-print-directory lint type imports verify
	@$(BIN)/python -m dev.controlplane.build >/dev/null
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(READY) ## The quick gate, under two minutes: lint, types, layers, generated files, unit and property tests.
	@$(MAKE) --no-print-directory lint type imports verify unit

lint: $(READY) ## Style and formatting.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(READY) ## Types, strictly.
	@$(BIN)/mypy

imports: $(READY) ## The layers of ARCHITECTURE.md.
	@$(BIN)/lint-imports --no-logo

unit: $(READY) ## Tests that need no cluster.
	@$(BIN)/python -m pytest -q -n 2 -m "not cluster" tests/unit tests/property tests/docs

generate: $(READY) ## Write the generated files anew: CRDs, their copy in the chart, reference pages.
	@$(BIN)/python -m dev.generate

verify: $(READY) ## Fail if a generated file is not current.
	@$(BIN)/python -m dev.generate --check

chart: $(READY) ## Lint the chart and render it with the test values.
	@$(BIN)/python -m pytest -q tests/chart

image: ## Build the operator's image with docker, or with the command in BUILD.
	$${BUILD:-docker build} -t elastic-serving/operator:dev .

bench: $(READY) ## Measure what docs/benchmarks.md claims.
	@$(BIN)/python -m benchmarks.decide
	@$(BIN)/python -m benchmarks.reaction

soak: $(READY) ## The long runs; put their last result into docs/benchmarks.md.
	@$(BIN)/python -m benchmarks.soak

promises: $(READY) ## What the last test run proved, one line for each promise.
	@$(BIN)/python -m tests.support.promises

cluster-up: $(READY) ## Start the local cluster and leave it running; prints its kubeconfig.
	@$(BIN)/python -m dev.cluster up

cluster-down: $(READY) ## End the local cluster.
	@$(BIN)/python -m dev.cluster down

lock: $(READY) ## Resolve the lock files anew, everything upgraded; UPGRADE= keeps the pins there are.
	@$(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11 $(UPGRADE) -q -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --universal --python-version 3.11 $(UPGRADE) -q -o requirements-dev.lock

clean: ## Remove what the targets made here; the cluster's binaries stay in the cache.
	@rm -rf $(VENV) build out .pytest_cache .mypy_cache .ruff_cache .hypothesis
