import json

import pytest

from robustpose.results.claims import CLAIMS, Claim
from robustpose.results.comparisons import CANNOT_TELL, CONTRADICTS, PARTLY, SUPPORTS, Comparison
from robustpose.results.findings import judge, judge_claims
from robustpose.results.measured_runs import measure_runs
from robustpose.results.measurement import measure_published
from robustpose.show.findings import to_markdown
from tests.measured import write_run

HOSTILE = "n\x1b[2J|<b>\u202e`$(x)`"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A standard run, a hardened one, and one that says nothing of itself."""
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "standard", 0.70)
    write_run(folder / "hardened", 0.701, gain=0.02)
    write_run(folder / HOSTILE, 0.5, kind="results", box_protocol="unknown", size=None)
    return folder


def claim_of(*ends, data=("one",)):
    """Return a claim of comparisons with these intervals."""
    made = [
        Comparison("it", ("a", "b"), on, sum(end) / 2 if end else 0.0, end, 0.0, 1.0, "points", False)
        for end, on in zip(ends, data * len(ends), strict=False)
    ]
    return Claim("name", "Table 9", "It is so.", lambda of: iter(made), "two runs", ("boxes",))


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        (([0.1, 0.2], [0.3, 0.4]), SUPPORTS),
        (([0.1, 0.2], [-0.1, 0.1]), CANNOT_TELL),
        (([0.1, 0.2], [-0.2, -0.1], None), PARTLY),
        (([-0.2, -0.1], None), CONTRADICTS),
        (([0.1, 0.2], None), CANNOT_TELL),
        ((), CANNOT_TELL),
    ],
)
def test_all_have_to_support_and_one_contradicts_or_does_so_partly(ends, verdict):
    assert judge(claim_of(*ends), []).verdict == verdict


def test_the_line_says_what_is_missing():
    assert judge(claim_of(), measure_published()[:2]).reason == "needs two runs"
    assert "a and b without intervals" in judge(claim_of(None), []).reason
    assert "intervals reach beyond" in judge(claim_of([-0.1, 0.1]), []).reason
    assert judge(claim_of([0.1, 0.2], [0.3, 0.4]), []).reason == "2 for; weakest it: +15.0 [10.0, 20.0] (a − b)"


def test_verdicts_are_kept_apart_by_data():
    finding = judge(claim_of([0.1, 0.2], [-0.2, -0.1], data=("one", "two")), [])
    assert finding.by_data == {"one": SUPPORTS, "two": CONTRADICTS}


def test_command_prints_verdicts_and_writes_them(folder, tmp_path, run):
    files = tmp_path / "f.json", tmp_path / "f.md"
    words = ("--training", "Standard", "--set", "hardened.training=advmix", "--resamples", 100)
    code, output, errors = run("findings", folder, *words, "--out", files[0], "--out", files[1])
    assert code == 0
    assert "error" not in errors
    assert "\x1b" not in output + files[1].read_text()
    content = json.loads(files[0].read_text())
    found = {one["name"]: one for one in content["findings"]}
    assert list(found) == [claim.name for claim in CLAIMS]
    assert found["advmix-mpc"]["verdict"] == "supports"
    (made,) = found["advmix-mpc"]["comparisons"]
    assert made["runs"] == ["hardened", "standard"]
    assert made["interval"][0] > 0
    assert made["wanted"] == [0.0, None]
    assert content["resamples"] == 100
    assert {one["name"]: one.get("training") for one in content["measurements"]}["hardened"] == "AdvMix"
    assert "note: network is not known of" in output
    assert run("findings", folder, *words, "--out", files[0])[0] == 0  # written over


def test_names_from_outside_stay_words_in_markdown(folder):
    page = to_markdown(judge_claims(measure_runs([folder], {}, None, 40)[0], [HOSTILE], 20))
    assert page.startswith("# Findings\n")
    assert "\\|&lt;b&gt;" in page
    for letter in ("\x1b", "\u202e", "<b>"):
        assert letter not in page


def test_data_of_one_name_that_were_measured_otherwise_are_told_apart(tmp_path):
    write_run(tmp_path / "a", 0.70)
    write_run(tmp_path / "b", 0.71, profile="independent", seed=3)
    findings = judge_claims(measure_runs([tmp_path], {}, "Standard", 40)[0], (), 20)
    assert list(findings.data.values()) == ["people.json (60 images)", "people.json (60 images) measured otherwise (2)"]
    assert findings.notes == ("not compared: b with a: profile independent and release; seed 3 and release",)


def test_runs_on_other_data_are_told_by_the_names_of_the_data_first(tmp_path):
    toy = {"name": "toy", "n_images": 60, "limit": 60, "generator_version": 1, "split": "val", "metric": "pck"}
    write_run(tmp_path / "a", 0.70)
    write_run(tmp_path / "b", 0.71, dataset=toy, seed=3)
    findings = judge_claims(measure_runs([tmp_path], {}, "Standard", 40)[0], (), 20)
    [note] = findings.notes
    assert note == "not compared: b with a: other data: toy (60 images) and people.json (60 images); seed 3 and release"


def test_a_correlation_is_no_difference_and_data_names_are_told_apart():
    published = judge_claims(measure_published())
    reasons = {one.claim.name: one.reason for one in published.findings}
    assert "keep: 0.66 (coco-c/sbl_r101_128x96 and coco-c/" in reasons["alike"]
    assert "(1 costs most): 12 (ochuman-c/" in reasons["motion-hard"]
    expected = (
        "(supports on COCO-C and COCO-C (images with people); "
        "contradicts on MPII-C, OCHuman-C and OCHuman-C (images with people))"
    )
    assert expected in to_markdown(published)


def test_runs_that_say_no_training_are_compared_with_a_note(tmp_path):
    write_run(tmp_path / "a", 0.70)
    write_run(tmp_path / "b", 0.72, kind="sbl_r101")
    findings = judge_claims(measure_runs([tmp_path], {}, None, 100)[0], (), 100)
    verdicts = {one.claim.name: one.verdict for one in findings.findings}
    assert verdicts["capacity-mpc"] == SUPPORTS
    assert any("as if they were trained alike" in note for note in findings.notes)


def test_published_tables_need_no_run(run, tmp_path):
    code, output, _ = run("findings", "--published", "--out", tmp_path / "f.md")
    assert code == 0
    assert "the paper's tables have no intervals" in " ".join(output.split())
    assert "coco-c/table6/advmix_image" in (tmp_path / "f.md").read_text().replace("\\", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "error: name run folders, or a folder with some in it; or --published for the paper's own tables"),
        (["--published", "RUNS"], "error: --published looks at the paper's tables alone"),
        (["absent"], "absent is no folder: expected a run folder, or one with run folders in it"),
        (["RUNS", "--out", "f.html"], "error: --out must end with .json or .md, got "),
        (["RUNS", "--out", "RUNS/standard/summary.json"], "summary.json is there and holds no findings"),
        (["RUNS", "--resamples", "0"], "error: --resamples must be at least 40, got 0"),
        (["RUNS", "--training", "AdvMx"], "(did you mean 'AdvMix'?), got 'AdvMx'"),
        (["RUNS", "--set", "standard.network=sbl_r101"], "is sbl_r50 by its summary.json, and sbl_r101 was said"),
        (["RUNS", "--about", "absent.yaml"], "error: cannot read the file about runs "),
    ],
)
def test_bad_words_are_one_line(folder, run, words, message):
    code, output, errors = run("findings", *(word.replace("RUNS", str(folder)) for word in words))
    assert code == 2
    assert not output
    (line,) = [line for line in errors.splitlines() if not line.startswith("resampling")]
    assert message in line
