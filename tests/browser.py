"""Pages in a real browser: a headless Chromium, by playwright; and what axe finds wrong with them."""

import shutil
from contextlib import contextmanager
from functools import cache
from importlib import resources

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE = 90_000  # ms, for busy machines
DESKTOP = {"width": 1280, "height": 900}


# What axe looks for: WCAG 2.2 A and AA, and what its authors call best practice.
AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)"""


@contextmanager
def open_browser():
    """Start Chromium; skip the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to look at pages with")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE)
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, path, viewport=DESKTOP, wait_for=".plot .main-svg", **options):
    """Open a page; give it, and a function that fails if the browser complained or asked for anything."""
    context = browser.new_context(viewport=viewport, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(wait_for, state="attached")

    def check():
        assert complaints == []
        assert {url for url in requests if not url.startswith(("data:", "blob:"))} == {path.as_uri()}

    try:
        yield page, check
    finally:
        context.close()


def find_breaches(page, scheme="light"):
    """Return what axe finds wrong with a page in a colour scheme, a line each."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(_read_axe())
    return page.evaluate(AXE)


@cache
def _read_axe():
    pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
