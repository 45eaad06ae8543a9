"""Pages: what a browser may do with them. `test_report_page.py` looks at them in one."""

import base64
import hashlib
import json
import re

import pytest

from robustpose.corruptions.suites import COCO_C
from robustpose.results.compared import ComparedRow, Comparison, Difference
from robustpose.results.leaderboard import read_boards
from robustpose.show.pages.charts import escape_label
from robustpose.show.pages.compare import render_comparison
from robustpose.show.pages.leaderboard import render_leaderboard
from robustpose.show.pages.report import render
from tests.hostile import TOGETHER, spoil_summary
from tests.test_leaderboard import write_summary
from tests.test_report import Elements, make_summary


def make_comparison(name):
    differences = (None, Difference(0.1, (0.05, 0.15)))
    rows = [
        ComparedRow(kind, name, (0.5, 0.6), ((0.4, 0.6), (0.5, 0.7)), differences, (1,))
        for kind in ("headline", "group", "corruption", "cell")
    ]
    return Comparison((name, name), name, COCO_C, name, 9, 100, tuple(rows), (name,))


def make_leaderboard(folder, name):
    for run in "ab":
        write_summary(folder / run / "summary.json")
        spoil_summary(folder / run / "summary.json", name)
    return render_leaderboard(read_boards(folder)[0])


def make_report(folder, name):
    (folder / "summary.json").write_text(json.dumps(make_summary()))
    spoil_summary(folder / "summary.json", name)
    return render(json.loads((folder / "summary.json").read_text()))


PAGES = {
    "report": make_report,
    "compare": lambda _, name: render_comparison(make_comparison(name)),
    "leaderboard": make_leaderboard,
}


@pytest.mark.parametrize("kind", PAGES)
def test_page_has_the_same_elements_whatever_its_names_are(kind, tmp_path):
    plain, hostile = PAGES[kind](tmp_path, "net"), PAGES[kind](tmp_path, TOGETHER)
    assert [tag for tag, _ in Elements(plain).elements] == [tag for tag, _ in Elements(hostile).elements]
    assert (
        re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\u2066\ud800-\udfff]", outside_scripts(hostile))
        is None
    )


def outside_scripts(page):
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("kind", PAGES)
def test_policy_lets_scripts_of_ours_run_and_no_others(kind, tmp_path):
    page = PAGES[kind](tmp_path, "net")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert all(source.startswith("'sha256-") for source in rules["script-src"].split())
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert scripts
    assert page.count("<script") == len(scripts) + page.count('<script type="application/json"')
    for script in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in rules["script-src"]
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_label_of_a_chart_has_no_markup_and_no_unseen_letters():
    label = escape_label(TOGETHER)
    assert "<" not in label
    assert label.isprintable()
