import numpy as np
import pytest

from robustpose.metrics.slices import SIZES, joint_quarters, largest_overlap, slice_people
from robustpose.pose.types import Truth
from tests.people import draw_people


def boxes_of(boxes, crowd=None, area=None):
    boxes = np.array(boxes, float).reshape(-1, 4)
    n_people = len(boxes)
    return Truth(
        1,
        np.zeros((n_people, 17, 2)),
        np.full((n_people, 17), 2),
        np.full(n_people, 900.0) if area is None else np.array(area, float),
        boxes,
        np.zeros(n_people, bool) if crowd is None else np.array(crowd),
    )


def names_of(truth, kind, n_joints=17):
    """Return for each person the names of the slices of one kind that it belongs to."""
    slices = slice_people(truth, n_joints)
    return [[name for (k, name), who in slices.items() if k == kind and who[row]] for row in range(len(truth.xy))]


@pytest.mark.parametrize("kind", ["size", "crowding"])
def test_everybody_is_of_one_size_and_of_one_crowding(kind):
    for _, truth in draw_people(0, 30):
        assert all(len(names) == 1 for names in names_of(truth, kind))


def test_everybody_with_joints_is_in_one_quarter_of_them_and_others_in_none():
    for _, truth in draw_people(1, 30):
        n_visible = (truth.visible > 0).sum(1)
        assert [len(names) for names in names_of(truth, "visible joints")] == [int(n > 0) for n in n_visible]


def test_slices_have_the_same_names_in_the_same_order_for_every_image():
    first, *others = (list(slice_people(truth, 17)) for _, truth in draw_people(2))
    assert all(names == first for names in others)
    assert len(set(first)) == len(first) == len(SIZES) + 1 + 4 + 3


def test_size_on_an_edge_belongs_to_the_larger_slice():
    truth = boxes_of([[0, 0, 9, 9]] * 5, area=[32**2 - 1, 32**2, 96**2, 256**2 - 1, 256**2])
    assert names_of(truth, "size") == [
        ["below 32 px"], ["32 to 64 px"], ["96 to 160 px"], ["160 to 256 px"], ["from 256 px"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("n_joints", "expected"),
    [
        (1, [(1, 1)]),
        (2, [(1, 1), (2, 2)]),
        (3, [(1, 1), (2, 2), (3, 3)]),
        (14, [(1, 4), (5, 7), (8, 10), (11, 14)]),
        (16, [(1, 4), (5, 8), (9, 12), (13, 16)]),
        (17, [(1, 4), (5, 8), (9, 13), (14, 17)]),
    ],
)
def test_quarters_of_a_skeletons_joints(n_joints, expected):
    assert joint_quarters(n_joints) == expected


@pytest.mark.parametrize("n_joints", range(1, 40))
def test_quarters_hold_every_number_of_joints_once_and_differ_by_two_at_most(n_joints):
    quarters = joint_quarters(n_joints)
    assert [n for low, high in quarters for n in range(low, high + 1)] == list(range(1, n_joints + 1))
    widths = [high - low + 1 for low, high in quarters]
    assert len(quarters) <= 4
    assert max(widths) - min(widths) <= 2


def test_overlap_is_the_largest_iou_with_another_box():
    truth = boxes_of([[0, 0, 10, 10], [5, 0, 15, 10], [9, 9, 19, 19], [100, 100, 101, 101]])
    np.testing.assert_allclose(largest_overlap(truth), [50 / 150, 50 / 150, 6 / 194, 0])


def test_boxes_that_touch_are_alone_and_a_copy_is_as_close_as_can_be():
    assert names_of(boxes_of([[0, 0, 10, 10], [10, 0, 20, 10]]), "crowding") == [["alone"]] * 2
    assert largest_overlap(boxes_of([[3, 4, 5, 6]] * 2)).tolist() == [1, 1]


def test_crowding_is_named_by_iou():
    truth = boxes_of([[0, 0, 10, 10], [8, 0, 18, 10], [200, 0, 210, 10], [202, 0, 212, 10], [400, 0, 410, 10]])
    assert names_of(truth, "crowding") == [["IoU to 0.3"]] * 2 + [["IoU above 0.3"]] * 2 + [["alone"]]


def test_crowd_regions_crowd_nobody():
    truth = boxes_of([[0, 0, 10, 10], [0, 0, 10, 10]], crowd=[False, True])
    assert largest_overlap(truth).tolist() == [0, 1]


def test_boxes_without_an_extent_overlap_nothing():
    assert largest_overlap(boxes_of([[5, 5, 5, 5], [5, 5, 5, 5]])).tolist() == [0, 0]
    assert largest_overlap(boxes_of([])).tolist() == []
