"""Misnamed models: a file under the wrong prefix, a folder, or another program's is one line that names the way."""

import pytest

from robustpose import estimators
from robustpose.errors import UserError, nearest
from robustpose.pose.skeletons import COCO


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("nets/net.onnx", "vitpose/config.json", "empty/x.txt", "weights/hrnet.pth"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)


def refusal(spec):
    with pytest.raises(UserError) as caught:
        estimators.build(spec, COCO, {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


EXPORT = "(yolo export model=yolo11n-pose.pt format=onnx), then --model onnx:yolo11n-pose.onnx"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("yolo11n-pose.pt", f"unknown model 'yolo11n-pose.pt': it is PyTorch's: export it {EXPORT}"),
        ("onnx:a/yolo11n-pose.pt", f"onnx: does not read yolo11n-pose.pt: it is PyTorch's: export it {EXPORT}"),
        ("yolo:yolo11n-pose.pt", f"no module 'yolo' on the Python path: it is PyTorch's: export it {EXPORT}"),
        ("onnx:net.pth", "onnx: does not read net.pth: it is PyTorch's: export it (torch.onnx.export; YOLO"),
        ("tflite:net.h5", "tflite: does not read net.h5: it is TensorFlow's"),
        ("net.engine", "unknown model 'net.engine': it is TensorRT's"),
        ("hf:net.pt", "hf: does not read net.pt: it is PyTorch's"),
        ("hrnet_w32:net.onnx", "hrnet_w32: does not read net.onnx: it is a file for onnx: --model onnx:net.onnx"),
        ("hf:a/movenet.onnx", "hf: does not read movenet.onnx: it is a file for onnx: --model onnx:a/movenet.onnx"),
        ("hf:a/movenet.tflite", "it is a file for tflite: --model tflite:a/movenet.tflite"),
        ("mypose:Net:net.onnx", "mypose:Net: does not read net.onnx: it is a file for onnx: --model onnx:net.onnx"),
        ("ONNX:net.onnx", "(did you mean 'onnx:net.onnx'?)"),
        ("HRNet_W32:net.pth", "(did you mean 'hrnet_w32:net.pth'?)"),
        ("rtmpose:net.onnx", "(did you mean 'onnx:net.onnx'?)"),
        ("C:\\net.onnx", "(did you mean 'onnx:C:\\net.onnx'?)"),
        ("onnx:nets", "onnx: needs a file, and nets is a folder: name a file inside, such as onnx:nets/net.onnx"),
        ("onnx:vitpose", "vitpose is a folder: name it as a model of transformers, hf:vitpose"),
        ("tflite:empty", "empty is a folder: name a file such as tflite:empty/net"),
        ("sbl_r50:weights", "weights is a folder: name a file inside, such as sbl_r50:weights/hrnet.pth"),
        ("nets", "unknown model 'nets': it is a folder; name a file inside, such as onnx:nets/net.onnx"),
        ("onnx:end2end.zip", "onnx: does not read end2end.zip: it is an archive: unpack it"),
        ("hf:x/vitpose.pth", "hf: does not read vitpose.pth: it is PyTorch's"),
        ("hf:https://huggingface.co/a/b", "hf: needs a name, no address: --model hf:a/b"),
        ("https://huggingface.co/a/b", "(did you mean 'hf:a/b'?)"),
        ("mypackage.mymodule", "(did you mean 'mypackage.mymodule:NAME', with the name of what is in that module?)"),
        ("movenet_thunder", "(name the file or the model that it comes as: onnx:FILE or tflite:FILE)"),
        ("vitpose-b", "(name the file or the model that it comes as: hf:NAME)"),
        ("demo:nets", "the demo network brings its own weights"),
    ],
)
def test_misnamed_model_is_one_line_that_names_the_way(folder, spec, message):
    assert message in refusal(spec)


@pytest.mark.parametrize(
    ("word", "choices", "meant"),
    [
        ("fgo", ["rain", "fog"], "fog"),
        ("FOG", ["rain", "fog"], "fog"),
        ("coco", ["mpii", "COCO-C", "COCO"], "COCO"),
        ("hrnet", ["sbl_r50", "hrnet_w32", "hrnet_w48"], "hrnet_w48"),
        ("movenet_thunder", ["mobilenet_v2", "demo"], None),
        ("decode", ["device"], None),
        ("conf", ["columns"], None),
        ("", ["fog"], None),
        ("f", ["fog", "frost"], None),
    ],
)
def test_nearest_is_one_with_nearly_the_same_letters_or_the_same_beginning(word, choices, meant):
    assert nearest(word, choices) == ("" if meant is None else f" (did you mean '{meant}'?)")
