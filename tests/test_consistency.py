"""Consistency against a plain computation that tries every pairing, and what its definition promises."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from robustpose.errors import UserError
from robustpose.evaluation import score
from robustpose.metrics import make_metric
from robustpose.metrics.consistency import Consistency, take_as_truth
from robustpose.metrics.slices import slice_people
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth, no_poses
from robustpose.results.resampling import draw_weights

ARMS = replace(COCO, joints=COCO.joints[:3], sigmas=COCO.sigmas[:3], limbs=(), flip_pairs=())


def draw_pairs(seed, n_images=8, spread=8.0):
    """Return images of up to four clean poses, and of some of them moved, with others that nobody was before."""
    rng = np.random.default_rng(seed)
    pairs = []
    for image_id in range(n_images):
        n_people, n_new = (int(n) for n in rng.integers(0, [5, 3]))
        xy = rng.uniform(0, 300, (n_people, 1, 2)) + rng.uniform(0, 90, (n_people, 3, 2))
        clean = Poses(image_id, xy, rng.uniform(-0.2, 1, (n_people, 3)), rng.uniform(-0.1, 1, n_people))
        kept = rng.permutation(n_people)[: int(rng.integers(0, n_people + 1))]
        moved = xy[kept] + rng.normal(0, spread, (len(kept), 3, 2))
        moved = np.concatenate([moved, rng.uniform(0, 300, (n_new, 3, 2))])
        found = Poses(image_id, moved, rng.uniform(0, 1, moved.shape[:2]), rng.uniform(-0.1, 1, len(moved)))
        pairs.append((clean, found))
    return pairs


def take_in(pairs, skeleton=ARMS):
    metric = Consistency(skeleton)
    for clean, found in pairs:
        metric.update(found, take_as_truth(clean))
    return metric


def oks_of(clean_xy, confidence, xy):
    """The definition, joint by joint."""
    low, high = clean_xy.min(0), clean_xy.max(0)
    sides = high - low
    area = 0.53 * np.prod([max(side, max(sides) / 4, 1.0) for side in sides])
    weights = [max(c, 0.0) for c in confidence]
    weights = weights if any(weights) else [1.0] * len(weights)
    alike = [
        np.exp(-((a - b) ** 2).sum() / (2 * (2 * sigma) ** 2 * area))
        for a, b, sigma in zip(clean_xy, xy, ARMS.sigmas, strict=True)
    ]
    return sum(w * s for w, s in zip(weights, alike, strict=True)) / sum(weights)


def consistency_of(clean, found):
    """Numerator and denominator of an image, of the best of all pairings."""
    w, v = np.maximum(clean.score, 0), np.maximum(found.score, 0)
    n, m = len(w), len(v)
    oks = [[oks_of(clean.xy[i], clean.confidence[i], found.xy[j]) for j in range(m)] for i in range(n)]
    best = 0.0, 0.0
    for order in permutations([*range(m), *[None] * n], n):
        sums = [(w[i] + v[j]) * oks[i][j] for i, j in enumerate(order) if j is not None]
        kept = [(w[i] + v[j]) * oks[i][j] for i, j in enumerate(order) if j is not None and oks[i][j] >= 0.1]
        best = max(best, (sum(sums), sum(kept)))
    return best[1], w.sum() + v.sum()


@pytest.mark.parametrize("seed", range(4))
def test_consistency_is_that_of_a_plain_computation(seed):
    pairs = draw_pairs(seed)
    sides = np.array([consistency_of(*pair) for pair in pairs]).sum(0)
    metric = take_in(pairs)
    assert metric.compute()["consistency"] == pytest.approx(sides[0] / sides[1], abs=1e-12)
    assert metric.matches().table().score()[0] == pytest.approx(sides[0] / sides[1], abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_poses_are_one_to_the_last_bit_in_every_resample_slice_and_joint(seed):
    pairs = [(clean, clean) for clean, _ in draw_pairs(seed)]
    metric = take_in(pairs)
    assert metric.compute() == {"consistency": 1.0, "oks_of_pairs": 1.0, "lost": 0.0, "new": 0.0}
    matches, weights = metric.matches(), draw_weights(len(pairs), 50)
    slices = [slice_people(take_as_truth(clean), 3) for clean, _ in pairs]
    tables = [matches.table(), *matches.joints_tables().values()]
    tables += [matches.table([of[key] for of in slices]) for key in slices[0]]
    for table in tables:
        scores = table.score(weights)
        assert set(scores[~np.isnan(scores)]) <= {1.0}


def test_who_is_lost_and_who_is_new_counts_by_score():
    clean, _ = next(pair for pair in draw_pairs(1) if len(pair[0].score) > 2)
    clean = replace(
        clean,
        score=np.linspace(0.9, 0.3, len(clean.score)),
        xy=clean.xy + 1000 * np.arange(len(clean.xy))[:, None, None],
    )
    without_last = Poses(clean.image_id, clean.xy[:-1], clean.confidence[:-1], clean.score[:-1])
    kept, all_scores = without_last.score.sum(), clean.score.sum()
    lost, new = take_in([(clean, without_last)]).compute(), take_in([(without_last, clean)]).compute()
    assert lost["consistency"] == new["consistency"] == pytest.approx(2 * kept / (kept + all_scores))
    assert lost["lost"] == new["new"] == pytest.approx(0.3 / all_scores)
    assert lost["new"] == new["lost"] == 0
    assert lost["oks_of_pairs"] == new["oks_of_pairs"] == 1


def test_consistency_falls_with_noise_and_does_not_depend_on_the_scale_of_scores_or_on_order():
    scores = [take_in(draw_pairs(5, spread=spread)).compute()["consistency"] for spread in (1, 5, 20)]
    assert scores == sorted(scores, reverse=True)
    pairs = draw_pairs(6)
    scaled = [[replace(of, score=7 * of.score) for of in pair] for pair in pairs]
    turned = [[Poses(of.image_id, of.xy[::-1], of.confidence[::-1], of.score[::-1]) for of in pair] for pair in pairs]
    expected = take_in(pairs).compute()["consistency"]
    for others in (scaled, turned):
        assert take_in(others).compute()["consistency"] == pytest.approx(expected, abs=1e-12)


def test_cell_in_which_nobody_is_found_is_zero_and_no_poses_at_all_are_minus_one():
    clean = draw_pairs(1)[0][0]
    assert len(clean.score)
    nobody = no_poses(clean.image_id, 3)
    assert take_in([(clean, nobody)]).compute()["consistency"] == 0
    assert take_in([(nobody, nobody)]).compute()["consistency"] == -1
    assert np.isnan(take_in([(nobody, nobody)]).matches().table().score()[0])


def test_poses_of_other_categories_are_not_the_same_one():
    pose = Poses(1, np.arange(6.0).reshape(1, 3, 2), np.ones((1, 3)), np.ones(1), categories=np.array([0]))
    assert take_in([(pose, pose)]).compute()["consistency"] == 1
    assert take_in([(pose, replace(pose, categories=np.array([1])))]).compute()["consistency"] == 0


def test_pose_without_width_keeps_an_area():
    xy = np.zeros((2, 3, 2))
    xy[0, :, 1] = [0, 50, 100]
    assert take_as_truth(Poses(1, xy, np.ones((2, 3)), np.ones(2))).area.tolist() == [0.53 * 25 * 100, 0.53]


def test_poses_beyond_all_numbers_are_as_far_as_can_be():
    near = Poses(1, np.arange(6.0).reshape(1, 3, 2), np.ones((1, 3)), np.ones(1))
    far = replace(near, xy=near.xy + np.array([1e300, -1e300]))
    assert take_in([(near, far)]).compute()["consistency"] == 0
    assert take_in([(far, far)]).compute()["consistency"] == 1


def test_clean_images_alone_have_no_consistency():
    truth = Truth(1, np.zeros((0, 17, 2)), np.zeros((0, 17), int), np.zeros(0), np.zeros((0, 4)), np.zeros(0, bool))
    with pytest.raises(UserError, match=r"^consistency compares poses under corruption with those on clean images"):
        score([no_poses(1, 17)], [truth], make_metric("consistency", COCO))
