# Everything a person runs. `make demo` and `make test` do their own set-up (Python 3.11, make and git).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKS := deploy/locks
COVERED := deid harmonise pipelines
# A process a core; the tests of one file stay in one process.
TEST_JOBS ?= auto
export ACCORDAGE_REALDATA ?= $(abspath ../shared/realdata)
export ACCORDAGE_REFERENCE ?= $(abspath ../shared/reference)

.PHONY: help demo test check format lint types layers bench bench-align bench-deid bench-pixels canaries referees chaos fuzz pixels realdata docs lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A lock is installed once; a later one contains the earlier, so one environment serves all targets.
# It is its own constraint too: else pip may take a newer release for `package[extra]` (pip 23).
$(VENV)/.runtime: $(LOCKS)/runtime.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/runtime.lock -c $(LOCKS)/runtime.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
$(VENV)/.test: $(LOCKS)/test.lock $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/test.lock -c $(LOCKS)/test.lock
	@touch $@
$(VENV)/.dev: $(LOCKS)/dev.lock $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/dev.lock -c $(LOCKS)/dev.lock
	@touch $@

demo: $(VENV)/.runtime ## three synthetic hospitals, from PACS to a released cohort
	$(BIN)/accordage demo --home demo-home

test: $(VENV)/.test ## the whole test suite
	@$(BIN)/coverage erase
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --cov --cov-report=
	@for room in $(COVERED); do \
	    share=$$($(BIN)/coverage report --include="$$room/*" --format=total); \
	    echo "$$room: $$share % of lines covered"; [ "$$share" -ge 90 ] || exit 1; done

check: format lint types layers test ## the gate

format: $(VENV)/.dev ## is the code formatted?
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev ## ruff's rules
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy strict
	$(BIN)/mypy

layers: $(VENV)/.dev ## imports go one way
	$(BIN)/lint-imports

bench: $(VENV)/.runtime ## what the demo's stages cost; prints a table, writes JSON
	$(BIN)/python benchmarks/demo.py

bench-deid: $(VENV)/.test $(VENV)-peers/.installed ## files a second beside cp and three other de-identifiers
	$(BIN)/python benchmarks/deid_speed.py --peers $(VENV)-peers/bin/python

bench-pixels: $(VENV)/.test $(VENV)-presidio/.installed ## images a second by outcome of the gate, beside presidio (needs tesseract-ocr)
	$(BIN)/python benchmarks/pixel_speed.py --peer $(VENV)-presidio/bin/python

bench-align: $(VENV)/.runtime $(VENV)-referees/.installed ## series of one study on one grid, beside picai-prep
	$(BIN)/python benchmarks/align.py --referees $(VENV)-referees/bin/python

$(VENV)-peers/.installed: $(LOCKS)/peers.lock
$(VENV)-idiscore/.installed: $(LOCKS)/peer-idiscore.lock
$(VENV)-presidio/.installed: $(LOCKS)/peer-presidio.lock
$(VENV)-referees/.installed: $(LOCKS)/referees.lock
$(VENV)-peers/.installed $(VENV)-idiscore/.installed $(VENV)-referees/.installed $(VENV)-presidio/.installed:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $< -c $<
	@touch $@

canaries: $(VENV)/.test $(VENV)-peers/.installed $(VENV)-idiscore/.installed ## planted strings through ours and four other de-identifiers
	$(BIN)/python -P benchmarks/canaries.py

referees: $(VENV)-referees/.installed ## ask mirp and z-rad again; their answers must be the frozen ones
	$(VENV)-referees/bin/python -m tests.referees.ask_suv --check
	$(VENV)-referees/bin/python -m tests.referees.ask_grid --check

fuzz: $(VENV)/.runtime ## release 20,000 mutated files: no crash, no hang, nothing planted gets out
	$(BIN)/python benchmarks/fuzz.py --files 20000

pixels: $(VENV)/.test ## find and blank text planted in 400 synthetic frames: recall, markers kept, tissue lost
	$(BIN)/python benchmarks/pixels.py

realdata: $(VENV)/.test ## release every real object: no new error of its kind, the same samples
	$(BIN)/python benchmarks/realdata.py

chaos: $(VENV)/.test ## kill -9 at ten random moments of the demo, rerun, compare
	$(BIN)/python benchmarks/chaos.py --kills 10

$(VENV)-docs/.docs: $(LOCKS)/docs.lock
	$(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/docs.lock -c $(LOCKS)/docs.lock
	@touch $@
docs: $(VENV)-docs/.docs ## build the documentation into site/
	$(VENV)-docs/bin/mkdocs build --strict

# Recompile the locks: needs uv on the PATH (pip install uv).
UV := uv pip compile --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --python-version 3.11
lock: ## compile the hash-pinned locks again
	$(UV) pyproject.toml --group pyproject.toml:build --group pyproject.toml:test --group pyproject.toml:dev -o $(LOCKS)/dev.lock
	$(UV) pyproject.toml --group pyproject.toml:build --group pyproject.toml:test -c $(LOCKS)/dev.lock -o $(LOCKS)/test.lock
	$(UV) pyproject.toml --group pyproject.toml:build -c $(LOCKS)/dev.lock -o $(LOCKS)/runtime.lock
	$(UV) --group pyproject.toml:docs -o $(LOCKS)/docs.lock
	$(UV) --group pyproject.toml:referees -o $(LOCKS)/referees.lock
	$(UV) --group pyproject.toml:peers -o $(LOCKS)/peers.lock
	$(UV) --group pyproject.toml:peer-idiscore -o $(LOCKS)/peer-idiscore.lock
	$(UV) --group pyproject.toml:peer-presidio -o $(LOCKS)/peer-presidio.lock

clean: ## remove the environment and what the tools left
	rm -rf $(VENV) $(VENV)-docs $(VENV)-peers $(VENV)-idiscore $(VENV)-referees site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov demo-home
