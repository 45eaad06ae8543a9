"""The document about detectors: no option and no form is left out."""

import re
from pathlib import Path

import pytest

from robustpose import detectors
from robustpose.detectors.forms import FORMS

TEXT = (Path(__file__).parents[1] / "docs/reference/detectors.md").read_text()


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
