import numpy as np
import pytest
from munkres import Munkres, native_status

from robustpose.decoding.tags import COCO_ORDER, group_people
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


def draw_crowd(seed):
    """Return heatmaps and tags of 20 to 40 people, some of whom have the same tags or nearly so."""
    rng = np.random.default_rng(seed)
    n_people, n_tags, (height, width) = rng.integers(20, 41), rng.integers(1, 3), (96, 128)
    heatmaps = rng.uniform(0, 0.05, (17, height, width)).astype(np.float32)
    tags = rng.normal(0, 0.1, (17, height, width, n_tags)).astype(np.float32)
    own = rng.normal(0, rng.choice([0.5, 2, 6]), (n_people, n_tags))
    own[: n_people // 3] = own[0]
    for person in range(n_people):
        for joint in np.flatnonzero(rng.random(17) < 0.85):
            y, x = rng.integers(1, (height - 1, width - 1))
            blob = rng.uniform(0.15, 1) * np.array([[0.5, 0.8, 0.4], [0.7, 1, 0.6], [0.3, 0.8, 0.5]])
            place = joint, slice(y - 1, y + 2), slice(x - 1, x + 2)
            heatmaps[place] = np.maximum(heatmaps[place], blob)
            tags[place] = own[person] + rng.normal(0, rng.choice([0.05, 0.3]), n_tags)
    return heatmaps, tags


def group_plainly(heatmaps, tags):
    """Return what `group_people` does as HigherHRNet's program finds it: step by step, with munkres."""
    people, tags_of = {}, {}  # both by the first number of the tag that started a person
    for joint in COCO_ORDER:
        found = find_joints(heatmaps[joint], tags[joint])
        keys = list(people)[:30]
        owners = [None] * len(found)
        if len(found) and keys:
            means = np.array([np.mean(tags_of[key], axis=0) for key in keys])
            apart = np.linalg.norm(found[:, None, 3:] - means, axis=2)
            cost = np.round(apart) * 100 - found[:, 2:3]
            padding = np.full((len(found), max(0, len(found) - len(keys))), 1e10)
            for row, column in Munkres().compute(np.concatenate([cost, padding], axis=1)):
                if column < len(keys) and apart[row, column] < 1:
                    owners[row] = keys[column]
        for one, owner in zip(found, owners, strict=True):
            tag = one[3:].astype(np.float32)
            key = tag[0] if owner is None else owner
            people.setdefault(key, np.zeros((17, len(one)), np.float32))[joint] = one
            tags_of[key] = [tag] if owner is None else [*tags_of[key], tag]
    found = np.array(list(people.values()))
    for person, joint in np.argwhere(found[:, :, 2] > 0):
        x, y = found[person, joint, :2].astype(int)
        found[person, joint, :2] = adjust(heatmaps[joint], y, x)
    scores = np.array([person[:, 2].mean() for person in found])
    for person in found:
        places = [(joint, *person[joint, 1::-1].astype(int)) for joint in np.flatnonzero(person[:, 2] > 0)]
        mean = np.mean([tags[place] for place in places], axis=0)
        for joint in np.flatnonzero(person[:, 2] == 0):
            apart = ((tags[joint] - mean) ** 2).sum(2) ** 0.5
            y, x = np.unravel_index(np.argmax(heatmaps[joint] - np.round(apart)), apart.shape)
            if heatmaps[joint, y, x] > 0:
                person[joint, :3] = [*adjust(heatmaps[joint], y, x), heatmaps[joint, y, x]]
    return found, scores


def find_joints(heatmap, tags):
    """Return the 30 highest maxima of 5 x 5 pixels above 0.1, best first: x, y, value and tag of each."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(heatmap, 2), (5, 5)).max((2, 3))
    values = np.where(windows == heatmap, heatmap, 0)
    places = [np.unravel_index(i, values.shape) for i in np.argsort(-values, axis=None, kind="stable")[:30]]
    rows = [[x, y, heatmap[y, x], *tags[y, x]] for y, x in places if values[y, x] > 0.1]
    return np.array(rows, float).reshape(-1, 3 + tags.shape[2])


def adjust(heatmap, y, x):
    """Return x and y of a joint at a pixel, a quarter of a pixel towards the larger neighbours."""
    padded = np.pad(heatmap, 1, mode="edge")
    right, left = padded[y + 1, x + 2], padded[y + 1, x]
    below, above = padded[y + 2, x + 1], padded[y, x + 1]
    return x + 0.5 + (0.25 if right > left else -0.25), y + 0.5 + (0.25 if below > above else -0.25)


@pytest.mark.parametrize("seed", range(6))
def test_people_of_crowds_are_those_of_the_published_steps(seed):
    if not native_status()["available"]:
        pytest.skip("munkres has no compiled part here, and decides ties otherwise")
    heatmaps, tags = draw_crowd(seed)
    people, scores = group_people(heatmaps, tags)
    expected, expected_scores = group_plainly(heatmaps, tags)
    assert len(people) > 20
    np.testing.assert_array_equal(people, expected)
    np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_one_clear_line(value):
    heatmaps, tags, _ = draw_people(2)
    tags[heatmaps > 0.3] = value
    with pytest.raises(UserError, match="heatmaps and tags must be finite"):
        group_people(heatmaps, tags)


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
