# Needs Python 3.11+, make and git; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
CLIENTS := .venv/clients
CLIENT_VERSIONS := tests/clients/environments
HAS_NODE := { node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' && npm --version; }

# Processes that run tests. Tests that measure time fail on a machine with more busy processes than cores.
WORKERS ?= auto
PYTEST_PARALLEL := -n $(WORKERS) --maxprocesses 8 --dist worksteal
# Tests of rules and use cases, without servers and processes.
QUICK_TESTS := tests/unit tests/contract
ROOM ?= mapping
# The tests start hundreds of Python processes. Without compiled modules each would compile the package again.
unexport PYTHONDONTWRITEBYTECODE
# The clients are downloaded, and the tests compiled, while the static checks run.
MAKEFLAGS += --jobs=3
# A module is compiled when it is imported first; two thirds of those installed never are.
INSTALL := install --quiet --no-compile

.DEFAULT_GOAL := help
.PHONY: help demo demo-forgejo test test-quick reliability coverage check compiled clients fmt docs bench spark fuzz mutants clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# Without build isolation, which would install hatchling once more for each of the six projects.
.venv/ready: pyproject.toml plugins/custom_scm/pyproject.toml plugins/git/pyproject.toml plugins/forgejo/pyproject.toml plugins/gitlab/pyproject.toml plugins/github/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip $(INSTALL) --upgrade "pip>=25.1" "hatchling>=1.27"
	$(BIN)/python -m pip $(INSTALL) --no-build-isolation --editable '.[server,testing]' --editable plugins/custom_scm --editable plugins/git --editable plugins/forgejo --editable plugins/gitlab --editable plugins/github --group dev
	touch $@

# The two versions of sentry-cli that are in use, each in its own environment.
$(CLIENTS)/v%/ready: $(CLIENT_VERSIONS)/v%.txt | .venv/ready
	$(PYTHON) -m venv --without-pip $(@D)
	$(BIN)/python -m pip --python $(@D) $(INSTALL) --upgrade --requirement $<
	touch $@

# With CI=true Node is required. Otherwise the tests that need it are skipped with a message.
$(CLIENTS)/node/ready: $(CLIENT_VERSIONS)/package.json | .venv/ready
	@if $(HAS_NODE) >/dev/null 2>&1; then \
	  mkdir -p $(@D) && cp $< $(@D) && \
	  npm install --prefix $(@D) --no-audit --no-fund --no-package-lock --loglevel=error && touch $@; \
	elif [ "$$CI" = true ]; then echo "Node 20+ with npm is missing; it is required with CI=true." >&2; exit 1; \
	else echo "Node 20+ with npm is missing: the tests of the clients on Node are skipped."; fi

# 450 MB. With CI=true the test of links on Spark is required; otherwise it runs after "make spark".
.venv/spark: pyproject.toml | .venv/ready
	$(BIN)/python -m pip $(INSTALL) --group spark
	touch $@

demo-forgejo: .venv/ready  ## Show the plugin Forgejo at work with a fake host: install, claim, webhook, push, links
	PYTHONPATH=tests $(BIN)/python -m fake_hosts.demo_forgejo

demo: .venv/ready  ## Show the main features: commits in, links out
	$(BIN)/scmhost demo

clients: $(CLIENTS)/v3/ready $(CLIENTS)/v2/ready $(CLIENTS)/node/ready  ## Install the real clients that the tests run

# pytest rewrites the asserts of each module that it imports first. Its workers would all do that at the same time.
compiled: .venv/ready
	$(BIN)/python -m pytest -n 0 --collect-only --quiet --quiet >/dev/null

test: check compiled clients $(if $(filter true,$(CI)),.venv/spark)  ## Run everything: static checks, then all tests
	$(BIN)/python -m pytest $(PYTEST_PARALLEL)

# Not a part of "test": measuring takes two thirds longer.
coverage: check clients  ## Run all tests, and fail if they cover less than 95 % of lines and branches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-quick: .venv/ready  ## Test rules and use cases, without servers: less than a minute
	$(BIN)/python -m pytest $(PYTEST_PARALLEL) -q -m "not postgresql and not thorough" $(QUICK_TESTS)

# Not a part of "test", which runs a short form of it.
reliability: .venv/ready  ## Kill the service and its databases, and print what was lost: at most ten minutes
	SCMHOST_RELIABILITY=long $(BIN)/python -m pytest -n 0 -q tests/reliability $(ARGS)

check: .venv/ready  ## Check lint, formatting, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/ready  ## Format, and fix what can be fixed automatically
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/ready  ## Render the generated documentation again
	$(BIN)/python -m docs.generate

bench: .venv/ready  ## Measure ratios against a baseline of the same run
	$(BIN)/python benchmarks/run.py

spark: .venv/spark  ## Install PySpark, and run the test of links on Spark; needs Java 17
	$(BIN)/python -m pytest -n 0 tests/docs/test_bulk.py

fuzz: .venv/ready  ## Generate odd texts until one is read wrongly; stop with Ctrl-C
	$(BIN)/python -m pip $(INSTALL) --group fuzz
	$(BIN)/python benchmarks/fuzz_frames.py $(ARGS)

mutants: .venv/ready  ## Change a room in small ways and list what its tests miss: ROOM=mapping ARGS="--limit 200"
	$(BIN)/python -m pip $(INSTALL) --group mutants
	$(BIN)/python benchmarks/mutants.py $(ROOM) $(ARGS)

clean:  ## Remove the environment and the folders of the tools
	rm -rf .venv .mutants
