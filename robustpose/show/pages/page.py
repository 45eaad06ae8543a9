"""A page: template, styles, scripts and data put together to one HTML file that asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from robustpose.printing import make_visible, shorten
from robustpose.results.rows import Interval, percent
from robustpose.results.spelling import speak

if TYPE_CHECKING:
    import jinja2

PLOTLY = "plotly-basic.min.js"  # lines and bars, a quarter of the whole; with its license in vendor/
SCRIPTS = (
    *("tables.js", "published.js", "panel.js", "cases.js", "gallery.js", "compare_gallery.js", "corruption_sheet.js"),
    *("sheet.js", "leaderboard.js", "charts.js", PLOTLY),
)
LONGEST_NAME, LONGEST_HEADING = 60, 100  # letters: what a row of a table, or a heading, has room for


def render_page(template: str, **values: Any) -> str:
    """Return the HTML of a template of `pages/templates`. Text that is handed over is escaped everywhere.

    Every page takes the value `charts`, charts of `show.pages.charts` by the id that the template gives them; `kind` is
    what the page says it is, by default the template's name.
    """
    return _environment().get_template(template).render(**{"kind": template.partition(".")[0], **values})


def slug(text: str) -> str:
    """Return a text as a part of a file name: `hrnet_w32.pth` as `hrnet_w32-pth`."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")[:60] or "model"


def spoken(name: str) -> str:
    """Return the name of a corruption or a joint for reading: `fog`, `gaussian noise`; of a long one both ends."""
    return shorten(speak(name), LONGEST_NAME)


def brief(name: str) -> str:
    """Return the name of a model or of data for a heading: of a long one both ends."""
    return shorten(name, LONGEST_HEADING)


def interval_words(interval: Interval | None) -> str:
    """Return an interval in percent, `38.1 – 44.0`, and nothing for none."""
    return "" if interval is None else f"{percent(interval[0])} – {percent(interval[1])}"


def difference_words(value: float | None, digits: int = 1) -> str:
    """Return 0.012 as `+1.2`."""
    return "–" if value is None else f"{100 * value:+.{digits}f}".replace("-", "−")


def _lost_part(value: float | None, clean: float | None) -> float:
    """Return which part of a clean score is lost, 0..1."""
    return 0.0 if value is None or not clean else min(max(1 - value / clean, 0.0), 1.0)


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("robustpose.show.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_show_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": interval_words,
        "difference": difference_words,
        "lost": _lost_part,
        "spoken": spoken,
        "brief": brief,
        "slug": slug,
    }
    environment.globals |= {"styles": _read_asset, "script": _script, "security_policy": _write_policy}
    # `tojson` escapes <, >, & and everything beyond ASCII. Browsers refuse NaN.
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


def _show_text(value: Any) -> Any:
    """Return a text without letters that cannot be seen, such as those that turn the reading direction."""
    return make_visible(value, keep="\n") if type(value) is str else value


def _read_asset(name: str) -> Any:
    """Return a style or script of `pages/templates`, or plotly.js of `pages/vendor`, as it is."""
    from markupsafe import Markup

    return Markup(_read_text(name))


def _script(name: str) -> Any:
    """Return the element of a script, whose hash is in the page's policy."""
    from markupsafe import Markup

    return Markup(f"<script>{_read_text(name)}</script>")


@cache
def _read_text(name: str) -> str:
    folder = "vendor" if name == PLOTLY else "templates"
    text = resources.files("robustpose.show.pages").joinpath(folder, name).read_text("utf-8")
    return text.replace("\r\n", "\n")  # as browsers read it, and hash it


@cache
def _write_policy() -> str:
    """Return what a browser may do with a page: run the scripts that are ours, show images that are in it; no more.

    Text from files is escaped. Were one forgotten, nothing in it would run, and nothing could be sent or fetched.
    """
    digests = (hashlib.sha256(_read_text(name).encode()).digest() for name in SCRIPTS)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    # Plotly dresses what it draws with styles of its own; images are embedded, or drawn to be saved.
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
