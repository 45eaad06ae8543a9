import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.metrics.robustness import name_means
from robustpose.results.compared import ComparedRow, ComparedSlice, Comparison, Difference


def compare(kind, name, differences, value=0.4, half=0.01):
    """Return a row of runs that score `value` and that plus each difference, with intervals of one width."""
    values = (value, *(value + difference for difference in differences))
    best = max(range(len(values)), key=lambda run: values[run])
    leaders = [best, *(run for run in range(len(values)) if run != best and values[best] - values[run] <= half)]
    apart = [Difference(d, (d - half, d + half)) for d in differences]
    return ComparedRow(kind, name, values, ((0, 1),) * len(values), (None, *apart), tuple(leaders))


def make(main, clean=(0.0,), ratio=(0.0,), corruptions=(), slices=(), n_images=500, names=None, metric="AP"):
    """Return a comparison of runs whose scores differ from the first one's by these numbers."""
    suite = name_means(COCO_C, metric)
    rows = [compare("headline", f"{metric}*", clean, 0.6), compare("headline", suite.mean_name, main)]
    rows += [compare("headline", "rPC", ratio, 0.7)] if suite.ratio_name else []
    rows += [compare("corruption", name, [value] * len(main)) for name, value in corruptions]
    people = [ComparedSlice(kind, of, n, (compare(kind, suite.mean_name, (d,)),)) for kind, of, n, d in slices]
    called = names or tuple("ABCDEFGH"[: len(main) + 1])
    return Comparison(called, metric, suite, "val2017", n_images, 1000, tuple(rows), (), tuple(people))


def test_a_better_run_is_said_to_be_by_how_much():
    first, clean, ratio, *_ = make((0.032,), (-0.02,), (0.05,)).verdict
    assert first == "B is better than A: mPC 43.2 against 40.0, +3.2 points (95 % interval +2.2 to +4.2)."
    assert clean == "On clean images it is worse: AP* −2.0 points (95 % interval −3.0 to −1.0)."
    assert ratio == "It keeps more of its clean score: rPC +5.0 points (95 % interval +4.0 to +6.0)."


def test_what_cannot_be_told_apart_is_not_called_better_or_worse():
    text = " ".join(make((0.004,), corruptions=[("fog", 0.001), ("snow", -0.002)]).verdict)
    assert "B and A cannot be told apart by these 500 images: mPC 40.4 against 40.0, +0.4 points" in text
    assert "Under none of the 2 corruptions can they be told apart." in text
    assert "better" not in text
    assert "worse" not in text


def test_where_it_wins_and_loses_is_said_with_what_chance_would_give():
    corruptions = [("fog", 0.08), ("snow", 0.03), ("jpeg_compression", -0.04), ("frost", 0.0)]
    text = " ".join(make((0.03,), corruptions=corruptions).verdict)
    assert (
        "Of 4 corruptions, it is better under 2, most so under fog (+8.0); worse under 1, under jpeg compression "
        "(−4.0); not to be told apart under 1." in text
    )
    assert "Told apart: 3 of 4 corruptions. Where nothing differs, about 1 in 20 is told apart by chance." in text


def test_as_many_differences_as_chance_gives_are_said_to_be_no_more():
    corruptions = [("fog", 0.08), *((f"other {i}", 0.0) for i in range(14))]
    assert (
        "about 1 in 20 is told apart by chance, which may be all that there is here."
        in make((0.0,), (0.01,), corruptions=corruptions).verdict[-1]
    )


def test_groups_of_ten_people_or_more_alone_are_named():
    slices = [("size", "below 32 px", 9, 0.3), ("size", "32 to 64 px", 10, 0.05), ("crowding", "alone", 80, -0.03)]
    text = " ".join(make((0.03,), slices=slices).verdict)
    assert "It gains most on those of 32 to 64 px: mPC +5.0 points" in text
    assert "It loses most on those who touch nobody's box: mPC −3.0 points" in text
    assert "below 32 px" not in text


def test_few_images_say_nothing():
    first, second, *_ = make((0.3,), (0.2,), corruptions=[("fog", 0.5), ("snow", 0.5)], n_images=29).verdict
    assert first == "Only 29 images: no difference on so few says anything about other images."
    assert second.startswith("B and A cannot be told apart")


def test_the_same_scores_everywhere_are_doubted():
    rows = [ComparedRow("headline", "AP*", (0.5, 0.5), (None, None), (None, Difference(0.0, (0.0, 0.0))), (0, 1))]
    comparison = Comparison(("a", "b"), "AP", COCO_C, "val2017", 100, 1000, tuple(rows), ())
    assert comparison.verdict == ("a and b have the same scores everywhere: are they the same predictions?",)


def test_of_several_runs_the_best_is_named_with_those_that_tie():
    assert (
        make((0.05, 0.1), (0, 0), (0, 0)).verdict[0] == "C is best: mPC 50.0, and every other run can be told from it."
    )
    several = make((0.05, 0.055, -0.1), (0, 0, 0), (0, 0, 0)).verdict
    assert several[0] == "C scores highest, mPC 45.5; B cannot be told from it."
    assert several[1] == (
        "Against A, the reference: B is better, +5.0 points (95 % interval +4.0 to +6.0); C is better, +5.5 points "
        "(95 % interval +4.5 to +6.5); D is worse, −10.0 points (95 % interval −11.0 to −9.0)."
    )
    many = make((0.05, 0.055, 0.06, -0.1), *[(0, 0, 0, 0)] * 2).verdict
    assert many[1] == "Against A, the reference: B, C and D are better; E is worse."
    none = make((0.001, 0.002), (0, 0), (0, 0)).verdict
    assert none[0] == "No run is shown to be worse than the highest one, C: mPC 40.2."


def test_consistency_is_called_so():
    text = " ".join(make((0.03,), metric="consistency").verdict)
    assert "B is more consistent than A: consistency 43.0 against 40.0" in text
    assert "clean" not in text


@pytest.mark.parametrize("n_runs", [2, 40])
def test_long_names_and_many_runs_stay_short(n_runs):
    names = tuple(f"{'very long name ' * 12}{i}" for i in range(n_runs))
    zeros = (0.0,) * (n_runs - 1)
    text = " ".join(make((0.03,) * (n_runs - 1), zeros, zeros, names=names).verdict)
    assert len(text) < 1000


def test_a_run_of_a_few_cells_is_judged_by_their_mean():
    rows = [compare("headline", "AP*", (0.0,), 0.6), compare("cell", "fog/1", (0.05,))]
    rows += [compare("corruption", "fog", (0.05,)), compare("chosen", "mean_of_chosen", (0.05,))]
    comparison = Comparison(("a", "b"), "AP", COCO_C, "val2017", 100, 1000, tuple(rows), ())
    assert comparison.verdict[0].startswith("b is better than a: mean of fog 45.0 against 40.0, +5.0 points")
