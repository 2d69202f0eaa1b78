"""Definitions: every metric of the registry, what it means and how far it may be added up."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import definition_of, label_of
from dashboards.base.page import Both, Page, named, same, tr
from dashboards.pages.shared.layout import anchor
from dashboards.wording.formatting import DASH

_ORDER = (
    "gmv", "net_sales", "net_sales_by_order_date", "visitors", "conversion_rate", "buyers",
    "new_buyers", "orders", "orders_per_buyer", "gmv_per_buyer", "aov", "units",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One metric as the page shows it."""

    anchor: str
    name: str
    label: Both
    definition: Both
    formula: Both | None
    unit: Both
    additivity: Both
    good: Both
    owner: Both


def _entry(name: str, metrics: dict[str, Row]) -> Entry:
    row = metrics[name]

    def word(column: str) -> Both:
        value = row[column]
        return named(f"metric.{column}", str(value)) if value else same(DASH)

    return Entry(
        anchor=anchor(name),
        name=name,
        label=label_of(name, metrics) if row["label_en"] else named("measure", name),
        definition=definition_of(name, metrics) if row["definition_en"] else same(DASH),
        formula=named("formula", name) if named("formula", name) != same(name) else None,
        unit=word("unit"),
        additivity=word("additivity"),
        good=word("good_direction"),
        owner=named("owner", str(row["owner"])) if row["owner"] else same(DASH),
    )


def build(data: Data, info: SiteInfo) -> Page:
    """The page `metrics.html`."""
    page = Page("metrics.html", "metrics.html", "metrics", tr("nav.metrics_title"))
    metrics = data.metrics
    rank = {name: place for place, name in enumerate(_ORDER)}
    names = sorted(metrics, key=lambda name: (rank.get(name, len(rank)), name))
    page.values = {
        "entries": [_entry(name, metrics) for name in names],
        "headline": tr("metric.headline", n=len(names)) if names else tr("metric.none"),
    }
    return page
