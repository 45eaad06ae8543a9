"""The documentation as a site: it is built strictly, asks nothing of the network, and holds all that it promises."""

from __future__ import annotations

import functools
import html
import http.server
import re
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

import robustpose
from robustpose.cli import COMMANDS
from robustpose.cli.described import describe_settings
from tests.browser import DESKTOP, PATIENCE, find_breaches, open_browser
from tests.documents import ROOT, find_command, list_options

PHONE = {"width": 390, "height": 800}
# One of words, one of tables, one of code; none so long that axe takes minutes.
LOOKED_AT = ("index.html", "reference/training.html", "reference/python.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` does, any warning an error."""
    pytest.importorskip("mkdocstrings", reason="the site is built with the extra docs")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.chdir(ROOT)
        config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder))
        config.plugins.on_startup(command="build", dirty=False)
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # of mkdocs and its plugins; those about pages are errors, by strict
            build(config)
        config.plugins.on_shutdown()
    return folder


def read_words(page: Path) -> str:
    """Return what a page of the site says, without its tags."""
    article = page.read_text("utf-8").split("<article", 1)[1].split("</article>", 1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", article)).split())


def test_site_is_built_without_a_warning(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}
    assert not (site / "hooks").exists()


def test_every_option_of_every_command_is_on_the_site(site):
    words = read_words(site / "reference/commands.html")
    for name in COMMANDS:
        options = {option for option in list_options(find_command([name])[0]) if option.startswith("--")}
        assert {option for option in options - {"--debug", "--help"} if option not in words} == set()


def test_every_setting_of_training_is_on_the_site(site):
    words = read_words(site / "reference/settings.html")
    assert [one.name for one in describe_settings() if one.name not in words] == []


def test_every_public_name_is_on_the_site_with_its_docstring(site):
    words = read_words(site / "reference/api.html")
    for name in set(robustpose.__all__) - {"__version__"}:
        assert f"robustpose.{name}" in words
    assert "Measure a model on clean images and under the corruptions of a suite" in words
    assert ">>> " in words


def test_what_tests_are_told_is_not_shown(site):
    assert not [path for path in site.rglob("*.html") if re.search("<!-- (run|check):", path.read_text("utf-8"))]


def test_no_link_of_the_site_is_dead(site):
    dead, n_links = [], 0
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#?]*)(?:[#?][^"]*)?"', page.read_text("utf-8")):
            if link.startswith("https://") or not link:
                continue
            n_links += 1
            target = site / link[1:] if link.startswith("/") else page.parent / link
            if not target.exists():
                dead.append(f"{page.name}: {link}")
    assert not dead
    assert n_links > 1000


@contextmanager
def served(folder):
    """Serve a folder on this machine; give its address."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_pages_ask_nothing_of_the_network_and_axe_finds_nothing(site):
    with open_browser() as browser, served(site) as address:
        for name in LOOKED_AT:
            for viewport, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
                page = browser.new_page(viewport=viewport)
                page.set_default_timeout(PATIENCE)
                asked, complaints = [], []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
                page.goto(address + name)
                page.wait_for_selector(".md-content h1")
                assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
                assert find_breaches(page, scheme) == [], (name, scheme)
                assert not [url for url in asked if not url.startswith((address, "data:"))]
                assert not complaints
                page.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("opened", ["served", "from its folder"])
def test_search_finds_a_command_without_the_network(opened, viewport, site):
    with open_browser() as browser, served(site) as address:
        start = address if opened == "served" else f"{site.as_uri()}/"
        page = browser.new_page(viewport=viewport)
        page.set_default_timeout(PATIENCE)
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(start + "guides/onnx.html")
        if viewport is PHONE:
            page.click("label.md-header__button[for=__search]")
        page.click(".md-search__input")
        page.keyboard.insert_text("convert-pifpaf")
        page.keyboard.press("Shift")  # the theme looks at what is there when a key goes up
        page.wait_for_selector(".md-search-result__item")
        assert "convert-pifpaf" in page.inner_text(".md-search-result__list")
        assert page.get_attribute(".md-search-result__link >> nth=0", "href").startswith(start)
        assert not complaints
