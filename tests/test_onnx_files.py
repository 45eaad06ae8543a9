"""ONNX files: which other files they need is read from them, and none of those is anywhere else."""

import onnx
import pytest
from onnx import TensorProto, helper

from robustpose import UserError
from robustpose.estimators.onnx_files import list_external_files


def external(location, name="w"):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in (("offset", "0"), ("location", location), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def graph(*tensors, nodes=()):
    return helper.make_graph(nodes, "g", [], [], list(tensors))


def attribute(**given):
    return helper.make_node("If", [], [], **given)


MODELS = {
    "initializers": lambda: helper.make_model(graph(external("a"), external("b"), external("a"))),
    "constant": lambda: helper.make_model(graph(external("a"), nodes=[attribute(value=external("b"))])),
    "branch": lambda: helper.make_model(graph(nodes=[attribute(then_branch=graph(external("a"), external("b")))])),
    "branches": lambda: helper.make_model(
        graph(nodes=[attribute(graphs=[graph(external("a")), graph(external("b"))])])
    ),
    "tensors": lambda: helper.make_model(graph(nodes=[attribute(tensors=[external("a"), external("b")])])),
    "sparse": lambda: helper.make_model(
        helper.make_graph(
            [], "g", [], [], sparse_initializer=[onnx.SparseTensorProto(values=external("a"), indices=external("b"))]
        )
    ),
    "function": lambda: helper.make_model(
        graph(external("a")),
        functions=[
            helper.make_function("d", "f", [], [], [attribute(value=external("b"))], [helper.make_opsetid("", 13)])
        ],
    ),
}


def write(folder, model):
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


@pytest.mark.parametrize("name", MODELS)
def test_files_are_found_wherever_tensors_are(tmp_path, name):
    for file in ("a", "b"):
        (tmp_path / file).write_bytes(b"1234")
    assert list_external_files(write(tmp_path, MODELS[name]())) == [tmp_path / "a", tmp_path / "b"]


@pytest.mark.parametrize(
    "location", ["../a", "/etc/passwd", "deep/../../a", "C:\\a", "..\\a", "", "a\0b", "\\\\host\\a", "\x1b[31m/../a"]
)
def test_file_outside_of_the_folder_is_refused(tmp_path, location):
    path = write(tmp_path, helper.make_model(graph(external(location))))
    with pytest.raises(UserError, match="expected a file under its own folder") as error:
        list_external_files(path)
    assert str(error.value).isprintable()


def test_file_that_is_not_there_is_one_line(tmp_path):
    path = write(tmp_path, helper.make_model(graph(external("deep/a"))))
    with pytest.raises(
        UserError, match=r"says that its weights are in deep/a, and .*deep has no such file: put it there"
    ):
        list_external_files(path)


def test_no_file_is_read_beside_one_that_holds_all(onnx_file):
    assert list_external_files(onnx_file) == []


@pytest.mark.parametrize("cut", [0, 1, 5, 40, 70])
def test_what_is_no_onnx_file_names_none(tmp_path, cut):
    content = helper.make_model(graph(external("a" * 100))).SerializeToString()
    (tmp_path / "m.onnx").write_bytes(content[:cut])
    assert list_external_files(tmp_path / "m.onnx") == []
    (tmp_path / "m.onnx").write_bytes(bytes(255 - byte for byte in content))
    assert list_external_files(tmp_path / "m.onnx") == []


def test_messages_nested_without_end_are_no_onnx_file(tmp_path):
    def nest(number, message):
        size = len(message)
        return bytes([number << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + message

    (tmp_path / "a").write_bytes(b"1234")
    for depth, found in ((3, [tmp_path / "a"]), (120, [])):
        inner = nest(5, external("a").SerializeToString())
        for _ in range(depth):
            inner = nest(1, nest(5, nest(6, inner)))
        (tmp_path / "m.onnx").write_bytes(nest(7, inner))
        assert list_external_files(tmp_path / "m.onnx") == found
