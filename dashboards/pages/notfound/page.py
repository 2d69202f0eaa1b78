"""The page of an address that does not exist: whole in itself, whatever folder was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from dashboards.base.data import SiteInfo
from dashboards.base.page import Both, Page, tr
from dashboards.base.theme import css_variables

_STYLE = (
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,sans-serif}"
    "main{max-width:40em;margin:12vh auto;padding:0 20px}h1{font-size:24px}a{color:var(--better)}"
    "ul{padding:0;list-style:none;columns:2}"
)


def build(info: SiteInfo, pages: Sequence[tuple[str, Both]]) -> Page:
    """The page `404.html`; its links lead to the pages below `info.base_path`.

    Args:
        info: facts of the site.
        pages: file and name of each page.
    """
    page = Page("404.html", "notfound.html", "", tr("notfound.title"))
    base = f"/{info.base_path.strip('/')}/".replace("//", "/")
    links = [(base + href, name) for href, name in pages]
    # Nothing but rules written here: no text of the data goes into the style.
    page.values = {"style": Markup(css_variables() + _STYLE), "links": links}  # noqa: S704
    return page
