"""After-sales counted a second time, in polars from the deliveries: every cell is the same.

The reference shares no SQL with the marts and knows nothing of their steps. The deliveries are
plain on purpose (an order has one line, all are in one currency): versions, names and currencies
are for other tests.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from tests.support.raw import PROJECT, read, run_dbt, write_raw

FIRST, DAYS, LADDER = date(2026, 1, 1), 200, 90
ZONE = timedelta(hours=8)
DAY_OF = ("platform", "business_date")


def deliveries(seed: int) -> dict[str, pl.DataFrame]:
    """Orders of two platforms over 200 days, one of which tells neither tickets nor reviews."""
    random = Random(seed)
    orders, items, refunds, tickets, reviews = [], [], [], [], []
    end = datetime.combine(FIRST, datetime.min.time()) + timedelta(days=DAYS) - ZONE
    for number in range(900):
        platform = random.choice(["tmall", "site"])
        key = {"source": platform, "order_id": f"{platform}{number}"}
        paid = end - timedelta(seconds=random.random() * DAYS * 86400)
        amount, pieces = random.randint(1, 90000) / 100, random.randint(1, 4)
        is_paid = random.random() < 0.95
        orders.append(
            key | {"platform": platform, "shop_id": "s", "ordered_at": paid, "currency": "CNY",
                   "paid_at": paid if is_paid else None, "order_amount": amount,
                   "status": "completed" if is_paid and random.random() < 0.7 else "unpaid"
                   if not is_paid else "paid"}
        )  # fmt: skip
        items.append(
            key | {"line_number": 1, "product_id": "p", "quantity": pieces, "is_goods": True,
                   "is_gift": False, "unit_price": amount / pieces}
        )  # fmt: skip
        for part in (0.2, 0.45):
            if random.random() > 0.25:
                continue
            back = paid + timedelta(days=random.choice([0, 1, 5, 20, 60, 95]) * random.random())
            if back < end:
                refunds.append(
                    key | {"refund_id": f"r{len(refunds)}", "refunded_at": back,
                           "amount": round(amount * part, 2),
                           "kind": random.choice(["return", "refund_only"]),
                           "reason": random.choice(["质量问题", "不想要了", None]),
                           "quantity": random.choice([1, 1, 1, None]), "status": "succeeded"}
                )  # fmt: skip
                refunds[-1]["goods_amount"] = refunds[-1]["amount"]
        if platform == "tmall" and random.random() < 0.3:
            told = paid + timedelta(hours=random.randint(1, 900))
            tickets.append(
                {**key, "ticket_id": f"t{number}", "kind": "x", "opened_at": told,
                 "first_response_at": told + timedelta(minutes=random.randint(1, 99)),
                 "csat": random.choice([None, 1.0, 4.5])}
            )  # fmt: skip
            reviews.append(
                {**key, "review_id": f"v{number}", "product_id": "p", "reviewed_at": told,
                 "rating": random.choice([1.0, 2.0, 5.0])}
            )  # fmt: skip
    frames = {"orders": orders, "order_items": items, "refunds": refunds, "tickets": tickets,
              "reviews": reviews}  # fmt: skip
    return {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in frames.items()}


def local(column: str) -> pl.Expr:
    return (pl.col(column) + ZONE).dt.date()


def cohorts(raw: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Days of payment with their orders, and refunds with age in days and the day of payment."""
    paid = raw["orders"].filter(pl.col("paid_at").is_not_null()).with_columns(
        business_date=local("paid_at")
    )  # fmt: skip
    days = paid.group_by(DAY_OF).agg(orders=pl.len(), gmv=pl.col("order_amount").sum())
    back = raw["refunds"].join(
        paid.select("order_id", "platform", "business_date"), on="order_id"
    )  # fmt: skip
    age = (local("refunded_at") - pl.col("business_date")).dt.total_days()
    return days, back.with_columns(age=age)


def expected(raw: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Of each day of payment what went back, and what will by the ladder, day after day by hand."""
    days, back = cohorts(raw)
    out = []
    for (platform,), mine in days.group_by("platform"):
        gone = back.filter(pl.col("platform") == platform)
        last = max(mine["business_date"].max(), gone.select(local("refunded_at")).to_series().max())
        ages = mine.with_columns(reached=(last - pl.col("business_date")).dt.total_days())
        rate, unit, fixed = {}, {}, {}
        for age in range(LADDER + 1):
            seen = ages.filter(pl.col("reached") >= age).join(
                gone.filter(pl.col("age") == age).group_by("business_date").agg(
                    x=pl.col("goods_amount").sum()),
                on="business_date", how="left").with_columns(pl.col("x").fill_null(0))  # fmt: skip
            g, x = seen["gmv"].to_numpy(), seen["x"].to_numpy()
            rate[age] = x.sum() / g.sum()
            # the scatter of x around its part of g, for a unit of g
            unit[age] = (((x - rate[age] * g) ** 2) / g).sum() / (len(g) - 1)
            fixed[age] = unit[age] / g.sum()
        for row in ages.iter_rows(named=True):
            goods = gone.filter(pl.col("business_date") == row["business_date"])
            later = [age for age in range(LADDER + 1) if age > row["reached"]]
            so_far = goods["goods_amount"].sum() / row["gmv"]
            to_come = sum(rate[age] for age in later)
            error = sum(unit[age] / row["gmv"] + fixed[age] for age in later) ** 0.5
            out.append({
                "platform": platform, "business_date": row["business_date"],
                "orders": row["orders"], "gmv": row["gmv"],
                "refunded_orders": goods["order_id"].n_unique(),
                "quality_refund_orders":
                    goods.filter(pl.col("reason") == "质量问题")["order_id"].n_unique(),
                "refund_amount_rate": so_far, "expected_final_refund_rate": so_far + to_come,
                "expected_lower_rate": so_far + max(to_come - 1.645 * error, 0.0),
                "expected_upper_rate": so_far + to_come + 1.645 * error,
                "expected_net_sales": row["gmv"] * (1 - so_far - to_come),
            })  # fmt: skip
    return pl.DataFrame(out).sort("platform", "business_date")


def service(raw: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Of each day of tickets their number, minutes to the answer and satisfaction; and stars."""
    wait = (pl.col("first_response_at") - pl.col("opened_at")).dt.total_seconds()
    asked = raw["tickets"].group_by(business_date=local("opened_at")).agg(
        tickets=pl.len(), csat=pl.col("csat").sum(), rated=pl.col("csat").count(),
        hours=wait.sum() / 3600)  # fmt: skip
    stars = raw["reviews"].group_by(business_date=local("reviewed_at")).agg(
        bad=(pl.col("rating") <= 2).sum(), mean=pl.col("rating").mean())  # fmt: skip
    return asked.join(stars, on="business_date", how="full", coalesce=True).sort("business_date")


@pytest.mark.long
def test_every_cell_is_counted_twice(tmp_path: Path) -> None:
    raw, file = deliveries(5), tmp_path / "working.duckdb"
    write_raw(file, raw)
    run_dbt(PROJECT, file, "build", "--full-refresh", "--exclude-resource-type", "test",
            "unit_test", "--select", "+fct_after_sales_daily")  # fmt: skip
    wanted = expected(raw)
    columns = ", ".join(f"cast({c} as double) as {c}" for c in wanted.columns[2:])
    found = read(
        file,
        f"select platform, business_date, {columns} from marts.fct_after_sales_daily"
        " where date_basis = 'order_date' and dimension = 'all' order by 1, 2",
    )
    assert len(found) == len(wanted) > 300
    assert found.select(DAY_OF).equals(wanted.select(DAY_OF))
    for name in wanted.columns[2:]:
        assert found[name].to_list() == pytest.approx(wanted[name].to_list(), abs=0.006
               if name == "expected_net_sales" else 1e-6), name  # fmt: skip
    told = read(
        file,
        "select business_date, tickets, csat_total as csat, rated_tickets as rated,"
        " first_response_hours as hours, bad_reviews as bad, mean_rating as mean"
        " from marts.fct_after_sales_daily where date_basis = 'event_date' and platform = 'tmall'"
        " and dimension = 'all'"
        " and tickets > 0 order by 1",
    )
    again = service(raw).filter(pl.col("tickets") > 0)
    assert told["business_date"].to_list() == again["business_date"].to_list()
    for name in ("tickets", "rated", "hours", "bad", "mean"):
        assert told[name].to_list() == pytest.approx(again[name].to_list()), name
    assert told["csat"].fill_null(0).to_list() == pytest.approx(again["csat"].to_list())
    # who tells neither is not told to have none
    silent = read(file, "select count(tickets) + count(reviews) from marts.fct_after_sales_daily"
                  " where platform = 'site'")  # fmt: skip
    assert silent.item() == 0
