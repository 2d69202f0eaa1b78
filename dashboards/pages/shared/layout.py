"""What the pages below the overview are laid out of: tiles, charts, rows of two, groups of tabs.

Belongs here: the pieces `analysis.html` knows how to print, and the state of a page whose table
holds nothing. Does not belong here: which pieces a page has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from dashboards.base.data import SiteInfo
from dashboards.base.page import Both, Chart, Page, tr


@dataclass(frozen=True)
class Choice:
    """One tab of a group and what it shows."""

    key: str
    label: Both
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Block:
    """A piece of a page: one or two charts, or a group of tabs.

    Attributes:
        charts: one chart over the whole width, or two side by side.
        group: key of the tabs in the address; empty where the block holds charts.
        label: what the tabs choose.
        choices: the tabs.
        is_bar: the group is chosen by the page's filter bar and has no buttons of its own; so its
            charts follow the filter.
    """

    charts: Sequence[Chart] = ()
    group: str = ""
    label: Both = field(default_factory=lambda: Both("", ""))
    choices: Sequence[Choice] = ()
    is_bar: bool = False


@dataclass(frozen=True)
class Tile:
    """A figure of a page: `key` names it for the script, `note` says what it is made of."""

    key: str
    label: Both
    value: Both
    detail: Both
    tone: str = "flat"


def anchor(name: str) -> str:
    """The HTML id of a metric; cards of other pages lead there."""
    return "metric-" + re.sub(r"[^a-z0-9_-]", "-", name.lower())


def empty_state(frame: pl.DataFrame, info: SiteInfo, feeds: set[str]) -> Both | None:
    """What to say of a table without rows: its feed is not configured, or nothing came yet."""
    if not frame.is_empty():
        return None
    missing = bool(feeds) and not feeds & info.configured_feeds
    return tr("empty.not_configured" if missing else "empty.no_data",
              feeds=", ".join(sorted(feeds)))  # fmt: skip


def analysis(name: str) -> Page:
    """A page of blocks: its question; headline, blocks and the rest are set by the page itself.

    `tiles_follow` names the filters that its tiles follow, as `Chart.follows` does.
    """
    page = Page(f"{name}.html", "analysis.html", name, tr(f"nav.{name}_title"))
    page.values = {
        "question": tr(f"ask.{name}.question"),
        "headline": Both("", ""),
        "warnings": [],
        "remarks": [],
        "tiles": [],
        "tiles_follow": "",
        "blocks": [],
    }
    return page
