"""Live and creators: who sells on air, and what does it cost?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.page import (
    Both,
    Chart,
    Key,
    Page,
    Table,
    amount_text,
    named,
    same,
    sentences,
    tr,
)
from dashboards.charts.bars import Pair
from dashboards.figures.windows import Window, incomplete, window_until
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.wording.formatting import DASH, exact_money, integer, percent

DAYS = 28
_TABLE = "marts.fct_live_sessions"
_FILES = (_TABLE, "live_sessions")
_ROWS, _LISTED = 10, 40
_SUMS = ("gmv", "commission_amount", "slot_fee_amount", "viewers", "orders")


def sessions(data: Data, window: Window) -> pl.DataFrame:
    """Sessions of a window, the latest first."""
    return data[_TABLE].filter(window.filter()).sort("started_at", "live_room_id", descending=True)


def hosts(rows: pl.DataFrame) -> list[Row]:
    """What each host sold and cost, the most sold first; what nobody knows stays unknown."""
    return (
        rows.group_by("host", "kind")
        .agg(*(exact_sum(name) for name in _SUMS), known=pl.col("gmv").count(), sessions=pl.len())
        .sort(pl.col("gmv").fill_null(-1.0), "host", descending=[True, False])
        .to_dicts()
    )


def _host(row: Row) -> Both:
    return same(str(row["host"] or DASH))


def _began(row: Row, info: SiteInfo) -> str:
    """When a session began, on the clock of the shop."""
    if row["started_at"] is None:
        return DASH
    moment = datetime.strptime(row["started_at"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return f"{moment.astimezone(ZoneInfo(info.timezone)):%Y-%m-%d %H:%M}"


def host_chart(page: Page, info: SiteInfo, rows: Sequence[Row], window: Window) -> Chart:
    """Hosts by what their sessions sold, beside the fee of their slots."""
    money = partial(amount_text, currency=info.currency)
    sold = [row for row in rows if row["gmv"] is not None][:_ROWS]
    pairs = [
        Pair(_host(r), max(r["gmv"], 0.0), money(r["gmv"]), r["slot_fee_amount"],
             None if r["slot_fee_amount"] is None else money(r["slot_fee_amount"]))
        for r in sold
    ]  # fmt: skip
    title = tr("live.hosts_title", host=_host(sold[0]), amount=money(sold[0]["gmv"])) \
        if sold else same("")  # fmt: skip
    heads = ("host", "kind", "sessions", "viewers", "orders", "gmv", "commission", "slot_fee")
    cells: list[list[Both | str]] = [
        [_host(r), named("live.kind", str(r["kind"])), integer(r["sessions"]),
         integer(r["viewers"]), integer(r["orders"]), exact_money(r["gmv"], info.currency),
         exact_money(r["commission_amount"], info.currency),
         exact_money(r["slot_fee_amount"], info.currency)]
        for r in rows
    ]  # fmt: skip
    return bar_chart(page, Bars(
        "live-hosts", (title, tr("live.hosts_subtitle", days=window.text()), tr("live.no_sales")),
        pairs, Table([tr(f"live.head_{key}") for key in heads], cells, text_columns=2), _FILES,
        [Key("■", "accent", tr("live.head_gmv")), Key("■", "ink3", tr("live.head_slot_fee"))],
    ))  # fmt: skip


def session_chart(page: Page, info: SiteInfo, rows: pl.DataFrame, window: Window) -> Chart:
    """The sessions of the window, one a row."""
    heads = ("started", "host", "viewers", "click_rate", "orders", "gmv", "per_viewer",
             "commission_rate")  # fmt: skip
    chart = Chart(
        id="live-sessions",
        title=tr("live.sessions_title", n=rows.height) if rows.height else tr("live.none"),
        subtitle=tr("live.sessions_subtitle", days=window.text(), n=_LISTED),
        figure=None,
        table=Table(
            [tr(f"live.head_{key}") for key in heads],
            [
                [
                    _began(r, info), _host(r), integer(r["viewers"]),
                    percent(r["click_rate"]), integer(r["orders"]),
                    exact_money(r["gmv"], info.currency),
                    exact_money(r["gmv_per_viewer"], info.currency),
                    percent(r["commission_rate"]),
                ]
                for r in rows.head(_LISTED).to_dicts()
            ],
            text_columns=2,
        ),
        source=_TABLE,
        csv="data/live_sessions.csv",
        is_open=True,
        empty=None if rows.height else tr("live.none"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def headline(rows: Sequence[Row], count: int, window: Window, info: SiteInfo) -> Both:
    """How many sessions there were, of how many sales are known, and who sold most of these."""
    if not count:
        return tr("live.headline_none", days=window.text())
    known = sum(row["known"] for row in rows)
    sold = [row for row in rows if row["gmv"] is not None]
    first = tr("live.headline", n=count, days=window.text())
    if not known:
        return sentences([first, tr("live.headline_unknown")])
    gap = tr("live.headline_gap", n=known) if known < count else None
    best = tr("live.headline_best", host=_host(sold[0]),
              amount=amount_text(sold[0]["gmv"], info.currency))  # fmt: skip
    return sentences([first, gap, best if sold[0]["gmv"] > 0 else tr("live.headline_zero")])


def build(data: Data, info: SiteInfo) -> Page:
    """The page `live.html`."""
    page = analysis("live")
    if empty := empty_state(data[_TABLE], info, {"live_sessions"}):
        page.values["headline"] = empty
        return page
    window = window_until(info.data_through, DAYS, None)
    rows = sessions(data, window)
    by_host = hosts(rows)
    sums = rows.select(exact_sum(name) for name in _SUMS).row(0, named=True)
    money = partial(amount_text, currency=info.currency)
    shown = {
        "sessions": same(integer(rows.height)), "gmv": money(sums["gmv"]),
        "commission": money(sums["commission_amount"]), "slot_fee": money(sums["slot_fee_amount"]),
    }  # fmt: skip
    known = tr("live.known_of", n=rows["gmv"].count(), all=rows.height)
    detail = dict.fromkeys(shown, window.text()) | {"gmv": known}
    page.values |= {
        "headline": headline(by_host, rows.height, window, info),
        "warnings": incomplete(data, window, {"live_sessions", "orders"}),
        "tiles": [Tile(key, tr(f"live.head_{key}"), value, detail[key])
                  for key, value in shown.items()],
        "tiles_follow": "platform",
        "blocks": [
            Block([host_chart(page, info, by_host, window)]),
            Block([session_chart(page, info, rows, window)]),
        ],
    }  # fmt: skip
    return page
