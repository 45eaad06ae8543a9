"""Values: a mean and a std for 0..255 never go to a network as if they were for 0..1."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from robustpose import UserError, estimators
from robustpose.models.weights import KEY, read_input_spec
from robustpose.pose.skeletons import COCO

LEVELS = "mean=123.675,116.28,103.53", "std=58.395,57.12,57.375"
RIGHT = "here values are in 0..1: mean=0.485,0.456,0.406 std=0.229,0.224,0.225"


def options_of(*words: str) -> dict[str, str]:
    return dict(word.split("=") for word in words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (LEVELS, f"{' '.join(LEVELS)} are for values in 0..255; {RIGHT}"),
        (LEVELS[:1], f"{LEVELS[0]} are for values in 0..255, unlike std=0.229,0.224,0.225; {RIGHT}"),
        (LEVELS[1:], f"{LEVELS[1]} are for values in 0..255, unlike mean=0.485,0.456,0.406; {RIGHT}"),
        (("mean=0,0,0", "std=255,255,255"), "here values are in 0..1: mean=0,0,0 std=1,1,1"),
        (("mean=127.5,127.5,127.5", "std=127.5,127.5,127.5"), "mean=0.5,0.5,0.5 std=0.5,0.5,0.5"),
        (("mean=103.939,116.779,123.68", "std=1,1,1"), "here values are in 0..1: scale=255"),
        (("mean=123.675,0.456,0.406",), "mix numbers for values in 0..255 with others"),
        (("std=58.395,0.224,0.225",), "mix numbers for values in 0..255 with others"),
        (("mean=0,0,0", "std=0.00392,0.00392,0.00392"), "from 0..255 to 0..1, where they are already: std=1,1,1"),
        (("mean=-123,-116,-103",), "mean=-123,-116,-103 must be 0 or more"),
        (("mean=-0.485,-0.456,-0.406",), "so leave out the signs: mean=0.485,0.456,0.406"),
        (("mean=0.485,0.456,-0.406",), "mean=0.485,0.456,-0.406 must be 0 or more"),
        (("mean=-123.675,-116.28,-103.53", LEVELS[1], "scale=255"), "leave out the signs: mean=123.675,116.28,103.53"),
        (("std=-0.229,-0.224,-0.225",), "option 'std' must be three numbers above 0"),
        (("std=0,1,1",), "option 'std' must be three numbers above 0"),
        (("mean=0.485,0.456,0.406", "scale=255"), "leave out scale=255"),
        ((*LEVELS, "scale=128"), "option 'scale' must be 1 or 255"),
    ],
)
def test_numbers_of_another_range_are_one_line_with_the_right_ones(
    onnx_file: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError) as error:
        estimators.build(f"onnx:{onnx_file}", COCO, options_of(*words))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("words", "mean", "std"),
    [
        (("mean=0,0,0", "std=1,1,1"), (0, 0, 0), (1, 1, 1)),
        (("mean=0.5,0.5,0.5", "std=0.5,0.5,0.5"), (0.5,) * 3, (0.5,) * 3),
        ((*LEVELS, "scale=255"), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (("mean=0,0,0", "std=1,1,1", "scale=255"), (0, 0, 0), (1 / 255,) * 3),
    ],
)
def test_numbers_of_values_up_to_one_or_with_their_scale_are_taken(
    onnx_file: Path, words: tuple[str, ...], mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    input_spec = estimators.build(f"onnx:{onnx_file}", COCO, options_of(*words)).input_spec
    assert input_spec.mean == pytest.approx(mean)
    assert input_spec.std == pytest.approx(std)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}, RIGHT),
        ({"mean": [123.675, 116.28, 103.53]}, "unlike std"),
        ({"mean": [-0.485, -0.456, -0.406]}, "must be 0 or more"),
        ({"mean": [102, 102, 102], "std": [1, 1, 1]}, "mean=0.4,0.4,0.4 std=0.00392157,0.00392157,0.00392157"),
    ],
)
def test_weights_file_with_numbers_of_another_range_is_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {KEY: json.dumps({"name": "x", "input_wh": [64, 96]} | changes)})
    with pytest.raises(UserError, match=r"the input spec in .* makes no sense") as error:
        read_input_spec(path)
    assert message in str(error.value)
