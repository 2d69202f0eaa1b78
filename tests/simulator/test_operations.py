"""Parcels, service, money and members of the demo company, recounted from its exports."""

from __future__ import annotations

from datetime import date, timedelta
from math import sqrt
from pathlib import Path

import polars as pl
import pytest

from simulator.plan import exports
from simulator.run import simulate
from tests.support import simulated
from tests.support.simulated import near, rows, truth

PLATFORMS = ("shopify", "tmall")
# the history; the week after has only begun, and with it what comes by the week
LAST = simulated.LONG_AS_OF - timedelta(days=1)


@pytest.fixture(scope="module")
def orders(lines: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Orders with province, pieces, lines of goods and amount due in cents."""
    gift = pl.col("sku").str.starts_with("GIFT-")
    return {
        platform: mine.group_by("order").agg(
            pl.col("buyer", "province", "day", "paid").first(),
            due=(pl.col("due").first() * 100).round(0).cast(pl.Int64),
            pieces=pl.col("quantity").sum(),
            goods=(~gift).sum(),
        )
        for platform, mine in lines.items()
    }


@pytest.fixture(scope="module")
def parcels(shop: Path) -> dict[str, pl.DataFrame]:
    return {name: rows(shop, f"{name}/shipments", "shipment_id") for name in PLATFORMS}


@pytest.fixture(scope="module")
def costs(shop: Path) -> dict[str, pl.DataFrame]:
    key = ("order_id", "cost_type", "booked_at")
    return {name: rows(shop, f"{name}/order_costs", *key) for name in PLATFORMS}


def of_both(shop: Path, stream: str, key: str) -> pl.DataFrame:
    return pl.concat(rows(shop, f"{platform}/{stream}", key) for platform in PLATFORMS)


def mean_is(values: pl.Series, expected: float) -> None:
    assert abs(values.mean() - expected) <= 3 * values.std() / sqrt(len(values))


def inside(days: pl.Expr, spans: pl.DataFrame) -> pl.Expr:
    """Whether days lie in any of the spans start_date to end_date."""
    return pl.any_horizontal(
        days.is_between(row["start_date"], row["end_date"]) for row in spans.to_dicts()
    )


# ---------------------------------------------------------------- parcels


def test_parcels_belong_to_orders_that_left(
    shop: Path, parcels: dict[str, pl.DataFrame], orders: dict[str, pl.DataFrame]
) -> None:
    split = truth(shop, "carriers")["split_share"][0]
    for platform, mine in parcels.items():
        both = mine.join(orders[platform], left_on="order_id", right_on="order", how="left")
        both = both.filter(pl.col("shipped_at") >= simulated.LONG_START)
        assert both["paid"].null_count() == 0
        assert both.filter(pl.col("shipped_at") <= pl.col("paid")).is_empty()
        assert both.filter(pl.col("region") != pl.col("province")).is_empty()
        per_order = both.group_by("order_id").agg(n=pl.len(), pieces=pl.col("pieces").first())
        many = per_order.filter(pl.col("pieces") >= 4)
        near(int((many["n"] == 2).sum()), len(many), split)
        assert per_order.filter(pl.col("pieces") < 4)["n"].max() == 1
        # only what left days ago can be there; all of it is
        old = both.filter(pl.col("shipped_at") < simulated.LONG_AS_OF - timedelta(days=3))
        assert old["delivered_at"].null_count() == 0
        late = both.filter(pl.col("shipped_at").dt.date() == LAST)
        assert late["delivered_at"].null_count() > 0


def test_site_parcels_leave_when_the_order_says_so(
    shop: Path, parcels: dict[str, pl.DataFrame]
) -> None:
    told = simulated.site_orders(shop)
    left = {name[1:]: rows[0]["Fulfilled at"][:19] for name, rows in told.items()}
    first = parcels["shopify"].filter(pl.col("shipment_id").str.ends_with("-1"))
    stamps = first.select("order_id", pl.col("shipped_at").dt.strftime(simulated.STAMP))
    assert dict(stamps.iter_rows()) == {
        name: at for name, at in left.items() if "2025-03-01" <= at < "2026-06-01"
    }


def test_carriers_are_as_slow_as_planted(shop: Path, parcels: dict[str, pl.DataFrame]) -> None:
    slow = truth(shop, "slow_deliveries").to_dicts()
    (region,) = [row for row in slow if row["region"]]
    strikes = [row for row in slow if row["carrier"]]
    assert len(strikes) == 3  # April and October of 2025, April of 2026
    hours = (pl.col("delivered_at") - pl.col("shipped_at")).dt.total_seconds() / 3600
    came = pl.concat(parcels.values()).drop_nulls("delivered_at").with_columns(
        hours=hours, late=pl.col("delivered_at") > pl.col("promised_at"),
        day=pl.col("shipped_at").dt.date(),
    )  # fmt: skip
    on_strike = pl.any_horizontal(
        (pl.col("carrier") == row["carrier"])
        & pl.col("day").is_between(row["start_date"], row["end_date"])
        for row in strikes
    )
    in_region = pl.col("region") == region["region"]
    carriers = truth(shop, "carriers").to_dicts()
    first = came.filter(pl.col("shipment_id").str.ends_with("-1"))
    for row in carriers:
        mine = came.filter(pl.col("carrier") == row["carrier"], ~on_strike)
        usual, slower = mine.filter(~in_region), mine.filter(in_region)
        near(int(usual["late"].sum()), len(usual), row["late_share"])
        share = row["late_share"] + (1 - row["late_share"]) * region["late_share"]
        near(int(slower["late"].sum()), len(slower), share)
        mean_is(usual["hours"], row["mean_hours"])
        near(first.filter(pl.col("carrier") == row["carrier"]).height, len(first), row["share"])
    struck = came.filter(on_strike)
    near(int(struck["late"].sum()), len(struck), strikes[0]["late_share"])
    assert max(row["late_share"] for row in carriers) > 0.3
    assert came["hours"].max() < 72  # before the earliest completion


# ---------------------------------------------------------------- service


def test_answers_are_slow_in_the_planted_weeks(shop: Path) -> None:
    weeks = truth(shop, "slow_service")
    assert weeks["start_date"].to_list() == [
        date(2025, 3, 9), date(2025, 9, 21), date(2025, 11, 14), date(2026, 3, 9)
    ]  # fmt: skip
    tickets = of_both(shop, "tickets", "ticket_id")
    wait = (pl.col("first_response_at") - pl.col("opened_at")).dt.total_seconds() / 60
    tickets = tickets.with_columns(wait=wait, slow=inside(pl.col("opened_at").dt.date(), weeks))
    answered = tickets.drop_nulls("wait")
    slow, usual = (answered.filter(pl.col("slow") == flag)["wait"] for flag in (True, False))
    mean_is(slow - 1 / 3, weeks["slow_minutes"][0])  # nobody answers within twenty seconds
    mean_is(usual - 1 / 3, weeks["usual_minutes"][0])
    scored = tickets.drop_nulls("csat")
    means = dict(scored.group_by("slow").agg(pl.col("csat").mean()).iter_rows())
    assert means[True] < means[False] - 1
    assert scored["csat"].is_between(1, 5).all()
    assert (tickets["resolved_at"] >= tickets["first_response_at"]).all()


def test_one_product_disappoints(
    shop: Path, lines: dict[str, pl.DataFrame], orders: dict[str, pl.DataFrame]
) -> None:
    (bad,) = truth(shop, "bad_product").to_dicts()
    until = simulated.LONG_AS_OF - timedelta(days=10)  # a ticket comes within ten days
    found = {True: [0, 0], False: [0, 0]}
    for platform in PLATFORMS:
        tickets = rows(shop, f"{platform}/tickets", "ticket_id")
        first = lines[platform].group_by("order", maintain_order=True).agg(pl.col("sku").first())
        old = orders[platform].filter(
            pl.col("paid").dt.date().is_between(simulated.LONG_START, until - timedelta(days=1))
        )
        asked = old.join(first, on="order").join(
            tickets, left_on="order", right_on="order_id", how="left"
        )
        assert (
            asked.drop_nulls("ticket_id").filter(pl.col("product_id") != pl.col("sku")).is_empty()
        )
        for is_bad, count, total in (
            asked.group_by(pl.col("sku") == bad["product_id"])
            .agg(pl.col("ticket_id").count(), pl.len())
            .iter_rows()
        ):
            found[is_bad][0] += count
            found[is_bad][1] += total
    near(*found[True], bad["ticket_share"])
    near(*found[False], bad["usual_ticket_share"])
    reviews = of_both(shop, "reviews", "review_id")
    stars = reviews.group_by(pl.col("product_id") == bad["product_id"]).agg("rating")
    given = dict(stars.iter_rows())
    mean_is(pl.Series(given[True]), bad["mean_rating"])
    mean_is(pl.Series(given[False]), bad["usual_rating"])


def test_the_monitoring_sees_the_outages(shop: Path) -> None:
    outages = truth(shop, "service_outages")
    assert outages.height >= 3
    health = pl.concat(
        pl.read_csv(path, try_parse_dates=True)
        for path in simulated.files(shop, "erp/service_health")
    )
    days = (simulated.LONG_AS_OF - simulated.LONG_START).days  # the last week is not over
    assert health.group_by("metric").len()["len"].to_list() == [24 * days] * 2
    errors = health.filter(pl.col("metric") == "error_rate").with_columns(
        day=pl.col("hour_start").dt.date()
    )
    for row in outages.to_dicts():
        hit = errors.filter(pl.col("day").is_between(row["start_date"], row["end_date"]))
        assert hit["value"].mean() == pytest.approx(row["error_rate"] + 0.004, abs=0.001)
    usual = errors.filter(~inside(pl.col("day"), outages))
    assert usual["value"].is_between(0.002, 0.006).all()


# ---------------------------------------------------------------- money


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_console_shows_the_orders_but_on_the_planted_days(
    shop: Path, orders: dict[str, pl.DataFrame], platform: str
) -> None:
    told = rows(shop, f"{platform}/platform_daily", "report_date")
    paid = orders[platform].drop_nulls("paid")
    # who orders without a name is a buyer of his own
    buyer = pl.coalesce("buyer", "order")
    counted = paid.group_by(report_date=pl.col("paid").dt.date()).agg(
        due=pl.col("due").sum(), who=buyer.n_unique(), goods=pl.col("goods").sum()
    )
    back = simulated.refund_rows(shop, platform).drop_nulls("refunded_at")
    back = back.group_by(report_date=pl.col("refunded_at").dt.date()).agg(
        back=(pl.col("amount") * 100).round(0).cast(pl.Int64).sum()
    )
    both = told.join(counted, on="report_date", how="left").join(back, on="report_date", how="left")
    both = both.with_columns(pl.col("back").fill_null(0))
    assert both.height >= 457
    assert both.filter(
        (pl.col("who") != pl.col("buyers"))
        | (pl.col("goods") != pl.col("sub_orders"))
        | (pl.col("back") != pl.col("refund_amount"))
    ).is_empty()
    wrong = both.filter(pl.col("due") != pl.col("paid_amount"))
    planted = truth(shop, "console_errors").filter(pl.col("platform") == platform)
    assert wrong.sort("report_date")["report_date"].to_list() == planted["report_date"].to_list()
    assert len(planted) == (6 if platform == "tmall" else 0)
    for row in wrong.join(planted, on="report_date").to_dicts():
        assert row["paid_amount"] == round(row["due"] * row["factor"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_fees_follow_the_orders(
    shop: Path, orders: dict[str, pl.DataFrame], costs: dict[str, pl.DataFrame],
    parcels: dict[str, pl.DataFrame], platform: str,
) -> None:  # fmt: skip
    (fees,) = truth(shop, "fees").filter(pl.col("platform") == platform).to_dicts()
    booked = costs[platform]
    cost = {
        kind: booked.filter(pl.col("cost_type") == kind) for kind in booked["cost_type"].unique()
    }
    paid = orders[platform].filter(pl.col("paid").dt.date().is_between(simulated.LONG_START, LAST))
    first = cost["payment_fee"].join(paid, left_on="order_id", right_on="order")
    assert len(first) == len(paid)
    assert (first["booked_at"] == first["paid"]).all()
    low = pl.col("due") * fees["payment_fee"]  # postage is paid too, ten yuan at most
    assert first.filter(
        ~pl.col("amount").is_between(low - 1, low + 1000 * fees["payment_fee"] + 1)
    ).is_empty()
    freight = parcels[platform].group_by("order_id").agg(pl.col("cost").sum())
    sent = cost["freight"].join(freight, on="order_id")
    assert len(sent) == len(cost["freight"]) == len(freight)
    assert (sent["amount"] == sent["cost"]).all()
    if platform == "shopify":
        assert set(cost) == {"payment_fee", "freight"}
        return
    taken = cost["platform_fee"].filter(pl.col("amount") > 0)
    taken = taken.join(paid, left_on="order_id", right_on="order")
    assert len(taken) == len(paid)
    fee = taken["due"] * fees["platform_fee"]
    assert (taken["amount"] - fee).abs().max() <= 0.5 + 1e-6
    given = cost["platform_fee"].filter(pl.col("amount") < 0)
    back = simulated.refund_rows(shop, platform).drop_nulls("refunded_at")
    back = back.group_by("order_id", booked_at="refunded_at").agg(pl.col("amount").sum())
    known = back.join(paid, left_on="order_id", right_on="order")
    both = given.join(known, on=["order_id", "booked_at"], how="inner", suffix="_refunded")
    assert len(both) == len(given) == len(known) > 500
    gap = both["amount"] + both["amount_refunded"] * 100 * fees["platform_fee"]
    assert gap.abs().max() <= 0.5 + 1e-6


def test_creators_get_their_share_of_what_they_sold(
    shop: Path,
    lines: dict[str, pl.DataFrame],
    orders: dict[str, pl.DataFrame],
    costs: dict[str, pl.DataFrame],
) -> None:
    sessions = rows(shop, "tmall/live_sessions", "live_room_id")
    deals = truth(shop, "creators").with_columns(pl.col("slot_fee").cast(pl.String))
    theirs = sessions.filter(pl.col("kind") == "creator")
    assert theirs["host"].n_unique() == 3
    both = theirs.join(deals, on="host")
    assert (both["slot_fee"] == both["slot_fee_right"]).all()
    assert sessions.filter(pl.col("kind") == "own")["slot_fee"].null_count() > 100
    took = costs["tmall"].filter(pl.col("cost_type") == "creator_commission", pl.col("amount") > 0)
    at = lines["tmall"].unique("order").select("order", "at")
    mine = orders["tmall"].drop_nulls("paid").join(at, on="order")
    mine = mine.join(both, left_on=pl.col("at").dt.date(), right_on=pl.col("started_at").dt.date())
    on = mine.filter((pl.col("at") >= pl.col("started_at")) & (pl.col("at") < pl.col("ended_at")))
    sold = on.join(took, left_on="order", right_on="order_id")
    assert len(sold) == len(took)  # no commission outside a session
    near(len(sold), len(on), deals["order_share"][0])
    rate = sold["commission_rate"].cast(pl.Float64)
    assert (sold["amount"] - sold["due"] * rate).abs().max() <= 0.5 + 1e-6


def test_payouts_are_late_and_short_as_planted(
    shop: Path, lines: dict[str, pl.DataFrame], costs: dict[str, pl.DataFrame]
) -> None:
    (gaps,) = truth(shop, "settlement_gaps").to_dicts()
    paid = rows(shop, "tmall/settlements", "order_id", "entry_id")
    main = paid.filter(pl.col("entry_id") == 1)
    assert paid.filter(pl.col("entry_id") == 2)["due_amount"].max() < 0
    settled = main.drop_nulls("settled_at")
    short = settled.filter(pl.col("settled_amount") != pl.col("due_amount"))
    near(len(short), len(settled), gaps["short_share"])
    part = short["settled_amount"] / short["due_amount"]
    assert part.is_between(1 - gaps["short_part"] - 0.01, 1 - gaps["short_part"] + 0.01).all()
    waiting = main.filter(pl.col("settled_at").is_null())
    assert (waiting["settled_amount"] == 0).all()
    assert len(waiting) > 20
    # what the platform keeps is what it says it costs, where nothing was refunded
    fees = ("platform_fee", "payment_fee", "creator_commission")
    kept = costs["tmall"].filter(pl.col("cost_type").is_in(fees))
    kept = kept.group_by("order_id").agg(pl.col("amount").sum(), least=pl.col("amount").min())
    received = lines["tmall"].unique("order").select(order_id="order", cost="received")
    received = received.with_columns(simulated.cents("cost"))
    whole = main.join(kept.filter(pl.col("least") > 0), on="order_id").join(received, on="order_id")
    assert len(whole) > 5000
    assert (whole["due_amount"] == whole["cost"] - whole["amount"]).all()


# ---------------------------------------------------------------- members


def test_buyers_are_in_the_list_of_members(shop: Path, orders: dict[str, pl.DataFrame]) -> None:
    fraud = truth(shop, "fraud_orders")["order_id"].cast(pl.String).to_list()
    for platform in PLATFORMS:
        listed = rows(shop, f"{platform}/customers", "customer_id")
        assert listed["email"].str.contains(r"^(user|buyer)\d+@example\.com$").all()
        assert listed["name"].str.contains(r"^(Customer |收货人)\d+$").all()
        assert listed["birth_year"].cast(pl.Int64).is_between(1950, 2010).all()
        buyers = orders[platform].drop_nulls("buyer").filter(
            pl.col("day") < simulated.LONG_AS_OF, pl.col("day") >= simulated.LONG_START
        )  # fmt: skip
        first = buyers.group_by(customer_id="buyer").agg(
            pl.col("day").min(), pl.col("province").first()
        )
        both = first.join(listed, on="customer_id", how="left")
        if platform == "shopify":
            assert both["name"].null_count() == 0
        known = both.drop_nulls("name")
        assert len(known) > 4000
        assert (known["registered_at"].dt.date() <= known["day"]).all()
        # a ring has its parcels sent to one house, wherever its accounts say they live
        ring = orders[platform].filter(pl.col("order").cast(pl.String).is_in(fraud))["buyer"]
        home = known.filter(~pl.col("customer_id").is_in(ring.implode()))
        assert len(home) > 0.95 * len(known)
        assert (home["region"] == home["province"]).all()


def test_coupons_used_are_those_of_the_orders(shop: Path) -> None:
    used = rows(shop, "shopify/coupon_redemptions", "order_id")
    told = simulated.site_orders(shop)
    expected = {
        (name[1:], head["Email"], head["Discount Code"], head["Paid at"][:19])
        for name, (head, *_) in told.items()
        if head["Discount Code"] and head["Email"] and head["Paid at"]
        and "2025-03-01" <= head["Paid at"] < "2026-06-01"
    }  # fmt: skip
    stamps = used.with_columns(pl.col("redeemed_at").dt.strftime(simulated.STAMP))
    found = set(stamps.select("order_id", "customer_id", "coupon_id", "redeemed_at").iter_rows())
    assert found == expected
    assert len(found) > 3000


def test_the_first_sight_of_an_experiment_is_that_of_the_web_analytics(shop: Path) -> None:
    log = rows(shop, "shopify/exposures", "experiment", "visitor_id")
    assert set(log["experiment"]) == set(truth(shop, "experiments")["experiment_id"])
    told = simulated.sessions(shop, "20250[89]").drop_nulls("told").sort("at").with_columns(
        experiment=pl.col("told").list.get(0), variant=pl.col("told").list.get(1)
    )  # fmt: skip
    first = told.unique(["experiment", "visitor"], keep="first", maintain_order=True)
    (name,) = first["experiment"].unique()
    log = log.filter(pl.col("experiment") == name)
    both = log.join(first, left_on=["experiment", "visitor_id"], right_on=["experiment", "visitor"])
    assert len(both) == len(first) == len(log) > 10_000
    assert (both["variant"] == both["variant_right"]).all()
    assert (both["exposed_at"].dt.date() == both["day"]).all()


def test_campaign_members_joined_shortly_before(shop: Path) -> None:
    month = rows(shop, "shopify/campaign_members", "customer_id", "campaign_id")
    joined = rows(shop, "shopify/customers", "customer_id")
    both = month.join(joined, on="customer_id")
    assert len(both) == len(month)
    assert month["campaign_id"].n_unique() == 15 + 1  # June begins on the last day
    begin = pl.col("member_from").str.to_date()
    age = both.select((begin - pl.col("registered_at").dt.date()).dt.total_days()).to_series()
    assert age.is_between(1, 60).all()


# ---------------------------------------------------------------- plans


def test_plans_cover_every_month(shop: Path) -> None:
    plan = rows(shop, "erp/targets").with_columns(pl.col("value").cast(pl.Float64))
    month = plan.filter(pl.col("period") == "month")
    company = month.filter(pl.col("dimension").is_null())
    assert company["period_start"].n_unique() == len(company) == 16
    parts = month.drop_nulls("dimension").group_by("period_start").agg(pl.col("value").sum())
    both = company.join(parts, on="period_start")
    assert (both["value"] == both["value_right"]).all()
    days = plan.filter(pl.col("period") == "day")
    by_month = days.group_by(period_start=pl.col("period_start").dt.truncate("1mo")).agg(
        pl.col("value").sum(), pl.len()
    )
    assert by_month["len"].sum() == (date(2026, 7, 1) - date(2025, 3, 1)).days
    both = company.join(by_month, on="period_start")
    assert (both["value"] - both["value_right"]).abs().max() <= 16  # each day is rounded
    for stream, size in (("shopify/budgets", 6), ("erp/headcount", 5), ("erp/market_size", 7)):
        found = rows(shop, stream)
        column = "period_start" if "period_start" in found.columns else "month"
        assert found.group_by(column).len()["len"].to_list() == [size] * 16
    rates = rows(shop, "erp/fx_rates", "rate_date", "currency")
    assert set(rates["currency"]) == {"EUR", "USD"}
    assert rates["rate_date"].n_unique() == (date(2026, 6, 1) - date(2025, 3, 1)).days


def test_sales_come_near_the_plan(shop: Path, orders: dict[str, pl.DataFrame]) -> None:
    plan = rows(shop, "erp/targets").filter(
        pl.col("period") == "month", pl.col("dimension").is_null()
    )
    sold = pl.concat(mine.drop_nulls("paid").select("paid", "due") for mine in orders.values())
    made = sold.group_by(period_start=pl.col("paid").dt.truncate("1mo").dt.date()).agg(
        gmv=pl.col("due").sum() / 100
    )
    both = plan.join(made, on="period_start").filter(pl.col("period_start") < date(2026, 6, 1))
    share = both["gmv"] / both["value"].cast(pl.Float64)
    assert len(share) == 15
    assert 0.9 < share.median() < 1.1
    assert share.is_between(0.7, 1.3).all()


# ---------------------------------------------------------------- files


def test_a_day_added_later_is_the_same_day(tmp_path: Path) -> None:
    """The world that is drawn for one day more begins long after the data do."""

    def run(root: Path, *days: date) -> dict[str, bytes]:
        for day in days:
            simulate(root, start=date(2025, 11, 1), history_until=date(2026, 9, 13), as_of=day,
                     scale=0.04)  # fmt: skip
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.csv")}

    at_once = run(tmp_path / "once", date(2026, 9, 20))
    # a Saturday, then the Sunday with the files of the week
    grown = run(tmp_path / "grown", date(2026, 9, 13), date(2026, 9, 19), date(2026, 9, 20))
    assert grown.keys() == at_once.keys()
    assert [name for name in grown if grown[name] != at_once[name]] == []


def test_ten_days_always_hold_a_late_file() -> None:
    for shift in range(30):
        as_of = date(2026, 11, 1) + timedelta(days=shift)
        until = as_of - timedelta(days=10)
        made = exports(date(2026, 9, 1), until, as_of, ())
        late = [item for item in made if item.path.name.endswith("013000.csv")]
        assert {(item.folder, item.stream) for item in late} == {("meta_ads", "campaigns")}
        assert len(late) in {1, 2}


def test_late_files_are_those_of_the_truth(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = simulated.autumn(tmp_path_factory)
    planted = {root / "inbox" / name for name in truth(root, "late_files")["file"]}
    daily = [path for path in (root / "inbox").rglob("*_202611*_*.csv") if "-" not in path.name]
    late = {path for path in daily if path.name.endswith("_013000.csv") or "013000" in path.name}
    assert planted <= late
    others = {path for path in late - planted if "rder" not in path.name}
    assert others == set()
    assert planted
