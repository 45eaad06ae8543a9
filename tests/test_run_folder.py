import numpy as np
import pytest

from robustpose import Cell
from robustpose.pose.results_json import round_poses
from robustpose.pose.types import Poses, no_poses
from robustpose.results.run_folder import DamagedUnit, RunFolder
from tests.people import draw_people
from tests.runs import damage

CELL = Cell("fog", 3)
PAIRS = draw_people(0, 5)
TRUTHS = [truth for _, truth in PAIRS]


def make_poses():
    """Return poses of five images: with rows of the truth and without, and an image in which nobody is found."""
    all_poses = [
        Poses(
            truth.image_id, poses.xy, poses.confidence, poses.score, np.zeros(len(poses.score), int) if even else None
        )
        for even, (poses, truth) in zip([True, False, True, False, True], PAIRS, strict=True)
    ]
    return [*all_poses[:3], no_poses(TRUTHS[3].image_id, 17), all_poses[4]]


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_unit(CELL, 7, make_poses())
    return folder


def test_unit_is_read_back_as_it_was_rounded(folder):
    for found, poses in zip(folder.read_unit(CELL, 7, TRUTHS), map(round_poses, make_poses()), strict=True):
        assert found.image_id == poses.image_id
        for name in ("xy", "confidence", "score", "truth_rows"):
            np.testing.assert_array_equal(getattr(found, name), getattr(poses, name))


@pytest.mark.parametrize("kind", ["empty", "rubbish", "cut", "flipped"])
def test_damaged_file_is_known(folder, kind):
    path = folder.unit_path(CELL, 7)
    path.write_bytes(damage(kind, path.read_bytes()))
    with pytest.raises(DamagedUnit, match=r"00007\.npz is damaged"):
        folder.read_unit(CELL, 7, TRUTHS)


def test_file_that_is_not_there_and_images_of_another_chunk_are_known(folder):
    with pytest.raises(DamagedUnit):
        folder.read_unit(CELL, 8, TRUTHS)
    with pytest.raises(DamagedUnit, match="is not of 4 images"):
        folder.read_unit(CELL, 7, TRUTHS[:4])


@pytest.mark.parametrize(
    "change",
    [
        {"score": None},
        {"extra": np.zeros(3)},
        {"xy": lambda xy: xy[:-1]},
        {"xy": lambda xy: xy[:, :16]},
        {"xy": lambda xy: xy[..., :1]},
        {"xy": lambda xy: xy.astype(str)},
        {"xy": lambda xy: np.full_like(xy, np.nan)},
        {"confidence": lambda confidence: confidence.T},
        {"score": lambda score: score[:, None]},
        {"score": lambda score: score.astype(int)},
        {"n_people": lambda n: n + 1},
        {"n_people": lambda n: n.astype(float)},
        {"n_people": lambda n: n[None]},
        {"n_people": lambda n: np.array([-1, n[0] + n[1] + 1, *n[2:]])},
        {"n_people": lambda n: n.sum()},
        {"is_matched": lambda matched: ~matched},
        {"is_matched": lambda matched: matched[:-1]},
        {"is_matched": lambda matched: matched.astype(int)},
        {"truth_rows": lambda rows: rows[:-1]},
        {"truth_rows": lambda rows: rows.astype(float)},
        {"truth_rows": lambda rows: np.array([{}])},
    ],
)
def test_whole_file_of_wrong_content_is_known(folder, change):
    path = folder.unit_path(CELL, 7)
    arrays = dict(np.load(path))
    for name, make in change.items():
        arrays[name] = make(arrays[name]) if callable(make) else make
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(DamagedUnit, match=r"00007\.npz is damaged"):
        folder.read_unit(CELL, 7, TRUTHS)
