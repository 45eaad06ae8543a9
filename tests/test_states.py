"""States: an object or function that is made otherwise is known to be another one."""

import functools
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from robustpose.contents import hash_network, hash_tensors
from robustpose.states import know, name_modules

ARRAY = np.arange(4.0)
NETWORK = nn.Linear(2, 2)


def uses_array(image, boxes):
    return _inner(image)


def _inner(image):
    return image + ARRAY


def uses_network(image, boxes):
    return NETWORK(image)


def scaled(image, boxes, scale=1.0):
    return image * scale


def make_closure(weights):
    def find(image, boxes):
        return image + weights

    return find


@dataclass
class Estimator:
    """An estimator of somebody's own."""

    network: object
    scale: float = 1.0
    place: str = "/home/somebody/project"
    more: object = None

    def predict(self, frames):
        return frames


class Layer(nn.Module):
    """A layer of somebody's own, with a buffer that is not saved."""

    def __init__(self, value):
        super().__init__()
        self.register_buffer("hidden", torch.full((2,), value), persistent=False)


def linear(seed, kind=torch.float32):
    torch.manual_seed(seed)
    return nn.Linear(2, 2).to(kind)


PAIRS = {
    "network": lambda n: Estimator(linear(n)),
    "bfloat16": lambda n: Estimator(linear(n, torch.bfloat16)),
    "argument": lambda n: Estimator(None, scale=n),
    "array": lambda n: Estimator(None, more=[{"deep": np.full(3, n)}]),
    "tensor": lambda n: Estimator(None, more=(torch.full((3,), n),)),
    "bytes": lambda n: Estimator(bytes([n])),
    "shape": lambda n: Estimator(np.zeros((2, 3) if n else (3, 2))),
    "type": lambda n: Estimator(np.zeros(2, [np.int32, np.float32][n])),
    "names": lambda n: Estimator({"ab"[n]: np.ones(1), "ba"[n]: np.zeros(1)}),
    "closure": lambda n: make_closure(np.full(2, n)),
    "number in a closure": make_closure,
    "partial": lambda n: functools.partial(scaled, scale=n),
    "method": lambda n: Estimator(linear(n)).predict,
    "cache": lambda n: functools.lru_cache(make_closure(np.full(2, n))),
    "hidden buffer": lambda n: Estimator(nn.Sequential(Layer(n))),
    "object in an object": lambda n: Estimator(Estimator(None, scale=n)),
    "words": lambda n: Estimator(None, more="ab"[n]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_made_otherwise_has_another_state_and_what_is_made_alike_the_same(name):
    make = PAIRS[name]
    one, same, other = (know(make(number)) for number in (0, 0, 1))
    assert one == same
    assert one.state != other.state
    assert one.code == other.code
    assert not one.doubts


@pytest.mark.parametrize(("function", "name"), [(uses_array, "ARRAY"), (uses_network, "NETWORK")])
def test_weights_in_globals_of_a_function_and_of_those_it_calls_are_known(monkeypatch, function, name):
    before = know(function)
    assert list(before.state) == [name]
    monkeypatch.setitem(globals(), name, np.zeros(2))
    assert know(function).state[name] != before.state[name]


def test_where_a_project_lies_is_no_part_of_it():
    assert know(Estimator(None, place="/a/b")) == know(Estimator(None, place="/another/place"))


def test_weights_in_a_file_that_an_object_names_are_known(tmp_path):
    def state():
        return know(Estimator(None, place=str(tmp_path / "w.onnx"), more=tmp_path / "w.pth")).state

    for name in ("w.onnx", "w.pth"):
        (tmp_path / name).write_bytes(b"1")
    before = state()
    (tmp_path / "w.onnx").write_bytes(b"2")
    assert {name for name, digest in state().items() if digest != before[name]} == {"place"}


def test_code_is_that_of_all_classes_and_functions_that_are_met():
    assert {"tests/test_states.py", "tests/__init__.py"} <= set(know(Estimator(scaled)).code)
    assert "tests/outside.py" in know(functools.partial(scaled, scale=sys.modules[__name__]), "tests.outside").code


def test_code_in_no_file_is_known_by_its_compiled_form_with_a_doubt():
    found = []
    for number in (1, 1, 2):
        names: dict = {"__name__": "__notebook__"}
        exec(f"def find(image, boxes):\n    return image + {number}", names)
        found.append(know(names["find"]))
    assert found[0] == found[1]
    assert found[0].code != found[2].code
    assert "'__notebook__.find' is in no file" in found[0].doubts[0]


def test_functions_of_one_name_that_exec_makes_in_a_module_are_told_apart():
    found = []
    for factor in (1, 2):
        names: dict = {"__name__": __name__}
        exec(f"def find(image): return image\ninner = find\ndef find(image): return inner(image) * {factor}", names)
        found.append(know(names["find"]).code)
    assert found[0]["tests/test_states.py"] == found[1]["tests/test_states.py"]
    assert found[0]["tests.test_states.find (in no file)"] != found[1]["tests.test_states.find (in no file)"]


def test_code_that_nobody_knows_is_a_doubt():
    assert "the code of 'len' is not known" in know(len).doubts[0]


def test_path_that_led_to_an_object_counts():
    found = Estimator(None)
    name_modules(found, "tests.outside:model")
    assert "tests/outside.py" in know(found).code
    assert know(found).state == know(Estimator(None)).state
    name_modules(len, "builtins:len")  # which takes no attributes


def test_hash_of_tensors_is_of_names_types_shapes_and_bytes():
    zeros = torch.zeros(2)
    variants = [{"a": zeros}, {"b": zeros}, {"a": zeros + 1}, {"a": zeros.double()}, {"a": zeros[None]}, {}]
    assert len({hash_tensors(tensors) for tensors in variants}) == len(variants)
    assert hash_tensors({"a": zeros, "b": zeros + 1}) == hash_tensors({"b": zeros + 1, "a": zeros.clone()})
    assert hash_network(linear(0)) == hash_network(linear(0)) != hash_network(linear(1))


LEVEL, WEIGHTS = 1.0, [0.0]


class Leveled:
    """A callable of somebody's own, with variables of its class."""

    K = 1.0

    def __call__(self, image, boxes):
        return image * self.K + LEVEL + WEIGHTS[0]

    def twin(self, image, boxes):
        return image


def levelled(image, boxes, gain=1.0, *, bias=0.0):
    return image * gain + bias


def change_default():
    levelled.__defaults__ = (0.5,)


def change_keyword():
    levelled.__kwdefaults__["bias"] = 0.5


SETTING = {
    "LEVEL": (Leveled(), lambda: globals().update(LEVEL=0.5)),
    "WEIGHTS": (Leveled(), lambda: globals().update(WEIGHTS=np.array([1.0]))),
    "Leveled": (Leveled(), lambda: setattr(Leveled, "K", 0.5)),
    "gain": (levelled, change_default),
    "bias": (levelled, change_keyword),
}


@pytest.mark.parametrize("name", SETTING)
def test_variables_that_are_set_while_a_program_runs_are_known(name, monkeypatch):
    found, change = SETTING[name]
    monkeypatch.setitem(globals(), "LEVEL", 1.0)
    monkeypatch.setitem(globals(), "WEIGHTS", [0.0])
    monkeypatch.setattr(Leveled, "K", 1.0)
    monkeypatch.setattr(levelled, "__defaults__", (1.0,))
    monkeypatch.setattr(levelled, "__kwdefaults__", {"bias": 0.0})
    before = know(found).state
    change()
    after = know(found).state
    assert [key for key in {**before, **after} if before.get(key) != after.get(key)] == [name]


def test_method_that_is_put_into_a_class_is_known(monkeypatch):
    before = know(Leveled()).state
    monkeypatch.setattr(Leveled, "__call__", Leveled.twin)
    assert know(Leveled()).state["Leveled"] != before["Leveled"]


def test_unrelated_variable_with_the_name_of_an_attribute_does_not_count(monkeypatch):
    before = know(Leveled()).state
    monkeypatch.setitem(globals(), "K", 5)
    assert know(Leveled()).state == before
