"""The company in other shapes: few feeds, few days, many stores, odd money and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl

from dashboards.base.data import SiteInfo
from tests.browser import shop

Frames = dict[str, pl.DataFrame]
Shape = tuple[Frames, SiteInfo]
STORES = 500
LONG = "极长的名字Extraordinarily-long-name-without-a-single-space-" * 6
_MONEY = ("amount", "gmv", "sales", "cost", "revenue", "target", "actual")


def _renamed(frames: Frames, columns: tuple[str, ...], text: str) -> Frames:
    """Names from outside with a text before them; what the warehouse itself names stays."""
    own = ("all", "none")
    return {
        name: frame
        if name.startswith("quality.")
        else frame.with_columns(
            pl.when(pl.col(column).is_in(own) | pl.col(column).str.starts_with("("))
            .then(column)
            .otherwise(pl.lit(text) + pl.col(column))
            .alias(column)
            for column in columns
            if frame.schema.get(column) == pl.String
        )
        for name, frame in frames.items()
    }


def _scaled(frames: Frames, factor: float) -> Frames:
    """All amounts times a factor; decimals become doubles, which hold more digits."""

    def scaled(frame: pl.DataFrame) -> pl.DataFrame:
        columns = [
            name for name, dtype in frame.schema.items()
            if dtype.is_numeric() and any(part in name for part in _MONEY)
            and not name.endswith(("rate", "effect"))
        ]  # fmt: skip
        return frame.with_columns(pl.col(columns).cast(pl.Float64) * factor)

    return {name: frame if name.startswith("quality.") else scaled(frame)
            for name, frame in frames.items()}  # fmt: skip


def orders_only() -> Shape:
    return shop.without_traffic(120), shop.info(configured_feeds={"orders"})


def events_only() -> Shape:
    made = shop.frames(120)
    kept = ("marts.fct_funnel_daily", "marts.fct_retention_daily", "quality.metrics",
            "quality.comparisons", "quality.checks")  # fmt: skip
    table = made["marts.fct_gmv_daily"]
    visits = table.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in table.schema.items()
        if dtype.is_numeric() and name != "visitors"
    )
    frames = {name: made[name] for name in kept} | {"marts.fct_gmv_daily": visits}
    return frames, shop.info(configured_feeds={"events"})


def one_day() -> Shape:
    return shop.frames(1), shop.info()


def one_product() -> Shape:
    made = shop.frames(60)
    for name in ("marts.fct_product_daily", "marts.dim_product", "marts.fct_inventory_daily"):
        made[name] = made[name].filter(pl.col("product_key") == "p1")
    return made, shop.info()


def many_stores() -> Shape:
    """A chain: each day of the company is shared out among its stores, as GMV is."""
    made = shop.frames(70)
    table = made["marts.fct_gmv_daily"]
    company = table.filter(pl.col("dimension") == "all")
    stores = pl.DataFrame({"segment": [f"store-{n:03d}" for n in range(STORES)]})
    shares = company.drop("segment").join(stores, how="cross").with_columns(
        pl.lit("shop").alias("dimension"),
        (pl.col("gmv").cast(float) / STORES).cast(company.schema["gmv"]).alias("gmv"),
    ).select(table.columns)  # fmt: skip
    made["marts.fct_gmv_daily"] = pl.concat([table.filter(pl.col("dimension") != "shop"), shares])
    return made, shop.info()


def yen() -> Shape:
    return _scaled(shop.frames(90), 160.0), shop.info(currency="JPY", timezone="Asia/Tokyo")


def billions() -> Shape:
    return _scaled(shop.frames(90), 1e6), shop.info(currency="IDR")


def long_names() -> Shape:
    columns = ("segment", "platform", "channel", "campaign", "product_name", "supplier_id",
               "category", "carrier", "host", "experiment", "variant", "promo", "label_en",
               "label_zh", "explanation_en", "explanation_zh")  # fmt: skip
    return _renamed(shop.frames(60), columns, LONG), shop.info(shop_name=LONG)


def hostile() -> Shape:
    return shop.hostile(), shop.info(shop_name=shop.HOSTILE)


def sparse() -> Shape:
    """Sells on every ninth day and then little; on all others a known nothing."""
    made = shop.frames(120)
    numbers = ("gmv", "net_sales", "orders", "units", "buyers", "tracked_buyers",
               "identified_orders", "new_buyers")  # fmt: skip
    sells = (pl.lit(shop.LAST) - pl.col("business_date")).dt.total_days() % 9 == 1
    for name in ("marts.fct_gmv_daily", "marts.fct_product_daily", "marts.fct_gmv_hourly"):
        frame = made[name]
        made[name] = frame.with_columns(
            pl.when(sells).then(pl.col(column)).otherwise(pl.lit(0, frame.schema[column]))
            .alias(column)
            for column in numbers if column in frame.columns
        )  # fmt: skip
    made["insights.anomalies"] = made["insights.anomalies"].with_columns(
        observed=pl.lit(0.0), expected=pl.lit(0.0), lower=pl.lit(0.0), upper=pl.lit(0.0)
    )
    return made, shop.info()


def closed() -> Shape:
    """Shut for the last week: no orders, no visits, and the calendar says why."""
    made = shop.frames(120)
    first = shop.LAST - timedelta(days=6)
    for name in ("marts.fct_gmv_daily", "marts.fct_gmv_change", "marts.fct_funnel_daily",
                 "marts.fct_product_daily", "marts.fct_gmv_hourly"):  # fmt: skip
        made[name] = made[name].filter(pl.col("business_date") < first)
    promo = made["marts.dim_promo"].head(1).with_columns(
        promo=pl.lit("spring_festival"), kind=pl.lit("closed"), phase=pl.lit("holiday"),
        label_en=pl.lit("Spring Festival"), label_zh=pl.lit("春节"),
        start_date=pl.lit(first), end_date=pl.lit(shop.LAST),
    )  # fmt: skip
    made["marts.dim_promo"] = pl.concat([made["marts.dim_promo"], promo], how="vertical_relaxed")
    return made, replace(shop.info())


SHAPES: dict[str, Callable[[], Shape]] = {
    shape.__name__: shape
    for shape in (orders_only, events_only, one_day, one_product, many_stores, yen, billions,
                  long_names, hostile, sparse, closed)
}  # fmt: skip
