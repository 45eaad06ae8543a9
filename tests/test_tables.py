import numpy as np
import pytest

from robustpose.metrics.coco_ap import CocoAP
from robustpose.metrics.score_tables import ApTable, JointTable, load_score_table
from robustpose.pose.skeletons import COCO
from robustpose.results.resampling import draw_weights
from tests.people import coco_ap, draw_again, draw_people, fill, poses_of, truth_of
from tests.test_coco_ap import official_figures

RESAMPLES = 4


def ap_table(pairs):
    return fill(CocoAP(COCO.sigmas), pairs).matches().table()


@pytest.mark.parametrize("tied_in_image", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_ap_of_a_table_is_that_of_faster_coco_eval(seed, tied_in_image):
    pairs = draw_people(seed, 4 + seed, tied_in_image)
    assert ap_table(pairs).score() == pytest.approx([coco_ap(pairs)], abs=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("seed", range(6))
def test_ap_of_a_table_is_that_of_pycocotools(seed):
    pairs = draw_people(100 + seed, 10, tied_in_image=True)
    assert ap_table(pairs).score() == pytest.approx([official_figures(pairs, COCO.sigmas)[0]], abs=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_ap_of_weighted_images_without_ties_inside_an_image_is_that_of_their_copies(seed):
    pairs = draw_people(200 + seed, 4 + 2 * seed)
    weights = draw_weights(len(pairs), RESAMPLES)
    table = ap_table(pairs)
    expected = [coco_ap(draw_again(pairs, row)) for row in weights]
    found = table.score(weights)
    np.testing.assert_allclose(np.nan_to_num(found, nan=-1), expected, atol=1e-12)


def test_ap_of_weighted_images_with_ties_inside_an_image_takes_the_copies_of_a_pose_together():
    one = truth_of(np.random.default_rng(0).uniform(0, 200, (1, 17, 2)))
    pairs = [(poses_of([one.xy[0] + 900, one.xy[0]], score=[0.5, 0.5]), one)]
    in_turn = coco_ap(draw_again(pairs, [2]))  # wrong, right, wrong, right
    together = coco_ap(
        draw_again([(poses_of([p], score=[s]), one) for p, s in [(one.xy[0] + 900, 0.9), (one.xy[0], 0.1)]], [2, 2])
    )  # wrong, wrong, right, right, of four people
    assert in_turn == pytest.approx(0.5)
    assert ap_table(pairs).score(np.array([[2]])) == pytest.approx([0.5])
    assert together == pytest.approx(0.5 * 51 / 101)


def test_weights_of_one_are_no_weights():
    for table in (ap_table(draw_people(1)), JointTable(np.array([1.0, 2.0]), np.array([2.0, 2.0]))):
        n_images = len(getattr(table, "positives", [0, 0]))
        np.testing.assert_array_equal(table.score(np.ones((3, n_images), np.uint8)), table.score().repeat(3))


def test_images_that_are_left_out_might_as_well_not_be_there():
    pairs = draw_people(2, 20)
    kept = np.arange(20) % 3 > 0
    without = ap_table([pair for pair, keep in zip(pairs, kept, strict=True) if keep])
    assert ap_table(pairs).score(kept[None].astype(np.uint8)) == pytest.approx(without.score(), abs=1e-15)


def test_without_anybody_left_there_is_no_score():
    pairs = draw_people(3, 6)
    with_people = np.array([bool((~truth.crowd & (truth.visible > 0).any(1)).any()) for _, truth in pairs])
    assert with_people.any()
    assert np.isnan(ap_table(pairs).score((~with_people)[None].astype(np.uint8))).all()
    share = JointTable(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    np.testing.assert_array_equal(share.score(np.array([[1, 1], [3, 0], [0, 2]])), [0.5, 0.5, np.nan])


def test_mean_over_joints_is_of_the_sums_not_the_mean_over_images():
    table = JointTable(np.array([1.0, 0.0]), np.array([1.0, 9.0]))
    np.testing.assert_allclose(table.score(np.array([[1, 1], [2, 1]])), [1 / 10, 2 / 11])


def test_scores_are_those_of_many_weights_at_once():
    weights = draw_weights(16, 5)
    for table in (ap_table(draw_people(4, 16)), JointTable(np.arange(16.0), np.arange(16.0) + 1)):
        one_by_one = np.concatenate([table.score(row[None]) for row in weights])
        np.testing.assert_allclose(table.score(weights), one_by_one, rtol=1e-15)


def test_table_of_saved_arrays_scores_the_same():
    weights = draw_weights(12, 3)
    for table in (ap_table(draw_people(5)), JointTable(np.arange(12.0), np.arange(12.0) + 2)):
        again = load_score_table(table.save())
        assert type(again) is type(table)
        np.testing.assert_array_equal(again.score(weights), table.score(weights))


def test_arrays_of_no_table_are_an_error():
    for arrays in ({}, {"verdict": np.zeros((1, 0), np.int8)}, {"reached": np.zeros(1)}):
        with pytest.raises(ValueError, match="lacks"):
            load_score_table(arrays)


def test_ap_table_keeps_only_poses_that_count():
    pairs = draw_people(6, 20)
    table = ap_table(pairs)
    assert isinstance(table, ApTable)
    assert (table.verdict >= 0).any(0).all()
    assert table.image.shape == (table.verdict.shape[1],)
    assert set(np.unique(table.verdict)) <= {-1, 0, 1}
