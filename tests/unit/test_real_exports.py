"""Real data through `shop.yml` alone: what lands is what was counted apart in the raw files."""

import csv
import shutil
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ingestion.landing.reconcile import landed_totals
from tests.support.homes import Home

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data"
JOURNEY = DATA / "complete_journey_150_households"
SEEDS = DATA / "fivetran_seeds"
needs_data = pytest.mark.skipif(
    not DATA.exists(), reason="the real data folder is not beside the checkout"
)


def example(name: str, root: Path, **shop: str) -> Home:
    """A data folder configured as an example."""
    config = yaml.safe_load((ROOT / f"examples/{name}/shop.yml").read_text())
    return Home(root, config["sources"], **{**_texts(config["shop"]), **shop})


def _texts(shop: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in shop.items() if isinstance(value, str)}


def deliver(home: Home, folder: str, files: Iterable[Path]) -> None:
    target = home.paths.inbox / folder
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = example("complete_journey", tmp_path_factory.mktemp("journey") / "home")
    deliver(home, "grocery", JOURNEY.glob("*.parquet"))
    counts = home.land()
    assert (counts["files_refused"], counts["rows_quarantined"]) == (0, 0)
    return home


def totals(home: Home, zone: str) -> pl.DataFrame:
    batches = [file["batch_id"] for file in home.state.files()]
    return landed_totals(home.paths.landing, batches, zone)


@needs_data
def test_baskets_sales_campaigns_and_redemptions(journey: Home) -> None:
    orders = journey.rows("orders")
    assert orders.height == 10_377
    assert orders["order_amount"].sum() == Decimal("251542.64")
    assert journey.rows("order_items").height == 84_506
    assert journey.rows("campaign_members").height == 366
    assert journey.rows("coupon_redemptions").height == 158
    assert orders["customer_key"].n_unique() == 150
    raw = pl.read_parquet(JOURNEY / "transactions.parquet")
    per_basket = raw.group_by("basket_id").agg(
        (pl.col("sales_value") * 100).round().cast(pl.Int64).sum().alias("cents")
    )
    both = orders.select(
        pl.col("order_id").cast(pl.Int64).alias("basket_id"),
        (pl.col("order_amount") * 100).cast(pl.Int64),
    ).join(per_basket, on="basket_id", how="full", validate="1:1")
    assert both.filter(pl.col("order_amount").eq_missing(pl.col("cents"))).height == 10_377


@needs_data
def test_a_second_file_says_when_the_campaigns_ran(journey: Home) -> None:
    """Joined here by polars on the typed tables."""
    ran = pl.read_parquet(JOURNEY / "campaign_descriptions.parquet")
    told = pl.read_parquet(JOURNEY / "campaigns.parquet").join(ran, on="campaign_id")
    members = journey.rows("campaign_members").select("campaign_id", "member_from", "member_to")
    wanted = told.select(
        pl.col("campaign_id").cast(pl.String),
        member_from=pl.col("start_date").dt.date(),
        member_to=pl.col("end_date").dt.date(),
    )
    assert members.sort(members.columns).equals(wanted.sort(wanted.columns))
    plans = journey.rows("campaigns")
    assert plans.height == 27
    assert plans["kind"].value_counts().sort("kind").rows() == (
        ran["campaign_type"].value_counts().sort("campaign_type").rows()
    )


@needs_data
def test_lines_are_worth_what_they_were_sold_for(journey: Home) -> None:
    lines = journey.rows("order_items").sort("_row_number")
    raw = pl.read_parquet(JOURNEY / "transactions.parquet")
    assert lines["product_id"].to_list() == [str(product) for product in raw["product_id"]]
    value = (lines["quantity"] * lines["unit_price"] - lines["discount_amount"]).cast(pl.Float64)
    # Prices have four decimals, and no line more than 200 pieces.
    assert (value - raw["sales_value"]).abs().max() <= 200 * 0.00005 + 1e-9
    known = pl.read_parquet(JOURNEY / "products.parquet")["product_id"].to_list()
    assert sorted(journey.rows("products")["product_id"]) == sorted(str(one) for one in known)


@needs_data
def test_no_basket_of_2017_is_booked_in_2018_in_the_zone_of_the_shop(journey: Home) -> None:
    local = totals(journey, "America/New_York")
    assert local["business_date"].max() == date(2017, 12, 31)
    assert local["landed_amount"].sum() == Decimal("251542.64")
    assert local["orders"].sum() == 10_377
    # Without the zone, seven evening baskets would be.
    abroad = totals(journey, "UTC").filter(pl.col("business_date") >= date(2018, 1, 1))
    assert abroad["orders"].sum() == 7


@needs_data
def test_instants_are_those_of_the_parquet_file(journey: Home) -> None:
    first = journey.rows("orders").filter(order_id="31356100258")
    assert first["paid_at"].item() == datetime(2017, 1, 11, 16, 5, 34)
    day = journey.rows("coupon_redemptions")["redeemed_at"].min()
    raw = pl.read_parquet(JOURNEY / "coupon_redemptions.parquet")["redemption_date"].min()
    # Midnight in New York, in winter or summer.
    assert isinstance(day, datetime) and isinstance(raw, datetime)
    assert (day - raw).total_seconds() in (5 * 3600, 4 * 3600)


# API tables of Shopify and two advertising platforms --------------------------------------------


def seed(package: str, name: str) -> list[dict[str, str]]:
    """Rows of a seed file, read by the standard library."""
    path = SEEDS / f"dbt_{package}/integration_tests/seeds/{name}"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = example("fivetran_seeds", tmp_path_factory.mktemp("api") / "home")
    for package in ("shopify", "google_ads", "facebook_ads"):
        deliver(home, package, (SEEDS / f"dbt_{package}/integration_tests/seeds").glob("*.csv"))
    counts = home.land()
    assert counts["files_refused"] == 0
    # Three orders in pounds, whose rate has not come.
    assert counts["rows_quarantined"] == 3
    return home


@needs_data
def test_orders_of_a_foreign_currency_wait_for_their_rate(api: Home, tmp_path: Path) -> None:
    raw = seed("shopify", "shopify_order_data.csv")
    home_ids = sorted(row["id"] for row in raw if row["currency"] == "USD")
    assert sorted(api.rows("orders")["order_id"]) == home_ids
    home = example("fivetran_seeds", tmp_path / "home")
    deliver(home, "shopify", [SEEDS / "dbt_shopify/integration_tests/seeds/shopify_order_data.csv"])
    home.land()
    home.put("rate_date,currency,rate\n2020-09-09,GBP,1.30\n2020-09-11,GBP,1.28\n", "fx/fx.csv")
    home.land()
    landed = home.rows("orders").sort("order_id")
    assert landed.height == len(raw) == 8
    pounds = landed.filter(currency="GBP").select("order_id", "original_amount", "order_amount")
    # 23:01 and 22:57 UTC on the 9th are 19:01 and 18:57 in New York: the rate of the 9th.
    assert pounds.rows() == [
        ("2669509541985", Decimal("4.40"), Decimal("5.72")),
        ("2669516488801", Decimal("2.80"), Decimal("3.64")),
        ("2674098602081", Decimal("2.80"), Decimal("3.58")),
    ]
    dollars = sum(Decimal(row["subtotal_price"]) for row in raw if row["currency"] == "USD")
    assert landed.filter(currency="USD")["order_amount"].sum() == dollars


@needs_data
def test_lines_customers_and_products_are_those_of_the_tables(api: Home) -> None:
    lines = seed("shopify", "shopify_order_line_data.csv")
    landed = api.rows("order_items")
    assert sorted(landed["order_id"]) == sorted(row["order_id"] for row in lines)
    value = sum(Decimal(row["price"]) * int(row["quantity"]) for row in lines)
    assert (landed["quantity"] * landed["unit_price"]).sum() == value
    assert api.rows("customers").height == len(seed("shopify", "shopify_customer_data.csv"))
    tables = ("shopify_product_data.csv", "shopify_product_variant_data.csv")
    assert api.rows("products").height <= sum(len(seed("shopify", name)) for name in tables)


@needs_data
def test_only_refunds_of_the_transactions_are_refunds(api: Home) -> None:
    raw = seed("shopify", "shopify_transaction_data.csv")
    assert {row["kind"] for row in raw} == {"sale"}
    file = next(f for f in api.state.files() if f["format"] == "shopify_api_transactions")
    assert (file["rows_read"], file["rows_excluded"]) == (len(raw), len(raw))


@needs_data
def test_refunded_lines_joined_to_their_refunds_land(tmp_path: Path) -> None:
    # The seeds' lines and refunds have no number in common; the join is made by place.
    refunds = seed("shopify", "shopify_refund_data.csv")
    lines = seed("shopify", "shopify_order_line_refund_data.csv")
    config = yaml.safe_load((ROOT / "examples/fivetran_seeds/shop.yml").read_text())
    source = config["sources"]["shopify"]
    source["files"] = [{"path": "shopify/joined.csv", "format": "shopify_api_refunds"}]
    home = Home(tmp_path / "home", {"shopify": source}, **_texts(config["shop"]))
    joined = [
        {**line, "order_id": refund["order_id"], "created_at": refund["created_at"], "sku": ""}
        for line, refund in zip(lines, refunds, strict=True)
    ]
    text = ",".join(joined[0]) + "\n" + "".join(",".join(row.values()) + "\n" for row in joined)
    home.put(text, "shopify/joined.csv")
    home.land()
    landed = home.rows("refunds")
    assert landed["amount"].sum() == sum(Decimal(row["subtotal"]) for row in lines) == 5 * 415
    assert sorted(landed["kind"]) == ["refund_only"] * 2 + ["return"] * 3


@needs_data
def test_spend_of_both_platforms_is_summed_to_the_cent(api: Home) -> None:
    spend = (
        api.rows("campaign_spend")
        .group_by("source")
        .agg(pl.col("cost", "clicks", "impressions").sum())
    )
    google = seed("google_ads", "campaign_stats_data.csv")
    facebook = seed("facebook_ads", "facebook_ads_basic_ad_data.csv")
    assert dict(spend.select("source", "cost").rows()) == {
        "google_ads": sum(Decimal(row["cost_micros"]) for row in google) / 1_000_000,
        "facebook_ads": sum(Decimal(row["spend"]) for row in facebook),
    }
    assert dict(spend.select("source", "clicks").rows()) == {
        "google_ads": sum(int(row["clicks"]) for row in google),
        "facebook_ads": sum(int(row["inline_link_clicks"]) for row in facebook),
    }
