import numpy as np
import pytest

from robustpose.decoding.fields import decode_fields, score_poses
from robustpose.decoding.fields.cells import collect_cells, scale_at
from robustpose.decoding.fields.connections import find_target, list_candidates
from robustpose.decoding.fields.maps import draw_positions
from robustpose.decoding.fields.occupancy import is_marked, mark_square, suppress_joints
from robustpose.errors import UserError
from robustpose.pose.skeletons import COCO

GOLDENS = ["pifpaf_decoding", "pifpaf_decoding_hard_a", "pifpaf_decoding_hard_b"]
SHAPE_HW = (31, 41)  # cells; 241 × 321 px
# A standing person of height 1.
BODY = np.array(
    [
        (0.50, 0.07), (0.52, 0.05), (0.48, 0.05), (0.55, 0.06), (0.45, 0.06), (0.60, 0.20), (0.40, 0.20), (0.65, 0.35),
        (0.35, 0.35), (0.66, 0.49), (0.34, 0.49), (0.56, 0.52), (0.44, 0.52), (0.57, 0.75), (0.43, 0.75), (0.57, 0.97),
        (0.43, 0.97),
    ]
)  # fmt: skip
LEFT_ANKLE, LEFT_WRIST, LEFT_ELBOW = 15, 9, 7


def draw_fields(people, shape_hw=SHAPE_HW, limbs=COCO.limbs, missing=(), noise=0.0, seed=0):
    """Return pif and paf of people whose joints (N, K, 2) are in px, seen by the cells around joints and along limbs.

    Args:
        missing: joints that no cell sees, nor any limb that ends there.
        noise: confidence of all other cells, which point anywhere.
    """
    rng = np.random.default_rng(seed)
    people = np.array(people, float)
    n_joints, n_limbs = people.shape[1], len(limbs)
    xy = np.stack(np.meshgrid(np.arange(shape_hw[1]), np.arange(shape_hw[0])))  # (2, h, w)
    confidence, scale = rng.uniform(0, noise, (n_joints, *shape_hw)), rng.uniform(0.5, 2, (n_joints, *shape_hw))
    vector = rng.normal(0, 3, (n_joints, 2, *shape_hw))
    limb_confidence, ends = rng.uniform(0, noise, (n_limbs, *shape_hw)), rng.normal(0, 3, (2, n_limbs, 2, *shape_hw))
    for person in people / 8:
        size = np.ptp(person, axis=0).max()
        for joint, place in enumerate(person):
            apart = place[:, None, None] - xy
            near = np.hypot(*apart) < 2.3
            if joint not in missing:
                confidence[joint][near] = 0.9
                scale[joint][near] = max(1.0, 0.06 * size)
                vector[joint][:, near] = apart[:, near]
        for limb, (a, b) in enumerate(limbs):
            along = np.linspace(person[a], person[b], 50)[:, :, None, None]
            near = np.hypot(*np.moveaxis(along - xy, 1, 0)).min(0) < 1.1
            if a not in missing and b not in missing:
                limb_confidence[limb][near] = 0.8
                for end, joint in enumerate((a, b)):
                    ends[end, limb][:, near] = person[joint][:, None] - xy[:, near]
    pif = confidence, vector, np.zeros_like(scale), scale
    paf = limb_confidence, ends[0], ends[1], np.zeros_like(limb_confidence), np.zeros_like(limb_confidence)
    return [part.astype(np.float32) for part in pif], [part.astype(np.float32) for part in paf]


def stand(*places, height=150.0):
    """Return joints (N, 17, 2) px of people whose upper left corners are at `places`."""
    return np.array([BODY * height + place for place in places])


def look_all_over(shape_hw, seed=0, n_joints=3, limbs=((0, 1), (1, 2)), spread=3.0):
    """Return fields in which everything is random."""
    rng = np.random.default_rng(seed)

    def fields(channels, n_vectors):
        vectors = [rng.normal(0, spread, (channels, 2, *shape_hw)) for _ in range(n_vectors)]
        return [rng.uniform(0, 1, (channels, *shape_hw)), *vectors]

    pif = [*fields(n_joints, 1), np.zeros((n_joints, *shape_hw)), rng.exponential(1.5, (n_joints, *shape_hw))]
    return pif, fields(len(limbs), 2)


@pytest.mark.parametrize("complete", [True, False], ids=["completed", "plain"])
@pytest.mark.parametrize("name", GOLDENS)
def test_persons_are_those_of_the_published_program(shared, name, complete):
    golden = np.load(shared / f"goldens/{name}.npz")
    pif = [golden[f"field_0_{i}"] for i in range(4)]
    paf = [golden[f"field_1_{i}"] for i in range(5)]
    kind = "force" if complete else "plain"
    poses, scores = decode_fields(pif, paf, complete=complete)
    assert poses.shape == golden[f"poses_{kind}"].shape
    np.testing.assert_allclose(poses[:, :, :2], golden[f"poses_{kind}"][:, :, :2], atol=0.001)  # px
    np.testing.assert_allclose(poses[:, :, 2], golden[f"poses_{kind}"][:, :, 2], atol=1e-5)
    np.testing.assert_allclose(scores, golden[f"scores_{kind}"], atol=1e-5)


@pytest.mark.parametrize("complete", [True, False], ids=["completed", "plain"])
def test_people_are_found_where_they_stand(complete):
    people = stand((30, 20), (120, 60), (200, 40))
    poses, scores = decode_fields(*draw_fields(people, noise=0.05), complete=complete)
    assert len(poses) == len(scores) == 3
    found = poses[np.argsort(poses[:, 0, 0])]
    np.testing.assert_allclose(found[:, :, :2], people, atol=0.5)
    assert (found[:, :, 2] > 0.3).all()


def test_people_come_best_first_with_their_scores():
    poses, scores = decode_fields(*look_all_over((12, 16)), connections=((0, 1), (1, 2)))
    assert len(poses) > 3
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_array_equal(scores, score_poses(poses))


def test_best_three_joints_count_three_times():
    values = np.array([[0.5, 0.1, 0.9, 0.7, 0.3]])
    poses = np.concatenate([np.zeros((1, 5, 2)), values[..., None]], axis=2)
    assert score_poses(poses) == pytest.approx((3 * (0.9 + 0.7 + 0.5) + 0.3 + 0.1) / 11)
    assert score_poses(poses[:, :2]) == pytest.approx(0.3)


def test_people_move_with_the_fields():
    fields = draw_fields(stand((40, 20), (130, 30), height=120), noise=0.05)
    moved = [[np.roll(part, (4, 9), axis=(-2, -1)) for part in field] for field in fields]
    poses, scores = decode_fields(*fields)
    moved_poses, moved_scores = decode_fields(*moved)
    np.testing.assert_allclose(moved_poses[:, :, :2], poses[:, :, :2] + [72, 32], atol=1e-3)
    np.testing.assert_allclose(moved_scores, scores, atol=1e-5)


def test_completion_fills_what_is_missing_and_leaves_the_rest():
    fields = draw_fields(stand((60, 30)), missing=[LEFT_ANKLE])
    plain, _ = decode_fields(*fields, complete=False)
    completed, _ = decode_fields(*fields)
    others = np.arange(17) != LEFT_ANKLE
    assert (plain[0, LEFT_ANKLE] == 0).all()
    np.testing.assert_array_equal(completed[:, others], plain[:, others])
    # No connection leads there, so it is where the knee is.
    np.testing.assert_array_equal(completed[0, LEFT_ANKLE, :2], plain[0, LEFT_ANKLE - 2, :2])
    assert completed[0, LEFT_ANKLE, 2] == np.float32(1e-5)


def test_weak_connections_fill_with_little_value_and_leave_no_parts_over():
    people = stand((60, 30))
    pif, paf = draw_fields(people)
    limb = COCO.limbs.index((LEFT_ELBOW, LEFT_WRIST))
    paf[0][limb] *= 0.05
    plain, _ = decode_fields(pif, paf, complete=False)
    completed, _ = decode_fields(pif, paf)
    assert len(plain) == 2
    assert plain[0, LEFT_WRIST, 2] == 0
    assert plain[1, LEFT_WRIST, 2] > 0
    assert len(completed) == 1  # the wrist's place is taken now
    np.testing.assert_allclose(completed[0, LEFT_WRIST, :2], people[0, LEFT_WRIST], atol=0.5)
    assert completed[0, LEFT_WRIST, 2] == np.float32(0.001)


def test_connections_must_hold_in_both_directions():
    people = stand((60, 30))
    pif, paf = draw_fields(people)
    limb = COCO.limbs.index((LEFT_ELBOW, LEFT_WRIST))
    row, column = (people[0, LEFT_WRIST, ::-1] / 8).round().astype(int)
    paf[0][limb, row - 2 : row + 3, column - 2 : column + 3] = 1
    paf[1][limb, :, row - 2 : row + 3, column - 2 : column + 3] -= 12  # to an elbow that is elsewhere
    pif[0][LEFT_WRIST] = 0  # nobody starts there
    poses, _ = decode_fields(pif, paf, complete=False)
    assert poses[0, LEFT_WRIST, 2] == 0


@pytest.mark.parametrize("place", [(-75, 20), (260, 40), (100, -60), (120, 150), (-30, -60)])
def test_what_is_inside_of_people_at_the_border_is_found(place):
    people = stand(place)
    inside = ((people[0] > 8) & (people[0] < [312, 232])).all(1)
    plain, _ = decode_fields(*draw_fields(people), complete=False)
    completed, _ = decode_fields(*draw_fields(people))
    assert 0 < inside.sum() < 17
    # A joint whose neighbours are outside is a person of its own.
    assert (np.hypot(*(plain[:, inside, :2] - people[0, inside]).T).min(1) < 0.5).all()
    assert np.isfinite(completed).all()
    assert (completed[0, :, 2] > 0).all()


def test_joints_outside_are_reached_by_completion_only():
    people = stand((60, 120))  # the feet are below
    outside = people[0, :, 1] > 245
    plain, _ = decode_fields(*draw_fields(people), complete=False)
    completed, _ = decode_fields(*draw_fields(people))
    assert outside.sum() == 2
    assert (plain[0, outside] == 0).all()
    np.testing.assert_allclose(completed[0, outside, :2], people[0, outside], atol=0.5)
    assert (completed[0, outside, 2] <= np.float32(0.001)).all()


@pytest.mark.parametrize("complete", [True, False], ids=["completed", "plain"])
@pytest.mark.parametrize("shape_hw", [(31, 41), (1, 1), (0, 0), (0, 5)])
def test_nobody_is_found_in_empty_fields(shape_hw, complete):
    pif = [np.zeros((17, *two, *shape_hw)) for two in ((), (2,), (), ())]
    paf = [np.zeros((19, *two, *shape_hw)) for two in ((), (2,), (2,), (), ())]
    poses, scores = decode_fields(pif, paf, complete=complete)
    assert poses.shape == (0, 17, 3)
    assert scores.shape == (0,)


@pytest.mark.parametrize("complete", [True, False], ids=["completed", "plain"])
@pytest.mark.parametrize("spread", [0.0, 3.0, 1e6, 1e30])
@pytest.mark.parametrize("shape_hw", [(1, 1), (1, 30), (30, 1), (2, 3), (14, 19)])
def test_random_fields_give_finite_people(shape_hw, spread, complete):
    pif, paf = look_all_over(shape_hw, seed=sum(shape_hw), spread=spread)
    pif[0] *= 5  # so that few cells make a seed
    poses, scores = decode_fields(pif, paf, complete=complete, connections=((0, 1), (1, 2)))
    assert np.isfinite(poses).all()
    assert np.isfinite(scores).all()
    assert (poses[:, :, 2] >= 0).all()
    assert (poses[:, :, 2] > 0).any(1).all()


def test_scales_of_zero_see_nothing():
    pif, paf = draw_fields(stand((60, 30)))
    pif[1][:] = 0
    pif[3][:] = 0
    poses, _ = decode_fields(pif, paf)
    assert len(poses) == 0


def test_any_skeleton_can_be_decoded():
    people = [[(40, 40), (80, 60), (120, 50)], [(60, 150), (100, 180), (150, 160)]]
    limbs = ((0, 1), (1, 2))
    poses, _ = decode_fields(*draw_fields(people, limbs=limbs), connections=limbs)
    found = poses[np.argsort(poses[:, 0, 1])]
    np.testing.assert_allclose(found[:, :, :2], people, atol=0.5)
    alone, _ = decode_fields(*draw_fields([[(40, 40)], [(150, 90)]], limbs=()), connections=())
    assert alone.shape == (2, 1, 3)


def test_stride_is_that_of_the_fields():
    people = stand((40, 30))
    poses, _ = decode_fields(*draw_fields(people), stride=16)
    np.testing.assert_allclose(poses[0, :, :2], 2 * people[0], atol=1)


def test_fields_are_left_as_they_were():
    fields = draw_fields(stand((60, 30)))
    before = [[part.copy() for part in field] for field in fields]
    for field in fields:
        for part in field:
            part.flags.writeable = False
    decode_fields(*fields)
    for field, same in zip(fields, before, strict=True):
        for part, part_before in zip(field, same, strict=True):
            np.testing.assert_array_equal(part, part_before)


def collect(pif, shape_hw):
    """Return the cells of fields (K, ..., h, w) at stride 8, and the size of their maps."""
    confidence, vector, _, scale = pif
    height, width = shape_hw
    xy = 8 * (vector + np.stack(np.meshgrid(np.arange(width), np.arange(height)))).astype(np.float32)
    flat = [part.astype(np.float32).reshape(*part.shape[:-2], -1) for part in (confidence, xy, 8 * scale)]
    map_hw = (8 * height - 7, 8 * width - 7)
    return collect_cells(*flat, 0.1, map_hw), map_hw


def test_position_map_is_the_sum_of_blobs():
    cells, map_hw = collect(look_all_over((9, 12))[0], (9, 12))
    row, column = np.mgrid[: map_hw[0], : map_hw[1]]
    for joint in range(3):
        expected = np.zeros(map_hw)
        for i in range(cells.starts[joint], cells.starts[joint + 1]):
            x, y, scale = cells.x[i], cells.y[i], cells.scale[i]
            left, top = (
                int(np.clip(place - 2 * scale, 0, last - 1)) for place, last in ((x, map_hw[1]), (y, map_hw[0]))
            )
            right, bottom = max(left + 1, int(x + 2 * scale)), max(top + 1, int(y + 2 * scale))
            t = -((column - x) ** 2 + (row - y) ** 2) / (2 * scale**2)
            blob = np.where(t < -2, 0, cells.confidence[i] / 16 * (1 + t / 8) ** 8)
            expected[top:bottom, left:right] += blob[top:bottom, left:right]
        pixels = np.empty(map_hw, np.float32)
        draw_positions(pixels, cells, joint)
        np.testing.assert_allclose(pixels, expected, atol=1e-5)


def test_scale_is_the_running_mean_of_the_cells_around_a_pixel():
    cells, map_hw = collect(look_all_over((5, 7))[0], (5, 7))
    for joint in range(3):
        mean, weight = np.zeros(map_hw), np.zeros(map_hw)
        for i in range(cells.starts[joint], cells.starts[joint + 1]):
            left, right, top, bottom = cells.square[:, i]
            square = np.s_[top:bottom, left:right]
            total = weight[square] + cells.confidence[i]
            mean[square] = (cells.confidence[i] * cells.scale[i] + weight[square] * mean[square]) / total
            weight[square] = total
        found = [[scale_at(cells, joint, x, y) for x in range(map_hw[1])] for y in range(map_hw[0])]
        np.testing.assert_allclose(found, mean, rtol=1e-5)


def test_target_is_the_best_of_all_candidates_or_the_mean_of_two():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0, 1, (2, 400)).astype(np.float32)
    end_xy = rng.uniform(-60, 400, (2, 2, 2, 400)).astype(np.float32)
    at_ends = rng.uniform(0, 1, (2, 2, 400)).astype(np.float32)
    candidates = list_candidates(confidence, end_xy, at_ends, 0.1, (241, 321))
    n_means = 0
    for direction in range(4):
        limb, target = divmod(direction, 2)
        score = confidence[limb] * (0.1 + 0.9 * at_ends[target, limb])
        for x, y, scale in zip(*rng.uniform((-40, -40, 8), (360, 280, 40), (50, 3)).T, strict=True):
            apart = end_xy[1 - target, limb] - np.array([[x], [y]])
            counts = (confidence[limb] > 0.1) & (score > 0.1) & (np.abs(apart) < 5 * scale).all(0)
            weight = np.where(counts, score * np.exp(-np.hypot(*apart) / scale), 0)
            best, second = np.argsort(-weight)[:2]
            expected = (*end_xy[target, limb, :, best], weight[best])
            if weight[second] >= max(0.01, weight[best] / 2):
                n_means += 1
                both = (end_xy[target, limb][:, [best, second]] * weight[[best, second]]).sum(1)
                expected = (*(both / weight[[best, second]].sum()), weight[[best, second]].mean())
            if weight[best] > 0:
                np.testing.assert_allclose(find_target(candidates, direction, x, y, scale), expected, rtol=1e-4)
            else:
                assert find_target(candidates, direction, x, y, scale)[2] == 0
    assert 10 < n_means < 190


def test_squares_hold_what_a_map_of_their_pixels_holds():
    rng = np.random.default_rng(0)
    squares, taken = np.zeros((6, 4), np.int64), np.zeros((40, 50), bool)
    for square in squares[:5]:
        x, y, scale = rng.uniform(5, 45), rng.uniform(5, 35), rng.uniform(0, 9)
        mark_square(square, x, y, scale)
        reach = max(4, scale)
        taken[max(0, int(y - reach)) : int(y + reach) + 1, max(0, int(x - reach)) : int(x + reach) + 1] = True
    found = [[is_marked(squares, x, y) for x in range(50)] for y in range(40)]
    np.testing.assert_array_equal(found, taken)


def test_joints_beyond_the_left_and_upper_border_take_the_first_column_and_row():
    square = np.zeros(4, np.int64)
    mark_square(square, -30.0, 20.0, 6.0)
    np.testing.assert_array_equal(square, [0, 1, 14, 27])
    mark_square(square, 20.0, -30.0, 6.0)
    np.testing.assert_array_equal(square, [14, 27, 0, 1])


def test_joint_whose_place_is_taken_keeps_its_position_and_loses_its_confidence():
    poses = np.array([[(12, 9, 0.8), (30, 30, 0.8)], [(10, 10, 0.4), (90, 90, 0.4)], [(-20, 8, 0.1), (90, 90, 0.0)]])
    before = poses.astype(np.float32)
    poses = before.copy()
    suppress_joints(poses, np.full((3, 2), 5, np.float32))
    before[1, 0, 2] = 0
    np.testing.assert_array_equal(poses, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pif": 1}, "fields of 19 connections must be"),
        ({"paf": 2}, "fields of 19 connections must be"),
        ({"connections": ((0, 1),)}, "fields of 1 connections must be"),
        ({"connections": ((0, 17),) * 19}, r"connections must be pairs of joints 0..16, got 0 and 17"),
    ],
)
def test_shapes_that_do_not_fit_are_one_clear_line(changes, message):
    pif, paf = draw_fields(stand((60, 30)))
    if "pif" in changes:
        pif[changes["pif"]] = pif[changes["pif"]][:, :, 1:]
    if "paf" in changes:
        paf[changes["paf"]] = paf[changes["paf"]][:18]
    with pytest.raises(UserError, match=message):
        decode_fields(pif, paf, connections=changes.get("connections", COCO.limbs))


def test_missing_components_are_one_clear_line():
    pif, paf = draw_fields(stand((60, 30)))
    with pytest.raises(UserError, match="pif must have 4 components"):
        decode_fields(pif[:3], paf)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_one_clear_line(value):
    pif, paf = draw_fields(stand((60, 30)))
    paf[1][3, 0, 5, 5] = value
    with pytest.raises(UserError, match="fields must be finite"):
        decode_fields(pif, paf)
