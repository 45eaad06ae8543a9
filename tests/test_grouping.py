import numpy as np
import pytest

from robustpose.decoding.tags import group_people
from robustpose.decoding.tags.peaks import find_block_maxima, find_peaks
from robustpose.decoding.tags.search import find_nearest_tag, find_tag_ranges
from robustpose.errors import UserError


def draw_people(n_people, size_hw=(96, 128), n_joints=17, seed=0, drop=0.0):
    """Return heatmaps and tags of people whose joints are small blobs, each person with a tag of its own."""
    rng = np.random.default_rng(seed)
    height, width = size_hw
    heatmaps = rng.normal(0, 0.01, (n_joints, height, width)).astype(np.float32)
    tags = rng.normal(0, 0.05, (n_joints, height, width, 2)).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    truth = rng.uniform([4, 4], [width - 4, height - 4], (n_people, n_joints, 2))
    for person in range(n_people):
        for joint in range(n_joints):
            if rng.random() < drop:
                continue
            apart = (x - truth[person, joint, 0]) ** 2 + (y - truth[person, joint, 1]) ** 2
            heatmaps[joint] = np.maximum(heatmaps[joint], np.exp(-apart / 4) * rng.uniform(0.4, 1))
            tags[joint][apart < 9] = 3 * person
    return heatmaps, tags, truth


@pytest.mark.parametrize("name", ["higherhrnet_grouping", "higherhrnet_grouping_hard_a", "higherhrnet_grouping_hard_b"])
def test_people_are_those_of_the_published_program(shared, name):
    golden = np.load(shared / f"goldens/{name}.npz")
    people, scores = group_people(golden["det"][0], golden["tag"][0])
    np.testing.assert_array_equal(people, golden["people"])
    np.testing.assert_array_equal(scores, golden["scores"])


def test_nobody_is_found_in_an_empty_image():
    people, scores = group_people(np.zeros((17, 20, 30)), np.zeros((17, 20, 30, 2)))
    assert people.shape == (0, 17, 5)
    assert scores.shape == (0,)


def test_people_who_keep_apart_are_told_apart():
    heatmaps, tags, truth = draw_people(4)
    people, scores = group_people(heatmaps, tags)
    assert len(people) == len(scores) == 4
    for person in people:
        owner = round(float(np.median(person[:, 3])) / 3)
        assert np.abs(person[:, :2] - 0.5 - truth[owner]).max() < 1.1


def test_missing_joints_are_found_by_tag_only_if_asked():
    heatmaps, tags, _ = draw_people(3, drop=0.3, seed=2)
    bare, scores = group_people(heatmaps, tags, refine=False)
    refined, same_scores = group_people(heatmaps, tags)
    missing = bare[:, :, 2] == 0
    assert missing.any()
    np.testing.assert_array_equal(scores, same_scores)
    np.testing.assert_array_equal(bare[~missing], refined[~missing])
    assert (refined[missing][:, 3:] == 0).all()


def test_peaks_are_maxima_of_five_by_five_pixels_best_first():
    rng = np.random.default_rng(0)
    heatmap = rng.random((40, 50)).astype(np.float32)
    peaks = find_peaks(heatmap, find_block_maxima(heatmap), 0.5, 1000)
    padded = np.pad(heatmap, 2, constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5)).max((2, 3))
    expected = {tuple(place) for place in np.argwhere((windows == heatmap) & (heatmap > 0.5))}
    assert {tuple(place) for place in peaks} == expected
    values = heatmap[peaks[:, 0], peaks[:, 1]]
    assert (np.diff(values) <= 0).all()
    np.testing.assert_array_equal(find_peaks(heatmap, find_block_maxima(heatmap), 0.5, 7), peaks[:7])


def test_search_by_tag_finds_what_looking_at_every_pixel_finds():
    rng = np.random.default_rng(1)
    for _ in range(20):
        heatmap = rng.normal(0, 0.3, (23, 37)).astype(np.float32).round(1)  # with equal values
        tags = rng.normal(0, 2, (23, 37, 2)).astype(np.float32)
        tags[:, 20:] += 5
        maxima = find_block_maxima(heatmap)
        ranges = find_tag_ranges(tags)
        for wanted in rng.normal(0, 4, (10, 2)).astype(np.float32):  # of one joint, several people
            value = heatmap - np.round(((tags - wanted) ** 2).sum(2) ** 0.5)
            found = find_nearest_tag(heatmap, tags, maxima, ranges, wanted)
            assert found == np.unravel_index(value.argmax(), value.shape)


def test_block_maxima_are_those_of_eight_by_eight_pixels():
    heatmap = np.random.default_rng(0).normal(size=(19, 33)).astype(np.float32)
    maxima = find_block_maxima(heatmap)
    assert maxima.shape == (3, 5)
    for row, column in np.ndindex(3, 5):
        assert maxima[row, column] == heatmap[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8].max()


@pytest.mark.parametrize(
    ("heatmaps", "tags"), [((17, 8, 8), (17, 8, 9, 1)), ((17, 8, 8), (17, 8, 8)), ((8, 8), (17, 8, 8, 1))]
)
def test_shapes_that_do_not_fit_are_one_clear_line(heatmaps, tags):
    with pytest.raises(UserError, match="heatmaps must be"):
        group_people(np.zeros(heatmaps), np.zeros(tags))
