"""Fulfilment and after-sales: do orders leave and arrive in time, and what comes back?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import label_of, segment_name
from dashboards.base.page import (
    Both,
    Chart,
    Key,
    Page,
    Table,
    listed,
    same,
    sentences,
    tr,
)  # fmt: skip
from dashboards.charts.bars import Pair
from dashboards.charts.curves import Series, rate_lines
from dashboards.figures.fulfilment import shipping
from dashboards.figures.ratios import level, ratio
from dashboards.figures.windows import Window, incomplete, window_until
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.wording.formatting import DASH, fixed, integer, percent

DAYS, TREND_DAYS, WEEKS = 28, 60, 16
_SHIPPING, _AFTER = "marts.fct_fulfilment_daily", "marts.fct_after_sales_daily"
_FILES = (_SHIPPING, "fulfilment_daily"), (_AFTER, "after_sales_daily")
_RATES = ("shipped_24h_rate", "shipped_48h_rate", "on_time_rate")
_PARTS = ("due_24h_orders", "shipped_24h_orders", "due_48h_orders", "shipped_48h_orders",
          "due_parcels", "on_time_parcels")  # fmt: skip
_COUNTS = ("orders", "parcels", "waiting_orders", "overdue_orders", "undelivered_parcels")
_LEAST_PARCELS = 20  # fewer say nothing of a carrier
_ROWS = 10


def _sums(rows: pl.DataFrame, names: Sequence[str]) -> Row:
    return rows.select(exact_sum(name) for name in names).row(0, named=True)


def _rate_text(value: float | None) -> str:
    return DASH if value is None else percent(value)


def trend_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Shares of the orders and parcels of each day that left and came in time."""
    window = window_until(info.data_through, TREND_DAYS, None)
    daily = (
        shipping(data).filter(window.filter()).group_by("business_date")
        .agg(exact_sum(name) for name in _PARTS).sort("business_date").to_dicts()
    )  # fmt: skip
    by_day = {row["business_date"]: row for row in daily}
    days = [window.first + timedelta(days=n) for n in range(window.days)]
    shown = ("shipped_48h_rate", "on_time_rate")
    values = {
        name: [level(name, by_day[d], data.metrics) if d in by_day else None for d in days]
        for name in shown
    }
    known = any(v is not None for line in values.values() for v in line)
    lines = [
        Series(label_of(name, data.metrics), values[name], role)
        for name, role in zip(shown, ("accent", "worse"), strict=True)
    ]
    chart = Chart(
        id="shipping-trend",
        title=tr("service.trend_title"),
        subtitle=tr("service.trend_subtitle", n=TREND_DAYS),
        figure=rate_lines(lines, days, page.pool) if known else None,
        table=Table(
            [tr("table.day"), *(label_of(n, data.metrics) for n in shown)],
            [[d.isoformat(), *(_rate_text(values[n][at]) for n in shown)]
             for at, d in reversed(list(enumerate(days))) if d in by_day],
        ),
        source=_SHIPPING,
        csv="data/fulfilment_daily.csv",
        height=250,
        empty=tr("service.no_shipping"),
        legend=[Key("—", role, label_of(name, data.metrics))
                for name, role in zip(shown, ("accent", "worse"), strict=True)],
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def carriers(data: Data, window: Window) -> list[Row]:
    """Carriers by share of parcels in time, the worst first; those with few at the end."""
    rows = (
        shipping(data).filter(window.filter(), ~pl.col("carrier").str.starts_with("("))
        .group_by("carrier").agg(exact_sum(n) for n in (*_PARTS, "undelivered_parcels", "parcels"))
    ).to_dicts()  # fmt: skip
    for row in rows:
        row["rate"] = level("on_time_rate", row, data.metrics)
        row["is_judged"] = row["rate"] is not None and row["due_parcels"] >= _LEAST_PARCELS
    return sorted(rows, key=lambda r: (not r["is_judged"], r["rate"] or 0.0, str(r["carrier"])))


def carrier_chart(data: Data, page: Page, window: Window) -> Chart:
    """Carriers that can be judged, and all of them as a table."""
    rows = carriers(data, window)
    judged = [r for r in rows if r["is_judged"]][:_ROWS]
    ends = {"worst": judged[0], "best": judged[-1]} if judged else {}
    title = tr(
        "service.carrier_title" if len(judged) > 1 else "service.carrier_one",
        **{key: same(str(row["carrier"])) for key, row in ends.items()},
        low=percent(judged[0]["rate"]), high=percent(judged[-1]["rate"]),
    ) if judged else same("")  # fmt: skip
    heads = ("carrier", "on_time", "due", "not_there", "parcels")
    return bar_chart(page, Bars(
        "carriers",
        (title, tr("service.carrier_subtitle", days=window.text()), tr("service.no_parcels")),
        [Pair(same(str(r["carrier"])), r["rate"], same(percent(r["rate"]))) for r in judged],
        Table(
            [tr(f"table.{k}") for k in heads],
            [[str(r["carrier"]), _rate_text(r["rate"]), integer(r["due_parcels"]),
              integer(r["undelivered_parcels"]), integer(r["parcels"])] for r in rows],
        ),
        _FILES[0],
    ))  # fmt: skip


def waiting_chart(data: Data, page: Page, window: Window) -> Chart:
    """Orders that have not left, by platform, and those that should have."""
    rows = (
        shipping(data).filter(window.filter()).group_by("platform")
        .agg(exact_sum(n) for n in (*_COUNTS, *_PARTS)).sort("platform").to_dicts()
    )  # fmt: skip
    late = [r for r in rows if r["overdue_orders"]]
    names = [segment_name("platform", str(r["platform"])) for r in rows]
    count = sum(int(r["overdue_orders"]) for r in late)
    title = tr("service.late_title", n=count,
               platforms=listed([segment_name("platform", str(r["platform"])) for r in late])
               ) if late else tr("service.late_none")  # fmt: skip
    return bar_chart(page, Bars(
        "waiting", (title, tr("service.waiting_subtitle", days=window.text()),
                          tr("service.no_shipping")),
        [
            Pair(name, r["waiting_orders"], same(integer(r["waiting_orders"])),
                 r["overdue_orders"], same(integer(r["overdue_orders"])))
            for name, r in zip(names, rows, strict=True)
            if r["waiting_orders"] is not None and r["overdue_orders"] is not None
        ],
        Table(
            [tr("table.platform"), *(tr(f"service.{c}") for c in _COUNTS[:1] + _COUNTS[2:4]),
             *(label_of(n, data.metrics) for n in _RATES)],
            [
                [name, *(integer(r[c]) for c in _COUNTS[:1] + _COUNTS[2:4]),
                 *(_rate_text(level(n, r, data.metrics)) for n in _RATES)]
                for name, r in zip(names, rows, strict=True)
            ],
        ),
        _FILES[0],
        [Key("■", "accent", tr("service.waiting_orders")),
         Key("■", "ink3", tr("service.overdue_orders"))],
    ))  # fmt: skip


def refund_weeks(data: Data, last: date) -> list[Row]:
    """Orders by week of payment, oldest first: refund rate so far, and whether all are in."""
    cells = data[_AFTER].filter(
        pl.col("date_basis") == "order_date",
        pl.col("business_date") > pl.lit(last) - pl.duration(days=7 * WEEKS),
        pl.col("business_date") <= last,
    )
    back = (pl.lit(last) - pl.col("business_date")).dt.total_days() // 7
    rows = (
        cells.with_columns(back=back).group_by("back")
        .agg(
            *(exact_sum(n) for n in ("gmv", "refunded_amount", "orders", "refunded_orders",
                                     "quality_refund_orders")),
            pl.col("is_mature").all(), pl.col("business_date").min().alias("first"),
            pl.col("business_date").max().alias("last"),
        )
        .sort("back", descending=True).to_dicts()
    )  # fmt: skip
    for row in rows:
        row["rate"] = level("refund_amount_rate", row, data.metrics)
        row["quality"] = level("quality_refund_rate", row, data.metrics)
    return rows


def refund_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Refund rates by week of payment, those that may still grow apart."""
    rows = [r for r in refund_weeks(data, info.data_through) if r["rate"] is not None]
    whole = [r for r in rows if r["is_mature"]]
    title = tr("service.refund_title", rate=percent(whole[-1]["rate"]),
               days=Window(whole[-1]["first"], whole[-1]["last"]).text(info.data_through)
               ) if whole else tr("service.refund_young")  # fmt: skip
    heads = ("week", "refund_rate", "quality_rate", "refunded_orders", "orders", "maturity")
    keys = ("mature_yes", "mature_no")
    lines = [
        Series(tr("service.mature_no") if key == "mature_no" else same(""),
               [r["rate"] if r["is_mature"] == (key == "mature_yes") else None for r in rows], role)
        for key, role in zip(keys, ("accent", "ink3"), strict=True)
    ]  # fmt: skip
    chart = Chart(
        id="refunds",
        title=title if rows else tr("service.no_refunds"),
        subtitle=tr("service.refund_subtitle"),
        figure=rate_lines(lines, [r["first"] for r in rows], page.pool) if rows else None,
        table=Table(
            [tr(f"table.{k}") for k in heads],
            [[Window(r["first"], r["last"]).text(), percent(r["rate"]), _rate_text(r["quality"]),
              integer(r["refunded_orders"]), integer(r["orders"]),
              tr(f"service.mature_{'yes' if r['is_mature'] else 'no'}")] for r in rows[::-1]],
        ),
        source=_AFTER,
        csv="data/after_sales_daily.csv",
        height=250,
        empty=tr("service.no_refunds"),
        legend=[Key("—", role, tr(f"service.{key}"))
                for key, role in zip(keys, ("accent", "ink3"), strict=True)],
    )  # fmt: skip
    page.charts.append(chart)
    return chart


_CARE = (
    ("tickets", "", ""), ("response", "first_response_hours", "answered_tickets"),
    ("resolution", "resolution_hours", "resolved_tickets"), ("csat", "csat_total", "rated_tickets"),
    ("rating", "rating_total", "reviews"),
)  # fmt: skip


def care_chart(data: Data, page: Page, window: Window, before: Window) -> Chart:
    """Tickets and reviews of the last days beside those before: means are sums over sums."""
    rows = data[_AFTER].filter(pl.col("date_basis") == "event_date")
    names = ["tickets", *(n for _, over, under in _CARE if over for n in (over, under))]
    now, base = (_sums(rows.filter(w.filter()), names) for w in (window, before))

    def value(sums: Row, over: str, under: str) -> str:
        if not over:
            return integer(sums["tickets"])
        found = ratio(sums[over], sums[under])
        return DASH if found is None else fixed(found, 2)

    cells: list[list[Both | str]] = [
        [tr(f"service.care_{key}"), value(now, over, under), value(base, over, under)]
        for key, over, under in _CARE
    ]
    known = any(now[n] is not None for n in names)
    chart = Chart(
        id="care",
        title=tr("service.care_title") if known else tr("service.no_care"),
        subtitle=tr("service.care_subtitle", days=window.text()),
        figure=None,
        table=Table([tr("table.measure"), tr("table.now"), tr("table.before")],
                    cells if known else []),
        source=_AFTER,
        csv="data/after_sales_daily.csv",
        is_open=True,
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def headline(data: Data, window: Window) -> Both:
    """How many orders wait too long, and which carrier is the latest."""
    found = _sums(shipping(data).filter(window.filter()), ("overdue_orders", *_PARTS))
    if found["due_48h_orders"] is None and found["overdue_orders"] is None:
        return tr("service.headline_unknown")
    rate = level("shipped_48h_rate", found, data.metrics)
    first = (
        tr("service.headline_late", n=integer(found["overdue_orders"])) if found["overdue_orders"]
        else tr("service.headline_fine")
    )  # fmt: skip
    second = None if rate is None else tr("service.headline_rate", rate=percent(rate))
    return sentences([first, second])


def _tiles(data: Data, window: Window, before: Window) -> list[Tile]:
    names = (*_PARTS, "overdue_orders")
    now, base = (_sums(shipping(data).filter(w.filter()), names) for w in (window, before))
    late = Tile("overdue_orders", label_of("overdue_orders", data.metrics),
                same(integer(now["overdue_orders"])), tr("service.tile_late"))  # fmt: skip
    return [
        late,
        *(Tile(name, label_of(name, data.metrics), same(_rate_text(level(name, now, data.metrics))),
             tr("channels.before", value=same(_rate_text(level(name, base, data.metrics)))))
        for name in _RATES)
    ]  # fmt: skip


def build(data: Data, info: SiteInfo) -> Page:
    """The page `service.html`."""
    page = analysis("service")
    feeds = {"shipments", "refunds", "tickets", "reviews"}
    table = shipping(data) if data[_AFTER].is_empty() else data[_AFTER]
    if empty := empty_state(table, info, feeds):
        page.values["headline"] = empty
        return page
    window = window_until(info.data_through, DAYS, None)
    before = window.back(DAYS)
    page.values |= {
        "headline": headline(data, window),
        "warnings": incomplete(data, window, feeds),
        "tiles": _tiles(data, window, before),
        "tiles_follow": "platform",
        "blocks": [
            Block([trend_chart(data, info, page), waiting_chart(data, page, window)]),
            Block([refund_chart(data, info, page), carrier_chart(data, page, window)]),
            Block([care_chart(data, page, window, before)]),
        ],
    }
    return page
