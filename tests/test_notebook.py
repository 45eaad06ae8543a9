"""A real notebook: progress is a display that changes, runs and comparisons are tables, and its own functions run."""

import pytest

CELLS = [
    "import robustpose, numpy as np, warnings\n"
    "options = dict(limit=2, corruptions='contrast', severities=3, resamples=40)\n"
    "run = robustpose.bench('demo', 'toy', workers=1, **options)",
    "run",
    "def find(image, boxes):\n"
    "    centres = (boxes[:, :2] + boxes[:, 2:]) / 2\n"
    "    return np.concatenate([np.repeat(centres[:, None], 17, 1), np.ones((len(boxes), 17, 1))], 2)\n"
    "own = robustpose.bench(find, 'toy', workers=2, **options)",
    "robustpose.compare(run, own, names=['demo', 'mine'])",
]


@pytest.fixture(scope="module")
def outputs():
    """What each cell of the notebook shows."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_plan_is_a_line_and_progress_one_display_that_ends_full(outputs):
    plan, shown = outputs[0]  # nothing else is said
    assert plan.data["text/plain"].startswith("2 images × 2 cells, ")
    assert shown.data["text/plain"] == "predicting: 4/4 images; scoring: 2/2 cells"
    assert shown.data["text/html"].count('<progress max="4" value="4"') == 1


def test_run_is_shown_as_its_table(outputs):
    (shown,) = outputs[1]
    assert "<b>demo.safetensors</b> on toy, 2 images" in shown.data["text/html"]
    assert "contrast" in shown.data["text/html"]


def test_function_of_the_notebook_is_benched_with_one_warning_for_all_that_follows(outputs):
    words = [shown.text for shown in outputs[2] if shown.output_type == "stream"]
    told = [line for text in words for line in text.splitlines() if "Warning: the" in line]
    assert len(told) == 1
    assert "the code of 'find' is in no file" in told[0]
    assert "import it from there: processes can then share the work, too" in told[0]


def test_comparison_is_shown_as_its_table(outputs):
    (shown,) = outputs[3]
    assert "B: <b>mine</b>" in shown.data["text/html"]
