"""docs/reference/python.md: every block of Python runs; arguments that are named exist."""

import inspect
import re
import sys
import typing
import warnings
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

import robustpose
from robustpose.data.spec import DataSpec

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/python.md"


def read_blocks(path: Path) -> list[str]:
    """Return the blocks of Python in a document."""
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """What the blocks of the page have defined, as the module of a program, and what they have printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("robustpose.cluster.engines.count_cores", lambda: 1)  # processes take seconds to start
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the code of 'page")  # it is in no file
        warnings.filterwarnings("ignore", message="AP on clean images is")
        warnings.filterwarnings("ignore", message="images of val_data are in train_data")
        for block in read_blocks(PAGE):
            exec(compile(block, str(PAGE), "exec"), vars(module))
    return module


def test_eight_blocks_run_one_after_the_other(page, capsys):
    assert len(read_blocks(PAGE)) == 8
    assert page.run.mPC is None
    assert list(page.own.corruptions) == ["fog", "contrast", "page:darken"]
    assert page.again.summary == page.run.summary


def test_arguments_that_the_page_names_exist():
    functions = robustpose.bench, robustpose.evaluate, robustpose.harden
    known = {name for function in functions for name in inspect.signature(function).parameters}
    known |= {*DataSpec.model_fields, *(field.name for field in fields(robustpose.InputSpec))}
    named = set(re.findall(r"`(\w+)=", PAGE.read_text()))
    assert named <= known


def test_public_names_are_listed():
    assert set(robustpose.__all__) <= set(dir(robustpose))
    for name in robustpose.__all__:
        assert getattr(robustpose, name) is not None
    assert typing.get_type_hints(robustpose.bench)["return"] is robustpose.Run
