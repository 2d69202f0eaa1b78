"""The page of an address that does not exist: whole in itself, whatever folder was asked for."""

from __future__ import annotations

from markupsafe import Markup

from dashboards.base.data import SiteInfo
from dashboards.base.page import Page, tr
from dashboards.base.theme import css_variables
from dashboards.registry import PAGES

_STYLE = (
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,sans-serif}"
    "main{max-width:40em;margin:12vh auto;padding:0 20px}h1{font-size:24px}a{color:var(--better)}"
    "ul{padding:0;list-style:none;columns:2}"
)


def build(info: SiteInfo) -> Page:
    """The page `404.html`; its links lead to the pages below `info.base_path`."""
    page = Page("404.html", "notfound.html", "", tr("notfound.title"))
    base = f"/{info.base_path.strip('/')}/".replace("//", "/")
    links = [(base + entry.href, tr(f"nav.{entry.key}")) for entry in PAGES]
    # Nothing but rules written here: no text of the data goes into the style.
    page.values = {"style": Markup(css_variables() + _STYLE), "links": links}  # noqa: S704
    return page
