import csv
import io
import re

import pytest

from robustpose.results.recipe import write_comparison
from robustpose.results.spelling import spell_csv, spell_latex, spell_markdown, tabulate_markdown
from robustpose.show.tables import to_csv, to_latex, to_markdown
from tests.hostile import NAMES, TOGETHER
from tests.test_report import make_summary

COMMANDS = r"\\(?:text(?:backslash|asciitilde|asciicircum|less|greater|bar)\{\}|symbol\{\d+\}|ldots\{\}|[&%$#_{}])"
COMMANDS += r"|\\[`'^~\"cv]\{[A-Za-z]\}|\\(?:ss|ae|AE|o|O|l|L)\{\}|\$(?:-|\\times|\\approx|\^\\circ)\$|\{[\[\]*]\}"


def hostile_summary(name):
    summary = make_summary(name, dataset={"name": name, "n_images": 9})
    return {**summary, "metric": name}


@pytest.mark.parametrize(
    "word", ["-0.5", "+1e-07", "0.25", ".5", "12.", "", "fog", "a-b", "hrnet_w32 (AdvMix)", "a @ b"]
)
def test_numbers_and_plain_words_stay_in_csv(word):
    assert spell_csv(word) == word


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("=1+1", "'=1+1"),
        ("-1+1", "'-1+1"),
        ("--1", "'--1"),
        ("-inf", "'-inf"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1+1", "'＝1+1"),
        ("﹢1+1", "'﹢1+1"),
        (" =1+1", "' =1+1"),
        ("\u3000=1+1", "'\u3000=1+1"),
        ('"=1+1', "'\"=1+1"),
        ("',=1+1", "'',=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ("a; '@x;-y", "a;' '@x;'-y"),
        ("\t=1", "\\t=1"),
        ("\r\n=1", "\\r\\n=1"),
    ],
)
def test_word_that_a_spreadsheet_would_compute_is_neutral(word, spelled):
    assert spell_csv(word) == spelled


@pytest.mark.parametrize("name", [*NAMES, TOGETHER])
def test_table_of_a_hostile_name_is_csv_with_its_numbers(name):
    text = to_csv(hostile_summary(name))
    header, row = csv.reader(io.StringIO(text))
    assert len(header) == len(row)
    assert text.count("\n") == 2
    assert float(row[3]) == 0.8
    for word in row[:3]:
        assert re.match(r"[\s\"',;]*[=+\-@＝]|[\x00-\x1f]", word.removeprefix("'")) is None or word.startswith("'")


@pytest.mark.parametrize("name", [*NAMES, TOGETHER, "é Ň ç ø € — “a” a\u0301 x̂"])
def test_latex_of_a_hostile_name_is_ascii_and_known_commands_alone(name):
    words = spell_latex(name)
    assert words.isascii()
    assert re.search(r"[\\{}$&#_%~^<>|\"\[\]*]", re.sub(COMMANDS, "", words).replace("~", "")) is None
    lines = to_latex(hostile_summary(name)).splitlines()
    assert len(lines) == 8
    assert lines[3].count(" & ") == lines[5].count(" & ") == 18
    assert lines[5].endswith(r"\\")


def test_accents_are_spelled_in_latex():
    assert spell_latex("Épaule naïve, Škoda, a\u0301") == r"\'{E}paule na\"{i}ve, \v{S}koda, \'{a}"


@pytest.mark.parametrize("name", [*NAMES, TOGETHER])
def test_markdown_of_a_hostile_name_has_its_cells_and_nothing_else(name):
    head, rule, row = tabulate_markdown([name, "a"], [[name, "1"]], 1)
    plain = row.replace("\\\\", "").replace("\\|", "")
    assert plain.count("|") == rule.count("|") == 3
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e<>]|(?<!\\)[\[\]`$~]|\w://|(?<!\\)\]\(", plain) is None
    assert head.startswith("| ")
    assert to_markdown(hostile_summary(name)).count("\n") == to_markdown(hostile_summary("net")).count("\n")
    text = write_comparison([(name, "1", "2", "3")], name, [name])
    assert text.count("\n") == 7
    assert "<script" not in text


def test_names_that_mean_nothing_in_markdown_stay():
    for name in ("hrnet_w32.onnx", "AP*", "package.module:attr", "a - b (c)", "gaussian_noise"):
        assert spell_markdown(name) == name
    assert spell_markdown("*a* _b_ # `c`") == r"\*a* \_b_ \# \`c\`"
