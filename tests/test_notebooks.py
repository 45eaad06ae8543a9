"""The notebooks in examples/ run from the first cell to the last, smaller than they are there; they hold no outputs."""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))
SMALLER = {"IMAGES": "3", "PEOPLE": "2", "EPOCHS": "1", "SEVERITIES": "[3]"}  # and processes take seconds to start
ONE_CORE = "import robustpose.cluster.engines as engines\nengines.count_cores = lambda: 1"


def read_notebook(name):
    """Return a notebook of the examples."""
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    nbformat.validate(notebook)
    return notebook


def make_smaller(source):
    """Return the source of a cell with small numbers in the place of those that it sets."""
    for name, value in SMALLER.items():
        source = re.sub(rf"^{name} = [^#\n]*", f"{name} = {value}", source, flags=re.MULTILINE)
    return source


def test_there_are_two():
    assert NOTEBOOKS == ["harden_and_compare.ipynb", "measure_and_look.ipynb"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_holds_no_outputs(name):
    for cell in read_notebook(name).cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = read_notebook(name)
    first, *rest = [cell for cell in notebook.cells if cell.cell_type == "code"]
    first.source = f"{ONE_CORE}\n{make_smaller(first.source)}"
    assert all(make_smaller(cell.source) == cell.source for cell in rest)  # numbers are set in one place
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert (tmp_path / "runs").is_dir()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("text/html" in output.get("data", {}) for output in shown)  # tables
    assert any("image/png" in output.get("data", {}) for output in shown)
