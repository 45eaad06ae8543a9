"""The suite after-posebench: its ratio, its shared cells, and that it never stands beside PoseBench's numbers."""

import json
from importlib import resources

import numpy as np
import pytest

from robustpose.corruptions import SEVERITIES, corrupt
from robustpose.corruptions.suites import AFTER_POSEBENCH, COCO_C
from robustpose.metrics.robustness import take_means
from robustpose.pose.cell import CLEAN
from robustpose.results.published import find_row
from robustpose.results.terms import explain_headline
from robustpose.show.pages.report import render
from tests.scenes import draw_scene
from tests.test_figures import make_summary


def test_seven_of_its_ten_corruptions_are_those_of_coco_c():
    own = {name for name in AFTER_POSEBENCH.corruptions if name not in COCO_C.corruptions}
    assert own == {"color_quantization", "darkness", "mask"}
    assert (AFTER_POSEBENCH.n_corruptions, AFTER_POSEBENCH.n_cells) == (10, 50)
    assert [len(names) for names in AFTER_POSEBENCH.groups.values()] == [3, 3, 3, 1]


def test_mrr_is_the_mean_of_the_corruptions_mean_resilience_and_so_the_mean_by_the_clean_score():
    rng = np.random.default_rng(0)
    scores = {cell: float(rng.uniform(0.1, 0.7)) for cell in AFTER_POSEBENCH.cells}
    means = take_means(scores, list(scores), AFTER_POSEBENCH)
    of_corruption = [
        sum(scores[cell] for cell in scores if cell.corruption == name) / (5 * scores[CLEAN])
        for name in AFTER_POSEBENCH.corruptions
    ]
    assert means.ratio == pytest.approx(np.mean(of_corruption))
    assert means.ratio == pytest.approx(means.mean / scores[CLEAN])
    assert (AFTER_POSEBENCH.mean_name, AFTER_POSEBENCH.ratio_name) == ("mPP", "mRR")


def test_colors_keep_5_to_1_bits_as_measured_in_the_figure():
    image = draw_scene(60, 80)
    image[0, 0] = 255
    for severity, brightest in zip(SEVERITIES, (248, 240, 224, 192, 128), strict=True):
        few = corrupt(image, "color_quantization", severity)
        assert few.max() == brightest
        assert set(np.unique(few)) <= set(range(0, 256, 256 - brightest))
        assert ((image.astype(int) - few) < 256 - brightest).all()
        assert (few <= image).all()


def test_it_says_that_it_is_not_theirs_and_no_number_of_theirs_is_here(run):
    assert "not comparable with its numbers" in AFTER_POSEBENCH.description
    assert "not comparable with its numbers" in " ".join(run("list", "suites")[1].split())
    published = resources.files("robustpose.results").joinpath("published.yaml").read_text()
    assert "posebench" not in published.lower()


def test_no_published_row_stands_beside_it():
    summary = json.loads(json.dumps(make_summary(cells=AFTER_POSEBENCH.cells, suite=AFTER_POSEBENCH)))
    assert find_row(summary) == (None, [])
    page = render(summary)
    assert "The paper has no numbers of the suite after-posebench" in page
    assert "mRR" in page
    assert "mPC" not in page
    assert "mRR" in explain_headline(summary)
