"""Files of networks to test with: ONNX files with given outputs, and with any kind of input; a TFLite file."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH = 64, 48  # of inputs, px


def make_outputs(path, *outputs, image=("image", (3, HEIGHT, WIDTH), "float32"), inputs=1, batch=1, most=9):
    """Write a network whose outputs (name, shape without batch, type) are noise, but for those called maps."""
    types = {
        name: getattr(TensorProto, name.upper().replace("FLOAT32", "FLOAT"))
        for name in ("float32", "float16", "uint8", "int32", "int64")
    }
    nodes, constants, infos = [], [], []
    for i, (name, shape, kind) in enumerate(outputs):
        noise = np.random.default_rng(i + 1).random((1, *shape)).astype(np.float32)
        if name == "maps":
            mix = np.random.default_rng(0).normal(size=(shape[0], 3, 1, 1)).astype(np.float32)
            constants.append(numpy_helper.from_array(mix, "mix"))
            nodes.append(helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]))
            nodes.append(helper.make_node("Conv", ["pooled", "mix"], [name]))
        else:
            constants.append(numpy_helper.from_array((noise * most).astype(kind), f"noise{i}"))
            nodes.append(helper.make_node("Identity", [f"noise{i}"], [name]))
        infos.append(helper.make_tensor_value_info(name, types[kind], [1, *shape]))
    images = [
        helper.make_tensor_value_info(image[0] + "_" * i, types[image[2]], [batch, *image[1]]) for i in range(inputs)
    ]
    graph = helper.make_graph(nodes, "g", images, infos, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return f"onnx:{path}"


def make_onnx_of_input(path, layout="nchw", kind="FLOAT", batch="batch", last=False):
    """Write a network of 17 joints' heatmaps that averages 4 x 4 px, for an input of a layout and a type of ONNX.

    With `last`, heatmaps have the joints last.
    """
    mix = np.random.default_rng(0).normal(size=(17, 3, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT)]
    shape, name = [batch, 3, HEIGHT, WIDTH], "real"
    if layout == "nhwc":
        shape, name = [batch, HEIGHT, WIDTH, 3], "first"
        nodes.append(helper.make_node("Transpose", ["real"], ["first"], perm=[0, 3, 1, 2]))
    nodes.append(helper.make_node("AveragePool", [name], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]))
    nodes.append(helper.make_node("Conv", ["pooled", "mix"], ["found" if last else "maps"]))
    if last:
        nodes.append(helper.make_node("Transpose", ["found"], ["maps"], perm=[0, 2, 3, 1]))
    sides = [HEIGHT // 4, WIDTH // 4]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", getattr(TensorProto, kind), shape)],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [batch, *([*sides, 17] if last else [17, *sides])])],
        [numpy_helper.from_array(mix, "mix")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return f"onnx:{path}"


def make_tflite(path, n_open=1, quantised=True, names=("image", "maps")):
    """Write a TFLite network of three joints, whose heatmaps, joints last, are the colours averaged over 4 x 4 px.

    Quantised, numbers 0..255 stand for -1..1, and batches are open with `n_open` -1.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def make_tensor(name, shape):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, [1, *shape], 0
        tensor.shapeSignature = [n_open, *shape]
        tensor.type = schema.TensorType.UINT8 if quantised else schema.TensorType.FLOAT32
        if quantised:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [2 / 255], [128]
        return tensor

    pool = schema.Pool2DOptionsT()
    pool.padding = schema.Padding.VALID
    pool.strideH = pool.strideW = pool.filterHeight = pool.filterWidth = 4
    operator = schema.OperatorT()
    operator.inputs, operator.outputs, operator.opcodeIndex = [0], [1], 0
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.Pool2DOptions, pool
    graph = schema.SubGraphT()
    graph.tensors = [make_tensor(names[0], [HEIGHT, WIDTH, 3]), make_tensor(names[1], [HEIGHT // 4, WIDTH // 4, 3])]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.AVERAGE_POOL_2D
    code.version = 2 if quantised else 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return f"tflite:{path}"
