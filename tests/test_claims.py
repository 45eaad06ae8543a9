"""Every claim on the paper's own numbers, and on runs in which the truth is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.results.about import About, read_told
from robustpose.results.claims import CLAIMS
from robustpose.results.comparisons import CANNOT_TELL, CONTRADICTS, PARTLY, SUPPORTS
from robustpose.results.findings import judge, judge_claims
from robustpose.results.measured_runs import measure_runs
from robustpose.results.measurement import measure_published
from tests.measured import USUAL, write_run

BY_NAME = {claim.name: claim for claim in CLAIMS}
# Where the paper's own tables do not support a claim in every row.
EXCEPT = {"input-clean": PARTLY, "input-rpc": PARTLY, "motion-hard": PARTLY, "advmix-severity": CANNOT_TELL}
PUBLISHED = judge_claims(measure_published())


@pytest.mark.parametrize("name", BY_NAME)
def test_the_papers_numbers_support_its_claims_or_it_is_said_where_not(name):
    (finding,) = [one for one in PUBLISHED.findings if one.claim.name == name]
    assert finding.verdict == EXCEPT.get(name, SUPPORTS)
    assert bool(finding.claim.published) == (name in EXCEPT)
    assert finding.reason.endswith(finding.claim.published)


@pytest.mark.parametrize(
    ("name", "data", "verdict"),
    [
        ("input-clean", "COCO-C, AP", SUPPORTS),
        ("input-clean", "OCHuman-C, AP", CONTRADICTS),
        ("motion-hard", "COCO-C, AP", SUPPORTS),
        ("motion-hard", "MPII-C, PCKh", CONTRADICTS),
    ],
)
def test_what_the_exceptions_say_of_the_tables_is_so(name, data, verdict):
    assert judge(BY_NAME[name], measure_published()).by_data[data] == verdict


def test_only_hrnet_w32_from_the_smallest_input_keeps_more_at_a_larger_one():
    against = [
        one for one in judge(BY_NAME["input-rpc"], measure_published()).comparisons if one.verdict == CONTRADICTS
    ]
    assert {one.runs[1] for one in against} == {"coco-c/hrnet_w32_128x96"}
    assert len(against) == 2


def test_ranks_count_from_the_end_that_the_claim_speaks_of():
    for name in ("brightness-easy", "zoom-hard", "motion-hard"):
        for one in judge(BY_NAME[name], measure_published()).comparisons:
            assert (one.value <= 5) == (one.verdict == SUPPORTS)


def test_published_pairs_are_as_many_as_the_tables_have():
    counts = {one.claim.name: len(one.comparisons) for one in PUBLISHED.findings}
    # 12 top-down rows of Table 1 and the one with annotated boxes of Table 4, each with 4 of HigherHRNet.
    assert counts["alike"] == 13 * 4
    assert counts["advmix-mpc"] == 7 + 3  # Tables 2 and 3, and Table 4's with annotated boxes; none twice
    assert counts["learned-over-fixed"] == 2 * 3
    assert counts["pixel-over-image"] == 1


def test_claims_have_names_of_their_own_and_stand_in_the_docs():
    page = (Path(__file__).parents[1] / "docs/findings.md").read_text()
    assert len(BY_NAME) == len(CLAIMS)
    assert not [name for name in BY_NAME if f"`{name}`" not in page]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs that were made to support every claim."""
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "r50", 0.700)
    write_run(folder / "r101", 0.720, {name: share + 0.03 for name, share in USUAL.items()}, kind="sbl_r101")
    write_run(folder / "r50-large", 0.750, {name: share - 0.03 for name, share in USUAL.items()}, size="288x384")
    write_run(folder / "bottom-up", 0.650, kind="higherhrnet_w32", box_protocol="none", size="512x512")
    for number, (name, gain) in enumerate(GAINS.items(), 1):
        write_run(folder / name, 0.7 + number / 1e4, gain=gain)
    words = [f"{name}.training={training}" for name, training in TRAINED.items()]
    measured, notes = measure_runs([folder], read_told(None, words), "Standard", 200)
    assert not notes
    return measured


TRAINED = {
    "advmix": "AdvMix", "image": "AdvMix-Image", "equal": "EqualMix", "grid": "Grid-Mask",
    "styled": "AdvMix+Stylized", "alone": "AdvMix without distillation",
}  # fmt: skip
GAINS = {"alone": 0.018, "equal": 0.006, "grid": 0.008, "image": 0.012, "styled": 0.025, "advmix": 0.02}


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "teacher-clean"])
def test_runs_that_are_as_a_claim_says_support_it(runs, name):
    finding = judge(BY_NAME[name], runs)
    assert finding.verdict == SUPPORTS, finding.reason
    assert all(one.interval is not None for one in finding.comparisons)


def swap(runs, **names):
    """Return runs of which each that is named has the scores of another."""
    by_name = {one.name: one for one in runs}
    take = {mine: by_name[other] for mine, other in names.items()}
    return [
        replace(one, means=take[one.name].means, resampled=take[one.name].resampled) if one.name in take else one
        for one in runs
    ]


@pytest.mark.parametrize(
    ("names", "swapped"),
    [
        (("capacity-mpc", "capacity-rpc"), {"r50": "r101", "r101": "r50"}),
        (("advmix-mpc", "advmix-rpc", "advmix-severity"), {"r50": "advmix", "advmix": "r50"}),
        (("pixel-over-image", "mix-over-parts"), {"advmix": "equal"}),
        (("stylized-adds",), {"styled": "image"}),
    ],
)
def test_runs_that_are_the_other_way_round_contradict(runs, names, swapped):
    assert [judge(BY_NAME[name], swap(runs, **swapped)).verdict for name in names] == [CONTRADICTS] * len(names)


def test_one_of_two_learned_mixers_the_other_way_round_contradicts_partly(runs):
    assert judge(BY_NAME["learned-over-fixed"], swap(runs, image="equal", equal="image")).verdict == PARTLY


def test_equal_runs_cannot_tell(runs):
    for name in ("advmix-mpc", "advmix-severity", "pixel-over-image"):
        finding = judge(BY_NAME[name], swap(runs, advmix="image", r50="image"))
        assert finding.verdict == CANNOT_TELL
        assert "intervals reach beyond what the claim says" in finding.reason


def test_a_clean_score_that_drops_by_points_is_not_kept(runs):
    dropped = [replace(one, means=replace(one.means, clean=0.65)) if one.name == "advmix" else one for one in runs]
    low = next(one.resampled.clean for one in runs if one.name == "advmix") - 0.05
    dropped = [
        replace(one, resampled=replace(one.resampled, clean=low)) if one.name == "advmix" else one for one in dropped
    ]
    assert judge(BY_NAME["advmix-clean"], dropped).verdict == CONTRADICTS
    assert judge(BY_NAME["teacher-clean"], dropped).verdict == CONTRADICTS


def test_other_orders_of_corruptions_are_told(tmp_path):
    upside_down = dict(zip(USUAL, sorted(USUAL.values()), strict=True))
    turned = {name: 1.2 - share for name, share in USUAL.items()}
    write_run(tmp_path / "a", 0.70, turned)
    write_run(tmp_path / "b", 0.71, USUAL, kind="higherhrnet_w32", box_protocol="none")
    write_run(tmp_path / "c", 0.72, upside_down, kind="hrnet_w32")
    measured, _ = measure_runs([tmp_path], {}, None, 200)
    assert judge(BY_NAME["alike"], measured[:2]).verdict == CONTRADICTS
    for name in ("weather-easy", "brightness-easy", "zoom-hard", "motion-hard"):
        assert judge(BY_NAME[name], measured[:1]).verdict == CONTRADICTS


@pytest.mark.parametrize(
    "changes",
    [
        {"box_protocol": "clean-det"},
        {"profile": "independent", "seed": 3},
        {"frost_textures": "drawn"},
        {"dataset": {"name": "people.json", "n_images": 60, "limit": 60, "metric": "pck"}},
        {"dataset": {"name": "people.json", "n_images": 60, "annotations_sha256": "0" * 64, "metric": "pck:box@0.2"}},
        {"size": "96x128"},
        {"kind": "pifpaf_resnet101"},
        {"corrupted_images": {"sha256": "1"}},
    ],
)
def test_what_was_measured_otherwise_is_never_compared(tmp_path, changes):
    write_run(tmp_path / "a", 0.70)
    write_run(tmp_path / "b", 0.72, **{"kind": "sbl_r101", **changes})
    measured, _ = measure_runs([tmp_path], {}, None, 50)
    assert not judge(BY_NAME["capacity-mpc"], measured).comparisons


def test_a_hardened_network_is_not_compared_in_capacity_with_a_standard_one(runs):
    pairs = [one.runs for one in judge(BY_NAME["capacity-mpc"], runs).comparisons]
    assert pairs == [("r101", "r50")]


def test_unknown_boxes_are_never_the_same(tmp_path):
    for name, clean, kind in (("a", 0.70, "sbl_r50"), ("b", 0.72, "sbl_r101")):
        write_run(tmp_path / name, clean, kind=kind, box_protocol="unknown")
    measured, _ = measure_runs([tmp_path], {}, None, 50)
    assert not judge(BY_NAME["capacity-mpc"], measured).comparisons
    told = dict.fromkeys("ab", About(boxes="gt"))
    measured, _ = measure_runs([tmp_path], told, None, 50)
    assert judge(BY_NAME["capacity-mpc"], measured).verdict == SUPPORTS


def test_networks_of_ones_own_take_part(tmp_path):
    for name, clean in (("a", 0.70), ("b", 0.72)):
        write_run(tmp_path / name, clean, kind="onnx")
    told = {name: About(network=name, series="mine", parameters=ord(name)) for name in "ab"}
    measured, _ = measure_runs([tmp_path], told, None, 50)
    (one,) = judge(BY_NAME["capacity-mpc"], measured).comparisons
    assert one.runs == ("b", "a")


def test_a_run_that_lacks_cells_takes_part_in_claims_on_the_clean_score_alone(tmp_path):
    write_run(tmp_path / "a", 0.70)
    write_run(tmp_path / "b", 0.72, size="288x384", cells=COCO_C.cells[:6])
    measured, notes = measure_runs([tmp_path], {}, None, 200)
    assert any("b: mPC and rPC need clean and all 75 cells; this run has 5." in note for note in notes)
    made = {claim.name for claim in CLAIMS if any("b" in one.runs for one in claim.compare(measured))}
    assert made == {"input-clean"}
