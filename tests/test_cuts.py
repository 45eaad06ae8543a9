"""Categories, parts and crowd levels are scored as if they were alone: figures are those of pycocotools run on each."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

from robustpose import CLEAN
from robustpose.metrics import make_metric
from robustpose.metrics.coco_ap import ALL_OF_ONE, FIGURES, ONE_OF_ALL, CocoAP
from robustpose.metrics.score_tables import MeanTable, load_score_table
from robustpose.pose.cuts import Cut, list_cuts
from robustpose.pose.protocols import Dataset
from robustpose.pose.skeletons import COCO
from robustpose.results.cell_score import cut_people, nest_cuts, score_cell
from robustpose.results.resampling import draw_weights
from tests.people import as_coco, draw_again, draw_people, fill

HAND, LEGS = (5, 7, 9), (11, 12, 13, 14, 15, 16)
SKELETON = replace(COCO, parts=(("hand", HAND), ("legs", LEGS)))
NAMES = ("dog", "cat", "cow")


def draw_animals(seed, n_images=14):
    """Return poses and truth of people of three categories, the last of which is not there in most images."""
    rng = np.random.default_rng(seed)
    return [
        (
            replace(poses, categories=rng.choice(3, len(poses.score), p=[0.5, 0.4, 0.1])),
            replace(truth, categories=rng.choice(3, len(truth.xy), p=[0.5, 0.4, 0.1]), crowd_index=crowd_index),
        )
        for (poses, truth), crowd_index in zip(
            draw_people(seed, n_images), rng.choice([0.0, 0.05, 0.1, 0.5, 0.8, 1.0], n_images), strict=True
        )
    ]


class Animals(Dataset):
    """What is annotated in such images."""

    skeleton, metric = SKELETON, "coco_ap"
    category_ids, category_names = (1, 2, 3), NAMES

    def __init__(self, truths):
        self.truths = truths

    def __len__(self):
        return len(self.truths)

    def frame(self, index):
        raise NotImplementedError

    def truth(self, index):
        return self.truths[index]


def official_figures(pairs, sigmas, category=None, images=None):
    """Return the ten figures that pycocotools gives, of some of the categories and images."""
    from pycocotools.coco import COCO as CocoApi
    from pycocotools.cocoeval import COCOeval

    records, annotations, results = as_coco([(replace(poses, categories=None), truth) for poses, truth in pairs])
    for entries, side in ((results, 0), (annotations, 1)):
        categories = [pair[side].categories for pair in pairs if pair[side].categories is not None]
        for entry, of in zip(entries, np.concatenate(categories).tolist() if categories else [], strict=False):
            entry["category_id"] = of + 1
    with contextlib.redirect_stdout(io.StringIO()):
        truth_api = CocoApi()
        names = [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)]
        truth_api.dataset = {"images": records, "annotations": annotations, "categories": names}
        truth_api.createIndex()
        evaluation = COCOeval(truth_api, truth_api.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        if category is not None:
            evaluation.params.catIds = [category + 1]
        if images is not None:
            evaluation.params.imgIds = [record["id"] for record, is_in in zip(records, images, strict=True) if is_in]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(FIGURES, evaluation.stats.tolist(), strict=True))


def keep_joints(poses, truth, joints):
    rows = list(joints)
    return (
        replace(poses, xy=poses.xy[:, rows], confidence=poses.confidence[:, rows]),
        replace(truth, xy=truth.xy[:, rows], visible=truth.visible[:, rows]),
    )


def alone(pairs, cut, sigmas=COCO.sigmas):
    return fill(CocoAP(sigmas, COCO.joints), pairs).matches().restrict(cut)


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_categories_are_the_means_of_cocos_evaluation_and_those_of_each_category(seed):
    pairs = draw_animals(seed)
    metric = fill(CocoAP(COCO.sigmas), pairs)
    assert metric.compute() == pytest.approx(official_figures(pairs, COCO.sigmas), abs=1e-12)
    assert metric.warnings == []
    for category in range(3):
        found = alone(pairs, Cut("category", NAMES[category], 1, category=category)).figures()
        assert found == pytest.approx(official_figures(pairs, COCO.sigmas, category), abs=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_figures_of_a_part_are_those_of_its_joints_alone(seed):
    pairs = draw_people(seed)
    for joints in (HAND, LEGS):
        sigmas = np.array(COCO.sigmas)[list(joints)]
        cut_down = [keep_joints(poses, truth, joints) for poses, truth in pairs]
        found = alone(pairs, Cut("part", "some", 1, joints=joints)).figures()
        assert found == pytest.approx(official_figures(cut_down, sigmas), abs=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_figures_of_a_crowd_level_are_those_of_its_images_alone(seed):
    pairs = [(replace(poses, categories=None), replace(truth, categories=None)) for poses, truth in draw_animals(seed)]
    cuts = {cut.name: cut for cut in list_cuts(Animals([truth for _, truth in pairs]), [truth for _, truth in pairs])}
    ranges = {"easy": lambda of: of < 0.1, "medium": lambda of: 0.1 <= of < 0.8, "hard": lambda of: of >= 0.8}
    ranges |= {"easy below 0.2": lambda of: of < 0.2, "medium from 0.2": lambda of: 0.2 <= of < 0.8}
    for name, is_in in ranges.items():
        assert cuts[name].images.tolist() == [is_in(truth.crowd_index) for _, truth in pairs]
        found = alone(pairs, cuts[name]).figures()
        assert found == pytest.approx(official_figures(pairs, COCO.sigmas, images=cuts[name].images), abs=1e-12)


@pytest.mark.parametrize("metric", ["coco_ap", "pck:box@0.1"])
def test_every_cut_has_figures_and_its_figure_in_every_resample(metric):
    pairs = draw_animals(0, 20)
    truths = [truth for _, truth in pairs]
    cuts, weights = list_cuts(Animals(truths), truths), draw_weights(20, 4)
    found, matches = score_cell(
        CLEAN, [of for of, _ in pairs], truths, make_metric(metric, COCO), cut_people(truths, 17), weights, cuts
    )
    assert [(cut.kind, cut.name) for cut in cuts] == list(found.cuts)
    primary = make_metric(metric, COCO).primary
    for cut in cuts:
        key = (cut.kind, cut.name)
        assert found.slices[key].value == pytest.approx(found.cuts[key][primary], abs=1e-12)
        own = weights[1] if cut.images is None else weights[1] * cut.images
        again = fill(make_metric(metric, COCO), draw_again(pairs, own)).matches()
        everything = replace(cut, images=None)
        expected = again.restrict(everything).table().score()
        assert found.slices[key].resampled[1] == pytest.approx(expected[0], abs=1e-12, nan_ok=True)
    assert list(nest_cuts(found)) == ["category", "part", "crowd index"]
    again = fill(make_metric(metric, COCO), draw_again(pairs, weights[2])).compute()
    assert found.resampled[2] == pytest.approx(again[primary], abs=1e-12)
    assert load_score_table(matches.table().save()).score(weights) == pytest.approx(found.resampled)


def test_slices_of_several_categories_are_means_over_those_that_have_somebody():
    pairs = draw_animals(1, 20)
    matches = fill(CocoAP(COCO.sigmas), pairs).matches()
    kept = [truth.area > np.median(truth.area) if len(truth.area) else np.zeros(0, bool) for _, truth in pairs]
    table = matches.table(kept)
    assert isinstance(table, MeanTable)
    of_each = np.array([of.score()[0] for of in table.tables])
    assert table.score()[0] == pytest.approx(np.nanmean(of_each))


def test_poses_that_do_not_say_their_category_are_scored_as_one_and_results_say_so():
    pairs = draw_animals(0)
    silent = [(replace(poses, categories=None), truth) for poses, truth in pairs]
    metric = fill(CocoAP(COCO.sigmas), silent)
    as_one = [(poses, replace(truth, categories=None)) for poses, truth in silent]
    assert metric.compute() == fill(CocoAP(COCO.sigmas), as_one).compute()
    assert metric.warnings == [ONE_OF_ALL.format(3)]
    kept = [truth.categories == 1 for _, truth in silent]
    found = metric.matches().restrict(Cut("category", "cat", 1, category=1))
    assert found.figures()["AP"] == pytest.approx(metric.matches().table(kept).score()[0], abs=1e-12)


def test_poses_that_are_all_of_one_category_are_doubted():
    pairs = [(replace(poses, categories=np.zeros(len(poses.score), int)), truth) for poses, truth in draw_animals(0)]
    metric = fill(CocoAP(COCO.sigmas), pairs)
    assert metric.compute()["AP"] > 0
    assert metric.warnings == [ALL_OF_ONE.format(3)]


def test_cuts_without_anybody_are_left_out_and_people_of_the_others_counted():
    pairs = draw_animals(0)
    truths = [replace(truth, categories=np.zeros(len(truth.xy), int), crowd_index=None) for _, truth in pairs]
    hidden = [replace(truth, visible=np.where(np.isin(range(17), HAND), 0, truth.visible)) for truth in truths]
    cuts = list_cuts(Animals(hidden), hidden)
    assert [(cut.kind, cut.name) for cut in cuts] == [("category", "dog"), ("part", "legs")]
    assert cuts[0].n_people == sum(truth.counted.sum() for truth in hidden)
    with_legs = [(truth.visible[:, list(LEGS)] > 0).any(1) & ~truth.crowd for truth in hidden]
    assert cuts[1].n_people == sum(map(sum, with_legs))


def test_pck_of_a_part_is_that_of_its_joints():
    pairs = draw_people(0)
    matches = fill(make_metric("pck:box@0.1", COCO), pairs).matches()
    found = matches.restrict(Cut("part", "legs", 1, joints=LEGS)).table()
    joints = [matches.joints_tables()[COCO.joints[joint]] for joint in LEGS]
    assert found.score()[0] == pytest.approx(
        sum(of.hits.sum() for of in joints) / sum(of.annotated.sum() for of in joints)
    )
