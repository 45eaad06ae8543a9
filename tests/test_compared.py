from dataclasses import replace

import numpy as np
import pytest

from robustpose.results.compared import ComparedRow, ComparedSlice, Difference, compare_row, doubt_row
from robustpose.show.compare_table import comparison_to_latex
from robustpose.show.inline import spell_difference
from robustpose.show.pages.compare import render_comparison
from tests.test_verdict_compare import make


@pytest.mark.parametrize(
    ("value", "interval", "mark"),
    [
        (-0.02, (-0.03, -0.01), ""),
        (-0.02, (-0.03, 0.01), "≈ "),
        (-0.02, (0.01, 0.03), "≈ "),  # of two resamples, say: an interval on the other side bears no word
        (-0.02, None, "? "),
        (0.0, (0.0, 0.0), "≈ "),
    ],
)
def test_a_difference_is_one_only_by_an_interval_on_its_own_side(value, interval, mark):
    difference = Difference(value, interval)
    assert difference.mark == mark
    assert difference.is_distinguishable == (not mark)


def test_nothing_is_told_apart_by_a_row_of_too_few_images_and_its_numbers_stay():
    row = compare_row("corruption", "fog", [0.5, 0.3, None], [np.zeros(0), np.zeros(0), None])
    row = replace(row, differences=(None, Difference(-0.2, (-0.3, -0.1)), None), leaders=(0,))
    doubted = doubt_row(row)
    assert doubted.leaders == (0, 1)
    assert doubted.differences[1].interval == (-0.3, -0.1)
    assert not doubted.differences[1].is_distinguishable
    assert spell_difference(doubted.differences[1]) == "≈ -20.0 [-30.0, -10.0]"
    assert doubted.to_json()["differences"][1] == {"value": -0.2, "interval": (-0.3, -0.1), "distinguishable": False}


def test_a_small_difference_that_is_one_has_the_digits_to_be_seen():
    assert spell_difference(Difference(0.0004, (0.0001, 0.0009))) == "+0.04 [0.01, 0.09]"
    assert spell_difference(Difference(0.0004, (-0.0001, 0.0009))) == "≈ +0.0 [-0.0, 0.1]"
    row = ComparedRow("headline", "mPC", (0.3, 0.3004), ((0, 1),) * 2, (None, Difference(4e-4, (1e-4, 9e-4))), (1,))
    comparison = make((0.0,))
    comparison = replace(comparison, rows=(comparison.rows[0], row))
    assert (
        comparison.verdict[0]
        == "B is better than A: mPC 30.04 against 30.00, +0.04 points (95 % interval +0.01 to +0.09)."
    )


def test_what_has_no_interval_is_marked_otherwise_than_what_is_not_distinguishable():
    rows = [ComparedRow("headline", "AP*", (0.5, 0.3), (None, None), (None, Difference(-0.2, None)), (0, 1))]
    comparison = replace(make((0.0,)), rows=tuple(rows))
    page = render_comparison(comparison)
    assert "? −20.0" in page
    assert "≈ −20.0" not in page
    assert "; ? there is no interval" in page
    assert comparison.note_on_marks.endswith("; ? there is no interval")
    assert replace(comparison, resamples=0).note_on_marks.startswith("? there is no interval")


def test_marks_and_table_say_where_images_are_too_few():
    few = replace(make((0.1,), n_images=29), rows=tuple(map(doubt_row, make((0.1,)).rows)))
    assert "fewer than 30 images" in few.note_on_marks
    table = comparison_to_latex(few)
    assert "textbf" not in table
    assert "% nothing is bold: intervals of fewer than 30 images are too narrow" in table
    assert few.of_images == "29 images"
    assert replace(few, n_images=1).of_images == "1 image"


def test_a_slice_is_of_few_images_where_it_says_so_or_has_fewer_people_than_that():
    assert ComparedSlice("size", "tall", 300, (), n_images=8).is_of_few_images
    assert not ComparedSlice("size", "tall", 300, (), n_images=30).is_of_few_images
    assert ComparedSlice("size", "tall", 29, ()).is_of_few_images  # on as many images at most
    assert not ComparedSlice("size", "tall", 300, ()).is_of_few_images


def test_groups_are_not_called_runs():
    groups = replace(make((0.05, 0.1), (0, 0), (0, 0)), trainings=(("a", "b"),) * 3)
    text = " ".join(groups.verdict)
    assert "every other group can be told from it" in text
    assert " run" not in text
