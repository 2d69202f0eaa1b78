"""Channels and spend: what do we spend, and what comes back?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from dashboards.base.data import Data, SiteInfo, exact_sum
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Key, Page, Table, amount_text, listed, same, tr
from dashboards.charts.bars import Pair, bars_paired
from dashboards.charts.curves import Series, rate_lines
from dashboards.figures.channels import (
    Spend,
    Total,
    by_channel,
    channel_sums,
    known_both,
    platforms_of,
    total,
)
from dashboards.figures.ratios import level
from dashboards.figures.windows import Window, base_of, base_remark, incomplete, window_until
from dashboards.filters.bar import filter_bar, script_words
from dashboards.filters.periods import for_script, period_filter, periods, window_days
from dashboards.pages.channels.sources import source_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.wording.formatting import DASH, exact_money, fixed, integer, percent

DAYS, TREND_DAYS, _WIDTH = 28, 90, 7
_ROWS = 10
_OVER = 1.1  # claims above this many own orders are named
_TABLE = "marts.fct_channel_daily"
_CSV = "data/channel_daily.csv"


def _tiles(now: Total, base: Total, info: SiteInfo) -> list[Tile]:
    """The four figures of the page, each with what it was before."""
    ways: list[tuple[str, Callable[[Total], float | None], Callable[[float], Both]]] = [
        ("spend", lambda t: t.cost, lambda v: amount_text(v, info.currency)),
        ("mer", lambda t: t.mer, lambda v: same(fixed(v, 2))),
        ("spend_rate", lambda t: t.spend_rate, lambda v: same(percent(v, 1))),
        ("cac", lambda t: t.cac, lambda v: amount_text(v, info.currency)),
    ]
    tiles = []
    for key, take, write in ways:
        value, before = take(now), take(base)
        shown = same(DASH) if value is None else write(value)
        was = same(DASH) if before is None else write(before)
        tiles.append(Tile(key, tr(f"channels.{key}"), shown, tr("channels.before", value=was)))
    return tiles


def _money(value: float | None, info: SiteInfo) -> str:
    return exact_money(value, info.currency)


def _number(value: float | None) -> str:
    return DASH if value is None else integer(value)


def _cells(spend: Spend, info: SiteInfo) -> list[Both | str]:
    """Figures of a row; no spend is a dash, never a ratio."""
    return [
        _money(spend.cost, info) if spend.cost else DASH,
        _money(spend.revenue, info),
        DASH if spend.roas is None else fixed(spend.roas, 2),
        percent(spend.spend_rate),
        _number(spend.new_customers),
        _money(spend.cac, info),
        _number(spend.orders),
        _number(spend.claimed) if spend.claimed else DASH,
        DASH if spend.over_claim is None else f"{fixed(spend.over_claim, 2)}×",
    ]


def _spend_title(rows: Mapping[str, Spend]) -> Both:
    paid = {name: s for name, s in rows.items() if s.roas is not None and s.cost}
    if not paid:
        return tr("channels.title_no_spend")
    if len(paid) == 1:
        name, only = next(iter(paid.items()))
        return tr("channels.title_one", channel=segment_name("channel", name),
                  roas=fixed(only.roas or 0, 2))  # fmt: skip
    ranked = sorted(paid, key=lambda name: (paid[name].roas or 0, name))
    return tr(
        "channels.title",
        best=segment_name("channel", ranked[-1]),
        high=fixed(paid[ranked[-1]].roas or 0, 2),
        worst=segment_name("channel", ranked[0]),
        low=fixed(paid[ranked[0]].roas or 0, 2),
    )


def spend_chart(rows: Mapping[str, Spend], now: Window, page: Page, info: SiteInfo) -> Chart:
    """Revenue and spend of each channel, and all figures as a table."""
    shown = [(name, s) for name, s in rows.items() if s.cost or s.revenue][:_ROWS]
    pairs = [
        Pair(
            segment_name("channel", name),
            max(spend.revenue or 0.0, 0.0),
            amount_text(spend.revenue, info.currency),
            spend.cost if spend.cost else None,
            amount_text(spend.cost, info.currency) if spend.cost else None,
        )
        for name, spend in shown
    ]
    heads = ["spend", "revenue", "roas", "spend_rate", "new", "cac", "orders", "claimed", "over"]
    chart = Chart(
        id="channel-spend",
        title=_spend_title(rows),
        subtitle=tr("channels.subtitle", days=now.text()),
        figure=bars_paired(pairs, page.pool) if pairs else None,
        table=Table(
            [tr("dimension.channel"), *(tr(f"channels.head_{key}") for key in heads)],
            [[segment_name("channel", name), *_cells(s, info)] for name, s in rows.items()],
        ),
        source=_TABLE,
        csv=_CSV,
        height=50 + 52 * len(pairs),
        legend=[
            Key("■", "accent", tr("channels.head_revenue")),
            Key("■", "ink3", tr("channels.spend")),
        ],
        empty=tr("channels.title_no_spend"),
        is_open=True,
        follows="platform period",
    )
    page.charts.append(chart)
    return chart


def _claim_title(rows: Mapping[str, Spend]) -> Both:
    claims = {n: s.over_claim for n, s in rows.items() if s.over_claim is not None and s.cost}
    over = {n: v for n, v in claims.items() if v >= _OVER}
    if not claims:
        return tr("channels.claims_none")
    if not over:
        return tr("channels.claims_fine")
    name = max(over, key=lambda n: (over[n], n))
    return tr("channels.claims_over", channel=segment_name("channel", name), n=fixed(over[name], 1))


def claim_chart(rows: Mapping[str, Spend], now: Window, page: Page) -> Chart:
    """Conversions that advertising platforms claim beside own orders, channel by channel."""
    shown = [(n, s) for n, s in rows.items() if s.claimed and s.cost][:_ROWS]
    pairs = [
        Pair(segment_name("channel", n), s.orders, same(_number(s.orders)), s.claimed,
             same(_number(s.claimed)))
        for n, s in shown
    ]  # fmt: skip
    chart = Chart(
        id="channel-claims",
        title=_claim_title(rows),
        subtitle=tr("channels.claims_subtitle", days=now.text()),
        figure=bars_paired(pairs, page.pool) if pairs else None,
        table=Table(
            [
                tr("dimension.channel"),
                tr("channels.head_orders"),
                tr("channels.head_claimed"),
                tr("channels.head_over"),
            ],
            [
                [
                    segment_name("channel", n),
                    _number(s.orders),
                    _number(s.claimed),
                    DASH if s.over_claim is None else f"{fixed(s.over_claim, 2)}×",
                ]
                for n, s in shown
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=max(150, 50 + 52 * len(pairs)),
        legend=[
            Key("■", "accent", tr("channels.head_orders")),
            Key("■", "ink3", tr("channels.head_claimed")),
        ],
        empty=tr("channels.claims_none"),
    )
    page.charts.append(chart)
    return chart


def _rates(data: Data, last: date) -> tuple[list[date], list[float | None], list[float | None]]:
    """Days with spend rate and MER of the seven days up to each.

    None before seven days are known.
    """
    first = last - timedelta(days=TREND_DAYS - 1)
    start = first - timedelta(days=_WIDTH - 1)
    cost = data[_TABLE].group_by("business_date").agg(exact_sum("cost"))
    company = data.company(last, TREND_DAYS + _WIDTH - 1).select("business_date", "gmv")
    known = known_both(data).group_by("business_date").agg(
        exact_sum("cost").alias("known_cost"), exact_sum("gmv").alias("known_gmv")
    )  # fmt: skip
    summed = (
        pl.DataFrame({"business_date": pl.date_range(start, last, "1d", eager=True)})
        .join(company, on="business_date", how="left")
        .join(cost, on="business_date", how="left")
        .join(known, on="business_date", how="left")
        .sort("business_date")
        .with_columns(
            pl.col("gmv", "cost", "known_gmv", "known_cost").rolling_sum(_WIDTH, min_samples=_WIDTH)
        )
        .filter(pl.col("business_date") >= first)
    )
    rates = [level("spend_rate", row, data.metrics) for row in summed.to_dicts()]
    both = summed.select(gmv="known_gmv", cost="known_cost").to_dicts()
    mers = [level("mer", row, data.metrics) for row in both]
    first_known = next((n for n, rate in enumerate(rates) if rate is not None), 0)
    return summed["business_date"].to_list()[first_known:], rates[first_known:], mers[first_known:]


def rate_chart(data: Data, page: Page, last: date) -> Chart:
    """The spend rate over 90 days."""
    days, rates, mers = _rates(data, last)
    drawn = any(rate is not None for rate in rates)
    latest = next((rate for rate in reversed(rates) if rate is not None), None)
    series = Series(tr("channels.spend_rate"), rates)
    chart = Chart(
        id="spend-rate",
        title=tr("channels.rate_title", rate=percent(latest))
        if drawn
        else tr("channels.rate_none"),
        subtitle=tr("channels.rate_subtitle", days=len(days), width=_WIDTH),
        figure=rate_lines([series], days, page.pool) if drawn else None,
        table=Table(
            [tr("table.day"), tr("channels.spend_rate"), tr("channels.mer")],
            [
                [day.isoformat(), percent(rate, 2), DASH if mer is None else fixed(mer, 2)]
                for day, rate, mer in zip(days[::-1], rates[::-1], mers[::-1], strict=True)
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=270,
        empty=tr("channels.rate_none"),
    )
    page.charts.append(chart)
    return chart


def windows(data: Data, info: SiteInfo) -> tuple[Window, Window | None]:
    """The days of the page and those they are compared with."""
    first = data[_TABLE]["business_date"].min()
    known = first if isinstance(first, date) else None
    now = window_until(info.data_through, DAYS, known)
    return now, base_of(data, now, known)


def _headline(whole: Total, now: Window, info: SiteInfo) -> Both:
    """What was spent and what stands against it, as far as either is known."""
    key = "headline"
    if whole.cost is None:
        key = "headline_none"
    elif not whole.cost:
        key = "headline_zero"
    elif whole.mer is None:
        key = "headline_alone"
    return tr(
        f"channels.{key}",
        days=now.text(),
        spend=amount_text(whole.cost, info.currency),
        mer=DASH if whole.mer is None else fixed(whole.mer, 2),
        rate=percent(whole.spend_rate),
    )


def _names(platforms: Sequence[str]) -> Both:
    return listed([segment_name("platform", name) for name in platforms])


def _partly_known(data: Data, now: Window) -> list[Both]:
    """Says which platforms MER and CAC are over, where that is not all of them."""
    known, unknown = platforms_of(data, now)
    if not known or not unknown:
        return []
    return [tr("channels.known_of", known=_names(known), unknown=_names(unknown))]


def build(data: Data, info: SiteInfo) -> Page:
    """The page `channels.html`."""
    page = analysis("channels")
    missing = empty_state(data[_TABLE], info, {"campaign_spend", "events"})
    if missing:
        page.values["headline"] = missing
        return page
    now, base = windows(data, info)
    whole = total(data, now)
    rows = by_channel(channel_sums(data, now), whole.gmv, data.metrics)
    page.values["headline"] = _headline(whole, now, info)
    page.values["remarks"] = [text for text in (base_remark(data, now, base),) if text]
    page.values["remarks"] += _partly_known(data, now)
    page.values["warnings"] = incomplete(data, now, {"campaign_spend", "orders", "events"})
    if "campaign_spend" not in info.configured_feeds:
        page.values["warnings"].append(tr("channels.spend_not_configured"))
    page.values["tiles"] = _tiles(whole, total(data, base), info)
    page.values["blocks"] = [
        Block(charts=(spend_chart(rows, now, page, info),)),
        Block(charts=(claim_chart(rows, now, page), rate_chart(data, page, info.data_through))),
    ]
    sources = source_chart(data, info, page)
    page.values["blocks"] += [Block(charts=(sources,))] if sources else []
    page.values["filters"] = [
        *filter_bar(data, data[_TABLE], None),
        *period_filter(periods(data, info), now.text()),
    ]
    page.values["tiles_follow"] = "platform period"
    names = {
        str(name): segment_name("channel", str(name)) for name in data[_TABLE]["channel"].unique()
    }
    page.payload = {
        **script_words(info),
        "periods": for_script(periods(data, info), info),
        "channel_names": {key: [text.en, text.zh] for key, text in sorted(names.items())},
        "channels": {
            "now": window_days(now),
            "base": window_days(base),
        },
    }
    return page
