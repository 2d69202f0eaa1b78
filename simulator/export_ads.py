"""Advertising reports: a Google Ads CSV as its pages give it, a Meta Ads Manager CSV.

Belongs here: spend that fits the sessions the campaigns brought, and the two layouts. Platforms
claim more conversions than there were orders; that is planted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from simulator.catalogue import EPOCH
from simulator.company import CHANNELS
from simulator.draws import Stream, uniforms
from simulator.orderbook import NEVER, OrderBook
from simulator.tables import Span, header, of_days
from simulator.visits import Visits
from simulator.world import World

GOOGLE = "google_ads"
META = "meta_ads"
# account, campaign, cost of a click in yuan, click-through rate, claimed per tracked conversion
CAMPAIGNS = (
    (GOOGLE, "brand_search", 0.55, 0.115, 1.12),
    (GOOGLE, "generic_search", 1.90, 0.042, 1.25),
    (GOOGLE, "shopping_core", 1.35, 0.011, 1.30),
    (META, "prospecting_video", 1.05, 0.009, 1.90),
    (META, "lookalike_buyers", 1.15, 0.012, 1.70),
    (META, "retargeting_catalogue", 1.45, 0.021, 2.40),
)
META_HEADER = (
    "Reporting starts,Reporting ends,Campaign name,Campaign delivery,Attribution setting,Results,"
    "Result indicator,Reach,Frequency,Cost per results,Amount spent (CNY),Impressions,"
    '"CPM (cost per 1,000 impressions) (CNY)",Link clicks,CPC (cost per link click) (CNY),'
    "CTR (link click-through rate),Clicks (all),CTR (all),CPC (all) (CNY),Landing page views,"
    "Cost per landing page view (CNY)"
)
GOOGLE_HEADER = header("Day,Campaign,Currency code,Impr.,Clicks,Cost,Conversions,Conv. value")
_ATTRIBUTION = "7-day click or 1-day view"
_RESULT = "actions:offsite_conversion.fb_pixel_purchase"


def campaign_days(visits: Visits, visit_of_order: np.ndarray, book: OrderBook) -> pl.DataFrame:
    """Count sessions and paid orders of each day and paid campaign.

    Args:
        visits: visits of whole days.
        visit_of_order: the visit each order of the book came from.
        book: the orders of these visits.

    Returns:
        Columns day, campaign, sessions, orders, cents.
    """
    names = {
        (channel, index): name
        for channel, item in enumerate(CHANNELS)
        for index, (name, _) in enumerate(item.campaigns)
    }
    code = pl.Series(visits.channel * 10 + visits.campaign)
    table = {channel * 10 + index: name for (channel, index), name in names.items()}
    campaign = code.replace_strict(table, default=None, return_dtype=pl.String)
    seen = pl.DataFrame({"day": visits.day, "campaign": campaign}).drop_nulls()
    cents = book.orders.select(
        cents=pl.col("goods_cents") - pl.col("discount_cents"), is_paid=pl.col("paid") < NEVER
    )
    bought = (
        pl.DataFrame(
            {"day": visits.day[visit_of_order], "campaign": campaign.gather(visit_of_order)}
        )
        .hstack(cents)
        .drop_nulls()
        .filter("is_paid")
    )
    sessions = seen.group_by("day", "campaign").agg(sessions=pl.len().cast(pl.Int64))
    orders = bought.group_by("day", "campaign").agg(
        orders=pl.len().cast(pl.Int64), cents=pl.col("cents").sum()
    )
    return sessions.join(orders, on=["day", "campaign"], how="left").fill_null(0)


def spend(world: World, account: str, counted: pl.DataFrame) -> pl.DataFrame:
    """Return what an account reports, one row a day and campaign, days without clicks included.

    Args:
        world: the simulation's fixed part; all its days are returned.
        account: GOOGLE or META.
        counted: rows of `campaign_days`.

    Returns:
        Columns day (since 1970), campaign, impressions, clicks, cost, conversions, value.
    """
    days = np.arange(world.first, world.last + 1)
    names = [f"{what}{i}" for i in range(len(CAMPAIGNS)) for what in ("click", "cost", "rate")]
    u = uniforms(world.seed, Stream.ADS, days, np.ones_like(days), names)
    parts = []
    for i, (owner, campaign, price, rate, claim) in enumerate(CAMPAIGNS):
        if owner != account:
            continue
        rows = pl.DataFrame({"day": days}).join(
            counted.filter(pl.col("campaign") == campaign), on="day", how="left"
        )
        rows = rows.with_columns(pl.col("sessions", "orders", "cents").fill_null(0))
        clicks = np.ceil(rows["sessions"].to_numpy() * (1.05 + 0.06 * u[f"click{i}"]))
        cost = np.round(clicks * price * (0.92 + 0.16 * u[f"cost{i}"]), 2)
        shown = np.round(clicks / (rate * (0.9 + 0.2 * u[f"rate{i}"])))
        claimed = np.round(rows["orders"].to_numpy() * claim + 0.3 * u[f"click{i}"] * clicks / 100)
        paid = np.round(rows["cents"].to_numpy() * claim / 100, 2)
        parts.append(
            rows.select(
                "day",
                campaign=pl.lit(campaign),
                impressions=pl.Series(shown).cast(pl.Int64),
                clicks=pl.Series(clicks).cast(pl.Int64),
                cost=pl.Series(cost),
                conversions=pl.Series(claimed),
                value=pl.Series(paid),
            )
        )
    return pl.concat(parts).sort("day", "campaign")


def google_bytes(spent: pl.DataFrame, spans: Sequence[Span]) -> list[bytes]:
    """Return the campaign report of each period."""
    rows = of_days(spent, spans)
    return [_google_report(rows.filter(pl.col("file") == i), span) for i, span in enumerate(spans)]


def _google_report(rows: pl.DataFrame, span: Span) -> bytes:
    """Return one campaign report: two title lines, header, rows, a total at the end."""
    first, last = (EPOCH + timedelta(days=day) for day in (span.first, span.last))
    rows = rows.drop("file")
    total = rows.select(
        day=pl.lit("Total: All campaigns"),
        campaign=pl.lit(" --"),
        **{
            name: pl.col(name).sum()
            for name in ("impressions", "clicks", "cost", "conversions", "value")
        },
    )
    day = pl.from_epoch("day", time_unit="d").dt.strftime("%Y-%m-%d")
    both = pl.concat([rows.with_columns(day.alias("day")), total])
    # one Python step a row of the report, at most a few hundred
    lines = [
        [day, campaign, "CNY", f"{shown:,}", f"{clicks:,}",
         *(f"{amount:,.2f}" for amount in amounts)]
        for day, campaign, shown, clicks, *amounts in both.iter_rows()
    ]  # fmt: skip
    table = pl.DataFrame(lines, schema=list(GOOGLE_HEADER), orient="row").write_csv()
    title = f'Campaign report\n"{first:%B} {first.day}, {first.year} - {last:%B} {last.day}, '
    return f'{title}{last.year}"\n{table}'.encode()


def meta_bytes(spent: pl.DataFrame, spans: Sequence[Span]) -> list[bytes]:
    """Return the Ads Manager report of each period, one row a day and campaign."""
    day = pl.from_epoch("day", time_unit="d")
    clicks, shown, cost = pl.col("clicks"), pl.col("impressions"), pl.col("cost")
    reach = (shown / 1.18).floor().cast(pl.Int64)
    every = (clicks * 1.22).ceil().cast(pl.Int64)
    views = (clicks * 0.88).floor().cast(pl.Int64)
    frame = of_days(spent, spans).select(
        "file",
        day.alias("a"),
        day.alias("b"),
        pl.col("campaign").alias("c"),
        pl.lit("active").alias("d"),
        pl.lit(_ATTRIBUTION).alias("e"),
        pl.col("conversions").cast(pl.Int64).alias("f"),
        pl.lit(_RESULT).alias("g"),
        reach.alias("h"),
        _ratio(shown, reach).alias("i"),
        _ratio(cost, pl.col("conversions")).alias("j"),
        cost.round(2).alias("k"),
        shown.alias("l"),
        _ratio(cost * 1000, shown).alias("m"),
        clicks.alias("n"),
        _ratio(cost, clicks).alias("o"),
        _ratio(clicks * 100, shown).alias("p"),
        every.alias("q"),
        _ratio(every * 100, shown).alias("r"),
        _ratio(cost, every).alias("s"),
        views.alias("t"),
        _ratio(cost, views).alias("u"),
    )
    files = frame.partition_by("file", include_key=False, maintain_order=True)
    bodies = [file.write_csv(include_header=False, float_precision=2) for file in files]
    return [f"{META_HEADER}\n{body}".encode() for body in bodies]


def _ratio(top: pl.Expr, bottom: pl.Expr) -> pl.Expr:
    """Return a ratio as Meta shows it: two decimals, empty without a denominator."""
    return pl.when(bottom > 0).then(top / bottom).round(4)
