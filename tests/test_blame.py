"""What the code of others raises, wherever it is called, is one line with its file and line."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from robustpose import estimators, metrics, models, registry
from robustpose.blame import blaming, find_blame
from robustpose.cli.failures import tell_failure
from robustpose.corruptions import corrupt
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.evaluation import evaluate, predict
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame
from robustpose.processes import run_in_processes
from tests.scenes import draw_scene

NUMBERS = itertools.count()
FRAME = Frame(5, lambda: draw_scene(40, 50), np.array([[5.0, 5, 30, 30]]))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A function that writes a module of somebody's own in the working folder, and returns its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write_module(text: str) -> str:
        name = f"mine{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return name

    return write_module


def message_of(call: Callable[[], Any]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "happened"),
    [
        ("return {}['x']", "raised KeyError: 'x'"),
        ("raise ValueError('two\\nlines')", "raised ValueError: two lines"),
        ("assert boxes is None", "raised AssertionError"),
        ("return go(image, boxes)", "raised RecursionError: maximum recursion depth exceeded"),
        ("raise MemoryError", "raised MemoryError"),
        ("raise StopIteration", "raised StopIteration"),
        ("open('nowhere.npz')", "raised FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.npz'"),
        ("import sys; sys.exit(0)", "ended the program: exit(0)"),
        ("raise SystemExit", "ended the program: exit()"),
        ("import json; json.loads('{')", "raised JSONDecodeError: Expecting property name enclosed in double quotes: "
         "line 1 column 2 (char 1)"),
    ],
)  # fmt: skip
def test_callable_that_raises_is_named_with_its_file_and_line(
    write: Callable[[str], str], body: str, happened: str
) -> None:
    name = write(f"x = 1\ndef go(image, boxes):\n    {body}\n")
    estimator = estimators.build(f"{name}:go", COCO, {})
    message = message_of(lambda: predict([FRAME], estimator))
    assert message == f"estimator '{name}:go' {happened} ({name}.py, line 3, in go)"


def test_ctrl_c_in_the_code_of_others_is_ctrl_c(write: Callable[[str], str]) -> None:
    name = write("def go(image, boxes):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        predict([FRAME], estimators.build(f"{name}:go", COCO, {}))


@pytest.mark.parametrize("kind", ["GeneratorExit", "BaseException"])
def test_whatever_else_is_raised_is_a_line(write: Callable[[str], str], kind: str) -> None:
    name = write(f"def go(image, boxes):\n    raise {kind}\n")
    message = message_of(lambda: predict([FRAME], estimators.build(f"{name}:go", COCO, {})))
    assert message == f"estimator '{name}:go' raised {kind} ({name}.py, line 2, in go)"


def test_generator_of_ours_that_is_closed_inside_is_nobodys_fault() -> None:
    def count() -> Iterator[int]:
        with blaming("nobody"):
            yield 1

    numbers = count()
    next(numbers)
    numbers.close()


def test_error_that_cannot_be_printed_and_one_without_end_are_short(write: Callable[[str], str]) -> None:
    text = "class E(Exception):\n    def __str__(self): raise E\ndef go(i, b): raise E\ndef far(i, b): raise E2\n"
    name = write(text + "class E2(Exception):\n    def __str__(self): return 'x' * 10**6\n")
    for attribute in ("go", "far"):
        estimator = estimators.build(f"{name}:{attribute}", COCO, {})
        assert len(message_of(lambda of=estimator: predict([FRAME], of))) < 500


@pytest.mark.parametrize(
    ("text", "happened"),
    [
        ("def go(:\n", "cannot be read: invalid syntax (NAME.py, line 1)"),
        ("x = 1\n\ty = 2\n", "cannot be read: unexpected indent (NAME.py, line 2)"),
        ("x = 1\n1 / 0\n", "raised ZeroDivisionError: division by zero (NAME.py, line 2)"),
        ("import sys\nsys.exit(3)\n", "ended the program: exit(3) (NAME.py, line 2)"),
        ("raise ModuleNotFoundError('x')\n", "raised ModuleNotFoundError: x (NAME.py, line 1)"),
        ("def __getattr__(name): raise OSError(name)\n", "raised OSError: go (NAME.py, line 1, in __getattr__)"),
    ],
)
def test_module_that_cannot_be_imported_is_named_with_its_line(
    write: Callable[[str], str], text: str, happened: str
) -> None:
    name = write(text)
    message = message_of(lambda: registry.load(f"{name}:go", kind="model"))
    assert message.removeprefix(f"model '{name}:go'").removeprefix(f": module '{name}'") == (
        " " + happened.replace("NAME", name)
    )


def test_name_of_a_file_is_told_how_to_name_the_module(write: Callable[[str], str]) -> None:
    name = write("go = 1\n")
    assert message_of(lambda: registry.load(f"{name}.py:go")).endswith(f"leave out .py, {name}:…")
    assert message_of(lambda: registry.load(f"./{name}:go")).endswith("expected package.module:attr, no path")


@pytest.mark.parametrize(
    ("open_kind", "what", "how"),
    [
        (lambda name: metrics.make_metric(name, COCO), "metric", "a function of the skeleton"),
        (lambda name: models.build(name, 3), "network", "a function of the number of joints"),
        (lambda name: corrupt(draw_scene(40, 50), name, 1), "corruption", "f(image, severity, rng)"),
        (lambda name: predict([FRAME], estimators.build(name, COCO, {})), "estimator", "f(image, boxes)"),
    ],
)
def test_every_kind_of_others_is_named(
    write: Callable[[str], str], open_kind: Callable[[str], Any], what: str, how: str
) -> None:
    name = write("def fails(*given):\n    raise KeyError('b')\ndef takes_nothing(): pass\n")
    place = f"({name}.py, line 2, in fails)"
    assert message_of(lambda: open_kind(f"{name}:fails")) == f"{what} '{name}:fails' raised KeyError: 'b' {place}"
    message = message_of(lambda: open_kind(f"{name}:takes_nothing"))
    assert message.startswith(f"{what} '{name}:takes_nothing' cannot be called as {how}: takes_nothing() takes 0 pos")


DATASET = """
import numpy as np
from robustpose import Frame, Truth
from robustpose.pose.skeletons import COCO
class Data:
    skeleton, metric = COCO, "coco_ap"
    def __len__(self): return 1
    def read(self): return np.zeros((40, 50, 3), np.uint8)
    def frame(self, index): return Frame(index, self.read, np.array([[5.0, 5, 30, 30]]))
    def truth(self, index):
        return Truth(index, np.ones((1, 17, 2)), np.full((1, 17), 2), np.ones(1), np.ones((1, 4)), np.zeros(1, bool))
class Mine(Data):
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def __len__(self): raise KeyError(1)", "MINE raised KeyError: 1 (NAME.py, line 13, in __len__)"),
        ("def __len__(self): return -1", "MINE: the number of images must be at least 0, got -1"),
        ("def __len__(self): return 2.5", "MINE raised TypeError: 'float' object cannot be"),
        ("def frame(self, index): 1 / 0", "MINE raised ZeroDivisionError: division by zero (NAME.py, line 13"),
        ("def frame(self, index): pass", "MINE: frame() must return a Frame, got NoneType"),
        ("def truth(self, index): pass", "MINE: truth() must return a Truth, got NoneType"),
        ("def read(self): 1 / 0", "image 0 of MINE raised ZeroDivisionError: division by zero (NAME.py, li"),
        ("def read(self): pass", "image 0 must be (H, W, 3) uint8 RGB, got NoneType"),
        ("skeleton = 3", "MINE must have a Skeleton as its 'skeleton', got int"),
        ("metric = 3", "MINE must have a str as its 'metric', got int"),
        ("warnings = 3", "MINE: warnings must be a list of texts, got int"),
        ("provenance = {'a': object}", "MINE: provenance must be a dict of texts and numbers: Object of"),
        ("def __init__(self, x): pass", "MINE cannot be called as a function without arguments: Mine.__in"),
    ],
)  # fmt: skip
def test_dataset_that_fails_or_gives_something_else_is_named(
    write: Callable[[str], str], body: str, message: str
) -> None:
    name = write(DATASET + f"    {body}\n")

    def open_and_evaluate() -> None:
        evaluate(DataSpec(name=f"{name}:Mine").open(), estimators.build("tests.outside:guess_from_pixels", COCO, {}))

    assert message_of(open_and_evaluate).startswith(
        message.replace("MINE", f"dataset '{name}:Mine'").replace("NAME", name)
    )


def module_of_others(text: str) -> ModuleType:
    module = ModuleType("others")
    exec(compile(text, "/projects/others.py", "exec"), module.__dict__)
    return module


def caught(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing is raised")


def test_fault_of_ours_that_others_came_upon_stays_ours() -> None:
    others = module_of_others("def go(call): return call()\n")
    break_ours = partial(others.go, partial(Frame.image.func, 3))
    with pytest.raises(AttributeError), blaming("estimator 'others:go'"):
        break_ours()
    assert find_blame(caught(break_ours)) is None


def test_what_comes_up_elsewhere_is_told_by_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    others = module_of_others("import json\ndef go(): return json.loads('{')\ndef items():\n    yield next(iter(()))\n")
    for call, where in ((others.go, "line 2, in go"), (lambda: list(others.items()), "line 4, in items")):
        assert tell_failure(caught(call)) == 2
        assert capsys.readouterr().err.rstrip().endswith(f"(/projects/others.py, {where})")


def test_libraries_alone_are_not_blamed() -> None:
    error = caught(lambda: json.loads("{"))
    assert error.__traceback__ is not None
    assert find_blame(error.with_traceback(error.__traceback__.tb_next.tb_next)) is None  # type: ignore[union-attr]


def prepare_nothing() -> None:
    """Open nothing."""


def fail_in_a_worker(opened: None, task: str) -> Any:
    """Do what a task says."""
    yield exec(compile(task, "/projects/others.py", "exec"), {})


def test_what_a_worker_comes_upon_keeps_its_file_and_line() -> None:
    message = r"^your code ended the program: exit\(0\) \(/projects/others\.py, line 1\)$"
    with pytest.raises(UserError, match=message):
        list(run_in_processes(prepare_nothing, fail_in_a_worker, ["import sys; sys.exit(0)"], 1))
