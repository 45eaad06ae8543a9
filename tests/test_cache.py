import threading

import numpy as np
import pytest

from robustpose.corruptions import corrupt, corrupt_all, seeding
from robustpose.corruptions.cache import CACHE, FieldCache
from robustpose.corruptions.suites import COCO_C
from tests.scenes import draw_scene


def field(n):
    return lambda: np.zeros(n, np.uint8)


def test_field_is_made_once_and_cannot_be_written_to():
    cache = FieldCache(100)
    first = cache.get("a", field(10))
    assert cache.get("a", field(11)) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_least_recently_used_field_goes_first():
    cache = FieldCache(100)
    cache.get("a", field(40))
    cache.get("b", field(40))
    cache.get("a", field(1))
    cache.get("c", field(40))
    assert cache.size == 80
    assert len(cache.get("a", field(1))) == 40
    assert len(cache.get("b", field(1))) == 1


def test_field_larger_than_the_limit_is_given_but_not_kept():
    cache = FieldCache(100)
    cache.get("small", field(60))
    assert len(cache.get("large", field(1000))) == 1000
    assert cache.size == 60


def test_size_counts_arrays_in_tuples():
    cache = FieldCache(100)
    cache.get("pair", lambda: (np.zeros(30, np.uint8), np.zeros(5)))
    assert cache.size == 70
    cache.put("pair", np.zeros(20, np.uint8))
    assert cache.size == 20


@pytest.fixture
def small_cache(monkeypatch):
    cache = FieldCache(2**20)
    monkeypatch.setattr(seeding, "CACHE", cache)
    return cache


@pytest.mark.filterwarnings("ignore:frost")
def test_hundreds_of_sizes_stay_within_the_limit_and_change_no_pixel(small_cache):
    names = ("gaussian_noise", "glass_blur", "snow", "fog", "elastic_transform")
    sizes = [(32 + i, 48 + (7 * i) % 31) for i in range(0, 60, 3)]
    for size in sizes:
        for name in names:
            corrupt(draw_scene(*size), name, 2)
            assert small_cache.size <= 2**20
    for size in (sizes[0], sizes[-1]):
        for name in names:
            small = corrupt(draw_scene(*size), name, 2)
            small_cache.clear()
            np.testing.assert_array_equal(corrupt(draw_scene(*size), name, 2), small)


def test_threads_get_the_pixels_of_one_thread():
    cells = [(name, 3) for name in COCO_C.corruptions if name != "frost"]
    image = draw_scene(60, 70)
    expected = list(corrupt_all(image, cells))
    CACHE.clear()
    results = [None] * 4

    def work(i):
        results[i] = list(corrupt_all(image, cells))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        for ours, theirs in zip(result, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("seed", ["release", (3, 4)])
def test_all_cells_at_once_are_those_one_by_one(seed):
    image = draw_scene(50, 64)
    cells = [(name, severity) for name in COCO_C.corruptions if name != "frost" for severity in (5, 1, 3)]
    for (name, severity), together in zip(cells, corrupt_all(image, cells, seed), strict=True):
        np.testing.assert_array_equal(together, corrupt(image, name, severity, seed))


def test_shot_noise_that_needs_more_numbers_than_were_drawn_goes_on_in_the_same_stream():
    bright = np.full((60, 70, 3), 200, np.uint8)
    CACHE.clear()
    corrupt(bright, "shot_noise", 5)  # three numbers a value are enough
    plenty = corrupt(bright, "shot_noise", 3)  # ten are needed
    CACHE.clear()
    np.testing.assert_array_equal(corrupt(bright, "shot_noise", 3), plenty)
    expected = np.random.RandomState(1).poisson(np.full(bright.shape, 200 / 255.0 * 12)) / 12.0
    np.testing.assert_array_equal(plenty, (np.clip(expected, 0, 1) * 255).astype(np.uint8))
