"""The start of a run: whatever can be known before the first step is checked before it, cheap things first.

What is wrong is one line then, not a lost night: files, the machine, data that do not go together, scores that nobody
can compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec

from robustpose.blame import blaming
from robustpose.data.spec import DataSpec
from robustpose.errors import UserError
from robustpose.evaluation import score
from robustpose.limits import check_limit
from robustpose.metrics import make_metric, names_code
from robustpose.models import TABLE, family_of
from robustpose.models.families import FAMILIES, FamilyName
from robustpose.pose.cell import CLEAN
from robustpose.pose.joint_names import find_shared
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import Skeleton
from robustpose.pose.types import no_poses
from robustpose.processes import count_cores
from robustpose.registry import check_name
from robustpose.train.launched import check_launch, find_launch
from robustpose.train.overlap import doubt_split, list_shared_images
from robustpose.train.rows import doubt_whole
from robustpose.train.seen import check_unseen
from robustpose.train.settings import TrainSettings
from robustpose.train.settings_groups import EngineSettings

MEGABYTE = 2**20


@dataclass(frozen=True, eq=False)
class OpenedData:
    """What is learned from, and what is evaluated on."""

    train: Dataset
    val: Dataset
    evaluated: Skeleton  # what the estimator of the evaluation finds
    doubts: tuple[str, ...]  # why figures of the evaluation could be wrong


def check_start(settings: TrainSettings) -> None:
    """Raise UserError for what can be known without PyTorch, and without reading a file.

    Where other nodes would wait for this one, files are left to `check_machine`, which is called when all have met.
    """
    check_launch(settings.engine)
    if find_launch() is None:
        check_machine(settings)


def check_machine(settings: TrainSettings) -> None:
    """Raise UserError for what a run needs and this machine has not."""
    _check_engine(settings.engine)
    for name, path in (
        ("start_from (--init)", settings.start_from),
        ("backbone (--backbone)", settings.backbone),
        ("teacher.weights (--teacher)", settings.teacher.weights),
    ):
        if path is not None and not path.is_file():
            problem = f"{path} is a folder" if path.is_dir() else f"there is no weights file {path}"
            raise UserError(f"{name}: {problem}: name a .pth or .safetensors file")
    for name, spec in (("train_data", settings.train_data), ("val_data", settings.val_data)):
        with naming(name):
            spec.check_files()
    with naming("val_data"):
        settings.val_data.check_truth()
    check_unseen(settings)
    for network in filter(None, (settings.model, settings.teacher.model)):
        check_name(network, TABLE, "network")
    width, height = settings.input_wh
    n_bytes = 4 * 3 * width * height * len(settings.views) * settings.batch_size // settings.n_processes
    check_limit("MEMORY_MB", n_bytes / MEGABYTE, f"a batch of {settings.batch_size:,} crops", "MB")


def _check_engine(engine: EngineSettings) -> None:
    n_cores = count_cores()
    for name, number, most in (("workers", engine.workers, 32), ("threads", engine.threads or 1, 64)):
        most = max(most, 4 * n_cores)
        if number > most:
            raise UserError(f"engine.{name} is {number}, for the {n_cores} cores of this machine: at most {most}")
    if engine.tensorboard and find_spec("tensorboardX") is None:
        raise UserError(
            "engine.tensorboard needs tensorboardX, which is not installed: pip install 'robustpose[tensorboard]'"
        )


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let errors begin with the setting that they are about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def open_val_data(settings: TrainSettings) -> Dataset:
    """Open the set that is evaluated on, which is the smaller one; UserError where it cannot be opened or scored."""
    val = _open("val_data", settings.val_data)
    with naming("val_data"):
        _check_scoring(val, settings.family or family_of(settings.model))
    return val


def open_data(settings: TrainSettings, val: Dataset) -> OpenedData:
    """Open the set to learn from; UserError where that cannot be done, or it has other joints than `val`."""
    train = _open("train_data", settings.train_data)
    evaluated = combine_skeletons(train.skeleton, val.skeleton)
    shared = list_shared_images(settings.train_data, train, settings.val_data, val)
    doubts = (*val.warnings, *(shared or doubt_split(settings.train_data)), *doubt_whole(settings, train))
    return OpenedData(train, val, evaluated, doubts)


def _open(name: str, spec: DataSpec) -> Dataset:
    with naming(name):
        dataset = spec.open()
        if len(dataset) == 0:
            raise UserError("there are no images")
        _ = dataset.frame(0).image  # the others are looked at when they are needed
        return dataset


def _check_scoring(dataset: Dataset, family: FamilyName) -> None:
    """Raise UserError unless poses of the dataset's people can be found and scored: with the poses of nobody."""
    in_boxes = FAMILIES[family].in_boxes
    dataset.check_cells([CLEAN])
    truths = []
    for index in range(len(dataset)):
        truths.append(dataset.truth(index))
        if in_boxes and dataset.frame(index).boxes is None:
            raise UserError(f"this network looks into people's boxes, but image {truths[-1].image_id} has none")
    own = names_code(dataset.metric)
    with blaming(f"metric '{dataset.metric}'") if own else nullcontext():
        metric = make_metric(dataset.metric, dataset.skeleton)
        found = score((no_poses(truth.image_id, dataset.skeleton.n_joints) for truth in truths), truths, metric)
    if found[metric.primary] < 0:
        raise UserError("nobody has annotated keypoints: there is nothing to evaluate on")


def combine_skeletons(train: Skeleton, val: Skeleton) -> Skeleton:
    """Return the skeleton for the evaluation: the joints and sigmas of `val`, the limbs that the network has learned.

    The order and the spelling of the joints may differ; UserError for other joints, or for other mirror pairs.
    """
    learned = train.arrange(val.joints)
    if learned is None:
        raise UserError(
            f"train_data and val_data must have the same joints, but there are {train.n_joints} and {val.n_joints}: "
            f"{_tell_apart(train.joints, val.joints)}{_advise_joints(train, val)}"
        )
    if val.sides_doubt:
        return replace(learned, name=val.name, sigmas=val.sigmas)
    if not train.sides_doubt and learned.flip_order != val.flip_order:
        raise UserError(
            "train_data and val_data must exchange the same joints in mirrored images: their flip_pairs are "
            f"{_name_pairs(learned)} and {_name_pairs(val)}"
        )
    return replace(val, limbs=learned.limbs)


def _tell_apart(train: Sequence[str], val: Sequence[str]) -> str:
    alone = {
        "train_data": [joint for joint in train if joint not in val],
        "val_data": [joint for joint in val if joint not in train],
    }
    lines = (
        f"{', '.join(joints[:3])}{', …' * (len(joints) > 3)} only in {name}" for name, joints in alone.items() if joints
    )
    return "; ".join(lines)


def _advise_joints(train: Skeleton, val: Skeleton) -> str:
    """Return how both data are cut down to the joints that they share; empty where they share none."""
    shared = ",".join(val.joints[index] for index in find_shared(val.joints, train.joints))
    say = f"; to learn those of both alone: --set train_data.joints={shared} and the same for val_data"
    return say if shared else ""


def _name_pairs(skeleton: Skeleton) -> str:
    names = [f"{skeleton.joints[left]}-{skeleton.joints[right]}" for left, right in skeleton.flip_pairs or ()]
    return ", ".join(names) or "none"
