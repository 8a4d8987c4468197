# Every command of the house; `make` alone prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# a file's tests share what they make; tests/conftest.py says in which order files come
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
export PATH := $(CURDIR)/$(BIN):$(PATH)
# telemetry of every tool that we use is off here, as in the code; see docs/settings.md for the one switch
export DO_NOT_TRACK ?= 1
# a run starts some thirty processes: what Python has compiled for one serves the next
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install lock clients demo test lint check soak repro serve bench

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## make .venv with everything that requirements.lock pins (about 2 GB)

$(VENV)/installed: requirements.lock pyproject.toml infra/install.sh
	@bash infra/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

lock: install ## write requirements.lock anew from pyproject.toml
	@bash infra/lock.sh "$(VENV)"

clients: install ## write the Python and TypeScript clients anew from the service's OpenAPI document
	@$(BIN)/python -m infra.clients.generate

demo: install ## the main job from nothing to a served, changed, judged, released and rolled-back recommender
	@$(BIN)/python -m flows.demo

test: install ## all everyday tests (under 12 minutes on 2 cores)
	@$(BIN)/python -m pytest $(WORKERS)

lint: install ## ruff, mypy --strict, the floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint ## lint, unit and contract tests (about two minutes)
	@$(BIN)/python -m pytest $(WORKERS) tests/unit tests/contract -x

soak: install ## what is longer: every kill point, the worker crash, real data sets
	@$(BIN)/python -m pytest -m soak --timeout 5400 -s

repro: install ## dvc repro: whatever is stale, nothing else
	@$(BIN)/dvc repro

serve: install ## the service on the live release, http://127.0.0.1:3000
	@$(BIN)/recops serve

bench: install ## speed and memory, side by side, in one run
	@$(BIN)/python -m benchmarks
