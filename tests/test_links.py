from pathlib import Path

import pytest

from robustpose.results.links import find_file, is_relative, is_report, link_file, parse_link

ACTING = [
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "vbscript:x"),
    *("data:text/html,hi", "blob:x", "file:///etc/passwd", "ftp://x/y", "mailto:a@b", "//evil.example/x"),
    *("/etc/passwd", "https:evil.example", "http://h:99999999/x", "https://x.y/\u202e", "", "#x", "?q", "x" * 3000, 5),
    *("\\\\evil\\x", "https://user:password@host/x", "https://good.example@evil.example/", "https://", "http:///x"),
    *("https://[bad", None),
]  # fmt: skip


@pytest.mark.parametrize("link", ACTING)
def test_what_is_neither_of_the_web_nor_a_path_is_no_link(link):
    with pytest.raises(ValueError, match="must"):
        parse_link(link)


@pytest.mark.parametrize(
    ("link", "relative"),
    [
        ("https://example.org/a?b=c#d", False),
        ("HTTP://example.org", False),
        ("a/b.html", True),
        ("../b%20c.html#d", True),
    ],
)
def test_links_are_of_the_web_or_relative(link, relative):
    assert parse_link(link) == link
    assert is_relative(link) is relative


def test_a_path_becomes_a_url_that_leads_back_to_it():
    path = "a:b/c d#e?f%.html"
    link = link_file(path, "x.html#here")
    assert link.endswith("#here")
    assert find_file(parse_link(link), Path("folder/entry.json")) == Path("folder") / path


def test_only_pages_of_report_are_reports(tmp_path):
    page = tmp_path / "page.html"
    assert not is_report(page)
    assert not is_report(tmp_path)
    page.write_text('<!doctype html><meta name="generator" content="robustpose compare">')
    assert not is_report(page)
    page.write_text('<!doctype html><meta name="generator" content="robustpose report">')
    assert is_report(page)
