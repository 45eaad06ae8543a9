import numpy as np
import pytest

from robustpose import CLEAN, Cell, Frame, Poses, Truth, UserError


def test_frame_reads_its_image_once_and_on_first_use():
    reads = []

    def read():
        reads.append(1)
        return np.zeros((4, 5, 3), np.uint8)

    frame = Frame(1, read)
    assert not reads
    assert frame.image is frame.image
    assert len(reads) == 1


def test_frame_takes_boxes_without_scores_as_certain():
    frame = Frame(1, lambda: None, np.zeros((3, 4)))
    np.testing.assert_array_equal(frame.box_scores, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Frame(1, lambda: None, np.zeros((2, 5))),
        lambda: Frame(1, lambda: None, np.zeros((2, 4)), np.zeros(3)),
        lambda: Frame(1, lambda: np.zeros((4, 5), np.uint8)).image,
        lambda: Frame(1, lambda: np.zeros((4, 5, 3))).image,
        lambda: Poses(1, np.zeros((2, 17)), np.zeros((2, 17)), np.zeros(2)),
        lambda: Poses(1, np.zeros((2, 17, 2)), np.zeros((2, 16)), np.zeros(2)),
        lambda: Poses(1, np.zeros((2, 17, 2)), np.zeros((2, 17)), np.zeros(1)),
        lambda: Poses(1, np.full((2, 17, 2), np.nan), np.zeros((2, 17)), np.zeros(2)),
        lambda: Truth(1, np.zeros((1, 3, 2)), np.zeros((1, 2)), np.zeros(1), np.zeros((1, 4)), np.zeros(1, bool)),
    ],
)
def test_wrong_shape_or_value_is_refused_when_made(make):
    with pytest.raises(UserError):
        make()


def test_cell_names_survive_a_round_trip():
    assert Cell.from_key("fog/3") == Cell("fog", 3)
    assert Cell.from_key("clean") == CLEAN
    assert Cell("fog", 3).key == "fog/3"
    assert Cell("fog", 3).file_stem == "fog-3"
    assert CLEAN.file_stem == "clean"
    with pytest.raises(UserError, match="fog"):
        Cell.from_key("fog")


@pytest.mark.parametrize(
    "key",
    ["fog/0", "fog/6", "fog/³", "fog/٣", "fog/03", "fog/1000000000", "fog/", "/3", "../../fog/3", "a/b/3", "a..b:f/3",
     "fog.x/3", ":f/3", "mine:/3", "a:b:c/3", "a b/3", "fog\n/3", "\x1b[31m/3", f"{'x' * 300}/3", ""],
)  # fmt: skip
def test_key_that_is_no_cell_is_one_short_line_that_names_it(key):
    with pytest.raises(UserError, match="a cell is 'clean' or 'corruption/severity' such as 'fog/3', got '") as error:
        Cell.from_key(key)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("key", ["new_corruption/1", "mine:fog/5", "my-package.my_module:Class.fog/2"])
def test_key_of_any_corruption_is_a_cell(key):
    assert Cell.from_key(key).key == key
