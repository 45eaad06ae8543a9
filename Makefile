# make demo   set up, run the main job on the embedded data, print where the report is
# make test   set up, run the tests
# make check  set up, formatting, lint, types, import layers
# make docs   set up, build the documentation as a site, in site/index.html; a dead link is an error
# make wheel  set up, install the wheel alone into an empty environment, try it there

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
RUN ?= runs/demo
IMAGES ?= 12
# Libraries are compiled to bytecode file by file, when they are first used: pip would compile all of them, for half a
# minute. So what is compiled must be kept.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check docs wheel clean

# What a user needs, and no more.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/tools: $(VENV)/installed
	$(PIP) --editable '.[test,check,docs]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/robustpose frost install
	@# One worker: several would each compile the same loops the first time.
	$(BIN)/robustpose bench --model demo --data toy --limit $(IMAGES) --workers 1 --out $(RUN)

test: $(VENV)/tools
	$(BIN)/robustpose frost install
	@# In two processes: one that holds all libraries for 11,000 tests grows to gigabytes. A file's tests stay together;
	@# in the order of names, for files of few tests, which would else be last, take longest.
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests

check: $(VENV)/tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

# A line of its makers about their next program is left out.
docs: $(VENV)/tools
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

wheel: $(VENV)/tools
	PYTHON=$(BIN)/python .ci/wheel

clean:
	rm -rf $(VENV) runs site .pytest_cache .mypy_cache .ruff_cache
