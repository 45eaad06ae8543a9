"""Does docs/evidence.md say what the campaigns found? And write its tables.

    robustpose campaign examples/evidence/lspet.yaml --out runs/lspet --jobs 2
    robustpose campaign examples/evidence/crowds.yaml --out runs/crowds --jobs 2
    python benchmarks/evidence.py runs/lspet runs/crowds --write
    python benchmarks/evidence.py

The first form copies what campaigns print, `campaign.md`, to docs/evidence/, and fills the tables and figures of
docs/evidence.md from there, each up to its ``<!-- end -->``:

    <!-- table: crowds; All images; Differences to plain -->
    <!-- figure: crowds; All images; hardening; coco-c | mPC -->
    <!-- figure: crowds; All images; Differences to plain | advmix | held-out -->

A place names a file, two of its headings or what they begin with, and the suite where each has a table; a figure its
row besides, and its column, by default the last. The second form, which a test runs, lists what is not the same, and
every number with a decimal point that stands in a sentence without a place.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

DOCS = Path(__file__).parents[1] / "docs"
PAGE, FOLDER = DOCS / "evidence.md", DOCS / "evidence"
FIGURE = re.compile(r"(<!-- figure: (?P<place>[^>]*?) -->)(?P<figure>.*?)(?P<end><!-- end -->)", re.DOTALL)
TABLE = re.compile(r"(<!-- table: (?P<place>[^>]*?) -->\n)(?P<table>.*?)(?P<end><!-- end -->)", re.DOTALL)
# What the paper has printed, and what says how something was done, is not a campaign's: it stands in `quotes`.
QUOTED = re.compile(r"`[^`\n]*`|<!--.*?-->|```.*?```|\]\([^)]*\)", re.DOTALL)
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def find_table(place: str, folder: Path = FOLDER) -> str:
    """Return the table that a place names: the file, the part of the images, and the heading of the table.

    A fourth word is that of the suite, where there is a table for each below the heading.
    """
    file, part, heading, *suite = (word.strip() for word in place.split(";"))
    lines = (folder / f"{file}.md").read_text().splitlines()
    lines = _cut(_cut(lines, f"## {part}", "## "), f"### {heading}", "#")
    if suite:
        lines = _cut(lines, suite[0], "#")
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    return "".join(f"{line}\n" for line in takewhile(lambda line: line.startswith("|"), lines[first:]))


def _cut(lines: Sequence[str], title: str, ends: str) -> list[str]:
    """Return the lines below a title, until one that begins the next section; ValueError where there is no such.

    Of a longer title its first words are enough, up to a comma, a colon, or the file of a part.
    """
    for place, line in enumerate(lines):
        if (
            line == title
            or line.startswith((f"{title}, ", f"{title}: "))
            or re.fullmatch(rf"{re.escape(title)} \([^ ]*\.json\)", line)
        ):
            return list(takewhile(lambda line: not line.startswith(ends), lines[place + 1 :]))
    raise ValueError(f"no campaign has printed {title!r}, of which docs/evidence.md shows a table")


def find_figure(place: str, folder: Path = FOLDER) -> str:
    """Return the cell of a table that a place names, its row and column behind ``|``."""
    of_table, row, *column = (word.strip() for word in place.split("|"))
    titles, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in find_table(of_table, folder).splitlines()
    )
    names = [title for title in titles for one in column if title == one or title.startswith(f"{one} ")]
    of_row = [cells for cells in rows if cells[0] == row]
    if len(of_row) != 1 or (column and len(names) != 1):
        raise ValueError(f"{of_table} has not one row {row!r}, or not one column {column}")
    return of_row[0][titles.index(names[0]) if column else -1].replace("\\", "")


def fill(page: str, folder: Path = FOLDER) -> str:
    """Return a page with the tables and figures that it names."""
    marks = re.findall(r"<!-- *(table|figure|end)\b", page)
    if marks[1::2] != ["end"] * (len(marks) // 2) or "end" in marks[::2] or len(marks) % 2:
        raise ValueError("docs/evidence.md has a table or a figure without its <!-- end -->, or an end too many")
    page = TABLE.sub(lambda found: f"{found[1]}\n{_hold(find_table(found['place'], folder))}\n{found['end']}", page)
    return FIGURE.sub(lambda found: f"{found[1]}{find_figure(found['place'], folder)}{found['end']}", page)


def _hold(table: str) -> str:
    """Return a table whose narrow columns break between a number and its interval, and nowhere else."""
    table = table.replace(" ± ", "&nbsp;±&nbsp;").replace("≈ ", "≈&nbsp;")
    return re.sub(r"(?<=\d), (?=-?\d[\d.]*\\\])", ",&nbsp;", table)


def list_bare(page: str) -> Iterator[str]:
    """Yield the numbers of a page's sentences of which no place says where they stand in what campaigns print."""
    for number, line in enumerate(QUOTED.sub("", FIGURE.sub("", TABLE.sub("", page))).splitlines(), 1):
        for figure in NUMBER.findall(line):
            yield f"{figure} (line {number} without tables: {line.strip()[:80]})"


def check_whole(path: Path) -> None:
    """Raise ValueError unless what a campaign printed is there, and is of all of its runs."""
    if not path.is_file():
        raise ValueError(f"there is no {path}: robustpose campaign writes it")
    counts = re.findall(r"(\d+) of (\d+)", path.read_text().splitlines()[2])
    if not counts or any(done != of for done, of in counts):
        raise ValueError(f"{path} is of a campaign that is not done")


def main() -> None:
    """Check, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaigns", nargs="*", type=Path, help="folders of finished campaigns")
    parser.add_argument(
        "--write", action="store_true", help="write docs/evidence/, and tables and figures of docs/evidence.md"
    )
    given = parser.parse_args()
    for campaign in given.campaigns:
        check_whole(campaign / "campaign.md")
    if given.write:
        FOLDER.mkdir(exist_ok=True)
        with TemporaryDirectory() as place:  # nothing is written unless all tables are found
            for source in [*FOLDER.glob("*.md"), *(campaign / "campaign.md" for campaign in given.campaigns)]:
                name = source.name if source.parent == FOLDER else f"{source.parent.name}.md"
                shutil.copyfile(source, Path(place) / name)
            page = fill(PAGE.read_text(), Path(place))
            shutil.copytree(place, FOLDER, dirs_exist_ok=True)
        PAGE.write_text(page)
    page = PAGE.read_text()
    problems = [f"{figure} says not where a campaign prints it" for figure in list_bare(page)]
    if fill(page) != page:
        problems.append("a table or a figure is not the one that its campaign printed")
    for campaign in given.campaigns:
        copy = FOLDER / f"{campaign.name}.md"
        if not copy.is_file() or copy.read_bytes() != (campaign / "campaign.md").read_bytes():
            problems.append(f"{copy} is not what {campaign} prints")
    print("\n".join(problems) or "docs/evidence.md says what the campaigns found")
    sys.exit(bool(problems))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"error: {error}")
