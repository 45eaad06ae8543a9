"""Used names: the variables that code reads, told from attributes of the same name."""

import sys
import types

from robustpose.used_names import find_used
from tests import outside

SCALE, other, W = 1.0, 2.0, {"a": 0.5}


def used(source, **variables):
    names = {"__name__": "made", **variables}
    exec(source, names)
    return find_used(names["find"].__code__, names)


def test_attributes_are_not_taken_for_variables():
    assert used("def find(self):\n    return self.h + self.items()['h'] + S", S=1, h=2, items=3) == {"S": 1}


def test_code_inside_of_code_is_read_too():
    source = "def find(x):\n    class A:\n        y = S\n    return [(lambda: T)() for _ in x]"
    assert used(source, S=1, T=2, y=3) == {"S": 1, "T": 2}


def test_variables_of_modules_of_somebodys_own_are_found_and_those_of_libraries_are_not():
    assert used("def find(x):\n    return outside.guess_from_pixels(np.pi)", outside=outside, np=sys) == {
        "guess_from_pixels": outside.guess_from_pixels
    }


def test_variables_of_one_name_in_two_modules_are_both_found(tmp_path, monkeypatch):
    made = types.ModuleType("made_settings")
    (tmp_path / "made_settings.py").write_text("S = 1\n")
    made.__file__, made.S = str(tmp_path / "made_settings.py"), 5
    monkeypatch.setitem(sys.modules, "made_settings", made)
    found = used("def find(x):\n    return S + m.S", S=1, m=made)
    assert found == {"S": 1, "made_settings-S": 5}


def test_module_that_a_function_imports_counts_where_it_is_not_as_its_file_says(tmp_path, monkeypatch):
    (tmp_path / "lazy_settings.py").write_text("S = 1\nT = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    source = "def find(x):\n    import lazy_settings\n    return lazy_settings.S + lazy_settings.T"
    assert used(source) == {}  # not loaded yet, as it need not be in a worker process
    import lazy_settings

    assert used(source) == {}
    lazy_settings.S = 3
    assert used(source) == {"S": 3}
    del sys.modules["lazy_settings"]


def test_what_depends_on_the_moment_or_the_process_does_not_count(tmp_path):
    file = tmp_path / "timed.py"
    file.write_text("import os, time\nSTART = time.time()\nPID: int = os.getpid()\nS = float(os.environ['S'])\n")
    source = "def find(x):\n    return START + PID + S"
    assert used(source, START=1.0, PID=2, S=3.0, __file__=str(file)) == {"S": 3.0}
