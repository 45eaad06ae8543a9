# make demo   set up, run the main job on the embedded data, print where the report is
# make test   set up, run the tests
# make check  set up, formatting, lint, types, import layers

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
RUN ?= runs/demo

.PHONY: demo test check clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,check]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/robustpose frost install
	$(BIN)/robustpose bench --model demo --data toy --out $(RUN)

test: $(VENV)/installed
	$(BIN)/robustpose frost install
	@# In two processes: one that holds all libraries for 7,000 tests grows to gigabytes.
	$(BIN)/python -m pytest tests/kills tests/test_[a-o]*.py
	$(BIN)/python -m pytest tests/test_[p-z]*.py

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache
