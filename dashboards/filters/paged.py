"""Pages of one platform: built from its rows alone, by the code that builds the whole page.

So every sentence, title and figure of a filtered page is as true as one of the whole page, and no
script computes any. Belongs here: which pages there are and where they lie.
Does not belong here: what a page shows.
"""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from dashboards.base.data import BY_PLATFORM, Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Page, tr
from dashboards.filters.bar import Filter, Option, offered


class Module(Protocol):
    """A module of a page."""

    def build(self, data: Data, info: SiteInfo) -> Page:
        """The page."""
        ...


def platforms(data: Data) -> list[str]:
    """Platforms that can be chosen, the largest of too many."""
    return offered(data, data.platform_sales(), "platform")


def _folder(platform: str) -> str:
    """A folder for a name that anybody may have chosen, and no other name's."""
    plain = re.sub(r"[^a-z0-9-]+", "-", platform.lower()).strip("-")[:30]
    if plain == platform:
        return f"platform/{plain}"
    return f"platform/{plain}-{hashlib.sha256(platform.encode()).hexdigest()[:8]}"


def by_platform(data: Data, info: SiteInfo, module: Module, whole: Page) -> list[Page]:
    """The page of the whole company and one a platform, each with the bar that leads to the others.

    Args:
        data: the frames.
        info: facts of the site.
        module: what builds the page.
        whole: the page of all platforms.
    """
    names = platforms(data)
    if len(names) < 2 or not whole.charts:
        return [whole]
    found = [("", whole)]
    for name in names:
        page = module.build(data.of_platform(name), info)
        page.path = f"{_folder(name)}/{whole.path}"
        page.values |= {"of": name, "split": BY_PLATFORM}
        if not page.charts:
            of = segment_name("platform", name)
            page.values["headline"] = tr("empty.of_platform", name=of)
        found.append((name, page))
    options = [
        Option(name, segment_name("platform", name) if name else tr("filter.all"), page.path)
        for name, page in found
    ]
    for _, page in found:
        page.values["filters"] = [Filter("platform", tr("dimension.platform"), options)]
    return [page for _, page in found]
