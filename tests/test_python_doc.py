"""docs/reference/python.md: arguments that it names exist. Its blocks are run by tests/test_documents.py."""

import inspect
import re
import typing
from dataclasses import fields
from pathlib import Path

import robustpose
from robustpose.data.spec import DataSpec

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/python.md"


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
