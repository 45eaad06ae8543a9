"""Links: what an entry of a leaderboard may point to: pages on the web, or files beside it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote as quote_part
from urllib.parse import unquote, urlsplit

from robustpose.printing import make_visible

LONGEST = 2000  # letters
KINDS = "http://…, https://… or a path relative to the file"
OF_REPORTS = b'<meta name="generator" content="robustpose report">'
HEAD = 1500  # bytes of a page, in which that is


def parse_link(link: object) -> str:
    """Return a link as it is; ValueError unless it is of the web, or the path of a file as a relative URL.

    >>> parse_link("https://example.org/paper.pdf"), parse_link("reports/net.html#severity")
    ('https://example.org/paper.pdf', 'reports/net.html#severity')
    """
    if not isinstance(link, str) or not 0 < len(link) <= LONGEST:
        raise ValueError(f"must be a link of 1 to {LONGEST} letters: {KINDS}")
    # Browsers drop some of these before they look for a scheme, and take \ for /.
    if make_visible(link) != link or "\\" in link or any(letter.isspace() for letter in link):
        raise ValueError("must be a link without spaces, backslashes and letters that cannot be seen")
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname, parts.port  # a port that is none is an error
    except ValueError as error:
        raise ValueError(f"must be a link: {error}") from error
    if parts.scheme in ("http", "https"):
        if not host or "@" in parts.netloc:
            raise ValueError("must be a link that names a host, and neither user nor password")
    elif parts.scheme or parts.netloc or link.startswith("/") or not parts.path:
        raise ValueError(f"must be {KINDS}")
    return link


def is_relative(link: str) -> bool:
    """Tell whether a link that `parse_link` takes is to a file, and not of the web."""
    return not urlsplit(link).scheme


def find_file(link: str, file: Path) -> Path:
    """Return which file a relative link means that stands in another file."""
    return file.parent / unquote(urlsplit(link).path)


def tell_lost(link: str, file: Path, folder: Path | None = None) -> str:
    """Return why a relative link in a file is of no use in a board of a folder, nothing if it is.

    It must lead to a file, and into the folder: what lies elsewhere is not the board's to show. Without a folder,
    nobody knows yet which one that is.
    """
    target = find_file(link, file)
    if not target.is_file():
        return f"leads to no file: {target.absolute()} is not there"
    if folder is not None and not target.resolve().is_relative_to(folder.resolve()):
        return f"leads out of the folder {folder.absolute()}: {target.resolve()}"
    return ""


def link_file(path: str, link: str = "") -> str:
    """Return a path with / as a relative URL, with the place in the page that a link to it names.

    >>> link_file("a:b/my net.html", "../net.html#severity")
    'a%3Ab/my%20net.html#severity'
    """
    place = urlsplit(link).fragment
    return quote_part(path, safe="/") + (f"#{quote_part(unquote(place), safe='=&/')}" if place else "")


def is_report(path: Path) -> bool:
    """Tell whether a file is a page that `robustpose report` wrote."""
    try:
        with path.open("rb") as file:
            return path.is_file() and OF_REPORTS in file.read(HEAD)
    except OSError:
        return False
