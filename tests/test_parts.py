"""Parts of the images: a part of a run has the numbers of a run of its images alone, and says that it is one."""

import hashlib
import json
import shutil

import numpy as np
import pytest

import robustpose
from robustpose.corruptions.suites import LOW_LIGHT, cells_of
from robustpose.errors import UserError
from robustpose.results.compare import compare_runs
from robustpose.results.groups import compare_groups
from robustpose.results.parts import Part, read_ids, read_part
from tests.conftest import CATEGORY
from tests.runs import bench_predictions, few_images_do, run_quietly, write_predictions

ODD = Part("1::2")
no_ids = None  # what a slice never asks for
METRICS = {"AP": "coco_ap", "PCK": "pck:box@0.2"}


@pytest.fixture(scope="module", autouse=True)
def enough_images():
    """Let the few images of these runs do."""
    with few_images_do():
        yield


def restrict(folder, coco_folder, predictions):
    """Write a dataset of the odd images of another one alone, and what was predicted on them, by name."""
    content = json.loads((coco_folder / "people.json").read_text())
    content["images"] = content["images"][1::2]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [person for person in content["annotations"] if person["image_id"] in ids]
    folder.mkdir()
    (folder / "people.json").write_text(json.dumps(content))
    (folder / "images").symlink_to(coco_folder / "images")
    for found in predictions:
        (folder / found.name).mkdir()
        for path in found.glob("*.json"):
            poses = [pose for pose in json.loads(path.read_text()) if pose["image_id"] in ids]
            (folder / found.name / path.name).write_text(json.dumps(poses))
    return folder


def bench_both(coco_folder, home, metric, *words):
    """Bench a good and a bad model on all images, and on the odd ones alone; the folders of both."""
    cells = cells_of(LOW_LIGHT.corruptions, LOW_LIGHT.severities)
    noises = {"good": 1.0, "bad": 4.0}
    found = [write_predictions(home / name, coco_folder, noise, cells) for name, noise in noises.items()]
    odd = restrict(home / "odd", coco_folder, found)
    words = ("--metric", metric, "--suite", "low-light", "--corruptions", "all", "--no-report", *words)
    return [
        [bench_predictions(run_quietly, data, place / name, place / f"{name}-run", *words) for name in noises]
        for data, place in ((coco_folder, home), (odd, odd))
    ]


@pytest.fixture(scope="module", params=METRICS)
def benched(request, coco_folder, tmp_path_factory):
    """The runs of two models on all images, and on the odd ones alone, by AP and by PCK."""
    return bench_both(coco_folder, tmp_path_factory.mktemp("runs"), METRICS[request.param])


def assert_same_numbers(rows, others):
    """Assert that two lists of rows have the same values, intervals, differences and leaders, but for rounding."""
    for row, other in zip(rows, others, strict=True):
        assert (row.kind, row.name, row.leaders) == (other.kind, other.name, other.leaders)
        assert list_numbers(row) == pytest.approx(list_numbers(other), abs=1e-12)


def list_numbers(row):
    """Return all numbers of a row of two runs: values, ends of intervals, and the difference with its own."""
    apart = row.differences[1]
    ends = [end for interval in (*row.intervals, apart.interval) for end in interval]
    return [*row.values, apart.value, *ends]


def test_part_has_the_numbers_of_a_run_of_its_images_alone(benched):
    everything, odd = benched
    part, alone = compare_runs(everything, 200, part=ODD), compare_runs(odd, 200)
    assert part.n_images == alone.n_images == 4
    assert part.rows[2].name == LOW_LIGHT.ratio_name
    assert_same_numbers(part.rows, alone.rows)
    assert part.rows != compare_runs(everything, 200).rows


def test_groups_of_a_part_have_the_numbers_of_groups_of_its_images_alone(benched):
    everything, odd = (
        {
            name: [run, shutil.copytree(run, run.with_name(f"{run.name}-again"))]
            for name, run in zip("ab", runs, strict=True)
        }
        for runs in benched
    )
    of_part = compare_groups(everything, 200, ODD)
    assert_same_numbers(of_part.rows, compare_groups(odd, 200).rows)
    assert of_part.of_images == "4 of 9 images (1::2)"


def test_categories_and_their_mean_are_of_the_part(coco_folder, tmp_path):
    def choose(number):  # a horse in the first image alone, which is not of the part
        return 1 + number % 2 if number else 3

    content = json.loads((coco_folder / "people.json").read_text())
    names = enumerate(("dog", "cat", "horse"), 1)
    animals = [{**one, "category_id": choose(number)} for number, one in enumerate(content["annotations"])]
    content |= {"annotations": animals, "categories": [{**CATEGORY, "id": i, "name": name} for i, name in names]}
    (tmp_path / "people.json").write_text(json.dumps(content))
    (tmp_path / "images").symlink_to(coco_folder / "images")
    runs = []
    for noise in (1.0, 2.0):
        found = write_predictions(tmp_path / f"found-{noise}", coco_folder, noise)
        for path in found.glob("*.json"):
            poses = json.loads(path.read_text())
            path.write_text(json.dumps([{**one, "category_id": choose(number)} for number, one in enumerate(poses)]))
        odd = restrict(tmp_path / f"odd-{noise}", tmp_path, [found])
        words = ("--category", "all", "--no-report")
        runs.append(
            [
                bench_predictions(run_quietly, data, place / found.name, place / f"run-{noise}", *words)
                for data, place in ((tmp_path, tmp_path), (odd, odd))
            ]
        )
    everything, odd = zip(*runs, strict=True)
    part, alone = compare_runs(everything, 200, part=ODD), compare_runs(odd, 200)
    rows = [row for row in part.rows if row.values[0] is not None]
    assert "dog AP*" in [row.name for row in rows]
    assert "horse AP*" not in [row.name for row in rows]
    assert_same_numbers(rows, [row for row in alone.rows if row.values[0] is not None])


def test_slices_which_runs_keep_of_all_images_are_left_out_and_it_is_said(benched):
    everything, _ = benched
    part, whole = compare_runs(everything, 200, part=ODD), compare_runs(everything, 200)
    assert whole.slices
    assert not part.slices
    assert (
        "slices of people and joints are left out: runs keep what these score of all their images alone" in part.notes
    )


def test_comparison_says_of_which_images_it_is_in_every_place(benched):
    comparison = compare_runs(benched[0], 100, part=ODD)
    assert comparison.of_images == "4 of 9 images (1::2)"
    assert comparison.data.endswith(", images 1::2")
    assert all(words.endswith("; of 4 of 9 images (1::2)") for _, words in comparison.terms)
    assert [comparison.to_json()[name] for name in ("part", "n_images", "n_all")] == ["1::2", 4, 9]
    whole = compare_runs(benched[0], 100)
    assert [whole.to_json()[name] for name in ("part", "n_images", "n_all")] == [None, 9, 9]
    assert "1::2" not in f"{whole.of_images}{whole.data}{whole.terms}"


def test_command_says_of_which_images_it_is_on_terminal_page_and_tables(benched, run, tmp_path):
    code, output, errors = run("compare", *benched[0], "--part", "1::2", "--out", tmp_path, "--resamples", 100)
    assert code == 0, errors
    assert "4 of 9 images (1::2)" in " ".join(output.split())
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert (content["part"], content["n_images"]) == ("1::2", 4)
    assert ", 4 of 9 images (1::2)" in (tmp_path / "table.tex").read_text()
    page = (tmp_path / "compare.html").read_text()
    assert page.count(", images 1::2 compared") == 2  # title and heading
    assert ", 4 of 9 images (1::2), the same in all" in page
    assert " 9 images, the same in all" not in page


def test_command_says_of_which_images_models_by_suites_are(suite_runs, run, tmp_path):
    code, output, errors = run("compare", *suite_runs, "--part", "-4:", "--out", tmp_path, "--resamples", 100)
    assert code == 0, errors
    assert "4 of 9 images (-4:)" in " ".join(output.split())
    for name in ("compare.html", "table.md", "table.tex"):
        assert "4 of 9 images (-4:)" in (tmp_path / name).read_text()
    assert json.loads((tmp_path / "comparison.json").read_text())["part"] == "-4:"


def write_odd_ids(folder, coco_folder):
    """Write the ids of the odd images, in another order, to a file with a name that LaTeX and Markdown take amiss."""
    ids = [image["id"] for image in json.loads((coco_folder / "people.json").read_text())["images"]][1::2]
    folder.mkdir(exist_ok=True)
    path = folder / "odd_50%_*.txt"
    path.write_text("".join(f"{one}\n" for one in reversed(ids)))
    return path


def test_file_of_ids_has_the_numbers_of_the_slice_of_these_images(benched, coco_folder, run, tmp_path):
    path = write_odd_ids(tmp_path / "ids", coco_folder)
    code, output, errors = run("compare", *benched[0], "--part", path, "--out", tmp_path, "--resamples", 100)
    assert code == 0, errors
    assert f"4 of 9 images ({path.name})" in " ".join(output.split())
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert (content["part"], content["n_images"], len(content["part_sha256"])) == (path.name, 4, 64)
    assert (
        "\n% AP in percent, 4 of 9 images (odd_50%_*.txt)\n".replace("AP", content["metric"])
        in (tmp_path / "table.tex").read_text()
    )
    assert_same_numbers(
        robustpose.compare(*benched[0], resamples=100, part=path).result.rows,
        compare_runs(benched[0], 100, part=ODD).rows,
    )


def test_file_of_ids_takes_data_that_are_named_again(suite_runs, coco_folder, run, tmp_path):
    path = write_odd_ids(tmp_path / "ids", coco_folder)
    data = ("--annotations", coco_folder / "people.json", "--images", coco_folder / "images")
    code, _, errors = run("compare", *suite_runs, *data, "--part", path, "--out", tmp_path, "--resamples", 100)
    assert code == 0, errors
    assert f"4 of 9 images ({path.name})" in (tmp_path / "compare.html").read_text()
    code, _, errors = run("compare", *suite_runs, *data, "--part", "1::2", "--out", tmp_path)
    assert (code, errors.splitlines()[-1][:42]) == (2, "error: the page of several suites shows no")
    runs = [shutil.copytree(folder, tmp_path / f"copy-{number}") for number, folder in enumerate(suite_runs)]
    for folder in runs:
        (folder / "inputs.json").unlink()
    code, _, errors = run("compare", *runs, "--part", path, "--out", tmp_path)
    assert (code, len(errors.splitlines())) == (2, 1)
    assert "does not say where its data are: name them" in errors


def test_command_refuses_what_is_no_part_in_one_line(benched, run, tmp_path):
    for word, expected in (("half", "a part of the images is a slice"), ("9:", "part 9: has none of the 9 images")):
        code, _, errors = run("compare", *benched[0], "--part", word, "--out", tmp_path / "page")
        assert code == 2
        assert errors.startswith(f"error: {expected}")
        assert len(errors.splitlines()) == 1
    assert not (tmp_path / "page").exists()


def test_python_compares_on_a_part(benched, suite_runs):
    everything, odd = benched
    part, alone = robustpose.compare(*everything, part="1::2"), robustpose.compare(*odd)
    assert_same_numbers(part.result.rows, alone.result.rows)
    assert ", images 1::2, percent;" in repr(part)
    assert "4 of 9 images (1::2)" in part._repr_html_()
    again = [shutil.copytree(run, run.with_name(f"{run.name}-twice")) for run in everything]
    groups = robustpose.compare(groups=dict(zip("ab", zip(everything, again, strict=True), strict=True)), part="1::2")
    assert groups.values("clean") == part.values("clean")
    assert robustpose.compare(*suite_runs, part="1::2").result.of_images.startswith("4 of 9 images (1::2)")
    with pytest.raises(UserError, match=r"a part of the images is a slice .*; got '2'"):
        robustpose.compare(*everything, part=2)


def test_warnings_of_runs_are_said_to_be_of_all_images(benched, tmp_path):
    run = shutil.copytree(benched[0][0], tmp_path / "doubted")
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "warnings": ["PCK on clean images is 3.1"]}))
    comparison = compare_runs([benched[0][1], run], 100, part=ODD)
    assert "warnings are of all 9 images" in comparison.notes
    assert "warnings are of all 9 images" not in compare_runs([benched[0][1], run], 100).notes


def test_what_adapted_is_said_to_have_done_so_on_all_images(benched, tmp_path):
    run = shutil.copytree(benched[0][0], tmp_path / "adapted")
    summary = json.loads((run / "summary.json").read_text())
    summary["provenance"]["estimator"] |= {"adapt": "bn", "images_per_group": 2, "adapt_prior": 16}
    (run / "summary.json").write_text(json.dumps(summary))
    note = "what adapted at test time did so in groups from all 9 images, not the part alone"
    runs = [benched[0][1], run]
    assert note in compare_runs(runs, 100, part=ODD).notes
    assert note not in compare_runs(runs, 100).notes
    assert note not in compare_runs(benched[0], 100, part=ODD).notes


def test_part_of_few_images_tells_nothing_apart(benched):
    with pytest.MonkeyPatch.context() as patch:
        for module in ("compare", "compared", "verdict_compare"):
            patch.setattr(f"robustpose.results.{module}.FEW_IMAGES", 5)
        comparison = compare_runs(benched[0], 100, part=ODD)
        verdict = comparison.verdict
    assert not any(row.differences[1].is_distinguishable for row in comparison.rows)
    assert verdict[0].startswith("Only 4 of 9 images (1::2): no difference on so few")


def test_part_of_a_single_image_has_no_resamples(benched):
    comparison = compare_runs(benched[0], 100, part=Part("-1:"))
    assert comparison.of_images == "1 of 9 images (-1:)"
    assert comparison.resamples == 0
    assert comparison.rows[0].intervals == (None, None)


def test_damaged_matches_are_found_though_the_damage_is_outside_the_part(benched, tmp_path):
    runs = [shutil.copytree(run, tmp_path / run.name) for run in benched[0]]
    path = runs[1] / "matches" / "clean.npz"
    arrays = dict(np.load(path))
    name = "reached" if "reached" in arrays else "verdict"
    kept = np.ones(9) if name == "reached" else arrays["image"] != 0
    arrays[name] = (
        np.where(np.arange(9) == 0, 0, arrays[name]) if name == "reached" else np.where(kept, arrays[name], 0)
    )
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=r"clean\.npz is of 9 images and scores .* but by summary\.json"):
        compare_runs(runs, 100, part=ODD)


def test_part_without_people_is_refused(coco_folder, tmp_path):
    content = json.loads((coco_folder / "people.json").read_text())
    content["annotations"] = [person for person in content["annotations"] if person["image_id"] != 1]
    (tmp_path / "people.json").write_text(json.dumps(content))
    (tmp_path / "images").symlink_to(coco_folder / "images")
    found = write_predictions(tmp_path / "found", tmp_path, 1.0)
    runs = [bench_predictions(run_quietly, tmp_path, found, tmp_path / name, "--no-report") for name in ("a", "b")]
    with pytest.raises(UserError, match=r"1 of 9 images \(:1\) have no score in clean: nobody is to be found in them"):
        compare_runs(runs, 100, part=Part(":1"))


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        *[("0::2", [0, 2, 4]), ("1::2", [1, 3]), (":2", [0, 1]), ("3:", [3, 4]), ("-2:", [3, 4]), (":-3", [0, 1])],
        *[(":", [0, 1, 2, 3, 4]), ("::", [0, 1, 2, 3, 4]), (" 4:99\n", [4]), ("::-2", [0, 2, 4]), ("+1:2", [1])],
    ],
)
def test_places_are_slices_of_python(places, expected):
    assert np.flatnonzero(read_part(places, no_ids).select(5)).tolist() == expected


@pytest.mark.parametrize("text", ["", "5", "a:b", "0:2:0", "1:2:3:4", "1.5:", "0 0:", "٣:", f"{10**18}:"])
def test_what_is_no_slice_is_refused_in_one_line(text):
    with pytest.raises(UserError, match=r"a part of the images is a slice .* such as 0::2, .*; got ") as error:
        read_part(text, no_ids)
    assert "\n" not in str(error.value)


FILES = {
    "ids.txt": "# every other\n7\n\n 12\n",
    "ids.json": "[12, 7]",
    "people.json": json.dumps({"images": [{"id": 7, "file_name": "a.png"}, {"id": 12}], "annotations": []}),
}


@pytest.mark.parametrize("name", FILES)
def test_files_name_images_by_their_ids(name, tmp_path):
    path = tmp_path / name
    path.write_text(FILES[name])
    part = read_part(path, lambda: [12, 3, 7, 1])
    assert part.select(4).tolist() == [True, False, True, False]
    assert part.name_images(4) == f"2 of 4 images ({name})"
    assert part.sha256 == hashlib.sha256(b"12\n7\n").hexdigest()
    with pytest.raises(UserError, match=f"part {name} is of 4 images, and these are 5"):
        part.select(5)


@pytest.mark.parametrize("text", ["a", "00000000/a.jpg"])
def test_ids_may_be_words(text, tmp_path):
    (tmp_path / "ids.txt").write_text(f"{text}\n")
    assert read_part(str(tmp_path / "ids.txt"), lambda: ["b", text]).listed == (1,)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ids.txt", "", "names no image: expected an id a line"),
        ("ids.json", "[]", "names no image: expected an id a line"),
        ("ids.txt", "3\n7\n3\n", "names image '3' twice"),
        ("ids.txt", "3\n8\n", "names images that the runs do not have: 8; expected ids such as 12; 3; 7"),
        ("ids.json", '{"images": 3}', "must be a list of image ids, or hold images, each with its id"),
        ("ids.json", '{"images": [{"file_name": "a"}]}', "must be a list of image ids, or hold images"),
        ("ids.json", "[true]", "must be a list of image ids, or hold images"),
        ("ids.json", "[", "is damaged|is no JSON|not JSON"),
        ("ids.txt", b"\xff\xfe", "it is not UTF-8"),
    ],
)
def test_files_that_name_no_images_of_the_runs_are_refused_in_one_line(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as error:
        read_part(path, lambda: [12, 3, 7, 1])
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_name_of_a_file_stays_one_line(tmp_path):
    (tmp_path / "a\nb.txt").write_text("3\n")
    assert read_part(tmp_path / "a\nb.txt", lambda: [3]).places == "a?b.txt"


def test_ids_that_images_share_name_none(tmp_path):
    (tmp_path / "ids.txt").write_text("3\n")
    with pytest.raises(UserError, match="there are images with the same id"):
        read_part(tmp_path / "ids.txt", lambda: [3, "3"])
    assert read_ids(tmp_path / "ids.txt") == ["3"]


@pytest.mark.parametrize("places", ["5:", "2:2", ":-5", "3:1"])
def test_part_without_images_is_refused(places):
    with pytest.raises(UserError, match=f"part {places} has none of the 5 images: expected a slice "):
        Part(places).select(5)
