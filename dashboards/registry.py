"""The pages of the site in the order of the navigation, and who owns each.

Belongs here: one entry a page; its question and its decision stand in the catalogue (`ask`).
Does not belong here: what a page shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A page.

    Attributes:
        key: its name: file, navigation entry, texts `ask.<key>`.
        owner: who takes its decision, of the owners of metrics.
        table: table it is about; without rows of it the navigation shows the page dim.
    """

    key: str
    owner: str
    table: str = ""

    @property
    def href(self) -> str:
        """Its file below the site."""
        return "index.html" if self.key == "overview" else f"{self.key}.html"


PAGES = (
    Entry("overview", "management"),
    Entry("drivers", "analytics"),
    Entry("weekly", "management", "marts.fct_reviews"),
    Entry("monthly", "management", "marts.fct_reviews"),
    Entry("funnel", "product", "marts.fct_funnel_daily"),
    Entry("cohorts", "crm", "marts.fct_retention_monthly"),
    Entry("attribution", "marketing", "marts.fct_attribution_daily"),
    Entry("channels", "marketing", "marts.fct_channel_daily"),
    Entry("live", "marketing", "marts.fct_live_sessions"),
    Entry("customers", "crm", "marts.fct_segments_monthly"),
    Entry("products", "merchandising", "marts.fct_product_daily"),
    Entry("profit", "finance", "marts.fct_profit_daily"),
    Entry("service", "operations", "marts.fct_fulfilment_daily"),
    Entry("promo", "marketing", "marts.fct_promo_review"),
    Entry("experiments", "product", "insights.experiment_results"),
    Entry("alerts", "analytics", "insights.anomalies"),
    Entry("quality", "analytics"),
    Entry("metrics", "analytics"),
)
