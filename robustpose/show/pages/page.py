"""A page: template, styles, scripts and data put together to one HTML file that asks nothing of a network."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from robustpose.results.rows import Interval, percent

if TYPE_CHECKING:
    import jinja2


def render_page(template: str, **values: Any) -> str:
    """Return the HTML of a template of `pages/templates`. Text that is handed over is escaped everywhere.

    Every page takes the value `charts`, charts of `show.pages.charts` by the id that the template gives them.
    """
    return _environment().get_template(template).render(**values)


def slug(text: str) -> str:
    """Return a text as a part of a file name: `hrnet_w32.pth` as `hrnet_w32-pth`."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")[:60] or "model"


def spoken(name: str) -> str:
    """Return the name of a corruption or a joint for reading: `fog`, `gaussian noise`."""
    return name.replace("_", " ")


def interval_words(interval: Interval | None) -> str:
    """Return an interval in percent, `38.1 – 44.0`, and nothing for none."""
    return "" if interval is None else f"{percent(interval[0])} – {percent(interval[1])}"


def difference_words(value: float | None) -> str:
    """Return 0.012 as `+1.2`."""
    return "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")


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
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": interval_words,
        "difference": difference_words,
        "lost": _lost_part,
        "spoken": spoken,
        "slug": slug,
    }
    environment.globals |= {"asset": _read_asset, "plotly_js": _read_plotly}
    # `tojson` escapes <, >, & and everything beyond ASCII. Browsers refuse NaN.
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


def _read_asset(name: str) -> Any:
    """Return a style or script of `pages/templates`, as it is."""
    from markupsafe import Markup

    return Markup(resources.files("robustpose.show.pages").joinpath("templates", name).read_text("utf-8"))


@cache
def _read_plotly() -> Any:
    """Return plotly.js, which is part of the Python package."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs().replace("</script", "<\\/script"))
