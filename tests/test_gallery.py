import base64
import zlib

import numpy as np
import pytest

from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN, Cell
from robustpose.pose.results_json import read_results
from robustpose.results.run_folder import RunFolder
from robustpose.show.pages import gallery_images, thumbnails
from robustpose.show.pages.gallery import make_gallery
from robustpose.show.pages.gallery_images import pack_poses
from robustpose.show.pages.thumbnails import make_thumbnail
from robustpose.show.pages.worst_cases import order_images, order_worst
from tests.scenes import draw_scene

CELLS = [CLEAN, Cell("gaussian_noise", 1), Cell("gaussian_noise", 4), Cell("contrast", 1), Cell("contrast", 4)]


def unpack(text, n_cells, n_joints):
    """What gallery.js does, in NumPy."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS), np.uint8)
    numbers = list(np.ascontiguousarray(raw.reshape(2, -1).T).view("<i2").ravel())
    cells = []
    for _ in range(n_cells):
        n_people = numbers.pop(0)
        people = np.array([numbers.pop(0) for _ in range(2 * n_joints * n_people)], np.int16)
        people = people.reshape(n_people, n_joints, 2)
        if cells:
            n_both = min(len(people), len(cells[0]))
            people[:n_both] += cells[0][:n_both]
        cells.append(people)
    assert not numbers
    return cells


@pytest.fixture
def open_small(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open


def test_poses_come_back_to_half_a_pixel_whatever_their_number():
    rng = np.random.default_rng(0)
    people = [rng.uniform(-100, 400, (n, 5, 2)) for n in (2, 3, 0, 1)]
    for given, found in zip(people, unpack(pack_poses(people), 4, 5), strict=True):
        assert np.abs(found / gallery_images.UNITS - given).max(initial=0) <= 0.25


def test_poses_far_outside_the_image_survive():
    people = [np.full((1, 2, 2), 14_000.0), np.full((1, 2, 2), -14_000.0)]
    first, second = unpack(pack_poses(people), 2, 2)
    assert (first == 28_000).all()
    assert (second == -28_000).all()


def test_every_image_at_its_worst_comes_first_and_nobody_twice():
    nan = np.nan
    quality = {
        CELLS[0]: np.array([0.9, 0.8, nan, 0.5]),
        CELLS[1]: np.array([0.9, 0.2, nan, 0.4]),
        CELLS[2]: np.array([0.1, 0.7, nan, 0.5]),
    }
    places = order_worst(quality, CELLS[:3], range(4))
    assert places[:3] == [(0, CELLS[2]), (1, CELLS[1]), (3, CELLS[1])]
    assert places[3] == (1, CELLS[2])
    assert len(places) == len(set(places)) == 8


@pytest.mark.parametrize("n_images", [1, 2, 7, 100])
def test_every_image_has_its_turn_once(n_images):
    assert sorted(order_images(n_images, CELLS, None)) == list(range(n_images))
    rng = np.random.default_rng(n_images)
    quality = {cell: rng.uniform(0, 1, n_images) for cell in CELLS}
    assert sorted(order_images(n_images, CELLS, quality)) == list(range(n_images))


def test_first_images_are_the_worst_and_evenly_spread_ones():
    quality = {cell: np.full(1000, 0.9) for cell in CELLS}
    for number, cell in enumerate(CELLS[1:]):
        quality[cell][500 + number] = 0.1
    first = order_images(1000, CELLS, quality)[:16]
    assert {500, 501, 502, 503} <= set(first)
    assert max(np.diff(sorted({0, 999, *first}))) < 500


def test_gallery_has_every_cells_poses_where_they_were_predicted(finished_run, open_small):
    dataset = open_small()
    content = make_gallery(finished_run, dataset, None, CELLS)
    assert len(content["images"]) == len(dataset)
    assert content["corrupted"] == {}
    for index, image in enumerate(content["images"]):
        cells = unpack(image["poses"], len(CELLS), 17)
        for cell, found in zip(CELLS, cells, strict=True):
            path = RunFolder(finished_run).prediction_path(cell)
            given = read_results(path, 17)[dataset.truth(index).image_id]
            best = np.argsort(-given.score, kind="stable")
            assert np.abs(found / gallery_images.UNITS - given.xy[best]).max() <= 0.25  # thumbnails of full size here


def test_gallery_keeps_to_its_bytes(finished_run, open_small, monkeypatch):
    monkeypatch.setattr(thumbnails, "EXPECTED_BYTES", 1_000)
    whole, half, little = (
        make_gallery(finished_run, open_small(), MadeImages(5), CELLS, n_bytes) for n_bytes in (10**6, 40_000, 8_000)
    )
    assert len(whole["corrupted"]) == 9 * 4
    assert len(half["images"]) + len(half["corrupted"]) < 45
    assert len(little["images"]) < 9
    for content, n_bytes in ((half, 40_000), (little, 8_000)):
        pictures = [image["thumbnail"] + image["poses"] for image in content["images"]]
        assert sum(map(len, [*pictures, *content["corrupted"].values()])) <= n_bytes


def test_corrupted_pictures_decode_an_image_once(finished_run, open_small):
    dataset = open_small()
    n_reads = 0
    frame_of = dataset.frame

    def frame(index):
        nonlocal n_reads
        made = frame_of(index)
        read = made.read

        def count():
            nonlocal n_reads
            n_reads += 1
            return read()

        object.__setattr__(made, "read", count)
        return made

    dataset.frame = frame
    content = make_gallery(finished_run, dataset, MadeImages(5), CELLS)
    assert len(content["corrupted"]) == 9 * 4
    assert n_reads == 2 * 9  # for the clean thumbnail, and for the four corrupted ones


def test_thumbnails_fit_and_say_how_they_were_reduced():
    for height, width in ((480, 640), (700, 500), (60, 90), (1000, 3)):
        thumbnail = make_thumbnail(draw_scene(height, width))
        assert max(thumbnail.size_wh) == min(thumbnails.LONGEST_SIDE, max(height, width))
        assert thumbnail.size_wh == pytest.approx((width * thumbnail.scale, height * thumbnail.scale), abs=0.51)
        assert base64.b64decode(thumbnail.base64)[8:12] == b"WEBP"
