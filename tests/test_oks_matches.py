from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from robustpose.metrics.oks_matches import OksMatches
from robustpose.metrics.slices import slice_people
from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Poses, Truth, no_poses
from robustpose.results.resampling import draw_weights
from tests.people import coco_ap, draw_people, poses_of, stand_apart, truth_of

VARIANCES = (2 * np.array(COCO.sigmas)) ** 2


def match(pairs):
    matches = OksMatches(COCO.joints, COCO.sigmas)
    for poses, truth in pairs:
        matches.add(poses, truth)
    return matches


def find_ap(table):
    return float(table.score()[0])


def someone(truth):
    return ~truth.crowd & (truth.visible > 0).any(1)


def pick_people(truth, rows):
    """Return the truth of some of the people."""
    return Truth(
        truth.image_id, truth.xy[rows], truth.visible[rows], truth.area[rows], truth.boxes[rows], truth.crowd[rows]
    )


def pick_poses(poses, rows):
    return Poses(poses.image_id, poses.xy[rows], poses.confidence[rows], poses.score[rows])


@pytest.mark.parametrize("seed", range(5))
def test_ap_of_the_slice_of_everybody_is_ap(seed):
    pairs = draw_people(seed, 20, tied_in_image=True)
    matches = match(pairs)
    everybody = matches.table([np.ones(len(truth.xy), bool) for _, truth in pairs])
    weights = draw_weights(20, 5)
    np.testing.assert_array_equal(everybody.score(weights), matches.table().score(weights))
    assert find_ap(everybody) == pytest.approx(coco_ap(pairs), abs=1e-12)


def test_ap_of_the_slice_of_nobody_is_no_figure():
    pairs = draw_people(1)
    assert np.isnan(find_ap(match(pairs).table([np.zeros(len(truth.xy), bool) for _, truth in pairs])))


def draw_apart(seed, n_images=15):
    """Return images of people far from each other, whom each of some poses is of, and poses of nobody at all."""
    rng = np.random.default_rng(seed)
    pairs, whom = [], []
    for image_id in range(n_images):
        n_people = int(rng.integers(0, 6))
        truth = truth_of(stand_apart(rng, n_people), image_id=image_id)
        answers = rng.integers(-1, n_people, int(rng.integers(0, 9)))
        size = np.sqrt(truth.area)
        xy = np.full((len(answers), 17, 2), -5000.0) + rng.uniform(0, 50, (len(answers), 17, 2))
        for number, person in enumerate(answers):
            if person >= 0:
                spread = rng.choice([0.01, 0.05, 0.1]) * size[person]
                xy[number] = truth.xy[person] + rng.normal(0, spread, (17, 2))
        score = rng.permutation(20)[: len(answers)] / 20
        pairs.append((poses_of(xy.round(3), score, image_id), truth))
        whom.append(answers)
    return pairs, whom


@pytest.mark.parametrize("seed", range(8))
def test_slice_of_people_who_stand_apart_scores_as_if_the_others_and_their_poses_were_not_there(seed):
    pairs, whom = draw_apart(seed)
    rng = np.random.default_rng(seed)
    kept = [rng.random(len(truth.xy)) < 0.5 for _, truth in pairs]
    alone = [
        (pick_poses(poses, np.array([p < 0 or keep[p] for p in answers], bool)), pick_people(truth, keep))
        for (poses, truth), answers, keep in zip(pairs, whom, kept, strict=True)
    ]
    assert find_ap(match(pairs).table(kept)) == pytest.approx(coco_ap(alone), abs=1e-12)


def test_poses_of_nobody_at_all_count_in_every_slice():
    pairs, _ = draw_apart(3)
    far = [(poses_of(np.full((3, 17, 2), -9000.0), [0.99, 0.98, 0.97]), truth) for _, truth in pairs]
    more = [
        (
            Poses(
                1, *(np.concatenate([getattr(p, n) for p in (ghosts, poses)]) for n in ("xy", "confidence", "score"))
            ),
            truth,
        )
        for (poses, truth), (ghosts, _) in zip(pairs, far, strict=True)
    ]
    for part in (0, 1):
        kept = [np.arange(len(truth.xy)) % 2 == part for _, truth in pairs]
        assert 0 < find_ap(match(more).table(kept)) < find_ap(match(pairs).table(kept))


def test_poses_of_others_cost_a_slice_nothing_however_bad():
    truth = truth_of(stand_apart(np.random.default_rng(0), 2))
    first = [np.array([True, False])]
    size = np.sqrt(truth.area[1])
    for error in (0, 0.05, 0.15):  # right, half right, wrong at every threshold
        moved = truth.xy[1] + error * size
        oks = match([(poses_of([moved], [0.9]), truth)]).confidences()[1]
        assert oks[0] > 0.1
        assert find_ap(match([(poses_of([moved, truth.xy[0]], [0.9, 0.5]), truth)]).table(first)) == pytest.approx(1)
    nowhere = truth.xy[1] + size
    assert match([(poses_of([nowhere], [0.9]), truth)]).confidences()[1][0] < 0.1
    assert find_ap(match([(poses_of([nowhere, truth.xy[0]], [0.9, 0.5]), truth)]).table(first)) == pytest.approx(0.5)


def test_second_pose_of_somebody_in_the_slice_is_wrong_in_it():
    truth = truth_of(stand_apart(np.random.default_rng(0), 2))
    poses = poses_of([truth.xy[0] + 100 / 1000, truth.xy[0], truth.xy[1]], [0.9, 0.8, 0.7])
    table = match([(poses, truth)]).table([np.array([True, False])])
    assert (table.verdict == 1).any()
    assert (table.verdict == 0).any()


def test_sizes_together_have_every_person_and_every_right_pose_once():
    pairs, _ = draw_apart(5, 30)
    matches = match(pairs)
    sizes = [key for key in slice_people(pairs[0][1], 17) if key[0] == "size"]
    tables = [matches.table([slice_people(truth, 17)[key] for _, truth in pairs]) for key in sizes]
    whole = matches.table()
    np.testing.assert_array_equal(sum(t.positives for t in tables), whole.positives)
    right = sum((t.verdict == 1).sum(1) for t in tables)
    np.testing.assert_array_equal(right, (whole.verdict == 1).sum(1))


def test_only_the_twenty_best_poses_of_an_image_count():
    truth = truth_of(stand_apart(np.random.default_rng(0), 1))
    wrong = np.full((20, 17, 2), -9000.0)
    scores = np.linspace(0.9, 0.5, 20)
    assert find_ap(match([(poses_of([*wrong, truth.xy[0]], [*scores, 0.4]), truth)]).table()) == 0
    assert find_ap(match([(poses_of([*wrong[1:], truth.xy[0]], [*scores[1:], 0.4]), truth)]).table()) > 0


def test_order_of_poses_with_different_scores_changes_nothing():
    pairs = draw_people(7, 20)
    rng = np.random.default_rng(0)
    shuffled = [(pick_poses(poses, rng.permutation(len(poses.score))), truth) for poses, truth in pairs]
    for one, other in zip(match(pairs).table().save().values(), match(shuffled).table().save().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def plain_similarity(xy, truth):
    """Return the similarity (D, G, K) of each joint of each pose to each person's."""
    apart = ((xy[:, None] - truth.xy[None]) ** 2).sum(-1)
    return np.exp(-apart / VARIANCES / (truth.area[None, :, None] + np.spacing(1)) / 2)


def plain_assignment(poses, truth):
    """Return the similarity (G, K) of the joints of the pose that each counted person is given, and its OKS (G,)."""
    best = np.argsort(-poses.score, kind="stable")[:20]
    similarity = plain_similarity(poses.xy[best], truth)
    visible = truth.visible > 0
    rows = np.flatnonzero(someone(truth))
    oks = (similarity * visible).sum(-1) / np.maximum(visible.sum(-1), 1)
    joints, given = np.zeros(visible.shape), np.zeros(len(visible))
    for pose, place in zip(*linear_sum_assignment(oks[:, rows], maximize=True), strict=True):
        joints[rows[place]], given[rows[place]] = similarity[pose, rows[place]], oks[pose, rows[place]]
    return joints, given


@pytest.mark.parametrize("seed", range(5))
def test_joints_are_the_mean_similarity_over_those_annotated(seed):
    pairs = draw_people(300 + seed, 15, tied_in_image=True)
    tables = match(pairs).joints_tables()
    assert list(tables) == list(COCO.joints)
    reached, possible = np.zeros((15, 17)), np.zeros((15, 17))
    for number, (poses, truth) in enumerate(pairs):
        joints, _ = plain_assignment(poses, truth)
        visible = (truth.visible > 0) & someone(truth)[:, None]
        reached[number], possible[number] = (joints * visible).sum(0), visible.sum(0)
    weights = draw_weights(15, 4)
    expected = (weights @ reached) / (weights @ possible)
    np.testing.assert_allclose([t.score(weights) for t in tables.values()], expected.T, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_quality_is_the_mean_oks_of_the_poses_that_people_are_given(seed):
    pairs = draw_people(400 + seed, 15, tied_in_image=True)
    quality = match(pairs).quality()
    for value, (poses, truth) in zip(quality, pairs, strict=True):
        who = someone(truth)
        if not who.any():
            assert np.isnan(value)
            continue
        assert value == pytest.approx(plain_assignment(poses, truth)[1][who].mean(), abs=1e-12)


def test_quality_is_that_of_the_best_of_all_assignments():
    rng = np.random.default_rng(0)
    truth = truth_of(rng.uniform(0, 60, (4, 17, 2)))
    xy = truth.xy[[2, 0, 1, 3]] + rng.normal(0, 6, (4, 17, 2))
    oks = plain_similarity(xy, truth).mean(-1)
    best = max(oks[list(order), range(4)].mean() for order in permutations(range(4)))
    assert match([(poses_of(xy), truth)]).quality()[0] == pytest.approx(best, abs=1e-12)


def test_quality_is_one_at_the_truth_zero_without_poses_and_nothing_without_people():
    truth = truth_of(stand_apart(np.random.default_rng(0), 3))
    nobody = truth_of(np.zeros((0, 17, 2)))
    crowd = replace(truth, crowd=np.ones(3, bool))
    pairs = [(poses_of(truth.xy), truth), (no_poses(1, 17), truth), (poses_of(truth.xy[:1]), nobody)]
    quality = match([*pairs, (poses_of(truth.xy), crowd)]).quality()
    np.testing.assert_array_equal(quality, [1, 0, np.nan, np.nan])


def test_quality_of_a_person_without_a_pose_is_zero():
    truth = truth_of(stand_apart(np.random.default_rng(0), 4))
    assert match([(poses_of(truth.xy[[2]]), truth)]).quality() == pytest.approx([0.25])


def test_confidences_are_scores_beside_the_largest_oks():
    pairs = draw_people(500, 12)
    score, oks = match([(p, replace(t, crowd=np.zeros_like(t.crowd))) for p, t in pairs]).confidences()
    assert len(score) == len(oks)
    assert ((oks >= 0) & (oks <= 1)).all()
    truth = truth_of(stand_apart(np.random.default_rng(0), 2))
    score, oks = match([(poses_of([truth.xy[1], truth.xy[1] + 3], [0.3, 0.8]), truth)]).confidences()
    np.testing.assert_array_equal(score, [0.8, 0.3])
    assert oks[1] == 1
    assert 0 < oks[0] < 1


def test_confidences_leave_out_poses_on_people_who_are_ignored_and_images_without_others():
    truth = truth_of(stand_apart(np.random.default_rng(0), 2), crowd=[True, False])
    poses = poses_of(truth.xy, [0.9, 0.4])
    for pairs in ([(poses, truth)], [(poses, truth), (poses, replace(truth, crowd=np.ones(2, bool)))]):
        score, oks = match(pairs).confidences()
        assert (score.tolist(), oks.tolist()) == ([0.4], [1.0])
    score, oks = match([]).confidences()
    assert len(score) == len(oks) == 0


def test_without_images_there_is_no_score():
    assert np.isnan(find_ap(match([]).table()))
