"""Which columns of marts need which feeds, as the metric registry says it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import yaml

from tests.support.raw import PROJECT

# Columns that are no metrics of their own, but made of what one feed tells.
_PARTS = {
    ("orders",): "gmv_change base_gmv credited_gmv",
    ("orders", "refunds"): "refunded_amount refunded_other_amount credited_refunds",
}
# Names that mean another thing there than in the mart whose metric they are.
OTHERS = {("fct_risk_signals", "score")}


@cache
def needs() -> dict[str, list[set[str]]]:
    """Column -> sets of feeds; of each set one must tell."""
    found = {
        name: [{feed} for feed in feeds]
        for feeds, names in _PARTS.items()
        for name in names.split()
    }
    for file in (PROJECT / "models/marts").rglob("*.yml"):
        for column in yaml.safe_load(file.read_text("utf-8"))["models"][0]["columns"]:
            metric = column.get("config", {}).get("meta", {}).get("metric")
            if isinstance(metric, dict):
                found[column["name"]] = [set(feed.split("/")) for feed in metric["feeds"]]
    return found


def unknown(feeds: Iterable[str]) -> set[str]:
    """Columns of which these feeds alone cannot tell."""
    told = set(feeds)
    return {name for name, sets in needs().items() if not all(told & one for one in sets)}
