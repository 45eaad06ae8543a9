"""Examples in docstrings: every public name has one, and each on the page of all names runs."""

import doctest
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest

import robustpose

PAGE = Path(__file__).parents[1] / "docs/reference/api.md"
NAMES = [name for name in robustpose.__all__ if name != "__version__"]


def find_docstring(name):
    """Return the docstring of a public name; of an object, that of its class."""
    thing = getattr(robustpose, name)
    return (thing if inspect.isclass(thing) or inspect.isfunction(thing) else type(thing)).__doc__ or ""


def list_further_examples():
    """Return the docstrings with examples, by names, of what else the page shows: other names, members of classes."""
    found = {}
    for name in re.findall(r"^::: ([\w.]+)", PAGE.read_text(), re.MULTILINE):
        module, _, attribute = name.rpartition(".")
        thing = getattr(importlib.import_module(module), attribute)
        if module != "robustpose":
            found[name] = thing.__doc__ or ""
        if inspect.isclass(thing):
            members = {key: member for key, member in vars(thing).items() if not key.startswith("_")}
            members = {key: getattr(member, "__func__", member) for key, member in members.items()}
            found |= {f"{name}.{key}": one.__doc__ or "" for key, one in members.items() if inspect.isfunction(one)}
    return {name: text for name, text in found.items() if ">>> " in text}


FURTHER = list_further_examples()


@pytest.mark.parametrize("name", [*NAMES, *FURTHER])
def test_example_on_the_page_of_names_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = FURTHER.get(name) or find_docstring(name)
    assert ">>>" in text, f"robustpose.{name} has no example"
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few images: every number is in doubt
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(example, out=told.append)
    assert not told, "".join(told)


def test_public_names_are_shown_and_found():
    assert sorted(robustpose.__all__) == dir(robustpose)
    for name in robustpose.__all__:
        assert getattr(robustpose, name) is not None
