"""How fast is inference, beside a plain loop, and what do faster backends change?

    python benchmarks/inference.py --annotations people.json --images DIR
    python benchmarks/inference.py --annotations people.json --images DIR --onnx net.onnx --threads 2

The plain loop is that of the published programs: one person at a time, the image read anew for each, the mirrored crop
in a pass of its own, float32, batch norms as they were trained. Ours reads the same images, with the same threads.
Every round runs all rows one after the other; medians of wall time are shown.

`networks`: weights made here; `score` and `xy` are the largest differences from the plain loop, `moved` the share of
joints that went further than half a pixel. `trained`: AP of a network that means something, on all of the images: an
ONNX file, also with other decodings, and the demo network on drawn people.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from robustpose import estimators, models
from robustpose.data.coco import read_coco
from robustpose.data.subset import Adjusted
from robustpose.data.toy import ToyPeople
from robustpose.evaluation import predict_all, score
from robustpose.metrics.coco_ap import CocoAP
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.crop import boxes_to_center_scale, crop_matrix
from robustpose.pose.oks import suppress_alike
from robustpose.pose.types import Poses

ROWS: dict[str, dict[str, str]] = {
    "torch float32": {},
    "compile float32": {"backend": "compile"},
    "openvino float32": {"backend": "openvino"},
    "torch bf16": {"precision": "bf16"},
    "compile bf16": {"backend": "compile", "precision": "bf16"},
    "openvino bf16": {"backend": "openvino", "precision": "bf16"},
}
ONNX_ROWS: dict[str, dict[str, str]] = {
    "onnxruntime float32": {},
    "openvino float32": {"backend": "openvino"},
    "openvino bf16": {"backend": "openvino", "precision": "bf16"},
    **{f"decode={name}": {"decode": name} for name in ("dark", "udp", "udp-dark")},
}
Call = Callable[[np.ndarray], np.ndarray]


def run_plain_loop(dataset: Any, call: Call, input_spec: Any) -> list[Poses]:
    """Return the poses of a dataset as a plain loop finds them, person by person."""
    flip_order = dataset.skeleton.flip_order
    found = []
    for index in range(len(dataset)):
        boxes = dataset.frame(index).boxes
        centers, scales = boxes_to_center_scale(boxes, input_spec.input_wh)
        people = []
        for center, scale in zip(centers, scales, strict=True):
            image = dataset.frame(index).image  # read again for every person
            crop = cv2.warpAffine(image, crop_matrix(center, scale, input_spec.input_wh), input_spec.input_wh)
            x = crop[:, :, ::-1] if input_spec.channels == "bgr" else crop
            x = (x.astype(np.float32) / np.float32(255) - np.float32(input_spec.mean)) / np.float32(input_spec.std)
            x = np.ascontiguousarray(x.transpose(2, 0, 1)[None])
            heatmaps = call(x)
            back = call(np.ascontiguousarray(x[..., ::-1]))[:, list(flip_order), :, ::-1].copy()
            back[..., 1:] = back[..., :-1].copy()
            people.append(_decode((heatmaps + back) * np.float32(0.5), center, scale))
        found.append(_gather(dataset, index, people, scales))
    return found


def _decode(heatmaps: np.ndarray, center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    _, n_joints, height, width = heatmaps.shape
    points = np.zeros((n_joints, 3))
    for joint in range(n_joints):
        heatmap = heatmaps[0, joint]
        y, x = divmod(int(heatmap.argmax()), width)
        best = heatmap[y, x]
        if best <= 0:
            x = y = 0
        px, py = float(x), float(y)
        if 1 < x < width - 1 and 1 < y < height - 1:
            px += 0.25 * np.sign(heatmap[y, x + 1] - heatmap[y, x - 1])
            py += 0.25 * np.sign(heatmap[y + 1, x] - heatmap[y - 1, x])
        factor = 200 * scale[0] / width
        points[joint] = (px - width / 2) * factor + center[0], (py - height / 2) * factor + center[1], best
    return points


def _gather(dataset: Any, index: int, people: list[np.ndarray], scales: np.ndarray) -> Poses:
    points = np.array(people).reshape(-1, dataset.skeleton.n_joints, 3)
    scores = np.array([joints[joints > 0.2].mean() if (joints > 0.2).any() else 0.0 for joints in points[:, :, 2]])
    areas = (scales * 200).prod(-1)
    kept = suppress_alike(points[:, :, :2], scores, areas, dataset.skeleton.sigmas)
    return Poses(dataset.frame(index).image_id, points[kept, :, :2], points[kept, :, 2], scores[kept])


def compare(
    title: str, dataset: Any, runs: dict[str, Callable[[], list[Poses]]], rounds: int, with_ap: bool = False
) -> None:
    """Print a table: the first of `runs` is the plain loop."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    poses: dict[str, list[Poses]] = {}
    for run in runs.values():
        run()  # compiled, threads started, files in the page cache
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            poses[name] = run()
            seconds[name].append(time.perf_counter() - start)
    n_people = sum(len(dataset.frame(index).boxes) for index in range(len(dataset)))
    print(f"\n{title}: {len(dataset)} images, {n_people} people")
    print(
        f"{'':22}{'ms/person':>10}{'ratio':>7}{'score':>10}{'xy px':>9}{'moved':>8}" + ("      AP" if with_ap else "")
    )
    plain = next(iter(runs))
    for name, values in seconds.items():
        median = statistics.median(values)
        ratio = statistics.median(a / b for a, b in zip(seconds[plain], values, strict=True))
        line = f"{name:22}{1000 * median / n_people:10.1f}{ratio:7.2f}"
        line += "{:10.1e}{:9.3f}{:8.2%}".format(*_differ(poses[plain], poses[name]))
        print(line + (f"{_find_ap(dataset, poses[name]):8.4f}" if with_ap else ""), flush=True)


def _differ(some: Sequence[Poses], others: Sequence[Poses]) -> tuple[float, float, float]:
    """Return the largest difference of score and of position (px), and the share of joints moved by over half a px."""
    pairs = [(a, b) for a, b in zip(some, others, strict=True) if len(a.score) == len(b.score) > 0]
    if not pairs:
        return 0.0, 0.0, 0.0
    by_score = [(np.argsort(-a.score, kind="stable"), np.argsort(-b.score, kind="stable")) for a, b in pairs]
    scores = [abs(a.score[i] - b.score[j]).max() for (a, b), (i, j) in zip(pairs, by_score, strict=True)]
    apart = [abs(a.xy[i] - b.xy[j]).max(-1).ravel() for (a, b), (i, j) in zip(pairs, by_score, strict=True)]
    every = np.concatenate(apart)
    return float(max(scores)), float(every.max()), float((every > 0.5).mean())


def _find_ap(dataset: Any, poses: Sequence[Poses]) -> float:
    truths = (dataset.truth(index) for index in range(len(dataset)))
    return score(poses, truths, CocoAP(dataset.skeleton.sigmas))["AP"]


def make_network(name: str, dataset: Any, folder: Path) -> tuple[torch.nn.Module, Any, Path]:
    """Return a network with random weights whose heatmaps have a usual range, its input spec, and its file."""
    torch.manual_seed(0)
    network = models.build(name, dataset.skeleton.n_joints).eval()
    input_spec = make_input_spec(name, dataset.skeleton, (192, 256))
    with torch.inference_mode():
        x = torch.randn(2, 3, input_spec.input_wh[1], input_spec.input_wh[0])
        for module in network.modules():  # statistics that keep the signal's size through many layers
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()(x)
        network.eval()
        head: Any = network.final_layer
        head.weight.mul_(0.5 / network(x).flatten(2).amax(-1).mean())
    path = folder / f"{name}.safetensors"
    save_weights(network, input_spec, path)
    return network, input_spec, path


def torch_call(network: torch.nn.Module) -> Call:
    """Return a plain call: float32, as trained."""

    @torch.inference_mode()
    def call(x: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(x)).numpy()

    return call


def onnx_call(path: Path, threads: int) -> Call:
    """Return a plain call of an ONNX file, one crop at a time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--networks", default="sbl_r50,hrnet_w32")
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--toy", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--limit", type=int, default=24, help="images for the networks with random weights")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", default=",".join(ROWS))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(1)
    dataset = read_coco(given.annotations, given.images)
    part = Adjusted(dataset, given.limit)
    rows = {name: options for name, options in ROWS.items() if name in given.rows.split(",")}

    def ours(spec: str, on: Any, options: dict[str, str]) -> Callable[[], list[Poses]]:
        estimator = estimators.build(spec, on.skeleton, {"threads": given.threads, **options})
        return lambda: list(predict_all(on, estimator))

    with tempfile.TemporaryDirectory() as folder:
        for name in filter(None, given.networks.split(",")):
            network, input_spec, path = make_network(name, part, Path(folder))
            call = torch_call(network)
            runs = {"plain loop": lambda call=call, input_spec=input_spec: run_plain_loop(part, call, input_spec)}
            runs |= {row: ours(f"{name}:{path}", part, options) for row, options in rows.items()}
            compare(f"{name} 256x192, random weights, {given.threads} threads", part, runs, given.rounds)
    if given.onnx:
        input_spec = estimators.build(f"onnx:{given.onnx}", dataset.skeleton, {}).input_spec
        call = onnx_call(given.onnx, given.threads)
        runs = {"plain loop": lambda: run_plain_loop(dataset, call, input_spec)}
        runs |= {row: ours(f"onnx:{given.onnx}", dataset, options) for row, options in ONNX_ROWS.items()}
        compare(f"{given.onnx.name}, {given.threads} threads", dataset, runs, 1, with_ap=True)
    if not given.toy:
        return
    toy = ToyPeople(64)
    demo = {row: ours("demo", toy, options) for row, options in rows.items()}
    compare("demo network on drawn people (first row: ours)", toy, demo, 1, with_ap=True)


if __name__ == "__main__":
    main()
