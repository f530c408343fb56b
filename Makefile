# Two commands do all set-up by themselves: `make quickstart` and `make test`.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help quickstart test test-slow test-cluster chaos fuzz soak chromium prometheus check audit licences charts readmes tables image lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
IMAGE ?= berth:dev
BUILDER ?= $(notdir $(firstword $(shell command -v docker podman buildah)))
INSTALLED := .venv/installed
# Files at once: most tests wait half of their time. With a thread for each of them they take a seventh less of both cores.
AT_ONCE := -n 2 --dist loadfile
PROMETHEUS := $(HOME)/.cache/berth-prometheus
# What is on PATH, else what `make test-cluster` built.
HELM_DOCS = $(shell PATH="$$PATH:$(HOME)/.cache/berth-cluster/bin" command -v helm-docs)
AUDIT := $(BIN)/python -m tests.supply_chain.audit
LICENCES = $(BIN)/pip-licenses --packages $(shell sed -n 's/==.*//p' requirements.txt)
PIN := -q --universal --python-version 3.11 --generate-hashes --no-header
export OMP_NUM_THREADS ?= 2
export RAY_USAGE_STATS_ENABLED := 0
unexport PYTHONDONTWRITEBYTECODE # else every worker that starts compiles torch anew: 6 s instead of 3

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

quickstart: $(INSTALLED) ## Train a small BERT from text to SQuAD scores, on two CPU cores, in minutes
	$(BIN)/berth run quickstart

test test-slow: export OMP_NUM_THREADS := 1
test: $(INSTALLED) ## The default tests: no GPU, no network, no cluster
	$(BIN)/python -m pytest $(AT_ONCE)

test-slow: $(INSTALLED) ## The tests that take minutes
	$(BIN)/python -m pytest $(AT_ONCE) -m slow -rP

test-cluster: $(INSTALLED) ## The tests on Kubernetes: on the cluster of KUBECONFIG, else one that they start (root, Go, Debian 12)
	$(BIN)/python -m pytest -m cluster -rP

chaos: $(INSTALLED) ## Break one run by a seeded schedule and compare it with an undisturbed one; SEED, MINUTES, CHAOS_FLAGS (root)
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) --minutes $(or $(MINUTES),10) $(CHAOS_FLAGS)

fuzz: $(INSTALLED) ## Damage valid input until a parser breaks; MINUTES for each kind of input
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),10)

soak: $(INSTALLED) ## Do the same for hours until something grows or is left; KIND: checkpoints, corpus, training, submits; SOAK_FLAGS
	$(foreach kind,$(or $(KIND),checkpoints corpus training submits),$(BIN)/python -m tests.soak $(kind) $(SOAK_FLAGS) &&) true

chromium: ## Install Debian's Chromium, in which tests open report.html; without it they skip (root)
	command -v chromium || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; }

# Not installed: the package starts a service. Its programs need nothing beside them.
prometheus: ## Fetch Debian's Prometheus, which scrapes our metrics in tests; without it they skip
	command -v prometheus || test -x $(PROMETHEUS)/prometheus || { mkdir -p $(PROMETHEUS) && cd $(PROMETHEUS) && \
		rm -rf unpacked prometheus_*.deb && { apt-get update -q || true; } && apt-get download -q prometheus && \
		dpkg -x prometheus_*.deb unpacked && mv unpacked/usr/bin/prometheus . && rm -r unpacked prometheus_*.deb; }

check: $(INSTALLED) ## Lint, format, types, the floors of the architecture, dependencies, licences, vulnerabilities
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@$(LICENCES) > /dev/null
	$(AUDIT)

audit: $(INSTALLED) ## Ask OSV for known vulnerabilities of what is pinned; without a network it says so and fails nothing
	$(AUDIT)

licences: $(INSTALLED) ## List the licences of what a pod runs; `make check` fails on one that pyproject.toml does not allow
	@$(LICENCES)

charts: $(INSTALLED) ## Write what is made from the schema: the charts' values, schemas and, with helm-docs, READMEs; the manifests
	$(BIN)/python -m trainer.config.helm values > charts/berth/values.yaml
	$(BIN)/python -m trainer.config.helm schema > charts/berth/values.schema.json
	$(BIN)/python -m trainer.config.helm_corpus values > charts/berth-corpus/values.yaml
	$(BIN)/python -m trainer.config.helm_corpus schema > charts/berth-corpus/values.schema.json
	$(BIN)/python manifests/render.py
	@$(if $(HELM_DOCS),$(MAKE) --no-print-directory readmes,echo 'no helm-docs: charts/*/README.md stay as they are; see `make readmes`' >&2)

readmes: ## Write the charts' READMEs from their README.md.gotmpl and values.yaml, by helm-docs
	@test -n "$(HELM_DOCS)" || { echo 'no helm-docs: go install github.com/norwoodj/helm-docs/cmd/helm-docs@latest' >&2; exit 1; }
	$(HELM_DOCS) -c charts -l warning --sort-values-order file -t ./values.gotmpl,README.md.gotmpl

tables: $(INSTALLED) ## Write tests/bad_inputs/README.md, what berth says to bad input
	$(BIN)/python -m tests.bad_inputs.table

image: ## Build the container image; IMAGE names it, BASE replaces the CUDA base, IMAGE_FLAGS reaches the builder
	@test -n "$(BUILDER)" || { echo 'no image builder: install docker, podman or buildah' >&2; exit 1; }
	$(BUILDER) build $(IMAGE_FLAGS) -f images/trainer/Dockerfile -t $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) \
		--build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
		--build-arg REVISION=$(shell git describe --always --exclude='*' --dirty --abbrev=40) .

lock: $(BIN)/uv ## Pin the newest versions that pyproject.toml allows, with hashes
	$(BIN)/uv pip compile $(PIN) --upgrade pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile $(PIN) --upgrade --group dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	$(BIN)/uv pip compile $(PIN) --upgrade --group sbom -c requirements-dev.txt -o requirements-sbom.txt

clean: ## Delete what the other commands made
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache runs

$(BIN)/uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'berth needs Python 3.11 or newer; set PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv .venv || { echo 'no venv module: apt-get install python3-venv' >&2; exit 1; }
	$(BIN)/python -m pip install -q --require-hashes -r requirements-uv.txt
	@touch $@

$(INSTALLED): $(BIN)/uv requirements-dev.txt pyproject.toml
	$(BIN)/uv pip install -q --require-hashes -r requirements-dev.txt
	$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@
