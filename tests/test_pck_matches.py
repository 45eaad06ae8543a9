import numpy as np
import pytest

from robustpose.metrics import make_metric
from robustpose.metrics.slices import slice_people
from robustpose.pose.skeletons import COCO, MPII
from robustpose.pose.types import Poses, Truth
from robustpose.results.resampling import draw_weights
from tests.people import draw_again, fill

SPECS = [("pckh", MPII), ("pck:head_size@0.5", MPII), ("pck:box@0.1", COCO), ("pck:left_hip-right_hip@0.5", COCO)]


def draw_pairs(seed, skeleton, n_images=12, says_whom=False):
    """Return images of up to five people, some of them crowd, without head size or keypoints; poses lack or abound."""
    rng = np.random.default_rng(seed)
    pairs = []
    for image_id in range(n_images):
        n_people = int(rng.integers(0, 6))
        xy = rng.uniform(0, 200, (n_people, 1, 2)) + rng.uniform(0, 100, (n_people, skeleton.n_joints, 2))
        visible = rng.integers(0, 3, xy.shape[:2])
        visible[rng.random(n_people) < 0.1] = 0
        boxes = np.concatenate([xy.min(1), xy.max(1)], axis=1)
        head_size = rng.uniform(10, 30, n_people) * (rng.random(n_people) > 0.1)
        truth = Truth(image_id, xy, visible, np.full(n_people, 900.0), boxes, rng.random(n_people) < 0.1, head_size)
        whom = rng.permutation(n_people)[: int(rng.integers(0, n_people + 1))]
        found = xy[whom] + rng.normal(0, 8, (len(whom), *xy.shape[1:]))
        if not says_whom:
            found = np.concatenate([found, rng.uniform(0, 200, (int(rng.integers(0, 3)), *xy.shape[1:]))])
        ones = np.ones(found.shape[:2])
        pairs.append((Poses(image_id, found, ones, ones[:, 0], whom if says_whom else None), truth))
    return pairs


def find_pck(spec, skeleton, pairs):
    metric = fill(make_metric(spec, skeleton), pairs)
    return metric.compute()[metric.primary]


@pytest.mark.parametrize(("spec", "skeleton"), SPECS)
@pytest.mark.parametrize("says_whom", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_share_of_weighted_images_is_the_figure_of_their_copies(spec, skeleton, says_whom, seed):
    pairs = draw_pairs(seed, skeleton, says_whom=says_whom)
    table = fill(make_metric(spec, skeleton), pairs).matches().table()
    assert table.score() == pytest.approx([find_pck(spec, skeleton, pairs)], abs=1e-12)
    weights = draw_weights(len(pairs), 4)
    expected = [find_pck(spec, skeleton, draw_again(pairs, row)) for row in weights]
    np.testing.assert_allclose(np.nan_to_num(table.score(weights), nan=-1), expected, atol=1e-12)


@pytest.mark.parametrize(("spec", "skeleton"), SPECS)
def test_joints_are_those_of_the_figures(spec, skeleton):
    pairs = draw_pairs(7, skeleton)
    tables = fill(make_metric(spec, skeleton), pairs).matches().joints_tables()
    assert list(tables) == list(skeleton.joints)
    plain = "pck:head_size@0.5" if spec == "pckh" else spec
    figures = fill(make_metric(plain, skeleton), pairs).compute()
    for joint, table in tables.items():
        assert table.score() == pytest.approx([figures[joint]], abs=1e-12)


def test_pckh_leaves_pelvis_and_thorax_out_of_the_mean_and_pck_does_not():
    pairs = draw_pairs(8, MPII)
    tables = {spec: fill(make_metric(spec, MPII), pairs).matches() for spec in ("pckh", "pck:head_size@0.5")}
    joints = tables["pckh"].joints_tables()
    for spec, left_out in (("pckh", {"pelvis", "thorax"}), ("pck:head_size@0.5", set())):
        kept = [table for joint, table in joints.items() if joint not in left_out]
        np.testing.assert_array_equal(sum(t.annotated for t in kept), tables[spec].table().annotated)
        np.testing.assert_array_equal(sum(t.hits for t in kept), tables[spec].table().hits)


@pytest.mark.parametrize(("spec", "skeleton"), SPECS)
def test_slices_that_share_nobody_add_up_to_everybody(spec, skeleton):
    pairs = draw_pairs(9, skeleton, 20)
    matches = fill(make_metric(spec, skeleton), pairs).matches()
    crowding = [key for key in slice_people(pairs[0][1], skeleton.n_joints) if key[0] == "crowding"]
    tables = [matches.table([slice_people(t, skeleton.n_joints)[key] for _, t in pairs]) for key in crowding]
    assert sum(t.annotated.sum() > 0 for t in tables) > 1
    np.testing.assert_array_equal(sum(t.annotated for t in tables), matches.table().annotated)
    np.testing.assert_array_equal(sum(t.hits for t in tables), matches.table().hits)


def test_quality_is_the_pck_of_each_image():
    pairs = draw_pairs(10, COCO)
    quality = fill(make_metric("pck:box@0.1", COCO), pairs).matches().quality()
    one_by_one = [find_pck("pck:box@0.1", COCO, [pair]) for pair in pairs]
    np.testing.assert_allclose(np.nan_to_num(quality, nan=-1), one_by_one, atol=1e-12)
    assert -1 in one_by_one


def test_pck_has_no_confidences_and_says_what_its_joints_figures_are():
    matches = fill(make_metric("pckh", MPII), draw_pairs(11, MPII)).matches()
    assert matches.confidences() is None
    assert matches.joint_figure == "PCK"
