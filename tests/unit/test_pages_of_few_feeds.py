"""Pages of a shop whose feeds do not tell of sales, visits or spend: none claims a zero of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from dashboards.site import build_site
from tests.browser import shop
from tests.support.html import Tree, whole
from tests.support.needs import unknown

# Tables without a row where a feed does not tell.
OF = {
    "orders": (
        "marts.fct_attribution_daily", "marts.fct_retention_monthly", "marts.fct_product_daily",
        "marts.fct_gmv_hourly", "marts.fct_gmv_monthly", "marts.fct_targets_daily",
        "marts.fct_segments_monthly", "marts.fct_promo_review", "insights.gmv_forecast",
        "insights.anomalies", "insights.incidents",
    ),
    "events": ("marts.fct_funnel_daily", "marts.fct_retention_daily"),
    "refunds": ("marts.fct_profit_daily", "marts.fct_month_close", "marts.fct_after_sales_daily"),
    "settlements": ("marts.fct_settlements_daily",),
    "exposures": ("insights.experiment_results",),
    "shipments": ("marts.fct_fulfilment_daily",),
    "inventory_snapshots": ("marts.fct_inventory_daily",),
}  # fmt: skip
CLAIMS = (
    r"[¥$€]0(\.0+)?(?![\d.,])|cancelled out|no orders on|相互抵消|没有订单，"
    r"|[−+]?\b0\.0+%"
)


def texts(out: Path, *feeds: str) -> dict[str, str]:
    """Text of each page of the shop of the tests, had it these feeds alone."""
    frames = shop.frames(20)
    # what changed of a shop's own sales may well have cancelled out
    gone = ["marts.fct_gmv_change", "marts.fct_review_changes"]
    gone += [t for f, held in OF.items() if f not in feeds for t in held]
    frames |= {name: frames[name].clear() for name in gone}
    for name in ("marts.fct_gmv_daily", "marts.fct_channel_daily"):
        table = frames[name]
        frames[name] = table.with_columns(
            pl.lit(None, table.schema[column]).alias(column)
            for column in sorted(unknown(feeds) & set(table.columns))
        )
    reviews = frames["marts.fct_reviews"]
    frames["marts.fct_reviews"] = reviews.filter(~pl.col("metric").is_in(sorted(unknown(feeds))))
    build_site(frames, replace(shop.info(), configured_feeds=set(feeds)), out)
    # an axis that begins at zero claims none
    return {page.stem: Tree(re.sub(r"(?s)<svg.*?</svg>", "", whole(page))).text()
            for page in out.glob("*.html")}  # fmt: skip


@pytest.mark.parametrize("feed", ["orders", "events", "traffic_daily", "campaign_spend"])
def test_a_shop_with_one_feed_claims_no_zero_of_the_others(feed: str, tmp_path: Path) -> None:
    pages = texts(tmp_path, feed)
    assert len(pages) > 8
    claims = {name: found for name, text in pages.items() if name not in ("metrics", "quality")
              if (found := [m[0] for m in re.finditer(CLAIMS, text)])}  # fmt: skip
    assert claims == {}
    overview = pages["index"]
    said = "No source delivers orders: what was sold is not known."
    assert (said in overview) == (feed != "orders")
    assert ("GMV was" in overview) == (feed == "orders")
    assert "not configured" in overview


def test_such_a_claim_would_be_seen() -> None:
    for text in (
        "GMV was ¥0 on Sat",
        "¥0.00 was spent",
        "0.0% of visitors",
        "losses cancelled out",
    ):
        assert re.search(CLAIMS, text), text
    for text in ("GMV was ¥0.5M", "¥0.10 a click", "20.0% of visitors", "10.00%"):
        assert not re.search(CLAIMS, text), text
