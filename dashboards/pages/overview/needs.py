"""What needs somebody: at most three lines, each with an amount, an owner and where to go.

Belongs here: which of the open matters are the gravest, and what went better than expected.
Does not belong here: finding them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import segment_name
from dashboards.base.page import Both, amount_text, both, clipped, listed, named, same, tr
from dashboards.figures.stock import running_out
from dashboards.pages.shared.incidents import alert, gravity, open_incidents
from dashboards.wording.formatting import day, integer
from dashboards.wording.incidents import place_label

MOST = 3
_OF_STOCK, _OF_MONEY = 1, 1  # as grave as an incident of severity high
_NAME = 40


@dataclass(frozen=True)
class Need:
    """One line. `level` orders the kinds, 0 the gravest; `size` orders within a level."""

    kind: str
    amount: Both
    text: Both
    owner: Both
    href: str
    level: int
    size: float


def _incident(row: Row, data: Data, info: SiteInfo) -> Need:
    told = alert(row, info)
    is_data = told.kind == "data"
    owner = (data.metrics.get(str(row["metric"])) or {}).get("owner") or "analytics"
    impact = row["impact_amount"]
    since = both(lambda lang: day(row["opened_date"], lang, info.data_through))
    return Need(
        told.kind,
        tr("needs.data") if is_data or impact is None
        else amount_text(impact, info.currency, signed=True),
        tr("needs.since", text=told.text, day=since),
        named("owner", str(owner)),
        f"alerts.html#at={told.anchor}",
        gravity(row),
        abs(impact or 0.0),
    )  # fmt: skip


def _stock(data: Data, info: SiteInfo) -> Iterator[Need]:
    rows = running_out(data)
    if rows.is_empty():
        return
    first, more = rows.row(0, named=True), rows.height - 1
    days = int(first["days_of_stock"])
    key = "needs.stock_out" if not first["on_hand"] else "needs.stock"
    words = {"name": clipped(same(str(first["product_name"])), _NAME), "n": days}
    text = tr(key if not more else f"{key}_more", more=more, **words)
    amount = tr("needs.days", n=days) if first["on_hand"] else tr("needs.out")
    yield Need("stock", amount, text, tr("owner.supply"), "products.html", _OF_STOCK,
               float(first["gmv"] or 0.0))  # fmt: skip


def _settlements(data: Data, info: SiteInfo) -> Iterator[Need]:
    late = data["marts.fct_settlements_daily"].filter(pl.col("overdue_amount") > 0)
    if late.is_empty():
        return
    owed = late.select(exact_sum("overdue_amount")).item()
    names = [segment_name("platform", str(n)) for n in sorted(late["platform"].unique())]
    oldest = late["business_date"].min()
    since = both(lambda lang: day(oldest, lang, info.data_through))  # type: ignore[arg-type]
    yield Need("money", amount_text(owed, info.currency),
               tr("needs.settlement", platforms=listed(names), day=since), tr("owner.finance"),
               "profit.html", _OF_MONEY, owed)  # fmt: skip


def _parcels(data: Data, info: SiteInfo) -> Iterator[Need]:
    late = data["marts.fct_fulfilment_daily"].filter(pl.col("overdue_orders") > 0)
    if late.is_empty():
        return
    count = late.select(exact_sum("overdue_orders")).item()
    names = [segment_name("platform", str(n)) for n in sorted(late["platform"].unique())]
    yield Need("parcels", same(integer(count)), tr("needs.parcels", platforms=listed(names)),
               tr("owner.operations"), "service.html", _OF_STOCK, count)  # fmt: skip


def _place(row: Row) -> Both:
    return both(lambda lang: place_label(row, lang))


def good_news(data: Data, info: SiteInfo) -> list[Both]:
    """Sales of the last day above their expected range, where nothing else was odd.

    What is suspicious about a rise (orders submitted twice, a price gone wrong) is an incident, and
    a day with one is no good news. The company speaks only where none of its platforms does.
    """
    moment = info.data_through
    is_up = pl.col("observed") > pl.col("upper")
    up = data["insights.anomalies"].filter(
        is_up, metric="gmv", status="normal", business_date=moment
    ).filter(pl.col("dimension").is_in(["platform", "all"]))  # fmt: skip
    odd = [
        row["platform"]
        for row in data["insights.incidents"].to_dicts()
        if row["kind"] == "kpi" and row["opened_date"] <= moment <= row["last_date"]
    ]
    rows = [
        row
        for row in up.sort("impact_amount", descending=True).to_dicts()
        if not (odd if row["dimension"] == "all" else {None, row["segment"]} & {*odd})
    ]
    of_platforms = [row for row in rows if row["dimension"] == "platform"]
    return [
        tr(
            "needs.rise",
            place=_place(row),
            value=amount_text(row["observed"], info.currency),
            gain=amount_text(row["impact_amount"], info.currency),
        )
        for row in of_platforms or rows
    ]


def needs(data: Data, info: SiteInfo) -> tuple[list[Need], int]:
    """The gravest open matters and how many more there are.

    Incidents come by their severity; what runs out, is owed or waits weighs as much as a high one
    and comes after those.
    """
    found = [_incident(row, data, info) for row in open_incidents(data, info.data_through)]
    others = [*_stock(data, info), *_settlements(data, info), *_parcels(data, info)]
    found.sort(key=lambda need: (need.level, -need.size))
    ranked = sorted([*found, *others], key=lambda need: need.level)
    return ranked[:MOST], max(0, len(ranked) - MOST)
