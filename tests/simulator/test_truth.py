"""What the demo company's truth files say is found in its exports by counting them anew."""

from __future__ import annotations

from datetime import date, timedelta
from math import sqrt
from pathlib import Path

import polars as pl
import pytest

from simulator.calendar import is_ordinary
from simulator.run import simulate
from tests.support import simulated
from tests.support.simulated import truth

REPEAT_DAYS = 90


def days_of(row: dict) -> list[date]:
    return pl.date_range(row["start_date"], row["end_date"], eager=True).to_list()


def usual_days(row: dict, incidents: pl.DataFrame) -> list[date]:
    """Ordinary days within five weeks on which nothing was planted on the platform."""
    mine = incidents.filter(pl.col("platform") == row["platform"]).to_dicts()
    taken = {day for item in mine for day in days_of(item)}
    around = [row["start_date"] + timedelta(days=i) for i in range(-35, 40)]
    inside = [d for d in around if simulated.LONG_START <= d < simulated.LONG_AS_OF]
    return [day for day in inside if is_ordinary(day) and day not in taken]


def around(
    frame: pl.DataFrame, row: dict, incidents: pl.DataFrame, column: str = "day"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the days that an incident hit, and of usual ones."""
    spans = days_of(row), usual_days(row, incidents)
    hit, usual = (frame.filter(pl.col(column).is_in(days)) for days in spans)
    return hit, usual


def parted(frame: pl.DataFrame, is_one: pl.Expr) -> tuple[int, int]:
    """Number of rows of one kind and of the others."""
    one = frame.filter(is_one).height
    return one, frame.height - one


def of_kind(incidents: pl.DataFrame, kind: str, platform: str) -> list[dict]:
    rows = incidents.filter(kind=kind, platform=platform)
    assert len(rows), f"no {kind} on {platform} in the window"
    return rows.to_dicts()


def ratio_holds(hit: tuple[int, int], usual: tuple[int, int], factor: float) -> None:
    """Two shares (successes, trials) are in the ratio `factor` within three standard errors."""
    share = usual[0] / usual[1]
    spread = sqrt(hit[1] * share * factor + (hit[1] * factor / usual[1]) ** 2 * usual[0])
    assert abs(hit[0] - hit[1] * share * factor) <= 3 * spread + 1, (hit, usual, factor)


# ---------------------------------------------------------------- incidents


@pytest.mark.parametrize(
    ("kind", "column"), [("broken_checkout", "device"), ("region_outage", "region")]
)
def test_conversion_of_the_hit_segment_falls(
    sessions: pl.DataFrame, incidents: pl.DataFrame, kind: str, column: str
) -> None:
    for row in incidents.filter(kind=kind, platform="shopify").to_dicts():
        mine = sessions.filter(pl.col(column) == row["segment"])
        hit, usual = ((part["bought"].sum(), len(part)) for part in around(mine, row, incidents))
        ratio_holds(hit, usual, row["factor"])


def test_orders_of_a_region_fall_on_tmall(
    lines: dict[str, pl.DataFrame], incidents: pl.DataFrame
) -> None:
    orders = lines["tmall"].unique("order").drop_nulls("province")
    for row in incidents.filter(kind="region_outage", platform="tmall").to_dicts():
        mine = pl.col("province") == row["segment"]
        hit, usual = (parted(part, mine) for part in around(orders, row, incidents))
        ratio_holds(hit, usual, row["factor"])


@pytest.mark.parametrize("platform", ["shopify", "tmall"])
def test_payments_fail(
    lines: dict[str, pl.DataFrame], incidents: pl.DataFrame, platform: str
) -> None:
    orders = lines[platform].unique("order")
    for row in of_kind(incidents, "payment_outage", platform):
        parts = around(orders, row, incidents)
        hit, usual = ((part["paid"].count(), len(part)) for part in parts)
        ratio_holds(hit, usual, row["factor"])


@pytest.mark.parametrize("kind", ["traffic_source_out", "campaign_paused", "bot_traffic"])
def test_visits_of_the_hit_channel_change(
    sessions: pl.DataFrame, incidents: pl.DataFrame, kind: str
) -> None:
    for row in of_kind(incidents, kind, "shopify"):
        # relative to the other channels, whose day it is too
        mine = pl.col("channel") == row["segment"]
        hit, usual = (parted(part, mine) for part in around(sessions, row, incidents))
        ratio_holds(hit, usual, row["factor"])


def test_a_sold_out_product_is_on_no_order(
    lines: dict[str, pl.DataFrame], incidents: pl.DataFrame
) -> None:
    for row in of_kind(incidents, "stock_out", "shopify"):
        mine = lines["shopify"].filter(pl.col("sku") == row["segment"])
        hit, usual = days_of(row), usual_days(row, incidents)
        assert mine.filter(pl.col("day").is_in(hit)).is_empty()
        expected = mine.filter(pl.col("day").is_in(usual)).height / len(usual) * len(hit)
        assert expected > 9  # a best seller: by chance this happens once in e^9


@pytest.mark.parametrize("platform", ["shopify", "tmall"])
def test_prices_and_coupons_err(
    lines: dict[str, pl.DataFrame], incidents: pl.DataFrame, platform: str
) -> None:
    mine = lines[platform]
    for row in incidents.filter(kind="price_error", platform=platform).to_dicts():
        sold = mine.filter(pl.col("sku") == row["segment"])
        wrong = sold.filter(pl.col("day").is_in(days_of(row)))["price"].unique().to_list()
        before = sold.filter(pl.col("day") == row["start_date"] - timedelta(days=1))["price"]
        near = sold.filter(pl.col("day") < row["start_date"]).sort("day")["price"][-1]
        assert wrong == [pytest.approx(near * row["factor"], abs=0.05)]
        assert set(before) <= {near}
    for row in of_kind(incidents, "coupon_error", platform):
        orders = mine.group_by("order", "day", "due").agg(
            goods=(pl.col("price") * pl.col("quantity")).sum()
        )
        kept = orders.with_columns(kept=pl.col("due") / pl.col("goods"))
        hit, usual = (part["kept"] for part in around(kept, row, incidents))
        error = sqrt(hit.var() / len(hit) + usual.var() / len(usual) * row["factor"] ** 2)
        assert abs(hit.mean() - usual.mean() * row["factor"]) < 3 * error + 0.002


def test_orders_are_submitted_twice(
    lines: dict[str, pl.DataFrame], incidents: pl.DataFrame
) -> None:
    orders = lines["shopify"].unique("order").drop_nulls("buyer").drop_nulls("paid")
    for row in of_kind(incidents, "double_submission", "shopify"):
        parts = around(orders, row, incidents)
        (orders_hit, buyers), (orders_usual, usually) = (
            (len(part), part.select("day", "buyer").n_unique()) for part in parts
        )
        expected = orders_usual / usually * row["factor"]
        second = expected - 1.0
        assert abs(orders_hit / buyers - expected) < 3 * sqrt(second * (1 - second) / buyers)


@pytest.mark.parametrize("platform", ["shopify", "tmall"])
def test_a_wave_of_refunds_takes_a_product_back(
    shop: Path, lines: dict[str, pl.DataFrame], incidents: pl.DataFrame, platform: str
) -> None:
    refunds = simulated.refund_rows(shop, platform).drop_nulls("refunded_at")
    on = pl.col("refunded_at").dt.date()
    for row in of_kind(incidents, "refund_wave", platform):
        first = row["start_date"]
        paid = pl.col("paid").dt.date()
        exposed = (
            lines[platform]
            .filter(pl.col("sku") == row["segment"])
            .filter(paid.is_between(first - timedelta(days=16), first - timedelta(days=5)))
        )
        back = refunds.filter(
            (pl.col("product_id") == row["segment"]) & on.is_in(days_of(row))
        ).filter(pl.col("order_id").is_in(exposed["order"].to_list()))
        count, share = exposed["order"].n_unique(), 0.068 * row["factor"]
        assert abs(len(back) - count * share) <= 3 * sqrt(count * share * (1 - share)) + 1


def test_tracking_is_lost_while_orders_are_not(
    sessions: pl.DataFrame, lines: dict[str, pl.DataFrame], incidents: pl.DataFrame
) -> None:
    orders = lines["shopify"].unique("order")
    for row in of_kind(incidents, "lost_tracking", "shopify"):
        hit, usual = days_of(row), usual_days(row, incidents)
        visits = [sessions.filter(pl.col("day").is_in(days)).height for days in (hit, usual)]
        bought = [orders.filter(pl.col("day").is_in(days)).height for days in (hit, usual)]
        share = (visits[0] / len(hit)) / (visits[1] / len(usual))
        assert share == pytest.approx(row["factor"], rel=0.15)  # days differ by a few percent
        assert bought[0] / len(hit) > 0.6 * bought[1] / len(usual)


def test_traffic_sources_fail_on_tmall(shop: Path, incidents: pl.DataFrame) -> None:
    path = shop / "inbox/tmall"
    frames = [pl.read_csv(file, try_parse_dates=True) for file in path.glob("traffic_sources_*")]
    by_source = pl.concat(frames)
    for kind in ("traffic_source_out", "campaign_paused"):
        for row in of_kind(incidents, kind, "tmall"):
            mine = by_source.filter(pl.col("流量来源") == row["segment"])
            hit, usual = (part["访客数"] for part in around(mine, row, incidents, "统计日期"))
            error = 3 * usual.std() / usual.mean() / sqrt(len(days_of(row)))
            assert hit.mean() / usual.mean() == pytest.approx(row["factor"], rel=error)


# ---------------------------------------------------------------- customers and channels


@pytest.fixture(scope="module")
def customers(shop: Path, sessions: pl.DataFrame, lines: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """First paid order of each customer: buyer, first, second day, channel of the first visit."""
    orders = lines["shopify"].unique("order").drop_nulls(["buyer", "paid"])
    fraud = truth(shop, "fraud_orders").select(order=pl.col("order_id").cast(pl.String))
    orders = orders.join(fraud, on="order", how="anti").with_columns(on=pl.col("paid").dt.date())
    origin = sessions.group_by("visitor").agg(
        pl.col("channel").first(),
        since=pl.col("day").first(),
        orders=pl.col("orders").list.explode(keep_nulls=False, empty_as_null=False),
    )
    acquired = origin.explode("orders").drop_nulls("orders").rename({"orders": "order"})
    buyers = (
        orders.join(acquired, on="order", how="left")
        .sort("paid")
        .group_by("buyer", maintain_order=True)
        .agg(
            first=pl.col("on").first(),
            later=pl.col("on").unique().sort().slice(1).first(),
            channel=pl.col("channel").drop_nulls().first(),
            since=pl.col("since").drop_nulls().first(),
            dues=pl.col("due"),
        )
    )
    # whoever was a customer before the window cannot be told from a new one by orders alone;
    # e-mail addresses carry the day of the first visit
    born = pl.col("buyer").str.extract(r"user(\d+)@").cast(pl.Int64) // 1_000_000
    joined = pl.date(2020, 1, 1) + pl.duration(days=born)
    return buyers.filter(joined >= simulated.LONG_START).drop_nulls("channel")


def test_repeat_rates_differ_as_planted(shop: Path, customers: pl.DataFrame) -> None:
    window = simulated.LONG_AS_OF - timedelta(days=REPEAT_DAYS)
    old = customers.filter(pl.col("first") <= window)
    back = (pl.col("later") - pl.col("first")).dt.total_days() <= REPEAT_DAYS
    found = old.group_by("channel").agg(n=pl.len(), back=back.fill_null(False).sum())
    planted = dict(truth(shop, "repeat_rates").iter_rows())
    assert planted["email"] > planted["organic_search"] > 2 * planted["paid_social"]
    assert found["channel"].n_unique() == len(planted) == 8
    for channel, count, came in found.iter_rows():
        chance = planted[channel]
        assert abs(came - count * chance) <= 3 * sqrt(count * chance * (1 - chance)), channel


def test_channels_win_customers_by_their_weight(
    shop: Path, sessions: pl.DataFrame, customers: pl.DataFrame
) -> None:
    weights = truth(shop, "channel_weights")
    first = sessions.unique("visitor", keep="first", maintain_order=True)
    first = first.filter(pl.col("day") > simulated.LONG_START + timedelta(days=60))
    visits = dict(first.group_by("channel").len().iter_rows())
    won = dict(
        customers.filter(pl.col("since") > simulated.LONG_START + timedelta(days=60))
        .group_by("channel")
        .len()
        .iter_rows()
    )
    rates = {name: won[name] / visits[name] for name in won}
    planted = dict(weights.select("channel", "conversion_weight").iter_rows())
    for name, rate in rates.items():
        expected = planted[name] / planted["organic_search"] * rates["organic_search"]
        error = sqrt(1 / won[name] + 1 / won["organic_search"])
        assert rate == pytest.approx(expected, rel=3 * error), name


def test_baskets_are_those_of_the_acquiring_channel(shop: Path, customers: pl.DataFrame) -> None:
    planted = dict(truth(shop, "channel_weights").select("channel", "aov_weight").iter_rows())
    dues = customers.explode("dues").group_by("channel").agg(
        mean=pl.col("dues").mean(), error=pl.col("dues").std() / pl.len().sqrt()
    )  # fmt: skip
    by = {name: (mean, error) for name, mean, error in dues.iter_rows()}
    base, base_error = by["organic_search"]
    for name, (mean, error) in by.items():
        ratio = mean / base
        spread = ratio * sqrt((error / mean) ** 2 + (base_error / base) ** 2)
        assert abs(ratio - planted[name]) < 3 * spread + 0.02, name  # discounts have steps


def test_the_treatment_lifts_conversion(shop: Path, sessions: pl.DataFrame) -> None:
    exposed = sessions.drop_nulls("told").with_columns(
        experiment=pl.col("told").list.get(0), variant=pl.col("told").list.get(1)
    )
    runs = truth(shop, "experiments")
    assert set(exposed["experiment"]) == set(runs["experiment_id"])
    for row in runs.to_dicts():
        mine = exposed.filter(pl.col("experiment") == row["experiment_id"])
        span = (mine["day"].min(), mine["day"].max())
        last = min(row["end_date"], date(2026, 5, 31))
        assert span == (max(row["start_date"], simulated.LONG_START), last)
        assert mine.group_by("visitor").agg(pl.col("variant").n_unique())["variant"].max() == 1
        arms = {
            name: (
                part["visitor"].n_unique(),
                part["orders"].drop_nulls().list.len().sum(),
            )
            for (name,), part in mine.group_by("variant")
        }
        (people, bought), (others, usual) = arms["treatment"], arms["control"]
        assert people / (people + others) == pytest.approx(0.5, abs=3 * 0.5 / sqrt(people + others))
        lift = (bought / people) / (usual / others)
        error = lift * sqrt(1 / bought + 1 / usual)
        assert abs(lift - 1 - row["lift"]) < 3 * error
        assert row["lift"] == 0 or lift - 1 > 2 * error  # it can be seen


# ---------------------------------------------------------------- refunds and fraud


def test_refund_lags_are_those_of_their_kind(
    shop: Path, lines: dict[str, pl.DataFrame], incidents: pl.DataFrame
) -> None:
    waves = incidents.filter(kind="refund_wave").to_dicts()
    wave_days = {day for row in waves for day in days_of(row)}
    found = pl.concat(
        simulated.refund_rows(shop, platform)
        .drop_nulls("refunded_at")
        .join(mine.unique("order"), left_on="order_id", right_on="order")
        .select("kind", "refunded_at", "paid")
        for platform, mine in lines.items()
    ).filter(
        ~pl.col("refunded_at").dt.date().is_in(list(wave_days)),
        pl.col("paid") < pl.lit(simulated.LONG_AS_OF) - pl.duration(days=60),
    )
    lag = (pl.col("refunded_at") - pl.col("paid")).dt.total_seconds() / 86400
    found = found.with_columns(lag=lag)
    planted = truth(shop, "refund_lags")
    by = {(row["kind"], row["stage"]): row for row in planted.to_dicts()}
    before = by["refund_only", "before_shipping"]
    after = by["refund_only", "after_shipping"]
    back = by["return", "after_shipping"]
    only = found.filter(pl.col("kind") == "refund_only")["lag"]
    returned = found.filter(pl.col("kind") == "return")["lag"]
    assert only.min() >= before["shortest_days"] - 1e-3
    assert only.max() <= after["longest_days"] + 1e-3
    assert returned.min() >= back["shortest_days"] - 1e-3
    assert returned.max() <= back["tail_longest_days"] + 1e-3
    # the ways do not meet between 3.5 and 28 to 41 days, so they can be told apart
    early = only.filter(only < before["longest_days"])
    for lags, row in ((early, before), (only.filter(only >= 3.5), after), (returned, back)):
        assert abs(lags.mean() - row["mean_days"]) < 3 * lags.std() / sqrt(len(lags))
    share = before["share"] / (before["share"] + after["share"])
    error = 3 * sqrt(share * (1 - share) / len(only))
    assert len(early) / len(only) == pytest.approx(share, abs=error)
    late = (returned > 40).sum() / len(returned)
    tail = back["tail_share"]
    assert late == pytest.approx(tail, abs=3 * sqrt(tail * (1 - tail) / len(returned)))


def test_the_ring_orders_big_from_one_house_and_takes_it_back(
    shop: Path, lines: dict[str, pl.DataFrame]
) -> None:
    fraud = truth(shop, "fraud_orders").with_columns(pl.col("order_id").cast(pl.String))
    assert set(fraud["ring"]) == {"spring_2025", "spring_2026"}
    orders = lines["shopify"].unique("order")
    refunds = simulated.refund_rows(shop, "shopify").drop_nulls("refunded_at")
    refunded = set(refunds["order_id"])
    assert set(fraud.filter("is_refunded")["order_id"]) == refunded & set(fraud["order_id"])
    for (_,), ring in fraud.group_by("ring"):
        mine = orders.join(ring, left_on="order", right_on="order_id")
        assert 20 <= len(mine) == len(ring) <= 35
        assert mine["buyer"].n_unique() == 5
        assert mine["address"].n_unique() == 1
        others = orders.join(ring, left_on="order", right_on="order_id", how="anti")
        assert mine["due"].mean() > 2 * others["due"].mean()
        paid = mine.drop_nulls("paid")
        assert len(refunded & set(paid["order"])) / len(paid) > 0.5
        accounts = others.group_by("address").agg(pl.col("buyer").n_unique())
        assert accounts["buyer"].max() < 15  # houses of honest customers are shared by chance


def test_the_truth_is_the_same_day_by_day_and_at_once(tmp_path: Path) -> None:
    def truths(name: str, *days: date) -> dict[str, bytes]:
        for day in days:
            simulate(tmp_path / name, start=date(2026, 2, 1), history_until=date(2026, 2, 28),
                     as_of=day, scale=0.02)  # fmt: skip
        return {path.name: path.read_bytes() for path in (tmp_path / name / "truth").iterdir()}

    at_once = truths("once", date(2026, 4, 20))
    grown = truths("grown", date(2026, 3, 20), date(2026, 3, 21), date(2026, 4, 20))
    assert grown == at_once
    assert at_once["fraud_orders.csv"].count(b"\n") > 20
    assert b"NaN" not in at_once["repeat_rates.csv"]
    behind = truths("once", date(2026, 3, 20))  # asking for an earlier day takes nothing away
    assert behind == at_once
