"""The verdict across suites: of what is gained on one suite, how much holds on the others.

Only what the intervals bear is called a gain or a loss, as in `robustpose.results.verdict_compare`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from robustpose.errors import spell_list
from robustpose.results.resampling import FEW_IMAGES
from robustpose.results.rows import percent
from robustpose.results.seen import list_unknown
from robustpose.results.verdict_compare import find_main_row, spell_points

if TYPE_CHECKING:
    from robustpose.results.across import AcrossSuites
    from robustpose.results.compared import Comparison, Difference
    from robustpose.results.held_gains import Gain

MOST_TOLD = 4  # models, a sentence each
MOST_SEEN = 3  # corruptions in a sentence
LONGEST_NAME = 60  # letters
_FIRST = "the first model"


def describe_across(across: AcrossSuites) -> tuple[str, ...]:
    """Return the verdict, a sentence each, the most important one first."""
    gains = [*_tell_gains(across), *_tell_shared(across)]
    return tuple([*_tell_few(across), *gains, *_tell_seen(across), *_tell_alone(across)])


def describe_gains(across: AcrossSuites, gains: Sequence[Gain]) -> str:
    """Return what holds of the gain of one model, in a sentence: `gains` are on the same suite and on others."""
    name, known = _name(across, gains[0].model), gains[0].known
    base = across.first.suite.name
    suites = [across.find_suite(gain.suite).suite.name for gain in gains]
    if known.is_distinguishable and known.value > 0:
        parts = [_say_held(gain, suite) for gain, suite in zip(gains, suites, strict=True)]
        return f"Of the {_spell(known)} that {name} gains on {base}, {'; '.join(parts)}."
    parts = [f"on {suite} it {_say(gain.other)}" for gain, suite in zip(gains, suites, strict=True)]
    if known.is_distinguishable:
        return f"{name} loses {_spell(known)} on {base}; {'; '.join(parts)}."
    apart = f"{name} and {_name(across, 0)} cannot be told apart on {base}: {spell_points(known)}"
    return f"{apart}; {'; '.join(parts)}."


def _say_held(gain: Gain, suite: str) -> str:
    """Return how much of a gain is there on another suite."""
    if not gain.other.is_distinguishable:
        return f"none is shown to hold on {suite}, {spell_points(gain.other)}"
    if gain.other.value < 0:
        return f"none holds on {suite}, where it loses {_spell(gain.other)}"
    held = f"{_points(gain.other)} {_range(gain.other)}"
    if gain.change.is_distinguishable and gain.change.value > 0:
        return f"all hold on {suite}, {held}{_spell_share(gain)}, more than there"
    if gain.change.value >= 0:  # the interval of the difference leaves open whether all of it holds
        return f"as much is gained on {suite}, {held}{_spell_share(gain)}, not shown to be less or more"
    how = "less than there" if gain.change.is_distinguishable else "not shown to be less"
    return f"{held} hold on {suite}{_spell_share(gain)}, {how}"


def _spell_share(gain: Gain) -> str:
    if gain.share is None or gain.share_interval is None:
        return ""
    low, high = (f"{100 * end:.0f}" for end in gain.share_interval)
    return f" ({100 * gain.share:.0f} % [{low}, {high}])"


def _say(difference: Difference) -> str:
    """Return what a model does against the first one."""
    if not difference.is_distinguishable:
        return f"cannot be told from {_FIRST}: {spell_points(difference)}"
    return f"{'gains' if difference.value > 0 else 'loses'} {_spell(difference)}"


def _tell_few(across: AcrossSuites) -> Iterator[str]:
    if across.first.n_images < FEW_IMAGES:
        yield f"Only {across.first.of_images}: no difference on so few says anything about other images."


def _tell_gains(across: AcrossSuites) -> Iterator[str]:
    if across.first.n_images < FEW_IMAGES:
        return
    if len(across.comparisons) == 1:
        yield from _tell_on_one(across)
        return
    if len(across.names) > 1 and not across.gains:
        yield (
            f"Whether gains hold cannot be said: no model has runs of {across.first.suite.name} and of another suite "
            f"that {_name(across, 0)}, the first one, has as well."
        )
    by_model = [list(gains) for _, gains in groupby(across.gains, attrgetter("model"))]
    if len(by_model) <= MOST_TOLD:
        yield from (describe_gains(across, gains) for gains in by_model)
        return
    base = across.first.suite.name
    shown = [gain for gain in across.gains if gain.known.is_distinguishable and gain.known.value > 0]
    models = {gain.model for gain in shown}
    yield f"{len(models)} of {len(across.names) - 1} models gain on {base} over {_name(across, 0)}, the first one."
    for comparison in across.comparisons[1:]:
        of_suite = [gain for gain in shown if gain.suite == comparison.suite.label]
        held = [gain for gain in of_suite if gain.other.is_distinguishable and gain.other.value > 0]
        lost = [gain for gain in of_suite if gain.other.is_distinguishable and gain.other.value < 0]
        less = [gain for gain in of_suite if gain.change.is_distinguishable and gain.change.value < 0]
        if of_suite:
            yield (
                f"On {comparison.suite.name}, of {len(of_suite)} such gains {len(held)} hold, {len(lost)} are losses "
                f"and {len(of_suite) - len(held) - len(lost)} cannot be told; {len(less)} are shown to be smaller "
                "there."
            )


def _tell_on_one(across: AcrossSuites) -> Iterator[str]:
    """Yield what models gain over the first one where there is one suite."""
    main = find_main_row(across.first)
    if main is None:
        return
    known = [(model, d) for model, d in enumerate(main.differences) if d is not None]
    before = f"On {across.first.suite.name}, against {_name(across, 0)}"
    if len(known) > MOST_TOLD:
        yield f"{before}, the first one: {_count_gains([d for _, d in known])}."
    elif known:
        yield f"{before}: {'; '.join(f'{_name(across, model)} {_say(d)}' for model, d in known)}."


def _count_gains(differences: Sequence[Difference]) -> str:
    """Return how many of several models gain over the first one: `3 of 5 gain, 1 loses and 1 cannot be told`."""
    shown = [difference.value > 0 for difference in differences if difference.is_distinguishable]
    n_lost, n_open = len(shown) - sum(shown), len(differences) - len(shown)
    lose = "loses" if n_lost == 1 else "lose"
    return f"{sum(shown)} of {len(differences)} gain, {n_lost} {lose} and {n_open} cannot be told from {_FIRST}"


def _tell_shared(across: AcrossSuites) -> Iterator[str]:
    """Yield which suites have corruptions of the one that gains are held against: there, a gain holds by itself."""
    base = across.first
    known = {row.name for row in base.rows if row.kind == "corruption"}
    for label in dict.fromkeys(gain.suite for gain in across.gains):
        comparison = across.find_suite(label)
        names = [row.name for row in comparison.rows if row.kind == "corruption"]
        n_shared = sum(name in known for name in names)
        if n_shared:
            suite, are = comparison.suite.name, "is" if n_shared == 1 else "are"
            yield (
                f"{n_shared} of the {len(names)} corruptions of {suite} {are} in {base.suite.name}, too: what is "
                "gained under these is the same gain."
            )


def _tell_seen(across: AcrossSuites) -> Iterator[str]:
    """Yield which models have learned from what a suite tests, as far as runs say it; those of the same together."""
    for comparison in across.comparisons:
        total = sum(row.kind == "corruption" for row in comparison.rows)
        alike: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for model, names in enumerate(across.list_seen(comparison)):
            if names and comparison.rows[0].values[model] is not None:
                least = "at least " if list_unknown(across.seen[model]) else ""
                alike.setdefault((least, names), []).append(model)
        for (least, names), models in alike.items():
            named = spell_list(list(names) if len(names) <= MOST_SEEN else [*names[:MOST_SEEN], "…"])
            have, they = ("has", "it scores") if len(models) == 1 else ("have", "they score")
            yield (
                f"{_name_all(across, models)} {have} learned from {least}{len(names)} of the {total} corruptions of "
                f"{comparison.suite.name}, or from the like of them ({named}): what {they} there is no test of "
                f"others{_say_unseen(across, comparison, models)}."
            )


def _say_unseen(across: AcrossSuites, comparison: Comparison, models: Sequence[int]) -> str:
    """Return what models gain under the other corruptions of a suite, where that is known."""
    label = comparison.suite.label
    found = [gain for gain in across.gains if gain.model in models and gain.suite == label]
    known = [(gain.model, gain.unseen) for gain in found if gain.unseen is not None]
    if not known or across.first.n_images < FEW_IMAGES:
        return ""
    if len(models) == 1:
        return f"; under those that neither model has seen it {_say(known[0][1])}"
    if len(known) <= MOST_TOLD:
        parts = [f"{_name(across, model)} {_say(unseen)}" for model, unseen in known]
        return f"; under those that none of them nor {_FIRST} has seen, {'; '.join(parts)}"
    counted = _count_gains([unseen for _, unseen in known])
    return f"; under those that none of them nor {_FIRST} has seen, {counted}"


def _tell_alone(across: AcrossSuites) -> Iterator[str]:
    """Yield what one model keeps on each suite; it has nobody to be held against."""
    if len(across.names) > 1:
        return
    name = _name(across, 0)
    kept = [(comparison.suite, ratio) for comparison in across.comparisons if (ratio := _find_kept(comparison))]
    if len(kept) == len(across.comparisons):
        parts = [f"{percent(ratio, 0)} % on {suite.name}" for suite, ratio in kept]
        yield f"{name} keeps of its clean score {spell_list(parts, 'and')}."
    yield (
        "Suites differ in how hard they are, so these numbers do not say whether a gain on one holds on others: name "
        "the runs of a second model, too."
    )


def _find_kept(comparison: Comparison) -> float | None:
    """Return which part of the clean score one model keeps on a suite."""
    main, clean = find_main_row(comparison), comparison.rows[0].values[0]
    if main is None or main == comparison.rows[0] or not clean or not comparison.suite.ratio_name:
        return None
    value = main.values[0]
    return None if value is None else value / clean


def _name(across: AcrossSuites, model: int) -> str:
    name = across.names[model]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}… ({across.letters[model]})"


def _name_all(across: AcrossSuites, models: Sequence[int]) -> str:
    if len(models) > MOST_TOLD:
        return f"{len(models)} of {len(across.names)} models"
    return spell_list([_name(across, model) for model in models], "and")


def _points(difference: Difference) -> str:
    return f"{100 * abs(difference.value):.{difference.digits}f}"


def _range(difference: Difference) -> str:
    """Return the ends of an interval in points, without the sign of a loss, as `[0.4, 2.0]`."""
    if difference.interval is None:
        return ""
    ends = sorted(abs(end) for end in difference.interval) if difference.is_distinguishable else difference.interval
    return f"[{', '.join(f'{100 * end:.{difference.digits}f}' for end in ends)}]"


def _spell(difference: Difference) -> str:
    """Return how large a gain or a loss is that is shown, such as `3.6 points [2.9, 4.3]`."""
    return f"{_points(difference)} points {_range(difference)}"
