# `make run` starts the archive, `make test` tests it. Everything is installed in .venv from the locks; nothing else is
# touched, and what is installed already is not installed again.

BIN := .venv/bin
UV = $(BIN)/uv pip
LOCK = $(UV) compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

# Stored byte code halves the start of each of Airflow's programs
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The certificates of this machine: many networks have an authority of their own
export UV_SYSTEM_CERTS := true
# Without a home that can be written, the cache of packages lies here
ifneq ($(shell test -n "$$HOME" && mkdir -p "$$HOME/.cache" 2>/dev/null && test -w "$$HOME/.cache" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export PIP_NO_CACHE_DIR := 1
export HOME := $(CURDIR)/.cache
endif

.DELETE_ON_ERROR:
.PHONY: help run test test-draw test-long test-compose bench-day bench-idle bench-ccnews bench-archive bench-text train-text lint audit secrets format lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: export NEWSARCHIVE_ARCHIVE := $(or $(NEWSARCHIVE_ARCHIVE),$(CURDIR)/archive)
run: export NEWSARCHIVE_STATE_DIR := $(or $(NEWSARCHIVE_STATE_DIR),$(CURDIR)/.newsarchive)
run: .venv/.run ## Start the archive with its sample newspapers; ONCE=1 ends after showing yesterday
	@$(BIN)/newsarchive up $(if $(filter-out 0 no,$(ONCE)),--once)

test: .venv/.dev ## Run the tests, two at a time; ARGS="-k words" for some of them, JOBS=4 for more at a time
	@$(BIN)/pytest -m "not long" -n $(or $(JOBS),2) --dist loadfile $(ARGS)

test-draw: .venv/.dev ## Run a short draw of each long test; ARGS="--seed 7" for the same one again
	@$(BIN)/pytest -m long --long=draw $(ARGS)

test-long: .venv/.dev ## Run the long tests whole
	@$(BIN)/pytest -m long --long=all --timeout=7200 $(ARGS)

test-compose: .venv/.dev ## Bring docker-compose.yaml up in an engine of its own, with two workers and S3; as root
	@NEWSARCHIVE_TEST_COMPOSE=1 $(BIN)/pytest tests/compose -n 0 -s -rs --timeout=3000 $(ARGS)

bench-day: .venv/.run ## Measure a day of 5,000 pages beside other programs; ARGS="--rounds 1"
	@$(BIN)/python scripts/bench_day.py $(ARGS)

bench-idle: .venv/.run ## Measure an hourly poll of 500 sources that have nothing new
	@$(BIN)/python scripts/bench_idle.py $(ARGS)

bench-text: .venv/.run ## Measure the fields of labelled pages beside other extractors; ARGS="--no-speed"
	@$(BIN)/python scripts/bench_text.py $(ARGS)

train-text: .venv/.run .cache/train-text/.installed ## Train what finds the text of a page; ARGS="--check" scores
	@PYTHONPATH=.cache/train-text/packages $(BIN)/python scripts/train_text/train.py $(ARGS)

.cache/train-text/.installed: scripts/train_text/requirements.txt requirements.lock
	@mkdir -p $(@D)
	@$(UV) install --quiet --target $(@D)/packages -r $< -c requirements.lock
	@touch $@

bench-archive: .venv/.run ## Measure an archive of ten years and 5 million articles; ARGS="--articles 100000"
	@$(BIN)/python scripts/bench_archive.py $(ARGS)

bench-ccnews: .venv/.run ## Measure the scan of a month of CC-NEWS: 20 files, 50,000 pages
	@$(BIN)/python scripts/bench_ccnews.py $(ARGS)

lint: .venv/.dev ## Check style, form and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

audit: .venv/.dev .cache/audit/.installed ## Look every locked package up among known vulnerabilities (asks the network)
	@PYTHONPATH=.cache/audit/packages $(BIN)/python scripts/audit.py

.cache/audit/.installed: scripts/audit.txt requirements-dev.lock
	@mkdir -p $(@D)
	@$(UV) install --quiet --target $(@D)/packages -r $< -c requirements-dev.lock
	@touch $@

secrets: ## Write .env for docker compose, with new secrets; one that is there stays
	@python3 scripts/make_secrets.py

format: .venv/.dev ## Put the code into form
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

lock: .venv/.uv ## Choose the versions of all packages anew
	$(LOCK) pyproject.toml --extra build -o requirements.lock
	$(LOCK) pyproject.toml --extra cluster -c requirements.lock -o requirements-cluster.lock
	$(LOCK) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove what is installed; archive and state stay
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache

# --- installation ---------------------------------------------------------------------------------------------------

# one line instead of a page: $(call install,what,command)
define install
@echo "Installing $(1) ..."
@$(2) >.venv/install.log 2>&1 || { \
	if grep -qiE 'connect|resol|network|timed? ?out|dns|Name or service|No matching distribution' .venv/install.log; \
	then echo "Cannot reach the Python package index: check the network, then try again ($(CURDIR)/.venv/install.log)"; \
	else echo "Installing $(1) failed: see $(CURDIR)/.venv/install.log"; fi >&2; exit 1; }
endef

# The package itself, in place: needs no network
ITSELF = $(UV) install --offline --no-deps --no-build-isolation --quiet --editable .

.venv/.run: requirements.lock pyproject.toml .venv/.uv
	$(call install,the packages,$(UV) install --require-hashes --quiet -r requirements.lock)
	$(call install,newsarchive,$(ITSELF))
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml .venv/.uv
	$(call install,the packages and the tools of tests,$(UV) install --require-hashes --quiet -r requirements-dev.lock)
	$(call install,newsarchive,$(ITSELF))
	@touch $@ .venv/.run

.venv/.uv: requirements-uv.lock
	@sh scripts/venv.sh
	$(call install,the installer,$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock)
	@touch $@
