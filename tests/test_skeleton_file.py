"""Skeleton files: sigmas, mirror pairs and limbs, by the joints' names or numbers."""

from itertools import pairwise

import pytest

from robustpose.data.skeleton_file import read_skeleton_file, rename_joints
from robustpose.errors import UserError

LETTERS = "abcdefghij"
BOMB = "a: &a [1, 1, 1, 1, 1]\n" + "\n".join(  # each line five times the one before
    f"{this}: &{this} [{', '.join(['*' + before] * 5)}]" for before, this in pairwise(LETTERS)
)
JOINTS = ("left_paw", "right_paw", "tail")


@pytest.fixture
def read(tmp_path):
    """A function that reads YAML as a skeleton file."""

    def read_text(text):
        (tmp_path / "s.yaml").write_text(text)
        return read_skeleton_file(tmp_path / "s.yaml", JOINTS)

    return read_text


def test_joints_are_named_or_numbered_from_0(read):
    named = read(
        "flip_pairs: [[left_paw, right_paw]]\nlimbs: [[left_paw, tail], [tail, right_paw]]\nsigmas: [.1, .2, .3]"
    )
    numbered = read("flip_pairs: [[0, 1]]\nlimbs: [[0, 2], [2, 1]]\nsigmas: {tail: .3, left_paw: .1, right_paw: .2}")
    assert named.flip_pairs == numbered.flip_pairs == ((0, 1),)
    assert named.limbs == numbered.limbs == ((0, 2), (2, 1))
    assert named.sigmas == numbered.sigmas == (0.1, 0.2, 0.3)


def test_what_is_not_said_is_none_and_no_pairs_are_said(read):
    assert read("sigmas: [.1, .2, .3]").flip_pairs is None
    assert read("flip_pairs: []").flip_pairs == ()
    assert read("flip_pairs: []").sigmas is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((f"sigmas: [0.1, {value}, 0.3]", "sigmas must be numbers above 0, at most 1")
          for value in (".inf", "-.inf", ".nan", "-0.1", "0", "'0.1'", "null", "[0.1]", "1e-9", "2.6")),
        *((f"sigmas: {{tail: {value}, left_paw: 0.1, right_paw: 0.2}}", "sigmas must be numbers above 0, at most 1")
          for value in (".inf", "'0.1'", "null")),
        ("sigmas: [0.1, true, 0.3]", "sigmas must be something other than true or false"),
        ("sigmas: [0.1]", "'sigmas' with 3 numbers .* got 1"),
        ("sigmas: {tail: 0.3, left_paw: 0.1}", "'right_paw' is missing"),
        ("sigmas: {tail: 0.3, left_paw: 0.1, right_paw: 0.2, nose: 0.1}", "'nose' is unknown"),
        ("sigmas: 3", "sigmas must be numbers above 0"),
        ("sigmas: abc", "sigmas must be numbers above 0"),
        ("flip_pairs: [[left_paw, right_pow]]", r"there is no joint 'right_pow' \(did you mean 'right_paw'\?\)"),
        ("flip_pairs: [[0, 3]]", "flip_pairs: joints are numbered from 0 to 2, got 3"),
        ("flip_pairs: [[0, -1]]", "flip_pairs: joints are numbered from 0 to 2, got -1"),
        ("flip_pairs: [[tail, 2]]", "flip_pairs: 'tail' and 2 are the same joint"),
        ("flip_pairs: [[0, 1], [1, 2]]", "flip_pairs may have each joint once: 'right_paw'"),
        ("flip_pairs: [[0, 1, 2]]", "flip_pairs must be pairs of joints"),
        ("flip_pairs: {left_paw: right_paw}", "flip_pairs must be pairs of joints"),
        ("flip_pairs: [[true, 1]]", "flip_pairs must be pairs of joints"),
        ("flip_pairs: left", "flip_pairs must be pairs of joints"),
        ("limbs: [[0, 1.5]]", "limbs must be pairs of joints"),
        ("flip_pair: []", r"unknown key 'flip_pair' \(did you mean 'flip_pairs'\?\)"),
        ("secret words", r"must hold sigmas, flip_pairs, limbs or joints \(key: value\), got str$"),
        ("", r"must hold sigmas, flip_pairs, limbs or joints \(key: value\), got nothing$"),
        ("[", "is no YAML"),
        ("1: 2", "s.yaml"),
        ("sigmas: " + "[" * 500 + "]" * 500, "is no YAML that can be read"),
        (BOMB, "aliases make more than"),
    ],
)  # fmt: skip
def test_mistake_is_one_line_that_names_the_file(read, text, message):
    with pytest.raises(UserError, match=message) as error:
        read(text)
    assert "s.yaml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"sigmas: [0.1, 0.2, \x00]"])
def test_file_of_other_bytes_is_one_line(tmp_path, content):
    (tmp_path / "s.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"s\.yaml"):
        read_skeleton_file(tmp_path / "s.yaml", JOINTS)
    with pytest.raises(UserError, match="it is no file"):
        read_skeleton_file(tmp_path, JOINTS)


@pytest.fixture
def rename(tmp_path):
    """A function that reads YAML as a skeleton file, and returns what it calls joints."""

    def rename_by_text(text, joints=JOINTS):
        (tmp_path / "s.yaml").write_text(text)
        return rename_joints(tmp_path / "s.yaml", joints)

    return rename_by_text


def test_joints_are_called_as_the_file_says_by_name_or_in_their_order(rename):
    assert rename("joints: {left_paw: LHand, tail: Tail}") == ("LHand", "right_paw", "Tail")
    assert rename("joints: [a, b, c]") == ("a", "b", "c")
    assert rename("joints: {left_paw: right_paw, right_paw: left_paw}") == ("right_paw", "left_paw", "tail")
    assert rename("sigmas: [.1, .2, .3]") == JOINTS
    assert rename("joints: [a, b]", ()) == ("a", "b")


def test_other_lines_have_the_names_that_the_file_gives(tmp_path):
    (tmp_path / "s.yaml").write_text("joints: [nose, LEye, REye]\nflip_pairs: [[LEye, REye]]\nsigmas: [.1, .2, .3]")
    joints = rename_joints(tmp_path / "s.yaml", JOINTS)
    assert read_skeleton_file(tmp_path / "s.yaml", joints).flip_pairs == ((1, 2),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("joints: {left_pow: a}", r"the annotations have no joint 'left_pow' \(did you mean 'left_paw'\?\)"),
        ("joints: [a, b]", r"must name all 3 joints of the annotations in their order \(or name: name\), got 2"),
        ("joints: {tail: left_paw}", "joints has a name twice: 'left_paw'"),
        ("joints: [a, b, b]", "joints has a name twice: 'b'"),
        ("joints: 17", "joints must be names of joints"),
        ("joints: [1, 2, 3]", "joints must be names of joints"),
    ],
)
def test_names_that_do_not_fit_are_one_line(rename, text, message):
    with pytest.raises(UserError, match=message) as error:
        rename(text)
    assert "\n" not in str(error.value)
