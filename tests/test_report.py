import csv
import json
import shutil
from html.parser import HTMLParser

import pytest

from robustpose import UserError
from robustpose.corruptions.suites import COCO_C
from robustpose.data.corrupted import MadeImages
from robustpose.data.spec import DataSpec
from robustpose.pose.cell import CLEAN, Cell
from robustpose.results.summary import summarize
from robustpose.show.pages.report import render, write_report
from robustpose.show.tables import to_csv, to_latex, to_markdown


def make_summary(name="net", cells=COCO_C.cells, clean=0.8, metric="AP", **provenance):
    figures = {cell: {metric: clean if cell == CLEAN else 0.1 * cell.severity} for cell in cells}
    provenance = {
        "profile": "release",
        "frost_textures": "original",
        "dataset": {"name": "people.json", "n_images": 9},
        "estimator": {"name": name},
        **provenance,
    }
    return summarize(metric, figures, cells, provenance)


class Elements(HTMLParser):
    """What a browser sees of a page: elements with their attributes, and the words between them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def open_small(coco_folder):
    return DataSpec(annotations=coco_folder / "people.json", images=coco_folder / "images").open


def test_csv_has_the_papers_columns_in_the_papers_order(shared):
    columns = json.loads((shared / "paper_tables.json").read_text())["columns"]
    header, row = csv.reader(to_csv(make_summary()).splitlines())
    assert header == ["model", "dataset", "metric", "clean", "mPC", "rPC", *columns]
    assert [float(value) for value in row[3:6]] == pytest.approx([0.8, 0.3, 0.375])


def test_markdown_gives_percent_with_one_decimal_and_every_cell():
    text = to_markdown(make_summary())
    assert "| 80.0 | 30.0 | 37.5 |" in text
    assert text.count("\n| ") >= 15
    for name in COCO_C.corruptions:
        assert f"| {name} | 30.0 | 10.0 | 20.0 | 30.0 | 40.0 | 50.0 |" in text


def test_latex_escapes_names_and_has_a_value_under_every_title():
    lines = to_latex(make_summary("my_net & co")).splitlines()
    assert r"my\_net \& co" in lines[5]
    titles, values = lines[3], lines[5]
    assert titles.count(" & ") == values.count(" & ") == 18


def test_partial_run_shows_dashes_and_says_why():
    summary = make_summary(cells=COCO_C.cells[:6])
    assert "mPC and rPC need clean and all 75 cells; this run has 5." in to_markdown(summary)
    assert "| 80.0 | – | – |" in to_markdown(summary)
    assert "mPC and rPC need clean and all 75 cells; this run has 5." in render(summary)
    assert to_csv(summary).splitlines()[1].startswith("net,people.json,AP,0.8,,,")


def test_clean_only_run_has_a_report():
    page = render(make_summary(cells=(CLEAN,)))
    assert "80.0" in page
    assert 'id="gallery"' not in page


def test_page_escapes_text_from_files():
    plain, hostile = (Elements(render(make_summary(name))) for name in ("net", "</script><script>alert(1)</script>"))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert "</script><script>alert(1)</script>" in hostile.words


def test_page_needs_no_network():
    seen = Elements(render(make_summary()))
    targets = [attributes[key] for _, attributes in seen.elements for key in ("src", "href") if attributes.get(key)]
    assert targets
    assert all(target.startswith(("#", "data:")) for target in targets)
    (policy,) = (a["content"] for _, a in seen.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")


def test_score_of_zero_on_clean_images_is_shown():
    assert "–" in render(make_summary(clean=0.0))


def test_metric_without_published_numbers_has_a_page_all_the_same():
    page = render(make_summary(metric="PCK"))
    assert "The paper has no numbers in PCK." in page
    assert "PCK*" in page


def test_published_row_that_a_run_names_stands_below_ours():
    dataset = {"name": "person_keypoints_val2017.json", "n_images": 5000}
    row = {"name": "coco-c/hrnet_w32_256x192", "differences": []}
    page = render(make_summary(dataset=dataset, row=row, box_protocol="clean-det", clean=0.75))
    assert "This run was made as coco-c/hrnet_w32_256x192, a row of the paper&#39;s Table 1." in page
    assert "not the same measurement" not in page
    seen = Elements(page)
    (chosen,) = (a["value"] for tag, a in seen.elements if tag == "option" and "selected" in a)
    shown = [a["data-published"] for _, a in seen.elements if "data-published" in a and "hidden" not in a]
    assert shown == [chosen]
    assert chosen == "coco-c/hrnet_w32_256x192"
    assert ">+0.6</td>" in page  # 75.0 here, 74.4 there


def test_one_image_and_one_cell_are_called_one():
    page = render(make_summary(cells=[CLEAN, Cell("fog", 3)], dataset={"name": "people.json", "n_images": 1}))
    assert "people.json, 1 image<" in page
    assert "over the one corrupted cell of this run alone" in page


def test_row_that_a_run_names_but_was_not_measured_as_is_said():
    row = {"name": "coco-c/table5/gridmask", "differences": ["--boxes clean-det instead of gt"]}
    page = render(make_summary(dataset={"name": "person_keypoints_val2017.json", "n_images": 161}, row=row))
    assert "It is not the same measurement: --boxes clean-det instead of gt; not all images of COCO-C." in page
    assert "HRNet W32 256x192, Grid-Mask, annotated boxes, Table 5" in page


@pytest.mark.parametrize("name", ["model.pth", "advmix.pth", "pose_hrnet_w32_256x192.pth"])
def test_no_row_is_chosen_for_a_run_that_names_none(name):
    estimator = {"kind": "hrnet_w32", "name": name, "input": "192x256"}
    dataset = {"name": "person_keypoints_val2017.json", "n_images": 5000}
    page = render(make_summary(dataset=dataset, estimator=estimator, box_protocol="clean-det"))
    assert "This run does not say which row of the paper it stands beside" in page
    seen = Elements(page).elements
    assert not [a for tag, a in seen if tag == "option" and "selected" in a]
    assert "coco-c/hrnet_w32_256x192" in [a.get("value") for tag, a in seen if tag == "option"]


def test_runs_on_a_part_of_a_dataset_are_not_held_against_a_row_unasked():
    dataset = {"name": "person_keypoints_val2017.json", "n_images": 5000, "limit": 24}
    page = render(make_summary(dataset=dataset))
    assert "This run is on other images of COCO-C" in page
    assert not [a for tag, a in Elements(page).elements if tag == "option" and "selected" in a]


def test_corruptions_of_ones_own_have_a_column_and_a_chart():
    names = ("mine:darken", "speckle_noise")
    cells = (*COCO_C.cells, *(Cell(name, severity) for name in names for severity in range(1, 6)))
    page = render(make_summary(cells=cells))
    seen = Elements(page)
    assert set(names) <= {attributes.get("data-csv") for _, attributes in seen.elements}
    assert "curves-others" in {attributes.get("id") for _, attributes in seen.elements}


def test_report_is_made_again_from_the_summary_alone(finished_run, tmp_path):
    (tmp_path / "summary.json").write_bytes((finished_run / "summary.json").read_bytes())
    write_report(tmp_path)
    for name in ("table.md", "table.csv", "table.tex"):
        assert (tmp_path / name).read_bytes() == (finished_run / name).read_bytes()
    assert "robustpose score RUN" in (tmp_path / "report.html").read_text()


def test_same_run_gives_the_same_bytes(finished_run, tmp_path, open_small):
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    first, second = (write_report(tmp_path, open_small(), MadeImages(5)).read_bytes() for _ in range(2))
    assert first == second


def test_clean_only_run_with_its_dataset_has_a_page(finished_run, tmp_path, open_small):
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    (tmp_path / "summary.json").write_text(json.dumps(make_summary(cells=(CLEAN,))))
    page = write_report(tmp_path, open_small(), MadeImages(5)).read_text()
    assert "data-gallery" not in page


@pytest.mark.filterwarnings("ignore:the page has no gallery")
def test_predictions_that_are_gone_leave_a_page_without_pictures(finished_run, tmp_path, open_small):
    (tmp_path / "summary.json").write_bytes((finished_run / "summary.json").read_bytes())
    page = write_report(tmp_path, open_small(), MadeImages(5)).read_text()
    assert "the images or the predictions of this run could not be read" in page


def test_folder_without_a_finished_run_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no summary\.json: it is no run folder"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="its bench has not finished"):
        write_report(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match="lacks cells"):
        write_report(tmp_path)
