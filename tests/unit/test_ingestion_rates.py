"""Foreign currency: which rate a row takes, what it comes to, and that arrival does not matter."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.errors import MappingError
from ingestion.landing.reconcile import landed_totals
from ingestion.mapping.sources import parse_sources
from orchestration.errors import KpiError
from tests.support.exports import SHOP
from tests.support.homes import Home

STAMP = {"exported_at": {"file_name": r"_(\d{14})"}}
RATES = {
    "feeds": {"fx_rates": {"columns": {"rate_date": "day", "currency": "code", "rate": "rate"}}},
}
ORDERS = {
    "feeds": {"orders": {"columns": {
        "order_id": "o", "ordered_at": "at", "paid_at": "paid", "status": "s", "currency": "c",
        "order_amount": "v", "shipping_amount": "post"}}},
    **STAMP,
}  # fmt: skip
LINES = {
    "order_value": "repeated",
    "gift": {"zero_price": True},
    "feeds": {
        "orders": {"columns": {"order_id": "o", "ordered_at": "at", "paid_at": "at",
                               "currency": "c", "order_amount": "v"},
                   "constants": {"status": "paid"}},
        "order_items": {"columns": {"order_id": "o", "product_id": "p", "quantity": "q",
                                    "unit_price": "price", "discount_amount": "off"}},
    },
}  # fmt: skip
REFUNDS = {
    "feeds": {"refunds": {"columns": {"order_id": "o", "refunded_at": "at", "amount": "v",
                                      "currency": "c", "rate_date": "paid"},
                          "constants": {"kind": "refund_only", "status": "succeeded"}}},
    **STAMP,
}  # fmt: skip
SPEND = {
    "feeds": {"campaign_spend": {"columns": {"spend_date": "day", "campaign": "n", "cost": "v",
                                             "currency": "c", "claimed_value": "claim"},
                                 "constants": {"cost_kind": "click"}}},
}  # fmt: skip
SOURCES = {
    "bank": {**SHOP, "files": [{"path": "fx/*.csv", "format": RATES}]},
    "shop": {
        **SHOP,
        "files": [
            {"path": "orders/*.csv", "format": ORDERS},
            {"path": "lines/*.csv", "format": LINES},
            {"path": "refunds/*.csv", "format": REFUNDS},
            {"path": "ads/*.csv", "format": SPEND},
        ],
    },
}
ROWS = ("1,2026-05-05 09:00:00,,unpaid,USD,10.00,", "2,2026-05-05 09:00:00,,unpaid,CNY,3.00,")
# Monday 4 May to Friday 8 May 2026, none at the weekend.
WEEK = ["2026-05-04,USD,7.10", "2026-05-05,USD,7.20", "2026-05-08,USD,7.25",
        "2026-05-04,EUR,7.80", "2026-05-05,EUR,7.77777777"]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", SOURCES)


@pytest.fixture
def rated(home: Home) -> Home:
    """With the rates of a week delivered."""
    put_rates(home, *WEEK)
    return home


@pytest.fixture
def landed(rated: Home) -> Home:
    """With two orders landed, one at 7.20."""
    put_orders(rated, *ROWS)
    rated.land()
    return rated


def put_rates(home: Home, *rows: str, name: str = "week") -> None:
    home.put("day,code,rate\n" + "".join(f"{row}\n" for row in rows), f"fx/{name}.csv")


def put_orders(home: Home, *rows: str, stamp: str = "20260520020000") -> None:
    text = "o,at,paid,s,c,v,post\n" + "".join(f"{row}\n" for row in rows)
    home.put(text, f"orders/orders_{stamp}.csv")


def amounts(home: Home, feed: str = "orders", column: str = "order_amount") -> list[Any]:
    keys = {"orders": ["order_id"], "order_items": ["order_id", "line_number"]}
    return home.rows(feed).sort(keys.get(feed, ["_row_number"]))[column].to_list()


def money(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def test_two_currencies_take_the_rate_of_their_day(rated: Home) -> None:
    put_orders(
        rated,
        "1,2026-05-04 09:00:00,2026-05-05 09:00:00,paid,USD,10.05,2.00",  # day of payment: 7.20
        "2,2026-05-04 09:00:00,,unpaid,USD,10.05,",  # placed: 7.10
        "3,2026-05-05 09:00:00,,unpaid,EUR,100.00,",
        "4,2026-05-05 09:00:00,,unpaid,CNY,8.00,1.00",
    )
    assert rated.land()["rows_quarantined"] == 0
    # 72.36, 71.355 -> 71.36, 777.777777 -> 777.78
    assert amounts(rated) == money("72.36", "71.36", "777.78", "8.00")
    assert amounts(rated, column="shipping_amount") == [*money("14.40"), None, None, *money("1.00")]
    assert amounts(rated, column="currency") == ["USD", "USD", "EUR", "CNY"]
    assert amounts(rated, column="original_amount") == [*money("10.05", "10.05", "100.00"), None]


def test_the_reporting_zone_says_which_day_it_was(rated: Home) -> None:
    # 00:30 in Shanghai on 5 May is still 4 May in UTC.
    put_orders(rated, "1,2026-05-05 00:30:00,,unpaid,USD,100.00,")
    rated.land()
    assert amounts(rated) == money("720.00")


def test_a_weekend_takes_the_rate_of_friday_and_a_week_is_as_far_as_it_reaches(rated: Home) -> None:
    put_orders(
        rated,
        "1,2026-05-10 09:00:00,,unpaid,USD,100.00,",  # Sunday: Friday's 7.25
        "2,2026-05-15 09:00:00,,unpaid,USD,100.00,",  # seven days after Friday
        "3,2026-05-16 09:00:00,,unpaid,USD,100.00,",  # eight
        "4,2026-05-03 09:00:00,,unpaid,USD,100.00,",  # no rate is taken from a later day
        "5,2026-05-05 09:00:00,,unpaid,GBP,100.00,",
    )
    counts = rated.land()
    assert (counts["rows_landed"], counts["rows_quarantined"]) == (2 + len(WEEK), 3)
    assert amounts(rated) == money("725.00", "725.00")
    told = pl.read_parquet(next(rated.paths.quarantine.glob("*.parquet")))
    assert told.select("row_number", "reason", "value").rows() == [
        (3, "no_rate", "2026-05-16 USD"),
        (4, "no_rate", "2026-05-03 USD"),
        (5, "no_rate", "2026-05-05 GBP"),
    ]


def test_lines_take_the_rate_of_their_order_and_sum_to_it(rated: Home) -> None:
    rated.put(
        "o,at,c,v,p,q,price,off\n"
        "1,2026-05-05 09:00:00,USD,10.00,A,1,3.33,\n"
        "1,2026-05-05 09:00:00,USD,10.00,B,2,3.34,0.01\n"
        "2,2026-05-05 09:00:00,CNY,5.00,A,1,5.00,\n"
        "3,2026-05-04 09:00:00,EUR,,A,3,1.2345,\n"
        "3,2026-05-04 09:00:00,EUR,,G,1,0.00,\n",
        "lines/a.csv",
    )
    rated.land()
    assert amounts(rated) == [*money("72.00", "5.00"), None]
    assert amounts(rated, column="original_amount") == [Decimal("10.00"), None, Decimal("3.70")]
    # 3.33 x 7.2, 3.34 x 7.2, as they are, 1.2345 x 7.8
    prices = money("23.9760", "24.0480", "5.0000", "9.6291", "0.0000")
    assert amounts(rated, "order_items", "unit_price") == prices
    discounts = amounts(rated, "order_items", "discount_amount")
    assert discounts == [None, Decimal("0.07"), None, None, None]
    # 72.00 and 28.89 (3 x 9.6291 = 28.8873), whatever the lines round to.
    active = [file["batch_id"] for file in rated.state.files()]
    totals = landed_totals(rated.paths.landing, active, "Asia/Shanghai")
    assert totals.select("business_date", "landed_amount").rows() == [
        (date(2026, 5, 4), Decimal("28.89")),
        (date(2026, 5, 5), Decimal("77.00")),
    ]


def test_a_refund_takes_the_day_and_currency_that_its_file_names(rated: Home) -> None:
    rows = "1,2026-05-08 09:00:00,2026-05-04 09:00:00,USD,10.00\n2,2026-05-08 09:00:00,,USD,10.00\n"
    rated.put(f"o,at,paid,c,v\n{rows}3,2026-05-08 09:00:00,,,10.00\n",
             "refunds/r_20260520020000.csv")  # fmt: skip
    rated.land()
    assert amounts(rated, "refunds", "amount") == money("71.00", "72.50", "10.00")
    # The third names none and its order is not here: as delivered, for the warehouse to convert.
    assert rated.rows("refunds")["currency"].to_list() == ["USD", "USD", None]
    assert amounts(rated, "refunds", "original_amount") == [*money("10.00", "10.00"), None]


def test_what_belongs_to_an_order_of_its_file_is_in_its_currency_on_its_own_day(
    tmp_path: Path,
) -> None:
    form = {
        "feeds": {
            "orders": {"columns": {"order_id": "o", "ordered_at": "at", "paid_at": "at",
                                   "currency": "c", "order_amount": "v"},
                       "constants": {"status": "paid"}},
            "refunds": {"columns": {"order_id": "o", "refunded_at": "back", "amount": "v",
                                    "goods_amount": "goods"},
                        "constants": {"kind": "return", "status": "succeeded"}},
            "order_costs": {"columns": {"order_id": "o", "booked_at": "back", "amount": "fee"},
                            "constants": {"cost_type": "payment_fee"}},
            "settlements": {"columns": {"order_id": "o", "settled_at": "back",
                                        "settled_amount": "fee"}},
        },
    }  # fmt: skip
    shop = {**SHOP, "files": [{"path": "all/*.csv", "format": form}]}
    home = Home(tmp_path / "home", {"bank": SOURCES["bank"], "shop": shop})
    put_rates(home, *WEEK)
    home.put(
        "o,at,back,c,v,goods,fee\n1,2026-05-05 09:00:00,2026-05-08 09:00:00,USD,10.00,9.00,1.00\n",
        "all/a.csv",
    )
    home.land()
    # The order at 7.20 of its own day, what came three days later at 7.25.
    assert amounts(home) == money("72.00")
    assert amounts(home, "refunds", "amount") == money("72.50")
    assert amounts(home, "refunds", "goods_amount") == money("65.25")
    assert amounts(home, "order_costs", "amount") == money("7.25")
    assert amounts(home, "settlements", "settled_amount") == money("7.25")
    assert home.rows("settlements")["currency"].to_list() == ["USD"]


def test_costs_and_settlements_alone_wait_for_the_currency_of_their_order(tmp_path: Path) -> None:
    form = {"feeds": {"order_costs": {"columns": {"order_id": "o", "booked_at": "at",
                                                  "amount": "v", "currency": "c"},
                                      "constants": {"cost_type": "payment_fee"}}}}  # fmt: skip
    usd = {**SHOP, "currency": "EUR", "files": [{"path": "costs.csv", "format": form}]}
    home = Home(tmp_path / "home", {"bank": SOURCES["bank"], "shop": usd})
    put_rates(home, *WEEK)
    at = "2026-05-05 09:00:00"
    home.put(f"o,at,v,c\n1,{at},1.00,USD\n2,{at},1.00,\n", "costs.csv")
    home.land()
    assert amounts(home, "order_costs", "amount") == money("7.20", "1.00")
    assert home.rows("order_costs").sort("_row_number")["currency"].to_list() == ["USD", None]


def test_prices_of_products_name_their_currency(tmp_path: Path) -> None:
    form = {"feeds": {"products": {"columns": {"product_id": "p", "name": "p", "valid_from": "day",
                                               "cost": "v", "currency": "c"}}}}  # fmt: skip
    shop = {**SHOP, "files": [{"path": "p.csv", "format": form}]}
    home = Home(tmp_path / "home", {"bank": SOURCES["bank"], "shop": shop})
    put_rates(home, *WEEK)
    home.put("p,day,v,c\nA,2026-05-05,2.50,USD\nB,2026-05-05,2.50,CNY\n", "p.csv")
    home.land()
    assert home.rows("products").sort("product_id")["cost"].to_list() == money("18.00", "2.50")


def test_spend_is_converted_before_it_is_summed_and_rounded(rated: Home) -> None:
    rated.put("day,n,v,c,claim\n2026-05-05,A,0.001,USD,-1.00\n2026-05-05,A,0.001,USD,\n",
             "ads/a.csv")  # fmt: skip
    rated.land()
    # 0.0072 + 0.0072 = 0.0144; each alone would round to 0.01, the sum of roundings to 0.02
    assert amounts(rated, "campaign_spend", "cost") == money("0.01")
    assert amounts(rated, "campaign_spend", "claimed_value") == money("-7.20")


def test_a_source_in_another_currency_is_converted_where_no_row_names_one(tmp_path: Path) -> None:
    form = {"feeds": {"products": {"columns": {"product_id": "p", "name": "n", "valid_from": "day",
                                               "cost": "cost"}}}}  # fmt: skip
    usd = {**SHOP, "currency": "USD", "files": [{"path": "p.csv", "format": form}]}
    home = Home(tmp_path / "home", {"bank": SOURCES["bank"], "us": usd})
    put_rates(home, *WEEK)
    home.put("p,n,day,cost\nA,a,2026-05-05,1.2345\nB,b,2026-05-05,\n", "p.csv")
    home.land()
    assert home.rows("products")["cost"].to_list() == [Decimal("8.8884"), None]


def test_rates_of_a_currency_must_name_it() -> None:
    form = {"feeds": {"fx_rates": {"columns": {"rate_date": "d", "rate": "r"}}}}
    with pytest.raises(MappingError, match="currency"):
        parse_sources({"bank": {**SHOP, "files": [{"path": "x", "format": form}]}})


# arrival ---------------------------------------------------------------------------------------


def test_a_late_rate_lands_the_rows_that_waited_for_it(home: Home, tmp_path: Path) -> None:
    put_orders(home, *ROWS)
    assert home.land()["rows_quarantined"] == 1
    assert amounts(home) == money("3.00")
    put_rates(home, *WEEK)
    assert home.land()["files_landed"] == 2
    assert amounts(home) == money("72.00", "3.00")
    assert home.land()["files_landed"] == 0
    other = Home(tmp_path / "other", SOURCES)
    put_rates(other, *WEEK)
    other.land()
    put_orders(other, *ROWS)
    other.land()
    assert other.landed() == home.landed()


def test_a_file_of_foreign_rows_alone_waits_for_its_rate(home: Home) -> None:
    put_orders(home, ROWS[0])
    counts = home.land()
    assert (counts["files_refused"], counts["rows_quarantined"]) == (0, 1)
    put_rates(home, *WEEK)
    home.land()
    assert amounts(home) == money("72.00")


def test_a_file_that_must_be_clean_is_refused_until_its_rate_comes(tmp_path: Path) -> None:
    strict = {"path": "orders/*.csv", "format": ORDERS, "on_bad_rows": "reject_file"}
    home = Home(tmp_path / "home", {**SOURCES, "shop": {**SHOP, "files": [strict]}})
    put_orders(home, *ROWS)
    assert home.land()["files_refused"] == 1
    assert home.land()["files_refused"] == 1
    put_rates(home, *WEEK)
    home.land()
    assert amounts(home) == money("72.00", "3.00")
    statuses = [file["status"] for file in home.state.files() if file["source"] == "shop"]
    assert sorted(statuses) == ["landed", "superseded"]


def test_a_corrected_rate_corrects_what_was_landed_with_it(landed: Home, tmp_path: Path) -> None:
    first = landed.landed()
    # The correction is a later statement: rates have no instant, so the later day of a file tells.
    put_rates(landed, "2026-05-05,USD,7.30", "2026-05-09,USD,7.26", name="corrected")
    landed.land()
    assert amounts(landed) == money("73.00", "3.00")
    statuses = {f["batch_id"]: f["status"] for f in landed.state.files() if f["source"] == "shop"}
    assert sorted(statuses.values()) == ["landed", "superseded"]
    # Taken back, all is as it was.
    corrected = next(f for f in landed.state.files() if f["source_file"] == "fx/corrected.csv")
    assert landed.state.reject(corrected["batch_id"])
    landed.land()
    assert landed.landed() == first


def test_a_rate_of_another_day_or_currency_moves_nothing(landed: Home) -> None:
    put_rates(landed, "2026-05-06,USD,9.00", "2026-04-27,USD,9.00", "2026-05-05,GBP,9.00", name="b")
    assert landed.land()["files_landed"] == 1
    assert amounts(landed) == money("72.00", "3.00")


def test_a_withdrawn_batch_stays_withdrawn_when_its_rates_change(landed: Home) -> None:
    batch = next(f["batch_id"] for f in landed.state.files() if f["source"] == "shop")
    landed.state.reject(batch)
    put_rates(landed, "2026-05-05,USD,7.30", "2026-05-09,USD,7.26", name="corrected")
    assert landed.land()["files_landed"] == 1
    assert all(f["status"] != "landed" for f in landed.state.files() if f["source"] == "shop")


def test_another_reporting_currency_is_another_warehouse(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", SOURCES)
    put_orders(home, *ROWS)
    home.land()
    with pytest.raises(KpiError, match="landed in CNY"):
        Home(tmp_path / "home", SOURCES, currency="USD").land()
