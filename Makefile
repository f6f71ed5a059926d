PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow fuzz lint benchmark compare clean

# One virtual environment for everything; made again only when what it is made from changes.
.venv/installed: setup.py pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[app,export,report,test]'
	touch $@

# Segments what is said about the photograph that ships: demo/demo.png.
demo: .venv/installed
	$(BIN)/unires demo

# Style and imports, and transformers' own rules for the files of a model.
lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mlinter src/unires_hf/model

# On two processes, each with one thread: the two cores of CI. Each begins with half of the tests, so that few fixtures
# are made twice; the one that is done first takes over half of what the other has left.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal

# The tests that take minutes each.
test-slow: .venv/installed
	$(BIN)/python -m pytest -m slow

# Damages files of every layout for an hour, other ones each day.
fuzz: .venv/installed
	UNIRES_FUZZ_SECONDS=3600 UNIRES_FUZZ_SEED=$$(date +%Y%m%d)0000 $(BIN)/python -m pytest -s -m slow tests/data/test_fuzz.py

# Milliseconds and memory beside CLIP and CLIPSeg of the same size: docs/results.md.
benchmark: .venv/installed
	$(BIN)/python scripts/benchmark.py --runs 2 --expressions 1 16 64

# Trains UniRES and its baselines for a few minutes each; the figures of the README come from a longer budget.
compare: .venv/installed
	$(BIN)/python scripts/compare_at_equal_budget.py --seeds 0 --warm-up-steps 150 --steps 200 --scenes 2400 \
		--eval-scenes 60 --kinds horse bird car bus house chair --out runs/compare

# Deletes the environment and what was built; data and runs stay.
clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache src/*.egg-info
