import numpy as np
import pytest

from robustpose.corruptions import SEVERITIES, corrupt, corrupt_all
from robustpose.corruptions.occlusion import SIDES

WHITE = np.full((480, 640, 3), 255, np.uint8)
PEOPLE = [np.array([[100.0, 100.0], [120.0, 160.0]]), np.array([[400.0, 300.0]])]
SEEDS = ["release", 5, (5, "a.jpg")]


def find_black(image):
    """Return the bounds x1, y1, x2, y2 of what is black, x2 and y2 included."""
    rows, columns = np.nonzero((image == 0).all(2))
    return columns.min(), rows.min(), columns.max(), rows.max()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_one_black_square_covers_a_joint_of_each_person(severity, seed):
    side = SIDES[severity - 1]
    masked = corrupt(WHITE, "mask", severity, seed, people=PEOPLE)
    assert set(np.unique(masked)) == {0, 255}
    assert (masked == 0).sum() == 3 * 2 * side**2
    for half, xy in ((masked[:, :300], PEOPLE[0]), (masked, PEOPLE[1])):
        image = half.copy()
        if half is masked:
            image[:, :300] = 255
        x1, y1, x2, y2 = find_black(image)
        assert (x2 - x1 + 1, y2 - y1 + 1) == (side, side)
        inside = (xy >= (x1 - 0.5, y1 - 0.5)) & (xy <= (x2 + 0.5, y2 + 0.5))
        assert inside.all(1).any()
        covered = xy[inside.all(1)][0]
        assert abs((covered[0] - x1) - (covered[1] - y1)) <= 1  # one offset for x and y


def test_under_release_a_square_holds_that_of_the_severity_before():
    before = np.zeros((480, 640), bool)
    for masked in corrupt_all(WHITE, [("mask", severity) for severity in SEVERITIES], people=PEOPLE):
        now = (masked == 0).all(2)
        assert (now | ~before).all()
        before = now


@pytest.mark.parametrize("people", [(), [np.array([[-20.0, 10.0], [10.0, 480.0]])]], ids=["nobody", "all outside"])
@pytest.mark.parametrize("seed", SEEDS)
def test_without_people_four_squares_are_anywhere(seed, people):
    masked = corrupt(WHITE, "mask", 1, seed, people=people)
    assert 0 < (masked == 0).all(2).sum() <= 4 * SIDES[0] ** 2
    np.testing.assert_array_equal(masked, corrupt(WHITE, "mask", 1, seed))


def test_independent_places_differ_from_image_to_image():
    one, other = (corrupt(WHITE, "mask", 3, (0, image), people=PEOPLE) for image in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize("shape", [(240, 320), (320, 240), (1200, 1600), (32, 33)])
def test_side_grows_with_the_longer_side_of_the_image(shape):
    image = np.full((*shape, 3), 255, np.uint8)
    masked = corrupt(image, "mask", 5, people=[np.array([[shape[1] / 2, shape[0] / 2]])])
    x1, y1, x2, y2 = find_black(masked)
    assert x2 - x1 + 1 == y2 - y1 + 1 == max(1, round(50 * max(shape) / 640))


def test_a_square_at_the_border_is_cut_off_there():
    corners = np.array([[0.0, 0.0]]), np.array([[639.0, 479.0]])
    for xy in corners:
        masked = corrupt(WHITE, "mask", 5, people=[xy])
        assert (masked[int(xy[0, 1]), int(xy[0, 0])] == 0).all()
        assert 0 < (masked == 0).sum() <= 3 * 50**2
