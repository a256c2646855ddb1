# What a person types. `make` alone shows this list.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTANCE ?= instance
PYTEST_ARGS ?=
# iptables: the firewall rule of the dc network; the rest is python, Docker and its repository
DEMO_PACKAGES := python3-venv busybox-static netbase iptables docker.io docker-registry
# stilts: other people's view of /tap (taplint, TOPCAT's searches)
TEST_PACKAGES := $(DEMO_PACKAGES) podman postgresql chromium fonts-dejavu-core stilts iproute2

.PHONY: help demo run test soak check bench packages-demo packages-test clean

help: ## show these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

packages-demo:
	@bash applications/demo/packages.sh $(DEMO_PACKAGES)

packages-test:
	@bash applications/demo/packages.sh $(TEST_PACKAGES)

# one stamp for each set of extras: a demo needs no test tools
$(VENV)/.installed-%: setup.cfg
	@echo "==> virtual environment and Python packages ($*; a minute or two the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.$(patsubst [run],,[$*])'
	@touch $@

demo: packages-demo ## three datacenters, one application, an answer from each (ONCE=1: tear down at the end)
	@$(MAKE) --no-print-directory $(VENV)/.installed-demo
	@$(BIN)/python -m applications.demo $(if $(ONCE),--once)

run: ## one datacenter for real use in instance/ (the first time it prints a link to set it up in a browser)
	@bash applications/demo/packages.sh python3-venv
	@$(MAKE) --no-print-directory $(VENV)/.installed-run
	@exec $(BIN)/registry --instance $(INSTANCE) serve

test: packages-test ## set up what the tests need and run them all
	@$(MAKE) --no-print-directory $(VENV)/.installed-test
	@$(BIN)/python -m tests $(PYTEST_ARGS)

soak: packages-test ## the longer forms of the tests of faults
	@$(MAKE) --no-print-directory $(VENV)/.installed-test
	@$(BIN)/python -m tests -m soak $(PYTEST_ARGS)

check: ## style and types
	@$(MAKE) --no-print-directory $(VENV)/.installed-check
	@$(BIN)/ruff check registry vosi tests applications benchmarks
	@$(BIN)/mypy

bench: packages-test ## figures, each beside its limit measured in the same run
	@$(MAKE) --no-print-directory $(VENV)/.installed-test
	@$(BIN)/python -m benchmarks

clean: ## remove what the demo made (not the virtual environment, not instance/)
	@rm -rf .demo
