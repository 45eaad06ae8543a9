"""Sources: whatever the code of a module is in is known, wherever it lies, without running it."""

import importlib
import sys
from types import ModuleType

import pytest

from robustpose.sources import hash_code, hash_once, is_own

FILES = {
    "mine/__init__.py": "",
    "mine/net.py": "from .deep.layers import Layer\nimport helper\n\ndef predict():\n    from mine import lazy\n",
    "mine/lazy.py": "import importlib\nODD = importlib.import_module('mine.by_name')\nTWO = __import__('other')\n",
    "mine/by_name.py": "TABLE = 'table.npz'\n",
    "mine/table.npz": "numbers",
    "mine/unused.py": "",
    "mine/deep/__init__.py": "from . import beside\n",
    "mine/deep/beside.py": "",
    "mine/deep/layers.py": "from .. import above as a\n\nclass Layer: ...\n",
    "mine/above.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mine.deep.layers import Layer\n",
    "helper.py": "import json, numpy, yaml\nfrom robustpose.pose.types import Poses\n",
    "other.py": "this is no Python",
}
USED = sorted(set(FILES) - {"mine/unused.py", "mine/table.npz"} | {"table.npz"})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of somebody's, on Python's path."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def files(found):
    """Return the names of files, without versions of libraries."""
    return sorted(name for name, value in found.items() if len(value) == 64)


def test_code_is_the_file_its_packages_and_all_that_it_imports(project):
    found = hash_code(["mine.net"])
    assert files(found) == USED
    assert not {name for name in sys.modules if name.partition(".")[0] in ("mine", "helper", "other")}
    assert {"numpy", "PyYAML"} <= set(found)
    assert not {"json", "robustpose", "typing"} & set(found)


@pytest.mark.parametrize("name", USED)
def test_change_of_any_file_changes_its_own_hash_alone(project, name):
    before = hash_code(["mine.net"])
    path = next(project.rglob(name.rpartition("/")[2])) if name == "table.npz" else project / name
    path.write_text(path.read_text() + "\n# changed\n")
    after = hash_code(["mine.net"])
    assert [key for key in before if before[key] != after[key]] == [name]
    assert set(after) == set(before)


def test_place_and_times_of_files_do_not_count(project, tmp_path_factory, monkeypatch):
    before = hash_code(["mine.net"])
    monkeypatch.undo()
    moved = tmp_path_factory.mktemp("moved") / "another name"
    project.rename(moved)
    for path in moved.rglob("*.py"):
        path.touch()
    monkeypatch.syspath_prepend(moved)
    importlib.invalidate_caches()
    assert hash_code(["mine.net"]) == before


def test_modules_whose_names_are_made_while_running_are_all_of_the_package(project):
    (project / "mine/net.py").write_text(
        "import importlib\n\ndef load(name):\n    importlib.import_module('mine.' + name)\n"
    )
    assert "mine/unused.py" in hash_code(["mine.net"])


def test_single_file_finds_what_lies_beside_it_though_nobody_can_import_that_yet(tmp_path, monkeypatch):
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/single.py").write_text("def f():\n    import neighbour_of_single\n")
    (tmp_path / "alone/neighbour_of_single.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert files(hash_code(["alone.single"])) == ["alone/single.py", "neighbour_of_single.py"]


def test_modules_that_import_each_other_and_ones_that_are_not_there_end(project):
    (project / "helper.py").write_text("import mine.net, not_there, mine.not_there\nfrom .. import beyond\n")
    assert set(files(hash_code(["mine.net"]))) == set(USED)


@pytest.mark.parametrize("name", ["json", "robustpose.evaluation", "builtins", "not_there", "a..b"])
def test_what_is_nobodys_has_no_files(name):
    assert hash_code([name]) == {}
    assert not is_own(name)


def test_library_that_is_named_is_known_by_its_version_and_what_was_installed():
    found = hash_code(["yaml"])
    assert list(found) == ["PyYAML"]
    assert len(found["PyYAML"].split()) == 2


def test_file_is_read_once_while_it_is_the_same(tmp_path, monkeypatch):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"one")
    first = hash_once(path)
    with monkeypatch.context() as patch:
        patch.setattr("robustpose.sources.hash_file", lambda path: pytest.fail("read again"))
        assert hash_once(path) == first
    path.write_bytes(b"two and more")
    assert hash_once(path) != first


def test_script_is_known_by_its_file(tmp_path, monkeypatch):
    script = ModuleType("__main__")
    script.__file__ = str(tmp_path / "script.py")
    (tmp_path / "script.py").write_text("import json")
    monkeypatch.setitem(sys.modules, "__main__", script)
    assert list(hash_code(["__main__"])) == ["script.py"]
