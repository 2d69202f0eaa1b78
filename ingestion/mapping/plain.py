"""One plain format a feed, `plain_<feed>`: a CSV file whose header is the feed's own column names.

Belongs here: making these formats from `feeds/`, so that a shop can always convert what it has to
canonical columns and no file of formats repeats them. Does not belong here: layouts of platforms,
which are `formats/*.yml`; those that are plain but for a detail extend these.
"""

from __future__ import annotations

from typing import Any

from ingestion.feeds import FEEDS, Feed
from ingestion.mapping.spec import AUTOMATIC

# Delivered beside the feed's columns: read to leave rows out, or known so that no one wonders.
_READ_ONLY: dict[str, tuple[str, ...]] = {"events": ("user_agent", "page")}
_NEVER_READ: dict[str, tuple[str, ...]] = {"customers": ("name",), "reviews": ("text",)}
# Cubot makes telephones; their owners are people.
_BOTS = (
    r"(?i)(^|[^u]|[^c]u)bot\b|crawl|spider|slurp|headless|lighthouse|facebookexternalhit"
    r"|pingdom|curl/|wget/|python-requests"
)
_EXCLUDE: dict[str, dict[str, str]] = {"events": {"bot": f"user_agent ~ '{_BOTS}'"}}
# A page of the same site is where the visitor was, not came from.
_DERIVE: dict[str, dict[str, Any]] = {"events": {"referrer": {"other_site": ["referrer", "page"]}}}
_MONTHLY = ("month", "period_start")
# The commonest first: it is tried first, the others with what it leaves unread.
_INSTANTS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M",
)


def plain_formats() -> dict[str, dict[str, Any]]:
    """Return the plain formats by name, each as the mapping a YAML file would hold."""
    return {f"plain_{name}": _plain(feed) for name, feed in FEEDS.items()}


def _plain(feed: Feed) -> dict[str, Any]:
    read_only = _READ_ONLY.get(feed.name, ())
    hidden = _NEVER_READ.get(feed.name, ())
    derived = _DERIVE.get(feed.name, {})
    # What identifies a row cannot be filled in: there a default would make rows one.
    made = AUTOMATIC - ({"currency"} & set(feed.key))
    needed = {
        column.pseudonym_of or column.name
        for column in feed.given
        if column.is_required and (column.pseudonym_of or column.name) not in made
    }
    form: dict[str, Any] = {
        "name": f"plain_{feed.name}",
        "description": f"Plain CSV. {feed.grain}",
        "read": {
            "header": [*feed.delivered, *read_only, *hidden],
            "optional": [name for name in (*feed.delivered, *read_only) if name not in needed],
        },
        "datetimes": list(_INSTANTS),
        # A month alone is a date only where the feed is told by months.
        "dates": ["%Y-%m-%d", *(["%Y-%m"] if feed.instant in _MONTHLY else [])],
        "personal": [*feed.personal, *hidden],
        "exclude": _EXCLUDE.get(feed.name, {}),
        # Only lines of orders have no instant of their own, so their file must name one.
        "exported_at": {"required": feed.instant is None},
        "feeds": {feed.name: {
            "columns": {name: name for name in feed.delivered if name not in derived},
            **({"derive": derived} if derived else {}),
        }},
    }  # fmt: skip
    if "updated_at" in feed.columns:
        form["updated_at"] = "updated_at"
    return form
