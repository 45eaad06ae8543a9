"""Files of every form that models come in, as small as they can be: right in form, and finding people in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robustpose.pose.skeletons import COCO
from tests.conftest import make_onnx

K = COCO.n_joints
STANDING = np.random.default_rng(5).uniform(0.3, 0.7, (K, 2))  # x, y in 0..1


def make_constant_onnx(
    path: Path, input_shape: tuple[int | str, ...], outputs: Mapping[str, npt.NDArray[np.float32]]
) -> None:
    """Write a network that gives the same for every image, but for a little that depends on its mean.

    Outputs have one row, which is repeated for each image of a batch.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    tensors, declared = [numpy_helper.from_array(np.array([1e-6], np.float32), "little")], []
    nodes.append(helper.make_node("Mul", ["mean", "little"], ["change"]))
    for name, array in outputs.items():
        tensors.append(numpy_helper.from_array(array.astype(np.float32), f"{name}_of_all"))
        tensors.append(numpy_helper.from_array(np.array([-1, *[1] * (array.ndim - 1)], np.int64), f"{name}_sides"))
        nodes.append(helper.make_node("Reshape", ["change", f"{name}_sides"], [f"{name}_change"]))
        nodes.append(helper.make_node("Add", [f"{name}_of_all", f"{name}_change"], [name]))
        shape = [input_shape[0], *array.shape[1:]]
        declared.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, list(input_shape))
    graph = helper.make_graph(nodes, "toy", [given], declared, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


def make_simcc(path: Path) -> None:
    """Write a network of 256 × 192 px and two bins a px."""
    bins = {"simcc_x": 2 * 192, "simcc_y": 2 * 256}
    outputs = {name: np.zeros((1, K, n), np.float32) for name, n in bins.items()}
    for axis, row in enumerate(outputs.values()):
        row[0, np.arange(K), (STANDING[:, axis] * row.shape[2]).astype(int)] = 0.5
    make_constant_onnx(path, ("batch", 3, 256, 192), outputs)


def make_movenet(path: Path) -> None:
    """Write a network of one person's coordinates: y, x and score."""
    points = np.concatenate([STANDING[:, ::-1], np.full((K, 1), 0.5)], axis=1)
    make_constant_onnx(path, (1, 192, 192, 3), {"keypoints": points[None, None]})


def make_regression(path: Path) -> None:
    """Write a network of one person's coordinates: x and y."""
    make_constant_onnx(path, ("batch", 3, 64, 48), {"joints": STANDING[None]})


def make_movenet_tflite(path: Path) -> None:
    """Write the same as a TFLite file, made of its flatbuffer's parts."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    points = np.concatenate([STANDING[:, ::-1], np.full((K, 1), 0.5)], axis=1)[None, None]
    one = np.zeros((1, 1, 1, 1))
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [], []
    graph.tensors, graph.operators = [], []
    image = _add_tensor(model, "image", np.zeros((1, 192, 192, 3)))
    axes = _add_tensor(model, "axes", np.array([1, 2, 3], np.int32), is_constant=True)
    little = _add_tensor(model, "little", one + 1e-6, is_constant=True)
    of_all = _add_tensor(model, "of_all", points, is_constant=True)
    mean, change, found = (_add_tensor(model, *t) for t in (("mean", one), ("change", one), ("keypoints", points)))
    keep = schema.ReducerOptionsT()
    keep.keepDims = True
    _add_operator(model, "MEAN", keep, [image, axes], mean)
    _add_operator(model, "MUL", schema.MulOptionsT(), [mean, little], change)
    _add_operator(model, "ADD", schema.AddOptionsT(), [of_all, change], found)
    graph.inputs, graph.outputs = [image], [found]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def _add_tensor(model: Any, name: str, array: npt.NDArray[Any], is_constant: bool = False) -> int:
    """Add a tensor of an array's shape to a TFLite model, with its numbers if these are constant; return its index."""
    from ai_edge_litert import schema_py_generated as schema

    array = array if array.dtype == np.int32 else array.astype(np.float32)
    tensor, buffer = schema.TensorT(), schema.BufferT()
    tensor.name, tensor.shape, tensor.buffer = name, list(array.shape), len(model.buffers)
    tensor.type = schema.TensorType.INT32 if array.dtype == np.int32 else schema.TensorType.FLOAT32
    if is_constant:
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
    return tensor.buffer


def _add_operator(model: Any, name: str, options: Any, inputs: list[int], output: int) -> None:
    """Add an operator to a TFLite model; its options are of a class such as MulOptionsT."""
    from ai_edge_litert import schema_py_generated as schema

    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes), inputs, [output]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    operator.builtinOptions = options
    model.operatorCodes.append(code)
    model.subgraphs[0].operators.append(operator)


def make_movenet_multipose(path: Path) -> None:
    """Write a network of six people: y, x and score of joints; a box, and a score."""
    points = np.concatenate([STANDING[:, ::-1], np.full((K, 1), 0.5)], axis=1).ravel()
    people = np.stack([[*points, 0.3, 0.3, 0.7, 0.7, score] for score in (0.5, 0.1, 0, 0, 0, 0)])
    make_constant_onnx(path, (1, 256, 256, 3), {"people": people[None]})


def make_yolo(path: Path, suppressed: bool = False) -> None:
    """Write a network of rows for 128 px: as it is trained, or as it is exported with suppression inside."""
    side, n_rows = 128, 5 if suppressed else 16 * 16 + 8 * 8 + 4 * 4
    joints = np.concatenate([STANDING * side, np.full((K, 1), 0.5)], axis=1).ravel()
    box = [32, 32, 96, 96] if suppressed else [64, 64, 64, 64]
    row = [*box, 0.5, *([0] if suppressed else []), *joints]
    rows = np.zeros((1, n_rows, len(row)))
    rows[0, 0] = row
    make_constant_onnx(path, (1, 3, side, side), {"output0": rows if suppressed else rows.transpose(0, 2, 1)})


def make_rtmo(path: Path) -> None:
    """Write a network of boxes and of joints."""
    joints = np.concatenate([STANDING * 128, np.full((K, 1), 0.5)], axis=1)
    boxes = np.array([32, 32, 96, 96, 0.5])
    make_constant_onnx(path, (1, 3, 128, 128), {"dets": boxes[None, None], "keypoints": joints[None, None]})


def make_official(path: Path, network: str) -> None:
    """Write the weights of one of our networks, all the same, as their authors do: one number, and shapes."""
    import torch

    from tests.networks import outline

    number = torch.tensor(0.0)
    torch.save({name: number.expand(tensor.shape) for name, tensor in outline(network).state_dict().items()}, path)


def make_pifpaf(path: Path) -> None:
    """Write the weights of a PifPaf as `convert-pifpaf` does."""
    import torch

    from robustpose.models.weights import save_weights
    from robustpose.models.zoo import make_input_spec
    from tests.networks import outline

    network = outline("pifpaf_shufflenetv2x2").to_empty(device="cpu")
    for tensor in network.state_dict().values():
        torch.zero_(tensor)
    save_weights(network, make_input_spec("pifpaf_shufflenetv2x2", COCO), path)


def make_own_network(path: Path) -> None:
    """Write the weights of a network of somebody's own as training does."""
    from robustpose.models.input_spec import InputSpec
    from robustpose.models.weights import save_weights
    from tests.outside_network import TwoLayers

    save_weights(TwoLayers(K), InputSpec("mypose:Net", (48, 64), COCO.joints), path)


def make_results(path: Path) -> None:
    """Write results of the first two clean toy images."""
    path.mkdir()
    row = {"category_id": 1, "score": 0.5, "keypoints": [9.0, 9.0, 0.5] * K}
    (path / "clean.json").write_text(json.dumps([{"image_id": number, **row} for number in (1, 2)]))


def make_vitpose(path: Path, experts: int = 1) -> None:
    """Write a folder as transformers saves a ViTPose, or a ViTPose++."""
    from tests import hub_models

    hub_models.make_vitpose(path, experts=experts, labels=hub_models.NAMES)


def make_sapiens2(path: Path) -> None:
    """Write a folder as transformers saves a Sapiens2, which names more joints than COCO has."""
    from tests import hub_models

    names = ("left_heel", *COCO.joints, "right_heel")
    hub_models.make_sapiens2(path, n_joints=len(names))
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "id2label": dict(enumerate(names))}))


MAKERS: dict[str, Callable[[Path], Any]] = {
    "net.onnx": make_onnx,
    "hrnet_w32_udp.onnx": make_onnx,
    "rtmpose-m.onnx": make_simcc,
    "movenet_thunder.onnx": make_movenet,
    "regression.onnx": make_regression,
    "movenet_lightning.tflite": make_movenet_tflite,
    "movenet_multipose.onnx": make_movenet_multipose,
    "yolo11n-pose.onnx": make_yolo,
    "yolo11n-pose-nms.onnx": partial(make_yolo, suppressed=True),
    "rtmo-s.onnx": make_rtmo,
    "pose_hrnet_w32_256x192.pth": partial(make_official, network="hrnet_w32"),
    "pose_higher_hrnet_w32_512.pth": partial(make_official, network="higherhrnet_w32"),
    "pifpaf.safetensors": make_pifpaf,
    "net.safetensors": make_own_network,
    "results": make_results,
    "usyd-community/vitpose-base-simple": make_vitpose,
    "usyd-community/vitpose-plus-base": partial(make_vitpose, experts=6),
    "facebook/sapiens2-pose-0.4b": make_sapiens2,
}
