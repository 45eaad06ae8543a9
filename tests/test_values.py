"""Values of quantised files: what fits into their numbers is taken, and what would be cut off is refused."""

import pytest

from robustpose import UserError
from robustpose.estimators.values import IMAGENET, RAW, SIGNED, UNIT, Values, check_quantised, choose_quantised


@pytest.mark.parametrize(
    ("least_most", "values"),
    [
        (None, IMAGENET),
        ((-2.12, 2.64), IMAGENET),
        ((-2.0, 2.5), IMAGENET),
        ((0.0, 255.0), RAW),
        ((0.0, 1.0), UNIT),
        ((-1.0, 0.99), SIGNED),
        ((0.0, 3e6), IMAGENET),  # which does not fit either
    ],
)
def test_range_of_a_file_says_what_it_was_trained_on(least_most, values):
    assert choose_quantised(IMAGENET, least_most) == values
    assert choose_quantised(Values(channels="bgr"), least_most).channels == "bgr"


def test_usual_values_that_fit_are_kept():
    assert choose_quantised(UNIT, (0, 1)) == UNIT
    assert choose_quantised(UNIT, (-0.01, 1.05)) == UNIT


@pytest.mark.parametrize("values", [IMAGENET, UNIT, SIGNED])
def test_values_that_do_not_fit_are_one_line(values):
    check_quantised(values, None, "x")
    with pytest.raises(
        UserError, match=r"^x takes numbers from 0 to 255, and images would be .* say with mean"
    ) as error:
        check_quantised(values, (0, 255), "x")
    assert "\n" not in str(error.value)
