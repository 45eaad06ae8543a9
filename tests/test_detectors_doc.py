"""The document about detectors: no option and no form is left out, and its callable runs."""

import re
from pathlib import Path

import numpy as np
import pytest

from robustpose import detectors
from robustpose.detectors.forms import FORMS
from robustpose.pose.types import Frame

TEXT = (Path(__file__).parents[1] / "docs/guides/detectors.md").read_text()


def read_options(section):
    """Return the names in the first column of the tables of a section, and in the one about every kind."""
    text = "".join(re.findall(rf"\n## (?:{section}|Which boxes)\n(.*?)(?=\n## |\Z)", TEXT, re.DOTALL))
    return {
        name for row in re.findall(r"^\| (`\w+=`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)=`", row)
    }


@pytest.mark.parametrize(
    ("section", "kinds"),
    [("ONNX and TFLite files", ["onnx", "tflite"]), ("Transformers", ["hf"]), ("Callables", ["a.module:attr"])],
)
def test_tables_have_all_options(section, kinds):
    options = {name for kind in kinds for name in detectors.options_of(kind).model_fields}
    assert read_options(section) == options


def test_table_has_all_forms():
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \| \(", TEXT, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == set(FORMS)


def test_callable_of_the_page_runs(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(# mydetector\.py\n.*?)```", TEXT, re.DOTALL)
    (tmp_path / "mydetector.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    frame = Frame("street", lambda: np.zeros((20, 30, 3), np.uint8))
    (found,) = detectors.build("mydetector:find", ["person"], {}).predict([frame])
    assert found.score.tolist() == [0.8]
