import re
import sys
from types import SimpleNamespace

import pytest

from robustpose.progress import Progress
from robustpose.show import display


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's shell; gives what it was told to display, one bundle after the other."""
    shown = []

    def take(bundle, raw, display_id=None):
        shown.append(bundle)
        return SimpleNamespace(update=lambda bundle, raw: shown.append(bundle))

    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr("IPython.display.display", take)
    return shown


def test_notebook_shows_one_display_that_changes(notebook, capsys):
    with display.choose_display() as show:
        show("predict", Progress(0, 10, None, "fog/3 <b>"))
        show("predict", Progress(1, 10, 9.0))  # too soon after the first
        show("predict", Progress(10, 10, None))
        show("score", Progress(10, 10, None))
    assert len(notebook) == 3
    assert "fog/3 &lt;b&gt;" in notebook[0]["text/html"]
    assert notebook[-1]["text/plain"] == "predicting: 10/10 images; scoring: 10/10 cells"
    assert len(re.findall("<progress", notebook[-1]["text/html"])) == 2
    assert capsys.readouterr() == ("", "")


def test_elsewhere_lines_are_printed_or_nothing(capsys):
    for wanted, lines in ((True, "predicting: 2/2 images\n"), (False, "")):
        with display.choose_display(wanted) as show:
            show("predict", Progress(2, 2, None))
        assert capsys.readouterr() == ("", lines)


def test_line_beside_progress_goes_below_a_notebooks_cell_or_to_standard_error(notebook, monkeypatch, capsys):
    display.tell("16 images\x1b[2J")
    assert notebook == [{"text/plain": "16 images\\x1b[2J"}]
    monkeypatch.delitem(sys.modules, "ipykernel")
    display.tell("16 images")
    assert capsys.readouterr() == ("", "16 images\n")
