"""The verdict of a comparison: which run is better, by how much, where it wins and loses, and what nobody can tell.

Only what the intervals bear is called a difference. Many figures are compared, so some of them differ by chance alone:
the verdict says how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from robustpose.errors import spell_list
from robustpose.metrics.robustness import HELD_AGAINST_CLEAN
from robustpose.results.doubts import LOW_SCORE
from robustpose.results.resampling import FEW_IMAGES, LEVEL
from robustpose.results.rows import percent
from robustpose.results.slices_model import FEW_PEOPLE
from robustpose.results.spelling import speak

if TYPE_CHECKING:
    from robustpose.results.compared import ComparedRow, ComparedSlice, Comparison, Difference

MOST_NAMED = 3  # runs in a sentence
LONGEST_NAME = 60  # letters
_NOT_IN_RATIO = "What they keep of their clean scores cannot be told apart"


def describe_comparison(comparison: Comparison) -> tuple[str, ...]:
    """Return the verdict, a sentence each, the most important one first."""
    main = find_main_row(comparison)
    if main is None:
        return ("No score is defined in all runs, so none is better than another.",)
    if _are_all_equal(comparison):
        what = "have the same scores everywhere: are they the same predictions?"
        if not any(value for row in comparison.rows for value in row.values):
            what = "score nothing anywhere: see their own warnings."
        return (f"{_list_names(comparison, range(len(comparison.names)), 'and')} {what}",)
    tell = _tell_two if len(comparison.names) == 2 else _tell_many
    return tuple([*_tell_doubts(comparison), *tell(comparison, main), *_tell_chance(comparison)])


def find_main_row(comparison: Comparison) -> ComparedRow | None:
    """Return the score by which runs are held to be better: the suite's mean, that of the cells there are, or clean.

    None where a run has none of these.
    """
    named = {(row.kind, row.name): row for row in comparison.rows}
    clean = [row for row in comparison.rows if row.kind == "headline"][:1]
    chosen = [row for row in comparison.rows if row.kind == "chosen"]
    candidates = [named.get(("headline", comparison.suite.mean_name)), *chosen, *clean]
    return next((row for row in candidates if row is not None and None not in row.values), None)


def spell_points(difference: Difference) -> str:
    """Return a difference in points with its interval, such as `+3.2 points (95 % interval +1.1 to +5.3)`."""
    words = f"{_signed(difference.value, difference.digits)} points"
    if difference.interval is None:
        return f"{words}, without an interval"
    low, high = (_signed(end, difference.digits) for end in difference.interval)
    return f"{words} ({100 * LEVEL:g} % interval {low} to {high})"


def _signed(value: float, digits: int = 1) -> str:
    """Return 0.012 as `+1.2`; what is printed as 0 has no sign."""
    text = f"{100 * value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def _spell_scores(row: ComparedRow, difference: Difference) -> str:
    """Return the scores of two runs, with as many digits as their difference needs."""
    first, other = (percent(row.values[run], difference.digits) for run in (0, 1))
    return f"{other} against {first}"


def _are_all_equal(comparison: Comparison) -> bool:
    found = [d for row in comparison.rows for d in row.differences if d is not None]
    return bool(found) and all(d.value == 0 and (d.interval is None or not any(d.interval)) for d in found)


def _tell_doubts(comparison: Comparison) -> Iterator[str]:
    if comparison.n_images < FEW_IMAGES:
        yield f"Only {comparison.of_images}: no difference on so few says anything about other images."
    clean = comparison.rows[0]
    if clean.kind == "headline" and all(value is None or value < LOW_SCORE for value in clean.values):
        whose = f"all {_noun(comparison)}s"
        yield f"On clean images {clean.name} is next to nothing in {whose}: their differences say little."


def _tell_two(comparison: Comparison, main: ComparedRow) -> Iterator[str]:
    """Yield what there is to say of a run and the one that it is held against."""
    difference = main.differences[1]
    assert difference is not None, f"{main.name} is defined in both runs"
    first, other = (_name(comparison, run) for run in (0, 1))
    scores = f"{comparison.label(main)} {_spell_scores(main, difference)}"
    if _is_shown(comparison, difference):
        yield f"{other} is {_word(comparison, difference)} than {first}: {scores}, {spell_points(difference)}."
    else:
        yield (
            f"{other} and {first} cannot be told apart by {_evidence(comparison)}: {scores}, "
            f"{spell_points(difference)}."
        )
    yield from _tell_headline(comparison, main)
    yield from _tell_corruptions(comparison)
    yield from _tell_slices(comparison, main)


def _evidence(comparison: Comparison) -> str:
    trainings = f"{sum(map(len, comparison.trainings))} trainings and " if comparison.trainings else ""
    return "this image" if comparison.n_images == 1 else f"these {trainings}{comparison.of_images}"


def _tell_headline(comparison: Comparison, main: ComparedRow) -> Iterator[str]:
    """Yield what clean images and the ratio say beside the main score."""
    rows = [row for row in comparison.rows if row.kind == "headline" and row != main]
    if comparison.metric in HELD_AGAINST_CLEAN:  # on clean images all are 1
        return
    for row in rows:
        difference = row.differences[1]
        if difference is None:
            continue
        words = f"{row.name} {spell_points(difference)}"
        if row != comparison.rows[0]:
            more = "more" if difference.value > 0 else "less"
            keeps = f"It keeps {more} of its clean score" if _is_shown(comparison, difference) else _NOT_IN_RATIO
            yield f"{keeps}: {words}."
        elif difference.value == 0 and difference.interval is not None and not any(difference.interval):
            yield f"On clean images they are the same: {row.name} {percent(row.values[1])}."
        elif _is_shown(comparison, difference):
            yield f"On clean images it is {_word(comparison, difference)}: {words}."
        else:
            yield f"On clean images they cannot be told apart: {words}."


def _tell_corruptions(comparison: Comparison) -> Iterator[str]:
    """Yield under how many corruptions the second run is better and worse, and where most so."""
    found = _differences(comparison, "corruption")
    if len(found) < 2:
        return
    shown = [(row, d) for row, d in found if _is_shown(comparison, d)]
    better = sorted((pair for pair in shown if pair[1].value > 0), key=lambda pair: -pair[1].value)
    worse = sorted((pair for pair in shown if pair[1].value < 0), key=lambda pair: pair[1].value)
    parts = []
    for word, pairs in zip(_words(comparison), (better, worse), strict=True):
        if pairs:
            row, most = pairs[0]
            such = f"{word} under {_count(len(pairs), len(found))}, {'most so ' if len(pairs) > 1 else ''}"
            parts.append(f"{such}under {_spoken(row)} ({_signed(most.value, most.digits)})")
    n_open = len(found) - len(shown)
    if n_open and parts:
        parts.append(f"not to be told apart under {_count(n_open, len(found))}")
    if not parts:
        yield f"Under none of the {len(found)} corruptions can they be told apart."
        return
    yield f"Of {len(found)} corruptions, it is {'; '.join(parts)}."


def _tell_slices(comparison: Comparison, main: ComparedRow) -> Iterator[str]:
    """Yield which people gain and which lose most by the main score, or that nobody is known to."""
    known = [(one, d) for one in comparison.slices if one.kind != "joint" and (d := _find(one, main)) is not None]
    enough = [(one, d) for one, d in known if one.n_people >= FEW_PEOPLE and d.interval is not None]
    shown = [(one, d) for one, d in enough if _is_shown(comparison, d)]
    for word, sign in (("gains", 1), ("loses", -1)):
        of_sign = sorted((pair for pair in shown if sign * pair[1].value > 0), key=lambda pair: -sign * pair[1].value)
        if of_sign:
            one, most = of_sign[0]
            yield f"It {word} most on {_whom(one)}: {comparison.label(main)} {spell_points(most)}."
    if enough and not shown:
        yield "Nobody of one size, number of joints or crowding is shown to gain or to lose."


def _tell_many(comparison: Comparison, main: ComparedRow) -> Iterator[str]:
    """Yield which of several runs is best, and what is known of the others against the first."""
    score = comparison.label(main)
    best = main.leaders[0]
    value = f"{score} {percent(main.values[best])}"
    if comparison.n_images < FEW_IMAGES:
        yield f"{_name(comparison, best)} scores highest: {value}."
        return
    name = _name(comparison, best)
    if len(main.leaders) == 1:
        yield f"{name} is {_superlative(comparison)}: {value}, and every other {_noun(comparison)} can be told from it."
    elif len(main.leaders) == len(comparison.names):
        yield f"No {_noun(comparison)} is shown to be {_words(comparison)[1]} than the highest one, {name}: {value}."
    else:
        others = _list_names(comparison, main.leaders[1:], "and")
        yield f"{_name(comparison, best)} scores highest, {value}; {others} cannot be told from it."
    yield from _tell_against_first(comparison, main)
    rows = [row for row in comparison.rows if row.kind == "corruption" and row.leaders]
    if len(rows) > 1:
        alone = {run: sum(row.leaders == (run,) for row in rows) for run in range(len(comparison.names))}
        ranked = sorted((run for run, n in alone.items() if n), key=lambda run: -alone[run])
        words = [f"{_name(comparison, run)} under {alone[run]}" for run in ranked[:MOST_NAMED]]
        if words:
            yield f"Of {len(rows)} corruptions, best alone: {spell_list(words, 'and')}."
        else:
            yield f"Under none of the {len(rows)} corruptions is one {_noun(comparison)} better than all others."


def _tell_against_first(comparison: Comparison, main: ComparedRow) -> Iterator[str]:
    differences = {run: d for run, d in enumerate(main.differences) if d is not None}
    better = [run for run, d in differences.items() if d.is_distinguishable and d.value > 0]
    worse = [run for run, d in differences.items() if d.is_distinguishable and d.value < 0]
    rest = [run for run in differences if run not in better and run not in worse]
    words = []
    for word, runs in zip(_words(comparison), (better, worse), strict=True):
        if len(differences) <= MOST_NAMED:
            words += [f"{_name(comparison, run)} is {word}, {spell_points(differences[run])}" for run in runs]
        elif runs:
            words.append(f"{_list_names(comparison, runs, 'and')} {_be(runs)} {word}")
    if rest:
        words.append(f"{_list_names(comparison, rest, 'and')} cannot be told from it")
    yield f"Against {_name(comparison, 0)}, the reference: {'; '.join(words)}."


def _tell_chance(comparison: Comparison) -> Iterator[str]:
    """Yield how many differences are shown, and how many would be if nothing differed."""
    if comparison.n_images < FEW_IMAGES:
        return
    parts, is_chance, n_all = [], True, 0
    for kind, words in (("corruption", "corruptions"), ("cell", "cells")):
        found = _differences(comparison, kind)
        if len(found) > 1:
            n_shown = sum(d.is_distinguishable for _, d in found)
            compared = words if len(comparison.names) == 2 else f"differences over {words}"
            parts.append(f"{n_shown} of {len(found)} {compared}")
            is_chance = is_chance and n_shown <= 1 + 2 * (1 - LEVEL) * len(found)
            n_all += n_shown
    if n_all:
        so_many = ", which may be all that there is here" if is_chance else ""
        yield (
            f"Told apart: {spell_list(parts, 'and')}. Where nothing differs, about 1 in {1 / (1 - LEVEL):.0f} is told "
            f"apart by chance{so_many}."
        )


def _differences(comparison: Comparison, kind: str) -> list[tuple[ComparedRow, Difference]]:
    rows = [row for row in comparison.rows if row.kind == kind]
    return [(row, d) for row in rows for d in row.differences if d is not None]


def _find(one: ComparedSlice, main: ComparedRow) -> Difference | None:
    """Return the difference of a slice by the main score."""
    return next((row.differences[1] for row in one.rows if row.name == main.name), None)


def _is_shown(comparison: Comparison, difference: Difference) -> bool:
    return comparison.n_images >= FEW_IMAGES and difference.is_distinguishable


def _noun(comparison: Comparison) -> str:
    """Return what is compared: groups of trainings, or runs."""
    return "group" if comparison.trainings else "run"


def _words(comparison: Comparison) -> tuple[str, str]:
    """Return what a run with higher and one with lower scores is."""
    is_consistency = comparison.metric in HELD_AGAINST_CLEAN
    return ("more consistent", "less consistent") if is_consistency else ("better", "worse")


def _word(comparison: Comparison, difference: Difference) -> str:
    return _words(comparison)[difference.value < 0]


def _superlative(comparison: Comparison) -> str:
    return "the most consistent" if comparison.metric in HELD_AGAINST_CLEAN else "best"


def _spoken(row: ComparedRow) -> str:
    return speak(row.name)


def _count(n: int, of: int) -> str:
    return "all" if n == of else f"{n}"


def _be(runs: Sequence[int]) -> str:
    return "is" if len(runs) == 1 else "are"


def _whom(one: ComparedSlice) -> str:
    """Return who is in a slice: people, or animals."""
    if one.kind == "size":
        return f"those of {one.name}"
    if one.kind == "visible joints":
        return f"those with {one.name} annotated joints"
    return "those who touch nobody's box" if one.name == "alone" else f"those in boxes that overlap, {one.name}"


def _name(comparison: Comparison, run: int) -> str:
    name = comparison.titles[run]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}… ({comparison.letters[run]})"


def _list_names(comparison: Comparison, runs: Sequence[int], word: str) -> str:
    names = [_name(comparison, run) for run in list(runs)[:MOST_NAMED]]
    if len(runs) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(runs) - MOST_NAMED + 1} others"]
    return spell_list(names, word)
