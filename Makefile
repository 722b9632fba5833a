# Everything a newcomer needs: `make demo`, `make test`. Both set up what they need; the second time they find it there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# Test processes, each with a database server of its own: one more than cores, because many tests wait.
WORKERS ?= 3
# Small matrices and two cores: one thread a process beats many that wait for each other.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help setup demo test test-thorough check bench-telemetry bench-dispatch bench-settlement bench-bidding bench-forecast bench-network bench-console screenshots messages serve lock clean

help:
	@echo "make demo [ARGS='--no-serve --full --date 2016-07-14 --prices FILE.csv --seed 1 --json out.json']"
	@echo "make test [ARGS='tests/kernels -k money']     make test-thorough     make check"
	@echo "make bench-ROOM: telemetry, forecast, bidding, network, dispatch, settlement or console"
	@echo "make screenshots | messages | serve | lock | clean"

setup: $(READY)

$(READY): requirements/all.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian: python3-venv)"; exit 1; }
	@echo "installing the locked packages (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements/all.txt
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python manage.py demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) $(ARGS)

# The same and more: twenty kills instead of four, thousands of random cases, more grids (most of an hour).
test-thorough: $(READY)
	VPP_THOROUGH=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python -W "ignore:Got an error checking a consistent migration history" manage.py makemigrations --check --dry-run

# The figures of telemetry beside their anchors, in one table (docs/telemetry.md).
bench-telemetry: $(READY)
	@$(BIN)/python -m tests.benchmarks.telemetry $(ARGS)

bench-bidding: $(READY)
	@$(BIN)/python -m tests.benchmarks.bidding $(ARGS)

# The nightly forecast at 1,000, 10,000 and 100,000 series, from database to database (docs/forecasting.md).
bench-forecast: $(READY)
	@$(BIN)/python -m tests.benchmarks.forecasting $(ARGS)

bench-dispatch: $(READY)
	@$(BIN)/python -m tests.benchmarks.dispatch $(ARGS)

# Server time, 50 people at once and a cold browser on 100,000 devices (docs/console.md).
bench-console: $(READY)
	@$(BIN)/python -m tests.benchmarks.console $(ARGS)

# Plays the demo once and takes the pictures of README and docs, in docs/screenshots; needs Chromium.
screenshots: $(READY)
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

# Collects the texts of pages and code, names those without a translation, compiles vpp/locale/.
messages: $(READY)
	@$(BIN)/python manage.py messages

bench-settlement: $(READY)
	@for part in allocation baselines day restatement; do \
		$(BIN)/python -m tests.benchmarks.settlement --part $$part $(ARGS) || exit 1; done

# The grid's figures (docs/network.md), ARGS='--ieee123 FOLDER' takes the IEEE-123 tables; asks over the API and their bids.
bench-network: $(READY)
	@$(BIN)/python -m tests.benchmarks.network $(ARGS)
	@$(BIN)/python -m tests.benchmarks.asks

serve: $(READY)
	@$(BIN)/python manage.py serve $(ARGS)

# Exact versions from the ranges in pyproject.toml, with hashes, for every platform and Python from 3.11.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
lock: $(READY)
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --extra demo --extra dev -o requirements/all.txt
	$(LOCK) pyproject.toml -c requirements/all.txt -o requirements/run.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis staticfiles
