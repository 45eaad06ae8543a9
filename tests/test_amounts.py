"""Amounts are read as people say them, no finer than a guess is good for."""

import pytest

from robustpose.amounts import about_time, count, count_bytes


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than 10 s"), (9.4, "less than 10 s"), (12.4, "about 12 s"), (41, "about 40 s"), (80, "about 80 s"),
        (100, "about 1.5 min"), (382, "about 6 min"), (5000, "about 83 min"), (6000, "about 1.5 h"),
        (100_000, "about 28 h"), (1e6, "about 12 days"),
    ],
)  # fmt: skip
def test_times_are_said_as_guesses(seconds, words):
    assert about_time(seconds) == words


def test_what_is_said_is_within_a_sixth_of_the_guess():
    units = {"s": 1, "min": 60, "h": 3600, "days": 86_400}
    for power in range(40, 250):
        seconds = 1.06**power
        number, unit = about_time(seconds).removeprefix("about ").split()[-2:]
        assert abs(float(number) * units[unit] / seconds - 1) < 1 / 6 or seconds < 9.5


def test_bytes_and_counts_are_said():
    assert [count_bytes(n) for n in (1.34e9, 42.4e6, 3456, 0)] == ["1.3 GB", "42 MB", "3 kB", "0 kB"]
    assert (count(1, "image"), count(12_236, "image"), count(1, "person", "people")) == (
        "1 image",
        "12,236 images",
        "1 person",
    )
