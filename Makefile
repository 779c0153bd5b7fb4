# Everything that is done here, each by one command. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
MINUTES ?= 10

.PHONY: help setup run test test-setup check lint format fuzz messages lock audit bench dinner chaos soak lighthouse screenshots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make .venv with what the server needs
	@:

run: setup ## serve the demo restaurant on port 8000 (more options: make run ARGS="--port=9000")
	@exec $(BIN)/python run.py --demo $(ARGS)

test: test-setup ## run every test (some: make test ARGS="tests/rules -x"; one file at a time: WORKERS=0)
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-setup: $(VENV)/.ready-dev ## install what the tests need, Chromium and nginx included
	@.ci/parts

check: lint test ## lint, then every test

lint: $(VENV)/.ready-dev ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.ready-dev ## bring the code into form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

fuzz: test-setup ## throw random input at everything for a while (make fuzz MINUTES=60)
	@exec $(BIN)/python tests/fuzz.py $(MINUTES)

messages: $(VENV)/.ready-dev ## bring new sentences into the catalogues
	@$(BIN)/pybabel -q extract -F ordering/locale/babel.cfg -k t -k N_ -k text --no-default-keywords --no-location \
	  -o ordering/locale/ordering.pot .
	@for po in ordering/locale/*.po; do $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --no-wrap \
	  --omit-header -l $$(basename $$po .po) -i ordering/locale/ordering.pot -o $$po; done; rm ordering/locale/ordering.pot

lock: ## pin the newest versions that requirements*.in allow, and the hashes of their files
	@.ci/lock

audit: ## ask for known vulnerabilities of what is pinned (fails when there are any, or when nobody answers)
	@PYTHON=$(PYTHON) .ci/audit $(ARGS)

bench: test-setup ## measure, and say which ratios moved (docs/performance.md; one: ARGS=growth; keep new ones: ARGS=--store)
	@$(BIN)/python tests/bench/ratios.py $(ARGS)

dinner: test-setup ## an evening in 100 restaurants: what it costs, how many a core carries (ARGS="--shops=2" to try)
	@$(BIN)/python tests/bench/dinner.py $(ARGS)

chaos: test-setup ## ten evenings in which everything fails, and the proof that nothing was lost (ARGS="--seed=7 --seconds=600")
	@$(BIN)/python -m pytest -q -m "long or not long" tests/processes/test_chaos.py -k broken
	@PYTHONPATH=.:tests $(BIN)/python -m chaos.evening --seeds=10 --seconds=60 $(ARGS)

soak: test-setup ## what takes too long for every run: long stories, 2,000 phones, evenings of three minutes, fuzz (MINUTES=10)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m long
	@PYTHONPATH=.:tests $(BIN)/python -m chaos.evening --seeds=6 --seconds=180 $(ARGS)
	@$(BIN)/python tests/fuzz.py $(MINUTES)

lighthouse: test-setup ## what Lighthouse says of the guests' page (needs node 18 with npm; fails when a budget does)
	@$(BIN)/python tests/bench/lighthouse.py

screenshots: test-setup ## look at every page: docs/images/ and screenshots/
	@$(BIN)/python tests/browser/shoot.py

clean: ## remove what was made here, but not data/
	rm -rf $(VENV) .chaos .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './data/*' -exec rm -rf {} +

$(VENV)/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it with make PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m compileall -q ordering run.py # where Python may not write this beside the sources, each start would
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
