"""Image ids of other files: read in the way by which most are of an image; what has two meanings is refused."""

import pytest

from robustpose.errors import UserError
from robustpose.pose.image_ids import ImageNames

COCO = ImageNames([(139, "000000000139.jpg"), (285, "000000000285.jpg")])
FROM_0 = ImageNames([(number + 1, f"{number}.jpg") for number in range(10)])  # as many tools number ids and files
TEXTS = ImageNames([("139", "a/x.jpg"), ("285", "b/x.jpg"), ("7", "c/y.png")])
NO_FILES = ImageNames([(0, None), (1, None)])


def match(names, *given):
    return names.match(given, names.choose_way(given, "r.json"))


@pytest.mark.parametrize(
    ("names", "given", "expected"),
    [
        (COCO, [139, 285], [139, 285]),
        (COCO, [139.0], [139]),
        (COCO, ["139"], [139]),
        (COCO, ["000000000139", "000000000285"], [139, 285]),
        (COCO, ["000000000285.jpg"], [285]),
        (COCO, ["val2017/000000000285.png"], [285]),
        (COCO, [139, "000000000285"], [139, 285]),
        (FROM_0, [1, 2], [1, 2]),  # a number is an id first of all
        (FROM_0, [0, 1], [1, 2]),
        (FROM_0, ["0", "1"], [1, 2]),
        (FROM_0, ["1.jpg"], [2]),
        (TEXTS, ["139", "7"], ["139", "7"]),
        (TEXTS, [139], ["139"]),
        (TEXTS, ["b/x.jpg"], ["285"]),
        (TEXTS, ["y"], ["7"]),
        (NO_FILES, ["1"], [1]),
    ],
)
def test_image_is_meant_by_its_id_or_its_file(names, given, expected):
    assert match(names, *given) == dict(zip(given, expected, strict=True))


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (COCO, [1, 2], "r.json: none of its image ids, such as 1 and 2, is of one of the 2 images, .* 139 and 285 and"),
        (COCO, ["a"], r"such as 'a', .* files '000000000139\.jpg' and '000000000285\.jpg'"),
        (TEXTS, ["x"], "none of its image ids, such as 'x'"),  # of two images
        (NO_FILES, ["x"], "whose ids are such as 0 and 1$"),
        (FROM_0, ["1", "2"], "mean other images as ids in quotes than as stems of file names"),
    ],
)
def test_ids_that_mean_no_image_or_two_are_refused(names, given, message):
    with pytest.raises(UserError, match=message):
        match(names, *given)


def test_ids_of_no_image_are_left_out_and_counted():
    assert match(COCO, 139, 5, 6) == {139: 139}
    assert COCO.doubt_ids([139, 5, 5, 6], {139: 139}, "poses") == [
        "3 of 4 poses are left out: they are of images that the data do not have, such as 5"
    ]
    assert COCO.doubt_ids([139], {139: 139}, "poses") == []
