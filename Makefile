# Every target works in a fresh clone on a machine with python3 >= 3.11. Another interpreter: make PYTHON=python3.12 verify
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# dev is what the tests need; dev,nn adds torch, without which the tests of torch modules and of plain descent are skipped
EXTRAS ?= dev
comma := ,
STAMP := $(VENV)/.installed-$(subst $(comma),-,$(EXTRAS))

.PHONY: setup verify test distribution-test docs site-test mutants check figures bench

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python >= 3.11, or say make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is older than 3.11; say make PYTHON=python3.11 (or newer)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "make: $(PYTHON) has no venv with pip; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

verify: setup
	$(BIN)/normtheory verify

# TESTS=tests/solvers for some of them
TESTS ?=
test: setup
	$(BIN)/python -m pytest $(TESTS)

# Builds sdist and wheel and installs each into a bare environment: minutes, and a package index to install from.
distribution-test: setup
	$(BIN)/python -m pytest -n 0 -m distribution

# The site, in build/site: claims are checked, examples run. Warnings are errors.
docs:
	$(MAKE) setup EXTRAS=docs
	$(BIN)/python -m sphinx -W --keep-going -b html -d build/doctrees docs build/site
	@echo "open build/site/index.html"

# Every page in a browser (Chromium, from the system): links, errors, requests to other machines. SHOTS=FOLDER keeps pictures of the pages.
site-test: docs
	$(MAKE) setup EXTRAS=dev,docs
	$(BIN)/python -m pytest -n 0 -m site

# Small errors put into the code that judges, which its tests must notice: minutes; MUTANTS=--all for every one of them.
mutants: setup
	$(BIN)/python tests/mutants.py $(MUTANTS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/mypy --strict -p normtheory
	$(MAKE) test

figures: setup
	$(BIN)/python -m normtheory.figures

bench: setup
	$(BIN)/normtheory bench
