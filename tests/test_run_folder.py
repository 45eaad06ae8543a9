import io
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from robustpose import Cell, UserError
from robustpose.pose.results_json import round_poses
from robustpose.pose.types import Poses, no_poses
from robustpose.results.run_folder import DamagedUnit, RunFolder
from robustpose.stopping import Stopped
from tests.people import draw_people
from tests.runs import damage

CELL = Cell("fog", 3)
PAIRS = draw_people(0, 5)
TRUTHS = [truth for _, truth in PAIRS]


def make_poses():
    """Return poses of five images: with rows of the truth and without, and an image in which nobody is found."""
    all_poses = [
        Poses(
            truth.image_id,
            poses.xy,
            poses.confidence,
            poses.score,
            np.zeros(len(poses.score), int) if even and len(truth.xy) else None,
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


def test_categories_of_poses_are_read_back_and_damaged_ones_known(folder):
    said = [None if i == 1 else np.arange(len(poses.score)) % 3 for i, poses in enumerate(make_poses())]
    folder.write_unit(CELL, 7, [replace(poses, categories=of) for poses, of in zip(make_poses(), said, strict=True)])
    for found, of in zip(folder.read_unit(CELL, 7, TRUTHS), said, strict=True):
        np.testing.assert_array_equal(found.categories, of)
    with np.load(folder.unit_path(CELL, 7)) as arrays:
        content = dict(arrays)
    for change in ({"categories": content["categories"][1:]}, {"categories": content["categories"] - 1}):
        np.savez(folder.unit_path(CELL, 7), **{**content, **change})
        with pytest.raises(DamagedUnit):
            folder.read_unit(CELL, 7, TRUTHS)


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


@pytest.mark.parametrize(
    "change",
    [
        {"truth_rows": lambda rows: rows - 1},
        {"truth_rows": lambda rows: rows + 10**9},
        {"n_people": lambda n: np.array([2**62] * 4 + [n.sum()])},  # of which the sum overflows to the right one
    ],
)
def test_counts_and_rows_beyond_the_images_are_known(folder, change):
    test_whole_file_of_wrong_content_is_known(folder, change)


def make_bomb(path, shape=(10**12,), content=b""):
    """Write an npz file whose header asks for more than there is."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("image", "verdict", "positives", "quality"):
            archive.writestr(f"{name}.npy", header.getvalue() + content)


def put_folder(path):
    path.mkdir(parents=True)


def put_pipe(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def put_objects(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, image=np.array([{}], object), verdict=np.zeros(1), positives=np.zeros(1))


def put_bare_array(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


FILES = [make_bomb, put_folder, put_pipe, put_objects, put_bare_array]


@pytest.mark.parametrize("put", FILES)
def test_whatever_lies_in_the_place_of_matches_is_one_line(tmp_path, put):
    folder = RunFolder(tmp_path)
    put(folder.matches_path(CELL))
    with pytest.raises(UserError, match=r"fog-3\.npz is damaged: start the bench command of") as error:
        folder.read_table(CELL)
    assert "\n" not in str(error.value)
    assert folder.read_quality([CELL]) is None


@pytest.mark.parametrize("put", FILES)
def test_whatever_lies_in_the_place_of_a_unit_is_damaged(tmp_path, put):
    folder = RunFolder(tmp_path)
    put(folder.unit_path(CELL, 7))
    with pytest.raises(DamagedUnit):
        folder.read_unit(CELL, 7, TRUTHS)


AP = {
    "image": np.array([0, 1, 1]),
    "verdict": np.array([[1, 1, 0], [1, 0, -1]], np.int8),
    "positives": np.array([1, 2]),
}
JOINTS = {"reached": np.array([1.0, 0.0]), "possible": np.array([2.0, 0.0])}


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        (AP | {"image": np.array([0, 1, 2])}, "poses of images 0 to 2, of 2"),
        (AP | {"image": np.array([-1, 0, 1])}, "poses of images -1 to 1"),
        (AP | {"image": np.array([0.0, 1.0, 1.0])}, "arrays of float64"),
        (AP | {"image": np.array([[0, 1, 1]])}, "shapes"),
        (AP | {"verdict": AP["verdict"][:, :2]}, "shapes"),
        (AP | {"verdict": AP["verdict"].astype(int)}, "arrays of"),
        (AP | {"verdict": AP["verdict"] * 7}, "neither right, wrong nor left out"),
        (AP | {"positives": np.array([-1, 2])}, "counts -1 to 2 people"),
        (AP | {"positives": np.array([2**62, 2**62])}, "people in an image"),
        (AP | {"positives": np.array([0, 2])}, "more poses are right"),
        (
            AP | {"positives": np.array([], int), "image": np.array([], int), "verdict": np.zeros((2, 0), np.int8)},
            "sha",
        ),
        ({"verdict": AP["verdict"]}, "lacks image, positives"),
        (JOINTS | {"reached": np.array([3.0, 0.0])}, "more right joints"),
        (JOINTS | {"reached": np.array([np.nan, 0.0])}, "more right joints"),
        (JOINTS | {"reached": np.array([-1.0, 0.0])}, "fewer than none"),
        (JOINTS | {"possible": np.array([2.0])}, "shapes"),
        (JOINTS | {"possible": np.array(["2", "0"])}, "arrays of"),
        ({"reached": JOINTS["reached"]}, "lacks possible"),
    ],
)
def test_tables_that_make_no_sense_are_one_line(tmp_path, arrays, reason):
    folder = RunFolder(tmp_path)
    folder.matches_path(CELL).parent.mkdir()
    np.savez(folder.matches_path(CELL), **arrays)
    with pytest.raises(UserError, match=rf"fog-3\.npz is damaged: start the bench command of .*{reason}"):
        folder.read_table(CELL)


@pytest.mark.parametrize("arrays", [AP, JOINTS, {name: array.astype(np.float32) for name, array in JOINTS.items()}])
def test_tables_that_make_sense_are_read(tmp_path, arrays):
    folder = RunFolder(tmp_path)
    folder.matches_path(CELL).parent.mkdir()
    np.savez(folder.matches_path(CELL), **arrays)
    assert folder.read_table(CELL).n_images == 2


def test_stop_while_matches_are_written_is_no_mistake_of_the_zip_file(folder, monkeypatch):
    opened = zipfile.ZipFile.open

    def stop_once_opened(self, *args, **kwargs):
        opened(self, *args, **kwargs)  # as a signal between the opening of a member and the block that closes it
        raise Stopped

    monkeypatch.setattr(zipfile.ZipFile, "open", stop_once_opened)
    with pytest.raises(Stopped):
        folder.write_unit(Cell("fog", 4), 7, [no_poses(1, 17)])
    assert not folder.unit_path(Cell("fog", 4), 7).exists()
