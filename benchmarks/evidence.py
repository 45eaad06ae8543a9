"""Does docs/evidence.md say what the campaigns found? And write its tables.

    robustpose campaign examples/evidence/lspet.yaml --out runs/lspet --jobs 2
    robustpose campaign examples/evidence/crowds.yaml --out runs/crowds --jobs 2
    python benchmarks/evidence.py runs/lspet runs/crowds --write
    python benchmarks/evidence.py

The first form copies what campaigns print, `campaign.md`, to docs/evidence/, and fills the tables of docs/evidence.md
from there: those between ``<!-- table: crowds; All images; Differences to plain, in points -->``, which names a file
and two of its headings, and ``<!-- end -->``. The second form, which a test runs, lists what is not the same, and every
figure of the sentences, as far as it has a decimal point, that no campaign has printed.
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
TABLE = re.compile(r"(<!-- table: (?P<place>[^>]*?) -->\n)(?P<table>.*?)(?P<end><!-- end -->)", re.DOTALL)
# What the paper has printed, and what says how something was done, is not a campaign's: it stands in `quotes`.
QUOTED = re.compile(r"`[^`]*`|<!--.*?-->|```.*?```|\]\([^)]*\)", re.DOTALL)
FIGURE = re.compile(r"[+-]?\d+\.\d+")


def find_table(place: str, folder: Path = FOLDER) -> str:
    """Return the table that a place names: the file, the part of the images, and the heading of the table.

    A fourth word is that of the suite, where there is a table for each below the heading.
    """
    file, part, heading, *suite = (word.strip() for word in place.split(";"))
    lines = (folder / f"{file}.md").read_text().splitlines()
    lines = _cut(_cut(lines, f"## {part}", "## "), f"### {heading}", "#")
    if suite:
        lines = _cut(lines, next((line for line in lines if line.startswith(f"{suite[0]}, ")), suite[0]), "#")
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    return "".join(f"{line}\n" for line in takewhile(lambda line: line.startswith("|"), lines[first:]))


def _cut(lines: Sequence[str], title: str, ends: str) -> list[str]:
    """Return the lines below a title, until one that begins the next section; ValueError where there is no such."""
    if title not in lines:
        raise ValueError(f"no campaign has printed {title!r}, of which docs/evidence.md shows a table")
    return list(takewhile(lambda line: not line.startswith(ends), lines[lines.index(title) + 1 :]))


def fill_tables(page: str, folder: Path = FOLDER) -> str:
    """Return a page with the tables that it names."""
    return TABLE.sub(lambda found: f"{found[1]}\n{_hold(find_table(found['place'], folder))}\n{found['end']}", page)


def _hold(table: str) -> str:
    """Return a table whose narrow columns break between a number and its interval, and nowhere else."""
    table = table.replace(" ± ", "&nbsp;±&nbsp;").replace("≈ ", "≈&nbsp;")
    return re.sub(r"(?<=\d), (?=-?\d[\d.]*\\\])", ",&nbsp;", table)


def list_unknown(page: str, folder: Path = FOLDER) -> Iterator[str]:
    """Yield the figures of a page's sentences that stand in no file of the folder."""
    printed = {figure for path in folder.glob("*.md") for figure in _find_figures(path.read_text())}
    known = printed | {figure.lstrip("+-") for figure in printed}  # without a sign, it is a size
    for number, line in enumerate(QUOTED.sub("", TABLE.sub("", page)).splitlines(), 1):
        for figure in _find_figures(line):
            if figure not in known:
                yield f"{figure} (line {number} without tables: {line.strip()[:80]})"


def _find_figures(text: str) -> list[str]:
    return FIGURE.findall(text.replace("−", "-"))


def main() -> None:
    """Check, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaigns", nargs="*", type=Path, help="folders of finished campaigns")
    parser.add_argument("--write", action="store_true", help="write docs/evidence/ and the tables of docs/evidence.md")
    given = parser.parse_args()
    if given.write:
        FOLDER.mkdir(exist_ok=True)
        with TemporaryDirectory() as place:  # nothing is written unless all tables are found
            for source in [*FOLDER.glob("*.md"), *(campaign / "campaign.md" for campaign in given.campaigns)]:
                name = source.name if source.parent == FOLDER else f"{source.parent.name}.md"
                shutil.copyfile(source, Path(place) / name)
            page = fill_tables(PAGE.read_text(), Path(place))
            shutil.copytree(place, FOLDER, dirs_exist_ok=True)
        PAGE.write_text(page)
    problems = [f"{figure} is printed by no campaign" for figure in list_unknown(PAGE.read_text())]
    if fill_tables(PAGE.read_text()) != PAGE.read_text():
        problems.append("a table is not the one that its campaign printed")
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
