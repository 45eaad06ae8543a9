"""What one GPU does: equality with the CPU, bare networks, sweeps with and without a network process, training steps.

    python benchmarks/gpu.py --minutes 8 --markdown gpu.md
    python benchmarks/gpu.py --device cpu --small          # tries everything in a minute, measures nothing

Needs nothing but the package and transformers: weights are random, images are drawn. A part that fails says so and the
next one begins; what the minutes do not allow is left out and named. Rates of sweeps are images × cells per second of
all 76 cells of coco-c, from JPEG files of 640 px with one to four people, once all workers are at work.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import cv2
import numpy as np
import torch
from gpu_sweep import INPUT_WH, Run, run_data, sweep, time_asking
from lightning_fabric import Fabric

from robustpose import estimators, models
from robustpose.estimators.running.backends import as_callable, limit_threads
from robustpose.estimators.running.batches import CROPS_PER_CALL, CROPS_PER_GPU_CALL
from robustpose.models.weights import save_weights
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO
from robustpose.train.advmix import AdvMixStep
from robustpose.train.mixing import GeneratorMix, make_generator
from robustpose.train.steps import Step
from robustpose.train.teacher import Teacher


def make_network(name: str) -> torch.nn.Module:
    """Return a network with random weights whose heatmaps have a usual range."""
    torch.manual_seed(0)
    network = models.build(name).eval()
    with torch.inference_mode():
        x = torch.randn(2, 3, INPUT_WH[1], INPUT_WH[0])
        for module in network.modules():  # statistics that keep the signal's size through many layers
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()(x)
        network.eval()
        if hasattr(network, "final_layer"):
            network.final_layer.weight.mul_(0.5 / network(x).flatten(2).amax(-1).mean())
    return network


def save_vitpose(folder: Path, small: bool) -> None:
    """Save a ViTPose-B with random weights; a tiny one if all is small."""
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation
    from transformers.utils import logging

    logging.disable_progress_bar()  # of writing, among the rows of the table
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2} if small else {}
    backbone = VitPoseBackboneConfig(out_indices=[2 if small else 12], **sizes)
    VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=17)).save_pretrained(folder)


def compare_with_cpu(run: Run, spec: str, title: str) -> None:
    """Tell how far float32 is from the CPU, in heatmaps and in poses."""
    dataset = run_data(run).open()
    boxed = [dataset.frame(index) for index in range(4)]
    found: dict[str, Any] = {}
    crops = np.random.default_rng(0).normal(size=(CROPS_PER_CALL, 3, INPUT_WH[1], INPUT_WH[0])).astype(np.float32)
    for device in ("cpu", str(run.device)):
        estimator = estimators.build(spec, COCO, {"device": device, "threads": os.cpu_count() or 1})
        heatmaps = estimator._network(crops)
        found[device] = heatmaps, estimator.predict(boxed)
    (of_cpu, poses_of_cpu), (here, poses_here) = found["cpu"], found[str(run.device)]
    run.tell("equality", f"{title}, float32: largest heatmap", f"{np.abs(of_cpu).max():.3g}")
    run.tell("equality", f"{title}, float32: largest difference of heatmaps", f"{np.abs(of_cpu - here).max():.2e}")
    pairs = [(a, b) for a, b in zip(poses_of_cpu, poses_here, strict=True) if len(a.xy) == len(b.xy)]
    apart = np.concatenate([np.abs(a.xy - b.xy).ravel() for a, b in pairs])
    scores = max(float(np.abs(a.score - b.score).max()) for a, b in pairs)
    run.tell("equality", f"{title}, float32: poses, px: largest; median", f"{apart.max():.3g}; {np.median(apart):.3g}")
    run.tell("equality", f"{title}, float32: scores, largest difference", f"{scores:.2e}")
    if len(pairs) < len(boxed):
        run.tell("equality", f"{title}: images with another number of people", str(len(boxed) - len(pairs)))


def time_bare(run: Run, network: torch.nn.Module, title: str) -> None:
    """Tell how many crops a second the network takes in full batches, from this process's memory and back."""
    n = CROPS_PER_CALL if run.device.type == "cpu" else CROPS_PER_GPU_CALL
    crops = np.random.default_rng(0).normal(size=(n, 3, INPUT_WH[1], INPUT_WH[0])).astype(np.float32)
    for precision in run.precisions:
        call: Any = as_callable(network, 1, INPUT_WH, precision=precision, device=run.device)
        for _ in range(1 if run.small else 3):
            call(crops)
        n_calls, start = 0, time.perf_counter()
        while time.perf_counter() < start + run.seconds / 4:
            call(crops)
            n_calls += 1
        run.tell("network", f"{title}, {precision}, crops/s", f"{n * n_calls / (time.perf_counter() - start):,.0f}")


def time_steps(run: Run, network: str) -> None:
    """Tell how long a step of AdvMix takes beside a supervised one, and the GPU's memory."""
    name, n = run.name(network), 4 if run.small else 32
    fabric = Fabric(accelerator="cuda" if run.device.type == "cuda" else "cpu", devices=1)
    shape = (n, 3, 3, INPUT_WH[1], INPUT_WH[0])
    batch = {"views": torch.randn(shape), "target": torch.rand(n, 17, 64, 48), "weight": torch.ones(n, 17, 1)}
    batch = {key: tensor.to(run.device) for key, tensor in batch.items()}

    def build() -> Any:
        return models.build(name).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def make(is_mixed: bool) -> Step:
        if not is_mixed:
            return AdvMixStep(build(), fabric=fabric)
        mixer: Any = GeneratorMix(make_generator(3, INPUT_WH))
        return AdvMixStep(build(), Teacher(build()), mixer.to(memory_format=torch.channels_last), fabric=fabric)

    medians = {}
    for title, is_mixed in (("supervised", False), ("AdvMix", True)):
        if run.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(run.device)
        step, seconds = make(is_mixed), []
        for _ in range(2 if run.small else 15):
            start = time.perf_counter()
            step(batch)
            run.wait()
            seconds.append(time.perf_counter() - start)
        medians[title] = float(np.median(seconds[len(seconds) // 3 :]))
        memory = ""
        if run.device.type == "cuda":
            memory = f"; GPU {torch.cuda.max_memory_allocated(run.device) / 2**20:,.0f} MB"
        what = f"{name} 256x192, batch {n}, float32, {title}, ms"
        run.tell("training", what, f"{1000 * medians[title]:,.1f}{memory}")
        del step
    run.tell("training", f"{name}: AdvMix to supervised", f"{medians['AdvMix'] / medians['supervised']:.2f}")


def list_parts(run: Run) -> Iterator[tuple[str, float, Callable[[], None]]]:
    """Yield parts in the order of their worth: their name, the seconds that they need at least, and what they do."""
    w32, vit = run.name("hrnet_w32"), "ViTPose-B, hf:"
    file, folder = run.folder / f"{w32}.safetensors", run.folder / "vitpose"
    spec, hf = f"{w32}:{file}", f"hf:{folder}"

    def prepare() -> None:
        network = make_network(w32)
        save_weights(network, make_input_spec(w32, COCO, INPUT_WH), file)
        run_data(run)

    of_sweep = 0.0 if run.small else 40.0
    yield "weights and images", 5, prepare
    yield "asking a network process", 2, lambda: time_asking(run)
    yield "equality with the CPU", 10, lambda: compare_with_cpu(run, spec, w32)
    yield "bare network", 10, lambda: time_bare(run, make_network(w32), w32)
    for precision in run.precisions[: 1 if run.small else None]:
        yield f"sweep {precision}, network process", of_sweep, partial(sweep, run, spec, w32, precision, 1)
        yield f"sweep {precision}", of_sweep, partial(sweep, run, spec, w32, precision, 0)
    yield "AdvMix step of HRNet-W32", 10, lambda: time_steps(run, "hrnet_w32")
    if not run.small:
        yield "AdvMix step of SBL R50", 10, lambda: time_steps(run, "sbl_r50")
    yield "ViTPose-B", 10, lambda: save_vitpose(folder, run.small)
    yield "ViTPose-B, equality", 10, lambda: compare_with_cpu(run, hf, vit)
    for precision in () if run.small else run.precisions:
        yield f"ViTPose-B {precision}, network process", of_sweep, partial(sweep, run, hf, vit, precision, 1)
    yield "ViTPose-B float32", of_sweep, partial(sweep, run, hf, vit, "float32", 0)


def do_part(run: Run, name: str, needed: float, do: Callable[[], None]) -> None:
    """Do a part if there is time for it; say it where it fails or is left out."""
    left = run.ends_at - time.monotonic()
    if left < needed:
        run.tell("left out", name, f"{max(left, 0):.0f} s were left")
        return
    try:
        do()
    except Exception as error:  # the other parts are worth having
        run.tell("failed", name, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    if run.device.type == "cuda":
        torch.cuda.empty_cache()


def write_table(run: Run) -> str:
    """Return the table as Markdown."""
    lines = ["| part | what | measured |", "| --- | --- | --- |"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in run.rows)]) + "\n"


def main() -> int:
    """Measure and print; return 1 if a part failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="small networks, few cells, a second for each: a try")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--workers", type=int, help="by default a core less than there are, at most 15")
    parser.add_argument("--markdown", type=Path, help="file for the table")
    given = parser.parse_args()
    start, device = time.monotonic(), torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("no GPU that PyTorch can use: try --device cpu --small", file=sys.stderr)
        return 2
    n_workers = given.workers or min(max(len(os.sched_getaffinity(0)) - 1, 2), 15)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, limit_threads(1):
        run = Run(device, given.small, Path(folder), start + 60 * given.minutes - 5, n_workers)
        where = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
        run.tell("machine", f"{where}, {len(os.sched_getaffinity(0))} cores", f"torch {torch.__version__}")
        for part in list_parts(run):
            do_part(run, *part)
        run.tell("time", "all of it", f"{time.monotonic() - start:.0f} s")
    if given.markdown:
        given.markdown.write_text(write_table(run))
    print("\n" + write_table(run))
    return 1 if any(part == "failed" for part, _, _ in run.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
