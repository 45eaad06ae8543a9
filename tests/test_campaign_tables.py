"""Tables of campaigns in words: what stands in them, printed and as Markdown."""

from dataclasses import replace

import pytest

from robustpose.corruptions.suites import HELD_OUT
from robustpose.results.outcome import Outcome
from robustpose.show.campaign import print_campaign
from robustpose.show.campaign_markdown import MARKDOWN_BEGINS, campaign_to_markdown
from robustpose.show.campaign_tables import (
    SEEN,
    tabulate_brief_pair,
    tabulate_differences,
    tabulate_pair,
    tabulate_progress,
    tabulate_scores,
    tell_progress,
)
from robustpose.show.inline import spell_difference
from tests.hostile import NAMES, TOGETHER
from tests.outcomes import make_outcome, make_part, make_runs

METHODS = ("plain", "equalmix", "advmix")


@pytest.fixture(scope="module")
def part():
    return make_part(METHODS)


@pytest.fixture(scope="module")
def outcome():
    return make_outcome(METHODS)


def test_methods_by_suites_have_the_clean_score_once_and_each_mean_with_spread_and_interval(part):
    table = tabulate_scores(part)
    assert table.titles == ("method", "AP*", "coco-c mPC", "held-out mPH", "seen in training")
    row = part.across.comparisons[1].rows[1]
    low, high = row.intervals[2]
    expected = f"{100 * row.values[2]:.1f} ± {100 * row.spreads[2]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    assert table.rows[2][0] == "advmix"
    assert table.rows[2][3] == expected
    assert table.title == "all images: AP in percent on val2017, 400 images; 95 % intervals"


def test_methods_that_have_seen_nothing_have_no_column_for_it(part):
    assert [row[-1] for row in tabulate_scores(part).rows] == ["–", "1 of 4 in held-out", "1 of 4 in held-out"]
    unseen = replace(part, across=replace(part.across, seen=((),) * 3))
    assert tabulate_scores(unseen).titles[-1] == "held-out mPH"


def test_many_methods_that_have_seen_the_same_are_told_of_in_one_sentence():
    part = make_part(("plain", *(f"method {number}" for number in range(5))))
    (sentence,) = [words for words in part.across.verdict if "learned" in words]
    assert sentence.startswith("5 of 6 models have learned from 1 of the 4 corruptions of held-out")
    assert sentence.endswith("has seen, 5 of 5 gain, 0 lose and 0 cannot be told from the first model.")


def test_methods_on_one_suite_are_held_against_the_first_one():
    (sentence, _) = make_part(METHODS[:2], (HELD_OUT,)).across.verdict
    assert sentence.startswith("On held-out, against plain: equalmix gains ")
    many = ("plain", *(f"method {number}" for number in range(5)))
    sentence, _ = make_part(many, (HELD_OUT,)).across.verdict
    assert sentence.endswith("the first one: 5 of 5 gain, 0 lose and 0 cannot be told from the first model.")


def test_differences_are_those_to_the_first_method(part):
    table = tabulate_differences(part)
    assert [row[0] for row in table.rows] == ["equalmix", "advmix"]
    difference = part.across.comparisons[0].rows[1].differences[2]
    assert table.rows[1][2] == spell_difference(difference)
    low, high = (f"{100 * end:.1f}" for end in difference.interval)
    assert table.rows[1][2] == f"{100 * difference.value:+.1f} [{low}, {high}]"


def test_a_difference_that_cannot_be_told_from_none_is_marked():
    table = tabulate_differences(make_part(METHODS, step=0.0))
    assert all(word.startswith("≈ ") for row in table.rows for word in row[1:])
    assert table.legend.startswith("≈ not distinguishable")


def test_a_pair_has_a_row_for_each_score_and_marks_what_was_seen(part):
    comparison = part.pairs[0].by_suite[1]
    table = tabulate_pair(comparison)
    assert table.titles == ("", "equalmix", "advmix", "difference")
    names = [row[0] for row in table.rows]
    assert names[:3] == ["AP*", "mPH", "rPH"]
    assert names[3:] == ["speckle_noise", "gaussian_blur", "spatter (seen)", "saturate"]  # no group: there is one
    assert table.legend == SEEN
    assert tabulate_pair(part.pairs[0].by_suite[0]).legend == ""


def test_a_pair_in_brief_has_all_suites_and_the_clean_score_once(part):
    table = tabulate_brief_pair(part.pairs[0].by_suite)
    names = [row[0] for row in table.rows]
    groups = [f"coco-c {group}" for group in ("noise", "blur", "weather", "digital")]
    assert names == ["AP*", "coco-c mPC", *groups, "held-out mPH"]


def test_progress_says_of_each_training_what_is_done(outcome):
    runs = [*outcome.runs]
    runs[1], runs[2] = replace(runs[1], state="running"), replace(runs[2], state="failed")
    table = tabulate_progress(runs)
    assert table.titles == ("training", "seed 0", "seed 1", "seed 2")
    assert table.rows[0] == ("plain", "0 of 2 benches, 1 running, 1 failed", *["2 of 2 benches"] * 2)
    assert table.rows[2] == ("advmix", *["2 of 2 benches"] * 2, "failed")
    assert tell_progress(outcome) == "8 of 9 trainings and 16 of 18 benches are done, 1 failed"


def test_what_is_printed_goes_from_all_images_to_the_notes(outcome, capsys):
    print_campaign(outcome)
    output = capsys.readouterr().out
    titles = ("trainings and benches", "all images: AP", "all images: differences to plain", "all images: generator")
    others = (
        "verdict: all images:",
        "reporting: AP in percent on val2017, 200 of 400 images (1::2)",
        "note: seed 2 of advmix",
        "failed: advmix, seed 2",
    )
    places = [output.index(words) for words in (*titles, *others, "campaign lspet: 8 of 9")]
    assert places == sorted(places)
    assert "advmix less equalmix" in output
    assert "gaussian_noise" not in output


def test_of_a_finished_campaign_no_progress_is_printed(outcome, capsys):
    print_campaign(replace(outcome, runs=make_runs(METHODS)))
    assert "trainings and benches" not in capsys.readouterr().out


def test_markdown_has_every_table_in_full(outcome):
    text = campaign_to_markdown(outcome)
    assert text.startswith(f"{MARKDOWN_BEGINS}lspet\n")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## All images", "## Reporting (1::2)", "## Trainings and benches", "## Notes"]
    assert text.count("\n| gaussian_noise | ") == 4  # of all methods, and of the pair, on both parts
    assert text.count("\n| spatter (seen) | ") == 4
    assert "### coco-c: differences to plain, in points\n\n|  | equalmix | advmix |\n" in text
    assert "- advmix, seed 2, training: failed: it ended with exit code 2: \\| no memory" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_where_nothing_can_be_compared_yet_there_is_what_is_done(capsys):
    empty = Outcome("lspet", make_runs(METHODS), ())
    print_campaign(empty)
    assert "9 of 9 trainings" in capsys.readouterr().out
    assert "| plain | 2 of 2 benches |" in campaign_to_markdown(empty)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_of_methods_stay_words_in_markdown(name):
    names = ("plain", name, f"{name} (bn)")
    text = campaign_to_markdown(make_outcome(names))
    plain = campaign_to_markdown(make_outcome(METHODS))
    assert text.count("\n") == plain.count("\n")
    assert "<script" not in text
    assert "<img" not in text


def test_names_of_methods_never_act_in_the_terminal(capsys):
    print_campaign(make_outcome(("plain", TOGETHER, "advmix")))
    streams = capsys.readouterr()
    assert "\x1b" not in streams.out + streams.err


def test_markdown_says_how_runs_were_made(outcome):
    text = campaign_to_markdown(outcome)
    assert "| all trainings | --recipe advmix/toy |" in text
    assert "| all benches | – |" in text
