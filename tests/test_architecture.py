"""The house as `docs/architecture.md` describes it: what it names is there; an addition touches the files it says."""

import io
import re
import tokenize
from pathlib import Path

import pytest

import robustpose

ROOT = Path(robustpose.__file__).parent
PAGE = ROOT.parent / "docs" / "architecture.md"
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(ROOT.rglob("*.py"))}

# What newcomers add, one that is there of each: its word stands in these files and nowhere else.
TASKS = {
    "a corruption": ("spatter", {"corruptions/weather.py", "corruptions/__init__.py", "corruptions/suites.py"}),
    "an estimator": ("results_file", {"estimators/__init__.py"}),
    "a published skeleton": ("halpe-26", {"pose/skeleton_table.py"}),
    "an official data set": ("ochuman", {"data/official.py"}),
    "a metric": ("pckh", {"metrics/__init__.py", "metrics/pckh.py"}),
    "a strategy": ("sequentialmix", {"train/strategies.py"}),
    "a figure of every table": ("HEADLINE", {"results/rows.py"}),
    "a claim of the paper": ("teacher-clean", {"results/claims.py"}),
}
# And where else they may be named: a data set says which metric is its own; a corruption that the guess of sizes does
# not know gets what is typical.
BESIDES = {"a metric": {"data/mpii.py"}, "a corruption": {"show/pages/thumbnail_sizes.py"}}
# Words that meant three things, or nothing, and what is said now.
OLD_WORDS = {
    r"picture\w*": "image",
    r"\w*[Vv]iews_from|MadeViews|StoredViews": "corrupted images",
    r"ModelCard|make_card|card": "input spec",
    r"Levels": "Normaliser",
    r"maxima": "confidence",
    r"topdown|bottomup|TopDown|BottomUp": "heatmaps, tags",
    r"Crowd": "people in crop",
    r"cut_slices|do_slice": "chunk",
}
NAMES_OF_0_1_0 = {"models/families.py"}  # which reads what that version wrote


def code_of(source: str) -> str:
    """Return the names and strings of a program that do something: no comments, no docstrings."""
    kept, before = [], tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        starts_a_line = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type == tokenize.NAME or (token.type == tokenize.STRING and not starts_a_line):
            kept.append(token.string)
        before = token.type
    return " ".join(kept)


def section(title: str) -> str:
    """Return the text below a heading of the page."""
    return PAGE.read_text().split(f"## {title}\n")[1].split("\n## ")[0]


def test_files_to_read_first_are_there_and_are_six():
    files = re.findall(r"^\| `([\w/]+\.py)` \|", section("Six files to read first"), re.MULTILINE)
    assert len(files) == 6
    assert set(files) <= set(SOURCES)


def test_files_that_the_page_names_are_there():
    named = set(re.findall(r"`((?:\w+/)*\w+\.(?:py|yaml))`", PAGE.read_text()))
    tests = {path for path in named if path.startswith("tests/") or path.startswith("benchmarks/")}
    missing = [path for path in named - tests if not (ROOT / path).is_file() and not list(ROOT.rglob(path))]
    assert not missing + [path for path in tests if not (ROOT.parent / path).is_file()]


def test_folders_of_the_plan_are_those_of_the_package():
    plan = section("Where things are").split("```")[1]
    named = set(re.findall(r"^ +(\w+)(?:/|\.py)", plan, re.MULTILINE)) - {"__init__"}
    wings = {path.parent.name for path in ROOT.rglob("__init__.py")} - {"robustpose"}
    files = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__", "progress", "versions"}
    assert wings - named <= {"pages", "figures", "tags", "fields", "one_stage", "boxes"}  # on the line of their folder
    assert files <= named
    assert named <= wings | files


@pytest.mark.parametrize("task", TASKS)
def test_an_addition_touches_the_files_that_the_page_says(task):
    word, expected = TASKS[task]
    found = {path for path, source in SOURCES.items() if re.search(rf"\b{word}\b", code_of(source))}
    assert found - BESIDES.get(task, set()) == expected
    row = next(line for line in section("Adding something").splitlines() if line.startswith(f"| {task} |"))
    for path in expected:
        assert path in row or f"a file in `{path.split('/')[0]}/`" in row


@pytest.mark.parametrize("old", OLD_WORDS, ids=OLD_WORDS.values())
def test_old_words_stay_out(old):
    pattern = re.compile(rf"(?<![\w`]){old}(?!\w)" if old.startswith("picture") else rf"(?<!\w)(?:{old})(?!\w)")
    found = [path for path, source in SOURCES.items() if path not in NAMES_OF_0_1_0 and pattern.search(source)]
    assert not found, f"say {OLD_WORDS[old]}"


def test_files_hold_one_idea_in_at_most_300_lines():
    assert not [path for path, source in SOURCES.items() if source.count("\n") > 300]
