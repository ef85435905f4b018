# `make` lists what there is. Every target brings what it needs (Debian packages, crates, the test cluster) by
# itself; what it cannot bring, it names in one line.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help setup build check test test-unit test-e2e test-krew demo bench cluster cluster-down install-local completions schema dist

# Two at a time on a small machine: the targets share the compiler and the cluster.
.NOTPARALLEL:

CLUSTER := tests/cluster/cluster
WITH_CLUSTER := eval "$$($(CLUSTER) env)"
PREFIX ?= /usr/local

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup:
	@scripts/setup

build: setup ## Build the program: target/debug/kubectl-kafka
	cargo build --locked

check: setup ## Formatting, lints and documentation, with warnings as errors
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

test: test-unit test-krew test-e2e ## All tests, the last ones on a real Kubernetes with a real Kafka

test-unit: setup ## The tests that need no cluster
	cargo test --locked --lib --bins --test cli

test-e2e: setup cluster ## The tests on the real cluster
	$(WITH_CLUSTER); cargo test --locked --test e2e

test-krew: build ## Install and remove the plugin with krew, as from a release
	scripts/try-krew

demo: build cluster ## From nothing to a message, each command shown before its output
	$(WITH_CLUSTER); scripts/demo

bench: setup cluster ## Compare with kubectl, Kafka's own tools and kcat; writes target/bench.md
	cargo build --locked --release
	$(WITH_CLUSTER); scripts/bench

cluster: ## Start the test cluster (the first time builds Kubernetes, about 10 minutes)
	@$(CLUSTER) up

cluster-down: ## Stop the test cluster and leave nothing behind
	@$(CLUSTER) down

install-local: setup ## Build and install into PREFIX/bin, with completion for kubectl
	cargo build --locked --release
	install -D -m 755 target/release/kubectl-kafka $(DESTDIR)$(PREFIX)/bin/kubectl-kafka
	install -D -m 755 completions/kubectl_complete-kafka $(DESTDIR)$(PREFIX)/bin/kubectl_complete-kafka

completions: build ## Check the scripts in completions/ against the program
	cargo test --locked --test cli completion

schema: setup ## Write docs/cluster.schema.json from the types
	WRITE_SCHEMA=1 cargo test --locked --lib the_schema_in_docs

dist: setup ## Build the archive for a release on this platform: target/dist/
	@scripts/dist
