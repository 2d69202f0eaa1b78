"""Random sequences of deliveries: what the incremental build has to survive.

A small company lives for about 70 days. `Company.step` lets a few batches arrive, of every
unpleasant kind: repeats, corrections, rows that move to another day or customer, rows up to 60
days late, older versions after newer ones, snapshots without a row they had, empty batches,
batches rejected and taken back. All randomness comes from one seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from tests.support.raw import conform

START = datetime(2026, 1, 5)
Row = dict[str, Any]


@dataclass
class Batch:
    """One delivery: rows of one feed, and its state in the ledger."""

    batch_id: str
    feed: str
    rows: list[Row]
    seq: int
    is_active: bool = True


@dataclass
class Company:
    """All that has been delivered so far.

    Attributes:
        seed: source of all randomness.
        batches: the ledger, in order of arrival.
        today: number of days since START; grows with every step.
    """

    seed: int
    batches: list[Batch] = field(default_factory=list)
    today: int = 2
    seq: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        # Draws of its own, so that what arrives beside it stays as it was for a seed.
        self.naming = Random(-self.seed)
        self.serving = Random(self.seed + 1_000_000)
        self.keeping = Random(self.seed + 1_000_000)
        self.paying = Random(self.seed + 2_000_000)
        self.customers = [f"c{n}" for n in range(self.random.randint(4, 10))]
        self.versions = 0

    def step(self) -> None:
        """Let one to four batches arrive or change their state, and time pass."""
        self.today += self.random.choice([0, 1, 1, 2, 5, 20])
        for _ in range(self.random.randint(1, 4)):
            self.random.choice(
                [self.orders, self.orders, self.events, self.events, self.items, self.refunds,
                 self.refunds, self.shipments,
                 self.traffic, self.spend, self.spend, self.console, self.products,
                 self.redeliver, self.correct, self.correct,
                 self.change_state, self.change_state, self.empty]
            )()  # fmt: skip
        if self.naming.random() < 0.3:
            self.people()
        if self.serving.random() < 0.7:
            self.service()
        if self.naming.random() < 0.3:
            self.members()
        if self.keeping.random() < 0.6:
            self.keeping.choice([self.stock, self.stock, self.purchases, self.views])()
        if self.paying.random() < 0.7:
            self.paying.choice([self.costs, self.costs, self.plans])()

    def frames(self) -> dict[str, pl.DataFrame]:
        """Rows of `raw.<feed>` for all batches."""
        result: dict[str, list[pl.DataFrame]] = {}
        for batch in self.batches:
            if not batch.rows:
                continue
            frame = pl.DataFrame(batch.rows, infer_schema_length=None).with_columns(
                pl.lit(batch.batch_id).alias("batch"),
                pl.lit(batch.is_active).alias("_is_active"),
                pl.lit(batch.seq).alias("_seq"),
            )
            result.setdefault(batch.feed, []).append(conform(frame, batch.feed))
        return {feed: pl.concat(parts) for feed, parts in result.items()}

    def ledger(self) -> pl.DataFrame:
        """Rows of `raw.batches`, empty batches among them."""
        return pl.DataFrame(
            [
                {
                    "batch_id": b.batch_id,
                    "source": "shop",
                    "feed": b.feed,
                    "seq": b.seq,
                    "is_active": b.is_active,
                }
                for b in self.batches
            ],
            schema_overrides={"seq": pl.Int64},
        )

    # What arrives.

    def orders(self) -> None:
        """Orders old and new, some of them children of a main order, and most of their lines."""
        ids = {f"o{self.random.randint(1, 40)}" for _ in range(self.random.randint(1, 8))}
        self._land("orders", [self._order(one) for one in sorted(ids)])
        if self.random.random() < 0.8:
            self._land_lines(sorted(ids))

    def items(self) -> None:
        """Lines of orders, of which some may never arrive."""
        self._land_lines(sorted({f"o{self.random.randint(1, 45)}" for _ in range(3)}))

    def events(self) -> None:
        """Visits: short ones, ones across midnight, and now and then a bot that never stops."""
        rows: list[Row] = []
        for _ in range(self.random.randint(1, 6)):
            instant = self._instant()
            visitor = self._visitor()
            steps = 160 if self.random.random() < 0.05 else self.random.randint(1, 9)
            longest = 25 if steps == 160 else 55
            for _ in range(steps):
                instant += timedelta(minutes=self.random.choice([0, 1, 5, longest]))
                rows.append(self._event(instant, visitor))
        self._land("events", rows)

    def refunds(self) -> None:
        """Refunds asked for, granted or refused, and now and then a rate of some day."""
        self._land("refunds", [self._refund(n) for n in {self.random.randint(1, 12) for _ in "ab"}])
        if self.random.random() < 0.6:
            day = (START + timedelta(days=max(self.today - self.random.randint(0, 20), 0))).date()
            rate = self.random.choice([0, 6.5, 7.1])
            self._land("fx_rates", [{"rate_date": day, "currency": "USD", "rate": rate}])

    def shipments(self) -> None:
        """Parcels, of which an order may have two, and one that moves to another order."""
        rows = [
            {
                "shipment_id": f"s{self.random.randint(1, 20)}",
                "order_id": self._named(f"o{self.random.randint(1, 45)}"),
                "carrier": self.serving.choice(["post", "bike", None]),
                "region": self.serving.choice(["north", None]),
                "shipped_at": (left := self._instant()),
                "promised_at": left + timedelta(days=2),
                "delivered_at": self.serving.choice([None, left + timedelta(days=1)]),
                "cost": self.serving.choice([None, 5, 6.01]),
            }
            for _ in "abcd"
        ]
        self._land("shipments", list({row["shipment_id"]: row for row in rows}.values()))

    def traffic(self) -> None:
        """Totals of up to four days as a snapshot: what is missing in it is withdrawn.

        A day between the first and the last one may have no row at all.
        """
        first = (START + timedelta(days=self.random.randint(0, self.today))).date()
        days = sorted({first + timedelta(days=self.random.choice([0, 0, 1, 2, 3])) for _ in "abc"})
        rows: list[Row] = [
            {
                "traffic_date": day,
                "platform": "tmall",
                "shop_id": "s1",
                "grain": "shop" if segment == "all" else "traffic_source",
                "segment": segment,
                "visitors": self.random.randint(1, 99),
            }
            for day in days
            for segment in self.random.sample(
                ["all", "search", "live", "cart"], self.random.randint(1, 4)
            )
        ]
        for row in rows:
            own = [one["traffic_date"] for one in rows if one["grain"] == row["grain"]]
            place = f"tmall|s1|{row['grain']}"
            row["_unit_key"] = f"{place}|{row['traffic_date']}"
            row["_covers_from"], row["_covers_to"] = f"{place}|{min(own)}", f"{place}|{max(own)}"
        self._land("traffic_daily", rows)

    def spend(self) -> None:
        """Days of an advertising account as a snapshot, its campaigns renamed, gone or in parts."""
        account = self.random.choice([None, "meta-1", "google-2"])
        days = {self.random.randint(0, self.today) for _ in "ab"}
        rows: list[Row] = []
        for number in sorted(days):
            day = (START + timedelta(days=number)).date()
            for one in self.random.sample(range(4), self.random.randint(1, 3)):
                name = self.random.choice(["spring", f"c{one}"])
                key = str(one) if account else name
                rows.append({
                    "spend_date": day,
                    "platform": "tmall",
                    "account": account,
                    "campaign_id": str(one) if account else None,
                    "campaign": name,
                    "cost_kind": "click",
                    "cost": self.random.choice([1.5, 20]),
                    "clicks": self.random.choice([None, 3]),
                    "currency": "CNY",
                    "_row_key": f"{day}|{account}|{key}",
                    "_unit_key": f"{account}|{day}",
                    "_covers_from": f"{account}|{START.date() + timedelta(days=min(days))}",
                    "_covers_to": f"{account}|{START.date() + timedelta(days=max(days))}",
                })  # fmt: skip
        self._land("campaign_spend", list({row["_row_key"]: row for row in rows}.values()))

    def console(self) -> None:
        """A day as the platform's console reports it."""
        day = (START + timedelta(days=self.random.randint(0, self.today))).date()
        told = {"report_date": day, "platform": "tmall", "shop_id": "s1", "currency": "CNY"}
        self._land("platform_daily", [{**told, "paid_amount": self.random.choice([None, 0, 99])}])

    def products(self) -> None:
        """Products with a cost and category that change on a day."""
        ids = {f"p{self.random.randint(1, 5)}" for _ in "abc"}
        self._land(
            "products",
            [
                {
                    "product_id": one,
                    "name": one,
                    "valid_from": (START + timedelta(days=self.random.choice([0, 10, 30]))).date(),
                    "category_1": self.random.choice(["shoes", "bags", None]),
                    "cost": self.random.choice([1.5, 20, None]),
                }
                for one in sorted(ids)
            ],
        )

    def people(self) -> None:
        """The shop's list of customers, with another name of some of them."""
        users = {f"u{self.naming.randint(1, 5)}" for _ in "ab"}
        names = [None, *self.customers]
        self._land(
            "customers",
            [
                {
                    "customer_key": one,
                    "other_key": self.naming.choice(names),
                    "member_tier": self.naming.choice([None, "gold", "silver"]),
                }
                for one in sorted(users)
            ],
        )

    def service(self) -> None:
        """Questions, reviews, exposures to a test, a live session and hours of the monitoring."""
        kept, self.random = self.random, self.serving
        order = f"o{self.random.randint(1, 45)}"
        at = self._instant()
        self._land(
            "tickets",
            [{"ticket_id": f"k{self.random.randint(1, 9)}", "kind": "refund", "opened_at": at,
              "order_id": self.random.choice([None, self._named(order)]),
              "first_response_at": self.random.choice([None, at + timedelta(minutes=7)]),
              "csat": self.random.choice([None, 4.5])}],
        )  # fmt: skip
        self._land(
            "reviews",
            [{"review_id": f"v{self.random.randint(1, 9)}", "product_id": "p1", "reviewed_at": at,
              "order_id": self._named(order), "rating": self.random.randint(1, 5)}],
        )  # fmt: skip
        self._land(
            "exposures",
            [{"experiment": "e", "variant": self.random.choice("ab"), "exposed_at": at,
              "visitor_key": f"v{self.random.randint(0, 9)}"}],
        )  # fmt: skip
        self._land(
            "live_sessions",
            [{"live_room_id": f"l{self.random.randint(1, 3)}", "platform": "tmall", "shop_id": "s1",
              "started_at": at, "ended_at": at + timedelta(hours=9), "currency": "CNY",
              "kind": self.random.choice(["own", "creator"]), "viewers": 100}],
        )  # fmt: skip
        hour = at.replace(minute=0)
        self._land("service_health", [{"hour_start": hour, "metric": "errors", "value": 0.5}])
        self.random = kept

    def costs(self) -> None:
        """Costs booked and given back, and payouts, of orders by one of their names or of none."""
        kept, self.random = self.random, self.paying
        names = [self._named(f"o{self.random.randint(1, 45)}") for _ in "abc"]
        kinds = ["platform_fee", "payment_fee", "creator_commission", "freight",
                 "freight_insurance", "packaging", "tax"]  # fmt: skip
        self._land(
            "order_costs",
            [{"order_id": name, "cost_type": kind, "booked_at": self._instant(),
              "amount": self.random.choice([1.25, 3, -0.5]), "entry_id": str(number),
              "currency": self.random.choice([None, None, "CNY", "USD"])}
             for number, name in enumerate(names) for kind in self.random.sample(kinds, 4)],
        )  # fmt: skip
        self._land(
            "settlements",
            [{"order_id": name, "settled_amount": self.random.choice([0, 20, 90.5]),
              "due_amount": self.random.choice([None, 90.5]), "entry_id": "1",
              "settled_at": self.random.choice([None, self._instant()])}
             for name in names],
        )  # fmt: skip
        self.random = kept

    def plans(self) -> None:
        """Targets of months and days, budgets, people and the market, some of them again."""
        kept, self.random = self.random, self.paying
        day = (START + timedelta(days=self.random.randint(0, self.today))).date()
        month = day.replace(day=1)
        self._land(
            "targets",
            [{"period": period, "period_start": start, "metric": "gmv", "value": value,
              "dimension": dimension, "segment": segment}
             for period, start, value, dimension, segment in (
                 ("month", month, self.random.choice([900, 1200]), None, None),
                 ("month", month, 900, "platform", "tmall"),
                 ("day", day, 50, None, None),
             )],
        )  # fmt: skip
        self._land("budgets", [{"month": month, "platform": "tmall", "currency": "CNY",
                                "budget_amount": self.random.choice([10, 200])}])  # fmt: skip
        self._land("headcount", [{"month": month, "team": self.random.choice("ab"),
                                  "headcount": self.random.choice([2, 3.5])}])  # fmt: skip
        self._land("market_size", [{"period_start": month, "metric": "gmv", "value": 1e6}])
        self.random = kept

    def members(self) -> None:
        """Coupons used, on orders by one of their names or on none, and members of campaigns."""
        names = [*self.customers, "nobody"]
        day = START + timedelta(days=self.naming.randint(0, self.today))
        used = [
            {
                "customer_key": self.naming.choice(names),
                "coupon_id": f"k{number}",
                "redeemed_at": day + timedelta(hours=self.naming.randint(0, 23)),
                "order_id": self.naming.choice([None, f"o{number}", f"a{number}"]),
            }
            for number in self.naming.sample(range(1, 41), 3)
        ]
        self._land("coupon_redemptions", used)
        joined = {"customer_key": self.naming.choice(names), "campaign_id": "spring"}
        last = self.naming.choice([None, (day + timedelta(days=9)).date()])
        self._land("campaign_members", [{**joined, "member_from": day.date(), "member_to": last}])

    def stock(self) -> None:
        """Counts of a few days, some of them left out, and movements in between."""
        days = {self.keeping.randint(0, self.today) for _ in "abcd"}
        self._land(
            "inventory_snapshots",
            [
                {
                    "snapshot_date": (START + timedelta(days=day)).date(),
                    "product_id": product,
                    "warehouse": "w1",
                    "on_hand": self.keeping.choice([0, 3, 50]),
                }
                for day in sorted(days)
                for product in ("p1", "p2", "unknown")
            ],
        )
        self._land(
            "inventory_movements",
            [
                {
                    "movement_id": f"m{self.keeping.randint(1, 60)}{n}",
                    "moved_at": START + timedelta(days=day, hours=self.keeping.choice([3, 17])),
                    "product_id": self.keeping.choice(["p1", "p2", "p3"]),
                    "warehouse": self.keeping.choice(["w1", "w2"]),
                    "kind": self.keeping.choice(["receipt", "sale", "return", "adjustment"]),
                    "quantity": self.keeping.choice([-2, 1, 5]),
                    "order_id": self.keeping.choice([None, "o3", "#o4", "a5"]),
                }
                for n, day in enumerate(sorted(days))
            ],
        )

    def purchases(self) -> None:
        """Lines of purchase orders, on their way or there."""
        at = START + timedelta(days=self.keeping.randint(0, self.today), hours=2)
        self._land(
            "purchase_orders",
            [
                {
                    "po_id": f"po{self.keeping.randint(1, 6)}",
                    "po_line": str(line),
                    "supplier_id": self.keeping.choice(["s1", "s2"]),
                    "product_id": f"p{line}",
                    "ordered_at": at,
                    "promised_at": at + timedelta(days=5),
                    "ordered_quantity": 10,
                    "unit_cost": self.keeping.choice([1.25, 2]),
                    "received_at": self.keeping.choice([None, at + timedelta(days=4)]),
                    "received_quantity": self.keeping.choice([None, 9]),
                    "rejected_quantity": self.keeping.choice([None, 1]),
                }
                for line in (1, 2)
            ],
        )

    def views(self) -> None:
        """Totals of products as the marketplace reports them."""
        day = (START + timedelta(days=self.keeping.randint(0, self.today))).date()
        told = {"traffic_date": day, "platform": "tmall", "shop_id": "s1", "grain": "product"}
        self._land(
            "traffic_daily",
            [
                {
                    **told,
                    "segment": one,
                    "visitors": self.keeping.randint(1, 9),
                    "page_views": self.keeping.choice([None, 12]),
                }
                for one in ("p1", "p4")
            ],
        )

    def empty(self) -> None:
        """A file without rows."""
        self._land(self.random.choice(["orders", "events"]), [])

    def redeliver(self) -> None:
        """An old file once more: as it was, or stamped as newer, or cut short."""
        if not self.batches:
            return
        old = self.random.choice(self.batches)
        rows = [dict(row) for row in old.rows]
        if self.random.random() < 0.5:
            rows = rows[: self.random.randint(0, len(rows))]
        if self.random.random() < 0.6:
            version = self._version()
            rows = [{**row, "_version_at": version} for row in rows]
        self._land(old.feed, rows, versioned=True)

    def correct(self) -> None:
        """Rows of an old file with other content: day, customer, visitor, state or amount moved."""
        usable = [b for b in self.batches if b.rows and b.feed in ("orders", "events", "refunds")]
        if not usable:
            return
        old = self.random.choice(usable)
        rows = []
        for row in self.random.sample(old.rows, min(len(old.rows), self.random.randint(1, 3))):
            if old.feed == "orders":
                rows.append(self._order(row["order_id"]))
            elif old.feed == "refunds":
                rows.append(self._refund(int(row["refund_id"][1:])))
            else:
                moved = row["occurred_at"] + timedelta(
                    minutes=self.random.choice([0, 3, 40, -20, 1500, -60 * 24 * 20])
                )
                visitor = self.random.choice([row["visitor_key"], self._visitor()])
                rows.append({**self._event(moved, visitor), "event_id": row["event_id"]})
        self._land(old.feed, rows)

    def change_state(self) -> None:
        """A batch is rejected, or a rejected one taken back."""
        if self.batches:
            batch = self.random.choice(self.batches)
            self.seq += 1
            batch.is_active, batch.seq = not batch.is_active, self.seq

    # How a row looks.

    def _land(self, feed: str, rows: list[Row], versioned: bool = False) -> None:
        self.seq += 1
        version = self._version()
        batch_id = f"{self.random.getrandbits(64):016x}"
        if not versioned:
            rows = [{**row, "_version_at": version} for row in rows]
        self.batches.append(Batch(batch_id, feed, rows, self.seq))

    def _version(self) -> datetime:
        """Mostly newer than all before, at times the same as, or older than, one before."""
        self.versions += 1
        behind = self.random.choice([0, 0, 0, 0, 1, 2, 5])
        return START + timedelta(hours=max(self.versions - behind, 0))

    def _instant(self) -> datetime:
        """Within the last two days, or up to 60 days late; often near the local midnight."""
        back = self.random.choice([0, 0, 1, 1, 2, self.random.randint(0, 60)])
        day = START + timedelta(days=max(self.today - back, 0))
        if self.random.random() < 0.5:
            return day + timedelta(hours=15, minutes=self.random.randint(20, 90))
        return day + timedelta(minutes=self.random.randint(0, 1439))

    def _visitor(self) -> str | None:
        return self.random.choice([None, *(f"v{n}" for n in range(len(self.customers) + 3))])

    def _order(self, order_id: str) -> Row:
        placed = self._instant()
        status = self.random.choice(
            ["unpaid", "deposit_paid", "paid", "paid", "shipped", "completed", "closed"]
        )
        unpaid = status == "unpaid" or self.random.random() < 0.1
        delay = timedelta(minutes=self.random.choice([0, 1, 45, 60 * 24 * 12]))
        number = int(order_id[1:])
        return {
            "order_id": order_id,
            # corrected and withdrawn with the order; some are shared, some another order's own id
            "aliases": self.naming.choice(
                [
                    None,
                    f"a{number}",
                    f"a{number}|#a{number + 40}",
                    f"a{number % 9}",
                    f"o{number + 3}",
                ]
            ),
            "parent_order_id": self._named(f"o{number - number % 4}") if number % 7 == 0 else None,
            "platform": "tmall",
            "shop_id": "s1",
            "ordered_at": placed,
            "paid_at": None if unpaid else placed + delay,
            "status": status,
            **self.random.choice(
                [
                    {"currency": "CNY"},
                    {"currency": "USD", "exchange_rate": 7.1},
                    {"currency": "USD"},
                ]
            ),
            "customer_key": self.random.choice([None, *self.customers]),
            "address_key": self.serving.choice([None, "x", "y", f"z{number}"]),
            "device_key": self.serving.choice([None, None, "d"]),
            "order_amount": self.random.choice([None, 10, 99.99, 100.01]),
            "platform_discount": self.random.choice([None, 1.01]),
            "shipping_amount": self.random.choice([None, 8]),
            "total_amount": self.random.choice([None, None, 120]),
            "shipped_at": self.random.choice([None, None, placed + timedelta(days=1)]),
            "channel": self.random.choice([None, None, "livestream"]),
            "utm_source": self.random.choice([None, None, "google"]),
            "utm_medium": self.random.choice([None, "cpc"]),
        }

    def _user(self, customer: str | None) -> str | None:
        """Who was logged in: as orders know them, or by a name of the events' own."""
        return self.naming.choice([customer, f"u{self.naming.randint(1, 4)}"])

    def _named(self, order_id: str) -> str:
        """An order by its id, or as somebody else writes it."""
        return self.naming.choice([order_id] * 4 + [f"#{order_id}", f"a{order_id[1:]}"])

    def _land_lines(self, order_ids: list[str]) -> None:
        rows = [
            {
                "order_id": name,
                "line_number": line,
                "product_id": f"p{self.random.randint(1, 5)}",
                "quantity": self.random.randint(1, 3),
                "unit_price": self.random.choice([0, 19.9, 33.33]),
                "discount_amount": self.random.choice([None, 0.5]),
                "is_gift": self.random.random() < 0.2,
                "is_goods": self.random.random() < 0.8,
            }
            for one in order_ids
            for name in [self._named(one)]
            for line in range(1, self.random.randint(1, 4) + 1)
        ]
        self._land("order_items", rows)

    def _event(self, instant: datetime, visitor: str | None) -> Row:
        kind = self.random.choice(["home", "product_view", "add_to_cart", "checkout", "purchase"])
        return {
            "event_id": f"e{self.random.getrandbits(40):x}",
            "occurred_at": instant,
            "event_type": kind,
            "platform": "tmall",
            "shop_id": self.random.choice(["s1", "s1", "s1", "s2"]),
            "visitor_key": visitor,
            "customer_key": self._user(self.random.choice([None, None, None, *self.customers])),
            "product_id": self.keeping.choice([None, "p1", "p2", "p5"]),
            "order_id": self._named(f"o{self.random.randint(1, 40)}")
            if kind == "purchase"
            else None,
            "utm_source": self.random.choice([None, None, "google", "newsletter"]),
            "utm_medium": self.random.choice([None, "cpc", "organic"]),
            "utm_campaign": self.random.choice([None, "spring", "c1", "2"]),
            "live_room_id": self.serving.choice([None, "l1", "l9"]),
            "device": self.random.choice([None, "mobile", "desktop"]),
        }

    def _refund(self, number: int) -> Row:
        return {
            "refund_id": f"r{number}",
            "order_id": self._named(f"o{self.random.randint(1, 45)}"),
            "refunded_at": self._instant(),
            "requested_at": self.random.choice([None, self._instant()]),
            **self.random.choice(
                [
                    {"amount": 1.5},
                    {"amount": 10},
                    {"amount": 99.99, "product_id": f"p{self.random.randint(1, 5)}"},
                    {"amount": 60.01, "goods_amount": 50},
                ]
            ),
            "currency": self.random.choice([None, None, "CNY"]),
            "kind": self.random.choice(["refund_only", "return"]),
            "status": self.random.choice(["requested", "succeeded", "succeeded", "rejected"]),
        }
