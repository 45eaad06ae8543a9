"""Examples in docstrings: every public name has one, and each runs."""

import doctest
import inspect
import warnings

import pytest

import robustpose

NAMES = [name for name in robustpose.__all__ if name != "__version__"]


def find_docstring(name):
    """Return the docstring of a public name; of an object, that of its class."""
    thing = getattr(robustpose, name)
    return (thing if inspect.isclass(thing) or inspect.isfunction(thing) else type(thing)).__doc__ or ""


@pytest.mark.parametrize("name", NAMES)
def test_example_of_a_public_name_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = find_docstring(name)
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
