"""Changes: what differs between two setups is said by the names of files."""

import pytest

from robustpose.changes import find_changes, keep_known, list_changes, take_in, tell_files_apart

SINCE = " since this run was begun"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ({"code": {"net.py": "a"}}, {"code": {"net.py": "b"}}, "net.py has changed"),
        ({"code": {"net.py": "a"}}, {"code": {"net.py": "a", "new.py": "b"}}, "new.py has come in"),
        ({"code": {"net.py": "a", "old.py": "b"}}, {"code": {"net.py": "a"}}, "old.py is not used any more, as it was"),
        ({"metric_code": {"m.py": "a"}}, {"metric_code": {"m.py": "b"}}, "m.py has changed"),
        ({"state": {"net": "a"}}, {"state": {"net": "b"}}, "net of what is benched has changed"),
        ({"corruption_code": {"c:f": {"c.py": "a"}}}, {"corruption_code": {"c:f": {"c.py": "b"}}}, "c.py has changed"),
        ({"name": "m.onnx", "sha256": "a"}, {"name": "m.onnx", "sha256": "b"}, "m.onnx has changed"),
        ({"external_data": {"m.data": "a"}}, {"external_data": {"m.data": "b"}}, "m.data has changed"),
        (
            {"files": {"fog-1.json": "a"}, "sha256": "c"},
            {"files": {"fog-1.json": "b"}, "sha256": "d"},
            "fog-1.json has changed",
        ),
        (
            {"sigmas_from": "s.yaml", "skeleton_sha256": "a"},
            {"sigmas_from": "s.yaml", "skeleton_sha256": "b"},
            "s.yaml has changed",
        ),
        (
            {"boxes_file": "b.json", "boxes_sha256": "a"},
            {"boxes_file": "b.json", "boxes_sha256": "b"},
            "b.json has changed",
        ),
        ({"frost_textures": "folder:a"}, {"frost_textures": "folder:b"}, "the frost textures have changed"),
        ({"image_files_sha256": "a"}, {"image_files_sha256": "b"}, "the image files have changed"),
    ],
)
def test_change_is_said_by_name_and_nothing_else_is_left(old, new, line):
    for wrap in (dict, lambda tree: {"estimator": {"deep": tree}}):
        lines, *rest = find_changes(wrap(old), wrap(new))
        assert lines == [line + SINCE]
        assert rest == [{}, {}]
        assert find_changes(wrap(old), wrap(old))[0] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"skeleton_sha256": None}, {"skeleton_sha256": "a"}),
        ({}, {"external_data": {"m.data": "a"}}),
        ({}, {"state": {"net": "a"}}),
        ({"state": {"net": "a"}}, {"state": {"net": "a", "cache": "b"}}),
        ({"corruption_code": {}}, {"corruption_code": {"c:f": {"c.py": "b"}}}),
        ({"corruption_code": {"c:f": {"c.py": "b"}}}, {"corruption_code": {}}),
        ({"files": {"a.json": "1"}, "sha256": "x"}, {"files": {"a.json": "1", "b.json": "2"}, "sha256": "y"}),
        ({}, {"corruption_code": {}}),
        ({"boxes_file": "a.json", "boxes_sha256": "x"}, {"boxes_file": "b.json", "boxes_sha256": "x"}),
        (
            {"boxes_file": "a", "boxes_files": {"fog-1.json": "1"}, "boxes_sha256": "x"},
            {"boxes_file": "b", "boxes_files": {"fog-1.json": "1", "fog-2.json": "2"}, "boxes_sha256": "y"},
        ),
    ],
)
def test_what_an_old_note_leaves_open_or_what_comes_in_is_no_change(old, new):
    assert list_changes(old, new) == []


def test_other_detections_under_another_name_are_a_change():
    old = {"boxes_file": "a.json", "boxes_sha256": "x"}
    assert len(list_changes(old, {"boxes_file": "b.json", "boxes_sha256": "y"})) == 2
    assert list_changes({"boxes_file": "a.json"}, {"boxes_file": "b.json"}) == [
        "boxes_file: 'a.json' there, 'b.json' now"
    ]


@pytest.mark.parametrize("key", ["code", "metric_code"])
@pytest.mark.parametrize("broken", [None, 3, ["net.py"]])
def test_code_that_was_not_noted_may_have_changed(key, broken):
    old = {} if broken is None else {key: broken}
    assert "net.py, or what it uses, may have changed" in list_changes(old, {key: {"net.py": "a"}})[0]
    assert keep_known({}, {key: {"net.py": "a"}, "seed": 1}) == {"seed": 1}


def test_corruption_of_an_old_note_may_have_changed():
    assert "c.py, or what it uses, may have changed" in list_changes({}, {"corruption_code": {"c:f": {"c.py": "b"}}})[0]


@pytest.mark.parametrize("value", [3, None, "text", ["a"], {"a": []}])
@pytest.mark.parametrize("key", ["code", "state", "corruption_code", "files", "external_data", "sha256", "dataset"])
def test_note_may_hold_anything(key, value):
    list_changes({key: value}, {key: {"a": "b"}})
    list_changes({key: {"a": "b"}}, {key: value})
    take_in({key: value}, {key: {"a": "b"}})


def test_other_values_are_compared_as_ever_and_come_first():
    lines = list_changes({"seed": 1, "code": {"net.py": "a"}}, {"seed": 2, "code": {"net.py": "b"}})
    assert lines == ["seed: 1 there, 2 now", "net.py has changed" + SINCE]
    assert list_changes({"name": "a", "sha256": "1"}, {"name": "b", "sha256": "2"})[0] == "name: 'a' there, 'b' now"


def test_note_takes_in_corruptions_and_files_and_keeps_the_rest():
    old = {
        "corruption_code": {"c:f": {"c.py": "a"}},
        "dataset": {"boxes_files": {"a": "1"}, "boxes_sha256": "x"},
        "old": 1,
    }
    new = {
        "corruption_code": {"c:g": {"c.py": "a"}},
        "dataset": {"boxes_files": {"b": "2"}, "boxes_sha256": "y"},
        "new": 2,
    }
    assert take_in(old, new) == {
        "corruption_code": {"c:f": {"c.py": "a"}, "c:g": {"c.py": "a"}},
        "dataset": {"boxes_files": {"a": "1", "b": "2"}, "boxes_sha256": "x"},
        "old": 1,
    }
    assert take_in(old, {}) == old


def test_versions_of_libraries_do_not_tell_files_apart():
    one, other = {"c.py": "0" * 64, "numpy": "2.1"}, {"c.py": "1" * 64, "numpy": "2.2"}
    assert tell_files_apart(one, other) == ["c.py"]
    assert tell_files_apart(one, {**one, "numpy": "3"}) == []
