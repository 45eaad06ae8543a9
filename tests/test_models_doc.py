"""The document about models: every command in it runs, on files of those forms, and no option is left out."""

import re
from pathlib import Path

import pytest

from robustpose import estimators
from robustpose.estimators.function import Options
from tests.model_files import MAKERS

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "docs/reference/models.md"
PLACES = [ROOT / "README.md", ROOT / "docs/start.md", MODELS]  # where extras are named
# So that large networks take no time.
SMALL = {"hrnet_w32": "input=32x64", "higherhrnet_w32": "input=64", "pifpaf_shufflenetv2x2": "input=65"}
OWN = "\nfrom tests.outside_network import TwoLayers as Net\n"
# Whose options each section of docs/reference/models.md lists.
SECTIONS = {
    "ONNX and TFLite files": ["onnx:x", "tflite:x"],
    "Transformers": ["hf:x"],
    "Networks in PyTorch": ["hrnet_w32:x", "demo"],
    "Bottom-up": ["higherhrnet_w32:x", "pifpaf_resnet50:x"],
    "Callables": [None],
}


def read_flags() -> list[str]:
    """Return what the document writes as `--model …`, in its order."""
    return list(dict.fromkeys(re.findall(r"`(--model [^`]+[^`:])`", MODELS.read_text())))


def read_example(name: str) -> str:
    """Return a module in docs/reference/models.md."""
    (example,) = re.findall(rf"```python\n(# {name}\n.*?)```", MODELS.read_text(), re.DOTALL)
    return example


def read_options(section: str) -> dict[str, str]:
    """Return the default of each option in the tables of a section; words where it depends on something."""
    (text,) = re.findall(rf"\n## {section}\n(.*?)(?=\n## |\Z)", MODELS.read_text(), re.DOTALL)
    options = {}
    for names, default in re.findall(r"^\| (`\w+=`(?:, `\w+=`)*) \| ([^|]*) \|", text, re.MULTILINE):
        names, values = re.findall(r"`(\w+)=`", names), re.findall(r"`([^`]*)`", default)
        options.update(zip(names, values if len(values) == len(names) else [""] * len(names), strict=True))
    return options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that is filled with the files that commands name, when they do."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "mypose.py").write_text(read_example("mypose.py") + OWN)
    (folder / "mymodel.py").write_text(read_example("mymodel.py"))
    return folder


def make_files(folder, flag):
    """Make the files that a command names, and those that the module of callables does."""
    if "mypose:" in flag:
        flag += " hf:usyd-community/vitpose-base-simple"
    for name in re.findall(r"[a-z_0-9]+:(?:[A-Za-z]+:)?([^ ]+)", flag):
        path = folder / name
        if not path.exists() and not (name.isidentifier() and re.search(r"mypose:|mymodel:", flag)):
            path.parent.mkdir(parents=True, exist_ok=True)
            MAKERS[name](path)


def test_every_row_of_the_table_has_a_command():
    (table,) = re.findall(r"\n\| your model \| the flag \|\n\|---\|---\|\n((?:\|.*\n)+)", MODELS.read_text())
    rows = table.splitlines()
    assert len(rows) > 15
    assert [row for row in rows if "`--model " not in row] == [row for row in rows if "as above" in row]


def test_extras_and_parts_that_documents_name_exist():
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    named = {
        word
        for path in PLACES
        for words in re.findall(r"['`](?:\.|robustpose)?\[([\w,]+)\]['`]", path.read_text())
        for word in words.split(",")
    }
    assert {"onnx", "tflite", "hf"} <= named <= extras


@pytest.mark.filterwarnings("ignore:mask=127 paints", "ignore:model 'regression.onnx' gives no confidences")
@pytest.mark.parametrize("flag", read_flags())
def test_command_of_the_documents_runs(flag, folder, run, monkeypatch, tmp_path):
    make_files(folder, flag)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    small = SMALL.get(flag.split()[1].partition(":")[0])
    words = [*flag.split(), *(["--model-set", small] if small else []), "--out", str(tmp_path / "out")]
    few = ["--data", "toy", "--limit", "2", "--corruptions", "none", "--resamples", "0", "--workers", "1"]
    code, _, errors = run("bench", *words, *few)
    assert code == 0, errors
    assert (tmp_path / "out/predictions/clean.json").is_file()


@pytest.mark.parametrize("section", SECTIONS)
def test_all_options_are_listed_with_their_defaults(section):
    listed, fields = read_options(section), {}
    for spec in SECTIONS[section]:
        fields |= (Options if spec is None else estimators.options_of(spec)).model_fields
    assert listed.keys() == fields.keys()
    for name, field in fields.items():
        if field.default is not None and listed[name]:
            assert listed[name] == str(field.default).lower(), name
