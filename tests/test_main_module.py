import os
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

from robustpose.main_module import explain_no_main, names_main, without_main

TASKS = """
from functools import partial
from robustpose.processes import run_in_processes
{own}
print(sorted(run_in_processes({prepare}, {do}, ["fog", "rain"], 2)))
"""


def execute(words, tmp_path, way):
    """Run a program in one of the ways in which people do."""
    script = tmp_path / "script.py"
    script.write_text(words)
    command = {"script": [script], "-c": ["-c", words], "stdin": ["-"]}[way]
    given = words if way == "stdin" else None
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run([sys.executable, *map(str, command)], input=given, capture_output=True, text=True, env=here)


def do(opened, task):
    yield f"{opened} {task}"


@pytest.mark.parametrize("way", ["-c", "stdin"])
def test_processes_start_from_a_program_without_guard_that_is_not_run_again(way, tmp_path):
    words = TASKS.format(own="print('once')", prepare="partial(str, 'x')", do="do").replace(
        "import run_in_processes", "import run_in_processes\nfrom tests.test_main_module import do"
    )
    done = execute(words, tmp_path, way)
    assert done.stderr == ""
    assert done.stdout.split("\n")[:2] == ["once", "['x fog', 'x rain']"]


def test_what_is_of_the_main_module_is_told_from_what_is_not():
    def named(name):
        made = type(name, (), {"__module__": name})
        return made()

    assert not names_main(do, [1, "fog"])
    assert names_main(do, ["__main__:fog"])
    with pytest.raises(Exception, match="pickle"):
        names_main(named("elsewhere"))


def test_main_module_is_back_after_the_block_even_after_an_error():
    before = sys.modules["__main__"]
    seen = []

    def fail():
        seen.append(sys.modules["__main__"])
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"), without_main():
        fail()
    assert seen != [before]
    assert sys.modules["__main__"] is before


GUARDED = """
from robustpose.main_module import explain_no_main
def ask():
    print(explain_no_main())
{guard}
    ask()
"""


@pytest.mark.parametrize(
    ("guard", "way", "answer"),
    [
        ("if __name__ == '__main__':", "script", "None"),
        ("if '__main__' == __name__ and True:", "script", "None"),
        ("if True:", "script", "they would run script.py again (put the call below if __name__ =="),
        (
            "if __name__ == '__main__':",
            "-c",
            "it is in no file (write it into a file, such as mine.py, and import it from there)",
        ),
        (
            "if __name__ == '__main__':",
            "stdin",
            "it is in no file (write it into a file, such as mine.py, and import it from there)",
        ),
    ],
)
def test_script_can_be_imported_where_its_calls_are_guarded(guard, way, answer, tmp_path):
    assert execute(GUARDED.format(guard=guard), tmp_path, way).stdout.startswith(answer)


def test_pytest_can_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", import_module("pytest.__main__"))  # not that of a helping process
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert explain_no_main() is None
