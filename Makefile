# Needs Python 3.11+, make and git; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check fmt docs bench fuzz clean

.venv/ready: pyproject.toml plugins/custom_scm/pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --editable plugins/custom_scm --group dev
	touch $@

demo: .venv/ready  ## The main job on real input: commits in, links out
	$(BIN)/scmhost demo

test: check  ## Everything: static checks, then all tests with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: .venv/ready  ## Lint, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/ready  ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/ready  ## Write the generated documentation anew
	$(BIN)/python -m docs.generate

bench: .venv/ready  ## Ratios against a baseline measured in the same run
	$(BIN)/python benchmarks/run.py

fuzz: .venv/ready  ## Text that nobody would paste, until one is read wrongly; stop it when you like
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python benchmarks/fuzz_frames.py $(ARGS)

clean:  ## Forget the environment
	rm -rf .venv
