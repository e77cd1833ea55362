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

.PHONY: help demo test check format lint types layers bench bench-align bench-deid bench-harmonise silently-wrong canaries referees chaos fuzz pixels realdata docs lock clean bench-acquire soak-acquire methods chaos-acquire night accession-list bench-projection bench-slides bench-pixels bench-pixel-memory bench-portal

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
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadscope --no-loadscope-reorder --cov --cov-report=
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

bench-projection: $(VENV)/.runtime ## mammograms a second against what they need at least, growth and memory
	$(BIN)/python -P benchmarks/projection.py

bench-pixels: $(VENV)/.test $(VENV)-presidio/.installed ## images a second by outcome of the gate, beside presidio (needs tesseract-ocr)
	$(BIN)/python benchmarks/pixel_speed.py --peer $(VENV)-presidio/bin/python

bench-pixel-memory: $(VENV)/.test ## the most memory that cleaning a mammogram and a clip of 100 MB takes
	$(BIN)/python -P benchmarks/pixel_memory.py

bench-portal: $(VENV)/.runtime ## fifty readers at once beside one, cohort verify beside sha256sum
	$(BIN)/python -P benchmarks/portal_load.py

bench-align: $(VENV)/.runtime $(VENV)-referees/.installed ## series of one study on one grid, beside picai-prep
	$(BIN)/python benchmarks/align.py --referees $(VENV)-referees/bin/python

bench-harmonise: $(VENV)/.runtime $(VENV)-referees/.installed ## the prostate recipe beside bare SimpleITK, picai-prep and two workers
	$(BIN)/python benchmarks/harmonise_speed.py --referees $(VENV)-referees/bin/python

silently-wrong: $(VENV)/.test $(VENV)-referees/.installed ## six programs over known inputs: right, refused, or wrong without an error
	$(BIN)/python benchmarks/silently_wrong.py --referees $(VENV)-referees/bin/python --torchio $(VENV)-torchio/bin/python

bench-acquire: $(VENV)/.test ## objects a second: receiver, C-GET and WADO-RS beside bare pynetdicom
	$(BIN)/python benchmarks/acquire.py

soak-acquire: $(VENV)/.test ## 10,000 associations with the receiver: nothing of them stays
	$(BIN)/python benchmarks/soak_receiver.py

methods: $(VENV)/.test ## every real object by C-GET, C-MOVE, WADO-RS and import: equal bytes
	$(BIN)/python benchmarks/methods.py

bench-slides: $(VENV)/.test ## slide tiles a second with one and two workers, and the memory they take
	$(BIN)/python -P benchmarks/slides.py

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

referees: $(VENV)-referees/.installed ## ask mirp, z-rad and scikit-image again; their answers must be the frozen ones
	$(VENV)-referees/bin/python -m tests.referees.ask_suv --check
	$(VENV)-referees/bin/python -m tests.referees.ask_grid --check
	$(VENV)-referees/bin/python -m tests.referees.ask_breast --check

fuzz: $(VENV)/.runtime ## release 20,000 mutated files: no crash, no hang, nothing planted gets out
	$(BIN)/python benchmarks/fuzz.py --files 20000

pixels: $(VENV)/.test ## find and blank text planted in 400 synthetic frames: recall, markers kept, tissue lost
	$(BIN)/python benchmarks/pixels.py

realdata: $(VENV)/.test ## release every real object: no new error of its kind, the same samples
	$(BIN)/python benchmarks/realdata.py

chaos: $(VENV)/.test ## kill -9 at ten random moments of the demo, rerun, compare
	$(BIN)/python benchmarks/chaos.py --kills 10

chaos-acquire: $(VENV)/.runtime ## 200 runs of 50 studies against an archive with random faults, half of them killed
	$(BIN)/python benchmarks/acquire_chaos.py --runs 200 --studies 50

night: $(VENV)/.runtime ## simulated nights of 2,000 studies at three sites: budgets, hours, forecast
	$(BIN)/python benchmarks/simulated_night.py --studies 2000 --cap 100

accession-list: $(VENV)/.runtime ## a list of 23,000 lines, killed once: every line's outcome, memory
	$(BIN)/python benchmarks/accession_list.py --lines 23000

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
	rm -rf $(VENV) $(VENV)-docs $(VENV)-peers $(VENV)-idiscore $(VENV)-referees $(VENV)-torchio site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov demo-home
