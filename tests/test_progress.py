"""Progress counts what pieces are worth, forecasts by their kinds, and fits the width that there is."""

import pytest

from robustpose.progress import Forecast, Piece, Progress
from robustpose.show.terminal import describe_progress


def test_pieces_count_for_their_images_and_name_their_cell():
    forecast = Forecast([Piece("fog", 5, "fog/1"), Piece("fog", 5, "fog/3"), Piece("snow", 1, "snow/1")], 9, 1)
    assert forecast.now() == Progress(9, 20, None)
    assert forecast.update(Piece("fog", 5, "fog/3"), 10.0) == Progress(14, 20, 12.0, "fog/3")  # 2 s an image


def test_kinds_alone_count_for_one():
    forecast = Forecast(["cell", "cell"], 0, 2)
    assert forecast.update("cell", 3.0) == Progress(1, 2, 1.5)


def test_line_says_counts_cell_and_time_left():
    line = describe_progress(Progress(3120, 12236, 130.0, "fog/3"), "images", 60)
    assert line == "3,120/12,236 images  fog/3  2:10 left"


@pytest.mark.parametrize("width", range(20, 100, 7))
def test_line_cuts_words_and_never_numbers(width):
    progress = Progress(123_456, 1_234_567, 100_000.0, "my.package.of_corruptions:a_long_name/3  second  third")
    line = describe_progress(progress, "images", width)
    assert line.startswith("123,456/1,234,567 images")
    assert line.endswith("27:46:40 left")
    least = len("123,456/1,234,567 images  27:46:40 left")
    assert len(line) <= max(width, least)


def test_note_loses_its_last_words_first():
    progress = Progress(1, 2, None, "loss 4.1e-4  AP 43.1  epoch 1/2  views 30/30/40 %")
    assert describe_progress(progress, "steps", 40) == "1/2 steps  loss 4.1e-4  AP 43.1"
