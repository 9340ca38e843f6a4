# make run | test | check | test-all | bench | bench-quick | clean: needs Python >= 3.11 and make, nothing else.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PURE := pkid/ca/*,pkid/auth/*,pkid/inventory/*,pkid/broker/*

# What needs programs of the machine or minutes; the coverage of all the others is measured.
SLOWER := tests.interop tests.faults tests.integration tests.test_packaging tests.test_systemd tests.test_client_and_core
UNIT := $(filter-out $(SLOWER),$(patsubst tests/%/__init__.py,tests.%,$(wildcard tests/*/__init__.py)) \
    $(patsubst tests/%.py,tests.%,$(wildcard tests/test_*.py)))

.PHONY: run test test-all check bench bench-quick clean
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	@echo 'When it is up, try in another terminal:'
	@echo '    curl -k https://localhost:8900/ca/cert'
	@echo '    curl --cacert ~/.local/state/pkid/ca.crt https://localhost:8900/system/ready'
	@echo '    openssl s_client -connect localhost:8900 -CAfile ~/.local/state/pkid/ca.crt </dev/null'
	@echo '    $(BIN)/pkid system info'
	@echo '    $(BIN)/pkid doctor'
	@exec $(BIN)/twistd -n --pidfile= pkid $(ARGS)

test: $(VENV)/.installed-test
	@$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m twisted.trial -j2 $(UNIT)
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report
	$(BIN)/python -m coverage report --include='$(PURE)' --fail-under=95
	$(BIN)/python -m twisted.trial -j2 $(SLOWER)

test-all: export PKID_SLOW = 1
test-all: $(VENV)/.installed-test $(VENV)/.installed-fuzz test

check: $(VENV)/.installed-test,dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m twisted.trial tests.test_layers

# Medians beside peers and limits, in bench/results/; about twenty minutes, or two. The first time, peers are installed
# before, in .venv-bench and by apt-get.
bench: $(VENV)/.installed
	$(BIN)/python -m bench.suite $(ARGS)

bench-quick: $(VENV)/.installed
	$(BIN)/python -m bench.suite --quick $(ARGS)

clean:
	rm -rf $(VENV) .venv-interop .venv-bench build dist *.egg-info _trial_temp* .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache
	find pkid tests twisted -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/pip
	@echo 'installing pkid into $(VENV)'
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-%: setup.cfg pyproject.toml | $(BIN)/pip
	@echo 'installing pkid[$*] into $(VENV)'
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || \
	    { echo 'There is no $(PYTHON); name a Python of 3.11 or newer: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "pkid needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1); try make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo '$(PYTHON) cannot make virtual environments: install python3-venv (apt-get install python3-venv), or make PYTHON=/path/to/another/python3' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
