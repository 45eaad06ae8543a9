"""Amounts as people read them: bytes, and times that are guesses."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds


def about_time(seconds: float) -> str:
    """Return a guess at a time, no finer than it is good for.

    >>> about_time(3), about_time(41), about_time(100), about_time(380), about_time(9000)
    ('less than 10 s', 'about 40 s', 'about 1.5 min', 'about 6 min', 'about 2.5 h')
    """
    if seconds < 9.5:
        return "less than 10 s"
    if seconds < 1.45 * MINUTE:
        return f"about {5 * round(seconds / 5) if seconds > 20 else round(seconds)} s"
    unit, name = (MINUTE, "min") if seconds < 90 * MINUTE else (HOUR, "h") if seconds < 2 * DAY else (DAY, "days")
    number = seconds / unit
    return f"about {round(2 * number) / 2:g} {name}" if number < 5 else f"about {number:,.0f} {name}"


def count_bytes(n_bytes: float) -> str:
    """Return a number of bytes.

    >>> count_bytes(1.3e9), count_bytes(42e6), count_bytes(3456)
    ('1.3 GB', '42 MB', '3 kB')
    """
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "image"), count(12236, "image"), count(2, "person", "people")
    ('1 image', '12,236 images', '2 people')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
