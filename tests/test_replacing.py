"""Pages and figures are written over what the same command made, and over nothing else that is there."""

import pytest

from robustpose.errors import UserError
from robustpose.files import write_text
from robustpose.show.figures.written import Written
from robustpose.show.pages.leaderboard import render_leaderboard
from robustpose.show.replacing import check_figures, check_json, check_page

POLICY = "default-src 'none'; script-src 'sha256-x'"
OLD = f'<!doctype html>\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'


def page_of(kind):
    return f'<!doctype html>\n<meta name="generator" content="robustpose {kind}">\n'


@pytest.mark.parametrize("text", ["<p>my own page</p>", page_of("report"), page_of("sheets"), OLD])
def test_sheet_is_written_over_sheets_and_empty_files_only(tmp_path, text):
    write_text(tmp_path / "a.html", text)
    with pytest.raises(
        UserError, match=rf"{tmp_path}/a.html is there, and no page that robustpose corrupt --sheet wro"
    ):
        check_page(tmp_path / "a.html", "sheet", "--sheet")
    for ours in (page_of("sheet"), ""):
        write_text(tmp_path / "a.html", ours)
        check_page(tmp_path / "a.html", "sheet", "--sheet")
    check_page(tmp_path / "new.html", "sheet", "--sheet")


def test_pages_of_earlier_versions_count_as_ours(tmp_path):
    write_text(tmp_path / "compare.html", OLD)
    check_page(tmp_path / "compare.html", "compare", "--out")


def test_pages_say_what_they_are():
    assert '<meta name="generator" content="robustpose leaderboard">' in render_leaderboard([])


def test_sheet_over_a_page_of_ones_own_is_one_line_before_any_work(run, tmp_path):
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    words = ["--data", "toy", "--limit", "1", "--corruptions", "fog", "--severities", "3", "--sheet"]
    code, output, errors = run("corrupt", *words, tmp_path / "mine.html")
    assert code == 2
    assert output == ""
    assert errors.splitlines() == [
        f"error: {tmp_path}/mine.html is there, and no page that robustpose corrupt --sheet wrote: choose another "
        "--sheet, or remove it"
    ]
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    for _ in range(2):
        assert run("corrupt", *words, tmp_path / "link.html")[0] == 0
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").is_file()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("compare", "compare.html"),
        ("compare", "comparison.json"),
        ("leaderboard", "leaderboard.html"),
        ("leaderboard", "leaderboard.json"),
    ],
)
def test_page_of_runs_over_a_file_of_ones_own_is_one_line_first(run, tmp_path, command, name):
    (tmp_path / name).write_text("mine")
    places = [tmp_path / "nothere"] * (2 if command == "compare" else 1)  # what is lost is said before what is amiss
    code, _, errors = run(command, *places, "--out", tmp_path)
    assert code == 2
    assert errors.startswith(f"error: {tmp_path}/{name} is there, and n")
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["fig1.pdf", "fig5.png", "table.tex"])
def test_figures_are_drawn_over_figures_of_ours_only(tmp_path, name):
    from matplotlib.figure import Figure

    Written(tmp_path).save(Figure(), "fig4")
    Written(tmp_path).check()
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UserError, match=rf"{name} is there, and no .*: choose another --out, or remove it"):
        Written(tmp_path).check()


def test_json_of_ours_is_known_by_its_first_key(tmp_path):
    (tmp_path / "a.json").write_text('{\n "level": 95}')
    check_json(tmp_path / "a.json", "level", "--out")
    with pytest.raises(UserError, match="not written by this command"):
        check_json(tmp_path / "a.json", "boards", "--out")


def test_folder_in_the_place_of_a_file_is_said(tmp_path):
    (tmp_path / "fig1.png").mkdir()
    with pytest.raises(UserError, match=r"fig1.png is a folder, where a file is to be written: choose another --out"):
        check_figures(tmp_path, ("fig1",), "--out")
