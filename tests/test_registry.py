import pytest

from robustpose import registry
from robustpose.errors import UserError

TABLE = {"path": "pathlib:Path"}


def test_short_name_gives_the_object_of_the_table():
    from pathlib import Path

    assert registry.load("path", TABLE) is Path


def test_dotted_path_gives_the_object_behind_it():
    import json

    assert registry.load("json:dumps") is json.dumps


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pth", r"unknown name 'pth' \(did you mean 'path'\?\)"),
        ("no_such_module:x", "there is no module 'no_such_module'"),
        ("json:dump_", "'json' has no 'dump_' .*did you mean"),
        (":x", "unknown name"),
    ],
)
def test_wrong_name_is_an_error_that_helps(name, message):
    with pytest.raises(UserError, match=message):
        registry.load(name, TABLE)
