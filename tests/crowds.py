"""Looking for people in whole images: frames to look at, and what holds of poses whatever network finds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from robustpose import estimators
from robustpose.benchmark.job import Job
from robustpose.benchmark.run import run_bench
from robustpose.corruptions.suites import choose_cells
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.data.toy import ToyPeople
from robustpose.pose.protocols import Estimator
from robustpose.pose.types import Frame
from tests.people import assert_same_poses


def frame_of(image: np.ndarray, image_id: int = 1) -> Frame:
    """Return a frame of an image in memory."""
    return Frame(image_id, lambda: image)


def toy_frames(n: int) -> list[Frame]:
    """Return images with many drawn people each."""
    toy = ToyPeople(n, crowded=True)
    return [toy.frame(index) for index in range(n)]


def assert_poses_do_not_depend_on_what_came_before(make: Callable[[], Estimator]) -> None:
    """Assert that a new estimator finds in images one by one, from the last, and in some what another finds in all."""
    frames = toy_frames(4)
    together = make().predict(frames)
    assert sum(len(poses.score) for poses in together) > 4
    assert len({frame.image.shape for frame in frames}) > 1
    estimator = make()
    for frame, poses in reversed(list(zip(frames, together, strict=True))):
        assert_same_poses(estimator.predict([frame]), [poses])
    assert_same_poses(make().predict(frames[2:]), together[2:])


def bench_crowds(model: str, options: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Bench a model with one worker and with two, assert that both give the same bytes and use no boxes.

    Return the summary, and the results of clean images.
    """
    summaries, predictions = [], []
    for n_workers in (1, 2):
        job = Job(
            make_dataset=DataSpec(name="toy-crowds", limit=5).open,  # two slices, one for each worker
            make_estimator=partial(estimators.build, model, options=options),
            corrupted_images=MadeImages(5),
            out=folder / f"{n_workers}",
        )
        summaries.append(run_bench(job, choose_cells(["contrast"], [1]), n_workers, n_resamples=0))
        predictions.append({path.name: path.read_bytes() for path in (job.out / "predictions").iterdir()})
    assert predictions[0] == predictions[1]
    assert summaries[0] == summaries[1]
    assert summaries[0]["provenance"]["box_protocol"] == "none"
    results: list[dict[str, Any]] = json.loads(predictions[0]["clean.json"])
    assert {result["image_id"] for result in results} == {1, 2, 3, 4, 5}
    return summaries[0], results
