"""evaluate: a model on clean images, from Python: quick, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustpose.api.arguments import as_switch, read_data
from robustpose.api.bench import gather_options
from robustpose.api.models import make_maker
from robustpose.api.wording import in_python
from robustpose.benchmark.job import Job, Prepared, prepare
from robustpose.carried import Carried
from robustpose.data.corrupted import CorruptedSpec
from robustpose.errors import show_doubts
from robustpose.evaluation import check_clean_images, get_frames, predict, score
from robustpose.pose.cell import CLEAN
from robustpose.pose.results_json import round_poses
from robustpose.pose.types import Poses
from robustpose.progress import Piece, Progress
from robustpose.results.doubts import doubt_score
from robustpose.show.display import choose_display
from robustpose.work import Chunk, cut_chunks, do_tasks

if TYPE_CHECKING:
    from robustpose.data.spec import DataSpec
    from robustpose.pose.protocols import Dataset, Estimator


def evaluate(
    model: str | Path | Callable[..., Any] | Estimator | Any,
    data: str | DataSpec | Mapping[str, Any] | Dataset | None = None,
    *,
    annotations: str | Path | None = None,
    images: str | Path | None = None,
    boxes: str | Path | None = None,
    root: str | Path | None = None,
    split: str | None = None,
    metric: str | None = None,
    skeleton: str | Path | None = None,
    limit: int | None = None,
    input: Any = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int | None = None,
    progress: bool = True,
    **others: Any,
) -> dict[str, float]:
    """Return the figures of a model on clean images by name, 0..1, such as ``{"AP": 0.71, …}``, the score first.

    They are those of the clean images of `robustpose.bench`, which takes the same arguments and explains them. All is
    done in this process, and nothing is written. A figure for which there is nobody, such as APL, is -1. It
    warns of a score that is next to nothing, with the usual causes.

    Raises:
        UserError: a mistake in what was given, in one line.

    >>> import robustpose
    >>> figures = robustpose.evaluate("demo", "toy", limit=2, progress=False)
    >>> next(iter(figures)), 0 <= figures["AP"] <= 1
    ('AP', True)
    """
    with in_python():
        is_shown = as_switch(progress, "progress")
        fields = {"annotations": annotations, "images": images, "boxes": boxes, "root": root, "split": split}
        given = read_data(data, {**fields, "metric": metric, "skeleton": skeleton, "limit": limit, **others})
        maker = make_maker(model, input=input, options=gather_options(options, batch_size))
        prepared = prepare(Job(given.open, maker, CorruptedSpec().open(), Path()), [CLEAN])
        check_clean_images(prepared.data.make_metric())
        show_doubts(prepared.warnings)
        with choose_display(is_shown) as show:
            poses = _predict(prepared, lambda now: show("predict", now))
        fresh = prepared.data.make_metric()
        figures = score(poses, prepared.data.truths, fresh)
        doubts = doubt_score(fresh.primary, figures[fresh.primary], prepared.provenance["estimator"])
        show_doubts([*fresh.warnings, *doubts])
        return {fresh.primary: figures[fresh.primary], **figures}


@dataclass(frozen=True)
class _Evaluating:
    """The work of finding poses in clean images: those of a chunk are a result."""

    prepared: Prepared

    def open(self) -> Prepared:
        """Return what has been opened."""
        return self.prepared

    def kinds(self, chunk: Chunk) -> list[Piece]:
        """Return that chunks take as long as they have images."""
        return [Piece("clean", len(chunk.indices))]

    def part(self, chunk: Chunk, start: int, stop: int) -> Chunk:
        """Return the chunk: it is one result."""
        return chunk

    def do(self, opened: Prepared, chunk: Chunk) -> Iterator[list[Poses]]:
        """Find poses as bench does, with the decimals that its files keep."""
        dataset, images = opened.data.dataset, opened.job.corrupted_images
        frames = [dataset.boxes_in(images.frame_in(frame, CLEAN)) for frame in get_frames(dataset, chunk.indices)]
        yield [round_poses(poses) for poses in predict(frames, opened.estimator)]

    def keep(self, poses: list[Poses]) -> list[Poses]:
        """Return the poses: nothing is written."""
        return poses

    def carry(self, opened: Prepared) -> Carried:
        """Return itself: it is done in this process."""
        return Carried(self, lambda chunk: chunk, {})


def _predict(prepared: Prepared, on_progress: Callable[[Progress], None]) -> list[Poses]:
    """Return the poses in every image, in order."""
    chunks = cut_chunks(len(prepared.data.dataset), prepared.estimator.images_per_group)
    found = do_tasks(_Evaluating(prepared), chunks, 1, on_progress, opened=prepared)
    return [poses for of_chunk in found for poses in of_chunk]
