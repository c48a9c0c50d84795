# One word each: `make demo` to see it, `make test` to prove it. `make help` lists the rest.
SHELL := /bin/sh
PYTHON_BIN := .venv/bin/python
export PYTHON
unexport PYTHONPATH PYTHONHOME
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: demo test prove bench lint proofs lock wheels setup setup-test clean help

demo: setup  ## start web and scheduler with the demo counties on http://127.0.0.1:8000 (PORT=…)
	@exec .venv/bin/fangpin demo

test: lint  ## set up, check types and imports, run the tests (both engines everywhere: make prove ARGS="every test")
	@$(PYTHON_BIN) -m pytest -n 3 --short $(ARGS)

prove: setup-test  ## full-size proofs; writes a dated table of figures
	@exec $(PYTHON_BIN) -m tests.prove $(ARGS)

bench: setup-test  ## moves, bulk moves, desk, roster, API, trails and papers, on both engines (ARGS=sizes and words)
	@exec $(PYTHON_BIN) -m tests.bench $(ARGS)

lint: setup-test  ## ruff, mypy strict, import-linter
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m ruff format --check .
	@$(PYTHON_BIN) -m mypy
	@.venv/bin/lint-imports --no-logo

proofs: setup  ## prove the shipped rules and keep that with them (after a change in workflows/)
	@$(PYTHON_BIN) -c "from app.soundness import prove_shipped; prove_shipped()"

lock: setup  ## write the lock files from setup.cfg (UPGRADE=--upgrade for newer releases)
	@.ci/lock $(UPGRADE)

wheels: setup  ## all that an installation without network needs, in one folder (ARGS=folder)
	@deploy/wheels $(ARGS)

setup:  ## system libraries and .venv for running
	@.ci/system-packages
	@.ci/venv

setup-test:  ## the same, with what the tests need
	@.ci/system-packages test
	@.ci/venv test

clean:  ## remove what can be made again (the demo's database stays)
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*##  *\(.*\)/\1\t\2/p' Makefile | expand -t 12
