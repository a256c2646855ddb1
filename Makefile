# What a person types. `make` alone shows this list.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help test check

help: ## show these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): setup.cfg
	@echo "==> virtual environment and packages (setup.cfg)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet -e '.[test]'
	@touch $@

test: $(STAMP) ## set up what the tests need and run them all
	@$(BIN)/python -m pytest

check: $(STAMP) ## style and types
	@$(BIN)/python -m pip install --quiet -e '.[check]'
	@$(BIN)/ruff check registry vosi tests
