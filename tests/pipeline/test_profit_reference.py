"""Profit counted a second time, in plain loops from the deliveries: every cell is the same.

The reference follows METRICS.md 13 and the descriptions of the tables, and shares no SQL with them.
Among the deliveries: costs of orders that nobody knows, orders without costs, lines without one,
dollars, bookings corrected by a later file, refunds months later, of one product or of none, gifts,
advertising on days without sales, platforms that tell no costs at all.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from tests.support.raw import PROJECT, read, run_dbt, write_raw

FIRST, DAYS = date(2026, 1, 1), 60
ZONE = timedelta(hours=8)
DOLLAR = 7
RATES = {3: 6.9, 20: 7.25}  # of the dollar on these days
REQUIRED = ("platform_fee", "payment_fee", "creator_commission", "freight", "freight_insurance")
OPTIONAL = ("agency_fee", "packaging", "tax")
TELLS = {
    "tmall": (*REQUIRED, "packaging"),
    "site": ("payment_fee", "freight", "tax"),
    "pos": (),
}
# shares of sales that shop.yml tells: platform, category, kind, rate
SHARES = [
    ("tmall", "(all)", "goods_cost", 0.4), ("tmall", "(all)", "freight", 0.031),
    ("site", "(all)", "platform_fee", 0.03), ("site", "bags", "platform_fee", 0.08),
    ("site", "(all)", "creator_commission", 0.0), ("site", "(all)", "freight_insurance", 0.0),
    ("pos", "(all)", "payment_fee", 0.006),
]  # fmt: skip
GOODS = {"p1": "hats", "p2": "bags", "p3": None}
Cell = tuple[date, str, str, str]


def instant(day: int, hour: int = 12) -> datetime:
    """An instant, UTC, of a day of the reporting zone."""
    return datetime(2026, 1, 1, hour) - ZONE + timedelta(days=day)


def deliveries(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Rows by feed, money in whole cents."""
    random, found = Random(seed), defaultdict(list)
    for number in range(DAYS * 6):
        day, platform = number // 6, ("tmall", "site", "pos")[number % 3]
        order = {"source": platform, "order_id": f"{platform}{number}"}
        is_foreign = platform == "site" and random.random() < 0.2
        is_paid = number % 6 < 3 or random.random() < 0.9  # each platform sells every day
        lines = []
        for line in range(1 if is_foreign else random.randint(1, 3)):
            product, is_gift = random.choice([*GOODS]), line > 0 and random.random() < 0.1
            lines.append(
                order | {"line_number": line + 1, "product_id": product, "is_gift": is_gift,
                         "category": GOODS[product], "cents": random.randint(100, 20000),
                         "cost_cents": random.choice([None, *range(50, 5000, 7)])
                         if random.random() < 0.5 else random.randint(50, 5000)}
            )  # fmt: skip
        found["lines"] += lines
        worth = sum(0 if line["is_gift"] else line["cents"] for line in lines)
        off = 0 if is_foreign else random.choice([0, 0, worth // 7])
        found["orders"].append(
            order | {"day": day, "platform": platform, "shop_id": f"{platform}-{number % 2}",
                     "is_paid": is_paid, "is_foreign": is_foreign, "cents": worth - off,
                     "borne_cents": 0 if is_foreign else random.choice([0, 0, 333])}
        )  # fmt: skip
        for later in (3, 31):
            if day + later < DAYS and not is_foreign and random.random() < 0.25:
                named = random.choice([None, *lines])
                found["refunds"].append(
                    order | {"day": day + later, "cents": int((worth - off) * 0.45),
                             "product_id": named and named["product_id"],
                             "is_granted": random.random() < 0.9}
                )  # fmt: skip
        for kind in random.sample(TELLS[platform], random.randint(0, len(TELLS[platform]))):
            booked = order | {
                "cost_type": kind,
                "day": day + random.randint(0, 2),
                "cents": random.randint(-100, 900),
                "version": 1,
                "currency": random.choice([None, "USD"]) if is_foreign else None,
            }
            found["costs"].append(booked)
            if random.random() < 0.2:
                found["costs"].append(booked | {"cents": booked["cents"] + 50, "version": 2})
    found["costs"].append({"source": "tmall", "order_id": "nobody", "cost_type": "freight",
                           "day": 9, "cents": 700, "version": 1, "currency": None})  # fmt: skip
    for day in range(2, DAYS - 3):
        for platform, shop in (("tmall", None), ("site", "site-1"), ("site", "site-9")):
            if random.random() < 0.7:
                found["spend"].append({"source": platform, "platform": platform, "shop_id": shop,
                                       "day": day, "cents": random.randint(0, 9000)})  # fmt: skip
    return found


def landed(rows: dict[str, list[dict[str, Any]]]) -> dict[str, pl.DataFrame]:
    """The same as landing holds it: amounts of orders converted, of their lines and costs not."""
    named = ("source", "order_id")
    orders = [
        {key: row[key] for key in (*named, "platform", "shop_id")}
        | {"ordered_at": instant(row["day"]), "paid_at": instant(row["day"], 13)
           if row["is_paid"] else None, "status": "paid" if row["is_paid"] else "unpaid",
           "currency": "USD" if row["is_foreign"] else "CNY",
           "order_amount": row["cents"] / 100 * (DOLLAR if row["is_foreign"] else 1),
           "original_amount": row["cents"] / 100, "platform_discount": row["borne_cents"] / 100,
           "exchange_rate": DOLLAR if row["is_foreign"] else 1}
        for row in rows["orders"]
    ]  # fmt: skip
    lines = [
        {key: row[key] for key in (*named, "line_number", "product_id", "category", "is_gift")}
        | {"quantity": 1, "is_goods": True, "unit_price": row["cents"] / 100,
           "cost_amount": None if row["cost_cents"] is None else row["cost_cents"] / 100}
        for row in rows["lines"]
    ]  # fmt: skip
    refunds = [
        {key: row[key] for key in (*named, "product_id")}
        | {"refund_id": f"r{number}", "refunded_at": instant(row["day"]), "kind": "return",
           "amount": row["cents"] / 100, "goods_amount": row["cents"] / 100,
           "status": "succeeded" if row["is_granted"] else "rejected"}
        for number, row in enumerate(rows["refunds"])
    ]  # fmt: skip
    costs = [
        {key: row[key] for key in (*named, "cost_type", "currency")}
        | {"booked_at": instant(row["day"]), "amount": row["cents"] / 100, "entry_id": "1",
           "_batch_id": f"b{row['version']}",
           "_version_at": datetime(2026, 3, row["version"])}
        for row in rows["costs"]
    ]  # fmt: skip
    spend = [
        {key: row[key] for key in ("source", "platform", "shop_id")}
        | {"spend_date": FIRST + timedelta(days=row["day"]), "campaign": str(row["shop_id"]),
           "cost_kind": "click", "cost": row["cents"] / 100, "currency": "CNY"}
        for row in rows["spend"]
    ]  # fmt: skip
    rates = [
        {"rate_date": FIRST + timedelta(days=day), "currency": "USD", "rate": rate}
        for day, rate in RATES.items()
    ]
    frames = {"orders": orders, "order_items": lines, "refunds": refunds, "order_costs": costs,
              "campaign_spend": spend, "fx_rates": rates}  # fmt: skip
    return {name: pl.DataFrame(part, infer_schema_length=None) for name, part in frames.items()}


def cents(amount: float | Decimal) -> int:
    """Rounded to the cent, halves away from zero."""
    return int(Decimal(str(amount)).quantize(Decimal(1), ROUND_HALF_UP))


def shared(total: int, weights: dict[Any, int]) -> dict[Any, int]:
    """A sum of cents over parts by their weights, largest remainder first; none weighs: the first.

    Equal remainders go to the heavier part, then to the earlier one.
    """
    whole = sum(weights.values())
    if not whole:
        return {key: total if number == 0 else 0 for number, key in enumerate(weights)}
    parts = {key: total * weight // whole for key, weight in weights.items()}
    rest = sorted(weights, key=lambda key: (-(total * weights[key] % whole), -weights[key]))
    for key in rest[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def share_told(platform: str, category: str, kind: str) -> float | None:
    """What shop.yml tells of a kind of cost: of the category, else of all."""
    told = {(one[0], one[1]): one[3] for one in SHARES if one[2] == kind}
    return told.get((platform, category), told.get((platform, "(all)")))


Sums = dict[Cell, dict[str, int | None]]


def add(sums: Sums, cell: Cell, measure: str, amount: int | None) -> None:
    """Add to a sum, which is unknown for good once a part is."""
    before = sums[cell].get(measure, 0)
    sums[cell][measure] = None if amount is None or before is None else before + amount


def of_orders(rows: dict[str, list[dict[str, Any]]]) -> Sums:
    """Cents by day, platform, shop, category and measure of everything that orders bring."""
    sums: Sums = defaultdict(dict)
    lines, refunds, costs = defaultdict(list), defaultdict(list), {}
    for row in rows["lines"]:
        lines[row["order_id"]].append(row)
    for row in rows["refunds"]:
        refunds[row["order_id"]].append(row)
    for row in rows["costs"]:  # the later file counts
        costs[row["order_id"], row["cost_type"]] = row
    for order in rows["orders"]:
        rate = DOLLAR if order["is_foreign"] else 1
        # the goods of an order that nobody paid are in no category
        mine = lines[order["order_id"]] if order["is_paid"] else []
        weights = {n: 0 if line["is_gift"] else line["cents"] for n, line in enumerate(mine)}
        paid = shared(order["cents"], weights) if mine else {}
        borne = shared(order["borne_cents"], weights) if mine else {}

        # goods of a category whose cost is told, and those of which it is not
        parts: dict[tuple[str, bool], dict[str, Any]] = {}
        for n, line in enumerate(mine):
            key = (line["category"] or "(unknown)", line["cost_cents"] is None)
            part = parts.setdefault(key, {"paid": 0, "borne": 0, "cost": 0})
            part["paid"] += paid[n] * rate
            part["borne"] += borne[n]
            told = share_told(order["platform"], key[0], "goods_cost")
            if not key[1]:
                part["cost"] += line["cost_cents"] * rate
            elif told is None:
                part["cost"] = None
            else:
                part["cost"] += cents(told * paid[n] * rate)
        parts = dict(sorted(parts.items())) or {("(unknown)", True): {"paid": 0}}

        def put(day: int, key: tuple[str, bool], measure: str, amount: int | None) -> None:
            place = (order["platform"], order["shop_id"])  # noqa: B023
            add(sums, (FIRST + timedelta(days=day), *place, key[0]), measure, amount)

        def put_cost(day: int, key: tuple[str, bool], amount: int) -> None:
            known = parts[key]["cost"] is not None  # noqa: B023
            put(day, key, "goods_cost", amount if known else None)
            if key[1] and known:
                put(day, key, "estimated", amount)

        worth = {key: part["paid"] if order["is_paid"] else 0 for key, part in parts.items()}
        if order["is_paid"]:
            for key, part in parts.items():
                put(order["day"], key, "gmv", part["paid"])
                put(order["day"], key, "borne", part["borne"])
                put_cost(order["day"], key, part["cost"] or 0)
            cost = {key: part["cost"] or 0 for key, part in parts.items()}
            whole, kept, back = sum(cost.values()), sum(cost.values()), 0
            for refund in refunds[order["order_id"]]:
                if not refund["is_granted"]:
                    continue
                of = {GOODS[refund["product_id"]] or "(unknown)"} if refund["product_id"] else {
                    key[0] for key in parts}  # fmt: skip
                hit = [key for key in parts if key[0] in of]
                for key, part in shared(refund["cents"], {k: worth[k] for k in hit}).items():
                    put(refund["day"], key, "refunds", part)
                # in proportion to what was refunded the goods come back with their cost
                back += refund["cents"]
                part_kept = min(max(1 - back / (order["cents"] * rate), 0), 1)
                left = cents(whole * part_kept) if order["cents"] else whole
                for key, part in shared(left - kept, {k: cost[k] for k in hit}).items():
                    put_cost(refund["day"], key, part)
                kept = left
        for kind in (*REQUIRED, *OPTIONAL):
            booked = costs.get((order["order_id"], kind))
            if booked is None:
                continue
            rate_of_day = max((d for d in RATES if 0 <= booked["day"] - d <= 7), default=None)
            at = DOLLAR if rate_of_day is None else RATES[rate_of_day]
            is_dollars = order["is_foreign"] and booked["currency"] is None
            amount = cents(booked["cents"] * Decimal(str(at))) if is_dollars else booked["cents"]
            for key, part in shared(amount, worth).items():
                put(booked["day"], key, kind, part)
    return sums


def advertised(rows: dict[str, list[dict[str, Any]]], sums: Sums) -> dict[Cell, int]:
    """Spend of a day over the categories of its shop, or of its platform, by their sales."""
    found: dict[Cell, int] = defaultdict(int)
    for row in rows["spend"]:
        day, shop = FIRST + timedelta(days=row["day"]), row["shop_id"]
        sold = {
            cell: amounts["gmv"]
            for cell, amounts in sorted(sums.items(), key=lambda one: one[0][2] + "|" + one[0][3])
            if cell[:2] == (day, row["platform"]) and (amounts.get("gmv") or 0) > 0
            and shop in (None, cell[2])
        }  # fmt: skip
        nowhere = (day, row["platform"], shop or "(unknown)", "(unallocated)")
        for cell, part in shared(row["cents"], sold or {nowhere: 0}).items():
            found[cell] += part
    return found


def expected(rows: dict[str, list[dict[str, Any]]]) -> dict[Cell, dict[str, Any]]:
    """`fct_profit_daily` in cents."""
    sums = of_orders(rows)
    spend = advertised(rows, sums)
    known = {row["order_id"]: row["platform"] for row in rows["orders"]}
    told: dict[str, list[int]] = defaultdict(list)
    kinds = defaultdict(set)
    for row in rows["costs"]:
        if row["order_id"] in known:
            told[known[row["order_id"]]].append(row["day"])
            kinds[known[row["order_id"]]].add(row["cost_type"])
    spent = defaultdict(list)
    for row in rows["spend"]:
        spent[row["platform"]].append(row["day"])
    out = {}
    for cell in {*sums, *spend}:
        day, platform, _, category = cell
        number, amounts = (day - FIRST).days, sums.get(cell, {})
        refunds = amounts.get("refunds", 0)
        # of days after the last order nobody knows what was sold
        gmv = amounts.get("gmv", 0) if number < DAYS else None
        made: dict[str, Any] = {"gmv": gmv, "refunded_amount": refunds}
        made["merchant_receivable_amount"] = None if gmv is None else gmv + amounts.get("borne", 0)
        made["goods_cost_amount"] = amounts.get("goods_cost", 0)
        estimates = [amounts.get("estimated", 0)]
        for kind in (*REQUIRED, *OPTIONAL, "advertising"):
            tells = spent[platform] if kind == "advertising" else told[platform]
            is_told = bool(tells) and min(tells) <= number <= max(tells)
            if kind == "advertising":
                amount = spend.get(cell, 0) if is_told else None
            else:
                amount = amounts.get(kind, 0) if is_told and kind in kinds[platform] else None
            share = share_told(platform, category, kind)
            if amount is None and share is not None and gmv is not None:
                part = kind in {"platform_fee", "creator_commission", "agency_fee"}
                amount = cents(share * (gmv - (refunds if part else 0)))
                estimates.append(amount)
            made[f"{kind}_amount"] = amount
        made["cm1_amount"] = less(made["merchant_receivable_amount"], refunds,
                                  made["goods_cost_amount"])  # fmt: skip
        made["cm2_amount"] = less(
            made["cm1_amount"], *(made[f"{kind}_amount"] for kind in REQUIRED),
            *(made[f"{kind}_amount"] or 0 for kind in ("agency_fee", "packaging")),
        )  # fmt: skip
        made["cm3_amount"] = less(made["cm2_amount"], made["advertising_amount"])
        made["estimated_amount"] = sum(estimates)
        made["is_estimated"] = any(estimates)
        out[cell] = made
    return out


def less(amount: int | None, *others: int | None) -> int | None:
    """What is left, if all is known."""
    return None if None in (amount, *others) else amount - sum(others)  # type: ignore[operator,arg-type]


def compare(seed: int, file: Path) -> None:
    rows = deliveries(seed)
    write_raw(file, landed(rows))
    run_dbt(PROJECT, file, "build", "--full-refresh", "--exclude-resource-type", "test",
            "unit_test", "--select", "+fct_profit_daily",
            vars={"cost_rates": [list(one) for one in SHARES]})  # fmt: skip
    wanted = expected(rows)
    columns = [*next(iter(wanted.values()))][:-1]
    found = {
        row[:4]: row[4:]
        for row in read(
            file,
            "select business_date, platform, shop_id, category,"
            f" {', '.join(f'({name} * 100)::bigint' for name in columns)}, is_estimated"
            " from marts.fct_profit_daily",
        ).iter_rows()
    }
    assert found.keys() == wanted.keys()
    wrong = {
        (*cell, name): (mine, theirs)
        for cell, made in wanted.items()
        for name, theirs, mine in zip(made, made.values(), found[cell], strict=True)
        if mine != theirs
    }
    assert wrong == {}
    # each margin is known somewhere and unknown somewhere, and something is estimated
    for name in ("cm1_amount", "cm2_amount", "cm3_amount"):
        assert {made[name] is None for made in wanted.values()} == {True, False}
    assert any(made["is_estimated"] for made in wanted.values())


def test_every_cell_of_profit_is_counted_twice(tmp_path: Path) -> None:
    compare(1, tmp_path / "working.duckdb")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_every_cell_of_profit_is_counted_twice_over_many_seeds(seed: int, tmp_path: Path) -> None:
    compare(seed, tmp_path / "working.duckdb")
