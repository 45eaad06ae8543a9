"""Opening: how long a browser takes until a page can be used, and how large the page is.

    python benchmarks/opening.py runs/net/report.html [--rounds 10]

opens pages in a headless Chromium, each time in a profile of its own, and prints, for each page, its size and the
median and the least time from the beginning until every chart is drawn, every script has run and the browser has
painted and is idle; and the CPU time of the process that does it. On a quiet machine all are about the same; on a busy
one the CPU time is what tells. It needs playwright, of robustpose[test], and Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Milliseconds since the beginning: painted twice, and nothing left to do; then whether each chart is there.
WAIT = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(() =>
  done([performance.now(), [...document.querySelectorAll(".plot")].every((one) => one.querySelector(".main-svg"))])
))))"""


def open_once(browser: Browser, page: Path) -> tuple[float, float]:
    """Return the milliseconds until a page can be used, and those of CPU time."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(page.resolve().as_uri(), wait_until="load")
    time, is_drawn = tab.evaluate(WAIT)
    metrics = tab.context.new_cdp_session(tab)
    metrics.send("Performance.enable")
    used = next(
        one["value"] for one in metrics.send("Performance.getMetrics")["metrics"] if one["name"] == "ProcessTime"
    )
    context.close()
    if not is_drawn:
        raise SystemExit(f"error: {page} has charts that were not drawn")
    return float(time), 1000 * float(used)


def main() -> None:
    """Print a line a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        print(f"{'size':>9} {'median':>9} {'least':>9} {'CPU':>9}  page")
        for page in given.pages:
            times, used = zip(*(open_once(browser, page) for _ in range(given.rounds)), strict=True)
            size = page.stat().st_size / 1e6
            figures = (statistics.median(times), min(times), min(used))
            print(f"{size:6.2f} MB {' '.join(f'{one:6.0f} ms' for one in figures)}  {page}")
        browser.close()


if __name__ == "__main__":
    main()
